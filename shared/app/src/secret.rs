//! Secrets that we hand out and keep only the hash of.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

/// 32 bytes of chance, to be shown once.
pub struct Secret([u8; 32]);

impl Secret {
    /// A new one.
    pub fn new() -> Self {
        Self(crate::chance())
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// 43 characters that fit into a link.
    pub fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// What is stored of it.
    pub fn hash(&self) -> String {
        sha256(&self.0)
    }
}

impl Default for Secret {
    fn default() -> Self {
        Self::new()
    }
}

/// The hash of a secret that came back as text; `None` when it cannot be one.
pub fn hash_of(text: &str) -> Option<String> {
    let bytes = URL_SAFE_NO_PAD.decode(text.trim()).ok()?;
    (bytes.len() == 32).then(|| sha256(&bytes))
}

/// SHA-256 in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_again_by_its_hash_and_nothing_else_is() {
        let secret = Secret::new();
        assert_eq!(hash_of(&secret.text()), Some(secret.hash()));
        assert_ne!(hash_of(&Secret::new().text()), Some(secret.hash()));
        for bad in ["", "x", &secret.hash(), &format!("{}A", secret.text())] {
            assert_eq!(hash_of(bad), None, "{bad}");
        }
    }
}
