//! What a Sender does about the requests that were forwarded to it.

use content::system::{Notification, RightsMail};
use domain::{
    Timestamp,
    audit::Action,
    id::RequestId,
    prospect::Prospect,
    rights::{Outcome, RequestKind},
    subject::Subject,
};
use serde::{Deserialize, Serialize};
use storage::{
    StoreError, WorkspaceScope,
    rights::{RightsRequest, RightsTask},
};

use crate::{
    App, Failure,
    fields::Fields,
    prospects::{ProspectChange, ProspectDetail},
};

/// Longest reason, in characters.
pub(super) const LONGEST_REASON: usize = 2_000;

/// A task as its Sender sees it.
#[derive(Serialize)]
pub struct TaskView {
    id: RequestId,
    kind: RequestKind,
    status: &'static str,
    prospect: Option<Subject>,
    message: Option<String>,
    received_at: Timestamp,
    due: Timestamp,
    extended: bool,
    outcome: Option<Outcome>,
    handled_at: Option<Timestamp>,
}

impl TaskView {
    fn of(task: RightsTask, now: Timestamp) -> Self {
        let RightsTask { id, kind, prospect, message, received_at, duty, .. } = task;
        let status = match &duty.handled {
            Some(_) => "handled",
            None if now >= duty.due => "overdue",
            None => "open",
        };
        Self {
            id,
            kind,
            status,
            prospect,
            message,
            received_at,
            due: duty.due,
            extended: duty.extension.is_some(),
            outcome: duty.handled.as_ref().map(|handled| handled.outcome),
            handled_at: duty.handled.map(|handled| handled.at),
        }
    }
}

/// The end of a task. A refusal needs a reason, which the person reads (art. 12(4)).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Handle {
    outcome: HandledAs,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    change: Option<ProspectChange>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum HandledAs {
    Done,
    Refused,
}

/// Two months more, with a reason that the person reads.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Extend {
    reason: String,
}

impl Extend {
    /// For this reason.
    pub(super) fn because(reason: String) -> Self {
        Self { reason }
    }

    pub(super) fn checked(&self) -> Result<String, Failure> {
        let mut fields = Fields::default();
        let reason = fields.lines("reason", &self.reason, LONGEST_REASON);
        fields.done()?;
        Ok(reason)
    }
}

impl App {
    /// A page of a Sender's tasks, newest first, and where to go on.
    pub async fn list_rights_tasks(
        &self,
        scope: &WorkspaceScope,
        cursor: Option<&str>,
        limit: u32,
        now: Timestamp,
    ) -> Result<(Vec<TaskView>, Option<String>), Failure> {
        let wrong = || Failure::field("cursor", "a `next_cursor` of this list");
        let after = cursor.map(|cursor| cursor.parse().map_err(|_| wrong())).transpose()?;
        let (tasks, next) = self.db.rights_tasks(scope.workspace(), after, limit).await?;
        Ok((tasks.into_iter().map(|task| TaskView::of(task, now)).collect(), next.map(|id| id.to_string())))
    }

    /// A task of this Sender's: asked for before its body is read, so that another's is not there.
    pub async fn rights_task(&self, scope: &WorkspaceScope, id: RequestId) -> Result<RightsTask, Failure> {
        let found = self.db.rights_task(scope.workspace(), id).await?;
        found.ok_or_else(|| Failure::not_found("request"))
    }

    /// Ends a task. A correction may come with it; the person is told, then the task is closed.
    pub async fn handle_rights_task(
        &self,
        scope: &WorkspaceScope,
        mut task: RightsTask,
        asked: Handle,
        now: Timestamp,
    ) -> Result<TaskView, Failure> {
        if !task.duty.is_open() {
            return Err(handled_already());
        }
        let mut fields = Fields::default();
        let reason = asked.reason.filter(|reason| !reason.trim().is_empty());
        let reason = reason.map(|reason| fields.lines("reason", &reason, LONGEST_REASON));
        let refused = asked.outcome == HandledAs::Refused;
        if refused && reason.is_none() {
            fields.wrong("reason", "a refusal needs the reason that the person is told");
        }
        if asked.change.is_some() && (refused || task.kind != RequestKind::Rectification) {
            fields.wrong("change", "only goes with a rectification that is done");
        }
        if !refused && asked.change.is_none() && self.is_uncorrected(scope, &task).await? {
            let what =
                "what is corrected; or correct the prospect first, or refuse with the reason that the person is told";
            fields.wrong("change", what);
        }
        fields.done()?;
        if let (Some(change), Some(subject)) = (asked.change, task.prospect) {
            Box::pin(self.rectify_prospect(scope, subject, change, now)).await?;
        }
        let outcome = if refused { Outcome::Refused } else { Outcome::Done };
        let request = self.db.open_request(task.id).await?;
        if let (Some(request), Some((company, _))) = (&request, self.company(scope.workspace()).await?) {
            // Told first: whoever asked learns it twice rather than never.
            let (kind, reason) = (task.kind, reason.as_deref());
            let mail =
                RightsMail::Handled { kind, company: &company, outcome, reason, access: None, certificate: None };
            self.post(request.person.email(), request.locale, Notification::Rights(mail), now).await?;
        }
        let duty = task.duty.handled(outcome, now);
        task = task.with(duty);
        let entry = scope
            .entry(Action::RightsHandled, now)
            .about(task.id)
            .with("outcome", if refused { "refused" } else { "done" });
        self.db.save_task(scope.workspace(), &mut task, Some(&entry)).await?;
        if let Some(request) = request {
            self.close_late(&request, now).await?;
        }
        Ok(TaskView::of(task, now))
    }

    /// Whether somebody asks for a correction of a record that nobody has changed since.
    async fn is_uncorrected(&self, scope: &WorkspaceScope, task: &RightsTask) -> Result<bool, Failure> {
        let Some(subject) = task.prospect.filter(|_| task.kind == RequestKind::Rectification) else { return Ok(false) };
        let held = self.db.prospects(scope).get(subject, true).await?;
        Ok(held.is_some_and(|held| held.prospect.updated_at <= task.received_at))
    }

    /// Gives a task two months more. The person is told first: without the notice there is no extension.
    pub async fn extend_rights_task(
        &self,
        scope: &WorkspaceScope,
        mut task: RightsTask,
        asked: &Extend,
        now: Timestamp,
    ) -> Result<TaskView, Failure> {
        let reason = asked.checked()?;
        let duty = task.duty.extend(reason, now).map_err(|error| not_extended(&error))?;
        let request = self.db.open_request(task.id).await?.ok_or_else(handled_already)?;
        let (company, _) = self.company(scope.workspace()).await?.ok_or_else(|| Failure::not_found("request"))?;
        self.tell_of_extension(&request, &company, &duty, now).await?;
        task = task.with(duty);
        let entry = scope.entry(Action::RightsExtended, now).about(task.id);
        self.db.save_task(scope.workspace(), &mut task, Some(&entry)).await?;
        Ok(TaskView::of(task, now))
    }

    /// One person's record: asked for before its body is read, so that another's is not there.
    pub async fn record(&self, scope: &WorkspaceScope, subject: Subject) -> Result<Prospect, Failure> {
        let held = self.db.prospects(scope).get(subject, true).await?;
        held.map(|held| held.prospect).ok_or_else(|| Failure::not_found("prospect"))
    }

    /// Ends the restriction that a person asked for (A41). They are told first, with the reason: without the
    /// notice it stands (art. 18(3)).
    pub async fn lift_restriction(
        &self,
        scope: &WorkspaceScope,
        prospect: Prospect,
        asked: &Extend,
        now: Timestamp,
    ) -> Result<ProspectDetail, Failure> {
        let reason = asked.checked()?;
        let request = prospect.restricted_by.ok_or_else(not_restricted)?;
        let workspace = self.active_workspace(scope).await?;
        let mail = RightsMail::Lifted { company: &workspace.company, reason: &reason };
        let locale = prospect.details.locale.unwrap_or(workspace.locale);
        self.post(&prospect.email, locale, Notification::Rights(mail), now).await?;
        self.unfreeze_prospect(scope, prospect.subject, request, now).await?;
        self.prospect(scope, prospect.subject, now).await
    }

    pub(super) async fn tell_of_extension(
        &self,
        request: &RightsRequest,
        company: &str,
        duty: &domain::rights::Duty,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let reason = duty.extension.as_ref().map(|extension| extension.reason.as_str()).unwrap_or_default();
        let mail = RightsMail::Extended { kind: request.kind, company, reason, until: duty.due };
        self.post(request.person.email(), request.locale, Notification::Rights(mail), now).await
    }

    /// Closes a request if this was the last thing to do. If somebody else does at the same moment, all is well.
    pub(super) async fn close_late(&self, request: &RightsRequest, now: Timestamp) -> Result<(), Failure> {
        match self.close_if_answered(request, now).await {
            Err(failure) if failure.slug == Failure::from(StoreError::Conflict).slug => Ok(()),
            other => other.map(|_| ()),
        }
    }
}

fn not_restricted() -> Failure {
    Failure::conflict(
        "not-restricted",
        "This person asked for no restriction, or it was lifted already: there is nothing to lift.",
    )
}

pub(super) fn handled_already() -> Failure {
    Failure::conflict("handled-already", "This request is handled already: there is nothing left to do.")
}

pub(super) fn not_extended(error: &domain::rights::NotExtended) -> Failure {
    Failure::conflict("not-extended", format!("The time to answer stays as it is: {error}."))
}
