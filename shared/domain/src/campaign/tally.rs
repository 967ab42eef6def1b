//! What became of a campaign's messages, counted: by outcome, step, variant and cause.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    cause::Cause,
    chunk::Outcome,
    health::window::Days,
    variant::{Letter, Seen},
};

/// How many messages have which outcome. `audience = pending + sent + refused + failed + unknown`, always.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Everyone the campaign is for; of several steps together, once for each.
    pub audience: u64,
    /// No outcome yet.
    pub pending: u64,
    /// Accepted by the channel.
    pub sent: u64,
    /// Not written to, by rule.
    pub refused: u64,
    /// Definitely not accepted by the channel.
    pub failed: u64,
    /// May have been accepted; an event of the provider settles it.
    pub unknown: u64,
}

/// Outcomes counted, by kind and refusals by reason.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tally(BTreeMap<Outcome, i64>);

impl Tally {
    /// One more of an outcome (or `by` more; negative when an outcome is replaced).
    pub fn add(&mut self, outcome: Outcome, by: i64) {
        let slot = self.0.entry(outcome).or_default();
        *slot += by;
        if *slot == 0 {
            self.0.remove(&outcome);
        }
    }

    /// What differs from zero.
    pub fn iter(&self) -> impl Iterator<Item = (Outcome, i64)> + '_ {
        self.0.iter().map(|(outcome, by)| (*outcome, *by))
    }

    fn all(&self, wanted: fn(Outcome) -> bool) -> u64 {
        let sum: i64 = self.iter().filter(|(o, _)| wanted(*o)).map(|(_, by)| by).sum();
        u64::try_from(sum).unwrap_or(0)
    }

    /// Messages that the channel accepted, whatever became of them.
    pub fn sent(&self) -> u64 {
        self.all(Outcome::was_taken)
    }

    /// Messages that are known to have arrived: the recipient's server took them, or the person answered or complained.
    pub fn delivered(&self) -> u64 {
        self.all(|o| matches!(o, Outcome::Delivered | Outcome::Replied | Outcome::Complained))
    }

    /// Messages that the channel certainly did not accept.
    pub fn failed(&self) -> u64 {
        self.all(|o| matches!(o, Outcome::Failed | Outcome::PutOff))
    }

    /// The public counts, over an audience of this size.
    pub fn counts(&self, audience: u64) -> Counts {
        let sent = self.sent();
        let refused = self.all(|o| matches!(o, Outcome::Refused(_)));
        let failed = self.failed();
        let unknown = self.of(Outcome::Unknown);
        let pending = audience.saturating_sub(sent + refused + failed + unknown);
        Counts { audience, pending, sent, refused, failed, unknown }
    }

    /// Refusals by reason, as the API names them.
    pub fn refused_by_reason(&self) -> BTreeMap<&'static str, u64> {
        self.iter()
            .filter_map(|(outcome, by)| match outcome {
                Outcome::Refused(reason) => Some((reason.as_str(), u64::try_from(by).unwrap_or(0))),
                _ => None,
            })
            .collect()
    }

    /// How many have this outcome.
    pub fn of(&self, outcome: Outcome) -> u64 {
        self.0.get(&outcome).and_then(|by| u64::try_from(*by).ok()).unwrap_or(0)
    }
}

/// Messages whose clicks are recorded, and those of which the person followed a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Clicks {
    /// Messages with signed links that left: their people agreed to it.
    pub consented: u64,
    /// Of those, with a click of the person's.
    pub clicked: u64,
}

/// Outcomes counted for each step, and for each of its variants.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tallies {
    steps: BTreeMap<u8, Tally>,
    variants: BTreeMap<(u8, Letter), Tally>,
    causes: BTreeMap<u8, BTreeMap<Cause, i64>>,
    objections: BTreeMap<(u8, Option<Letter>), i64>,
    clicks: BTreeMap<(u8, Option<Letter>), Clicks>,
    opened: BTreeMap<u8, u64>,
    begun: BTreeMap<u8, Timestamp>,
    days: Days,
}

impl Tallies {
    /// The count of one step, to be added to.
    pub fn step_mut(&mut self, step: u8) -> &mut Tally {
        self.steps.entry(step).or_default()
    }

    /// The count of one variant of a step, to be added to.
    pub fn variant_mut(&mut self, step: u8, variant: Letter) -> &mut Tally {
        self.variants.entry((step, variant)).or_default()
    }

    /// So many more objected after a message of a step, or after one of its variants.
    pub fn add_objections(&mut self, step: u8, variant: Option<Letter>, by: i64) {
        *self.objections.entry((step, variant)).or_default() += by;
    }

    /// How many objected after a message of a step, or after one of its variants.
    pub fn opted_out(&self, step: u8, variant: Option<Letter>) -> u64 {
        self.objections.get(&(step, variant)).and_then(|by| u64::try_from(*by).ok()).unwrap_or(0)
    }

    /// So many more messages of a step came back for a cause.
    pub fn add_cause(&mut self, step: u8, cause: Cause, by: i64) {
        *self.causes.entry(step).or_default().entry(cause).or_default() += by;
    }

    /// For which causes the messages of a step came back, or those of all steps.
    pub fn bounced_by_cause(&self, step: Option<u8>) -> BTreeMap<&'static str, u64> {
        let mut causes = BTreeMap::new();
        let wanted = self.causes.iter().filter(|(number, _)| step.is_none_or(|step| step == **number));
        for (cause, by) in wanted.flat_map(|(_, causes)| causes) {
            *causes.entry(cause.as_str()).or_default() += u64::try_from(*by).unwrap_or(0);
        }
        causes.retain(|_, by| *by > 0);
        causes
    }

    /// The count of clicks of a step, or of one of its variants, to be added to.
    pub fn clicks_mut(&mut self, step: u8, variant: Option<Letter>) -> &mut Clicks {
        self.clicks.entry((step, variant)).or_default()
    }

    /// The clicks of a step, or of one of its variants.
    pub fn clicks(&self, step: u8, variant: Option<Letter>) -> Clicks {
        self.clicks.get(&(step, variant)).copied().unwrap_or_default()
    }

    /// The clicks of all steps together.
    pub fn all_clicks(&self) -> Clicks {
        let steps = self.clicks.iter().filter(|((_, variant), _)| variant.is_none());
        steps.fold(Clicks::default(), |sum, (_, step)| Clicks {
            consented: sum.consented + step.consented,
            clicked: sum.clicked + step.clicked,
        })
    }

    /// Messages of a step that their people opened, who agreed to have that recorded.
    pub fn opened(&self, step: u8) -> u64 {
        self.opened.get(&step).copied().unwrap_or_default()
    }

    /// More of them.
    pub fn add_opened(&mut self, step: u8, by: u64) {
        *self.opened.entry(step).or_default() += by;
    }

    /// Somebody was written to in this step, which has variants, at this time.
    pub fn begin(&mut self, step: u8, at: Timestamp) {
        let begun = self.begun.entry(step).or_insert(at);
        *begun = at.min(*begun);
    }

    /// What was handed over and came back by day and channel, to be added to.
    pub const fn days_mut(&mut self) -> &mut Days {
        &mut self.days
    }

    /// The same.
    pub const fn days(&self) -> &Days {
        &self.days
    }

    /// One step's.
    pub fn of(&self, step: u8) -> Tally {
        self.steps.get(&step).cloned().unwrap_or_default()
    }

    /// That of one variant of a step.
    pub fn of_variant(&self, step: u8, variant: Letter) -> Tally {
        self.variants.get(&(step, variant)).cloned().unwrap_or_default()
    }

    /// When the first message of a step with variants left.
    pub fn begun(&self, step: u8) -> Option<Timestamp> {
        self.begun.get(&step).copied()
    }

    /// What became of each of so many variants of a step, as far as it counts in their contest.
    pub fn seen(&self, step: u8, variants: usize) -> Vec<Seen> {
        let of = |letter| {
            let tally = self.of_variant(step, letter);
            let Clicks { consented, clicked } = self.clicks(step, Some(letter));
            Seen { sent: tally.sent(), replied: tally.of(Outcome::Replied), consented, clicked }
        };
        (0..variants).filter_map(Letter::at).map(of).collect()
    }

    /// All steps together.
    pub fn total(&self) -> Tally {
        let mut total = Tally::default();
        self.steps.values().flat_map(Tally::iter).for_each(|(outcome, by)| total.add(outcome, by));
        total
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Refusal;

    #[test]
    fn counts_add_up_to_the_audience() {
        let mut tally = Tally::default();
        for outcome in [
            Outcome::Sent,
            Outcome::Sent,
            Outcome::Bounced,
            Outcome::Failed,
            Outcome::PutOff,
            Outcome::Unknown,
            Outcome::Refused(Refusal::OptedOut),
        ] {
            tally.add(outcome, 1);
        }
        let counts = tally.counts(10);
        assert_eq!((counts.sent, counts.failed, counts.unknown, counts.refused, counts.pending), (3, 2, 1, 1, 3));
        tally.add(Outcome::Unknown, -1);
        tally.add(Outcome::Sent, 1);
        assert_eq!(tally.counts(10).sent, 4);
        assert_eq!(tally.refused_by_reason(), BTreeMap::from([("opted_out", 1)]));
    }

    #[test]
    fn steps_add_up() {
        let mut tallies = Tallies::default();
        tallies.step_mut(1).add(Outcome::Sent, 9);
        tallies.step_mut(1).add(Outcome::Replied, 1);
        tallies.step_mut(3).add(Outcome::Sent, 4);
        let total = tallies.total();
        assert_eq!((total.of(Outcome::Sent), total.counts(30).sent, total.counts(30).pending), (13, 14, 16));
        assert_eq!((tallies.of(2), tallies.of(3).counts(10).pending), (Tally::default(), 6));
        for (step, cause, by) in [
            (1, Cause::MailboxFull, 2),
            (3, Cause::MailboxFull, 1),
            (3, Cause::Spam, 1),
            (3, Cause::UnknownUser, 1),
            (3, Cause::UnknownUser, -1),
        ] {
            tallies.add_cause(step, cause, by);
        }
        assert_eq!(tallies.bounced_by_cause(None), BTreeMap::from([("mailbox_full", 3), ("spam", 1)]));
        assert_eq!(tallies.bounced_by_cause(Some(1)), BTreeMap::from([("mailbox_full", 2)]));
    }
}
