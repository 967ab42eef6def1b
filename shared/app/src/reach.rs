//! Sessions of workspaces: credentials that IAM binds to one workspace (A78).
//!
//! A function with a workspace role holds next to nothing itself. For each workspace it works for it assumes that
//! role with the workspace's name as a session tag, and the role's policy lets the session touch partitions and
//! objects under that name alone. A session is kept while the process lives, and opened anew before it ends; the
//! time is the request's, never a clock's.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use aws_credential_types::Credentials;
use aws_sdk_sts::{error::ProvideErrorMetadata, types::Tag};
use domain::{Timestamp, id::WorkspaceId};
use jiff::SignedDuration;
use storage::{Db, WorkspaceScope, reach::Reach};

use crate::{App, Failure};

/// The session tag that the role's policy looks at.
const TAG: &str = "workspace";
/// Seconds that a session is asked for: the longest that one gets who is in a session itself, as a function is.
const LASTS: i32 = 3600;
/// A session that ends sooner than this is not used any more: longer than a request may take, and than a link to
/// a report that it signs is good for.
const SPARE: SignedDuration = SignedDuration::from_mins(10);
/// Sessions kept at most. A process rarely sees so many workspaces within an hour.
const MOST: usize = 64;

/// The sessions opened so far.
#[derive(Debug, Default)]
pub(crate) struct Reaches(Mutex<BTreeMap<WorkspaceId, Kept>>);

#[derive(Debug, Clone)]
struct Kept {
    reach: Arc<Reach>,
    until: Timestamp,
}

impl Reaches {
    fn get(&self, workspace: WorkspaceId, now: Timestamp) -> Option<Arc<Reach>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(&workspace).filter(|kept| now + SPARE < kept.until).map(|kept| kept.reach.clone())
    }

    fn keep(&self, workspace: WorkspaceId, fresh: Kept) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MOST && !kept.contains_key(&workspace) {
            let soonest = kept.iter().min_by_key(|(_, one)| one.until).map(|(workspace, _)| *workspace);
            soonest.and_then(|workspace| kept.remove(&workspace));
        }
        kept.insert(workspace, fresh);
    }
}

impl App {
    /// The scope with the session of its workspace, where this function has a role for that. STS that throttles is
    /// asked again a few times; then the caller is told to come back.
    pub async fn reaching(&self, scope: WorkspaceScope, now: Timestamp) -> Result<WorkspaceScope, Failure> {
        if self.config.workspace_role.is_empty() {
            return Ok(scope);
        }
        let workspace = scope.workspace();
        if let Some(reach) = self.reaches.get(workspace, now) {
            return Ok(scope.reaching(reach));
        }
        let fresh = self.open_session(workspace).await?;
        self.reaches.keep(workspace, fresh.clone());
        Ok(scope.reaching(fresh.reach))
    }

    async fn open_session(&self, workspace: WorkspaceId) -> Result<Kept, Failure> {
        let tag = Tag::builder().key(TAG).value(workspace.to_string()).build();
        let answer = self
            .sts
            .assume_role()
            .role_arn(&self.config.workspace_role)
            .role_session_name(workspace.to_string())
            .tags(tag.map_err(|_| Failure::internal("a session tag"))?)
            .duration_seconds(LASTS)
            .send()
            .await
            .map_err(|error| Failure::unavailable("sts", error.code()))?;
        let given = answer.credentials.ok_or_else(|| Failure::internal("a session without credentials"))?;
        let until = Timestamp::from_second(given.expiration.secs());
        // No expiry is given to the client: it would compare it with a clock of its own.
        let credentials =
            Credentials::new(given.access_key_id, given.secret_access_key, Some(given.session_token), None, "session");
        let dynamodb = self.db.client.config().to_builder().credentials_provider(credentials.clone()).build();
        let s3 = self.s3.config().to_builder().credentials_provider(credentials).build();
        let db = Db { client: aws_sdk_dynamodb::Client::from_conf(dynamodb), tables: self.db.tables.clone() };
        let reach = Reach { db, s3: aws_sdk_s3::Client::from_conf(s3) };
        Ok(Kept { reach: Arc::new(reach), until: until.map_err(|_| Failure::internal("a session without an end"))? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(until: &str) -> Kept {
        let dynamodb = aws_sdk_dynamodb::Config::builder().behavior_version_latest().build();
        let s3 = aws_sdk_s3::Config::builder().behavior_version_latest().build();
        let db = Db { client: aws_sdk_dynamodb::Client::from_conf(dynamodb), tables: Default::default() };
        let reach = Reach { db, s3: aws_sdk_s3::Client::from_conf(s3) };
        Kept { reach: Arc::new(reach), until: until.parse().unwrap() }
    }

    #[test]
    fn a_session_is_left_before_it_ends_and_the_soonest_to_end_makes_room() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let workspace = |n: usize| WorkspaceId::from_bytes([u8::try_from(n).unwrap(); 10]);
        let reaches = Reaches::default();
        reaches.keep(workspace(0), kept("2026-03-01T11:00:00Z"));
        assert!(reaches.get(workspace(0), at("2026-03-01T10:49:59Z")).is_some());
        assert!(reaches.get(workspace(0), at("2026-03-01T10:50:00Z")).is_none());
        assert!(reaches.get(workspace(1), at("2026-03-01T10:00:00Z")).is_none(), "another workspace's");
        for n in 1..=MOST {
            reaches.keep(workspace(n), kept("2026-03-01T11:00:01Z"));
        }
        assert_eq!(reaches.0.lock().unwrap().len(), MOST);
        assert!(reaches.get(workspace(0), at("2026-03-01T10:00:00Z")).is_none(), "it made room");
    }
}
