//! Faults against levers that only take notes.

use super::*;
use crate::object::field::Value;

/// Levers that write down how they are pulled.
#[derive(Default)]
struct Notes(Vec<String>);

impl Levers for Notes {
    fn power(&mut self, node: NodeId, on: bool) {
        self.0.push(format!("power {} {on}", node.0));
    }

    fn kubelet(&mut self, node: NodeId, runs: bool) {
        self.0.push(format!("kubelet {} {runs}", node.0));
    }

    fn slow(&mut self, node: NodeId, factor: Factor, begins: bool) {
        self.0.push(format!("slow {} ×{factor} {begins}", node.0));
    }

    fn cut(&mut self, node: NodeId, direction: Direction, begins: bool) {
        self.0.push(format!("cut {} {direction:?} {begins}", node.0));
    }

    fn slow_link(&mut self, node: NodeId, direction: Direction, factor: Factor, extra: Span, begins: bool) {
        self.0.push(format!("slow-link {} {direction:?} ×{factor} +{extra} {begins}", node.0));
    }

    fn lose(&mut self, node: NodeId, direction: Direction, share: u32, begins: bool) {
        self.0.push(format!("lose {} {direction:?} {share} {begins}", node.0));
    }

    fn disk_pressure(&mut self, node: NodeId, fault: &Name, evict: Option<u32>) {
        self.0.push(format!("disk-pressure {} {fault} {evict:?}", node.0));
    }

    fn delete_node(&mut self, node: NodeId) {
        self.0.push(format!("delete {}", node.0));
    }

    fn registry(&mut self, is_there: bool) {
        self.0.push(format!("registry {is_there}"));
    }

    fn slow_registry(&mut self, factor: Factor, begins: bool) {
        self.0.push(format!("slow-registry ×{factor} {begins}"));
    }
}

fn build(name: &str, parameters: &[(&'static str, &str)]) -> Result<Arc<dyn Fault>, String> {
    let parameters = parameters.iter().map(|&(key, value)| (key, Value::Text(value.to_string()))).collect();
    (find(name).expect("a fault").build)(&parameters).map_err(|wrong| wrong.why)
}

/// How a fault pulls the levers when it begins, and when it ends.
fn story(name: &str, parameters: &[(&'static str, &str)]) -> [String; 2] {
    let fault = build(name, parameters).expect("good parameters");
    let (mut notes, id, nodes) = (Notes::default(), Name::from("dark"), [(NodeId(0), "a".into())]);
    let hit = Hit { fault: &id, nodes: &nodes };
    fault.begin(&hit, &mut notes);
    let begun = std::mem::take(&mut notes.0).join("\n");
    fault.end(&hit, &mut notes);
    [begun, notes.0.join("\n")]
}

#[test]
fn what_a_fault_does_its_end_undoes() {
    for (name, parameters, begun, ended) in [
        ("node.crash", &[][..], "power 0 false", "power 0 true"),
        ("node.reboot", &[("graceful", "false")], "power 0 false\npower 0 true", ""),
        ("node.slow", &[("factor", "2.5")], "slow 0 ×2.5 true", "slow 0 ×2.5 false"),
        ("power.loss", &[], "power 0 false", "power 0 true"),
        ("kubelet.hang", &[], "kubelet 0 false", "kubelet 0 true"),
        ("node.partition", &[], "cut 0 Up true\ncut 0 Down true", "cut 0 Up false\ncut 0 Down false"),
        ("node.partition", &[("direction", "down")], "cut 0 Down true", "cut 0 Down false"),
        (
            "link.slow",
            &[("latency", "200ms"), ("direction", "up")],
            "slow-link 0 Up ×1 +200ms true",
            "slow-link 0 Up ×1 +200ms false",
        ),
        (
            "link.lossy",
            &[("loss", "5%")],
            "lose 0 Up 50000 true\nlose 0 Down 50000 true",
            "lose 0 Up 50000 false\nlose 0 Down 50000 false",
        ),
        ("node.disk-pressure", &[("evict", "2")], "disk-pressure 0 dark Some(2)", "disk-pressure 0 dark None"),
        ("node.deleted", &[], "delete 0", "kubelet 0 false\nkubelet 0 true"),
        ("image-registry.slow", &[("factor", "5")], "slow-registry ×5 true", "slow-registry ×5 false"),
        ("image-registry.gone", &[], "registry false", "registry true"),
    ] {
        assert_eq!(story(name, parameters), [begun, ended], "{name}");
    }
}

#[test]
fn a_parameter_without_sense_is_refused_with_a_sentence() {
    for (name, parameters, told) in [
        ("node.reboot", &[("graceful", "true")][..], "graceful shutdown is not simulated yet"),
        ("node.slow", &[], "`factor` is missing"),
        ("node.slow", &[("factor", "0.1")], "`0.1` is not a factor: expected a number from 1 to 1000"),
        ("link.slow", &[("latency", "soon")], "is not a duration"),
        ("link.slow", &[("latency", "2d")], "`latency` is at most 24h00m00s, not 48h00m00s"),
        ("node.partition", &[("direction", "left")], "`left` is not a direction"),
        ("link.slow", &[], "give `latency = \"200ms\"`, or `factor = 100`"),
        ("link.lossy", &[], "`loss` is missing"),
        ("link.lossy", &[("loss", "100%")], "`100%` is not a share below one"),
        ("link.lossy", &[("loss", "-1")], "`-1` is not a share below one"),
        ("node.disk-pressure", &[("evict", "some")], "`some` is not a whole number"),
        ("image-registry.slow", &[], "`factor` is missing"),
    ] {
        let message = build(name, parameters).expect_err(told);
        assert!(message.contains(told), "{name}: {message}");
    }
}

#[test]
fn names_are_unique_and_every_parameter_is_read() {
    for (index, row) in REGISTRY.iter().enumerate() {
        assert!(REGISTRY[..index].iter().all(|other| other.name != row.name), "{}", row.name);
        for field in row.parameters {
            assert!(build(row.name, &[(field.name, "?")]).is_err(), "{}: {}", row.name, field.name);
            let list = [(field.name, Value::List(Vec::new()))].into();
            assert!((row.build)(&list).is_err(), "{}: {} as a list", row.name, field.name);
        }
    }
}
