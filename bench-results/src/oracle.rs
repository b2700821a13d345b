//! A live CPython as the oracle: fresh operation logs, executed on an interpreter and on a heap, and the first difference.
//!
//! The Python side is built into the program. How its recorder observes without costing the counters anything is told in its
//! docstring (`workloads/oracle/record_outcome.py`).

pub mod interpreter;
pub mod programs;
pub mod shrink;
pub mod trial;
