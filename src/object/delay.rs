//! The registry of modelled delays: how long things take that upstream does not set but the world does.
//!
//! These are the simulator's own assumptions. A scenario overrides them under `[delays]`.

use crate::kernel::dist::Delay;
use crate::kernel::rng::Draws;
use crate::kernel::time::Span;

/// One row of the registry.
#[derive(Clone, Debug)]
pub struct DelayRow {
    /// Name in scenarios.
    pub name: &'static str,
    /// Default.
    pub default: Delay,
    /// What takes that long, and where the default comes from.
    pub what: &'static str,
}

macro_rules! delays {
    ($($id:ident = $name:literal, $default:expr, $what:literal;)*) => {
        /// Names a row of [`DELAYS`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum DelayId { $(#[doc = $what] $id,)* }

        /// The registry, in the order of [`DelayId`].
        pub const DELAYS: &[DelayRow] = &[$(DelayRow { name: $name, default: $default, what: $what },)*];

        impl DelayId {
            /// All ids, in the order of the registry.
            pub const ALL: &[DelayId] = &[$(DelayId::$id,)*];
        }
    };
}

const fn ms(millis: u64) -> Span {
    Span::from_millis(millis)
}

const fn us(micros: u64) -> Span {
    Span::from_micros(micros)
}

delays! {
    ImagePull = "image-pull", Delay::LogNormal { median: ms(4_000), p95: ms(12_000) },
        "An image that the node does not have yet is pulled. Assumed: a few hundred megabytes from a registry nearby.";
    ContainerStart = "container-start", Delay::Uniform { min: ms(300), max: ms(900) },
        "Sandbox, network and containers of a pod are created and started. Assumed.";
    ReadyAfter = "ready-after", Delay::Constant(ms(1_000)),
        "A container that has started becomes ready to serve. Assumed; probes are not simulated yet.";
    ContainerStop = "container-stop", Delay::Constant(ms(1_000)),
        "Containers end after they were asked to, at most their grace period. Assumed.";
    NodeBoot = "node-boot", Delay::Uniform { min: ms(25_000), max: ms(45_000) },
        "A machine that gets power, or gets it back, runs its kubelet. Assumed.";
    NodeReady = "node-ready", Delay::Uniform { min: ms(1_000), max: ms(10_000) },
        "A kubelet that has registered a new node finds its runtime and network ready. Assumed: the network plugin starts.";
    KubeletReconnect = "kubelet-reconnect", Delay::Uniform { min: us(0), max: ms(10_000) },
        "A kubelet whose link is back tries again: the rest of its 10 s rounds (kubelet lease and status periods).";
    KubeletStartSpread = "kubelet-start-spread", Delay::Uniform { min: us(0), max: ms(3_600_000) },
        "How far apart kubelets were started before the scenario. Assumed: so far that their renewals keep no common time.";
    NetworkLatency = "network-latency", Delay::LogNormal { median: us(300), p95: us(900) },
        "A message crosses the network, one way. Assumed: one data centre.";
    ApiRead = "api-read", Delay::LogNormal { median: us(1_500), p95: us(6_000) },
        "The API server serves a read. Assumed; the recordings on a busy machine show some ms to some tens of ms.";
    ApiTurn = "api-turn", Delay::Constant(us(0)),
        "A write keeps the API server's machine busy, so that the next one waits. Assumed: never short of processors.";
    ApiWrite = "api-write", Delay::LogNormal { median: us(4_000), p95: us(15_000) },
        "The API server and etcd commit a write. Assumed; the recordings show some ms to some tens of ms.";
    ApiReply = "api-reply", Delay::Uniform { min: us(1_000), max: us(6_000) },
        "The API server encodes and sends its answer after the commit. Assumed; watchers usually hear of a commit first.";
    TcpRetransmit = "tcp-retransmit", Delay::Constant(ms(200)),
        "A message that a lossy link has lost is sent again; each further wait doubles. Linux: TCP_RTO_MIN.";
    WatchLatency = "watch-latency", Delay::LogNormal { median: us(400), p95: us(1_000) },
        "A committed change reaches a watcher's cache, on top of the network. Assumed.";
    MonitorPass = "node-monitor-pass", Delay::Uniform { min: us(500), max: ms(100) },
        "The controller manager looks through all nodes once. Timelines of the real one show passes 5.0 to 5.1 s apart.";
    SchedulingCycle = "scheduling-cycle", Delay::Uniform { min: us(500), max: us(2_500) },
        "The scheduler decides on one pod. Upstream's benchmarks: 1 to 2 ms in small clusters.";
    ProxySync = "proxy-sync", Delay::Uniform { min: ms(5), max: ms(60) },
        "kube-proxy writes its rules to the kernel. Assumed.";
}

impl DelayId {
    /// Its row.
    pub const fn row(self) -> &'static DelayRow {
        &DELAYS[self as usize]
    }

    /// The row with this name.
    pub fn find(name: &str) -> Option<DelayId> {
        DelayId::ALL.iter().copied().find(|id| id.row().name == name)
    }
}

/// The delays that hold in one run.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Delays {
    values: Vec<Delay>,
}

impl Default for Delays {
    fn default() -> Self {
        Delays { values: DELAYS.iter().map(|row| row.default.clone()).collect() }
    }
}

impl Delays {
    /// The distribution.
    pub fn get(&self, id: DelayId) -> &Delay {
        &self.values[id as usize]
    }

    /// Overrides a default.
    pub fn set(&mut self, id: DelayId, delay: Delay) {
        self.values[id as usize] = delay;
    }

    /// A sample for the entity at `path`. Delays share draws with none of each other.
    pub fn sample(&self, id: DelayId, draws: &Draws, path: &str, counter: u64) -> Span {
        match self.get(id) {
            Delay::Constant(span) => *span,
            delay => delay.sample(draws, &format!("{}\0{path}", id.row().name), counter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_sound_and_names_are_unique() {
        for &id in DelayId::ALL {
            assert_eq!(id.row().default.validate(), Ok(()), "{}", id.row().name);
            assert_eq!(DelayId::find(id.row().name), Some(id));
        }
    }
}
