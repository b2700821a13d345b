//! What a command line means by a node or a type.

use anyhow::{Result, bail};

use super::node::{Dump, short};

/// Names offered where none fits.
const OFFERED: usize = 5;

/// One object, or all of some types.
pub(super) enum Subject {
    Node(u32),
    Types(Types),
}

/// Types that a name fits: for each type whether it is one.
pub(super) struct Types {
    pub(super) names: Vec<String>,
    wanted: Vec<bool>,
}

impl Types {
    pub(super) fn wants(&self, dump: &Dump, node: u32) -> bool {
        self.wanted[dump.graph.type_of(node) as usize]
    }
}

/// A number is a node, all else a type.
pub(super) fn subject(dump: &Dump, text: &str) -> Result<Subject> {
    match text.trim_start_matches('#').parse() {
        Ok(number) => Ok(Subject::Node(node(dump, number)?)),
        Err(_) => Ok(Subject::Types(types(dump, text)?)),
    }
}

/// A node that is in the file.
pub(super) fn node(dump: &Dump, number: u32) -> Result<u32> {
    if (number as usize) < dump.graph.len() {
        return Ok(number);
    }
    bail!(
        "the file has no node {number}: its {} objects are numbered from 0; --type and --referrers with a type name some",
        dump.graph.len()
    )
}

/// The types of a qualified name, or, if there is none, of names that end in it after a dot.
pub(super) fn types(dump: &Dump, text: &str) -> Result<Types> {
    let known = dump.graph.type_names();
    let select = |fits: &dyn Fn(&str) -> bool| -> Vec<bool> { known.iter().map(|name| fits(name)).collect() };
    let mut wanted = select(&|name| name == text || short(name) == text);
    if !wanted.contains(&true) {
        wanted = select(&|name| name.strip_suffix(text).is_some_and(|rest| rest.ends_with('.')));
    }
    let mut used = vec![false; known.len()];
    dump.graph.objects().for_each(|node| used[dump.graph.type_of(node) as usize] = true);
    if !wanted.contains(&true) {
        let lower = text.to_lowercase();
        let mut near: Vec<_> = known.iter().filter(|name| name.to_lowercase().contains(&lower)).collect();
        near.sort();
        near.dedup();
        near.truncate(OFFERED);
        if near.is_empty() {
            bail!("the file has no type `{text}`; --top lists the largest ones");
        }
        let near: Vec<_> = near.iter().map(|name| format!("`{name}`")).collect();
        bail!("the file has no type `{text}`; there is {}", near.join(", "));
    }
    let mut names: Vec<_> =
        known.iter().zip(&wanted).filter(|&(_, &wanted)| wanted).map(|(name, _)| name.clone()).collect();
    names.sort();
    names.dedup();
    Ok(Types { names, wanted })
}
