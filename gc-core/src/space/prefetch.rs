//! Prefetching of tables.

/// Asks the processor to fetch the line with an element; an index out of bounds is no harm.
#[inline(always)]
pub(crate) fn prefetch_element<T>(table: &[T], index: usize) {
    let address = table.as_ptr().wrapping_add(index).cast::<i8>();
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch has no architectural effect, whatever the address.
    #[expect(unsafe_code, reason = "prefetching")]
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(address);
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}
