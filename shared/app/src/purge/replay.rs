//! What a purge does beside deleting, after a backup was restored: closes again what was closed, stops what
//! was under way, and lets sending go on once all of it is replayed.

use domain::{
    Timestamp,
    campaign::{CampaignStatus, Progress},
    clicks::ClickConsent,
    prospect::{Prospect, ProspectState},
    subject::Subject,
};
use jiff::SignedDuration;
use storage::{
    StoreError, WorkspaceScope,
    db::{Item, from_item, text},
    evidence::PurgeRun,
    keys,
};

use super::{Pass, due::Census};
use crate::{App, Failure, restore::Restore};

/// How far from the last scheduled run the time of an order by hand may be.
const ASTRAY: SignedDuration = SignedDuration::from_hours(26);

impl App {
    /// Workspaces that came back open and were closed since the backup are closed again, as they were. How many.
    pub(super) async fn close_again(&self, census: &mut Census, now: Timestamp) -> Result<u64, Failure> {
        let noted = self.db.closed_workspaces().await?;
        let wrong: Vec<_> = census.all_open().filter_map(|ws| Some((ws, noted.of(ws)?))).collect();
        let closed = wrong.len() as u64;
        for (workspace, closing) in wrong {
            let scope = WorkspaceScope::internal(workspace);
            not_lost(self.db.accounts(&scope).close_again(closing).await)?;
            census.close(workspace, closing, now);
        }
        Ok(closed)
    }

    /// People of a page who asked that their data be kept and not used, and came back as they were before, are frozen
    /// again. How many.
    pub(super) async fn freeze_again(&self, items: &[Item], pass: &Pass) -> Result<u64, Failure> {
        let mut frozen = 0;
        for item in items {
            let (pk, sk) = (text(item, "pk")?, text(item, "sk")?);
            let (Some(workspace), Some(subject)) = (keys::workspace_of(&pk), Subject::from_hex(&sk)) else { continue };
            let Some(request) = pass.frozen.by(workspace, subject) else { continue };
            let scope = WorkspaceScope::internal(workspace);
            let prospects = self.db.prospects(&scope);
            let Some(held) = prospects.get(subject, true).await?.filter(|held| held.prospect.restricted_by.is_none())
            else {
                continue;
            };
            let (state, restricted_by) = (ProspectState::Restricted, Some(request));
            let prospect = Prospect { state, restricted_by, updated_at: pass.now, ..held.prospect };
            not_lost(prospects.replace(&prospect, held.version).await)?;
            frozen += 1;
        }
        Ok(frozen)
    }

    /// People of a page whose consent to clicks being recorded came back although they withdrew it: it is withdrawn
    /// again, unless they gave another one since. How many.
    pub(super) async fn withdraw_again(&self, items: &[Item], now: Timestamp) -> Result<u64, Failure> {
        let mut withdrawn = 0;
        for item in items.iter().filter(|item| item.contains_key("p") && !item.contains_key("r")) {
            let (pk, sk) = (text(item, "pk")?, text(item, "sk")?);
            let (Some(workspace), Some(subject)) = (keys::workspace_of(&pk), Subject::from_hex(&sk)) else { continue };
            let Some(since) = self.db.click_withdrawal(workspace, subject).await? else { continue };
            let scope = WorkspaceScope::internal(workspace);
            let prospects = self.db.prospects(&scope);
            let Some(held) = prospects.get(subject, true).await? else { continue };
            let Some(consent) = held.prospect.click_consent.clone().filter(ClickConsent::holds) else { continue };
            let before = consent.clone().withdrawn(since);
            if consent.counts(Some(&before), now).is_ok() {
                continue;
            }
            let prospect = Prospect { click_consent: Some(before), updated_at: now, ..held.prospect };
            not_lost(prospects.replace(&prospect, held.version).await)?;
            withdrawn += 1;
        }
        Ok(withdrawn)
    }

    /// Campaigns that came back under way may have gone on after the backup was made: whom they wrote to
    /// since then is not known any more. Their Senders look first, and resume them. How many there were.
    pub(super) async fn pause_restored(&self, items: &[Item], now: Timestamp) -> Result<u64, Failure> {
        let mut found = 0;
        for item in items.iter().filter(|item| text(item, "sk").is_ok_and(|sk| sk == keys::PROGRESS)) {
            let progress: Progress = from_item(item.clone())?;
            let Some(workspace) = keys::workspace_of(&text(item, "pk")?) else { continue };
            if progress.status == CampaignStatus::Sending {
                let scope = WorkspaceScope::internal(workspace);
                let paused = self
                    .db
                    .outreach(&scope)
                    .transition(&progress, progress.moved(CampaignStatus::Paused, now), None)
                    .await;
                not_lost(paused.map(|_| ()))?;
                found += 1;
            }
        }
        Ok(found)
    }

    /// A replay's time is typed by hand, and whatever is due by then goes: it may not be far from that of the runs
    /// that go on by schedule meanwhile.
    pub(super) async fn mind_the_clock(&self, now: Timestamp) -> Result<(), Failure> {
        let Some(last) = self.db.last_purge().await? else { return Ok(()) };
        if now.duration_since(last).abs() <= ASTRAY {
            return Ok(());
        }
        Err(Failure::internal(format!(
            "the time of the order is {now}, more than a day from the last run, {last}: nothing was deleted; give the time it is"
        )))
    }

    /// Lets sending go on after a complete run that replayed a restore and left nothing due. Of the one that
    /// the installation goes by it remembers that it was replayed, however long ago.
    pub(super) async fn note_restore(&self, restore: Restore, run: &PurgeRun, now: Timestamp) -> Result<(), Failure> {
        if let Restore::Replayed(name, at) = restore {
            self.db.note_replayed(&name, at, now).await?;
        } else if let Some(name) = run.restore.as_ref().filter(|_| run.residuals.is_empty()) {
            self.db.note_replayed(name, now, now).await?;
            tracing::warn!(restore = %name, "the restore is replayed: sending may go on");
        }
        Ok(())
    }
}

/// Somebody was faster: what they did stands.
fn not_lost(written: Result<(), StoreError>) -> Result<(), Failure> {
    match written {
        Ok(()) | Err(StoreError::Conflict) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

pub(super) fn nothing_to_replay() -> Failure {
    Failure::internal("nothing waits for a replay: name the restore in the parameter Restore first")
}
