//! The freeze experiment: how much memory do forked children copy, by which layout of the heap and which freeze?
//!
//! A process builds a heap, freezes it or not, and forks *workers*, one after the other, all alive at once. Each serves
//! requests that read a part of the heap, then collects twice. Whatever it writes to is copied: counts that a read changes,
//! links that a collection changes. The system is asked for the memory of each worker and of the parent after the fork,
//! after serving and after each collection. Beside the workers stands a *control*: a child that answers the same questions
//! and does nothing else. What it has written to is the cost of the method; it is shown in a column of its own, and
//! subtracted in another that says so.
//!
//! Each [`Cell`] runs in a fresh process, which [`parent`] is; a [`Record`] a cell is kept in a run folder, and tables,
//! findings and the picture are made from the folder alone.
//!
//! Source of the question and of CPython's figures beside ours: `freeze_fork.py`, run on CPython 3.8 to 3.14
//! ([`anchors`]).

mod agreement;
pub mod anchors;
mod cell;
mod channel;
mod child;
mod figures;
mod findings;
pub mod live;
pub mod parent;
mod peak;
mod picture;
mod plan;
mod quantities;
mod ranges;
mod record;
mod remedy;
mod report;
mod slope;
mod tables;

pub use cell::{Cell, Condition, Content, Freeze, Layout};
pub use figures::Figures;
pub use plan::{Part, Plan, Size};
pub use record::{ChildRecord, Last, Moment, ParentRecord, Record, Run, SCHEMA, Said, Stage, Total};
pub use report::{Report, write};
