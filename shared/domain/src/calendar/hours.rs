//! When spans are open, in one time zone or in several at once.

use jiff::{Timestamp, civil, tz::TimeZone};

use super::is_holiday;
use super::span::{Clock, DAY, Day, SHORTEST, Span};

/// Mondays, in epoch seconds, whose weeks say whether zones have hours in common: 12 January and 13 July 2026.
const WEEKS: [i64; 2] = [1_768_176_000, 1_783_900_800];

/// Days looked ahead for the next opening: far more than any run of holidays.
const AHEAD: usize = 60;

/// The spans of a window in one time zone.
pub(super) struct Hours<'a> {
    pub(super) spans: &'a [Span],
    pub(super) zone: TimeZone,
    /// The country whose holidays are kept.
    pub(super) holidays: Option<&'a str>,
}

impl Hours<'_> {
    /// The first instant from `now` on at which it is open; `None` when there is none for long.
    fn opens(&self, now: Timestamp) -> Option<Timestamp> {
        let first = self.zone.to_datetime(now).date().yesterday().ok()?;
        let mut found: Option<Timestamp> = None;
        for day in first.series(jiff::Span::new().days(1)).take(AHEAD) {
            let known = found;
            for (from, to) in self.intervals(day) {
                if (from..to).contains(&now) {
                    return Some(now);
                }
                if now < from && found.is_none_or(|found| from < found) {
                    found = Some(from);
                }
            }
            // A clock change at midnight may put what begins on a day after what begins on the next.
            if known.is_some() {
                break;
            }
        }
        found
    }

    /// When it is open because of what begins on a day.
    fn intervals(&self, day: civil::Date) -> impl Iterator<Item = (Timestamp, Timestamp)> + '_ {
        let kept = |day: civil::Date| self.holidays.is_some_and(|country| is_holiday(country, day));
        let today = Day::of(day.weekday());
        let begins = self.spans.iter().filter(move |span| span.days.contains(&today) && !kept(day));
        begins.filter_map(move |span| {
            let end = match (span.is_over_midnight(), day.tomorrow().ok()?) {
                (false, _) => (day, span.to),
                (true, tomorrow) if kept(tomorrow) => (day, Clock(DAY)),
                (true, tomorrow) => (tomorrow, span.to),
            };
            let (from, to) = (instant(&self.zone, day, span.from, true)?, instant(&self.zone, end.0, end.1, false)?);
            (from < to).then_some((from, to))
        })
    }
}

/// The first instant from `now` on at which all of them are open; `None` when there is none for long.
pub(super) fn meet(hours: &[Hours<'_>], now: Timestamp) -> Option<Timestamp> {
    let (mut at, end) = (now, now + jiff::SignedDuration::from_hours(24 * 60));
    while at < end {
        let mut latest = at;
        for one in hours {
            latest = latest.max(one.opens(latest)?);
        }
        if latest == at {
            return Some(at);
        }
        at = latest;
    }
    None
}

/// Whether they are all open for an hour at once in any week, in winter and in summer.
///
/// Two weeks stand for all of them, so that the answer is the same at any time.
pub(super) fn have_common_hours(hours: &[Hours<'_>]) -> bool {
    let usual: Vec<Hours<'_>> =
        hours.iter().map(|one| Hours { spans: one.spans, zone: one.zone.clone(), holidays: None }).collect();
    let minutes = jiff::SignedDuration::from_mins;
    WEEKS.into_iter().filter_map(|monday| Timestamp::from_second(monday).ok()).all(|monday| {
        let (mut at, end) = (monday, monday + minutes(8 * 24 * 60));
        while at < end {
            let Some(opens) = meet(&usual, at).filter(|opens| *opens < end) else { return false };
            let last = opens + minutes((SHORTEST - 1).into());
            if usual.iter().all(|one| one.opens(last) == Some(last)) {
                return true;
            }
            at = opens + minutes(15);
        }
        false
    })
}

/// The instant of a time of day: the later one of two when something begins then, else the earlier.
fn instant(zone: &TimeZone, day: civil::Date, clock: Clock, begins: bool) -> Option<Timestamp> {
    let day = if clock.0 == DAY { day.tomorrow().ok()? } else { day };
    let (hour, minute) = (i8::try_from(clock.0 / 60 % 24).ok()?, i8::try_from(clock.0 % 60).ok()?);
    let found = zone.to_ambiguous_timestamp(day.at(hour, minute, 0, 0));
    if begins { found.later().ok() } else { found.earlier().ok() }
}
