//! What a person reads who exercises a right: the public pages. No script, and nothing that is different
//! for somebody who is held before they have proved that the mailbox is theirs (A76).

mod certificate;
mod data;
mod facts;
mod identity;
mod labels;
mod words;

use std::fmt::Write as _;

use domain::{locale::Locale, rights::RequestKind};
use jiff::Timestamp;

pub use certificate::certificate;
pub use data::{Row, Whose, data};
pub use facts::{Facts, MemberFacts, facts, member_facts};
pub(crate) use identity::care;
pub use identity::{Refused, identity, received};
pub use words::wrong;
pub(crate) use words::{holder, name, shown};

use crate::page::{self, Html, Page, escape};

/// Longest message that goes with a request, in characters.
pub const LONGEST_MESSAGE: usize = 2_000;

/// Who holds the person, as the answer names them.
#[derive(Clone, Copy, Debug)]
pub struct Holder<'a> {
    /// The company.
    pub company: &'a str,
    /// Where to write to it.
    pub contact: Option<&'a str>,
    /// A record; otherwise a fingerprint and a date only.
    pub record: bool,
}

/// What came of a request once the mailbox was proved.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// What was asked.
    pub kind: RequestKind,
    /// Who holds the person; nobody when empty.
    pub holders: &'a [Holder<'a>],
    /// By when the Senders answer, where they have to.
    pub due: Option<Timestamp>,
    /// Where the data can be read, as a path.
    pub access: Option<&'a str>,
    /// Where the certificate of erasure will be, as a path.
    pub certificate: Option<&'a str>,
}

/// The form. `wrong` says what has to be put right, in words.
#[must_use]
pub fn ask(locale: Locale, wrong: Option<&str>) -> Html {
    let words = words::ask(locale);
    let mut body = format!("<h1>{}</h1>\n<p>{}</p>\n", words.title, words.intro);
    if let Some(wrong) = wrong {
        let _ = writeln!(body, "<p role=\"alert\"><strong>{}</strong></p>", escape(wrong));
    }
    let lang = locale.tag();
    let _ = write!(
        body,
        "<form method=\"post\" action=\"/rights?lang={lang}\">\n\
         <p><label for=\"email\">{}</label><br><input id=\"email\" name=\"email\" type=\"email\" required maxlength=\"254\" \
         autocomplete=\"email\"></p>\n<p><label for=\"kind\">{}</label><br><select id=\"kind\" name=\"kind\">\n",
        words.email, words.kind
    );
    for kind in RequestKind::ALL {
        let _ = writeln!(body, "<option value=\"{}\">{}</option>", kind.as_str(), words::option(locale, kind));
    }
    let _ = write!(
        body,
        "</select></p>\n<p><label for=\"message\">{}</label><br><textarea id=\"message\" name=\"message\" rows=\"5\" \
         maxlength=\"{LONGEST_MESSAGE}\"></textarea></p>\n<button type=\"submit\">{}</button>\n</form>\n\
         <p class=\"soft\">{} <a href=\"/legal/prospects-privacy?lang={lang}\">{}</a></p>",
        words.message, words.button, words.after, words.policy
    );
    let other = format!("/rights?lang={}", if locale == Locale::Fr { "en" } else { "fr" });
    page::render(&Page {
        lang: locale,
        title: words.title,
        body_html: &body,
        other_language: Some(&other),
        indexed: true,
    })
}

/// The answer to the form: the same to everybody.
#[must_use]
pub fn sent(locale: Locale) -> Html {
    let (title, text) = words::sent(locale);
    lay_out(locale, title, &format!("<h1>{title}</h1>\n<p role=\"status\">{text}</p>"))
}

/// The page behind the link in the mail; its one button POSTs to `action`, the page's own path.
#[must_use]
pub fn prove(locale: Locale, action: &str) -> Html {
    let (title, text, button) = words::prove(locale);
    let body = format!(
        "<h1>{title}</h1>\n<p>{text}</p>\n<form method=\"post\" action=\"{}\">\n<button type=\"submit\">{button}</button>\n</form>",
        escape(action)
    );
    lay_out(locale, title, &body)
}

/// A link that is unknown, was used, or is too old.
#[must_use]
pub fn over(locale: Locale) -> Html {
    let (title, text, again) = words::over(locale);
    let lang = locale.tag();
    let body =
        format!("<h1>{title}</h1>\n<p role=\"alert\">{text}</p>\n<p><a href=\"/rights?lang={lang}\">{again}</a></p>");
    lay_out(locale, title, &body)
}

/// What came of the request.
#[must_use]
pub fn answer(locale: Locale, answer: &Answer<'_>) -> Html {
    let (title, paragraphs) = words::answer(locale, answer);
    let mut body = format!("<h1>{title}</h1>\n");
    for (i, paragraph) in paragraphs.iter().enumerate() {
        let role = if i == 0 { " role=\"status\"" } else { "" };
        let _ = writeln!(body, "<p{role}>{}</p>", escape(paragraph));
        if i == 0 && !answer.holders.is_empty() {
            body.push_str("<ul>\n");
            for holder in answer.holders {
                let _ = writeln!(body, "<li>{}</li>", escape(&words::holder(locale, holder)));
            }
            body.push_str("</ul>\n");
        }
    }
    if let Some(path) = answer.access {
        let _ = writeln!(body, "<p><a href=\"{}\">{}</a></p>", escape(path), words::read(locale));
    }
    if let Some(path) = answer.certificate {
        let _ = writeln!(body, "<p><a href=\"{}\">{}</a></p>", escape(path), words::certificate(locale));
    }
    lay_out(locale, title, &body)
}

/// The page behind the link to one's data: a button for each form it comes in. Each works once.
#[must_use]
pub fn access(locale: Locale, action: &str) -> Html {
    let (title, text, buttons) = words::access(locale);
    let mut body = format!("<h1>{title}</h1>\n<p>{text}</p>\n<form method=\"post\" action=\"{}\">\n", escape(action));
    for (value, button) in buttons {
        let _ = writeln!(body, "<p><button type=\"submit\" name=\"format\" value=\"{value}\">{button}</button></p>");
    }
    body.push_str("</form>");
    lay_out(locale, title, &body)
}

fn lay_out(locale: Locale, title: &str, body_html: &str) -> Html {
    page::render(&Page { lang: locale, title, body_html, other_language: None, indexed: false })
}

#[cfg(test)]
mod tests;
