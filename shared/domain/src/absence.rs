//! Somebody who says that they are away: until when their next message waits.

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use crate::sequence::next_working_day;

/// Longest absence that is waited for, in days. Who is away for longer, or is read so by mistake, is not waited for.
pub const LONGEST: i32 = 60;

/// Whether an absence until `back`, as somebody said on `today`, is waited for.
#[must_use]
pub fn is_waited_for(back: Date, today: Date) -> bool {
    today.until(back).is_ok_and(|span| (0..=LONGEST).contains(&span.get_days()))
}

/// The first day on which somebody is written to who is away until `back`, or comes back on it: one working day more, because
/// people say either, and find a full mailbox.
#[must_use]
pub fn first_day(back: Date) -> Date {
    next_working_day(back, "")
}

/// When whoever is away until `back` is written to, where they are: `None` when that is over at `now`, else that day
/// at this time of day.
#[must_use]
pub fn resumes(back: Date, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let local = zone.to_datetime(now);
    let day = first_day(back);
    (local.date() < day).then(|| {
        let at = day.to_datetime(local.time());
        zone.to_ambiguous_timestamp(at).later().unwrap_or(now)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    #[test]
    fn an_absence_is_waited_for_when_it_is_near() {
        let today = day("2026-11-26");
        for (back, waited) in [
            ("2026-11-25", false),
            ("2026-11-26", true),
            ("2026-12-31", true),
            ("2027-01-25", true),
            ("2027-01-26", false),
            ("2028-11-26", false),
        ] {
            assert_eq!(is_waited_for(day(back), today), waited, "{back}");
        }
    }

    #[test]
    fn whoever_comes_back_has_a_working_day_first() {
        let zone = TimeZone::get("Europe/Paris").unwrap();
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let now = at("2026-11-26T09:00:00Z");
        for (back, resumes_at) in [
            ("2026-11-25", None), // a Wednesday: today is the working day after it
            ("2026-11-26", Some("2026-11-27T09:00:00Z")),
            ("2026-11-27", Some("2026-11-30T09:00:00Z")), // a Friday
            ("2026-11-28", Some("2026-11-30T09:00:00Z")),
            ("2026-11-30", Some("2026-12-01T09:00:00Z")),
            ("2026-11-01", None),
        ] {
            assert_eq!(resumes(day(back), now, &zone), resumes_at.map(at), "{back}");
        }
        // At ten where they are, on either side of a change of the clocks.
        assert_eq!(resumes(day("2026-10-23"), at("2026-10-20T08:00:00Z"), &zone), Some(at("2026-10-26T09:00:00Z")));
        // The day is that of the place.
        let tokyo = TimeZone::get("Asia/Tokyo").unwrap();
        assert_eq!(resumes(day("2026-11-26"), at("2026-11-26T15:30:00Z"), &tokyo), None);
    }
}
