//! Passwords: bcrypt only, at cost 12, never cut off (A4).

use secrecy::{ExposeSecret, SecretString};

use crate::{Failure, fields::Fields};

/// bcrypt's cost: about 0.6 s of one arm64 core.
pub const COST: u32 = 12;
/// Shortest, in characters (NIST SP 800-63B asks for eight, ASVS 5 recommends more).
pub const SHORTEST: usize = 12;
/// Longest, in bytes of UTF-8: bcrypt ignores what follows, so more is refused.
pub const LONGEST_BYTES: usize = 72;

/// The hash of a password that nobody has: what an unknown address is checked against.
const NOBODY: &str = "$2b$12$eImiTXuWVxfM37uY4JANjOe5XtLpYyQjH0hkhcvmJp1H1E0G4hMZm";

/// A password that may be set.
pub struct Password(SecretString);

impl Password {
    /// Checks length, in characters and in bytes, noting under `field` what is wrong.
    pub fn parse(fields: &mut Fields, field: &str, text: &SecretString) -> Option<Self> {
        let exposed = text.expose_secret();
        let wrong = if exposed.len() > LONGEST_BYTES {
            format!(
                "must have at most {LONGEST_BYTES} bytes in UTF-8 (an accented letter takes two); it is not cut off"
            )
        } else if exposed.chars().count() < SHORTEST {
            format!("must have at least {SHORTEST} characters")
        } else if exposed.contains('\0') {
            "must not contain NUL".to_owned()
        } else {
            return Some(Self(text.clone()));
        };
        fields.wrong(field, wrong);
        None
    }

    /// Its hash, `$2b$12$…`. Nothing is cut off: [`Password::parse`] let at most 72 bytes through, and bcrypt
    /// looks at 72. (The crate's `non_truncating_…` would refuse the 72nd, counting a NUL behind it.)
    pub fn hash(&self) -> Result<String, Failure> {
        bcrypt::hash(self.0.expose_secret(), COST).map_err(|_| Failure::internal("bcrypt"))
    }
}

/// Whether `password` is the one behind `hash`. Takes as long when there is no hash.
pub fn verify(password: &SecretString, hash: Option<&str>) -> bool {
    let password = password.expose_secret();
    // What is too long was never set; it is given the same work.
    let (tried, possible) = if password.len() <= LONGEST_BYTES { (password, true) } else { ("", false) };
    let right = bcrypt::verify(tried, hash.unwrap_or(NOBODY)).unwrap_or(false);
    right && possible && hash.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Option<String> {
        let mut fields = Fields::default();
        Password::parse(&mut fields, "password", &text.to_owned().into());
        fields.done().err().map(|failure| failure.detail)
    }

    #[test]
    fn a4_all_seventy_two_bytes_count() {
        let (right, wrong) = (format!("{}é", "a".repeat(70)), format!("{}è", "a".repeat(70)));
        let hash = Password(right.clone().into()).hash().unwrap();
        assert!(verify(&right.into(), Some(&hash)));
        assert!(!verify(&wrong.into(), Some(&hash)));
    }

    #[test]
    fn a4_seventy_three_bytes_are_refused_and_seventy_two_are_not_cut() {
        assert_eq!(said(&"x".repeat(72)), None);
        assert!(said(&"x".repeat(73)).unwrap().contains("72 bytes"));
        assert!(said(&"é".repeat(37)).unwrap().contains("72 bytes"));
        assert!(said(&"x".repeat(11)).unwrap().contains("12 characters"));
        assert_eq!(said(&"x".repeat(64)), None);
    }

    #[test]
    fn a4_the_hash_is_bcrypt_at_cost_twelve_and_only_its_password_opens_it() {
        let password = Password("correct horse battery".to_owned().into());
        let hash = password.hash().unwrap();
        assert!(hash.starts_with("$2b$12$"), "{hash}");
        assert!(verify(&password.0, Some(&hash)));
        assert!(!verify(&"correct horse batterz".to_owned().into(), Some(&hash)));
        assert!(!verify(&"x".repeat(73).into(), Some(&hash)));
        assert!(!verify(&password.0, None));
    }

    #[test]
    fn nobodys_hash_costs_as_much_as_anybodys() {
        let parts: bcrypt::HashParts = NOBODY.parse().unwrap();
        assert_eq!(parts.get_cost(), COST);
        assert!(bcrypt::verify("anything", NOBODY).is_ok());
    }
}
