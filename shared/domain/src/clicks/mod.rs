//! Clicks on the links of a message, and whether it was opened: of whom that may be recorded, what a signed link and a
//! pixel say, and which clicks and openings are a person's.
//!
//! Both are off unless a workspace switches them on, and then only of people whose consent to each it recorded. For
//! everybody else no link is touched, no image is added and nothing is stored. An opening decides nothing: programs load
//! images for people, and many people load none.

mod consent;
mod link;
mod pixel;
mod signs;
mod visits;

pub use consent::{ClickConsent, ConsentClaim, NotConsent, day_of};
pub use link::{MOST_LINKS, SignedLink, is_followed};
pub use pixel::Pixel;
pub use signs::Signs;
pub use visits::{MOST_VISITS, Visit, Who, is_too_soon, judge};

use jiff::{SignedDuration, Timestamp};

/// When the clicks on a message are judged, after one of them: later than whatever belongs to it can be written down.
pub const JUDGED_AFTER: SignedDuration = SignedDuration::from_secs(30);

/// A click that is so old is not looked at with others any more.
const SETTLED: SignedDuration = SignedDuration::from_secs(20);

/// What may be recorded of how somebody uses a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Recorded {
    /// Which links they follow.
    pub clicks: bool,
    /// Whether they open it.
    pub opens: bool,
}

impl Recorded {
    /// What both let be recorded: the workspace, and the person.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self { clicks: self.clicks && other.clicks, opens: self.opens && other.opens }
    }

    /// Whether it is nothing.
    #[must_use]
    pub const fn is_nothing(self) -> bool {
        !self.clicks && !self.opens
    }
}

/// The first click of a person on a message of theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Click {
    /// When, to the second.
    pub at: Timestamp,
    /// Which link of the message, from 1.
    pub link: u8,
}

/// What is found when the clicks on a message are looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// The first one of the person's among them.
    pub first: Option<Click>,
    /// The last one: the person's own contact (A73).
    pub last: Option<Timestamp>,
    /// A program followed links, too.
    pub scanned: bool,
    /// Those that are judged, and say nothing of later ones any more.
    pub done: Vec<Visit>,
}

/// Looks at the clicks on a message that was handed over at `handed_over`. What is too fresh waits: what comes next may
/// show what it was.
#[must_use]
pub fn look(visits: &[Visit], handed_over: Timestamp, now: Timestamp) -> Found {
    let old = |visit: &Visit, by: SignedDuration| now.duration_since(visit.at) >= by;
    let mut found = Found::default();
    for (visit, who) in visits.iter().zip(judge(visits, handed_over)).filter(|(visit, _)| old(visit, SETTLED)) {
        match who {
            Who::Scanner => found.scanned = true,
            Who::Human => {
                let click = Click { at: visit.at, link: visit.link };
                let earlier = found.first.is_none_or(|first| (click.at, click.link) < (first.at, first.link));
                found.first = if earlier { Some(click) } else { found.first };
                found.last = found.last.max(Some(visit.at));
            }
        }
        if old(visit, SETTLED + visits::TOGETHER) {
            found.done.push(*visit);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn visit(second: i64, link: u8) -> Visit {
        Visit { at: at(second), link, automatic: false }
    }

    #[test]
    fn what_is_fresh_waits_and_what_is_judged_goes_once_nothing_hangs_on_it() {
        let visits = [visit(60, 1), visit(3_600, 2)];
        let first = Some(Click { at: at(60), link: 1 });
        let found = look(&visits, at(0), at(79));
        assert_eq!(found, Found::default());
        let found = look(&visits, at(0), at(80));
        assert_eq!((found.first, found.last, found.done.len()), (first, Some(at(60)), 0));
        let found = look(&visits, at(0), at(85));
        assert_eq!((found.first, found.done.as_slice()), (first, &visits[..1]));
        let found = look(&visits, at(0), at(3_630));
        assert_eq!((found.first, found.last, found.scanned), (first, Some(at(3_600)), false));
    }

    proptest! {
        /// In whatever order clicks are written down, and however often: those of a scanner are never a person's, and a
        /// click that was judged a person's stays one.
        #[test]
        fn clicks_are_judged_the_same_in_any_order_and_once_and_for_all(
            seconds in prop::collection::vec((0i64..120, 1u8..5, any::<bool>()), 1..12),
            seed in any::<u64>(),
        ) {
            let visits: Vec<Visit> =
                seconds.iter().map(|&(s, link, automatic)| Visit { automatic, ..visit(s, link) }).collect();
            let mut turned = visits.clone();
            let len = turned.len();
            turned.rotate_left(usize::try_from(seed % len as u64).unwrap());
            turned.extend(visits.first());
            let all = look(&visits, at(0), at(500));
            let again = look(&turned, at(0), at(500));
            prop_assert_eq!((all.first, all.last, all.scanned), (again.first, again.last, again.scanned));
            // Looked at in the middle, with what is there by then, nothing is found that the end takes back.
            for now in [at(30), at(60), at(90), at(120)] {
                let by_then: Vec<Visit> = visits.iter().filter(|visit| visit.at <= now).copied().collect();
                let found = look(&by_then, at(0), now);
                if found.first.is_some() {
                    prop_assert_eq!(found.first, all.first);
                }
                prop_assert!(!found.scanned || all.scanned);
            }
        }
    }
}
