//! The audit trail as stored: written with the act, once, and never again (A9).

use aws_sdk_dynamodb::types::TransactWriteItem;
use domain::{
    audit::Entry,
    policy::retention::{self, Policy},
};
use serde::{Deserialize, Serialize};

use crate::{
    commit,
    db::{Db, Expected, StoreError},
    keys,
};

#[derive(Serialize, Deserialize)]
struct Stored {
    #[serde(flatten)]
    entry: Entry,
    /// When it ends, epoch seconds (A32).
    ttl: i64,
}

impl Db {
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
        Timestamp,
        audit::{Action, Actor, Caller, Origin},
        id::{CampaignId, MemberId, SessionId, WorkspaceId},
        member::Role,
    };

    use super::*;
    use crate::{
        WorkspaceScope,
        db::{from_item, to_item},
    };

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
