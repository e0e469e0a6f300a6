//! Layer 4: the network between nodes and the control plane.
//!
//! Every request, reply and watch delivery crosses it: it takes a while, longer on a slow or lossy link, or is lost
//! because the link is cut in that direction. Programs of the control plane reach the API server over a link that is never cut, for now. It does not
//! know what a message says.

use crate::ground::{Direction, Ground, Line, NodeId};
use crate::kernel::rng::{Draws, Purpose};
use crate::kernel::time::{Span, Time};
use crate::object::{DelayId, Delays, SettingId, Settings};

/// Where a message comes from or goes to, besides the API server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Peer {
    /// A program beside the API server.
    ControlPlane,
    /// A node.
    Node(NodeId),
}

/// What decides over a message.
pub struct Network<'a> {
    /// Which links carry.
    pub ground: &'a Ground,
    /// Delays of the run.
    pub delays: &'a Delays,
    /// Random draws by key.
    pub draws: &'a Draws,
    /// Settings of the run.
    pub settings: &'a Settings,
    /// Simulated time.
    pub now: Time,
}

impl Network<'_> {
    /// Whether a message now passes between `peer` and the API server.
    pub fn carries(&self, peer: Peer, direction: Direction) -> bool {
        match peer {
            Peer::ControlPlane => true,
            Peer::Node(node) => self.ground.carries(node, direction, self.now, self.patience()),
        }
    }

    /// How long a connection on which nothing comes back is kept: it is probed after a quiet time, and ended if the probe
    /// is not answered.
    pub fn patience(&self) -> Span {
        self.settings.span(SettingId::HttpReadIdleTimeout) + self.settings.span(SettingId::HttpPingTimeout)
    }

    /// How long a message is on its way, or `None` if it is lost. Up is towards the API server.
    pub fn transit(&self, peer: Peer, direction: Direction, path: &str, counter: u64) -> Option<Span> {
        let suffix = match direction {
            Direction::Up => "up",
            Direction::Down => "down",
        };
        let usual = self.carries(peer, direction).then(|| match self.delays.get(DelayId::NetworkLatency) {
            crate::kernel::dist::Delay::Constant(span) => *span,
            _ => self.delays.sample(DelayId::NetworkLatency, self.draws, &format!("{path} {suffix}"), counter),
        })?;
        match peer {
            Peer::ControlPlane => Some(usual),
            Peer::Node(node) => self.along(self.ground[node].line(direction), usual, &format!("{path} {suffix}")),
        }
    }

    /// How long a message takes along `line` that would usually take `usual`, or `None` if its connection is given up
    /// before it gets through.
    pub fn along(&self, line: &Line, usual: Span, path: &str) -> Option<Span> {
        let slowed = line.slow.of(usual) + line.extra;
        let (survivors, patience) = (line.survivors(), self.patience());
        if slowed > usual && slowed > patience {
            return None;
        }
        if line.losses.is_empty() {
            return Some(slowed);
        }
        // The same message may be sent again, with other luck: that depends on the moment.
        let (path, moment) = (format!("lost {path}"), self.now.as_micros());
        let mut wait = self.delays.sample(DelayId::TcpRetransmit, self.draws, &path, moment);
        let mut waited = Span::ZERO;
        for attempt in 0..=RETRIES {
            let lot = self.draws.below(Purpose::Fault, &format!("{path} {attempt}"), moment, 1_000_000);
            if lot < survivors {
                return Some(slowed + waited);
            }
            waited = waited + wait;
            wait = wait.times(2);
            if waited > patience {
                return None;
            }
        }
        None
    }
}

/// How often a message is sent again before its connection is given up. Linux: net.ipv4.tcp_retries2.
const RETRIES: u32 = 15;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::factor::Factor;

    #[test]
    fn a_cut_in_one_direction_lets_the_other_pass_until_the_connection_ends() {
        let mut ground = Ground::default();
        let node = ground.add("n1".into());
        ground[node].down.cuts = 1;
        ground[node].cut_since = Some(Time::ZERO);
        let (delays, draws, settings) = (Delays::default(), Draws::new(1), Settings::default());
        let network = Network { ground: &ground, delays: &delays, draws: &draws, settings: &settings, now: Time::ZERO };
        let peer = Peer::Node(node);
        assert!(network.transit(peer, Direction::Up, "lease", 0).is_some_and(|span| span > Span::ZERO));
        assert_eq!(network.transit(peer, Direction::Down, "lease", 0), None);
        assert!(network.transit(Peer::ControlPlane, Direction::Down, "bind", 0).is_some());
        let later = Network { now: Time::ZERO + Span::from_secs(46), ..network };
        assert_eq!(later.transit(peer, Direction::Up, "lease", 0), None, "the connection has been given up");
    }

    #[test]
    fn a_slow_line_takes_longer_and_a_lossy_one_sends_again() {
        let ground = Ground::default();
        let (delays, draws, settings) = (Delays::default(), Draws::new(1), Settings::default());
        let usual = Span::from_millis(1);
        let along = |line: &Line, now: u64| {
            let now = Time::from_micros(now);
            let network = Network { ground: &ground, delays: &delays, draws: &draws, settings: &settings, now };
            network.along(line, usual, "lease")
        };
        let mut slow = Line { extra: Span::from_millis(30), ..Line::default() };
        slow.slow.change(Factor::parse("20").unwrap(), true);
        assert_eq!(along(&slow, 0), Some(Span::from_millis(50)));
        let dead = Line { extra: Span::from_secs(46), ..Line::default() };
        assert_eq!(along(&dead, 0), None, "its connection is probed for 45 s");
        let lossy = Line { losses: vec![200_000, 375_000], ..Line::default() };
        assert_eq!(lossy.survivors(), 500_000);
        let mut counts = [0; 9];
        for now in 0..4_000 {
            // Lost k times: 200 ms · (2ᵏ − 1); after 45 s the connection is given up.
            let losses = along(&lossy, now).map_or(8, |span| ((span - usual).as_micros() / 200_000 + 1).ilog2());
            counts[losses as usize] += 1;
        }
        for (losses, count) in counts.iter().enumerate().take(5) {
            let expected = 4_000.0 / f64::from(2 << losses);
            assert!((f64::from(*count) - expected).abs() < 5.0 * expected.sqrt(), "{counts:?}");
        }
        assert!(counts[8] > 0, "{counts:?}");
    }
}
