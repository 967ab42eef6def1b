//! Time runs: what was cut short goes on, whoever has to answer is reminded, what is overdue is said.

use content::system::RightsMail;
use domain::{
    Timestamp,
    rights::{Chase, Outcome},
};
use serde::Serialize;
use std::time::Duration;
use storage::rights::{Holding, Person, RightsRequest};

use crate::{App, Deadline, Failure, failure::not_lost};

/// Left of an invocation when no other request is begun.
const RESERVE: Duration = Duration::from_secs(8);

/// What a run did.
#[derive(Debug, Default, Serialize)]
pub struct ClockReport {
    /// Open requests looked at.
    pub open: u64,
    /// Reminders sent.
    pub reminded: u64,
    /// Requests said to be overdue.
    pub overdue: u64,
    /// Requests closed.
    pub closed: u64,
    /// Requests that could not be worked on; the next run tries again.
    pub failed: u64,
    /// False when it ran out of time; the next run goes on.
    pub complete: bool,
}

impl App {
    /// One run over all open requests, the oldest first. None while a restore is not replayed.
    pub async fn rights_clock(&self, now: Timestamp, deadline: Deadline) -> Result<ClockReport, Failure> {
        let mut report = ClockReport::default();
        // Nobody is chased by what a backup brought back.
        if self.is_muted().await? {
            return Ok(report);
        }
        let mut after = None::<String>;
        loop {
            let (requests, next) = self.db.open_requests(after.as_deref()).await?;
            for request in requests {
                if deadline.left() < RESERVE {
                    return Ok(report);
                }
                report.open += 1;
                let id = request.id;
                if let Err(failure) = Box::pin(self.tick(request, &mut report, now)).await {
                    report.failed += 1;
                    tracing::warn!(request = %id, slug = failure.slug, cause = failure.cause.as_deref(), "request not worked on");
                }
            }
            after = next;
            if after.is_none() {
                report.complete = true;
                return Ok(report);
            }
        }
    }

    async fn tick(&self, mut request: RightsRequest, report: &mut ClockReport, now: Timestamp) -> Result<(), Failure> {
        if !request.carried_out && !request.unproved {
            self.carry_out(request, now).await?;
            return Ok(());
        }
        if let Person::Member { workspace, member, .. } = request.person
            && self.company(workspace).await?.is_none()
        {
            // The account is gone, and everything that could be answered with it.
            self.delete_copy(&request).await?;
            self.db.close_orphan(&request, workspace, member, now).await?;
            report.closed += 1;
            return Ok(());
        }
        self.chase_operator(&mut request, report, now).await?;
        for holding in request.holdings.clone() {
            self.chase_sender(&request, &holding, report, now).await?;
        }
        report.closed += u64::from(self.close_if_answered(&request, now).await?);
        Ok(())
    }

    /// A Sender's task. Noted first, then said: a mail may be lost and never goes twice.
    async fn chase_sender(
        &self,
        request: &RightsRequest,
        holding: &Holding,
        report: &mut ClockReport,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let Some(mut task) = self.db.rights_task(holding.workspace, request.id).await? else { return Ok(()) };
        if !task.duty.is_open() {
            return Ok(());
        }
        let Some((company, _)) = self.company(holding.workspace).await? else {
            // The Sender has left, and everything it held with it.
            let duty = task.duty.handled(Outcome::SenderGone, now);
            task = task.with(duty);
            return not_lost(self.db.save_task(holding.workspace, &mut task, None).await).map(|_| ());
        };
        let Some(chase) = task.duty.chase(now) else { return Ok(()) };
        let duty = task.duty.noted(chase);
        task = task.with(duty);
        if !not_lost(self.db.save_task(holding.workspace, &mut task, None).await)? {
            return Ok(());
        }
        let (kind, id, due) = (request.kind, request.id, task.duty.due);
        match chase {
            Chase::Remind(_) => {
                report.reminded += 1;
                self.tell_sender(holding.workspace, RightsMail::Reminder { kind, id, due }, now).await
            }
            Chase::Escalate(_) => {
                report.overdue += 1;
                tracing::error!(request = %id, workspace = %holding.workspace, "request about rights overdue");
                self.tell_operator(RightsMail::Overdue { kind, id, company: &company, due }, now).await?;
                self.tell_sender(holding.workspace, RightsMail::Late { kind, id, due }, now).await
            }
        }
    }

    /// What the operator itself has to answer.
    async fn chase_operator(
        &self,
        request: &mut RightsRequest,
        report: &mut ClockReport,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let Some(duty) = request.duty.clone() else { return Ok(()) };
        let Some(chase) = duty.chase(now) else { return Ok(()) };
        request.duty = Some(duty.noted(chase));
        if !not_lost(self.db.save_request(request).await)? {
            return Ok(());
        }
        let (kind, id, due) = (request.kind, request.id, duty.due);
        match chase {
            Chase::Remind(_) => {
                report.reminded += 1;
                self.tell_operator(RightsMail::Reminder { kind, id, due }, now).await
            }
            Chase::Escalate(_) => {
                report.overdue += 1;
                tracing::error!(request = %id, "request about rights overdue");
                let company = &self.config.operator_name;
                self.tell_operator(RightsMail::Overdue { kind, id, company, due }, now).await
            }
        }
    }
}
