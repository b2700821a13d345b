//! Single operations of each heap, against regressions: `cargo bench -p bench-results`.
//!
//! Means of tiny kernels. Evidence for claims comes from whole runs (`gclab compare`).

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use gc_concurrent::{ConcurrentHeap, RefcountAtomicHeap, StopTheWorldHeap};
use gc_core::{
    Control, Generation, GenerationalHeap, Heap, HeapConfig, Kind, Mutator, NoObserver, Place, RefcountHeap, Root,
    Shape, TypeId, TypeSpec,
};

const SHAPE: Shape = Shape::new(2, 0);

fn heap<H: Heap>(place: Place) -> (H, TypeId) {
    let heap = H::new(HeapConfig { place, ..HeapConfig::default() }, Arc::new(NoObserver)).expect("addresses");
    let node = heap.register_type(TypeSpec::new("node", Kind::Instance)).expect("a first type");
    (heap, node)
}

fn operations<H: Heap>(c: &mut Criterion) {
    let (heap, node) = heap::<H>(Place::Inline);
    let mutator = heap.attach();
    let new = || mutator.allocate(node, SHAPE).expect("room");
    let (a, b) = (new(), new());
    a.store(0, Some(&b));
    let mut group = c.benchmark_group(H::NAME);
    group.throughput(Throughput::Elements(1));
    group.bench_function("allocate and free", |bench| bench.iter(|| black_box(new())));
    group.bench_function("retain and release", |bench| bench.iter(|| black_box(a.clone())));
    group.bench_function("load and release", |bench| bench.iter(|| black_box(a.load(0))));
    group.bench_function("overwrite a slot", |bench| bench.iter(|| a.store(black_box(0), Some(&b))));
    group.bench_function("take and put", |bench| bench.iter(|| a.put(0, a.take(black_box(0)))));
    let weak = mutator.weak_reference(&b, None).expect("room");
    group.bench_function("upgrade and release", |bench| bench.iter(|| black_box(mutator.upgrade(&weak))));
    group.bench_function("safepoint", |bench| bench.iter(|| mutator.safepoint()));
    group.finish();
}

/// What the operations of atomic counts are multiples of: one uncontended read-modify-write.
fn atomics(c: &mut Criterion) {
    let word = AtomicU64::new(0);
    let mut group = c.benchmark_group("processor");
    group.throughput(Throughput::Elements(1));
    // Relaxed: one thread.
    group.bench_function("atomic add", |bench| bench.iter(|| black_box(&word).fetch_add(1, Ordering::Relaxed)));
    group.finish();
}

/// A list of `n` objects, each with two references to neighbours a prime away.
fn graph<M: Mutator>(mutator: &M, node: TypeId, n: usize) -> Vec<Root<'_, M>> {
    let objects: Vec<_> = (0..n).map(|_| mutator.allocate(node, SHAPE).expect("room")).collect();
    for (i, object) in objects.iter().enumerate() {
        object.store(0, Some(&objects[(i * 7919 + 1) % n]));
        object.store(1, Some(&objects[(i * 104_729 + 3) % n]));
    }
    objects
}

fn collections(c: &mut Criterion) {
    for (place, name) in [(Place::Inline, "inline"), (Place::Side, "side")] {
        let mut group = c.benchmark_group(format!("collection, links {name}"));
        group.sample_size(20);
        for n in [1_000, 100_000] {
            let (heap, node) = heap::<GenerationalHeap>(place);
            let mutator = heap.attach();
            mutator.disable();
            group.throughput(Throughput::Elements(n as u64));
            let live = graph(&mutator, node, n);
            group.bench_function(format!("{n} live"), |bench| bench.iter(|| mutator.collect(Generation::OLD)));
            drop(live);
            mutator.collect(Generation::OLD);
            group.bench_function(format!("{n} dead"), |bench| {
                bench.iter_batched(
                    || drop(graph(&mutator, node, n)),
                    |()| mutator.collect(Generation::OLD),
                    BatchSize::PerIteration,
                );
            });
        }
        group.finish();
    }
}

criterion_group!(
    benches,
    atomics,
    operations::<RefcountHeap>,
    operations::<GenerationalHeap>,
    operations::<RefcountAtomicHeap>,
    operations::<StopTheWorldHeap>,
    operations::<ConcurrentHeap>,
    collections
);
criterion_main!(benches);
