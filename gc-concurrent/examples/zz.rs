use gc_concurrent::ConcurrentHeap;
use gc_core::*;
use std::hint::black_box;
use std::sync::Arc;
fn main() {
    let which = std::env::args().nth(1).unwrap();
    let n: u64 = std::env::args().nth(2).unwrap().parse().unwrap();
    let heap = ConcurrentHeap::new(HeapConfig::default(), Arc::new(NoObserver)).unwrap();
    let node = heap.register_type(TypeSpec::new("node", Kind::Instance)).unwrap();
    let m = heap.attach();
    let a = m.allocate(node, Shape::new(2, 0)).unwrap();
    let b = m.allocate(node, Shape::new(2, 0)).unwrap();
    a.store(0, Some(&b));
    let t = std::time::Instant::now();
    match which.as_str() {
        "load" => {
            for _ in 0..n {
                black_box(a.load(0));
            }
        }
        "clone" => {
            for _ in 0..n {
                black_box(a.clone());
            }
        }
        "store" => {
            for _ in 0..n {
                a.store(black_box(0), Some(&b));
            }
        }
        "alloc" => {
            for _ in 0..n {
                black_box(m.allocate(node, Shape::new(2, 0)).unwrap());
            }
        }
        "rmw" => {
            let w = std::sync::atomic::AtomicU64::new(0);
            for _ in 0..n {
                black_box(&w).fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            }
        }
        "cas" => {
            let w = std::sync::atomic::AtomicU64::new(1);
            for _ in 0..n {
                let w = black_box(&w);
                let e = w.load(std::sync::atomic::Ordering::Relaxed);
                if e & 0xff != 0 {
                    let _ = w.compare_exchange(
                        e,
                        e + (1 << 32) + 1,
                        std::sync::atomic::Ordering::Relaxed,
                        std::sync::atomic::Ordering::Relaxed,
                    );
                }
                w.fetch_sub(1, std::sync::atomic::Ordering::Release);
            }
        }
        _ => panic!(),
    }
    println!("{which} {:.2} ns", t.elapsed().as_secs_f64() * 1e9 / n as f64);
}
