//! Members: who they are, what they may do, and going.

use content::system::Notification;
use domain::{
    Timestamp,
    access::Permission,
    audit::Action,
    email::EmailAddress,
    id::{MemberId, WorkspaceId},
    member::Role,
};
use serde::{Deserialize, Serialize};
use storage::{
    WorkspaceScope,
    accounts::{Member, WorkspaceChange, people::Roster, second_factor::SecondFactor},
};

use crate::{App, Failure, fields::Fields, sessions::person};

/// A member's new role.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangeRole {
    role: Role,
}

/// One's own new name, and whether one is sent the operator's news (A14).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangeMe {
    #[serde(default)]
    display_name: Option<String>,
    #[serde(default)]
    news: Option<bool>,
}

/// A member as those who manage members see them.
#[derive(Debug, Serialize)]
pub struct MemberView {
    id: MemberId,
    email: EmailAddress,
    display_name: Option<String>,
    role: Role,
    created_at: Timestamp,
}

/// Oneself.
#[derive(Debug, Serialize)]
pub struct Me {
    #[serde(flatten)]
    member: MemberView,
    workspace_id: WorkspaceId,
    permissions: Vec<Permission>,
    second_factor: SecondFactorView,
    /// Whether they are sent the operator's news: as long as they do not object.
    news: bool,
}

#[derive(Debug, Serialize)]
struct SecondFactorView {
    on: bool,
    recovery_codes_left: usize,
}

impl App {
    /// The caller, what they may do, and how they sign in.
    pub async fn me(&self, scope: &WorkspaceScope, now: Timestamp) -> Result<Me, Failure> {
        let member = self.acting_member(scope).await?;
        let reader = self.pepper().await?.reader(&member.email);
        let factor = self.db.accounts(scope).second_factor(member.id).await?.filter(SecondFactor::is_on);
        let permissions = Permission::ALL.iter().copied().filter(|permission| member.role.may(*permission));
        Ok(Me {
            news: self.db.objects_to_news(reader, now).await?.is_none(),
            permissions: permissions.collect(),
            member: view(member),
            workspace_id: scope.workspace(),
            second_factor: SecondFactorView {
                on: factor.is_some(),
                recovery_codes_left: factor.map_or(0, |factor| factor.recovery.len()),
            },
        })
    }

    /// Changes the caller's own name, and whether they are sent the operator's news.
    pub async fn change_me(&self, scope: &WorkspaceScope, asked: ChangeMe, now: Timestamp) -> Result<Me, Failure> {
        if asked.display_name.is_none() && asked.news.is_none() {
            return Err(Failure::refused("validation-failed", "Send at least one of display_name and news."));
        }
        let mut fields = Fields::default();
        let name = asked.display_name.map(|name| fields.line("display_name", &name, 200));
        fields.done()?;
        let member = self.acting_member(scope).await?;
        let reader = self.pepper().await?.reader(&member.email);
        let wanted = self.db.objects_to_news(reader, now).await?.is_none();
        let change = WorkspaceChange {
            display_name: name.filter(|name| member.display_name.as_ref() != Some(name)).map(|name| (member.id, name)),
            news: asked.news.filter(|news| *news != wanted).map(|news| (reader, news)),
            ..WorkspaceChange::default()
        };
        if change != WorkspaceChange::default() {
            let fields = [("display_name", change.display_name.is_some()), ("news", change.news.is_some())];
            let fields: Vec<_> = fields.into_iter().filter(|(_, changed)| *changed).map(|(name, _)| name).collect();
            let entry = scope.entry(Action::MemberChanged, now).about(member.id).with("fields", fields);
            self.db.accounts(scope).change(&change, &entry).await?;
        }
        self.me(scope, now).await
    }

    /// The caller goes, with their sign-in and everything about them. The last owner cannot: they close
    /// the workspace, or name another owner first.
    pub async fn leave(&self, scope: &WorkspaceScope, now: Timestamp) -> Result<(), Failure> {
        let roster = self.db.accounts(scope).roster().await?;
        let member = self.acting_member(scope).await?;
        self.remove(scope, roster, member, Action::MemberLeft, now).await
    }

    /// All members.
    pub async fn members(&self, scope: &WorkspaceScope) -> Result<Vec<MemberView>, Failure> {
        let members = self.db.accounts(scope).members().await?;
        Ok(members.into_iter().map(view).collect())
    }

    /// Gives a member another role, and ends their sessions: what was opened as one thing is not
    /// continued as another (ASVS 7.4).
    pub async fn change_role(
        &self,
        scope: &WorkspaceScope,
        id: MemberId,
        asked: ChangeRole,
        now: Timestamp,
    ) -> Result<MemberView, Failure> {
        self.active_workspace(scope).await?;
        let accounts = self.db.accounts(scope);
        let roster = accounts.roster().await?;
        let member = self.member_to_manage(scope, id).await?;
        may_grant(scope, asked.role)?;
        if member.role == asked.role {
            return Ok(view(member));
        }
        self.not_the_last_owner(scope, &member).await?;
        let login = self.db.login(&member.login).await?.ok_or_else(|| Failure::not_found("member"))?;
        let entry = scope.entry(Action::MemberRoleChanged, now).about(id);
        let entry = entry.with("from", member.role.name()).with("to", asked.role.name());
        accounts.change_role(roster, &member, &login, asked.role, &entry).await?;
        accounts.drop_sessions(id, None, now).await?;
        Ok(view(Member { role: asked.role, ..member }))
    }

    /// Sends a member away: their sign-in, their sessions and their keys end at once.
    pub async fn remove_member(&self, scope: &WorkspaceScope, id: MemberId, now: Timestamp) -> Result<(), Failure> {
        let roster = self.db.accounts(scope).roster().await?;
        let member = self.member_to_manage(scope, id).await?;
        self.remove(scope, roster, member, Action::MemberRemoved, now).await
    }

    /// The same, whoever may: what everybody's going has in common.
    pub(crate) async fn remove(
        &self,
        scope: &WorkspaceScope,
        roster: Roster,
        member: Member,
        action: Action,
        now: Timestamp,
    ) -> Result<(), Failure> {
        self.not_the_last_owner(scope, &member).await?;
        let accounts = self.db.accounts(scope);
        accounts.remove_member(roster, &member, &scope.entry(action, now).about(member.id)).await?;
        accounts.drop_sessions(member.id, None, now).await?;
        Ok(accounts.drop_api_keys(Some(member.id), now).await?)
    }

    /// Writes to a member in their language.
    pub(crate) async fn tell_member(
        &self,
        scope: &WorkspaceScope,
        member: MemberId,
        mail: Notification<'_>,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let accounts = self.db.accounts(scope);
        let (workspace, member) = futures::try_join!(accounts.workspace(), accounts.member(member))?;
        let (Some(workspace), Some(member)) = (workspace, member) else { return Ok(()) };
        self.post(&member.email, member.language(workspace.locale), mail, now).await
    }

    /// The member who acts.
    async fn acting_member(&self, scope: &WorkspaceScope) -> Result<Member, Failure> {
        self.db.accounts(scope).member(person(scope)?).await?.ok_or_else(Failure::unauthenticated)
    }

    async fn member_to_manage(&self, scope: &WorkspaceScope, id: MemberId) -> Result<Member, Failure> {
        let member = self.db.accounts(scope).member(id).await?.ok_or_else(|| Failure::not_found("member"))?;
        may_grant(scope, member.role)?;
        Ok(member)
    }

    async fn not_the_last_owner(&self, scope: &WorkspaceScope, member: &Member) -> Result<(), Failure> {
        if member.role != Role::Owner {
            return Ok(());
        }
        let members = self.db.accounts(scope).members().await?;
        if members.iter().any(|other| other.role == Role::Owner && other.id != member.id) {
            return Ok(());
        }
        let detail = "This is the only owner. Make somebody else an owner first, or close the workspace: \
                      DELETE /v1/workspace.";
        Err(Failure::conflict("last-owner", detail))
    }
}

/// Whether the caller may give this role, or take it away.
pub(crate) fn may_grant(scope: &WorkspaceScope, role: Role) -> Result<(), Failure> {
    if scope.role().is_some_and(|own| own.may_grant(role)) { Ok(()) } else { Err(Failure::forbidden()) }
}

fn view(member: Member) -> MemberView {
    let Member { id, email, display_name, role, created_at, .. } = member;
    MemberView { id, email, display_name, role, created_at }
}
