//! Pop + push of the event queue at a steady number of pending events, against the plain heap.
//!
//! The workload is a control plane's: 60 % ten-second timers, 30 % messages of a millisecond or
//! so, 10 % timers of minutes, at microsecond resolution, with payloads of 16 bytes. One element
//! is one pop and the push of its successor, so criterion's elements per second are operations.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use evenkeel::kernel::queue::Queue;
use evenkeel::kernel::time::{Span, Time};

type Payload = [u64; 2];

/// Operations in one measured iteration.
const BATCH: u64 = 10_000;

/// Draws how far ahead the next event lies.
struct Workload(u64);

impl Workload {
    fn ahead(&mut self) -> Span {
        // xorshift64: a few cycles, so that the queue is what is measured.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let jitter = (self.0 >> 32) & 0xffff;
        match self.0 % 10 {
            0..6 => Span::from_micros(10_000_000 + jitter),
            6..9 => Span::from_micros(500 + jitter % 1_000),
            _ => Span::from_micros(60_000_000 + jitter * 3_000),
        }
    }
}

trait Pending {
    fn push(&mut self, at: Time, payload: Payload);
    fn pop(&mut self) -> (Time, Payload);
}

impl Pending for Queue<Payload> {
    fn push(&mut self, at: Time, payload: Payload) {
        Queue::push(self, at, payload);
    }

    fn pop(&mut self) -> (Time, Payload) {
        Queue::pop(self).expect("the number pending is steady")
    }
}

/// The slow, obvious twin: ties by sequence number. The payload takes no part in the order.
#[derive(PartialEq, Eq)]
struct Entry(Time, u64, Payload);

impl Ord for Entry {
    fn cmp(&self, other: &Entry) -> Ordering {
        (other.0, other.1).cmp(&(self.0, self.1)) // the heap gives the greatest first
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Entry) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[derive(Default)]
struct Heap {
    entries: BinaryHeap<Entry>,
    pushed: u64,
}

impl Pending for Heap {
    fn push(&mut self, at: Time, payload: Payload) {
        self.entries.push(Entry(at, self.pushed, payload));
        self.pushed += 1;
    }

    fn pop(&mut self) -> (Time, Payload) {
        let Entry(at, _, payload) = self.entries.pop().expect("the number pending is steady");
        (at, payload)
    }
}

/// Fills the queue and lets it run until its mixture of times is the steady one.
fn warmed<Q: Pending>(mut queue: Q, pending: u64) -> (Q, Workload) {
    let mut workload = Workload(0x9e37_79b9_7f4a_7c15);
    for number in 0..pending {
        // Spread over ten seconds, as the phases of periodic loops are.
        let phase = number * 10_000_000 / pending;
        queue.push(Time::ZERO + Span::from_micros(phase) + workload.ahead(), [number, 0]);
    }
    run(&mut queue, &mut workload, 4 * pending);
    (queue, workload)
}

fn run<Q: Pending>(queue: &mut Q, workload: &mut Workload, operations: u64) {
    for _ in 0..operations {
        let (now, payload) = queue.pop();
        queue.push(now + workload.ahead(), black_box(payload));
    }
}

fn pop_and_push(c: &mut Criterion) {
    let mut group = c.benchmark_group("queue");
    group.throughput(Throughput::Elements(BATCH));
    for pending in [1_000, 20_000, 200_000] {
        let (mut queue, mut workload) = warmed(Queue::new(), pending);
        group.bench_function(BenchmarkId::new("radix", pending), |b| {
            b.iter(|| run(&mut queue, &mut workload, BATCH));
        });
        let (mut heap, mut workload) = warmed(Heap::default(), pending);
        group.bench_function(BenchmarkId::new("binary-heap", pending), |b| {
            b.iter(|| run(&mut heap, &mut workload, BATCH));
        });
    }
    group.finish();
}

criterion_group!(benches, pop_and_push);
criterion_main!(benches);
