//! What `gclab conformance` promises: rows as JSON, totals, exit codes.

mod program;
use program::{lines, output, stderr, stdout};

#[test]
fn a_row_tells_what_it_means_and_how_each_heap_takes_it() {
    let done =
        output(&["conformance", "--heap", "refcount", "--heap", "generational", "--row", "test_tuple_", "--json"]);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    let rows = lines(&stdout(&done));
    let [row] = rows.as_slice() else { panic!("{} rows", rows.len()) };
    assert_eq!(row["row"], "test_gc.GCTests.test_tuple_untrack_counts");
    for key in ["meaning", "stand_in", "change", "evidence"] {
        assert!(row[key].as_str().is_some_and(|text| !text.is_empty()), "{key}");
    }
    assert_eq!(row["heaps"]["generational"]["documented"], "same");
    assert_eq!(row["heaps"]["refcount"]["documented"], "differs");
    assert!(row["heaps"]["refcount"]["because"].as_str().is_some_and(|why| !why.is_empty()));
    assert!(["refcount", "generational"].iter().all(|heap| row["heaps"][heap]["as_documented"] == true));
}

#[test]
fn the_table_ends_with_totals_and_reasons() {
    let done = output(&["conformance", "--heap", "refcount", "--row", "test_finalization"]);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    let text = stdout(&done);
    assert!(text.contains("[1] it collects no cycles") && text.contains("WRONG"), "{text}");
    assert!(stderr(&done).contains("refcount: 18 rows"), "{}", stderr(&done));
}

#[test]
fn a_row_or_a_heap_that_is_not_there_is_bad_input() {
    for arguments in [["--row", "nosuch"], ["--heap", "nosuch"]] {
        let done = output(&[&["conformance"][..], &arguments].concat());
        assert_eq!(done.status.code(), Some(1));
        assert!(stderr(&done).contains("nosuch"), "{}", stderr(&done));
    }
}
