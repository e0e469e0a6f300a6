//! What one origin cost one workload, added up as time goes by.

use super::{Cause, Held, Owner};
use crate::kernel::time::Time;
use std::collections::BTreeMap;

/// A piece of a vacancy's time, up to a moment.
pub type Piece = (Time, Cause, Owner);

/// What one origin cost one workload so far.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// Replica-microseconds by cause and owner.
    pub parts: BTreeMap<(Cause, Owner), u64>,
    /// When the first vacancy was opened that lasted.
    pub since: Option<Time>,
    /// Vacancies that lasted for longer than a moment and are over.
    pub over: u32,
    /// Most vacancies at the same time.
    pub most: u32,
    /// Replica-microseconds for which the holders of vacancies were ready and not known everywhere, throttled or not.
    pub unrouted: u64,
    /// Replica-microseconds that the API did not know to be lost.
    pub unaware: u64,
    /// Replica-microseconds that the API claimed to be lost and were not.
    pub mistaken: u64,
    /// Vacancies that are open.
    pub open: u32,
    /// Replicas that the API says are missing.
    pub claimed: u32,
    last: Time,
}

impl Account {
    /// Time goes by.
    pub fn advance(&mut self, at: Time) {
        let elapsed = at.since(self.last).as_micros();
        if elapsed > 0 {
            self.most = self.most.max(self.open);
            self.unaware += elapsed * u64::from(self.open.saturating_sub(self.claimed));
            self.mistaken += elapsed * u64::from(self.claimed.saturating_sub(self.open));
        }
        self.last = at;
    }

    /// Gives the time since `from` to the causes of `pieces`, but what of it a request was held to that.
    pub fn give(&mut self, mut from: Time, pieces: &[Piece], held: &[Held]) {
        for (until, cause, owner) in pieces {
            let (until, cause) = ((*until).max(from), *cause);
            if cause == Cause::NotRouted {
                self.unrouted += until.since(from).as_micros();
            }
            let mut at = from;
            // Waits for tokens may overlap: the first one has the time.
            for wait in held {
                let (begin, end) = (wait.from.max(at), wait.to.min(until));
                if begin < end {
                    self.add(cause, owner, at, begin);
                    let (cause, owner) = wait.blamed(cause, owner);
                    self.add(cause, &owner, begin, end);
                    at = end;
                }
            }
            self.add(cause, owner, at, until);
            from = until;
        }
    }

    fn add(&mut self, cause: Cause, owner: &Owner, from: Time, to: Time) {
        let span = to.since(from).as_micros();
        if span > 0 {
            *self.parts.entry((cause, owner.clone())).or_default() += span;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::time::Span;
    use crate::object::SettingId::ControllerQps;

    #[test]
    fn waits_for_tokens_are_cut_out_and_the_sum_stays() {
        let at = |second| Time::ZERO + Span::from_secs(second);
        let held = |from, to| Held { from: at(from), to: at(to), setting: Some(ControllerQps), is_of_kubelet: false };
        let mut account = Account::default();
        let pieces = [(at(20), Cause::Tolerated, Owner::Nobody), (at(30), Cause::NotReplaced, Owner::Nobody)];
        // Ten to twenty-two is held: two waits that overlap, one of which began before the vacancy.
        account.give(at(10), &pieces, &[held(5, 14), held(12, 22), held(29, 40)]);
        let parts: Vec<(&str, u64)> =
            account.parts.iter().map(|((cause, _), micros)| (cause.name(), micros / 1_000_000)).collect();
        assert_eq!(parts, [("not-replaced", 7), ("throttled", 13)]);
    }
}
