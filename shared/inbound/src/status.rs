//! Enhanced mail system status codes (RFC 3463, with the registry of RFC 5248).

use std::fmt;

use domain::cause::Cause;

/// A status such as `5.1.1`: class, subject, detail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Status {
    class: u8,
    subject: u16,
    detail: u16,
}

impl Status {
    /// Reads a status at the head of `text`; what follows it is left alone. A status is `2`, `4` or `5`
    /// and two numbers of three digits at most (RFC 3463 §2).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut rest = text.trim_start().as_bytes();
        let class = number(&mut rest).filter(|class| matches!(class, 2 | 4 | 5))?;
        dot(&mut rest)?;
        let subject = number(&mut rest)?;
        dot(&mut rest)?;
        let detail = number(&mut rest)?;
        // `5.1.1.2` is an address of a network or a version, not a status.
        let ended = match rest {
            [b'.', digit, ..] => !digit.is_ascii_digit(),
            [letter, ..] => !letter.is_ascii_alphanumeric(),
            [] => true,
        };
        ended.then_some(Self { class: u8::try_from(class).ok()?, subject, detail })
    }

    /// The first status anywhere in `text`.
    pub(crate) fn find(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let starts = memchr::memchr3_iter(b'2', b'4', b'5', bytes).filter(|at| {
            let before = at.checked_sub(1).and_then(|before| bytes.get(before));
            before.is_none_or(|before| !before.is_ascii_alphanumeric() && !b".-_@/+=".contains(before))
                && bytes.get(at + 1) == Some(&b'.')
        });
        starts.filter_map(|at| text.get(at..).and_then(Self::parse)).next()
    }

    /// `4.x.x`: it may work later.
    #[must_use]
    pub fn is_temporary(self) -> bool {
        self.class == 4
    }

    /// `5.x.x`: it will not.
    #[must_use]
    pub fn is_permanent(self) -> bool {
        self.class == 5
    }

    /// What subject and detail say, where they say something: `5.0.0` and `5.5.0` do not.
    pub(crate) fn cause(self) -> Option<Cause> {
        let cause = match (self.subject, self.detail) {
            (1, 1 | 3) => Cause::UnknownUser,
            (1, 2) => Cause::UnknownHost,
            // Since RFC 7505 the registry has X.1.10 as a null MX; Exchange says it of an unknown user. Hard, both.
            (1, 6) => Cause::Moved,
            (1, 10) => Cause::TakesNoMail,
            (1, 7 | 8) => Cause::SenderRefused,
            // Exchange Online: more recipients in a day than its sender may have.
            (1, 90) | (2, 121 | 122) => Cause::TooMany,
            (2, 1) | (7, 13) => Cause::Disabled,
            (2, 2) => Cause::MailboxFull,
            (2, 3) | (3, 4) => Cause::TooLarge,
            (2, 4) | (3, 1..) => Cause::System,
            (4, 4) if self.is_permanent() => Cause::UnknownHost,
            // Exchange Online: the domain has no entry in DNS.
            (4, 310) if self.is_permanent() => Cause::UnknownHost,
            (4, 6 | 14) => Cause::System,
            (4, 7 | 300 | 316) => Cause::Expired,
            (4, 1..=5 | 312) => Cause::Network,
            (5, 3) => Cause::TooMany,
            (5, 1..) => Cause::Protocol,
            (6, _) => Cause::Content,
            (7, 8 | 9 | 20..=27) => Cause::Unauthenticated,
            (7, 28) => Cause::TooMany,
            (7, _) => Cause::Policy,
            _ => return None,
        };
        Some(cause)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}

fn dot(rest: &mut &[u8]) -> Option<()> {
    *rest = rest.strip_prefix(b".")?;
    Some(())
}

fn number(rest: &mut &[u8]) -> Option<u16> {
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if !(1..=3).contains(&digits) {
        return None;
    }
    let (head, tail) = rest.split_at(digits);
    *rest = tail;
    Some(head.iter().fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_three_numbers() {
        for (text, status) in [
            ("5.1.1", Some("5.1.1")),
            (" 5.7.509 text", Some("5.7.509")),
            ("4.4.7 (expired)", Some("4.4.7")),
            ("3.1.1", None),
            ("5.1", None),
            ("5.1.1.2", None),
            ("5.1234.1", None),
            ("5.1.x", None),
            ("", None),
        ] {
            assert_eq!(Status::parse(text).map(|status| status.to_string()).as_deref(), status, "{text}");
        }
    }

    #[test]
    fn a_status_in_a_text_is_no_part_of_something_else() {
        for (text, status) in [
            ("Sorry, no mailbox here. (#5.1.1)", Some("5.1.1")),
            ("host 192.5.1.1 said nothing", None),
            ("Exim-4.9.2 on mx", None),
            ("id=5.1.1", None),
            ("é 5.2.2", Some("5.2.2")),
        ] {
            assert_eq!(Status::find(text).map(|status| status.to_string()).as_deref(), status, "{text}");
        }
    }

    #[test]
    fn a_status_that_says_nothing_has_no_cause() {
        for (text, cause) in [
            ("5.0.0", None),
            ("5.5.0", None),
            ("5.1.1", Some(Cause::UnknownUser)),
            ("5.1.10", Some(Cause::TakesNoMail)),
            ("5.2.2", Some(Cause::MailboxFull)),
            ("5.4.4", Some(Cause::UnknownHost)),
            ("4.4.4", Some(Cause::Network)),
            ("5.7.26", Some(Cause::Unauthenticated)),
            ("5.7.13", Some(Cause::Disabled)),
        ] {
            assert_eq!(Status::parse(text).and_then(Status::cause), cause, "{text}");
        }
    }
}
