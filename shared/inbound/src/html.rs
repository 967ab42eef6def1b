//! HTML as somebody wrote it: in lines, and with a mark before what they quote.

use std::fmt::Write as _;

use mail_parser::decoders::html::html_to_text;

/// Elements that begin and end a line.
const BLOCKS: &[&str] = &["div", "p", "li", "ul", "ol", "tr", "table", "h1", "h2", "h3", "h4"];

/// The text of an HTML part; what stands in a `<blockquote>` is one line that begins with `>`.
pub(crate) fn written(html: &str) -> String {
    let (mut lined, mut depth, mut rest) = (String::with_capacity(html.len()), 0_usize, html);
    while let Some(open) = memchr::memchr(b'<', rest.as_bytes()) {
        if depth == 0 {
            lined.push_str(&rest[..open]);
        }
        rest = &rest[open..];
        let end = memchr::memchr(b'>', rest.as_bytes()).map_or(rest.len(), |end| end + 1);
        let (tag, after) = rest.split_at(end);
        rest = after;
        let inner = tag.trim_start_matches('<');
        let (closes, inner) = inner.strip_prefix('/').map_or((false, inner), |inner| (true, inner));
        let name = inner.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default().to_ascii_lowercase();
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
    if depth == 0 {
        lined.push_str(rest);
    } else {
        lined.push_str("<br>&gt; <br>");
    }
    html_to_text(&lined)
}

#[cfg(test)]
mod tests {
    use super::*;

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
