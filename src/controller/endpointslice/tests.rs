//! Life stories of EndpointSlices.

use super::*;
use crate::apiserver::ApiError;
use crate::kernel::time::Span;
use crate::object::node::LABEL_ZONE;
use crate::object::pod::{self, Phase};
use crate::object::service::ServicePort;
use crate::object::{Condition, ConditionStatus, Deletion, Labels, Meta, Node, Strategy, Timestamp, Uid};
use crate::program::Runner;
use crate::program::harness::Harness;
use std::net::Ipv4Addr;

type Story = Harness<Runner<EndpointSliceController>>;

fn key() -> Key {
    Key::new("default", "web")
}

fn labels() -> Labels {
    [("app", "web")].into_iter().collect()
}

fn service() -> Service {
    let mut service = Service { meta: Meta::new(key()), selector: labels(), ..Service::default() };
    service.meta.uid = Uid(1_000);
    service.ports = vec![ServicePort { port: 80, ..ServicePort::default() }];
    service.apply_defaults(&crate::object::Settings::default());
    service
}

fn node(name: &str, zone: &str) -> Node {
    let mut node = Node { meta: Meta::new(Key::cluster(name)), ..Node::default() };
    node.meta.labels.insert(LABEL_ZONE, zone);
    node
}

/// A pod on `n1`, with an address by its number.
fn pod(number: u8, is_ready: bool) -> Pod {
    let mut pod = Pod { meta: Meta::new(Key::new("default", format!("web-{number}"))), ..Pod::default() };
    pod.meta.uid = Uid(u128::from(number));
    pod.meta.labels = labels();
    pod.node_name = "n1".into();
    pod.status.phase = Phase::Running;
    pod.status.ip = Some(Ipv4Addr::new(10, 0, 0, number));
    pod.status.conditions = vec![Condition {
        kind: pod::conditions::READY.into(),
        status: ConditionStatus::from(is_ready),
        reason: Name::none(),
        message: Name::none(),
        last_transition: Timestamp(0),
        last_update: Timestamp(0),
    }];
    pod
}

fn ending(number: u8) -> Pod {
    let mut pod = pod(number, true);
    pod.meta.deletion = Some(Deletion { at: Timestamp(1), grace_seconds: 30 });
    pod
}

/// A controller that knows a node and a Service with its empty slice.
fn started() -> Story {
    let mut t = Harness::new(Runner::new(EndpointSliceController::default()));
    t.start();
    t.put(node("n1", "z1"));
    t.put(service());
    t.serve_all();
    t
}

/// The slices: endpoints with `r`eady, `s`erving, `t`erminating.
fn slices(t: &Story) -> String {
    let shown = |slice: &Arc<EndpointSlice>| {
        let endpoints = slice.endpoints.iter().map(|endpoint| {
            let flags = [(endpoint.ready, 'r'), (endpoint.serving, 's'), (endpoint.terminating, 't')];
            let flags: String = flags.iter().filter(|(holds, _)| *holds).map(|(_, flag)| flag).collect();
            format!("{}@{}/{}:{flags}", endpoint.pod, endpoint.node_name, endpoint.zone)
        });
        format!("{}[{}]", slice.meta.name(), endpoints.collect::<Vec<_>>().join(" "))
    };
    let table = t.caches.table(Kind::EndpointSlice);
    table.all::<EndpointSlice>().map(shown).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_service_follows_its_pods() {
    let mut t = started();
    insta::assert_snapshot!(t.story(), @"0s create EndpointSlice default/web-*");
    let first = t.caches.table(Kind::EndpointSlice).all::<EndpointSlice>().next().unwrap().clone();
    assert_eq!(first.meta.controller(), Some(&crate::controller::ownership::controller_ref(&service())));

    let mut pending = pod(1, false);
    pending.status.ip = None;
    t.put(pending);
    assert_eq!(t.requests, [], "no address, no endpoint");
    for (number, is_ready) in [(1, false), (2, false), (1, true)] {
        t.put(pod(number, is_ready));
        t.serve_all();
    }
    insta::assert_snapshot!(slices(&t), @"web-1[web-1@n1/z1:rs web-2@n1/z1:]");
    t.put(ending(1));
    t.serve_all();
    insta::assert_snapshot!(slices(&t), @"web-1[web-1@n1/z1:st web-2@n1/z1:]");
    t.remove(Kind::Pod, &Key::new("default", "web-1"));
    t.serve_all();
    let mut failed = pod(2, false);
    failed.status.phase = Phase::Failed;
    failed.status.ip = None;
    t.put(failed);
    t.serve_all();
    insta::assert_snapshot!(slices(&t), @"web-1[]");
    insta::assert_snapshot!(t.story(), @r"
    0s update EndpointSlice default/web-1
    0s update EndpointSlice default/web-1
    0s update EndpointSlice default/web-1
    0s update EndpointSlice default/web-1
    0s update EndpointSlice default/web-1
    0s update EndpointSlice default/web-1
    ");
    assert_eq!(t.caches.table(Kind::EndpointSlice).len(), 1, "one slice, under one name");
}

#[test]
fn changes_while_a_write_is_under_way_are_gathered_into_the_next() {
    let mut t = started();
    t.story();
    (1..=5).for_each(|number| t.put(pod(number, true)));
    t.serve_all();
    insta::assert_snapshot!(t.story(), @r"
    0s update EndpointSlice default/web-1
    0s update EndpointSlice default/web-1
    ");
    insta::assert_snapshot!(slices(&t), @"web-1[web-1@n1/z1:rs web-2@n1/z1:rs web-3@n1/z1:rs web-4@n1/z1:rs web-5@n1/z1:rs]");
}

#[test]
fn a_pod_on_a_node_that_is_not_known_is_left_out_and_looked_at_again() {
    let mut t = started();
    t.story();
    let mut lost = pod(1, true);
    lost.node_name = "n9".into();
    t.put(lost);
    t.serve_all();
    insta::assert_snapshot!(t.story(), @"0s event Service/web FailedToUpdateEndpointSlices: Error updating Endpoint Slices for Service default/web: skipping Pod web-1 for Service default/web: Node n9 Not Found");
    t.put(node("n9", "z3"));
    t.advance_to(Span::from_secs(1));
    t.serve_all();
    insta::assert_snapshot!(slices(&t), @"web-1[web-1@n9/z3:rs]");
}

#[test]
fn a_pod_on_a_lost_node_is_asked_for_after_1_2_4_seconds_and_given_up_after_15_times() {
    let mut t = started();
    t.put(pod(1, true));
    t.put(pod(2, true));
    t.serve_all();
    t.story();
    t.remove(Kind::Node, &Key::cluster("n1"));
    assert_eq!(t.requests, [], "a node that goes wakes no Service");
    let mut changed = pod(2, false);
    changed.node_name = "n1".into();
    t.put(changed);
    t.serve_all();
    insta::assert_snapshot!(slices(&t), @"web-1[]");
    t.live_to(Span::from_secs(7));
    let told = t.story();
    let tries: Vec<_> = told.lines().filter_map(|line| line.split_once(" event ")).map(|(at, _)| at).collect();
    assert_eq!(tries, ["0s", "1s", "3s", "7s"]);
    t.live_to(Span::from_secs(20_000));
    let told = t.story();
    assert_eq!(told.lines().count(), 12, "the first try and fifteen more");
    let known: Vec<_> = t.caches.table(Kind::EndpointSlice).all::<EndpointSlice>().collect();
    assert_eq!(known.len(), 1, "one slice stays, without endpoints");
}

#[test]
fn a_service_that_publishes_all_addresses_keeps_those_on_lost_nodes() {
    let mut t = started();
    let mut open = service();
    open.publish_not_ready_addresses = true;
    t.put(open);
    let mut lost = pod(1, true);
    lost.node_name = "n9".into();
    t.put(lost);
    t.serve_all();
    insta::assert_snapshot!(slices(&t), @"web-1[web-1@n9/:rs]");
}

#[test]
fn a_service_that_is_being_deleted_gets_no_new_slices() {
    let mut t = Harness::new(Runner::new(EndpointSliceController::default()));
    t.start();
    t.put(node("n1", "z1"));
    t.put(pod(1, true));
    let mut going = service();
    going.meta.deletion = Some(Deletion { at: Timestamp(1), grace_seconds: 0 });
    t.put(going);
    assert_eq!(t.requests, []);
}

#[test]
fn not_ready_pods_receive_traffic_if_the_service_says_so() {
    let mut t = started();
    t.put(pod(1, false));
    t.serve_all();
    let mut open = service();
    open.publish_not_ready_addresses = true;
    t.put(open);
    t.serve_all();
    insta::assert_snapshot!(slices(&t), @"web-1[web-1@n1/z1:r]");
}

#[test]
fn a_pod_that_changes_its_labels_leaves_its_service() {
    let mut t = started();
    t.put(pod(1, true));
    t.put(pod(2, true));
    t.serve_all();
    let mut strayed = pod(1, true);
    strayed.meta.labels = Labels::default();
    t.put(strayed.clone());
    t.serve_all();
    insta::assert_snapshot!(slices(&t), @"web-1[web-2@n1/z1:rs]");
    t.story();
    strayed.meta.labels.insert("tier", "none");
    t.put(strayed);
    assert_eq!(t.requests, [], "that concerns no Service");
}

#[test]
fn a_slice_that_somebody_changes_or_deletes_is_put_right_a_second_later() {
    let mut t = started();
    t.put(pod(1, true));
    t.serve_all();
    t.story();
    let slice = t.caches.table(Kind::EndpointSlice).all::<EndpointSlice>().next().unwrap().clone();
    let mut wrong = (*slice).clone();
    wrong.endpoints.clear();
    wrong.meta.generation += 1;
    t.put(wrong);
    assert_eq!(t.requests, []);
    t.advance_to(Span::from_secs(1));
    t.serve_all();
    t.remove(Kind::EndpointSlice, &slice.meta.key);
    t.advance_to(Span::from_secs(2));
    t.serve_all();
    insta::assert_snapshot!(t.story(), @r"
    1s update EndpointSlice default/web-1
    2s create EndpointSlice default/web-*
    ");
    insta::assert_snapshot!(slices(&t), @"web-2[web-1@n1/z1:rs]");
}

#[test]
fn a_cache_that_lags_behind_its_own_write_is_waited_for() {
    let mut t = started();
    t.put(pod(1, true));
    let Request::Update { object, .. } = t.requests[0].1.clone() else { panic!("{:?}", t.requests) };
    let mut written = object;
    written.meta_mut().generation = 2;
    t.answer(&Reply::Done(written.clone()));
    t.put(pod(2, true));
    assert_eq!(t.requests, [], "the cache still has the slice from before");
    t.put(written);
    t.advance_to(Span::from_secs(1));
    t.serve_all();
    insta::assert_snapshot!(slices(&t), @"web-1[web-1@n1/z1:rs web-2@n1/z1:rs]");
}

#[test]
fn a_failed_write_ends_the_sync_and_is_told() {
    let mut t = started();
    t.story();
    t.put(pod(1, true));
    t.answer(&Reply::Error(ApiError::Conflict("stale".into())));
    insta::assert_snapshot!(t.story(), @r#"
    0s update EndpointSlice default/web-1
    0s event Service/web FailedToUpdateEndpointSlices: Error updating Endpoint Slices for Service default/web: failed to update web-1 EndpointSlice for Service default/web: Operation cannot be fulfilled on endpointslices.discovery.k8s.io "web-1": stale
    "#);
    t.advance_to(Span::from_secs(1));
    t.serve_all();
    insta::assert_snapshot!(slices(&t), @"web-1[web-1@n1/z1:rs]");
}

#[test]
fn a_slice_that_is_gone_before_it_is_deleted_is_a_failure_as_any_other() {
    let mut t = started();
    t.settings.set(SettingId::MaxEndpointsPerSlice, 1);
    (1..=2).for_each(|number| t.put(pod(number, true)));
    t.serve_all();
    t.story();
    t.remove(Kind::Pod, &Key::new("default", "web-2"));
    t.answer(&Reply::Error(ApiError::NotFound));
    insta::assert_snapshot!(t.story(), @r#"
    0s delete EndpointSlice default/web-2
    0s event Service/web FailedToUpdateEndpointSlices: Error updating Endpoint Slices for Service default/web: failed to delete web-2 EndpointSlice for Service default/web: endpointslices.discovery.k8s.io "web-2" not found
    "#);
}

#[test]
fn services_without_selector_are_left_to_others() {
    let mut t = Harness::new(Runner::new(EndpointSliceController::default()));
    t.start();
    let mut manual = service();
    manual.selector = Labels::default();
    t.put(manual);
    let mut external = service();
    external.meta.key.name = "external".into();
    external.kind = "ExternalName".into();
    t.put(external);
    assert_eq!(t.requests, []);
}

#[test]
fn large_services_have_several_slices() {
    let mut t = started();
    t.settings.set(SettingId::MaxEndpointsPerSlice, 2);
    (1..=5).for_each(|number| t.put(pod(number, true)));
    t.serve_all();
    insta::assert_snapshot!(slices(&t), @"web-1[web-1@n1/z1:rs] web-2[web-2@n1/z1:rs web-3@n1/z1:rs] web-3[web-4@n1/z1:rs web-5@n1/z1:rs]");
}
