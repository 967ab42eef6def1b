//! What somebody has to do about a request, and the clock that runs with it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::period;

/// One request in the hands of one who has to answer it: a Sender, or the operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Duty {
    /// Since when they have it.
    pub since: Timestamp,
    /// When the answer is due, the extension included.
    pub due: Timestamp,
    /// Why it takes longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extension: Option<Extension>,
    /// Reminders that were noted.
    #[serde(default)]
    pub reminded: u8,
    /// How often its being overdue was noted: at its date, then every week until it is handled.
    #[serde(default)]
    pub overdue: u16,
    /// What was done about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handled: Option<Handled>,
}

/// Two months more (art. 12(3)): the person is told why before the first date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extension {
    /// When it was decided and the person told.
    pub at: Timestamp,
    /// Why, for the person to read.
    pub reason: String,
}

/// The end of a duty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handled {
    /// When.
    pub at: Timestamp,
    /// How.
    pub outcome: Outcome,
}

/// How a request ended with one who had to answer it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// What was asked is done.
    Done,
    /// It is refused, and the person is told why (art. 12(4)).
    Refused,
    /// The product did it the moment it was asked.
    DoneAtOnce,
    /// The Sender has left with everything it held.
    SenderGone,
    /// The person had everything erased meanwhile: there is nothing left to answer about.
    Overtaken,
}

/// What the clock asks for next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chase {
    /// A reminder: so many are to be noted with it.
    Remind(u8),
    /// It is overdue: the operator has to step in. So many times it was said, this one included.
    Escalate(u16),
}

/// Why an answer cannot take longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotExtended {
    /// There is nothing left to do.
    #[error("it is handled already")]
    Handled,
    /// Once only.
    #[error("it was extended already")]
    Twice,
    /// The person has to be told before the first date.
    #[error("the first date is over: the person had to be told of an extension before it")]
    TooLate,
}

impl Duty {
    /// A duty about a request that was received at `received` and reached whoever has it at `since`.
    #[must_use]
    pub fn new(received: Timestamp, since: Timestamp) -> Self {
        Self { since, due: period::due(received), extension: None, reminded: 0, overdue: 0, handled: None }
    }

    /// One that the product itself has done at `at`.
    #[must_use]
    pub fn done_at_once(received: Timestamp, at: Timestamp) -> Self {
        Self { handled: Some(Handled { at, outcome: Outcome::DoneAtOnce }), ..Self::new(received, at) }
    }

    /// Whether somebody still has to act.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.handled.is_none()
    }

    /// What has to be said at `now` and was not noted before. What was missed is not made up for: there is
    /// one at a time.
    #[must_use]
    pub fn chase(&self, now: Timestamp) -> Option<Chase> {
        if !self.is_open() {
            return None;
        }
        if now >= self.due {
            return Some(period::times_overdue(self.due, now))
                .filter(|times| *times > self.overdue)
                .map(Chase::Escalate);
        }
        let passed = period::reminders(self.since).filter(|at| now >= *at).count();
        u8::try_from(passed).ok().filter(|passed| *passed > self.reminded).map(Chase::Remind)
    }

    /// The same, once what the clock asked for is noted.
    #[must_use]
    pub fn noted(&self, chase: Chase) -> Self {
        match chase {
            Chase::Remind(reminded) => Self { reminded, ..self.clone() },
            Chase::Escalate(overdue) => Self { overdue, ..self.clone() },
        }
    }

    /// Two months more.
    ///
    /// # Errors
    /// [`NotExtended`] once it is handled, was extended, or the first date is over.
    pub fn extend(&self, reason: String, now: Timestamp) -> Result<Self, NotExtended> {
        if !self.is_open() {
            return Err(NotExtended::Handled);
        }
        if self.extension.is_some() {
            return Err(NotExtended::Twice);
        }
        if now >= self.due {
            return Err(NotExtended::TooLate);
        }
        let extension = Some(Extension { at: now, reason });
        Ok(Self { due: period::extended(self.due), extension, ..self.clone() })
    }

    /// The same, ended.
    #[must_use]
    pub fn handled(&self, outcome: Outcome, at: Timestamp) -> Self {
        Self { handled: Some(Handled { at, outcome }), ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use proptest::prelude::*;

    use super::*;

    const RECEIVED: &str = "2026-05-01T10:00:00Z";

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn duty() -> Duty {
        Duty::new(at(RECEIVED), at(RECEIVED))
    }

    #[test]
    fn a47_reminders_and_escalation_come_at_their_second_and_once() {
        let mut duty = duty();
        for (now, expected) in [
            ("2026-05-03T09:59:59Z", None),
            ("2026-05-03T10:00:00Z", Some(Chase::Remind(1))),
            ("2026-05-08T09:59:59Z", None),
            ("2026-05-08T10:00:00Z", Some(Chase::Remind(2))),
            ("2026-05-21T09:59:59Z", None),
            ("2026-05-21T10:00:00Z", Some(Chase::Remind(3))),
            ("2026-05-31T09:59:59Z", None),
            ("2026-05-31T10:00:00Z", Some(Chase::Escalate(1))),
            ("2026-06-07T09:59:59Z", None),
            ("2026-06-07T10:00:00Z", Some(Chase::Escalate(2))),
            ("2027-05-31T10:00:00Z", Some(Chase::Escalate(53))),
        ] {
            assert_eq!(duty.chase(at(now)), expected, "{now}");
            if let Some(chase) = expected {
                duty = duty.noted(chase);
                assert_eq!(duty.chase(at(now)), None, "{now}: once");
            }
        }
    }

    #[test]
    fn a47_what_was_missed_is_not_made_up_for() {
        assert_eq!(duty().chase(at("2026-05-25T10:00:00Z")), Some(Chase::Remind(3)));
        assert_eq!(duty().chase(at("2026-06-25T10:00:00Z")), Some(Chase::Escalate(4)));
        assert_eq!(duty().handled(Outcome::Done, at(RECEIVED)).chase(at("2026-06-25T10:00:00Z")), None);
    }

    #[test]
    fn a47_an_extension_comes_before_the_first_date_and_once() {
        let why = || "thousands of messages".to_owned();
        assert_eq!(duty().extend(why(), at("2026-05-31T10:00:00Z")), Err(NotExtended::TooLate));
        let longer = duty().extend(why(), at("2026-05-31T09:59:59Z")).unwrap();
        assert_eq!(longer.due, at("2026-07-31T10:00:00Z"));
        assert_eq!(longer.chase(at("2026-07-31T09:59:59Z")), Some(Chase::Remind(3)));
        assert_eq!(longer.chase(at("2026-07-31T10:00:00Z")), Some(Chase::Escalate(1)));
        assert_eq!(longer.extend(why(), at("2026-06-01T00:00:00Z")), Err(NotExtended::Twice));
        let done = duty().handled(Outcome::Done, at(RECEIVED));
        assert_eq!(done.extend(why(), at(RECEIVED)), Err(NotExtended::Handled));
    }

    proptest! {
        /// However often and whenever the clock comes by, nobody is told the same twice.
        #[test]
        fn a47_nobody_is_chased_twice_for_the_same(mut hours in prop::collection::vec(0_i64..2_000, 0..40)) {
            hours.sort_unstable();
            let (mut duty, mut said) = (duty(), Vec::new());
            for hour in hours {
                if let Some(chase) = duty.chase(at(RECEIVED) + SignedDuration::from_hours(hour)) {
                    prop_assert!(!said.contains(&chase), "{chase:?}");
                    said.push(chase);
                    duty = duty.noted(chase);
                }
            }
            // Three reminders, and what is overdue for eight weeks at most.
            prop_assert!(said.len() <= 3 + 8);
        }
    }
}
