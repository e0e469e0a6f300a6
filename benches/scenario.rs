//! The whole of `five-frontends`: from the text of its files to the report, and the simulation alone.

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use evenkeel::cluster::World;
use evenkeel::report::simulate;
use evenkeel::scenario::{self, Loaded};
use std::hint::black_box;

const TOML: &str = include_str!("../scenarios/five-frontends.toml");
const YAML: &str = include_str!("../scenarios/five-frontends.yaml");

fn load() -> Loaded {
    let text = |path: &str| Ok(if path.ends_with(".toml") { TOML } else { YAML }.to_string());
    scenario::load("five-frontends.toml", &text).expect("the scenario is valid")
}

fn five_frontends(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("five-frontends");
    group.bench_function("files to report", |bencher| {
        bencher.iter(|| simulate(&load(), None).report);
    });
    let config = load().config(None);
    group.bench_function("simulation alone", |bencher| {
        let new = || World::new(config.clone());
        let run = |mut world: World| {
            world.run();
            black_box(world.events())
        };
        bencher.iter_batched(new, run, BatchSize::SmallInput);
    });
    group.finish();
}

criterion_group!(benches, five_frontends);
criterion_main!(benches);
