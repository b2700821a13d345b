//! Where the parts of a space lie.

use super::classes::BLOCK_BYTES;
use super::reservation::Reservation;
use super::{AGE_BYTES, RECORD_BYTES, SIDE_BYTES, Space};
use crate::extent::{Extent, Holds};

impl Space {
    /// Where the objects lie, and the tables of their blocks: from the first block to the last that was ever used.
    pub fn extents(&self) -> Vec<Extent> {
        let blocks = u64::from(self.pool.lock().frontier);
        let parts: [(Holds, Option<&Reservation>, u64); 4] = [
            (Holds::Objects, Some(&self.heap), u64::from(BLOCK_BYTES)),
            (Holds::Links, self.side.as_ref(), SIDE_BYTES as u64),
            (Holds::Ages, self.ages.as_ref(), AGE_BYTES as u64),
            (Holds::Blocks, Some(&self.table), RECORD_BYTES as u64),
        ];
        let extent = |(holds, memory, bytes_of_block): (Holds, Option<&Reservation>, u64)| {
            let begin = memory?.base().addr() as u64;
            Some(Extent { holds, addresses: begin..begin + blocks * bytes_of_block })
        };
        parts.into_iter().filter_map(extent).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{HeapConfig, Place};
    use crate::object::Shape;

    #[test]
    fn the_first_extent_holds_the_objects_and_the_others_what_there_is_beside_them() {
        let at = |place| HeapConfig { reservation: 1 << 24, place, ..HeapConfig::default() };
        for (space, beside) in [
            (Space::new(&at(Place::Inline)).unwrap(), &[Holds::Blocks][..]),
            (Space::new(&at(Place::Side)).unwrap(), &[Holds::Links, Holds::Blocks]),
            (Space::with_ages(&at(Place::Inline)).unwrap(), &[Holds::Ages, Holds::Blocks]),
        ] {
            let object = space.take_large(Shape::new(0, 1 << 20)).unwrap();
            let extents = space.extents();
            let address = std::ptr::from_ref(space.count_word(object.bits())).addr() as u64;
            assert!(extents[0].addresses.contains(&address) && extents[0].addresses.contains(&(address + (1 << 20))));
            assert_eq!(extents[0].holds, Holds::Objects);
            assert_eq!(extents[1..].iter().map(|extent| extent.holds).collect::<Vec<_>>(), beside);
            assert!(extents[1..].iter().all(|extent| !extent.addresses.contains(&address)));
        }
    }
}
