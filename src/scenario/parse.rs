//! Reads a scenario: its frame, `[run]` and the cluster. The other tables have a file each.

use super::language::{CLUSTER, DOMAIN, OUTPUT, POOL, ROOT, RUN};
use super::problem::code;
use super::reader::{self, At, Section, Sink};
use super::schema::{
    DEFAULT_EPOCH, DEFAULT_HOLD, DEFAULT_SEED, DEFAULT_UNTIL, Output, PROFILE, Pool, Run, SCHEMA, Scenario,
};
use super::{control, domain, event, expect, failure, shape, workload};
use crate::cluster::{Start, Stop};
use crate::record::Detail;
use std::collections::BTreeSet;
use toml::de::DeTable;

/// Reads the tree of a scenario. All problems go to `sink`; what could be read comes back all the same, so that the rest
/// can be checked too.
pub fn parse(root: &DeTable<'_>, sink: &mut Sink<'_>) -> Option<Scenario> {
    let mut root = Section::new(root, 0..0, "a scenario", ROOT);
    version(&mut root, sink)?;
    let is_below_a_table = root.is_missing("title") && root.is_below_a_table("title");
    let title = if is_below_a_table { root.text("title", sink) } else { root.required_text("title", sink) };
    if let Some(title) = title.as_ref().filter(|title| title.value.trim().is_empty()) {
        sink.bad_value(&title.bytes, "the title is empty").help(
            "say in a sentence what it is about: `title = \"A node dies. How long until three web pods run again?\"`",
        );
    }
    let title = title.map(|title| title.value).unwrap_or_default();
    let manifests = root.texts("manifests", sink).map(|texts| texts.value).unwrap_or_default();
    let run = run(root.table("run", RUN, sink), sink);
    let output = output(root.table("output", OUTPUT, sink), sink);
    let (pools, are_pools_complete) = cluster(&mut root, sink);
    let sections = root.tables("domain", "domain", DOMAIN, sink);
    let domains_declared = sections.len();
    let domains: Vec<_> = sections.into_iter().filter_map(|section| domain::domain(section, sink)).collect();
    let are_domains_known = domains.len() == domains_declared && !sink.lost.contains(&"domain");
    let (workloads, are_workloads_complete) = workload::workloads(&mut root, sink);
    let delays = root.table("delays", &[], sink).map(|section| control::delays(section, sink)).unwrap_or_default();
    let settings = root.table("control", &[], sink).map(|section| control::control(section, sink)).unwrap_or_default();
    let events = event::events(&mut root, sink);
    let failures = failure::failures(root.tables("failure", "failure", failure::FIELDS, sink), sink);
    let expectations = expect::expectations(&mut root, sink);
    // It has done its work when the files were read.
    root.value("include");
    root.finish(sink);
    Some(Scenario {
        title,
        manifests,
        run,
        output,
        pools,
        domains,
        workloads,
        delays,
        settings,
        events: events.whole,
        drafts: events.drafts,
        failures,
        expectations,
        mentions: std::mem::take(&mut sink.mentions),
        event_ids: events.ids,
        are_events_known: !sink.lost.contains(&"event"),
        are_pools_complete,
        are_domains_known,
        are_workloads_complete: are_workloads_complete && !sink.lost.contains(&"workload"),
    })
}

/// A file in another language would only give a cascade of problems: nothing is read of it.
fn version(root: &mut Section<'_>, sink: &mut Sink<'_>) -> Option<()> {
    let Some(value) = root.value("schema") else {
        let problem = sink.error(code::VERSION, &(0..0), "the file does not say in which language it is written");
        problem.help(format!("begin it with `schema = \"{SCHEMA}\"`"));
        return None;
    };
    let schema = reader::text(value, "schema", sink)?;
    if schema.value != SCHEMA {
        let problem = sink.error(code::VERSION, &schema.bytes, format!("unknown schema `{}`", schema.value));
        problem.label(format!("this program reads `{SCHEMA}`"));
        return None;
    }
    Some(())
}

/// Dates at which a run may begin (s since 1970): up to the year 2200. Ours.
const EPOCHS: std::ops::Range<i64> = 0..7_258_118_400;

fn run(section: Option<Section<'_>>, sink: &mut Sink<'_>) -> Run {
    let mut run = Run {
        seed: At { value: DEFAULT_SEED, bytes: 0..0 },
        epoch: DEFAULT_EPOCH,
        until: DEFAULT_UNTIL,
        stop: Stop::Converged,
        hold: DEFAULT_HOLD,
        start: Start::Empty,
    };
    let Some(mut section) = section else { return run };
    if let Some(seed) = section.number("seed", 0, sink) {
        run.seed = seed;
    }
    if let Some(epoch) = section.value("epoch").and_then(|value| shape::date(value, "epoch", sink)) {
        // Dates of objects are counted in microseconds, and a run may last a year.
        if EPOCHS.contains(&epoch.0) {
            run.epoch = epoch;
        } else if let Some(value) = section.value("epoch") {
            sink.bad_value(&value.span(), "a run begins between 1970 and 2200")
                .help("leave `epoch` out if it does not matter");
        }
    }
    if let Some(until) = section.short_span("until", sink) {
        if until.value == crate::kernel::time::Span::ZERO {
            sink.bad_value(&until.bytes, "a run of no time shows nothing")
                .help("write how long it takes at most: \"15m\"");
        }
        run.until = until.value;
    }
    if let Some(hold) = section.short_span("hold", sink) {
        if hold.value > run.until {
            let message =
                format!("`hold` is {}, longer than the run of {}: nothing could converge", hold.value, run.until);
            sink.error(code::CONFLICT, &hold.bytes, message).help("make `hold` shorter or `until` longer");
        }
        run.hold = hold.value;
    }
    match section.value("stop").and_then(|value| shape::one_of(value, "stop", &["converged", "time"], sink)) {
        Some("time") => run.stop = Stop::Time,
        _ => run.stop = Stop::Converged,
    }
    match section.value("start").and_then(|value| shape::one_of(value, "start", &["empty", "settled"], sink)) {
        Some("settled") => run.start = Start::Settled,
        _ => run.start = Start::Empty,
    }
    if let Some(profile) = section.text("profile", sink)
        && profile.value != PROFILE
    {
        sink.error(code::VERSION, &profile.bytes, format!("unknown profile `{}`", profile.value))
            .label(format!("the only one so far is `{PROFILE}`"));
    }
    section.finish(sink);
    run
}

fn output(section: Option<Section<'_>>, sink: &mut Sink<'_>) -> Output {
    let mut output = Output::default();
    let Some(mut section) = section else { return output };
    let record = section.value("record").and_then(|value| shape::one_of(value, "record", &["full", "summary"], sink));
    if record == Some("summary") {
        output.record = Detail::Summary;
    }
    section.finish(sink);
    output
}

fn cluster(root: &mut Section<'_>, sink: &mut Sink<'_>) -> (Vec<Pool>, bool) {
    let Some(value) = root.value("cluster") else {
        let problem = sink.error(code::MISSING_KEY, &(0..0), "the scenario has no cluster");
        problem.help("add a pool of nodes: `[[cluster.pool]]` with `name`, `count` and `capacity`");
        return (Vec::new(), false);
    };
    let Some(mut section) = reader::table(value, "[cluster]", CLUSTER, sink) else { return (Vec::new(), false) };
    let errors = sink.problems.list.len();
    let sections = section.tables("pool", "cluster.pool", POOL, sink);
    let declared = sections.len();
    if declared == 0 && sink.problems.list.len() == errors && !section.slip("pool", sink) {
        sink.error(code::MISSING_KEY, &section.bytes, "the cluster has no nodes")
            .help("add a pool of nodes: `[[cluster.pool]]` with `name`, `count` and `capacity`");
    }
    section.finish(sink);
    let mut names = BTreeSet::new();
    let mut node_names = BTreeSet::new();
    let mut pools: Vec<Pool> = Vec::new();
    let mut nodes = 0;
    for section in sections {
        let Some(pool) = super::pool::pool(section, &mut nodes, sink) else { continue };
        if !names.insert(pool.name.value.clone()) {
            sink.error(code::TWICE, &pool.name.bytes, format!("there is another pool `{}`", pool.name.value))
                .help("nodes are called after their pool: give each its own name");
        } else if let Some(node) = pool.nodes().find(|node| node_names.contains(&node.name)) {
            let message = format!("another pool has a node `{}` too", node.name);
            sink.error(code::TWICE, &pool.name.bytes, message).help("give the pool or its nodes other names");
        }
        node_names.extend(pool.nodes().map(|node| node.name));
        pools.push(pool);
    }
    let are_complete = pools.len() == declared && !sink.lost.contains(&"pool");
    (pools, are_complete)
}
