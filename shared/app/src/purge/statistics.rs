//! Draws the anonymous statistics of a month once it is over (A16).
//!
//! A purge knows every open workspace. One after the other is asked what happened in the month, and only the sum of all
//! is kept, without what is small in it. Nothing is counted while something happens, so that there is no record of who
//! did what to be aggregated, and none to be lost. The audit trail is not read: it is there for something else.

use content::legal;
use domain::{
    Timestamp,
    id::WorkspaceId,
    policy::retention::Policy,
    statistics::{Counts, Drawing, Kind, Month},
    subject::SHARDS,
    suppression::{Suppression, SuppressionReason},
};
use serde::Serialize;
use storage::{WorkspaceScope, statistics::Drawn};

use super::{Pass, RESERVE};
use crate::{App, Failure};

/// Records in one page of a list.
const PAGE: u32 = 200;

/// The first version of the users' privacy policy that speaks of statistics. No month is counted that began before it.
const SAID_IN: (&str, &str) = ("privacy", "2.1");

/// Every month that was drawn.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Workspaces that contributed to each count, at least; what fewer contributed to is nowhere.
    fewest_workspaces: u64,
    /// Oldest first. A kind that is missing is zero or small.
    months: Vec<Drawn>,
}

impl App {
    /// What is known of how the product is used.
    pub async fn statistics(&self, now: Timestamp) -> Result<Report, Failure> {
        let months = self.db.statistics(now).await?;
        Ok(Report { fewest_workspaces: Policy::current().fewest_workspaces(), months })
    }

    /// Draws the last month that is over, unless it was drawn. Without time for all of it nothing is kept, and
    /// the next run begins anew.
    pub(super) async fn draw_statistics(&self, pass: &Pass) -> Result<(), Failure> {
        let month = Month::before(pass.now);
        // What a backup brings back is not known to be whole before its replay.
        if pass.muted || !is_announced(month, pass.now) || self.db.is_drawn(month).await? {
            return Ok(());
        }
        let mut drawing = Drawing::default();
        for workspace in pass.census.all_open() {
            let Some(locale) = pass.census.open(workspace) else { continue };
            drawing.add(locale, &self.used(workspace, month, pass.now).await?);
            if pass.deadline.left() < RESERVE {
                tracing::warn!(%month, "no time to draw statistics");
                return Ok(());
            }
        }
        self.db.draw(month, drawing.publish(Policy::current().fewest_workspaces()), pass.now).await?;
        tracing::info!(%month, "statistics drawn");
        Ok(())
    }

    /// What happened in one workspace in a month.
    async fn used(&self, workspace: WorkspaceId, month: Month, now: Timestamp) -> Result<Counts, Failure> {
        let scope = WorkspaceScope::internal(workspace);
        let mut used = Counts::new();
        let mut add = |kind, count: u64| *used.entry(kind).or_default() += count;
        let profile = self.db.accounts(&scope).workspace().await?;
        add(Kind::SignUps, u64::from(profile.is_some_and(|profile| month.has(profile.created_at))));
        let mut after = None;
        loop {
            let (imports, next) = self.db.imports(&scope).page(after, PAGE).await?;
            for import in imports.iter().filter(|import| import.finished_at.is_some_and(|at| month.has(at))) {
                add(Kind::Imports, 1);
                add(Kind::RowsRead, import.counts.rows_read());
            }
            after = next;
            if after.is_none() {
                break;
            }
        }
        let (outreach, mut after) = (self.db.outreach(&scope), None::<String>);
        loop {
            let (campaigns, next) = outreach.campaigns(after.as_deref(), PAGE).await?;
            for campaign in campaigns {
                let Some(progress) = outreach.progress(campaign.id).await? else { continue };
                if progress.launched_at.is_some_and(|at| month.has(at)) {
                    add(Kind::CampaignsLaunched, 1);
                    let sent = outreach.tallies(campaign.id).await?.total().counts(progress.messages()).sent;
                    add(Kind::MessagesSent, sent);
                }
            }
            after = next;
            if after.is_none() {
                break;
            }
        }
        let objected = |reason| matches!(reason, SuppressionReason::OptedOut | SuppressionReason::Complained);
        let suppressions = self.db.suppressions(&scope);
        for shard in 0..SHARDS {
            let each = |one: Suppression| {
                add(Kind::OptOuts, u64::from(objected(one.reason) && month.has(one.since)));
            };
            suppressions.each_of_shard(shard, now, each).await?;
        }
        Ok(used)
    }
}

/// Whether the policy for users spoke of statistics all through the month.
fn is_announced(month: Month, now: Timestamp) -> bool {
    let (page, version) = SAID_IN;
    legal::version(page, version, now).is_some_and(|version| version.effective <= month.first_day())
}
