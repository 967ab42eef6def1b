//! What the mailbox page shows of a message.

use mail_parser::{Address, HeaderValue, MessageParser};

/// A message taken apart for reading.
#[derive(Debug, Default)]
pub(super) struct Readable {
    pub(super) subject: String,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) text: Option<String>,
    pub(super) html: Option<String>,
    pub(super) attachments: Vec<(String, usize)>,
    /// The web address of List-Unsubscribe.
    pub(super) unsubscribe: Option<String>,
    /// Whether it takes a one-click POST (RFC 8058).
    pub(super) one_click: bool,
}

impl Readable {
    pub(super) fn parse(raw: &[u8]) -> Self {
        let Some(message) = MessageParser::default().parse(raw) else {
            return Self::default();
        };
        let headers: Vec<(String, String)> =
            message.headers_raw().map(|(name, value)| (name.to_owned(), unfold(value))).collect();
        let header = |wanted: &str| {
            let mut all = headers.iter();
            all.find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.as_str())
        };
        // A part that was made up from the other one is not shown as if it had been sent.
        let own = |bodies: &[u32], kind: &str| {
            bodies.iter().filter_map(|&at| message.parts.get(at as usize)).find_map(|part| {
                let is_own = match &part.body {
                    mail_parser::PartType::Text(_) => kind == "text",
                    mail_parser::PartType::Html(_) => kind == "html",
                    _ => false,
                };
                is_own.then(|| part.text_contents().unwrap_or_default().to_owned())
            })
        };
        Self {
            subject: message.subject().unwrap_or_default().to_owned(),
            from: addresses(message.from()),
            to: addresses(message.to()),
            text: own(&message.text_body, "text"),
            html: own(&message.html_body, "html"),
            attachments: message
                .attachments()
                .map(|part| {
                    use mail_parser::MimeHeaders as _;
                    (part.attachment_name().unwrap_or("unnamed").to_owned(), part.len())
                })
                .collect(),
            unsubscribe: header("List-Unsubscribe").and_then(web_address),
            one_click: header("List-Unsubscribe-Post")
                .is_some_and(|value| value.eq_ignore_ascii_case("List-Unsubscribe=One-Click")),
            headers,
        }
    }

    /// Subject, sender and recipients only, for the list.
    pub(super) fn summary(raw: &[u8]) -> Self {
        let Some(message) = MessageParser::default().parse_headers(raw) else {
            return Self::default();
        };
        Self {
            subject: message.subject().unwrap_or_default().to_owned(),
            from: match message.header("From") {
                Some(HeaderValue::Address(address)) => addresses(Some(address)),
                _ => String::new(),
            },
            to: addresses(message.to()),
            ..Self::default()
        }
    }
}

fn addresses(list: Option<&Address<'_>>) -> String {
    let all = list.into_iter().flat_map(Address::iter);
    let written = all.map(|one| match (one.name(), one.address()) {
        (Some(name), Some(address)) => format!("{name} <{address}>"),
        (name, address) => address.or(name).unwrap_or_default().to_owned(),
    });
    written.collect::<Vec<_>>().join(", ")
}

fn unfold(value: &str) -> String {
    value.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn web_address(header: &str) -> Option<String> {
    let mut listed = header.split(',').map(|one| one.trim().trim_matches(['<', '>']));
    listed.find(|one| one.starts_with("https://") || one.starts_with("http://")).map(str::to_owned)
}
