//! Mail about campaigns that wait since Amazon SES paused the operator's account. No mail leaves while it is paused, so that it is tried
//! with each run until one does.

use domain::id::{CampaignId, WorkspaceId};
use storage::{
    WorkspaceScope,
    db::{Item, number, text},
    keys,
};

use super::Pass;
use crate::{App, Failure};

/// The campaign that an item says to wait for that and whose members do not know, with its epoch.
fn waits(item: &Item) -> Option<(WorkspaceId, CampaignId, u64)> {
    let (pk, sk) = (text(item, "pk").ok()?, text(item, "sk").ok()?);
    if sk != keys::PROGRESS || text(item, "halt").ok()? != "sending_paused" || text(item, "status").ok()? != "paused" {
        return None;
    }
    let epoch = number(item, "epoch").ok()?;
    let told = number::<u64>(item, "halt_told").ok();
    Some((keys::workspace_of(&pk)?, keys::campaign_of(&pk)?, epoch)).filter(|_| told != Some(epoch))
}

impl App {
    /// Tells the members of those campaigns of a page. How many were told of.
    pub(super) async fn tell_of_halts(&self, items: &[Item], pass: &Pass) -> Result<u64, Failure> {
        let mut told = 0;
        for (workspace, campaign, epoch) in items.iter().filter_map(waits) {
            if pass.census.open(workspace).is_none() {
                continue;
            }
            let scope = WorkspaceScope::internal(workspace);
            // Sent first, then noted: rather twice than never.
            if self.tell_sending_paused(&scope, campaign, pass.now).await? {
                self.db.outreach(&scope).note_halt_told(campaign, epoch).await?;
                told += 1;
            }
        }
        Ok(told)
    }
}

#[cfg(test)]
mod tests {
    use storage::db::{n, s};

    use super::*;

    #[test]
    fn who_waits_is_told_once_for_each_pause() {
        let (workspace, campaign) = (WorkspaceId::from_bytes([1; 10]), CampaignId::from_bytes([2; 10]));
        let key = keys::progress(workspace, campaign);
        let item = |status: &str, halt: &str, told: Option<u64>| {
            let mut item = Item::from([
                ("pk".to_owned(), s(&key.pk)),
                ("sk".to_owned(), s(&key.sk)),
                ("status".to_owned(), s(status)),
                ("halt".to_owned(), s(halt)),
                ("epoch".to_owned(), n(3)),
            ]);
            item.extend(told.map(|told| ("halt_told".to_owned(), n(told))));
            waits(&item)
        };
        let found = Some((workspace, campaign, 3));
        for (status, halt, told, expected) in [
            ("paused", "sending_paused", None, found),
            ("paused", "sending_paused", Some(1), found),
            ("paused", "sending_paused", Some(3), None),
            ("paused", "no_channel", None, None),
            ("sending", "sending_paused", None, None),
        ] {
            assert_eq!(item(status, halt, told), expected, "{status} {halt} {told:?}");
        }
    }
}
