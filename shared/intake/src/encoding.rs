//! Which encoding a file is in, from its first bytes.
//!
//! In order of certainty: a byte order mark; the zero bytes of UTF-16; being valid UTF-8, which text
//! in another encoding is only by accident; then `chardetng`, the detector of Firefox, trained on
//! letter frequencies. Mac Roman, which it leaves out, is told by its accents: old Excel for Mac
//! writes it.

use encoding_rs::{Encoding, MACINTOSH, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// The encoding of the file that begins with `prefix`. `whole`: there is nothing after it.
pub(crate) fn detect(prefix: &[u8], whole: bool) -> &'static Encoding {
    if let Some((encoding, _)) = Encoding::for_bom(prefix) {
        return encoding;
    }
    if let Some(encoding) = utf16(prefix) {
        return encoding;
    }
    if mostly_utf8(prefix, whole) {
        return UTF_8;
    }
    let mut detector = chardetng::EncodingDetector::new(chardetng::Iso2022JpDetection::Allow);
    detector.feed(prefix, whole);
    let guess = detector.guess(None, chardetng::Utf8Detection::Deny);
    if guess.is_single_byte() && is_mac_roman(prefix) {
        return MACINTOSH;
    }
    if is_plausible(guess, prefix) { guess } else { WINDOWS_1252 }
}

/// The detector must say something even where a file has three characters outside ASCII, and they
/// are a pound sign or a middle dot. A guess other than the common one needs letters that speak for
/// it.
fn is_plausible(guess: &'static Encoding, prefix: &[u8]) -> bool {
    if guess == WINDOWS_1252 {
        return true;
    }
    if !guess.is_single_byte() {
        // Half-width katakana are single bytes: a symbol of another encoding passes for one.
        let text = guess.decode_without_bom_handling(prefix).0;
        let foreign = text.chars().filter(|c| !c.is_ascii()).count();
        let doubtful = text.chars().filter(|c| matches!(c, '\u{FF61}'..='\u{FF9F}' | '\u{FFFD}')).count();
        return doubtful * 2 < foreign;
    }
    // Bytes between letters, which the guess reads otherwise than Windows-1252 does.
    let reads = |encoding: &'static Encoding, b: u8| encoding.decode_without_bom_handling(&[b]).0.into_owned();
    prefix
        .windows(3)
        .filter(|around| !around[1].is_ascii() && is_letter(around[0]) && is_letter(around[2]))
        .filter(|around| reads(guess, around[1]) != reads(WINDOWS_1252, around[1]))
        .nth(1)
        .is_some()
}

const fn is_letter(b: u8) -> bool {
    b.is_ascii_alphabetic() || b >= 0xC0
}

/// UTF-16 without a mark: ASCII (delimiters, digits, line ends) has a zero in every other byte.
fn utf16(prefix: &[u8]) -> Option<&'static Encoding> {
    let sample = &prefix[..prefix.len().min(8192) & !1];
    if sample.len() < 8 {
        return None;
    }
    let pairs = sample.len() / 2;
    let high = sample.iter().step_by(2).filter(|&&b| b == 0).count();
    let low = sample.iter().skip(1).step_by(2).filter(|&&b| b == 0).count();
    let breaks = |pattern: [u8; 2]| sample.chunks_exact(2).filter(|pair| *pair == pattern).count();
    if low * 5 > pairs * 2 && high * 20 < pairs && breaks([b'\n', 0]) + breaks([b'\r', 0]) > 0 {
        return Some(UTF_16LE);
    }
    if high * 5 > pairs * 2 && low * 20 < pairs && breaks([0, b'\n']) + breaks([0, b'\r']) > 0 {
        return Some(UTF_16BE);
    }
    None
}

/// Valid UTF-8, but for a character cut off at the end and a few cells pasted in from elsewhere.
fn mostly_utf8(prefix: &[u8], whole: bool) -> bool {
    if let Ok(text) = std::str::from_utf8(prefix) {
        // ISO-2022-JP is ASCII with escape sequences.
        return !text.contains("\u{1B}$");
    }
    let (mut good, mut bad) = (0_usize, 0_usize);
    for chunk in prefix.utf8_chunks() {
        good += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        bad += usize::from(!chunk.invalid().is_empty());
    }
    if !whole && bad == 1 {
        let tail = prefix.len() - prefix.len().min(3);
        if (tail..prefix.len()).any(|cut| std::str::from_utf8(&prefix[..cut]).is_ok()) {
            return true;
        }
    }
    // What is valid by accident is rare: two letters such as `Ã©` in a row.
    good >= 2 && good > 2 * bad
}

/// Lower-case accents of Mac Roman lie where Windows-1252 has capitals and symbols that do not stand
/// between two lower-case letters.
fn is_mac_roman(prefix: &[u8]) -> bool {
    let (mut mac, mut windows) = (0_usize, 0_usize);
    for around in prefix.windows(3) {
        if around[0].is_ascii_lowercase() && around[2].is_ascii_lowercase() {
            match around[1] {
                // é è ê à ë î ï ô û ù ç ö ü ñ ä
                0x8E | 0x8F | 0x90 | 0x88 | 0x91 | 0x94 | 0x95 | 0x99 | 0x9E | 0x9D | 0x8D | 0x9A | 0x9F | 0x96
                | 0x8A => mac += 1,
                0xE0..=0xFF => windows += 1,
                _ => {}
            }
        }
    }
    mac >= 2 && windows * 4 < mac
}
