//! Variants of a message that are compared with each other: who gets which of them, and which one wins.
//!
//! Who gets which follows from a keyed hash of campaign, step and person, and from the weights, so that nothing has to
//! be stored before it is sent. Once one has won, whoever is still to get the step gets that one. What somebody really
//! got is in the claim of their delivery, and in the results of their chunk.

use std::{fmt, str::FromStr};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::whole::nearest_if_any;

/// Variants of a step, at least and at most. One alone is compared with nothing.
pub const FEWEST: usize = 2;
/// See [`FEWEST`].
pub const MOST: usize = 8;

/// The largest weight: a hundredth more or less of an audience is as fine as anybody can compare.
pub const MOST_WEIGHT: u8 = 100;

/// Replies or clicks, over all variants, from which on one may win: fewer say more about chance than about words.
pub const FEWEST_SAYING: u64 = 5;

/// Which of a step's variants: `A` for the first.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Letter(u8);

impl Letter {
    /// The letter of the variant at this place.
    pub fn at(index: usize) -> Option<Self> {
        (index < MOST).then(|| u8::try_from(index).ok()).flatten().map(Self)
    }

    /// The place of its variant.
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// The letter as a character.
    pub const fn as_char(self) -> char {
        (b'A' + self.0) as char
    }

    /// Reads [`Letter::as_char`].
    pub fn from_char(letter: char) -> Option<Self> {
        letter.is_ascii_uppercase().then(|| Self::at(usize::from(letter as u8 - b'A'))).flatten()
    }
}

impl fmt::Display for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.as_char())
    }
}

impl fmt::Debug for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Letter {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut letters = text.chars();
        match (letters.next().and_then(Self::from_char), letters.next()) {
            (Some(letter), None) => Ok(letter),
            _ => Err("no letter of a variant"),
        }
    }
}

impl Serialize for Letter {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Letter {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// One variant of a message. What it does not say is as in its step; a body is taken whole, text and HTML together.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Variant {
    /// What its Sender calls it.
    pub name: String,
    /// Its share of the people, among the weights of all.
    pub weight: u8,
    /// Subject template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Plain-text template.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// HTML template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub html: Option<String>,
    /// Elements that were taken out of the HTML with their content when it was written, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<String>,
}

/// The variant that somebody gets whose lot is `lot`, by weight. `None` where there is nothing to choose from.
#[must_use]
pub fn pick(variants: &[Variant], lot: u64) -> Option<Letter> {
    let total: u64 = variants.iter().map(|variant| u64::from(variant.weight)).sum();
    let mut rest = lot.checked_rem(total)?;
    for (index, variant) in variants.iter().enumerate() {
        match rest.checked_sub(u64::from(variant.weight)) {
            Some(left) => rest = left,
            None => return Letter::at(index),
        }
    }
    None
}

/// How the variants of a step are judged, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contest {
    /// By what.
    pub by: By,
    /// Not before.
    pub after: After,
}

/// What the variants are judged by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// The share of their messages that was answered.
    Replies,
    /// The share of their messages to people whose clicks are recorded of which a link was followed.
    Clicks,
}

/// What has to be over before one may win.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", try_from = "WrittenAfter")]
pub enum After {
    /// So many messages of each variant have left.
    Messages(u32),
    /// So many hours since the first message of the step left.
    Hours(u16),
}

/// The same as somebody writes it: with both, or with neither, nothing would ever be over.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenAfter {
    #[serde(default, deserialize_with = "nearest_if_any")]
    messages: Option<u32>,
    #[serde(default, deserialize_with = "nearest_if_any")]
    hours: Option<u16>,
}

impl TryFrom<WrittenAfter> for After {
    type Error = &'static str;

    fn try_from(written: WrittenAfter) -> Result<Self, Self::Error> {
        match (written.messages, written.hours) {
            (Some(messages), None) => Ok(Self::Messages(messages)),
            (None, Some(hours)) => Ok(Self::Hours(hours)),
            _ => Err("a number of messages or of hours: one of the two"),
        }
    }
}

impl After {
    /// The most messages of each variant.
    pub const MOST_MESSAGES: u32 = 1_000_000;
    /// The longest, in hours: ninety days.
    pub const MOST_HOURS: u16 = 90 * 24;

    /// What it is counted in, as its member is called.
    #[must_use]
    pub const fn unit(self) -> &'static str {
        match self {
            Self::Messages(_) => "messages",
            Self::Hours(_) => "hours",
        }
    }

    /// What is wrong with it, as a sentence for whoever wrote it.
    ///
    /// # Errors
    /// Nothing to wait for, or more than any campaign has.
    pub fn check(self) -> Result<(), String> {
        let (asked, most) = match self {
            Self::Messages(messages) => (messages, Self::MOST_MESSAGES),
            Self::Hours(hours) => (u32::from(hours), u32::from(Self::MOST_HOURS)),
        };
        if (1..=most).contains(&asked) { Ok(()) } else { Err(format!("a whole number from 1 to {most}")) }
    }
}

/// What became of one variant's messages, as far as it counts here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Seen {
    /// Messages that left.
    pub sent: u64,
    /// Of those, answered.
    pub replied: u64,
    /// Messages that left with signed links: their people agreed to it.
    #[serde(default, skip_serializing_if = "is_none")]
    pub consented: u64,
    /// Of those, with a click of the person's.
    #[serde(default, skip_serializing_if = "is_none")]
    pub clicked: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_none(count: &u64) -> bool {
    *count == 0
}

impl Seen {
    /// Messages that are compared by this, and those of them that count for their variant.
    #[must_use]
    pub const fn by(&self, by: By) -> (u64, u64) {
        match by {
            By::Replies => (self.sent, self.replied),
            By::Clicks => (self.consented, self.clicked),
        }
    }
}

/// How a contest stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// What has to be over before is not.
    Waiting,
    /// So few replies or clicks say nothing.
    TooFew,
    /// Two or more have the same share of them.
    Tie,
    /// One has the largest.
    Ahead(Letter),
}

impl Contest {
    /// How it stands between these variants at `now`, the first message having left at `begun`.
    #[must_use]
    pub fn standing(self, variants: &[Variant], seen: &[Seen], begun: Option<Timestamp>, now: Timestamp) -> Standing {
        let rivals = || variants.iter().zip(seen).enumerate().filter(|(_, (variant, _))| variant.weight > 0);
        let over = match self.after {
            After::Messages(least) => rivals().all(|(_, (_, seen))| seen.by(self.by).0 >= u64::from(least)),
            After::Hours(hours) => {
                begun.is_some_and(|begun| now.duration_since(begun) >= SignedDuration::from_hours(hours.into()))
            }
        };
        if !over {
            return Standing::Waiting;
        }
        if rivals().map(|(_, (_, seen))| seen.by(self.by).1).sum::<u64>() < FEWEST_SAYING {
            return Standing::TooFew;
        }
        // Shares are compared as fractions, so that no rounding makes two the same.
        let larger = |one: &Seen, other: &Seen| {
            let ((of, hits), (of_other, hits_other)) = (one.by(self.by), other.by(self.by));
            u128::from(hits) * u128::from(of_other.max(1)) > u128::from(hits_other) * u128::from(of.max(1))
        };
        let beats_all = |(index, (_, seen)): &(usize, (&Variant, &Seen))| {
            rivals().all(|(other, (_, theirs))| other == *index || larger(seen, theirs))
        };
        let first = rivals().find(beats_all).and_then(|(index, _)| Letter::at(index));
        first.map_or(Standing::Tie, Standing::Ahead)
    }
}

/// That a variant of a step has won: written down once, and never changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// The step.
    pub step: u8,
    /// The variant that everybody gets from then on.
    pub variant: Letter,
    /// When.
    pub at: Timestamp,
    /// What each variant had then, in their order: why.
    pub seen: Vec<Seen>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(weights: &[u8]) -> Vec<Variant> {
        weights.iter().map(|weight| Variant { weight: *weight, ..Variant::default() }).collect()
    }

    fn seen(of: &[(u64, u64)]) -> Vec<Seen> {
        of.iter().map(|&(sent, replied)| Seen { sent, replied, ..Seen::default() }).collect()
    }

    #[test]
    fn a_letter_is_read_as_it_was_written() {
        for index in 0..MOST {
            let letter = Letter::at(index).unwrap();
            assert_eq!((letter.index(), letter.to_string().parse()), (index, Ok(letter)));
        }
        assert_eq!((Letter::at(MOST), Letter::from_char('I'), Letter::from_char('.')), (None, None, None));
        assert!("AB".parse::<Letter>().is_err() && "".parse::<Letter>().is_err());
    }

    #[test]
    fn everybody_gets_a_variant_by_its_weight() {
        let lots = |weights: &[u8]| -> Vec<String> {
            let of = of(weights);
            (0..6).map(|lot| pick(&of, lot).map_or_else(|| "-".into(), |letter| letter.to_string())).collect()
        };
        assert_eq!(lots(&[1, 1]).concat(), "ABABAB");
        assert_eq!(lots(&[2, 1]).concat(), "AABAAB");
        assert_eq!(lots(&[0, 1, 2]).concat(), "BCCBCC");
        assert_eq!(lots(&[]).concat(), "------");
        assert_eq!(lots(&[0, 0]).concat(), "------");
    }

    #[test]
    fn the_larger_share_of_replies_wins_and_a_tie_or_few_replies_decide_nothing() {
        let now: Timestamp = "2026-11-26T10:00:00Z".parse().unwrap();
        let replies = |after| Contest { by: By::Replies, after };
        let (a, b) = (Letter::at(0).unwrap(), Letter::at(1).unwrap());
        for (weights, results, expected) in [
            ([1, 1, 0], [(20, 3), (20, 4), (0, 0)], Standing::Ahead(b)),
            ([1, 1, 0], [(19, 3), (20, 4), (0, 0)], Standing::Waiting),
            ([1, 1, 1], [(20, 3), (20, 4), (0, 0)], Standing::Waiting),
            ([1, 1, 1], [(20, 3), (20, 1), (20, 0)], Standing::TooFew),
            ([1, 1, 1], [(20, 4), (20, 1), (20, 0)], Standing::Ahead(a)),
            ([1, 1, 1], [(20, 4), (40, 8), (20, 0)], Standing::Tie),
            ([1, 1, 1], [(30, 4), (20, 3), (20, 3)], Standing::Tie),
            // More replies, of many more messages.
            ([1, 9, 0], [(20, 4), (180, 30), (0, 0)], Standing::Ahead(a)),
        ] {
            let contest = replies(After::Messages(20));
            assert_eq!(contest.standing(&of(&weights), &seen(&results), None, now), expected, "{results:?}");
        }
        let hours = replies(After::Hours(2));
        let results = seen(&[(3, 0), (4, 5)]);
        for (begun, expected) in [
            (None, Standing::Waiting),
            (Some("2026-11-26T08:00:01Z"), Standing::Waiting),
            (Some("2026-11-26T08:00:00Z"), Standing::Ahead(b)),
        ] {
            let begun = begun.map(|text| text.parse().unwrap());
            assert_eq!(hours.standing(&of(&[1, 1]), &results, begun, now), expected, "{begun:?}");
        }
    }

    #[test]
    fn by_clicks_only_messages_to_whoever_agreed_are_compared() {
        let now = Timestamp::UNIX_EPOCH;
        let contest = Contest { by: By::Clicks, after: After::Messages(10) };
        let seen =
            |of: [(u64, u64); 2]| of.map(|(consented, clicked)| Seen { sent: 500, replied: 90, consented, clicked });
        for (results, expected) in [
            ([(9, 9), (10, 1)], Standing::Waiting),
            ([(10, 3), (10, 1)], Standing::TooFew),
            ([(10, 4), (20, 8)], Standing::Tie),
            ([(10, 4), (20, 7)], Standing::Ahead(Letter::at(0).unwrap())),
        ] {
            assert_eq!(contest.standing(&of(&[1, 1]), &seen(results), None, now), expected, "{results:?}");
        }
    }

    #[test]
    fn a_contest_that_never_ends_or_never_begins_is_refused() {
        for (after, fine) in [
            (After::Messages(0), false),
            (After::Messages(1), true),
            (After::Messages(1_000_001), false),
            (After::Hours(0), false),
            (After::Hours(2_160), true),
            (After::Hours(2_161), false),
        ] {
            assert_eq!(after.check().is_ok(), fine, "{after:?}");
        }
    }

    proptest! {
        /// Whatever the weights, a variant gets its share and no variant without a weight gets anybody.
        #[test]
        fn shares_are_those_of_the_weights(weights in prop::collection::vec(0u8..=MOST_WEIGHT, FEWEST..=MOST)) {
            let total: u64 = weights.iter().map(|weight| u64::from(*weight)).sum();
            let variants = of(&weights);
            let mut got = vec![0u64; weights.len()];
            for lot in 0..total * 3 {
                got[pick(&variants, lot).unwrap().index()] += 1;
            }
            prop_assert_eq!(got, weights.iter().map(|weight| u64::from(*weight) * 3).collect::<Vec<_>>());
        }

        /// Whoever is ahead has a share that nobody else reaches, in whatever order the variants stand.
        #[test]
        fn who_is_ahead_does_not_depend_on_the_order(results in prop::collection::vec((1u64..500, 0u64..50), FEWEST..=MOST)) {
            let now = Timestamp::UNIX_EPOCH;
            let contest = Contest { by: By::Replies, after: After::Messages(1) };
            let variants = of(&vec![1; results.len()]);
            let forward = contest.standing(&variants, &seen(&results), None, now);
            let backwards: Vec<_> = results.iter().rev().copied().collect();
            let backward = contest.standing(&variants, &seen(&backwards), None, now);
            match (forward, backward) {
                (Standing::Ahead(one), Standing::Ahead(other)) => {
                    prop_assert_eq!(one.index(), results.len() - 1 - other.index());
                }
                (one, other) => prop_assert_eq!(one, other),
            }
        }
    }
}
