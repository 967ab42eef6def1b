//! The register of cases of abuse (A71), in the table of requests.
//!
//! An open case may hold the address of whoever reported it and wants an answer, and what they wrote. Closing it
//! leaves neither.

use aws_sdk_dynamodb::types::TransactWriteItem;
use domain::{
    Timestamp,
    abuse::{AbuseKind, CaseChannel, CaseOutcome},
    audit::Entry,
    email::EmailAddress,
    id::{CampaignId, CaseId, WorkspaceId},
    locale::Locale,
    policy::retention::{self, Policy},
    staff::Hand,
};
use serde::{Deserialize, Serialize};

use crate::{
    commit,
    db::{Db, Expected, PageQuery, Range, StoreError, from_item, n},
    keys,
};

/// A case that nobody has closed yet.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AbuseCase {
    /// Its identifier.
    pub id: CaseId,
    /// What is reported; open while only a provider or the product itself says that something is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<AbuseKind>,
    /// How it came.
    pub channel: CaseChannel,
    /// When the report was received, the first one where several joined.
    pub received_at: Timestamp,
    /// What was reported, without the addresses of people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The Sender, once it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<WorkspaceId>,
    /// The campaign, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub campaign: Option<CampaignId>,
    /// How many reports it holds.
    pub reports: u64,
    /// Who wants an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reporter: Option<Reporter>,
    /// Raised by every write.
    pub v: u64,
}

impl std::fmt::Debug for AbuseCase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AbuseCase({}, {:?})", self.id, self.kind)
    }
}

/// Who reported something, and wants an answer.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reporter {
    /// Where it goes.
    pub email: EmailAddress,
    /// In which language.
    pub locale: Locale,
}

/// What is kept of a case that was closed: not what was written, which may name anybody, and nobody's address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClosedCase {
    /// Its identifier.
    pub id: CaseId,
    /// What was reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<AbuseKind>,
    /// How it came.
    pub channel: CaseChannel,
    /// When it was received.
    pub received_at: Timestamp,
    /// The Sender.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<WorkspaceId>,
    /// The campaign.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub campaign: Option<CampaignId>,
    /// How many reports it held.
    pub reports: u64,
    /// How it ended.
    pub outcome: CaseOutcome,
    /// Why, in staff's words.
    pub note: String,
    /// Who closed it, and when.
    pub closed: Hand,
    /// When this itself goes, epoch seconds.
    pub ttl: i64,
}

impl AbuseCase {
    /// What is kept of it.
    #[must_use]
    pub fn ended(&self, outcome: CaseOutcome, note: String, closed: Hand) -> ClosedCase {
        let Self { id, kind, channel, received_at, workspace, campaign, reports, .. } = self.clone();
        let ttl = retention::ttl(Policy::current().abuse_case_expiry(closed.at));
        ClosedCase { id, kind, channel, received_at, workspace, campaign, reports, outcome, note, closed, ttl }
    }
}

/// Where complaints about a campaign go.
#[derive(Serialize, Deserialize)]
struct Pointer {
    case: CaseId,
}

impl Db {
    /// Writes a case that is opened, as part of a transaction.
    pub fn opening_case(&self, case: &AbuseCase) -> Result<TransactWriteItem, StoreError> {
        commit::put(&self.tables.rights, &keys::open_case(case.id), case, Expected::Absent)
    }

    /// Writes a case that is opened.
    pub async fn open_case(&self, case: &AbuseCase) -> Result<(), StoreError> {
        self.put(&self.tables.rights, &keys::open_case(case.id), case, Expected::Absent).await
    }

    /// Counts complaints in the open case about their campaign, or opens `fresh` for it, as part of a transaction: the
    /// one that joins them into the results of their chunk, so that each counts once. It conflicts when the case was
    /// opened or closed meanwhile.
    pub(crate) async fn counting_complaints(
        &self,
        campaign: CampaignId,
        fresh: &AbuseCase,
        by: u64,
    ) -> Result<Vec<TransactWriteItem>, StoreError> {
        let (table, place) = (&self.tables.rights, keys::complained_of(campaign));
        let Some(Pointer { case }) = self.get(table, &place, true).await? else {
            let opened = AbuseCase { reports: by, ..fresh.clone() };
            let pointer = Pointer { case: fresh.id };
            return Ok(vec![self.opening_case(&opened)?, commit::put(table, &place, &pointer, Expected::Absent)?]);
        };
        let joined = commit::update(table, &keys::open_case(case))
            .update_expression("ADD reports :by, v :one")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":by", n(by))
            .expression_attribute_values(":one", n(1));
        Ok(vec![commit::updated(joined)?])
    }

    /// One open case, strongly consistent.
    pub async fn abuse_case(&self, id: CaseId) -> Result<Option<AbuseCase>, StoreError> {
        self.get(&self.tables.rights, &keys::open_case(id), true).await
    }

    /// Forgets who reported a case, and their words. `Conflict` when it changed since it was read.
    pub async fn forget_reporter(&self, case: &AbuseCase) -> Result<(), StoreError> {
        let without = AbuseCase { reporter: None, text: None, v: case.v + 1, ..case.clone() };
        self.put(&self.tables.rights, &keys::open_case(case.id), &without, Expected::Version(case.v)).await
    }

    /// One page of the open cases, oldest first, after `after`; the second value says where to go on.
    pub async fn abuse_cases(
        &self,
        after: Option<CaseId>,
        limit: u32,
    ) -> Result<(Vec<AbuseCase>, Option<CaseId>), StoreError> {
        let after = after.map(|id| id.to_string());
        let query = PageQuery {
            after: after.as_deref(),
            limit: i32::try_from(limit).ok(),
            strong: true,
            ..PageQuery::of(keys::OPEN_CASES, Range::All)
        };
        let page = self.page(&self.tables.rights, &query).await?;
        let cases = page.items.into_iter().map(from_item).collect::<Result<_, _>>()?;
        Ok((cases, page.next.and_then(|sk| sk.parse().ok())))
    }

    /// Closes a case as it was read, together with what follows from it. `Conflict` when it changed since.
    pub async fn close_case(
        &self,
        case: &AbuseCase,
        closed: &ClosedCase,
        entry: &Entry,
        also: Option<TransactWriteItem>,
    ) -> Result<(), StoreError> {
        let table = &self.tables.rights;
        let mut writes = vec![
            commit::delete_at(table, &keys::open_case(case.id), case.v)?,
            commit::put(table, &keys::closed_case(case.id), closed, Expected::Absent)?,
            self.recording(entry)?,
        ];
        if let (CaseChannel::Complaint, Some(campaign)) = (case.channel, case.campaign) {
            writes.push(commit::delete(table, &keys::complained_of(campaign))?);
        }
        writes.extend(also);
        self.commit(writes).await
    }
}

#[cfg(test)]
mod tests {
    use domain::{id::MemberId, member::Role};

    use super::*;
    use crate::db::to_item;

    #[test]
    fn a71_a_case_reads_back_and_keeps_no_address_once_it_is_closed() {
        let at: Timestamp = "2026-05-01T10:00:00Z".parse().unwrap();
        let email = EmailAddress::parse("ada@example.org").unwrap();
        let case = AbuseCase {
            id: CaseId::from_bytes([1; 10]),
            kind: Some(AbuseKind::UnlawfulList),
            channel: CaseChannel::Page,
            received_at: at,
            text: Some("They bought my address.".into()),
            workspace: Some(WorkspaceId::from_bytes([2; 10])),
            campaign: None,
            reports: 1,
            reporter: Some(Reporter { email, locale: Locale::En }),
            v: 1,
        };
        let item = to_item(&keys::open_case(case.id), &case).unwrap();
        assert!(!item.contains_key("ttl"), "what is open does not expire");
        assert_eq!(from_item::<AbuseCase>(item).unwrap(), case);
        let hand = Hand { by: MemberId::from_bytes([3; 10]), role: Role::Owner, at };
        let closed = case.ended(CaseOutcome::Warned, "Said to stop.".into(), hand);
        let kept = serde_json::to_string(&closed).unwrap();
        assert!(!kept.contains("example.org") && !kept.contains("bought"), "{kept}");
        let due: Timestamp = "2029-05-01T10:00:00Z".parse().unwrap();
        assert_eq!(closed.ttl, due.as_second());
        let item = to_item(&keys::closed_case(closed.id), &closed).unwrap();
        assert_eq!(from_item::<ClosedCase>(item).unwrap(), closed);
    }
}
