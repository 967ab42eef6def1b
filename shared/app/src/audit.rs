//! The audit trail as a workspace reads it (A9).

use std::{borrow::Cow, collections::BTreeMap};

use domain::{
    Timestamp,
    audit::{Action, Actor, Entry, Fact, Object},
    id::{AuditId, MemberId},
    policy::retention::Policy,
};
use jiff::{ToSpan, civil::Date, tz::TimeZone};
use serde::Serialize;
use storage::{WorkspaceScope, keys::MONTH};

use crate::{App, Failure};

/// Entries looked at for one answer, at most, when only some are wanted.
const LOOK_AT: usize = 1_000;

/// An entry as the API shows it.
#[derive(Serialize)]
pub struct AuditView {
    id: AuditId,
    at: Timestamp,
    action: Action,
    actor: Actor,
    network: Option<String>,
    user_agent: Option<String>,
    about: Option<Object>,
    facts: BTreeMap<Cow<'static, str>, Fact>,
}

impl AuditView {
    /// What the entry says of a member: that they did it, or a program in their name, or that it was done about them.
    /// Where somebody else was when they did it is that other's. `None` when it says nothing.
    pub(crate) fn of(self, member: MemberId) -> Option<Self> {
        let (by, about) = (self.actor.member(), self.about == Some(member.into()));
        match by {
            Some(one) if one == member => Some(self),
            None if about => Some(self),
            Some(_) if about => Some(Self { network: None, user_agent: None, ..self }),
            _ => None,
        }
    }
}

impl From<Entry> for AuditView {
    fn from(entry: Entry) -> Self {
        let Entry { id, at, workspace: _, action, actor, origin, about, facts } = entry;
        let network = origin.as_ref().map(|origin| origin.network().to_owned());
        let user_agent = origin.map(|origin| origin.user_agent().to_owned());
        Self { id, at, action, actor, network, user_agent, about, facts }
    }
}

/// Which actions are wanted: one, or all that are about the same thing.
pub struct Wanted(Option<String>);

impl Wanted {
    /// From `?action=`: a code such as `session.opened`, or what comes before its dot.
    pub fn read(asked: Option<String>) -> Result<Self, Failure> {
        let wanted = Self(asked);
        if Action::ALL.iter().any(|action| wanted.has(*action)) {
            return Ok(wanted);
        }
        Err(Failure::field("action", "an action such as `session.opened`, or what comes before its dot"))
    }

    /// Every action.
    pub(crate) const fn everything() -> Self {
        Self(None)
    }

    fn has(&self, action: Action) -> bool {
        let Some(wanted) = self.0.as_deref() else { return true };
        let code = action.code();
        code == wanted || code.split('.').next() == Some(wanted)
    }
}

/// A place in the trail: a month, and an entry in it after which to go on.
struct Place {
    month: Date,
    after: Option<String>,
}

impl Place {
    fn read(text: &str) -> Result<Self, Failure> {
        let month = text.get(..MONTH).and_then(|month| format!("{month}-01").parse().ok());
        let month = month.ok_or_else(|| Failure::field("cursor", "use `next_cursor` of the page before, unchanged"))?;
        Ok(Self { month, after: (text.len() > MONTH).then(|| text.to_owned()) })
    }

    fn write(&self) -> String {
        self.after.clone().unwrap_or_else(|| self.name())
    }

    /// `2026-11`.
    fn name(&self) -> String {
        self.month.strftime("%Y-%m").to_string()
    }
}

fn month_of(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date().first_of_month()
}

/// The months of the trail from one moment until before another, as it names them.
pub(crate) fn months(from: Timestamp, to: Timestamp) -> impl Iterator<Item = String> {
    let months = std::iter::successors(Some(month_of(from)), |month| month.checked_add(1.month()).ok());
    months.take_while(move |month| *month <= month_of(to)).map(|month| month.strftime("%Y-%m").to_string())
}

/// The month before, unless everything in it is older than the workspace, or over at `now`.
fn before(month: Date, made: Timestamp, now: Timestamp) -> Option<Date> {
    let ended = month.to_zoned(TimeZone::UTC).ok()?.timestamp();
    let over = Policy::current().security_log_expiry(ended) <= now;
    (ended > made && !over).then(|| month.saturating_sub(1.month()))
}

impl App {
    /// Entries, newest first, and where the next page starts.
    pub async fn list_audit(
        &self,
        scope: &WorkspaceScope,
        wanted: &Wanted,
        cursor: Option<&str>,
        limit: u32,
        now: Timestamp,
    ) -> Result<(Vec<AuditView>, Option<String>), Failure> {
        let mut place = match cursor {
            Some(cursor) => Place::read(cursor)?,
            None => Place { month: month_of(now), after: None },
        };
        let (trail, limit) = (self.db.trail(scope), usize::try_from(limit).unwrap_or(usize::MAX));
        let (mut items, mut looked_at) = (Vec::new(), 0);
        while items.len() < limit && looked_at < LOOK_AT {
            let left = u32::try_from(limit - items.len()).unwrap_or(u32::MAX);
            let (entries, next) = trail.page(&place.name(), place.after.as_deref(), left, now).await?;
            looked_at += entries.len();
            items.extend(entries.into_iter().filter(|entry| wanted.has(entry.action)).map(AuditView::from));
            place = match (next, before(place.month, scope.workspace().made_at(), now)) {
                (Some(sk), _) => Place { after: Some(sk), ..place },
                (None, Some(month)) => Place { month, after: None },
                (None, None) => return Ok((items, None)),
            };
        }
        Ok((items, Some(place.write())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trail_goes_back_to_the_workspaces_first_month_or_thirteen() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let months = |made: &str, now: &str| {
            let (made, now) = (at(made), at(now));
            std::iter::successors(Some(month_of(now)), |month| before(*month, made, now)).count()
        };
        assert_eq!(months("2026-11-03T00:00:00Z", "2026-11-25T00:00:00Z"), 1);
        assert_eq!(months("2026-10-31T23:59:59Z", "2026-11-25T00:00:00Z"), 2);
        // Thirteen whole months, and the day of the month that is not over.
        assert_eq!(months("2020-01-01T00:00:00Z", "2026-11-25T00:00:00Z"), 14);
    }

    #[test]
    fn a_period_is_in_each_month_that_it_touches() {
        let of = |from: &str, to: &str| months(from.parse().unwrap(), to.parse().unwrap()).collect::<Vec<_>>();
        assert_eq!(of("2026-11-30T23:59:59Z", "2026-11-30T23:59:59.5Z"), ["2026-11"]);
        assert_eq!(of("2026-11-30T23:59:59Z", "2027-01-01T00:00:00Z"), ["2026-11", "2026-12", "2027-01"]);
    }

    #[test]
    fn a_place_reads_back_and_nothing_else_does() {
        for text in ["2026-11", "2026-11-25T10:00:00.000Z#aud_00"] {
            assert_eq!(Place::read(text).unwrap().write(), text);
        }
        for bad in ["", "2026", "2026-13", "2026-1é", "later"] {
            assert!(Place::read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn actions_are_wanted_by_code_or_by_what_they_are_about() {
        let wanted = |text: &str| Wanted::read(Some(text.into()));
        let all = |wanted: Wanted| Action::ALL.iter().filter(|action| wanted.has(**action)).count();
        assert_eq!(all(wanted("session.opened").unwrap()), 1);
        assert_eq!(all(wanted("session").unwrap()), 4);
        assert_eq!(all(Wanted::read(None).unwrap()), Action::ALL.len());
        for bad in ["", "sess", "session.", "everything"] {
            assert!(wanted(bad).is_err(), "{bad}");
        }
    }
}
