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
#[derive(Clone)]
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
    pub async fn hash(&self) -> Result<String, Failure> {
        let password = self.0.clone();
        let hash = apart(move || bcrypt::hash(password.expose_secret(), COST)).await?;
        hash.map_err(|_| Failure::internal("bcrypt"))
    }
}

/// Runs what takes a core for most of a second beside what waits for the network.
async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Failure::internal("a password's work panicked"))
}

/// Whether `password` is the one behind `hash`. Takes as long when there is no hash.
pub async fn verify(password: &SecretString, hash: Option<&str>) -> Result<bool, Failure> {
    // What is too long was never set; it is given the same work.
    let possible = password.expose_secret().len() <= LONGEST_BYTES;
    let tried = if possible { password.clone() } else { SecretString::default() };
    let known = hash.unwrap_or(NOBODY).to_owned();
    let right = apart(move || bcrypt::verify(tried.expose_secret(), &known).unwrap_or(false)).await?;
    Ok(right && possible && hash.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Option<String> {
        let mut fields = Fields::default();
        Password::parse(&mut fields, "password", &text.to_owned().into());
        fields.done().err().map(|failure| failure.detail)
    }

    #[tokio::test]
    async fn a4_all_seventy_two_bytes_count() {
        let (right, wrong) = (format!("{}é", "a".repeat(70)), format!("{}è", "a".repeat(70)));
        let hash = Password(right.clone().into()).hash().await.unwrap();
        assert!(verify(&right.into(), Some(&hash)).await.unwrap());
        assert!(!verify(&wrong.into(), Some(&hash)).await.unwrap());
    }

    #[test]
    fn a4_seventy_three_bytes_are_refused_and_seventy_two_are_not_cut() {
        assert_eq!(said(&"x".repeat(72)), None);
        assert!(said(&"x".repeat(73)).unwrap().contains("72 bytes"));
        assert!(said(&"é".repeat(37)).unwrap().contains("72 bytes"));
        assert!(said(&"x".repeat(11)).unwrap().contains("12 characters"));
        assert_eq!(said(&"x".repeat(64)), None);
    }

    #[tokio::test]
    async fn a4_the_hash_is_bcrypt_at_cost_twelve_and_only_its_password_opens_it() {
        let password = Password("correct horse battery".to_owned().into());
        let hash = password.hash().await.unwrap();
        assert!(hash.starts_with("$2b$12$"), "{hash}");
        assert!(verify(&password.0, Some(&hash)).await.unwrap());
        assert!(!verify(&"correct horse batterz".to_owned().into(), Some(&hash)).await.unwrap());
        assert!(!verify(&"x".repeat(73).into(), Some(&hash)).await.unwrap());
        assert!(!verify(&password.0, None).await.unwrap());
    }

    #[test]
    fn nobodys_hash_costs_as_much_as_anybodys() {
        let parts: bcrypt::HashParts = NOBODY.parse().unwrap();
        assert_eq!(parts.get_cost(), COST);
        assert!(bcrypt::verify("anything", NOBODY).is_ok());
    }
}
