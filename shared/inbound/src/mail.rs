//! A mail as the readers see it: its headers, the text that somebody wrote, the reports and the returned
//! message beside it. MIME is `mail-parser`'s work.

use std::borrow::Cow;

use jiff::civil::Date;
use mail_parser::{HeaderName, HeaderValue, Message, MessageParser, MessagePart, MimeHeaders as _, PartType};

use crate::fields::Fields;
use crate::{html, limits};

/// A mail, taken apart.
#[derive(Default)]
pub(crate) struct Mail {
    pub(crate) headers: Fields,
    /// The text before any report or returned message.
    pub(crate) text: String,
    /// The same in lines as somebody wrote it, where HTML is all there is without what that quotes.
    pub(crate) written: String,
    /// Parts of type `message/delivery-status` (RFC 3464).
    pub(crate) delivery: Vec<String>,
    /// Those of a report that came back or was passed on within this mail.
    pub(crate) nested_delivery: Vec<String>,
    /// Parts of type `message/feedback-report` (RFC 5965).
    pub(crate) feedback: Vec<String>,
    /// Whether there is a `message/disposition-notification` (RFC 8098).
    pub(crate) disposition: bool,
    /// The headers of the message that came back, where a part of its own holds it.
    pub(crate) returned: Option<Fields>,
    /// When it came in, where that is known.
    pub(crate) received: Option<Date>,
}

impl Mail {
    /// Takes a mail apart; `None` when it has not one header.
    pub(crate) fn parse(raw: &[u8]) -> Option<Self> {
        let raw = limits::readable(raw);
        let message = parser().parse(raw)?;
        let mut mail = Self { headers: headers(&message), ..Self::default() };
        mail.take(&message);
        Some(mail)
    }

    /// The day that it was sent on, as it says; else the day that it came in.
    pub(crate) fn sent(&self) -> Option<Date> {
        self.header("date").and_then(|date| date.parse().ok()).or(self.received)
    }

    /// A header's value by its name in small letters.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)
    }

    /// The type in `Content-Type` and its parameters, as they stand.
    pub(crate) fn content_type(&self) -> &str {
        self.header("content-type").unwrap_or_default()
    }

    fn take(&mut self, message: &Message<'_>) {
        let plain = message.parts.iter().any(|part| type_of(part) == "text/plain" && text_of(part).is_some());
        for part in message.parts.iter().take(limits::PARTS) {
            if let PartType::Message(returned) = &part.body {
                self.nested_delivery.extend(delivery_of(returned));
                self.return_fields(headers(returned));
                continue;
            }
            let Some(text) = text_of(part) else { continue };
            let text = limits::text(&text);
            match type_of(part).as_str() {
                "message/delivery-status" | "message/global-delivery-status" => self.delivery.push(text.to_owned()),
                "message/feedback-report" => self.feedback.push(text.to_owned()),
                "message/disposition-notification" => self.disposition = true,
                "text/rfc822-headers"
                | "text/rfc822"
                | "message/rfc822-headers"
                | "message/rfc822"
                | "message/global" => {
                    self.return_fields(Fields::parse(text));
                }
                // A text in two forms is read in the plain one.
                "text/html" if plain => {}
                "text/html" => self.say(&html::lined(text), &html::written(text)),
                // Parts whose boundary was lost are one: all of them, as they stand.
                kind if kind.starts_with("text/") || kind.starts_with("multipart/") => self.say(text, text),
                _ => {}
            }
        }
    }

    fn return_fields(&mut self, fields: Fields) {
        if self.returned.is_none() && !fields.is_empty() {
            self.returned = Some(fields);
        }
    }

    fn say(&mut self, text: &str, written: &str) {
        // What stands behind a report is the message that came back, or an advertisement.
        if self.delivery.is_empty() && self.feedback.is_empty() && self.returned.is_none() {
            add(&mut self.text, text);
            add(&mut self.written, written);
        }
    }
}

fn add(to: &mut String, text: &str) {
    let room = limits::TEXT.saturating_sub(to.len());
    if !to.is_empty() {
        to.push_str("\n\n");
    }
    to.push_str(limits::cut(text, room));
}

/// The delivery reports of a message within a message.
fn delivery_of(message: &Message<'_>) -> Vec<String> {
    let parts = message.parts.iter().take(limits::PARTS).filter(|part| type_of(part) == "message/delivery-status");
    parts.filter_map(text_of).map(|text| limits::text(&text).to_owned()).collect()
}

/// What a part says, if it is one that may say something.
fn text_of<'a>(part: &'a MessagePart<'_>) -> Option<Cow<'a, str>> {
    match &part.body {
        PartType::Text(text) | PartType::Html(text) => Some(Cow::Borrowed(text)),
        PartType::Binary(bytes) | PartType::InlineBinary(bytes) => {
            let kind = type_of(part);
            let readable = kind.starts_with("message/") || kind.starts_with("multipart/");
            readable.then(|| String::from_utf8_lossy(bytes))
        }
        PartType::Message(_) | PartType::Multipart(_) => None,
    }
}

/// A part's type in small letters; one that names none is `text/plain` (RFC 2045 §5.2).
fn type_of(part: &MessagePart<'_>) -> String {
    let kind = part.content_type().map(|kind| format!("{}/{}", kind.ctype(), kind.subtype().unwrap_or_default()));
    kind.map_or_else(|| "text/plain".to_owned(), |kind| kind.to_ascii_lowercase())
}

/// Headers as decoded text; of those that MIME needs, their parts; of a date, the day (`2025-11-06`).
fn parser() -> MessageParser {
    MessageParser::new().with_mime_headers().header_date(HeaderName::Date).default_header_text()
}

fn headers(message: &Message<'_>) -> Fields {
    let mut fields = Fields::default();
    let Some(root) = message.parts.first() else { return fields };
    for header in root.headers.iter().take(limits::HEADERS) {
        let value = match &header.value {
            HeaderValue::Text(text) => limits::text(text).to_owned(),
            HeaderValue::DateTime(date) => format!("{:04}-{:02}-{:02}", date.year, date.month, date.day),
            HeaderValue::TextList(texts) => texts.join(", "),
            HeaderValue::ContentType(kind) => {
                let kind = (kind.ctype(), kind.subtype().unwrap_or_default(), kind.attribute("report-type"));
                format!("{}/{}; report-type={}", kind.0, kind.1, kind.2.unwrap_or_default()).to_ascii_lowercase()
            }
            _ => String::new(),
        };
        fields.push(header.name.as_str(), &value);
    }
    fields
}
