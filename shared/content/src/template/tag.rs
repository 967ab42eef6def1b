//! The grammar of one merge tag, and the cutting of a source into tags and plain text.
//!
//! A tag is a variable and filters, nothing else: `{{ first_name | default: "there" | upper }}`.
//! Whatever does not fit is refused here, with the place and what to do, before the engine sees it.

use super::person::Variable;
use super::spin::{Spin, spin_at};

/// Longest text between `{{` and `}}`, in bytes.
const MAX_TAG: usize = 300;

/// Why a template cannot be used, where, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct TemplateError {
    /// The line in the source, from 1.
    pub line: usize,
    /// The column in that line, in characters, from 1.
    pub column: usize,
    /// What is wrong and what to do, for the person who wrote the template.
    pub message: String,
}

impl TemplateError {
    /// An error at the byte `offset` of `source`.
    pub(crate) fn at(source: &str, offset: usize, message: impl Into<String>) -> Self {
        let before = source.get(..offset).unwrap_or(source);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            line: before.bytes().filter(|&b| b == b'\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            message: message.into(),
        }
    }
}

/// What a filter does to a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Filter {
    /// The fallback for a value that a person does not have.
    Default(String),
    /// A filter without an argument, by its name in the engine.
    Plain(&'static str),
}

const PLAIN: [&str; 5] = ["upper", "lower", "title", "capitalize", "trim"];

/// One merge tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tag {
    pub(crate) variable: Variable,
    pub(crate) filters: Vec<Filter>,
}

impl Tag {
    /// Whether who has no value for this variable is not written to.
    pub(crate) fn leaves_out(&self, variable: Variable) -> bool {
        self.variable == variable && !self.has_default()
    }

    /// Whether it says what to write where there is no value.
    pub(crate) fn has_default(&self) -> bool {
        self.filters.iter().any(|filter| matches!(filter, Filter::Default(_)))
    }

    /// The tag as an expression of the engine.
    pub(crate) fn expression(&self) -> String {
        let mut out = String::from(self.variable.name());
        for filter in &self.filters {
            match filter {
                Filter::Plain(name) => {
                    out.push('|');
                    out.push_str(name);
                }
                Filter::Default(text) => {
                    out.push_str("|default(\"");
                    for c in text.chars() {
                        if matches!(c, '"' | '\\') {
                            out.push('\\');
                        }
                        out.push(c);
                    }
                    // `true`: an empty value gets the fallback too, not only an undefined one.
                    out.push_str("\", true)");
                }
            }
        }
        out
    }

    /// The tag as its author would write it.
    pub(crate) fn source(&self) -> String {
        let mut out = format!("{{{{ {}", self.variable.name());
        for filter in &self.filters {
            match filter {
                Filter::Plain(name) => {
                    out.push_str(" | ");
                    out.push_str(name);
                }
                Filter::Default(text) => {
                    let quote = if text.contains('"') { '\'' } else { '"' };
                    out.push_str(" | default: ");
                    out.push(quote);
                    out.push_str(text);
                    out.push(quote);
                }
            }
        }
        out.push_str(" }}");
        out
    }
}

/// A piece of a template's source, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece<'s> {
    Literal(&'s str),
    /// A tag, and where its `{{` stands.
    Tag(Tag, usize),
    /// Alternatives, and where their `[[` stands.
    Spin(Spin, usize),
}

/// Cuts `source` into text, tags and alternatives. In HTML an editor may have written `&quot;` inside a tag.
pub(crate) fn scan(source: &str, html: bool) -> Result<Vec<Piece<'_>>, TemplateError> {
    let mut pieces = Vec::new();
    let mut rest = 0;
    while let Some(found) = source[rest..].find(['{', '[']).map(|i| rest + i) {
        match source.get(found..found + 2) {
            Some("{%") => {
                let message = "instructions such as {% if %} are not available: write text and {{ variables }} only";
                return Err(TemplateError::at(source, found, message));
            }
            Some("{{") => {
                push_literal(&mut pieces, &source[rest..found]);
                let (tag, end) = tag_at(source, found, html)?;
                pieces.push(Piece::Tag(tag, found));
                rest = end;
            }
            Some("[[") => {
                push_literal(&mut pieces, &source[rest..found]);
                let (spin, end) = spin_at(source, found, html)?;
                pieces.push(Piece::Spin(spin, found));
                rest = end;
            }
            _ => {
                push_literal(&mut pieces, &source[rest..=found]);
                rest = found + 1;
            }
        }
    }
    push_literal(&mut pieces, &source[rest..]);
    Ok(pieces)
}

/// Reads the tag whose `{{` stands at `found`, and where it ends.
pub(crate) fn tag_at(source: &str, found: usize, html: bool) -> Result<(Tag, usize), TemplateError> {
    let inside = found + 2;
    let Some(length) = end_of_tag(&source[inside..]) else {
        let message = "this {{ has no }} after it: close it, as in {{ first_name }}";
        return Err(TemplateError::at(source, found, message));
    };
    let text = &source[inside..inside + length];
    let tag = if html && text.contains('&') {
        parse(&undone(text)).map_err(|(_, message)| TemplateError::at(source, found, message))?
    } else {
        parse(text).map_err(|(offset, message)| TemplateError::at(source, inside + offset, message))?
    };
    Ok((tag, inside + length + 2))
}

/// Joins neighbours, so that a literal is as long as it can be.
fn push_literal<'s>(pieces: &mut Vec<Piece<'s>>, text: &'s str) {
    if !text.is_empty() {
        pieces.push(Piece::Literal(text));
    }
}

/// Where the `}}` stands that ends a tag: the first one outside quotes, on the tag's length limit.
fn end_of_tag(text: &str) -> Option<usize> {
    let bytes = &text.as_bytes()[..text.len().min(MAX_TAG + 2)];
    let mut quote = None;
    for (i, &b) in bytes.iter().enumerate() {
        match quote {
            Some(open) if b == open => quote = None,
            Some(_) => {}
            None if matches!(b, b'"' | b'\'') => quote = Some(b),
            None if b == b'}' && bytes.get(i + 1) == Some(&b'}') => return Some(i),
            None => {}
        }
    }
    // A quote that is never closed: end at the first }} so that the message speaks of the quote.
    text.find("}}").filter(|&i| i <= MAX_TAG)
}

/// A text without the character references that an editor of HTML makes.
pub(crate) fn undone(text: &str) -> String {
    text.replace("&quot;", "\"")
        .replace("&#34;", "\"")
        .replace("&#39;", "'")
        .replace("&apos;", "'")
        .replace("&nbsp;", " ")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

type Refused = (usize, String);

struct Cursor<'s> {
    text: &'s str,
    at: usize,
}

impl<'s> Cursor<'s> {
    fn rest(&self) -> &'s str {
        &self.text[self.at..]
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn eat(&mut self, c: char) -> bool {
        self.skip_space();
        let ate = self.rest().starts_with(c);
        if ate {
            self.at += c.len_utf8();
        }
        ate
    }

    fn word(&mut self) -> (usize, &'s str) {
        self.skip_space();
        let start = self.at;
        let rest = self.rest();
        let length = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
        self.at += length;
        (start, &rest[..length])
    }

    /// `"…"`, `'…'`, or the curly quotes that word processors make.
    fn quoted(&mut self) -> Result<String, Refused> {
        self.skip_space();
        let start = self.at;
        let refused = |message: &str| Err((start, message.to_owned()));
        let rest = self.rest();
        let Some(open) = rest.chars().next() else {
            return refused("default needs its text between quotes, as in default: \"there\"");
        };
        let close = match open {
            '"' | '\'' => open,
            '“' => '”',
            '‘' => '’',
            _ => return refused("default needs its text between quotes, as in default: \"there\""),
        };
        let inside = &rest[open.len_utf8()..];
        let Some(length) = inside.find(close) else {
            return refused("this quote is not closed: end the text with the same quote");
        };
        let text = &inside[..length];
        if text.chars().any(char::is_control) {
            return refused("the text of a default must stand on one line");
        }
        self.at += open.len_utf8() + length + close.len_utf8();
        Ok(text.to_owned())
    }
}

fn parse(text: &str) -> Result<Tag, Refused> {
    let mut cursor = Cursor { text, at: 0 };
    let (start, name) = cursor.word();
    if name.is_empty() {
        let message = format!("put the name of a variable here, one of: {}", Variable::list());
        return Err((start, message));
    }
    let variable = Variable::from_name(name).ok_or_else(|| (start, unknown_variable(name)))?;
    let mut filters = Vec::new();
    loop {
        cursor.skip_space();
        if cursor.rest().is_empty() {
            return Ok(Tag { variable, filters });
        }
        if !cursor.eat('|') {
            let message = "only filters may follow a variable, as in {{ first_name | default: \"there\" }}; \
                           calculations, calls, HTML and dots are not available";
            return Err((cursor.at, message.to_owned()));
        }
        filters.push(parse_filter(&mut cursor)?);
    }
}

fn parse_filter(cursor: &mut Cursor<'_>) -> Result<Filter, Refused> {
    let (start, name) = cursor.word();
    if name == "default" {
        if cursor.eat(':') {
            return cursor.quoted().map(Filter::Default);
        }
        if cursor.eat('(') {
            let text = cursor.quoted()?;
            if cursor.eat(')') {
                return Ok(Filter::Default(text));
            }
            return Err((cursor.at, "close the parenthesis: default(\"there\")".to_owned()));
        }
        return Err((cursor.at, "default needs a text, as in default: \"there\"".to_owned()));
    }
    if let Some(plain) = PLAIN.into_iter().find(|&plain| plain == name) {
        return Ok(Filter::Plain(plain));
    }
    Err((start, format!("{name:?} is not a filter; there are: default, {}", PLAIN.join(", "))))
}

fn unknown_variable(name: &str) -> String {
    let plain = |text: &str| text.to_lowercase().replace('_', "");
    let near = Variable::ALL.into_iter().find(|v| plain(v.name()) == plain(name) || v.french() == plain(name));
    match near {
        Some(variable) => format!("{name:?} is not a variable: write {}", variable.name()),
        None => format!("{name:?} is not a variable; there are: {}", Variable::list()),
    }
}

#[cfg(test)]
mod tests;
