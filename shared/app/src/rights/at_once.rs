//! What the product does itself the moment a person has proved who they are.

use content::system::RightsMail;
use domain::{
    Timestamp,
    audit::Action,
    email::EmailAddress,
    id::WorkspaceId,
    import::ImportStatus,
    policy::retention::{Class, Policy, Store, is_due},
    rights::{AtOnce, Duty, Outcome, RequestKind},
    subject::Subject,
    suppression::{Suppression, SuppressionReason},
};
use jiff::SignedDuration;
use storage::{
    WorkspaceScope,
    rights::{Holding, RightsRequest, RightsTask},
};

use super::certificate::Erasure;
use crate::{App, Failure, Kind, failure::not_lost};

/// How long a file may be on its way after it was announced.
const ON_ITS_WAY: SignedDuration = SignedDuration::from_hours(24);

/// Imports in one page.
const IMPORTS: u32 = 100;

/// Tasks in one page.
const TASKS: u32 = 100;

impl App {
    /// Does what the kind of the request asks for in one workspace.
    pub(super) async fn do_at_once(
        &self,
        request: &RightsRequest,
        holding: &Holding,
        erasure: &mut Erasure,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let (scope, subject) = (WorkspaceScope::internal(holding.workspace), holding.subject);
        match request.kind.at_once() {
            AtOnce::Nothing | AtOnce::HandOver => Ok(()),
            AtOnce::Suppress => {
                let objection = Suppression::new(subject, SuppressionReason::OptedOut, now);
                let entry = scope.entry(Action::ProspectOptedOut, now).about(subject);
                self.db.suppressions(&scope).record_with(&objection, &entry).await?;
                Ok(())
            }
            AtOnce::Freeze => self.freeze_prospect(&scope, subject, request.id, now).await.map(|_| ()),
            AtOnce::Erase => self.erase_everywhere(&scope, holding, request.person.email(), erasure, now).await,
        }
    }

    /// Erases a person from everything one Sender holds (A40), but for files: see [`App::erase_files`]. What
    /// is left is a fingerprint and a date, without which the next import would bring them back.
    pub(super) async fn erase_everywhere(
        &self,
        scope: &WorkspaceScope,
        holding: &Holding,
        email: &EmailAddress,
        erasure: &mut Erasure,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let held = self.db.prospects(scope).get(holding.subject, true).await?.is_some();
        match self.erase_prospect(scope, holding.subject, now).await {
            // The record went before: what else was held, and what a backup has, are erased all the same.
            Err(failure) if failure.kind == Kind::NotFound => {
                let entry = scope.entry(Action::ProspectDeleted, now).about(holding.subject);
                self.db.suppressions(scope).erase(holding.subject, &entry).await?;
            }
            other => other?,
        }
        let outreach = self.db.outreach(scope);
        // The claims last: while they are there, a look that was cut short is made again.
        let lists = outreach.erase_from_lists(holding.subject).await?;
        let deliveries = outreach.forget(holding.subject).await?;
        let answers = self.db.accounts(scope).forget_answers(email.expose()).await?;
        let tasks = self.end_tasks_of(scope.workspace(), holding.subject, now).await?;
        let invitations = self.withdraw_invitations(scope, email, now).await?;
        erasure.looked(Store::Prospects, Class::Prospect, usize::from(held));
        erasure.looked(Store::Outreach, Class::Delivery, lists + deliveries);
        erasure.looked(Store::Accounts, Class::IdempotencyKey, answers);
        erasure.looked(Store::Accounts, Class::Invitation, invitations);
        erasure.looked(Store::Rights, Class::RightsRequest, tasks);
        Ok(())
    }

    /// Takes back what a Sender asked the person to join. How many invitations there were.
    async fn withdraw_invitations(
        &self,
        scope: &WorkspaceScope,
        email: &EmailAddress,
        now: Timestamp,
    ) -> Result<usize, Failure> {
        let accounts = self.db.accounts(scope);
        let theirs = accounts.invitations(now).await?.into_iter().filter(|invitation| invitation.email == *email);
        let mut withdrawn = 0;
        for invitation in theirs {
            let entry = scope.entry(Action::InvitationWithdrawn, now).about(invitation.id);
            not_lost(accounts.withdraw(&invitation, &entry).await)?;
            withdrawn += 1;
        }
        Ok(withdrawn)
    }

    /// Ends what else a person asked of a Sender, with their words in it: after the erasure it is about nothing.
    /// The requests themselves are closed when the clock comes by. How many there were.
    async fn end_tasks_of(&self, workspace: WorkspaceId, subject: Subject, now: Timestamp) -> Result<usize, Failure> {
        let (mut ended, mut after) = (0, None);
        loop {
            let (page, next) = self.db.rights_tasks(workspace, after, TASKS).await?;
            for mut task in page.into_iter().filter(|task| task.duty.is_open() && task.prospect == Some(subject)) {
                let duty = task.duty.handled(Outcome::Overtaken, now);
                task = task.with(duty);
                not_lost(self.db.save_task(workspace, &mut task, None).await)?;
                ended += 1;
            }
            after = next;
            if after.is_none() {
                return Ok(ended);
            }
        }
    }

    /// Deletes the uploaded files of every Sender that held the person, whoever else is in them: they were
    /// read, and serve nothing any more. False while one is still being read; the clock comes by again.
    pub(super) async fn erase_files(
        &self,
        request: &RightsRequest,
        erasure: &mut Erasure,
        now: Timestamp,
    ) -> Result<bool, Failure> {
        let mut all = true;
        for holding in &request.holdings {
            let scope = WorkspaceScope::internal(holding.workspace);
            let (imports, objects) = (self.db.imports(&scope), self.objects(&scope));
            let files = objects.uploads().await?;
            let (mut deleted, mut after) = (0, None);
            'pages: loop {
                let (page, next) = imports.page(after, IMPORTS).await?;
                for import in page {
                    // A file that was announced so long ago is gone, or was uploaded after the erasure.
                    if is_due(Policy::current().expiry(Class::Upload, import.created_at + ON_ITS_WAY), now) {
                        break 'pages;
                    }
                    let waits = import.status == ImportStatus::AwaitingUpload && now < import.created_at + ON_ITS_WAY;
                    let later = import.created_at >= request.entered_at;
                    if import.status == ImportStatus::Running || (waits && !later) {
                        all = false;
                    } else if !waits && !later && files.contains(&import.id) {
                        objects.delete_upload(import.id).await?;
                        deleted += 1;
                    }
                }
                after = next;
                if after.is_none() {
                    break;
                }
            }
            erasure.looked(Store::UploadsBucket, Class::Upload, deleted);
        }
        Ok(all)
    }

    /// Gives a Sender its part of a request, and tells it, once. What the product did is noted as done.
    pub(super) async fn give_task(
        &self,
        request: &RightsRequest,
        holding: &Holding,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let done = !request.kind.needs_an_answer();
        let duty =
            if done { Duty::done_at_once(request.received_at, now) } else { Duty::new(request.received_at, now) };
        let due = duty.due;
        let task = RightsTask {
            id: request.id,
            kind: request.kind,
            prospect: (request.kind != RequestKind::Erasure).then_some(holding.subject),
            message: request.message.clone(),
            received_at: request.received_at,
            duty: duty.clone(),
            ttl: None,
            v: 1,
        };
        if !self.db.give_task(holding.workspace, &task.with(duty)).await? {
            return Ok(());
        }
        let mail = RightsMail::Task { kind: request.kind, person: request.person.email(), id: request.id, due, done };
        if let Err(failure) = self.tell_sender(holding.workspace, mail, now).await {
            // The task stands, and reminders follow.
            tracing::warn!(
                slug = failure.slug,
                cause = failure.cause.as_deref(),
                workspace = %holding.workspace,
                "no mail about a request"
            );
        }
        Ok(())
    }
}
