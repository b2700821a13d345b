//! Drawings as SVG, written by hand: colours follow the reader's light or dark scheme, which libraries that write fixed colours
//! into each element cannot do.

pub mod chart;
pub mod palette;
pub mod scale;

use std::fmt::Write as _;

/// The width of every drawing, in its own units: shown on a phone (about 360 pixels), text is three quarters of its size here.
pub const WIDTH: f64 = 480.0;

/// The class of the group of notes below a drawing.
pub const FOOTING: &str = "g-footing";

/// A character's mean width as a part of the size of the font, on the safe side.
const CHARACTER: f64 = 0.56;
/// The same where letters are bold.
const BOLD_CHARACTER: f64 = 0.66;

/// How a text hangs on its place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Anchor {
    /// It begins there.
    Start,
    /// Its middle is there.
    Middle,
    /// It ends there.
    End,
}

/// A drawing in the making.
#[derive(Clone, Debug, Default)]
pub struct Canvas {
    body: String,
}

impl Canvas {
    /// A straight line.
    pub fn line(&mut self, class: &str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
        // Writing to a String cannot fail, here and below.
        let _ = writeln!(self.body, r#"<line class="{class}" x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}"/>"#);
    }

    /// A line through several places. `title` is shown when a pointer rests on it.
    pub fn polyline(&mut self, class: &str, dashes: &str, points: &[(f64, f64)], title: &str) {
        self.line_with_readings(class, dashes, points, title, &[]);
    }

    /// The same, with what each of its places says; a page shows the one that is pointed at.
    pub fn line_with_readings(
        &mut self,
        class: &str,
        dashes: &str,
        points: &[(f64, f64)],
        title: &str,
        readings: &[String],
    ) {
        let mut places = String::new();
        for (x, y) in points {
            let _ = write!(places, "{x:.1},{y:.1} ");
        }
        let dashes = if dashes.is_empty() { String::new() } else { format!(r#" stroke-dasharray="{dashes}""#) };
        let readings = match readings {
            [] => String::new(),
            readings => format!(r#" data-readings="{}""#, escaped(&readings.join("|"))),
        };
        let _ = writeln!(
            self.body,
            r#"<polyline class="{class}"{dashes}{readings} points="{}"><title>{}</title></polyline>"#,
            places.trim_end(),
            escaped(title)
        );
    }

    /// A closed shape of given outline.
    pub fn path(&mut self, class: &str, outline: &str, title: &str) {
        let _ = writeln!(self.body, r#"<path class="{class}" d="{outline}"><title>{}</title></path>"#, escaped(title));
    }

    /// A text in one line.
    pub fn text(&mut self, class: &str, size: f64, anchor: Anchor, (x, y): (f64, f64), text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let _ = writeln!(
            self.body,
            r#"<text class="{class}" font-size="{size}" text-anchor="{anchor}" x="{x:.1}" y="{y:.1}">{}</text>"#,
            escaped(text)
        );
    }

    /// A text in as many lines as `width` asks for, from the height `top` on; where it ends.
    pub fn paragraph(&mut self, class: &str, size: f64, (x, top): (f64, f64), width: f64, text: &str) -> f64 {
        let mut y = top;
        let character = if class.contains("g-bold") { BOLD_CHARACTER } else { CHARACTER };
        for line in wrapped(text, (width / (size * character)) as usize) {
            y += size * 1.3;
            self.text(class, size, Anchor::Start, (x, y - size * 0.3), &line);
        }
        y
    }

    /// What follows says which line and shape is whose: it stands for no figure.
    pub(super) fn begin_legend(&mut self) {
        self.body.push_str("<g data-legend=\"\">\n");
    }

    /// The end of that.
    pub(super) fn end_legend(&mut self) {
        self.body.push_str("</g>\n");
    }

    /// What follows is below the drawing itself, which ends at this height: notes, and where it comes from.
    pub(super) fn begin_footing(&mut self, top: f64) {
        let _ = writeln!(self.body, r#"<g class="{FOOTING}" data-top="{top:.0}">"#);
    }

    /// The end of that; `notes` are its words without line breaks.
    pub(super) fn end_footing(&mut self, notes: &[String]) {
        let _ = writeln!(self.body, "<metadata>{}</metadata></g>", escaped(&notes.join("\n")));
    }

    /// The drawing as a file. `title` and `description` are what a screen reader says.
    pub fn finish(self, height: f64, title: &str, description: &str) -> String {
        let (title, description) = (escaped(title), escaped(description));
        format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0}" width="100%" style="max-width:{}px" role="img" font-family="system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif">
<title>{title}</title>
<desc>{description}</desc>
<style>{}</style>
<rect class="g-paper" width="{WIDTH}" height="{height:.0}"/>
{}</svg>
"#,
            WIDTH * 1.5,
            palette::style(),
            self.body
        )
    }
}

/// About how wide a text is.
pub fn text_width(size: f64, text: &str) -> f64 {
    text.chars().count() as f64 * size * CHARACTER
}

/// Lines of at most so many characters, broken at blanks; a word that is longer is cut.
fn wrapped(text: &str, most: usize) -> Vec<String> {
    let most = most.max(8);
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let mut word: Vec<char> = word.chars().collect();
        loop {
            let used = line.chars().count();
            let gap = usize::from(used > 0);
            if used + gap + word.len() <= most {
                if gap > 0 {
                    line.push(' ');
                }
                line.extend(&word);
                break;
            }
            if used == 0 {
                line.extend(word.drain(..most));
            }
            lines.push(std::mem::take(&mut line));
        }
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

/// Text without a meaning in XML.
pub fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // XML 1.0 has no other control characters.
            c if c.is_control() && c != '\n' => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_longer_than_allowed_and_no_character_is_lost() {
        let text = "a few short words and-one-that-is-far-too-long-for-a-line then the end";
        let lines = wrapped(text, 20);
        assert!(lines.iter().all(|line| line.chars().count() <= 20), "{lines:?}");
        let letters = |text: &str| text.chars().filter(|c| *c != ' ').collect::<String>();
        assert_eq!(letters(&lines.concat()), letters(text));
    }

    #[test]
    fn text_cannot_become_an_element() {
        assert_eq!(escaped("<a href=\"x\">&\u{1}"), "&lt;a href=&quot;x&quot;&gt;&amp; ");
    }
}
