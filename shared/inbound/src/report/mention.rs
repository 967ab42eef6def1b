//! Addresses in a report, by the part they play in it.

use std::cell::OnceCell;
use std::collections::HashSet;

use domain::email::EmailAddress;

use crate::address::{self, Found};
use crate::fields::split;
use crate::fold::fold;
use crate::limits;
use crate::smtp;
use crate::wording::Wording;

/// The part that an address plays in its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// It stands where a recipient stands: at the head of a line, behind *to*, in `RCPT TO:<…>`.
    Recipient,
    /// In a line `To: …`, which may be of this report's own summary of the message.
    To,
    /// In what a server answered.
    Answer,
    /// Anywhere else in a line that speaks of a failure.
    Somewhere,
    /// It stands for a command or file that failed: `"|/usr/bin/filter" (expanded from: <…>)`.
    Expanded,
}

/// Whom the report names as recipients, leaving `senders` out.
pub(super) fn recipients(text: &str, senders: &[EmailAddress]) -> Vec<EmailAddress> {
    let mut mentions: Vec<(Part, EmailAddress)> = Vec::new();
    for line in text.lines() {
        mentions.extend(of_line(line));
    }
    let canonical: Vec<_> = senders.iter().map(EmailAddress::canonical).collect();
    let others: Vec<&(Part, EmailAddress)> =
        mentions.iter().filter(|(_, address)| !canonical.contains(&address.canonical())).collect();
    let best = others.iter().map(|(part, _)| *part).min();
    let chosen = others.into_iter().filter(|(part, _)| Some(*part) == best).map(|(_, address)| address);
    let mut chosen = unique(chosen.cloned());
    if chosen.len() > 1 {
        // Whom to ask for help is named beside the recipients.
        let people: Vec<EmailAddress> = chosen.iter().filter(|address| !is_help(address)).cloned().collect();
        if !people.is_empty() {
            chosen = people;
        }
    }
    chosen.truncate(limits::RECIPIENTS);
    chosen
}

/// Whoever is named in a report that says of nobody what part they play, leaving `senders` and those who help out.
pub(super) fn anybody(text: &str, senders: &[EmailAddress]) -> Vec<EmailAddress> {
    let canonical: Vec<_> = senders.iter().map(EmailAddress::canonical).collect();
    let known = |address: &EmailAddress| is_help(address) || canonical.contains(&address.canonical());
    let mut chosen = unique(text.lines().flat_map(loose).filter(|address| !known(address)));
    chosen.truncate(limits::RECIPIENTS);
    chosen
}

/// The addresses of a line that is no advice, but for those behind words that name somebody else.
fn loose(line: &str) -> Vec<EmailAddress> {
    let text = limits::cut(line, limits::LINE);
    let found = address::find(text);
    if found.is_empty() || Wording::new(text).has(ADVICE) {
        return Vec::new();
    }
    let others = |found: &Found| {
        let lead = fold(text.get(..found.start).unwrap_or_default());
        ends_with_word(lead.trim_end_matches(['<', '"', '\'', ' ', '(', '[', '「', '“']), NOT)
    };
    found.into_iter().filter(|found| !others(found)).map(|found| found.address).collect()
}

fn unique(addresses: impl Iterator<Item = EmailAddress>) -> Vec<EmailAddress> {
    let mut known = HashSet::new();
    addresses.filter(|address| known.insert(address.canonical().into_owned())).collect()
}

fn is_help(address: &EmailAddress) -> bool {
    ["postmaster", "abuse", "support", "helpdesk", "mailer-daemon", "hostmaster", "webmaster", "admin"]
        .contains(&address.local())
}

/// The addresses of a line that play a part.
fn of_line(line: &str) -> Vec<(Part, EmailAddress)> {
    let text = limits::cut(line, limits::LINE);
    let found = address::find(text);
    if found.is_empty() {
        return Vec::new();
    }
    let line = Line::new(text);
    let mut before = 0;
    let mut mentions = Vec::new();
    for (index, Found { address, start, end }) in found.iter().enumerate() {
        let (start, end) = (*start, *end);
        // `a@… <b@…>`: the first is the name of the second.
        let next = found.get(index + 1).and_then(|next| text.get(end..next.start));
        if next.is_some_and(|gap| gap.trim_matches(['"', '\'', ' ']) == "<" && gap.len() > 1) {
            continue;
        }
        let lead = text.get(before..start).unwrap_or_default();
        if let Some(part) = line.part(lead, before == 0, text.get(end..).unwrap_or_default()) {
            mentions.push((part, address.clone()));
        }
        before = end;
    }
    mentions
}

/// Words before an address that is not a recipient's.
const NOT: &[&str] = &[
    "from",
    "from:",
    "sender",
    "sender:",
    "by",
    "contact",
    "reply-to:",
    "errors-to:",
    "return-path:",
    "expediteur",
    "expediteur:",
    "von",
    "absender",
    "absender:",
    "de",
    "de:",
    "da",
    "mittente:",
    "remitente:",
    "on behalf of",
    "postmaster at",
    "mailto:",
    "originator:",
    "message-id:",
    "cc:",
    "f=",
    "h=",
    "x-envelope-from:",
    "id",
];

/// Words before a recipient.
const TO: &[&str] = &[
    "to",
    "to:",
    "for",
    "for:",
    "recipient",
    "recipient:",
    "recipients:",
    "recipient(s):",
    "address",
    "address:",
    "addresses:",
    "addressee:",
    "user",
    "user:",
    "userid:",
    "users:",
    "account",
    "account:",
    "mailbox",
    "mailbox:",
    "rcpt:",
    "rcpt to:",
    "to:<",
    "destinataire",
    "destinataire:",
    "destinataires",
    "destinataire(s):",
    "suivant",
    "suivants:",
    "suivant:",
    "a",
    "an",
    "an:",
    "empfanger",
    "empfanger:",
    "adresse",
    "adresse:",
    "destinatario",
    "destinatario:",
    "destinatarios:",
    "para",
    "para:",
    "pour",
    "宛先",
    "宛先:",
    "rcpt=",
    "named",
];

/// Words of a line that is advice, or about the mail system itself.
const ADVICE: &[&str] = &[
    "contact",
    "please",
    "help",
    "assistance",
    "question",
    "support",
    "visit",
    "wrote",
    "veuillez",
    "contactez",
    "bitte",
    "お問い合わせ",
    "連絡",
    "on behalf",
    "message-id",
    "subject:",
];

/// A line with addresses in it.
struct Line<'a> {
    text: &'a str,
    wording: Wording,
    speaks_of_failure: OnceCell<bool>,
}

impl<'a> Line<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, wording: Wording::new(text), speaks_of_failure: OnceCell::new() }
    }

    /// The part of an address behind `lead`, which is what stands between it and the one before; `None` when it is
    /// somebody else's.
    fn part(&self, lead: &str, first: bool, after: &str) -> Option<Part> {
        let bare = lead.trim_start_matches(|c: char| !c.is_alphanumeric());
        if first && let Some(part) = at_head(bare, after) {
            return Some(part);
        }
        let words = fold(lead);
        let words = words.trim_end_matches(['<', '"', '\'', ' ', '(', '[', '「', '“']);
        if words.ends_with("rcpt to:") {
            return Some(Part::Recipient);
        }
        if ["expanded from:", "expanded from", "generated from", "generated by"].iter().any(|end| words.ends_with(end))
        {
            return Some(Part::Expanded);
        }
        if ends_with_word(words, NOT) || words.ends_with("mail from:") {
            return None;
        }
        if !first && bare.is_empty() {
            // A second address right behind the first: `a@… <a@…>`, or a list.
            return lead.contains(',').then_some(Part::Recipient);
        }
        if self.wording.has(ADVICE) && !self.wording.has(&["deliver", "recipient"]) {
            return None;
        }
        if split(self.text.trim()).is_some_and(|(name, _)| name.eq_ignore_ascii_case("to")) {
            return Some(Part::To);
        }
        if !smtp::replies(lead).is_empty() {
            return Some(Part::Answer);
        }
        if ends_with_word(words, TO) || words.ends_with(':') {
            return Some(Part::Recipient);
        }
        self.speaks_of_failure().then_some(Part::Somewhere)
    }

    fn speaks_of_failure(&self) -> bool {
        *self.speaks_of_failure.get_or_init(|| self.wording.sure().is_some() || self.wording.has(super::FAILED))
    }
}

/// The part of an address that is the first of its line, with nothing but marks or a number before it: `<a@…>:`,
/// `  a@…`, `>>> a@…`, `"a@…":`, `1. a@…`, `554 <a@…>... Host unknown`.
fn at_head(bare: &str, after: &str) -> Option<Part> {
    let number = bare.trim_end_matches(['<', '"', '\'', ' ', '.', ')', ':']);
    if bare.is_empty() {
        return Some(Part::Recipient);
    }
    if number.is_empty() || number.len() > 3 || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let answer = number.len() == 3 && !after.trim_start_matches('>').starts_with("...");
    Some(if answer { Part::Answer } else { Part::Recipient })
}

/// Whether `words` end with one of `list`, as a word of its own.
fn ends_with_word(words: &str, list: &[&str]) -> bool {
    list.iter().any(|word| {
        let rest = words.strip_suffix(word);
        // Scripts without spaces have no words of their own.
        rest.is_some_and(|rest| rest.ends_with(|c: char| !c.is_alphanumeric()) || rest.is_empty() || !word.is_ascii())
    })
}
