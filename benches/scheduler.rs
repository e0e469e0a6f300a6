//! One scheduling cycle: filter, score, choose, assume. Run with `cargo bench --bench scheduler`.
//!
//! `roomy`: every node has room, so that the sample is full early and its scoring counts. `full`: only cpu is short
//! everywhere, so that every node is looked at and none is left. `selected`: as `roomy`, but one node in three will do.
//! `spread`: as `roomy`, and a Service selects the pod and one pod on every node, so that it is spread by default.

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use evenkeel::kernel::rng::Draws;
use evenkeel::object::quantity::Quantity;
use evenkeel::object::resources::ResourceList;
use evenkeel::object::{Key, Meta, Node, Pod, Selector, Settings, Uid, pod::Container, pod::PodSpec};
use evenkeel::scheduler::cycle::{Sample, Scratch, find_feasible, prioritise, select_host};
use evenkeel::scheduler::{Cache, PodInfo, Profile};
use std::hint::black_box;
use std::sync::Arc;

fn resources(pairs: &[(&str, &str)]) -> ResourceList {
    let mut list = ResourceList::default();
    pairs.iter().for_each(|&(name, text)| list.set(name, Quantity::parse(text).unwrap()));
    list
}

fn cluster(nodes: usize, cpu: &str) -> Cache {
    let mut cache = Cache::default();
    for index in 0..nodes {
        let mut node = Node { meta: Meta::new(Key::cluster(format!("n{index}"))), ..Node::default() };
        node.meta.labels.insert("kubernetes.io/hostname", format!("n{index}"));
        node.meta.labels.insert("topology.kubernetes.io/zone", format!("z{}", index % 3));
        node.allocatable = resources(&[("cpu", cpu), ("memory", "64Gi"), ("pods", "1000000")]);
        cache.add_node(Arc::new(node));
        // Differently loaded, so that neighbours are not alike.
        let mut there = (*pod(1_000 + index as u128, index * 37 % 1_000).pod).clone();
        there.node_name = format!("n{index}").into();
        cache.add_pod(&Arc::new(there));
    }
    cache
}

fn pod(index: u128, cpu_milli: usize) -> PodInfo {
    let requests = resources(&[("cpu", &format!("{cpu_milli}m")), ("memory", "1Mi")]);
    let container = Container { requests, ..Container::default() };
    let mut meta = Meta::new(Key::new("default", "web"));
    meta.uid = Uid(index);
    meta.labels.insert("app", "web");
    let spec = Arc::new(PodSpec { containers: vec![container], ..PodSpec::default() });
    PodInfo::new(Arc::new(Pod { meta, spec, ..Pod::default() }))
}

fn cycles(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("scheduling cycle");
    let (profile, draws, sample) = (Profile::default(), Draws::new(1), Sample::new(&Settings::default()));
    for (name, cpu) in [("roomy", "64"), ("full", "50m"), ("selected", "64"), ("spread", "64")] {
        for nodes in [100, 1_000, 5_000] {
            let mut cache = cluster(nodes, cpu);
            let mut scratch = Scratch::default();
            let (mut start, mut attempt) = (0, 0);
            let mut info = pod(1, 100);
            if name == "selected" {
                let mut only = (*info.pod).clone();
                Arc::make_mut(&mut only.spec).node_selector.insert("topology.kubernetes.io/zone", "z1");
                info = PodInfo::new(Arc::new(only));
            }
            if name == "spread" {
                let service = [("app", "web")].into_iter().collect();
                info.default_selector = Arc::new(Selector::of(service));
            }
            let info = Arc::new(info);
            group.bench_function(BenchmarkId::new(name, nodes), |bencher| {
                bencher.iter(|| {
                    attempt += 1;
                    let table = cache.table_for(&info, &profile);
                    let mut found = find_feasible(&info, table, &profile, sample, start, &mut scratch);
                    start = (start + found.feasible.len() + found.rejected.len()) % nodes;
                    if found.feasible.is_empty() {
                        let rejected = found.rejected.len();
                        scratch.recycle(found);
                        return black_box(rejected);
                    }
                    let totals = prioritise(&info, table, &profile, &mut found, None);
                    let chosen = found.feasible[select_host(&totals, &draws, "default/web", attempt)] as usize;
                    let node = table.names[chosen].clone();
                    // Assumed and forgotten again, so that the cluster stays as it is.
                    cache.assume(info.clone(), &node);
                    cache.forget(info.pod.meta.uid);
                    scratch.recycle(found);
                    black_box(chosen)
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, cycles);
criterion_main!(benches);
