//! Two threads read and refill one table of objects.

use std::error::Error;
use std::sync::Arc;
use std::thread;

use gc_core::{
    GenerationalHeap, Heap, HeapConfig, HeapFull, Kind, Mutator, NoObserver, Root, Shape, SharedRoot, TypeId, TypeSpec,
};

const ENTRIES: u32 = 64;
const LOOKUPS: u64 = 20_000;

fn number<M: Mutator>(mutator: &M, object: &Root<'_, M>) -> u64 {
    let mut bytes = [0; 8];
    mutator.read_payload(object, 0, &mut bytes);
    u64::from_le_bytes(bytes)
}

fn new_entry<M: Mutator>(mutator: &M, type_id: TypeId, number: u64) -> Result<Root<'_, M>, HeapFull> {
    let entry = mutator.allocate(type_id, Shape::new(0, 8))?;
    mutator.write_payload(&entry, 0, &number.to_le_bytes());
    Ok(entry)
}

/// Squares, from the table where it has them.
fn serve(heap: &GenerationalHeap, table: SharedRoot, type_id: TypeId, seed: u64) -> Result<u64, HeapFull> {
    let mutator = heap.attach();
    let table = mutator.adopt(table);
    let mut sum = 0;
    for n in 0..LOOKUPS {
        let wanted = (n * seed) % u64::from(ENTRIES);
        let slot = wanted as u32;
        let entry = match table.load(slot) {
            Some(entry) => entry,
            None => {
                let entry = new_entry(&mutator, type_id, wanted * wanted)?;
                table.store(slot, Some(&entry));
                entry
            }
        };
        sum += number(&mutator, &entry);
        if n % 97 == 0 {
            table.store(slot, None);
        }
        mutator.safepoint();
    }
    Ok(sum)
}

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    let heap = GenerationalHeap::new(HeapConfig::default(), Arc::new(NoObserver))?;
    let table_type = heap.register_type(TypeSpec::new("table", Kind::List))?;
    let entry_type = heap.register_type(TypeSpec::new("entry", Kind::Atomic))?;

    // Attached for the setting up only: a mutator that waits for threads would hold up theirs.
    let tables = {
        let mutator = heap.attach();
        let table = mutator.allocate(table_type, Shape::new(ENTRIES, 0))?;
        [table.share(), table.share()]
    };
    let sums: Vec<Result<u64, HeapFull>> = thread::scope(|scope| {
        let heap = &heap;
        let threads: Vec<_> = tables
            .into_iter()
            .zip([3, 5])
            .map(|(t, seed)| scope.spawn(move || serve(heap, t, entry_type, seed)))
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("a server does not panic")).collect()
    });
    for (sum, seed) in sums.into_iter().zip([3, 5]) {
        let square = |n: u64| (n * seed % u64::from(ENTRIES)).pow(2);
        assert_eq!(sum?, (0..LOOKUPS).map(square).sum::<u64>());
    }
    assert_eq!(heap.statistics().live(), 0);
    println!("{} entries were made for {} look-ups", heap.statistics().allocated - 1, 2 * LOOKUPS);
    Ok(())
}
