//! A reserved range of addresses: mapped readable and writable from its creation to its drop, backed by memory on
//! first touch.

use std::ffi::c_void;
use std::num::NonZeroUsize;
use std::ptr::NonNull;

use nix::sys::mman::{MapFlags, MmapAdvise, ProtFlags, madvise, mmap_anonymous, munmap};

/// The size of a page of memory, in bytes.
pub(crate) const PAGE: usize = 4096;

/// # Invariants
/// - **I1** `base .. base + bytes` is mapped readable and writable, anonymous and private, for the whole life of the
///   value; nobody else unmaps or remaps it.
/// - **I2** `base` is aligned to [`PAGE`].
pub(crate) struct Reservation {
    base: NonNull<u8>,
    bytes: usize,
}

// SAFETY: the value owns its mapping, and a mapping belongs to the process, not to a thread. All access to its content
// goes through atomics (`space::mod`).
#[expect(unsafe_code, reason = "the mapping is owned and only handed out as atomics")]
unsafe impl Send for Reservation {}
// SAFETY: as for `Send`.
#[expect(unsafe_code, reason = "the mapping is owned and only handed out as atomics")]
unsafe impl Sync for Reservation {}

impl Reservation {
    /// Reserves `bytes`, a multiple of the page size.
    pub(crate) fn new(bytes: usize) -> std::io::Result<Self> {
        let length = NonZeroUsize::new(bytes).ok_or_else(|| std::io::Error::from(std::io::ErrorKind::InvalidInput))?;
        let protection = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        let flags = MapFlags::MAP_PRIVATE | MapFlags::MAP_NORESERVE;
        // SAFETY: a fresh anonymous mapping at an address of the system's choice aliases nothing. (I1, I2)
        #[expect(unsafe_code, reason = "reserving addresses")]
        let base = unsafe { mmap_anonymous(None, length, protection, flags) }?;
        Ok(Self { base: base.cast(), bytes })
    }

    /// The first byte.
    #[inline(always)]
    pub(crate) fn base(&self) -> *mut u8 {
        self.base.as_ptr()
    }

    /// Gives the memory of a range back; it reads as zero afterwards. False if the system refuses (locked memory, say): then
    /// nothing has changed.
    ///
    /// # Panics
    /// If the range is not inside the reservation or not made of whole pages.
    #[must_use]
    pub(crate) fn discard(&self, offset: usize, bytes: usize) -> bool {
        assert!(offset.is_multiple_of(PAGE) && bytes.is_multiple_of(PAGE), "whole pages");
        assert!(offset.checked_add(bytes).is_some_and(|end| end <= self.bytes), "inside the reservation");
        let start = NonNull::new(self.base.as_ptr().wrapping_add(offset)).expect("inside a mapping, so not null");
        // SAFETY: the range lies in our own private mapping (checked above, I1); its content is accessed through
        // atomics only, for which a change to zero is a store by another thread.
        #[expect(unsafe_code, reason = "returning memory to the system")]
        let result = unsafe { madvise(start.cast::<c_void>(), bytes, MmapAdvise::MADV_DONTNEED) };
        result.is_ok()
    }

    /// Asks for huge pages in a range; it is only a wish.
    ///
    /// # Panics
    /// If the range is not inside the reservation or not made of whole pages.
    pub(crate) fn prefer_huge_pages(&self, offset: usize, bytes: usize) {
        assert!(offset.is_multiple_of(PAGE) && bytes.is_multiple_of(PAGE), "whole pages");
        assert!(offset.checked_add(bytes).is_some_and(|end| end <= self.bytes), "inside the reservation");
        let start = NonNull::new(self.base.as_ptr().wrapping_add(offset)).expect("inside a mapping, so not null");
        // SAFETY: the range lies in our own mapping (checked above, I1); the advice changes no content.
        #[cfg(target_os = "linux")]
        #[expect(unsafe_code, reason = "advising the system")]
        let result = unsafe { madvise(start.cast::<c_void>(), bytes, MmapAdvise::MADV_HUGEPAGE) };
        #[cfg(target_os = "linux")]
        // A system without huge pages refuses; small ones do as well.
        let _ = result;
        #[cfg(not(target_os = "linux"))]
        let _ = start;
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours (I1), and a reference into it cannot outlive `self`, from which it borrows.
        #[expect(unsafe_code, reason = "returning addresses to the system")]
        let result = unsafe { munmap(self.base.cast::<c_void>(), self.bytes) };
        debug_assert!(result.is_ok(), "munmap of our own mapping");
    }
}
