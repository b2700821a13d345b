//! The contract between programs and heaps.
