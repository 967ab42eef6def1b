//! Hours of days of the week, as they are written.

use std::{collections::BTreeSet, fmt, str::FromStr};

use jiff::civil;
use serde::{Deserialize, Serialize};

/// Shortest span, in minutes: a queue that is busy would miss a shorter one for days.
pub(super) const SHORTEST: u16 = 60;

/// Minutes of a day.
pub(super) const DAY: u16 = 24 * 60;

/// A day of the week, as the API names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "days")]
pub enum Day {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl Day {
    pub(super) const fn of(weekday: civil::Weekday) -> Self {
        match weekday {
            civil::Weekday::Monday => Self::Monday,
            civil::Weekday::Tuesday => Self::Tuesday,
            civil::Weekday::Wednesday => Self::Wednesday,
            civil::Weekday::Thursday => Self::Thursday,
            civil::Weekday::Friday => Self::Friday,
            civil::Weekday::Saturday => Self::Saturday,
            civil::Weekday::Sunday => Self::Sunday,
        }
    }
}

/// A time of day in minutes, `00:00` to `24:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Clock(pub(super) u16);

impl FromStr for Clock {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "a time of day such as 08:30, 24:00 at the latest".to_owned();
        let digits = |text: &str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        let parts = text.split_once(':').filter(|(hours, minutes)| digits(hours) && digits(minutes));
        let (hours, minutes) = parts.ok_or_else(wrong)?;
        let (hours, minutes): (u16, u16) = (hours.parse().map_err(|_| wrong())?, minutes.parse().map_err(|_| wrong())?);
        let clock = hours * 60 + minutes;
        if minutes < 60 && clock <= DAY { Ok(Self(clock)) } else { Err(wrong()) }
    }
}

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

impl TryFrom<String> for Clock {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Clock> for String {
    fn from(clock: Clock) -> Self {
        clock.to_string()
    }
}

/// Hours of some days of the week.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Span {
    /// On these days.
    pub days: BTreeSet<Day>,
    /// From this time of day.
    pub from: Clock,
    /// Until this one: of the same day where it is later, else of the next.
    pub to: Clock,
}

impl Span {
    /// How long it is, in minutes by the clock.
    const fn length(&self) -> u16 {
        let to = if self.is_over_midnight() { self.to.0 + DAY } else { self.to.0 };
        to - self.from.0
    }

    pub(super) const fn is_over_midnight(&self) -> bool {
        self.to.0 <= self.from.0
    }

    /// What is wrong with it: a field, and what to do.
    pub(super) fn wrong(&self) -> Option<(&'static str, String)> {
        if self.days.is_empty() {
            return Some(("days", "name at least one day: with none it never opens".into()));
        }
        if self.from.0 == DAY {
            return Some(("from", "23:59 at the latest: 24:00 is 00:00 of the next day".into()));
        }
        if self.from == self.to {
            let message = format!("another time of day than from ({}); a whole day is 00:00 to 24:00", self.from);
            return Some(("to", message));
        }
        (self.length() < SHORTEST).then(|| {
            let message = format!("{SHORTEST} minutes after {} at least: otherwise it hardly ever opens", self.from);
            ("to", message)
        })
    }
}
