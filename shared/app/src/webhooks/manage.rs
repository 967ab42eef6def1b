//! Registering endpoints, and looking at what they were told.

use domain::{
    SignedDuration, Timestamp,
    audit::{Action, Entry},
    id::{EventId, WebhookId},
    webhook::{Choice, Event, EventKind, secret_text},
};
use serde::{Deserialize, Serialize};
use storage::{
    StoreError, WorkspaceScope,
    webhooks::{Because, DeliveryStatus, Disabled, Former, Webhook, WebhookDelivery, Webhooks},
};

use super::SECRET;
use crate::{
    App, Failure,
    fields::Fields,
    https::{Target, said_of},
    relay::RelayError,
};

/// Endpoints of one workspace.
const MOST: usize = 10;

/// How long a secret that was replaced still signs.
const OVERLAP: SignedDuration = SignedDuration::from_hours(24);

/// An endpoint to register.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewWebhook {
    url: String,
    events: Vec<Choice>,
}

/// What to change of one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookChange {
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    events: Option<Vec<Choice>>,
    #[serde(default)]
    enabled: Option<bool>,
}

/// An endpoint as its owners see it: never with its secret.
#[derive(Debug, Serialize)]
pub struct WebhookView {
    id: WebhookId,
    url: String,
    events: Vec<EventKind>,
    created_at: Timestamp,
    enabled: bool,
    disabled: Option<Disabled>,
    former_secret_until: Option<Timestamp>,
}

impl From<Webhook> for WebhookView {
    fn from(webhook: Webhook) -> Self {
        let Webhook { id, url, events, created_at, disabled, former, .. } = webhook;
        let former_secret_until = former.map(|former| former.until);
        Self { id, url, events, created_at, enabled: disabled.is_none(), disabled, former_secret_until }
    }
}

/// One with its secret: shown once.
#[derive(Serialize)]
pub struct WebhookWithSecret {
    #[serde(flatten)]
    view: WebhookView,
    secret: String,
}

/// What an endpoint was told, or will be.
#[derive(Debug, Serialize)]
pub struct DeliveryView {
    id: EventId,
    #[serde(rename = "type")]
    kind: EventKind,
    at: Timestamp,
    status: DeliveryStatus,
    attempts: u8,
    next_attempt_at: Option<Timestamp>,
    tried_at: Option<Timestamp>,
    answer: Option<String>,
}

impl From<WebhookDelivery> for DeliveryView {
    fn from(delivery: WebhookDelivery) -> Self {
        let WebhookDelivery { event, status, attempts, due, tried_at, answer, .. } = delivery;
        let Event { id, kind, at, .. } = event;
        Self { id, kind, at, status, attempts, next_attempt_at: due, tried_at, answer }
    }
}

impl App {
    /// The workspace's endpoints, oldest first.
    pub async fn webhooks(&self, scope: &WorkspaceScope) -> Result<Vec<WebhookView>, Failure> {
        let webhooks = self.db.hooks(scope).all(true).await?;
        Ok(webhooks.endpoints.into_iter().map(WebhookView::from).collect())
    }

    /// Registers an endpoint.
    pub async fn register_webhook(
        &self,
        scope: &WorkspaceScope,
        asked: NewWebhook,
        now: Timestamp,
    ) -> Result<WebhookWithSecret, Failure> {
        let mut fields = Fields::default();
        let target = check_url(&mut fields, &asked.url, &self.config.webhook_networks);
        let events = check_events(&mut fields, asked.events);
        let target = fields.require(target)?;
        self.active_workspace(scope).await?;
        self.must_be_public(&target).await?;
        let (secret, sealed) = self.new_webhook_secret(scope, now).await?;
        let id = WebhookId::new(now, crate::chance());
        let webhook = Webhook {
            id,
            url: asked.url.trim().to_owned(),
            events,
            secret: sealed,
            former: None,
            created_at: now,
            disabled: None,
        };
        let mut webhooks = self.db.hooks(scope).all(true).await?;
        if webhooks.endpoints.len() >= MOST {
            return Err(Failure::refused(
                "too-many-webhooks",
                format!("There are {MOST} endpoints. Delete one first."),
            ));
        }
        webhooks.endpoints.push(webhook.clone());
        self.put_webhooks(scope, webhooks, &scope.entry(Action::WebhookCreated, now).about(id)).await?;
        Ok(WebhookWithSecret { view: webhook.into(), secret })
    }

    /// Changes an endpoint, or switches it on or off. What waits is delivered once it is on again, and tried at once after
    /// any change.
    pub async fn change_webhook(
        &self,
        scope: &WorkspaceScope,
        id: WebhookId,
        asked: WebhookChange,
        now: Timestamp,
    ) -> Result<WebhookView, Failure> {
        let mut fields = Fields::default();
        let target = asked.url.as_deref().map(|url| check_url(&mut fields, url, &self.config.webhook_networks));
        let events = asked.events.map(|events| check_events(&mut fields, events));
        fields.done()?;
        self.active_workspace(scope).await?;
        if let Some(target) = target.flatten() {
            self.must_be_public(&target).await?;
        }
        let (mut webhooks, at) = self.webhook_at(scope, id).await?;
        let before = webhooks.endpoints[at].clone();
        let webhook = &mut webhooks.endpoints[at];
        if let Some(url) = asked.url {
            url.trim().clone_into(&mut webhook.url);
        }
        webhook.events = events.unwrap_or_else(|| before.events.clone());
        match asked.enabled {
            Some(true) => webhook.disabled = None,
            Some(false) if before.disabled.is_none() => {
                webhook.disabled = Some(Disabled { at: now, because: Because::SwitchedOff });
            }
            _ => {}
        }
        let after = webhook.clone();
        if after == before {
            return Ok(after.into());
        }
        self.put_webhooks(scope, webhooks, &scope.entry(Action::WebhookChanged, now).about(id)).await?;
        if after.disabled.is_none() {
            self.db.hooks(scope).start_over(id).await?;
            self.ask_to_try(scope, id, (None, Some(now)), now).await?;
        }
        Ok(after.into())
    }

    /// Takes an endpoint away. Nothing is sent to it from here on.
    pub async fn delete_webhook(&self, scope: &WorkspaceScope, id: WebhookId, now: Timestamp) -> Result<(), Failure> {
        let (mut webhooks, at) = self.webhook_at(scope, id).await?;
        webhooks.endpoints.remove(at);
        self.put_webhooks(scope, webhooks, &scope.entry(Action::WebhookDeleted, now).about(id)).await
    }

    /// Gives an endpoint another secret. For a day both sign, so that nothing is refused meanwhile.
    pub async fn rotate_webhook_secret(
        &self,
        scope: &WorkspaceScope,
        id: WebhookId,
        now: Timestamp,
    ) -> Result<WebhookWithSecret, Failure> {
        self.active_workspace(scope).await?;
        let (secret, sealed) = self.new_webhook_secret(scope, now).await?;
        let (mut webhooks, at) = self.webhook_at(scope, id).await?;
        let webhook = &mut webhooks.endpoints[at];
        let before = std::mem::replace(&mut webhook.secret, sealed);
        webhook.former = Some(Former { secret: before, until: now + OVERLAP });
        let view = webhook.clone().into();
        self.put_webhooks(scope, webhooks, &scope.entry(Action::WebhookSecretRotated, now).about(id)).await?;
        Ok(WebhookWithSecret { view, secret })
    }

    /// Sends an event to an endpoint that is about nothing.
    pub async fn test_webhook(
        &self,
        scope: &WorkspaceScope,
        id: WebhookId,
        now: Timestamp,
    ) -> Result<DeliveryView, Failure> {
        self.webhook_that_is_on(scope, id).await?;
        let event = Event::new(scope.workspace(), EventKind::Test, now).with_id(EventId::new(now, crate::chance()));
        let hooks = self.db.hooks(scope);
        self.db.of(scope).record(&scope.entry(Action::WebhookTested, now).about(id)).await?;
        hooks.tell(id, &event, now).await?;
        self.ask_to_deliver(scope, id, None, now).await?;
        let delivery = hooks.delivery(id, event.id).await?.ok_or_else(|| Failure::not_found("delivery"))?;
        Ok(delivery.into())
    }

    /// What an endpoint was told or will be, newest first, and where the next page starts.
    pub async fn webhook_deliveries(
        &self,
        scope: &WorkspaceScope,
        id: WebhookId,
        cursor: Option<&str>,
        limit: u32,
        now: Timestamp,
    ) -> Result<(Vec<DeliveryView>, Option<String>), Failure> {
        self.webhook_at(scope, id).await?;
        let unreadable = || Failure::field("cursor", "use `next_cursor` of the page before, unchanged");
        let after = cursor.map(|cursor| cursor.parse().map_err(|_| unreadable())).transpose()?;
        let (items, next) = self.db.hooks(scope).deliveries(id, after, limit, now).await?;
        Ok((items.into_iter().map(DeliveryView::from).collect(), next.map(|event| event.to_string())))
    }

    /// Delivers an event once more, with all its attempts.
    pub async fn replay_webhook(
        &self,
        scope: &WorkspaceScope,
        id: WebhookId,
        event: EventId,
        now: Timestamp,
    ) -> Result<DeliveryView, Failure> {
        self.webhook_that_is_on(scope, id).await?;
        let hooks = self.db.hooks(scope);
        let found = hooks.delivery(id, event).await?.filter(|delivery| now.as_second() < delivery.ttl);
        let delivery = found.ok_or_else(|| Failure::not_found("delivery"))?;
        let again = WebhookDelivery {
            status: DeliveryStatus::Waiting,
            attempts: 0,
            due: Some(now),
            tried_at: None,
            answer: None,
            ..delivery
        };
        hooks.replay(id, &again, &scope.entry(Action::WebhookReplayed, now).about(id)).await?;
        self.ask_to_deliver(scope, id, None, now).await?;
        Ok(again.into())
    }

    async fn webhook_that_is_on(&self, scope: &WorkspaceScope, id: WebhookId) -> Result<(), Failure> {
        self.active_workspace(scope).await?;
        let (webhooks, at) = self.webhook_at(scope, id).await?;
        match &webhooks.endpoints[at].disabled {
            None => Ok(()),
            Some(_) => Err(Failure::conflict(
                "conflict",
                "The endpoint is off. Switch it on first: PATCH {\"enabled\": true}.",
            )),
        }
    }

    async fn webhook_at(&self, scope: &WorkspaceScope, id: WebhookId) -> Result<(Webhooks, usize), Failure> {
        let webhooks = self.db.hooks(scope).all(true).await?;
        let at = webhooks.endpoints.iter().position(|webhook| webhook.id == id);
        Ok((webhooks, at.ok_or_else(|| Failure::not_found("webhook"))?))
    }

    async fn put_webhooks(&self, scope: &WorkspaceScope, webhooks: Webhooks, entry: &Entry) -> Result<(), Failure> {
        match self.db.hooks(scope).put(webhooks, entry).await {
            Err(StoreError::Conflict) => {
                Err(Failure::conflict("conflict", "The endpoints were changed meanwhile. Look at them and try again."))
            }
            result => Ok(result?),
        }
    }

    async fn new_webhook_secret(&self, scope: &WorkspaceScope, now: Timestamp) -> Result<(String, String), Failure> {
        let secret = secret_text(&crate::chance());
        let sealed = self.seal_for(scope, SECRET, &secret, now).await?;
        Ok((secret, sealed))
    }

    /// A name may be entered before it exists; it is resolved again for each attempt, and refused then.
    async fn must_be_public(&self, target: &Target) -> Result<(), Failure> {
        match target.resolve(&self.config.webhook_networks).await {
            Ok(_) | Err(RelayError::Unresolved) => Ok(()),
            Err(error) => Err(Failure::field("url", said_of(error))),
        }
    }
}

fn check_url(fields: &mut Fields, url: &str, networks: &str) -> Option<Target> {
    Target::parse(url, networks).map_err(|message| fields.wrong("url", message)).ok()
}

fn check_events(fields: &mut Fields, chosen: Vec<Choice>) -> Vec<EventKind> {
    if chosen.is_empty() {
        fields.wrong("events", format!("name one at least of {}", Choice::CODES.join(", ")));
    }
    let mut events: Vec<EventKind> = chosen.into_iter().map(EventKind::from).collect();
    events.sort_unstable();
    events.dedup();
    events
}
