//! Wordings of failures, and which cause each of them gives away.
//!
//! Servers word the same thing in a few hundred ways. A table per class holds them, from the sure to the
//! vague; their order in [`SPECIFIC`] decides where a text has several: a full mailbox is named with the
//! words *user* and *rejected*, never the other way round.

mod block;
mod hard;
mod soft;

use crate::cause::Cause;
use crate::fold::fold;

/// Words that give a cause away. `*` stands for up to [`GAP`] octets of one's own. All are compared as
/// [`fold`] leaves a text, and start where a word starts.
type Table = &'static [(Cause, &'static [&'static str])];

/// What says what it means.
const SPECIFIC: &[Table] = &[soft::OURS, soft::MAILBOX, block::SURE, hard::SURE];

/// What says so more broadly, and stands in the introductions of reports too.
const BROAD: &[Table] = &[block::GENERAL, soft::SURE];

/// What counts when nothing better is known: less than a specific status, more than a bare code.
const HINTS: &[Table] = &[hard::HINTS, block::HINTS, soft::HINTS];

/// What `*` may stand for.
const GAP: usize = 64;

/// A text, made ready to be searched: folded, with a `$` at its end.
pub(crate) struct Wording(String);

/// What was found, and by which words.
pub(crate) type Found = (Cause, &'static str);

impl Wording {
    pub(crate) fn new(text: &str) -> Self {
        let mut folded = fold(text);
        folded.push_str(" $");
        Self(folded)
    }

    /// The cause that the text names, in words of its own.
    pub(crate) fn specific(&self) -> Option<Found> {
        self.first_of(SPECIFIC)
    }

    /// The cause that the text names.
    pub(crate) fn sure(&self) -> Option<Found> {
        self.specific().or_else(|| self.first_of(BROAD))
    }

    /// The cause that it may mean.
    pub(crate) fn hint(&self) -> Option<Found> {
        self.first_of(HINTS)
    }

    /// Whether any of `phrases` occurs.
    pub(crate) fn has(&self, phrases: &[&str]) -> bool {
        phrases.iter().any(|phrase| occurs(&self.0, phrase))
    }

    /// Whether the text begins with any of `phrases`.
    pub(crate) fn begins_with(&self, phrases: &[&str]) -> bool {
        phrases.iter().any(|phrase| self.0.starts_with(phrase))
    }

    fn first_of(&self, tables: &[Table]) -> Option<Found> {
        let rows = tables.iter().flat_map(|table| table.iter());
        let phrases = rows.flat_map(|(cause, phrases)| phrases.iter().map(move |phrase| (*cause, *phrase)));
        phrases.into_iter().find(|(_, phrase)| occurs(&self.0, phrase))
    }
}

/// Whether `phrase` occurs in `text`, its parts in order and no further apart than [`GAP`].
fn occurs(text: &str, phrase: &str) -> bool {
    let mut parts = phrase.split('*').map(str::trim);
    let Some(head) = parts.next() else { return false };
    let tail: Vec<&str> = parts.collect();
    starts(text, head).any(|at| {
        let mut rest = &text[at + head.len()..];
        tail.iter().all(|part| {
            let near = starts(rest, part).next().filter(|at| *at <= GAP);
            near.inspect(|at| rest = &rest[at + part.len()..]).is_some()
        })
    })
}

/// Where `part` begins in `text` and a word begins too.
fn starts<'a>(text: &'a str, part: &'a str) -> impl Iterator<Item = usize> + 'a {
    let word = part.starts_with(|c: char| c.is_ascii_alphanumeric());
    memchr::memmem::find_iter(text.as_bytes(), part.as_bytes()).filter(move |at| {
        let before = at.checked_sub(1).and_then(|before| text.as_bytes().get(before));
        !word || before.is_none_or(|before| !before.is_ascii_alphanumeric())
    })
}
