//! Letters as LaTeX sets them with the fonts that every installation has.

/// Text without a meaning in LaTeX. What stands between two backquotes is code. What a usual font may not have becomes `?`.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('`') {
        let Some((inner, after)) = behind.split_once('`') else { break };
        escaped.push_str(&letters(before));
        escaped.push_str(&code(inner));
        rest = after;
    }
    escaped + &letters(rest)
}

/// Code in the typewriter's letters, as it can be copied.
pub(super) fn code(text: &str) -> String {
    format!("\\texttt{{{}}}", letters(text))
}

fn letters(text: &str) -> String {
    let mut set = String::with_capacity(text.len());
    let mut before = None;
    let mut all = text.chars().peekable();
    while let Some(c) = all.next() {
        let in_word = before.is_some_and(char::is_alphabetic) && all.peek().is_some_and(|c| c.is_alphabetic());
        match c {
            // Two of them would be set as one dash, or one quote at the bottom.
            '-' | ',' if before == Some(c) => set.extend(['{', '}', c]),
            '\'' if !in_word => set.push_str("\\textquotesingle{}"),
            '{' | '}' | '_' | '%' | '&' | '#' | '$' => set.extend(['\\', c]),
            c if c.is_ascii_control() => set.push(' '),
            c => match command(c) {
                Some(command) => set.push_str(command),
                None if c.is_ascii() || is_letter(c) => set.push(c),
                None => set.push('?'),
            },
        }
        before = Some(c);
    }
    set
}

/// Letters of western and middle European languages, which the encoding T1 has.
fn is_letter(c: char) -> bool {
    matches!(c, 'À'..='Ö' | 'Ø'..='ö' | 'ø'..='ÿ' | 'Ą' | 'ą' | 'Ć' | 'ć' | 'Č' | 'č' | 'Ď' | 'ď' | 'Ę' | 'ę' | 'Ě' | 'ě' | 'Ğ' | 'ğ'
        | 'Ł' | 'ł' | 'Ń' | 'ń' | 'Ň' | 'ň' | 'Ő' | 'ő' | 'Œ' | 'œ' | 'Ř' | 'ř' | 'Ś' | 'ś' | 'Ş' | 'ş' | 'Š' | 'š' | 'Ť' | 'ť' | 'Ů' | 'ů'
        | 'Ű' | 'ű' | 'Ÿ' | 'Ź' | 'ź' | 'Ż' | 'ż' | 'Ž' | 'ž')
}

/// How a letter that is none of T1's, or has a meaning, is set.
fn command(c: char) -> Option<&'static str> {
    Some(match c {
        '\\' => "\\textbackslash{}",
        '^' => "\\textasciicircum{}",
        '~' => "\\textasciitilde{}",
        '<' => "\\textless{}",
        '>' => "\\textgreater{}",
        '|' => "\\textbar{}",
        '"' => "\\textquotedbl{}",
        '`' => "\\textasciigrave{}",
        'µ' | 'μ' => "\\textmu{}",
        '–' => "\\textendash{}",
        '—' => "\\textemdash{}",
        '−' => "\\textminus{}",
        '×' => "\\texttimes{}",
        '÷' => "\\textdiv{}",
        '±' => "\\textpm{}",
        '·' => "\\textperiodcentered{}",
        '°' => "\\textdegree{}",
        '²' => "\\texttwosuperior{}",
        '³' => "\\textthreesuperior{}",
        '½' => "\\textonehalf{}",
        '¼' => "\\textonequarter{}",
        '¾' => "\\textthreequarters{}",
        '§' => "\\S{}",
        '…' => "\\dots{}",
        '‘' => "\\textquoteleft{}",
        '’' => "\\textquoteright{}",
        '“' => "\\textquotedblleft{}",
        '”' => "\\textquotedblright{}",
        '„' => "\\quotedblbase{}",
        '≥' => "$\\geq$",
        '≤' => "$\\leq$",
        '≠' => "$\\neq$",
        '≈' => "$\\approx$",
        '∞' => "$\\infty$",
        '√' => "$\\surd$",
        '→' => "$\\rightarrow$",
        '←' => "$\\leftarrow$",
        '↔' => "$\\leftrightarrow$",
        '↑' => "$\\uparrow$",
        '↓' => "$\\downarrow$",
        '⇒' => "$\\Rightarrow$",
        '↳' => "$\\hookrightarrow$",
        '∅' => "$\\emptyset$",
        'Δ' => "$\\Delta$",
        'Σ' => "$\\Sigma$",
        'α' => "$\\alpha$",
        'β' => "$\\beta$",
        'λ' => "$\\lambda$",
        'π' => "$\\pi$",
        'σ' => "$\\sigma$",
        '\u{a0}' | '\u{202f}' => "~",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_characters_lose_their_meaning() {
        assert_eq!(
            escaped("50 % of a_b & {c} #1 $x \\y ^ ~"),
            "50 \\% of a\\_b \\& \\{c\\} \\#1 \\$x \\textbackslash{}y \\textasciicircum{} \\textasciitilde{}"
        );
        assert_eq!(escaped("12 µs – 日\n"), "12 \\textmu{}s \\textendash{} ? ");
    }

    #[test]
    fn what_our_tables_say_is_set() {
        let said = "1.40 ± 0.15 × 2 −3 → ≤ ≥ ↳ … ÷ ≈ ’ é λ";
        assert!(!escaped(said).contains('?'), "{}", escaped(said));
        assert_eq!(escaped("1.40 ± 0.15"), "1.40 \\textpm{} 0.15");
        assert_eq!(escaped("↳ CPython"), "$\\hookrightarrow$ CPython");
        assert_eq!(escaped("Ünal ł"), "Ünal ł");
    }

    #[test]
    fn code_can_be_copied() {
        assert_eq!(escaped("by `a --b`, it's"), "by \\texttt{a -{}-b}, it's");
        assert_eq!(
            code("--a '--b=c d' x,,y ---"),
            "\\texttt{-{}-a \\textquotesingle{}-{}-b=c d\\textquotesingle{} x,{},y -{}-{}-}"
        );
        assert_eq!(escaped("one ` alone"), "one \\textasciigrave{} alone");
    }
}
