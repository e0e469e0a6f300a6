//! How long a request takes at the server.
//!
//! Writes take their turn on the server's machine ([`Desk`]); otherwise each request is served by itself: seats, queues and
//! overload of priority and fairness are not modelled yet.

use super::request::Request;
use crate::kernel::rng::Draws;
use crate::kernel::time::Time;
use crate::object::{DelayId, Delays};

/// When the server's machine is free again.
#[derive(Clone, Copy, Debug, Default)]
pub struct Desk {
    free: Time,
}

/// What becomes of a request that arrives.
#[derive(Clone, Copy, Debug)]
pub struct Turn {
    /// When its turn on the server's machine is over.
    pub over: Time,
    /// When it is committed or answered.
    pub served: Time,
}

/// A request that arrives.
pub struct Arrival<'a> {
    /// What is asked.
    pub request: &'a Request,
    /// Whether it will be refused because its object has changed.
    pub is_outdated: bool,
    /// Names it for draws: who asks for what.
    pub path: &'a str,
    /// Of which version.
    pub version: u64,
}

impl Desk {
    /// When a request that arrives now has had its turn, and when it is committed or answered. A write that will be refused
    /// because its object has changed takes no longer than a read: it never gets as far as etcd.
    pub fn turn(&mut self, arrival: &Arrival<'_>, delays: &Delays, draws: &Draws, now: Time) -> Turn {
        let sample = |id| delays.sample(id, draws, arrival.path, arrival.version);
        if arrival.request.is_read() || arrival.is_outdated {
            return Turn { over: now, served: now + sample(DelayId::ApiRead) };
        }
        self.free = self.free.max(now) + sample(DelayId::ApiTurn);
        Turn { over: self.free, served: self.free + sample(DelayId::ApiWrite) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::dist::Delay;
    use crate::kernel::time::Span;
    use crate::object::{Key, Kind, Meta, Namespace};

    #[test]
    fn writes_take_turns_and_reads_do_not_wait() {
        let mut delays = Delays::default();
        let constant = |millis| Delay::Constant(Span::from_millis(millis));
        for (id, millis) in [(DelayId::ApiTurn, 4), (DelayId::ApiWrite, 10), (DelayId::ApiRead, 1)] {
            delays.set(id, constant(millis));
        }
        let write = Request::Create(Namespace { meta: Meta::new(Key::cluster("a")) }.into());
        let read = Request::Get { kind: Kind::Namespace, key: Key::cluster("a") };
        let mut desk = Desk::default();
        let mut served = |request: &Request, is_outdated, now| {
            let arrival = Arrival { request, is_outdated, path: "x", version: 0 };
            let now = Time::ZERO + Span::from_millis(now);
            desk.turn(&arrival, &delays, &Draws::new(1), now).served.since(Time::ZERO).as_micros() / 1_000
        };
        assert_eq!([served(&write, false, 0), served(&write, false, 0), served(&write, false, 1)], [14, 18, 22]);
        assert_eq!([served(&read, false, 1), served(&write, true, 1)], [2, 2]);
        assert_eq!(served(&write, false, 100), 114);
    }
}
