//! A campaign message: the member's words, then what nobody can remove.
//!
//! Every message says who sends it and how to make it stop, in both parts and in the headers
//! (A59, A62); the first one to a person also gives the information of art. 14 GDPR (A69). The
//! footer is appended after the HTML was made safe and balanced, so nothing in a template can hide it.

mod footer;

use std::borrow::Cow;

use domain::clicks::Recorded;
use domain::email::EmailAddress;
use domain::locale::Locale;
use domain::prospect::{LawfulBasis, Source};
use domain::sender::SenderIdentity;
use jiff::Timestamp;
use serde::Serialize;

use crate::campaign::Rendered;
use crate::mime::{self, Parts, ascii_value};
pub use crate::mime::{ComposeError, Message};
use crate::page::escape;
pub(crate) use footer::{day, opt_outs_kept};

/// Longest HTML part, in bytes: Gmail cuts a message at 102 KB.
const MAX_HTML: usize = 98_000;

/// Everything one campaign message is made of.
#[derive(Clone, Copy)]
pub struct CampaignMail<'a> {
    /// Who sends, as every message must say.
    pub sender: &'a SenderIdentity,
    /// Where answers go, when not to the address that it comes from.
    pub reply_to: Option<&'a EmailAddress>,
    /// To whom.
    pub to: &'a EmailAddress,
    /// The person's name for the `To` header, when it is known.
    pub to_name: Option<&'a str>,
    /// The campaign's words for this person.
    pub rendered: &'a Rendered,
    /// Language of the footer.
    pub locale: Locale,
    /// This person's unsubscribe page, https; also the one-click address of RFC 8058.
    pub unsubscribe_url: &'a str,
    /// The policy for prospects, https.
    pub prospects_privacy_url: &'a str,
    /// Where the person exercises every other right, https.
    pub rights_url: &'a str,
    /// What is recorded of how the person uses this message, and where they withdraw the consent to it, https; `None` where
    /// nothing is.
    pub recorded: Option<(Recorded, &'a str)>,
    /// Where the address comes from.
    pub source: &'a Source,
    /// What the first message to a person adds; `None` for the later ones.
    pub first_message: Option<Notice<'a>>,
    /// `unique@domain`, without brackets. The same one gives the same bytes.
    pub message_id: &'a str,
    /// The messages of the thread that this one replies to, oldest first, as they were really called (RFC 5322
    /// §3.6.4); none for a message that begins a thread.
    pub thread: &'a [String],
    /// For the `Date` header.
    pub date: Timestamp,
    /// Stable identifier of the list, such as `ws_1.lists.example.com` (RFC 2919).
    pub list_id: &'a str,
    /// Gmail's `Feedback-ID`: up to four fields separated by colons, none of them personal.
    pub feedback_id: Option<&'a str>,
    /// Whether the channel carries UTF-8 addresses (RFC 6531).
    pub smtputf8: bool,
    /// A test that a member sends to themselves: marked in the subject.
    pub test: bool,
}

/// What art. 14 GDPR wants a person to know at the first message, beside who writes and the source.
#[derive(Clone, Copy)]
pub struct Notice<'a> {
    /// What the campaign is for.
    pub purpose: &'a str,
    /// The basis declared for the person's record.
    pub lawful_basis: LawfulBasis,
    /// The interest pursued, when the basis is legitimate interest.
    pub interest: Option<&'a str>,
    /// How long the person is kept after collection or their last contact.
    pub retention_months: u16,
    /// What the Sender adds in its own words, as plain text.
    pub information: &'a str,
}

/// One person's message as a mailbox will show it.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Preview {
    /// The subject line.
    pub subject: String,
    /// The plain text part.
    pub text: String,
    /// The HTML part, a whole document: show it in a sandboxed frame.
    pub html: String,
}

impl std::fmt::Debug for Preview {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Preview(…)")
    }
}

/// Subject, text and HTML with the footer: what [`compose`] sends.
///
/// # Errors
/// A link that is not https; a message too long for its footer to be seen.
pub fn preview(mail: &CampaignMail<'_>) -> Result<Preview, ComposeError> {
    mime::link("unsubscribe", mail.unsubscribe_url)?;
    mime::link("privacy", mail.prospects_privacy_url)?;
    mime::link("rights", mail.rights_url)?;
    if let Some((_, url)) = mail.recorded {
        mime::link("consent", url)?;
    }
    let subject = mime::one_line(&mail.rendered.subject);
    let subject = if mail.test { format!("{} {subject}", test_prefix(mail.locale)) } else { subject.into_owned() };
    let (text_footer, html_footer) = footer::both(mail);
    let text = format!("{}\n\n{text_footer}", mail.rendered.text.trim_end());
    let html = document(mail.locale, &subject, &mail.rendered.html, &html_footer);
    if html.len() > MAX_HTML {
        return Err(ComposeError::TooLong);
    }
    Ok(Preview { subject, text, html })
}

/// The message as bytes.
///
/// # Errors
/// As [`preview`]; and an address or header value that cannot be written, see [`ComposeError`].
pub fn compose(mail: &CampaignMail<'_>) -> Result<Message, ComposeError> {
    let shown = preview(mail)?;
    let list_id = ascii_value("List-Id", mail.list_id, ".-_")?;
    let mut extra = Vec::from(mime::one_click(mail.unsubscribe_url));
    extra.push(("List-Id", Cow::Owned(format!("<{list_id}>"))));
    if let Some(feedback) = mail.feedback_id {
        extra.push(("Feedback-ID", Cow::Borrowed(ascii_value("Feedback-ID", feedback, ":._-")?)));
    }
    mime::assemble(&Parts {
        from: (&mail.sender.from_name, &mail.sender.from_email),
        to: (mail.to_name, mail.to),
        reply_to: mail.reply_to,
        subject: &shown.subject,
        text: &shown.text,
        html: &shown.html,
        language: mail.locale.tag(),
        message_id: mail.message_id,
        thread: mail.thread,
        date: mail.date,
        smtputf8: mail.smtputf8,
        extra,
    })
}

/// What the subject of a test begins with.
#[must_use]
pub const fn test_prefix(_: Locale) -> &'static str {
    // "Test" is the same word in both languages.
    "[Test]"
}

fn document(locale: Locale, subject: &str, body: &str, footer: &str) -> String {
    let (lang, title) = (locale.tag(), escape(subject));
    format!(
        "<!DOCTYPE html>\n<html lang=\"{lang}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n</head>\n\
         <body style=\"margin:0;padding:0;background-color:#ffffff;color:#222222;\
         font-family:Arial,Helvetica,sans-serif;font-size:15px;line-height:1.5\">\n\
         <div style=\"max-width:680px;padding:16px;overflow:hidden\">\n{body}\n</div>\n{footer}\n</body>\n</html>\n"
    )
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
