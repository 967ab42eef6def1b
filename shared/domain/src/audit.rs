//! The audit trail: who did what, when, and from where (A9, A79).
//!
//! An entry can hold no address, no name and no free text, because none of its types takes one: what an
//! act was about is an identifier or a keyed hash, and its circumstances are counts and words of ours.

use std::{borrow::Cow, collections::BTreeMap, fmt, net::IpAddr};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    id::{
        ApiKeyId, AuditId, CampaignId, CaseId, ChannelId, GrantId, ImportId, IncidentId, InvitationId, MailboxId,
        MemberId, RequestId, SessionId, WebhookId, WorkspaceId,
    },
    member::Role,
    subject::Subject,
};

/// Longest user agent that is kept, in characters.
const USER_AGENT: usize = 200;

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident = $code:literal,)+) => {
        /// What was done. A code is for good: entries are read for thirteen months.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Action {
            $($(#[$doc])* #[serde(rename = $code)] $name,)+
        }

        impl Action {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// `<what>.<done>`.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }
        }
    };
}

actions! {
    /// A sign-up was confirmed: a workspace, its first member, their sign-in.
    WorkspaceCreated = "workspace.created",
    /// Its settings, or the acting member's name.
    WorkspaceChanged = "workspace.changed",
    /// Closed; nothing is sent from here on.
    WorkspaceClosed = "workspace.closed",
    /// Reopened within its thirty days.
    WorkspaceReopened = "workspace.reopened",
    /// Somebody signed in.
    SessionOpened = "session.opened",
    /// A wrong password for a sign-in that exists.
    SessionRefused = "session.refused",
    /// A refresh token came a second time, or after a new password: the session ended.
    SessionRevoked = "session.revoked",
    /// Somebody signed out.
    SessionEnded = "session.ended",
    /// All sessions of a member but one were ended by them.
    SessionsEnded = "sessions.ended",
    /// A second factor was drawn; it is not asked for yet.
    SecondFactorBegun = "second_factor.begun",
    /// Signing in asks for a code from here on.
    SecondFactorOn = "second_factor.on",
    /// Signing in asks for the password alone from here on.
    SecondFactorOff = "second_factor.off",
    /// Somebody was asked to join.
    InvitationSent = "invitation.sent",
    /// And is not any more.
    InvitationWithdrawn = "invitation.withdrawn",
    /// Somebody who was asked joined.
    MemberJoined = "member.joined",
    /// A member's own name.
    MemberChanged = "member.changed",
    /// A member may do other things from here on.
    MemberRoleChanged = "member.role_changed",
    /// A member was sent away.
    MemberRemoved = "member.removed",
    /// A member went.
    MemberLeft = "member.left",
    /// A key for a program was made.
    ApiKeyCreated = "api_key.created",
    /// A key for a program was ended.
    ApiKeyDeleted = "api_key.deleted",
    /// A mail that lets its reader choose another password was asked for.
    PasswordForgotten = "password.forgotten",
    /// Another password holds, and every older session has ended.
    PasswordChanged = "password.changed",
    /// An endpoint for events was registered.
    WebhookCreated = "webhook.created",
    /// An endpoint for events was changed, switched on or off.
    WebhookChanged = "webhook.changed",
    /// An endpoint for events was taken away.
    WebhookDeleted = "webhook.deleted",
    /// An endpoint has another secret from here on.
    WebhookSecretRotated = "webhook.secret_rotated",
    /// An endpoint was tried.
    WebhookTested = "webhook.tested",
    /// An event is to be delivered once more.
    WebhookReplayed = "webhook.replayed",
    /// An endpoint took nothing for a day, or is gone: nothing is sent to it from here on.
    WebhookDisabled = "webhook.disabled",
    /// A mailbox was entered, to be read for answers.
    MailboxCreated = "mailbox.created",
    /// A mailbox's settings were replaced.
    MailboxChanged = "mailbox.changed",
    /// A mailbox was taken away: nobody looks into it from here on.
    MailboxDeleted = "mailbox.deleted",
    /// A mailbox was tried out.
    MailboxChecked = "mailbox.checked",
    /// A mailbox could not be read for a day: nobody looks into it from here on.
    MailboxDisabled = "mailbox.disabled",
    /// A version of the terms or of the processing agreement was accepted.
    AgreementAccepted = "agreement.accepted",
    /// Who sends, or by which channel.
    SenderChanged = "sender.changed",
    /// Another channel was added.
    ChannelCreated = "channel.created",
    /// A channel was changed.
    ChannelChanged = "channel.changed",
    /// A channel was taken away.
    ChannelDeleted = "channel.deleted",
    /// A message was sent through a channel to see what comes back of it.
    ChannelChecked = "channel.checked",
    /// A file was announced.
    ImportAnnounced = "import.announced",
    /// A file was read to its end, or could not be.
    ImportFinished = "import.finished",
    /// A person was added by hand.
    ProspectCreated = "prospect.created",
    /// A person was corrected, frozen or thawed.
    ProspectChanged = "prospect.changed",
    /// A person was erased.
    ProspectDeleted = "prospect.deleted",
    /// A person objected, or withdrew their consent, by a request.
    ProspectOptedOut = "prospect.opted_out",
    /// A page of people left the product.
    ProspectExported = "prospect.exported",
    /// A draft was made.
    CampaignCreated = "campaign.created",
    /// A draft was changed.
    CampaignChanged = "campaign.changed",
    /// A campaign was deleted.
    CampaignDeleted = "campaign.deleted",
    /// A sample was put on its way to the member who asked.
    CampaignTested = "campaign.tested",
    /// Sending began.
    CampaignLaunched = "campaign.launched",
    /// Sending was halted.
    CampaignPaused = "campaign.paused",
    /// Sending goes on.
    CampaignResumed = "campaign.resumed",
    /// Sending was ended for good.
    CampaignCancelled = "campaign.cancelled",
    /// A member asked to exercise a right over their own account.
    RightsRequested = "rights.requested",
    /// A person's request was answered.
    RightsHandled = "rights.handled",
    /// Answering a person's request takes two months more.
    RightsExtended = "rights.extended",
    /// A restriction that a person had asked for was ended, after telling them.
    RightsLifted = "rights.lifted",
    /// The operator's desk read a request about somebody whom this workspace holds, or of a member.
    RightsShown = "rights.shown",
    /// A member took away what is held about them and the workspace.
    AccountExported = "account.exported",
    /// The members of this workspace are the operator's staff from here on, or not any more.
    StaffAppointed = "staff.appointed",
    /// Staff asked for access to this workspace.
    StaffAsked = "staff_access.asked",
    /// Somebody else of the staff agreed.
    StaffApproved = "staff_access.approved",
    /// Staff put an end to it before its time.
    StaffEnded = "staff_access.ended",
    /// Staff read people's data.
    StaffRead = "staff_access.read",
    /// Staff opened an incident.
    IncidentOpened = "incident.opened",
    /// Staff had the affected told.
    IncidentNotified = "incident.notified",
    /// Staff noted that the authority was told, or why not.
    IncidentClosed = "incident.closed",
    /// Staff closed a case of abuse, and nothing had to be done.
    AbuseClosed = "abuse.closed",
    /// Staff warned the owners of this workspace after a report of abuse.
    WorkspaceWarned = "workspace.warned",
    /// Nothing is sent, imported or launched from here on, because of abuse.
    WorkspaceSuspended = "workspace.suspended",
    /// The operator put an end to that.
    WorkspaceReleased = "workspace.released",
}

/// Who acted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Actor {
    /// A member who proved who they are.
    Member {
        /// Who.
        id: MemberId,
        /// What they might do at the time.
        role: Role,
        /// By which session; none where a mail was the proof.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        session: Option<SessionId>,
    },
    /// A program with a key.
    ApiKey {
        /// Which.
        id: ApiKeyId,
        /// Whose: it acts in their name.
        member: MemberId,
        /// What they might do at the time.
        role: Role,
    },
    /// A member of the operator's staff, in a workspace that is not theirs.
    Staff {
        /// Who: a number that names nobody outside the operator.
        id: MemberId,
        /// What they were at the time.
        role: Role,
    },
    /// Somebody who did not prove who they are.
    Anonymous,
    /// One of our own functions, at work on what somebody asked for earlier.
    System,
}

impl Actor {
    /// The member who acted, or in whose name a program did.
    #[must_use]
    pub const fn member(&self) -> Option<MemberId> {
        match self {
            Self::Member { id: member, .. } | Self::ApiKey { member, .. } => Some(*member),
            // Staff are members of a workspace of their own, not of the one they look at.
            Self::Staff { .. } | Self::Anonymous | Self::System => None,
        }
    }
}

/// Where a request came from: never the whole address, never more than the head of a user agent (A7).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    network: String,
    user_agent: String,
}

impl Origin {
    /// Keeps /24 of an IPv4 address or /48 of an IPv6 one, and 200 characters of the user agent.
    pub fn new(address: Option<IpAddr>, user_agent: &str) -> Self {
        let user_agent = user_agent.chars().filter(|c| !c.is_control()).take(USER_AGENT).collect();
        Self { network: truncated(address), user_agent }
    }

    /// `192.0.2.0/24`, `2001:db8:1::/48` or `unknown`.
    pub fn network(&self) -> &str {
        &self.network
    }

    /// What the caller's program calls itself.
    pub fn user_agent(&self) -> &str {
        &self.user_agent
    }
}

fn truncated(address: Option<IpAddr>) -> String {
    match address.map(|a| a.to_canonical()) {
        Some(IpAddr::V4(v4)) => {
            let [a, b, c, _] = v4.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        Some(IpAddr::V6(v6)) => {
            let [a, b, c, ..] = v6.segments();
            format!("{a:x}:{b:x}:{c:x}::/48")
        }
        None => "unknown".to_owned(),
    }
}

/// An address, or a network spelled as the trail has it, as the network of the trail; `None` for what is neither:
/// nothing in the trail could be equal to it.
#[must_use]
pub fn network_of(text: &str) -> Option<String> {
    let (address, length) = text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
    let address: IpAddr = address.trim().parse().ok()?;
    let kept = if address.to_canonical().is_ipv4() { "24" } else { "48" };
    length.is_none_or(|length| length == kept).then(|| truncated(Some(address)))
}

/// Who acts, and from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Who.
    pub actor: Actor,
    /// From where; nowhere for our own functions.
    pub origin: Option<Origin>,
}

impl Caller {
    /// Somebody on the other side of a request.
    pub const fn new(actor: Actor, origin: Origin) -> Self {
        Self { actor, origin: Some(origin) }
    }

    /// One of our own functions.
    pub const fn system() -> Self {
        Self { actor: Actor::System, origin: None }
    }
}

/// What an act was about, by its identifier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Object(String);

macro_rules! objects {
    ($($id:ty),+) => {$(
        impl From<$id> for Object {
            fn from(id: $id) -> Self {
                Self(id.to_string())
            }
        }
    )+};
}

objects!(
    WorkspaceId,
    MemberId,
    SessionId,
    InvitationId,
    ApiKeyId,
    ChannelId,
    ImportId,
    CampaignId,
    RequestId,
    GrantId,
    IncidentId,
    CaseId,
    WebhookId,
    MailboxId,
    Subject
);

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A circumstance of an act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Fact {
    /// How many.
    Count(u64),
    /// A word of ours.
    Word(Cow<'static, str>),
    /// Words of ours, such as the names of fields.
    Words(Vec<Cow<'static, str>>),
    /// Something else that the act concerned.
    Object(Object),
    /// Several such.
    Objects(Vec<Object>),
}

impl From<u64> for Fact {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

impl From<&'static str> for Fact {
    fn from(word: &'static str) -> Self {
        Self::Word(word.into())
    }
}

impl From<Vec<&'static str>> for Fact {
    fn from(words: Vec<&'static str>) -> Self {
        Self::Words(words.into_iter().map(Cow::Borrowed).collect())
    }
}

impl From<Object> for Fact {
    fn from(object: Object) -> Self {
        Self::Object(object)
    }
}

impl From<Vec<Object>> for Fact {
    fn from(objects: Vec<Object>) -> Self {
        Self::Objects(objects)
    }
}

/// One line of the trail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its identifier.
    pub id: AuditId,
    /// When.
    pub at: Timestamp,
    /// In whose workspace.
    pub workspace: WorkspaceId,
    /// What.
    pub action: Action,
    /// Who.
    pub actor: Actor,
    /// From where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// What it was about, if it was not the workspace as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<Object>,
    /// Counts and words, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub facts: BTreeMap<Cow<'static, str>, Fact>,
}

impl Entry {
    /// That the caller did this.
    pub fn new(id: AuditId, at: Timestamp, workspace: WorkspaceId, caller: &Caller, action: Action) -> Self {
        let Caller { actor, origin } = caller.clone();
        Self { id, at, workspace, action, actor, origin, about: None, facts: BTreeMap::new() }
    }

    /// What it was about.
    #[must_use]
    pub fn about(self, object: impl Into<Object>) -> Self {
        Self { about: Some(object.into()), ..self }
    }

    /// One more circumstance.
    #[must_use]
    pub fn with(mut self, name: &'static str, fact: impl Into<Fact>) -> Self {
        self.facts.insert(name.into(), fact.into());
        self
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a54_an_address_is_looked_for_as_the_trail_has_it() {
        for (text, network) in [
            ("192.0.2.7", "192.0.2.0/24"),
            ("192.0.2.0/24", "192.0.2.0/24"),
            ("2001:db8:1:2::3", "2001:db8:1::/48"),
            ("2001:db8:1::/48", "2001:db8:1::/48"),
        ] {
            assert_eq!(network_of(text).as_deref(), Some(network), "{text}");
        }
        for text in ["", "192.0.2.0/25", "2001:db8::/32", "example.com", "192.0.2.0/24/1"] {
            assert_eq!(network_of(text), None, "{text}");
        }
    }

    #[test]
    fn a7_addresses_are_truncated_before_anything_sees_them() {
        for (address, network) in [
            ("192.0.2.77", "192.0.2.0/24"),
            ("::ffff:192.0.2.77", "192.0.2.0/24"),
            ("2001:db8:1:2::9", "2001:db8:1::/48"),
        ] {
            assert_eq!(Origin::new(address.parse().ok(), "").network(), network);
        }
        assert_eq!(Origin::new(None, "").network(), "unknown");
    }

    #[test]
    fn a7_a_user_agent_is_cut_and_stays_in_its_line() {
        let origin = Origin::new(None, &format!("a\r\nb{}", "é".repeat(300)));
        assert_eq!(origin.user_agent().chars().count(), 200);
        assert!(origin.user_agent().starts_with("abé"));
    }

    #[test]
    fn codes_are_distinct_and_read_back() {
        let codes: BTreeSet<&str> = Action::ALL.iter().map(|action| action.code()).collect();
        assert_eq!(codes.len(), Action::ALL.len());
        for action in Action::ALL {
            assert!(action.code().split_once('.').is_some(), "{action:?}");
            let json = serde_json::to_value(action).unwrap();
            assert_eq!(json, action.code());
            assert_eq!(serde_json::from_value::<Action>(json).unwrap(), *action);
        }
    }
}
