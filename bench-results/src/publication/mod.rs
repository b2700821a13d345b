//! What `gclab publish` leaves: of each run a folder with tables, plots and its raw records, and one page over all of them.
//!
//! Runs of every [kind](kinds) come as [editions](mod@crate::report::edition): files and chapters, whole in memory. Only when all are
//! there is anything written.

pub mod kinds;
pub mod page;
pub mod raw;
pub mod splice;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use self::page::Part;
use self::raw::Raw;
use crate::histogram::write_whole;
use crate::report::edition::Edition;
use crate::report::quantity::Quantity;

/// A file that was written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Written {
    /// The run that it is of; of the page and of what was spliced, all of them.
    pub run: String,
    /// `table`, `percentiles`, `plot`, `record`, `page` or `splice`.
    pub kind: &'static str,
    /// Where it is.
    pub path: PathBuf,
}

/// What to publish, and how.
#[derive(Clone, Debug)]
pub struct Order<'o> {
    /// The run folders.
    pub runs: &'o [PathBuf],
    /// Where to.
    pub out: &'o Path,
    /// The quantity of sweep plots.
    pub swept: Option<&'static Quantity>,
    /// Whether histograms are copied beside the records.
    pub histograms: bool,
    /// A text whose marked tables are to be replaced.
    pub splice: Option<&'o Path>,
}

/// Publishes runs into a folder; several of them into folders below it, by their names, with one page over all.
///
/// # Errors
/// If a folder holds no run, a file of it is damaged, the text to splice into names no table, or the place to write to holds
/// another run or cannot be written.
pub fn publish(order: &Order<'_>) -> Result<Vec<Written>> {
    let mut editions = Vec::new();
    for run in order.runs {
        let raw = Raw::read(run)?;
        let (_scratch, staged) = raw.staged()?;
        // What is wrong with a file is said of the folder that was named.
        let mut edition = kinds::edition(&staged, order.swept)
            .map_err(|error| kinds::edition(run, order.swept).err().unwrap_or(error))?;
        if let Some(first) = edition.chapters.first_mut() {
            first.records = raw.lines();
        }
        editions.push((edition, raw));
    }
    let chapters: Vec<_> = editions.iter().flat_map(|(edition, _)| &edition.chapters).collect();
    let spliced = order.splice.map(|text| splice::Spliced::read(text, &chapters)).transpose()?;
    if let [_, _, ..] = editions.as_slice()
        && order.out.join("cells.jsonl").exists()
    {
        let shown = order.out.display();
        bail!("{shown} holds a run, whose page would be lost; choose another folder with --out, or remove that one");
    }
    let (mut names, mut places) = (BTreeSet::new(), Vec::new());
    for (edition, raw) in &editions {
        let mut folder = order.out.to_owned();
        let mut below = String::new();
        if editions.len() > 1 {
            // Runs of different places may have one name.
            let numbered = (2..).map(|n| format!("{}-{n}", edition.name));
            let mut free = std::iter::once(edition.name.clone()).chain(numbered);
            below = free.find(|name| names.insert(name.clone())).unwrap_or_default();
            folder.push(&below);
        }
        raw.check_place(&folder)?;
        places.push((folder, below));
    }
    let (mut written, mut parts) = (Vec::new(), Vec::new());
    for ((edition, raw), (folder, below)) in editions.iter().zip(places) {
        write_edition(edition, &folder, &mut written)?;
        let copied = raw.write(&folder, order.histograms)?;
        written.extend(copied.into_iter().map(|path| Written { run: edition.name.clone(), kind: "record", path }));
        parts.push(Part { edition, folder: below });
    }
    let all = editions.iter().map(|(edition, _)| edition.name.as_str()).collect::<Vec<_>>().join(", ");
    let path = order.out.join("index.html");
    write(&path, page::render(&parts)?.as_bytes())?;
    written.push(Written { run: all.clone(), kind: "page", path });
    if let Some(spliced) = spliced {
        written.push(Written { run: all, kind: "splice", path: spliced.write()? });
    }
    Ok(written)
}

fn write_edition(edition: &Edition, folder: &Path, written: &mut Vec<Written>) -> Result<()> {
    for leaf in &edition.files {
        let path = folder.join(&leaf.path);
        write(&path, leaf.text.as_bytes())?;
        written.push(Written { run: edition.name.clone(), kind: leaf.kind, path });
    }
    Ok(())
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let unwritable = || format!("cannot write {}; choose a folder that can be written with --out", path.display());
    fs::create_dir_all(path.parent().unwrap_or(path)).with_context(unwritable)?;
    write_whole(path, bytes).with_context(unwritable)
}
