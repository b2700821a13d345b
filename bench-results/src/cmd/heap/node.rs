//! A dump as the tools see it, and how they name its objects.

use std::fmt;

use gc_core::inspection::{Chain, ChainEnd, Limits, ObjectGraph, Referrers, chains};
use serde::Serialize;
use workloads::graph::{HeapGraph, TypeRecord};

use crate::units;

/// Builtin types whose objects are the program itself rather than what it works on. Nearly all of them are on cycles, and
/// would be in every program: a function refers to its module's dict, which refers to the function.
const PROGRAM: [&str; 15] = [
    "module",
    "type",
    "function",
    "code",
    "cell",
    "property",
    "staticmethod",
    "classmethod",
    "builtin_function_or_method",
    "method_descriptor",
    "wrapper_descriptor",
    "classmethod_descriptor",
    "getset_descriptor",
    "member_descriptor",
    "method",
];

/// A dump, its references both ways round, which of its objects are flagged as garbage, and which are the program itself:
/// modules, classes, functions.
pub(super) struct Dump {
    pub(super) graph: ObjectGraph,
    pub(super) referrers: Referrers,
    pub(super) garbage: Vec<bool>,
    pub(super) program: Vec<bool>,
    /// By type: whether it is a class of the program's own code or of its libraries, and its objects what they work on.
    pub(super) own_types: Vec<bool>,
}

impl Dump {
    pub(super) fn of(file: &HeapGraph) -> Self {
        let graph = file.inspected();
        let referrers = Referrers::of(&graph);
        let garbage = file.nodes().map(|node| file.flags(node).is_garbage()).collect();
        let program_types = program_types(file);
        let program = graph.objects().map(|node| program_types[graph.type_of(node) as usize]).collect();
        let own = |(name, is_program): (&String, &bool)| !is_program && !comes_with_python(name);
        let own_types = graph.type_names().iter().zip(&program_types).map(own).collect();
        Self { graph, referrers, garbage, program, own_types }
    }

    /// Where a chain may end: at a module, or at a class whose name is known. What is in a running frame is held from
    /// outside.
    fn is_destination(&self, node: u32) -> bool {
        self.is_module(node) || self.program[node as usize] && self.graph.name(node).is_some()
    }

    fn is_module(&self, node: u32) -> bool {
        matches!(short(self.graph.type_name(node)), "module" | "types.ModuleType")
    }

    pub(super) fn node(&self, node: u32) -> Node {
        let mut targets = self.graph.targets(node).to_vec();
        targets.sort_unstable();
        targets.dedup();
        Node {
            node,
            type_name: self.graph.type_name(node).to_owned(),
            name: self.graph.name(node).map(str::to_owned),
            bytes: self.graph.size(node),
            holds: targets.len(),
        }
    }

    /// The ways along which an object is held, at most `count`.
    pub(super) fn held_by(&self, node: u32, depth: usize, count: usize) -> Vec<Way> {
        let limits = Limits { depth, chains: count, ..Limits::default() };
        let found = chains(&self.graph, &self.referrers, node, |at| self.is_destination(at), limits);
        found.chains.iter().map(|chain| self.way(chain)).collect()
    }

    fn way(&self, chain: &Chain) -> Way {
        let end = match chain.end {
            ChainEnd::Destination if chain.objects.last().is_some_and(|&node| !self.is_module(node)) => End::Class,
            ChainEnd::Destination => End::Module,
            ChainEnd::Held => End::HeldFromOutside,
            ChainEnd::NoReferrer => End::NoReferrer,
            ChainEnd::Known => End::BackIntoItself,
            ChainEnd::Depth => End::Depth,
        };
        Way { nodes: chain.objects.iter().map(|&node| self.node(node)).collect(), end }
    }
}

/// For each type whether its objects are the program itself. A class of a class of the program's own is known by its size:
/// no other type's objects are as large as a `type` is.
fn program_types(file: &HeapGraph) -> Vec<bool> {
    let types = &file.header().types;
    let class = types.iter().find(|record| record.name == "builtins.type").map(|record| record.basic_size);
    let is_program = |record: &TypeRecord| {
        let builtin = record.name.strip_prefix("builtins.").is_some_and(|name| PROGRAM.contains(&name));
        builtin || class.is_some_and(|class| class > 0 && record.supports_gc && record.basic_size >= class)
    };
    types.iter().map(is_program).collect()
}

/// Packages of Python's standard library whose classes have long-lived objects in most programs. Those that begin with an
/// underscore go without saying.
const STANDARD: [&str; 60] = [
    "abc",
    "argparse",
    "array",
    "ast",
    "asyncio",
    "base64",
    "builtins",
    "bz2",
    "calendar",
    "codecs",
    "collections",
    "concurrent",
    "contextlib",
    "contextvars",
    "copy",
    "csv",
    "ctypes",
    "dataclasses",
    "datetime",
    "decimal",
    "dis",
    "email",
    "encodings",
    "enum",
    "errno",
    "fractions",
    "functools",
    "genericpath",
    "hashlib",
    "http",
    "importlib",
    "inspect",
    "io",
    "ipaddress",
    "itertools",
    "json",
    "locale",
    "logging",
    "mimetypes",
    "multiprocessing",
    "operator",
    "os",
    "pathlib",
    "pickle",
    "platform",
    "posix",
    "random",
    "re",
    "selectors",
    "signal",
    "socket",
    "sqlite3",
    "ssl",
    "string",
    "threading",
    "tokenize",
    "types",
    "typing",
    "weakref",
    "zipimport",
];

/// Whether a type is built in or of the standard library, by its qualified name: one without a module is built in.
fn comes_with_python(name: &str) -> bool {
    let package = name.split_once('.').map(|(package, _)| package);
    package.is_none_or(|package| package.starts_with('_') && package != "__main__" || STANDARD.contains(&package))
}

/// A type's name without the module that goes without saying.
pub(super) fn short(name: &str) -> &str {
    name.strip_prefix("builtins.").unwrap_or(name)
}

/// One object of a dump.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Node {
    pub(super) node: u32,
    #[serde(rename = "type")]
    pub(super) type_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    pub(super) bytes: u64,
    /// Different objects that it refers to.
    pub(super) holds: usize,
}

/// From how many references on a number is worth reading beside an object.
const MANY: usize = 10;

impl fmt::Display for Node {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} #{}", short(&self.type_name), self.node)?;
        if let Some(name) = &self.name {
            write!(out, " `{name}`")?;
        }
        if self.holds >= MANY {
            write!(out, " (of {})", units::count(self.holds as u64))?;
        }
        Ok(())
    }
}

/// A chain of referrers: an object, what holds it, what holds that.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Way {
    pub(super) nodes: Vec<Node>,
    pub(super) end: End,
}

/// Where a chain ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum End {
    Module,
    Class,
    HeldFromOutside,
    NoReferrer,
    BackIntoItself,
    Depth,
}

impl Way {
    /// The chain without its first object, as it is read after that one's name.
    pub(super) fn rest(&self) -> String {
        let mut text = String::new();
        for node in &self.nodes[1..] {
            text.push_str(&format!(" ← {node}"));
        }
        text.push_str(match self.end {
            End::Module | End::Class => "",
            End::HeldFromOutside => " ← held from outside (a stack, C code, or for ever)",
            End::NoReferrer => " ← nothing known",
            End::BackIntoItself => " ← only what was passed already",
            End::Depth => " ← …",
        });
        text.trim_start().to_owned()
    }
}

impl fmt::Display for Way {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.nodes[0], self.rest())
    }
}
