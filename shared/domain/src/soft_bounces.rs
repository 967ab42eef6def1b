//! Messages that come back for a reason that may pass: when so many in a row do, nobody reads that mailbox any more.
//!
//! Whether there is such a run follows from what became of the messages, and from nothing else. Outcomes only ever grow, so
//! whoever looks after each bounce finds the same in the end, in whatever order the news came.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{chunk::Outcome, whole::nearest};

/// How many of them in a row, and within how many days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SoftBounces {
    /// Messages, of different campaigns or steps.
    #[serde(deserialize_with = "nearest")]
    pub run: u8,
    /// Days between the first and the last of them, at most.
    #[serde(deserialize_with = "nearest")]
    pub days: u16,
}

impl Default for SoftBounces {
    fn default() -> Self {
        Self { run: 3, days: 60 }
    }
}

impl SoftBounces {
    /// What may be chosen.
    pub const RUN: std::ops::RangeInclusive<u8> = 2..=10;
    /// What may be chosen.
    pub const DAYS: std::ops::RangeInclusive<u16> = 1..=365;

    /// What is wrong with it: fields, and what they have to be.
    pub fn wrong(&self) -> impl Iterator<Item = (&'static str, String)> {
        let said = |least: u16, most: u16| format!("must be from {least} to {most}");
        let run = (!Self::RUN.contains(&self.run))
            .then(|| ("run", said((*Self::RUN.start()).into(), (*Self::RUN.end()).into())));
        let days = (!Self::DAYS.contains(&self.days)).then(|| ("days", said(*Self::DAYS.start(), *Self::DAYS.end())));
        run.into_iter().chain(days)
    }

    /// Messages before and after one that a run with it may reach to.
    #[must_use]
    pub fn reach(&self) -> usize {
        usize::from(self.run).saturating_sub(1)
    }

    /// Whether so many of these messages, in the order in which they left, came back in a row. Whatever did not come back is
    /// between them, and so is what nobody knows of.
    #[must_use]
    pub fn are_in(&self, messages: &[(Timestamp, Outcome)]) -> bool {
        let within = SignedDuration::from_hours(24 * i64::from(self.days));
        messages.windows(self.run.into()).any(|run| {
            let [(first, _), .., (last, _)] = run else { return false };
            run.iter().all(|(_, outcome)| *outcome == Outcome::Bounced) && last.duration_since(*first) <= within
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A message a day: `B` came back, `R` was answered, `S` was sent, `D` delivered, `U` is unknown, `F` was not taken, `-` is nothing yet.
    fn messages(text: &str) -> Vec<(Timestamp, Outcome)> {
        let outcome = |letter| match letter {
            'B' => Outcome::Bounced,
            'R' => Outcome::Replied,
            'S' => Outcome::Sent,
            'D' => Outcome::Delivered,
            'U' => Outcome::Unknown,
            'F' => Outcome::Failed,
            _ => Outcome::Pending,
        };
        let day = |number: usize| Timestamp::from_second(86_400 * i64::try_from(number).unwrap()).unwrap();
        text.chars().enumerate().map(|(number, letter)| (day(number), outcome(letter))).collect()
    }

    #[test]
    fn a_run_is_so_many_in_a_row_and_anything_between_ends_it() {
        let three = SoftBounces::default();
        for (text, expected) in [
            ("", false),
            ("BB", false),
            ("BBB", true),
            ("SBBB", true),
            ("BBBS", true),
            ("BBSB", false),
            ("BBSBB", false),
            ("BBDBB", false),
            ("BBRB", false),
            ("BBUB", false),
            ("BBFB", false),
            ("BB-B", false),
        ] {
            assert_eq!(three.are_in(&messages(text)), expected, "{text}");
        }
        let two = SoftBounces { run: 2, days: 60 };
        assert!(two.are_in(&messages("SBB")) && !two.are_in(&messages("BSB")));
    }

    #[test]
    fn the_first_and_the_last_lie_no_further_apart_than_so_many_days() {
        for (days, expected) in [(1, false), (2, true), (3, true)] {
            assert_eq!(SoftBounces { run: 3, days }.are_in(&messages("BBB")), expected, "{days}");
        }
    }

    #[test]
    fn what_may_be_chosen_has_an_end() {
        assert_eq!(SoftBounces::default().wrong().count(), 0);
        let fields = |run, days| SoftBounces { run, days }.wrong().map(|(field, _)| field).collect::<Vec<_>>();
        assert_eq!(fields(1, 0), ["run", "days"]);
        assert_eq!(fields(11, 366), ["run", "days"]);
        assert_eq!(fields(10, 365), [""; 0]);
    }

    proptest! {
        #[test]
        fn whatever_order_the_news_comes_in_a_run_is_found_in_the_end(
            bounced in prop::collection::vec(any::<bool>(), 1..8), order in Just(()).prop_perturb(|(), rng| rng)
        ) {
            let mut order = order;
            let end: String = bounced.iter().map(|bounced| if *bounced { 'B' } else { 'S' }).collect();
            let end = messages(&end);
            // All were sent, and nobody knows more yet; then one piece of news after the other.
            let mut known = messages(&"-".repeat(end.len()));
            let mut news: Vec<usize> = (0..end.len()).collect();
            news.sort_by_cached_key(|_| order.next_u32());
            let mut found = false;
            for index in news {
                known[index].1 = known[index].1.join(end[index].1);
                found |= end[index].1 == Outcome::Bounced && SoftBounces::default().are_in(&known);
            }
            prop_assert_eq!(found, SoftBounces::default().are_in(&end));
        }
    }
}
