//! What came back of a message, or keeps it, and what that rests on: why, who said so, by which codes and in which words.
//!
//! Kept with the claim of the message, only where something came back, and gone with it. News may come twice and in any order: what
//! says most stays, whatever came first ([`Evidence::join`]).

use std::{borrow::Cow, cmp::Reverse, fmt};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    cause::{Cause, Class},
    email::EmailAddress,
};

/// What became of the message by it. The later in this order, the more it weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// Whoever has it could not hand it on yet, and tries again.
    Delayed,
    /// The channel did not take it.
    Failed,
    /// It came back.
    Bounced,
    /// It was reported as spam.
    Complained,
}

/// Who said so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Amazon SES.
    Ses,
    /// A mail that came back (RFC 3464, and what only resembles it).
    Dsn,
    /// The Sender's relay, when the message was handed over.
    Relay,
    /// A report of a complaint (RFC 5965).
    Arf,
}

/// What is known of a message that came back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// What became of it.
    pub fate: Fate,
    /// Who said so.
    pub source: Source,
    /// When.
    pub at: Timestamp,
    /// What it says of the address. Nothing where somebody complained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<Class>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// The code of the SMTP reply (RFC 5321).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<u16>,
    /// The enhanced status (RFC 3463).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Term>,
    /// What the source calls it: `Permanent/General`, `abuse`, `failed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<Term>,
    /// Which server reported it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reporter: Option<Term>,
    /// What the receiver said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<Words>,
}

impl Evidence {
    /// That something came back, and no more.
    #[must_use]
    pub const fn new(fate: Fate, source: Source, at: Timestamp) -> Self {
        let (class, cause, reply, status) = (None, None, None, None);
        Self { fate, source, at, class, cause, reply, status, report: None, reporter: None, said: None }
    }

    /// What says more: a complaint more than a bounce, a bounce for good more than one for now, a known cause more than none, and the first
    /// of several that say as much.
    fn weight(&self) -> impl Ord + use<> {
        let known = self.cause.is_some_and(|cause| cause != Cause::Unknown);
        (self.fate, self.class, known, Reverse((self.at, self.source, self.cause)))
    }

    /// Joins two pieces of evidence of one message: in whatever order they come, the same one stays.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        if other.weight() > self.weight() { other } else { self }
    }

    /// Why the message came back, if it did.
    #[must_use]
    pub fn bounced_by(&self) -> Option<Cause> {
        (self.fate == Fate::Bounced).then(|| self.cause.unwrap_or(Cause::Unknown))
    }

    /// Without what others wrote: words may hold anything, and a server's name tells where somebody works.
    #[must_use]
    pub fn without_words(self) -> Self {
        Self { said: None, reporter: None, ..self }
    }
}

/// A word of a protocol: short, and nothing but letters, digits and a few signs, so that no address is in it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Term(String);

impl Term {
    /// Octets of it, at most.
    const MOST: usize = 64;

    /// The word, if it is one.
    #[must_use]
    pub fn new(word: &str) -> Option<Self> {
        let word = word.trim();
        let fits = |c: char| c.is_ascii_alphanumeric() || "./-_".contains(c);
        (!word.is_empty() && word.len() <= Self::MOST && word.chars().all(fits)).then(|| Self(word.to_owned()))
    }

    /// The name of a server as `Reporting-MTA` has it: `dns; mx.example.org`.
    #[must_use]
    pub fn server(field: &str) -> Option<Self> {
        Self::new(field.split_once(';').map_or(field, |(_, name)| name))
    }
}

impl fmt::Debug for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a receiver said, on one line and not at length, without the addresses in it. It may still name anybody: `Debug` shows its length.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Words(String);

impl Words {
    /// Octets of them that are kept, at most.
    pub const MOST: usize = 300;

    /// Octets that are read.
    const READ: usize = 2_048;

    /// What was said about somebody; `None` if it is nothing.
    #[must_use]
    pub fn new(said: &str, about: Option<&EmailAddress>) -> Option<Self> {
        let head = &said[..said.floor_char_boundary(Self::READ)];
        // A word that is cut may be half an address.
        let head = if head.len() < said.len() { head.rsplit_once(' ').map_or(head, |(head, _)| head) } else { head };
        let local = about.and_then(|address| address.expose().rsplit_once('@')).map(|(local, _)| local.to_lowercase());
        let clean: String = head.chars().map(|c| if is_mark(c) { ' ' } else { c }).collect();
        let words: Vec<String> = clean.split_whitespace().map(|word| masked(word, local.as_deref())).collect();
        let line = words.join(" ");
        let kept = line.floor_char_boundary(Self::MOST);
        (!line.is_empty()).then(|| Self(line[..kept].to_owned()))
    }

    /// The words in clear.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Words({} octets)", self.0.len())
    }
}

/// Controls, and what turns the direction of a line or has no width.
fn is_mark(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// What stands for an address.
const MASK: &str = "***";

/// What stands between the parts of a line.
fn is_between(c: char) -> bool {
    matches!(c, '<' | '>' | '(' | ')' | '[' | ']' | '{' | '}' | '"' | '\'' | '`' | ',' | ';' | ':')
}

/// A word without the addresses in it, in whatever way their sign is written, and without the name of the mailbox that it is about.
fn masked(word: &str, local: Option<&str>) -> String {
    let mut out = String::with_capacity(word.len());
    for part in word.split_inclusive(is_between) {
        let text = part.trim_end_matches(is_between);
        let lower = text.to_lowercase();
        // A quotation of somebody's text breaks lines and signs (RFC 2045, 3986).
        let plain: Cow<'_, str> = if lower.contains("40") {
            lower.replace("=40", "@").replace("%40", "@").into()
        } else {
            lower.as_str().into()
        };
        let names = plain.contains(['@', '\u{ff20}', '\u{fe6b}']) || local.is_some_and(|local| is_of(&plain, local));
        out.push_str(if names && !text.is_empty() { MASK } else { text });
        out.push_str(&part[text.len()..]);
    }
    out
}

/// Whether a text names a mailbox: all of it, or between signs.
fn is_of(text: &str, local: &str) -> bool {
    let edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
    !local.is_empty()
        && text
            .match_indices(local)
            .any(|(at, found)| edge(text[..at].chars().next_back()) && edge(text[at + found.len()..].chars().next()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(said: &str) -> String {
        let about = EmailAddress::parse("Ada.Byron@example.com").unwrap();
        Words::new(said, Some(&about)).map(|words| words.expose().to_owned()).unwrap_or_default()
    }

    #[test]
    fn what_a_receiver_said_is_kept_without_addresses_and_controls() {
        for (said, kept) in [
            ("550 5.1.1 <ada.byron@example.com>: User unknown", "550 5.1.1 <***>: User unknown"),
            ("550 5.1.1 ada.byron@example.com... no", "550 5.1.1 *** no"),
            ("550 No such user ADA.BYRON here", "550 No such user *** here"),
            ("550 (ada.byron): gone", "550 (***): gone"),
            ("550 'ada.byron'@example.com", "550 '***'***"),
            ("550 RCPT TO:<other+tag@sub.example.org>", "550 RCPT TO:<***>"),
            ("550 bounce+ada=example.com@lists.example.org", "550 ***"),
            ("550 see ada=40example.com and ada%40example.com", "550 see *** and ***"),
            ("550 ada\u{ff20}example.com", "550 ***"),
            ("550 adaptation of a policy", "550 adaptation of a policy"),
            ("550\r\n5.7.1\t\u{1b}[31mred\u{0}\u{202e}x", "550 5.7.1 [31mred x"),
            ("  \r\n ", ""),
        ] {
            assert_eq!(words(said), kept, "{said:?}");
        }
        let long = words(&"é".repeat(2_000));
        assert!(long.len() <= Words::MOST && long.chars().all(|c| c == 'é'), "{long}");
        let debug = format!("{:?}", Words::new("550 secret", None).unwrap());
        assert_eq!(debug, "Words(10 octets)");
    }

    #[test]
    fn a_term_is_short_and_no_address() {
        for (word, kept) in [
            (" 5.1.1 ", Some("5.1.1")),
            ("Permanent/General", Some("Permanent/General")),
            ("ada@example.com", None),
            ("two words", None),
            ("", None),
        ] {
            assert_eq!(Term::new(word).map(|term| format!("{term:?}")).as_deref(), kept, "{word}");
        }
        assert_eq!(Term::new(&"x".repeat(65)), None);
        assert_eq!(Term::server("dns; mx.example.org"), Term::new("mx.example.org"));
    }

    #[test]
    fn what_says_most_stays() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let bounce = |class, cause, second| Evidence {
            class: Some(class),
            cause: Some(cause),
            ..Evidence::new(Fate::Bounced, Source::Dsn, at(second))
        };
        let complaint = Evidence::new(Fate::Complained, Source::Arf, at(9));
        let rising = [
            Evidence { fate: Fate::Delayed, ..bounce(Class::Soft, Cause::MailboxFull, 1) },
            Evidence::new(Fate::Failed, Source::Relay, at(1)),
            bounce(Class::Block, Cause::Spam, 1),
            bounce(Class::Soft, Cause::Unknown, 1),
            bounce(Class::Soft, Cause::MailboxFull, 2),
            bounce(Class::Soft, Cause::MailboxFull, 1),
            bounce(Class::Hard, Cause::UnknownUser, 5),
            complaint.clone(),
        ];
        for pair in rising.windows(2) {
            assert_eq!(pair[0].clone().join(pair[1].clone()), pair[1]);
            assert_eq!(pair[1].clone().join(pair[0].clone()), pair[1]);
        }
        assert_eq!(rising[6].bounced_by(), Some(Cause::UnknownUser));
        assert_eq!((rising[0].bounced_by(), complaint.bounced_by()), (None, None));
    }

    #[test]
    fn it_is_read_back_as_it_was_written() {
        let whole = Evidence {
            class: Some(Class::Hard),
            cause: Some(Cause::UnknownUser),
            reply: Some(550),
            status: Term::new("5.1.1"),
            report: Term::new("Permanent/General"),
            reporter: Term::server("dns; mx.example.org"),
            said: Words::new("550 no", None),
            ..Evidence::new(Fate::Bounced, Source::Ses, Timestamp::UNIX_EPOCH)
        };
        for evidence in [whole.clone(), Evidence::new(Fate::Complained, Source::Arf, Timestamp::UNIX_EPOCH)] {
            let text = serde_json::to_string(&evidence).unwrap();
            assert_eq!(serde_json::from_str::<Evidence>(&text).unwrap(), evidence, "{text}");
        }
        let told = serde_json::to_value(whole.without_words()).unwrap();
        assert_eq!((told.get("said"), told.get("reporter"), &told["reply"]), (None, None, &550.into()));
    }

    proptest! {
        #[test]
        fn no_sign_of_an_address_is_left(said in "\\PC{0,400}") {
            let kept = words(&said);
            prop_assert!(!kept.contains('@') && kept.len() <= Words::MOST);
            prop_assert!(!kept.chars().any(char::is_control));
        }

        #[test]
        fn in_whatever_order_it_comes_the_same_stays(
            pieces in prop::collection::vec((0..4_usize, 0..3_usize, 0..4_usize, 0..3_i64), 1..6),
            order in Just(()).prop_perturb(|(), rng| rng),
        ) {
            let pieces: Vec<Evidence> = pieces.into_iter().map(|(fate, class, cause, second)| Evidence {
                class: Some([Class::Block, Class::Soft, Class::Hard][class]),
                cause: Some(Cause::ALL[cause]),
                ..Evidence::new(
                    [Fate::Delayed, Fate::Failed, Fate::Bounced, Fate::Complained][fate],
                    Source::Ses,
                    Timestamp::from_second(second).unwrap(),
                )
            }).collect();
            let joined = |pieces: &[Evidence]| pieces.iter().cloned().reduce(Evidence::join);
            let mut order = order;
            let mut shuffled = pieces.clone();
            shuffled.extend(pieces.clone());
            shuffled.sort_by_cached_key(|_| order.next_u32());
            prop_assert_eq!(joined(&shuffled), joined(&pieces));
        }
    }
}
