//! What SES does to a message: its own Message-ID and Date, no Bcc; and messages composed from parts.

use base64::Engine as _;
use jiff::Timestamp;
use serde_json::Value;

/// Replaces Message-ID and Date, removes Bcc, and leaves every other byte alone.
pub(super) fn stamp(raw: &[u8], message_id: &str, now: Timestamp) -> Vec<u8> {
    let date = now.strftime("%a, %d %b %Y %H:%M:%S +0000");
    let mut out = format!("Message-ID: {message_id}\r\nDate: {date}\r\n").into_bytes();
    let mut dropping = false;
    let mut rest = raw;
    while !rest.is_empty() {
        let end = rest.iter().position(|&byte| byte == b'\n').map_or(rest.len(), |at| at + 1);
        let (line, after) = rest.split_at(end);
        if line == b"\r\n" || line == b"\n" {
            out.extend_from_slice(rest);
            return out;
        }
        if !line.starts_with(b" ") && !line.starts_with(b"\t") {
            let name = line.split(|&byte| byte == b':').next().unwrap_or_default();
            let name = String::from_utf8_lossy(name).trim().to_ascii_lowercase();
            dropping = matches!(name.as_str(), "message-id" | "date" | "bcc");
        }
        if !dropping {
            out.extend_from_slice(line);
        }
        rest = after;
    }
    out
}

/// A mail as SES puts it down: with the line of its own server at the head, and what it found of each signature.
pub(super) fn received(raw: &[u8], to: &str, id: &str, now: Timestamp, signatures_hold: bool) -> Vec<u8> {
    let date = now.strftime("%a, %d %b %Y %H:%M:%S +0000");
    let line = format!(
        "Received: from mx.example (mx.example [192.0.2.1])\r\n by inbound-smtp.amazonaws.com with SMTP id {id}\r\n \
         for {to}; {date}\r\n"
    );
    let found = if signatures_hold { "pass" } else { "fail" };
    let signed = headers(raw).into_iter().filter(|(name, _)| name.eq_ignore_ascii_case("DKIM-Signature"));
    let domains = signed.filter_map(|(_, value)| {
        let domain = value.split(';').find_map(|tag| tag.trim().strip_prefix("d="))?;
        Some(format!(";\r\n dkim={found} header.i=@{domain}"))
    });
    let results = format!("Authentication-Results: amazonses.com;\r\n spf=pass{}\r\n", domains.collect::<String>());
    [line.as_bytes(), results.as_bytes(), raw].concat()
}

/// Every header, unfolded.
pub(super) fn headers(raw: &[u8]) -> Vec<(String, String)> {
    let mut headers: Vec<(String, String)> = Vec::new();
    for line in raw.split(|&byte| byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            break;
        }
        let text = String::from_utf8_lossy(line);
        if line.starts_with(b" ") || line.starts_with(b"\t") {
            if let Some((_, value)) = headers.last_mut() {
                value.push(' ');
                value.push_str(text.trim());
            }
        } else if let Some((name, value)) = text.split_once(':') {
            headers.push((name.trim().to_owned(), value.trim().to_owned()));
        }
    }
    headers
}

/// The first header of a name.
pub(super) fn header(raw: &[u8], name: &str) -> Option<String> {
    let mut all = headers(raw).into_iter();
    all.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// The recipients that the message itself names: SES delivers to them when the request names none.
pub(super) fn recipients(raw: &[u8]) -> Vec<String> {
    let Some(message) = mail_parser::MessageParser::default().parse_headers(raw) else {
        return Vec::new();
    };
    let lists = [message.to(), message.cc(), message.bcc()];
    let addresses = lists.into_iter().flatten().flat_map(mail_parser::Address::iter);
    addresses.filter_map(|one| one.address().map(str::to_owned)).collect()
}

/// Composes the message of a `Simple` content.
pub(super) fn compose(body: &Value) -> Vec<u8> {
    let simple = &body["Content"]["Simple"];
    let list = |value: &Value| {
        let all = value.as_array().into_iter().flatten();
        all.filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
    };
    let mut out = String::new();
    let mut add = |name: &str, value: &str| {
        if !value.is_empty() {
            out.push_str(&format!("{name}: {}\r\n", encoded(value)));
        }
    };
    add("From", body["FromEmailAddress"].as_str().unwrap_or_default());
    add("To", &list(&body["Destination"]["ToAddresses"]));
    add("Cc", &list(&body["Destination"]["CcAddresses"]));
    add("Reply-To", &list(&body["ReplyToAddresses"]));
    add("Subject", simple["Subject"]["Data"].as_str().unwrap_or_default());
    for header in simple["Headers"].as_array().into_iter().flatten() {
        let text = |key: &str| header[key].as_str().unwrap_or_default().replace(['\r', '\n'], " ");
        add(&text("Name"), &text("Value"));
    }
    out.push_str("MIME-Version: 1.0\r\n");
    let parts: Vec<(&str, &str)> = [("plain", "Text"), ("html", "Html")]
        .into_iter()
        .filter_map(|(kind, key)| Some((kind, simple["Body"][key]["Data"].as_str()?)))
        .collect();
    match parts.as_slice() {
        [(kind, text)] => out.push_str(&part(kind, text)),
        several => {
            let boundary = hex::encode(rand::random::<[u8; 12]>());
            out.push_str(&format!("Content-Type: multipart/alternative; boundary=\"{boundary}\"\r\n\r\n"));
            for (kind, text) in several {
                out.push_str(&format!("--{boundary}\r\n{}", part(kind, text)));
            }
            out.push_str(&format!("--{boundary}--\r\n"));
        }
    }
    out.into_bytes()
}

fn part(kind: &str, text: &str) -> String {
    let encoded = base64::engine::general_purpose::STANDARD.encode(text);
    let lines: Vec<&str> =
        encoded.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap_or_default()).collect();
    format!(
        "Content-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n{}\r\n",
        lines.join("\r\n")
    )
}

/// A header value in ASCII: words of at most 75 characters (RFC 2047).
fn encoded(value: &str) -> String {
    let clean = value.replace(['\r', '\n'], " ");
    if clean.is_ascii() {
        return clean;
    }
    // A display name is encoded, the address after it is not.
    let (text, tail) = match clean.rfind('<') {
        Some(at) => (clean[..at].trim_end(), format!(" {}", &clean[at..])),
        None => (clean.as_str(), String::new()),
    };
    let mut words = vec![String::new()];
    for character in text.chars() {
        let full = words.last().is_some_and(|word| word.len() + character.len_utf8() > 42);
        if full {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.push(character);
        }
    }
    let encoded: Vec<String> = words
        .iter()
        .map(|word| format!("=?utf-8?B?{}?=", base64::engine::general_purpose::STANDARD.encode(word)))
        .collect();
    encoded.join("\r\n ") + &tail
}
