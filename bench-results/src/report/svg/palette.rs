//! Colours, dashes and shapes: each heap has its own on every plot, told apart without colour too. Interpreters are black, with
//! dashes and shapes that no heap has; what was recorded of one is grey, with hollow shapes.

use std::fmt::Write as _;

use crate::roster;

/// Colours on light and on dark paper: after Okabe and Ito, "Color Universal Design" (2008), darkened or lightened until each
/// has a contrast of at least 3 to its paper.
const COLOURS: [(&str, &str); 7] = [
    ("#6a737d", "#a9b1ba"),
    ("#0072b2", "#56b4e9"),
    ("#00805e", "#2fc79a"),
    ("#a05f00", "#e6b84c"),
    ("#b04a8c", "#e79ac8"),
    ("#d5480a", "#ff8a50"),
    ("#1b1f24", "#f0f3f6"),
];

/// Live interpreters, and what was recorded of one.
const INTERPRETERS: [(&str, &str); 2] = [("#1b1f24", "#f0f3f6"), ("#57606a", "#b3bcc6")];

const DASHES: [&str; 7] = ["2 3", "", "9 3", "4 2 1 2", "12 3 3 3", "", "6 4"];

/// Of further settings of one heap, after the first.
const SETTING_DASHES: [&str; 3] = ["1 4", "7 2 1 2 1 2", "3 1"];

const INTERPRETER_DASHES: [&str; 5] = ["1 2", "8 2 2 2", "5 2", "14 4", "3 3 1 3"];

/// Whose series it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Of {
    Heap,
    LiveInterpreter,
    Recorded,
}

/// How a series looks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Look {
    of: Of,
    /// Its place among the colours, dashes and shapes of its sort.
    place: usize,
    /// Which of the heap's settings, from 1; 0: none.
    setting: usize,
}

impl Look {
    /// Of a heap: by its rung on the ladder, so that it looks the same on every plot. `nth` is its place in the run, for one that
    /// is not on the ladder. A twin, which shows noise, is thin.
    pub fn of_heap(heap: &str, nth: usize, twin: bool) -> Self {
        Self::of_setting(heap, nth, usize::from(twin))
    }

    /// Of a heap with a setting, the first, second or third that a plot shows of this heap; 0: without one. Thin.
    pub fn of_setting(heap: &str, nth: usize, setting: usize) -> Self {
        let rungs = roster::entries();
        let rung = rungs.iter().position(|entry| entry.name == heap);
        Self::at(rung.unwrap_or(rungs.len() + nth), setting)
    }

    /// By its place among the looks of heaps, where series are no heaps; thin or not.
    pub fn at_place(place: usize, thin: bool) -> Self {
        Self::at(place, usize::from(thin))
    }

    /// Of the nth live interpreter of a plot.
    pub fn of_interpreter(nth: usize) -> Self {
        Self { of: Of::LiveInterpreter, place: nth, setting: 0 }
    }

    /// Of the nth series of a plot that was recorded at an earlier time.
    pub fn of_recorded(nth: usize) -> Self {
        Self { of: Of::Recorded, place: nth, setting: 0 }
    }

    fn at(place: usize, setting: usize) -> Self {
        Self { of: Of::Heap, place, setting }
    }

    /// Whether its line is thin.
    pub fn thin(self) -> bool {
        self.setting > 0
    }

    /// Its colour's number.
    fn colour(self) -> usize {
        match self.of {
            Of::Heap => self.place % COLOURS.len(),
            Of::LiveInterpreter => COLOURS.len(),
            Of::Recorded => COLOURS.len() + 1,
        }
    }

    /// The class of its lines.
    pub fn line(self) -> String {
        format!("g-line g-s{}{}", self.colour(), if self.thin() { " g-thin" } else { "" })
    }

    /// The class of its shapes.
    pub fn fill(self) -> String {
        format!("g-f{}{}", self.colour(), if self.thin() { " g-pale" } else { "" })
    }

    /// Its dashes.
    pub fn dashes(self) -> &'static str {
        match (self.of, self.setting) {
            (Of::Heap, 0 | 1) => DASHES[self.place % DASHES.len()],
            (Of::Heap, setting) => SETTING_DASHES[(setting - 2) % SETTING_DASHES.len()],
            // More interpreters than shapes: their dashes go on by one.
            _ => INTERPRETER_DASHES[(self.place + self.place / SHAPES) % INTERPRETER_DASHES.len()],
        }
    }

    /// The outline of its shape, about 10 wide, around a place.
    pub fn shape(self, (x, y): (f64, f64)) -> String {
        let r = if self.thin() { 3.5 } else { 5.0 };
        let polygon = |corners: &[(f64, f64)]| {
            let mut outline = String::new();
            for (n, (dx, dy)) in corners.iter().enumerate() {
                // Writing to a String cannot fail.
                let _ = write!(outline, "{}{:.1},{:.1}", if n == 0 { "M" } else { "L" }, x + dx * r, y + dy * r);
            }
            outline + "Z"
        };
        if self.of != Of::Heap {
            let hole = if self.of == Of::Recorded { hole((x, y), r * 0.35) } else { String::new() };
            return polygon(interpreter_shape(self.place)) + &hole;
        }
        match self.place % COLOURS.len() {
            0 => polygon(&[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)]),
            1 => format!("M{:.1},{y:.1}a{r},{r} 0 1,0 {d},0a{r},{r} 0 1,0 -{d},0Z", x - r, d = 2.0 * r),
            2 => polygon(&[(0.0, -1.1), (1.0, 0.8), (-1.0, 0.8)]),
            3 => polygon(&[(0.0, 1.1), (1.0, -0.8), (-1.0, -0.8)]),
            4 => polygon(&[(0.0, -1.2), (1.2, 0.0), (0.0, 1.2), (-1.2, 0.0)]),
            5 => {
                let (a, b) = (0.35, 1.1);
                polygon(&[
                    (-a, -b),
                    (a, -b),
                    (a, -a),
                    (b, -a),
                    (b, a),
                    (a, a),
                    (a, b),
                    (-a, b),
                    (-a, a),
                    (-b, a),
                    (-b, -a),
                    (-a, -a),
                ])
            }
            _ => polygon(&[(-1.2, -0.5), (1.2, -0.5), (1.2, 0.5), (-1.2, 0.5)]),
        }
    }
}

/// How many shapes interpreters have.
const SHAPES: usize = 5;

/// The corners of an interpreter's shape, around 0.
fn interpreter_shape(nth: usize) -> &'static [(f64, f64)] {
    match nth % SHAPES {
        // Hexagon, hourglass, house, butterfly, upright bar.
        0 => &[(-0.6, -1.0), (0.6, -1.0), (1.2, 0.0), (0.6, 1.0), (-0.6, 1.0), (-1.2, 0.0)],
        1 => &[(-1.0, -1.1), (1.0, -1.1), (0.3, 0.0), (1.0, 1.1), (-1.0, 1.1), (-0.3, 0.0)],
        2 => &[(0.0, -1.3), (1.0, -0.3), (0.7, 1.1), (-0.7, 1.1), (-1.0, -0.3)],
        3 => &[(-1.1, -1.0), (0.0, -0.3), (1.1, -1.0), (1.1, 1.0), (0.0, 0.3), (-1.1, 1.0)],
        _ => &[(-0.55, -1.3), (0.55, -1.3), (0.55, 1.3), (-0.55, 1.3)],
    }
}

/// A square hole in a shape whose corners go clockwise: its own go the other way.
fn hole((x, y): (f64, f64), r: f64) -> String {
    format!("M{:.1},{:.1}v{d:.1}h{d:.1}v-{d:.1}Z", x - r, y - r, d = 2.0 * r)
}

/// The style sheet of a drawing.
pub(super) fn style() -> String {
    let (light, dark) = rules();
    format!("{light}@media (prefers-color-scheme:dark){{{dark}}}")
}

/// The style sheet of all drawings of a page whose root says `data-theme="light"` or `"dark"` where a reader has chosen.
pub fn style_of_page() -> String {
    let (light, dark) = rules();
    let below = |root: &str| -> String {
        let rules = dark.split_inclusive('}');
        rules.map(|rule| format!("{root} {}", rule.replace(",.", &format!(",{root} .")))).collect()
    };
    let (unchosen, chosen) = (below(":root:not([data-theme=light])"), below(":root[data-theme=dark]"));
    format!("{light}@media screen and (prefers-color-scheme:dark){{{unchosen}}}@media screen{{{chosen}}}")
}

/// What is drawn on light paper, and what of it is otherwise on dark.
fn rules() -> (String, String) {
    let mut light = String::from(
        ".g-paper{fill:#fff}.g-ink{fill:#1b1f24}.g-faint{fill:#57606a}.g-bold{font-weight:600}.g-halo{stroke:#fff;stroke-width:3;stroke-linejoin:round;paint-order:stroke}\
         .g-grid{stroke:#d8dee4;stroke-width:1}.g-axis{stroke:#6e7781;stroke-width:1}\
         .g-line{fill:none;stroke-width:2;stroke-linejoin:round}.g-thin,.g-stem{stroke-width:1}\
         .g-pale{opacity:.5}.g-front{fill:none;stroke:#6e7781;stroke-width:1.5;stroke-dasharray:1 3;stroke-linecap:round}",
    );
    let mut dark = String::from(
        ".g-paper{fill:#14181d}.g-ink{fill:#f0f3f6}.g-faint{fill:#b3bcc6}.g-halo{stroke:#14181d}.g-grid{stroke:#2d343c}\
         .g-axis{stroke:#8b949e}.g-front{stroke:#8b949e}",
    );
    // Writing to a String cannot fail.
    for (place, (on_light, on_dark)) in COLOURS.iter().chain(&INTERPRETERS).enumerate() {
        let _ = write!(light, ".g-s{place}{{stroke:{on_light}}}.g-f{place}{{fill:{on_light}}}");
        let _ = write!(dark, ".g-s{place}{{stroke:{on_dark}}}.g-f{place}{{fill:{on_dark}}}");
    }
    (light, dark)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance, by the definition of WCAG 2.1.
    fn luminance(colour: &str) -> f64 {
        let part = |at: usize| {
            let value = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
            if value <= 0.03928 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
    }

    fn contrast(a: &str, b: &str) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn each_colour_stands_out_from_its_paper() {
        for (light, dark) in COLOURS.into_iter().chain(INTERPRETERS) {
            assert!(contrast(light, "#ffffff") >= 3.0, "{light}");
            assert!(contrast(dark, "#14181d") >= 3.0, "{dark}");
        }
    }

    #[test]
    fn heaps_of_the_ladder_look_different() {
        let looks: Vec<Look> = roster::entries().iter().map(|entry| Look::of_heap(entry.name, 0, false)).collect();
        assert!(looks.len() <= COLOURS.len());
        for (n, look) in looks.iter().enumerate() {
            assert!(looks[..n].iter().all(|other| other.shape((0.0, 0.0)) != look.shape((0.0, 0.0))));
        }
    }

    #[test]
    fn no_two_looks_are_alike_even_without_colour() {
        let heaps =
            roster::entries().iter().flat_map(|entry| (0..=4).map(|setting| Look::of_setting(entry.name, 0, setting)));
        let looks: Vec<Look> =
            heaps.chain((0..20).map(Look::of_interpreter)).chain((0..20).map(Look::of_recorded)).collect();
        // What is seen where all is black: width, dashes, shape.
        let seen = |look: &Look| (look.thin(), look.dashes(), look.shape((0.0, 0.0)));
        for (n, look) in looks.iter().enumerate() {
            assert!(looks[..n].iter().all(|other| seen(other) != seen(look)), "{look:?}");
        }
    }
}
