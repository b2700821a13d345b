//! Tests of CPython that no heap can be asked: what they are about is Python's alone.

use super::row::{Row, Source};

const CLASS: &str = "GCTests";

/// One row a test, each with its reason.
pub(super) fn rows() -> Vec<Row> {
    let gc = |class, name, meaning, why| Row::absent(meaning, why).named(Source::Gc, class, name);
    vec![
        gc(
            CLASS,
            "test_gc_ordinary_module_at_shutdown",
            "a cycle that an imported module holds is finalized when the interpreter ends",
            "a heap has no modules",
        ),
        gc(
            CLASS,
            "test_global_del_SystemExit",
            "a finalizer runs when the program ends by an exception",
            "a heap does not end by an exception",
        ),
        gc(
            CLASS,
            "test_get_referents_on_capsule",
            "the children of an untracked object of a C type with a collector's header can be asked for",
            "a heap has no capsules",
        ),
        gc(
            CLASS,
            "test_do_not_cleanup_type_subclasses_before_finalization",
            "a class still knows its subclasses inside finalizers",
            "a heap's types have no subclasses and are never garbage",
        ),
        gc(
            "PythonFinalizationTests",
            "test_ast_fini",
            "syntax trees may outlive their types at the end of the interpreter",
            "a heap has no interpreter",
        ),
        gc(
            "PythonFinalizationTests",
            "test_warnings_fini",
            "warnings may be filtered at the end of the interpreter",
            "a heap has no interpreter",
        ),
    ]
}
