//! When a campaign does harm: too many of its messages come back, or are reported as spam.
//!
//! The limits lie below those at which providers act: Gmail and Yahoo ask senders to stay under 0.1 % of
//! complaints and never to reach 0.3 %; SES reviews an account at 5 % of bounces or 0.1 % of complaints.

use serde::{Deserialize, Serialize};

use crate::{campaign::Tally, chunk::Outcome};

/// Messages that were handed over, and what came back of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Sample {
    /// Accepted by the channel, whatever became of them.
    pub handed: u64,
    /// Returned.
    pub bounced: u64,
    /// Reported as spam.
    pub complained: u64,
}

/// Why a campaign is paused without anybody asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// Too many addresses do not exist, or do not take mail.
    Bounces,
    /// Too many people say that it is spam.
    Complaints,
}

impl Trouble {
    /// Its name in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bounces => "bounces",
            Self::Complaints => "complaints",
        }
    }

    /// How many in 10,000 are too many, and among how many messages at least: of a few, one says little.
    #[must_use]
    pub const fn limit(self) -> (u64, u64) {
        match self {
            Self::Bounces => (400, 50),
            Self::Complaints => (8, 100),
        }
    }
}

impl Sample {
    /// What a campaign's counters say.
    #[must_use]
    pub fn of(tally: &Tally) -> Self {
        let (bounced, complained) = (tally.of(Outcome::Bounced), tally.of(Outcome::Complained));
        Self { handed: tally.of(Outcome::Sent) + bounced + complained, bounced, complained }
    }

    /// What has happened since an earlier look.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Self {
        Self {
            handed: self.handed.saturating_sub(earlier.handed),
            bounced: self.bounced.saturating_sub(earlier.bounced),
            complained: self.complained.saturating_sub(earlier.complained),
        }
    }

    /// What is wrong, if anything. Complaints weigh more.
    #[must_use]
    pub fn trouble(self) -> Option<Trouble> {
        let reached = |trouble: Trouble, found: u64| {
            let (limit, least) = trouble.limit();
            self.handed >= least && found * 10_000 >= self.handed * limit && found > 0
        };
        let found = [(Trouble::Complaints, self.complained), (Trouble::Bounces, self.bounced)];
        found.into_iter().find(|(trouble, found)| reached(*trouble, *found)).map(|(trouble, _)| trouble)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn trouble(handed: u64, bounced: u64, complained: u64) -> Option<Trouble> {
        Sample { handed, bounced, complained }.trouble()
    }

    #[test]
    fn limits_hold_on_both_sides() {
        use Trouble::{Bounces, Complaints};
        for (handed, bounced, complained, expected) in [
            (0, 0, 0, None),
            (49, 49, 0, None),
            (50, 1, 0, None),
            (50, 2, 0, Some(Bounces)),
            (10_000, 399, 0, None),
            (10_000, 400, 0, Some(Bounces)),
            (99, 0, 1, None),
            (100, 0, 1, Some(Complaints)),
            (1_250, 0, 1, Some(Complaints)),
            (1_251, 0, 1, None),
            (10_000, 0, 7, None),
            (10_000, 0, 8, Some(Complaints)),
            (100, 50, 1, Some(Complaints)),
        ] {
            assert_eq!(trouble(handed, bounced, complained), expected, "{handed} {bounced} {complained}");
        }
    }

    #[test]
    fn counters_say_what_was_handed_over() {
        let mut tally = Tally::default();
        for (outcome, by) in
            [(Outcome::Sent, 90), (Outcome::Bounced, 8), (Outcome::Complained, 2), (Outcome::Failed, 5)]
        {
            tally.add(outcome, by);
        }
        let sample = Sample::of(&tally);
        assert_eq!(sample, Sample { handed: 100, bounced: 8, complained: 2 });
        assert_eq!(sample.since(sample), Sample::default());
    }

    proptest! {
        /// More of what is bad never makes it better.
        #[test]
        fn more_harm_is_never_better(handed in 0_u64..100_000, bounced in 0_u64..5_000, complained in 0_u64..100) {
            if trouble(handed, bounced, complained).is_some() {
                prop_assert!(trouble(handed, bounced + 1, complained).is_some());
                prop_assert!(trouble(handed, bounced, complained + 1).is_some());
            }
        }
    }
}
