//! How many messages a channel takes, and when: caps by day and hour, and a gap between one message and the next.
//!
//! Messages are taken from a [`Pace`] for many people at once, before they are claimed, and what was not needed is given
//! back. Who takes and dies takes too little from the channel, never too much. What does not fit waits: each who waits
//! is told when to come again, one after the other, so that they do not all come at once. That is a place in a line, not
//! a promise; whoever comes, asks again.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};

use crate::{
    receivers::DomainLimits,
    whole::{nearest, nearest_if_any},
};

/// What a channel takes at most. What is not said has no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Messages a day, from midnight to midnight in the workspace's time zone.
    #[serde(deserialize_with = "nearest_if_any", skip_serializing_if = "Option::is_none")]
    pub per_day: Option<u32>,
    /// Messages an hour, from the first of them on.
    #[serde(deserialize_with = "nearest_if_any", skip_serializing_if = "Option::is_none")]
    pub per_hour: Option<u32>,
    /// Seconds between one message and the next, at least.
    #[serde(deserialize_with = "nearest_if_any", skip_serializing_if = "Option::is_none")]
    pub gap_seconds: Option<u16>,
    /// Up to so many seconds more, by chance.
    #[serde(deserialize_with = "nearest_if_any", skip_serializing_if = "Option::is_none")]
    pub jitter_seconds: Option<u16>,
    /// How a new channel gets up to its messages a day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ramp: Option<Ramp>,
    /// What each receiving domain gets by it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recipient_domain: Option<DomainLimits>,
}

/// From few messages a day to as many as a channel takes: receivers distrust a new one that sends many at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ramp {
    /// Messages of the first day.
    #[serde(deserialize_with = "nearest")]
    pub start: u32,
    /// So many more with each day that follows.
    #[serde(deserialize_with = "nearest")]
    pub add: u32,
}

impl Ramp {
    /// What may be sent on a day, counted from zero.
    #[must_use]
    pub fn on(self, day: u32) -> u32 {
        self.start.saturating_add(self.add.saturating_mul(day))
    }
}

/// Messages that a cap lets through at most: more than any channel has.
const MOST: u32 = 1_000_000_000;

/// Longest gap, and longest jitter: an hour.
const LONGEST: u16 = 3_600;

/// How far ahead somebody who waits is told to come again: more often than once a day there is no need to ask.
const AHEAD: SignedDuration = SignedDuration::from_hours(24);

impl Limits {
    /// True when there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// True when the channel itself takes only so much, whoever receives it.
    #[must_use]
    pub fn paces(&self) -> bool {
        !Self { recipient_domain: None, ..*self }.is_empty()
    }

    /// What is wrong with it: a field, and a sentence for whoever wrote it.
    #[must_use]
    pub fn wrong(&self) -> Vec<(&'static str, String)> {
        let mut wrong = Vec::new();
        for (field, cap) in [("per_day", self.per_day), ("per_hour", self.per_hour)] {
            if cap.is_some_and(|cap| !(1..=MOST).contains(&cap)) {
                wrong.push((field, format!("a whole number from 1 to {MOST}; leave it out for no limit")));
            }
        }
        for (field, seconds) in [("gap_seconds", self.gap_seconds), ("jitter_seconds", self.jitter_seconds)] {
            if seconds.is_some_and(|seconds| !(1..=LONGEST).contains(&seconds)) {
                wrong.push((field, format!("a whole number from 1 to {LONGEST}; leave it out for none")));
            }
        }
        if let Some(ramp) = self.ramp {
            for (field, messages) in [("ramp.start", ramp.start), ("ramp.add", ramp.add)] {
                if !(1..=MOST).contains(&messages) {
                    wrong.push((field, format!("a whole number from 1 to {MOST}")));
                }
            }
            match self.per_day {
                None => wrong.push(("ramp", "leads from `start` up to `per_day`: say how many that is".to_owned())),
                Some(cap) if cap < ramp.start && ramp.start <= MOST => {
                    wrong.push(("ramp.start", format!("{cap} or fewer: a ramp leads up to per_day, which is {cap}")));
                }
                Some(_) => {}
            }
        }
        if self.jitter_seconds.is_some()
            && self.gap_seconds.is_none()
            && !wrong.iter().any(|(field, _)| *field == "jitter_seconds")
        {
            wrong.push(("jitter_seconds", "lengthens a gap: say gap_seconds, too".to_owned()));
        }
        wrong.extend(self.recipient_domain.iter().flat_map(DomainLimits::wrong));
        wrong
    }

    /// As they are at `now`, when the ramp began on the day of `since`.
    #[must_use]
    pub fn at(self, since: Timestamp, zone: &TimeZone, now: Timestamp) -> Self {
        let (Some(ramp), Some(cap)) = (self.ramp, self.per_day) else { return self };
        let date = |at: Timestamp| at.to_zoned(zone.clone()).date();
        let days = date(since).until(date(now)).map_or(0, |span| span.get_days());
        Self { per_day: Some(cap.min(ramp.on(u32::try_from(days).unwrap_or(0)))), ..self }
    }

    /// Seconds that a message takes of the channel's time by its caps, on average, when many are waiting.
    fn share(&self) -> f64 {
        let share = |cap: Option<u32>, seconds: f64| cap.map_or(0.0, |cap| seconds / f64::from(cap.max(1)));
        share(self.per_hour, 3_600.0).max(share(self.per_day, 86_400.0))
    }

    /// Seconds that a gap is longer this time.
    fn jitter(&self, chance: u32) -> i64 {
        i64::from(chance % (u32::from(self.jitter_seconds.unwrap_or(0)) + 1))
    }
}

/// Why a message waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    /// The channel has had its messages of the day.
    PerDay,
    /// Those of the hour.
    PerHour,
    /// The gap since its last message is not over.
    Gap,
    /// A receiving domain has had its messages of the day.
    DomainPerDay,
    /// Those of the hour.
    DomainPerHour,
    /// The messages of the day of the operator's account at Amazon SES are used up.
    SesQuota,
    /// The operator's account at SES is paused.
    SesPaused,
    /// The channel cannot be reached.
    Unreachable,
    /// It does not take the login.
    Credentials,
    /// It does not take the sender.
    SenderRefused,
    /// It refused what was written, to everybody who was written to.
    MessagesRefused,
    /// It has had as many messages as it takes from this account in a while.
    ChannelQuota,
    /// It has no room for now.
    ChannelBusy,
}

/// A time to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait {
    /// Until when.
    pub until: Timestamp,
    /// Why.
    pub because: Because,
}

/// What came of taking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// Messages that may leave now.
    pub now: u32,
    /// When to come again for the others.
    pub again: Option<Timestamp>,
    /// What they were taken from.
    from: Spans,
}

/// The day, the hour and the gap that messages were taken from, by their ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Spans {
    day: i64,
    hour: i64,
    gap: i64,
}

/// Seconds of an hour.
pub(crate) const HOUR: i64 = 3_600;

/// When the day is over, in epoch seconds.
pub(crate) fn midnight(zone: &TimeZone, now: Timestamp) -> i64 {
    let today = now.to_zoned(zone.clone());
    let midnight = today.tomorrow().and_then(|tomorrow| tomorrow.start_of_day());
    midnight.map_or(Timestamp::MAX, |midnight| midnight.timestamp()).as_second()
}

/// What a channel has had of late.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Pace {
    /// When its day is over, in epoch seconds.
    #[serde(rename = "d")]
    day_ends: i64,
    /// Messages of that day.
    #[serde(rename = "dn")]
    of_day: u32,
    /// When its hour is over.
    #[serde(rename = "h")]
    hour_ends: i64,
    /// Messages of that hour.
    #[serde(rename = "hn")]
    of_hour: u32,
    /// When the gap after its last message is over.
    #[serde(rename = "g")]
    gap_ends: i64,
    /// Until when there is somebody in the line of those who wait.
    #[serde(rename = "l")]
    line: i64,
}

impl Pace {
    /// Takes up to `wanted` messages. `chance` lengthens the gap; who is `first` of those who wait need not stand in line.
    pub fn take(
        &mut self,
        wanted: u32,
        limits: &Limits,
        zone: &TimeZone,
        (chance, first): (u32, bool),
        now: Timestamp,
    ) -> Taken {
        self.turn(zone, now);
        let mut free = wanted;
        if let Some(cap) = limits.per_day {
            free = free.min(cap.saturating_sub(self.of_day));
        }
        if let Some(cap) = limits.per_hour {
            free = free.min(cap.saturating_sub(self.of_hour));
        }
        if let Some(gap) = limits.gap_seconds {
            free = if self.gap_ends > now.as_second() { 0 } else { free.min(1) };
            if free > 0 {
                // Who comes out of the line comes at a time that has the chance in it already.
                let lined_up = !first && self.line > now.as_second();
                let more = if lined_up { 0 } else { limits.jitter(chance) };
                self.gap_ends = now.as_second() + i64::from(gap) + more;
            }
        }
        self.of_day = self.of_day.saturating_add(free);
        self.of_hour = self.of_hour.saturating_add(free);
        let again = (free < wanted).then(|| self.place(wanted - free, limits, (chance, first), now));
        Taken { now: free, again, from: self.spans() }
    }

    /// Gives back `unused` of what was taken, to the day and the hour that it was taken from: those that began since owe
    /// nobody anything. When nothing was used, the gap did not begin; one that somebody else's message began stays.
    pub fn give_back(&mut self, taken: &Taken, unused: u32) {
        let Spans { day, hour, gap } = taken.from;
        if self.day_ends == day {
            self.of_day = self.of_day.saturating_sub(unused);
        }
        if self.hour_ends == hour {
            self.of_hour = self.of_hour.saturating_sub(unused);
        }
        if unused > 0 && unused == taken.now && self.gap_ends == gap {
            self.gap_ends = 0;
        }
    }

    const fn spans(&self) -> Spans {
        Spans { day: self.day_ends, hour: self.hour_ends, gap: self.gap_ends }
    }

    /// Why nothing can leave at `now`, and until when.
    #[must_use]
    pub fn waits(&self, limits: &Limits, now: Timestamp) -> Option<Wait> {
        let full = |cap: Option<u32>, had: u32| cap.is_some_and(|cap| had >= cap);
        let reasons = [
            (full(limits.per_day, self.of_day), self.day_ends, Because::PerDay),
            (full(limits.per_hour, self.of_hour), self.hour_ends, Because::PerHour),
            (limits.gap_seconds.is_some(), self.gap_ends, Because::Gap),
        ];
        let holds = reasons.into_iter().filter(|(holds, until, _)| *holds && *until > now.as_second());
        let (_, until, because) = holds.max_by_key(|(_, until, _)| *until)?;
        Some(Wait { until: Timestamp::from_second(until).ok()?, because })
    }

    /// Begins another day or hour when the last one is over.
    fn turn(&mut self, zone: &TimeZone, now: Timestamp) {
        if now.as_second() >= self.day_ends {
            self.day_ends = midnight(zone, now);
            self.of_day = 0;
        }
        if now.as_second() >= self.hour_ends {
            self.hour_ends = now.as_second() + HOUR;
            self.of_hour = 0;
        }
    }

    /// A place in the line for so many messages.
    fn place(&mut self, many: u32, limits: &Limits, (chance, first): (u32, bool), now: Timestamp) -> Timestamp {
        let opens = self.waits(limits, now).map_or(now.as_second() + 1, |wait| wait.until.as_second());
        if first {
            return Timestamp::from_second(opens).unwrap_or(now);
        }
        // With a gap each visit takes one, and then stands at the end of the line again.
        let many = if limits.gap_seconds.is_some() { 1 } else { many };
        let mut at = self.line.max(opens);
        if at > opens.max((now + AHEAD).as_second()) {
            at = opens;
        }
        #[expect(clippy::cast_possible_truncation, reason = "seconds of at most some years")]
        let share = (f64::from(many) * limits.share()).ceil() as i64;
        // What it takes of the channel's time: the gap that comes after it, or as much as the caps allow on average.
        let gap = limits.gap_seconds.map_or(0, |gap| i64::from(gap) + limits.jitter(chance.rotate_left(16)));
        let length = share.max(gap);
        self.line = at.saturating_add(length);
        Timestamp::from_second(at).unwrap_or(now)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn paris() -> TimeZone {
        TimeZone::get("Europe/Paris").unwrap()
    }

    /// What was granted, and when to come again.
    const fn took(taken: Taken) -> (u32, Option<Timestamp>) {
        (taken.now, taken.again)
    }

    const NONE: Limits = Limits {
        per_day: None,
        per_hour: None,
        gap_seconds: None,
        jitter_seconds: None,
        ramp: None,
        recipient_domain: None,
    };

    #[test]
    fn a_day_is_from_midnight_to_midnight_where_the_sender_is() {
        let limits = Limits { per_day: Some(30), ..NONE };
        let (mut pace, noon) = (Pace::default(), at("2026-11-26T11:00:00Z"));
        assert_eq!(pace.waits(&limits, noon), None);
        assert_eq!(took(pace.take(20, &limits, &paris(), (0, false), noon)), (20, None));
        let midnight = at("2026-11-26T23:00:00Z");
        let taken = pace.take(20, &limits, &paris(), (0, false), noon);
        assert_eq!(took(taken), (10, Some(midnight)));
        assert_eq!(pace.waits(&limits, noon), Some(Wait { until: midnight, because: Because::PerDay }));
        // A second is a second: nothing before midnight, everything from then on.
        let before = midnight - SignedDuration::from_secs(1);
        assert_eq!(pace.take(1, &limits, &paris(), (0, true), before).now, 0);
        assert_eq!(pace.take(40, &limits, &paris(), (0, true), midnight).now, 30);
        // The day when clocks go back has twenty-five hours.
        let mut pace = Pace::default();
        let autumn = at("2026-10-24T22:00:00Z");
        assert_eq!(pace.take(30, &limits, &paris(), (0, false), autumn).now, 30);
        assert_eq!(pace.waits(&limits, autumn).unwrap().until, at("2026-10-25T23:00:00Z"));
    }

    #[test]
    fn an_hour_begins_with_its_first_message() {
        let limits = Limits { per_hour: Some(5), ..NONE };
        let (mut pace, now) = (Pace::default(), at("2026-11-26T11:20:00Z"));
        let taken = pace.take(8, &limits, &paris(), (0, true), now);
        assert_eq!(took(taken), (5, Some(at("2026-11-26T12:20:00Z"))));
        assert_eq!(pace.waits(&limits, now).unwrap().because, Because::PerHour);
        assert_eq!(pace.take(8, &limits, &paris(), (0, true), at("2026-11-26T12:20:00Z")).now, 5);
    }

    #[test]
    fn a_gap_lets_one_message_leave_and_has_some_chance_in_it() {
        let limits = Limits { gap_seconds: Some(90), jitter_seconds: Some(60), ..NONE };
        let now = at("2026-11-26T11:00:00Z");
        for (chance, ends) in [(0, "2026-11-26T11:01:30Z"), (60, "2026-11-26T11:02:30Z"), (61, "2026-11-26T11:01:30Z")]
        {
            let mut pace = Pace::default();
            let taken = pace.take(50, &limits, &paris(), (chance, false), now);
            assert_eq!(took(taken), (1, Some(at(ends))));
            assert_eq!(
                pace.take(50, &limits, &paris(), (chance, false), at(ends) - SignedDuration::from_secs(1)).now,
                0
            );
            assert_eq!(pace.take(50, &limits, &paris(), (chance, false), at(ends)).now, 1);
        }
        let mut pace = Pace::default();
        let taken = pace.take(1, &limits, &paris(), (0, false), now);
        pace.give_back(&taken, 1);
        assert_eq!(pace.waits(&limits, now), None, "nothing left, and no gap begins");
    }

    #[test]
    fn what_is_given_back_late_is_not_given_to_another_day_or_gap() {
        let caps = Limits { per_day: Some(30), per_hour: Some(30), ..NONE };
        let (mut pace, late) = (Pace::default(), at("2026-11-26T22:59:50Z"));
        let yesterdays = pace.take(10, &caps, &paris(), (0, false), late);
        let midnight = at("2026-11-26T23:00:00Z");
        pace.take(20, &caps, &paris(), (0, false), midnight);
        pace.give_back(&yesterdays, 10);
        assert_eq!(pace.take(20, &caps, &paris(), (0, true), midnight).now, 10, "twenty of today's thirty are gone");
        let gap = Limits { gap_seconds: Some(5), ..NONE };
        let mut pace = Pace::default();
        let first = pace.take(1, &gap, &paris(), (0, false), late);
        pace.take(1, &gap, &paris(), (0, false), late + SignedDuration::from_secs(5));
        pace.give_back(&first, 1);
        let soon = late + SignedDuration::from_secs(6);
        assert_eq!(pace.take(1, &gap, &paris(), (0, true), soon).now, 0, "the second message began a gap of its own");
    }

    #[test]
    fn those_who_wait_come_one_after_the_other_and_a_later_step_first() {
        let limits = Limits { per_day: Some(100), ..NONE };
        let (mut pace, now) = (Pace::default(), at("2026-11-26T11:00:00Z"));
        assert_eq!(pace.take(100, &limits, &paris(), (0, false), now).again, None);
        let places: Vec<_> = (0..4).map(|_| pace.take(50, &limits, &paris(), (0, false), now).again.unwrap()).collect();
        // Half a day's messages each; what would be more than a day away begins the line anew.
        let expected = ["2026-11-26T23:00:00Z", "2026-11-27T11:00:00Z", "2026-11-26T23:00:00Z", "2026-11-27T11:00:00Z"];
        assert_eq!(places, expected.map(at));
        assert_eq!(pace.take(50, &limits, &paris(), (0, true), now).again, Some(at("2026-11-26T23:00:00Z")));
    }

    #[test]
    fn the_gaps_of_several_in_the_line_are_as_much_a_matter_of_chance_as_those_of_one() {
        let limits = Limits { gap_seconds: Some(90), jitter_seconds: Some(30), ..NONE };
        for waiting in 1..=3 {
            let (mut pace, mut sent) = (Pace::default(), Vec::new());
            // Numbers that are spread, and the same in every run.
            let mut chance = 7_u32;
            let mut visits = vec![at("2026-11-26T10:00:00Z"); waiting];
            while sent.len() < 40 {
                visits.sort_unstable();
                let now = visits.remove(0);
                chance = chance.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let taken = pace.take(9, &limits, &paris(), (chance, false), now);
                sent.extend((taken.now > 0).then_some(now.as_second()));
                visits.push(taken.again.unwrap());
            }
            let gaps: Vec<i64> = sent.windows(2).map(|two| two[1] - two[0]).collect();
            assert!(gaps.iter().all(|gap| (90..=120).contains(gap)), "{waiting}: {gaps:?}");
            let different = gaps.iter().collect::<std::collections::BTreeSet<_>>().len();
            assert!(different > 10, "{waiting}: {gaps:?}");
        }
    }

    #[test]
    fn limits_of_nothing_and_a_jitter_without_a_gap_are_refused() {
        let wrong = |limits: Limits| limits.wrong().into_iter().map(|(field, _)| field).collect::<Vec<_>>();
        assert!(wrong(NONE).is_empty() && NONE.is_empty());
        let all = Limits { per_day: Some(1), per_hour: Some(1), gap_seconds: Some(1), jitter_seconds: Some(1), ..NONE };
        assert!(wrong(all).is_empty() && all.paces());
        let domains = |per_day| Limits { recipient_domain: Some(DomainLimits { per_day, per_hour: None }), ..NONE };
        assert!(wrong(domains(Some(1))).is_empty() && !domains(Some(1)).paces() && !domains(Some(1)).is_empty());
        assert_eq!(wrong(domains(Some(0))), ["recipient_domain.per_day"]);
        assert_eq!(wrong(Limits { per_day: Some(0), per_hour: Some(0), ..NONE }), ["per_day", "per_hour"]);
        assert_eq!(wrong(Limits { gap_seconds: Some(3_601), ..NONE }), ["gap_seconds"]);
        assert_eq!(wrong(Limits { jitter_seconds: Some(5), ..NONE }), ["jitter_seconds"]);
        assert_eq!(wrong(Limits { jitter_seconds: Some(0), ..NONE }), ["jitter_seconds"], "once");
        let ramp = |start, add| Some(Ramp { start, add });
        assert!(wrong(Limits { per_day: Some(5), ramp: ramp(5, 1), ..NONE }).is_empty());
        assert_eq!(wrong(Limits { per_day: Some(5), ramp: ramp(6, 1), ..NONE }), ["ramp.start"]);
        assert_eq!(wrong(Limits { ramp: ramp(0, 0), ..NONE }), ["ramp.start", "ramp.add", "ramp"]);
    }

    #[test]
    fn a_ramp_grows_at_midnight_where_the_sender_is() {
        let limits = Limits { per_day: Some(50), ramp: Some(Ramp { start: 20, add: 15 }), ..NONE };
        let since = at("2026-03-27T22:30:00Z"); // half past eleven in the evening
        for (now, cap) in [
            ("2026-03-27T22:59:59Z", 20),
            ("2026-03-27T23:00:00Z", 35),
            ("2026-03-28T22:59:59Z", 35),
            ("2026-03-28T23:00:00Z", 50), // the day when clocks go forward
            ("2026-03-29T21:59:59Z", 50),
            ("2027-03-29T00:00:00Z", 50),
            ("2026-03-20T00:00:00Z", 20), // a clock that is behind
        ] {
            assert_eq!(limits.at(since, &paris(), at(now)).per_day, Some(cap), "{now}");
        }
        assert_eq!(NONE.at(since, &paris(), since), NONE);
    }

    fn limits() -> impl Strategy<Value = Limits> {
        let cap = |most: u32| prop::option::of(1..most);
        let seconds = || prop::option::of(1..600u16);
        (cap(200), cap(40), seconds(), seconds()).prop_map(|(per_day, per_hour, gap_seconds, jitter_seconds)| Limits {
            per_day,
            per_hour,
            gap_seconds,
            jitter_seconds: jitter_seconds.filter(|_| gap_seconds.is_some()),
            ..NONE
        })
    }

    proptest! {
        #[test]
        fn a_ramp_never_shrinks_and_ends_at_the_cap(start in 1u32..500, add in 1u32..500, more in 0u32..5_000, day in 0i64..800) {
            let limits = Limits { per_day: Some(start + more), ramp: Some(Ramp { start, add }), ..NONE };
            let since = at("2026-02-27T10:00:00Z");
            let cap = |day: i64| limits.at(since, &paris(), since + SignedDuration::from_hours(24 * day)).per_day.unwrap();
            prop_assert!(cap(day) <= cap(day + 1) && cap(day + 1) <= cap(day) + add);
            prop_assert!((start..=start + more).contains(&cap(day)));
            prop_assert_eq!(cap(i64::from(more.div_ceil(add)) + 1), start + more);
        }

        /// Whoever asks, how often, and however late they give back: no more than the caps in any day or hour, no two
        /// messages without their gap; and whoever waits and comes when told to is through in the end.
        #[test]
        fn never_too_much_and_everybody_in_the_end(
            limits in limits(), wishes in prop::collection::vec((1u32..60, 0u32..1000, any::<bool>()), 1..20)
        ) {
            let (mut pace, zone) = (Pace::default(), paris());
            let start = at("2026-03-28T10:00:00Z");
            let mut waiting: Vec<(Timestamp, u32, u32, bool)> =
                wishes.into_iter().map(|(wanted, chance, first)| (start, wanted, chance, first)).collect();
            let mut sent: Vec<(Timestamp, u32)> = Vec::new();
            let mut owed: Vec<(Taken, u32)> = Vec::new();
            let mut rounds = 0;
            while !waiting.is_empty() {
                rounds += 1;
                prop_assert!(rounds < 20_000, "it never ends");
                let next = waiting.iter().enumerate().min_by_key(|(_, (at, ..))| *at).map(|(index, _)| index).unwrap();
                let (now, wanted, chance, first) = waiting.swap_remove(next);
                let taken = pace.take(wanted, &limits, &zone, (chance, first), now);
                prop_assert!(taken.now <= wanted && (taken.now < wanted) == taken.again.is_some());
                let unused = u32::from(chance % 7 == 0 && taken.now > 0);
                // At once, or after others have taken.
                owed.push((taken, unused));
                if chance % 2 == 0 {
                    owed.drain(..).for_each(|(taken, unused)| pace.give_back(&taken, unused));
                }
                let left = taken.now - unused;
                if left > 0 {
                    sent.push((now, left));
                }
                if let Some(again) = taken.again {
                    prop_assert!(again > now, "told to come again at once");
                    waiting.push((again, wanted - taken.now, chance, first));
                }
            }
            let day = |at: Timestamp| at.to_zoned(zone.clone()).date();
            for (at, _) in &sent {
                let of_day: u32 = sent.iter().filter(|(other, _)| day(*other) == day(*at)).map(|(_, n)| n).sum();
                prop_assert!(limits.per_day.is_none_or(|cap| of_day <= cap));
            }
            if let Some(gap) = limits.gap_seconds {
                let gap = SignedDuration::from_secs(gap.into());
                prop_assert!(sent.windows(2).all(|two| two[1].0.duration_since(two[0].0) >= gap));
            }
        }
    }
}
