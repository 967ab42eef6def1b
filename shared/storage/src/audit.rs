//! The audit trail as stored: written with the act, once, and never again (A9).

use aws_sdk_dynamodb::types::TransactWriteItem;
use domain::{
    Timestamp,
    audit::Entry,
    id::WorkspaceId,
    policy::retention::{self, Policy},
};
use serde::{Deserialize, Serialize};

use crate::{
    WorkspaceScope, commit,
    db::{Db, Expected, PageQuery, Range, StoreError, from_item},
    keys,
};

#[derive(Serialize, Deserialize)]
struct Stored {
    #[serde(flatten)]
    entry: Entry,
    /// When it ends, epoch seconds (A32).
    ttl: i64,
}

/// The trail of one workspace.
#[derive(Debug, Clone, Copy)]
pub struct Trail<'a> {
    db: &'a Db,
    workspace: WorkspaceId,
}

impl Trail<'_> {
    /// A page of one month (`2026-11`), newest first, from after a sort key; the second value says where
    /// to go on in that month. What is over at `now` is not read, whenever it is deleted.
    pub async fn page(
        &self,
        month: &str,
        after: Option<&str>,
        limit: u32,
        now: Timestamp,
    ) -> Result<(Vec<Entry>, Option<String>), StoreError> {
        let pk = keys::audit_month(self.workspace, month);
        let limit = Some(i32::try_from(limit).unwrap_or(i32::MAX));
        let query = PageQuery { after, limit, strong: true, newest_first: true, ..PageQuery::of(&pk, Range::All) };
        let page = self.db.page(&self.db.tables.evidence, &query).await?;
        let stored = page.items.into_iter().map(from_item).collect::<Result<Vec<Stored>, _>>()?;
        let living = stored.into_iter().filter(|stored| now.as_second() < stored.ttl);
        Ok((living.map(|stored| stored.entry).collect(), page.next))
    }
}

impl Db {
    /// The trail of the scope's workspace.
    pub fn trail<'a>(&'a self, scope: &'a WorkspaceScope) -> Trail<'a> {
        Trail { db: self.of(scope), workspace: scope.workspace() }
    }

    /// The entry as a part of the transaction that does what it says.
    pub fn recording(&self, entry: &Entry) -> Result<TransactWriteItem, StoreError> {
        let stored =
            Stored { entry: entry.clone(), ttl: retention::ttl(Policy::current().security_log_expiry(entry.at)) };
        let key = keys::audit(entry.workspace, entry.at, entry.id);
        commit::put(&self.tables.evidence, &key, &stored, Expected::Absent)
    }

    /// Writes what one act changes, and its entry.
    pub(crate) async fn act(&self, write: TransactWriteItem, entry: &Entry) -> Result<(), StoreError> {
        self.commit(vec![write, self.recording(entry)?]).await
    }

    /// Writes an entry alone, for an act that changes nothing that is stored: data was handed out, or
    /// somebody was refused.
    pub async fn record(&self, entry: &Entry) -> Result<(), StoreError> {
        self.commit(vec![self.recording(entry)?]).await
    }
}

#[cfg(test)]
mod tests {
    use domain::{
        audit::{Action, Actor, Caller, Origin},
        id::{CampaignId, MemberId, SessionId},
        member::Role,
    };

    use super::*;
    use crate::db::to_item;

    #[test]
    fn an_entry_is_put_where_nothing_is() {
        let config = aws_sdk_dynamodb::Config::builder().behavior_version_latest().build();
        let db = Db { client: aws_sdk_dynamodb::Client::from_conf(config), tables: Default::default() };
        let scope = WorkspaceScope::internal(WorkspaceId::from_bytes([3; 10]));
        let write = db.recording(&scope.entry(Action::ImportFinished, Timestamp::UNIX_EPOCH)).unwrap();
        let condition = write.put().and_then(|put| put.condition_expression());
        assert_eq!(condition, Some("attribute_not_exists(pk)"));
    }

    #[test]
    fn an_entry_reads_back_with_everything_in_it() {
        let at: Timestamp = "2026-03-31T23:59:59.5Z".parse().unwrap();
        let actor = Actor::Member {
            id: MemberId::from_bytes([1; 10]),
            role: Role::Owner,
            session: Some(SessionId::from_bytes([2; 10])),
        };
        let caller = Caller::new(actor, Origin::new("192.0.2.7".parse().ok(), "curl/8"));
        let entry = WorkspaceScope::acting(WorkspaceId::from_bytes([3; 10]), caller)
            .entry(Action::CampaignLaunched, at)
            .about(CampaignId::from_bytes([4; 10]))
            .with("people", 12)
            .with("channel", "ses")
            .with("fields", vec!["name", "text"]);
        let stored = Stored { entry: entry.clone(), ttl: 7 };
        let item = to_item(&keys::audit(entry.workspace, at, entry.id), &stored).unwrap();
        assert!(!format!("{item:?}").contains("192.0.2.7"));
        let back: Stored = from_item(item).unwrap();
        assert_eq!((back.entry, back.ttl), (entry, 7));
    }
}
