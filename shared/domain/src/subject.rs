//! Who a record is about, without saying who: the keyed hash of a workspace and an address.
//!
//! The same 16 bytes name a person in the prospects, deliveries and suppressions of one workspace
//! (and never in another's: the workspace is part of what is hashed). Because all three are sorted
//! by it, one range query answers a question about fifty people at once.

use std::{collections::BTreeMap, fmt, str::FromStr};

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::{
    email::EmailAddress,
    id::{BadId, CampaignId, WorkspaceId},
    news::Reader,
};

/// Partitions that one workspace's people are spread over.
pub const SHARDS: u8 = 16;

/// A person within a workspace: the first 16 bytes of an HMAC-SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Subject([u8; 16]);

impl Subject {
    /// Stands in lists where somebody was who has been erased.
    pub const NOBODY: Self = Self([0; 16]);

    /// The subject of these bytes, as stored.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The partition (0 to 15) that this person's items live in.
    pub const fn shard(&self) -> u8 {
        self.0[0] >> 4
    }

    /// 32 hexadecimal digits: a sort key, in the same order as the bytes.
    pub fn hex(&self) -> String {
        hex::encode(self.0)
    }

    /// Reads [`Subject::hex`].
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; 16];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Self(bytes))
    }

    /// The one that comes right before this one in the order of the bytes.
    #[must_use]
    pub const fn before(&self) -> Self {
        Self(u128::from_be_bytes(self.0).wrapping_sub(1).to_be_bytes())
    }

    /// Reads a run of subjects packed 16 bytes each; `None` when the length is no multiple.
    pub fn unpack(bytes: &[u8]) -> Option<Vec<Self>> {
        let (chunks, rest) = bytes.as_chunks::<16>();
        rest.is_empty().then(|| chunks.iter().map(|b| Self(*b)).collect())
    }

    /// Packs subjects 16 bytes each.
    pub fn pack(subjects: &[Self]) -> Vec<u8> {
        subjects.iter().flat_map(|s| s.0).collect()
    }
}

/// The public name of a prospect: `pro_` and the subject in hexadecimal.
impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pro_{}", hex::encode(self.0))
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Subject {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        text.strip_prefix("pro_").and_then(Self::from_hex).ok_or(BadId("pro_"))
    }
}

impl Serialize for Subject {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Subject {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The secret document is not `{"v1": "…", …}`.
#[derive(Debug, thiserror::Error)]
#[error("the pepper secret must be a JSON object of versions, `v1` among them, each of 32 characters or more")]
pub struct BadPepper;

/// The root secret of every keyed hash and token, by version; each use has a key of its own (HKDF).
///
/// The subject key stays on `v1` for good: a person's hash must not change. Tokens are signed with
/// the newest version and verified with the one they name, so that a link outlives a rotation.
#[derive(Clone)]
pub struct Pepper {
    versions: BTreeMap<u8, Vec<u8>>,
    subject: Hmac<Sha256>,
}

impl fmt::Debug for Pepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pepper(***)")
    }
}

impl Pepper {
    /// Reads the secret's JSON, `{"v1": "<32 or more random characters>", "v2": …}`.
    pub fn from_json(json: &str) -> Result<Self, BadPepper> {
        let map: BTreeMap<String, String> = serde_json::from_str(json).map_err(|_| BadPepper)?;
        let mut versions = BTreeMap::new();
        for (name, value) in map {
            let version = name.strip_prefix('v').and_then(|v| v.parse().ok()).ok_or(BadPepper)?;
            if value.len() < 32 {
                return Err(BadPepper);
            }
            versions.insert(version, value.into_bytes());
        }
        let root = versions.get(&1).ok_or(BadPepper)?;
        let subject = Hmac::new_from_slice(&derive(root, "subject")).map_err(|_| BadPepper)?;
        Ok(Self { versions, subject })
    }

    /// The person behind an address, within a workspace. Case does not matter.
    pub fn subject(&self, workspace: WorkspaceId, email: &EmailAddress) -> Subject {
        let mut mac = self.subject.clone();
        mac.update(workspace.as_bytes());
        mac.update(email.canonical().as_bytes());
        Subject(first16(mac))
    }

    /// The keyed hash of a sign-in address, the same in every workspace: the key of its login.
    pub fn login(&self, email: &EmailAddress) -> String {
        let mut mac = self.subject.clone();
        mac.update(b"login\0");
        mac.update(email.canonical().as_bytes());
        hex::encode(first16(mac))
    }

    /// Who a service mail went to, without saying who (A36). It leads to nothing else: a sign-in has another hash.
    pub fn correspondent(&self, email: &EmailAddress) -> String {
        let mut mac = self.subject.clone();
        mac.update(b"correspondent\0");
        mac.update(email.canonical().as_bytes());
        hex::encode(first16(mac))
    }

    /// What a person's variant of a step is chosen by: the same at any time, and another one in each step. Its key
    /// stays on `v1`, like that of people.
    pub fn lot(&self, campaign: CampaignId, step: u8, person: Subject) -> u64 {
        let message = [campaign.as_bytes().as_slice(), &[step], person.as_bytes()].concat();
        let [a, b, c, d, e, f, g, h, ..] =
            self.mac("variant", 1, &message).expect("version 1 was checked at construction");
        u64::from_be_bytes([a, b, c, d, e, f, g, h])
    }

    /// Who objects to the operator's news, without saying who (A14). It leads to neither of the others.
    pub fn reader(&self, email: &EmailAddress) -> Reader {
        let mut mac = self.subject.clone();
        mac.update(b"reader\0");
        mac.update(email.canonical().as_bytes());
        Reader::from_bytes(first16(mac))
    }

    /// The newest version of the secret.
    pub fn current_version(&self) -> u8 {
        *self.versions.keys().next_back().expect("version 1 was checked at construction")
    }

    /// A MAC over `message` with the key of one purpose and one version; `None` for an unknown version.
    pub fn mac(&self, purpose: &str, version: u8, message: &[u8]) -> Option<[u8; 16]> {
        let root = self.versions.get(&version)?;
        let mut mac = Hmac::<Sha256>::new_from_slice(&derive(root, purpose)).ok()?;
        mac.update(message);
        Some(first16(mac))
    }
}

fn first16(mac: Hmac<Sha256>) -> [u8; 16] {
    let bytes = mac.finalize().into_bytes();
    let mut out = [0; 16];
    out.copy_from_slice(&bytes[..16]);
    out
}

fn derive(root: &[u8], purpose: &str) -> [u8; 32] {
    let mut key = [0; 32];
    Hkdf::<Sha256>::new(None, root)
        .expand(purpose.as_bytes(), &mut key)
        .expect("32 bytes is a valid HKDF-SHA-256 length");
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn pepper() -> Pepper {
        Pepper::from_json(r#"{"v1":"0123456789abcdef0123456789abcdef"}"#).unwrap()
    }

    #[test]
    fn a_person_is_the_same_whatever_the_case_and_another_in_another_workspace() {
        let (a, b) = (WorkspaceId::from_bytes([1; 10]), WorkspaceId::from_bytes([2; 10]));
        let lower = EmailAddress::parse("ada@firm.test").unwrap();
        let upper = EmailAddress::parse("ADA@Firm.TEST").unwrap();
        assert_eq!(pepper().subject(a, &lower), pepper().subject(a, &upper));
        assert_ne!(pepper().subject(a, &lower), pepper().subject(b, &lower));
    }

    #[test]
    fn ten_thousand_people_spread_evenly_over_the_shards() {
        let workspace = WorkspaceId::from_bytes([7; 10]);
        let mut counts = [0u32; SHARDS as usize];
        for n in 0..100_000 {
            let email = EmailAddress::parse(&format!("p{n}@firm.test")).unwrap();
            counts[pepper().subject(workspace, &email).shard() as usize] += 1;
        }
        let max = f64::from(*counts.iter().max().unwrap());
        assert!(max / (100_000.0 / f64::from(SHARDS)) <= 1.1, "{counts:?}");
    }

    #[test]
    fn lots_are_spread_evenly_and_drawn_anew_for_each_step() {
        let campaign = CampaignId::from_bytes([1; 10]);
        let person =
            |n: u32| Subject::from_bytes([n.to_be_bytes(), [0; 4], [0; 4], [0; 4]].concat().try_into().unwrap());
        let of = |step| (0..10_000).map(move |n| pepper().lot(campaign, step, person(n)) % 2).collect::<Vec<_>>();
        let (first, second) = (of(1), of(2));
        let same = first.iter().zip(&second).filter(|(one, other)| one == other).count();
        assert!((4_800..5_200).contains(&first.iter().sum::<u64>()) && (4_800..5_200).contains(&same), "{same}");
        assert_eq!(first, of(1));
    }

    #[test]
    fn a_short_or_missing_first_version_is_refused() {
        for bad in ["", "{}", r#"{"v1":"short"}"#, r#"{"v2":"0123456789abcdef0123456789abcdef"}"#] {
            assert!(Pepper::from_json(bad).is_err(), "{bad}");
        }
    }
}
