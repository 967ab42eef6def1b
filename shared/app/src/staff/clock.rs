//! Time runs: trails are looked through, the affected are told, the operator is reminded of the authority.
//!
//! Whatever cuts a run short, the next one goes on from where it was noted.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use content::system::{BreachMail, Due, Notification, Told};
use domain::{
    Timestamp,
    id::WorkspaceId,
    locale::Locale,
    member::Role,
    rights::Chase,
    staff::{Reason, Whom},
};
use jiff::SignedDuration;
use serde::Serialize;
use storage::{
    WorkspaceScope,
    staff::{Affected, Both, Incident},
};

use crate::{App, Deadline, Failure, audit, failure::not_lost};

/// Left of an invocation when nothing else is begun.
const RESERVE: Duration = Duration::from_secs(8);
/// After so long, whoever set about telling somebody is gone: no function runs longer.
const GIVEN_UP: SignedDuration = SignedDuration::from_mins(15);
/// Items in one page.
const PAGE: u32 = 200;

/// What a run did.
#[derive(Debug, Default, Serialize)]
pub struct StaffClockReport {
    /// Workspaces whose trail was looked through.
    pub looked_at: u64,
    /// Found to be affected.
    pub found: u64,
    /// Told.
    pub told: u64,
    /// Could not be told; the next run tries again.
    pub unreached: u64,
    /// Reminders to the operator.
    pub reminded: u64,
    /// Incidents said to be overdue.
    pub overdue: u64,
    /// Incidents that could not be worked on; the next run tries again.
    pub failed: u64,
    /// False when it ran out of time; the next run goes on.
    pub complete: bool,
}

impl App {
    /// One run over all incidents: first what is to be said to the operator, then the rest.
    pub async fn staff_clock(&self, now: Timestamp, deadline: &Deadline) -> Result<StaffClockReport, Failure> {
        let mut report = StaffClockReport::default();
        let mut after = None;
        loop {
            let (incidents, next) = self.db.incidents(after, PAGE).await?;
            for incident in incidents {
                let id = incident.id;
                match Box::pin(self.go_on(incident, &mut report, now, deadline)).await {
                    Ok(true) => {}
                    Ok(false) => return Ok(report),
                    Err(failure) => {
                        report.failed += 1;
                        let cause = failure.cause.as_deref();
                        tracing::warn!(incident = %id, slug = failure.slug, cause, "incident not worked on");
                    }
                }
            }
            after = next;
            if after.is_none() {
                report.complete = true;
                return Ok(report);
            }
        }
    }

    /// What one incident needs. False when time is over.
    async fn go_on(
        &self,
        mut incident: Incident,
        report: &mut StaffClockReport,
        now: Timestamp,
        deadline: &Deadline,
    ) -> Result<bool, Failure> {
        self.chase_authority(&mut incident, report, now).await?;
        if !incident.searched {
            return self.search_on(&mut incident, report, now, deadline).await;
        }
        if incident.notified.is_some() && incident.told_at.is_none() {
            return self.tell_on(&mut incident, report, now, deadline).await;
        }
        Ok(true)
    }

    /// The 72 hours. Noted first, then said: a reminder may be lost and never goes twice.
    async fn chase_authority(
        &self,
        incident: &mut Incident,
        report: &mut StaffClockReport,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let Some(chase) = incident.timer.chase(now) else { return Ok(()) };
        incident.timer = incident.timer.noted(chase);
        self.db.save_incident(incident, None).await?;
        let todo = Due { drill: incident.drill, id: incident.id, due: incident.timer.due() };
        let mail = match chase {
            Chase::Remind(_) => {
                report.reminded += 1;
                BreachMail::Reminder(todo)
            }
            Chase::Escalate(_) => {
                report.overdue += 1;
                tracing::error!(incident = %incident.id, "the authority was not told in time");
                BreachMail::Overdue(todo)
            }
        };
        self.post_to_operator(Notification::Breach(mail), now).await
    }

    /// Looks through one trail after the other. False when time is over.
    async fn search_on(
        &self,
        incident: &mut Incident,
        report: &mut StaffClockReport,
        now: Timestamp,
        deadline: &Deadline,
    ) -> Result<bool, Failure> {
        loop {
            let some = self.next_workspaces(incident).await?;
            if some.is_empty() {
                incident.searched = true;
                self.db.save_incident(incident, None).await?;
                return Ok(true);
            }
            for workspace in some {
                if deadline.left() < RESERVE {
                    return Ok(false);
                }
                report.looked_at += 1;
                for (whom, reasons) in self.search_trail(incident, workspace, now).await? {
                    let member = if let Whom::Member(member) = whom { Some(member) } else { None };
                    let affected =
                        Affected { workspace, member, reasons, taken_at: None, told_at: None, ttl: incident.ttl, v: 1 };
                    self.db.list_affected(incident.id, &affected).await?;
                    report.found += 1;
                }
                // Whoever repeats a trail lists the same again, which changes nothing.
                incident.looked_at = Some(workspace);
                self.db.save_incident(incident, None).await?;
            }
        }
    }

    /// Workspaces that were not looked at yet, in the order of their names.
    async fn next_workspaces(&self, incident: &Incident) -> Result<Vec<WorkspaceId>, Failure> {
        let Some(named) = &incident.search.workspaces else {
            let after = incident.looked_at.map(|workspace| workspace.to_string());
            return Ok(self.db.workspaces(after.as_deref()).await?.0);
        };
        Ok(named.iter().filter(|workspace| incident.looked_at.is_none_or(|last| **workspace > last)).copied().collect())
    }

    /// Whom one trail shows to be affected.
    async fn search_trail(
        &self,
        incident: &Incident,
        workspace: WorkspaceId,
        now: Timestamp,
    ) -> Result<BTreeMap<Whom, BTreeSet<Reason>>, Failure> {
        let scope = WorkspaceScope::internal(workspace);
        let (trail, search) = (self.db.trail(&scope), &incident.search);
        let mut found: BTreeMap<Whom, BTreeSet<Reason>> = BTreeMap::new();
        for month in audit::months(search.from, search.to) {
            let mut after = None::<String>;
            loop {
                let (entries, next) = trail.page(&month, after.as_deref(), PAGE, now).await?;
                for (whom, reason) in entries.iter().flat_map(|entry| search.finds(entry)) {
                    found.entry(whom).or_default().insert(reason);
                }
                after = next;
                if after.is_none() {
                    break;
                }
            }
        }
        Ok(found)
    }

    /// Tells everybody who is affected and was not told. False when time is over.
    async fn tell_on(
        &self,
        incident: &mut Incident,
        report: &mut StaffClockReport,
        now: Timestamp,
        deadline: &Deadline,
    ) -> Result<bool, Failure> {
        let (mut after, mut everybody) = (None::<String>, true);
        loop {
            let (affected, next) = self.db.affected(incident.id, after.as_deref(), PAGE).await?;
            for one in affected.into_iter().filter(|one| one.told_at.is_none()) {
                if deadline.left() < RESERVE {
                    return Ok(false);
                }
                everybody &= self.tell_one(incident, one, report, now).await?;
            }
            after = next;
            if after.is_none() {
                break;
            }
        }
        if everybody {
            incident.told_at = Some(now);
            self.db.save_incident(incident, None).await?;
        }
        Ok(true)
    }

    /// Tells one. It is noted before that a run is at it, so that two do not both write; and after, that it is done.
    /// Whoever a run was at when it was killed is told by a later one, rather twice than never.
    async fn tell_one(
        &self,
        incident: &Incident,
        mut one: Affected,
        report: &mut StaffClockReport,
        now: Timestamp,
    ) -> Result<bool, Failure> {
        if one.taken_at.is_some_and(|at| now < at + GIVEN_UP) {
            return Ok(false);
        }
        one.taken_at = Some(now);
        if !not_lost(self.db.save_affected(incident.id, &mut one).await)? {
            return Ok(false);
        }
        match self.write_to(incident, &one, now).await {
            Ok(()) => {
                one.told_at = Some(now);
                self.db.save_affected(incident.id, &mut one).await?;
                report.told += 1;
                Ok(true)
            }
            Err(failure) => {
                tracing::warn!(
                    incident = %incident.id,
                    workspace = %one.workspace,
                    slug = failure.slug,
                    cause = failure.cause.as_deref(),
                    "somebody affected was not told"
                );
                report.unreached += 1;
                Ok(false)
            }
        }
    }

    /// The mail itself. Who is not a member any more has no address here, and nothing more to be told.
    async fn write_to(&self, incident: &Incident, one: &Affected, now: Timestamp) -> Result<(), Failure> {
        let scope = WorkspaceScope::internal(one.workspace);
        let accounts = self.db.accounts(&scope);
        let (workspace, members) = futures::try_join!(accounts.workspace(), accounts.members())?;
        let Some(workspace) = workspace else { return Ok(()) };
        let to = members.iter().filter(|member| match one.member {
            Some(affected) => member.id == affected,
            None => member.role == Role::Owner,
        });
        for member in to {
            let locale = member.language(workspace.locale);
            let told = Told {
                drill: incident.drill,
                nature: of(&incident.nature, locale),
                consequences: of(&incident.consequences, locale),
                measures: of(&incident.measures, locale),
                contact: &self.config.operator_privacy_contact,
                discovered_at: incident.timer.discovered_at,
            };
            let mail = if one.member.is_some() { BreachMail::Member(told) } else { BreachMail::Sender(told) };
            self.post(&member.email, locale, Notification::Breach(mail), now).await?;
        }
        Ok(())
    }
}

fn of(both: &Both, locale: Locale) -> &str {
    match locale {
        Locale::Fr => &both.fr,
        Locale::En => &both.en,
    }
}
