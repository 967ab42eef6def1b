//! Patterns over words, and what stands around them.
//!
//! A pattern is words with spaces between. `a|b` is either, `a?` may be missing, `a*` may come any number of times, `@NAME`
//! is a class of words, `_` is up to three of any. `>` is the end of what is asked: nothing follows but what is polite.

use super::words::{self, List, class};

/// Words that `_` stands for, at most.
const GAP: usize = 3;

enum Times {
    Once,
    AtMostOnce,
    Any,
}

enum Element {
    Words(Vec<&'static str>, Times),
    Gap,
    End,
}

/// A pattern, made ready.
pub(super) struct Pattern(Vec<Element>);

impl Pattern {
    pub(super) fn parse(pattern: &'static str) -> Self {
        let elements = pattern.split(' ').map(|element| match element {
            "_" => Element::Gap,
            ">" => Element::End,
            _ => {
                let (words, times) = match element.strip_suffix('?') {
                    Some(words) => (words, Times::AtMostOnce),
                    None => element.strip_suffix('*').map_or((element, Times::Once), |words| (words, Times::Any)),
                };
                let words = words.split('|').flat_map(|word| match word.strip_prefix('@') {
                    Some(name) => class(name).into_iter().flat_map(List::all).collect(),
                    None => vec![word],
                });
                Element::Words(words.collect(), times)
            }
        });
        Self(elements.collect())
    }

    /// Where it is found, from and to.
    pub(super) fn found_in(&self, words: &[&str]) -> impl Iterator<Item = (usize, usize)> {
        (0..words.len()).filter_map(|start| follow(&self.0, words, start, false).map(|end| (start, end)))
    }

    pub(super) fn is_all_of(&self, words: &[&str]) -> bool {
        !words.is_empty() && follow(&self.0, words, 0, true).is_some()
    }
}

/// Where the elements end when they begin at `at`; with `whole`, only at the end of the words.
fn follow(elements: &[Element], words: &[&str], at: usize, whole: bool) -> Option<usize> {
    let Some((element, rest)) = elements.split_first() else { return (!whole || at == words.len()).then_some(at) };
    match element {
        Element::End => ends(words, at).then(|| follow(rest, words, at, whole)).flatten(),
        Element::Gap => (at..=(at + GAP).min(words.len()))
            .take_while(|to| !words[at..*to].contains(&","))
            .find_map(|to| follow(rest, words, to, whole)),
        Element::Words(known, times) => {
            let here = words.get(at).is_some_and(|word| known.contains(word));
            let next = || here.then(|| follow(rest, words, at + 1, whole)).flatten();
            match times {
                Times::Once => next(),
                Times::AtMostOnce => next().or_else(|| follow(rest, words, at, whole)),
                Times::Any => {
                    let again = || here.then(|| follow(elements, words, at + 1, whole)).flatten();
                    again().or_else(|| follow(rest, words, at, whole))
                }
            }
        }
    }
}

/// Whether nothing more is asked at `at`: the end, a comma, or words that only urge.
fn ends(words: &[&str], at: usize) -> bool {
    let rest = words[at..].split(|word| *word == ",").next().unwrap_or_default();
    let urging = rest.iter().take_while(|word| words::URGING.has(word)).count();
    urging == rest.len() || words::AND.has(rest[urging])
}

/// Whether a request may begin at `start`: it opens the sentence or a part of it, or somebody wants or is asked it.
pub(super) fn may_request(words: &[&str], start: usize) -> bool {
    let lead = &words[..start];
    let adverbs = lead.iter().rev().take_while(|word| words::ADVERBS.has(word)).count();
    let lead = &lead[..lead.len() - adverbs];
    let Some(last) = lead.last() else { return true };
    let before = &lead[..lead.len() - 1];
    let near = |count: usize| &before[before.len().saturating_sub(count)..];
    match *last {
        "," => true,
        // What is joined to something denied is denied: `do not call or email me`.
        word if words::AND.has(word) => !near(4).iter().any(|word| words::NOT.has(word)),
        "to" => {
            let wanted = near(1).iter().any(|word| words::WANT.has(word));
            let between =
                |word: &&&str| words::WANT.has(word) || words::ADVERBS.has(word) || words::AUXILIARY.has(word);
            let whose = before.iter().rev().find(|word| !between(word));
            let mine = whose.is_none_or(|word| [",", "i", "we"].contains(word) || words::GREETINGS.has(word));
            wanted && mine && !near(5).iter().any(|word| words::NOT.has(word))
        }
        "would" | "could" if near(1) == ["you"] => true,
        "you" if near(5).iter().any(|word| words::GRATEFUL.has(word)) => true,
        "you" => near(1).iter().any(|word| words::CAN.has(word)),
        word if words::GREETINGS.has(word) || word == "me" && near(1) == ["let"] => true,
        // `Hi Ada unsubscribe me`.
        _ => before.len() == 1 && words::GREETINGS.has(before[0]),
    }
}

/// Whether what begins at `start` is denied by a word close before it.
pub(super) fn is_denied(words: &[&str], start: usize) -> bool {
    let before = words[start.saturating_sub(3)..start].rsplit(|word| *word == ",").next().unwrap_or_default();
    before.iter().any(|word| words::NOT.has(word))
}

/// Whether the words from `start` to `end`, with what belongs to them, are about something else than mail, or only for a
/// while.
pub(super) fn is_about_another(words: &[&str], start: usize, end: usize) -> bool {
    let rest = words[end..].split(|word| *word == ",").next().unwrap_or_default();
    let near = &rest[..rest.len().min(4)];
    let own = words[start..end].iter().chain(near.iter().take_while(|word| !words::AND.has(word)));
    let goes_on = near.first().is_some_and(|word| words::CONTINUES.has(word)) && words::SAFE.taken_from(near).is_none();
    let a_while = (0..rest.len()).any(|at| words::FOR_NOW.taken_from(&rest[at..]).is_some());
    // `unsubscribe my customers`: they ask what the product can do.
    let of_theirs = |pair: &[&str]| words::MINE.has(pair[0]) && words::CUSTOMERS.has(pair[1]);
    let customers = words[start..(end + 2).min(words.len())].windows(2).any(of_theirs);
    own.into_iter().any(|word| words::OTHER.has(word)) || customers || goes_on || a_while
}

/// Whether a question is a request: `could you stop…`, `how do I unsubscribe`.
pub(super) fn asks_politely(words: &[&str]) -> bool {
    words.split(|word| *word == ",").any(|part| {
        let first = part.iter().find(|word| !words::GREETINGS.has(word) && !words::AND.has(word));
        first.is_some_and(|word| words::ASKING.has(word))
    })
}
