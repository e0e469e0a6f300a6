//! Who holds a vacancy: pods that come, get on, serve, stop and leave.

use super::account::Piece;
use super::ledger::{Ledger, Trigger};
use super::stage::{Candidate, Progress};
use super::{Cause, Owner};
use crate::kernel::time::Span;
use crate::object::{DelayId, Key, Labels, Name, Pod, SettingId};
use crate::record::workloads::{WorkloadId, Workloads};
use std::sync::Arc;

impl Ledger {
    /// The containers of a pod have been ready since before the run, and everybody knows it.
    pub fn has_been_ready(&mut self, pod: &Key, trigger: &Trigger, workloads: &Workloads) {
        let Some(workload) = workloads.pod(pod).and_then(|record| record.workload.clone()) else { return };
        if let Some((_, candidate)) = self.candidates.get(pod) {
            if let Some(number) = candidate.vacancy {
                self.close(number, trigger);
            }
            self.forget(pod, &workload);
        }
        self.balance(&workload, Some(pod), trigger, workloads);
    }

    /// A pod is no candidate any more.
    pub(super) fn forget(&mut self, pod: &Key, workload: &WorkloadId) {
        if let Some((arrival, _)) = self.candidates.remove(pod) {
            self.books.entry(workload.clone()).or_default().free.remove(&(arrival, pod.clone()));
        }
    }

    pub(super) fn pod_changed(
        &mut self,
        key: &Key,
        pod: Option<&Arc<Pod>>,
        workload: &WorkloadId,
        trigger: &Trigger,
        workloads: &Workloads,
    ) {
        let is_serving = workloads.pod(key).is_some_and(|record| record.is_serving);
        let Some(pod) = pod.filter(|pod| pod.is_active() && !is_serving) else {
            if !(is_serving && self.awaiting.contains_key(key)) {
                self.leave(key, workload, trigger);
            }
            return;
        };
        if let Some((_, candidate)) = self.candidates.get_mut(key) {
            let before = candidate.pod.node_name.clone();
            candidate.update(trigger.at, pod);
            let (vacancy, node) = (candidate.vacancy, pod.node_name.clone());
            let Some(number) = vacancy else { return };
            if before != node {
                self.by_node.entry(node).or_default().insert(number);
            }
            let cause = self.cause_of(key);
            if self.vacancies[&number].cause != cause {
                self.turn(number, cause, trigger, &[]);
            }
            return;
        }
        self.come(key, Candidate::new(pod.clone()), workload, trigger);
    }

    /// A pod that belonged to the workload `from` belongs to another one now.
    pub fn changes_hands(&mut self, key: &Key, from: Option<&WorkloadId>, trigger: &Trigger, workloads: &Workloads) {
        let kept = self.candidates.get(key).map(|(_, candidate)| candidate.clone());
        let to = workloads.pod(key).and_then(|record| record.workload.as_ref());
        if let Some(from) = from {
            self.leave(key, from, trigger);
            self.balance(from, Some(key), trigger, workloads);
        }
        if let Some(to) = to {
            if let Some(candidate) = kept {
                self.come(key, Candidate { vacancy: None, ..candidate }, to, trigger);
            }
            self.balance(to, Some(key), trigger, workloads);
        }
    }

    /// A pod is there that is meant to serve.
    pub(super) fn come(&mut self, key: &Key, candidate: Candidate, workload: &WorkloadId, trigger: &Trigger) {
        self.arrivals += 1;
        self.candidates.insert(key.clone(), (self.arrivals, candidate));
        let book = self.books.entry(workload.clone()).or_default();
        match book.unheld.first().copied() {
            Some(number) => self.hold(number, key, trigger),
            None => drop(book.free.insert((self.arrivals, key.clone()))),
        }
    }

    /// A pod takes a vacancy that nobody holds.
    pub(super) fn hold(&mut self, number: u32, key: &Key, trigger: &Trigger) {
        let (arrival, candidate) = self.candidates.get_mut(key).expect("who holds a vacancy is a candidate");
        candidate.vacancy = Some(number);
        let (arrival, node) = (*arrival, candidate.pod.node_name.clone());
        let cause = self.cause_of(key);
        let vacancy = self.vacancies.get_mut(&number).expect("it is open");
        vacancy.holder = Some(key.clone());
        vacancy.held.extend(trigger.held);
        let book = self.books.entry(vacancy.workload.clone()).or_default();
        book.unheld.remove(&number);
        book.free.remove(&(arrival, key.clone()));
        if !node.is_empty() {
            self.by_node.entry(node).or_default().insert(number);
        }
        self.turn(number, cause, trigger, &[]);
        // What else its controller waits for is no matter of this vacancy any more.
        self.vacancies.get_mut(&number).expect("it is open").held.clear();
    }

    /// A pod is gone, has ended or is being deleted: whoever comes next takes its place.
    pub(super) fn leave(&mut self, key: &Key, workload: &WorkloadId, trigger: &Trigger) {
        let number = match self.candidates.get(key) {
            Some((arrival, candidate)) => {
                let (arrival, vacancy) = (*arrival, candidate.vacancy);
                self.books.entry(workload.clone()).or_default().free.remove(&(arrival, key.clone()));
                vacancy
            }
            None => self.awaiting.get(key).copied(),
        };
        if let Some(number) = number {
            self.turn(number, Cause::NotReplaced, trigger, &[]);
            self.release(number, key, trigger);
        }
        self.candidates.remove(key);
    }

    /// A vacancy loses its holder; a pod that is on its way already takes it.
    pub(super) fn release(&mut self, number: u32, key: &Key, trigger: &Trigger) {
        self.awaiting.remove(key);
        if let Some((_, candidate)) = self.candidates.get_mut(key) {
            candidate.vacancy = None;
            if let Some(there) = self.by_node.get_mut(&candidate.pod.node_name) {
                there.remove(&number);
            }
        }
        let vacancy = self.vacancies.get_mut(&number).expect("it is open");
        (vacancy.holder, vacancy.named) = (None, None);
        let book = self.books.entry(vacancy.workload.clone()).or_default();
        book.awaiting.remove(&number);
        book.unheld.insert(number);
        let next = book.free.iter().find(|(_, free)| free != key).cloned();
        if let Some((_, next)) = next {
            self.hold(number, &next, &Trigger { held: None, ..*trigger });
        }
    }

    /// What a pod waits for changes without a commit.
    pub(super) fn progress(&mut self, key: &Key, trigger: &Trigger, change: impl FnOnce(&mut Candidate)) {
        let Some((_, candidate)) = self.candidates.get_mut(key) else { return };
        change(candidate);
        if let Some(number) = candidate.vacancy {
            let cause = self.cause_of(key);
            if cause == Cause::NoRoom && self.vacancies[&number].cause == cause {
                let (_, candidate) = self.candidates.get_mut(key).expect("it was there");
                candidate.tried = Some(trigger.at);
                return;
            }
            self.turn(number, cause, trigger, &[]);
        }
    }

    /// The containers of a pod run: how long its images could not be pulled, how long they then took, and how much of that
    /// because the registry was slow.
    pub(super) fn started(&mut self, key: &Key, node: &Name, [failed, pulled, slowed]: [Span; 3], trigger: &Trigger) {
        let Some((_, candidate)) =
            self.candidates.get_mut(key).filter(|(_, candidate)| candidate.pod.node_name == *node)
        else {
            return;
        };
        candidate.progress = Progress::Running;
        let (bound, vacancy) = (candidate.bound, candidate.vacancy);
        let Some(number) = vacancy else { return };
        let cause = self.cause_of(key);
        let vacancy = self.vacancies.get_mut(&number).expect("it is open");
        if matches!(vacancy.cause, Cause::NotNoticed | Cause::RateLimited | Cause::Tolerated | Cause::Pulling) {
            // Its node could hear after all; or its images came.
            vacancy.cause = Cause::Starting;
        }
        let begun = (bound.unwrap_or(vacancy.since) + failed).min(trigger.at);
        let there = (begun + pulled).min(trigger.at);
        let slow = (begun + pulled.saturating_sub(slowed)).min(there);
        let pieces: [Piece; 3] = [
            (begun, Cause::Pulling, Owner::Setting(SettingId::ImagePullBackoffBase)),
            (slow, Cause::Pulling, Owner::Delay(DelayId::ImagePull)),
            (there, Cause::Pulling, self.slow_registry.map_or(Owner::Delay(DelayId::ImagePull), Owner::Event)),
        ];
        let from = if failed > Span::ZERO { 0 } else { 1 };
        let has_pulled = vacancy.cause == Cause::Starting && failed + pulled > Span::ZERO;
        self.turn(number, cause, trigger, if has_pulled { &pieces[from..] } else { &[] });
    }

    /// The containers of a pod are ready.
    pub(super) fn serves(&mut self, key: &Key, workload: &WorkloadId, trigger: &Trigger) {
        let Some((_, candidate)) = self.candidates.get(key).cloned() else { return };
        let Some(number) = candidate.vacancy else { return self.forget(key, workload) };
        let labels = &candidate.pod.meta.labels;
        let selects = |(service, selector): (&Key, &Labels)| {
            service.namespace == key.namespace && !selector.is_empty() && labels.contains_all(selector)
        };
        if self.services.iter().any(selects) {
            self.turn(number, Cause::NotRouted, trigger, &[]);
            self.awaiting.insert(key.clone(), number);
            self.books.entry(workload.clone()).or_default().awaiting.insert(number);
            self.unlist(number, &candidate);
        } else {
            self.close(number, trigger);
        }
        self.forget(key, workload);
    }

    pub(super) fn unlist(&mut self, number: u32, candidate: &Candidate) {
        if let Some(there) = self.by_node.get_mut(&candidate.pod.node_name) {
            there.remove(&number);
        }
    }

    /// The containers of a pod stopped.
    pub(super) fn stopped(&mut self, key: &Key, workload: &WorkloadId, trigger: &Trigger, workloads: &Workloads) {
        let Some(record) = workloads.pod(key) else { return };
        let is_lost = self.nodes.get(&record.node).is_some_and(|node| node.is_off);
        let progress = if is_lost { Progress::Starting } else { Progress::Exited };
        if self.candidates.contains_key(key) {
            return self.progress(key, trigger, |candidate| candidate.progress = progress);
        }
        let Some(pod) = Some(&record.pod).filter(|pod| pod.is_active()).cloned() else {
            return self.leave(key, workload, trigger);
        };
        let awaited = self.awaiting.remove(key);
        self.arrivals += 1;
        let candidate = Candidate { progress, ..Candidate::new(pod) };
        self.candidates.insert(key.clone(), (self.arrivals, candidate));
        match awaited {
            Some(number) => {
                self.books.entry(workload.clone()).or_default().awaiting.remove(&number);
                self.hold(number, key, trigger);
            }
            None => {
                let arrival = self.arrivals;
                self.books.entry(workload.clone()).or_default().free.insert((arrival, key.clone()));
            }
        }
    }
}
