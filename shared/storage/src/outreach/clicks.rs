//! Clicks on the links of a message, and that it was opened, in the item of its delivery: they go with it. Clicks that wait
//! to be judged are a set, so that they may be written down at the same time, twice and in any order; of those that were
//! judged the person's first one is kept, and whether a program came. Of an opening only its day is kept.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{
    Timestamp,
    clicks::{Click, Found, MOST_VISITS, Visit},
    id::CampaignId,
    subject::Subject,
};
use jiff::{SignedDuration, civil::Date};

use super::{Delivery, Outreach, chunks::OF_VARIANT, deliveries};
use crate::{
    commit,
    db::{Item, StoreError, n, number, s, text},
    keys,
};

/// Attribute: clicks that wait to be judged.
const WAITING: &str = "y";

/// Attribute: when the person first followed a link, epoch seconds.
const AT: &str = "c";

/// Attribute: which link that was.
const LINK: &str = "l";

/// Attribute: a program followed links.
pub(super) const SCANNED: &str = "b";

/// Attribute: an opening that waits to be judged, epoch seconds.
const OPENING: &str = "n";

/// Attribute: the day on which the person first opened it.
const OPENED_ON: &str = "d";

/// Counted with a step's outcomes: messages that their people opened.
pub(super) const OPENED: &str = "opened";

/// How long an opening waits before the next one takes its place: whoever was to judge it never came.
const LEFT_WAITING: SignedDuration = SignedDuration::from_hours(1);

/// Counted with a step's outcomes: messages of which the person followed a link.
pub(super) const CLICKED: &str = "clicked";

/// Counted with them: messages that left with signed links.
pub(super) const CONSENTED: &str = "consented";

/// What is known of the clicks on a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clicked {
    /// The message.
    pub delivery: Delivery,
    /// Clicks that wait to be judged.
    pub waiting: Vec<Visit>,
    /// An opening that does.
    pub opening: Option<Timestamp>,
}

impl Outreach<'_> {
    /// Writes a click down, to be judged. False when the message is not known any more, or has had too many of late.
    pub async fn visited(&self, id: CampaignId, step: u8, subject: Subject, visit: Visit) -> Result<bool, StoreError> {
        let key = keys::delivery(self.workspace, subject, id, step);
        let answer = self
            .db
            .updating(self.table(), &key)
            .update_expression(format!("ADD {WAITING} :visit"))
            .condition_expression(format!(
                "attribute_exists(pk) AND (attribute_not_exists({WAITING}) OR size({WAITING}) < :most)"
            ))
            .expression_attribute_values(":visit", AttributeValue::Ss(vec![visit.to_string()]))
            .expression_attribute_values(":most", n(MOST_VISITS as u64))
            .send()
            .await;
        match answer.map_err(StoreError::from) {
            Ok(_) => Ok(true),
            Err(StoreError::Conflict) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Writes down that a message was opened, to be judged. False when that is known, or waits already, or the message is
    /// not known any more.
    pub async fn opening(&self, id: CampaignId, step: u8, subject: Subject, at: Timestamp) -> Result<bool, StoreError> {
        let answer = self
            .db
            .updating(self.table(), &keys::delivery(self.workspace, subject, id, step))
            .update_expression(format!("SET {OPENING} = :at"))
            .condition_expression(format!(
                "attribute_exists(pk) AND attribute_not_exists({OPENED_ON}) AND \
                 (attribute_not_exists({OPENING}) OR {OPENING} < :left)"
            ))
            .expression_attribute_values(":at", n(at.as_second()))
            .expression_attribute_values(":left", n((at - LEFT_WAITING).as_second()))
            .send()
            .await;
        match answer.map_err(StoreError::from) {
            Ok(_) => Ok(true),
            Err(StoreError::Conflict) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Writes down what the opening was that waited: the day on which the person opened the message, which counts for the
    /// step, once, in the same transaction; or nothing. `Conflict` when another run wrote it down meanwhile.
    pub async fn opening_judged(
        &self,
        subject: Subject,
        clicked: &Clicked,
        opened_on: Option<Date>,
    ) -> Result<(), StoreError> {
        let Delivery { campaign, step, chunk, .. } = clicked.delivery;
        let Some(opening) = clicked.opening else { return Ok(()) };
        let mut update = commit::update(self.table(), &keys::delivery(self.workspace, subject, campaign, step))
            .condition_expression(format!("{OPENING} = :opening AND attribute_not_exists({OPENED_ON})"))
            .expression_attribute_values(":opening", n(opening.as_second()));
        let mut writes = Vec::new();
        match opened_on {
            Some(day) => {
                update = update
                    .update_expression(format!("SET {OPENED_ON} = :day REMOVE {OPENING}"))
                    .expression_attribute_values(":day", s(day.to_string()));
                let counter = commit::update(self.table(), &keys::counter(self.workspace, campaign, step, chunk))
                    .update_expression(format!("ADD {OPENED} :one"))
                    .expression_attribute_values(":one", n(1));
                writes.push(commit::updated(counter)?);
            }
            None => update = update.update_expression(format!("REMOVE {OPENING}")),
        }
        writes.insert(0, commit::updated(update)?);
        self.db.commit(writes).await
    }

    /// The clicks on a message; strongly consistent. `None` for a message that is not known any more.
    pub async fn clicks(&self, id: CampaignId, step: u8, subject: Subject) -> Result<Option<Clicked>, StoreError> {
        let key = keys::delivery(self.workspace, subject, id, step);
        let answer = self.db.getting(self.table(), &key).consistent_read(true).send().await?;
        let Some(item) = answer.item else { return Ok(None) };
        let waiting = item.get(WAITING).and_then(|value| value.as_ss().ok()).into_iter().flatten();
        let mut waiting: Vec<Visit> = waiting.filter_map(|text| text.parse().ok()).collect();
        waiting.sort_unstable();
        let opening = number(&item, OPENING).ok().and_then(|second| Timestamp::from_second(second).ok());
        Ok(Some(Clicked { delivery: deliveries::read(&item)?, waiting, opening }))
    }

    /// Writes down what was found among the clicks on a message. The person's first one counts for the step, once: in the
    /// same transaction. `Conflict` when another one was written down meanwhile.
    pub async fn judged(&self, subject: Subject, clicked: &Clicked, found: &Found) -> Result<(), StoreError> {
        let Delivery { campaign, step, chunk, click, got, .. } = clicked.delivery;
        let key = keys::delivery(self.workspace, subject, campaign, step);
        let first = found.first.filter(|_| click.is_none());
        let (mut sets, mut condition) = (Vec::new(), "attribute_exists(pk)".to_owned());
        let mut update = commit::update(self.table(), &key);
        if let Some(Click { at, link }) = first {
            sets.push(format!("{AT} = :at, {LINK} = :link"));
            condition.push_str(&format!(" AND attribute_not_exists({AT})"));
            update = update
                .expression_attribute_values(":at", n(at.as_second()))
                .expression_attribute_values(":link", n(link));
        }
        if found.scanned && !clicked.delivery.scanned {
            sets.push(format!("{SCANNED} = :yes"));
            update = update.expression_attribute_values(":yes", AttributeValue::Bool(true));
        }
        let mut expression = match sets.is_empty() {
            true => String::new(),
            false => format!("SET {}", sets.join(", ")),
        };
        if !found.done.is_empty() {
            expression.push_str(&format!(" DELETE {WAITING} :done"));
            let done = found.done.iter().map(ToString::to_string).collect();
            update = update.expression_attribute_values(":done", AttributeValue::Ss(done));
        }
        if expression.is_empty() {
            return Ok(());
        }
        let mut writes = vec![commit::updated(update.update_expression(expression).condition_expression(condition))?];
        if first.is_some() {
            let of_variant = got.variant.map(|variant| format!(", {OF_VARIANT}{variant}_{CLICKED} :one"));
            let counter = commit::update(self.table(), &keys::counter(self.workspace, campaign, step, chunk))
                .update_expression(format!("ADD {CLICKED} :one{}", of_variant.unwrap_or_default()))
                .expression_attribute_values(":one", n(1));
            writes.push(commit::updated(counter)?);
        }
        self.db.commit(writes).await
    }
}

/// The day on which the person first opened a message, as its delivery says.
pub(super) fn opened_on(item: &Item) -> Option<Date> {
    text(item, OPENED_ON).ok()?.parse().ok()
}

/// The person's first click on a message, as its delivery says.
pub(super) fn first(item: &Item) -> Option<Click> {
    let at = Timestamp::from_second(number(item, AT).ok()?).ok()?;
    Some(Click { at, link: number(item, LINK).ok()? })
}
