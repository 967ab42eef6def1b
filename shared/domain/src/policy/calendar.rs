//! Periods and the calendar they run in.

use std::{fmt, str::FromStr};

use jiff::{
    Span, Timestamp,
    civil::{Date, DateTime},
    tz::TimeZone,
};
use serde::Deserialize;

/// The calendar every period is counted in.
pub const TIME_ZONE: &str = "Europe/Paris";

/// Longest period the loader takes: keeps calendar arithmetic far from its limits.
const LONGEST_YEARS: u32 = 100;

/// How long something is kept.
///
/// Hours are elapsed time. Days, months and years are calendar units in Europe/Paris: the same time
/// of day, on a date clamped to the end of its month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub enum Retention {
    /// Elapsed hours.
    Hours(u32),
    /// Calendar days.
    Days(u32),
    /// Calendar months.
    Months(u32),
    /// Calendar years, that is twelve months each.
    Years(u32),
}

/// Why a text is not a period.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a period: write a number and hours, days, months or years, such as \"30 days\"")]
pub struct NotAPeriod(String);

impl Retention {
    /// The first instant at which a period that began at `start` is over.
    ///
    /// Where a clock change makes the local time ambiguous or absent, the later instant is taken:
    /// nothing is ever deleted early.
    #[must_use]
    pub fn expires_at(self, start: Timestamp) -> Timestamp {
        if let Self::Hours(hours) = self {
            return start.checked_add(Span::new().hours(i64::from(hours))).unwrap_or(Timestamp::MAX);
        }
        let zone = paris();
        let local = zone.to_datetime(start);
        self.after(local).and_then(|end| zone.to_ambiguous_timestamp(end).later().ok()).unwrap_or(Timestamp::MAX)
    }

    /// The last instant at which what was promised within this period of `start` is in time.
    ///
    /// Where a clock change makes the local time ambiguous or absent, the earlier instant is taken:
    /// nothing is ever late by it.
    #[must_use]
    pub fn ends_by(self, start: Timestamp) -> Timestamp {
        if let Self::Hours(_) = self {
            return self.expires_at(start);
        }
        let zone = paris();
        let local = zone.to_datetime(start);
        self.after(local).and_then(|end| zone.to_ambiguous_timestamp(end).earlier().ok()).unwrap_or(start)
    }

    /// The instant from which `end` is at most this period away.
    #[must_use]
    pub fn before(self, end: Timestamp) -> Timestamp {
        let zone = paris();
        zone.to_datetime(end)
            .checked_sub(self.span())
            .ok()
            .and_then(|start| zone.to_ambiguous_timestamp(start).earlier().ok())
            .unwrap_or(Timestamp::MIN)
    }

    fn after(self, start: DateTime) -> Option<DateTime> {
        start.checked_add(self.span()).ok()
    }

    fn span(self) -> Span {
        match self {
            Self::Hours(n) => Span::new().hours(i64::from(n)),
            Self::Days(n) => Span::new().days(i64::from(n)),
            Self::Months(n) => Span::new().months(i64::from(n)),
            Self::Years(n) => Span::new().years(i64::from(n)),
        }
    }

    /// The whole months of a period given in months or years.
    #[must_use]
    pub fn months(self) -> Option<u32> {
        match self {
            Self::Months(n) => Some(n),
            Self::Years(n) => Some(n * 12),
            Self::Hours(_) | Self::Days(_) => None,
        }
    }

    /// Whether this period is never longer than `other`, whenever both begin.
    #[must_use]
    pub fn never_longer_than(self, other: Self) -> bool {
        match (self, other) {
            (Self::Hours(a), Self::Hours(b)) | (Self::Days(a), Self::Days(b)) => a <= b,
            _ => match (self.months(), other.months()) {
                (Some(a), Some(b)) => a <= b,
                _ => self.hours_range().1 <= other.hours_range().0,
            },
        }
    }

    /// Fewest and most hours that the period can last: safe bounds, not exact ones.
    fn hours_range(self) -> (u64, u64) {
        let days = |n: u32| (u64::from(n) * 24 - 1, u64::from(n) * 24 + 1);
        match self {
            Self::Hours(n) => (u64::from(n), u64::from(n)),
            Self::Days(n) => days(n),
            // A year of the Gregorian calendar is 365.2425 days; any run of months strays by < 4.
            Self::Months(_) | Self::Years(_) => {
                let months = u64::from(self.months().unwrap_or_default());
                let mean = months * 3_652_425 * 24 / 120_000;
                (mean.saturating_sub(4 * 24), mean + 4 * 24)
            }
        }
    }
}

/// The first instant of a date in Europe/Paris: where a clock known to the day begins.
#[must_use]
pub fn day_begins(date: Date) -> Timestamp {
    paris().to_ambiguous_timestamp(date.at(0, 0, 0, 0)).later().unwrap_or(Timestamp::MAX)
}

/// The last day of an accounting year, the same every year.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct YearEnd {
    month: i8,
    day: i8,
}

/// Why a text is not the last day of an accounting year.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a day of every year: write month and day, such as \"12-31\"")]
pub struct NotAYearEnd(String);

impl YearEnd {
    /// The first instant after the accounting year in which `at` lies, in Europe/Paris.
    #[must_use]
    pub fn close_of_year(self, at: Timestamp) -> Timestamp {
        let today = paris().to_datetime(at).date();
        let end = |year: i16| Date::new(year, self.month, self.day).ok();
        let this = end(today.year()).filter(|end| today <= *end);
        let last = this.or_else(|| end(today.year().checked_add(1)?));
        last.and_then(|last| last.tomorrow().ok()).map_or(Timestamp::MAX, day_begins)
    }
}

impl TryFrom<String> for YearEnd {
    type Error = NotAYearEnd;

    fn try_from(text: String) -> Result<Self, NotAYearEnd> {
        // In a year that is no leap year, so that the day is in every year.
        match format!("2001-{text}").parse::<Date>() {
            Ok(day) if text.len() == 5 => Ok(Self { month: day.month(), day: day.day() }),
            _ => Err(NotAYearEnd(text)),
        }
    }
}

/// Whether something that expires at `expires_at` may be acted on at `now`: never a second before.
#[must_use]
pub fn is_due(expires_at: Timestamp, now: Timestamp) -> bool {
    now >= expires_at
}

/// The epoch second to store in a table's TTL attribute, rounded up so that it is never early.
#[must_use]
pub fn ttl(expires_at: Timestamp) -> i64 {
    let second = expires_at.as_second();
    second + i64::from(expires_at.subsec_nanosecond() > 0)
}

pub(super) fn paris() -> TimeZone {
    TimeZone::get(TIME_ZONE).expect("the time zone database is compiled into the binary")
}

impl FromStr for Retention {
    type Err = NotAPeriod;

    fn from_str(text: &str) -> Result<Self, NotAPeriod> {
        let refuse = || NotAPeriod(text.to_owned());
        let (number, unit) = text.split_once(' ').ok_or_else(refuse)?;
        let number: u32 = number.parse().map_err(|_| refuse())?;
        let (period, most) = match unit {
            "hour" | "hours" => (Self::Hours(number), LONGEST_YEARS * 366 * 24),
            "day" | "days" => (Self::Days(number), LONGEST_YEARS * 366),
            "month" | "months" => (Self::Months(number), LONGEST_YEARS * 12),
            "year" | "years" => (Self::Years(number), LONGEST_YEARS),
            _ => return Err(refuse()),
        };
        if number == 0 || number > most {
            return Err(refuse());
        }
        Ok(period)
    }
}

impl TryFrom<String> for Retention {
    type Error = NotAPeriod;

    fn try_from(text: String) -> Result<Self, NotAPeriod> {
        text.parse()
    }
}

impl fmt::Display for Retention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (n, unit) = match self {
            Self::Hours(n) => (n, "hour"),
            Self::Days(n) => (n, "day"),
            Self::Months(n) => (n, "month"),
            Self::Years(n) => (n, "year"),
        };
        write!(f, "{n} {unit}{}", if *n == 1 { "" } else { "s" })
    }
}
