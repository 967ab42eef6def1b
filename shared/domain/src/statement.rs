//! Signed statements: what was done, in a form that anybody can check later with a public key.
//!
//! What is signed, byte for byte: the line [`CONTEXT`], then the statement as JSON without any space,
//! the names of every object in the order of their bytes, whole numbers only, in UTF-8. Such JSON has
//! one spelling, so that a file that was printed, indented or passed through a database still verifies.
//! The signature is Ed25519 (RFC 8032). Keys travel as JWK (RFC 8037).

use std::fmt::Write as _;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeSeed, MapAccess, SeqAccess, Visitor},
};
use serde_json::Value;

/// What every signed statement begins with: no signature of anything else can be taken for one.
pub const CONTEXT: &str = "prospectra statement v1\n";

/// The one algorithm.
const ALGORITHM: &str = "Ed25519";

/// Why a statement proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unproven {
    /// A number with a fraction has more than one spelling.
    #[error("the statement has a number that is not whole")]
    Fraction,
    /// Signed in a way that is not known.
    #[error("the statement is signed with `{0}`, not with Ed25519")]
    Algorithm(String),
    /// None of the keys is the one it names.
    #[error("the statement is signed by the key `{0}`, which is not among the keys given")]
    UnknownKey(String),
    /// The key or the signature is no key or signature at all.
    #[error("the key or the signature cannot be read")]
    Unreadable,
    /// Something was changed after it was signed, or another key signed it.
    #[error("the signature does not fit: the statement was changed, or this key did not sign it")]
    Forged,
}

/// A statement with its signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signed {
    /// What is stated. Read from a text, no name may be there twice: readers would differ in what it says.
    #[serde(deserialize_with = "unambiguous")]
    pub statement: Value,
    /// Always `Ed25519`.
    pub alg: String,
    /// The name of the key.
    pub kid: String,
    /// 64 bytes in base64url without padding.
    pub signature: String,
}

/// JSON in which no object has a name twice.
fn unambiguous<'de, D: Deserializer<'de>>(from: D) -> Result<Value, D::Error> {
    struct Unambiguous;
    impl<'de> DeserializeSeed<'de> for Unambiguous {
        type Value = Value;
        fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
            from.deserialize_any(self)
        }
    }
    impl<'de> Visitor<'de> for Unambiguous {
        type Value = Value;
        fn expecting(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            to.write_str("JSON")
        }
        fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
            Ok(value.into())
        }
        fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
            Ok(value.into())
        }
        fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
            Ok(value.into())
        }
        fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
            Ok(value.into())
        }
        fn visit_str<E>(self, value: &str) -> Result<Value, E> {
            Ok(value.into())
        }
        fn visit_unit<E>(self) -> Result<Value, E> {
            Ok(Value::Null)
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Value, A::Error> {
            let mut all = Vec::new();
            while let Some(value) = values.next_element_seed(Unambiguous)? {
                all.push(value);
            }
            Ok(all.into())
        }
        fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
            let mut all = serde_json::Map::new();
            while let Some(name) = members.next_key::<String>()? {
                let value = members.next_value_seed(Unambiguous)?;
                if all.insert(name.clone(), value).is_some() {
                    return Err(serde::de::Error::custom(format!("`{name}` is there twice")));
                }
            }
            Ok(all.into())
        }
    }
    from.deserialize_any(Unambiguous)
}

/// A public key (RFC 8037).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicKey {
    /// Always `OKP`.
    pub kty: String,
    /// Always `Ed25519`.
    pub crv: String,
    /// Its name.
    pub kid: String,
    /// Its 32 bytes in base64url without padding.
    pub x: String,
}

/// Several public keys (RFC 7517 §5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeySet {
    /// The keys.
    pub keys: Vec<PublicKey>,
}

impl PublicKey {
    /// A key by its name and its bytes in base64url.
    #[must_use]
    pub fn new(kid: &str, x: &str) -> Self {
        Self { kty: "OKP".into(), crv: ALGORITHM.into(), kid: kid.into(), x: x.into() }
    }
}

impl Signed {
    /// Signs a statement.
    ///
    /// # Errors
    /// [`Unproven::Fraction`].
    pub fn new(statement: Value, kid: &str, key: &SigningKey) -> Result<Self, Unproven> {
        let signature = key.sign(&signed_bytes(&statement)?);
        let signature = URL_SAFE_NO_PAD.encode(signature.to_bytes());
        Ok(Self { statement, alg: ALGORITHM.into(), kid: kid.into(), signature })
    }

    /// Whether the key that the statement names is among `keys` and has signed it as it is.
    ///
    /// # Errors
    /// [`Unproven`] says why it proves nothing.
    pub fn verify(&self, keys: &[PublicKey]) -> Result<(), Unproven> {
        if self.alg != ALGORITHM {
            return Err(Unproven::Algorithm(self.alg.clone()));
        }
        let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| Unproven::Unreadable);
        let named = |key: &&PublicKey| key.kid == self.kid && key.kty == "OKP" && key.crv == ALGORITHM;
        let key = keys.iter().find(named).ok_or_else(|| Unproven::UnknownKey(self.kid.clone()))?;
        let key: [u8; 32] = bytes(&key.x)?.try_into().map_err(|_| Unproven::Unreadable)?;
        let key = VerifyingKey::from_bytes(&key).map_err(|_| Unproven::Unreadable)?;
        let signature = Signature::from_slice(&bytes(&self.signature)?).map_err(|_| Unproven::Unreadable)?;
        // Strict: one statement has one signature, whatever a forger does to the points.
        key.verify_strict(&signed_bytes(&self.statement)?, &signature).map_err(|_| Unproven::Forged)
    }
}

/// The bytes that are signed.
///
/// # Errors
/// [`Unproven::Fraction`].
pub fn signed_bytes(statement: &Value) -> Result<Vec<u8>, Unproven> {
    let mut text = CONTEXT.to_owned();
    write(statement, &mut text)?;
    Ok(text.into_bytes())
}

fn write(value: &Value, to: &mut String) -> Result<(), Unproven> {
    match value {
        Value::Number(number) if number.is_f64() => return Err(Unproven::Fraction),
        Value::Array(values) => {
            to.push('[');
            for (at, value) in values.iter().enumerate() {
                to.push_str(if at > 0 { "," } else { "" });
                write(value, to)?;
            }
            to.push(']');
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_unstable_by_key(|(name, _)| name.as_bytes());
            to.push('{');
            for (at, (name, value)) in members.into_iter().enumerate() {
                to.push_str(if at > 0 { "," } else { "" });
                scalar(&Value::String(name.clone()), to);
                to.push(':');
                write(value, to)?;
            }
            to.push('}');
        }
        value => scalar(value, to),
    }
    Ok(())
}

/// A text, a number, true, false or null, as serde_json spells it: only what must be escaped is.
fn scalar(value: &Value, to: &mut String) {
    let _ = write!(to, "{value}");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn key(byte: u8) -> SigningKey {
        SigningKey::from_bytes(&[byte; 32])
    }

    fn public(kid: &str, byte: u8) -> PublicKey {
        PublicKey::new(kid, &URL_SAFE_NO_PAD.encode(key(byte).verifying_key().to_bytes()))
    }

    fn signed() -> Signed {
        Signed::new(json!({"kind": "purge", "deleted": {"prospect": 3, "session": 1}}), "v1-a", &key(1)).unwrap()
    }

    #[test]
    fn a37_a_statement_that_says_something_twice_is_not_read() {
        let read = |statement: &str| {
            let text = format!(r#"{{"statement": {statement}, "alg": "Ed25519", "kid": "k", "signature": ""}}"#);
            serde_json::from_str::<Signed>(&text).map(|signed| signed.statement).map_err(|error| error.to_string())
        };
        let once = r#"{"a": [1, -2, {"b": null, "c": true}], "d": "x", "e": {}}"#;
        assert_eq!(read(once).unwrap(), serde_json::from_str::<Value>(once).unwrap());
        for twice in [r#"{"senders": 0, "senders": 2}"#, r#"{"of": [{"x": {}, "x": {"prospect": 5}}]}"#] {
            assert!(read(twice).unwrap_err().contains("twice"), "{twice}");
        }
    }

    #[test]
    fn there_is_one_spelling() {
        let value: Value =
            serde_json::from_str(r#"{ "b": [1, true, null, -2], "a": {"é": "x\"\n", "Z": ""} }"#).unwrap();
        let text = String::from_utf8(signed_bytes(&value).unwrap()).unwrap();
        assert_eq!(text, "prospectra statement v1\n{\"a\":{\"Z\":\"\",\"é\":\"x\\\"\\n\"},\"b\":[1,true,null,-2]}");
        assert_eq!(signed_bytes(&json!({"a": 1.5})), Err(Unproven::Fraction));
    }

    #[test]
    fn a_statement_verifies_however_it_is_printed() {
        let printed = serde_json::to_string_pretty(&signed()).unwrap();
        let back: Signed = serde_json::from_str(&printed).unwrap();
        assert_eq!(back.verify(&[public("v0-z", 2), public("v1-a", 1)]), Ok(()));
    }

    #[test]
    fn nothing_else_verifies() {
        let keys = [public("v1-a", 1)];
        let with = |change: fn(&mut Signed)| {
            let mut other = signed();
            change(&mut other);
            other.verify(&keys)
        };
        assert_eq!(with(|_| ()), Ok(()));
        assert_eq!(with(|s| s.statement["deleted"]["prospect"] = json!(4)), Err(Unproven::Forged));
        assert_eq!(with(|s| s.statement["residuals"] = json!({})), Err(Unproven::Forged));
        assert_eq!(with(|s| s.alg = "none".into()), Err(Unproven::Algorithm("none".into())));
        assert_eq!(with(|s| s.kid = "v2".into()), Err(Unproven::UnknownKey("v2".into())));
        assert_eq!(with(|s| s.signature = "AAAA".into()), Err(Unproven::Unreadable));
        assert_eq!(with(|s| s.signature.replace_range(..4, "AAAA")), Err(Unproven::Forged));
        assert_eq!(signed().verify(&[public("v1-a", 2)]), Err(Unproven::Forged), "the name alone proves nothing");
        let mut short = public("v1-a", 1);
        short.x.truncate(10);
        assert_eq!(signed().verify(&[short]), Err(Unproven::Unreadable));
    }

    proptest! {
        #[test]
        fn what_differs_is_spelled_differently(a in "\\PC{0,12}", b in "\\PC{0,12}", n: i64) {
            let spell = |name: &str, value: Value| signed_bytes(&json!({name: value})).unwrap();
            prop_assert_eq!(a == b, spell(&a, json!(n)) == spell(&b, json!(n)));
            prop_assert_ne!(spell(&a, json!(n)), spell(&a, json!(n.to_string())));
        }
    }
}
