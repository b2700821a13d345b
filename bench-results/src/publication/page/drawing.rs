//! A drawing on the page: without its own style, as the page has one for all; without its notes, which the page sets as text; and
//! with ids that no other has.

use crate::report::chapter::Picture;
use crate::report::svg::FOOTING;

/// A drawing for the page, and the notes that stood below it.
pub(super) struct Drawing {
    /// The element `svg`.
    pub(super) svg: String,
    /// Sentences.
    pub(super) notes: Vec<String>,
}

/// Of a picture; `id` is one that nothing else on the page begins with.
pub(super) fn drawing(picture: &Picture, id: &str) -> Drawing {
    let mut svg = without(&picture.svg, "<style>", "</style>");
    svg = without(&svg, " style=\"", "\"");
    let mut notes = Vec::new();
    if let Some((body, footing)) = split_footing(&svg) {
        if let Some(words) = between(&footing.text, "<metadata>", "</metadata>") {
            notes = words.lines().map(unescaped).filter(|note| !note.trim().is_empty()).collect();
        }
        svg = with_height(&body, footing.top);
    }
    svg = with_own_ids(&svg, id);
    svg = svg.replacen("<title>", &format!("<title id=\"{id}-title\">"), 1);
    svg = svg.replacen("<desc>", &format!("<desc id=\"{id}-words\">"), 1);
    let names = format!("<svg aria-labelledby=\"{id}-title\" aria-describedby=\"{id}-words\" focusable=\"false\"");
    Drawing { svg: svg.replacen("<svg", &names, 1), notes }
}

struct Footing {
    top: f64,
    text: String,
}

/// The drawing without its footing, and that.
fn split_footing(svg: &str) -> Option<(String, Footing)> {
    let begin = format!("<g class=\"{FOOTING}\" data-top=\"");
    let at = svg.find(&begin)?;
    let top = svg[at + begin.len()..].split('"').next()?.parse().ok()?;
    let end = at + svg[at..].find("</g>")? + "</g>".len();
    Some((format!("{}{}", &svg[..at], &svg[end..]), Footing { top, text: svg[at..end].to_owned() }))
}

/// The same drawing that ends at this height.
fn with_height(svg: &str, height: f64) -> String {
    let Some(size) = between(svg, "viewBox=\"", "\"") else { return svg.to_owned() };
    let mut numbers: Vec<&str> = size.split_whitespace().collect();
    let height = format!("{:.0}", height + 4.0);
    if let Some(last) = numbers.get_mut(3) {
        *last = &height;
    }
    svg.replacen(&format!("viewBox=\"{size}\""), &format!("viewBox=\"{}\"", numbers.join(" ")), 1)
}

/// Ids, and what refers to them, with `id` before them.
fn with_own_ids(svg: &str, id: &str) -> String {
    svg.replace(" id=\"", &format!(" id=\"{id}-"))
        .replace("url(#", &format!("url(#{id}-"))
        .replace("href=\"#", &format!("href=\"#{id}-"))
}

fn between<'t>(text: &'t str, begin: &str, end: &str) -> Option<&'t str> {
    let from = text.find(begin)? + begin.len();
    Some(&text[from..from + text[from..].find(end)?])
}

/// The text without its first piece from `begin` to `end`.
fn without(text: &str, begin: &str, end: &str) -> String {
    let piece = text.find(begin).and_then(|from| {
        let inside = from + begin.len();
        Some((from, inside + text[inside..].find(end)? + end.len()))
    });
    piece.map_or_else(|| text.to_owned(), |(from, to)| format!("{}{}", &text[..from], &text[to..]))
}

/// Text as it was before XML.
fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_leave_the_drawing_and_ids_are_its_own() {
        let svg = "<svg viewBox=\"0 0 480 400\" style=\"max-width:9px\" role=\"img\"><title>T</title><desc>D</desc>\
                   <style>.a{}</style><path id=\"x\"/><use href=\"#x\" fill=\"url(#x)\"/>\
                   <g class=\"g-footing\" data-top=\"300\"><text>One</text><metadata>One &lt; two.\nThree.</metadata></g></svg>";
        let picture = Picture { stem: "s".to_owned(), title: "T".to_owned(), svg: svg.to_owned() };
        let Drawing { svg, notes } = drawing(&picture, "p1");
        assert_eq!(notes, ["One < two.", "Three."]);
        assert!(svg.contains("viewBox=\"0 0 480 304\"") && !svg.contains("style") && !svg.contains("One"), "{svg}");
        assert!(svg.contains("id=\"p1-x\"") && svg.contains("href=\"#p1-x\"") && svg.contains("url(#p1-x)"), "{svg}");
        assert!(svg.contains("<title id=\"p1-title\">T</title>"), "{svg}");
    }
}
