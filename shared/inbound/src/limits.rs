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
/// Octets of what a server said that are kept.
pub(crate) const SAID: usize = 512;
/// Words that open a part or a message within a message; each costs a search through what follows.
const NESTED: usize = 96;

/// The head of a mail that is short enough, and nested no deeper than a parser can follow.
pub(crate) fn readable(raw: &[u8]) -> &[u8] {
    let raw = &raw[..raw.len().min(MAIL)];
    let opens = |at: &usize| {
        let rest = &raw[*at..];
        [&b"oundary"[..], b"/rfc822", b"/global", b"/digest"]
            .iter()
            .any(|word| rest.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word)))
    };
    let end = memchr::memchr3_iter(b'/', b'o', b'O', raw).filter(opens).nth(NESTED);
    end.map_or(raw, |end| &raw[..end])
}

/// The first [`TEXT`] octets of a text.
pub(crate) fn text(text: &str) -> &str {
    cut(text, TEXT)
}

/// The head of a text, at most `room` octets.
pub(crate) fn cut(text: &str, room: usize) -> &str {
    &text[..text.floor_char_boundary(room)]
}
