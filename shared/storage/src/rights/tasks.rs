//! What a Sender has to do about one person's request (A75).

use domain::{
    Timestamp,
    audit::Entry,
    id::{RequestId, WorkspaceId},
    policy::retention::{self, Policy},
    rights::{Duty, Extension, RequestKind},
    subject::Subject,
};
use serde::{Deserialize, Serialize};

use crate::{
    commit,
    db::{Db, Expected, PageQuery, Range, StoreError, from_item},
    keys,
};

/// A Sender's task. Who asks is said by the prospect's name, never by the address; once it is handled,
/// not at all.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RightsTask {
    /// The request it belongs to, and its name.
    pub id: RequestId,
    /// What is asked.
    pub kind: RequestKind,
    /// Who asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prospect: Option<Subject>,
    /// In the person's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// When the request was received.
    pub received_at: Timestamp,
    /// What has to be done, and by when.
    pub duty: Duty,
    /// When this itself goes, epoch seconds; an open one stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<i64>,
    /// Raised by every write.
    pub v: u64,
}

impl std::fmt::Debug for RightsTask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RightsTask({}, {:?})", self.id, self.kind)
    }
}

impl RightsTask {
    /// The same, with nothing left of the person once it is handled.
    #[must_use]
    pub fn with(self, duty: Duty) -> Self {
        match &duty.handled {
            None => Self { duty, ..self },
            Some(handled) => {
                let ttl = Some(retention::ttl(Policy::current().rights_request_expiry(handled.at)));
                // A reason may name the person; that they were told, and when, is kept.
                let extension = duty.extension.map(|told| Extension { reason: String::new(), ..told });
                Self { duty: Duty { extension, ..duty }, prospect: None, message: None, ttl, ..self }
            }
        }
    }
}

impl Db {
    /// Gives a Sender a task, once. False when it has it already.
    pub async fn give_task(&self, workspace: WorkspaceId, task: &RightsTask) -> Result<bool, StoreError> {
        let key = keys::rights_task(workspace, task.id);
        match self.put(&self.tables.rights, &key, task, Expected::Absent).await {
            Ok(()) => Ok(true),
            Err(StoreError::Conflict) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// One task of a Sender's, strongly consistent.
    pub async fn rights_task(&self, workspace: WorkspaceId, id: RequestId) -> Result<Option<RightsTask>, StoreError> {
        self.get(&self.tables.rights, &keys::rights_task(workspace, id), true).await
    }

    /// Replaces one that was read, and counts its version up. `Conflict`: somebody else wrote since. What a
    /// member does leaves an entry.
    pub async fn save_task(
        &self,
        workspace: WorkspaceId,
        task: &mut RightsTask,
        entry: Option<&Entry>,
    ) -> Result<(), StoreError> {
        let seen = task.v;
        task.v = seen + 1;
        let (table, key) = (&self.tables.rights, keys::rights_task(workspace, task.id));
        match entry {
            Some(entry) => self.act(commit::put(table, &key, task, Expected::Version(seen))?, entry).await,
            None => self.put(table, &key, task, Expected::Version(seen)).await,
        }
    }

    /// One page of a Sender's tasks, newest first, after `after`; the second value says where to go on.
    pub async fn rights_tasks(
        &self,
        workspace: WorkspaceId,
        after: Option<RequestId>,
        limit: u32,
    ) -> Result<(Vec<RightsTask>, Option<RequestId>), StoreError> {
        let pk = keys::rights(workspace);
        let after = after.map(|id| keys::rights_task(workspace, id).sk);
        let query = PageQuery {
            after: after.as_deref(),
            limit: Some(i32::try_from(limit).unwrap_or(i32::MAX)),
            strong: true,
            newest_first: true,
            ..PageQuery::of(&pk, Range::Prefix(keys::RIGHTS_TASK))
        };
        let page = self.page(&self.tables.rights, &query).await?;
        let tasks = page.items.into_iter().map(from_item).collect::<Result<Vec<_>, _>>()?;
        let next =
            page.next.as_deref().and_then(|sk| sk.strip_prefix(keys::RIGHTS_TASK)).and_then(|id| id.parse().ok());
        Ok((tasks, next))
    }
}

#[cfg(test)]
mod tests {
    use domain::rights::Outcome;

    use super::*;
    use crate::db::to_item;

    #[test]
    fn a_task_reads_back_and_forgets_who_asked_once_it_is_handled() {
        let now: Timestamp = "2026-05-01T10:00:00Z".parse().unwrap();
        let task = RightsTask {
            id: RequestId::from_bytes([1; 10]),
            kind: RequestKind::Rectification,
            prospect: Some(Subject::from_bytes([2; 16])),
            message: Some("my name is Ada".into()),
            received_at: now,
            duty: Duty::new(now, now),
            ttl: None,
            v: 1,
        };
        let item = to_item(&keys::rights_task(WorkspaceId::from_bytes([3; 10]), task.id), &task).unwrap();
        assert!(!item.contains_key("ttl"), "what is open does not expire");
        assert!(from_item::<RightsTask>(item).unwrap() == task);
        let longer = task.duty.extend("Ada has much".into(), now).unwrap();
        let done = task.with(longer.handled(Outcome::Done, now));
        let text = serde_json::to_string(&done).unwrap();
        assert!(!text.contains("Ada") && !text.contains("pro_"), "{text}");
        assert!(done.ttl.is_some());
    }
}
