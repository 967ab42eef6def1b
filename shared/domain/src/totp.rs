//! Codes of a second factor (RFC 6238): six digits, another one every thirty seconds.
//!
//! HMAC-SHA-1, because every authenticator application speaks it and some speak nothing else. What is
//! known of SHA-1's collisions does not touch HMAC.

use data_encoding::BASE32_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha1::Sha1;
use subtle::ConstantTimeEq;

/// Bytes of a secret: as many as SHA-1 gives (RFC 4226 §4).
pub const SECRET_BYTES: usize = 20;
/// Digits of a code.
pub const DIGITS: usize = 6;
/// Seconds that a code is shown.
const PERIOD: i64 = 30;
/// Steps that a clock may be off, either way.
const DRIFT: i64 = 1;

/// The code that a secret shows in one step.
pub fn code(secret: &[u8], step: u64) -> String {
    // HMAC takes a key of any length.
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(secret) else { return String::new() };
    mac.update(&step.to_be_bytes());
    let digest = mac.finalize().into_bytes();
    let at = usize::from(digest[19] & 0xf);
    let word = u32::from_be_bytes([digest[at] & 0x7f, digest[at + 1], digest[at + 2], digest[at + 3]]);
    format!("{:06}", word % 1_000_000)
}

/// The step in which `given` is the right code at `now`, if it is one that was not used before: a code of
/// step `used` or earlier is refused, so that nobody can use what they saw somebody type.
pub fn verify(secret: &[u8], given: &str, now: Timestamp, used: Option<u64>) -> Option<u64> {
    let present = now.as_second().div_euclid(PERIOD);
    let steps = (present - DRIFT..=present + DRIFT).filter_map(|step| u64::try_from(step).ok());
    let mut fresh = steps.filter(|step| used.is_none_or(|used| *step > used));
    // Which digit differs must not show in the time it takes.
    fresh.find(|step| bool::from(code(secret, *step).as_bytes().ct_eq(given.as_bytes())))
}

/// Base32 without padding (RFC 4648 §6), as people type it.
pub fn base32(bytes: &[u8]) -> String {
    BASE32_NOPAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8; 20] = b"12345678901234567890";

    #[test]
    fn codes_are_those_of_rfc_6238() {
        // Appendix B, the last six of eight digits.
        for (second, expected) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(code(SECRET, second / 30), expected, "{second}");
        }
    }

    #[test]
    fn a_code_works_for_three_steps_and_once() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let shown = code(SECRET, 100);
        let verified: Vec<_> = [2_969, 2_970, 3_000, 3_059, 3_060].map(|t| verify(SECRET, &shown, at(t), None)).into();
        assert_eq!(verified, [None, Some(100), Some(100), Some(100), None]);
        assert_eq!(verify(SECRET, &shown, at(3_000), Some(99)), Some(100));
        assert_eq!(verify(SECRET, &shown, at(3_000), Some(100)), None);
        for bad in ["", "000000", &shown[1..], &format!("{shown}0"), "é00000"] {
            assert_eq!(verify(SECRET, bad, at(3_000), None), None, "{bad}");
        }
        assert_eq!(verify(b"another secret of 20", &shown, at(3_000), None), None);
    }

    #[test]
    fn base32_is_that_of_rfc_4648() {
        for (bytes, expected) in [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(base32(bytes.as_bytes()), expected);
        }
    }
}
