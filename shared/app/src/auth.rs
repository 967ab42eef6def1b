//! Access tokens: who may touch which workspace's data.
//!
//! A JWT (RFC 7519) of ten minutes, signed with Ed25519 by `session`, which alone has the key. Every
//! other function verifies it with the public half, read once from the keys table. One algorithm; the
//! time is the request's, never a clock's. Each request also looks whether the session is still there.

use std::{collections::BTreeMap, sync::Mutex};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{
    Timestamp,
    audit::{Actor, Caller, Origin},
    id::{MemberId, SessionId, WorkspaceId},
    member::Role,
};
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use storage::WorkspaceScope;

use crate::{App, Failure};

/// Seconds an access token is good for.
pub const ACCESS_SECONDS: i64 = 600;
/// Who access tokens are for.
const AUDIENCE: &str = "prospectra-api";
/// The media type of access tokens (RFC 9068 §2.1): no other JWT can be taken for one.
const TYPE: &str = "at+jwt";

/// What an access token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// This installation.
    iss: String,
    /// Its API.
    aud: String,
    /// Who.
    pub sub: MemberId,
    /// In which workspace.
    pub ws: WorkspaceId,
    /// By which session.
    pub sid: SessionId,
    /// What they may do.
    pub role: Role,
    /// Since when, epoch seconds.
    iat: i64,
    /// Until when, epoch seconds.
    exp: i64,
}

impl Claims {
    /// The claims of a token issued at `now`.
    pub fn new(issuer: &str, who: (WorkspaceId, MemberId, Role), sid: SessionId, now: Timestamp) -> Self {
        let (ws, sub, role) = who;
        let iat = now.as_second();
        Self { iss: issuer.to_owned(), aud: AUDIENCE.to_owned(), sub, ws, sid, role, iat, exp: iat + ACCESS_SECONDS }
    }

    /// The scope they open to a request from `origin`.
    pub fn scope(&self, origin: Origin) -> WorkspaceScope {
        let actor = Actor::Member { id: self.sub, role: self.role, session: Some(self.sid) };
        WorkspaceScope::acting(self.ws, Caller::new(actor, origin))
    }
}

/// Public keys by name, as read so far.
#[derive(Default)]
pub(crate) struct VerifyingKeys(Mutex<BTreeMap<String, DecodingKey>>);

impl std::fmt::Debug for VerifyingKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("VerifyingKeys")
    }
}

impl VerifyingKeys {
    fn get(&self, kid: &str) -> Option<DecodingKey> {
        self.0.lock().ok()?.get(kid).cloned()
    }

    fn keep(&self, kid: &str, key: &DecodingKey) {
        if let Ok(mut keys) = self.0.lock() {
            keys.insert(kid.to_owned(), key.clone());
        }
    }
}

impl App {
    /// Calls ahead of the first request what every request would wait for.
    pub async fn warm(&self) {
        if !self.config.pepper_secret.is_empty() && self.pepper().await.is_err() {
            tracing::warn!("the pepper could not be read at start; the first request will try again");
        }
    }

    /// What an access token says, if it is worth something at `now`. A closed workspace opens too: its
    /// exports and rights stay available, and use cases that need it open ask for [`App::active_workspace`].
    pub async fn claims(&self, token: &str, now: Timestamp) -> Result<Claims, Failure> {
        let kid = key_name(token).ok_or_else(Failure::unauthenticated)?;
        let key = match self.verifying_keys.get(&kid) {
            Some(key) => key,
            None => {
                let published = self.db.verifying_key(&kid).await?.ok_or_else(Failure::unauthenticated)?;
                let key = decoding_key(&published.x).ok_or_else(|| Failure::internal("unreadable verifying key"))?;
                self.verifying_keys.keep(&kid, &key);
                key
            }
        };
        let claims = verify(token, &key, &self.config.public_url, now).ok_or_else(Failure::unauthenticated)?;
        // Whoever signed out, was sent away, or has another role or password by now, has no session: a token
        // is worth nothing from that moment on, and not only when its ten minutes are over.
        let scope = self.reaching(WorkspaceScope::internal(claims.ws), now).await?;
        let session = self.db.of(&scope).session(claims.ws, claims.sid, now).await?;
        session.filter(|session| session.member == claims.sub).ok_or_else(Failure::unauthenticated)?;
        Ok(claims)
    }
}

/// A public key from its 32 bytes in base64url.
fn decoding_key(x: &str) -> Option<DecodingKey> {
    let bytes = URL_SAFE_NO_PAD.decode(x).ok()?;
    (bytes.len() == 32).then(|| DecodingKey::from_ed_der(&bytes))
}

/// The header that access tokens carry.
pub(crate) fn header(kid: &str) -> Header {
    Header { typ: Some(TYPE.to_owned()), kid: Some(kid.to_owned()), ..Header::new(Algorithm::EdDSA) }
}

/// The name of the key that a token claims to be signed with, if its header is exactly as ours:
/// nothing that names a key elsewhere (`jku`, `jwk`, `x5u`) is looked at.
fn key_name(token: &str) -> Option<String> {
    let header = jsonwebtoken::decode_header(token).ok()?;
    let kid = header.kid.clone()?;
    let plain = kid.len() <= 40 && kid.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    (plain && header == self::header(&kid)).then_some(kid)
}

/// The claims, if the signature, issuer, audience and time are right.
fn verify(token: &str, key: &DecodingKey, issuer: &str, now: Timestamp) -> Option<Claims> {
    let mut rules = Validation::new(Algorithm::EdDSA);
    rules.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    rules.set_audience(&[AUDIENCE]);
    rules.set_issuer(&[issuer]);
    // The library would ask a clock.
    rules.validate_exp = false;
    let claims = jsonwebtoken::decode::<Claims>(token, key, &rules).ok()?.claims;
    (now.as_second() < claims.exp).then_some(claims)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Signer;

    const ISSUER: &str = "https://app.example.com";

    fn signer(version: &str) -> Signer {
        Signer::from_json(&format!(r#"{{"{version}":"0123456789abcdef0123456789abcdef"}}"#)).unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn claims(issuer: &str) -> Claims {
        let who = (WorkspaceId::from_bytes([1; 10]), MemberId::from_bytes([2; 10]), Role::Owner);
        Claims::new(issuer, who, SessionId::from_bytes([3; 10]), at("2026-03-01T10:00:00Z"))
    }

    fn key(signer: &Signer) -> DecodingKey {
        decoding_key(&signer.public()).unwrap()
    }

    #[test]
    fn a_token_is_good_for_ten_minutes_to_the_second() {
        let signer = signer("v1");
        let token = signer.sign(&claims(ISSUER)).unwrap();
        assert_eq!(key_name(&token).as_deref(), Some(signer.kid()));
        let read = |now| verify(&token, &key(&signer), ISSUER, at(now));
        assert_eq!(read("2026-03-01T10:09:59.999Z"), Some(claims(ISSUER)));
        assert_eq!(read("2026-03-01T10:10:00Z"), None);
    }

    #[test]
    fn another_key_issuer_audience_or_byte_is_refused() {
        let signer = signer("v1");
        let now = at("2026-03-01T10:01:00Z");
        let token = signer.sign(&claims(ISSUER)).unwrap();
        let other = Signer::from_json(r#"{"v1":"another-secret-another-secret-32"}"#).unwrap();
        assert_eq!(verify(&token, &key(&other), ISSUER, now), None);
        assert_eq!(verify(&token, &key(&signer), "https://other.example.com", now), None);
        let wrong = Claims { aud: "elsewhere".into(), ..claims(ISSUER) };
        assert_eq!(verify(&signer.sign(&wrong).unwrap(), &key(&signer), ISSUER, now), None);
        let (head, body) = token.split_once('.').unwrap();
        assert_eq!(verify(&format!("{head}.A{body}"), &key(&signer), ISSUER, now), None);
    }

    #[test]
    fn headers_that_choose_the_algorithm_or_the_key_are_refused() {
        let body = URL_SAFE_NO_PAD.encode(serde_json::to_string(&claims(ISSUER)).unwrap());
        let token = |header: &str| format!("{}.{body}.AAAA", URL_SAFE_NO_PAD.encode(header));
        for bad in [
            r#"{"alg":"none","typ":"at+jwt","kid":"v1-00"}"#,
            r#"{"alg":"HS256","typ":"at+jwt","kid":"v1-00"}"#,
            r#"{"alg":"EdDSA","typ":"JWT","kid":"v1-00"}"#,
            r#"{"alg":"EdDSA","typ":"at+jwt"}"#,
            r#"{"alg":"EdDSA","typ":"at+jwt","kid":"../x"}"#,
            r#"{"alg":"EdDSA","typ":"at+jwt","kid":"v1-00","jku":"https://evil.example.com"}"#,
            r#"{"alg":"EdDSA","typ":"at+jwt","kid":"v1-00","crit":["b64"]}"#,
        ] {
            assert_eq!(key_name(&token(bad)), None, "{bad}");
        }
        assert!(key_name(&token(r#"{"alg":"EdDSA","typ":"at+jwt","kid":"v1-00"}"#)).is_some());
    }

    #[test]
    fn the_newest_version_signs_and_has_a_name_of_its_own() {
        assert_ne!(
            signer("v1").kid(),
            Signer::from_json(r#"{"v1":"0123456789abcdef0123456789abcdef","v12":"abcdef0123456789abcdef0123456789"}"#)
                .unwrap()
                .kid()
        );
        assert!(Signer::from_json("{}").is_err());
        assert!(Signer::from_json(r#"{"v1":"short"}"#).is_err());
    }
}
