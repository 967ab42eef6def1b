//! Every key of every table, in one place: a file per table.
//!
//! Everything that belongs to a workspace starts with `W#<workspace>` in its partition key, so that
//! IAM's `dynamodb:LeadingKeys` can bind a caller to it, and so that the purge recognises it.

mod accounts;
mod evidence;
mod outreach;
mod prospects;
mod rights;
mod suppressions;
mod wrapped;

use domain::id::WorkspaceId;

pub use self::{accounts::*, evidence::*, outreach::*, prospects::*, rights::*, suppressions::*, wrapped::*};

/// A partition key and a sort key.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// Partition key, attribute `pk`.
    pub pk: String,
    /// Sort key, attribute `sk`.
    pub sk: String,
}

impl Key {
    fn new(pk: impl Into<String>, sk: impl Into<String>) -> Self {
        Self { pk: pk.into(), sk: sk.into() }
    }
}

/// The workspace a partition belongs to, if it belongs to one.
pub fn workspace_of(pk: &str) -> Option<WorkspaceId> {
    pk.strip_prefix("W#")?.split('#').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use domain::{
        Timestamp,
        id::{AuditId, CampaignId, CaseId, GrantId, IncidentId, MailboxId, MemberId, RequestId},
        news::Reader,
        staff::Whom,
        subject::Subject,
    };

    use super::*;

    #[test]
    fn the_workspace_heads_every_partition_of_its_own() {
        let (ws, cmp) = (WorkspaceId::from_bytes([1; 10]), CampaignId::from_bytes([2; 10]));
        let subject = Subject::from_bytes([0xf0; 16]);
        let (member, request) = (MemberId::from_bytes([4; 10]), RequestId::from_bytes([5; 10]));
        let grant = GrantId::from_bytes([6; 10]);
        for key in [
            staff_access(ws, grant),
            rights_task(ws, request),
            own_request(ws, member, request),
            workspace(ws),
            sender(ws),
            agreements(ws),
            mailboxes(ws),
            mailbox_reading(ws, MailboxId::from_bytes([9; 10])),
            notice_alert(ws),
            data_key(ws),
            prospect(ws, subject),
            suppression(ws, subject),
            campaign(ws, cmp),
            chunk(ws, cmp, 7, 1),
            names(ws, cmp, 7, 1, 0),
            delivery(ws, subject, cmp, 1),
            audit(ws, Timestamp::UNIX_EPOCH, AuditId::from_bytes([3; 10])),
        ] {
            assert_eq!(workspace_of(&key.pk), Some(ws), "{key:?}");
        }
        let shared = [directory(ws), open_request(request), closed_request(request), closed("x"), replayed("x")];
        let nobodys = [
            login("x"),
            token("x"),
            limit("x"),
            verifying_key("x"),
            statement_key("x"),
            purge_cursor(),
            announcement_cursor(),
            news("x"),
            news_objection(Reader::from_bytes([9; 16])),
            service_mail("x", Timestamp::UNIX_EPOCH, "y"),
            staff_appointment(),
            staff_pointer(grant),
            listed_mailbox(ws, MailboxId::from_bytes([9; 10])),
            incident(IncidentId::from_bytes([7; 10])),
            affected(IncidentId::from_bytes([7; 10]), ws, Whom::Member(member)),
            open_case(CaseId::from_bytes([8; 10])),
            closed_case(CaseId::from_bytes([8; 10])),
            complained_of(cmp),
            due("2026-11-26T10:05Z", ws, cmp, 2, 7),
        ];
        for key in nobodys.into_iter().chain(shared) {
            assert_eq!(workspace_of(&key.pk), None, "{key:?}");
        }
    }

    #[test]
    fn what_a_sort_key_says_is_read_back() {
        let (ws, cmp) = (WorkspaceId::from_bytes([1; 10]), CampaignId::from_bytes([2; 10]));
        assert_eq!(chunk_and_step(&chunk(ws, cmp, 7, 12).sk), Some((7, 12)));
        assert!(chunk(ws, cmp, 7, 12).sk.starts_with(&steps_of(7)));
        assert_eq!(campaign_of(&chunk(ws, cmp, 7, 12).pk), Some(cmp));
        assert_eq!(counted_step(&counter(ws, cmp, 3, 33).sk), Some(3));
        assert_eq!(named_step(&names(ws, cmp, 7, 4, 1).sk), Some(4));
        assert!(names(ws, cmp, 7, 4, 1).sk.starts_with(&names_of(7)));
        assert_eq!(due("t", ws, cmp, 2, 63), due("t", ws, cmp, 2, 0));
        assert_ne!(due("t", ws, cmp, 2, 64), due("t", ws, cmp, 2, 0));
    }

    #[test]
    fn the_trail_sorts_by_time() {
        let (ws, id) = (WorkspaceId::from_bytes([1; 10]), AuditId::from_bytes([3; 10]));
        let key = |at: &str| audit(ws, at.parse().unwrap(), id);
        let times =
            ["2026-01-31T23:59:59.999Z", "2026-02-01T00:00:00Z", "2026-02-01T00:00:00.05Z", "2026-02-01T00:00:01Z"];
        let keys = times.map(key);
        assert!(keys.is_sorted());
        assert_eq!(keys[0].pk, audit_month(ws, "2026-01"));
        assert_eq!(keys[1].pk, audit_month(ws, "2026-02"));
    }
}
