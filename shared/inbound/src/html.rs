//! HTML as somebody wrote it: in lines, and with a mark before what they quote.

use std::fmt::Write as _;

use mail_parser::decoders::html::html_to_text;

/// Elements that begin and end a line.
const BLOCKS: &[&str] = &["div", "p", "li", "ul", "ol", "tr", "table", "h1", "h2", "h3", "h4"];

/// Elements that end a word.
const CELLS: &[&str] = &["td", "th", "dd", "option"];

/// The text of an HTML part in lines, with all that it quotes.
pub(crate) fn lined(html: &str) -> String {
    let mut lined = String::with_capacity(html.len());
    for (text, tag) in pieces(html) {
        let (name, _) = named(tag);
        lined.push_str(text);
        lined.push_str(tag);
        if BLOCKS.contains(&name.as_str()) {
            lined.push_str("<br>");
        } else if CELLS.contains(&name.as_str()) {
            lined.push_str("&#32;");
        }
    }
    html_to_text(&lined)
}

/// Each run of text with the tag that ends it; the last has none.
fn pieces(html: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = Some(html);
    std::iter::from_fn(move || {
        let here = rest.take()?;
        let Some(open) = memchr::memchr(b'<', here.as_bytes()) else { return Some((here, "")) };
        let (text, tagged) = here.split_at(open);
        let end = memchr::memchr(b'>', tagged.as_bytes()).map_or(tagged.len(), |end| end + 1);
        let (tag, after) = tagged.split_at(end);
        rest = Some(after);
        Some((text, tag))
    })
}

/// The name of a tag in small letters, and whether it is one that closes.
fn named(tag: &str) -> (String, bool) {
    let inner = tag.trim_start_matches('<');
    let (closes, inner) = inner.strip_prefix('/').map_or((false, inner), |inner| (true, inner));
    (inner.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default().to_ascii_lowercase(), closes)
}

/// The text of an HTML part; what stands in a `<blockquote>` is one line that begins with `>`.
pub(crate) fn written(html: &str) -> String {
    let (mut lined, mut depth) = (String::with_capacity(html.len()), 0_usize);
    for (text, tag) in pieces(html) {
        if depth == 0 {
            lined.push_str(text);
        }
        let (name, closes) = named(tag);
        match (name.as_str(), closes) {
            ("blockquote", false) => depth += 1,
            ("blockquote", true) if depth == 1 => {
                depth = 0;
                lined.push_str("<br>&gt; <br><br>");
            }
            ("blockquote", true) => depth = depth.saturating_sub(1),
            _ if depth > 0 => {}
            ("hr", _) => lined.push_str("<br>________________<br>"),
            (name, _) if BLOCKS.contains(&name) => {
                let _ = write!(lined, "{tag}<br>");
            }
            _ => lined.push_str(tag),
        }
    }
    if depth > 0 {
        lined.push_str("<br>&gt; <br>");
    }
    html_to_text(&lined)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_apart_and_rows_are_lines() {
        let text = lined(
            "<h1>Not delivered</h1><table><tr><td>To</td><td>ada@x.test</td></tr><tr><td>Why<td>Gone</tr></table><blockquote>So</blockquote>",
        );
        let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        let lines: Vec<String> = text.lines().map(words).filter(|line| !line.is_empty()).collect();
        assert_eq!(lines, ["Not delivered", "To ada@x.test", "Why Gone", "So"]);
    }

    #[test]
    fn what_is_quoted_is_marked_and_lines_are_lines() {
        let lines = |html: &str| {
            let text = written(html);
            let lines = text.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty());
            lines.collect::<Vec<_>>().join("|")
        };
        for (html, text) in [
            (
                "<p>Yes</p><div><blockquote type=cite><p>a</p><blockquote>b</blockquote></blockquote></div>No",
                "Yes|>|No",
            ),
            ("<div>Yes</div><div>Ada</div>", "Yes|Ada"),
            ("Yes<BLOCKQUOTE>never closed", "Yes|>"),
            ("Please <b>unsubscribe</b> me</blockquote>", "Please unsubscribe me"),
            ("a < b", "a"),
        ] {
            assert_eq!(lines(html), text, "{html}");
        }
    }
}
