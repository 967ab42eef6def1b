//! By when: the earlier of 30 days and one calendar month; two months more with a reason (art. 12(3)).

use jiff::Timestamp;

use crate::policy::retention::{Policy, Retention};

/// The law's own limit, whatever policy.toml promises.
const LAW: Retention = Retention::Months(1);

/// When the answer to a request that was received then is due (A47).
#[must_use]
pub fn due(received: Timestamp) -> Timestamp {
    Policy::current().promises().rights_answer.ends_by(received).min(LAW.ends_by(received))
}

/// When it is due at the latest, if the first date was extended.
#[must_use]
pub fn extended(due: Timestamp) -> Timestamp {
    Policy::current().promises().rights_extension.ends_by(due)
}

/// When whoever has to answer a request that reached them then is reminded.
pub fn reminders(since: Timestamp) -> impl Iterator<Item = Timestamp> {
    Policy::current().promises().rights_reminders.iter().map(move |after| after.expires_at(since))
}

/// How often it has to be said by `now` that what was due then is overdue: at its date, and every week after.
#[must_use]
pub(super) fn times_overdue(due: Timestamp, now: Timestamp) -> u16 {
    let weeks = now.duration_since(due).as_hours().div_euclid(24 * 7);
    u16::try_from(weeks + 1).unwrap_or(if weeks < 0 { 0 } else { u16::MAX })
}

#[cfg(test)]
mod tests {
    use jiff::{Span, tz::TimeZone};
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a47_due_is_the_earlier_of_thirty_days_and_a_month() {
        for (received, expected) in [
            // A month of 31 days: 30 days are earlier.
            ("2026-05-01T10:00:00Z", "2026-05-31T10:00:00Z"),
            // A month of 30 days: both at once.
            ("2026-04-10T10:00:00Z", "2026-05-10T10:00:00Z"),
            // 31 January: the month ends with February, leap year or not.
            ("2026-01-31T10:00:00Z", "2026-02-28T10:00:00Z"),
            ("2028-01-31T10:00:00Z", "2028-02-29T10:00:00Z"),
            ("2028-01-30T10:00:00Z", "2028-02-29T10:00:00Z"),
            ("2026-02-01T10:00:00Z", "2026-03-01T10:00:00Z"),
            // Days are those of Paris: the clock changes on 29 March and on 25 October 2026.
            ("2026-03-10T10:00:00Z", "2026-04-09T09:00:00Z"),
            ("2026-10-10T10:00:00Z", "2026-11-09T11:00:00Z"),
            // 02:30 does not exist on 29 March: the answer is due before the gap, not after it.
            ("2026-02-27T01:30:00Z", "2026-03-27T01:30:00Z"),
            ("2026-03-01T01:30:00Z", "2026-03-31T00:30:00Z"),
            // 02:30 comes twice on 25 October: the first one counts.
            ("2026-09-25T00:30:00Z", "2026-10-25T00:30:00Z"),
        ] {
            assert_eq!(due(at(received)), at(expected), "{received}");
        }
    }

    #[test]
    fn a47_an_extension_is_two_months_of_the_calendar() {
        assert_eq!(extended(at("2026-02-28T10:00:00Z")), at("2026-04-28T09:00:00Z"));
        assert_eq!(extended(at("2026-12-31T10:00:00Z")), at("2027-02-28T10:00:00Z"));
    }

    #[test]
    fn a75_reminders_come_after_2_7_and_20_days() {
        let dates: Vec<_> = reminders(at("2026-05-01T10:00:00Z")).collect();
        assert_eq!(dates, ["2026-05-03T10:00:00Z", "2026-05-08T10:00:00Z", "2026-05-21T10:00:00Z"].map(at));
    }

    proptest! {
        #[test]
        fn a47_never_later_than_the_law(second in 1_700_000_000_i64..4_000_000_000) {
            let received = Timestamp::from_second(second).unwrap();
            let local = received.to_zoned(TimeZone::get("Europe/Paris").unwrap());
            let due = due(received);
            prop_assert!(due > received);
            prop_assert!(due <= (&local + Span::new().months(1)).timestamp());
            prop_assert!(due <= (&local + Span::new().days(30)).timestamp());
            prop_assert!(extended(due) <= (&local + Span::new().months(3)).timestamp());
            prop_assert!(reminders(received).all(|reminder| reminder < due));
        }
    }
}
