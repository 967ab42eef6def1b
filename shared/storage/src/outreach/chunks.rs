//! Chunks and the counters they add up to, always written together.

use std::{collections::BTreeMap, time::Duration};

use aws_sdk_dynamodb::{
    primitives::Blob,
    types::{AttributeValue, Put, TransactWriteItem},
};
use domain::{
    Timestamp,
    campaign::{Tallies, Tally},
    cause::Cause,
    chunk::{ChunkRecord, Got, Outcome, Results},
    id::CampaignId,
    subject::Subject,
    variant::Letter,
};

use super::{
    Outreach,
    clicks::{CLICKED, CONSENTED, OPENED},
    health::{self, Health},
    returned::{OBJECTIONS, OF_CAUSE},
};
use crate::{
    abuse::AbuseCase,
    commit,
    db::{Item, PageQuery, Range, StoreError, n, number, s, text},
    keys,
};

/// When somebody was first counted in a counter of a step that has variants, or written to in a chunk where others wait.
const BEGUN: &str = "begun";
/// The round of the messages about a chunk.
const ROUND: &str = "round";

/// What the name of a variant's count begins with; its letter and the outcome's name follow.
pub(super) const OF_VARIANT: &str = "v_";

impl Outreach<'_> {
    /// A chunk's record at one step, strongly consistent.
    pub async fn chunk(&self, id: CampaignId, chunk: u32, step: u8) -> Result<Option<ChunkRecord>, StoreError> {
        let key = keys::chunk(self.workspace, id, chunk, step);
        let answer = self.db.getting(self.table(), &key).consistent_read(true).send().await?;
        answer.item.as_ref().map(read).transpose()
    }

    /// A chunk's records at all the steps that it has been through or begun, with their numbers and in their order,
    /// strongly consistent.
    pub async fn chunk_so_far(&self, id: CampaignId, chunk: u32) -> Result<Vec<(u8, ChunkRecord)>, StoreError> {
        let (pk, prefix) = (keys::campaign_parts(self.workspace, id), keys::steps_of(chunk));
        let query = PageQuery { strong: true, ..PageQuery::of(&pk, Range::Prefix(&prefix)) };
        let of = |item: &Item| {
            let (_, step) = keys::chunk_and_step(&text(item, "sk")?).ok_or(StoreError::Corrupt("a chunk's number"))?;
            Ok((step, read(item)?))
        };
        self.db.all(self.table(), query).await?.iter().map(of).collect()
    }

    /// Whether somebody of a chunk goes on in a chunk of their own, by their place in it, strongly consistent.
    pub async fn is_postponed(&self, id: CampaignId, (chunk, index): (u32, usize)) -> Result<bool, StoreError> {
        let so_far = self.chunk_so_far(id, chunk).await?;
        Ok(so_far.iter().any(|(_, record)| record.results.get(index) == Some(Outcome::Postponed)))
    }

    /// Joins `results` into a chunk's record at a step and moves the step's counters by what changed, in one
    /// transaction: the counters are the sum of the chunks at every moment. With everybody's outcome known, the
    /// chunk's next step is due at `next`, if it has one. Returns the joined results.
    pub async fn settle(
        &self,
        id: CampaignId,
        at: (u32, u8),
        outcomes: (&[Subject], &Results),
        next: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Results, StoreError> {
        self.join(id, at, outcomes, After { next, ..After::default() }, now).await
    }

    /// The same for a chunk of which those who are still pending were put off by their channel, because of them: the
    /// first time at `since`, which stays as it was first noted.
    pub async fn settle_put_off(
        &self,
        id: CampaignId,
        at: (u32, u8),
        outcomes: (&[Subject], &Results),
        since: Timestamp,
        now: Timestamp,
    ) -> Result<Results, StoreError> {
        self.join(id, at, outcomes, After { put_off: Some(since), ..After::default() }, now).await
    }

    /// The same for results that somebody complained: what was not known before is counted in the case of abuse about
    /// the campaign, which is opened as `fresh` if there is none, in that transaction.
    pub async fn settle_complaint(
        &self,
        id: CampaignId,
        at: (u32, u8),
        outcomes: (&[Subject], &Results),
        fresh: &AbuseCase,
        now: Timestamp,
    ) -> Result<Results, StoreError> {
        self.join(id, at, outcomes, After { fresh: Some(fresh), ..After::default() }, now).await
    }

    async fn join(
        &self,
        id: CampaignId,
        (chunk, step): (u32, u8),
        (subjects, results): (&[Subject], &Results),
        After { next, put_off, fresh }: After<'_>,
        now: Timestamp,
    ) -> Result<Results, StoreError> {
        // Two senders of one chunk, or a sender and an event, may meet: the second joins the first.
        for attempt in 0..10 {
            if attempt > 0 {
                tokio::time::sleep(Duration::from_millis(20 << attempt.min(6))).await;
            }
            let record = self.chunk(id, chunk, step).await?;
            if record.as_ref().is_some_and(|r| !r.is_of(subjects)) {
                return Err(StoreError::Corrupt("a chunk's people are not those of the message"));
            }
            let mut joined = record.as_ref().map_or_else(|| Results::pending(subjects.len()), |r| r.results.clone());
            let before = joined.clone();
            joined.join_all(results);
            let noted = record.as_ref().and_then(|r| r.due);
            let due = noted.or(next.filter(|_| joined.settled()));
            let known_begun = record.as_ref().and_then(|r| r.begun);
            let put_off = record.as_ref().and_then(|r| r.put_off).or(put_off.filter(|_| !joined.settled()));
            if record.as_ref().is_some_and(|r| r.put_off == put_off) && joined == before && due == noted {
                return Ok(joined);
            }
            // First among what `follow-up` reads: to come too often does no harm, to be forgotten would.
            if let Some(due) = due.filter(|_| noted.is_none()) {
                self.note_due(id, (chunk, step + 1), due).await?;
            }
            let complaints = difference(&before, &joined).of(Outcome::Complained);
            let also = match fresh.filter(|_| complaints > 0) {
                Some(fresh) => self.db.counting_complaints(id, fresh, complaints).await?,
                None => Vec::new(),
            };
            let (subjects, round, version) =
                record.map_or_else(|| (subjects.to_vec(), 0, 0), |r| (r.subjects, r.round, r.version));
            let begun = known_begun.or(joined.iter().any(Outcome::was_taken).then_some(now));
            let begun = begun.filter(|_| !joined.settled());
            let after = ChunkRecord { subjects, results: joined, due, put_off, begun, round, version: version + 1 };
            let health = self.came_to_pass(id, (&before, &after), now).await?;
            match self.write((id, chunk, step), &before, &after, (health, also), now).await {
                Err(StoreError::Conflict | StoreError::Throttled(_)) => {}
                // It may have been written: reading again tells.
                Err(StoreError::Unavailable(_)) if attempt < 4 => {}
                Err(error) => return Err(error),
                Ok(()) => return Ok(after.results),
            }
        }
        Err(StoreError::Throttled("a chunk's record keeps changing".into()))
    }

    /// Notes that the message of this round about a chunk at a step is on the queue, or is worked on; never back. One that was never put
    /// down has none. It is a write of the record like any other: nobody who read it before writes over it.
    pub async fn note_round(&self, id: CampaignId, (chunk, step): (u32, u8), round: u32) -> Result<(), StoreError> {
        let key = keys::chunk(self.workspace, id, chunk, step);
        let update = self.db.updating(self.table(), &key).update_expression("SET #round = :round, v = v + :one");
        let behind = "attribute_exists(pk) AND (attribute_not_exists(#round) OR #round < :round)";
        let update = update.condition_expression(behind).expression_attribute_names("#round", ROUND);
        let update = update.expression_attribute_values(":round", n(round)).expression_attribute_values(":one", n(1));
        match update.send().await.map_err(StoreError::from) {
            Ok(_) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn write(
        &self,
        (id, chunk, step): (CampaignId, u32, u8),
        before: &Results,
        after: &ChunkRecord,
        (health, also): (Health, Vec<TransactWriteItem>),
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let key = keys::chunk(self.workspace, id, chunk, step);
        let mut put = Put::builder()
            .table_name(self.table())
            .item("pk", s(key.pk))
            .item("sk", s(key.sk))
            .item("v", n(after.version))
            .item("who", AttributeValue::B(Blob::new(Subject::pack(&after.without_the_erased()))))
            .item("res", s(after.results.to_string()))
            .item("ttl", n(super::ttl(now)));
        if let Some(due) = after.due {
            put = put.item("due", n(due.as_second()));
        }
        if let Some(since) = after.put_off {
            put = put.item("off", n(since.as_second()));
        }
        if let Some(begun) = after.begun {
            put = put.item(BEGUN, n(begun.as_second()));
        }
        if after.round > 0 {
            put = put.item(ROUND, n(after.round));
        }
        put = if after.version == 1 {
            put.condition_expression("attribute_not_exists(pk)")
        } else {
            put.condition_expression("v = :seen").expression_attribute_values(":seen", n(after.version - 1))
        };
        let put = put.build().map_err(|_| StoreError::Corrupt("a put to write"))?;
        let mut writes = vec![TransactWriteItem::builder().put(put).build()];
        let (all, of_variants) = (difference(before, &after.results), difference_of_variants(before, &after.results));
        let moved = all.iter().map(|(outcome, by)| (outcome.name(), by));
        let of_variants = of_variants.iter().flat_map(|(variant, tally)| {
            tally.iter().map(move |(outcome, by)| (format!("{OF_VARIANT}{variant}_{}", outcome.name()), by))
        });
        let of_signed = difference_of_signed(before, &after.results);
        let of_signed = of_signed.into_iter().map(|(variant, by)| (clicks_name(variant, CONSENTED), by));
        let moved: Vec<(String, i64)> = moved.chain(of_variants).chain(of_signed).chain(health.added()).collect();
        if !moved.is_empty() {
            let key = keys::counter(self.workspace, id, step, chunk);
            let mut update = commit::update(self.table(), &key);
            let mut adds = Vec::new();
            for (index, (name, by)) in moved.into_iter().enumerate() {
                adds.push(format!("#n{index} :n{index}"));
                update = update
                    .expression_attribute_names(format!("#n{index}"), name)
                    .expression_attribute_values(format!(":n{index}"), n(by));
            }
            let mut expression = format!("ADD {}", adds.join(", "));
            if after.results.has_variants() {
                expression.push_str(&format!(" SET {BEGUN} = if_not_exists({BEGUN}, :begun)"));
                update = update.expression_attribute_values(":begun", n(now.as_second()));
            }
            expression.push_str(&health.removed(now));
            writes.push(commit::updated(update.update_expression(expression))?);
        }
        writes.extend(also);
        self.db.commit(writes).await
    }

    /// The counters, added up for each step. Strongly consistent.
    pub async fn tallies(&self, id: CampaignId) -> Result<Tallies, StoreError> {
        self.tallied(id, keys::COUNTER).await
    }

    /// Those of one step.
    pub async fn tallies_of(&self, id: CampaignId, step: u8) -> Result<Tallies, StoreError> {
        self.tallied(id, &keys::counters_of(step)).await
    }

    async fn tallied(&self, id: CampaignId, prefix: &str) -> Result<Tallies, StoreError> {
        let pk = keys::campaign_parts(self.workspace, id);
        let query = PageQuery { strong: true, ..PageQuery::of(&pk, Range::Prefix(prefix)) };
        let mut tallies = Tallies::default();
        for item in self.db.all(self.table(), query).await? {
            let step = keys::counted_step(&text(&item, "sk")?).ok_or(StoreError::Corrupt("a counter's step"))?;
            health::read(&item, tallies.days_mut())?;
            for (name, value) in &item {
                let (Some(counts), Ok(by)) = (Counts::of(name), value.as_n()) else { continue };
                let by: i64 = by.parse().map_err(|_| StoreError::Corrupt("a counter"))?;
                match counts {
                    Counts::Outcome(outcome) => tallies.step_mut(step).add(outcome, by),
                    Counts::OfVariant(variant, outcome) => tallies.variant_mut(step, variant).add(outcome, by),
                    Counts::Cause(cause) => tallies.add_cause(step, cause, by),
                    Counts::Objections(variant) => tallies.add_objections(step, variant, by),
                    Counts::Consented(variant) => {
                        tallies.clicks_mut(step, variant).consented += u64::try_from(by).unwrap_or(0);
                    }
                    Counts::Opened => tallies.add_opened(step, u64::try_from(by).unwrap_or(0)),
                    Counts::Clicked(variant) => {
                        tallies.clicks_mut(step, variant).clicked += u64::try_from(by).unwrap_or(0);
                    }
                }
            }
            if item.contains_key(BEGUN)
                && let Ok(begun) = Timestamp::from_second(number(&item, BEGUN)?)
            {
                tallies.begin(step, begun);
            }
        }
        Ok(tallies)
    }

    /// Chunks that were put down, in order of their number and step, from after a sort key.
    pub async fn chunks(
        &self,
        id: CampaignId,
        after: Option<&str>,
        limit: Option<u32>,
    ) -> Result<(Vec<((u32, u8), ChunkRecord)>, Option<String>), StoreError> {
        let pk = keys::campaign_parts(self.workspace, id);
        let limit = limit.and_then(|l| i32::try_from(l).ok());
        let query = PageQuery { strong: true, after, limit, ..PageQuery::of(&pk, Range::Prefix(keys::CHUNK)) };
        let page = self.db.page(self.table(), &query).await?;
        let mut chunks = Vec::with_capacity(page.items.len());
        for item in &page.items {
            let at = keys::chunk_and_step(&text(item, "sk")?).ok_or(StoreError::Corrupt("a chunk's number"))?;
            chunks.push((at, read(item)?));
        }
        Ok((chunks, page.next))
    }
}

/// What else is written with the outcomes of a chunk.
#[derive(Default)]
struct After<'a> {
    /// When its next step is due, once everybody's outcome is known.
    next: Option<Timestamp>,
    /// Since when those who are still pending are put off.
    put_off: Option<Timestamp>,
    /// The case of abuse that complaints are counted in, if there is none.
    fresh: Option<&'a AbuseCase>,
}

fn moment(item: &Item, name: &'static str) -> Result<Option<Timestamp>, StoreError> {
    match item.contains_key(name) {
        true => Ok(Timestamp::from_second(number(item, name)?).ok()),
        false => Ok(None),
    }
}

pub(super) fn read(item: &Item) -> Result<ChunkRecord, StoreError> {
    let who = item.get("who").and_then(|v| v.as_b().ok()).ok_or(StoreError::Corrupt("a chunk's people"))?;
    Ok(ChunkRecord {
        subjects: Subject::unpack(who.as_ref()).ok_or(StoreError::Corrupt("a chunk's people"))?,
        results: text(item, "res")?.try_into().map_err(StoreError::Corrupt)?,
        due: moment(item, "due")?,
        put_off: moment(item, "off")?,
        begun: moment(item, BEGUN)?,
        round: if item.contains_key(ROUND) { number(item, ROUND)? } else { 0 },
        version: number(item, "v")?,
    })
}

/// What an attribute of a counter counts.
#[derive(Debug, PartialEq, Eq)]
enum Counts {
    Outcome(Outcome),
    OfVariant(Letter, Outcome),
    /// Messages that came back for a cause.
    Cause(Cause),
    /// People who objected after a message, or after one of a variant.
    Objections(Option<Letter>),
    /// Messages whose clicks are recorded, of a step or of a variant.
    Consented(Option<Letter>),
    /// Those of which the person followed a link.
    Clicked(Option<Letter>),
    /// Messages that their people opened.
    Opened,
}

impl Counts {
    fn of(name: &str) -> Option<Self> {
        if let Some(cause) = name.strip_prefix(OF_CAUSE) {
            return Cause::from_name(cause).map(Self::Cause);
        }
        match name.strip_prefix(OF_VARIANT) {
            Some(rest) => {
                let (letter, name) = rest.split_once('_')?;
                let letter = letter.parse().ok()?;
                match name {
                    OBJECTIONS => Some(Self::Objections(Some(letter))),
                    CONSENTED => Some(Self::Consented(Some(letter))),
                    CLICKED => Some(Self::Clicked(Some(letter))),
                    name => Some(Self::OfVariant(letter, Outcome::from_name(name)?)),
                }
            }
            None if name == OBJECTIONS => Some(Self::Objections(None)),
            None if name == CONSENTED => Some(Self::Consented(None)),
            None if name == CLICKED => Some(Self::Clicked(None)),
            None if name == OPENED => Some(Self::Opened),
            None => Outcome::from_name(name).map(Self::Outcome),
        }
    }
}

/// The name of a count of clicks, of a step or of one of its variants.
fn clicks_name(variant: Option<Letter>, what: &str) -> String {
    variant.map_or_else(|| what.to_owned(), |variant| format!("{OF_VARIANT}{variant}_{what}"))
}

/// What a change of results moves in the counts of messages that left with signed links, of the step and of variants.
fn difference_of_signed(before: &Results, after: &Results) -> BTreeMap<Option<Letter>, i64> {
    let left = |outcome: Outcome, got: Got| outcome.was_taken() && got.signed;
    let mut moved = BTreeMap::new();
    let mut add = |variant: Option<Letter>, by| {
        *moved.entry(None).or_default() += by;
        if variant.is_some() {
            *moved.entry(variant).or_default() += by;
        }
    };
    let of = |results: &Results| results.iter().zip(results.all_got()).collect::<Vec<_>>();
    for ((old, had), (new, has)) in of(before).into_iter().zip(of(after)) {
        if left(old, had) {
            add(had.variant, -1);
        }
        if left(new, has) {
            add(has.variant, 1);
        }
    }
    moved.retain(|_, by| *by != 0);
    moved
}

/// What a change of results moves in the counts of variants. Whose variant becomes known later is counted then.
fn difference_of_variants(before: &Results, after: &Results) -> BTreeMap<Letter, Tally> {
    let mut tallies = BTreeMap::<Letter, Tally>::new();
    let mut add = |variant: Option<Letter>, outcome, by| {
        if let Some(variant) = variant.filter(|_| outcome != Outcome::Pending) {
            tallies.entry(variant).or_default().add(outcome, by);
        }
    };
    let of = |results: &Results| results.iter().zip(results.variants()).collect::<Vec<_>>();
    for ((old, had), (new, has)) in of(before).into_iter().zip(of(after)) {
        if (old, had) != (new, has) {
            add(had, old, -1);
            add(has, new, 1);
        }
    }
    tallies.retain(|_, tally| tally.iter().next().is_some());
    tallies
}

/// What a change of results moves in the counters. Pending people are in no counter.
fn difference(before: &Results, after: &Results) -> Tally {
    let mut tally = Tally::default();
    for (old, new) in before.iter().zip(after.iter()) {
        if old != new {
            if old != Outcome::Pending {
                tally.add(old, -1);
            }
            tally.add(new, 1);
        }
    }
    tally
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_agreed_counts_once_their_message_has_left_and_with_their_variant() {
        let results = |text: &str| Results::try_from(text.to_owned()).unwrap();
        let moved = |before: &str, after: &str| -> Vec<String> {
            let moved = difference_of_signed(&results(before), &results(after));
            moved.iter().map(|(variant, by)| format!("{} {by}", clicks_name(*variant, CONSENTED))).collect()
        };
        assert_eq!(moved("....", "SSFU|azbz"), ["consented 2", "v_A_consented 1"]);
        assert_eq!(moved("U|z", "S|z"), ["consented 1"]);
        assert_eq!(moved("S|z", "R|z"), [""; 0]);
        assert_eq!(moved("S", "S|a"), ["consented 1", "v_A_consented 1"]);
        assert_eq!(moved("..", "SS|AB"), [""; 0]);
    }

    #[test]
    fn a_variant_counts_what_became_of_it_once_it_is_known_which_it_was() {
        let results = |text: &str| Results::try_from(text.to_owned()).unwrap();
        let moved = |before: &str, after: &str| -> Vec<String> {
            let tallies = difference_of_variants(&results(before), &results(after));
            let of = |(letter, tally): (&Letter, &Tally)| {
                tally.iter().map(|(outcome, by)| format!("{letter} {} {by}", outcome.name())).collect::<Vec<_>>()
            };
            tallies.iter().flat_map(of).collect()
        };
        assert_eq!(moved("...", "SSF|ABA"), ["A sent 1", "A failed 1", "B sent 1"]);
        assert_eq!(moved("SSF|ABA", "SRF|ABA"), ["B sent -1", "B replied 1"]);
        assert_eq!(moved("SU.", "SU.|AB."), ["A sent 1", "B unknown 1"]);
        assert_eq!(moved("SS|AB", "SS|AB"), [""; 0]);
        assert_eq!(moved("..", "So"), [""; 0]);
        for (name, expected) in [
            ("v_B_replied", Letter::at(1).map(|letter| Counts::OfVariant(letter, Outcome::Replied))),
            ("replied", Some(Counts::Outcome(Outcome::Replied))),
            ("b_mailbox_full", Some(Counts::Cause(Cause::MailboxFull))),
            ("opted_out", Some(Counts::Objections(None))),
            ("v_A_opted_out", Some(Counts::Objections(Letter::at(0)))),
            ("b_replied", None),
            ("v_X_replied", None),
            ("begun", None),
        ] {
            assert_eq!(Counts::of(name), expected, "{name}");
        }
    }
}
