//! The HTML a user may send, and how it is made safe.
//!
//! [`sanitise`] rebuilds whatever was pasted with `ammonia` (an HTML5 parser and an allow-list), so
//! that what comes out is balanced, has no script, form, comment, style sheet or remote frame, and
//! cannot reach past itself to hide what is appended after it. [`verify`] checks that form again
//! without a parser, each time a stored template is used.

mod anatomy;
mod convert;
mod relink;
mod style;
mod walk;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use ammonia::UrlRelative;

pub(crate) use anatomy::{Anatomy, anatomy};
pub(crate) use convert::{AFTER_ADDRESS, html_of, text_of};
pub(crate) use relink::relink;

use crate::template::{MARK, find_mark};
use walk::{Token, attributes, walk};

/// Why HTML cannot be sent. The message says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HtmlError {
    #[error("a variable may stand in the text only: move it out of the link, image or attribute")]
    VariableInMarkup {
        /// Which one, when it is known.
        mark: Option<String>,
    },
    #[error("every image needs an address that starts with https://: host the image, or remove it")]
    InsecureImage,
    #[error("invisible images are not sent (they would track who reads): remove the 1×1 or hidden image")]
    TrackingPixel,
    #[error("the HTML is nested more than {MAX_DEPTH} levels deep: simplify it")]
    TooDeep,
    #[error("nothing can be seen once scripts, styles and forms are taken out: write some text")]
    Empty,
    #[error("the HTML is not in its safe form: save the campaign again")]
    NotSafe,
}

/// Deepest nesting. Mail programs give up somewhere above 500.
const MAX_DEPTH: usize = 100;

const TAGS: [&str; 46] = [
    "a",
    "abbr",
    "b",
    "blockquote",
    "br",
    "caption",
    "center",
    "code",
    "col",
    "colgroup",
    "dd",
    "div",
    "dl",
    "dt",
    "em",
    "font",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "img",
    "li",
    "ol",
    "p",
    "pre",
    "q",
    "s",
    "small",
    "span",
    "strike",
    "strong",
    "sub",
    "sup",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "u",
    "ul",
];

/// Elements that go with everything in them; of other unknown elements the text stays.
const GONE_WITH_CONTENT: [&str; 17] = [
    "applet", "audio", "canvas", "datalist", "embed", "iframe", "math", "noembed", "noframes", "noscript", "object",
    "script", "select", "style", "svg", "title", "video",
];

const VOID: [&str; 4] = ["br", "col", "hr", "img"];

const EVERYWHERE: [&str; 5] = ["align", "dir", "lang", "style", "title"];

const ATTRIBUTES: [(&str, &[&str]); 12] = [
    ("a", &["href"]),
    ("col", &["span", "width"]),
    ("colgroup", &["span", "width"]),
    ("font", &["color", "face", "size"]),
    ("img", &["alt", "border", "height", "src", "width"]),
    ("ol", &["start", "type"]),
    ("table", &["bgcolor", "border", "cellpadding", "cellspacing", "width"]),
    ("td", &["bgcolor", "colspan", "height", "rowspan", "valign", "width"]),
    ("th", &["bgcolor", "colspan", "height", "rowspan", "valign", "width"]),
    ("tr", &["bgcolor", "valign"]),
    ("tbody", &["valign"]),
    ("ul", &["type"]),
];

fn is_attribute(tag: &str, name: &str) -> bool {
    EVERYWHERE.contains(&name) || ATTRIBUTES.iter().any(|(owner, names)| *owner == tag && names.contains(&name))
}

/// Makes HTML safe; see the module. `marked` has marks where a template has tags.
pub(crate) fn sanitise(marked: &str) -> Result<String, HtmlError> {
    // The attribute callback cannot fail, so it remembers.
    let in_markup = Arc::new(Mutex::new(None));
    let seen = Arc::clone(&in_markup);
    let mut builder = ammonia::Builder::empty();
    builder
        .tags(TAGS.into_iter().collect())
        .clean_content_tags(GONE_WITH_CONTENT.into_iter().collect())
        .generic_attributes(EVERYWHERE.into_iter().collect())
        .tag_attributes(
            ATTRIBUTES
                .into_iter()
                .map(|(tag, names)| (tag, names.iter().copied().collect::<HashSet<_>>()))
                .collect::<HashMap<_, _>>(),
        )
        .url_schemes(["http", "https", "mailto", "tel"].into_iter().collect())
        .url_relative(UrlRelative::Deny)
        .link_rel(None)
        .strip_comments(true)
        .attribute_filter(move |tag, name, value| {
            if let Some(mark) = find_mark(value) {
                *seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(mark.to_owned());
                return None;
            }
            if name != "style" {
                return Some(Cow::Borrowed(value));
            }
            let kept = style::clean(tag, value);
            if kept.is_empty() { None } else { Some(Cow::Owned(kept)) }
        });
    let clean = builder.clean(marked).to_string();
    if let Some(mark) = in_markup.lock().unwrap_or_else(PoisonError::into_inner).take() {
        return Err(HtmlError::VariableInMarkup { mark: Some(mark) });
    }
    // References (`&#8238;`) bring what the source itself may not have: whoever reads the stored text would drop it.
    let clean: String =
        clean.chars().filter(|c| !is_bidi_control(*c) && (!c.is_control() || "\n\t".contains(*c))).collect();
    let clean = without_new_tags(clean.trim());
    verify(&clean)?;
    if text_of(&clean).trim().is_empty() && !clean.contains("<img") {
        return Err(HtmlError::Empty);
    }
    Ok(clean)
}

/// Writes a `{` as an entity where what was taken out after it leaves it before another one, or a
/// mark: stored and read again, the two would begin a tag that nobody wrote.
fn without_new_tags(clean: &str) -> String {
    let mut out = String::with_capacity(clean.len());
    let mut chars = clean.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('{', Some(&('{' | '%' | MARK))) => out.push_str("&#123;"),
            _ => out.push(c),
        }
    }
    out
}

/// Checks that HTML is in the form that [`sanitise`] gives: known elements and attributes only,
/// balanced, links and images of allowed schemes.
pub(crate) fn verify(marked: &str) -> Result<(), HtmlError> {
    let mut open = Vec::new();
    for token in walk(marked) {
        match token {
            Token::Text(_) => {}
            Token::Open { name, rest } => {
                if !TAGS.contains(&name) {
                    return Err(HtmlError::NotSafe);
                }
                verify_attributes(name, rest)?;
                if !VOID.contains(&name) {
                    open.push(name);
                }
                if open.len() > MAX_DEPTH {
                    return Err(HtmlError::TooDeep);
                }
            }
            Token::Close(name) => {
                if open.pop() != Some(name) {
                    return Err(HtmlError::NotSafe);
                }
            }
            Token::Broken => return Err(HtmlError::NotSafe),
        }
    }
    if open.is_empty() { Ok(()) } else { Err(HtmlError::NotSafe) }
}

fn verify_attributes(tag: &str, rest: &str) -> Result<(), HtmlError> {
    let attributes = attributes(rest).ok_or(HtmlError::NotSafe)?;
    for (name, value) in &attributes {
        if let Some(mark) = find_mark(value) {
            return Err(HtmlError::VariableInMarkup { mark: Some(mark.to_owned()) });
        }
        if !is_attribute(tag, name) {
            return Err(HtmlError::NotSafe);
        }
        let fine = match *name {
            "style" => {
                let value = walk::unescape(value);
                style::clean(tag, &value) == value
            }
            "href" => scheme_is(value, &["https", "http", "mailto", "tel"]),
            _ => true,
        };
        if !fine {
            return Err(HtmlError::NotSafe);
        }
    }
    if tag == "img" { verify_image(&attributes) } else { Ok(()) }
}

fn scheme_is(value: &str, allowed: &[&str]) -> bool {
    value.trim().split_once(':').is_some_and(|(scheme, _)| allowed.iter().any(|a| a.eq_ignore_ascii_case(scheme)))
}

/// An image everybody gets from the same https address, large enough to be seen.
fn verify_image(attributes: &[(&str, &str)]) -> Result<(), HtmlError> {
    fn value<'v>(attributes: &[(&str, &'v str)], wanted: &str) -> Option<&'v str> {
        attributes.iter().find(|(name, _)| *name == wanted).map(|(_, value)| *value)
    }
    let find = |wanted: &str| value(attributes, wanted);
    if !find("src").is_some_and(|src| src.len() > "https://".len() && scheme_is(src, &["https"])) {
        return Err(HtmlError::InsecureImage);
    }
    let style = find("style").map(walk::unescape).unwrap_or_default();
    let size = |name: &str| {
        let declared = style::declarations(&style).find(|(property, _)| property == name).map(|(_, value)| value);
        declared.as_deref().or_else(|| find(name)).and_then(pixels)
    };
    let (width, height) = (size("width"), size("height"));
    let small = |size: Option<u32>| size.is_some_and(|pixels| pixels <= LARGEST_POINT);
    let nothing = width == Some(0) || height == Some(0);
    let point = small(width) && (height.is_none() || small(height)) || small(height) && width.is_none();
    if nothing || point { Err(HtmlError::TrackingPixel) } else { Ok(()) }
}

/// Pixels of a side up to which an image is a point that nobody sees. A line, long and thin, is none.
const LARGEST_POINT: u32 = 7;

/// The whole number of pixels that a size begins with; 0 for a percentage below 10, which is nothing
/// anybody looks at. `None` for `auto` and other percentages.
fn pixels(value: &str) -> Option<u32> {
    let digits: String = value.trim().chars().take_while(char::is_ascii_digit).collect();
    let rest = value.trim()[digits.len()..].trim_start_matches(|c: char| c == '.' || c.is_ascii_digit());
    let number = digits.parse().unwrap_or(u32::MAX);
    match rest.trim() {
        _ if digits.is_empty() && value.trim().starts_with('.') => Some(0),
        "" | "px" | "pt" => Some(number).filter(|&n| n != u32::MAX),
        "%" if number < 10 => Some(0),
        _ => Some(number).filter(|&n| n == 0),
    }
}

/// What sanitising takes out of `source` with its content, by the name of the element: for the
/// preview, so that nobody wonders where it went.
pub(crate) fn removed(source: &str) -> Vec<&'static str> {
    const TOLD: [&str; 8] = ["form", "iframe", "link", "object", "script", "style", "svg", "video"];
    let lower = source.to_ascii_lowercase();
    let opens = |name: &&str| {
        lower.match_indices('<').any(|(at, _)| {
            lower[at + 1..]
                .strip_prefix(*name)
                .is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '-'))
        })
    };
    TOLD.into_iter().filter(opens).collect()
}

/// Characters that change the direction of the text after them.
pub(crate) fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests;
