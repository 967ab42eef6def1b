//! The channels that a Sender's messages leave by.

pub mod check;
pub mod transport;

use domain::{
    Timestamp,
    audit::{Action, Entry},
    email::EmailAddress,
    id::ChannelId,
    pace::Limits,
    sender::{Channel, MOST_CHANNELS},
};
use serde::{Deserialize, Serialize};
use storage::{WorkspaceScope, accounts::SenderRecord};

use self::transport::{TransportView, TransportWrite};
use crate::{
    App, Failure, chance,
    fields::{Fields, present},
    queues::ChannelMessage,
};

/// What `POST /v1/channels` takes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewChannel {
    name: String,
    transport: TransportWrite,
    #[serde(default)]
    from_name: Option<String>,
    #[serde(default)]
    from_email: Option<EmailAddress>,
    #[serde(default)]
    limits: Option<Limits>,
}

/// What `PATCH /v1/channels/{id}` takes: what is there is changed, and `null` takes it away.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChannelChange {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    transport: Option<TransportWrite>,
    #[serde(default, deserialize_with = "present")]
    from_name: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    from_email: Option<Option<EmailAddress>>,
    #[serde(default, deserialize_with = "present")]
    limits: Option<Option<Limits>>,
}

/// A channel as members see it.
#[derive(Serialize)]
pub struct ChannelView {
    id: ChannelId,
    name: String,
    transport: TransportView,
    from_name: Option<String>,
    from_email: Option<EmailAddress>,
    limits: Limits,
    ramp_since: Option<Timestamp>,
    created_at: Timestamp,
}

impl From<Channel> for ChannelView {
    fn from(channel: Channel) -> Self {
        let Channel { id, name, transport, from_name, from_email, limits, ramp_since, created_at } = channel;
        Self { id, name, transport: transport.into(), from_name, from_email, limits, ramp_since, created_at }
    }
}

impl App {
    /// All of them, oldest first.
    pub async fn channels(&self, scope: &WorkspaceScope) -> Result<Vec<ChannelView>, Failure> {
        let sender = self.db.accounts(scope).sender().await?;
        Ok(sender.into_iter().flat_map(|sender| sender.channels).map(ChannelView::from).collect())
    }

    /// One of them.
    pub async fn channel(&self, scope: &WorkspaceScope, id: ChannelId) -> Result<ChannelView, Failure> {
        let sender = self.db.accounts(scope).sender().await?;
        let found = sender.and_then(|sender| sender.channels.into_iter().find(|channel| channel.id == id));
        found.map(ChannelView::from).ok_or_else(not_found)
    }

    /// Adds one.
    pub async fn add_channel(
        &self,
        scope: &WorkspaceScope,
        asked: NewChannel,
        now: Timestamp,
    ) -> Result<ChannelView, Failure> {
        let mut fields = Fields::default();
        let name = fields.line("name", &asked.name, 100);
        let transport = asked.transport.check(&mut fields, "transport", &self.config.relay_networks);
        let from_name = check_from(&mut fields, asked.from_name, asked.from_email.as_ref());
        let limits = check_limits(&mut fields, asked.limits);
        fields.done()?;
        self.active_workspace(scope).await?;
        let mut record = self.sender_record(scope).await?;
        if record.sender.channels.len() >= MOST_CHANNELS {
            let detail = format!("There are {MOST_CHANNELS} channels. Delete one first.");
            return Err(Failure::refused("too-many-channels", detail));
        }
        let transport = self.settle(scope, transport, None, "transport", now).await?;
        let id = ChannelId::new(now, chance());
        let (from_email, created_at, ramp_since) = (asked.from_email, now, limits.ramp.map(|_| now));
        let channel = Channel { id, name, transport, from_name, from_email, limits, ramp_since, created_at };
        record.sender.channels.push(channel.clone());
        self.put_channels(scope, record, Action::ChannelCreated, &channel, now).await?;
        Ok(channel.into())
    }

    /// Changes what is given.
    pub async fn change_channel(
        &self,
        scope: &WorkspaceScope,
        id: ChannelId,
        asked: ChannelChange,
        now: Timestamp,
    ) -> Result<ChannelView, Failure> {
        let mut fields = Fields::default();
        let name = asked.name.map(|name| fields.line("name", &name, 100));
        let networks = &self.config.relay_networks;
        let transport = asked.transport.map(|asked| asked.check(&mut fields, "transport", networks));
        let email = asked.from_email.as_ref().and_then(Option::as_ref);
        let from_name = check_from(&mut fields, asked.from_name.clone().flatten(), email);
        let limits = asked.limits.map(|limits| check_limits(&mut fields, limits));
        fields.done()?;
        self.active_workspace(scope).await?;
        let mut record = self.db.accounts(scope).sender_record().await?.ok_or_else(not_found)?;
        let channel = record.sender.channels.iter_mut().find(|channel| channel.id == id).ok_or_else(not_found)?;
        let before = channel.clone();
        if let Some(asked) = transport {
            channel.transport = self.settle(scope, asked, Some(&before.transport), "transport", now).await?;
        }
        channel.name = name.unwrap_or(before.name.clone());
        if asked.from_name.is_some() {
            channel.from_name = from_name;
        }
        if let Some(from_email) = asked.from_email {
            channel.from_email = from_email;
        }
        channel.limits = limits.unwrap_or(before.limits);
        if channel.limits.ramp != before.limits.ramp {
            channel.ramp_since = channel.limits.ramp.map(|_| now);
        }
        let after = channel.clone();
        if after != before {
            self.put_channels(scope, record, Action::ChannelChanged, &after, now).await?;
        }
        if after.limits != before.limits || after.transport != before.transport {
            self.try_look_again(scope, id).await;
        }
        Ok(after.into())
    }

    /// Takes one away. Whoever had it gets another of the campaign's, if there is one; the last of all stays.
    pub async fn delete_channel(&self, scope: &WorkspaceScope, id: ChannelId, now: Timestamp) -> Result<(), Failure> {
        let mut record = self.db.accounts(scope).sender_record().await?.ok_or_else(not_found)?;
        let at = record.sender.channels.iter().position(|channel| channel.id == id).ok_or_else(not_found)?;
        if record.sender.channels.len() == 1 {
            return Err(Failure::conflict(
                "conflict",
                "This is the only channel. Change it, or add another one first.",
            ));
        }
        let gone = record.sender.channels.remove(at);
        let record = SenderRecord { updated_at: now, version: record.version + 1, ..record };
        let entry = entry(scope, Action::ChannelDeleted, &gone, now);
        self.db.accounts(scope).put_sender_without(&record, id, &entry).await?;
        self.try_look_again(scope, id).await;
        Ok(())
    }

    /// Has whoever waits for a channel look again, now that it is not as it was. Without that they would at the time that they
    /// were told before, so that a change stands even where nobody can be told.
    pub(crate) async fn try_look_again(&self, scope: &WorkspaceScope, channel: ChannelId) {
        let message = ChannelMessage { workspace: scope.workspace(), channel };
        if let Err(failure) = self.enqueue(&self.config.fan_out_queue_url, &message, 0).await {
            tracing::warn!(%channel, cause = failure.cause.as_deref(), "who waits for a channel looks again later");
        }
    }

    async fn put_channels(
        &self,
        scope: &WorkspaceScope,
        record: SenderRecord,
        action: Action,
        channel: &Channel,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let record = SenderRecord { updated_at: now, version: record.version + 1, ..record };
        Ok(self.db.accounts(scope).put_sender(&record, &entry(scope, action, channel, now)).await?)
    }
}

fn entry(scope: &WorkspaceScope, action: Action, channel: &Channel, now: Timestamp) -> Entry {
    scope.entry(action, now).about(channel.id).with("channel", channel.transport.kind())
}

fn not_found() -> Failure {
    Failure::not_found("channel")
}

fn check_from(fields: &mut Fields, name: Option<String>, email: Option<&EmailAddress>) -> Option<String> {
    if email.is_some_and(|email| !email.is_ascii_local()) {
        fields.wrong("from_email", "letters outside ASCII are only possible after the @");
    }
    if name.as_ref().is_some_and(|name| name.contains(['<', '>', '@'])) {
        fields.wrong("from_name", "must be a name, not an address");
    }
    name.map(|name| fields.line("from_name", &name, 100))
}

fn check_limits(fields: &mut Fields, limits: Option<Limits>) -> Limits {
    let limits = limits.unwrap_or_default();
    for (field, message) in limits.wrong() {
        fields.wrong(&format!("limits.{field}"), message);
    }
    limits
}
