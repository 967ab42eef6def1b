//! How much of a mail is read. A mail is what a stranger sends: none may take long.

/// Octets of a mail that are read. Reports stand at the head of theirs; the rest is what came back.
pub const MAX_READ: u64 = 512 * 1024;
const MAIL: usize = MAX_READ as usize;
/// Octets of text.
pub(crate) const TEXT: usize = 64 * 1024;
/// Parts of a mail.
pub(crate) const PARTS: usize = 128;
/// Headers of a message.
pub(crate) const HEADERS: usize = 512;
/// Recipients of one report.
pub(crate) const RECIPIENTS: usize = 256;
/// Octets of a line in which addresses are looked for.
pub(crate) const LINE: usize = 4 * 1024;
/// Octets that are searched for a wording, of all recipients together and of one.
const SEARCHED: usize = 64 * 1024;
pub(crate) const SEARCHED_OF_ONE: usize = 16 * 1024;
/// Octets of what a server said that are kept.
pub(crate) const SAID: usize = 512;
/// Words that open a part or a message within a message; each costs a search through what follows.
const NESTED: usize = 96;

/// The head of a mail that is short enough, and nested no deeper than a parser can follow.
pub(crate) fn readable(raw: &[u8]) -> &[u8] {
    let raw = &raw[..raw.len().min(MAIL)];
    let end = memchr::memchr3_iter(b'8', b'o', b'g', raw).filter(|at| opens(raw, *at)).nth(NESTED);
    end.map_or(raw, |end| &raw[..end])
}

/// Whether a word that opens something goes through `at`: `boundary`, `message/rfc822`, `message/global`,
/// `multipart/digest`, with the spaces and comments that a type may have.
fn opens(raw: &[u8], at: usize) -> bool {
    let word = |word: &[u8], offset: usize| {
        let start = at.checked_sub(offset)?;
        let found = raw.get(start..start + word.len())?;
        found.eq_ignore_ascii_case(word).then_some(start)
    };
    let typed = |start: usize| {
        let before = raw[..start].iter().rev().find(|byte| !byte.is_ascii_whitespace());
        before.is_some_and(|before| b"/)\"".contains(before))
    };
    word(b"boundary", 1).is_some()
        || [(&b"rfc822"[..], 3), (b"global", 0), (b"digest", 2)]
            .iter()
            .any(|(name, offset)| word(name, *offset).is_some_and(typed))
}

/// How much is searched of what was said about one of `recipients`.
pub(crate) fn searched(recipients: usize) -> usize {
    (SEARCHED / recipients.max(1)).min(SEARCHED_OF_ONE)
}

/// The first [`TEXT`] octets of a text.
pub(crate) fn text(text: &str) -> &str {
    cut(text, TEXT)
}

/// The head of a text, at most `room` octets.
pub(crate) fn cut(text: &str, room: usize) -> &str {
    &text[..text.floor_char_boundary(room)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_is_read_as_far_as_it_may_cost() {
        assert_eq!(readable(&vec![b'x'; MAIL + 1]).len(), MAIL);
        for (kind, room) in [("message/rfc822", NESTED), ("Message / RFC822;", NESTED), ("multipart/digest", NESTED)] {
            let one = format!("Content-Type: {kind}\n\n");
            let raw = one.repeat(2 * NESTED);
            assert!(readable(raw.as_bytes()).len() <= one.len() * (room + 1), "{kind}");
        }
        // The types of addresses in a report open nothing.
        let report = "Final-Recipient: rfc822; ada@example.com\n".repeat(2 * NESTED);
        assert_eq!(readable(report.as_bytes()).len(), report.len());
        assert_eq!((cut("été", 2), cut("été", 9)), ("é", "été"));
    }
}
