//! What becomes of the recorder's words: events, needs, or complaints, and never nothing.

use super::super::scenario;
use super::*;
use crate::scenario::Problems;
use insta::assert_snapshot;

/// The events of these actions; what they need, and what is wrong with them.
fn plan(actions: &str) -> (Vec<Planned>, Vec<String>) {
    let template =
        r#"{"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "a:1"}]}}"#;
    let text = format!(
        r#"{{"name": "z1-words", "duration": 99, "nodes": [{{"count": 3, "capacity": {{"cpu": 2}}}}], "actions": [{actions}],
            "manifests": [{{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {{"name": "web"}}, "spec":
                {{"replicas": 2, "selector": {{"matchLabels": {{"app": "web"}}}}, "template": {template}}}}}]}}"#
    );
    let mut problems = Problems::default();
    let scenario = scenario::parse("z1.json", &text, &mut problems).expect("it can be read");
    let (mut needs, mut next) = (Vec::new(), 0);
    let nodes = nodes::of_group(&scenario, &scenario.nodes[0], &mut next, &mut problems, &mut needs);
    let reader = Reader { scenario: &scenario, problems: &mut problems, needs: &mut needs };
    let mut planner = Planner::new(reader, &nodes, next);
    planner.plan();
    let events = planner.events;
    let complaints = problems.render(false);
    needs.extend(complaints.lines().filter(|line| line.starts_with("error")).map(str::to_string));
    (events, needs)
}

fn planned(actions: &str) -> String {
    let (events, others) = plan(actions);
    let said = events.iter().map(|event| {
        let at = event.at.as_secs_f64();
        match &event.what {
            Happening::Action { action, .. } => format!("{at} {action}"),
            Happening::Fault { name, target, lasts, .. } => match lasts {
                Some(lasts) => format!("{at} {name} {target} until {}", at + lasts.as_secs_f64()),
                None => format!("{at} {name} {target}"),
            },
            Happening::Join(nodes) => {
                format!(
                    "{at} join {}",
                    nodes.iter().map(|node| node.meta.name().as_str()).collect::<Vec<_>>().join(" ")
                )
            }
        }
    });
    said.chain(others).collect::<Vec<String>>().join("\n")
}

#[test]
fn words_of_people_become_actions() {
    let actions = r#"
        {"at": 1, "do": "untaint", "nodes": ["n0", "n1"], "key": "a"},
        {"at": 2, "do": "taint", "node": "n0", "taints": ["x=y:NoExecute", {"key": "k", "effect": "NoSchedule"}]},
        {"at": 3, "do": "taint", "node": "n0", "taint": "k:NoSchedule-"},
        {"at": 4, "do": "label", "node": "n2", "labels": {"disk": "$POOL"}},
        {"at": 5, "do": "patch", "kind": "Node", "name": "n2", "patch": {"spec": {"unschedulable": true}}},
        {"at": 6, "do": "rollout-pause", "name": "web", "note": "so that nothing moves"},
        {"at": 7, "do": "rollout-resume", "name": "web"},
        {"at": 8, "do": "rollback", "name": "web", "revision": 1},
        {"at": 9, "do": "delete-pods", "app": "web", "count": 1, "grace": 0}"#;
    assert_snapshot!(planned(actions), @"
    1 taint nodes n0 a:NoSchedule- a:PreferNoSchedule- a:NoExecute-
    1 taint nodes n1 a:NoSchedule- a:PreferNoSchedule- a:NoExecute-
    2 taint nodes n0 x=y:NoExecute k:NoSchedule
    3 taint nodes n0 k:NoSchedule-
    4 label nodes n2 disk=z1-words
    5 cordon n2
    6 rollout pause deployment/web
    7 rollout resume deployment/web
    8 rollout undo deployment/web --to-revision=1
    9 delete pods -n default -l app=web, the first 1 --grace-period=0
    ");
}

#[test]
fn a_patch_builds_on_what_the_actions_before_it_left() {
    let actions = r#"
        {"at": 1, "do": "scale", "name": "web", "replicas": 7},
        {"at": 2, "do": "set-image", "name": "web", "image": "a:2", "annotations": {"ready-delay": "4"}},
        {"at": 3, "do": "patch", "name": "web", "patch": {"spec": {"minReadySeconds": 5}}}"#;
    assert_snapshot!(planned(actions), @"
    1 scale deployment/web --replicas=7
    2 set image deployment/web *=a:2
    3 apply deployment/web
    ");
    let applied = format!("{:?}", plan(actions).0[2].what);
    for part in ["replicas: Some(7)", "a:2", "min_ready_seconds: 5", "4s"] {
        assert!(applied.contains(part), "{part} not in {applied}");
    }
    let after_undo = r#"
        {"at": 1, "do": "undo", "name": "web"},
        {"at": 2, "do": "patch", "name": "web", "patch": {"spec": {"minReadySeconds": 5}}}"#;
    assert_snapshot!(planned(after_undo), @"
    1 rollout undo deployment/web
    needs a patch of a Deployment that no manifest tells of, which is not simulated yet
    ");
}

#[test]
fn nodes_go_and_come_back() {
    let actions = r#"
        {"at": 10, "do": "crash", "nodes": ["n0", "n1"]},
        {"at": 11, "do": "crash", "node": "n0"},
        {"at": 20, "do": "recover", "node": "n0"},
        {"at": 30, "do": "crash", "node": "n0"},
        {"at": 40, "do": "recover", "node": "n0", "mode": "reboot"},
        {"at": 50, "do": "remove-node", "nodes": ["n1", "n2"]},
        {"at": 60, "do": "add-nodes", "group": {"count": 2, "first": 1, "cpu": 2}},
        {"at": 70, "do": "add-nodes", "group": {"count": 1}}"#;
    assert_snapshot!(planned(actions), @"
    10 node.partition node n0 until 20
    10 node.crash node n1 until 60
    30 node.crash node n0 until 40
    50 node.crash node n1 until 60
    50 delete node/n1
    50 node.crash node n2 until 60
    50 delete node/n2
    70 join n3
    ");
    let other = r#"
        {"at": 50, "do": "remove-node", "node": "n1"},
        {"at": 60, "do": "add-nodes", "group": {"count": 1, "first": 1, "cpu": 8}},
        {"at": 70, "do": "recover", "node": "n0"}"#;
    assert_snapshot!(planned(other), @"
    50 node.crash node n1 until 60
    50 delete node/n1
    needs a node that comes back with other labels, taints or resources, which is not simulated yet
    needs the recovery of a node that is not down, which is not simulated yet
    ");
}

#[test]
fn what_is_not_understood_is_said() {
    let actions = r#"
        {"at": 1, "do": "crash", "zone": "za"},
        {"at": 2, "do": "evaporate", "node": "n1"},
        {"at": 3, "do": "label", "node": "n1", "labels": {"a": null}},
        {"at": 4, "do": "patch", "name": "web", "patch": {"spec": {"template": {"spec": {"tolerations": []}}}}},
        {"at": 5, "do": "patch", "kind": "Node", "name": "n1", "patch": {"spec": {"podCIDR": "x"}}},
        {"at": 6, "do": "delete", "kind": "ConfigMap", "name": "x"},
        {"at": 7, "do": "delete", "kind": "Namespace", "name": "ns"},
        {"at": 8, "do": "add-nodes", "group": {"count": 1, "kernel": "6.1"}},
        {"at": 9, "do": "drain", "node": "n1"}"#;
    assert_snapshot!(planned(actions), @"
    3 label nodes n1 a-
    8 join n3
    needs `zone` of an action `crash`, which is unknown here
    needs the action `evaporate`, which is unknown here
    needs a patch of the list `spec.template.spec.tolerations`, which is not simulated yet
    needs a patch of a Node's `spec.podCIDR`, which is not simulated yet
    needs ConfigMap, which is not simulated yet
    needs the namespace controller, which is not simulated yet
    needs `kernel` of a group of nodes, which is unknown here
    needs a record of draining a node (action `drain`), which is not simulated yet
    ");
    let wrong = r#"
        {"at": 1, "do": "crash"},
        {"at": 2, "do": "taint", "node": "n1", "taint": "x"},
        {"at": 3, "do": "label", "node": "n1", "labels": {"a": 4}},
        {"at": 4, "do": "scale", "name": "web"},
        {"at": 5, "do": "patch", "name": "web", "patch": 3},
        {"at": 6, "do": "cordon", "node": "n9"},
        {"at": 7, "do": "crash", "node": "n1"},
        {"at": 8, "do": "recover", "node": "n1", "mode": "x"}"#;
    assert_snapshot!(planned(wrong), @r#"
    6 cordon n9
    error[E0102]: `node` is missing: expected the name of a node, or `nodes` with a list of names
    error[E0103]: `taint` is "x": expected a taint as "key=value:NoSchedule"
    error[E0103]: `labels` is {"a":4}: expected an object with texts
    error[E0102]: `replicas` is missing: expected a whole number, not negative
    error[E0103]: `patch` is 3: expected an object
    error[E0103]: there is no node `n9`: expected one of n0, n1, n2
    error[E0103]: `mode` is "x": expected `partition` or `reboot`
    "#);
}
