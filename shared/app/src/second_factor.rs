//! A second factor: a code that changes every thirty seconds, and ten recovery codes for the day the
//! telephone is lost.
//!
//! The secret is sealed under the workspace's data key, in a place that names its member: it opens for
//! nobody else, and destroying the key destroys it. Recovery codes are kept as hashes, and each goes
//! when it is used.

use content::system::Notification;
use domain::{
    Timestamp,
    audit::Action,
    id::MemberId,
    policy::retention::{self, Class, Policy},
    totp,
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use storage::{
    StoreError, WorkspaceScope,
    accounts::{login::Login, second_factor::SecondFactor},
};

use crate::{App, Failure, Kind, password, secret::sha256, sessions::person};

/// How many recovery codes there are at first.
const RECOVERY_CODES: usize = 10;
/// Bytes of chance in each: 16 characters of base32.
const RECOVERY_BYTES: usize = 10;
/// The name of the problem with a wrong code.
const WRONG_CODE: &str = "second-factor-wrong";
/// What an authenticator shows the code under.
const ISSUER: &str = "Prospectra";

/// The password, to show that it is the member who sets a second factor up, and not somebody at their desk.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetUp {
    password: SecretString,
}

/// A code that the authenticator shows, or a recovery code.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Code {
    code: SecretString,
}

/// What an authenticator needs, shown once.
#[derive(Serialize)]
pub struct Secret {
    secret: String,
    uri: String,
}

/// Recovery codes, shown once.
#[derive(Serialize)]
pub struct RecoveryCodes {
    recovery_codes: Vec<String>,
}

impl App {
    /// Draws a secret. It is asked for once a code of it was confirmed; setting up again draws another.
    pub async fn set_up_second_factor(
        &self,
        scope: &WorkspaceScope,
        asked: SetUp,
        now: Timestamp,
    ) -> Result<Secret, Failure> {
        let (accounts, id) = (self.db.accounts(scope), person(scope)?);
        let member = accounts.member(id).await?.ok_or_else(Failure::unauthenticated)?;
        let guesses = self.guess(&member.login, "set-up", now).await?;
        let login = self.db.login(&member.login).await?;
        if !password::verify(&asked.password, login.as_ref().map(|login| login.password.as_str())).await? {
            return Err(Failure::field("password", "is not the password of this account"));
        }
        self.forgive(guesses).await?;
        let seen = accounts.second_factor(id).await?;
        if seen.as_ref().is_some_and(SecondFactor::is_on) {
            let detail = "A second factor is on already. POST /v1/second-factor/disable turns it off.";
            return Err(Failure::conflict("second-factor-on", detail));
        }
        let secret: [u8; totp::SECRET_BYTES] = crate::chance();
        let text = totp::base32(&secret);
        let factor = SecondFactor {
            secret: self.seal_for(scope, &place(id), &hex::encode(secret), now).await?,
            confirmed_at: None,
            step: None,
            recovery: Vec::new(),
            v: seen.as_ref().map_or(1, |seen| seen.v + 1),
            ttl: Some(retention::ttl(Policy::current().expiry(Class::OneTimeToken, now))),
        };
        let entry = scope.entry(Action::SecondFactorBegun, now).about(id);
        accounts.put_second_factor(id, &factor, seen.map(|seen| seen.v), &entry).await?;
        // The address stays out of the label: it would be in every photograph of the screen.
        let uri = format!("otpauth://totp/{ISSUER}:{id}?secret={text}&issuer={ISSUER}");
        Ok(Secret { secret: text, uri })
    }

    /// Turns it on with the first code, and ends every other session: they began without it.
    pub async fn confirm_second_factor(
        &self,
        scope: &WorkspaceScope,
        asked: Code,
        now: Timestamp,
    ) -> Result<RecoveryCodes, Failure> {
        let (accounts, id) = (self.db.accounts(scope), person(scope)?);
        let waiting = |factor: &SecondFactor| !factor.is_on() && factor.ttl.is_some_and(|ttl| now.as_second() < ttl);
        let Some(factor) = accounts.second_factor(id).await?.filter(waiting) else {
            let detail = "No second factor is being set up. Begin with POST /v1/second-factor.";
            return Err(Failure::conflict("conflict", detail));
        };
        let guesses = self.guess_code(id, now).await?;
        let step = self.step(scope, id, &factor, &asked.code, now).await?.ok_or_else(wrong_code)?;
        let codes: Vec<String> = (0..RECOVERY_CODES).map(|_| recovery_code()).collect();
        let on = SecondFactor {
            confirmed_at: Some(now),
            step: Some(step),
            recovery: codes.iter().map(|code| sha256(normal(code).as_bytes())).collect(),
            v: factor.v + 1,
            ttl: None,
            ..factor
        };
        let entry = scope.entry(Action::SecondFactorOn, now).about(id);
        accounts.put_second_factor(id, &on, Some(on.v - 1), &entry).await?;
        self.forgive(guesses).await?;
        accounts.drop_sessions(id, scope.session(), now).await?;
        self.tell_second_factor(scope, id, true, now).await;
        Ok(RecoveryCodes { recovery_codes: codes })
    }

    /// Turns it off, for whoever has a code.
    pub async fn disable_second_factor(
        &self,
        scope: &WorkspaceScope,
        asked: Code,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let id = person(scope)?;
        let on = self.db.accounts(scope).second_factor(id).await?.filter(SecondFactor::is_on);
        let factor = on.ok_or_else(|| Failure::conflict("conflict", "There is no second factor to turn off."))?;
        self.spend(scope, id, factor, &asked.code, now).await?;
        let entry = scope.entry(Action::SecondFactorOff, now).about(id);
        self.db.accounts(scope).delete_second_factor(id, &entry).await?;
        self.tell_second_factor(scope, id, false, now).await;
        Ok(())
    }

    /// Asks whoever gave the right password for a code, if they have a second factor.
    pub(crate) async fn ask_second_factor(
        &self,
        login: &Login,
        code: Option<&SecretString>,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let scope = WorkspaceScope::internal(login.workspace);
        let factor = self.db.accounts(&scope).second_factor(login.member).await?.filter(SecondFactor::is_on);
        match (factor, code) {
            (None, _) => Ok(()),
            (Some(_), None) => {
                let detail = "Send `code` too: what the authenticator shows, or a recovery code.";
                Err(Failure::new(Kind::Unauthenticated, "second-factor-needed", detail))
            }
            (Some(factor), Some(code)) => {
                let spent = self.spend(&scope, login.member, factor, code, now).await;
                spent.map_err(|failure| match failure.slug {
                    WRONG_CODE => Failure { kind: Kind::Unauthenticated, ..failure },
                    _ => failure,
                })
            }
        }
    }

    /// Uses a code up, whichever kind it is of.
    async fn spend(
        &self,
        scope: &WorkspaceScope,
        member: MemberId,
        factor: SecondFactor,
        code: &SecretString,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let guesses = self.guess_code(member, now).await?;
        let seen = factor.v;
        let mut next = SecondFactor { v: seen + 1, ..factor };
        if let Some(step) = self.step(scope, member, &next, code, now).await? {
            next.step = Some(step);
        } else {
            let hash = sha256(normal(code.expose_secret()).as_bytes());
            let index = next.recovery.iter().position(|kept| *kept == hash).ok_or_else(wrong_code)?;
            next.recovery.remove(index);
        }
        match self.db.accounts(scope).spend_code(member, &next, seen).await {
            Ok(()) => self.forgive(guesses).await,
            // Somebody used a code at the same moment; it may have been this one.
            Err(StoreError::Conflict) => Err(wrong_code()),
            Err(error) => Err(error.into()),
        }
    }

    /// The step in which the authenticator shows this code, if it does and the code was not used before.
    async fn step(
        &self,
        scope: &WorkspaceScope,
        member: MemberId,
        factor: &SecondFactor,
        code: &SecretString,
        now: Timestamp,
    ) -> Result<Option<u64>, Failure> {
        let secret = self.open_sealed(scope, &place(member), &factor.secret).await?;
        let secret = hex::decode(secret.expose_secret()).map_err(|_| Failure::internal("a second factor's secret"))?;
        Ok(totp::verify(&secret, &normal(code.expose_secret()), now, factor.step))
    }

    /// Codes are counted by member alone: who has the password already may come from many networks.
    async fn guess_code(&self, member: MemberId, now: Timestamp) -> Result<crate::limits::Guesses, Failure> {
        self.guess(&member.to_string(), "code", now).await
    }

    /// Whoever did not do this learns it so; it is done all the same when the mail cannot go.
    async fn tell_second_factor(&self, scope: &WorkspaceScope, member: MemberId, on: bool, now: Timestamp) {
        let mail =
            if on { Notification::SecondFactorOn { at: now } } else { Notification::SecondFactorOff { at: now } };
        if let Err(failure) = self.tell_member(scope, member, mail, now).await {
            tracing::warn!(slug = failure.slug, cause = failure.cause.as_deref(), "no mail about a second factor");
        }
    }
}

/// Where a member's secret is sealed.
fn place(member: MemberId) -> String {
    format!("second_factor.{member}.secret")
}

/// A code as it is compared: people add spaces and dashes, and forget capitals.
fn normal(code: &str) -> String {
    code.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect()
}

/// `ABCD-EFGH-IJKL-MNOP`.
fn recovery_code() -> String {
    let text = totp::base32(&crate::chance::<RECOVERY_BYTES>());
    let groups: Vec<_> = text.as_bytes().chunks(4).map(String::from_utf8_lossy).collect();
    groups.join("-")
}

fn wrong_code() -> Failure {
    let detail = "This code is not right, is too old, or was used before. Wait for the next one.";
    Failure::refused(WRONG_CODE, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recovery_codes_are_read_however_they_are_typed() {
        let code = recovery_code();
        assert_eq!(code.len(), 19);
        assert_ne!(code, recovery_code());
        let typed = code.to_lowercase().replace('-', " ");
        assert_eq!(normal(&typed), normal(&code));
        assert_eq!(normal(" 123 456\n"), "123456");
    }
}
