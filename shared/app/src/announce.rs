//! Tells every member of a material change of the legal texts, long before it applies (A15, A56).
//!
//! Page by page through the accounts table, by schedule. Each member is noted before their mail goes, so
//! that nobody is told twice; who could certainly not be reached is told by the next run. A run that is out
//! of time writes down its place, and the next one goes on from there.

use std::time::Duration;

use content::{
    legal::{self, Coming, Version},
    system::Notification,
};
use domain::{
    Timestamp,
    policy::retention::{self, Policy},
};
use jiff::ToSpan as _;
use serde::Serialize;
use storage::{
    WorkspaceScope,
    accounts::{Member, Workspace, announced::Told},
    db::{Item, from_item, text},
    evidence::AnnouncementRun,
    keys::Key,
};

use crate::{App, Deadline, Failure, news::NewsReport};

/// Left of an invocation when no other workspace is begun.
const RESERVE: Duration = Duration::from_secs(30);

/// The key that was looked at last.
type Place = (String, String);

/// What a run did, for whoever fired it.
#[derive(Debug, Serialize)]
pub struct AnnounceReport {
    /// The moment it was for.
    pub at: Timestamp,
    /// False when it ran out of time; the next one goes on.
    pub complete: bool,
    /// Changes that are announced and do not apply yet.
    pub changes: usize,
    /// Members who were told.
    pub told: u64,
    /// Those of them who hear of it later than promised, though they were there when it was announced: the version needs
    /// a later date.
    pub late: u64,
    /// Members who could not be told; the next run tries again.
    pub unreached: u64,
    /// News that was under way.
    pub news: Vec<NewsReport>,
}

impl App {
    /// Tells whoever does not know yet of the changes that are announced at `now`, then goes on with news.
    pub async fn announce(&self, now: Timestamp, deadline: Deadline) -> Result<AnnounceReport, Failure> {
        let report = self.announce_changes(now, deadline).await?;
        if !report.complete {
            return Ok(report);
        }
        Ok(AnnounceReport { news: self.go_on_with_news(now, deadline).await?, ..report })
    }

    async fn announce_changes(&self, now: Timestamp, deadline: Deadline) -> Result<AnnounceReport, Failure> {
        let changes = legal::changes(now);
        let mut report = AnnounceReport {
            at: now,
            complete: true,
            changes: changes.len(),
            told: 0,
            late: 0,
            unreached: 0,
            news: Vec::new(),
        };
        // Who was told is not known for certain while a backup is put back.
        if self.is_muted().await? {
            return Ok(AnnounceReport { complete: false, ..report });
        }
        if changes.is_empty() {
            return Ok(report);
        }
        let place = self.db.announcement_place().await?;
        let place = self
            .each_workspace(place, deadline, async |workspace| {
                self.announce_to(&workspace, &changes, &mut report).await
            })
            .await?;
        report.complete = place.is_none();
        if report.late > 0 {
            tracing::error!(late = report.late, "change announced late");
        }
        self.db.record_announcement(&AnnouncementRun::at(now, place)).await?;
        Ok(report)
    }

    /// Goes through the workspaces from a place on, until there is none left or the time is up: then it gives the
    /// place to go on from.
    pub(crate) async fn each_workspace(
        &self,
        place: Option<Place>,
        deadline: Deadline,
        mut with: impl AsyncFnMut(Workspace) -> Result<(), Failure>,
    ) -> Result<Option<Place>, Failure> {
        let mut after = place.map(|(pk, sk)| Key { pk, sk });
        loop {
            let page = self.db.sweep(&self.db.tables.accounts, after.as_ref()).await?;
            for workspace in page.items.into_iter().filter(is_workspace) {
                with(from_item(workspace)?).await?;
            }
            after = page.next;
            if after.is_none() || deadline.left() < RESERVE {
                return Ok(after.map(|key| (key.pk, key.sk)));
            }
        }
    }

    /// Tells the members of one workspace. One that is closed may come back and find that the change applies:
    /// its members are told as well, but not where nothing is kept for that.
    async fn announce_to(
        &self,
        workspace: &Workspace,
        changes: &[Coming],
        report: &mut AnnounceReport,
    ) -> Result<(), Failure> {
        if workspace.erase {
            return Ok(());
        }
        let scope = WorkspaceScope::internal(workspace.id);
        let accounts = self.db.accounts(&scope);
        let (members, told) = futures::try_join!(accounts.members(), accounts.told())?;
        for member in members {
            let news = self.take(&scope, &member, changes, &told, report.at).await?;
            if news.is_empty() {
                continue;
            }
            let mail = Notification::LegalChange { changes: &news };
            let Err(failure) = self.post(&member.email, member.language(workspace.locale), mail, report.at).await
            else {
                report.told += 1;
                report.late += u64::from(news.iter().any(|change| is_late(change, &member, report.at)));
                continue;
            };
            tracing::warn!(
                slug = failure.slug,
                cause = failure.cause.as_deref(),
                "a change was not announced to a member"
            );
            report.unreached += 1;
            if failure.certainly_not_sent() {
                for Coming { slug, version } in news {
                    accounts.return_announcement(member.id, slug, &version.version).await?;
                }
            }
        }
        Ok(())
    }

    /// What this member does not know yet, noted as told.
    async fn take(
        &self,
        scope: &WorkspaceScope,
        member: &Member,
        changes: &[Coming],
        told: &Told,
        now: Timestamp,
    ) -> Result<Vec<Coming>, Failure> {
        let mut taken = Vec::new();
        for change in changes {
            let (document, version) = (change.slug, change.version.version.as_str());
            if told.has(member.id, document, version) {
                continue;
            }
            let applies = retention::day_begins(change.version.effective);
            if self.db.accounts(scope).take_announcement(member.id, (document, version), now, applies).await? {
                taken.push(*change);
            }
        }
        Ok(taken)
    }
}

/// Whether a member hears of a change so late that less than the promised notice is left (A56). Who joined after it was
/// announced found it announced. A change is announced in the course of its day.
fn is_late(change: &Coming, member: &Member, now: Timestamp) -> bool {
    let Version { announced, effective, .. } = change.version;
    let notice = Policy::current().promises().policy_change_notice;
    member.created_at < retention::day_begins(*announced)
        && notice.expires_at(now) > retention::day_begins(effective.saturating_add(1.day()))
}

fn is_workspace(item: &Item) -> bool {
    text(item, "sk").is_ok_and(|sk| sk == "WORKSPACE")
}
