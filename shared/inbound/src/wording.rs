//! Wordings of failures, and which cause each of them gives away.
//!
//! Servers word the same thing in a few hundred ways. A table per class holds them, and a small [`grammar`] makes up
//! what is said of an address in the thousand others. The tables' order decides where a text has several: a full mailbox is named with the words *user* and *rejected*, never the other way round.
//! All are found in one walk over the text, whatever their number.

mod block;
mod grammar;
mod hard;
mod soft;

use std::cell::OnceCell;
use std::collections::HashMap;
use std::sync::OnceLock;

use crate::fold::fold;
use domain::cause::{Cause, Class};

/// Words that give a cause away. `*` stands for up to [`GAP`] octets of one's own. All are compared as [`fold`]
/// leaves a text, and start where a word starts.
type Table = &'static [(Cause, &'static [&'static str])];

/// How much words say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Strength {
    /// They say what they mean.
    Specific,
    /// They say so more broadly, and stand in the introductions of reports too.
    Broad,
    /// They count when nothing better is known: less than a specific status, more than a bare code.
    Hint,
}

/// The tables, from the sure to the vague.
const TABLES: &[(Strength, Table)] = &[
    (Strength::Specific, soft::OURS),
    (Strength::Specific, block::COUNTED),
    (Strength::Specific, soft::MAILBOX),
    (Strength::Specific, hard::DISUSED),
    (Strength::Specific, block::SURE),
    (Strength::Specific, hard::SURE),
    (Strength::Broad, block::GENERAL),
    (Strength::Broad, soft::SURE),
    (Strength::Hint, hard::HINTS),
    (Strength::Hint, block::HINTS),
    (Strength::Hint, soft::HINTS),
];

/// What `*` may stand for.
const GAP: usize = 64;

/// What was found, and by which words.
pub(crate) type Found = (Cause, &'static str);

/// A text, made ready to be searched: folded, with a `$` at its end.
pub(crate) struct Wording {
    folded: String,
    /// The best of each strength.
    found: OnceCell<[Option<Found>; 3]>,
    /// What is said in no listed words.
    composed: OnceCell<Option<Found>>,
}

impl Wording {
    pub(crate) fn new(text: &str) -> Self {
        let mut folded = fold(text);
        folded.push_str(" $");
        Self { folded, found: OnceCell::new(), composed: OnceCell::new() }
    }

    /// The cause that the text names, in words of its own.
    pub(crate) fn specific(&self) -> Option<Found> {
        let composed = || *self.composed.get_or_init(|| grammar::search(self.folded.as_bytes()));
        self.found()[Strength::Specific as usize].or_else(composed)
    }

    /// The cause that the text names.
    pub(crate) fn sure(&self) -> Option<Found> {
        self.specific().or(self.found()[Strength::Broad as usize])
    }

    /// The cause that it may mean.
    pub(crate) fn hint(&self) -> Option<Found> {
        self.found()[Strength::Hint as usize]
    }

    /// Whether any of `phrases` occurs.
    pub(crate) fn has(&self, phrases: &[&str]) -> bool {
        let text = self.folded.as_bytes();
        phrases.iter().any(|phrase| {
            let head = phrase.split('*').next().unwrap_or_default().trim_end();
            memchr::memmem::find_iter(text, head).any(|at| begins(text, at) && matches(&text[at..], phrase))
        })
    }

    /// Whether the text begins with any of `phrases`.
    pub(crate) fn begins_with(&self, phrases: &[&str]) -> bool {
        phrases.iter().any(|phrase| self.folded.starts_with(phrase))
    }

    fn found(&self) -> &[Option<Found>; 3] {
        self.found.get_or_init(|| Index::get().search(self.folded.as_bytes()))
    }
}

/// A phrase of the tables, and its place in them.
struct Entry {
    rank: usize,
    strength: Strength,
    cause: Cause,
    phrase: &'static str,
}

impl Entry {
    /// Whether it stands at `at`, and is said of a recipient where it is said of an address.
    fn is_at(&self, text: &[u8], at: usize) -> bool {
        let Some(length) = matched(&text[at..], self.phrase) else { return false };
        let end = at + length;
        let others = || self.phrase.contains('*') && grammar::is_of_others(&text[at..end]);
        self.cause.class() != Class::Hard || grammar::about_an_address(text, at, end) && !others()
    }
}

/// The phrases by the three octets that they begin with.
struct Index(HashMap<[u8; 3], Vec<Entry>>);

impl Index {
    fn get() -> &'static Self {
        static INDEX: OnceLock<Index> = OnceLock::new();
        INDEX.get_or_init(|| {
            let mut by_head: HashMap<[u8; 3], Vec<Entry>> = HashMap::new();
            let rows = TABLES.iter().flat_map(|(strength, table)| table.iter().map(move |row| (*strength, row)));
            let all = rows
                .flat_map(|(strength, (cause, phrases))| phrases.iter().map(move |phrase| (strength, *cause, *phrase)));
            for (rank, (strength, cause, phrase)) in all.enumerate() {
                if let Some(head) = phrase.as_bytes().first_chunk() {
                    by_head.entry(*head).or_default().push(Entry { rank, strength, cause, phrase });
                }
            }
            Self(by_head)
        })
    }

    /// Of each strength the phrase that stands first in the tables.
    fn search(&self, text: &[u8]) -> [Option<Found>; 3] {
        let mut best: [Option<&Entry>; 3] = [None; 3];
        for at in (0..text.len()).filter(|at| begins(text, *at)) {
            let Some(head) = text[at..].first_chunk::<3>() else { break };
            for entry in self.0.get(head).map(Vec::as_slice).unwrap_or_default() {
                let slot = &mut best[entry.strength as usize];
                if slot.is_none_or(|known| entry.rank < known.rank) && entry.is_at(text, at) {
                    *slot = Some(entry);
                }
            }
        }
        best.map(|entry| entry.map(|entry| (entry.cause, entry.phrase)))
    }
}

/// Whether a word may begin at `at`. Scripts without spaces have words anywhere.
fn begins(text: &[u8], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|before| text.get(before));
    let inner = |byte: &u8| byte.is_ascii_alphanumeric();
    !(before.is_some_and(inner) && text.get(at).is_some_and(inner))
}

/// Whether `text` begins with `phrase`.
fn matches(text: &[u8], phrase: &str) -> bool {
    matched(text, phrase).is_some()
}

/// The length of `phrase` at the head of `text`, the parts behind a `*` no further away than [`GAP`].
fn matched(text: &[u8], phrase: &str) -> Option<usize> {
    if !phrase.contains('*') {
        // A space at its end ends a word: `spf ` is no part of another.
        return text.starts_with(phrase.as_bytes()).then_some(phrase.len());
    }
    let mut parts = phrase.split('*').map(|part| part.trim().as_bytes());
    let mut rest = text.strip_prefix(parts.next()?)?;
    for part in parts {
        let window = &rest[..rest.len().min(GAP + part.len())];
        let near = memchr::memmem::find_iter(window, part).find(|at| begins(window, *at))?;
        rest = &rest[near + part.len()..];
    }
    Some(text.len() - rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phrases() -> impl Iterator<Item = &'static str> {
        TABLES.iter().flat_map(|(_, table)| table.iter()).flat_map(|(_, phrases)| phrases.iter().copied())
    }

    #[test]
    fn every_phrase_can_be_found() {
        for phrase in phrases() {
            for part in phrase.split('*') {
                assert_eq!(fold(part), part.trim(), "{phrase}: a text is never folded to this");
            }
            assert!(phrase.len() >= 3, "{phrase}: too short");
            let text = phrase.replace('*', "of ada");
            let found = Wording::new(text.trim_end_matches('$'));
            assert!(found.sure().or(found.hint()).is_some(), "{phrase}");
        }
    }

    #[test]
    fn no_phrase_is_there_twice() {
        let mut known = std::collections::HashSet::new();
        let twice: Vec<&str> = phrases().filter(|phrase| !known.insert(*phrase)).collect();
        assert!(twice.is_empty(), "{twice:?}");
    }

    #[test]
    fn a_word_is_found_where_it_begins_and_parts_are_near() {
        assert_eq!(Wording::new("Mailbox of Ada is FULL.").sure(), Some((Cause::MailboxFull, "mailbox * is full")));
        assert_eq!(Wording::new("the voicemailbox is full").sure(), None);
        let far = format!("mailbox {} is full", "x ".repeat(GAP));
        assert_eq!(Wording::new(&far).sure(), None);
        assert_eq!(Wording::new("Boîte du destinataire pleine").sure(), Some((Cause::MailboxFull, "boite * pleine")));
    }

    #[test]
    fn the_better_reason_wins() {
        for (text, cause) in [
            ("Recipient address rejected: mailbox is full, user unknown", Cause::MailboxFull),
            ("Recipient address rejected: User unknown", Cause::UnknownUser),
            ("Recipient address rejected: access denied", Cause::Policy),
            ("Message rejected: no such user", Cause::UnknownUser),
            ("procmail: Couldn't create /var/mail/ada: No such user", Cause::System),
            ("Sender address rejected: Domain not found", Cause::SenderRefused),
            ("Client host rejected: cannot find your hostname", Cause::Unauthenticated),
            ("Connection timed out, mailbox unavailable", Cause::Network),
            ("Die E-Mail konnte nicht übermittelt werden: Nutzer unbekannt", Cause::UnknownUser),
            ("This mailbox has been blocked due to inactivity", Cause::Disabled),
            ("Your mailbox has been blocked due to inactivity", Cause::SenderRefused),
            ("Your daily sending quota exceeded", Cause::TooMany),
        ] {
            assert_eq!(Wording::new(text).sure().map(|(cause, _)| cause), Some(cause), "{text}");
        }
        // A reason that nobody knows is not that of an unknown user; none at all mostly is.
        assert_eq!(
            Wording::new("Recipient address rejected: on hold").hint().map(|(cause, _)| cause),
            Some(Cause::Policy)
        );
        assert_eq!(
            Wording::new("Recipient address rejected.").hint().map(|(cause, _)| cause),
            Some(Cause::UnknownUser)
        );
    }
}
