//! The concurrent collector: its design.
