//! `gclab heap`: the heap graph of a real process: its shape, what a collection finds in it, what fills it, what holds
//! what, which cycles it has, and what leaks.

mod collection;
mod cycles;
mod leaks;
mod node;
mod one_type;
mod page;
mod referrers;
mod selection;
mod top;

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use serde::Serialize;
use workloads::graph::shape::Shape;
use workloads::graph::{HeapGraph, embedded_django};

use self::node::Dump;
use self::page::Page;
use super::key_value;
use crate::cell::Given;

const EXAMPLES: &str = "\
Examples:
  gclab heap django                                 the shape of the built-in heap of a Django process
  gclab heap dump.gcheap.gz --top                   what fills it
  gclab heap dump.gcheap.gz --leaks                 containers that hold suspiciously much, and who holds them
  gclab heap new.gcheap.gz --leaks --against old.gcheap.gz    what grew between two dumps, and who holds it
  gclab heap dump.gcheap.gz --referrers app.models.Order      who holds the objects of a type
  gclab heap dump.gcheap.gz --referrers 1234 --depth 6        who holds one object, and who holds that
  gclab heap dump.gcheap.gz --cycles                the cycles, by the types along them
  gclab heap dump.gcheap.gz --collect               load it, collect, compare with the flagged garbage
  gclab heap dump.gcheap.gz --collect --heap generational --config place=side --json

A node is an object's number in the file, a type its qualified name or the end of it. Names of
objects (modules, classes, what they hold) are shown where the file has them.";

/// Show the heap graph of a real process (a GCHEAP file): its shape, what fills it, who holds what, its cycles and leaks
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// A GCHEAP file, or `django` for the heap that is built in
    file: String,
    /// The types with most objects and most bytes
    #[arg(long, conflicts_with = "collect")]
    top: bool,
    /// The objects of one type: how many, what holds them, what they hold
    #[arg(long = "type", value_name = "NAME", conflicts_with = "collect")]
    type_name: Option<String>,
    /// Who holds an object, or the objects of a type, up to modules and what is held from outside
    #[arg(long, value_name = "NODE|TYPE", conflicts_with = "collect")]
    referrers: Option<String>,
    /// Short cycles that every object on a cycle is on, by the types along them: of the flagged garbage, or of all objects
    /// where nothing is flagged
    #[arg(long, conflicts_with = "collect")]
    cycles: bool,
    /// The shortest cycle through one object
    #[arg(long, value_name = "NODE", conflicts_with = "collect")]
    through: Option<u32>,
    /// Containers that hold suspiciously many objects of a type, objects that retain most, and who holds them
    #[arg(long, conflicts_with = "collect")]
    leaks: bool,
    /// With --leaks: an older dump of the same program, to see what grew since
    #[arg(long, value_name = "OLDER_FILE", requires = "leaks")]
    against: Option<String>,
    /// With --referrers and --leaks: references of the longest chain
    #[arg(long, default_value_t = 8, value_name = "N")]
    depth: usize,
    /// Most rows of each list
    #[arg(long, default_value_t = 10, value_name = "N")]
    rows: usize,
    /// Load the graph, collect fully, and compare what was freed with what the file flags as garbage
    #[arg(long)]
    collect: bool,
    /// The heap to load it on
    #[arg(long, default_value = "generational")]
    heap: String,
    /// A setting of the heap; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = key_value)]
    config: Vec<Given>,
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
}

/// The answers to what was asked of one file: the line that `--json` prints.
#[derive(Debug, Serialize)]
struct Answers {
    file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    top: Option<top::Top>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    one_type: Option<one_type::OneType>,
    #[serde(skip_serializing_if = "Option::is_none")]
    referrers: Option<referrers::Answer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cycles: Option<cycles::Cycles>,
    #[serde(skip_serializing_if = "Option::is_none")]
    through: Option<cycles::Through>,
    #[serde(skip_serializing_if = "Option::is_none")]
    leaks: Option<leaks::Leaks>,
}

pub(super) fn run(arguments: Arguments) -> Result<()> {
    if arguments.collect {
        return collection::run(&arguments, || read(&arguments.file));
    }
    let asked = &arguments;
    let tools = asked.top || asked.cycles || asked.leaks;
    if !tools && asked.type_name.is_none() && asked.referrers.is_none() && asked.through.is_none() {
        let shape = Shape::of(&read(&asked.file)?);
        let text = if asked.json { serde_json::to_string(&shape)? + "\n" } else { format!("{shape}") };
        return super::print(&text);
    }
    let answers = answer(asked)?;
    if asked.json {
        return super::print(&(serde_json::to_string(&answers)? + "\n"));
    }
    let mut page = Page::for_stdout();
    answers.write(&mut page);
    super::print(&page.into_text())
}

fn read(file: &str) -> Result<HeapGraph> {
    match file {
        "django" => Ok(embedded_django()),
        path => HeapGraph::open(PathBuf::from(path)).with_context(|| format!("cannot read the heap graph {path}")),
    }
}

fn answer(asked: &Arguments) -> Result<Answers> {
    let dump = Dump::of(&read(&asked.file)?);
    // What is wrong with a name or a number is said before anything is computed.
    let wanted_type = asked.type_name.as_deref().map(|name| selection::types(&dump, name)).transpose()?;
    let wanted_referrers = asked.referrers.as_deref().map(|name| selection::subject(&dump, name)).transpose()?;
    asked.through.map(|node| selection::node(&dump, node)).transpose()?;
    let older = asked.against.as_deref().map(read).transpose()?;
    Ok(Answers {
        file: asked.file.clone(),
        top: asked.top.then(|| top::Top::of(&dump, asked.rows)),
        one_type: wanted_type.map(|types| one_type::OneType::of(&dump, &types, asked.rows)),
        referrers: wanted_referrers.map(|subject| referrers::answer(&dump, &subject, asked.depth, asked.rows)),
        cycles: asked.cycles.then(|| cycles::Cycles::of(&dump, asked.rows)),
        through: asked.through.map(|node| cycles::Through::of(&dump, node)),
        leaks: asked.leaks.then(|| leaks::Leaks::of(&dump, older.as_ref(), asked.depth, asked.rows)),
    })
}

impl Answers {
    fn write(&self, page: &mut Page) {
        self.top.iter().for_each(|answer| answer.write(page));
        self.one_type.iter().for_each(|answer| answer.write(page));
        self.referrers.iter().for_each(|answer| answer.write(page));
        self.cycles.iter().for_each(|answer| answer.write(page));
        self.through.iter().for_each(|answer| answer.write(page));
        self.leaks.iter().for_each(|answer| answer.write(page));
    }
}
