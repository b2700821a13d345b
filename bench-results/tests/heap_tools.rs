//! The tools of `gclab heap FILE`: on small heaps whose leaks and cycles are known, and on those of a Django site.

mod program;

use std::path::{Path, PathBuf};

use program::{gclab, lines, output, stderr, stdout};
use serde_json::{Value, json};
use tempfile::TempDir;
use workloads::graph::{Columns, Flags, Header, HeapGraph, TypeRecord};

/// Writes a heap of tracked objects of these types, with these references; those of `outside` are held from outside.
fn write(path: &Path, types: &[&str], edges: &[(u32, u32)], outside: &[u32], names: Value) {
    write_flagged(path, types, edges, outside, names, &[]);
}

/// The same, with some flagged as garbage.
fn write_flagged(path: &Path, types: &[&str], edges: &[(u32, u32)], outside: &[u32], names: Value, garbage: &[u32]) {
    let mut table: Vec<&str> = types.to_vec();
    table.sort_unstable();
    table.dedup();
    // Larger than anything else, as it is in Python.
    let size = |name: &str| if name == "builtins.type" { 900 } else { 48 };
    let record =
        |name: &&str| TypeRecord { name: (*name).to_owned(), basic_size: size(name), item_size: 0, supports_gc: true };
    let header = Header {
        types: table.iter().map(record).collect(),
        other: [("names".to_owned(), names)].into_iter().collect(),
        ..Header::default()
    };
    let mut edges = edges.to_vec();
    edges.sort_by_key(|&(from, _)| from);
    let nodes = types.len() as u32;
    let count = |node: u32| edges.iter().filter(|&&(_, to)| to == node).count() + usize::from(outside.contains(&node));
    let columns = Columns {
        types: types.iter().map(|name| table.binary_search(name).unwrap() as u32).collect(),
        flags: (0..nodes)
            .map(|node| if garbage.contains(&node) { Flags::GARBAGE } else { 0 })
            .map(|garbage| Flags(Flags::TRACKED | Flags::SUPPORTS_GC | garbage))
            .collect(),
        sizes: vec![100; types.len()],
        counts: (0..nodes).map(|node| count(node) as u64).collect(),
        offsets: (0..=nodes).map(|node| edges.iter().filter(|&&(from, _)| from < node).count() as u32).collect(),
        targets: edges.iter().map(|&(_, to)| to).collect(),
    };
    let graph = HeapGraph::from_columns(header, columns).unwrap();
    let mut file = std::fs::File::create(path).unwrap();
    graph.write_to(&mut file).unwrap();
}

/// A module whose dict has a list of `leaked` objects, each with its own dict; the last holds an argument that refers back.
fn planted(folder: &TempDir, name: &str, leaked: u32) -> PathBuf {
    let mut types = vec!["builtins.module", "builtins.dict", "builtins.list"];
    let mut edges = vec![(0, 1), (1, 2)];
    for n in 0..leaked {
        types.extend(["app.models.LeakyObject", "builtins.dict"]);
        edges.extend([(2, 3 + 2 * n), (3 + 2 * n, 4 + 2 * n)]);
    }
    let argument = types.len() as u32;
    types.push("app.forms.Argument");
    edges.extend([(argument - 1, argument), (argument, argument - 2)]);
    let path = folder.path().join(name);
    write(&path, &types, &edges, &[0], json!([[0, "app.views"], ["no", "row"], [2, "PENDING"]]));
    path
}

fn asked(file: &Path, arguments: &[&str]) -> Value {
    let mut all = vec!["heap", file.to_str().unwrap(), "--json"];
    all.extend(arguments);
    let output = output(&all);
    assert!(output.status.success(), "{}", stderr(&output));
    lines(&stdout(&output)).remove(0)
}

fn printed(file: &str, arguments: &[&str]) -> String {
    let mut all = vec!["heap", file];
    all.extend(arguments);
    let output = output(&all);
    assert!(output.status.success(), "{}", stderr(&output));
    stdout(&output)
}

fn garbage_file() -> &'static str {
    concat!(env!("CARGO_MANIFEST_DIR"), "/../workloads/data/django_garbage_py313.gcheap.gz")
}

#[test]
fn leaks_name_the_list_at_module_level_and_what_grew() {
    let folder = TempDir::new().unwrap();
    let (older, newer) = (planted(&folder, "older", 20), planted(&folder, "newer", 50));
    let leaks = &asked(&newer, &["--leaks", "--against", older.to_str().unwrap()])["leaks"];
    let container = &leaks["containers"][0];
    assert_eq!(container["holder"]["node"], 2);
    assert_eq!((&container["of_type"], &container["held"]), (&json!("app.models.LeakyObject"), &json!(50)));
    // The list, 50 objects with their dicts, and the argument.
    assert_eq!(container["retained_bytes"], 10_200);
    assert_eq!(
        (&container["chain"]["end"], &container["chain"]["nodes"][2]["name"]),
        (&json!("module"), &json!("app.views"))
    );
    // The module and its dict retain little more: the list stands for them.
    assert_eq!(leaks["retaining"][0]["holder"]["name"], "PENDING");
    let grown = &leaks["grown"][0];
    assert_eq!(
        (&grown["type"], &grown["objects_before"], &grown["objects"]),
        (&json!("app.models.LeakyObject"), &json!(20), &json!(50))
    );
    assert_eq!((&grown["holders"][0]["holder"]["node"], &grown["holders"][0]["held"]), (&json!(2), &json!(50)));
    assert_eq!(leaks["unreachable"]["objects"], 0);
    let text = printed(newer.to_str().unwrap(), &["--leaks", "--against", older.to_str().unwrap()]);
    assert!(text.contains("+30"), "{text}");
    assert!(text.contains("app.models.LeakyObject in list #2 `PENDING` (of 50)"), "{text}");
    assert!(text.contains("← dict #1 ← module #0 `app.views`"), "{text}");
}

#[test]
fn a_list_of_the_programs_own_objects_comes_before_larger_tables_of_pythons() {
    let folder = TempDir::new().unwrap();
    // A class with a dict, which is held from outside as well and has a list of 20 objects; and a module's dict with 100
    // strings, 90 functions and 80 of a class of the standard library each.
    let mut types = vec!["builtins.type", "builtins.dict", "builtins.list", "builtins.module"];
    let mut edges = vec![(0, 1), (1, 2)];
    let mut add = |holder: u32, name, count: u32| {
        let first = types.len() as u32;
        types.extend(std::iter::repeat_n(name, count as usize));
        edges.extend((0..count).map(|n| (holder, first + n)));
        first
    };
    add(2, "app.models.LeakyObject", 20);
    for (name, count) in [("builtins.str", 100), ("builtins.function", 90), ("_frozen_importlib.ModuleSpec", 80)] {
        let dict = add(3, "builtins.dict", 1);
        add(dict, name, count);
    }
    // 30 objects more that wait for the collector.
    let lost = add(3, "app.models.Request", 1);
    let first = add(lost, "app.models.Request", 29);
    edges.retain(|&(from, to)| (from, to) != (3, lost));
    edges.push((first, lost));
    let garbage: Vec<u32> = (lost..types.len() as u32).collect();
    let (older, newer) = (folder.path().join("older"), folder.path().join("newer"));
    let names = json!([[0, "app.views.View"], [2, "remembered_requests"]]);
    write_flagged(&newer, &types, &edges, &[0, 1, 3], names, &garbage);
    write(&older, &["builtins.type", "builtins.module"], &[], &[0, 1], json!([]));
    let leaks = &asked(&newer, &["--leaks", "--against", older.to_str().unwrap()])["leaks"];
    let containers = leaks["containers"].as_array().unwrap();
    let kinds: Vec<_> = containers.iter().map(|row| row["of_type"].as_str().unwrap()).collect();
    let python = ["builtins.str", "builtins.function", "_frozen_importlib.ModuleSpec"];
    assert_eq!(kinds, [&["app.models.LeakyObject"][..], &python, &["app.models.Request"]].concat());
    let list = &containers[0];
    assert_eq!((&list["holder"]["name"], &list["chain"]["end"]), (&json!("remembered_requests"), &json!("class")));
    assert_eq!(list["chain"]["nodes"][2]["name"], "app.views.View");
    let grown: Vec<_> = leaks["grown"].as_array().unwrap().iter().map(|row| row["type"].as_str().unwrap()).collect();
    assert!(grown.contains(&"app.models.LeakyObject"), "{grown:?}");
    assert!(!grown.contains(&"app.models.Request"), "garbage is no growth: {grown:?}");
}

#[test]
fn referrers_lead_from_a_leaked_object_to_its_module() {
    let folder = TempDir::new().unwrap();
    let file = planted(&folder, "dump", 20);
    // The argument, which the dict of the last object keeps.
    let answer = &asked(&file, &["--referrers", "43"])["referrers"];
    let types: Vec<_> =
        answer["chains"][0]["nodes"].as_array().unwrap().iter().map(|node| node["type"].clone()).collect();
    assert_eq!(
        types,
        [
            "app.forms.Argument",
            "builtins.dict",
            "app.models.LeakyObject",
            "builtins.list",
            "builtins.dict",
            "builtins.module"
        ]
    );
    assert_eq!(answer["chains"][0]["end"], "module");
    let short = &asked(&file, &["--referrers", "43", "--depth", "2"])["referrers"]["chains"][0];
    assert_eq!((short["nodes"].as_array().unwrap().len(), &short["end"]), (3, &json!("depth")));
    // By the end of a type's name.
    let answer = &asked(&file, &["--referrers", "LeakyObject"])["referrers"];
    assert_eq!((&answer["objects"], &answer["holders"][0]["held"]), (&json!(20), &json!(20)));
    assert_eq!(answer["holders"][0]["held_by_nothing_else"], 19, "the last is held by its argument too");
    let one = &asked(&file, &["--type", "LeakyObject"])["type"];
    assert_eq!((&one["objects"], &one["bytes"], &one["held_from_outside"]), (&json!(20), &json!(2_000), &json!(0)));
    assert_eq!(one["hold"], json!([{"type": "builtins.dict", "objects": 20, "bytes": 2_000}]));
}

#[test]
fn cycles_of_one_form_are_counted_together_and_those_of_the_program_itself_apart() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("cycles");
    let types = ["builtins.function", "builtins.dict", "app.View", "app.Form", "app.View", "app.Form", "app.Node"];
    write(
        &file,
        &types,
        &[(0, 1), (1, 0), (2, 3), (3, 2), (4, 5), (5, 4), (6, 6), (1, 2), (1, 4), (1, 6)],
        &[0],
        json!(null),
    );
    let covers = asked(&file, &["--cycles"])["cycles"]["covers"].clone();
    assert_eq!(
        (&covers[0]["objects"], &covers[0]["on_cycles"], &covers[0]["cycles"]),
        (&json!(6), &json!(5), &json!(3))
    );
    assert_eq!(covers[0]["groups"][0]["types"], json!(["app.Form", "app.View"]));
    assert_eq!(covers[0]["groups"][0]["cycles"], 2);
    assert_eq!(covers[0]["groups"][1]["types"], json!(["app.Node"]));
    assert_eq!((&covers[1]["on_cycles"], &covers[1]["cycles"]), (&json!(7), &json!(4)));
    let text = printed(file.to_str().unwrap(), &["--cycles", "--through", "2"]);
    assert!(text.contains("app.Form → app.View → app.Form"), "{text}");
    assert!(text.contains("app.View → app.Form → app.View\n  → app.View #2\n  → app.Form #3\n"), "{text}");
}

#[test]
fn the_garbage_of_a_django_site_is_on_cycles_that_its_developers_know() {
    let cover = asked(Path::new(garbage_file()), &["--cycles"])["cycles"]["covers"][0].clone();
    assert_eq!(
        (&cover["objects"], &cover["on_cycles"], &cover["left_over"]),
        (&json!(12_888), &json!(1_920), &json!(0))
    );
    let text = printed(garbage_file(), &["--cycles"]);
    let known = "django.contrib.messages.storage.fallback.FallbackStorage → django.core.handlers.wsgi.WSGIRequest → \
                 django.contrib.messages.storage.fallback.FallbackStorage";
    // Once in each of the 40 requests.
    assert!(text.lines().any(|line| line.trim_start().starts_with("40 ") && line.ends_with(known)), "{text}");
    assert!(
        text.contains("django.template.context.RequestContext → list → django.template.context.ContextDict"),
        "{text}"
    );
}

#[test]
fn the_tools_answer_on_the_built_in_heap() {
    let answer =
        asked(Path::new("django"), &["--top", "--leaks", "--cycles", "--type", "module", "--referrers", "URLPattern"]);
    assert_eq!((&answer["top"]["objects"], &answer["top"]["references"]), (&json!(156_131), &json!(385_122)));
    assert_eq!(answer["leaks"]["containers"].as_array().unwrap().len(), 10);
    assert_eq!(answer["cycles"]["covers"][1]["on_cycles"], 55_126);
    assert_eq!(answer["type"]["types"], json!(["builtins.module"]));
    assert_eq!(answer["referrers"]["objects"], 24);
    let patterns = answer["referrers"]["holders"].as_array().unwrap();
    assert_eq!(patterns.iter().map(|holder| holder["held"].as_u64().unwrap()).sum::<u64>(), 24);
    assert!(patterns.iter().all(|holder| holder["holder"]["type"] == "builtins.list"));
}

#[test]
fn what_cannot_be_answered_is_refused_with_a_remedy() {
    for (arguments, says) in [
        (&["--referrers", "200000"][..], "numbered from 0"),
        (&["--through", "200000"], "numbered from 0"),
        (&["--type", "urlpattern"], "there is `django.urls.resolvers.URLPattern`"),
        (&["--referrers", "no.such.Type"], "--top lists the largest ones"),
        (&["--against", "django"], "--leaks"),
        (&["--top", "--collect"], "cannot be used with"),
        (&["--leaks", "--against", "no-such-file"], "no-such-file"),
    ] {
        let mut all = vec!["heap", "django"];
        all.extend(arguments);
        let output = output(&all);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(stderr(&output).contains(says), "{arguments:?}: {}", stderr(&output));
    }
}

#[test]
fn what_is_no_terminal_gets_plain_text() {
    for no_color in ["", "1"] {
        let output = gclab(&["heap", "django", "--top"]).env("NO_COLOR", no_color).output().unwrap();
        assert!(!stdout(&output).contains('\x1b'));
    }
}
