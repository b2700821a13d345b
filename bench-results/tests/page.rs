//! The page that `gclab publish` writes, and what lies beside it: read by an HTML tokenizer of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use html5gum::{DefaultEmitter, Token, Tokenizer};
use tempfile::TempDir;

mod program;
use program::{change_cells, files_below, output, stderr, stdout};

/// A run of each kind, small; made once.
static RUNS: LazyLock<TempDir> = LazyLock::new(|| {
    let made = tempfile::tempdir().unwrap();
    let run = |command: &str, name: &str| {
        let arguments: Vec<&str> = command.split_whitespace().collect();
        let out = made.path().join(name);
        let done = output(&[&arguments[..], &["--out", out.to_str().unwrap()]].concat());
        assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    };
    run(
        "compare --workloads web-requests --heaps refcount,generational --rounds 2 --rate 2000 \
         --set web-requests.requests=500 --set web-requests.live=500,5000",
        "compared",
    );
    run(
        "reproduce thresholds --quick --rounds 1 --heaps refcount,generational --settings 700,10,10/off --set live=2000 --set \
         requests=600 --set ballast=0 --set warm-up=20",
        "thresholds",
    );
    if bench_results::process_memory::ProcessMemory::is_readable().is_ok() {
        run("reproduce freeze --tiny --parts reads --heaps generational", "freeze");
    }
    made
});

/// A copy of a run under another name.
fn copy_of(kind: &str, to: &Path) -> PathBuf {
    fs::create_dir_all(to).unwrap();
    for file in files_below(&RUNS.path().join(kind)) {
        fs::copy(&file, to.join(file.file_name().unwrap())).unwrap();
    }
    to.to_owned()
}

fn runs() -> Vec<PathBuf> {
    let all = ["compared", "thresholds", "freeze"].map(|kind| RUNS.path().join(kind));
    all.into_iter().filter(|run| run.exists()).collect()
}

fn publish(runs: &[PathBuf], out: &Path, more: &[&str]) -> std::process::Output {
    let runs: Vec<&str> = runs.iter().map(|run| run.to_str().unwrap()).collect();
    output(&[&["publish"][..], &runs, &["--out", out.to_str().unwrap()], more].concat())
}

/// What a reader of HTML finds.
#[derive(Default)]
struct Read {
    ids: Vec<String>,
    /// Tag, name and value of each attribute.
    attributes: Vec<(String, String, String)>,
    /// The words of each row of a table, joined by a bar.
    rows: BTreeSet<String>,
    headings: Vec<u8>,
    text: String,
    tags: BTreeMap<String, usize>,
}

/// Reads a page; elements must be closed in order.
fn read(page: &str) -> Read {
    const VOID: [&str; 6] = ["meta", "link", "input", "br", "img", "hr"];
    let mut read = Read::default();
    let mut open: Vec<String> = Vec::new();
    let mut cells: Vec<String> = Vec::new();
    let mut emitter: DefaultEmitter = DefaultEmitter::default();
    // Scripts and styles are no HTML.
    emitter.naively_switch_states(true);
    for token in Tokenizer::new_with_emitter(page, emitter) {
        let Ok(token) = token;
        match token {
            Token::StartTag(tag) => {
                let name = String::from_utf8(tag.name.to_vec()).unwrap();
                *read.tags.entry(name.clone()).or_default() += 1;
                for (key, value) in &tag.attributes {
                    let key = String::from_utf8(key.to_vec()).unwrap();
                    let value = String::from_utf8_lossy(&value.value).into_owned();
                    if key == "id" {
                        read.ids.push(value.clone());
                    }
                    read.attributes.push((name.clone(), key, value));
                }
                match name.as_str() {
                    "tr" => cells.clear(),
                    "th" | "td" => cells.push(String::new()),
                    "h1" | "h2" | "h3" | "h4" => read.headings.push(name.as_bytes()[1] - b'0'),
                    _ => {}
                }
                if !tag.self_closing && !VOID.contains(&name.as_str()) {
                    open.push(name);
                }
            }
            Token::EndTag(tag) => {
                let name = String::from_utf8(tag.name.to_vec()).unwrap();
                assert_eq!(open.pop().as_deref(), Some(name.as_str()), "after {open:?}");
                if name == "tr" {
                    // Code in a cell is told from words by its element here, by backticks in Markdown.
                    read.rows.insert(cells.join("|").replace('`', ""));
                }
            }
            Token::String(text) => {
                let text = String::from_utf8_lossy(&text);
                if open.last().is_some_and(|tag| ["script", "style"].contains(&tag.as_str())) {
                    continue;
                }
                read.text.push_str(&text);
                if open.iter().any(|tag| tag == "tr")
                    && let Some(cell) = cells.last_mut()
                {
                    cell.push_str(&text);
                }
            }
            Token::Error(error) => panic!("the page is no HTML: {error:?}"),
            Token::Comment(_) | Token::Doctype(_) => {}
        }
    }
    assert!(open.is_empty(), "{open:?} are not closed");
    read
}

/// The rows of tables in Markdown, as words joined by a bar.
fn rows_of_markdown(text: &str) -> Vec<String> {
    let rows =
        text.lines().filter(|line| line.starts_with('|') && !line.starts_with("|---") && !line.starts_with("| | |"));
    let plain = |cell: &str| {
        let mut plain = String::new();
        let mut letters = cell.trim().trim_start_matches("**").trim_end_matches("**").chars();
        while let Some(c) = letters.next() {
            plain.extend(if c == '\\' { letters.next() } else { Some(c) });
        }
        plain
    };
    let cells = |line: &str| {
        let inner = line.trim().trim_start_matches('|').trim_end_matches('|').replace("\\|", "\u{1}");
        inner.split('|').map(|cell| plain(&cell.replace('\u{1}', "\\|"))).collect::<Vec<_>>().join("|").replace('`', "")
    };
    rows.map(cells).collect()
}

#[test]
fn the_page_is_whole_needs_nothing_and_says_all_that_the_tables_say() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("site");
    let runs = runs();
    let done = publish(&runs, &out, &[]);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    let page = fs::read_to_string(out.join("index.html")).unwrap();
    let read = read(&page);

    // It loads nothing: no address but names of formats.
    for (tag, key, value) in &read.attributes {
        if ["src", "href", "srcset", "action", "data", "poster"].contains(&key.as_str()) {
            assert!(value.starts_with('#') || value == "data:,", "{tag} {key}={value}");
        }
        assert!(key == "xmlns" || !value.contains("://"), "{tag} {key}={value}");
        assert!(!key.starts_with("on") && key != "style", "{tag} {key}: the page's policy forbids it");
    }
    let style = page.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
    assert!(!style.contains("url(") && !style.contains("@import"));
    assert!(page.contains("default-src 'none'"));
    assert!(!read.tags.contains_key("img") && !read.tags.contains_key("iframe"));

    let ids: BTreeSet<&String> = read.ids.iter().collect();
    assert_eq!(ids.len(), read.ids.len(), "an id is given twice");
    for (tag, key, value) in &read.attributes {
        let named: Vec<&str> = match key.as_str() {
            "href" => value.strip_prefix('#').into_iter().collect(),
            "aria-labelledby" | "aria-describedby" => value.split(' ').collect(),
            _ => continue,
        };
        assert!(named.iter().all(|id| ids.contains(&(*id).to_owned())), "{tag} {key}={value} leads nowhere");
    }
    assert_eq!(read.headings[0], 1);
    assert!(read.headings.windows(2).all(|pair| pair[1] <= pair[0] + 1), "{:?}", read.headings);

    let mut compared = 0;
    for file in files_below(&out).iter().filter(|file| file.extension().is_some_and(|end| end == "md")) {
        // A run of thresholds is a comparison too, whose tables the page leaves to its files.
        if file.ends_with("thresholds/tables.md") {
            continue;
        }
        for row in rows_of_markdown(&fs::read_to_string(file).unwrap()) {
            let (name, words) = row.split_once('|').unwrap();
            let is_fact =
                !words.contains('|') && read.text.contains(name) && read.text.contains(words.trim_matches('`'));
            // The corner of a comparison's table is empty in Markdown, where the page says what stands below it.
            let head = format!("quantity|{words}");
            assert!(read.rows.contains(&row) || is_fact || read.rows.contains(&head), "{}: {row}", file.display());
            compared += 1;
        }
    }
    assert!(compared > 100, "{compared}");
    for said in ["noise floor", "commit", "command", "seed", "rounds", "machine"] {
        assert!(read.text.contains(said), "{said}");
    }
    let drawings =
        read.attributes.iter().filter(|(tag, key, value)| tag == "svg" && key == "role" && value == "img").count();
    assert_eq!(drawings, read.tags["svg"]);
    assert!(drawings > 5 && page.contains("data-readings="));
    assert_eq!(read.tags["desc"], drawings);
}

#[test]
fn hostile_names_are_words_and_paths_of_the_machine_stay_at_home() {
    let folder = tempfile::tempdir().unwrap();
    let run = copy_of("compared", &folder.path().join("<script>alert(1)<"));
    let hostile = "\"><script>alert(2)</script><!-- ]]> & /home/somebody/secret/x";
    change_cells(&run, |n, cell| {
        if n == 1 {
            cell["status"] = "error".into();
            cell["error"] = hostile.into();
        }
    });
    let out = folder.path().join("out");
    let done = publish(std::slice::from_ref(&run), &out, &["--no-histograms"]);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    let page = fs::read_to_string(out.join("index.html")).unwrap();
    let read = read(&page);
    // The program's own script, and the records.
    assert_eq!(read.tags["script"], 2);
    assert!(!page.contains("<script>alert"));
    assert!(read.text.contains("\"><script>alert(2)</script>") && read.text.contains("<script>alert(1)<"));
    for file in files_below(&out) {
        let text = fs::read_to_string(&file).unwrap();
        for home in [folder.path(), RUNS.path(), Path::new("/home/somebody")] {
            assert!(!text.contains(home.to_str().unwrap()), "{} in {}", home.display(), file.display());
        }
    }
    assert!(files_below(&out).iter().all(|file| file.extension().is_none_or(|end| end != "hlog")));
}

#[test]
fn what_is_published_can_be_published_again() {
    let folder = tempfile::tempdir().unwrap();
    let (first, again) = (folder.path().join("compared"), folder.path().join("again"));
    let done = publish(&[RUNS.path().join("compared")], &first, &[]);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    let before = files_below(&first);
    for out in [&again, &first] {
        let done = publish(std::slice::from_ref(&first), out, &[]);
        assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    }
    assert_eq!(files_below(&first), before);
    for name in ["tables.md", "tables.csv", "cells.jsonl", "run.json", "index.html"] {
        let text = |folder: &Path| fs::read_to_string(folder.join(name)).unwrap();
        assert_eq!(text(&first), text(&again), "{name}");
    }
}

#[test]
fn a_folder_of_no_known_kind_is_an_error_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let good = RUNS.path().join("compared");
    let fails = |run: PathBuf, said: &str| {
        let done = publish(&[good.clone(), run], &out, &[]);
        assert_eq!(done.status.code(), Some(1), "{}", stdout(&done));
        assert!(stderr(&done).contains(said), "{said}: {}", stderr(&done));
        assert!(!out.exists());
    };
    let with_run = |name: &str, text: &str| {
        let run = copy_of("compared", &folder.path().join(name));
        fs::write(run.join("run.json"), text).unwrap();
        run
    };
    fails(with_run("strange", r#"{"schema":1,"kind":"weather"}"#), "kind `weather`");
    fails(with_run("torn", r#"{"schema":1,"kind":"comp"#), "run.json");
    fails(with_run("frozen", r#"{"schema":1,"kind":"freeze"}"#), "damaged or of another version");
    fails(folder.path().join("nowhere"), "is no run folder");
}

#[test]
fn a_text_gets_its_tables_and_is_not_touched_if_one_is_unknown() {
    let folder = tempfile::tempdir().unwrap();
    let (run, out) = (RUNS.path().join("compared"), folder.path().join("out"));
    let text = folder.path().join("README.md");
    let around = |inner: &str| {
        format!(
            "# Top\r\nx  \n<!-- gclab:compared/every-heap-at-every-point begin -->\n{inner}<!-- gclab:compared/every-heap-at-every-point end -->\nlast line"
        )
    };
    fs::write(&text, around("")).unwrap();
    let done = publish(std::slice::from_ref(&run), &out, &["--splice", text.to_str().unwrap()]);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    let spliced = fs::read_to_string(&text).unwrap();
    let (head, tail) =
        ("# Top\r\nx  \n<!-- gclab:compared/every-heap-at-every-point begin -->\n", " end -->\nlast line");
    assert!(spliced.starts_with(head) && spliced.ends_with(tail), "{spliced}");
    assert!(spliced.contains("| generational (twin) |") && spliced.contains("`gclab compare --workloads"), "{spliced}");

    let unknown = around("").replace("every-heap", "no-heap");
    fs::write(&text, &unknown).unwrap();
    let elsewhere = folder.path().join("elsewhere");
    let done = publish(std::slice::from_ref(&run), &elsewhere, &["--splice", text.to_str().unwrap()]);
    assert_eq!(done.status.code(), Some(1));
    assert!(stderr(&done).contains("has no table `no-heap-at-every-point`"), "{}", stderr(&done));
    assert_eq!(fs::read_to_string(&text).unwrap(), unknown);
    assert!(!elsewhere.exists());
}
