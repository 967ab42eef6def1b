//! Table `accounts`: workspaces, their members and settings, and what staff has in common.

use domain::{
    id::{
        ApiKeyId, ChannelId, GrantId, ImportId, IncidentId, InvitationId, MailboxId, MemberId, SessionId, WebhookId,
        WorkspaceId,
    },
    staff::Whom,
};

use super::Key;

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

/// What the latest check of a channel found. It is not in the workspace's own partition, so that whoever may write it may
/// write nothing else of it.
pub fn channel_check(workspace: WorkspaceId, channel: ChannelId) -> Key {
    Key::new(format!("W#{workspace}#V"), channel.to_string())
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

/// Partition of a workspace's mailboxes. It is not the workspace's own partition, so that whoever may write these may write
/// nothing else of it.
pub fn mailbox_partition(workspace: WorkspaceId) -> String {
    format!("W#{workspace}#I")
}

/// All of them: one item.
pub fn mailboxes(workspace: WorkspaceId) -> Key {
    Key::new(mailbox_partition(workspace), "MAILBOXES")
}

/// How reading one goes.
pub fn mailbox_reading(workspace: WorkspaceId, mailbox: MailboxId) -> Key {
    Key::new(mailbox_partition(workspace), format!("READ#{mailbox}"))
}

/// Partition of the names of all mailboxes that are read, of all workspaces.
pub const MAILBOXES: &str = "MAILBOXES";

/// One of them.
pub fn listed_mailbox(workspace: WorkspaceId, mailbox: MailboxId) -> Key {
    Key::new(MAILBOXES, format!("{workspace}#{mailbox}"))
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
