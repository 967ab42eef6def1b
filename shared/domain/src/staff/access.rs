//! Access of staff to one workspace: asked for with a purpose, approved by others, over after an hour.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    audit::{Entry, Object},
    id::{GrantId, MemberId},
    member::Role,
    policy::retention::{Policy, is_due},
    subject::Subject,
};

/// What staff may look for. There is no other purpose (A18).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "purpose", rename_all = "snake_case")]
pub enum Purpose {
    /// Something of the service does not work.
    Maintenance,
    /// A report of abuse.
    Abuse,
    /// An authority demands what is held about one person (A17).
    Disclosure(Disclosure),
}

/// Who demands what is held about whom, and by which law.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disclosure {
    /// The person: the only one whose data it opens.
    pub person: Subject,
    /// Who demands it.
    pub authority: String,
    /// The law, and the reference of the demand.
    pub legal_basis: String,
}

impl Purpose {
    /// The name in the API and in the trail.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Maintenance => "maintenance",
            Self::Abuse => "abuse",
            Self::Disclosure(_) => "disclosure",
        }
    }

    /// How many others have to agree. What leaves for an authority takes two.
    #[must_use]
    pub const fn approvals(&self) -> usize {
        match self {
            Self::Maintenance | Self::Abuse => 1,
            Self::Disclosure(_) => 2,
        }
    }
}

/// A member of staff who did something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hand {
    /// Who.
    pub by: MemberId,
    /// What they were at the time: all that a workspace is told of them.
    pub role: Role,
    /// When.
    pub at: Timestamp,
}

/// An access that was asked for, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// What for.
    #[serde(flatten)]
    pub purpose: Purpose,
    /// Who asked, the only one it can open anything to.
    pub asked: Hand,
    /// Who agreed, in turn.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approved: Vec<Hand>,
    /// Who put an end to it before its time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Hand>,
}

/// Where an access stands at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Others have to agree, before this moment.
    Waiting(Timestamp),
    /// It opens what it was asked for, until this moment.
    Open(Timestamp),
    /// Too few agreed in time.
    Lapsed,
    /// Its time is over.
    Over,
    /// Somebody put an end to it.
    Ended,
}

impl Status {
    /// The name in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting(_) => "waiting",
            Self::Open(_) => "open",
            Self::Lapsed => "lapsed",
            Self::Over => "over",
            Self::Ended => "ended",
        }
    }
}

/// What somebody wants to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// One page of everybody.
    Everybody,
    /// This person.
    One(Subject),
}

/// Why an approval is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotApproved {
    /// Nobody agrees with themselves.
    #[error("whoever asked cannot approve: somebody else of the staff has to")]
    Own,
    /// One person is one approval.
    #[error("you approved it already: it needs somebody else")]
    Twice,
    /// It is open already, or cannot be opened any more.
    #[error("it does not wait for an approval (any more)")]
    NotWaiting,
}

/// Why there is nothing to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is over already")]
pub struct NotEnded;

/// Why nothing may be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Shut {
    /// Another member of staff asked.
    #[error("it opens data to whoever asked for it, and you did not")]
    NotYours,
    /// It is not open yet, or not any more.
    #[error("it is not open: ask for an access and have it approved")]
    NotOpen,
    /// A disclosure is about one person.
    #[error("a disclosure opens the data of its one person, and of nobody else")]
    NotThePerson,
}

impl Access {
    /// One that was asked for.
    #[must_use]
    pub const fn ask(purpose: Purpose, asked: Hand) -> Self {
        Self { purpose, asked, approved: Vec::new(), ended: None }
    }

    /// Where it stands. Each time is over at its second.
    #[must_use]
    pub fn status(&self, now: Timestamp) -> Status {
        let promises = Policy::current().promises();
        if self.ended.is_some() {
            return Status::Ended;
        }
        match self.approved.get(self.purpose.approvals() - 1) {
            Some(last) => {
                let until = promises.staff_access.expires_at(last.at);
                if is_due(until, now) { Status::Over } else { Status::Open(until) }
            }
            None => {
                let until = promises.staff_ask.expires_at(self.asked.at);
                if is_due(until, now) { Status::Lapsed } else { Status::Waiting(until) }
            }
        }
    }

    /// The same with one more approval.
    ///
    /// # Errors
    /// [`NotApproved`] by whoever asked or approved before, and once it does not wait.
    pub fn approve(&self, hand: Hand) -> Result<Self, NotApproved> {
        if hand.by == self.asked.by {
            return Err(NotApproved::Own);
        }
        if !matches!(self.status(hand.at), Status::Waiting(_)) {
            return Err(NotApproved::NotWaiting);
        }
        if self.approved.iter().any(|before| before.by == hand.by) {
            return Err(NotApproved::Twice);
        }
        let mut approved = self.approved.clone();
        approved.push(hand);
        Ok(Self { approved, ..self.clone() })
    }

    /// The same, put an end to before its time: anybody of the staff may.
    ///
    /// # Errors
    /// [`NotEnded`] when it is over already.
    pub fn end(&self, hand: Hand) -> Result<Self, NotEnded> {
        match self.status(hand.at) {
            Status::Waiting(_) | Status::Open(_) => Ok(Self { ended: Some(hand), ..self.clone() }),
            Status::Lapsed | Status::Over | Status::Ended => Err(NotEnded),
        }
    }

    /// Whether this member may read that at `now`.
    ///
    /// # Errors
    /// [`Shut`] says why not.
    pub fn opens(&self, to: MemberId, wanted: Wanted, now: Timestamp) -> Result<(), Shut> {
        if self.asked.by != to {
            return Err(Shut::NotYours);
        }
        if !matches!(self.status(now), Status::Open(_)) {
            return Err(Shut::NotOpen);
        }
        match &self.purpose {
            Purpose::Maintenance | Purpose::Abuse => Ok(()),
            Purpose::Disclosure(Disclosure { person, .. }) if wanted == Wanted::One(*person) => Ok(()),
            Purpose::Disclosure(_) => Err(Shut::NotThePerson),
        }
    }

    /// What the trail says of a reading: under which access, what for, and whose data (A79). The words of the
    /// reason are with the access that it names.
    #[must_use]
    pub fn reading(&self, entry: Entry, grant: GrantId, wanted: Wanted, read: &[Subject]) -> Entry {
        let entry = entry.with("purpose", self.purpose.as_str());
        match wanted {
            Wanted::One(person) => entry.about(person).with("grant", Object::from(grant)),
            Wanted::Everybody => {
                let people: Vec<Object> = read.iter().map(|person| Object::from(*person)).collect();
                entry.about(grant).with("people", read.len() as u64).with(SUBJECTS, people)
            }
        }
    }
}

/// The fact of an entry that lists people.
pub const SUBJECTS: &str = "subjects";

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use proptest::prelude::*;

    use super::*;
    use crate::{
        audit::{Action, Caller},
        id::{AuditId, WorkspaceId},
    };

    const ASKED: &str = "2026-05-01T10:00:00Z";

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn hand(who: u8, at: Timestamp) -> Hand {
        Hand { by: member(who), role: Role::Admin, at }
    }

    fn member(who: u8) -> MemberId {
        MemberId::from_bytes([who; 10])
    }

    fn ada() -> Subject {
        Subject::from_bytes([7; 16])
    }

    fn disclosure() -> Purpose {
        Purpose::Disclosure(Disclosure { person: ada(), authority: "Tribunal".into(), legal_basis: "Art. 60-1".into() })
    }

    fn asked(purpose: Purpose) -> Access {
        Access::ask(purpose, hand(1, at(ASKED)))
    }

    fn open(purpose: Purpose) -> Access {
        let others = 2..=u8::try_from(1 + purpose.approvals()).unwrap();
        others.fold(asked(purpose), |access, who| access.approve(hand(who, at(ASKED))).unwrap())
    }

    #[test]
    fn a18_an_access_is_over_at_its_second() {
        for (now, expected) in [
            ("2026-05-01T10:00:00Z", Status::Open(at("2026-05-01T11:00:00Z"))),
            ("2026-05-01T10:59:59Z", Status::Open(at("2026-05-01T11:00:00Z"))),
            ("2026-05-01T11:00:00Z", Status::Over),
            ("2027-05-01T10:00:00Z", Status::Over),
        ] {
            let access = open(Purpose::Maintenance);
            assert_eq!(access.status(at(now)), expected, "{now}");
            let may = matches!(expected, Status::Open(_));
            assert_eq!(access.opens(member(1), Wanted::Everybody, at(now)).is_ok(), may, "{now}");
        }
    }

    #[test]
    fn a18_an_ask_lapses_at_its_second() {
        let access = asked(Purpose::Abuse);
        let last = at("2026-05-02T09:59:59Z");
        assert_eq!(access.status(last), Status::Waiting(at("2026-05-02T10:00:00Z")));
        assert!(access.approve(hand(2, last)).is_ok());
        let late = at("2026-05-02T10:00:00Z");
        assert_eq!(access.status(late), Status::Lapsed);
        assert_eq!(access.approve(hand(2, late)), Err(NotApproved::NotWaiting));
        assert_eq!(access.end(hand(2, late)), Err(NotEnded));
    }

    #[test]
    fn a18_nobody_approves_their_own_and_nobody_reads_anothers() {
        for purpose in [Purpose::Maintenance, Purpose::Abuse, disclosure()] {
            assert_eq!(asked(purpose.clone()).approve(hand(1, at(ASKED))), Err(NotApproved::Own));
            assert_eq!(open(purpose.clone()).approve(hand(4, at(ASKED))), Err(NotApproved::NotWaiting));
            assert_eq!(open(purpose.clone()).opens(member(2), Wanted::One(ada()), at(ASKED)), Err(Shut::NotYours));
            assert_eq!(asked(purpose.clone()).opens(member(1), Wanted::One(ada()), at(ASKED)), Err(Shut::NotOpen));
            let ended = open(purpose).end(hand(3, at(ASKED))).unwrap();
            assert_eq!(ended.status(at(ASKED)), Status::Ended);
            assert_eq!(ended.opens(member(1), Wanted::One(ada()), at(ASKED)), Err(Shut::NotOpen));
            assert_eq!(ended.end(hand(3, at(ASKED))), Err(NotEnded));
        }
    }

    #[test]
    fn a17_a_disclosure_needs_two_others_and_opens_one_person() {
        let once = asked(disclosure()).approve(hand(2, at(ASKED))).unwrap();
        assert!(matches!(once.status(at(ASKED)), Status::Waiting(_)), "one approver is not enough");
        assert_eq!(once.approve(hand(2, at(ASKED))), Err(NotApproved::Twice));
        let twice = once.approve(hand(3, at("2026-05-01T12:00:00Z"))).unwrap();
        // The hour begins with the second approval.
        assert_eq!(twice.status(at("2026-05-01T12:59:59Z")), Status::Open(at("2026-05-01T13:00:00Z")));
        let now = at("2026-05-01T12:30:00Z");
        assert_eq!(twice.opens(member(1), Wanted::One(ada()), now), Ok(()));
        for wanted in [Wanted::Everybody, Wanted::One(Subject::from_bytes([8; 16]))] {
            assert_eq!(twice.opens(member(1), wanted, now), Err(Shut::NotThePerson));
        }
    }

    #[test]
    fn a79_the_entry_of_a_reading_names_the_access_the_purpose_and_the_person() {
        let (access, grant) = (open(Purpose::Abuse), GrantId::from_bytes([5; 10]));
        let (workspace, id) = (WorkspaceId::from_bytes([6; 10]), AuditId::from_bytes([9; 10]));
        let bare = || Entry::new(id, at(ASKED), workspace, &Caller::system(), Action::StaffRead);
        let one = serde_json::to_value(access.reading(bare(), grant, Wanted::One(ada()), &[ada()])).unwrap();
        assert_eq!(one["about"], ada().to_string());
        assert_eq!(one["facts"], serde_json::json!({"grant": grant, "purpose": "abuse"}));
        let page = serde_json::to_value(access.reading(bare(), grant, Wanted::Everybody, &[ada()])).unwrap();
        assert_eq!(page["about"], grant.to_string());
        assert_eq!(page["facts"], serde_json::json!({"purpose": "abuse", "people": 1, "subjects": [ada()]}));
    }

    #[test]
    fn an_access_reads_back() {
        for access in [asked(Purpose::Maintenance), open(disclosure())] {
            let json = serde_json::to_value(&access).unwrap();
            assert_eq!(json["purpose"], access.purpose.as_str());
            assert_eq!(serde_json::from_value::<Access>(json).unwrap(), access);
        }
    }

    proptest! {
        /// Whoever does what and when: nothing is open without enough others, or for longer than an hour.
        #[test]
        fn a18_nothing_opens_without_enough_others(
            demanded in any::<bool>(),
            acts in prop::collection::vec((1_u8..5, 0_i64..200_000, any::<bool>()), 0..12),
            look in 0_i64..200_000,
        ) {
            let mut acts = acts;
            acts.sort_unstable_by_key(|act| act.1);
            let mut access = asked(if demanded { disclosure() } else { Purpose::Maintenance });
            for (who, after, ends) in acts.into_iter().filter(|act| act.1 <= look) {
                let hand = hand(who, at(ASKED) + SignedDuration::from_secs(after));
                let next = if ends && who == 4 { access.end(hand).ok() } else { access.approve(hand).ok() };
                access = next.unwrap_or(access);
            }
            let now = at(ASKED) + SignedDuration::from_secs(look);
            if access.opens(member(1), Wanted::One(ada()), now).is_ok() {
                let others: std::collections::BTreeSet<_> = access.approved.iter().map(|hand| hand.by).collect();
                prop_assert!(others.len() >= access.purpose.approvals() && !others.contains(&member(1)));
                let last = access.approved.iter().map(|hand| hand.at).max().unwrap();
                prop_assert!(now.duration_since(last) < SignedDuration::from_hours(1));
            }
        }
    }
}
