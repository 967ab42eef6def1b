//! Webhooks: a Sender's own systems are told what happens.
//!
//! Whoever finds that something happened asks whether anybody wants to hear of it, which costs one read a minute for
//! each workspace, and puts it on a queue; nothing else of that happens where messages are sent. The function `webhook`
//! writes it down for each endpoint and delivers.

mod deliver;
mod manage;

use std::{collections::HashMap, sync::Mutex};

use domain::{
    SignedDuration, Timestamp,
    id::{WebhookId, WorkspaceId},
    webhook::{Event, EventKind},
};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use storage::{WorkspaceScope, webhooks::Webhooks};

pub use self::manage::{NewWebhook, WebhookChange};
use crate::{App, Deadline, Failure};

/// Work for `webhook`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub struct WebhookMessage {
    /// Whose endpoints.
    pub workspace: WorkspaceId,
    /// What to do.
    #[serde(flatten)]
    pub task: WebhookTask,
}

/// What `webhook` is asked to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WebhookTask {
    /// Write down for each endpoint what happened.
    Happened(Event),
    /// Deliver what is due at one.
    Deliver {
        /// Which.
        endpoint: WebhookId,
        /// Not before then.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<Timestamp>,
        /// When it was corrected: what was last tried before that is tried at once, whenever it is due.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        corrected: Option<Timestamp>,
    },
}

/// One receipt of a message of the queue.
#[derive(Debug, Clone, Copy)]
pub struct Receipt<'a> {
    /// The queue's name of the message, the same at every receipt.
    pub id: &'a str,
    /// How often it was received, this time included.
    pub receives: u32,
    /// When it was first received.
    pub now: Timestamp,
    /// Until when to be done.
    pub deadline: Deadline,
}

/// The kinds of events that a workspace wants to hear of, as this process last read it.
#[derive(Debug, Default)]
pub(crate) struct Wanted(Mutex<HashMap<WorkspaceId, (Timestamp, Vec<EventKind>)>>);

impl Wanted {
    /// How long it is believed.
    const GOOD_FOR: SignedDuration = SignedDuration::from_secs(60);
    /// Workspaces remembered, at most.
    const MOST: usize = 5_000;

    fn known(&self, workspace: WorkspaceId, kind: EventKind, now: Timestamp) -> Option<bool> {
        let known = self.0.lock().ok()?;
        let (read, kinds) = known.get(&workspace)?;
        // A clock that was set back says nothing either.
        let fresh = *read <= now && now.duration_since(*read) < Self::GOOD_FOR;
        fresh.then(|| kinds.contains(&kind))
    }

    fn remember(&self, workspace: WorkspaceId, webhooks: &Webhooks, now: Timestamp) {
        let wanted = EventKind::ALL.iter().filter(|kind| webhooks.wanting(**kind).next().is_some());
        if let Ok(mut known) = self.0.lock() {
            if known.len() >= Self::MOST {
                known.clear();
            }
            known.insert(workspace, (now, wanted.copied().collect()));
        }
    }
}

impl App {
    /// Whether any endpoint of a workspace wants to hear of what happens of a kind.
    pub(crate) async fn is_wanted(
        &self,
        scope: &WorkspaceScope,
        kind: EventKind,
        now: Timestamp,
    ) -> Result<bool, Failure> {
        if let Some(wanted) = self.wanted_events.known(scope.workspace(), kind, now) {
            return Ok(wanted);
        }
        let webhooks = self.db.hooks(scope).all(false).await?;
        self.wanted_events.remember(scope.workspace(), &webhooks, now);
        Ok(webhooks.wanting(kind).next().is_some())
    }

    /// Tells the endpoints that want to hear of it what happened. `event` is only made if there are any.
    pub(crate) async fn tell_webhooks(
        &self,
        scope: &WorkspaceScope,
        kind: EventKind,
        now: Timestamp,
        event: impl FnOnce() -> Event,
    ) -> Result<(), Failure> {
        if !self.is_wanted(scope, kind, now).await? {
            return Ok(());
        }
        let message = WebhookMessage { workspace: scope.workspace(), task: WebhookTask::Happened(event()) };
        self.enqueue(&self.config.webhook_queue_url, &message, 0).await
    }

    /// The same, where what happened must not fail because nobody could be told of it.
    pub(crate) async fn try_tell_webhooks(
        &self,
        scope: &WorkspaceScope,
        kind: EventKind,
        now: Timestamp,
        event: impl FnOnce() -> Event,
    ) {
        if let Err(failure) = self.tell_webhooks(scope, kind, now, event).await {
            tracing::error!(workspace = %scope.workspace(), kind = kind.code(), cause = failure.cause, "an event is lost");
        }
    }

    /// Handles one message of the queue.
    pub async fn webhook(&self, message: &WebhookMessage, receipt: Receipt<'_>) -> Result<(), Failure> {
        let scope = WorkspaceScope::internal(message.workspace);
        match &message.task {
            WebhookTask::Happened(event) => self.note_event(&scope, event, receipt.now).await,
            WebhookTask::Deliver { endpoint, at, corrected } => {
                self.deliver_due(&scope, *endpoint, (*at, *corrected), receipt).await
            }
        }
    }

    async fn note_event(&self, scope: &WorkspaceScope, event: &Event, now: Timestamp) -> Result<(), Failure> {
        let hooks = self.db.hooks(scope);
        for webhook in hooks.all(true).await?.wanting(event.kind) {
            hooks.tell(webhook.id, event, now).await?;
            self.ask_to_deliver(scope, webhook.id, None, now).await?;
        }
        Ok(())
    }

    /// Has what is due at an endpoint delivered, now or at a time. SQS waits a quarter of an hour at most: whoever comes
    /// too early asks again.
    async fn ask_to_deliver(
        &self,
        scope: &WorkspaceScope,
        endpoint: WebhookId,
        at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), Failure> {
        self.ask_to_try(scope, endpoint, (at, None), now).await
    }

    /// The same after a correction, if one is given: what waits for a later time is tried, too.
    async fn ask_to_try(
        &self,
        scope: &WorkspaceScope,
        endpoint: WebhookId,
        (at, corrected): (Option<Timestamp>, Option<Timestamp>),
        now: Timestamp,
    ) -> Result<(), Failure> {
        let task = WebhookTask::Deliver { endpoint, at, corrected };
        let message = WebhookMessage { workspace: scope.workspace(), task };
        let wait = at.map_or(0, |at| at.duration_since(now).as_millis().max(0).div_euclid(1_000) + 1);
        let delay = u16::try_from(wait.min(LONGEST_DELAY)).unwrap_or(0);
        self.enqueue(&self.config.webhook_queue_url, &message, delay).await
    }

    /// Opens the secret of an endpoint.
    async fn open_webhook_secret(&self, scope: &WorkspaceScope, sealed: &str) -> Result<SecretString, Failure> {
        self.open_sealed(scope, SECRET, sealed).await
    }
}

/// The place of an endpoint's secret.
const SECRET: &str = "webhooks.secret";

/// Seconds that SQS keeps a message back at most.
const LONGEST_DELAY: i128 = 900;

#[cfg(test)]
mod tests {
    use domain::id::WebhookId;
    use storage::webhooks::Webhook;

    use super::*;

    #[test]
    fn what_is_wanted_is_believed_for_a_minute() {
        let (here, there) = (WorkspaceId::from_bytes([1; 10]), WorkspaceId::from_bytes([2; 10]));
        let now: Timestamp = "2026-11-26T10:00:00Z".parse().unwrap();
        let webhook = Webhook {
            id: WebhookId::from_bytes([1; 10]),
            url: "https://example.com".into(),
            events: vec![EventKind::Replied],
            secret: String::new(),
            former: None,
            created_at: now,
            disabled: None,
        };
        let wanted = Wanted::default();
        wanted.remember(here, &Webhooks { endpoints: vec![webhook], version: 1 }, now);
        let at = |seconds| now + SignedDuration::from_secs(seconds);
        assert_eq!(wanted.known(here, EventKind::Replied, at(59)), Some(true));
        assert_eq!(wanted.known(here, EventKind::Bounced, at(0)), Some(false));
        assert_eq!(wanted.known(here, EventKind::Replied, at(60)), None);
        assert_eq!(wanted.known(here, EventKind::Replied, at(-1)), None, "the clock was set back");
        assert_eq!(wanted.known(there, EventKind::Replied, at(0)), None);
    }

    #[test]
    fn a_message_reads_back() {
        let (workspace, now) = (WorkspaceId::from_bytes([1; 10]), "2026-11-26T10:00:00Z".parse().unwrap());
        let event = Event::new(workspace, EventKind::CampaignPaused, now).because("bounces");
        let endpoint = WebhookId::from_bytes([2; 10]);
        let tasks = [
            WebhookTask::Happened(event),
            WebhookTask::Deliver { endpoint, at: None, corrected: None },
            WebhookTask::Deliver { endpoint, at: Some(now), corrected: None },
            WebhookTask::Deliver { endpoint, at: None, corrected: Some(now) },
        ];
        for task in tasks {
            let message = WebhookMessage { workspace, task };
            let text = serde_json::to_string(&message).unwrap();
            assert_eq!(crate::queues::read::<WebhookMessage>(&text).unwrap(), message, "{text}");
        }
    }
}
