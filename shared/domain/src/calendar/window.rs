//! The hours in which a campaign's messages leave.

use std::{collections::BTreeSet, fmt, str::FromStr};

use jiff::{Timestamp, civil, tz::TimeZone};
use serde::{Deserialize, Serialize};

use super::{Place, is_holiday};

/// Shortest window, in minutes: a queue that is busy would miss a shorter one for days.
const SHORTEST: u16 = 60;

/// Days looked ahead for the next opening: far more than any run of holidays.
const AHEAD: usize = 60;

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
    const fn of(weekday: civil::Weekday) -> Self {
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
pub struct Clock(u16);

impl FromStr for Clock {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "a time of day such as 08:30, 24:00 at the latest".to_owned();
        let digits = |text: &str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        let parts = text.split_once(':').filter(|(hours, minutes)| digits(hours) && digits(minutes));
        let (hours, minutes) = parts.ok_or_else(wrong)?;
        let (hours, minutes): (u16, u16) = (hours.parse().map_err(|_| wrong())?, minutes.parse().map_err(|_| wrong())?);
        let clock = hours * 60 + minutes;
        if minutes < 60 && clock <= 24 * 60 { Ok(Self(clock)) } else { Err(wrong()) }
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

/// The hours in which messages leave, in the time zone of whoever gets them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// On these days.
    pub days: BTreeSet<Day>,
    /// From this time of day.
    pub from: Clock,
    /// Until this one.
    pub to: Clock,
    /// For people of whom no country is known.
    pub time_zone: String,
    /// Not on public holidays of the person's country.
    #[serde(default)]
    pub skip_holidays: bool,
}

/// What is wrong with a window: which field, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadWindow(pub &'static str, pub String);

/// Whether a window is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    /// It is.
    Now,
    /// It will be then.
    At(Timestamp),
}

impl Window {
    /// What is wrong with it.
    ///
    /// # Errors
    /// A time zone that nobody knows; a window that never opens, or hardly.
    pub fn check(&self) -> Result<(), BadWindow> {
        if self.days.is_empty() {
            return Err(BadWindow("days", "name at least one day: with none it never opens".into()));
        }
        if self.to.0 < self.from.0.saturating_add(SHORTEST) {
            let message = format!("{SHORTEST} minutes after {} at least: otherwise it hardly ever opens", self.from);
            return Err(BadWindow("to", message));
        }
        // One is in the database that says nothing of itself.
        if TimeZone::get(&self.time_zone).ok().is_none_or(|zone| zone.is_unknown()) {
            let message = "a name of the IANA time zone database, such as Europe/Paris".to_owned();
            return Err(BadWindow("time_zone", message));
        }
        Ok(())
    }

    /// Whether it is open at `now` for somebody at `place`, and when it will be.
    ///
    /// Where a clock change makes a bound of it absent or double, the window is the shorter.
    #[must_use]
    pub fn opening(&self, place: Option<Place>, now: Timestamp) -> Opening {
        let zone = TimeZone::get(place.map_or(self.time_zone.as_str(), |place| place.zone)).unwrap_or(TimeZone::UTC);
        let today = zone.to_datetime(now).date();
        let kept = |day: civil::Date| self.skip_holidays && place.is_some_and(|place| is_holiday(place.country, day));
        let open = |day: &civil::Date| self.days.contains(&Day::of(day.weekday())) && !kept(*day);
        for day in today.series(jiff::Span::new().days(1)).take(AHEAD).filter(open) {
            let (Some(from), Some(to)) = (instant(&zone, day, self.from, true), instant(&zone, day, self.to, false))
            else {
                continue;
            };
            if now < from && from < to {
                return Opening::At(from);
            }
            if (from..to).contains(&now) {
                return Opening::Now;
            }
        }
        // Looked at again then: for a window that was checked this does not happen.
        Opening::At(now + jiff::SignedDuration::from_hours(24))
    }
}

/// The instant of a time of day: the later one of two when something begins then, else the earlier.
fn instant(zone: &TimeZone, day: civil::Date, clock: Clock, begins: bool) -> Option<Timestamp> {
    let day = if clock.0 == 24 * 60 { day.tomorrow().ok()? } else { day };
    let (hour, minute) = (i8::try_from(clock.0 / 60 % 24).ok()?, i8::try_from(clock.0 % 60).ok()?);
    let found = zone.to_ambiguous_timestamp(day.at(hour, minute, 0, 0));
    if begins { found.later().ok() } else { found.earlier().ok() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::email::EmailAddress;

    fn window(json: serde_json::Value) -> Window {
        let mut window = serde_json::json!({
            "days": ["monday", "tuesday", "wednesday", "thursday", "friday"], "from": "09:00", "to": "18:00",
            "time_zone": "Europe/Paris", "skip_holidays": true,
        });
        window.as_object_mut().unwrap().extend(json.as_object().unwrap().clone());
        serde_json::from_value(window).unwrap()
    }

    fn place(country: &str) -> Option<Place> {
        Place::of(Some(country), &EmailAddress::parse("a@firm.test").unwrap())
    }

    #[test]
    fn a_window_that_makes_no_sense_is_refused_by_its_field() {
        for (json, field) in [
            (serde_json::json!({}), None),
            (serde_json::json!({"days": []}), Some("days")),
            (serde_json::json!({"from": "18:00", "to": "09:00"}), Some("to")),
            (serde_json::json!({"from": "09:00", "to": "09:59"}), Some("to")),
            (serde_json::json!({"from": "23:00", "to": "24:00"}), None),
            (serde_json::json!({"time_zone": "Europe/Atlantis"}), Some("time_zone")),
            (serde_json::json!({"time_zone": "Etc/Unknown"}), Some("time_zone")),
        ] {
            assert_eq!(window(json.clone()).check().err().map(|bad| bad.0), field, "{json}");
        }
        for wrong in ["24:01", "9:00", "09:60", "25:00", "noon!", "+9:+5", "-9:30"] {
            assert!(wrong.parse::<Clock>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn it_opens_where_the_person_is_and_not_on_their_holidays() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        for (country, now, opens) in [
            // A Thursday in winter: nine in Paris is eight in UTC, in London nine, in Helsinki seven.
            ("FR", "2026-11-26T08:00:00Z", None),
            ("FR", "2026-11-26T07:59:59Z", Some("2026-11-26T08:00:00Z")),
            ("GB", "2026-11-26T08:00:00Z", Some("2026-11-26T09:00:00Z")),
            ("FI", "2026-11-26T07:00:00Z", None),
            ("FR", "2026-11-26T16:59:59Z", None),
            ("FR", "2026-11-26T17:00:00Z", Some("2026-11-27T08:00:00Z")),
            // Over a weekend on which clocks change.
            ("FR", "2026-03-27T18:00:00Z", Some("2026-03-30T07:00:00Z")),
            ("FR", "2026-10-23T18:00:00Z", Some("2026-10-26T08:00:00Z")),
            // Thanksgiving in New York is a day like any other in Paris; the eleventh of November is not.
            ("US", "2026-11-26T15:00:00Z", Some("2026-11-27T14:00:00Z")),
            ("FR", "2026-11-11T10:00:00Z", Some("2026-11-12T08:00:00Z")),
            ("DE", "2026-11-11T10:00:00Z", None),
            // Christmas, St Stephen's on a Saturday, Sunday.
            ("AT", "2026-12-24T18:00:00Z", Some("2026-12-28T08:00:00Z")),
            // Not known: the window's own zone, and no holidays.
            ("XX", "2026-11-11T10:00:00Z", None),
        ] {
            let expected = opens.map_or(Opening::Now, |opens| Opening::At(at(opens)));
            assert_eq!(window(serde_json::json!({})).opening(place(country), at(now)), expected, "{country} {now}");
        }
        // An hour that does not exist on the day clocks go forward: the window begins after it.
        let sunday = window(serde_json::json!({"days": ["sunday"], "from": "02:00", "to": "04:00"}));
        let expected = Opening::At(at("2026-03-29T01:00:00Z"));
        assert_eq!(sunday.opening(None, at("2026-03-28T12:00:00Z")), expected);
    }

    proptest! {
        /// When it says that it opens, it is open then and not a second before.
        #[test]
        fn it_opens_when_it_says(second in 1_700_000_000_i64..2_000_000_000, from in 0_u16..1_380, length in 60_u16..1_440, country in 0_usize..4) {
            let clock = |minutes: u16| Clock(minutes.min(1_440));
            let window = Window { from: clock(from), to: clock(from + length), ..window(serde_json::json!({})) };
            let (place, now) = (place(["FR", "GB", "US", "XX"][country]), Timestamp::from_second(second).unwrap());
            if let Opening::At(opens) = window.opening(place, now) {
                prop_assert!(opens > now);
                prop_assert_eq!(window.opening(place, opens), Opening::Now);
                let before = opens - jiff::SignedDuration::from_secs(1);
                prop_assert_eq!(window.opening(place, before), Opening::At(opens));
            }
        }
    }
}
