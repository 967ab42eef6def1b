//! Whether somebody asks for no more mail, in their own words.
//!
//! A wish cannot be taken back by us, and one that is overlooked is one more message to somebody who had asked for none:
//! both are wrong. So there is a small grammar. A short answer counts by itself (*stop*, *désinscription*), and within a
//! longer one a request to stop counts together with what is to stop: mails, messages, a list, the person themselves. A
//! request that is denied, that is about something else (a waiting list, a contract, files) or that holds for a while is
//! none. Where it is not plain there is no wish: a person reads the answer.

mod pattern;
mod phrases;
mod sentence;
mod words;

use std::sync::OnceLock;

use pattern::Pattern;
use sentence::Sentence;

use crate::limits;

/// How much of what somebody wrote is read: a wish to be left alone is short, and stands near the beginning.
const READ: usize = 1_000;

/// The patterns, made ready.
struct Grammar {
    /// A sentence, or a part between commas, that is a wish.
    sure: Vec<Pattern>,
    /// A sentence that is one where somebody begins or ends with it.
    short: Vec<Pattern>,
    /// Requests in English, or familiar ones in German, which stand where a request may: the same words tell what somebody does.
    requests: Vec<Pattern>,
    /// Requests and wishes that are directed by their form.
    directed: Vec<Pattern>,
    /// What somebody says who wants to hear more.
    interest: Vec<Pattern>,
}

impl Grammar {
    fn get() -> &'static Self {
        static GRAMMAR: OnceLock<Grammar> = OnceLock::new();
        GRAMMAR.get_or_init(|| {
            let patterns = |phrases: &[&'static str]| -> Vec<Pattern> {
                phrases.iter().map(|phrase| Pattern::parse(phrase)).collect()
            };
            Self {
                sure: patterns(phrases::SURE),
                short: patterns(phrases::SHORT),
                requests: [phrases::REQUESTS, phrases::FAMILIAR].into_iter().flat_map(patterns).collect(),
                directed: phrases::DIRECTED.iter().flat_map(|table| table.iter()).map(|p| Pattern::parse(p)).collect(),
                interest: patterns(phrases::INTEREST),
            }
        })
    }

    fn is_sure(&self, words: &[&str]) -> bool {
        let bare = sentence::bare(words);
        self.sure.iter().any(|pattern| pattern.is_all_of(&bare))
    }

    fn is_short(&self, words: &[&str]) -> bool {
        let bare = sentence::bare(words);
        self.short.iter().any(|pattern| pattern.is_all_of(&bare))
    }

    fn asks_within(&self, sentence: &Sentence) -> bool {
        let words = sentence.words();
        if sentence.is_question && !pattern::asks_politely(&words) {
            return false;
        }
        let found = |pattern: &Pattern, requests: bool| {
            pattern.found_in(&words).any(|(start, end)| {
                let led =
                    if requests { pattern::may_request(&words, start) } else { !pattern::is_denied(&words, start) };
                led && !pattern::is_about_another(&words, start, end)
            })
        };
        self.requests.iter().any(|pattern| found(pattern, true))
            || self.directed.iter().any(|pattern| found(pattern, false))
    }

    fn is_interested(&self, sentence: &Sentence) -> bool {
        let words = sentence.words();
        let supposed = words.iter().any(|word| words::IF.has(word));
        !supposed
            && self
                .interest
                .iter()
                .any(|pattern| pattern.found_in(&words).any(|(start, _)| !pattern::is_denied(&words, start)))
    }
}

/// Whether somebody's own words ask for no more mail.
pub(crate) fn is_in(own: &str) -> bool {
    let (grammar, sentences) = (Grammar::get(), sentence::split(limits::cut(own, READ)));
    if sentences.iter().any(|sentence| grammar.is_interested(sentence)) {
        return false;
    }
    let last = sentences.len().saturating_sub(1);
    let first = sentences.iter().position(|sentence| !sentence::bare(&sentence.words()).is_empty()).unwrap_or_default();
    sentences.iter().enumerate().any(|(at, sentence)| {
        let words = sentence.words();
        let stands_out = at <= first || at == last || sentence.is_a_line;
        let sure = || grammar.is_sure(&words) || words.split(|word| *word == ",").any(|part| grammar.is_sure(part));
        !sentence.is_question && (sure() || stands_out && grammar.is_short(&words)) || grammar.asks_within(sentence)
    })
}

/// Whether a subject is nothing but a wish.
pub(crate) fn is_all_of(subject: &str) -> bool {
    let sentences = sentence::split(limits::cut(subject, READ));
    let grammar = Grammar::get();
    let [sentence] = &sentences[..] else { return false };
    grammar.is_sure(&sentence.words()) || grammar.is_short(&sentence.words())
}

/// Whether it is one that nobody would give a campaign as its subject.
pub(crate) fn is_sure(subject: &str) -> bool {
    let sentences = sentence::split(limits::cut(subject, READ));
    matches!(&sentences[..], [sentence] if Grammar::get().is_sure(&sentence.words()))
}

#[cfg(test)]
mod tests;
