//! Whoever was erased stands in no list of a campaign either (A40).
//!
//! An erasure takes a person out of the chunks that wrote to them. Those that were only on their way, or refused
//! them before, know them by nothing that leads there; every run of the purge looks through all of them.

use std::collections::HashSet;

use domain::{
    id::{CampaignId, WorkspaceId},
    subject::Subject,
};
use storage::{
    WorkspaceScope,
    db::{Item, text},
    keys,
};

use crate::{App, Failure};

/// Whom an item of the table of suppressions says to be erased.
pub(super) fn erased(item: &Item) -> Option<(WorkspaceId, Subject)> {
    if text(item, "why").ok()? != "erased" {
        return None;
    }
    let workspace = keys::workspace_of(&text(item, "pk").ok()?)?;
    Some((workspace, Subject::from_hex(&text(item, "sk").ok()?)?))
}

/// The chunk that an item of the outreach table is of, with those who are listed there.
fn listed(item: &Item) -> Option<(WorkspaceId, CampaignId, u32, Vec<Subject>)> {
    let (pk, sk) = (text(item, "pk").ok()?, text(item, "sk").ok()?);
    let (chunk, _) = keys::chunk_and_step(&sk)?;
    let who = item.get("who")?.as_b().ok()?;
    Some((keys::workspace_of(&pk)?, keys::campaign_of(&pk)?, chunk, Subject::unpack(who.as_ref())?))
}

impl App {
    /// Takes those who were erased out of the chunks of a page.
    pub(super) async fn blank_erased(
        &self,
        items: &[Item],
        erased: &HashSet<(WorkspaceId, Subject)>,
    ) -> Result<(), Failure> {
        if erased.is_empty() {
            return Ok(());
        }
        for (workspace, campaign, chunk, people) in items.iter().filter_map(listed) {
            if people.iter().any(|subject| erased.contains(&(workspace, *subject))) {
                let scope = WorkspaceScope::internal(workspace);
                let gone = |subject| erased.contains(&(workspace, subject));
                self.db.outreach(&scope).blank(campaign, chunk, gone).await?;
            }
        }
        Ok(())
    }
}
