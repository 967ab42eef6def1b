//! The two pages of the mailbox. No script; everything that comes from a message is escaped, and its HTML
//! is shown in a sandbox that may load nothing.

use std::fmt::Write as _;

use super::message::Readable;
use super::{Channel, Envelope};

/// Nothing but our own style; the HTML part inherits this, so it loads no image and runs no script.
pub(super) const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-src 'self'; \
     form-action 'self' http://localhost:* http://127.0.0.1:* https:; base-uri 'none'; frame-ancestors 'self'";

const STYLE: &str = include_str!("style.css");

/// What the list shows.
pub(super) struct List<'a> {
    pub(super) rows: &'a [(Envelope, Readable)],
    pub(super) search: &'a str,
    pub(super) page: usize,
    pub(super) pages: usize,
    pub(super) matching: usize,
    pub(super) total: usize,
}

pub(super) fn list(list: &List<'_>) -> String {
    let mut body = String::new();
    let search = escape(list.search);
    let count = match (list.total, list.search.is_empty()) {
        (1, true) => "1 message".to_owned(),
        (total, true) => format!("{} messages", grouped(total)),
        (total, false) => format!("{} of {} messages", grouped(list.matching), grouped(total)),
    };
    write!(
        body,
        r#"<header class="bar"><a class="brand" href="/_local/mailbox">{LOGO}<span>Mailbox</span></a>
<form class="search" role="search"><input type="search" name="q" value="{search}" placeholder="Search an address" aria-label="Search an address"></form>
<span class="count">{count}</span></header><main>"#
    )
    .ok();
    if list.rows.is_empty() {
        let (title, hint) = if list.search.is_empty() {
            ("Nothing sent yet", "Every message that SES or the relay accepts appears here, newest first.")
        } else {
            ("No such address", "No message went to or came from an address with these letters.")
        };
        write!(body, r#"<div class="empty">{LOGO}<h1>{title}</h1><p>{hint}</p></div>"#).ok();
    } else {
        body.push_str(r#"<ol class="list">"#);
        for (envelope, readable) in list.rows {
            row(&mut body, envelope, readable);
        }
        body.push_str("</ol>");
    }
    if list.pages > 1 {
        pager(&mut body, list);
    }
    body.push_str("</main>");
    document("Mailbox", &body)
}

fn row(body: &mut String, envelope: &Envelope, readable: &Readable) {
    let to = envelope.envelope_to.join(", ");
    write!(
        body,
        r#"<li><a href="/_local/mailbox/{id}"><span class="avatar" style="--hue:{hue}" aria-hidden="true">{initial}</span>
<span class="who">{to}</span><span class="subject">{subject}</span><span class="from">{from}</span>
<span class="meta">{badge}<time datetime="{at}">{when}</time></span></a></li>"#,
        id = escape(&envelope.id),
        hue = hue(&to),
        initial = escape(&initial(&to)),
        to = escape(&to),
        subject = subject(readable),
        from = escape(&readable.from),
        badge = badge(envelope.channel),
        at = envelope.accepted_at,
        when = envelope.accepted_at.strftime("%d %b %Y, %H:%M:%S"),
    )
    .ok();
}

fn pager(body: &mut String, list: &List<'_>) {
    let query = url_encoded(list.search);
    let link = |number: usize, label: &str, enabled: bool| {
        if enabled {
            format!(r#"<a class="button" href="?q={query}&amp;page={number}">{label}</a>"#)
        } else {
            format!(r#"<span class="button off">{label}</span>"#)
        }
    };
    write!(
        body,
        r#"<nav class="pager">{newer}<span>Page {page} of {pages}</span>{older}</nav>"#,
        newer = link(list.page.saturating_sub(1), "Newer", list.page > 1),
        older = link(list.page + 1, "Older", list.page < list.pages),
        page = list.page,
        pages = list.pages,
    )
    .ok();
}

pub(super) fn message(envelope: &Envelope, readable: &Readable) -> String {
    let mut body = String::new();
    write!(
        body,
        r#"<header class="bar"><a class="brand" href="/_local/mailbox">{LOGO}<span>Mailbox</span></a>
<span class="spring"></span><a class="button" href="/_local/mailbox/{id}.eml">Source</a></header>
<main><article><h1>{subject}</h1><dl class="envelope">"#,
        id = escape(&envelope.id),
        subject = subject(readable),
    )
    .ok();
    let rows = [
        ("From", escape(&readable.from)),
        ("To", escape(&readable.to)),
        (
            "Envelope",
            format!(
                "{} <span class=\"arrow\">→</span> {}",
                escape(&envelope.envelope_from),
                escape(&envelope.envelope_to.join(", "))
            ),
        ),
        (
            "Accepted",
            format!(
                "<time datetime=\"{at}\">{when} UTC</time> {badge}",
                at = envelope.accepted_at,
                when = envelope.accepted_at.strftime("%A %d %B %Y, %H:%M:%S"),
                badge = badge(envelope.channel),
            ),
        ),
    ];
    for (name, value) in rows {
        write!(body, "<dt>{name}</dt><dd>{value}</dd>").ok();
    }
    body.push_str("</dl>");
    unsubscribe(&mut body, readable);
    parts(&mut body, readable);
    body.push_str("</article></main>");
    document(&readable.subject, &body)
}

fn unsubscribe(body: &mut String, readable: &Readable) {
    let Some(address) = &readable.unsubscribe else {
        return;
    };
    let address = escape(address);
    write!(
        body,
        r#"<div class="unsubscribe"><p>This message can be unsubscribed from.<br><a href="{address}" rel="noreferrer">{address}</a></p>"#
    )
    .ok();
    if readable.one_click {
        write!(
            body,
            r#"<form method="post" action="{address}" target="_blank"><input type="hidden" name="List-Unsubscribe" value="One-Click"><button class="button">One-click unsubscribe</button></form>"#
        )
        .ok();
    }
    body.push_str("</div>");
}

fn parts(body: &mut String, readable: &Readable) {
    let mut tabs: Vec<(&str, String)> = Vec::new();
    if let Some(html) = &readable.html {
        let frame = format!(
            r#"<iframe class="html" title="HTML part" sandbox="" referrerpolicy="no-referrer" srcdoc="{}"></iframe>"#,
            escape(html)
        );
        tabs.push(("HTML", frame));
    }
    if let Some(text) = &readable.text {
        tabs.push(("Text", format!(r#"<pre class="text">{}</pre>"#, linked(text))));
    }
    let mut headers = String::from(r#"<table class="headers">"#);
    for (name, value) in &readable.headers {
        write!(headers, "<tr><th>{}</th><td>{}</td></tr>", escape(name), escape(value)).ok();
    }
    headers.push_str("</table>");
    tabs.push(("Headers", headers));
    if !readable.attachments.is_empty() {
        let mut list = String::from(r#"<ul class="files">"#);
        for (name, size) in &readable.attachments {
            write!(list, "<li>{} <span>{} bytes</span></li>", escape(name), grouped(*size)).ok();
        }
        list.push_str("</ul>");
        tabs.push(("Attachments", list));
    }
    body.push_str(r#"<div class="tabs">"#);
    for (number, (name, content)) in tabs.iter().enumerate() {
        let checked = if number == 0 { " checked" } else { "" };
        write!(
            body,
            r#"<input type="radio" name="tab" id="tab{number}"{checked}><label for="tab{number}">{name}</label><section>{content}</section>"#
        )
        .ok();
    }
    body.push_str("</div>");
}

fn document(title: &str, body: &str) -> String {
    let title = if title.is_empty() { "(no subject)".to_owned() } else { escape(title) };
    format!(
        r#"<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark"><title>{title}</title><style>{STYLE}</style></head><body>{body}</body></html>"#
    )
}

/// An envelope.
const LOGO: &str = r#"<svg viewBox="0 0 24 24" width="24" height="24" aria-hidden="true"><rect x="2.5" y="5" width="19" height="14" rx="3" fill="none" stroke="currentColor" stroke-width="1.8"/><path d="m4 8 8 5.6L20 8" fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round"/></svg>"#;

fn badge(channel: Channel) -> String {
    let name = channel.name();
    format!(r#"<span class="badge {name}">{name}</span>"#)
}

fn subject(readable: &Readable) -> String {
    if readable.subject.is_empty() { "<em>(no subject)</em>".to_owned() } else { escape(&readable.subject) }
}

fn initial(address: &str) -> String {
    let first = address.chars().find(|character| character.is_alphanumeric());
    first.map_or_else(|| "@".to_owned(), |first| first.to_uppercase().to_string())
}

/// A colour that stays with an address.
fn hue(address: &str) -> u32 {
    address.bytes().fold(7_u32, |hash, byte| hash.wrapping_mul(31).wrapping_add(u32::from(byte))) % 360
}

fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

/// Escaped for element content and for quoted attributes.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

/// Text with its web addresses made clickable; all of it escaped.
fn linked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = next_address(rest) {
        out.push_str(&escape(&rest[..at]));
        let from = &rest[at..];
        let end =
            from.find(|character: char| character.is_whitespace() || "<>\"'".contains(character)).unwrap_or(from.len());
        let address = from[..end].trim_end_matches(['.', ',', ';', ')', ']']);
        let shown = escape(address);
        write!(out, r#"<a href="{shown}" rel="noreferrer" target="_blank">{shown}</a>"#).ok();
        rest = &from[address.len()..];
    }
    out.push_str(&escape(rest));
    out
}

fn next_address(text: &str) -> Option<usize> {
    ["https://", "http://"].iter().filter_map(|scheme| text.find(scheme)).min()
}

fn url_encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_and_linked() {
        assert_eq!(
            linked("<b> see https://example.org/u/1?a=1&b=2. Bye"),
            "&lt;b&gt; see <a href=\"https://example.org/u/1?a=1&amp;b=2\" rel=\"noreferrer\" target=\"_blank\">\
             https://example.org/u/1?a=1&amp;b=2</a>. Bye"
        );
        assert_eq!(linked("javascript:alert(1)"), "javascript:alert(1)");
        assert!(!linked("https://x\"onclick=\"y").contains("\"onclick"));
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(grouped(10_000), "10\u{202f}000");
        assert_eq!(grouped(999), "999");
    }
}
