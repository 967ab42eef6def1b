//! Keys that sign, derived from a root secret: one label, one key.

use std::collections::BTreeMap;

use ed25519_dalek::SigningKey;
use hkdf::Hkdf;
use sha2::Sha256;

use crate::{Failure, secret::sha256};

/// What the newest version of a root secret signs with.
pub(crate) struct Key {
    /// Version and fingerprint: the latter keeps two secrets of the same version apart.
    pub(crate) kid: String,
    pub(crate) seed: [u8; 32],
    pub(crate) public: [u8; 32],
}

impl Key {
    /// From the secret's JSON, `{"v1": "<32 or more random characters>", …}`, for one purpose.
    pub(crate) fn derive(json: &str, label: &str) -> Result<Self, Failure> {
        let bad = || Failure::internal("the root secret of a signing key is not as expected");
        let versions: BTreeMap<String, String> = serde_json::from_str(json).map_err(|_| bad())?;
        let numbered =
            versions.iter().filter_map(|(name, root)| Some((name.strip_prefix('v')?.parse::<u8>().ok()?, root)));
        let (version, root) = numbered.max_by_key(|(version, _)| *version).ok_or_else(bad)?;
        if root.len() < 32 {
            return Err(bad());
        }
        let mut seed = [0; 32];
        Hkdf::<Sha256>::new(None, root.as_bytes()).expand(label.as_bytes(), &mut seed).map_err(|_| bad())?;
        let public = SigningKey::from_bytes(&seed).verifying_key().to_bytes();
        Ok(Self { kid: format!("v{version}-{}", &sha256(&public)[..16]), seed, public })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_signs_and_every_label_has_a_key_of_its_own() {
        let (one, two) = ("a".repeat(32), "b".repeat(40));
        let derive = |json: String, label| Key::derive(&json, label).map(|key| key.kid);
        let first = derive(format!(r#"{{"v1": "{one}"}}"#), "x").unwrap();
        let second = derive(format!(r#"{{"v2": "{two}", "v1": "{one}"}}"#), "x").unwrap();
        assert!(first.starts_with("v1-") && second.starts_with("v2-"), "{first} {second}");
        assert_ne!(first, derive(format!(r#"{{"v1": "{one}"}}"#), "y").unwrap());
        for bad in ["", "{}", r#"{"v1": "short"}"#, r#"{"x1": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}"#] {
            assert!(derive(bad.to_owned(), "x").is_err(), "{bad}");
        }
    }
}
