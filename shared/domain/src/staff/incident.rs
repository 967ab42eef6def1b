//! After a breach: by when the authority is told (art. 33 GDPR), and who is affected by what the trail says (art. 34).

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Hand;
use crate::{
    audit::{Action, Actor, Entry},
    id::{MemberId, SessionId, WorkspaceId},
    policy::retention::{Policy, is_due},
    rights::Chase,
};

/// The 72 hours of article 33, from the moment at which the breach was known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timer {
    /// When the breach was known.
    pub discovered_at: Timestamp,
    /// How many reminders went.
    #[serde(default)]
    pub reminded: u8,
    /// Whether it was said that it is overdue.
    #[serde(default)]
    pub escalated: bool,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<Closed>,
}

/// That the authority was told, or did not have to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed {
    /// Who noted it.
    pub hand: Hand,
    /// The reference that the authority gave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Why it did not have to be told: no risk to anybody (art. 33(1)).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_needed: Option<String>,
}

impl Timer {
    /// One that runs.
    #[must_use]
    pub const fn since(discovered_at: Timestamp) -> Self {
        Self { discovered_at, reminded: 0, escalated: false, closed: None }
    }

    /// By when the authority is told.
    #[must_use]
    pub fn due(&self) -> Timestamp {
        Policy::current().promises().breach_notice.ends_by(self.discovered_at)
    }

    /// What has to be said at `now` and was not noted before. What was missed is not made up for.
    #[must_use]
    pub fn chase(&self, now: Timestamp) -> Option<Chase> {
        if self.closed.is_some() || self.escalated {
            return None;
        }
        if is_due(self.due(), now) {
            return Some(Chase::Escalate(1));
        }
        let reminders = Policy::current().promises().breach_reminders.iter();
        let passed = reminders.filter(|after| is_due(after.expires_at(self.discovered_at), now)).count();
        u8::try_from(passed).ok().filter(|passed| *passed > self.reminded).map(Chase::Remind)
    }

    /// The same, once that is noted.
    #[must_use]
    pub fn noted(&self, chase: Chase) -> Self {
        match chase {
            Chase::Remind(reminded) => Self { reminded, ..self.clone() },
            Chase::Escalate(_) => Self { escalated: true, ..self.clone() },
        }
    }
}

/// What of the trail an incident is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Search {
    /// In these workspaces; in all when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspaces: Option<BTreeSet<WorkspaceId>>,
    /// From this moment on.
    pub from: Timestamp,
    /// Until before this one.
    pub to: Timestamp,
    /// From this truncated network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// By this session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
}

/// Why somebody is affected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Somebody signed in as them.
    SignedIn,
    /// Something was done in their name.
    Acted,
    /// What is held about them was taken away.
    AccountRead,
    /// Data of the workspace's prospects was taken away.
    ProspectsRead,
}

/// Who is affected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Whom {
    /// A member: told by us (art. 34).
    Member(MemberId),
    /// The Sender, for its prospects: its owners are told (art. 33(2)), and tell them.
    Sender,
}

impl Search {
    /// Whom an entry of the trail shows to be affected, and why. A sign-in that was refused opened nothing.
    #[must_use]
    pub fn finds(&self, entry: &Entry) -> Vec<(Whom, Reason)> {
        let here = self.workspaces.as_ref().is_none_or(|some| some.contains(&entry.workspace));
        let then = (self.from..self.to).contains(&entry.at);
        let network = entry.origin.as_ref().map(|origin| origin.network());
        let from_there = self.network.as_deref().is_none_or(|wanted| network == Some(wanted));
        let (member, session) = match entry.actor {
            Actor::Member { id, session, .. } => (Some(id), session),
            Actor::ApiKey { member, .. } => (Some(member), None),
            Actor::Staff { .. } => (None, None),
            Actor::Anonymous | Actor::System => return Vec::new(),
        };
        let by_it = self.session.is_none_or(|wanted| session == Some(wanted));
        if !(here && then && from_there && by_it) {
            return Vec::new();
        }
        let reason = match entry.action {
            Action::SessionOpened => Reason::SignedIn,
            Action::AccountExported => Reason::AccountRead,
            _ => Reason::Acted,
        };
        let member = member.map(|member| (Whom::Member(member), reason));
        let taken = matches!(entry.action, Action::ProspectExported | Action::StaffRead);
        member.into_iter().chain(taken.then_some((Whom::Sender, Reason::ProspectsRead))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        audit::{Caller, Origin},
        id::AuditId,
        member::Role,
    };

    const KNOWN: &str = "2026-05-01T10:00:00Z";

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a54_the_clock_of_72_hours_reminds_and_is_overdue_at_its_seconds_and_once() {
        let mut timer = Timer::since(at(KNOWN));
        assert_eq!(timer.due(), at("2026-05-04T10:00:00Z"));
        for (now, expected) in [
            ("2026-05-02T09:59:59Z", None),
            ("2026-05-02T10:00:00Z", Some(Chase::Remind(1))),
            ("2026-05-03T09:59:59Z", None),
            ("2026-05-03T10:00:00Z", Some(Chase::Remind(2))),
            ("2026-05-04T09:59:59Z", None),
            ("2026-05-04T10:00:00Z", Some(Chase::Escalate(1))),
            ("2027-05-04T10:00:00Z", None),
        ] {
            assert_eq!(timer.chase(at(now)), expected, "{now}");
            if let Some(chase) = expected {
                timer = timer.noted(chase);
                assert_eq!(timer.chase(at(now)), None, "{now}: once");
            }
        }
        let hand = Hand { by: MemberId::from_bytes([1; 10]), role: Role::Owner, at: at(KNOWN) };
        let closed = Some(Closed { hand, reference: Some("CNIL-1".into()), not_needed: None });
        let closed = Timer { closed, ..Timer::since(at(KNOWN)) };
        assert_eq!(closed.chase(at("2026-06-01T10:00:00Z")), None);
    }

    #[test]
    fn a54_hours_are_hours_on_the_night_the_clock_changes() {
        // 29 March 2026, 2:00: an hour of the wall clock is missing.
        assert_eq!(Timer::since(at("2026-03-28T12:00:00Z")).due(), at("2026-03-31T12:00:00Z"));
    }

    #[test]
    fn a54_the_trail_says_who_is_affected_and_why() {
        let workspace = WorkspaceId::from_bytes([1; 10]);
        let (ada, session) = (MemberId::from_bytes([2; 10]), SessionId::from_bytes([3; 10]));
        let member = || Actor::Member { id: ada, role: Role::Editor, session: Some(session) };
        let entry = |actor, action, when: &str, address: &str| {
            let caller = Caller::new(actor, Origin::new(address.parse().ok(), ""));
            Entry::new(AuditId::from_bytes([4; 10]), at(when), workspace, &caller, action)
        };
        let (from, to) = (at(KNOWN), at("2026-05-02T10:00:00Z"));
        let search = Search { workspaces: None, from, to, network: Some("192.0.2.0/24".into()), session: None };
        let (there, elsewhere) = ("192.0.2.9", "198.51.100.9");
        let signed_in = |when| entry(member(), Action::SessionOpened, when, there);
        for (found, expected) in [
            (search.finds(&signed_in(KNOWN)), vec![(Whom::Member(ada), Reason::SignedIn)]),
            (search.finds(&signed_in("2026-05-02T09:59:59Z")), vec![(Whom::Member(ada), Reason::SignedIn)]),
            (search.finds(&signed_in("2026-05-02T10:00:00Z")), vec![]),
            (search.finds(&signed_in("2026-05-01T09:59:59Z")), vec![]),
            (search.finds(&entry(member(), Action::SessionOpened, KNOWN, elsewhere)), vec![]),
            (search.finds(&entry(Actor::Anonymous, Action::SessionRefused, KNOWN, there)), vec![]),
            (search.finds(&entry(Actor::System, Action::ImportFinished, KNOWN, there)), vec![]),
            (
                search.finds(&entry(member(), Action::SenderChanged, KNOWN, there)),
                vec![(Whom::Member(ada), Reason::Acted)],
            ),
            (
                search.finds(&entry(member(), Action::ProspectExported, KNOWN, there)),
                vec![(Whom::Member(ada), Reason::Acted), (Whom::Sender, Reason::ProspectsRead)],
            ),
            (
                search.finds(&entry(Actor::Staff { id: ada, role: Role::Admin }, Action::StaffRead, KNOWN, there)),
                vec![(Whom::Sender, Reason::ProspectsRead)],
            ),
        ] {
            assert_eq!(found, expected);
        }
        let elsewhere = BTreeSet::from([WorkspaceId::from_bytes([9; 10])]);
        assert_eq!(Search { workspaces: Some(elsewhere), ..search.clone() }.finds(&signed_in(KNOWN)), []);
        let by = |wanted| Search { network: None, session: Some(wanted), ..search.clone() }.finds(&signed_in(KNOWN));
        assert_eq!(by(session), [(Whom::Member(ada), Reason::SignedIn)]);
        assert_eq!(by(SessionId::from_bytes([8; 10])), []);
    }
}
