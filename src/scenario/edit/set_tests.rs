//! Values set by path: where they go, what stays, and what is told about paths that lead nowhere.

use super::*;

const TEXT: &str = r#"# A story.
schema = "evenkeel/v1"

[run]
seed  = 7       # lucky
until = "10m"

[[cluster.pool]]
name     = "server"
count    = 4
zones    = ["a", "b"]
capacity = { cpu = "4", memory = "8Gi" }    # each

[control]
kube-controller-manager = { node-monitor-grace-period = "50s" }

# It dies.
[[event]]
id = "crash"
at = "1m"

[[event]]
id = "light"
after = "crash"

[[workload]]
kind = "Deployment"
name = "web"

[[workload]]
kind = "StatefulSet"
name = "web"
"#;

fn after(setting: &str) -> Result<String, String> {
    let tell = |wrong: Wrong| format!("{}; {}", wrong.why, wrong.help);
    set(TEXT, &split(setting).map_err(tell)?).map_err(tell)
}

/// The lines that are other ones after the change.
fn changed(setting: &str) -> String {
    let text = after(setting).unwrap_or_else(|wrong| panic!("{setting}: {wrong}"));
    let lines: Vec<&str> = text.lines().collect();
    let old: Vec<&str> = TEXT.lines().collect();
    let same = lines.iter().zip(&old).take_while(|(new, old)| new == old).count();
    let rest = (lines.len() - same).min(old.len() - same);
    let tail = (0..rest).take_while(|&back| lines[lines.len() - 1 - back] == old[old.len() - 1 - back]).count();
    format!("{}: {}", same + 1, lines[same..lines.len() - tail].join(" / "))
}

#[test]
fn a_value_goes_where_its_path_says_and_everything_else_stays() {
    for (setting, expected) in [
        ("run.seed=8", "5: seed  = 8       # lucky  # set on the command line"),
        ("run.until=2m", "6: until = \"2m\"  # set on the command line"),
        (" run . until = \"2m\" ", "6: until = \"2m\"  # set on the command line"),
        ("run.stop=time", "7: stop = \"time\"  # set on the command line"),
        ("title=A = b", "3: title = \"A = b\"  # set on the command line"),
        ("event.crash.at=2026-11-24T18:00:00Z", "20: at = 2026-11-24T18:00:00Z  # set on the command line"),
        ("event.1.after=\"x\"", "24: after = \"x\"  # set on the command line"),
        (
            "event.light.delay={ dist = \"uniform\", min = \"1s\", max = \"2s\" }",
            "25: delay = { dist = \"uniform\", min = \"1s\", max = \"2s\" }  # set on the command line",
        ),
        ("cluster.pool.server.count=5", "10: count    = 5  # set on the command line"),
        ("cluster.pool.server.zones=[\"c\"]", "11: zones    = [\"c\"]  # set on the command line"),
        ("cluster.pool.0.zones.1=c", "11: zones    = [\"a\", \"c\"]  # set on the command line"),
        (
            "cluster.pool.server.capacity.cpu='8'",
            "12: capacity = { cpu = '8', memory = \"8Gi\" }    # each  # set on the command line",
        ),
        ("cluster.pool.server.labels.\"a.b/c\"=true", "13: labels = { \"a.b/c\" = true }  # set on the command line"),
        (
            "control.kube-controller-manager.node-eviction-rate=0.2",
            "15: kube-controller-manager = { node-monitor-grace-period = \"50s\", node-eviction-rate = 0.2 }  # set on the command line",
        ),
        ("delays.image-pull=0s", "33:  / [delays] / image-pull = \"0s\"  # set on the command line"),
        ("workload.1.replicas=2", "33: replicas = 2  # set on the command line"),
    ] {
        assert_eq!(changed(setting), expected, "{setting}");
        let text = after(setting).unwrap();
        assert!(text.parse::<toml::Table>().is_ok(), "{text}");
    }
    let twice = set(&after("run.seed=8").unwrap(), &split("run.seed=9").unwrap()).unwrap();
    assert!(twice.contains("seed  = 9       # lucky  # set on the command line\n"), "{twice}");
}

#[test]
fn a_path_that_leads_nowhere_is_told_with_a_way_out() {
    for (setting, told) in [
        ("event.crsh.at=1m", "no element of `event` is called `crsh`; did you mean `crash`?"),
        ("event.zzz.at=1m", "no element of `event` is called `zzz`; there are `crash`, `light`"),
        ("event.2.at=1m", "`event` has 2 elements: none is number 2, counted from 0; there are `crash`, `light`"),
        ("event.\"0\".at=1m", "no element of `event` is called `0`; there are"),
        (
            "workload.web.replicas=2",
            "2 elements of `workload` are called `web`; say which by its namespace, as `workload.shop/web`, or by its place: `workload.0`, `workload.1`",
        ),
        ("evnt.crash.at=1m", "the scenario has no `evnt`; did you mean `event`?"),
        ("expect.noticed.at-most=1m", "the scenario has no `[[expect]]`; "),
        (
            "event.crash=1",
            "`event.crash` is a whole element of a list, which cannot be set at once; name one of its keys",
        ),
        ("event=1", "`event` is a list of tables, which cannot be set at once"),
        ("run=1", "`run` is a whole table, which cannot be set at once; name one of its keys"),
        ("run.seed.x=1", "`run.seed` has no keys: its type is integer; set `run.seed` itself"),
        ("cluster.pool.server.zones.7=c", "`cluster.pool.server.zones` has 2 elements: none is number 7"),
        (
            "cluster.pool.server.zones.a=c",
            "no element of `cluster.pool.server.zones` is called `a`; its elements have no names",
        ),
        ("run.seed", "`run.seed` says what to set, but not to which value; write `run.seed=VALUE`"),
        ("=5", "`=5` is no path: a part of it is empty"),
        ("run..seed=5", "a part of it is empty"),
        ("run.\"seed=5", "a quote does not end"),
        ("\"run\"seed=5", "a dot is missing between two parts"),
    ] {
        let wrong = after(setting).expect_err(setting);
        assert!(wrong.contains(told), "{setting}: {wrong}");
    }
    assert!(Path::parse("a.b=1").is_err());
    assert_eq!(Path::parse("a.\"b.c\" .0").unwrap().to_string(), "a.\"b.c\".0");
    assert!(set("a = ", &split("a=1").unwrap()).unwrap_err().bytes.is_some());
}
