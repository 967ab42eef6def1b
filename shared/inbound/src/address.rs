//! Addresses in texts and fields that others wrote.

use domain::email::{EmailAddress, MAX_ADDRESS};

/// No text that we read names more people than this.
pub(crate) const MAX_FOUND: usize = 512;

/// An address and where it stands in a text, in octets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) address: EmailAddress,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// The addresses in `text`, in their order.
pub(crate) fn find(text: &str) -> Vec<Found> {
    let bytes = text.as_bytes();
    let mut found: Vec<Found> = Vec::new();
    let mut from = 0;
    for at in memchr::memchr_iter(b'@', bytes) {
        if at < from || found.len() == MAX_FOUND {
            continue;
        }
        let start = local_start(bytes, at, from);
        let end = at + 1 + bytes[at + 1..].iter().take(MAX_ADDRESS).take_while(|byte| in_domain(**byte)).count();
        let Some(candidate) = text.get(start..end) else { continue };
        let trimmed = candidate.trim_end_matches(['.', '-']);
        if let Some(address) = parse(trimmed) {
            from = start + trimmed.len();
            found.push(Found { address, start, end: from });
        }
    }
    found
}

/// The first address in `text`.
pub(crate) fn first(text: &str) -> Option<EmailAddress> {
    find(text).into_iter().next().map(|found| found.address)
}

/// The address that a field of RFC 3464 or RFC 5965 holds: `rfc822; <a@example.org>`.
pub(crate) fn of_field(value: &str) -> Option<EmailAddress> {
    let (kind, bare) = match value.split_once(';') {
        Some((kind, address)) if kind.trim().bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') => {
            (kind.trim(), address)
        }
        _ => ("", value),
    };
    let bare = bare.trim().trim_start_matches('<').trim_end_matches('>');
    let plain = if kind.eq_ignore_ascii_case("utf-8") { unescaped(bare) } else { None };
    let bare = plain.as_deref().unwrap_or(bare);
    // What Exchange makes of a name of its own (`IMCEAEX-_o=…@example.org`) is nobody's address.
    if bare.get(..5).is_some_and(|head| head.eq_ignore_ascii_case("IMCEA")) {
        return None;
    }
    parse(bare).or_else(|| {
        // `|/usr/bin/filter a@example.org` is a command: whom it serves is not what it says.
        let command = bare.starts_with(['|', '/']);
        if command { None } else { first(bare) }
    })
}

/// An address of type `utf-8` in ASCII (RFC 6533 §3): `\x{E4}` for `ä`. `None` when nothing in it is so written.
fn unescaped(text: &str) -> Option<String> {
    let mut parts = text.split("\\x{");
    let mut plain = parts.next()?.to_owned();
    let mut found = false;
    for part in parts {
        let (code, rest) = part.split_once('}')?;
        plain.push(char::from_u32(u32::from_str_radix(code, 16).ok()?)?);
        plain.push_str(rest);
        found = true;
    }
    found.then_some(plain)
}

/// Parses an address, and puts a local part with dots in a row (`a..b@`, `a.@`) between the quotes that it
/// needs: some carriers gave such addresses to their customers.
fn parse(text: &str) -> Option<EmailAddress> {
    if let Ok(address) = EmailAddress::parse(text) {
        let bare = || EmailAddress::parse(&address.canonical()).ok();
        let needless = address.local().starts_with('"') && !address.canonical().starts_with('"');
        return if needless { bare() } else { Some(address) };
    }
    let (local, domain) = text.rsplit_once('@')?;
    let dotted = local.contains("..") || local.ends_with('.');
    let plain = !local.starts_with('.') && local.bytes().all(|byte| in_local(byte) && byte != b'\'');
    if !(dotted && plain) {
        return None;
    }
    EmailAddress::parse(&format!("\"{local}\"@{domain}")).ok()
}

/// Where the local part before the `@` at `at` begins.
fn local_start(bytes: &[u8], at: usize, from: usize) -> usize {
    let least = at.saturating_sub(MAX_ADDRESS).max(from);
    if at > least && bytes[at - 1] == b'"' {
        let quoted = bytes[least..at - 1].iter().rposition(|byte| *byte == b'"' || *byte == b'\n');
        if let Some(quote) = quoted.map(|quote| least + quote).filter(|quote| bytes[*quote] == b'"') {
            return quote;
        }
    }
    let length = bytes[least..at].iter().rev().take_while(|byte| in_local(**byte)).count();
    let mut start = at - length;
    start += of_others(&bytes[start..at]);
    // `/home/a/b@example.org` is a path.
    if start < at && bytes[start] == b'/' {
        return at;
    }
    // `'a@example.org'` and `-a@example.org` are quoted or listed; `mailto:` and `=` end where a local part may not.
    while start < at && matches!(bytes[start], b'\'' | b'.' | b'-' | b'*' | b'`' | b'=' | b'|' | b'#') {
        start += 1;
    }
    start
}

/// Octets at the head of a local part that are words around it: up to a mark that is no ASCII (`：`, `（`), and those in
/// a script without spaces before ASCII.
fn of_others(local: &[u8]) -> usize {
    let Ok(text) = std::str::from_utf8(local) else { return 0 };
    let ends = |c: char| !c.is_ascii() && (!c.is_alphanumeric() || is_unspaced(c));
    let end = text.char_indices().rev().find(|(_, c)| ends(*c)).map_or(0, |(at, c)| at + c.len_utf8());
    // An address may be all in such a script.
    if end == local.len() { 0 } else { end }
}

/// Whether a letter is of a script that puts no spaces between words: Chinese, Japanese, Thai.
fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{0e00}'..='\u{0e7f}' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}')
}

fn in_local(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b".!#$%&'*+-/=?^_`{|}~".contains(&byte) || byte >= 0x80
}

fn in_domain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<String> {
        find(text).into_iter().map(|found| found.address.expose().to_owned()).collect()
    }

    #[test]
    fn addresses_are_found_within_what_surrounds_them() {
        for (text, expected) in [
            ("<ada@example.org>: no", vec!["ada@example.org"]),
            ("'ada@example.org' on Monday", vec!["ada@example.org"]),
            ("Rcpt=[ada@example.org];", vec!["ada@example.org"]),
            ("ada@example.org.", vec!["ada@example.org"]),
            ("mailto:ada@example.org", vec!["ada@example.org"]),
            ("a@example.org,b@example.org", vec!["a@example.org", "b@example.org"]),
            ("<\"ada byron\"@example.org>", vec!["\"ada byron\"@example.org"]),
            ("to ada..b.@example.org", vec!["\"ada..b.\"@example.org"]),
            ("/var/mail/ada@example.org", vec![]),
            ("ada@localhost @ @@ a@", vec![]),
            ("宛先ada@example.org様", vec!["ada@example.org"]),
            ("收件人：ada@example.org", vec!["ada@example.org"]),
            ("邮件地址（ada@example.org）不存在", vec!["ada@example.org"]),
            ("<宛先@example.org>", vec!["宛先@example.org"]),
            ("<zoë@example.org>", vec!["zoë@example.org"]),
        ] {
            assert_eq!(all(text), expected, "{text}");
        }
    }

    #[test]
    fn a_field_has_a_type_before_its_address() {
        for (value, expected) in [
            ("rfc822; ada@example.org", Some("ada@example.org")),
            ("RFC822; <ada@example.org>", Some("ada@example.org")),
            ("ada@example.org", Some("ada@example.org")),
            ("rfc822;|/usr/bin/filter ada@example.org", None),
            ("local; ada", None),
            ("rfc822; Ada <ada@example.org>", Some("ada@example.org")),
            ("rfc822; \"ada\"@example.org", Some("ada@example.org")),
            ("rfc822; \"ada byron\"@example.org", Some("\"ada byron\"@example.org")),
            ("utf-8; zo\\x{EB}@example.org", Some("zoë@example.org")),
        ] {
            assert_eq!(of_field(value).as_ref().map(|address| address.expose()), expected, "{value}");
        }
    }
}
