//! What collections report, and what they keep for a look at it: the flags of `gc.set_debug`.

bitflags::bitflags! {
    /// Flags of `gc.set_debug`, with CPython's numbers. Unknown bits are kept and mean nothing, as there.
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Hash)]
    pub struct DebugFlags: u32 {
        /// Report each collection: the sizes of the generations before, figures and time after.
        const STATS = 1;
        /// Name each object that is found to be garbage.
        const COLLECTABLE = 2;
        /// Name each object that is unreachable and left, for a legacy finalizer's sake.
        const UNCOLLECTABLE = 4;
        /// Put all garbage into `garbage` instead of taking it apart: it is alive again, with its weak references cleared and
        /// its finalizers run.
        const SAVEALL = 32;
        /// What a search for leaks needs: [`DebugFlags::COLLECTABLE`], [`DebugFlags::UNCOLLECTABLE`] and
        /// [`DebugFlags::SAVEALL`].
        const LEAK = Self::COLLECTABLE.bits() | Self::UNCOLLECTABLE.bits() | Self::SAVEALL.bits();
    }
}
