//! The hours in which a campaign's messages leave.

use std::{borrow::Cow, collections::BTreeSet};

use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};

use super::Place;
use super::hours::{Hours, have_common_hours, meet};
use super::span::{Clock, Day, Span};

/// Spans of one window: two a day.
const MOST_SPANS: usize = 14;

/// The hours in which messages leave, in the time zone of whoever gets them.
///
/// It is open in each of its spans; those that overlap count as one. A span belongs to the day that it begins on: one
/// from 22:00 to 06:00 on Fridays is open on Saturdays until six.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// The days of its only span, where it is written in short.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub days: BTreeSet<Day>,
    /// From when its only span is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Clock>,
    /// Until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Clock>,
    /// Its spans, where there may be several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spans: Vec<Span>,
    /// For people of whom no country is known; the workspace's own when it names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// Not on public holidays of the person's country: neither on a day that is one, nor in what a span that began on one
    /// has of the next.
    #[serde(default)]
    pub skip_holidays: bool,
}

/// What is wrong with a window: which field, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadWindow(pub String, pub String);

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
    /// A time zone that nobody knows; a window that never opens, or hardly; one that is written in both ways.
    pub fn check(&self) -> Result<(), BadWindow> {
        let bad = |field: &str, message: &str| Err(BadWindow(field.into(), message.into()));
        let short = !self.days.is_empty() || self.from.is_some() || self.to.is_some();
        if short && !self.spans.is_empty() {
            return bad("spans", "either days, from and to for one span, or spans for several: not both");
        }
        if self.spans.len() > MOST_SPANS {
            return bad("spans", &format!("{MOST_SPANS} spans at most; these are {}", self.spans.len()));
        }
        if self.spans.is_empty() {
            if !short {
                return bad("spans", "say when messages leave: days, from and to, or several spans of them");
            }
            let lacks = [("from", self.from), ("to", self.to)].into_iter().find(|(_, clock)| clock.is_none());
            if let Some((field, _)) = lacks {
                return bad(field, "a time of day such as 08:30");
            }
        }
        for (index, span) in self.spans().iter().enumerate() {
            let Some((field, message)) = span.wrong() else { continue };
            let field = if self.spans.is_empty() { field.to_owned() } else { format!("spans[{index}].{field}") };
            return Err(BadWindow(field, message));
        }
        match self.time_zone.as_deref().map(check_zone) {
            Some(Err(message)) => Err(BadWindow("time_zone".into(), message)),
            Some(Ok(())) | None => Ok(()),
        }
    }

    /// Its spans, however they are written.
    #[must_use]
    pub fn spans(&self) -> Cow<'_, [Span]> {
        match (self.from, self.to) {
            (Some(from), Some(to)) if self.spans.is_empty() => {
                Cow::Owned(vec![Span { days: self.days.clone(), from, to }])
            }
            _ => Cow::Borrowed(&self.spans),
        }
    }

    /// Whether it is open at `now` for somebody at `place`, and when it will be; `zone` is for people of whom no place is known.
    ///
    /// Where a country has several zones and nobody knows which is somebody's, it is open in the hours that all of the
    /// main ones have in common. Where they have none, an hour a week at least, the zone of most people counts. Where a
    /// clock change makes a bound of it absent or double, the window is the shorter.
    #[must_use]
    pub fn opening(&self, place: Option<Place>, zone: &TimeZone, now: Timestamp) -> Opening {
        let spans = self.spans();
        let holidays = place.map(|place| place.country).filter(|_| self.skip_holidays);
        let zones = match place {
            Some(place) => place.zones().iter().map(|name| TimeZone::get(name).unwrap_or(TimeZone::UTC)).collect(),
            None => vec![zone.clone()],
        };
        let mut hours: Vec<Hours<'_>> = zones.into_iter().map(|zone| Hours { spans: &spans, zone, holidays }).collect();
        if hours.len() > 1 && !have_common_hours(&hours) {
            hours.truncate(1);
        }
        // Looked at again then: for a window that was checked this does not happen.
        let later = || now + jiff::SignedDuration::from_hours(24);
        match meet(&hours, now) {
            Some(at) if at == now => Opening::Now,
            opens => Opening::At(opens.unwrap_or_else(later)),
        }
    }
}

/// Whether a time zone is known.
///
/// # Errors
/// A name that the IANA database does not have, or that says nothing of itself there.
pub fn check_zone(name: &str) -> Result<(), String> {
    match TimeZone::get(name) {
        Ok(zone) if !zone.is_unknown() => Ok(()),
        _ => Err("a name of the IANA time zone database, such as Europe/Paris".into()),
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil;
    use proptest::prelude::*;

    use super::*;
    use crate::calendar::{Clock, is_holiday};
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

    fn paris() -> TimeZone {
        TimeZone::get("Europe/Paris").unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// A window of several spans, each of them written as `monday,friday 22:00 06:00`.
    fn spans(written: &[&str], skip_holidays: bool) -> Window {
        let span = |text: &&str| {
            let [days, from, to] = text.split(' ').collect::<Vec<_>>()[..] else { panic!("{text}") };
            serde_json::json!({"days": days.split(',').collect::<Vec<_>>(), "from": from, "to": to})
        };
        let spans: Vec<_> = written.iter().map(span).collect();
        serde_json::from_value(serde_json::json!({"spans": spans, "skip_holidays": skip_holidays})).unwrap()
    }

    #[test]
    fn a_window_that_makes_no_sense_is_refused_by_its_field() {
        for (json, field) in [
            (serde_json::json!({}), None),
            (serde_json::json!({"days": []}), Some("days")),
            (serde_json::json!({"from": "18:00", "to": "09:00"}), None),
            (serde_json::json!({"from": "09:00", "to": "09:59"}), Some("to")),
            (serde_json::json!({"from": "09:00", "to": "09:00"}), Some("to")),
            (serde_json::json!({"from": "00:00", "to": "00:00"}), Some("to")),
            (serde_json::json!({"from": "00:00", "to": "24:00"}), None),
            (serde_json::json!({"from": "23:30", "to": "00:29"}), Some("to")),
            (serde_json::json!({"from": "23:30", "to": "00:30"}), None),
            (serde_json::json!({"from": "24:00", "to": "06:00"}), Some("from")),
            (serde_json::json!({"from": null}), Some("from")),
            (serde_json::json!({"to": null}), Some("to")),
            (serde_json::json!({"from": "23:00", "to": "24:00"}), None),
            (serde_json::json!({"time_zone": "Europe/Atlantis"}), Some("time_zone")),
            (serde_json::json!({"time_zone": "Etc/Unknown"}), Some("time_zone")),
            (serde_json::json!({"time_zone": null}), None),
            (serde_json::json!({"spans": [{"days": ["monday"], "from": "09:00", "to": "12:00"}]}), Some("spans")),
        ] {
            assert_eq!(window(json.clone()).check().err().map(|bad| bad.0).as_deref(), field, "{json}");
        }
        for wrong in ["24:01", "9:00", "09:60", "25:00", "noon!", "+9:+5", "-9:30"] {
            assert!(wrong.parse::<Clock>().is_err(), "{wrong}");
        }
        let field = |written: &[&str]| spans(written, false).check().err().map(|bad| bad.0);
        assert_eq!(field(&[]).as_deref(), Some("spans"));
        assert_eq!(field(&["monday 09:00 12:00", "monday 14:00 14:30"]).as_deref(), Some("spans[1].to"));
        assert_eq!(field(&["monday 09:00 12:00"; 14]), None);
        assert_eq!(field(&["monday 09:00 12:00"; 15]).as_deref(), Some("spans"));
    }

    #[test]
    fn what_was_stored_before_there_were_spans_reads_as_one() {
        let stored = window(serde_json::json!({}));
        let [span] = &stored.spans()[..] else { panic!("one span") };
        assert_eq!((span.days.len(), span.from.to_string(), span.to.to_string()), (5, "09:00".into(), "18:00".into()));
        let again = serde_json::to_value(&stored).unwrap();
        assert!(again.get("spans").is_none() && again["from"] == "09:00", "{again}");
    }

    #[test]
    fn it_opens_where_the_person_is_and_not_on_their_holidays() {
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
            // Thanksgiving in the United States is a day like any other in Paris; the eleventh of November is not. Nine in
            // Los Angeles is noon in New York, where six in the evening is three.
            ("US", "2026-11-26T18:00:00Z", Some("2026-11-27T17:00:00Z")),
            ("US", "2026-11-27T14:00:00Z", Some("2026-11-27T17:00:00Z")),
            ("US", "2026-11-27T22:59:59Z", None),
            ("US", "2026-11-27T23:00:00Z", Some("2026-11-30T17:00:00Z")),
            // Nine in Vladivostok is two in Moscow.
            ("RU", "2026-11-26T05:59:59Z", Some("2026-11-26T06:00:00Z")),
            ("RU", "2026-11-26T07:59:59Z", None),
            ("RU", "2026-11-26T08:00:00Z", Some("2026-11-27T06:00:00Z")),
            ("FR", "2026-11-11T10:00:00Z", Some("2026-11-12T08:00:00Z")),
            ("DE", "2026-11-11T10:00:00Z", None),
            // Christmas, St Stephen's on a Saturday, Sunday.
            ("AT", "2026-12-24T18:00:00Z", Some("2026-12-28T08:00:00Z")),
            // Not known: the zone of the window, or of the workspace, and no holidays.
            ("XX", "2026-11-11T10:00:00Z", None),
        ] {
            let expected = opens.map_or(Opening::Now, |opens| Opening::At(at(opens)));
            for zone in [serde_json::json!("Europe/Paris"), serde_json::Value::Null] {
                let window = window(serde_json::json!({"time_zone": zone}));
                assert_eq!(window.opening(place(country), &paris(), at(now)), expected, "{country} {now}");
            }
        }
        // An hour that does not exist on the day clocks go forward: the window begins after it.
        let sunday = window(serde_json::json!({"days": ["sunday"], "from": "02:00", "to": "04:00"}));
        let expected = Opening::At(at("2026-03-29T01:00:00Z"));
        assert_eq!(sunday.opening(None, &paris(), at("2026-03-28T12:00:00Z")), expected);
    }

    #[test]
    fn it_is_open_in_each_of_its_spans_and_over_midnight() {
        let check = |written: &[&str], expected: &[(&str, Option<&str>)]| {
            for (now, opens) in expected {
                let window = spans(written, true);
                window.check().unwrap();
                let expected = opens.map_or(Opening::Now, |opens| Opening::At(at(opens)));
                assert_eq!(window.opening(place("FR"), &paris(), at(now)), expected, "{written:?} {now}");
            }
        };
        // A morning and an afternoon of a Thursday, which has a lunch; written in any order, and overlapping.
        check(
            &["thursday 14:00 17:00", "thursday 09:00 11:00", "thursday 10:30 12:00", "friday 09:00 12:00"],
            &[
                ("2026-11-26T07:59:59Z", Some("2026-11-26T08:00:00Z")),
                ("2026-11-26T10:15:00Z", None),
                ("2026-11-26T10:59:59Z", None),
                ("2026-11-26T11:00:00Z", Some("2026-11-26T13:00:00Z")),
                ("2026-11-26T16:00:00Z", Some("2026-11-27T08:00:00Z")),
            ],
        );
        // A Friday night, and what it has of Saturday.
        check(
            &["friday 22:00 06:00"],
            &[
                ("2026-11-27T20:59:59Z", Some("2026-11-27T21:00:00Z")),
                ("2026-11-27T23:30:00Z", None),
                ("2026-11-28T04:59:59Z", None),
                ("2026-11-28T05:00:00Z", Some("2026-12-04T21:00:00Z")),
                // An hour is missing from the night on which clocks go forward, and one night has an hour twice.
                ("2026-03-28T04:59:59Z", None),
            ],
        );
        check(
            &["saturday 22:00 06:00"],
            &[
                ("2026-03-29T00:59:59Z", None),
                ("2026-03-29T03:59:59Z", None),
                ("2026-03-29T04:00:00Z", Some("2026-04-04T20:00:00Z")),
                ("2026-10-25T00:30:00Z", None),
                ("2026-10-25T01:30:00Z", None),
                ("2026-10-25T04:59:59Z", None),
                ("2026-10-25T05:00:00Z", Some("2026-10-31T21:00:00Z")),
            ],
        );
        // The eleventh of November, a Wednesday: the night before ends at midnight, and none begins.
        check(
            &["tuesday,wednesday,thursday 22:00 06:00"],
            &[
                ("2026-11-10T22:59:59Z", None),
                ("2026-11-10T23:00:00Z", Some("2026-11-12T21:00:00Z")),
                ("2026-11-12T03:00:00Z", Some("2026-11-12T21:00:00Z")),
            ],
        );
    }

    #[test]
    fn zones_without_hours_in_common_leave_those_of_most_people() {
        let nine_to_ten = spans(&["monday,tuesday,wednesday,thursday,friday 09:00 10:00"], false);
        let opens = nine_to_ten.opening(place("US"), &paris(), at("2026-11-26T18:00:00Z"));
        assert_eq!(opens, Opening::At(at("2026-11-27T14:00:00Z")), "nine in New York");
        // Half an hour in common is none: 12:30 in New York is 9:30 in Los Angeles.
        let short = spans(&["monday 09:00 12:30"], false);
        assert_eq!(short.opening(place("US"), &paris(), at("2026-11-23T14:00:00Z")), Opening::Now);
        let long = spans(&["monday 09:00 13:00"], false);
        let expected = Opening::At(at("2026-11-23T17:00:00Z"));
        assert_eq!(long.opening(place("US"), &paris(), at("2026-11-23T14:00:00Z")), expected);
    }

    /// Whether a clock on the wall is in one of the spans, by its minutes only.
    fn shows(window: &Window, country: Option<&str>, local: civil::DateTime) -> bool {
        let minute = u16::try_from(local.hour()).unwrap() * 60 + u16::try_from(local.minute()).unwrap();
        let kept = |day: civil::Date| country.is_some_and(|country| window.skip_holidays && is_holiday(country, day));
        let begins = |span: &Span, day: civil::Date| span.days.contains(&Day::of(day.weekday())) && !kept(day);
        let (today, yesterday) = (local.date(), local.date().yesterday().unwrap());
        !kept(today)
            && window.spans().iter().any(|span| {
                let over = span.to.0 <= span.from.0;
                let here = begins(span, today) && minute >= span.from.0 && (over || minute < span.to.0);
                here || (over && begins(span, yesterday) && minute < span.to.0)
            })
    }

    /// Instants near changes of the clocks, in both directions and several zones, and any.
    fn instants() -> impl Strategy<Value = i64> {
        let changes = [
            "2026-03-29T01:00:00Z", // the Union
            "2026-10-25T01:00:00Z",
            "2026-03-08T07:00:00Z", // New York
            "2026-11-01T06:00:00Z",
            "2026-11-01T09:00:00Z", // Los Angeles
            "2026-10-03T16:00:00Z", // Sydney
            "2027-04-03T16:00:00Z",
            "2026-03-29T01:00:00Z", // Nuuk, where it is at midnight
            "2026-09-06T04:00:00Z", // Santiago
            "2026-04-24T00:00:00Z", // Cairo
        ];
        let near = (0..changes.len(), -100_000_i64..100_000)
            .prop_map(move |(index, off)| at(changes[index]).as_second() + off);
        prop_oneof![near, 1_700_000_000_i64..2_000_000_000]
    }

    fn windows() -> impl Strategy<Value = Window> {
        let days = [Day::Monday, Day::Tuesday, Day::Wednesday, Day::Thursday, Day::Friday, Day::Saturday, Day::Sunday];
        let span = (1_u8..128, 0_u16..1_440, 60_u16..1_440).prop_map(move |(mask, from, length)| Span {
            days: (0..7).filter(|bit| mask & (1 << bit) != 0).map(|bit| days[bit]).collect(),
            from: Clock(from),
            to: Clock((from + length) % 1_440),
        });
        (prop::collection::vec(span, 1..6), any::<bool>()).prop_map(|(spans, skip_holidays)| Window {
            days: BTreeSet::new(),
            from: None,
            to: None,
            spans,
            time_zone: None,
            skip_holidays,
        })
    }

    const SOMEWHERE: [&str; 10] = ["FR", "GB", "US", "XX", "AU", "CL", "EG", "GL", "RU", "JP"];

    proptest! {
        /// When it says that it opens, it is open then and not a second before.
        #[test]
        fn it_opens_when_it_says(second in instants(), window in windows(), country in prop::sample::select(&SOMEWHERE[..])) {
            prop_assert!(window.check().is_ok());
            let (place, now) = (place(country), Timestamp::from_second(second).unwrap());
            if let Opening::At(opens) = window.opening(place, &paris(), now) {
                prop_assert!(opens > now);
                prop_assert_eq!(window.opening(place, &paris(), opens), Opening::Now);
                let before = opens - jiff::SignedDuration::from_secs(1);
                prop_assert_eq!(window.opening(place, &paris(), before), Opening::At(opens));
            }
        }

        /// It is open only while the clocks there show an hour of one of its spans; and while they do, on any day but
        /// one on which they change.
        #[test]
        fn it_is_open_in_its_spans_and_never_outside_them(
            second in instants(), window in windows(), country in prop::sample::select(&SOMEWHERE[..])
        ) {
            let (place, now) = (place(country), Timestamp::from_second(second).unwrap());
            let zones: Vec<TimeZone> = match place {
                Some(place) => place.zones().iter().map(|name| TimeZone::get(name).unwrap()).collect(),
                None => vec![paris()],
            };
            let shown: Vec<bool> =
                zones.iter().map(|zone| shows(&window, place.map(|place| place.country), zone.to_datetime(now))).collect();
            let open = window.opening(place, &paris(), now) == Opening::Now;
            if open {
                // Where zones have no hours in common, the first counts.
                prop_assert!(shown[0], "{:?}", shown);
            }
            let two_days = jiff::SignedDuration::from_hours(48);
            let steady = zones.iter().all(|zone| zone.to_offset(now - two_days) == zone.to_offset(now + two_days));
            if steady && shown.iter().all(|shown| *shown) {
                prop_assert!(open);
            }
            if zones.len() == 1 && steady {
                prop_assert_eq!(open, shown[0]);
            }
        }
    }
}
