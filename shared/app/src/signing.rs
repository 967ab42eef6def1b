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
        let (version, root) = versions(json)?.pop_last().ok_or_else(bad)?;
        if root.len() < 32 {
            return Err(bad());
        }
        let mut seed = [0; 32];
        Hkdf::<Sha256>::new(None, root.as_bytes()).expand(label.as_bytes(), &mut seed).map_err(|_| bad())?;
        let public = SigningKey::from_bytes(&seed).verifying_key().to_bytes();
        Ok(Self { kid: format!("v{version}-{}", &sha256(&public)[..16]), seed, public })
    }
}

/// The versions of a root secret by their numbers.
fn versions(json: &str) -> Result<BTreeMap<u32, String>, Failure> {
    let versions: BTreeMap<String, String> = serde_json::from_str(json).map_err(|_| bad())?;
    let numbered = versions.into_iter().filter_map(|(name, root)| Some((name.strip_prefix('v')?.parse().ok()?, root)));
    Ok(numbered.collect())
}

/// The JSON of a root secret with one version more. The one before stays, for whoever reads meanwhile; older ones go.
pub(crate) fn with_next_version(json: &str) -> Result<String, Failure> {
    let (last, root) = versions(json)?.pop_last().ok_or_else(bad)?;
    let next = hex::encode(crate::chance::<32>());
    Ok(serde_json::json!({ format!("v{last}"): root, format!("v{}", last + 1): next }).to_string())
}

fn bad() -> Failure {
    Failure::internal("the root secret of a signing key is not as expected")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a53_a_new_version_signs_and_the_one_before_it_stays_for_a_while() {
        let first = format!(r#"{{"v1": "{}"}}"#, "a".repeat(32));
        let second = with_next_version(&first).unwrap();
        let third = with_next_version(&second).unwrap();
        let (first, second, third) = (versions(&first).unwrap(), versions(&second).unwrap(), versions(&third).unwrap());
        assert_eq!((second.keys().collect::<Vec<_>>(), second.get(&1)), (vec![&1, &2], first.get(&1)));
        assert_eq!((third.keys().collect::<Vec<_>>(), third.get(&2)), (vec![&2, &3], second.get(&2)));
        assert!(second[&2] != third[&3] && third[&3].len() == 64, "of chance");
        // Nine is before ten.
        let ten = with_next_version(&format!(r#"{{"v9": "{0}", "v10": "{0}"}}"#, "b".repeat(32))).unwrap();
        assert_eq!(versions(&ten).unwrap().into_keys().collect::<Vec<_>>(), [10, 11]);
        assert!(with_next_version("{}").is_err());
    }

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
