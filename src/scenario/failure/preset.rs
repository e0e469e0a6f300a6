//! Processes of failures that scenarios may name: `model = "rack-power"`. Each is what one would write by hand, with the
//! source of its numbers.
//!
//! Published figures are of the fleets and years that were studied. "Ours" marks what no source gives; "order of
//! magnitude" marks what differs between sources by several times, so that a figure in between had to be chosen.

/// A named process.
pub struct Preset {
    /// Name in scenarios.
    pub name: &'static str,
    /// What fails and how, in a sentence.
    pub what: &'static str,
    /// The keys of a `[[failure]]` table and their values, as TOML. A scenario's own keys win.
    pub keys: &'static str,
    /// Where its numbers are from.
    pub source: &'static str,
    /// What to beware of.
    pub caveat: &'static str,
}

/// The preset of this name.
pub fn find(name: &str) -> Option<&'static Preset> {
    REGISTRY.iter().find(|preset| preset.name == name)
}

/// All presets: single machines first, then what takes many of them along.
pub const REGISTRY: &[Preset] = &[
    Preset {
        name: "node-hardware",
        what: "A machine breaks and is repaired by hand.",
        keys: r#"do = "node.crash"
per = "node"
every = { dist = "weibull", shape = 0.75, scale = "920d" } # mean 3 years
for = { dist = "lognormal", median = "2h", p95 = "14h24m" }
"#,
        source: "Shape and repairs: B. Schroeder and G. A. Gibson, DSN 2006 (some 23,000 failures of 22 systems at Los Alamos in \
                 9 years): Weibull with a shape of 0.7 to 0.8; repairs log-normal, their mean under an hour to more than a day \
                 by system. Mean: K. V. Vishwanath and N. Nagappan, SoCC 2010: about 8 % of the servers need a repair within a \
                 year.",
        caveat: "The mean of 3 years is an order of magnitude: sources imply 2 to 12 years for a server.",
    },
    Preset {
        name: "gpu-node",
        what: "A machine with eight accelerators breaks.",
        keys: r#"do = "node.crash"
per = "node"
every = { dist = "exponential", mean = "264d" }
for = { dist = "lognormal", median = "2h", p95 = "14h24m" }
"#,
        source: "Meta, \"The Llama 3 Herd of Models\", 2024: 419 unexpected interruptions in 54 days on 16,384 accelerators: one in \
                 54 d · 2,048 / 419 = 264 days a machine of eight. A. Kokolis et al., 2024: 2.3 to 6.5 failures in 1,000 \
                 node-days, one in 154 to 435 days.",
        caveat: "Networks and software are among the 419. Repairs as for `node-hardware`: no source gives them.",
    },
    Preset {
        name: "disk",
        what: "The disk of a machine's system dies: the machine is down until it has another.",
        keys: r#"do = "node.crash"
per = "node"
every = { dist = "weibull", shape = 0.75, scale = "10219d" } # 3 % in a year
for = { dist = "lognormal", median = "4h", p95 = "2d" }
"#,
        source: "B. Schroeder and G. A. Gibson, FAST 2007: 2 to 4 % of the disks are replaced in a year, up to 13 %; Weibull with \
                 a shape of 0.7 to 0.8. E. Pinheiro et al., FAST 2007: 1.7 % in the first year to 8.6 % in the third. Backblaze, \
                 2021 to 2024: 1.0 to 1.6 %.",
        caveat: "One disk a machine. The time to replace it is ours. What was on the disk is there again: data is not simulated.",
    },
    Preset {
        name: "kernel-crash",
        what: "A machine stops because of its software and is up again within minutes.",
        keys: r#"do = "node.crash"
per = "node"
every = { dist = "weibull", shape = 0.75, scale = "153d" } # mean 6 months
for = { dist = "lognormal", median = "3m", p95 = "11m11s" }
"#,
        source: "Durations: D. Ford et al., OSDI 2010 (Google's storage): fewer than 10 % of the times that a node is away last \
                 more than 15 minutes. Shape: as for `node-hardware`.",
        caveat: "The mean of 6 months is an order of magnitude: 3 to 12 months. `for` is the time without power; booting comes \
                 on top.",
    },
    Preset {
        name: "node-reboot",
        what: "A machine is booted again, by plan or not.",
        keys: r#"do = "node.reboot"
per = "node"
every = { dist = "exponential", mean = "30d" }
"#,
        source: "Google's cluster traces of 2011 and 2019: about one removal a month and machine, most of them for maintenance.",
        caveat: "Planned ones come after a drain in well-kept clusters; these do not. At random moments, not in waves.",
    },
    Preset {
        name: "flapping-node",
        what: "A machine loses its link to the control plane again and again.",
        keys: r#"do = "node.partition"
per = "node"
every = { dist = "exponential", mean = "5m" }
for = { dist = "uniform", min = "20s", max = "200s" }
most = 1
"#,
        source: "Ours, chosen to lie on both sides of what the control plane notices (40 to 50 s) and tolerates (300 s).",
        caveat: "For lessons, not from a measurement. Name the node: `target = { node = \"…\" }`.",
    },
    Preset {
        name: "slow-node",
        what: "A machine becomes ten times slower without failing.",
        keys: r#"do = "node.slow"
factor = 10
per = "node"
every = { dist = "exponential", mean = "73000d" } # 0.5 in 100 machines and a year
for = { dist = "lognormal", median = "1d", p95 = "7d" }
"#,
        source: "H. S. Gunawi et al., FAST 2018 (101 reports of hardware that became slow): most causes took hours to months to \
                 find.",
        caveat: "How often is an order of magnitude (0.2 to 1 in 100 machines and a year), and so is the factor (2 to 100).",
    },
    Preset {
        name: "spot-reclaim",
        what: "The cloud takes cheap machines back, several of a zone at once; others take their places after minutes.",
        keys: r#"do = "node.crash"
per = "node"
every = { dist = "exponential", mean = "1500d" }
for = { dist = "uniform", min = "1m", max = "5m" }
burst = { share = 0.6, within = "zone" }
"#,
        source: "Amazon's Spot Instance Advisor: fewer than 5 % in a month on average, more than 20 % for popular types. A burst \
                 of 1 / (1 − 0.6) = 2.5 machines and a burst begun by each in 1,500 days make one reclaim in 600 days a machine: \
                 5 % in a month.",
        caveat: "The share of bursts is ours. The notice before (two minutes at Amazon) is not simulated, and the replacement is \
                 the same node again.",
    },
    Preset {
        name: "machine-burst",
        what: "Machines stop, some of them together with others of their rack.",
        keys: r#"do = "power.loss"
jitter = "2m"
per = "node"
every = { dist = "weibull", shape = 0.75, scale = "153d" }
for = { dist = "lognormal", median = "3m", p95 = "11m11s" }
burst = { share = 0.206, within = "rack" }
"#,
        source: "D. Ford et al., OSDI 2010: about 37 % of the failures lie in bursts of two or more within 120 s, and large bursts \
                 lie within racks. With a share of 0.206, 1 − (1 − 0.206)² = 37 % of the failures are in bursts.",
        caveat: "Bursts there had a heavier tail than a geometric number has: add `rack-power` for whole racks.",
    },
    Preset {
        name: "rack-power",
        what: "A rack loses its power; its machines stop within two minutes and are back within two more.",
        keys: r#"do = "power.loss"
jitter = "2m"
stagger = "2m"
per = "rack"
every = { dist = "exponential", mean = "730d" }
for = { dist = "lognormal", median = "2h27m", p95 = "6h" }
"#,
        source: "J. Dean, Google I/O 2008 and LADIS 2009: in the first year of a cluster of some 1,800 machines about 20 racks \
                 fail, 40 to 80 machines for 1 to 6 hours each: 0.4 to 0.9 in a year and rack.",
        caveat: "A new cluster; 0.5 in a year is chosen as rates fall later. How far apart machines stop and come back is ours.",
    },
    Preset {
        name: "power-feed",
        what: "A power distribution unit fails, and everything behind it.",
        keys: r#"do = "power.loss"
jitter = "1s"
stagger = "10m"
per = "power"
every = { dist = "exponential", mean = "365d" }
for = { dist = "lognormal", median = "6h", p95 = "12h" }
"#,
        source: "J. Dean, Google I/O 2008 and LADIS 2009: about one in the first year of a cluster, 500 to 1,000 machines for some \
                 6 hours.",
        caveat: "One feed a rack: with two, a rack outlives the loss of one. Stagger and the spread of `for` are ours.",
    },
    Preset {
        name: "tor-switch",
        what: "The switch of a rack fails: nothing passes between its machines and the control plane.",
        keys: r#"do = "node.partition"
per = "rack"
every = { dist = "exponential", mean = "7300d" }
for = { dist = "lognormal", median = "4m", p95 = "1h" }
"#,
        source: "P. Gill, N. Jain and N. Nagappan, SIGCOMM 2011: about 5 % of the top-of-rack switches fail within a year; most \
                 failures are over within minutes, with a long tail.",
        caveat: "Median and tail of `for` are orders of magnitude. Two switches a rack make it rarer by far.",
    },
    Preset {
        name: "wonky-rack",
        what: "A rack loses half of its messages.",
        keys: r#"do = "link.lossy"
loss = "50%"
per = "rack"
every = { dist = "exponential", mean = "3285d" }
for = { dist = "lognormal", median = "1h", p95 = "6h" }
"#,
        source: "J. Dean, Google I/O 2008 and LADIS 2009: about five racks in the first year of a cluster lose 50 % of their \
                 packets; of some 45 racks that is one in 9 years a rack.",
        caveat: "How long it lasts is ours.",
    },
    Preset {
        name: "zone-outage",
        what: "A zone loses its power.",
        keys: r#"do = "power.loss"
jitter = "2m"
stagger = "10m"
per = "zone"
every = { dist = "exponential", mean = "3650d" }
for = { dist = "lognormal", median = "90m", p95 = "10h" }
"#,
        source: "Public reports of outages, such as Amazon's us-east-1 on 2021-12-07 (some 7 hours) and 2025-10-20 (some 15 hours). \
                 H. S. Gunawi et al., SoCC 2016 (597 outages of 32 services): many last more than 4 hours.",
        caveat: "How often is an order of magnitude: 0.05 to 0.3 in a year and zone. Reported outages were of whole regions, and \
                 mostly of control planes rather than power.",
    },
];
