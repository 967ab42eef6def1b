//! How many messages a channel hands over to one receiving domain: caps by day and hour, for each domain.
//!
//! Receivers judge a Sender by what comes from it at once. What they had is one short list for a channel, of hashes and
//! counts, which is read and written once for a group of people, whatever their domains are. It begins anew every day, so it
//! never grows long. As with [`crate::pace`], it is taken from before anybody is claimed, and what was not needed is given back.

use std::collections::BTreeMap;

use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};

use crate::{
    email::EmailAddress,
    id::WorkspaceId,
    pace::{Because, HOUR, Wait, midnight},
    subject::Pepper,
    whole::nearest_if_any,
};

/// What each receiving domain gets by a channel, at most. What is not said has no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DomainLimits {
    /// Messages a day, from midnight to midnight in the workspace's time zone.
    #[serde(deserialize_with = "nearest_if_any", skip_serializing_if = "Option::is_none")]
    pub per_day: Option<u16>,
    /// Messages an hour.
    #[serde(deserialize_with = "nearest_if_any", skip_serializing_if = "Option::is_none")]
    pub per_hour: Option<u16>,
}

/// Messages that the cap of one domain lets through at most.
const MOST_EACH: u16 = 50_000;

impl DomainLimits {
    /// What is wrong with it: a field, as limits have it, and a sentence for whoever wrote it.
    #[must_use]
    pub fn wrong(&self) -> Vec<(&'static str, String)> {
        let caps = [("recipient_domain.per_day", self.per_day), ("recipient_domain.per_hour", self.per_hour)];
        if *self == Self::default() {
            return vec![("recipient_domain", "say per_day, per_hour or both; leave it out for no limit".to_owned())];
        }
        let beyond = caps.into_iter().filter(|(_, cap)| cap.is_some_and(|cap| !(1..=MOST_EACH).contains(&cap)));
        let range = format!("a whole number from 1 to {MOST_EACH}; leave it out for no limit");
        beyond.map(|(field, _)| (field, range.clone())).collect()
    }
}

/// A receiving domain as one workspace knows it, without saying which. Should two ever have the same hash, they share their caps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Receiver([u8; HASH]);

/// Bytes of the hash: of some thousand domains two hardly ever meet.
const HASH: usize = 4;

/// Bytes of one domain in the list.
const ENTRY: usize = HASH + 4;

/// Domains that a channel with such caps writes to in a day, at most; who is at another one waits for the next.
pub const MOST: usize = 4_000;

impl Receiver {
    /// Where messages to this address go.
    pub fn of(address: &EmailAddress, workspace: WorkspaceId, pepper: &Pepper) -> Option<Self> {
        let message = [workspace.as_bytes().as_slice(), address.domain().to_lowercase().as_bytes()].concat();
        pepper.mac("receiver", 1, &message)?.first_chunk().copied().map(Self)
    }
}

/// Messages that a domain had of this day and this hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Had {
    day: u16,
    hour: u16,
}

/// What receiving domains had by one channel of late.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Receivers {
    /// When its day is over, in epoch seconds.
    pub day_ends: i64,
    /// When its hour is over.
    pub hour_ends: i64,
    /// What the first of those who wait waits for.
    pub waits: Option<Wait>,
    had: BTreeMap<Receiver, Had>,
}

/// What came of taking for some messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenFor {
    /// For each of them, whether it may leave now.
    pub may: Vec<bool>,
    /// When to come again for the first of the others.
    pub again: Option<Timestamp>,
    /// What they were taken from.
    pub from: DayAndHour,
}

/// The day and the hour that messages were taken from, by their ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayAndHour {
    day: i64,
    hour: i64,
}

impl Receivers {
    /// Takes one message for each of `wanted`, in this order, as far as the caps allow.
    pub fn take(&mut self, wanted: &[Receiver], limits: &DomainLimits, zone: &TimeZone, now: Timestamp) -> TakenFor {
        self.turn(zone, now);
        let mut again: Option<Wait> = None;
        let may = wanted.iter().map(|receiver| {
            let wait = self.full(*receiver, limits);
            match wait {
                None => {
                    let had = self.had.entry(*receiver).or_default();
                    had.day = had.day.saturating_add(u16::from(limits.per_day.is_some()));
                    had.hour = had.hour.saturating_add(u16::from(limits.per_hour.is_some()));
                }
                Some(wait) => again = Some(again.filter(|first| first.until <= wait.until).unwrap_or(wait)),
            }
            wait.is_none()
        });
        let may = may.collect();
        if let Some(wait) = again {
            self.waits = Some(self.waiting(now).filter(|first| first.until <= wait.until).unwrap_or(wait));
        }
        let from = DayAndHour { day: self.day_ends, hour: self.hour_ends };
        TakenFor { may, again: again.map(|wait| wait.until), from }
    }

    /// Gives back one message for each of these, to the day and the hour that it was taken from.
    pub fn give_back(&mut self, unused: &[(Receiver, DayAndHour)]) {
        for (receiver, from) in unused {
            let Some(had) = self.had.get_mut(receiver) else { continue };
            if from.day == self.day_ends {
                had.day = had.day.saturating_sub(1);
            }
            if from.hour == self.hour_ends {
                had.hour = had.hour.saturating_sub(1);
            }
        }
        self.forget_idle();
    }

    /// Why somebody waits at `now`, and until when.
    #[must_use]
    pub fn waiting(&self, now: Timestamp) -> Option<Wait> {
        self.waits.filter(|wait| wait.until > now)
    }

    /// The list as it is stored.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        let entry = |(receiver, had): (&Receiver, &Had)| {
            [receiver.0.as_slice(), &had.day.to_be_bytes(), &had.hour.to_be_bytes()].concat()
        };
        self.had.iter().flat_map(entry).collect()
    }

    /// What was stored: the ends of its day and hour, what is waited for, and the list. `None` for what is no list.
    #[must_use]
    pub fn stored((day_ends, hour_ends): (i64, i64), waits: Option<Wait>, packed: &[u8]) -> Option<Self> {
        let (entries, rest) = packed.as_chunks::<ENTRY>();
        let entry = |&[a, b, c, d, e, f, g, h]: &[u8; ENTRY]| {
            (Receiver([a, b, c, d]), Had { day: u16::from_be_bytes([e, f]), hour: u16::from_be_bytes([g, h]) })
        };
        let had = entries.iter().map(entry).collect();
        rest.is_empty().then_some(Self { day_ends, hour_ends, waits, had })
    }

    /// What a message to this domain has to wait for.
    fn full(&self, receiver: Receiver, limits: &DomainLimits) -> Option<Wait> {
        let had = self.had.get(&receiver);
        let of = |count: fn(&Had) -> u16| had.map_or(0, count);
        let no_room = had.is_none() && self.had.len() >= MOST;
        let full = |cap: Option<u16>, had: u16| cap.is_some_and(|cap| had >= cap || no_room);
        let (until, because) = if full(limits.per_day, of(|had| had.day)) {
            (self.day_ends, Because::DomainPerDay)
        } else if full(limits.per_hour, of(|had| had.hour)) {
            (self.hour_ends, Because::DomainPerHour)
        } else {
            return None;
        };
        Some(Wait { until: Timestamp::from_second(until).ok()?, because })
    }

    /// Begins another day or hour when the last one is over.
    fn turn(&mut self, zone: &TimeZone, now: Timestamp) {
        if now.as_second() >= self.day_ends {
            self.day_ends = midnight(zone, now);
            self.had.values_mut().for_each(|had| had.day = 0);
        }
        if now.as_second() >= self.hour_ends {
            self.hour_ends = now.as_second() + HOUR;
            self.had.values_mut().for_each(|had| had.hour = 0);
        }
        self.forget_idle();
    }

    fn forget_idle(&mut self) {
        self.had.retain(|_, had| *had != Had::default());
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

    const fn receiver(number: u16) -> Receiver {
        let [high, low] = number.to_be_bytes();
        Receiver([7, 7, high, low])
    }

    const fn caps(per_day: Option<u16>, per_hour: Option<u16>) -> DomainLimits {
        DomainLimits { per_day, per_hour }
    }

    #[test]
    fn each_domain_has_a_day_and_an_hour_of_its_own_share() {
        let (a, b) = (receiver(1), receiver(2));
        let (mut had, noon) = (Receivers::default(), at("2026-11-26T11:00:00Z"));
        let limits = caps(Some(3), Some(2));
        let taken = had.take(&[a, a, a, b], &limits, &paris(), noon);
        assert_eq!((taken.may, taken.again), (vec![true, true, false, true], Some(at("2026-11-26T12:00:00Z"))));
        assert_eq!(had.waiting(noon).unwrap().because, Because::DomainPerHour);
        let one = at("2026-11-26T12:00:00Z");
        assert_eq!(had.waiting(one), None);
        let taken = had.take(&[a, a, b, b], &limits, &paris(), one);
        let midnight = at("2026-11-26T23:00:00Z");
        assert_eq!((taken.may, taken.again), (vec![true, false, true, true], Some(midnight)));
        assert_eq!(had.waiting(one), Some(Wait { until: midnight, because: Because::DomainPerDay }));
        // A second is a second.
        let before = had.take(&[a], &limits, &paris(), at("2026-11-26T22:59:59Z"));
        assert_eq!(before.may, [false]);
        assert_eq!(had.take(&[a, a, a], &caps(Some(3), None), &paris(), midnight).may, [true; 3]);
    }

    #[test]
    fn what_is_given_back_is_had_by_somebody_else_of_that_day_only() {
        let (a, limits) = (receiver(1), caps(Some(2), None));
        let (mut had, late) = (Receivers::default(), at("2026-11-26T22:59:50Z"));
        let taken = had.take(&[a, a], &limits, &paris(), late);
        had.give_back(&[(a, taken.from)]);
        assert_eq!(had.take(&[a, a], &limits, &paris(), late).may, [true, false]);
        let midnight = at("2026-11-26T23:00:00Z");
        had.take(&[a, a], &limits, &paris(), midnight);
        had.give_back(&[(a, taken.from); 2]);
        assert_eq!(had.take(&[a], &limits, &paris(), midnight).may, [false]);
    }

    #[test]
    fn a_list_that_is_full_takes_no_other_domain_until_it_begins_anew() {
        let (limits, noon) = (caps(Some(5), None), at("2026-11-26T11:00:00Z"));
        let most = u16::try_from(MOST).unwrap();
        let all: Vec<Receiver> = (0..most).map(receiver).collect();
        let mut had = Receivers::default();
        assert!(had.take(&all, &limits, &paris(), noon).may.into_iter().all(|may| may));
        assert_eq!(had.take(&[receiver(0), receiver(most)], &limits, &paris(), noon).may, [true, false]);
        assert!(had.pack().len() <= 32_000);
        assert_eq!(had.take(&[receiver(most)], &limits, &paris(), at("2026-11-26T23:00:00Z")).may, [true]);
        assert_eq!(had.pack().len(), ENTRY, "yesterday's are forgotten");
    }

    #[test]
    fn caps_of_nothing_are_refused_and_named() {
        let wrong = |limits: DomainLimits| limits.wrong().into_iter().map(|(field, _)| field).collect::<Vec<_>>();
        assert!(wrong(caps(Some(1), None)).is_empty() && wrong(caps(Some(9), Some(1))).is_empty());
        assert_eq!(wrong(caps(None, None)), ["recipient_domain"]);
        let both = ["recipient_domain.per_day", "recipient_domain.per_hour"];
        assert_eq!(wrong(caps(Some(0), Some(0))), both);
    }

    #[test]
    fn a_domain_is_known_by_a_hash_whatever_its_case() {
        let pepper = Pepper::from_json(r#"{"v1":"0123456789abcdef0123456789abcdef"}"#).unwrap();
        let of = |address: &str, workspace| {
            Receiver::of(&EmailAddress::parse(address).unwrap(), WorkspaceId::from_bytes([workspace; 10]), &pepper)
        };
        let firm = of("ada@firm.test", 1).unwrap();
        assert_eq!(of("bob@FIRM.test", 1), Some(firm));
        assert!(of("ada@gmail.com", 1).is_some_and(|other| other != firm));
        assert_ne!(of("ada@firm.test", 2), Some(firm));
    }

    proptest! {
        /// Whoever asks, in whatever order: no domain gets more than its caps, what is stored reads back the same, and
        /// whoever waits and comes again is through in the end.
        #[test]
        fn no_domain_gets_too_much_and_everybody_leaves_in_the_end(
            per_day in prop::option::of(1..9u16), per_hour in prop::option::of(1..4u16),
            groups in prop::collection::vec(prop::collection::vec(0..5u16, 1..25), 1..6), unused in 0..4usize
        ) {
            let (limits, zone) = (caps(per_day, per_hour), paris());
            let start = at("2026-10-24T20:10:00Z"); // the evening before clocks go back
            let mut had = Receivers::default();
            let mut waiting: Vec<(Timestamp, Vec<u16>)> = groups.into_iter().map(|group| (start, group)).collect();
            let mut sent: Vec<(Timestamp, u16)> = Vec::new();
            for _ in 0..10_000 {
                waiting.sort_by_key(|(at, _)| *at);
                if waiting.is_empty() {
                    break;
                }
                let (now, mut group) = waiting.remove(0);
                let wanted: Vec<Receiver> = group.iter().copied().map(receiver).collect();
                let taken = had.take(&wanted, &limits, &zone, now);
                prop_assert_eq!(taken.may.iter().all(|may| *may), taken.again.is_none());
                let mut may = taken.may.iter();
                let granted: Vec<u16> = group.extract_if(.., |_| *may.next().unwrap()).collect();
                // Some of them turn out not to be written to, and come again at once.
                let back = unused.min(granted.len().saturating_sub(1));
                let idle: Vec<_> = granted[..back].iter().map(|domain| (receiver(*domain), taken.from)).collect();
                had.give_back(&idle);
                sent.extend(granted[back..].iter().map(|domain| (now, *domain)));
                if let Some(again) = taken.again {
                    prop_assert!(again > now);
                    waiting.push((again, group));
                }
                if back > 0 {
                    waiting.push((now, granted[..back].to_vec()));
                }
                let read = Receivers::stored((had.day_ends, had.hour_ends), had.waits, &had.pack());
                prop_assert_eq!(read.as_ref(), Some(&had));
            }
            prop_assert!(waiting.is_empty(), "it never ends");
            let day = |at: Timestamp| at.to_zoned(zone.clone()).date();
            for (now, domain) in &sent {
                let same = sent.iter().filter(|(at, other)| other == domain && day(*at) == day(*now)).count();
                prop_assert!(per_day.is_none_or(|cap| same <= usize::from(cap)));
            }
        }
    }
}
