//! The classic programs, small.

/// Workloads with settings that are smaller than their small ones.
pub(crate) const PROGRAMS: &[(&str, &[(&str, &str)])] = &[
    ("message-ring", &[("messages", "2000"), ("pushes", "10000"), ("bytes", "64")]),
    ("message-ring", &[("messages", "2000"), ("pushes", "10000"), ("bytes", "64"), ("variant", "cyclic")]),
    ("cycle-grid", &[("k", "10"), ("live", "500"), ("chains", "3000"), ("payload", "100")]),
    ("linked-list-growth", &[("live", "1000"), ("size", "500"), ("lists", "60")]),
    ("gcbench", &[("stretch", "10"), ("long-lived", "8"), ("deepest", "8"), ("array", "2000")]),
    ("gcbench", &[("stretch", "10"), ("long-lived", "8"), ("deepest", "8"), ("array", "2000"), ("parents", "on")]),
    ("binary-trees", &[("depth", "8")]),
    ("binary-trees", &[("depth", "8"), ("parents", "on")]),
    ("nested-lists", &[("levels", "100"), ("collections", "5")]),
    ("lru", &[("capacity", "500"), ("keys", "4000"), ("operations", "20000")]),
    ("cascade", &[("depth", "20000"), ("drops", "3")]),
    ("cascade", &[("depth", "20000"), ("drops", "3"), ("shape", "tree")]),
];
