//! A chart with two axes, lines or shapes on it, a legend, and below it what a reader must know.

use super::palette::Look;
use super::scale::Axis;
use super::{Anchor, Canvas, WIDTH, text_width};

const LEFT: f64 = 62.0;
const RIGHT: f64 = 16.0;
const PLOT_HEIGHT: f64 = 250.0;

/// Several places joined by a line, or shapes at them.
#[derive(Clone, Debug)]
pub struct Series {
    /// Its name in the legend.
    pub name: String,
    /// How it looks.
    pub look: Look,
    /// Its places, as figures of the two axes.
    pub points: Vec<(f64, f64)>,
    /// Where its x is beyond this, there is little evidence: the line goes on pale.
    pub pale_from: Option<f64>,
    /// Draw a line.
    pub joined: bool,
    /// Draw a shape at each place.
    pub marked: bool,
    /// A word beside each place; empty: none.
    pub labels: Vec<String>,
}

impl Series {
    /// A line.
    pub fn line(name: String, look: Look, points: Vec<(f64, f64)>) -> Self {
        Self { name, look, points, pale_from: None, joined: true, marked: false, labels: Vec::new() }
    }
}

/// See the [module](self).
#[derive(Clone, Debug)]
pub struct Chart {
    /// What it shows.
    pub title: String,
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// What is on it.
    pub series: Vec<Series>,
    /// The places of a front, joined by steps.
    pub front: Vec<(f64, f64)>,
    /// What a reader must know.
    pub notes: Vec<String>,
    /// Where it comes from.
    pub caption: String,
}

/// The title and the label of the vertical axis above a plot; the height below them.
pub(in super::super) fn heading(canvas: &mut Canvas, title: &str, vertical: &str) -> f64 {
    let below = canvas.paragraph("g-ink g-bold", 15.0, (12.0, 10.0), WIDTH - 24.0, title);
    canvas.paragraph("g-faint", 12.0, (12.0, below + 4.0), WIDTH - 24.0, &format!("↑ {vertical}")) + 10.0
}

/// Ticks, labels and grid of the horizontal axis of a plot between two heights.
pub(in super::super) fn horizontal(canvas: &mut Canvas, axis: &Axis, top: f64, bottom: f64) -> f64 {
    let place = |figure: f64| LEFT + axis.place(figure) * (WIDTH - LEFT - RIGHT);
    let mut free_from = f64::NEG_INFINITY;
    for (at, label) in axis.ticks() {
        let x = place(*at);
        canvas.line("g-grid", (x, top), (x, bottom));
        let half = text_width(12.0, label) / 2.0;
        // The last label stays on the paper; one that would touch its neighbour is left out.
        let x = x.min(WIDTH - 4.0 - half);
        if x - half > free_from {
            canvas.text("g-faint", 12.0, Anchor::Middle, (x, bottom + 16.0), label);
            free_from = x + half + 4.0;
        }
    }
    canvas.line("g-axis", (LEFT, bottom), (WIDTH - RIGHT, bottom));
    canvas.text("g-faint", 12.0, Anchor::End, (WIDTH - RIGHT, bottom + 34.0), &format!("{} →", axis.full_label()));
    bottom + 40.0
}

/// A legend in columns; the height below it. Each entry: its name, its look, whether it is a line and whether a shape.
pub(in super::super) fn legend(canvas: &mut Canvas, top: f64, entries: &[(String, Look, bool, bool)]) -> f64 {
    let widest = entries.iter().map(|(name, ..)| text_width(12.5, name)).fold(0.0, f64::max) + 46.0;
    let columns = ((WIDTH - 24.0) / widest).floor().clamp(1.0, 3.0) as usize;
    let rows = entries.len().div_ceil(columns);
    canvas.begin_legend();
    for (n, (name, look, joined, marked)) in entries.iter().enumerate() {
        let x = 12.0 + (n / rows.max(1)) as f64 * (WIDTH - 24.0) / columns as f64;
        let y = top + 16.0 + (n % rows.max(1)) as f64 * 19.0;
        if *joined {
            canvas.polyline(&look.line(), look.dashes(), &[(x, y - 4.0), (x + 30.0, y - 4.0)], name);
        }
        if *marked {
            canvas.path(&look.fill(), &look.shape((x + 15.0, y - 4.0)), name);
        }
        canvas.text("g-ink", 12.5, Anchor::Start, (x + 37.0, y), name);
    }
    canvas.end_legend();
    top + 10.0 + rows as f64 * 19.0
}

/// Notes and caption; the height below them.
pub(in super::super) fn footing(canvas: &mut Canvas, top: f64, notes: &[String], caption: &str) -> f64 {
    let mut y = top + 6.0;
    // A page sets this as text of its own.
    canvas.begin_footing(top);
    for note in notes {
        y = canvas.paragraph("g-ink", 11.5, (12.0, y), WIDTH - 24.0, note) + 2.0;
    }
    let below = canvas.paragraph("g-faint", 11.0, (12.0, y + 2.0), WIDTH - 24.0, caption) + 8.0;
    canvas.end_footing(notes);
    below
}

/// The place of a figure on the horizontal axis.
pub(in super::super) fn across(axis: &Axis, figure: f64) -> f64 {
    LEFT + axis.place(figure) * (WIDTH - LEFT - RIGHT)
}

/// The grid and labels of the vertical axis of a plot between two heights.
pub(in super::super) fn vertical(canvas: &mut Canvas, axis: &Axis, top: f64, bottom: f64) {
    for (at, label) in axis.ticks() {
        let y = bottom - axis.place(*at) * (bottom - top);
        canvas.line("g-grid", (LEFT, y), (WIDTH - RIGHT, y));
        canvas.text("g-faint", 12.0, Anchor::End, (LEFT - 6.0, y + 4.0), label);
    }
}

impl Chart {
    /// The chart as a file.
    pub fn render(&self) -> String {
        let mut canvas = Canvas::default();
        let top = heading(&mut canvas, &self.title, &self.y.full_label());
        let bottom = top + PLOT_HEIGHT;
        vertical(&mut canvas, &self.y, top, bottom);
        let below = horizontal(&mut canvas, &self.x, top, bottom);
        let place = |&(x, y): &(f64, f64)| (across(&self.x, x), bottom - self.y.place(y) * PLOT_HEIGHT);
        let reading = |&(x, y): &(f64, f64)| format!("{}, {}", self.x.said(x), self.y.said(y));
        self.draw_front(&mut canvas, &place);
        // Thin lines first: what they show is noise, and may be hidden.
        let (thin, others): (Vec<&Series>, Vec<&Series>) = self.series.iter().partition(|series| series.look.thin());
        for series in thin.into_iter().chain(others) {
            draw(&mut canvas, series, &place, &reading);
        }
        self.draw_labels(&mut canvas, &place);
        let entry = |series: &Series| (series.name.clone(), series.look, series.joined, series.marked);
        let entries: Vec<_> = self.series.iter().map(entry).collect();
        let below = legend(&mut canvas, below, &entries);
        let height = footing(&mut canvas, below, &self.notes, &self.caption);
        let names: Vec<&str> = self.series.iter().map(|series| series.name.as_str()).collect();
        let description =
            format!("{} against {}, for {}. {}", self.y.label, self.x.label, names.join(", "), self.notes.join(" "));
        canvas.finish(height, &self.title, &description)
    }

    fn draw_front(&self, canvas: &mut Canvas, place: &impl Fn(&(f64, f64)) -> (f64, f64)) {
        let mut steps: Vec<(f64, f64)> = Vec::new();
        for point in self.front.iter().map(place) {
            if let Some(&(_, y)) = steps.last() {
                steps.push((point.0, y));
            }
            steps.push(point);
        }
        if steps.len() > 1 {
            canvas.polyline("g-front", "", &steps, "Pareto front");
        }
    }

    /// Words beside places, where they touch neither each other nor a shape.
    fn draw_labels(&self, canvas: &mut Canvas, place: &impl Fn(&(f64, f64)) -> (f64, f64)) {
        let mut taken: Vec<(f64, f64, f64, f64)> = Vec::new();
        for point in self.series.iter().filter(|series| series.marked).flat_map(|series| &series.points) {
            let (x, y) = place(point);
            taken.push((x - 6.0, y - 6.0, x + 6.0, y + 6.0));
        }
        for series in &self.series {
            for (point, label) in series.points.iter().zip(&series.labels).filter(|(_, label)| !label.is_empty()) {
                let (x, y) = place(point);
                let width = text_width(12.0, label);
                let places = [
                    (x + 9.0, y + 4.0),
                    (x - 9.0 - width, y + 4.0),
                    (x - width / 2.0, y - 10.0),
                    (x - width / 2.0, y + 18.0),
                ];
                let free = places.into_iter().find_map(|(x, y)| {
                    let own = (x, y - 9.0, x + width, y + 2.0);
                    let apart = |other: &(f64, f64, f64, f64)| {
                        own.2 < other.0 || other.2 < own.0 || own.3 < other.1 || other.3 < own.1
                    };
                    (own.0 > LEFT && own.2 < WIDTH - 4.0 && taken.iter().all(apart)).then_some(((x, y), own))
                });
                // Without room the legend must do.
                if let Some((at, own)) = free {
                    canvas.text("g-ink g-halo", 12.0, Anchor::Start, at, label);
                    taken.push(own);
                }
            }
        }
    }
}

fn draw(
    canvas: &mut Canvas,
    series: &Series,
    place: &impl Fn(&(f64, f64)) -> (f64, f64),
    reading: &impl Fn(&(f64, f64)) -> String,
) {
    let Series { name, look, points, .. } = series;
    if series.joined {
        let beyond = |&(x, _): &(f64, f64)| series.pale_from.is_some_and(|from| x > from);
        let split = points.iter().position(beyond).unwrap_or(points.len());
        let places: Vec<(f64, f64)> = points.iter().map(place).collect();
        // Places with shapes say there what they are.
        let readings: Vec<String> = if series.marked { Vec::new() } else { points.iter().map(reading).collect() };
        let said = |from: usize, to: usize| readings.get(from..to).unwrap_or_default();
        if split > 1 {
            canvas.line_with_readings(&look.line(), look.dashes(), &places[..split], name, said(0, split));
        }
        if split < places.len() && places.len() - split.saturating_sub(1) > 1 {
            let from = split.saturating_sub(1);
            let pale = format!("{} g-pale", look.line());
            canvas.line_with_readings(&pale, look.dashes(), &places[from..], name, said(from, points.len()));
        }
    }
    if series.marked {
        for (n, point) in points.iter().enumerate() {
            let title = match series.labels.get(n).filter(|label| !label.is_empty() && *label != name) {
                Some(label) => format!("{name}: {label}"),
                None => name.clone(),
            };
            canvas.path(&look.fill(), &look.shape(place(point)), &format!("{title}: {}", reading(point)));
        }
    }
}
