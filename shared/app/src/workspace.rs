//! The workspace: what it is, how long it keeps prospects, closing it and coming back (A28, A29, A72).

use content::{legal::Agreement, system::Notification};
use domain::{
    Timestamp,
    audit::Action,
    calendar::check_zone,
    clicks::Recorded,
    email::EmailAddress,
    id::{MemberId, WorkspaceId},
    locale::Locale,
    member::Role,
    policy::retention::{Policy, is_due},
    soft_bounces::SoftBounces,
};
use serde::{Deserialize, Serialize};
use storage::{
    StoreError, WorkspaceScope,
    accounts::{Terms, Workspace, WorkspaceChange},
};

use crate::{
    App, Failure, Kind,
    fields::{Fields, present},
};

/// What a member may change.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    #[serde(default)]
    retention_months: Option<u16>,
    #[serde(default)]
    locale: Option<Locale>,
    #[serde(default)]
    display_name: Option<String>,
    #[serde(default)]
    soft_bounces: Option<SoftBounces>,
    #[serde(default)]
    deliveries: Option<bool>,
    clicks: Option<bool>,
    opens: Option<bool>,
    #[serde(default, deserialize_with = "present")]
    time_zone: Option<Option<String>>,
}

/// How a workspace is to be closed.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Closing {
    #[serde(default)]
    erase: Option<Erase>,
    #[serde(default)]
    company: Option<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Erase {
    Now,
}

/// The workspace as its members see it.
#[derive(Serialize)]
pub struct WorkspaceView {
    id: WorkspaceId,
    company: String,
    locale: Locale,
    status: &'static str,
    retention_months: u8,
    soft_bounces: SoftBounces,
    deliveries: bool,
    clicks: bool,
    opens: bool,
    time_zone: Option<String>,
    created_at: Timestamp,
    closed_at: Option<Timestamp>,
    suspended_at: Option<Timestamp>,
    deleted_after: Option<Timestamp>,
    /// As accepted last.
    terms: Terms,
    members: Vec<MemberView>,
}

#[derive(Serialize)]
struct MemberView {
    id: MemberId,
    email: EmailAddress,
    display_name: Option<String>,
    role: Role,
}

impl App {
    /// The workspace with its members.
    pub async fn workspace(&self, scope: &WorkspaceScope) -> Result<WorkspaceView, Failure> {
        let workspace = self.any_workspace(scope).await?;
        self.with_members(scope, workspace).await
    }

    /// The workspace, if it is open: what changes or sends something asks for this first.
    pub async fn active_workspace(&self, scope: &WorkspaceScope) -> Result<Workspace, Failure> {
        let workspace = self.any_workspace(scope).await?;
        if workspace.is_closed() {
            let detail = "The workspace is closed: data can be read, exported and deleted, and nothing is sent. \
                          POST /v1/workspace/reactivate reopens it.";
            return Err(Failure::new(Kind::Forbidden, "workspace-closed", detail));
        }
        Ok(workspace)
    }

    /// The workspace, if it is open and not suspended: what sends something asks for this first.
    pub(crate) async fn sending_workspace(&self, scope: &WorkspaceScope) -> Result<Workspace, Failure> {
        let workspace = self.active_workspace(scope).await?;
        if workspace.suspended_at.is_some() {
            let detail = format!(
                "The workspace is suspended because of abuse: nothing is sent, imported or launched. Write to {}. Reading, exporting, deleting and answering people stay open.",
                self.config.operator_abuse_contact
            );
            return Err(Failure::new(Kind::Forbidden, "workspace-suspended", detail));
        }
        Ok(workspace)
    }

    /// Changes what is given: how long prospects are kept, the language, the time zone, the acting member's name.
    pub async fn change_workspace(
        &self,
        scope: &WorkspaceScope,
        asked: Change,
        now: Timestamp,
    ) -> Result<WorkspaceView, Failure> {
        let settings = asked.retention_months.is_some()
            || asked.locale.is_some()
            || asked.soft_bounces.is_some()
            || asked.deliveries.is_some()
            || asked.clicks.is_some()
            || asked.opens.is_some()
            || asked.time_zone.is_some();
        if !settings && asked.display_name.is_none() {
            let detail = "Send at least one of retention_months, locale, soft_bounces, deliveries, clicks, opens, time_zone and display_name.";
            return Err(Failure::refused("validation-failed", detail));
        }
        let mut fields = Fields::default();
        let name = asked.display_name.as_deref().map(|name| fields.line("display_name", name, 200));
        let months = asked.retention_months.and_then(|asked| match Policy::current().prospect_months(asked) {
            Ok(months) => Some(months),
            Err(refused) => {
                fields.wrong("retention_months", refused.to_string());
                None
            }
        });
        for (field, message) in asked.soft_bounces.iter().flat_map(SoftBounces::wrong) {
            fields.wrong(&format!("soft_bounces.{field}"), message);
        }
        if let Some(Err(message)) = asked.time_zone.as_ref().and_then(Option::as_deref).map(check_zone) {
            fields.wrong("time_zone", format!("{message}; null for that of the Sender's country"));
        }
        fields.done()?;
        let switched_on = Recorded { clicks: asked.clicks == Some(true), opens: asked.opens == Some(true) };
        self.may_record(scope, switched_on, now).await?;
        let mut workspace = self.active_workspace(scope).await?;
        let accounts = self.db.accounts(scope);
        let renamed = match scope.member().zip(name) {
            Some((member, name)) => {
                let known = accounts.member(member).await?.and_then(|member| member.display_name);
                (known.as_ref() != Some(&name)).then_some((member, name))
            }
            None => None,
        };
        let change = WorkspaceChange {
            retention_months: months.filter(|months| *months != workspace.retention_months),
            locale: asked.locale.filter(|locale| *locale != workspace.locale),
            display_name: renamed,
            soft_bounces: asked.soft_bounces.filter(|soft| *soft != workspace.soft_bounces.unwrap_or_default()),
            deliveries: asked.deliveries.filter(|deliveries| *deliveries != workspace.deliveries),
            clicks: asked.clicks.filter(|clicks| *clicks != workspace.clicks),
            opens: asked.opens.filter(|opens| *opens != workspace.opens),
            time_zone: asked.time_zone.filter(|zone| *zone != workspace.time_zone),
            ..WorkspaceChange::default()
        };
        if change.retention_months.is_some() && self.db.staff_workspace().await? == Some(workspace.id) {
            let detail = "This is the operator's own workspace: how long its prospects are kept is the operator's promise, and is in the policy.";
            return Err(Failure::conflict("operators-own", detail));
        }
        if change != WorkspaceChange::default() {
            let fields = [
                ("retention_months", change.retention_months.is_some()),
                ("locale", change.locale.is_some()),
                ("display_name", change.display_name.is_some()),
                ("soft_bounces", change.soft_bounces.is_some()),
                ("deliveries", change.deliveries.is_some()),
                ("clicks", change.clicks.is_some()),
                ("opens", change.opens.is_some()),
                ("time_zone", change.time_zone.is_some()),
            ];
            let fields: Vec<_> = fields.into_iter().filter(|(_, changed)| *changed).map(|(name, _)| name).collect();
            accounts.change(&change, &scope.entry(Action::WorkspaceChanged, now).with("fields", fields)).await?;
            workspace.retention_months = change.retention_months.unwrap_or(workspace.retention_months);
            workspace.locale = change.locale.unwrap_or(workspace.locale);
            workspace.soft_bounces = change.soft_bounces.or(workspace.soft_bounces);
            workspace.deliveries = change.deliveries.unwrap_or(workspace.deliveries);
            workspace.clicks = change.clicks.unwrap_or(workspace.clicks);
            workspace.opens = change.opens.unwrap_or(workspace.opens);
            workspace.time_zone = change.time_zone.unwrap_or(workspace.time_zone);
        }
        self.with_members(scope, workspace).await
    }

    /// Closes it: nothing is sent from here on, and after 30 days everything of it is deleted. Closing
    /// what is closed changes nothing, the date least of all.
    ///
    /// On demand for good: everything goes with the next purge, and nobody can reopen it. The company's name
    /// has to be typed for that, as it is known.
    pub async fn close_workspace(
        &self,
        scope: &WorkspaceScope,
        asked: &Closing,
        now: Timestamp,
    ) -> Result<WorkspaceView, Failure> {
        let accounts = self.db.accounts(scope);
        let entry = scope.entry(Action::WorkspaceClosed, now);
        if asked.erase.is_some() || asked.company.is_some() {
            let known = self.any_workspace(scope).await?.company;
            if asked.company.as_deref().map(str::trim) != Some(known.as_str()) {
                return Err(Failure::field("company", "type the company's name exactly as the workspace has it"));
            }
        }
        self.revoke_secrets(scope, now).await?;
        let closed = match asked.erase {
            Some(Erase::Now) => accounts.give_up(&entry.with("erase", "now")).await,
            None => accounts.close(&entry).await,
        };
        if closed.is_ok() {
            self.tell_closed(scope, now).await;
        }
        match closed {
            Ok(()) | Err(StoreError::Conflict) => self.workspace(scope).await,
            Err(error) => Err(error.into()),
        }
    }

    /// What opens it from outside goes first of all, before it is closed: the keys of programs, the sessions of
    /// everybody but whoever closes it, the passwords of the Sender's relays and mailboxes. None
    /// comes back with it.
    async fn revoke_secrets(&self, scope: &WorkspaceScope, now: Timestamp) -> Result<(), Failure> {
        let accounts = self.db.accounts(scope);
        accounts.drop_api_keys(None, now).await?;
        accounts.drop_everybody(scope.session(), now).await?;
        accounts.forget_relay_passwords().await?;
        Ok(self.db.mailboxes(scope).forget_passwords().await?)
    }

    /// Tells the owners that it is closed, by whose hand they can see in the trail, and until when it comes back.
    async fn tell_closed(&self, scope: &WorkspaceScope, now: Timestamp) {
        let told = async {
            let workspace = self.any_workspace(scope).await?;
            let Some(closing) = workspace.closing() else { return Ok(()) };
            let until = (!closing.erase).then(|| closing.ends());
            for owner in self.db.accounts(scope).members().await?.iter().filter(|member| member.role == Role::Owner) {
                self.post(&owner.email, owner.language(workspace.locale), Notification::WorkspaceClosed { until }, now)
                    .await?;
            }
            Ok::<_, Failure>(())
        };
        if let Err(failure) = told.await {
            tracing::warn!(slug = failure.slug, cause = failure.cause.as_deref(), "no mail about a closing");
        }
    }

    /// Reopens it within its 30 days. Reopening what is open changes nothing.
    pub async fn reactivate_workspace(&self, scope: &WorkspaceScope, now: Timestamp) -> Result<WorkspaceView, Failure> {
        let workspace = self.any_workspace(scope).await?;
        let Some(closing) = workspace.closing() else { return self.with_members(scope, workspace).await };
        if is_due(closing.ends(), now) {
            let detail =
                "The workspace was closed for good, or too long ago: it is being deleted with everything in it.";
            return Err(Failure::new(Kind::Forbidden, "workspace-closed", detail));
        }
        self.db.accounts(scope).reopen(closing.at, &scope.entry(Action::WorkspaceReopened, now)).await?;
        self.workspace(scope).await
    }

    pub(crate) async fn any_workspace(&self, scope: &WorkspaceScope) -> Result<Workspace, Failure> {
        let found = self.db.accounts(scope).workspace().await?;
        found.ok_or_else(|| Failure::new(Kind::NotFound, "not-found", "This workspace does not exist any more."))
    }

    async fn with_members(&self, scope: &WorkspaceScope, workspace: Workspace) -> Result<WorkspaceView, Failure> {
        let accounts = self.db.accounts(scope);
        let (members, agreements) = futures::try_join!(accounts.members(), accounts.agreements())?;
        let members = members.into_iter().map(|member| MemberView {
            id: member.id,
            email: member.email,
            display_name: member.display_name,
            role: member.role,
        });
        let deleted_after = workspace.closing().map(|closing| closing.ends());
        Ok(WorkspaceView {
            id: workspace.id,
            company: workspace.company,
            locale: workspace.locale,
            status: if workspace.closed_at.is_some() { "closed" } else { "active" },
            retention_months: workspace.retention_months,
            soft_bounces: workspace.soft_bounces.unwrap_or_default(),
            deliveries: workspace.deliveries,
            clicks: workspace.clicks,
            opens: workspace.opens,
            time_zone: workspace.time_zone,
            created_at: workspace.created_at,
            closed_at: workspace.closed_at,
            suspended_at: workspace.suspended_at,
            deleted_after,
            terms: agreements.last(Agreement::Terms.slug()).map_or(workspace.terms, |last| Terms {
                version: last.version.clone(),
                sha256: last.sha256.clone(),
                accepted_at: last.accepted_at,
            }),
            members: members.collect(),
        })
    }
}
