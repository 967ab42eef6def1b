//! Signing up: an address is only an account once somebody who reads it said so.

use content::{legal::Agreement, system::Notification};
use domain::{
    Timestamp,
    audit::{Action, Actor, Caller, Origin},
    email::EmailAddress,
    id::{MemberId, WorkspaceId},
    locale::Locale,
    member::Role,
    policy::retention::Policy,
};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use storage::{
    WorkspaceScope,
    accounts::{
        Member, Workspace,
        agreements::{Acceptance, Agreements},
        login::{Login, NewAccount, Redeem},
        once::{GoodFor, PendingSignup},
    },
};

use crate::{
    App, Failure,
    agreements::terms_in_force,
    fields::Fields,
    limits,
    password::Password,
    secret::{Secret, hash_of},
};

/// Longest company or person name, in characters.
const LONGEST_NAME: usize = 200;

/// What signing up asks for, and all it asks for (A3).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignUp {
    email: String,
    password: SecretString,
    company: String,
    #[serde(default)]
    display_name: Option<String>,
    locale: Locale,
    accept_terms: bool,
}

/// A token that came by mail.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verify {
    token: String,
}

/// What a verified sign-up is from then on.
#[derive(Debug, Serialize)]
pub struct Verified {
    /// The workspace.
    pub workspace_id: WorkspaceId,
    /// Its first member.
    pub member_id: MemberId,
}

struct Checked {
    email: EmailAddress,
    password: Password,
    company: String,
    display_name: Option<String>,
    locale: Locale,
}

impl SignUp {
    fn check(self) -> Result<Checked, Failure> {
        let mut fields = Fields::default();
        let email = fields.email("email", &self.email);
        let password = Password::parse(&mut fields, "password", &self.password);
        let company = fields.line("company", &self.company, LONGEST_NAME);
        let display_name = fields.optional("display_name", self.display_name.as_deref(), LONGEST_NAME);
        if !self.accept_terms {
            fields.wrong("accept_terms", "must be true: read /legal/terms");
        }
        fields.done()?;
        let (Some(email), Some(password)) = (email, password) else {
            return Err(Failure::internal("a refused field was not reported"));
        };
        Ok(Checked { email, password, company, display_name, locale: self.locale })
    }
}

impl App {
    /// Takes a sign-up. Whether the address has an account shows neither in the answer nor in the work
    /// done for it: one look-up, one bcrypt, one record, one mail.
    pub async fn sign_up(&self, asked: SignUp, network: &str, now: Timestamp) -> Result<(), Failure> {
        let Checked { email, password, company, display_name, locale } = asked.check()?;
        self.throttle(limits::REQUESTS, network, now).await?;
        let name = self.pepper().await?.login(&email);
        let known = self.db.login(&name).await?.is_some();
        let password = password.hash().await?;
        let secret = Secret::new();
        let token = secret.text();
        let until = Policy::current().unverified_signup_expiry(now);
        let (good_for, mail) = if known {
            (GoodFor::Nothing, Notification::AlreadyRegistered)
        } else {
            let terms = terms_in_force(now)?;
            let pending = PendingSignup { email: email.clone(), password, company, display_name, locale, terms };
            (GoodFor::Signup(pending), Notification::VerifyAddress { token: &token, hours: minutes(now, until) / 60 })
        };
        self.db.issue_token(&secret.hash(), good_for, until).await?;
        if self.may_mail(&name, now).await? {
            self.post(&email, locale, mail, now).await?;
        }
        Ok(())
    }

    /// Trades the token of a verification mail for a workspace, once.
    pub async fn verify_sign_up(&self, asked: Verify, origin: Origin, now: Timestamp) -> Result<Verified, Failure> {
        let hash = hash_of(&asked.token).ok_or_else(not_valid)?;
        let Some(GoodFor::Signup(pending)) = self.db.token(&hash, now).await? else { return Err(not_valid()) };
        let account = account(pending, self.pepper().await?, now);
        let actor = Actor::Member { id: account.member.id, role: account.member.role, session: None };
        let scope = WorkspaceScope::acting(account.workspace.id, Caller::new(actor, origin));
        match self.db.open_account(&hash, &account, &scope.entry(Action::WorkspaceCreated, now)).await {
            Ok(()) => Ok(Verified { workspace_id: account.workspace.id, member_id: account.member.id }),
            Err(Redeem::TokenGone) => Err(not_valid()),
            Err(Redeem::LoginDiffers) => {
                Err(Failure::conflict("conflict", "This address has an account already. Log in: POST /v1/session."))
            }
            Err(Redeem::Store(error)) => Err(error.into()),
        }
    }
}

/// Whole minutes from one time to another, as a mail says how long its link works.
pub(crate) fn minutes(from: Timestamp, to: Timestamp) -> u16 {
    u16::try_from((to.as_second() - from.as_second()) / 60).unwrap_or(u16::MAX)
}

/// The account that a sign-up asked for.
fn account(pending: PendingSignup, pepper: &domain::subject::Pepper, now: Timestamp) -> NewAccount {
    let PendingSignup { email, password, company, display_name, locale, terms } = pending;
    let (workspace, member) = (WorkspaceId::new(now, crate::chance()), MemberId::new(now, crate::chance()));
    let accepted = Acceptance {
        document: Agreement::Terms.slug().to_owned(),
        version: terms.version.clone(),
        sha256: terms.sha256.clone(),
        accepted_at: terms.accepted_at,
        member,
    };
    NewAccount {
        agreements: Agreements::begin(accepted),
        workspace: Workspace {
            id: workspace,
            company,
            locale,
            retention_months: Policy::current().most_prospect_months(),
            created_at: now,
            closed_at: None,
            erase: false,
            suspended_at: None,
            soft_bounces: None,
            deliveries: false,
            clicks: false,
            opens: false,
            time_zone: None,
            harms: Default::default(),
            terms,
        },
        login: Login { workspace, member, role: Role::Owner, password, generation: 1 },
        member: Member {
            id: member,
            login: pepper.login(&email),
            email,
            display_name,
            role: Role::Owner,
            created_at: now,
            terms: None,
            locale: None,
        },
    }
}

fn not_valid() -> Failure {
    let detail =
        "This token is unknown, was used already, or is too old. Log in if you verified before, else sign up again.";
    Failure::refused("invalid-token", detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(json: &str) -> Result<SignUp, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn a3_only_the_listed_fields_are_taken() {
        let good = r#"{"email":"ada@firm.test","password":"correct horse","company":"Exemple SAS","locale":"fr","accept_terms":true}"#;
        assert!(asked(good).unwrap().check().is_ok());
        let more = good.replace("}", r#","phone":"+33 1 99 00 00 00"}"#);
        assert!(asked(&more).err().unwrap().contains("unknown field `phone`"));
    }

    #[test]
    fn everything_wrong_is_said_at_once() {
        let bad = r#"{"email":"ada","password":"short","company":" ","display_name":"x\ny","locale":"en","accept_terms":false}"#;
        let failure = asked(bad).unwrap().check().err().unwrap();
        let wrong: Vec<_> = failure.fields.iter().map(|f| f.field.as_str()).collect();
        assert_eq!(wrong, ["email", "password", "company", "display_name", "accept_terms"]);
    }
}
