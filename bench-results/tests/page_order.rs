//! How the published page sorts: the script's own functions, run where there is a node.

use std::fs;
use std::process::Command;

/// What the page makes of the cells of a column.
fn sorted(cells: &[&str], sign: i32) -> Option<Vec<String>> {
    if Command::new("node").arg("--version").output().is_err() {
        eprintln!("skipped: no node on this machine");
        return None;
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/publication/page/page.js");
    let script = fs::read_to_string(path).unwrap();
    let (begin, end) = (script.find("  const UNITS").unwrap(), script.find("  const sortable").unwrap());
    let asked = format!(
        "{}\nconst keyed = {}.map(text => [key(text), text]);\n\
         console.log(JSON.stringify(keyed.sort((a, b) => order(a[0], b[0], {sign})).map(pair => pair[1])));",
        &script[begin..end],
        serde_json::to_string(cells).unwrap()
    );
    let done = Command::new("node").args(["-e", &asked]).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    Some(serde_json::from_slice(&done.stdout).unwrap())
}

#[test]
fn where_the_first_figure_is_unknown_the_last_known_one_orders() {
    let cells = ["n/a/1.20 ms", "n/a", "n/a/8.43 ms", "2.00 ms/3.00 ms", "n/a/27.0 ms", "n/a/958 µs", "950 µs/5.00 ms"];
    let Some(up) = sorted(&cells, 1) else { return };
    assert_eq!(
        up,
        ["950 µs/5.00 ms", "2.00 ms/3.00 ms", "n/a/958 µs", "n/a/1.20 ms", "n/a/8.43 ms", "n/a/27.0 ms", "n/a"]
    );
    let down = sorted(&cells, -1).unwrap();
    assert_eq!(
        down,
        ["2.00 ms/3.00 ms", "950 µs/5.00 ms", "n/a/27.0 ms", "n/a/8.43 ms", "n/a/1.20 ms", "n/a/958 µs", "n/a"],
        "what is not known is last in both directions"
    );
}

#[test]
fn figures_words_and_nothing_stand_in_this_order() {
    let cells = ["", "saturated", "1,379/125/3", "914/83/5", "n/a"];
    let Some(up) = sorted(&cells, 1) else { return };
    assert_eq!(up, ["914/83/5", "1,379/125/3", "saturated", "", "n/a"]);
    assert_eq!(sorted(&["45,170/s", "9,000/s"], 1).unwrap(), ["9,000/s", "45,170/s"]);
}
