//! Vacancies are opened and closed so that there are as many as replicas are missing, and their time is given away.

use super::account::{Account, Piece};
use super::ledger::{Ledger, Trigger, Vacancy};
use super::stage::Progress;
use super::{Cause, Origin, Owner};
use crate::kernel::time::Time;
use crate::object::{DelayId, FactId, Key, SettingId};
use crate::record::workloads::{WorkloadId, Workloads};

impl Ledger {
    /// Opens and closes vacancies until there are as many as replicas are missing. `pod` is what it is about.
    pub(super) fn balance(&mut self, id: &WorkloadId, pod: Option<&Key>, trigger: &Trigger, workloads: &Workloads) {
        let Some(workload) = workloads.get(id) else { return };
        let (desired, serving, ready) = (workload.desired.value(), workload.serving.value(), workload.ready.value());
        let missing = usize::try_from(desired - serving).unwrap_or(0);
        let surplus = usize::try_from(serving - desired).unwrap_or(0);
        let is_new = workload.serving.iter().all(|(_, value)| value == 0);
        let origin = match trigger.root {
            FactId::NONE if is_new || pod.is_none() => Origin::Start,
            FactId::NONE => Origin::Itself,
            root => Origin::Event(root),
        };
        let claimed = usize::try_from(desired - ready).unwrap_or(0);
        self.claim(id, claimed, pod, origin, trigger.at);
        loop {
            let book = self.books.entry(id.clone()).or_default();
            let (real, awaiting) = (book.open.len() - book.awaiting.len(), book.awaiting.len());
            if real > missing {
                let is_real = |number: &&u32| !book.awaiting.contains(*number);
                let number = book.unheld.first().or_else(|| book.open.iter().find(is_real)).copied();
                self.close(number.expect("there is one too many"), trigger);
            } else if real < missing {
                self.open(id, pod, origin, trigger);
            } else if awaiting > 0 && surplus >= awaiting {
                // As many others serve as are wanted.
                let number = book.awaiting.last().copied().expect("one awaits");
                self.close(number, trigger);
            } else {
                return;
            }
        }
    }

    pub(super) fn open(&mut self, id: &WorkloadId, pod: Option<&Key>, origin: Origin, trigger: &Trigger) {
        let number = self.numbers;
        self.numbers += 1;
        let book = self.books.entry(id.clone()).or_default();
        book.open.insert(number);
        book.unheld.insert(number);
        let free = pod.and_then(|pod| book.free.iter().find(|(_, free)| free == pod)).or_else(|| book.free.first());
        let holder = free.map(|(_, free)| free.clone());
        let vacancy = Vacancy {
            workload: id.clone(),
            origin,
            opened: trigger.at,
            holder: None,
            cause: Cause::NotReplaced,
            since: trigger.at,
            held: Vec::new(),
            named: None,
        };
        self.vacancies.insert(number, vacancy);
        let account = self.account(origin, id, trigger.at);
        account.open += 1;
        if let Some(holder) = holder {
            self.hold(number, &holder, &Trigger { held: None, ..*trigger });
        }
    }

    pub(super) fn close(&mut self, number: u32, trigger: &Trigger) {
        self.turn(number, Cause::NotRouted, trigger, &[]);
        let vacancy = self.vacancies.remove(&number).expect("it is open");
        let book = self.books.entry(vacancy.workload.clone()).or_default();
        for numbers in [&mut book.open, &mut book.unheld, &mut book.awaiting] {
            numbers.remove(&number);
        }
        if let Some(holder) = &vacancy.holder {
            self.awaiting.remove(holder);
            if let Some((arrival, candidate)) = self.candidates.get_mut(holder) {
                candidate.vacancy = None;
                book.free.insert((*arrival, holder.clone()));
                if let Some(there) = self.by_node.get_mut(&candidate.pod.node_name) {
                    there.remove(&number);
                }
            }
        }
        let (opened, at) = (vacancy.opened, trigger.at);
        let account = self.account(vacancy.origin, &vacancy.workload, at);
        account.open -= 1;
        if opened < at {
            account.over += 1;
            account.since = Some(account.since.map_or(opened, |since| since.min(opened)));
        }
    }

    pub(super) fn account(&mut self, origin: Origin, id: &WorkloadId, at: Time) -> &mut Account {
        let account = self.accounts.entry((origin, id.clone())).or_default();
        account.advance(at);
        account
    }

    /// As many replicas are missing as the API says now.
    pub(super) fn claim(&mut self, id: &WorkloadId, claimed: usize, pod: Option<&Key>, origin: Origin, at: Time) {
        loop {
            let book = self.books.entry(id.clone()).or_default();
            let (number, origin, by) = if book.claims.len() < claimed {
                let number = self.numbers;
                self.numbers += 1;
                book.claims.insert(number, (pod.cloned(), origin));
                (number, origin, 1)
            } else if book.claims.len() > claimed {
                let own = book.claims.iter().find(|(_, (of, _))| pod.is_some() && of.as_ref() == pod);
                let (number, (_, origin)) = own.or_else(|| book.claims.iter().next()).expect("there is one too many");
                (*number, *origin, -1)
            } else {
                return;
            };
            if by < 0 {
                book.claims.remove(&number);
            }
            let account = self.account(origin, id, at);
            account.claimed = account.claimed.wrapping_add_signed(by);
        }
    }

    /// The wait of a vacancy is over: its time is given to its cause, `first` of it to other pieces, and the next begins.
    pub(super) fn turn(&mut self, number: u32, next: Cause, trigger: &Trigger, first: &[Piece]) {
        let vacancy = &self.vacancies[&number];
        let pieces = [first, &self.pieces(vacancy, next, trigger)].concat();
        let vacancy = self.vacancies.get_mut(&number).expect("it is open");
        let (cause, since, at) = (vacancy.cause, vacancy.since, trigger.at);
        (vacancy.cause, vacancy.since) = (next, at);
        vacancy.held.extend(trigger.held.filter(|held| cause == Cause::NotRouted || !held.is_of_kubelet));
        let mut held = std::mem::take(&mut vacancy.held);
        held.sort_by_key(|held| held.from);
        let (origin, id) = (vacancy.origin, vacancy.workload.clone());
        self.account(origin, &id, at).give(since, &pieces, &held);
        held.retain(|held| held.to > at);
        self.vacancies.get_mut(&number).expect("it is open").held = held;
    }

    /// What the time of a vacancy since its last turn goes to.
    pub(super) fn pieces(&self, vacancy: &Vacancy, next: Cause, trigger: &Trigger) -> Vec<Piece> {
        let (cause, at) = (vacancy.cause, trigger.at);
        let (candidate, usual) = (self.holder(vacancy), self.usual_owner(vacancy));
        let owned = trigger.owner.map(Owner::Setting);
        let within = |moment: Option<Time>| moment.filter(|moment| *moment > vacancy.since && *moment <= at);
        let event = Owner::Event(trigger.root);
        let acted = within(trigger.acted);
        // There was no room yet when it was tried last.
        let tried = within(candidate.and_then(|candidate| candidate.tried)).unwrap_or(vacancy.since);
        let is_endless = match cause {
            Cause::NoRoom | Cause::Restarting | Cause::NotReplaced | Cause::NotReady => true,
            Cause::Pulling => candidate.is_some_and(|candidate| candidate.progress == Progress::PullFails),
            Cause::Tolerated => {
                candidate.is_some_and(|candidate| candidate.stays_for_ever(self.node(&candidate.pod.node_name)))
            }
            _ => false,
        };
        if let Some(acted) = acted.filter(|_| is_endless) {
            return vec![
                (acted, Cause::Stuck, event),
                (at, if cause == Cause::NoRoom { Cause::NotPlaced } else { cause }, owned.unwrap_or(usual)),
            ];
        }
        match (cause, next) {
            (Cause::NoRoom, _) => match trigger.owner {
                Some(owner @ (SettingId::PodInitialBackoff | SettingId::PodMaxBackoff)) => {
                    let helped = within(trigger.caused).unwrap_or(tried);
                    vec![(helped, cause, Owner::Nobody), (at, Cause::BackOff, Owner::Setting(owner))]
                }
                Some(owner) => vec![(tried, cause, Owner::Nobody), (at, cause, Owner::Setting(owner))],
                None => {
                    let helped = within(trigger.caused).unwrap_or(at);
                    vec![(helped, cause, Owner::Nobody), (at, Cause::NotPlaced, Owner::Nobody)]
                }
            },
            (Cause::NotNoticed | Cause::RateLimited, Cause::RateLimited | Cause::Tolerated) => {
                vec![(at, cause, if acted.is_some() { event } else { owned.unwrap_or(usual) })]
            }
            (Cause::NotNoticed | Cause::RateLimited | Cause::Tolerated, Cause::NotReplaced) => {
                let evicted = if cause == Cause::Tolerated { owned.unwrap_or(usual) } else { Owner::Nobody };
                vec![(at, cause, if acted.is_some() { event } else { evicted })]
            }
            // Its taint was taken off though the node is still lost: somebody did, or nobody is evicted any more.
            (Cause::Tolerated, Cause::RateLimited | Cause::NotNoticed) => {
                vec![(at, cause, if trigger.root == FactId::NONE { usual } else { event })]
            }
            // The node itself came back, after a boot if its machine had been off.
            (
                Cause::NotNoticed | Cause::RateLimited | Cause::Tolerated,
                Cause::Starting | Cause::Pulling | Cause::Restarting | Cause::NotReady,
            ) => {
                let is_stopped = cause == Cause::RateLimited && usual != Owner::Setting(SettingId::NodeEvictionPeriod);
                let blame = if is_stopped { usual } else { event };
                let powered = within(trigger.caused).unwrap_or(at);
                vec![(powered, cause, blame), (at, Cause::Starting, Owner::Delay(DelayId::NodeBoot))]
            }
            (Cause::NotPlaced, Cause::NotPlaced | Cause::NoRoom) => {
                vec![(at, cause, Owner::Delay(DelayId::SchedulingCycle))]
            }
            (Cause::NotRouted, _) if vacancy.named.is_some() => {
                vec![(at, cause, owned.unwrap_or(Owner::Delay(DelayId::ProxySync)))]
            }
            (Cause::NotReplaced | Cause::NotPlaced | Cause::NotRouted, _) => {
                vec![(at, cause, owned.unwrap_or(Owner::Nobody))]
            }
            _ => vec![(at, cause, usual)],
        }
    }
}
