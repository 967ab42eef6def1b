//! What stands in the way of a channel, so that nobody of its people is used up by it: since when, why, and when it is tried again.
//!
//! A channel that cannot be used takes nothing from anybody: its people wait. It is tried by one chunk at a time, minutes later at first
//! and an hour later at most. Any message that it takes ends the hindrance. One that lasts makes the channel unusable, and a campaign
//! that has no other pauses itself.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::pace::{Because, Wait};

/// Why a channel takes nothing from anybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Its name does not resolve, nobody answers there, or not over TLS that can be trusted.
    Unreachable,
    /// It has no room for now: 421, or another 4xx that is about nobody in particular.
    ChannelBusy,
    /// It has had as many messages as it takes from this account in a while.
    ChannelQuota,
    /// It does not take the sender: `MAIL FROM` is refused, or relaying.
    SenderRefused,
    /// It does not take the login, or the provider of its tokens gives none.
    Credentials,
    /// It refused what was written, to everybody who was written to.
    MessagesRefused,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Unreachable,
        Self::ChannelBusy,
        Self::ChannelQuota,
        Self::SenderRefused,
        Self::Credentials,
        Self::MessagesRefused,
    ];

    /// Minutes until it is tried again, for the first time.
    const fn first_delay(self) -> i64 {
        match self {
            Self::Unreachable | Self::ChannelBusy | Self::SenderRefused | Self::Credentials => 1,
            Self::ChannelQuota | Self::MessagesRefused => 15,
        }
    }

    /// The reason as the API names it where it says what somebody waits for.
    #[must_use]
    pub const fn because(self) -> Because {
        match self {
            Self::Unreachable => Because::Unreachable,
            Self::ChannelBusy => Because::ChannelBusy,
            Self::ChannelQuota => Because::ChannelQuota,
            Self::SenderRefused => Because::SenderRefused,
            Self::Credentials => Because::Credentials,
            Self::MessagesRefused => Because::MessagesRefused,
        }
    }
}

/// It is tried again after an hour at most.
const LONGEST: i64 = 60;

/// How long one chunk has the channel for itself to try it.
pub const TRIAL: SignedDuration = SignedDuration::from_mins(2);

/// What passes by itself, mostly, is waited for so long.
const PATIENCE: SignedDuration = SignedDuration::from_hours(6);

/// A quota is over after a day; one that is not after three is none.
const QUOTA: SignedDuration = SignedDuration::from_hours(72);

/// What no time mends is tried so often.
const TRIES: u32 = 3;

/// What stands in the way of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hindrance {
    /// Why.
    pub reason: Reason,
    /// Since when nothing was taken, in epoch seconds.
    since: i64,
    /// When it is tried again.
    until: i64,
    /// How often it was tried in vain for this reason.
    tries: u32,
}

impl Hindrance {
    /// One that was just met.
    #[must_use]
    pub fn new(reason: Reason, now: Timestamp) -> Self {
        let now = now.as_second();
        Self { reason, since: now, until: now + reason.first_delay() * 60, tries: 1 }
    }

    /// The channel was tried again at `now`, in vain.
    #[must_use]
    pub fn again(self, reason: Reason, now: Timestamp) -> Self {
        // A quota is waited for: what comes before and after it is another matter.
        if (self.reason == Reason::ChannelQuota) != (reason == Reason::ChannelQuota) {
            return Self::new(reason, now);
        }
        let tries = if self.reason == reason { self.tries.saturating_add(1) } else { 1 };
        let minutes = reason.first_delay().saturating_mul(1_i64 << (tries - 1).min(10)).min(LONGEST);
        Self { reason, since: self.since, until: now.as_second() + minutes * 60, tries }
    }

    /// One chunk tries the channel at `now`; the others wait for what comes of it.
    #[must_use]
    pub fn tried(self, now: Timestamp) -> Self {
        Self { until: now.as_second() + TRIAL.as_secs(), ..self }
    }

    /// Until when nobody tries it, seen at `now`; `None` when somebody may.
    #[must_use]
    pub fn holds(&self, now: Timestamp) -> Option<Timestamp> {
        Some(self.until()).filter(|until| *until > now)
    }

    /// Since when nothing was taken.
    #[must_use]
    pub fn since(&self) -> Timestamp {
        Timestamp::from_second(self.since).unwrap_or(Timestamp::MIN)
    }

    /// When it is tried again.
    #[must_use]
    pub fn until(&self) -> Timestamp {
        Timestamp::from_second(self.until).unwrap_or(Timestamp::MAX)
    }

    /// Whether it has lasted for so long, or is of such a kind, that somebody has to do something about it.
    #[must_use]
    pub fn is_unusable(&self, now: Timestamp) -> bool {
        let lasts = |time: SignedDuration| now.as_second() - self.since >= time.as_secs();
        match self.reason {
            Reason::MessagesRefused => true,
            Reason::ChannelQuota => lasts(QUOTA),
            Reason::Unreachable | Reason::ChannelBusy => lasts(PATIENCE),
            Reason::SenderRefused | Reason::Credentials => self.tries >= TRIES || lasts(PATIENCE),
        }
    }

    /// What whoever looks at `now` is told to wait for.
    #[must_use]
    pub fn wait(&self, now: Timestamp) -> Wait {
        Wait { until: self.until().max(now), because: self.reason.because() }
    }
}

/// For how long a message is offered again that the channel puts off because of its recipient; then it has failed.
const PUT_OFF_FOR: SignedDuration = SignedDuration::from_hours(24);

/// When a message is offered again that was first put off at `since`, and now at `now`: in five minutes, then twice as late each time,
/// after four hours at most, and for the last time a day after it was first put off. `None` when that was now.
#[must_use]
pub fn offered_again(since: Timestamp, now: Timestamp) -> Option<Timestamp> {
    let (least, most) = (SignedDuration::from_mins(5), SignedDuration::from_hours(4));
    let last = since + PUT_OFF_FOR;
    (now < last).then(|| (now + now.duration_since(since).clamp(least, most)).min(last.max(now + least)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + minutes * 60).unwrap()
    }

    /// Minutes after the first try at which a channel is tried again, until it is unusable.
    fn tries(reason: Reason) -> Vec<i64> {
        let mut hindrance = Hindrance::new(reason, at(0));
        let mut times = vec![];
        let mut now = at(0);
        while !hindrance.is_unusable(now) && times.len() < 100 {
            now = hindrance.until();
            times.push(now.duration_since(at(0)).as_mins());
            hindrance = hindrance.again(reason, now);
        }
        times
    }

    #[test]
    fn a_channel_is_tried_again_within_minutes_then_every_hour_and_is_unusable_in_the_end() {
        assert_eq!(tries(Reason::Unreachable), [1, 3, 7, 15, 31, 63, 123, 183, 243, 303, 363]);
        assert_eq!(tries(Reason::ChannelBusy), tries(Reason::Unreachable));
        assert_eq!(tries(Reason::Credentials), [1, 3], "what no time mends is said soon");
        assert_eq!(tries(Reason::SenderRefused), [1, 3]);
        assert_eq!(tries(Reason::MessagesRefused), [0; 0]);
        let quota = tries(Reason::ChannelQuota);
        assert_eq!((&quota[..4], quota.last()), (&[15, 45, 105, 165][..], Some(&(72 * 60 + 45))), "for days");
    }

    #[test]
    fn one_reason_after_another_does_not_begin_anew_unless_it_is_a_quota() {
        let mut hindrance = Hindrance::new(Reason::Unreachable, at(0));
        for minutes in (30..360).step_by(30) {
            let reason = if minutes % 60 == 0 { Reason::Unreachable } else { Reason::Credentials };
            hindrance = hindrance.again(reason, at(minutes));
            assert!(!hindrance.is_unusable(at(minutes)), "{minutes}");
            assert_eq!(hindrance.until(), at(minutes + 1));
        }
        assert!(hindrance.again(Reason::ChannelBusy, at(360)).is_unusable(at(360)));
        let quota = hindrance.again(Reason::ChannelQuota, at(360));
        assert_eq!(quota, Hindrance::new(Reason::ChannelQuota, at(360)));
        assert!(!quota.is_unusable(at(24 * 60)));
    }

    #[test]
    fn while_one_tries_the_others_wait_and_nobody_does_for_good() {
        let hindrance = Hindrance::new(Reason::Unreachable, at(0));
        assert_eq!((hindrance.holds(at(0)), hindrance.holds(at(1))), (Some(at(1)), None));
        let tried = hindrance.tried(at(1));
        assert_eq!((tried.holds(at(1)), tried.holds(at(3))), (Some(at(3)), None));
        assert_eq!(tried.again(Reason::Unreachable, at(2)).holds(at(2)), Some(at(4)), "the second time");
        assert_eq!(tried.wait(at(9)), Wait { until: at(9), because: Because::Unreachable });
    }

    #[test]
    fn a_message_that_is_put_off_is_offered_for_a_day() {
        let (mut now, mut offers) = (at(0), vec![]);
        while let Some(next) = offered_again(at(0), now) {
            now = next;
            offers.push(now.duration_since(at(0)).as_mins());
        }
        assert_eq!(offers, [5, 10, 20, 40, 80, 160, 320, 560, 800, 1_040, 1_280, 1_440]);
    }

    proptest! {
        #[test]
        fn whoever_waits_is_told_a_time_that_comes(
            reasons in prop::collection::vec((0..Reason::ALL.len(), 0_i64..500), 1..40),
        ) {
            let mut now = at(0);
            let mut hindrance = Hindrance::new(Reason::ALL[reasons[0].0], now);
            for (reason, later) in reasons {
                now += SignedDuration::from_mins(later);
                hindrance = hindrance.again(Reason::ALL[reason], now);
                let wait = hindrance.until().duration_since(now);
                prop_assert!((SignedDuration::from_mins(1)..=SignedDuration::from_hours(1)).contains(&wait));
                let read: Hindrance = serde_json::from_str(&serde_json::to_string(&hindrance).unwrap()).unwrap();
                prop_assert_eq!(read, hindrance);
            }
        }
    }
}
