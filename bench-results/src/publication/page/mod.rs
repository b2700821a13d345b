//! One page over all runs: a file that needs nothing beside it and no network.
//!
//! All of it can be read without its script, which only adds: sorting, filtering, values at a pointer or at the keyboard's
//! place, copying, saving. A policy in its head forbids the browser to load anything, and to run or apply anything but this
//! script and this style.

mod chapter;
mod drawing;
mod ids;
mod records;

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

use self::ids::Ids;
use crate::report::edition::Edition;
use crate::report::svg::palette::style_of_page;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// A run on the page.
pub struct Part<'p> {
    /// What it says.
    pub edition: &'p Edition,
    /// The folder of its files, below that of the page; empty where it is the same.
    pub folder: String,
}

/// The page.
///
/// # Errors
/// If records cannot be compressed, which does not happen in memory.
pub fn render(parts: &[Part<'_>]) -> Result<String> {
    let style = format!("{STYLE}{}", style_of_page());
    let policy = format!(
        "default-src 'none'; style-src '{}'; script-src '{}'; img-src data:; base-uri 'none'; form-action 'none'",
        hash(&style),
        hash(SCRIPT)
    );
    let names: Vec<&str> = parts.iter().map(|part| part.edition.name.as_str()).collect();
    let mut ids = Ids::default();
    let mut sections = Vec::new();
    for part in parts {
        sections.push(chapter::part(part, &mut ids)?);
    }
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                link rel="icon" href="data:,";
                title { "gclab: " (names.join(", ")) }
                style { (PreEscaped(&style)) }
            }
            body {
                a.skip href="#main" { "Skip to the results" }
                header.top {
                    h1 { "Results of gclab" }
                    p { "Reference-counted heaps and their cycle collectors, under the same programs. "
                        (count(names.len(), "run")) ", published by gclab " (env!("CARGO_PKG_VERSION")) "." }
                    (theme())
                }
                div.columns {
                    nav aria-label="Contents" {
                        details open { summary { "Contents" }
                            ol { @for section in &sections { (section.contents) } }
                        }
                    }
                    main #main tabindex="-1" {
                        @for section in &sections { (section.body) }
                    }
                }
                footer { p { "n/a: not known, which is not zero. Times, sizes and rates have their units beside them." } }
                div #tip role="tooltip" hidden {}
                div #said.unseen aria-live="polite" {}
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    Ok(page.into_string())
}

/// Light, dark or as the system; shown by the script, as without it there is nothing to switch.
fn theme() -> Markup {
    html! {
        fieldset #theme hidden {
            legend { "Colours" }
            @for (value, name) in [("auto", "System"), ("light", "Light"), ("dark", "Dark")] {
                label { input type="radio" name="theme" value=(value) checked[value == "auto"]; " " (name) }
            }
        }
    }
}

/// Of a style or a script, as a policy names it.
fn hash(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text.as_bytes())))
}

fn count(n: usize, name: &str) -> String {
    if n == 1 { format!("1 {name}") } else { format!("{n} {name}s") }
}
