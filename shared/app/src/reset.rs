//! Forgotten passwords.

use std::time::Duration;

use content::system::Notification;
use domain::{
    Timestamp,
    audit::{Action, Actor, Caller, Origin},
    email::EmailAddress,
    policy::retention::{Class, Policy},
};
use jiff::SignedDuration;
use secrecy::SecretString;
use serde::Deserialize;
use storage::{
    WorkspaceScope,
    accounts::{
        login::{Login, Redeem},
        once::GoodFor,
    },
};

use crate::{
    App, Failure,
    fields::Fields,
    limits,
    password::Password,
    secret::{Secret, hash_of},
    signup::minutes,
};

/// How long an answer takes at least. An unknown address gets no mail, so that nobody can be bombed
/// through us; this hides that one call was not made.
const LEAST: Duration = Duration::from_millis(400);

/// How long a reset link works at most, in minutes: it opens an account.
const MINUTES: i64 = 60;

/// Whose password was forgotten.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Forgot {
    email: String,
}

/// The token of a reset mail, and the new password.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reset {
    token: String,
    password: SecretString,
}

impl App {
    /// Sends a reset mail to whoever has an account; says the same to everybody, at the same pace.
    pub async fn forgot_password(&self, asked: Forgot, origin: Origin, now: Timestamp) -> Result<(), Failure> {
        let mut fields = Fields::default();
        let email = fields.email("email", &asked.email);
        let email = fields.require(email)?;
        self.throttle(limits::REQUESTS, origin.network(), now).await?;
        let (done, ()) = tokio::join!(self.mail_reset(&email, origin, now), tokio::time::sleep(LEAST));
        done
    }

    async fn mail_reset(&self, email: &EmailAddress, origin: Origin, now: Timestamp) -> Result<(), Failure> {
        let name = self.pepper().await?.login(email);
        let allowed = self.may_mail(&name, now).await?;
        let login = self.db.login(&name).await?.filter(|_| allowed);
        let secret = Secret::new();
        let until = Policy::current().expiry(Class::OneTimeToken, now).min(now + SignedDuration::from_mins(MINUTES));
        let Some(login) = login else {
            return Ok(self.db.issue_token(&secret.hash(), GoodFor::Nothing, until).await?);
        };
        let scope = WorkspaceScope::acting(login.workspace, Caller::new(Actor::Anonymous, origin));
        let entry = scope.entry(Action::PasswordForgotten, now).about(login.member);
        let good_for = GoodFor::Reset { login: name, generation: login.generation };
        self.db.grant_token(&secret.hash(), good_for, until, &entry).await?;
        let accounts = self.db.accounts(&scope);
        let (workspace, member) = futures::try_join!(accounts.workspace(), accounts.member(login.member))?;
        let common = workspace.map(|workspace| workspace.locale).unwrap_or_default();
        let locale = member.map_or(common, |member| member.language(common));
        let mail = Notification::PasswordReset { token: &secret.text(), minutes: minutes(now, until) };
        self.post(email, locale, mail, now).await
    }

    /// Sets a new password, once per token. Every session and every other reset mail end with it.
    pub async fn reset_password(&self, asked: Reset, origin: Origin, now: Timestamp) -> Result<(), Failure> {
        let mut fields = Fields::default();
        let password = Password::parse(&mut fields, "password", &asked.password);
        let password = fields.require(password)?;
        let hash = hash_of(&asked.token).ok_or_else(not_valid)?;
        let Some(GoodFor::Reset { login: name, generation }) = self.db.token(&hash, now).await? else {
            return Err(not_valid());
        };
        let login = self.db.login(&name).await?.ok_or_else(not_valid)?;
        let actor = Actor::Member { id: login.member, role: login.role, session: None };
        let scope = WorkspaceScope::acting(login.workspace, Caller::new(actor, origin));
        let entry = scope.entry(Action::PasswordChanged, now).about(login.member);
        match self.db.change_password(&hash, &name, generation, &password.hash().await?, &entry).await {
            Ok(()) => {}
            Err(Redeem::TokenGone | Redeem::LoginDiffers) => return Err(not_valid()),
            Err(Redeem::Store(error)) => return Err(error.into()),
        }
        // Sessions of the generation before cannot be renewed; their access tokens end here.
        self.db.accounts(&scope).drop_sessions(login.member, None, now).await?;
        if let Err(failure) = self.mail_changed(&scope, &login, now).await {
            // The password is changed all the same, and the caller must know that.
            tracing::warn!(slug = failure.slug, cause = failure.cause.as_deref(), "no mail about a changed password");
        }
        Ok(())
    }

    /// Tells a member that their password changed: whoever did not change it learns it so.
    async fn mail_changed(&self, scope: &WorkspaceScope, login: &Login, now: Timestamp) -> Result<(), Failure> {
        let accounts = self.db.accounts(scope);
        let (workspace, member) = futures::try_join!(accounts.workspace(), accounts.member(login.member))?;
        let (Some(workspace), Some(member)) = (workspace, member) else { return Ok(()) };
        self.post(&member.email, member.language(workspace.locale), Notification::PasswordChanged { at: now }, now)
            .await
    }
}

fn not_valid() -> Failure {
    let detail = "This token is unknown, was used already, or is too old. Ask for another: POST /v1/password/forgot.";
    Failure::refused("invalid-token", detail)
}
