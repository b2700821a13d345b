//! Colours, dashes and shapes: each heap has its own on every plot, told apart without colour too.

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

const DASHES: [&str; 7] = ["2 3", "", "9 3", "4 2 1 2", "12 3 3 3", "", "6 4"];

/// How a series looks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Look {
    /// Its place among colours, dashes and shapes.
    pub place: usize,
    /// A thin line: a twin, which shows noise.
    pub thin: bool,
}

impl Look {
    /// Of a heap: by its rung on the ladder, so that it looks the same on every plot. `nth` is its place in the run, for one that
    /// is not on the ladder.
    pub fn of_heap(heap: &str, nth: usize, twin: bool) -> Self {
        let rungs = roster::entries();
        let rung = rungs.iter().position(|entry| entry.name == heap);
        Self { place: rung.unwrap_or(rungs.len() + nth), thin: twin }
    }

    /// The class of its lines.
    pub fn line(self) -> String {
        let place = self.place % COLOURS.len();
        format!("g-line g-s{place}{}", if self.thin { " g-thin" } else { "" })
    }

    /// The class of its shapes.
    pub fn fill(self) -> String {
        let place = self.place % COLOURS.len();
        format!("g-f{place}{}", if self.thin { " g-pale" } else { "" })
    }

    /// Its dashes.
    pub fn dashes(self) -> &'static str {
        DASHES[self.place % DASHES.len()]
    }

    /// The outline of its shape, about 10 wide, around a place.
    pub fn shape(self, (x, y): (f64, f64)) -> String {
        let r = if self.thin { 3.5 } else { 5.0 };
        let polygon = |corners: &[(f64, f64)]| {
            let mut outline = String::new();
            for (n, (dx, dy)) in corners.iter().enumerate() {
                // Writing to a String cannot fail.
                let _ = write!(outline, "{}{:.1},{:.1}", if n == 0 { "M" } else { "L" }, x + dx * r, y + dy * r);
            }
            outline + "Z"
        };
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
    for (place, (on_light, on_dark)) in COLOURS.iter().enumerate() {
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
        for (light, dark) in COLOURS {
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
}
