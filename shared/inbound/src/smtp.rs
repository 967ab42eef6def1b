//! SMTP replies within a text: `550 5.1.1 <…> User unknown` (RFC 5321 §4.2, RFC 2034).

use crate::status::Status;

/// A reply as somebody wrote it down, with the text up to the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reply<'a> {
    /// `400` to `599`.
    pub(crate) code: u16,
    /// The enhanced code right behind it.
    pub(crate) status: Option<Status>,
    /// What stands behind the code, of all its lines.
    pub(crate) text: &'a str,
}

impl Reply<'_> {
    /// A code of `5xx`, which the enhanced code does not take back.
    pub(crate) fn is_permanent(&self) -> bool {
        self.code >= 500 && !self.status.is_some_and(Status::is_temporary)
    }

    /// Whether `whole`, in which it stands, marks it as what came over the line: `<<< 550 …`.
    pub(crate) fn is_received(&self, whole: &str) -> bool {
        let Some(at) = (self.text.as_ptr() as usize).checked_sub(whole.as_ptr() as usize) else { return false };
        let line = whole.get(..at).and_then(|before| before.rsplit('\n').next());
        line.is_some_and(|line| line.trim_start().starts_with("<<<"))
    }
}

/// No text that we read has more replies worth looking at.
const MAX_REPLIES: usize = 64;

/// The replies in `text`, in their order. The lines of one reply (`550-…`, `550 …`) are one.
pub(crate) fn replies(text: &str) -> Vec<Reply<'_>> {
    let bytes = text.as_bytes();
    // Where a reply starts, its code, and whether a line of the same reply goes before it.
    let mut starts: Vec<(usize, u16)> = Vec::new();
    let mut goes_on = false;
    for at in memchr::memchr2_iter(b'4', b'5', bytes) {
        let Some((code, dash)) = code(bytes, at) else { continue };
        let same = goes_on && starts.last().is_some_and(|(_, last)| *last == code);
        if !same {
            if starts.len() == MAX_REPLIES {
                break;
            }
            starts.push((at, code));
        }
        goes_on = dash;
    }
    let ends = starts.iter().skip(1).map(|(at, _)| *at).chain([text.len()]);
    let found = starts.iter().zip(ends).filter_map(|((start, code), end)| {
        let text = text.get(start + 3..end)?;
        let text = text.trim_start_matches(|c: char| c.is_whitespace() || "-:#'\"".contains(c));
        Some(Reply { code: *code, status: Status::parse(text), text })
    });
    found.collect()
}

/// A code of `4xx` or `5xx` that stands for itself at `at`, and whether a dash says that its reply goes on.
fn code(bytes: &[u8], at: usize) -> Option<(u16, bool)> {
    let before = at.checked_sub(1).and_then(|before| bytes.get(before));
    if before.is_some_and(|before| !before.is_ascii_whitespace() && !b"<(:;'\"#>|,".contains(before)) {
        return None;
    }
    let [first, second, third, rest @ ..] = bytes.get(at..)? else { return None };
    // RFC 5321 has 0, 2, 3, 4 and 5 in the middle; some servers say 571 and the like.
    if !(b"012345".contains(second) || (*first, *second) == (b'5', b'7')) || !third.is_ascii_digit() {
        return None;
    }
    let ended = match rest {
        [] => true,
        [b' ', after, ..] => !is_unit(rest, *after),
        [after, ..] => after.is_ascii_whitespace() || b"-:#,;.)]>'\"".contains(after),
    };
    let digits = [first, second, third].into_iter().fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0'));
    ended.then_some((digits, rest.first() == Some(&b'-')))
}

/// `450 minutes`, `500 attempts`: a number of something is not a code.
fn is_unit(rest: &[u8], after: u8) -> bool {
    after.is_ascii_lowercase()
        && ["second", "minute", "hour", "day", "byte", "kb", "mb", "attempt"]
            .iter()
            .any(|unit| rest.get(1..).is_some_and(|rest| rest.starts_with(unit.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(text: &str) -> Vec<(u16, &str)> {
        replies(text).into_iter().map(|reply| (reply.code, reply.text.trim())).collect()
    }

    #[test]
    fn replies_are_told_from_other_numbers() {
        for (text, expected) in [
            ("550 5.1.1 User unknown", vec![(550, "5.1.1 User unknown")]),
            ("said: 550-No such\n550 user", vec![(550, "No such\n550 user")]),
            ("550 one\n552 two", vec![(550, "one"), (552, "two")]),
            ("550 5.7.1 550 User Unknown", vec![(550, "5.7.1"), (550, "User Unknown")]),
            ("error 550-'5.7.1 Denied'", vec![(550, "5.7.1 Denied'")]),
            ("ERROR_CODE :550, gone", vec![(550, ", gone")]),
            ("<<< 421", vec![(421, "")]),
            ("unable to deliver in 450 minutes", vec![]),
            ("host [192.0.2.550] id 1550 x550 5500 599", vec![]),
            ("port 25", vec![]),
        ] {
            assert_eq!(codes(text), expected, "{text}");
        }
    }

    #[test]
    fn an_enhanced_code_may_take_the_code_back() {
        let permanent = |text: &str| replies(text).first().map(Reply::is_permanent);
        assert_eq!(permanent("550 5.1.1 no"), Some(true));
        assert_eq!(permanent("554 4.4.7 expired"), Some(false));
        assert_eq!(permanent("450 mailbox busy"), Some(false));
    }
}
