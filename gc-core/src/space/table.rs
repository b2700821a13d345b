//! Tables for scratch: large arrays of plain words on memory of their own, in huge pages where the system has them.
//!
//! Tables are accessed at random. With pages of 4 KiB each access would miss the processor's cache of addresses, which
//! costs more than the access itself.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use super::reservation::{PAGE, Reservation};

/// The size of a huge page, in bytes, and what a table on huge pages is aligned to.
const HUGE_PAGE: usize = 2 << 20;

/// Types of elements: any bits are a value, zeros among them, and there is nothing to drop.
pub(crate) trait Element: Copy + private::Sealed {}

mod private {
    pub(crate) trait Sealed {}
}

macro_rules! elements {
    ($($element:ty),+) => { $(impl private::Sealed for $element {} impl Element for $element {})+ };
}
elements!(u8, u32, u64, [u32; 2]);

/// A table of `T`.
///
/// # Invariants
/// - **T1** With `memory`, the bytes from `offset` on hold `length` elements and lie inside it; without, `length` is 0.
/// - **T2** `offset` is a multiple of [`PAGE`], so elements are aligned. Nobody else has access to the memory.
pub(crate) struct Table<T> {
    memory: Option<Reservation>,
    offset: usize,
    length: usize,
    elements: PhantomData<Vec<T>>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { memory: None, offset: 0, length: 0, elements: PhantomData }
    }
}

impl<T> fmt::Debug for Table<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table").field("length", &self.length).finish_non_exhaustive()
    }
}

impl<T: Element> Table<T> {
    /// Makes it at least `length` long. If it was shorter, all of it is zero then: its content is lost.
    ///
    /// Without memory for that the process ends, as it does when a vector grows.
    pub(crate) fn grow(&mut self, length: usize) {
        if length <= self.length {
            return;
        }
        // A quarter more than needed: a heap that grows does not get a new table at each collection.
        let bytes = (length + length / 4) * size_of::<T>();
        let is_huge = bytes >= HUGE_PAGE;
        let bytes = bytes.next_multiple_of(if is_huge { HUGE_PAGE } else { PAGE });
        // The old memory goes first.
        *self = Self::default();
        let margin = if is_huge { HUGE_PAGE - PAGE } else { 0 };
        let memory = Reservation::new(bytes + margin).unwrap_or_else(|_| {
            let layout = std::alloc::Layout::array::<u8>(bytes).expect("less than the address space");
            std::alloc::handle_alloc_error(layout)
        });
        if is_huge {
            self.offset = memory.base().align_offset(HUGE_PAGE).min(margin);
            memory.prefer_huge_pages(self.offset, bytes);
        }
        self.length = bytes / size_of::<T>();
        self.memory = Some(memory);
    }

    fn address(&self) -> *mut T {
        match &self.memory {
            Some(memory) => memory.base().wrapping_add(self.offset).cast(),
            None => std::ptr::NonNull::dangling().as_ptr(),
        }
    }

    /// Bytes it takes.
    pub(crate) fn bytes(&self) -> u64 {
        (self.length * size_of::<T>()) as u64
    }
}

impl<T: Element> Deref for Table<T> {
    type Target = [T];

    #[inline(always)]
    fn deref(&self) -> &[T] {
        // SAFETY: `length` aligned elements inside our own mapping (T1, T2), whose zeros and whatever was written are
        // values of `T` (`Element`). Borrowed from `self`, so nothing writes meanwhile.
        #[expect(unsafe_code, reason = "a table on mapped memory")]
        unsafe {
            std::slice::from_raw_parts(self.address(), self.length)
        }
    }
}

impl<T: Element> DerefMut for Table<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as in `deref`; borrowed exclusively.
        #[expect(unsafe_code, reason = "a table on mapped memory")]
        unsafe {
            std::slice::from_raw_parts_mut(self.address(), self.length)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_as_long_as_it_was_asked_to_be_and_zero() {
        let mut table = Table::<[u32; 2]>::default();
        assert!(table.is_empty());
        for length in [1, 1000, 100, 262_144, 1_000_000] {
            table.grow(length);
            assert!(table.len() >= length);
            assert!(table[..length].iter().all(|&element| element == [0, 0]) || length == 100);
            table.fill([1, 2]);
            assert_eq!(table.bytes(), table.len() as u64 * 8);
        }
    }
}
