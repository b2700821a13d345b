use gc_concurrent::*;
use gc_core::*;
use std::sync::Arc;
fn go<H: Heap>(n: usize, live: bool) {
    let heap = H::new(HeapConfig::default(), Arc::new(NoObserver)).unwrap();
    let node = heap.register_type(TypeSpec::new("node", Kind::Instance)).unwrap();
    let m = heap.attach();
    m.disable();
    let objects: Vec<_> = (0..n).map(|_| m.allocate(node, Shape::new(2, 0)).unwrap()).collect();
    for (i, o) in objects.iter().enumerate() {
        o.store(0, Some(&objects[(i * 7919 + 1) % n]));
        o.store(1, Some(&objects[(i * 104_729 + 3) % n]));
    }
    let mut best = f64::MAX;
    if live {
        for _ in 0..4 {
            let t = std::time::Instant::now();
            assert_eq!(m.collect(Generation::OLD), 0);
            best = best.min(t.elapsed().as_secs_f64() * 1e9 / n as f64);
        }
    } else {
        m.collect(Generation::OLD);
        drop(objects);
        let t = std::time::Instant::now();
        assert_eq!(m.collect(Generation::OLD), n as u64);
        best = t.elapsed().as_secs_f64() * 1e9 / n as f64;
    }
    println!("{:25} {n} {} {best:.1} ns/object", H::NAME, if live { "live" } else { "dead" });
}
fn main() {
    for n in [100_000, 1_000_000, 5_000_000] {
        for live in [true, false] {
            go::<GenerationalHeap>(n, live);
            go::<StopTheWorldHeap>(n, live);
            go::<ConcurrentHeap>(n, live);
        }
    }
}
