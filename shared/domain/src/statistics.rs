//! Anonymous statistics of use (A16): counts of a month, by kind of event and language of the company, and nothing else.
//!
//! What is small is never written down: a count to which few workspaces contributed, or one workspace most of it, stays
//! in the memory of the run that drew it. So there is nothing to subtract from, whatever is laid beside it: a month is
//! drawn once, months do not overlap, no kind is the sum of others, and the counts of the languages are written both or
//! neither, because their total gives one away with the other.

use std::{collections::BTreeMap, fmt};

use jiff::{Timestamp, ToSpan as _, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};

use crate::{
    locale::Locale,
    policy::retention::{TIME_ZONE, day_begins},
};

/// Kinds of events. None of them may be the sum or the rest of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Workspaces that were made.
    SignUps,
    /// Files that were read to their end, or could not be.
    Imports,
    /// Rows of them.
    RowsRead,
    /// Campaigns that were launched.
    CampaignsLaunched,
    /// Messages that these had sent when the month was drawn.
    MessagesSent,
    /// People who objected, or reported a message as spam.
    OptOuts,
}

/// Counts by kind. A kind that is not there is zero or small: nobody can tell which.
pub type Counts = BTreeMap<Kind, u64>;

/// What is written down of a month: all that there is a place for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statistics {
    /// Of all workspaces.
    pub all: Counts,
    /// Of those whose language is French.
    pub fr: Counts,
    /// Of those whose language is English.
    pub en: Counts,
}

/// A calendar month in Paris.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Month(Date);

impl Month {
    /// The last one that is over at `now`.
    pub fn before(now: Timestamp) -> Self {
        let zone = TimeZone::get(TIME_ZONE).unwrap_or(TimeZone::UTC);
        let first = zone.to_datetime(now).date().first_of_month();
        Self(first.checked_sub(1.month()).unwrap_or(first))
    }

    /// Its first day.
    pub const fn first_day(self) -> Date {
        self.0
    }

    /// Whether something happened in it.
    pub fn has(self, at: Timestamp) -> bool {
        let next = self.0.checked_add(1.month()).unwrap_or(Date::MAX);
        day_begins(self.0) <= at && at < day_begins(next)
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.strftime("%Y-%m"))
    }
}

/// A count that is being drawn.
#[derive(Debug, Clone, Copy, Default)]
struct Cell {
    count: u64,
    workspaces: u64,
    largest: u64,
}

impl Cell {
    fn add(&mut self, count: u64) {
        self.count += count;
        self.workspaces += u64::from(count > 0);
        self.largest = self.largest.max(count);
    }

    /// Enough contributed to it, and nobody more than half.
    const fn is_anonymous(self, fewest: u64) -> bool {
        self.workspaces >= fewest && self.largest.saturating_mul(2) <= self.count
    }
}

/// A month that is being drawn: one workspace after the other, none of which it remembers.
#[derive(Debug, Default)]
pub struct Drawing {
    cells: BTreeMap<Kind, [Cell; Locale::ALL.len()]>,
}

impl Drawing {
    /// Adds what one workspace did.
    pub fn add(&mut self, locale: Locale, used: &Counts) {
        for (kind, count) in used {
            self.cells.entry(*kind).or_default()[place(locale)].add(*count);
        }
    }

    /// What may be written down when `fewest` workspaces have to contribute to a count.
    pub fn publish(&self, fewest: u64) -> Statistics {
        let mut published = Statistics::default();
        for (kind, of) in &self.cells {
            let [fr, en] = Locale::ALL.map(|locale| of[place(locale)]);
            let all = Cell {
                count: fr.count + en.count,
                workspaces: fr.workspaces + en.workspaces,
                largest: fr.largest.max(en.largest),
            };
            if !all.is_anonymous(fewest) {
                continue;
            }
            published.all.insert(*kind, all.count);
            if fr.is_anonymous(fewest) && en.is_anonymous(fewest) {
                published.fr.insert(*kind, fr.count);
                published.en.insert(*kind, en.count);
            }
        }
        published
    }
}

const fn place(locale: Locale) -> usize {
    match locale {
        Locale::Fr => 0,
        Locale::En => 1,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FEWEST: u64 = 10;

    fn drawn(workspaces: &[(Locale, u64)]) -> Statistics {
        let mut drawing = Drawing::default();
        for (locale, count) in workspaces {
            drawing.add(*locale, &Counts::from([(Kind::Imports, *count)]));
        }
        drawing.publish(FEWEST)
    }

    fn many(locale: Locale, how_many: usize) -> Vec<(Locale, u64)> {
        vec![(locale, 1); how_many]
    }

    #[test]
    fn a16_nine_workspaces_are_too_few_and_ten_are_enough() {
        assert_eq!(drawn(&many(Locale::Fr, 9)), Statistics::default());
        assert_eq!(drawn(&many(Locale::Fr, 10)).all, Counts::from([(Kind::Imports, 10)]));
        let idle = [many(Locale::Fr, 9), vec![(Locale::Fr, 0); 9]].concat();
        assert_eq!(drawn(&idle), Statistics::default(), "who did nothing hides nobody");
    }

    #[test]
    fn a16_a_count_that_is_mostly_one_workspaces_is_not_shown() {
        let with = |largest| drawn(&[many(Locale::En, 10), vec![(Locale::En, largest)]].concat()).all;
        assert_eq!((with(10), with(11)), (Counts::from([(Kind::Imports, 20)]), Counts::new()));
    }

    #[test]
    fn a16_a_total_does_not_give_away_the_language_that_is_small() {
        for (fr, en, languages) in
            [(10, 10, true), (10, 9, false), (9, 10, false), (10, 0, false), (0, 10, false), (5, 5, false)]
        {
            let found = drawn(&[many(Locale::Fr, fr), many(Locale::En, en)].concat());
            assert_eq!(found.all.len(), 1, "{fr} {en}");
            assert_eq!((found.fr.len(), found.en.len()), (usize::from(languages), usize::from(languages)), "{fr} {en}");
        }
    }

    proptest! {
        /// Whatever is added to and subtracted from what is shown, a number that comes out of it is about ten
        /// workspaces at least, none of which makes up more than half.
        #[test]
        fn a16_nothing_that_follows_from_what_is_shown_is_about_few(
            workspaces in prop::collection::vec((prop::bool::ANY, 0_u64..5), 0..60)
        ) {
            let workspaces: Vec<_> =
                workspaces.into_iter().map(|(fr, count)| (if fr { Locale::Fr } else { Locale::En }, count)).collect();
            let shown = drawn(&workspaces);
            let (all, fr, en) = (shown.all.get(&Kind::Imports), shown.fr.get(&Kind::Imports), shown.en.get(&Kind::Imports));
            let knows_all = all.is_some() || (fr.is_some() && en.is_some());
            let knows = |own: Option<&u64>, other: Option<&u64>| own.is_some() || (all.is_some() && other.is_some());
            for (known, of) in [(knows_all, None), (knows(fr, en), Some(Locale::Fr)), (knows(en, fr), Some(Locale::En))] {
                let theirs = workspaces.iter().filter(|(locale, count)| of.is_none_or(|of| of == *locale) && *count > 0);
                let counts: Vec<u64> = theirs.map(|(_, count)| *count).collect();
                let largest = counts.iter().max().copied().unwrap_or_default();
                prop_assert!(!known || (counts.len() as u64 >= FEWEST && largest * 2 <= counts.iter().sum()), "{of:?} {counts:?}");
            }
        }
    }

    #[test]
    fn a_month_is_one_of_paris() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let february = Month::before(at("2027-02-28T23:00:00Z"));
        assert_eq!(february.to_string(), "2027-02");
        assert_eq!(Month::before(at("2027-02-28T22:59:59Z")).to_string(), "2027-01");
        assert!(february.has(at("2027-01-31T23:00:00Z")) && february.has(at("2027-02-28T22:59:59Z")));
        assert!(!february.has(at("2027-01-31T22:59:59Z")) && !february.has(at("2027-02-28T23:00:00Z")));
        assert_eq!(Month::before(at("2027-01-15T00:00:00Z")).to_string(), "2026-12");
    }
}
