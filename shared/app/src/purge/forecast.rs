//! What a purge would do: counts, moments and rules, and nobody's data.

use std::collections::{BTreeMap, HashSet};

use domain::{
    Timestamp,
    id::ImportId,
    policy::retention::{Action, Class, Clock, Policy},
};
use serde::Serialize;

use super::due::Why;

/// What a run would delete at a moment.
#[derive(Debug, Serialize)]
pub struct Forecast {
    /// The moment.
    pub at: Timestamp,
    /// Always true: nothing was deleted.
    pub dry_run: bool,
    /// False when time ran out before everything was looked at: there may be more.
    pub complete: bool,
    /// Items looked at.
    pub scanned: u64,
    /// The policy it would be done by.
    pub policy: &'static str,
    /// What would go, by class.
    pub due: BTreeMap<&'static str, Expected>,
}

/// What would go of one class, and why.
#[derive(Debug, Serialize)]
pub struct Expected {
    /// How many.
    pub count: u64,
    /// How many of them by what.
    pub why: BTreeMap<Why, u64>,
    /// The period of policy.toml.
    pub keep: String,
    /// What it runs from.
    pub clock: Clock,
    /// What happens.
    pub at_end: Action,
    /// When the first of them became due.
    pub earliest: Timestamp,
    /// When the last of them did.
    pub latest: Timestamp,
}

/// What was found so far.
#[derive(Debug, Default)]
pub(super) struct Foreseen {
    due: BTreeMap<Class, Found>,
    /// Imports whose files are counted already.
    pub(super) files: HashSet<ImportId>,
}

#[derive(Debug)]
struct Found {
    why: BTreeMap<Why, u64>,
    earliest: Timestamp,
    latest: Timestamp,
}

impl Foreseen {
    pub(super) fn count(&mut self, class: Class, why: Why, since: Timestamp, more: u64) {
        if more > 0 {
            let first = || Found { why: BTreeMap::new(), earliest: since, latest: since };
            let found = self.due.entry(class).or_insert_with(first);
            *found.why.entry(why).or_default() += more;
            found.earliest = since.min(found.earliest);
            found.latest = since.max(found.latest);
        }
    }

    pub(super) fn forecast(self, at: Timestamp, complete: bool, scanned: u64) -> Forecast {
        let policy = Policy::current();
        let due = self.due.into_iter().map(|(class, Found { why, earliest, latest })| {
            let rule = policy.rule(class);
            let (keep, clock, at_end) = (rule.keep.to_string(), rule.clock, rule.at_end);
            let count = why.values().sum();
            (class.key(), Expected { count, why, keep, clock, at_end, earliest, latest })
        });
        Forecast { at, dry_run: true, complete, scanned, policy: policy.fingerprint(), due: due.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_has_its_first_and_its_last_moment_and_its_rule() {
        let mut foreseen = Foreseen::default();
        let second = |second| Timestamp::from_second(second).unwrap();
        for (since, why, more) in [(20, Why::PeriodOver, 1), (10, Why::AccountOver, 2), (30, Why::OptedOut, 0)] {
            foreseen.count(Class::Limiter, why, second(since), more);
        }
        let forecast = foreseen.forecast(second(40), true, 9);
        let limiter = &forecast.due["limiter"];
        assert_eq!((limiter.count, limiter.earliest, limiter.latest), (3, second(10), second(20)));
        assert_eq!(limiter.why, BTreeMap::from([(Why::PeriodOver, 1), (Why::AccountOver, 2)]));
        assert_eq!((limiter.keep.as_str(), limiter.clock), ("24 hours", Clock::Attempted));
        assert_eq!(forecast.due.len(), 1);
    }
}
