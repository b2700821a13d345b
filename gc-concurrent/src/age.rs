//! Ages: the byte beside each cell that says which generation its object is in, so that a young collection need not
//! look at an old object to pass it over.

use gc_core::Generation;

/// No generation: an untracked or atomic object, or no object.
pub const NONE: u8 = 0;
/// Generation 0. The others follow.
pub const YOUNG: u8 = 1;
/// The permanent generation.
pub const PERMANENT: u8 = 4;
/// Bit: a collection decides on the object (see [`deciding`](crate::deciding)), or finalizes it.
pub const MARK: u8 = 0x80;

/// The age of the objects of a generation.
pub fn of(generation: Generation) -> u8 {
    YOUNG + generation.index() as u8
}

/// Whether an object of this age is in that generation or a younger one.
#[inline(always)]
pub fn is_candidate(age: u8, generation: Generation) -> bool {
    // One comparison: NONE wraps to the top.
    age.wrapping_sub(YOUNG) <= generation.index() as u8
}

/// The age of what survives a collection of this generation.
pub fn survivors(generation: Generation) -> u8 {
    of(generation.older().unwrap_or(Generation::OLD))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_are_of_the_generation_or_younger() {
        assert!(is_candidate(YOUNG, Generation::YOUNG) && !is_candidate(YOUNG + 1, Generation::YOUNG));
        assert!(is_candidate(YOUNG, Generation::OLD) && is_candidate(YOUNG + 2, Generation::OLD));
        for generation in Generation::ALL {
            assert!(!is_candidate(NONE, generation) && !is_candidate(PERMANENT, generation));
            assert!(!is_candidate(YOUNG | MARK, generation));
        }
    }
}
