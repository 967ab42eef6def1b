//! Which clicks are a person's. Programs follow links too: they look for malware before a person sees the message.

use std::{fmt, str::FromStr};

use jiff::{SignedDuration, Timestamp};

/// Clicks on one message that wait to be judged, at most. More within half a minute is nobody reading.
pub const MOST_VISITS: usize = 24;

/// Nobody has read a message so soon after it was handed over.
const TOO_SOON: SignedDuration = SignedDuration::from_secs(10);

/// Nobody follows two different links of a message so shortly one after the other.
pub(super) const TOGETHER: SignedDuration = SignedDuration::from_secs(5);

/// Whether whatever happened to a message happened sooner than anybody can have read it.
#[must_use]
pub fn is_too_soon(at: Timestamp, handed_over: Timestamp) -> bool {
    at.duration_since(handed_over) < TOO_SOON
}

/// That a link was followed. Neither the address nor the program of whoever did is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Visit {
    /// When, to the second.
    pub at: Timestamp,
    /// Which link of the message, from 1.
    pub link: u8,
    /// The request itself showed that a program made it.
    pub automatic: bool,
}

/// Who followed a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    /// As far as anybody can tell, the person.
    Human,
    /// A program.
    Scanner,
}

/// Who each of the visits to the links of one message was, in their order. More visits never make a person of a scanner.
#[must_use]
pub fn judge(visits: &[Visit], handed_over: Timestamp) -> Vec<Who> {
    let together =
        |one: &Visit, other: &Visit| one.link != other.link && one.at.duration_since(other.at).abs() <= TOGETHER;
    let of = |visit: &Visit| {
        let scanned =
            visit.automatic || is_too_soon(visit.at, handed_over) || visits.iter().any(|other| together(visit, other));
        if scanned { Who::Scanner } else { Who::Human }
    };
    visits.iter().map(of).collect()
}

/// As it is stored: `1800000000.3` with an `a` at its end where a program made it.
impl fmt::Display for Visit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}{}", self.at.as_second(), self.link, if self.automatic { "a" } else { "" })
    }
}

impl FromStr for Visit {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (rest, automatic) = text.strip_suffix('a').map_or((text, false), |rest| (rest, true));
        let read = || {
            let (second, link) = rest.split_once('.')?;
            let at = Timestamp::from_second(second.parse().ok()?).ok()?;
            Some(Self { at, link: link.parse().ok()?, automatic })
        };
        read().ok_or("no visit")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn visits(of: &[(i64, u8)]) -> Vec<Visit> {
        let visit = |&(second, link): &(i64, u8)| Visit {
            at: Timestamp::from_second(1_800_000_000 + second).unwrap(),
            link,
            automatic: false,
        };
        of.iter().map(visit).collect()
    }

    fn judged(of: &[(i64, u8)]) -> String {
        let handed_over = Timestamp::from_second(1_800_000_000).unwrap();
        judge(&visits(of), handed_over).iter().map(|who| if *who == Who::Human { 'h' } else { 's' }).collect()
    }

    #[test]
    fn a73_who_comes_too_soon_or_follows_several_links_at_once_is_no_person() {
        for (clicks, expected) in [
            (&[(9, 1)][..], "s"),
            (&[(10, 1)], "h"),
            // Clocks differ: before it was handed over, too.
            (&[(-3, 1)], "s"),
            (&[(60, 1), (65, 2)], "ss"),
            (&[(60, 1), (66, 2)], "hh"),
            // The same link twice is a person who was impatient.
            (&[(60, 1), (61, 1)], "hh"),
            (&[(60, 1), (61, 1), (62, 3)], "sss"),
            (&[(5, 1), (3_600, 1)], "sh"),
            // The first looked like a person, until the others came.
            (&[(60, 1), (62, 2), (64, 3), (7_200, 2)], "sssh"),
        ] {
            assert_eq!(judged(clicks), expected, "{clicks:?}");
        }
        let automatic = Visit { automatic: true, ..visits(&[(60, 1)])[0] };
        assert_eq!(judge(&[automatic], Timestamp::from_second(1_800_000_000).unwrap()), [Who::Scanner]);
    }

    proptest! {
        #[test]
        fn more_clicks_never_make_a_person_of_a_scanner(
            before in prop::collection::vec((0i64..200, 1u8..6), 1..10),
            after in prop::collection::vec((0i64..200, 1u8..6), 0..10),
        ) {
            let alone = judged(&before);
            let all: Vec<_> = before.iter().chain(&after).copied().collect();
            for (was, is) in alone.chars().zip(judged(&all).chars()) {
                prop_assert!(was == is || (was, is) == ('h', 's'));
            }
        }

        #[test]
        fn a_visit_is_read_as_it_was_written(second in 0i64..253_402_207_200, link in any::<u8>(), automatic: bool) {
            let visit = Visit { at: Timestamp::from_second(second).unwrap(), link, automatic };
            prop_assert_eq!(visit.to_string().parse(), Ok(visit));
        }

        #[test]
        fn no_text_panics(text: String) {
            let _ = text.parse::<Visit>();
        }
    }
}
