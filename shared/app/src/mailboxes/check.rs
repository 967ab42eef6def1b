//! The check of a mailbox: connects, logs in, opens its folders, reads nothing, and says where it stopped. From then on what comes in
//! is looked at, though the schedule may be minutes away.

use std::time::Duration;

use content::{channel_check::ChannelFinding, mailbox_check};
use domain::{
    Timestamp,
    audit::Action,
    channel_check::State,
    id::MailboxId,
    mailbox::{Cursor, Step, Stop, steps},
};
use serde::Serialize;
use storage::{StoreError, WorkspaceScope, mailboxes::Mailbox};

use super::not_found;
use crate::{
    App, Failure,
    https::Tls,
    imap::{self, Place, Session},
    limits::Window,
};

/// Checks of one workspace: each tries a password at somebody's server.
const CHECKS: Window = Window { of: "mailbox_check", most: 20, seconds: 60 * 60 };

/// How long each step of a check may take: whoever asked for it waits.
const PATIENCE: Duration = Duration::from_secs(4);

/// How long all of them may take.
const ALL_IN_ALL: Duration = Duration::from_secs(22);

/// A check as members see it.
#[derive(Debug, Serialize)]
pub struct MailboxCheckView {
    mailbox: MailboxId,
    status: &'static str,
    checked_at: Timestamp,
    steps: Vec<StepView>,
    findings: Vec<ChannelFinding>,
}

#[derive(Debug, Serialize)]
struct StepView {
    step: Step,
    state: State,
}

impl App {
    /// Tries a mailbox out, and says how far it came.
    pub async fn check_mailbox(
        &self,
        scope: &WorkspaceScope,
        id: MailboxId,
        now: Timestamp,
    ) -> Result<MailboxCheckView, Failure> {
        let all = self.db.mailboxes(scope).all().await?;
        let mailbox = all.find(id).ok_or_else(not_found)?;
        self.active_workspace(scope).await?;
        if mailbox.secret.is_empty() {
            return Err(Failure::refused(
                "mailbox-password-missing",
                "The mailbox's password was given up when the workspace was closed. Enter it again: PUT /v1/mailboxes/{id}.",
            ));
        }
        self.throttle(CHECKS, &scope.workspace().to_string(), now).await?;
        self.db.of(scope).record(&scope.entry(Action::MailboxChecked, now).about(id)).await?;
        let tried = tokio::time::timeout(ALL_IN_ALL, self.try_mailbox(scope, mailbox)).await;
        let stopped = tried.unwrap_or(Ok(Some(Stop::Silent)))?;
        Ok(MailboxCheckView {
            mailbox: id,
            status: if stopped.is_none() { "passed" } else { "failed" },
            checked_at: now,
            steps: steps(stopped).map(|(step, state)| StepView { step, state }).into(),
            findings: stopped.map(mailbox_check::finding).into_iter().collect(),
        })
    }

    /// Where it stopped; `None` when all folders could be opened. Where the first look into each begins is noted.
    async fn try_mailbox(&self, scope: &WorkspaceScope, mailbox: &Mailbox) -> Result<Option<Stop>, Failure> {
        let mut session = match self.enter_mailbox(scope, mailbox, PATIENCE).await? {
            Ok(session) => session,
            Err(stop) => return Ok(Some(stop)),
        };
        let mut begins = Vec::new();
        for folder in &mailbox.folders {
            match session.open(folder).await {
                Ok(opened) => begins.push((folder, Cursor::of(None, opened.validity, opened.uid_next))),
                Err(stop) => return Ok(Some(stop)),
            }
        }
        session.log_out().await;
        let store = self.db.mailboxes(scope);
        let mut record = store.reading(mailbox.id).await?;
        begins.retain(|(folder, _)| record.reading.cursor(folder).is_none());
        if !begins.is_empty() {
            begins.into_iter().for_each(|(folder, cursor)| record.reading.move_to(folder, cursor));
            match store.save(mailbox.id, record).await {
                // Whoever reads it at this moment notes the same.
                Ok(_) | Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(None)
    }

    /// Connects to a mailbox and logs in. Each step has `patience`.
    pub(super) async fn enter_mailbox(
        &self,
        scope: &WorkspaceScope,
        mailbox: &Mailbox,
        patience: Duration,
    ) -> Result<Result<Session, Stop>, Failure> {
        let login = self.mailbox_login(scope, mailbox).await?;
        let roots = &self.config.relay_root_certificates;
        let tls = self.token_tls.get_or_try_init(async || Tls::new(roots)).await?;
        let place = Place { host: &mailbox.host, port: mailbox.port, security: mailbox.security, patience };
        let login = login.as_ref().map_err(|stop| *stop);
        Ok(imap::connect(&place, &self.config.relay_networks, tls, login).await)
    }
}
