//! When a campaign does harm: too many of its messages come back, or are reported as spam.
//!
//! The limits lie below those at which providers act: Gmail and Yahoo ask senders to stay under 0.1 % of
//! complaints and never to reach 0.3 %; SES reviews an account at 5 % of bounces or 0.1 % of complaints.

pub mod window;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    campaign::Tally,
    chunk::Outcome,
    id::CampaignId,
    policy::retention::{Retention, is_due},
};

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
        Self { handed: tally.sent(), bounced, complained }
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

    /// Both together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            handed: self.handed + other.handed,
            bounced: self.bounced + other.bounced,
            complained: self.complained + other.complained,
        }
    }

    /// Of two counts that began at different times, the one that began later.
    #[must_use]
    pub fn later(self, other: Self) -> Self {
        Self {
            handed: self.handed.min(other.handed),
            bounced: self.bounced.min(other.bounced),
            complained: self.complained.min(other.complained),
        }
    }

    /// What is wrong, if anything. Complaints weigh more.
    #[must_use]
    pub fn trouble(self) -> Option<Trouble> {
        [Trouble::Complaints, Trouble::Bounces]
            .into_iter()
            .find(|trouble| self.handed >= trouble.limit().1 && self.reaches(*trouble))
    }

    /// Whether the share is at a limit, of however few messages.
    fn reaches(self, trouble: Trouble) -> bool {
        let found = match trouble {
            Trouble::Bounces => self.bounced,
            Trouble::Complaints => self.complained,
        };
        found > 0 && found * 10_000 >= self.handed * trouble.limit().0
    }

    /// What is wrong with a campaign that is too small to say by itself: its share is at a limit, and so is that of the workspace's messages
    /// of the window, which several small ones make.
    #[must_use]
    pub fn trouble_within(self, workspace: Self) -> Option<Trouble> {
        workspace.trouble().filter(|trouble| self.reaches(*trouble))
    }
}

/// How it stands with what was sent, for whoever looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Too few messages to say.
    TooFew,
    /// Well below the limits.
    Good,
    /// Half of a limit, or more.
    Near,
    /// A limit is reached.
    Harmful,
}

impl Sample {
    /// How it stands.
    #[must_use]
    pub fn verdict(self) -> Verdict {
        if self.trouble().is_some() {
            return Verdict::Harmful;
        }
        // Twice as much of what is bad would be too much.
        let twice = Self { bounced: self.bounced * 2, complained: self.complained * 2, ..self };
        match twice.trouble() {
            Some(_) => Verdict::Near,
            None if self.handed < Trouble::Bounces.limit().1 => Verdict::TooFew,
            None => Verdict::Good,
        }
    }
}

/// When campaigns of a workspace paused themselves, as long as that counts (A70).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Harms(BTreeMap<CampaignId, Vec<Timestamp>>);

impl Harms {
    /// How long one counts.
    const COUNTS: Retention = Retention::Days(30);
    /// So many campaigns within that time are a habit, not a mistake.
    const TOO_MANY: usize = 2;
    /// So many times one and the same is let go on, and does harm again.
    const TOO_OFTEN: usize = 3;

    /// With a campaign that pauses itself at `now`, and without those that do not count any more.
    #[must_use]
    pub fn and(&self, campaign: CampaignId, now: Timestamp) -> Self {
        let counts = |at: &Timestamp| !is_due(Self::COUNTS.expires_at(*at), now);
        let still = |times: &Vec<Timestamp>| times.iter().copied().filter(counts).collect::<Vec<_>>();
        let mut harms: BTreeMap<_, _> = self.0.iter().map(|(id, times)| (*id, still(times))).collect();
        harms.retain(|_, times| !times.is_empty());
        harms.entry(campaign).or_default().push(now);
        Self(harms)
    }

    /// Whether the workspace is to send nothing more until somebody has looked at it.
    #[must_use]
    pub fn are_too_many(&self) -> bool {
        self.0.len() >= Self::TOO_MANY || self.0.values().any(|times| times.len() >= Self::TOO_OFTEN)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
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
    fn several_small_campaigns_do_harm_together_and_one_that_does_none_is_left_alone() {
        let sample = |handed, bounced, complained| Sample { handed, bounced, complained };
        let workspace = sample(225, 60, 0);
        for (own, within, expected) in [
            (sample(45, 45, 0), workspace, Some(Trouble::Bounces)),
            (sample(45, 2, 0), workspace, Some(Trouble::Bounces)),
            (sample(45, 1, 0), workspace, None),
            (sample(45, 0, 0), workspace, None),
            (sample(45, 45, 0), sample(45, 45, 0), None),
            (sample(45, 0, 1), sample(400, 0, 1), Some(Trouble::Complaints)),
        ] {
            assert_eq!(own.trouble_within(within), expected, "{own:?}");
        }
    }

    #[test]
    fn a_verdict_is_near_from_half_of_a_limit() {
        for (handed, bounced, complained, expected) in [
            (0, 0, 0, Verdict::TooFew),
            (49, 49, 0, Verdict::TooFew),
            (50, 0, 0, Verdict::Good),
            (50, 1, 0, Verdict::Near),
            (1_000, 19, 0, Verdict::Good),
            (1_000, 20, 0, Verdict::Near),
            (1_000, 40, 0, Verdict::Harmful),
            (2_600, 0, 1, Verdict::Good),
            (2_500, 0, 1, Verdict::Near),
            (1_250, 0, 1, Verdict::Harmful),
        ] {
            assert_eq!(Sample { handed, bounced, complained }.verdict(), expected, "{handed} {bounced} {complained}");
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

    #[test]
    fn a70_a_second_campaign_within_thirty_days_is_too_many_and_the_same_one_again_is_not() {
        let (one, two) = (CampaignId::from_bytes([1; 10]), CampaignId::from_bytes([2; 10]));
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let first = Harms::default().and(one, at("2026-05-01T10:00:00Z"));
        assert!(Harms::default().is_empty() && !first.is_empty() && !first.are_too_many());
        for (campaign, now, expected) in [
            (one, "2026-05-02T10:00:00Z", false),
            (two, "2026-05-01T10:00:00Z", true),
            (two, "2026-05-31T09:59:59Z", true),
            (two, "2026-05-31T10:00:00Z", false),
        ] {
            assert_eq!(first.and(campaign, at(now)).are_too_many(), expected, "{campaign} {now}");
        }
        let autumn = Harms::default().and(one, at("2026-10-01T10:00:00Z"));
        assert!(autumn.and(two, at("2026-10-31T10:59:59Z")).are_too_many(), "days are those of Paris");
        assert!(!autumn.and(two, at("2026-10-31T11:00:00Z")).are_too_many());
        // It counts from when it last paused itself.
        let again = first.and(one, at("2026-05-20T10:00:00Z"));
        assert!(again.and(two, at("2026-06-10T10:00:00Z")).are_too_many());
        // Whoever lets the same one go on again and again keeps doing it.
        assert!(!again.are_too_many() && again.and(one, at("2026-05-21T10:00:00Z")).are_too_many());
        assert!(!again.and(one, at("2026-06-10T10:00:00Z")).are_too_many(), "the first one is long ago");
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
