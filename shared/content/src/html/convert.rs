//! Text from HTML and HTML from text, for the part that the user did not write.

use super::walk::{Token, attributes, unescape, walk};
use crate::page::escape;

/// The plain text of safe HTML: blocks on lines of their own, links as `words (address)`.
pub(crate) fn text_of(html: &str) -> String {
    let mut out = Lines::default();
    let mut links: Vec<(String, usize)> = Vec::new();
    let mut numbers: Vec<Option<u32>> = Vec::new();
    let mut preformatted = 0_usize;
    for token in walk(html) {
        match token {
            Token::Text(text) => out.text(&unescape(text), preformatted > 0),
            Token::Open { name, rest } => match name {
                "br" => out.line_break(),
                "hr" => {
                    out.block(2);
                    out.text("---", false);
                    out.block(2);
                }
                "img" => out.text(&attribute(rest, "alt"), false),
                "a" => links.push((attribute(rest, "href"), out.position())),
                "ul" => {
                    numbers.push(None);
                    out.block(1);
                }
                "ol" => {
                    numbers.push(Some(attribute(rest, "start").parse().unwrap_or(1)));
                    out.block(1);
                }
                "li" => {
                    out.block(1);
                    match numbers.last_mut() {
                        Some(Some(number)) => {
                            out.text(&format!("{number}. "), true);
                            *number = number.saturating_add(1);
                        }
                        _ => out.text("- ", true),
                    }
                }
                "td" | "th" => out.text(" ", false),
                "pre" => {
                    preformatted += 1;
                    out.block(2);
                }
                _ => out.block(distance(name)),
            },
            Token::Close(name) => match name {
                "a" => {
                    if let Some((address, start)) = links.pop() {
                        out.address(&address, start);
                    }
                }
                "ul" | "ol" => {
                    numbers.pop();
                    out.block(if numbers.is_empty() { 2 } else { 1 });
                }
                "pre" => {
                    preformatted = preformatted.saturating_sub(1);
                    out.block(2);
                }
                _ => out.block(distance(name)),
            },
            Token::Broken => {}
        }
    }
    out.finish()
}

/// How many line breaks part an element from its neighbours.
fn distance(name: &str) -> usize {
    match name {
        "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "blockquote" | "table" | "dl" | "ul" | "ol" => 2,
        "div" | "tr" | "li" | "dt" | "dd" | "center" | "caption" | "tbody" | "thead" | "tfoot" => 1,
        _ => 0,
    }
}

fn attribute(rest: &str, wanted: &str) -> String {
    let found = attributes(rest).and_then(|all| all.into_iter().find(|(name, _)| *name == wanted));
    found.map(|(_, value)| unescape(value).into_owned()).unwrap_or_default()
}

/// Text being written, with the line breaks that are owed before the next word.
#[derive(Default)]
struct Lines {
    text: String,
    owed: usize,
    space: bool,
}

impl Lines {
    fn position(&self) -> usize {
        self.text.len()
    }

    fn block(&mut self, breaks: usize) {
        self.owed = self.owed.max(breaks);
        self.space &= breaks == 0;
    }

    fn line_break(&mut self) {
        self.owed = (self.owed + 1).min(3);
        self.space = false;
    }

    fn settle(&mut self) {
        if !self.text.is_empty() {
            self.text.extend(std::iter::repeat_n('\n', self.owed));
            if self.space && self.owed == 0 && !self.text.ends_with(' ') {
                self.text.push(' ');
            }
        }
        self.owed = 0;
        self.space = false;
    }

    fn text(&mut self, text: &str, as_it_is: bool) {
        if as_it_is {
            if !text.is_empty() {
                self.settle();
                self.text.push_str(text);
            }
            return;
        }
        let white = |c: char| c.is_ascii_whitespace();
        self.space |= text.starts_with(white);
        for word in text.split(white).filter(|word| !word.is_empty()) {
            self.settle();
            self.text.push_str(word);
            self.space = true;
        }
        self.space = text.ends_with(white) || (self.space && text.chars().all(white));
    }

    /// The address of a link whose words began at `start`, unless the words say it already.
    fn address(&mut self, address: &str, start: usize) {
        let words = self.text.get(start..).unwrap_or_default().trim();
        let bare = |text: &str| {
            let text = text.trim_start_matches("https://").trim_start_matches("http://");
            text.trim_start_matches("mailto:").trim_start_matches("tel:").trim_end_matches('/').to_owned()
        };
        if address.is_empty() || bare(words) == bare(address) {
            return;
        }
        let owed = std::mem::take(&mut self.owed);
        let shown = address.strip_prefix("mailto:").unwrap_or(address);
        let text = if words.is_empty() { shown.to_owned() } else { format!(" ({shown})") };
        self.settle();
        self.text.push_str(&text);
        self.owed = owed;
    }

    fn finish(self) -> String {
        self.text.trim().replace('\u{a0}', " ")
    }
}

/// HTML of a plain text: paragraphs at blank lines, line breaks kept, addresses made links.
pub(crate) fn html_of(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 5 / 4);
    for paragraph in text.split("\n\n").map(|p| p.trim_matches('\n')).filter(|p| !p.trim().is_empty()) {
        if !out.is_empty() {
            out.push('\n');
        }
        out.push_str("<p>");
        for (i, line) in paragraph.split('\n').enumerate() {
            if i > 0 {
                out.push_str("<br>\n");
            }
            push_line(&mut out, line.trim_end());
        }
        out.push_str("</p>");
    }
    out
}

/// What ends a sentence or a quotation after an address in a text, and is no part of it.
pub(crate) const AFTER_ADDRESS: [char; 11] = ['.', ',', ';', ':', '!', '?', ')', ']', '\'', '»', '”'];

fn push_line(out: &mut String, line: &str) {
    let mut rest = line;
    while let Some(start) = rest.find("https://").or_else(|| rest.find("http://")) {
        let (before, link) = rest.split_at(start);
        let end = link.find(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"')).unwrap_or(link.len());
        let address = link[..end].trim_end_matches(AFTER_ADDRESS);
        out.push_str(&escape(before).to_string());
        let words = escape(address).to_string();
        // An address that a variable is part of stays text: it would differ from person to person.
        if crate::template::find_mark(address).is_some() || address.len() <= "https://".len() {
            out.push_str(&words);
        } else {
            for piece in ["<a href=\"", &words, "\">", &words, "</a>"] {
                out.push_str(piece);
            }
        }
        rest = &link[address.len()..];
    }
    out.push_str(&escape(rest).to_string());
}
