//! Sanity passes of debug builds: what must hold whatever the schedule, looked at object by object.

use gc_core::space::Space;
use gc_core::sync::Ordering::Acquire;

/// Larger heaps are not looked at: a pass reads every slot there is.
const MOST_BLOCKS: usize = 64;

/// Nothing outside a certified set, in order of addresses, refers into it.
pub(crate) fn check_certified(space: &Space, certified: &[u32]) {
    let blocks = space.blocks();
    if blocks.len() > MOST_BLOCKS {
        return;
    }
    for layout in blocks.into_iter().filter_map(|block| space.layout(block)) {
        for object in (0..layout.cells).map(|cell| layout.object(cell)) {
            if certified.binary_search(&object).is_ok() {
                continue;
            }
            for slot in 0..layout.capacity {
                // Acquire: as a load's. That no live object refers to garbage is stable, so a moment's reading will do.
                let target = space.view().slot(object, slot).load(Acquire);
                assert!(
                    target == 0 || certified.binary_search(&target).is_err(),
                    "slot {slot} of #{object:x} refers to #{target:x}, which was certified to be garbage"
                );
            }
        }
    }
}
