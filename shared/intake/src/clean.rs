//! What people really type into cells, made fit to be stored, shown and mailed.

use std::borrow::Cow;

use domain::email::{AddressError, EmailAddress};

use crate::{export::harmless, names};

/// Longest name, company or job title kept, in characters.
pub const MAX_NAME: usize = 200;
/// What a cell says that means yes, folded.
const YES: [&str; 5] = ["yes", "true", "1", "x", "oui"];

/// Longest wording of a consent kept, in characters.
pub const MAX_CONSENT: usize = 500;
/// Longest notes kept, in characters.
pub const MAX_NOTES: usize = 2_000;
/// Most tags kept of one row.
pub const MAX_TAGS: usize = 50;
/// Longest tag kept, in characters.
pub const MAX_TAG: usize = 60;

/// Characters that reorder or hide text, or are no text at all: they deceive a reader and serve
/// nothing in a name. ZWJ and ZWNJ are spelling in Persian and Indic scripts, and stay.
pub fn is_hidden(c: char) -> bool {
    matches!(
        c,
        '\u{AD}' | '\u{61C}' | '\u{180E}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E0FFF}'
    ) || (c.is_control() && !is_space(c))
}

fn is_space(c: char) -> bool {
    c.is_whitespace()
}

/// Whether a cell says yes.
pub(crate) fn is_yes(text: &str) -> bool {
    YES.contains(&names::fold(text).as_str())
}

/// One line of text: ends trimmed, runs of white space and line ends made one space, hidden and
/// control characters dropped, at most `max` characters. `None` when nothing is left.
pub(crate) fn line(text: &str, max: usize) -> Option<String> {
    bare_line(unguarded(text), max)
}

/// Without the apostrophe that our own exports put before what a spreadsheet would run: what was
/// exported and comes back is what it was.
fn unguarded(text: &str) -> &str {
    match text.strip_prefix('\'') {
        Some(rest) if matches!(harmless(rest), Cow::Owned(_)) => rest,
        _ => text,
    }
}

fn bare_line(text: &str, max: usize) -> Option<String> {
    // Nearly every cell is clean already.
    let trimmed = text.trim_matches(|c: char| c == ' ');
    if trimmed.is_empty() {
        return None;
    }
    if trimmed.len() <= max && is_clean(trimmed) {
        return Some(trimmed.to_owned());
    }
    let mut out = String::with_capacity(trimmed.len());
    let mut kept = 0;
    let mut gap = false;
    for c in trimmed.chars() {
        if is_space(c) {
            gap = kept > 0;
        } else if !is_hidden(c) {
            if kept + usize::from(gap) >= max {
                break;
            }
            if gap {
                out.push(' ');
                kept += 1;
                gap = false;
            }
            out.push(c);
            kept += 1;
        }
    }
    (!out.is_empty()).then_some(out)
}

/// Visible ASCII, letters of Latin alphabets and single spaces. Every byte is looked at, without
/// branches: that is what a compiler can make wide instructions of.
fn is_clean(text: &str) -> bool {
    let bytes = text.as_bytes();
    // 0xC3 to 0xC9 begin U+00C0 to U+027F, and 0x80 to 0xBF follow them.
    let plain = bytes.iter().fold(true, |fine, &b| fine & (b >= 0x20) & (b != 0x7F) & (b != 0xC2) & (b < 0xCA));
    let gaps = bytes.iter().zip(bytes.iter().skip(1));
    plain && !gaps.fold(false, |double, (&a, &b)| double | ((a == b' ') & (b == b' ')))
}

/// Text of several lines: as [`line()`], line by line, with at most one empty line in a row.
pub(crate) fn paragraph(text: &str, max: usize) -> Option<String> {
    let text = unguarded(text);
    let one_line = memchr::memchr2(b'\n', b'\r', text.as_bytes()).is_none()
        && (text.is_ascii() || !text.contains(['\u{85}', '\u{2028}', '\u{2029}']));
    if one_line {
        return bare_line(text, max);
    }
    let unified = text.replace("\r\n", "\n").replace(['\r', '\u{85}', '\u{2028}', '\u{2029}'], "\n");
    let mut out = String::with_capacity(unified.len());
    let mut left = max;
    let mut gap = 0;
    for part in unified.split('\n') {
        let Some(part) = bare_line(part, left) else {
            gap += 1;
            continue;
        };
        if !out.is_empty() {
            out.push_str(if gap > 0 { "\n\n" } else { "\n" });
            left = left.saturating_sub(if gap > 0 { 2 } else { 1 });
        }
        gap = 0;
        left = left.saturating_sub(part.chars().count());
        out.push_str(&part);
        if left <= 2 {
            break;
        }
    }
    (!out.is_empty()).then_some(out)
}

/// The tags of a cell: split on `,` `;` `|` and line ends, cleaned, without repeats.
pub(crate) fn tags(text: &str, into: &mut Vec<String>) {
    for part in text.split([',', ';', '|', '\n', '\r']) {
        if into.len() >= MAX_TAGS {
            return;
        }
        if let Some(tag) = line(part.trim().trim_start_matches('#'), MAX_TAG)
            && !into.iter().any(|known| same(known, &tag))
        {
            into.push(tag);
        }
    }
}

fn same(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b) || (!a.is_ascii() && a.to_lowercase() == b.to_lowercase())
}

/// What an e-mail cell held.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum EmailCell {
    /// Nothing, or only white space.
    Empty,
    /// An address, perhaps out of its wrapper.
    Found(EmailAddress),
    /// Something else.
    Invalid(AddressError),
}

/// Reads an e-mail cell. Clean addresses take the first line; the rest is repair where nothing can be
/// misunderstood: `mailto:`, `Name <address>`, quotes, punctuation after it, invisible characters, several
/// addresses in one cell (the first counts). What stands beside an address is never dropped: `jean
/// dupont@…` is not dupont's.
pub(crate) fn email(cell: &str) -> EmailCell {
    let cell = unguarded(cell);
    if let Ok(address) = EmailAddress::parse(cell) {
        return EmailCell::Found(address);
    }
    let text = cell.trim_matches(is_padding);
    if text.is_empty() {
        return EmailCell::Empty;
    }
    let error = match EmailAddress::parse(text) {
        Ok(address) => return EmailCell::Found(address),
        Err(error) => error,
    };
    let visible: Cow<'_, str> = if text.contains(is_hidden) {
        Cow::Owned(text.chars().filter(|&c| !is_hidden(c)).collect())
    } else {
        Cow::Borrowed(text)
    };
    if let Some(inside) = bracketed(&visible)
        && let Some(address) = bare(inside)
    {
        return EmailCell::Found(address);
    }
    if let Some(address) = bare(&visible) {
        return EmailCell::Found(address);
    }
    first_of_several(&visible).map_or(EmailCell::Invalid(error), EmailCell::Found)
}

/// The first of several addresses, if there is nothing but addresses.
fn first_of_several(text: &str) -> Option<EmailAddress> {
    let between = |c: char| matches!(c, ',' | ';' | '|' | '/') || is_space(c);
    let joins = |part: &str| matches!(part.to_ascii_lowercase().as_str(), "" | "et" | "ou" | "and" | "or" | "&" | "-");
    let mut first = None;
    for part in text.split(between).filter(|part| !joins(part)) {
        let address = bare(part)?;
        first.get_or_insert(address);
    }
    first
}

fn is_padding(c: char) -> bool {
    is_space(c) || is_hidden(c)
}

/// The text between the only `<` and the `>` at the end: what stands before it is a name, and no address.
fn bracketed(text: &str) -> Option<&str> {
    let (name, rest) = text.trim_end_matches([';', ',', '.']).split_once('<')?;
    let inside = rest.strip_suffix('>')?;
    (!name.contains('@') && !inside.contains(['<', '>'])).then_some(inside)
}

/// An address after its prefix and the punctuation around it are taken off.
fn bare(text: &str) -> Option<EmailAddress> {
    let mut text = text.trim_matches(is_padding);
    for prefix in ["mailto:", "email:", "e-mail:", "mail:", "courriel:", "smtp:"] {
        if text.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix)) {
            text = text[prefix.len()..].trim_start_matches(is_padding);
        }
    }
    let text = text.split('?').next().filter(|head| head.contains('@')).unwrap_or(text);
    let text =
        text.trim_matches(|c: char| is_padding(c) || matches!(c, '\'' | '`' | '“' | '”' | '«' | '»' | '’' | '‘'));
    let text = text.trim_end_matches([';', ',', '.', ':']);
    let wrapped = |open, close| text.strip_prefix(open).and_then(|rest| rest.strip_suffix(close));
    let text = wrapped('<', '>').or_else(|| wrapped('(', ')')).or_else(|| wrapped('[', ']')).unwrap_or(text);
    EmailAddress::parse(text)
        .or_else(|error| {
            // "anne@example.com" in quotes of its own.
            let unquoted = text.trim_matches('"');
            if unquoted.len() < text.len() { EmailAddress::parse(unquoted) } else { Err(error) }
        })
        .ok()
}

/// A full name as (first, last). `DUPONT Marie` and `Dupont, Marie` are told from `Marie Dupont`;
/// a civility is dropped; a single word is a last name, since that is how lists are kept.
pub(crate) fn split_name(text: &str) -> (Option<String>, Option<String>) {
    let Some(clean) = line(text, MAX_NAME * 2) else {
        return (None, None);
    };
    let named = |text: &str| line(text, MAX_NAME);
    if let Some((last, first)) = clean.split_once(',') {
        return (named(without_civility(first)), named(without_civility(last)));
    }
    let words: Vec<&str> = without_civility(&clean).split(' ').filter(|w| !w.is_empty()).collect();
    match words.as_slice() {
        [] => (None, None),
        [last] => (None, named(last)),
        words => {
            let caps = |word: &&str| {
                word.chars().filter(|c| c.is_alphabetic()).count() > 1 && !word.chars().any(char::is_lowercase)
            };
            let leading = words.iter().take_while(|w| caps(w)).count();
            if leading > 0 && leading < words.len() {
                return (named(&words[leading..].join(" ")), named(&words[..leading].join(" ")));
            }
            (named(words[0]), named(&words[1..].join(" ")))
        }
    }
}

fn without_civility(text: &str) -> &str {
    let text = text.trim();
    let Some((head, rest)) = text.split_once(' ') else {
        return text;
    };
    let title = head.trim_end_matches('.').to_lowercase();
    let known = ["m", "mr", "mrs", "ms", "mme", "mlle", "miss", "monsieur", "madame", "dr", "pr", "me", "herr", "frau"];
    if known.contains(&title.as_str()) { rest.trim() } else { text }
}

/// A language as a lower-case tag: `fr-FR`, `Français` and `FR` are all `fr`. `None` if it is none.
pub(crate) fn locale(text: &str) -> Option<String> {
    let folded = names::fold(text);
    let known = match folded.as_str() {
        "francais" | "french" | "francaise" | "fra" | "fre" | "france" => "fr",
        "anglais" | "english" | "eng" | "anglaise" | "englisch" => "en",
        "allemand" | "german" | "deutsch" | "deu" | "ger" => "de",
        "espagnol" | "spanish" | "espanol" | "spa" | "esp" => "es",
        "italien" | "italian" | "italiano" | "ita" => "it",
        "neerlandais" | "dutch" | "nederlands" | "nld" => "nl",
        "portugais" | "portuguese" | "portugues" | "por" => "pt",
        _ => "",
    };
    if !known.is_empty() {
        return Some(known.to_owned());
    }
    let primary = text.trim().split(['-', '_']).next()?.to_ascii_lowercase();
    let tag = matches!(primary.len(), 2 | 3) && primary.bytes().all(|b| b.is_ascii_lowercase());
    tag.then_some(primary)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_export_made_harmless_comes_back_as_it_was() {
        for text in ["=Beta", "+33 1", "-x", "@home", "=a, b", "Alpha", "'t Hooft", "' quoted"] {
            assert_eq!(line(&harmless(text), MAX_NAME).as_deref(), Some(text));
        }
        assert_eq!(paragraph(&harmless("=un\n'=deux"), MAX_NOTES).as_deref(), Some("=un\n'=deux"));
    }
}
