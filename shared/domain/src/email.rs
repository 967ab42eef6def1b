//! E-mail addresses, parsed once and trusted afterwards.
//!
//! An [`EmailAddress`] can only be made by [`EmailAddress::parse`] (or by deserialising, which calls
//! it), so whoever holds one holds an address that RFC 5321 §4.1.2 and RFC 6531 §3.3 allow in
//! `RCPT TO`. Left out on purpose: comments and folding white space (they belong to headers, RFC
//! 5322), address literals such as `user@[192.0.2.1]`, and single-label domains: nobody at work is
//! reached there.
//!
//! The type never trims, unwraps or repairs. What people paste into spreadsheets is the business of
//! the `intake` crate.

mod professional;

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use professional::{NotProfessional, professional};

/// Longest local part, in octets (RFC 5321 §4.5.3.1.1).
pub const MAX_LOCAL: usize = 64;
/// Longest domain, in octets of its ASCII form (RFC 1035 §2.3.4, without the root's dot).
pub const MAX_DOMAIN: usize = 253;
/// Longest address, in octets: a path of 256 less its angle brackets (RFC 5321 §4.5.3.1.3).
pub const MAX_ADDRESS: usize = 254;

/// A valid e-mail address. `Debug` and `Display` are masked: an address is personal data.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EmailAddress {
    /// The local part as typed, `@`, the domain in lower-case ASCII.
    text: String,
    /// Where the `@` between the two stands.
    at: usize,
}

/// Why a text is not an e-mail address. Carries no part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// There is no `@` outside a quoted local part.
    #[error("there is no @")]
    MissingAt,
    /// Nothing stands before the `@`.
    #[error("nothing stands before the @")]
    EmptyLocal,
    /// The local part has more than [`MAX_LOCAL`] octets.
    #[error("the part before the @ is longer than 64 octets")]
    LocalTooLong,
    /// A character, a dot or a quote that RFC 5321 does not allow there.
    #[error("the part before the @ has a character that is not allowed there")]
    InvalidLocal,
    /// Nothing stands after the `@`.
    #[error("nothing stands after the @")]
    EmptyDomain,
    /// Not a host name, or not an internationalised one (UTS 46).
    #[error("the domain is not a valid host name")]
    InvalidDomain,
    /// An address literal: `[192.0.2.1]`.
    #[error("address literals are not accepted")]
    AddressLiteral,
    /// Fewer than two labels: `localhost`.
    #[error("the domain has a single label")]
    SingleLabel,
    /// The last label is a number, which no top-level domain is.
    #[error("the top-level domain is a number")]
    NumericTld,
    /// More than [`MAX_DOMAIN`] octets of domain or [`MAX_ADDRESS`] in all.
    #[error("the address is longer than 254 octets")]
    TooLong,
}

impl EmailAddress {
    /// Parses an address exactly as given: no trimming, no display name, no angle brackets.
    ///
    /// # Errors
    /// The first rule of RFC 5321/6531 that `text` breaks, see [`AddressError`].
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let at = split(text)?;
        let (local, domain) = (&text[..at], &text[at + 1..]);
        if local.len() > MAX_LOCAL {
            return Err(AddressError::LocalTooLong);
        }
        check_local(local)?;

        let mut owned = String::with_capacity(text.len());
        owned.push_str(local);
        owned.push('@');
        push_domain(&mut owned, domain)?;
        check_domain(&owned[at + 1..])?;
        if owned.len() > MAX_ADDRESS {
            return Err(AddressError::TooLong);
        }
        Ok(Self { text: owned, at })
    }

    /// The address in clear: the local part as typed, the domain in lower-case ASCII. Named so that
    /// every place where an address leaves its wrapper can be searched for.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// What two spellings of one mailbox have in common: all lower-case, and without the quotes of a
    /// local part that does not need them. RFC 5321 lets a host tell `A@` from `a@`; none that
    /// matters does, and writing twice to one person is the worse mistake.
    #[must_use]
    pub fn canonical(&self) -> Cow<'_, str> {
        let local = self.local();
        let quoted = local.starts_with('"');
        if !quoted && !local.bytes().any(|b| b.is_ascii_uppercase() || !b.is_ascii()) {
            return Cow::Borrowed(&self.text);
        }
        let bare: Cow<'_, str> = if quoted { unquoted(local) } else { Cow::Borrowed(local) };
        Cow::Owned(format!("{}@{}", bare.to_lowercase(), self.domain()))
    }

    /// The part before the `@`, as typed.
    #[must_use]
    pub fn local(&self) -> &str {
        &self.text[..self.at]
    }

    /// The domain: lower-case ASCII, internationalised labels as `xn--…`.
    #[must_use]
    pub fn domain(&self) -> &str {
        &self.text[self.at + 1..]
    }

    /// Whether any server can be given this address. If not, only one that offers `SMTPUTF8` can
    /// (RFC 6531 §3.1).
    #[must_use]
    pub fn is_ascii_local(&self) -> bool {
        self.local().is_ascii()
    }
}

/// The position of the `@` that ends the local part.
fn split(text: &str) -> Result<usize, AddressError> {
    let at = if text.starts_with('"') {
        let end = text.rfind("\"@").ok_or(AddressError::MissingAt)?;
        end + 1
    } else {
        text.bytes().position(|b| b == b'@').ok_or(AddressError::MissingAt)?
    };
    if at == 0 {
        return Err(AddressError::EmptyLocal);
    }
    if at + 1 == text.len() {
        return Err(AddressError::EmptyDomain);
    }
    Ok(at)
}

/// `Dot-string` or `Quoted-string` of RFC 5321 §4.1.2, with the UTF-8 that RFC 6531 §3.3 adds.
fn check_local(local: &str) -> Result<(), AddressError> {
    if let Some(rest) = local.strip_prefix('"') {
        let inside = rest.strip_suffix('"').ok_or(AddressError::InvalidLocal)?;
        return check_quoted(inside);
    }
    let bytes = local.as_bytes();
    if bytes.first() == Some(&b'.') || bytes.last() == Some(&b'.') {
        return Err(AddressError::InvalidLocal);
    }
    let mut after_dot = false;
    let mut ascii = true;
    for &b in bytes {
        let dot = b == b'.';
        if (dot && after_dot) || !(ATEXT[usize::from(b)] || dot) {
            return Err(AddressError::InvalidLocal);
        }
        ascii &= b.is_ascii();
        after_dot = dot;
    }
    if ascii || local.chars().all(|c| c.is_ascii() || visible(c)) { Ok(()) } else { Err(AddressError::InvalidLocal) }
}

fn check_quoted(inside: &str) -> Result<(), AddressError> {
    let mut chars = inside.chars();
    while let Some(c) = chars.next() {
        let fine = match c {
            '"' => false,
            '\\' => chars.next().is_some_and(|next| matches!(next, ' '..='~')),
            c if c.is_ascii() => matches!(c, ' '..='~'),
            c => visible(c),
        };
        if !fine {
            return Err(AddressError::InvalidLocal);
        }
    }
    if inside.is_empty() { Err(AddressError::EmptyLocal) } else { Ok(()) }
}

/// `atext` (RFC 5322 §3.2.3), and every octet of a longer UTF-8 character.
const ATEXT: [bool; 256] = {
    let mut table = [false; 256];
    let mut i = 0;
    while i < 256 {
        #[expect(clippy::cast_possible_truncation, reason = "i is below 256")]
        let b = i as u8;
        table[i] = b.is_ascii_alphanumeric()
            || b >= 0x80
            || matches!(
                b,
                b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'/' | b'=' | b'?' | b'^' | b'_'
            )
            || matches!(b, b'`' | b'{' | b'|' | b'}' | b'~');
        i += 1;
    }
    table
};

/// RFC 6531 allows any character outside ASCII; one that cannot be seen, or that reorders what can,
/// only serves to deceive.
fn visible(c: char) -> bool {
    !(c.is_control()
        || c.is_whitespace()
        || matches!(
            c,
            '\u{AD}' | '\u{61C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
                | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF0}'..='\u{FFFF}' | '\u{E0000}'..='\u{E0FFF}'
        ))
}

/// Appends the domain in lower-case ASCII. Nearly every domain is ASCII already and needs no UTS 46
/// tables: that path allocates nothing.
fn push_domain(out: &mut String, domain: &str) -> Result<(), AddressError> {
    if domain.starts_with('[') {
        return Err(AddressError::AddressLiteral);
    }
    let start = out.len();
    let plain = domain.bytes().fold(true, |fine, b| fine & (b.is_ascii_alphanumeric() | (b == b'-') | (b == b'.')));
    // `xn--…` is ASCII, but must decode to something UTS 46 allows.
    if plain && !(domain.contains("--") && contains_ace(domain)) {
        out.push_str(domain);
        out[start..].make_ascii_lowercase();
        return Ok(());
    }
    let ascii = Uts46::new()
        .to_ascii(domain.as_bytes(), AsciiDenyList::STD3, Hyphens::CheckFirstLast, DnsLength::Verify)
        .map_err(|_| AddressError::InvalidDomain)?;
    out.push_str(&ascii);
    Ok(())
}

fn contains_ace(domain: &str) -> bool {
    domain.as_bytes().windows(4).any(|w| w.eq_ignore_ascii_case(b"xn--"))
}

/// Host name rules on a lower-case ASCII domain (RFC 5321 §2.3.5, RFC 1123 §2.1).
fn check_domain(domain: &str) -> Result<(), AddressError> {
    if domain.len() > MAX_DOMAIN {
        return Err(AddressError::TooLong);
    }
    // The start of the label that is being read, and how many came before it.
    let (mut start, mut labels) = (0, 0);
    let bytes = domain.as_bytes();
    for end in 0..=bytes.len() {
        if end < bytes.len() && bytes[end] != b'.' {
            continue;
        }
        let label = &bytes[start..end];
        if !(1..=63).contains(&label.len()) || label[0] == b'-' || label[label.len() - 1] == b'-' {
            return Err(AddressError::InvalidDomain);
        }
        labels += 1;
        if end == bytes.len() {
            if labels < 2 {
                return Err(AddressError::SingleLabel);
            }
            if label.iter().all(u8::is_ascii_digit) {
                return Err(AddressError::NumericTld);
            }
        }
        start = end + 1;
    }
    Ok(())
}

/// The text inside the quotes if it would be a valid local part without them, else `local` itself:
/// RFC 5321 §4.1.2 says that both then name the same mailbox.
fn unquoted(local: &str) -> Cow<'_, str> {
    let inside = local.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(local);
    let mut bare = String::with_capacity(inside.len());
    let mut chars = inside.chars();
    while let Some(c) = chars.next() {
        bare.push(if c == '\\' { chars.next().unwrap_or(c) } else { c });
    }
    if !bare.starts_with('"') && check_local(&bare).is_ok() { Cow::Owned(bare) } else { Cow::Borrowed(local) }
}

/// A text without the addresses in it: what a Sender calls its files and campaigns outlives the people it names.
#[must_use]
pub fn without_addresses(text: &str) -> String {
    let part = |c: char| !(c.is_whitespace() || matches!(c, ',' | ';' | '<' | '>' | '(' | ')' | '[' | ']' | '"' | '/'));
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(part) {
        let (between, from) = rest.split_at(start);
        let end = from.find(|c| !part(c)).unwrap_or(from.len());
        let (word, after) = from.split_at(end);
        let names = word.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.'));
        out.push_str(between);
        out.push_str(if names { "***" } else { word });
        rest = after;
    }
    out.push_str(rest);
    out
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***@***")
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***@***")
    }
}

impl FromStr for EmailAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        Self::parse(text)
    }
}

impl Serialize for EmailAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for EmailAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The error names the rule, never the text: it may end in a log.
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(|error| serde::de::Error::custom(format_args!("an e-mail address; {error}")))
    }
}

#[cfg(test)]
mod tests;
