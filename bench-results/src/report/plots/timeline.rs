//! Pauses over time: a strip a heap, a stem a pause, from the trace of one cell each.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use gc_core::event::Cause;
use serde_json::Value;

use super::super::column::Block;
use super::super::quantity::Unit;
use super::super::source::Source;
use super::super::svg::chart::{across, footing, heading, horizontal, legend};
use super::super::svg::palette::Look;
use super::super::svg::scale::Axis;
use super::super::svg::{Anchor, Canvas, WIDTH};
use super::Plot;

const STRIP: f64 = 58.0;
/// So many stems side by side cannot be told apart: of those at one place the longest stands.
const PLACES: f64 = 900.0;

/// A pause: its place among [`Cause::ALL`], its begin and its length in nanoseconds.
type Pause = (usize, f64, f64);

pub(super) fn plot(source: &Source, block: &Block<'_>, caption: &str) -> Result<Option<Plot>> {
    let mut strips = Vec::new();
    let mut round = None;
    for column in &block.columns {
        let traced = column.lines.iter().find_map(|line| {
            let path = source.path.join(format!("{}.trace.json", line.record.cell));
            path.exists().then_some((line.record.round, path))
        });
        let Some((of_round, path)) = traced else { continue };
        round = round.or(Some(of_round));
        strips.push((column.name(), pauses(&path)?));
    }
    let all = || strips.iter().flat_map(|(_, pauses)| pauses);
    let Some(lengths) = Axis::logarithmic("length of a pause", all().map(|pause| pause.2), Unit::Time) else {
        return Ok(None);
    };
    let last = all().map(|pause| pause.1 + pause.2).fold(0.0, f64::max);
    let times = Axis::linear("time since the timed part began", 0.0, last, Unit::Time);
    let title = format!("Pauses over time: {}", block.title());
    let mut canvas = Canvas::default();
    let top = heading(&mut canvas, &title, &lengths.full_label());
    let bottom = top + strips.len() as f64 * (STRIP + 18.0);
    let below = horizontal(&mut canvas, &times, top, bottom);
    for (n, (name, pauses)) in strips.iter().enumerate() {
        let base = top + (n + 1) as f64 * (STRIP + 18.0);
        strip(&mut canvas, name, pauses, (&times, &lengths), base, last);
    }
    let causes = Cause::ALL.iter().enumerate().filter_map(|(place, cause)| {
        let count = all().filter(|pause| pause.0 == place).count();
        let look = Look::at_place(colour(place), false);
        (count > 0).then(|| (format!("{cause} ({count})"), look, false, true))
    });
    let below = legend(&mut canvas, below, &causes.collect::<Vec<_>>());
    let notes = [format!("Round {}. A stem is as high as its pause was long.", round.unwrap_or(0))];
    let height = footing(&mut canvas, below, &notes, caption);
    let counts: Vec<String> = strips.iter().map(|(name, pauses)| format!("{name}: {}", pauses.len())).collect();
    let svg = canvas.finish(height, &title, &format!("Pauses of each heap. {}.", counts.join(", ")));
    Ok(Some(Plot { block: None, stem: format!("pauses-{}", block.stem()), title, svg }))
}

/// The strongest colours go to the commonest causes.
fn colour(cause: usize) -> usize {
    [1, 5, 2, 3, 4, 0][cause]
}

fn strip(canvas: &mut Canvas, name: &str, pauses: &[Pause], (times, lengths): (&Axis, &Axis), base: f64, last: f64) {
    let mut stems: Vec<Pause> = Vec::new();
    let place = |pause: &Pause| (pause.1 / last.max(1.0) * PLACES) as u64;
    for pause in pauses {
        match stems.iter_mut().rev().take_while(|stem| place(stem) == place(pause)).find(|stem| stem.0 == pause.0) {
            Some(stem) if stem.2 < pause.2 => *stem = *pause,
            Some(_) => {}
            None => stems.push(*pause),
        }
    }
    // Long ones first, so that short ones before them are seen.
    stems.sort_by(|a, b| b.2.total_cmp(&a.2));
    for (cause, begin, length) in &stems {
        let x = across(times, *begin);
        let look = Look::at_place(colour(*cause), false);
        let top = base - (0.04 + 0.96 * lengths.place(*length)) * STRIP;
        let title = format!("{}: {}", Cause::ALL[*cause], Unit::Time.show(*length));
        canvas.polyline(&format!("{} g-stem", look.line()), "", &[(x, base), (x, top)], &title);
    }
    canvas.line("g-axis", (across(times, 0.0), base), (WIDTH - 16.0, base));
    let longest = pauses.iter().map(|pause| pause.2).fold(0.0, f64::max);
    let said = if pauses.is_empty() { "no pause".to_owned() } else { format!("longest {}", Unit::Time.show(longest)) };
    canvas.text("g-ink g-bold g-halo", 12.0, Anchor::Start, (across(times, 0.0) + 4.0, base - STRIP - 4.0), name);
    canvas.text("g-faint", 12.0, Anchor::End, (WIDTH - 16.0, base - STRIP - 4.0), &said);
    let low = lengths.ticks().first().map_or("", |(_, label)| label);
    let high = lengths.ticks().last().map_or("", |(_, label)| label);
    canvas.text("g-faint", 12.0, Anchor::End, (across(times, 0.0) - 6.0, base), low);
    canvas.text("g-faint", 12.0, Anchor::End, (across(times, 0.0) - 6.0, base - STRIP + 8.0), high);
}

/// The pauses of a trace: complete events (`"ph":"X"`) named after a cause, in the order of their begin, which counts from the
/// begin of the timed part.
fn pauses(path: &Path) -> Result<Vec<Pause>> {
    let shown = path.display();
    let bytes = fs::read(path).with_context(|| format!("cannot read {shown}"))?;
    let trace: Value = serde_json::from_slice(&bytes)
        .with_context(|| format!("{shown} is damaged: no JSON; remove it, and its plot is left out"))?;
    let events = trace.get("traceEvents").unwrap_or(&trace).as_array().map(Vec::as_slice).unwrap_or_default();
    let number = |event: &Value, key: &str| event.get(key).and_then(Value::as_f64);
    let pause = |event: &Value| {
        let name = event.get("name")?.as_str()?;
        let cause = Cause::ALL.iter().position(|cause| cause.name() == name)?;
        let length = number(event, "dur")?;
        // A trace counts in microseconds.
        (event.get("ph")? == "X").then_some((cause, number(event, "ts")? * 1e3, length * 1e3))
    };
    let mut pauses: Vec<Pause> = events.iter().filter_map(pause).collect();
    pauses.sort_by(|a, b| a.1.total_cmp(&b.1));
    Ok(pauses)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_gives_its_pauses_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.trace.json");
        let events = r#"[{"name":"process_name","ph":"M","pid":1},
            {"name":"stop","ph":"X","ts":1200.5,"dur":2.5,"pid":1,"tid":1},
            {"name":"collection 2","ph":"X","ts":1000,"dur":9,"pid":1,"tid":1},
            {"name":"lock","ph":"X","ts":1100,"dur":1,"pid":1,"tid":1}]"#;
        for text in [events.to_owned(), format!("{{\"traceEvents\":{events}}}")] {
            fs::write(&path, text).unwrap();
            assert_eq!(pauses(&path).unwrap(), [(5, 1_100_000.0, 1_000.0), (0, 1_200_500.0, 2_500.0)]);
        }
        fs::write(&path, "[{").unwrap();
        assert!(format!("{:#}", pauses(&path).unwrap_err()).contains("damaged"));
    }
}
