//! What is wrong with a campaign's message before anybody gets it, in words that say what to do.
//!
//! Pure rules on a message in which a mark stands for each value. They look at what receivers' filters and readers
//! look at; none of them guesses what a filter decides. An error is what no recipient should get: a launch refuses
//! it. A warning costs reach. A note is worth knowing.

mod links;
mod words;

use std::collections::BTreeSet;

use serde::Serialize;

use crate::campaign::{CampaignTemplate, FieldError};
use crate::html;
use crate::template::{Person, Variable};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Nobody should get this: a launch refuses it.
    Error,
    /// Fewer people will get or read it.
    Warning,
    /// Worth knowing.
    Note,
}

/// One thing about one field of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// `subject`, `text` or `html`.
    pub field: &'static str,
    /// How bad it is.
    pub level: Level,
    /// Its stable name.
    pub code: &'static str,
    /// What it is, and what to do.
    pub message: String,
}

impl Finding {
    fn new(level: Level, field: &'static str, code: &'static str, message: impl Into<String>) -> Self {
        Self { field, level, code, message: message.into() }
    }
}

/// A message as its Sender wrote it.
#[derive(Debug, Clone, Copy)]
pub struct Written<'a> {
    /// Its templates.
    pub templates: &'a CampaignTemplate,
    /// Whether it has a subject of its own, and so begins a thread.
    pub begins_thread: bool,
    /// Whether the text is the Sender's, not made from the HTML.
    pub has_text: bool,
    /// Whether the HTML is the Sender's, not made from the text.
    pub has_html: bool,
    /// What sanitising took out of the HTML.
    pub removed: &'a [String],
}

/// Stands for every value, so that it shows where one goes.
const VALUE: char = '\u{E002}';

/// Forms that are looked at where a message has alternatives: enough to meet each of a few at every place.
const FORMS: u64 = 64;

/// Longest subject that a mailbox on a desk shows whole, in characters. A telephone shows about forty.
const LONG_SUBJECT: usize = 70;
/// Fewest words beside images: a message of images shows nothing where they are not loaded.
const FEW_WORDS: usize = 20;
/// Bytes of plain text that nobody reads in a mail: some ten pages.
const LONG_TEXT: usize = 30_000;
/// Bytes of HTML, footer included, from which a long value could take it over what Gmail shows.
const NEARLY_CUT: usize = 90_000;

/// Everything that can be said of a message without its audience and its footer, the worst first.
#[must_use]
pub fn message(written: &Written<'_>) -> Vec<Finding> {
    let forms = if written.templates.has_alternatives() { FORMS } else { 1 };
    let mut found: Vec<Finding> = Vec::new();
    for seed in 0..forms {
        for finding in form(written, seed) {
            if !found.contains(&finding) {
                found.push(finding);
            }
        }
    }
    removed(written.removed, &mut found);
    found.sort_by_key(|finding| finding.level);
    found
}

/// What can be said of the form that one person gets.
fn form(written: &Written<'_>, seed: u64) -> Vec<Finding> {
    let value = VALUE.to_string();
    let tags = [value.clone()];
    let some = Some(value.as_str());
    let anybody = Person {
        seed,
        first_name: some,
        last_name: some,
        company: some,
        job_title: some,
        email: some,
        country: some,
        tags: &tags,
        sender_name: some,
        sender_company: some,
    };
    let Ok(rendered) = written.templates.render(&anybody) else {
        return size(None, written.has_html).into_iter().collect();
    };
    let mut found = Vec::new();
    if written.begins_thread {
        subject(&rendered.subject, &mut found);
    }
    let body = if written.has_text { "text" } else { "html" };
    wording(&rendered.subject, &rendered.text, (written.begins_thread, body), &mut found);
    if written.has_text {
        links::of_text(&rendered.text, &mut found);
    }
    if rendered.text.len() > LONG_TEXT {
        let message = format!(
            "it has {} KB of text, some {} pages: people read one screen, and some mail programs cut the rest. Shorten it, and link to \
             what is long",
            rendered.text.len() / 1_000,
            rendered.text.len() / 3_000
        );
        found.push(Finding::new(Level::Warning, body, "long_text", message));
    }
    if written.has_html {
        let anatomy = html::anatomy(&rendered.html);
        links::of_html(&anatomy, &mut found);
        images(&anatomy, &mut found);
    }
    if written.has_text && written.has_html {
        same_words(&rendered.text, &html::text_of(&rendered.html), &mut found);
    }
    found
}

/// A variable without a default of which a person may have no value: who has none is not written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    /// Where it is used.
    pub field: &'static str,
    /// Which.
    pub variable: Variable,
    /// Whether everybody needs it, whichever alternative or variant they get.
    pub always: bool,
}

/// All of them.
#[must_use]
pub fn needs(templates: &CampaignTemplate) -> Vec<Need> {
    let always = [Variable::Email, Variable::SenderName, Variable::SenderCompany];
    let sometimes = templates.variables().into_iter().filter(|variable| !always.contains(variable));
    sometimes
        .filter_map(|variable| {
            templates.needs(variable).map(|field| Need { field, variable, always: templates.always_needs(variable) })
        })
        .collect()
}

/// What to say of a need when so many people of an audience have no value: an error where nobody has one.
#[must_use]
pub fn no_fallback(Need { field, variable, always }: Need, lacking: u64, people: u64) -> Finding {
    let name = variable.name();
    let what = format!("{{{{ {name} | default: \"…\" }}}}");
    let (level, message) = if lacking == 0 {
        let message = format!("everybody has a {name} today; with {what} it also reaches who has none tomorrow");
        (Level::Note, message)
    } else if always && lacking == people {
        let message =
            format!("nobody in the audience has a {name}, so nobody would get this: write {what}, or enter the values");
        (Level::Error, message)
    } else {
        let message =
            format!("{lacking} of {people} people have no {name}, and nobody gets a message with a hole: write {what}");
        (Level::Warning, message)
    };
    Finding::new(level, field, "no_fallback", message)
}

/// A template that was stored and cannot be used as it is: HTML that grew over the limit as it was made safe.
#[must_use]
pub fn unusable(wrong: &FieldError) -> Finding {
    Finding::new(Level::Error, wrong.field, "unusable", wrong.error.to_string())
}

/// What the size of a whole HTML part says, footer included; `None` for one that could not be made, being too long.
#[must_use]
pub fn size(bytes: Option<usize>, has_html: bool) -> Option<Finding> {
    let field = if has_html { "html" } else { "text" };
    match bytes {
        None => {
            let message = "with its footer it is longer than the 102 KB that Gmail shows, and the way to unsubscribe \
                           would be cut off: shorten it";
            Some(Finding::new(Level::Error, field, "too_long", message))
        }
        Some(bytes) if bytes > NEARLY_CUT => {
            let message = format!(
                "with its footer it has {} KB, and Gmail cuts at 102: shorten it, or who has long values will not get it",
                bytes / 1_000
            );
            Some(Finding::new(Level::Warning, field, "nearly_too_long", message))
        }
        Some(_) => None,
    }
}

/// What to say of a message that is short enough as it is, and too long with the links by which clicks are recorded.
#[must_use]
pub fn too_long_for_clicks(has_html: bool) -> Finding {
    let message = "with the links by which clicks are recorded it is longer than the 102 KB that Gmail shows: it leaves with \
                   its own, and no click on it is recorded. Shorten it, or link to less";
    Finding::new(Level::Warning, if has_html { "html" } else { "text" }, "too_long_for_clicks", message)
}

fn subject(rendered: &str, found: &mut Vec<Finding>) {
    let mut add = |level, code, message: String| found.push(Finding::new(level, "subject", code, message));
    let words = rendered.replace(VALUE, "");
    if let Some(prefix) = words::reply_prefix(&words) {
        let message = format!(
            "\"{prefix}\" claims an exchange that never was: remove it. A later step without a subject is a real reply"
        );
        add(Level::Error, "fake_reply", message);
    }
    if words.trim().chars().count() > LONG_SUBJECT {
        let message = format!("mailboxes show about {LONG_SUBJECT} characters of it, telephones 40: shorten it");
        add(Level::Warning, "long_subject", message);
    }
    let letters = || words.chars().filter(|c| c.is_alphabetic());
    if letters().count() >= 10 && letters().all(char::is_uppercase) {
        add(Level::Warning, "capitals", "it is all in capitals, as spam often is: write it as a sentence".into());
    }
    if words.matches('!').count() > 1 {
        add(Level::Warning, "exclamation_marks", "it has several exclamation marks: one is plenty".into());
    }
}

/// Phrases of spam, and what other tools would fill in, in the subject where it is its own, and in the body.
fn wording(subject: &str, text: &str, (own_subject, body): (bool, &'static str), found: &mut Vec<Finding>) {
    for (field, words) in [("subject", own_subject.then_some(subject)), (body, Some(text))] {
        let phrases = words.map(words::spammy).unwrap_or_default();
        if !phrases.is_empty() {
            let message =
                format!("filters know these phrases from spam: {}. Say it in words of your own", phrases.join(", "));
            found.push(Finding::new(Level::Warning, field, "spam_phrases", message));
        }
        if let Some(braces) = words.and_then(words::in_braces) {
            let instead = match braces.contains('|') {
                true => format!("alternatives are written [[{braces}]]"),
                false => "a value is written with two braces, such as {{ first_name }}".to_owned(),
            };
            let message = format!("{{{braces}}} leaves as it is written: {instead}");
            found.push(Finding::new(Level::Warning, field, "left_as_written", message));
        }
    }
    if text.contains("!!") {
        let message = "it has several exclamation marks in a row: one is plenty";
        found.push(Finding::new(Level::Warning, body, "exclamation_marks", message));
    }
}

fn images(anatomy: &html::Anatomy, found: &mut Vec<Finding>) {
    if !anatomy.images.is_empty() && anatomy.words < FEW_WORDS {
        let message = "it is nearly all image, and many mailboxes do not load images: say it in words as well";
        found.push(Finding::new(Level::Warning, "html", "image_only", message));
    }
}

/// Whether the text part says what the HTML says: a filter that reads both takes a difference for a disguise.
fn same_words(text: &str, html: &str, found: &mut Vec<Finding>) {
    let (text, html) = (words::of(text), words::of(html));
    let lacks = |one: &BTreeSet<String>, other: &BTreeSet<String>| one.difference(other).count() * 4 > one.len();
    let side = match (lacks(&html, &text), lacks(&text, &html)) {
        (true, _) => "it lacks much of what the HTML says",
        (_, true) => "it says much that the HTML does not",
        (false, false) => return,
    };
    let message = format!("{side}: make both the same, or leave the text out to have it made from the HTML");
    found.push(Finding::new(Level::Warning, "text", "parts_differ", message));
}

fn removed(removed: &[String], found: &mut Vec<Finding>) {
    if removed.is_empty() {
        return;
    }
    // What nobody sees is not missed; a form is.
    let unseen = |name: &String| ["link", "script", "style"].contains(&name.as_str());
    let level = if removed.iter().all(unseen) { Level::Note } else { Level::Warning };
    let message = format!(
        "taken out when it was saved, since mailboxes do not run or show it: {}. Look at the preview; link to a page \
         for what needs it",
        removed.join(", ")
    );
    found.push(Finding::new(level, "html", "removed", message));
}

#[cfg(test)]
mod tests;
