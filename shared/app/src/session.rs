//! Logging in and out. Only the function `session` has the secret that tokens are signed with.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{
    Timestamp,
    audit::{Action, Actor, Caller, Object, Origin},
    email::EmailAddress,
    id::{ID_BYTES, SessionId, WorkspaceId},
    policy::retention::{self, Class, Policy, is_due},
};
use jsonwebtoken::EncodingKey;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use storage::{
    StoreError, WorkspaceScope,
    accounts::{login::Login, session::Session},
};

use crate::{
    App, Failure, Kind,
    auth::{self, ACCESS_SECONDS, Claims},
    limits, password,
    secret::{Secret, sha256},
    signing::Key,
};

/// How long a refusal takes at least once the password was looked at: only one that exists leaves an entry
/// in a trail, and this hides that one call was not made.
const LEAST: Duration = Duration::from_millis(100);

/// A PKCS #8 envelope (RFC 8410 §7) up to the 32 bytes of an Ed25519 seed.
const PKCS8_PREFIX: [u8; 16] = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];

/// Seconds after which the public half of the key is published again.
const PUBLISHED_EVERY: i64 = 24 * 60 * 60;

/// Signs access tokens.
pub struct Signer {
    kid: String,
    key: EncodingKey,
    public: [u8; 32],
    /// When the public half was last published, epoch seconds.
    published: AtomicI64,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signer({})", self.kid)
    }
}

impl Signer {
    /// From the secret's JSON, `{"v1": "<32 or more random characters>", …}`: the newest version signs.
    pub fn from_json(json: &str) -> Result<Self, Failure> {
        let Key { kid, seed, public } = Key::derive(json, "access-token")?;
        let key = EncodingKey::from_ed_der(&[PKCS8_PREFIX.as_slice(), &seed].concat());
        Ok(Self { kid, key, public, published: AtomicI64::new(i64::MIN) })
    }

    /// The name of the key.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The public half in base64url.
    pub fn public(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.public)
    }

    /// The token that says so.
    pub fn sign(&self, claims: &Claims) -> Result<String, Failure> {
        jsonwebtoken::encode(&auth::header(&self.kid), claims, &self.key)
            .map_err(|_| Failure::internal("signing failed"))
    }
}

/// Who logs in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogIn {
    email: String,
    password: SecretString,
    /// Of the second factor, where it is on; or a recovery code.
    #[serde(default)]
    code: Option<SecretString>,
}

/// A refresh token to trade.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refresh {
    refresh_token: String,
}

/// What a session lives on.
#[derive(Serialize)]
pub struct Tokens {
    access_token: String,
    token_type: &'static str,
    /// Seconds.
    expires_in: i64,
    refresh_token: String,
}

impl App {
    /// Trades an address and its password for a session. An unknown address, a wrong password and an
    /// address that was never confirmed read the same and take as long. A member with a second factor is asked
    /// for its code once the password was right, and not before.
    pub async fn log_in(&self, who: LogIn, origin: Origin, now: Timestamp) -> Result<Tokens, Failure> {
        self.throttle(limits::LOGINS, origin.network(), now).await?;
        let pepper = self.pepper().await?;
        let name = match EmailAddress::parse(who.email.trim()) {
            Ok(email) => pepper.login(&email),
            Err(_) => sha256(who.email.as_bytes()), // found nowhere, throttled like any other
        };
        let guesses = self.guess(&name, origin.network(), now).await?;
        let login = self.db.login(&name).await?;
        let right = password::verify(&who.password, login.as_ref().map(|login| login.password.as_str())).await?;
        let login = match login {
            Some(login) if right => login,
            known => {
                let (noted, ()) = tokio::join!(self.note_refusal(known, origin, now), tokio::time::sleep(LEAST));
                return Err(noted.err().unwrap_or_else(wrong));
            }
        };
        self.forgive(guesses).await?;
        self.still_there(&login, now).await?;
        if let Err(failure) = self.ask_second_factor(&login, who.code.as_ref(), now).await {
            let refused = who.code.is_some() && failure.kind == Kind::Unauthenticated;
            self.note_refusal(Some(login).filter(|_| refused), origin, now).await?;
            return Err(failure);
        }

        let secret = Secret::new();
        let session = Session {
            id: SessionId::new(now, crate::chance()),
            workspace: login.workspace,
            member: login.member,
            login: name,
            generation: login.generation,
            secret: secret.hash(),
            created_at: now,
            used_at: None,
            network: origin.network().to_owned(),
            user_agent: origin.user_agent().to_owned(),
            ttl: retention::ttl(ends(now)),
        };
        let actor = Actor::Member { id: login.member, role: login.role, session: Some(session.id) };
        let scope = WorkspaceScope::acting(login.workspace, Caller::new(actor, origin));
        let entry = scope.entry(Action::SessionOpened, now).about(session.id);
        self.db.begin_session(&session, &entry).await?;
        // Another role or password since the look-up: whoever changed it may have ended sessions before this one
        // was there to be ended.
        if self.db.login(&session.login).await?.is_none_or(|login| login.generation != session.generation) {
            self.db.accounts(&scope).drop_sessions(session.member, None, now).await?;
            return Err(wrong());
        }
        self.issue_tokens(&session, &login, &secret, now).await
    }

    /// Whose sign-in was tried in vain reads it in their trail.
    async fn note_refusal(&self, login: Option<Login>, origin: Origin, now: Timestamp) -> Result<(), Failure> {
        let Some(login) = login else { return Ok(()) };
        let scope = WorkspaceScope::acting(login.workspace, Caller::new(Actor::Anonymous, origin));
        Ok(self.db.record(&scope.entry(Action::SessionRefused, now).about(login.member)).await?)
    }

    /// Trades a refresh token for new tokens. One that was used before ends the session: either its
    /// owner or a thief holds a newer one, and nobody can tell which.
    pub async fn refresh_session(&self, asked: Refresh, origin: Origin, now: Timestamp) -> Result<Tokens, Failure> {
        let token = RefreshToken::parse(&asked.refresh_token).ok_or_else(expired)?;
        let session = self.db.session(token.workspace, token.session, now).await?.ok_or_else(expired)?;
        let login = self.db.login(&session.login).await?;
        // A password or a role that changed since ends every session that is older (ASVS 7.4.3).
        let current = login.filter(|l| l.generation == session.generation && l.member == session.member);
        let (Some(login), true) = (current, sha256(&token.secret) == session.secret) else {
            return Err(self.revoke_session(&session, origin, now).await.err().unwrap_or_else(expired));
        };
        self.still_there(&login, now).await?;
        let next = Secret::new();
        match self.db.rotate_session(&session, &next.hash(), now, ends(now)).await {
            Ok(()) => self.issue_tokens(&session, &login, &next, now).await,
            Err(StoreError::Conflict) => {
                Err(self.revoke_session(&session, origin, now).await.err().unwrap_or_else(expired))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Ends a session whose refresh token is not the latest: who sent it did not prove who they are.
    async fn revoke_session(&self, session: &Session, origin: Origin, now: Timestamp) -> Result<(), Failure> {
        let scope = WorkspaceScope::acting(session.workspace, Caller::new(Actor::Anonymous, origin));
        let member = Object::from(session.member);
        let entry = scope.entry(Action::SessionRevoked, now).about(session.id).with("member", member);
        Ok(self.db.end_session(session.workspace, session.id, &entry).await?)
    }

    /// Ends the session that an access token belongs to.
    pub async fn log_out(&self, claims: &Claims, origin: Origin, now: Timestamp) -> Result<(), Failure> {
        let entry = claims.scope(origin).entry(Action::SessionEnded, now).about(claims.sid);
        Ok(self.db.end_session(claims.ws, claims.sid, &entry).await?)
    }

    /// A closed workspace can be entered, to export or to reopen it, until its time is over.
    async fn still_there(&self, login: &Login, now: Timestamp) -> Result<(), Failure> {
        let scope = WorkspaceScope::internal(login.workspace);
        let workspace = self.db.accounts(&scope).workspace().await?.ok_or_else(wrong)?;
        let over = workspace.closing().is_some_and(|closing| is_due(closing.ends(), now));
        if over { Err(wrong()) } else { Ok(()) }
    }

    async fn issue_tokens(
        &self,
        session: &Session,
        login: &Login,
        secret: &Secret,
        now: Timestamp,
    ) -> Result<Tokens, Failure> {
        let who = (session.workspace, session.member, login.role);
        let claims = Claims::new(&self.config.public_url, who, session.id, now);
        let refresh = RefreshToken { workspace: session.workspace, session: session.id, secret: *secret.as_bytes() };
        Ok(Tokens {
            access_token: self.signer(now).await?.sign(&claims)?,
            token_type: "Bearer",
            expires_in: ACCESS_SECONDS,
            refresh_token: refresh.text(),
        })
    }

    /// The signer, its public half published before the first token is signed and once a day after that:
    /// it is kept for years after its last use.
    async fn signer(&self, now: Timestamp) -> Result<&Signer, Failure> {
        let made = async || Signer::from_json(&self.secret(&self.config.session_secret).await?);
        let signer = self.signer.get_or_try_init(made).await?;
        if now.as_second().saturating_sub(signer.published.load(Ordering::Relaxed)) >= PUBLISHED_EVERY {
            self.db.publish_key(signer.kid(), &signer.public(), now).await?;
            signer.published.store(now.as_second(), Ordering::Relaxed);
        }
        Ok(signer)
    }
}

/// When a session used at `now` ends unless it is used again.
fn ends(now: Timestamp) -> Timestamp {
    Policy::current().expiry(Class::Session, now)
}

fn wrong() -> Failure {
    let detail = "The address or the password is not right, or the address has not been confirmed yet.";
    Failure::new(Kind::Unauthenticated, "unauthenticated", detail)
}

fn expired() -> Failure {
    Failure::new(Kind::Unauthenticated, "unauthenticated", "This session has ended. Log in again: POST /v1/session.")
}

/// Workspace, session and secret: what finds a session and proves the right to it.
struct RefreshToken {
    workspace: WorkspaceId,
    session: SessionId,
    secret: [u8; 32],
}

impl RefreshToken {
    fn text(&self) -> String {
        let bytes = [self.workspace.as_bytes().as_slice(), self.session.as_bytes(), &self.secret].concat();
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text.trim()).ok()?;
        let (workspace, rest) = bytes.split_first_chunk::<ID_BYTES>()?;
        let (session, secret) = rest.split_first_chunk::<ID_BYTES>()?;
        Some(Self {
            workspace: WorkspaceId::from_bytes(*workspace),
            session: SessionId::from_bytes(*session),
            secret: secret.try_into().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refresh_token_reads_back_and_nothing_else_does() {
        let secret = Secret::new();
        let token = RefreshToken {
            workspace: WorkspaceId::from_bytes([1; 10]),
            session: SessionId::from_bytes([2; 10]),
            secret: *secret.as_bytes(),
        };
        let text = token.text();
        let back = RefreshToken::parse(&text).unwrap();
        assert_eq!((back.workspace, back.session), (token.workspace, token.session));
        assert_eq!(sha256(&back.secret), secret.hash());
        for bad in ["", "a.b.c", &text[1..], &format!("{text}AA")] {
            assert!(RefreshToken::parse(bad).is_none(), "{bad}");
        }
    }
}
