//! Texts of a request: trimmed, within their length, without what could leave the line they stand on.

use std::borrow::Cow;

use domain::email::EmailAddress;
use serde::{Deserialize, Deserializer};

use crate::{Failure, FieldError};

/// A field that is there, even when it is `null`.
pub(crate) fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(given: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(given).map(Some)
}

/// A field that may be left out, and is not `null` where it is there.
pub(crate) fn not_null<'de, D: Deserializer<'de>, T: Deserialize<'de>>(given: D) -> Result<Option<T>, D::Error> {
    T::deserialize(given).map(Some)
}

/// A TCP port: the type that holds one would speak of 0.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "i64")]
pub(crate) struct Port(pub(crate) u16);

impl TryFrom<i64> for Port {
    type Error = &'static str;

    fn try_from(number: i64) -> Result<Self, Self::Error> {
        u16::try_from(number).ok().filter(|port| *port > 0).map(Self).ok_or("a whole number from 1 to 65535")
    }
}

/// Collects what is wrong, so that a caller learns it all at once.
#[derive(Debug, Default)]
pub struct Fields(Vec<FieldError>);

impl Fields {
    /// Notes that a field is wrong.
    pub fn wrong(&mut self, field: &str, message: impl Into<String>) {
        self.0.push(FieldError { field: field.to_owned(), message: message.into() });
    }

    /// A text of one line that must be there, `most` characters long at most.
    pub fn line(&mut self, field: &str, text: &str, most: usize) -> String {
        self.text(field, text, most, |c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'))
    }

    /// A text of several lines that must be there.
    pub fn lines(&mut self, field: &str, text: &str, most: usize) -> String {
        let text = text.replace("\r\n", "\n");
        self.text(field, &text, most, |c| c.is_control() && c != '\n')
    }

    /// A text of one line that may be left out; blank is left out.
    pub fn optional(&mut self, field: &str, text: Option<&str>, most: usize) -> Option<String> {
        let text = text.filter(|text| !visible(text).trim_matches([' ', '\t']).is_empty())?;
        Some(self.line(field, text, most))
    }

    /// An address. What is said of it never repeats it.
    pub fn email(&mut self, field: &str, text: &str) -> Option<EmailAddress> {
        match EmailAddress::parse(text.trim()) {
            Ok(email) if email.is_ascii_local() => Some(email),
            Ok(_) => {
                self.wrong(field, "letters outside ASCII are only possible after the @");
                None
            }
            Err(error) => {
                self.wrong(field, error.to_string());
                None
            }
        }
    }

    /// The value, when all is well: parsing notes what is wrong with one that is not there.
    pub fn require<T>(self, value: Option<T>) -> Result<T, Failure> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(Failure::fields(self.0)),
        }
    }

    /// Nothing when all is well.
    pub fn done(self) -> Result<(), Failure> {
        if self.0.is_empty() { Ok(()) } else { Err(Failure::fields(self.0)) }
    }

    fn text(&mut self, field: &str, text: &str, most: usize, forbidden: impl Fn(char) -> bool) -> String {
        if text.chars().any(forbidden) {
            self.wrong(field, "must not contain line breaks or control characters");
            return String::new();
        }
        let text = visible(text);
        let text = text.trim();
        if text.is_empty() {
            self.wrong(field, "must not be blank");
        }
        if text.chars().count() > most {
            self.wrong(field, format!("must have at most {most} characters"));
        }
        text.to_owned()
    }
}

/// Without what hides or reorders text: the same rule as for imported cells.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    if text.contains(intake::is_hidden) {
        Cow::Owned(text.chars().filter(|c| !intake::is_hidden(*c)).collect())
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_long_and_broken_lines_are_all_named_at_once() {
        let mut fields = Fields::default();
        fields.line("a", " \u{a0} ", 9);
        fields.line("b", "0123456789", 9);
        fields.line("c", "x\r\nBcc: y", 99);
        fields.line("d", "x\0", 9);
        fields.lines("e", "1 rue\r\nParis", 99);
        assert_eq!(fields.optional("f", Some("  "), 9), None);
        assert_eq!(fields.optional("g", Some("\u{200b}"), 9), None);
        assert_eq!(fields.line("h", "\u{202e}Ada\u{ad}", 9), "Ada");
        let wrong: Vec<_> = fields.0.iter().map(|f| f.field.as_str()).collect();
        assert_eq!(wrong, ["a", "b", "c", "d"]);
    }

    #[test]
    fn an_address_is_judged_without_being_repeated() {
        let mut fields = Fields::default();
        assert!(fields.email("email", " ada@firm.test ").is_some());
        assert!(fields.email("email", "ada@firm.test\r\nBcc: x@y.test").is_none());
        assert!(fields.email("email", "adà@firm.test").is_none());
        let said = fields.done().unwrap_err().detail;
        assert!(!said.contains("firm.test"), "{said}");
    }
}
