//! A workspace's endpoints for events, what each is told, and whose turn it is to deliver.
//!
//! An event is written down once for each endpoint that wants it, beside a note of when it is due. Whoever has the
//! endpoint's turn delivers what is due: there is one at a time, so that an endpoint that hangs holds up nobody else.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use domain::{
    Timestamp,
    audit::Entry,
    id::{EventId, WebhookId, WorkspaceId},
    policy::retention::{Class, Policy, ttl},
    webhook::{Event, EventKind},
};
use serde::{Deserialize, Serialize};

use crate::{
    WorkspaceScope, commit,
    db::{Db, Expected, Item, PageQuery, Range, StoreError, from_item, n, s, text},
    keys,
};

/// An endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    /// Its identifier.
    pub id: WebhookId,
    /// Where events are posted to.
    pub url: String,
    /// Which.
    pub events: Vec<EventKind>,
    /// What they are signed with, sealed.
    pub secret: String,
    /// What they were signed with before, sealed, and until when they still are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub former: Option<Former>,
    /// Since when.
    pub created_at: Timestamp,
    /// Why nothing is sent to it, and since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<Disabled>,
}

/// A secret that was replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Former {
    /// The secret, sealed.
    pub secret: String,
    /// Until when it still signs.
    pub until: Timestamp,
}

/// Why nothing is sent to an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disabled {
    /// Since when.
    pub at: Timestamp,
    /// A word of ours.
    pub because: Because,
}

/// A word for that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    /// A member switched it off.
    SwitchedOff,
    /// It took nothing for a day.
    Failing,
    /// It said that it is gone for good (410).
    Gone,
}

impl Because {
    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SwitchedOff => "switched_off",
            Self::Failing => "failing",
            Self::Gone => "gone",
        }
    }
}

/// All endpoints of a workspace, as they are stored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhooks {
    /// The endpoints, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub endpoints: Vec<Webhook>,
    /// Raised by every change; 0 where none was ever registered.
    #[serde(rename = "v")]
    pub version: u64,
}

impl Webhooks {
    /// Those that are told of what happens of a kind.
    pub fn wanting(&self, kind: EventKind) -> impl Iterator<Item = &Webhook> {
        self.endpoints.iter().filter(move |webhook| webhook.disabled.is_none() && webhook.events.contains(&kind))
    }

    /// One of them.
    #[must_use]
    pub fn find(&self, id: WebhookId) -> Option<&Webhook> {
        self.endpoints.iter().find(|webhook| webhook.id == id)
    }
}

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStatus {
    /// It will be tried, or tried again.
    Waiting,
    /// The endpoint took it.
    Delivered,
    /// It was tried to the end.
    Failed,
    /// Nobody whom it is about is there any more.
    Dropped,
}

/// One event for one endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookDelivery {
    /// What happened.
    pub event: Event,
    /// Where it stands.
    pub status: DeliveryStatus,
    /// How often it was tried since it was last asked for.
    pub attempts: u8,
    /// When it is tried next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
    /// When it was last tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tried_at: Option<Timestamp>,
    /// What the endpoint said then: a status of HTTP, or a word of ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// Until when it is kept, epoch seconds.
    pub ttl: i64,
}

/// The turn at an endpoint, as it was when it was taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Turn {
    /// When somebody comes by again, if that was arranged.
    pub timer: Option<Timestamp>,
    /// Runs on end in which the endpoint took nothing.
    pub failing_runs: u32,
    /// Since when it takes nothing.
    pub failing_since: Option<Timestamp>,
}

/// A workspace's endpoints and what they are told.
#[derive(Debug, Clone, Copy)]
pub struct Hooks<'a> {
    db: &'a Db,
    workspace: WorkspaceId,
}

impl Db {
    /// The endpoints of the scope's workspace.
    pub fn hooks<'a>(&'a self, scope: &'a WorkspaceScope) -> Hooks<'a> {
        Hooks { db: self.of(scope), workspace: scope.workspace() }
    }
}

impl Hooks<'_> {
    /// All endpoints. `strong` sees every change that was acknowledged.
    pub async fn all(&self, strong: bool) -> Result<Webhooks, StoreError> {
        let found = self.db.get(&self.db.tables.accounts, &keys::webhooks(self.workspace), strong).await?;
        Ok(found.unwrap_or_default())
    }

    /// Replaces the endpoints that were read. `Conflict` when they have changed since.
    pub async fn put(&self, webhooks: Webhooks, entry: &Entry) -> Result<(), StoreError> {
        let expected = match webhooks.version {
            0 => Expected::Absent,
            seen => Expected::Version(seen),
        };
        let next = Webhooks { version: webhooks.version + 1, ..webhooks };
        let write = commit::put(&self.db.tables.accounts, &keys::webhooks(self.workspace), &next, expected)?;
        self.db.act(write, entry).await
    }

    // ---- events ---------------------------------------------------------------------------------

    /// Notes that an endpoint is to be told of an event. Once, however often it is asked for.
    pub async fn tell(&self, webhook: WebhookId, event: &Event, now: Timestamp) -> Result<(), StoreError> {
        let kept = ttl(Policy::current().expiry(Class::WebhookDelivery, now));
        let fresh = WebhookDelivery {
            event: event.clone(),
            status: DeliveryStatus::Waiting,
            attempts: 0,
            due: Some(now),
            tried_at: None,
            answer: None,
            ttl: kept,
        };
        let key = keys::webhook_event(self.workspace, webhook, event.id);
        let due = match self.db.put(self.table(), &key, &fresh, Expected::Absent).await {
            Ok(()) => Some(now),
            // Whoever wrote it down may have died before the note of when it is due.
            Err(StoreError::Conflict) => self.delivery(webhook, event.id).await?.and_then(|delivery| delivery.due),
            Err(error) => return Err(error),
        };
        match due {
            Some(due) => self.note_due(webhook, event.id, due, kept).await,
            None => Ok(()),
        }
    }

    /// One event for one endpoint.
    pub async fn delivery(&self, webhook: WebhookId, event: EventId) -> Result<Option<WebhookDelivery>, StoreError> {
        self.db.get(self.table(), &keys::webhook_event(self.workspace, webhook, event), true).await
    }

    /// A page of what an endpoint was told or will be, newest first; `after` is the event that ended the page before.
    pub async fn deliveries(
        &self,
        webhook: WebhookId,
        after: Option<EventId>,
        limit: u32,
        now: Timestamp,
    ) -> Result<(Vec<WebhookDelivery>, Option<EventId>), StoreError> {
        let pk = keys::webhook_events(self.workspace, webhook);
        let after = after.map(|event| format!("{}{event}", keys::WEBHOOK_EVENT));
        let query = PageQuery {
            after: after.as_deref(),
            limit: Some(i32::try_from(limit).unwrap_or(i32::MAX)),
            newest_first: true,
            ..PageQuery::of(&pk, Range::Prefix(keys::WEBHOOK_EVENT))
        };
        let page = self.db.page(self.table(), &query).await?;
        let next = page.next.as_deref().and_then(|sk| sk.strip_prefix(keys::WEBHOOK_EVENT)?.parse().ok());
        let items = page.items.into_iter().map(from_item).collect::<Result<Vec<WebhookDelivery>, _>>()?;
        Ok((items.into_iter().filter(|delivery| now.as_second() < delivery.ttl).collect(), next))
    }

    /// What is due at an endpoint at `now`, the longest due first.
    pub async fn due(
        &self,
        webhook: WebhookId,
        now: Timestamp,
        limit: i32,
    ) -> Result<Vec<(Timestamp, EventId)>, StoreError> {
        let last = format!("{}~", keys::webhook_due_at(now));
        self.due_within(webhook, Range::Between(keys::WEBHOOK_DUE, &last), None, limit).await
    }

    /// What waits at an endpoint after one that was seen, whenever it is due, in that order.
    pub async fn waiting(
        &self,
        webhook: WebhookId,
        after: Option<(Timestamp, EventId)>,
        limit: i32,
    ) -> Result<Vec<(Timestamp, EventId)>, StoreError> {
        let after = after.map(|(at, event)| keys::webhook_due(self.workspace, webhook, at, event).sk);
        self.due_within(webhook, Range::Prefix(keys::WEBHOOK_DUE), after.as_deref(), limit).await
    }

    /// When something is next due at an endpoint, if anything is.
    pub async fn next_due(&self, webhook: WebhookId) -> Result<Option<Timestamp>, StoreError> {
        let next = self.due_within(webhook, Range::Prefix(keys::WEBHOOK_DUE), None, 1).await?;
        Ok(next.first().map(|(at, _)| *at))
    }

    async fn due_within(
        &self,
        webhook: WebhookId,
        range: Range<'_>,
        after: Option<&str>,
        limit: i32,
    ) -> Result<Vec<(Timestamp, EventId)>, StoreError> {
        let pk = keys::webhook_events(self.workspace, webhook);
        let query =
            PageQuery { after, limit: Some(limit), strong: true, only: Some("sk"), ..PageQuery::of(&pk, range) };
        let read = |item: &Item| keys::due_webhook(&text(item, "sk")?).ok_or(StoreError::Corrupt("what is due"));
        self.db.page(self.table(), &query).await?.items.iter().map(read).collect()
    }

    /// Writes down how a delivery stands, and when it is due from here on instead of at `was_due`.
    pub async fn record(
        &self,
        webhook: WebhookId,
        delivery: &WebhookDelivery,
        was_due: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let id = delivery.event.id;
        if let Some(due) = delivery.due {
            self.note_due(webhook, id, due, delivery.ttl).await?;
        }
        let key = keys::webhook_event(self.workspace, webhook, id);
        match self.db.put(self.table(), &key, delivery, Expected::Present).await {
            // Deleted meanwhile, because its time was over: it does not come back.
            Ok(()) | Err(StoreError::Conflict) => {}
            Err(error) => return Err(error),
        }
        match was_due.filter(|was| delivery.due != Some(*was)) {
            Some(was) => self.forget_due(webhook, was, id).await,
            None => Ok(()),
        }
    }

    /// Writes down that a member wants an event delivered once more.
    pub async fn replay(
        &self,
        webhook: WebhookId,
        delivery: &WebhookDelivery,
        entry: &Entry,
    ) -> Result<(), StoreError> {
        let key = keys::webhook_event(self.workspace, webhook, delivery.event.id);
        if let Some(due) = delivery.due {
            self.note_due(webhook, delivery.event.id, due, delivery.ttl).await?;
        }
        self.db.act(commit::put(self.table(), &key, delivery, Expected::Present)?, entry).await
    }

    /// Forgets that something was due.
    pub async fn forget_due(&self, webhook: WebhookId, at: Timestamp, event: EventId) -> Result<(), StoreError> {
        self.db.delete(self.table(), &keys::webhook_due(self.workspace, webhook, at, event)).await
    }

    async fn note_due(&self, webhook: WebhookId, event: EventId, at: Timestamp, ttl: i64) -> Result<(), StoreError> {
        #[derive(Serialize)]
        struct Note {
            event: EventId,
            ttl: i64,
        }
        let key = keys::webhook_due(self.workspace, webhook, at, event);
        self.db.put(self.table(), &key, &Note { event, ttl }, Expected::Anything).await
    }

    // ---- turns ----------------------------------------------------------------------------------

    /// Takes the turn at an endpoint until a moment; `None` when somebody else has it, or it is left alone for now.
    /// Whoever has it then looks again before they are done.
    pub async fn take_turn(
        &self,
        webhook: WebhookId,
        holder: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<Turn>, StoreError> {
        let key = keys::webhook_turn(self.workspace, webhook);
        loop {
            let taken = self
                .db
                .updating(&self.db.tables.accounts, &key)
                .update_expression("SET holder = :me, busy_until = :until REMOVE again")
                .condition_expression("attribute_not_exists(busy_until) OR busy_until <= :now")
                .expression_attribute_values(":me", s(holder))
                .expression_attribute_values(":until", n(until.as_millisecond()))
                .expression_attribute_values(":now", n(now.as_millisecond()))
                .return_values(ReturnValue::AllNew)
                .send()
                .await
                .map_err(StoreError::from);
            match taken {
                Ok(answer) => return Ok(Some(turn(&answer.attributes.unwrap_or_default()))),
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error),
            }
            let noted = self
                .db
                .updating(&self.db.tables.accounts, &key)
                .update_expression("SET again = :true")
                .condition_expression("busy_until > :now")
                .expression_attribute_values(":true", AttributeValue::Bool(true))
                .expression_attribute_values(":now", n(now.as_millisecond()))
                .send()
                .await
                .map_err(StoreError::from);
            match noted {
                Ok(_) => return Ok(None),
                // It became free in between.
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Gives the turn back, and leaves the endpoint alone until a moment, if one is given. True when somebody came by
    /// meanwhile. Nothing happens when the turn is somebody else's by now.
    pub async fn end_turn(
        &self,
        webhook: WebhookId,
        holder: &str,
        turn: &Turn,
        alone_until: Option<Timestamp>,
    ) -> Result<bool, StoreError> {
        let mut sets = vec!["failing_runs = :runs"];
        let mut removes = vec!["holder", "again"];
        let key = keys::webhook_turn(self.workspace, webhook);
        let mut update = self
            .db
            .updating(&self.db.tables.accounts, &key)
            .condition_expression("holder = :me")
            .expression_attribute_values(":me", s(holder))
            .expression_attribute_values(":runs", n(turn.failing_runs));
        for (name, set, moment) in [
            ("busy_until", "busy_until = :busy_until", alone_until),
            ("timer", "timer = :timer", turn.timer),
            ("failing_since", "failing_since = :failing_since", turn.failing_since),
        ] {
            match moment {
                Some(moment) => {
                    sets.push(set);
                    update = update.expression_attribute_values(format!(":{name}"), n(moment.as_millisecond()));
                }
                None => removes.push(name),
            }
        }
        let expression = format!("SET {} REMOVE {}", sets.join(", "), removes.join(", "));
        let ended = update.update_expression(expression).return_values(ReturnValue::UpdatedOld).send().await;
        match ended.map_err(StoreError::from) {
            Ok(answer) => Ok(answer.attributes.is_some_and(|before| before.contains_key("again"))),
            Err(StoreError::Conflict) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Forgets how an endpoint failed: it was changed, or switched on again. Whoever is at it goes on.
    pub async fn start_over(&self, webhook: WebhookId) -> Result<(), StoreError> {
        let forgotten = self
            .db
            .updating(&self.db.tables.accounts, &keys::webhook_turn(self.workspace, webhook))
            .update_expression("SET failing_runs = :none REMOVE failing_since, busy_until, timer")
            .condition_expression("attribute_exists(pk) AND attribute_not_exists(holder)")
            .expression_attribute_values(":none", n(0))
            .send()
            .await;
        match forgotten.map_err(StoreError::from) {
            Ok(_) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Gives up the turn of a run that died, which the same message tells of.
    pub async fn give_up_turn(&self, webhook: WebhookId, holder: &str) -> Result<(), StoreError> {
        let given_up = self
            .db
            .updating(&self.db.tables.accounts, &keys::webhook_turn(self.workspace, webhook))
            .update_expression("REMOVE holder, busy_until")
            .condition_expression("holder = :me")
            .expression_attribute_values(":me", s(holder))
            .send()
            .await;
        match given_up.map_err(StoreError::from) {
            Ok(_) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn table(&self) -> &str {
        &self.db.tables.outreach
    }
}

fn turn(item: &Item) -> Turn {
    let number = |name: &str| item.get(name).and_then(|value| value.as_n().ok()).and_then(|text| text.parse().ok());
    let moment = |name: &str| number(name).and_then(|at| Timestamp::from_millisecond(at).ok());
    Turn {
        timer: moment("timer"),
        failing_runs: number("failing_runs").and_then(|runs| u32::try_from(runs).ok()).unwrap_or(0),
        failing_since: moment("failing_since"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::to_item;

    #[test]
    fn what_is_due_sorts_by_its_time_and_reads_back() {
        let (ws, hook) = (WorkspaceId::from_bytes([1; 10]), WebhookId::from_bytes([2; 10]));
        let event = EventId::from_bytes([3; 10]);
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let (early, late) = (at("2026-11-26T10:00:00.001Z"), at("2026-11-26T10:00:00.002Z"));
        let sk = |moment| keys::webhook_due(ws, hook, moment, event).sk;
        assert!(sk(early) < sk(late));
        assert_eq!(keys::due_webhook(&sk(early)), Some((early, event)));
        assert!(sk(early) <= format!("{}~", keys::webhook_due_at(early)));
        assert!(sk(late) > format!("{}~", keys::webhook_due_at(early)));
    }

    #[test]
    fn a_delivery_reads_back() {
        let (ws, now): (_, Timestamp) = (WorkspaceId::from_bytes([1; 10]), "2026-11-26T10:00:00Z".parse().unwrap());
        let campaign = domain::id::CampaignId::from_bytes([2; 10]);
        let event = Event::of_places(ws, EventKind::Bounced, (campaign, 7, 2), &[3, 49], now).because("permanent");
        let status = DeliveryStatus::Waiting;
        let delivery =
            WebhookDelivery { event, status, attempts: 2, due: Some(now), tried_at: Some(now), answer: None, ttl: 9 };
        let key = keys::webhook_event(ws, WebhookId::from_bytes([2; 10]), delivery.event.id);
        assert_eq!(from_item::<WebhookDelivery>(to_item(&key, &delivery).unwrap()).unwrap(), delivery);
    }

    #[test]
    fn only_those_that_want_it_and_are_on_are_told() {
        let now: Timestamp = "2026-11-26T10:00:00Z".parse().unwrap();
        let webhook = |byte, events: &[EventKind], off: bool| Webhook {
            id: WebhookId::from_bytes([byte; 10]),
            url: "https://example.com".into(),
            events: events.to_vec(),
            secret: String::new(),
            former: None,
            created_at: now,
            disabled: off.then_some(Disabled { at: now, because: Because::Failing }),
        };
        let all = vec![
            webhook(1, &[EventKind::Sent], false),
            webhook(2, &[EventKind::Sent, EventKind::Replied], true),
            webhook(3, &[EventKind::Replied], false),
        ];
        let webhooks = Webhooks { endpoints: all, version: 3 };
        let told = |kind| webhooks.wanting(kind).map(|webhook| webhook.id.as_bytes()[0]).collect::<Vec<_>>();
        assert_eq!(
            (told(EventKind::Sent), told(EventKind::Replied), told(EventKind::Bounced)),
            (vec![1], vec![3], vec![])
        );
    }
}
