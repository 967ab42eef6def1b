//! Accesses of staff: each under the workspace it is about, and by name for the staff's own list.

use domain::{
    audit::Entry,
    id::{GrantId, WorkspaceId},
    policy::retention::{self, Policy},
    staff::Access,
};
use serde::{Deserialize, Serialize};

use crate::{
    commit,
    db::{Db, Expected, GET_BATCH, PageQuery, Range, StoreError, from_item, text},
    keys,
};

/// An access with its reason.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaffGrant {
    /// Its identifier.
    pub id: GrantId,
    /// The workspace it is about.
    pub workspace: WorkspaceId,
    /// Why, in words, for the workspace to read.
    pub reason: String,
    /// What for, by whom, until when.
    #[serde(flatten)]
    pub access: Access,
    /// When this itself goes, epoch seconds: with the trail that names it.
    pub ttl: i64,
    /// Raised by every write.
    pub v: u64,
}

impl std::fmt::Debug for StaffGrant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "StaffGrant({}, {})", self.id, self.access.purpose.as_str())
    }
}

impl StaffGrant {
    /// One that is about to be asked for.
    pub fn new(id: GrantId, workspace: WorkspaceId, reason: String, access: Access) -> Self {
        let ttl = retention::ttl(Policy::current().security_log_expiry(access.asked.at));
        Self { id, workspace, reason, access, ttl, v: 1 }
    }
}

#[derive(Serialize, Deserialize)]
struct Pointer {
    workspace: WorkspaceId,
    ttl: i64,
}

impl Db {
    /// Writes one that was asked for, with its name in the staff's list.
    pub async fn ask_staff_access(&self, grant: &StaffGrant, entry: &Entry) -> Result<(), StoreError> {
        let table = &self.tables.accounts;
        let pointer = Pointer { workspace: grant.workspace, ttl: grant.ttl };
        let writes = vec![
            commit::put(table, &keys::staff_access(grant.workspace, grant.id), grant, Expected::Absent)?,
            commit::put(table, &keys::staff_pointer(grant.id), &pointer, Expected::Absent)?,
            self.recording(entry)?,
        ];
        self.commit(writes).await
    }

    /// Replaces one that was read, and counts its version up. `Conflict`: somebody else wrote since.
    pub async fn save_staff_access(&self, grant: &mut StaffGrant, entry: &Entry) -> Result<(), StoreError> {
        let seen = grant.v;
        grant.v = seen + 1;
        let key = keys::staff_access(grant.workspace, grant.id);
        self.act(commit::put(&self.tables.accounts, &key, grant, Expected::Version(seen))?, entry).await
    }

    /// One access, whatever workspace it is about, strongly consistent.
    pub async fn staff_access(&self, id: GrantId) -> Result<Option<StaffGrant>, StoreError> {
        let table = &self.tables.accounts;
        let pointer: Option<Pointer> = self.get(table, &keys::staff_pointer(id), true).await?;
        let Some(Pointer { workspace, .. }) = pointer else { return Ok(None) };
        self.get(table, &keys::staff_access(workspace, id), true).await
    }

    /// One page of all accesses, newest first, after `after`; the second value says where to go on.
    pub async fn staff_accesses(
        &self,
        after: Option<GrantId>,
        limit: u32,
    ) -> Result<(Vec<StaffGrant>, Option<GrantId>), StoreError> {
        let after = after.map(|id| keys::staff_pointer(id).sk);
        let query = newest(keys::STAFF, Range::Prefix(keys::STAFF_GRANT), after.as_deref(), limit);
        let page = self.page(&self.tables.accounts, &query).await?;
        let named = |item| Ok((text(item, "sk")?, from_item::<Pointer>(item.clone())?.workspace));
        let named = page.items.iter().map(named).collect::<Result<Vec<_>, StoreError>>()?;
        let id = |sk: &str| sk.strip_prefix(keys::STAFF_GRANT).and_then(|id| id.parse().ok());
        let mut grants: Vec<StaffGrant> = Vec::with_capacity(named.len());
        for some in named.chunks(GET_BATCH) {
            let wanted = some.iter().filter_map(|(sk, workspace)| Some(keys::staff_access(*workspace, id(sk)?)));
            let found = self.batch_get(&self.tables.accounts, wanted, true, None).await?;
            grants.extend(found.into_iter().map(from_item).collect::<Result<Vec<_>, _>>()?);
        }
        grants.sort_unstable_by_key(|grant| std::cmp::Reverse(grant.id));
        Ok((grants, page.next.as_deref().and_then(id)))
    }

    /// One page of the accesses to one workspace, the same way.
    pub async fn staff_accesses_to(
        &self,
        workspace: WorkspaceId,
        after: Option<GrantId>,
        limit: u32,
    ) -> Result<(Vec<StaffGrant>, Option<GrantId>), StoreError> {
        let (pk, after) = (keys::staff_accesses(workspace), after.map(|id| id.to_string()));
        let page = self.page(&self.tables.accounts, &newest(&pk, Range::All, after.as_deref(), limit)).await?;
        let grants = page.items.into_iter().map(from_item).collect::<Result<_, _>>()?;
        Ok((grants, page.next.and_then(|sk| sk.parse().ok())))
    }
}

pub(super) fn newest<'a>(pk: &'a str, range: Range<'a>, after: Option<&'a str>, limit: u32) -> PageQuery<'a> {
    let limit = Some(i32::try_from(limit).unwrap_or(i32::MAX));
    PageQuery { after, limit, strong: true, newest_first: true, ..PageQuery::of(pk, range) }
}

#[cfg(test)]
mod tests {
    use domain::{
        Timestamp,
        id::MemberId,
        member::Role,
        staff::{Disclosure, Hand, Purpose},
        subject::Subject,
    };

    use super::*;
    use crate::db::to_item;

    #[test]
    fn an_access_reads_back_and_goes_with_the_trail() {
        let at: Timestamp = "2026-01-31T10:00:00Z".parse().unwrap();
        let hand = |who| Hand { by: MemberId::from_bytes([who; 10]), role: Role::Admin, at };
        let person = Subject::from_bytes([2; 16]);
        let purpose =
            Purpose::Disclosure(Disclosure { person, authority: "Tribunal".into(), legal_basis: "Art. 60-1".into() });
        let access = Access::ask(purpose, hand(1)).approve(hand(2)).unwrap();
        let workspace = WorkspaceId::from_bytes([3; 10]);
        let grant = StaffGrant::new(GrantId::from_bytes([4; 10]), workspace, "Réquisition".into(), access);
        let item = to_item(&keys::staff_access(workspace, grant.id), &grant).unwrap();
        assert_eq!(item["ttl"].as_n().unwrap(), &Policy::current().security_log_expiry(at).as_second().to_string());
        assert!(from_item::<StaffGrant>(item).unwrap() == grant);
    }
}
