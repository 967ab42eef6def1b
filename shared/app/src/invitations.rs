//! Invitations: a colleague joins with the token of a mail.
//!
//! One address signs in to one workspace. Whether an address has a sign-in elsewhere is not the
//! inviter's business: the answer is the same, and the mail tells the person what they can do.

use content::system::Notification;
use domain::{
    Timestamp,
    audit::{Action, Actor, Caller, Object, Origin},
    email::EmailAddress,
    id::{InvitationId, MemberId, WorkspaceId},
    locale::Locale,
    member::Role,
    policy::retention::{Class, Policy},
};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use storage::{
    StoreError, WorkspaceScope,
    accounts::{
        Member,
        invitation::Invitation,
        login::{Login, Redeem},
        once::GoodFor,
    },
};

use crate::{
    App, Failure,
    agreements::terms_in_force,
    fields::Fields,
    limits,
    members::may_grant,
    password::Password,
    secret::{Secret, hash_of},
    sessions::person,
    signup::{Verified, minutes},
};

/// Who is to join, and as what.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Invite {
    email: String,
    role: Role,
    /// The language of the mail; the workspace's when it is left out.
    #[serde(default)]
    locale: Option<Locale>,
}

/// What somebody who was invited sends back.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accept {
    token: String,
    password: SecretString,
    #[serde(default)]
    display_name: Option<String>,
    accept_terms: bool,
}

/// An invitation as those who manage members see it.
#[derive(Debug, Serialize)]
pub struct InvitationView {
    id: InvitationId,
    email: EmailAddress,
    role: Role,
    locale: Locale,
    invited_by: MemberId,
    created_at: Timestamp,
    expires_at: Timestamp,
}

impl InvitationView {
    /// Its identifier.
    pub const fn id(&self) -> InvitationId {
        self.id
    }
}

impl App {
    /// Invites somebody by mail.
    pub async fn invite(
        &self,
        scope: &WorkspaceScope,
        asked: Invite,
        now: Timestamp,
    ) -> Result<InvitationView, Failure> {
        let mut fields = Fields::default();
        let email = fields.email("email", &asked.email);
        let email = fields.require(email)?;
        may_grant(scope, asked.role)?;
        let workspace = self.active_workspace(scope).await?;
        let accounts = self.db.accounts(scope);
        let pepper = self.pepper().await?;
        let name = pepper.login(&email);
        if accounts.members().await?.iter().any(|member| member.login == name) {
            return Err(Failure::conflict("already-member", "Somebody with this address is a member already."));
        }
        if accounts.invitations(now).await?.iter().any(|invitation| pepper.login(&invitation.email) == name) {
            let detail = "This address is invited already. DELETE that invitation to send another.";
            return Err(Failure::conflict("already-invited", detail));
        }
        self.throttle(limits::INVITATIONS, &scope.workspace().to_string(), now).await?;
        let secret = Secret::new();
        let until = Policy::current().expiry(Class::Invitation, now);
        let invitation = Invitation {
            id: InvitationId::new(now, crate::chance()),
            email,
            role: asked.role,
            locale: asked.locale.unwrap_or(workspace.locale),
            invited_by: person(scope)?,
            created_at: now,
            token: secret.hash(),
            ttl: Invitation::ttl(until),
        };
        let entry = scope.entry(Action::InvitationSent, now).about(invitation.id).with("role", asked.role.name());
        accounts.invite(&invitation, &entry).await?;
        let elsewhere = self.db.login(&name).await?.is_some();
        let (token, company) = (secret.text(), workspace.company.as_str());
        let mail = Notification::Invitation { token: &token, company, elsewhere, hours: minutes(now, until) / 60 };
        if self.may_mail(&name, now).await? {
            self.post(&invitation.email, invitation.locale, mail, now).await?;
        }
        Ok(view(invitation))
    }

    /// The invitations that nobody has accepted yet.
    pub async fn invitations(&self, scope: &WorkspaceScope, now: Timestamp) -> Result<Vec<InvitationView>, Failure> {
        let open = self.db.accounts(scope).invitations(now).await?;
        Ok(open.into_iter().map(view).collect())
    }

    /// Takes an invitation back: its token is worth nothing from here on.
    pub async fn withdraw_invitation(
        &self,
        scope: &WorkspaceScope,
        id: InvitationId,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let accounts = self.db.accounts(scope);
        let missing = || Failure::not_found("invitation");
        let invitation = accounts.invitation(id, now).await?.ok_or_else(missing)?;
        may_grant(scope, invitation.role)?;
        match accounts.withdraw(&invitation, &scope.entry(Action::InvitationWithdrawn, now).about(id)).await {
            Ok(()) => Ok(()),
            Err(StoreError::Conflict) => Err(missing()),
            Err(error) => Err(error.into()),
        }
    }

    /// Trades the token of an invitation for a member and their sign-in, once.
    pub async fn accept_invitation(&self, asked: Accept, origin: Origin, now: Timestamp) -> Result<Verified, Failure> {
        let mut fields = Fields::default();
        let password = Password::parse(&mut fields, "password", &asked.password);
        let display_name = fields.optional("display_name", asked.display_name.as_deref(), 200);
        if !asked.accept_terms {
            fields.wrong("accept_terms", "must be true: read /legal/terms");
        }
        let password = fields.require(password)?;
        self.throttle(limits::REQUESTS, origin.network(), now).await?;
        let hash = hash_of(&asked.token).ok_or_else(not_valid)?;
        let Some(GoodFor::Invitation { workspace, invitation }) = self.db.token(&hash, now).await? else {
            return Err(not_valid());
        };
        let scope = WorkspaceScope::internal(workspace);
        let invitation = self.db.accounts(&scope).invitation(invitation, now).await?.ok_or_else(not_valid)?;
        self.active_workspace(&scope).await?;
        let terms = terms_in_force(now)?;
        let (member, login) = self.newcomer(workspace, &invitation, display_name, password, now).await?;
        let member = Member { terms: Some(terms), ..member };
        let actor = Actor::Member { id: member.id, role: member.role, session: None };
        let scope = WorkspaceScope::acting(workspace, Caller::new(actor, origin));
        let entry = scope.entry(Action::MemberJoined, now).about(member.id);
        let entry = entry.with("invitation", Object::from(invitation.id)).with("role", member.role.name());
        match self.db.join(workspace, &invitation, &member, &login, &entry).await {
            Ok(()) => Ok(Verified { workspace_id: workspace, member_id: member.id }),
            Err(Redeem::TokenGone) => Err(not_valid()),
            // Only who reads that mailbox learns it.
            Err(Redeem::LoginDiffers) => {
                let detail = "This address signs in to another workspace. Leave that one first, DELETE /v1/me, or ask \
                              to be invited at another address.";
                Err(Failure::conflict("signs-in-elsewhere", detail))
            }
            Err(Redeem::Store(error)) => Err(error.into()),
        }
    }

    async fn newcomer(
        &self,
        workspace: WorkspaceId,
        invitation: &Invitation,
        display_name: Option<String>,
        password: Password,
        now: Timestamp,
    ) -> Result<(Member, Login), Failure> {
        let id = MemberId::new(now, crate::chance());
        let member = Member {
            id,
            login: self.pepper().await?.login(&invitation.email),
            email: invitation.email.clone(),
            display_name,
            role: invitation.role,
            created_at: now,
            terms: None,
            locale: Some(invitation.locale),
        };
        let login =
            Login { workspace, member: id, role: invitation.role, password: password.hash().await?, generation: 1 };
        Ok((member, login))
    }
}

fn view(invitation: Invitation) -> InvitationView {
    let expires_at = invitation.ends_at();
    let Invitation { id, email, role, locale, invited_by, created_at, .. } = invitation;
    InvitationView { id, email, role, locale, invited_by, created_at, expires_at }
}

fn not_valid() -> Failure {
    let detail = "This token is unknown, was used or taken back, or is too old. Ask whoever invited you for another.";
    Failure::refused("invalid-token", detail)
}
