//! Messages as their recipients see them.

use jiff::Timestamp;
use local::mailbox::{Channel, Stored};
use mail_parser::MessageParser;

/// One message in somebody's mailbox.
#[derive(Clone, Debug)]
pub struct Mail {
    /// How it came.
    pub channel: Channel,
    /// When, in the movable clock.
    pub accepted_at: Timestamp,
    /// Whom it was handed over for.
    pub to: String,
    /// The envelope's sender.
    pub envelope_from: String,
    /// Decoded.
    pub subject: String,
    /// The text part, decoded.
    pub text: String,
    /// The HTML part, decoded.
    pub html: String,
    /// Bytes as accepted, read as UTF-8.
    pub raw: String,
}

impl Mail {
    /// Reads a message.
    pub fn read(stored: &Stored) -> Mail {
        let message = MessageParser::default().parse(&stored.raw[..]).expect("every message that leaves is MIME");
        let [to] = &stored.envelope.envelope_to[..] else {
            panic!("one message, one recipient: {:?}", stored.envelope)
        };
        Mail {
            channel: stored.envelope.channel,
            accepted_at: stored.envelope.accepted_at,
            to: to.clone(),
            envelope_from: stored.envelope.envelope_from.clone(),
            subject: message.subject().unwrap_or_default().to_owned(),
            text: message.body_text(0).unwrap_or_default().replace("\r\n", "\n"),
            html: message.body_html(0).unwrap_or_default().into_owned(),
            raw: String::from_utf8_lossy(&stored.raw).into_owned(),
        }
    }

    /// A header of the message itself, unfolded; none when it is not there, a failure when it is there twice.
    pub fn header(&self, name: &str) -> Option<String> {
        let head = self.raw.split("\r\n\r\n").next().unwrap_or_default().replace("\r\n ", " ").replace("\r\n\t", " ");
        let prefix = format!("{}:", name.to_lowercase());
        let found: Vec<&str> = head.lines().filter(|line| line.to_lowercase().starts_with(&prefix)).collect();
        assert!(found.len() <= 1, "{name} more than once: {found:?}");
        found.first().map(|line| line[prefix.len()..].trim().to_owned())
    }

    /// The address of `List-Unsubscribe` (RFC 8058: one HTTPS or local HTTP address, in angle brackets).
    #[track_caller]
    pub fn unsubscribe(&self) -> String {
        let header = self.header("List-Unsubscribe").unwrap_or_else(|| panic!("no List-Unsubscribe: {}", self.raw));
        assert_eq!(self.header("List-Unsubscribe-Post").as_deref(), Some("List-Unsubscribe=One-Click"));
        let url = header.strip_prefix('<').and_then(|rest| rest.strip_suffix('>'));
        url.filter(|url| url.starts_with("http") && !url.contains([',', ' '])).expect("one address").to_owned()
    }

    /// The longest word that looks like a one-time token.
    #[track_caller]
    pub fn token(&self) -> String {
        let words = self.text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_'));
        words.max_by_key(|word| word.len()).filter(|word| word.len() >= 20).expect("a token").to_owned()
    }
}
