//! Whoever was erased stands in no list of a campaign either (A40).
//!
//! A person's own request takes them out of all of these lists before it is certified. What a backup brought back, or
//! a Sender erased by itself, every run of the purge finds: it looks through all of them.

use std::collections::HashMap;

use domain::{
    Timestamp,
    id::{CampaignId, WorkspaceId},
    policy::retention::Class,
    subject::Subject,
};
use storage::{
    WorkspaceScope,
    db::{Item, number, text},
    keys,
};

use super::due::{Due, Why};
use crate::{App, Failure};

/// Who was erased, and when.
pub(super) type Erased = HashMap<(WorkspaceId, Subject), Timestamp>;

/// Whom an item of the table of suppressions says to be erased.
pub(super) fn erased(item: &Item) -> Option<((WorkspaceId, Subject), Timestamp)> {
    if text(item, "why").ok()? != "erased" {
        return None;
    }
    let workspace = keys::workspace_of(&text(item, "pk").ok()?)?;
    let since = Timestamp::from_second(number(item, "at").ok()?).ok()?;
    Some(((workspace, Subject::from_hex(&text(item, "sk").ok()?)?), since))
}

/// The deliveries of a page whose people were erased: what a backup brought back, or a Sender erased by itself.
pub(super) fn deliveries_of<'a>(items: &'a [Item], erased: &'a Erased) -> impl Iterator<Item = Due> + 'a {
    let whose = |item: &Item| {
        let (pk, sk) = (text(item, "pk").ok()?, text(item, "sk").ok()?);
        Some((keys::workspace_of(&pk)?, keys::subject_of_delivery(&pk, &sk)?))
    };
    items.iter().enumerate().filter_map(move |(index, item)| {
        let since = *erased.get(&whose(item)?)?;
        Some(Due { index, class: Class::Delivery, guard: None, since, why: Why::OptedOut })
    })
}

/// A list of people in the outreach table.
enum List {
    Chunk(CampaignId, u32),
    Plan(CampaignId),
}

/// The list that an item of the outreach table is, with those who are in it.
fn listed(item: &Item) -> Option<(WorkspaceId, List, Vec<Subject>)> {
    let (pk, sk) = (text(item, "pk").ok()?, text(item, "sk").ok()?);
    let (workspace, campaign) = (keys::workspace_of(&pk)?, keys::campaign_of(&pk)?);
    let (list, people) = match keys::chunk_and_step(&sk) {
        Some((chunk, _)) => (List::Chunk(campaign, chunk), item.get("who")?),
        None if sk == keys::PLAN => (List::Plan(campaign), item.get("subjects")?),
        None => return None,
    };
    Some((workspace, list, Subject::unpack(people.as_b().ok()?.as_ref())?))
}

impl App {
    /// Everybody who is known to be erased.
    pub(super) async fn all_erased(&self) -> Result<Erased, Failure> {
        let (mut all, mut after) = (Erased::new(), None);
        loop {
            let page = self.db.sweep(&self.db.tables.suppressions, after.as_ref()).await?;
            all.extend(page.items.iter().filter_map(erased));
            after = page.next;
            if after.is_none() {
                return Ok(all);
            }
        }
    }

    /// Takes those who were erased out of the lists of a page. How many places that were.
    pub(super) async fn blank_erased(&self, items: &[Item], erased: &Erased) -> Result<u64, Failure> {
        let mut blanked = 0;
        if erased.is_empty() {
            return Ok(blanked);
        }
        for (workspace, list, people) in items.iter().filter_map(listed) {
            if people.iter().any(|subject| erased.contains_key(&(workspace, *subject))) {
                let scope = WorkspaceScope::internal(workspace);
                let outreach = self.db.outreach(&scope);
                let gone = |subject| erased.contains_key(&(workspace, subject));
                blanked += match list {
                    List::Chunk(campaign, chunk) => outreach.blank(campaign, chunk, gone).await?,
                    List::Plan(campaign) => outreach.blank_plan(campaign, gone).await?,
                } as u64;
            }
        }
        Ok(blanked)
    }
}
