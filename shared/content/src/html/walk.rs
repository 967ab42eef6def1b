//! Reading HTML that is already in the form our sanitiser writes: lower-case names, double quotes,
//! `<` only where a tag begins. Anything else is [`Token::Broken`].

use std::borrow::Cow;

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Token<'h> {
    Text(&'h str),
    Open {
        name: &'h str,
        /// What stands between the name and `>`.
        rest: &'h str,
    },
    Close(&'h str),
    Broken,
}

pub(super) fn walk(html: &str) -> impl Iterator<Item = Token<'_>> {
    let mut rest = html;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (token, after) = next(rest);
        rest = after;
        Some(token)
    })
}

fn next(html: &str) -> (Token<'_>, &str) {
    let Some(inside) = html.strip_prefix('<') else {
        let end = html.find('<').unwrap_or(html.len());
        return (Token::Text(&html[..end]), &html[end..]);
    };
    let Some(end) = end_of_tag(inside) else {
        return (Token::Broken, "");
    };
    let (tag, after) = (&inside[..end], &inside[end + 1..]);
    let (close, tag) = match tag.strip_prefix('/') {
        Some(tag) => (true, tag),
        None => (false, tag),
    };
    let length = tag.find(|c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit())).unwrap_or(tag.len());
    let (name, rest) = tag.split_at(length);
    let token = match (close, name.is_empty(), rest.is_empty()) {
        (_, true, _) | (true, _, false) => Token::Broken,
        (true, ..) => Token::Close(name),
        (false, ..) => Token::Open { name, rest },
    };
    (token, after)
}

/// Where the `>` stands that is not in a quoted value.
fn end_of_tag(inside: &str) -> Option<usize> {
    let mut quoted = false;
    inside.bytes().position(|b| {
        quoted ^= b == b'"';
        b == b'>' && !quoted
    })
}

/// The ` name="value"` pairs of a tag; `None` when they are written otherwise. Values are escaped.
pub(super) fn attributes(rest: &str) -> Option<Vec<(&str, &str)>> {
    let mut out = Vec::new();
    let mut rest = rest;
    while !rest.is_empty() {
        let (name, after) = rest.strip_prefix(' ')?.split_once("=\"")?;
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_lowercase()) {
            return None;
        }
        let (value, after) = after.split_once('"')?;
        out.push((name, value));
        rest = after;
    }
    Some(out)
}

/// Undoes what a serialiser escapes.
pub(super) fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return Cow::Borrowed(text);
    }
    Cow::Owned(
        text.replace("&quot;", "\"")
            .replace("&#39;", "'")
            .replace("&nbsp;", "\u{a0}")
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&#123;", "{")
            .replace("&amp;", "&"),
    )
}
