//! The template language of campaigns: text with merge tags, and nothing that could be called code.
//!
//! `{{ first_name | default: "there" }}` is a variable and filters, `[[Hello|Good morning]]` one of several
//! alternatives; that is the whole language. The
//! grammar of a tag is checked by [`tag`], in front of the engine; the engine (minijinja, chosen
//! over `liquid` because it knows undefined values, escapes HTML and is a sixth of its code) only
//! ever evaluates expressions made from a checked tag. Literal text never reaches it, so no
//! instruction, include or comment can be smuggled in.
//!
//! A template is compiled once per campaign and rendered once per person.

mod person;
mod spin;
mod tag;

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::LazyLock;

use minijinja::{Environment, Expression, HtmlEscape, filters};

pub use person::{Person, Variable};
pub use tag::TemplateError;

use crate::html;
use spin::{Part, Spin, choice};
use tag::{Piece, Tag};

/// Longest source of a subject, in bytes.
pub const MAX_SUBJECT_SOURCE: usize = 1_000;
/// Longest subject that is sent, in characters: no mailbox shows more.
pub const MAX_SUBJECT: usize = 250;
/// Longest text or HTML, as source and as rendered for a person, in bytes. Gmail cuts a message at
/// 102 KB, and the cut would take the footer with it.
pub const MAX_BODY: usize = 80_000;
/// Longest value of one variable that is put into a message, in bytes.
pub const MAX_VALUE: usize = 1_000;

/// Where a template is used: it decides what is escaped and what is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One line of a header.
    Subject,
    /// The plain text part.
    Text,
    /// The HTML part.
    Html,
}

/// Why a person cannot be written to with this template. Carries no personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// The person has no value for the variable, and its tag has no default.
    #[error("no value for {} and no default", variable.name())]
    MissingValue {
        /// The variable without a value.
        variable: Variable,
    },
    /// The value holds a line break or another control character, which no header may carry.
    #[error("the value of {} has a control character", variable.name())]
    UnsafeValue {
        /// The variable with that value.
        variable: Variable,
    },
    /// The value is longer than [`MAX_VALUE`], or what it gives than [`MAX_SUBJECT`] or [`MAX_BODY`].
    #[error("too long once the values are filled in")]
    TooLong,
    /// Nothing is left: what was chosen, and the values, are blank.
    #[error("blank once the values are filled in")]
    Blank,
    /// The engine refused an expression; it has no way to with a checked tag.
    #[error("the value of {} cannot be rendered", variable.name())]
    Unrenderable {
        /// The variable of that tag.
        variable: Variable,
    },
}

/// A compiled template.
#[derive(Debug)]
pub struct Template {
    kind: Kind,
    segments: Vec<Segment>,
}

enum Segment {
    Literal(String),
    Value {
        tag: Tag,
        expression: Expression<'static, 'static>,
    },
    /// Alternatives: the how manieth place with some it is, and each of them.
    Choice {
        number: usize,
        options: Vec<Vec<Segment>>,
        spin: Spin,
    },
}

/// What stands for itself while the text around it is worked on.
#[derive(Debug, Clone)]
enum Slot {
    Tag(Tag),
    Spin(Spin),
}

impl std::fmt::Debug for Segment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Segment::Literal(text) => f.write_str(text),
            Segment::Value { tag, .. } => f.write_str(&tag.source()),
            Segment::Choice { spin, .. } => f.write_str(&spin.source(false)),
        }
    }
}

/// An engine that knows five filters and no function, test, loader or global.
static ENGINE: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut engine = Environment::empty();
    engine.add_filter("default", filters::default);
    engine.add_filter("upper", filters::upper);
    engine.add_filter("lower", filters::lower);
    engine.add_filter("title", filters::title);
    engine.add_filter("capitalize", filters::capitalize);
    engine.add_filter("trim", filters::trim);
    engine
});

impl Template {
    /// Compiles what a user wrote. HTML is made safe first; [`Template::source`] gives what to store.
    ///
    /// # Errors
    /// The first thing that cannot be used, with its place.
    pub fn parse(source: &str, kind: Kind) -> Result<Self, TemplateError> {
        Self::compile(source, kind, html::sanitise)
    }

    /// Compiles what [`Template::source`] gave. HTML is checked to be in the safe form, without the
    /// sanitiser: a function that only sends does not carry an HTML parser.
    ///
    /// # Errors
    /// As [`Template::parse`]; and HTML that is not in the safe form.
    pub fn stored(source: &str, kind: Kind) -> Result<Self, TemplateError> {
        Self::compile(source, kind, |marked| html::verify(marked).map(|()| marked.to_owned()))
    }

    fn compile(
        source: &str,
        kind: Kind,
        safe_html: impl FnOnce(&str) -> Result<String, html::HtmlError>,
    ) -> Result<Self, TemplateError> {
        let limit = if kind == Kind::Subject { MAX_SUBJECT_SOURCE } else { MAX_BODY };
        if source.len() > limit {
            let message = format!("this is {} bytes long; shorten it to {limit}", source.len());
            return Err(TemplateError::at(source, 0, message));
        }
        if kind == Kind::Subject {
            let trimmed = source.trim();
            if trimmed.is_empty() {
                return Err(TemplateError::at(source, 0, "write a subject"));
            }
            if let Some(offset) = trimmed.find(char::is_control) {
                let message = "a subject is one line: remove the line break or control character";
                return Err(TemplateError::at(trimmed, offset, message));
            }
        }
        let source = normalised(source, kind);
        let pieces = tag::scan(&source, kind == Kind::Html)?;
        let (marked, tags) = mark(&pieces);
        let marked = if kind == Kind::Html {
            safe_html(&marked).map_err(|error| html_error(&source, &error, &tags))?
        } else {
            marked
        };
        let slots: Vec<Slot> = tags.into_iter().map(|(slot, _)| slot).collect();
        let template =
            Self::from_marked(&marked, &slots, kind).map_err(|message| TemplateError::at(&source, 0, message))?;
        if kind != Kind::Html && !slots.is_empty() && may_be_blank(&template.segments) {
            let message = "one of its forms is blank: write something outside of the alternatives, or in each of them";
            return Err(TemplateError::at(&source, 0, message));
        }
        Ok(template)
    }

    /// Puts tags and alternatives back where their marks stand.
    fn from_marked(marked: &str, slots: &[Slot], kind: Kind) -> Result<Self, String> {
        let (mut segments, mut places) = (Vec::new(), 0);
        for (i, part) in marked.split(MARK).enumerate() {
            let literal = if i == 0 {
                part
            } else {
                let (index, rest) = part.split_once(MARK_END).unwrap_or(("", part));
                match index.parse().ok().and_then(|index: usize| slots.get(index)) {
                    Some(Slot::Tag(tag)) => segments.push(value(tag)?),
                    Some(Slot::Spin(spin)) => segments.push(alternatives(spin, kind, &mut places)?),
                    None => {}
                }
                rest
            };
            if !literal.is_empty() {
                segments.push(Segment::Literal(literal.to_owned()));
            }
        }
        Ok(Self { kind, segments })
    }

    /// The text part of an HTML template: same tags, no markup.
    #[must_use]
    pub(crate) fn to_text(&self) -> Option<Self> {
        let (marked, tags) = self.marked();
        Self::from_marked(&html::text_of(&marked), &tags, Kind::Text).ok()
    }

    /// The HTML part of a text template: paragraphs, line breaks and links.
    #[must_use]
    pub(crate) fn to_html(&self) -> Option<Self> {
        let (marked, tags) = self.marked();
        Self::from_marked(&html::html_of(&marked), &tags, Kind::Html).ok()
    }

    fn marked(&self) -> (String, Vec<Slot>) {
        let mut slots = Vec::new();
        let mut marked = String::new();
        for segment in &self.segments {
            let slot = match segment {
                Segment::Literal(text) => {
                    marked.push_str(text);
                    continue;
                }
                Segment::Value { tag, .. } => Slot::Tag(tag.clone()),
                Segment::Choice { spin, .. } => Slot::Spin(spin.clone()),
            };
            push_mark(&mut marked, slots.len());
            slots.push(slot);
        }
        (marked, slots)
    }

    /// The source in the form to store: normalised, and safe when it is HTML.
    #[must_use]
    pub fn source(&self) -> String {
        let mut out = String::new();
        for segment in &self.segments {
            match segment {
                Segment::Literal(text) => out.push_str(text),
                Segment::Value { tag, .. } => out.push_str(&tag.source()),
                Segment::Choice { spin, .. } => out.push_str(&spin.source(self.kind == Kind::Html)),
            }
        }
        out
    }

    /// The variables it uses, in order of appearance, each time they appear.
    pub fn variables(&self) -> impl Iterator<Item = Variable> {
        self.segments.iter().flat_map(|segment| match segment {
            Segment::Literal(_) => Vec::new(),
            Segment::Value { tag, .. } => vec![tag.variable],
            Segment::Choice { spin, .. } => spin.tags().into_iter().map(|tag| tag.variable).collect(),
        })
    }

    /// How many texts it can give, for one person: every choice at every place.
    #[must_use]
    pub fn forms(&self) -> u64 {
        forms_of(&self.segments)
    }

    /// All of them, as they are for one person; `None` when there are more than `most`, or one cannot be written.
    #[must_use]
    pub fn every_form(&self, person: &Person<'_>, most: usize) -> Option<Vec<String>> {
        if self.forms() > most as u64 {
            return None;
        }
        let (mut all, mut path): (Vec<String>, Vec<(usize, usize)>) = (Vec::new(), Vec::new());
        loop {
            let mut met = 0;
            let form = self.render_by(person, &mut |_, options| {
                if met == path.len() {
                    path.push((0, options));
                }
                met += 1;
                path[met - 1].0
            });
            all.push(form.ok()?);
            // The next choice at the last place that has one left.
            while path.pop_if(|(chosen, options)| *chosen + 1 == *options).is_some() {}
            match path.last_mut() {
                Some((chosen, _)) => *chosen += 1,
                None => return Some(all),
            }
        }
    }

    /// Whether a person without a value for this variable cannot be written to.
    pub(crate) fn needs(&self, variable: Variable) -> bool {
        self.segments.iter().any(|segment| match segment {
            Segment::Literal(_) => false,
            Segment::Value { tag, .. } => tag.leaves_out(variable),
            // Whoever gets the alternative that needs it cannot be written to.
            Segment::Choice { spin, .. } => spin.tags().into_iter().any(|tag| tag.leaves_out(variable)),
        })
    }

    /// Whether nobody without a value for this variable can be written to, whichever alternatives they get.
    pub(crate) fn always_needs(&self, variable: Variable) -> bool {
        let needs = |segment: &Segment| matches!(segment, Segment::Value { tag, .. } if tag.leaves_out(variable));
        self.segments.iter().any(needs)
    }

    /// Fills in one person's values.
    ///
    /// # Errors
    /// Why this person cannot be written to, see [`RenderError`].
    pub fn render(&self, person: &Person<'_>) -> Result<String, RenderError> {
        self.render_by(person, &mut |number, options| choice(person.seed, number, options))
    }

    fn render_by(
        &self,
        person: &Person<'_>,
        choose: &mut dyn FnMut(usize, usize) -> usize,
    ) -> Result<String, RenderError> {
        let mut out = String::with_capacity(self.literal_len() + 64);
        self.push_segments(&mut out, person, &self.segments, choose)?;
        let fits = match self.kind {
            Kind::Subject => out.chars().count() <= MAX_SUBJECT,
            Kind::Text | Kind::Html => out.len() <= MAX_BODY,
        };
        if self.kind != Kind::Html && out.trim().is_empty() && !self.segments.is_empty() {
            return Err(RenderError::Blank);
        }
        if fits { Ok(out) } else { Err(RenderError::TooLong) }
    }

    fn push_segments(
        &self,
        out: &mut String,
        person: &Person<'_>,
        segments: &[Segment],
        choose: &mut dyn FnMut(usize, usize) -> usize,
    ) -> Result<(), RenderError> {
        for segment in segments {
            match segment {
                Segment::Literal(text) => out.push_str(text),
                Segment::Value { tag, expression } => self.push_value(out, person, tag, expression)?,
                Segment::Choice { number, options, .. } => {
                    let chosen = options.get(choose(*number, options.len())).map(Vec::as_slice).unwrap_or_default();
                    self.push_segments(out, person, chosen, choose)?;
                }
            }
        }
        Ok(())
    }

    fn literal_len(&self) -> usize {
        let literals = self.segments.iter().map(|segment| match segment {
            Segment::Literal(text) => text.len(),
            Segment::Value { .. } | Segment::Choice { .. } => 0,
        });
        literals.sum()
    }

    fn push_value(
        &self,
        out: &mut String,
        person: &Person<'_>,
        tag: &Tag,
        expression: &Expression<'static, 'static>,
    ) -> Result<(), RenderError> {
        let variable = tag.variable;
        let value = expression.eval(person.context(variable)).map_err(|_| RenderError::Unrenderable { variable })?;
        let text = value.as_str().unwrap_or_default();
        if text.trim().is_empty() && !tag.has_default() {
            return Err(RenderError::MissingValue { variable });
        }
        if text.len() > MAX_VALUE {
            return Err(RenderError::TooLong);
        }
        let text = if text.contains(is_stripped) {
            if self.kind == Kind::Subject {
                return Err(RenderError::UnsafeValue { variable });
            }
            Cow::Owned(text.replace(is_stripped, " "))
        } else {
            Cow::Borrowed(text)
        };
        match self.kind {
            Kind::Subject | Kind::Text => out.push_str(&text),
            // Writing to a String cannot fail.
            Kind::Html => drop(write!(out, "{}", HtmlEscape(&text))),
        }
        Ok(())
    }
}

/// Whether there is a choice by which nothing is written, whatever the values are.
fn may_be_blank(segments: &[Segment]) -> bool {
    segments.iter().all(|segment| match segment {
        Segment::Literal(text) => text.trim().is_empty(),
        Segment::Value { .. } => false,
        Segment::Choice { options, .. } => options.iter().any(|option| may_be_blank(option)),
    })
}

/// What no value may bring along: line breaks and other controls, and the characters that reorder
/// what is shown (a name could otherwise turn the footer around).
fn is_stripped(c: char) -> bool {
    c.is_control() || html::is_bidi_control(c)
}

// Private-use characters that stand for a tag while HTML is parsed: `MARK`, its number, `MARK_END`.
pub(crate) const MARK: char = '\u{E000}';
const MARK_END: char = '\u{E001}';

fn push_mark(out: &mut String, index: usize) {
    out.push(MARK);
    out.push_str(&index.to_string());
    out.push(MARK_END);
}

fn mark(pieces: &[Piece<'_>]) -> (String, Vec<(Slot, usize)>) {
    let mut marked = String::new();
    let mut slots = Vec::new();
    for piece in pieces {
        let slot = match piece {
            Piece::Literal(text) => {
                marked.push_str(text);
                continue;
            }
            Piece::Tag(tag, offset) => (Slot::Tag(tag.clone()), *offset),
            Piece::Spin(spin, offset) => (Slot::Spin(spin.clone()), *offset),
        };
        push_mark(&mut marked, slots.len());
        slots.push(slot);
    }
    (marked, slots)
}

fn value(tag: &Tag) -> Result<Segment, String> {
    let expression = ENGINE.compile_expression_owned(tag.expression());
    let expression = expression.map_err(|_| format!("{} cannot be used: write it anew", tag.source()))?;
    Ok(Segment::Value { tag: tag.clone(), expression })
}

/// Alternatives, ready to be chosen from. `places` counts those there were before.
fn alternatives(spin: &Spin, kind: Kind, places: &mut usize) -> Result<Segment, String> {
    let number = *places;
    *places += 1;
    let mut segment = |part: &Part| match part {
        Part::Text(text) if kind == Kind::Html => Ok(Segment::Literal(HtmlEscape(text).to_string())),
        Part::Text(text) => Ok(Segment::Literal(text.clone())),
        Part::Tag(tag) => value(tag),
        Part::Spin(spin) => alternatives(spin, kind, places),
    };
    let options = spin.options.iter().map(|parts| parts.iter().map(&mut segment).collect());
    Ok(Segment::Choice { number, options: options.collect::<Result<_, _>>()?, spin: spin.clone() })
}

fn forms_of(segments: &[Segment]) -> u64 {
    let of = |segment: &Segment| match segment {
        Segment::Literal(_) | Segment::Value { .. } => 1,
        Segment::Choice { options, .. } => {
            options.iter().map(|segments| forms_of(segments)).fold(0, u64::saturating_add)
        }
    };
    segments.iter().map(of).fold(1, u64::saturating_mul)
}

/// One kind of line break, no control characters, no marks, and never more than three line breaks in
/// a row in a text: what follows the user's words must not be out of sight.
fn normalised(source: &str, kind: Kind) -> String {
    let mut out = String::with_capacity(source.len());
    let mut breaks = 0;
    let source = if kind == Kind::Subject { source.trim() } else { source };
    let mut chars = source.chars().peekable();
    while let Some(c) = chars.next() {
        let c = match c {
            '\r' if chars.peek() == Some(&'\n') => continue,
            '\r' => '\n',
            MARK | MARK_END => continue,
            c if html::is_bidi_control(c) => continue,
            c if c.is_control() && !matches!(c, '\n' | '\t') => continue,
            c => c,
        };
        if c == '\n' {
            breaks += 1;
            if breaks > 3 && kind == Kind::Text {
                continue;
            }
        } else if !c.is_whitespace() {
            breaks = 0;
        }
        out.push(c);
    }
    out
}

/// Gives an error of the HTML the place of the tag it is about, where there is one.
fn html_error(source: &str, error: &html::HtmlError, slots: &[(Slot, usize)]) -> TemplateError {
    let offset = match error {
        html::HtmlError::VariableInMarkup { mark } => mark
            .as_ref()
            .and_then(|mark| mark.trim_matches([MARK, MARK_END]).parse::<usize>().ok())
            .and_then(|index| slots.get(index))
            .map_or(0, |(_, offset)| *offset),
        _ => 0,
    };
    TemplateError::at(source, offset, error.to_string())
}

/// Whether a text holds a mark, and which.
pub(crate) fn find_mark(text: &str) -> Option<&str> {
    let start = text.find(MARK)?;
    let length = text[start..].find(MARK_END)?;
    text.get(start..start + length + MARK_END.len_utf8())
}

#[cfg(test)]
mod tests;
