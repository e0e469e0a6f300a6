//! Layer 4: the network between nodes and the control plane.
//!
//! Every request, reply and watch delivery crosses it: it takes a while, or is lost because the link is cut in that
//! direction. Programs of the control plane reach the API server over a link that is never cut, for now. It does not
//! know what a message says.

use crate::ground::{Direction, Ground, NodeId};
use crate::kernel::rng::Draws;
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
        self.carries(peer, direction).then(|| {
            let suffix = match direction {
                Direction::Up => "up",
                Direction::Down => "down",
            };
            match self.delays.get(DelayId::NetworkLatency) {
                crate::kernel::dist::Delay::Constant(span) => *span,
                _ => self.delays.sample(DelayId::NetworkLatency, self.draws, &format!("{path} {suffix}"), counter),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_in_one_direction_lets_the_other_pass_until_the_connection_ends() {
        let mut ground = Ground::default();
        let node = ground.add("n1".into());
        ground[node].cuts_down = 1;
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
}
