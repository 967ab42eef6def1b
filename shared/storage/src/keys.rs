//! Every key of every table, in one place.
//!
//! Everything that belongs to a workspace starts with `W#<workspace>` in its partition key, so that
//! IAM's `dynamodb:LeadingKeys` can bind a caller to it, and so that the purge recognises it.

use domain::{
    Timestamp,
    id::{
        ApiKeyId, AuditId, CampaignId, CaseId, ChannelId, EventId, GrantId, ImportId, IncidentId, InvitationId,
        MemberId, RequestId, SessionId, WebhookId, WorkspaceId,
    },
    news::Reader,
    staff::Whom,
    statistics::Month,
    subject::Subject,
};

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

// ---- accounts ---------------------------------------------------------------------------------

/// Partition of a workspace's own records: profile, members, sessions, sender, imports.
pub fn account(workspace: WorkspaceId) -> String {
    format!("W#{workspace}")
}

/// The workspace's profile.
pub fn workspace(workspace: WorkspaceId) -> Key {
    Key::new(account(workspace), "WORKSPACE")
}

/// A member.
pub fn member(workspace: WorkspaceId, member: MemberId) -> Key {
    Key::new(account(workspace), format!("{MEMBER}{member}"))
}

/// What a member's sort key starts with.
pub const MEMBER: &str = "MEMBER#";

/// Whose an item of a workspace's account is, as far as its sort key says.
pub fn member_of(sk: &str) -> Option<MemberId> {
    let rest = [MEMBER, SECOND_FACTOR, ANNOUNCED].iter().find_map(|head| sk.strip_prefix(head))?;
    rest.split('#').next()?.parse().ok()
}

/// A family of refresh tokens.
pub fn session(workspace: WorkspaceId, session: SessionId) -> Key {
    Key::new(account(workspace), format!("{SESSION}{session}"))
}

/// What a session's sort key starts with.
pub const SESSION: &str = "SESSION#";

/// Counts the changes of who is a member and as what, so that two of them cannot pass each other.
pub fn roster(workspace: WorkspaceId) -> Key {
    Key::new(account(workspace), "ROSTER")
}

/// An invitation.
pub fn invitation(workspace: WorkspaceId, invitation: InvitationId) -> Key {
    Key::new(account(workspace), format!("{INVITATION}{invitation}"))
}

/// What an invitation's sort key starts with.
pub const INVITATION: &str = "INVITATION#";

/// A member's second factor.
pub fn second_factor(workspace: WorkspaceId, member: MemberId) -> Key {
    Key::new(account(workspace), format!("{SECOND_FACTOR}{member}"))
}

/// What a second factor's sort key starts with.
pub const SECOND_FACTOR: &str = "SECOND_FACTOR#";

/// A key that a program uses the API with.
pub fn api_key(workspace: WorkspaceId, key: ApiKeyId) -> Key {
    Key::new(account(workspace), format!("{API_KEY}{key}"))
}

/// What such a key's sort key starts with.
pub const API_KEY: &str = "API_KEY#";

/// The Sender's identity and channels.
pub fn sender(workspace: WorkspaceId) -> Key {
    Key::new(account(workspace), "SENDER")
}

/// Partition of a workspace's endpoints for events. It is not the workspace's own partition, so that whoever may write
/// these may write nothing else of it.
pub fn webhook_partition(workspace: WorkspaceId) -> String {
    format!("W#{workspace}#H")
}

/// All of them: one item, so that one read tells who wants to hear of what.
pub fn webhooks(workspace: WorkspaceId) -> Key {
    Key::new(webhook_partition(workspace), "ENDPOINTS")
}

/// Whose turn it is to deliver to one.
pub fn webhook_turn(workspace: WorkspaceId, webhook: WebhookId) -> Key {
    Key::new(webhook_partition(workspace), format!("TURN#{webhook}"))
}

/// The agreements it has accepted.
pub fn agreements(workspace: WorkspaceId) -> Key {
    Key::new(account(workspace), "AGREEMENTS")
}

/// A remembered answer to an `Idempotency-Key`.
pub fn idempotency(workspace: WorkspaceId, key_hash: &str) -> Key {
    Key::new(account(workspace), format!("{IDEMPOTENCY}{key_hash}"))
}

/// What a remembered answer's sort key starts with.
pub const IDEMPOTENCY: &str = "IDEMPOTENCY#";

/// When a workspace was last alerted of people whom nobody has informed (A69).
pub fn notice_alert(workspace: WorkspaceId) -> Key {
    Key::new(account(workspace), "ALERT#UNINFORMED")
}

/// That a member was told of a version of a legal text (A56).
pub fn announced(workspace: WorkspaceId, member: MemberId, document: &str, version: &str) -> Key {
    Key::new(account(workspace), announced_sort(member, document, version))
}

/// The sort key of that.
pub fn announced_sort(member: MemberId, document: &str, version: &str) -> String {
    format!("{ANNOUNCED}{member}#{document}#{version}")
}

/// What such a sort key starts with.
pub const ANNOUNCED: &str = "ANNOUNCED#";

/// An import's record.
pub fn import(workspace: WorkspaceId, import: ImportId) -> Key {
    Key::new(account(workspace), format!("{IMPORT}{import}"))
}

/// What an import's sort key starts with.
pub const IMPORT: &str = "IMPORT#";

/// A sign-in, found by the keyed hash of its address (never by the address).
pub fn login(login_hash: &str) -> Key {
    Key::new(format!("LOGIN#{login_hash}"), "LOGIN")
}

/// A one-time token (verification, password reset), found by its hash.
pub fn token(token_hash: &str) -> Key {
    Key::new(format!("TOKEN#{token_hash}"), "TOKEN")
}

/// A limiter's counter.
pub fn limit(bucket: &str) -> Key {
    Key::new(format!("LIMIT#{bucket}"), "LIMIT")
}

/// Partition of the names of all workspaces: what `rights` goes through to find who holds a person.
pub const DIRECTORY: &str = "WORKSPACES";

/// A workspace's entry in it.
pub fn directory(workspace: WorkspaceId) -> Key {
    Key::new(DIRECTORY, workspace.to_string())
}

/// Partition of the accesses of staff to a workspace. It is not the workspace's own partition, so that whoever
/// may write these may write nothing else of it.
pub fn staff_accesses(workspace: WorkspaceId) -> String {
    format!("W#{workspace}#G")
}

/// One of them.
pub fn staff_access(workspace: WorkspaceId, grant: GrantId) -> Key {
    Key::new(staff_accesses(workspace), grant.to_string())
}

/// Partition of what staff has in common: who they are, and the names of all accesses.
pub const STAFF: &str = "STAFF";

/// Whose members are staff.
pub fn staff_appointment() -> Key {
    Key::new(STAFF, "APPOINTED")
}

/// Where an access is.
pub fn staff_pointer(grant: GrantId) -> Key {
    Key::new(STAFF, format!("{STAFF_GRANT}{grant}"))
}

/// What the sort key of such a pointer starts with.
pub const STAFF_GRANT: &str = "GRANT#";

/// Partition of all incidents.
pub const INCIDENTS: &str = "INCIDENTS";

/// An incident.
pub fn incident(incident: IncidentId) -> Key {
    Key::new(INCIDENTS, incident.to_string())
}

/// Partition of those who are affected by one.
pub fn affected_by(incident: IncidentId) -> String {
    format!("INCIDENT#{incident}")
}

/// One of them.
pub fn affected(incident: IncidentId, workspace: WorkspaceId, whom: Whom) -> Key {
    let whom = match whom {
        Whom::Member(member) => member.to_string(),
        Whom::Sender => "SENDER".to_owned(),
    };
    Key::new(affected_by(incident), format!("{workspace}#{whom}"))
}

// ---- keys -------------------------------------------------------------------------------------

/// A workspace's wrapped data key.
pub fn data_key(workspace: WorkspaceId) -> Key {
    Key::new(account(workspace), "DATA_KEY")
}

/// The public half of a key that access tokens are signed with.
pub fn verifying_key(kid: &str) -> Key {
    Key::new(format!("JWK#{kid}"), "JWK")
}

/// Partition of the public keys that statements are verified with.
pub const STATEMENT_KEYS: &str = "STATEMENT_KEYS";

/// One of them.
pub fn statement_key(kid: &str) -> Key {
    Key::new(STATEMENT_KEYS, kid)
}

// ---- prospects --------------------------------------------------------------------------------

/// One of a workspace's sixteen partitions of prospects.
pub fn prospect_shard(workspace: WorkspaceId, shard: u8) -> String {
    format!("W#{workspace}#P#{shard:x}")
}

/// A prospect.
pub fn prospect(workspace: WorkspaceId, subject: Subject) -> Key {
    Key::new(prospect_shard(workspace, subject.shard()), subject.hex())
}

// ---- suppressions -----------------------------------------------------------------------------

/// One of a workspace's sixteen partitions of suppressions, sorted like its prospects.
pub fn suppression_shard(workspace: WorkspaceId, shard: u8) -> String {
    format!("W#{workspace}#S#{shard:x}")
}

/// A suppression.
pub fn suppression(workspace: WorkspaceId, subject: Subject) -> Key {
    Key::new(suppression_shard(workspace, subject.shard()), subject.hex())
}

/// Partition of the workspaces that were closed, by hash. Not under their own names: it outlives them.
pub const CLOSED: &str = "CLOSED";

/// One of them.
pub fn closed(hash: &str) -> Key {
    Key::new(CLOSED, hash)
}

/// That a member wants no news of the operator's, in whatever workspace: no part of any.
pub fn news_objection(reader: Reader) -> Key {
    Key::new("NEWS_OFF", reader.hex())
}

/// Partition of the hashes of removed members.
pub const REMOVED: &str = "REMOVED";

/// That a member was removed.
pub fn removed(hash: &str) -> Key {
    Key::new(REMOVED, hash)
}

/// Partition of the hashes of people whose records are frozen at their request.
pub const FROZEN: &str = "FROZEN";

/// By which request a person's record is frozen.
pub fn frozen(hash: &str) -> Key {
    Key::new(FROZEN, hash)
}

/// That everything has been replayed after a restore.
pub fn replayed(restore: &str) -> Key {
    Key::new("RESTORE", restore)
}

// ---- outreach ---------------------------------------------------------------------------------

/// Partition of a workspace's campaigns.
pub fn campaigns(workspace: WorkspaceId) -> String {
    format!("W#{workspace}#C")
}

/// What a campaign says.
pub fn campaign(workspace: WorkspaceId, campaign: CampaignId) -> Key {
    Key::new(campaigns(workspace), campaign.to_string())
}

/// Partition of everything that moves while a campaign is under way.
pub fn campaign_parts(workspace: WorkspaceId, campaign: CampaignId) -> String {
    format!("W#{workspace}#C#{campaign}")
}

/// The campaign whose moving parts a partition holds.
pub fn campaign_of(pk: &str) -> Option<CampaignId> {
    pk.strip_prefix("W#")?.split_once("#C#")?.1.parse().ok()
}

/// Its status and epoch.
pub fn progress(workspace: WorkspaceId, campaign: CampaignId) -> Key {
    Key::new(campaign_parts(workspace, campaign), PROGRESS)
}

/// Its sort key.
pub const PROGRESS: &str = "PROGRESS";

/// The fan-out's plan: written before the messages it describes are sent.
pub fn plan(workspace: WorkspaceId, campaign: CampaignId) -> Key {
    Key::new(campaign_parts(workspace, campaign), PLAN)
}

/// A plan's sort key.
pub const PLAN: &str = "PLAN";

/// Counters are spread over this many items, so that senders do not wait for each other.
pub const COUNTERS: u32 = 16;

/// The counter that a chunk's outcomes of a step are added to.
pub fn counter(workspace: WorkspaceId, campaign: CampaignId, step: u8, chunk: u32) -> Key {
    Key::new(campaign_parts(workspace, campaign), format!("{}{:02}", counters_of(step), chunk % COUNTERS))
}

/// What the sort keys of a step's counters start with.
pub fn counters_of(step: u8) -> String {
    format!("{COUNTER}{step:02}#")
}

/// The step whose counter has this sort key.
pub fn counted_step(sk: &str) -> Option<u8> {
    sk.strip_prefix(COUNTER)?.split('#').next()?.parse().ok()
}

/// What a counter's sort key starts with.
pub const COUNTER: &str = "COUNTER#";

/// A chunk at one step, and its results.
pub fn chunk(workspace: WorkspaceId, campaign: CampaignId, chunk: u32, step: u8) -> Key {
    Key::new(campaign_parts(workspace, campaign), format!("{}{step:02}", steps_of(chunk)))
}

/// What the sort keys of a chunk at all its steps start with.
pub fn steps_of(chunk: u32) -> String {
    format!("{CHUNK}{chunk:08}#")
}

/// The chunk and the step that a sort key is of.
pub fn chunk_and_step(sk: &str) -> Option<(u32, u8)> {
    let (chunk, step) = sk.strip_prefix(CHUNK)?.split_once('#')?;
    Some((chunk.parse().ok()?, step.parse().ok()?))
}

/// What a chunk's sort key starts with.
pub const CHUNK: &str = "K#";

/// What the messages of a part of a chunk were called at one step.
pub fn names(workspace: WorkspaceId, campaign: CampaignId, chunk: u32, step: u8, part: usize) -> Key {
    Key::new(campaign_parts(workspace, campaign), format!("{}{step:02}#{part}", names_of(chunk)))
}

/// What the sort keys of a chunk's names start with.
pub fn names_of(chunk: u32) -> String {
    format!("M#{chunk:08}#")
}

/// The step that the sort key of names is of.
pub fn named_step(sk: &str) -> Option<u8> {
    sk.strip_prefix("M#")?.split('#').nth(1)?.parse().ok()
}

/// One of the lists of companies that get no more of a campaign.
pub fn stopped_companies(workspace: WorkspaceId, campaign: CampaignId, shard: u8) -> Key {
    Key::new(campaign_parts(workspace, campaign), format!("{STOPPED}{shard:x}"))
}

/// What the sort keys of those lists start with.
pub const STOPPED: &str = "STOPPED#";

/// Partition of the chunks whose next step is due at some time, of all workspaces: what `follow-up` reads.
pub const DUE: &str = "DUE";

/// Chunks in one item of it.
pub const DUE_TOGETHER: u32 = 64;

/// Neighbours among the chunks of a campaign that are due for a step within the same minute (`2026-11-26T10:05Z`).
pub fn due(minute: &str, workspace: WorkspaceId, campaign: CampaignId, step: u8, chunk: u32) -> Key {
    Key::new(DUE, format!("{minute}#{workspace}#{campaign}#{step:02}#{:06}", chunk / DUE_TOGETHER))
}

/// Partition of what the channels of a workspace have had of late.
pub fn paces(workspace: WorkspaceId) -> String {
    format!("W#{workspace}#L")
}

/// What one of them has had.
pub fn pace(workspace: WorkspaceId, channel: ChannelId) -> Key {
    Key::new(paces(workspace), channel.to_string())
}

/// Partition of what an endpoint is told.
pub fn webhook_events(workspace: WorkspaceId, webhook: WebhookId) -> String {
    format!("W#{workspace}#H#{webhook}")
}

/// One event that it is told of, and what came of it.
pub fn webhook_event(workspace: WorkspaceId, webhook: WebhookId, event: EventId) -> Key {
    Key::new(webhook_events(workspace, webhook), format!("{WEBHOOK_EVENT}{event}"))
}

/// What the sort key of an event starts with.
pub const WEBHOOK_EVENT: &str = "E#";

/// That an event is to be delivered at a time.
pub fn webhook_due(workspace: WorkspaceId, webhook: WebhookId, at: Timestamp, event: EventId) -> Key {
    Key::new(webhook_events(workspace, webhook), format!("{}#{event}", webhook_due_at(at)))
}

/// What the sort key of what is due at a time starts with.
pub fn webhook_due_at(at: Timestamp) -> String {
    format!("{WEBHOOK_DUE}{:013}", at.as_millisecond())
}

/// The time and the event of such a sort key.
pub fn due_webhook(sk: &str) -> Option<(Timestamp, EventId)> {
    let (at, event) = sk.strip_prefix(WEBHOOK_DUE)?.split_once('#')?;
    Some((Timestamp::from_millisecond(at.parse().ok()?).ok()?, event.parse().ok()?))
}

/// What the sort key of what is due starts with.
pub const WEBHOOK_DUE: &str = "Q#";

/// One of a workspace's sixteen partitions of deliveries, sorted like its prospects.
pub fn delivery_shard(workspace: WorkspaceId, shard: u8) -> String {
    format!("W#{workspace}#D#{shard:x}")
}

/// One person's delivery of one step of one campaign.
pub fn delivery(workspace: WorkspaceId, subject: Subject, campaign: CampaignId, step: u8) -> Key {
    Key::new(delivery_shard(workspace, subject.shard()), format!("{}#{campaign}#{step:02}", subject.hex()))
}

/// What the sort keys of one person's deliveries start with.
pub fn deliveries_of(subject: Subject) -> String {
    format!("{}#", subject.hex())
}

/// Whose delivery a key is of.
pub fn subject_of_delivery(pk: &str, sk: &str) -> Option<Subject> {
    pk.strip_prefix("W#")?.split_once("#D#")?;
    Subject::from_hex(sk.split_once('#')?.0)
}

// ---- evidence ---------------------------------------------------------------------------------

/// A month of a workspace's audit trail (`2026-11`, UTC), sorted by time.
pub fn audit_month(workspace: WorkspaceId, month: &str) -> String {
    format!("W#{workspace}#A#{month}")
}

/// An entry of the audit trail.
pub fn audit(workspace: WorkspaceId, at: Timestamp, id: AuditId) -> Key {
    let at = format!("{at:.3}"); // always as long, so that it sorts
    Key::new(audit_month(workspace, &at[..MONTH]), format!("{at}#{id}"))
}

/// Characters of a time that name its month.
pub const MONTH: usize = "2026-11".len();

/// Partition of what every purge run did.
pub const PURGES: &str = "PURGE";

/// One purge run, by the time it was for.
pub fn purge_run(at: &str) -> Key {
    Key::new(PURGES, at)
}

/// Where a purge that ran out of time goes on.
pub fn purge_cursor() -> Key {
    Key::new("PURGE_CURSOR", "CURSOR")
}

/// Where an announcement that ran out of time goes on.
pub fn announcement_cursor() -> Key {
    Key::new("ANNOUNCEMENT_CURSOR", "CURSOR")
}

/// Partition of the statistics of use. No workspace has a part in it.
pub const STATISTICS: &str = "STATISTICS";

/// Those of a month.
pub fn statistics(month: Month) -> Key {
    Key::new(STATISTICS, month.to_string())
}

/// Partition of the operator's news, and of how far each came.
pub const NEWS: &str = "NEWS";

/// One of them, by the hash of what it says.
pub fn news(id: &str) -> Key {
    Key::new(NEWS, id)
}

/// The service mails to whoever has this pseudonym, sorted by time.
pub fn service_mails(pseudonym: &str) -> String {
    format!("MAIL#{pseudonym}")
}

/// The evidence of one of them, by when it was sent and its unique name.
pub fn service_mail(pseudonym: &str, at: Timestamp, name: &str) -> Key {
    Key::new(service_mails(pseudonym), format!("{at:.3}#{name}"))
}

// ---- rights -----------------------------------------------------------------------------------

/// Partition of the requests about rights that somebody still has to answer.
pub const OPEN_REQUESTS: &str = "OPEN";

/// A request that is not answered yet.
pub fn open_request(request: RequestId) -> Key {
    Key::new(OPEN_REQUESTS, request.to_string())
}

/// What is kept of one that is.
pub fn closed_request(request: RequestId) -> Key {
    Key::new("CLOSED", request.to_string())
}

/// Partition of the cases of abuse that are open.
pub const OPEN_CASES: &str = "ABUSE_OPEN";

/// One of them.
pub fn open_case(case: CaseId) -> Key {
    Key::new(OPEN_CASES, case.to_string())
}

/// What is kept of one that is closed.
pub fn closed_case(case: CaseId) -> Key {
    Key::new("ABUSE_CLOSED", case.to_string())
}

/// Which open case complaints about a campaign go to.
pub fn complained_of(campaign: CampaignId) -> Key {
    Key::new("ABUSE_CAMPAIGN", campaign.to_string())
}

/// A workspace's part in requests about rights.
pub fn rights(workspace: WorkspaceId) -> String {
    format!("W#{workspace}#R")
}

/// What a Sender has to do about a request.
pub fn rights_task(workspace: WorkspaceId, request: RequestId) -> Key {
    Key::new(rights(workspace), format!("{RIGHTS_TASK}{request}"))
}

/// What a task's sort key starts with.
pub const RIGHTS_TASK: &str = "TASK#";

/// A member's own request.
pub fn own_request(workspace: WorkspaceId, member: MemberId, request: RequestId) -> Key {
    Key::new(rights(workspace), format!("{}{request}", own_requests(member)))
}

/// What the sort keys of a member's own requests start with.
pub fn own_requests(member: MemberId) -> String {
    format!("OWN#{member}#")
}

#[cfg(test)]
mod tests {
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
