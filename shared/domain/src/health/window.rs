//! What was handed over and what came back of it, by day and by channel, over a window that moves.
//!
//! Days are UTC's. A message counts on the day when it was handed over, and what came back of it on the day when that
//! became known, as at Amazon SES: a rate is about a time, not about a letter.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Sample;
use crate::chunk::Outcome;

/// Days of the window: today, and those before it.
pub const DAYS: i64 = 7;

/// How long a day that has left the window is looked for, so that the counters of a long campaign do not grow: as long as
/// a weekend with a holiday on each side leaves them alone.
const SWEPT: i64 = 4;

/// A day, counted from 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(i64);

impl Day {
    /// That of a moment.
    #[must_use]
    pub fn of(at: Timestamp) -> Self {
        Self(at.as_second().div_euclid(86_400))
    }

    /// Reads its number.
    #[must_use]
    pub fn read(number: &str) -> Option<Self> {
        number.parse().ok().map(Self)
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> i64 {
        self.0
    }

    /// Whether it counts today.
    #[must_use]
    pub const fn counts(self, today: Self) -> bool {
        self.0 > today.0 - DAYS && self.0 <= today.0
    }

    /// Those that have left the window lately: nobody reads them any more.
    pub fn left(today: Self) -> impl Iterator<Item = Self> {
        (1..=SWEPT).map(move |ago| Self(today.0 - DAYS + 1 - ago))
    }
}

/// What one person's new outcome adds to the day. What was counted once stays: whoever complains after a bounce has done
/// both.
#[must_use]
pub fn moved(before: Outcome, after: Outcome) -> Sample {
    let became = |outcome| u64::from(after == outcome && before != outcome);
    Sample {
        handed: u64::from(after.was_taken() && !before.was_taken()),
        bounced: became(Outcome::Bounced),
        complained: became(Outcome::Complained),
    }
}

/// The samples of the days of a campaign, each with the place of the channel among those of its launch.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Days(BTreeMap<(Day, usize), Sample>);

impl Days {
    /// The sample of one day and channel, to be added to.
    pub fn at(&mut self, day: Day, place: usize) -> &mut Sample {
        self.0.entry((day, place)).or_default()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (Day, usize, Sample)> + '_ {
        self.0.iter().map(|((day, place), sample)| (*day, *place, *sample))
    }

    /// What counts today.
    #[must_use]
    pub fn within(&self, today: Day) -> Sample {
        self.iter().filter(|(day, ..)| day.counts(today)).fold(Sample::default(), |sum, (.., sample)| sum.and(sample))
    }

    /// The same by the place of the channel.
    #[must_use]
    pub fn by_channel(&self, today: Day) -> BTreeMap<usize, Sample> {
        let mut channels = BTreeMap::<usize, Sample>::new();
        for (_, place, sample) in self.iter().filter(|(day, ..)| day.counts(today)) {
            let sum = channels.entry(place).or_default();
            *sum = sum.and(sample);
        }
        channels
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> Day {
        Day::of(text.parse().unwrap())
    }

    fn sample(handed: u64, bounced: u64, complained: u64) -> Sample {
        Sample { handed, bounced, complained }
    }

    #[test]
    fn a_day_counts_for_a_week_and_is_swept_after_it() {
        let today = day("2026-11-26T23:59:59Z");
        for (text, expected) in [
            ("2026-11-26T00:00:00Z", true),
            ("2026-11-20T00:00:00Z", true),
            ("2026-11-19T23:59:59Z", false),
            ("2026-11-27T00:00:00Z", false),
        ] {
            assert_eq!(day(text).counts(today), expected, "{text}");
        }
        let left: Vec<Day> = Day::left(today).collect();
        assert_eq!(left.first(), Some(&day("2026-11-19T12:00:00Z")));
        assert!(left.iter().all(|left| !left.counts(today)));
        assert_eq!(Day::read(&today.number().to_string()), Some(today));
        assert_eq!(day("1969-12-31T23:59:59Z").number(), -1);
    }

    #[test]
    fn a_message_is_handed_over_once_and_what_comes_back_of_it_counts_beside() {
        use Outcome::{Bounced, Complained, Failed, Pending, Replied, Sent, Unknown};
        for (before, after, expected) in [
            (Pending, Sent, sample(1, 0, 0)),
            (Unknown, Sent, sample(1, 0, 0)),
            (Unknown, Bounced, sample(1, 1, 0)),
            (Sent, Bounced, sample(0, 1, 0)),
            (Bounced, Complained, sample(0, 0, 1)),
            (Sent, Replied, sample(0, 0, 0)),
            (Pending, Failed, sample(0, 0, 0)),
            (Sent, Sent, sample(0, 0, 0)),
        ] {
            assert_eq!(moved(before, after), expected, "{before:?} {after:?}");
        }
    }

    #[test]
    fn a_window_forgets_what_left_it_and_keeps_channels_apart() {
        let mut days = Days::default();
        *days.at(day("2026-11-10T08:00:00Z"), 0) = sample(100, 50, 1);
        *days.at(day("2026-11-24T08:00:00Z"), 0) = sample(200, 2, 0);
        *days.at(day("2026-11-25T08:00:00Z"), 0) = sample(10, 0, 0);
        *days.at(day("2026-11-25T08:00:00Z"), 3) = sample(60, 6, 0);
        let today = day("2026-11-26T12:00:00Z");
        assert_eq!(days.within(today), sample(270, 8, 0));
        assert_eq!(days.by_channel(today), BTreeMap::from([(0, sample(210, 2, 0)), (3, sample(60, 6, 0))]));
        assert_eq!(days.within(day("2026-12-20T12:00:00Z")), Sample::default());
    }

    proptest! {
        /// Whatever order outcomes come in, one message is handed over once, bounces once and is complained about once.
        #[test]
        fn one_message_counts_once(outcomes in proptest::collection::vec(
            prop_oneof![
                Just(Outcome::Unknown), Just(Outcome::Sent), Just(Outcome::Replied),
                Just(Outcome::Bounced), Just(Outcome::Complained), Just(Outcome::Failed),
            ], 0..12)
        ) {
            let (mut at, mut sum) = (Outcome::Pending, Sample::default());
            for outcome in outcomes {
                let joined = at.join(outcome);
                sum = sum.and(moved(at, joined));
                at = joined;
            }
            prop_assert!(sum.handed <= 1 && sum.bounced <= sum.handed && sum.complained <= sum.handed);
            prop_assert_eq!(sum.complained == 1, at == Outcome::Complained);
        }
    }
}
