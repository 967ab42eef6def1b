//! Table `outreach`: campaigns and everything that moves while they are under way.

use domain::{
    Timestamp,
    id::{CampaignId, ChannelId, EventId, WebhookId, WorkspaceId},
    subject::Subject,
};

use super::Key;

/// Partition of a workspace's campaigns.
pub fn campaigns(workspace: WorkspaceId) -> String {
    format!("W#{workspace}#C")
}

/// What a campaign says.
pub fn campaign(workspace: WorkspaceId, campaign: CampaignId) -> Key {
    Key::new(campaigns(workspace), campaign.to_string())
}

/// Partition of everything that moves while a campaign is under way.
pub fn campaign_parts(workspace: WorkspaceId, campaign: CampaignId) -> String {
    format!("W#{workspace}#C#{campaign}")
}

/// The campaign whose moving parts a partition holds.
pub fn campaign_of(pk: &str) -> Option<CampaignId> {
    pk.strip_prefix("W#")?.split_once("#C#")?.1.parse().ok()
}

/// Its status and epoch.
pub fn progress(workspace: WorkspaceId, campaign: CampaignId) -> Key {
    Key::new(campaign_parts(workspace, campaign), PROGRESS)
}

/// Its sort key.
pub const PROGRESS: &str = "PROGRESS";

/// The fan-out's plan: written before the messages it describes are sent.
pub fn plan(workspace: WorkspaceId, campaign: CampaignId) -> Key {
    Key::new(campaign_parts(workspace, campaign), PLAN)
}

/// A plan's sort key.
pub const PLAN: &str = "PLAN";

/// Counters are spread over this many items, so that senders do not wait for each other.
pub const COUNTERS: u32 = 16;

/// The counter that a chunk's outcomes of a step are added to.
pub fn counter(workspace: WorkspaceId, campaign: CampaignId, step: u8, chunk: u32) -> Key {
    Key::new(campaign_parts(workspace, campaign), format!("{}{:02}", counters_of(step), chunk % COUNTERS))
}

/// What the sort keys of a step's counters start with.
pub fn counters_of(step: u8) -> String {
    format!("{COUNTER}{step:02}#")
}

/// The step whose counter has this sort key.
pub fn counted_step(sk: &str) -> Option<u8> {
    sk.strip_prefix(COUNTER)?.split('#').next()?.parse().ok()
}

/// What a counter's sort key starts with.
pub const COUNTER: &str = "COUNTER#";

/// A chunk at one step, and its results.
pub fn chunk(workspace: WorkspaceId, campaign: CampaignId, chunk: u32, step: u8) -> Key {
    Key::new(campaign_parts(workspace, campaign), format!("{}{step:02}", steps_of(chunk)))
}

/// What the sort keys of a chunk at all its steps start with.
pub fn steps_of(chunk: u32) -> String {
    format!("{CHUNK}{chunk:08}#")
}

/// The chunk and the step that a sort key is of.
pub fn chunk_and_step(sk: &str) -> Option<(u32, u8)> {
    let (chunk, step) = sk.strip_prefix(CHUNK)?.split_once('#')?;
    Some((chunk.parse().ok()?, step.parse().ok()?))
}

/// What a chunk's sort key starts with.
pub const CHUNK: &str = "K#";

/// What the messages of a part of a chunk were called at one step.
pub fn names(workspace: WorkspaceId, campaign: CampaignId, chunk: u32, step: u8, part: usize) -> Key {
    Key::new(campaign_parts(workspace, campaign), format!("{}{step:02}#{part}", names_of(chunk)))
}

/// What the sort keys of a chunk's names start with.
pub fn names_of(chunk: u32) -> String {
    format!("M#{chunk:08}#")
}

/// The step that the sort key of names is of.
pub fn named_step(sk: &str) -> Option<u8> {
    sk.strip_prefix("M#")?.split('#').nth(1)?.parse().ok()
}

/// One of the lists of companies that get no more of a campaign.
pub fn stopped_companies(workspace: WorkspaceId, campaign: CampaignId, shard: u8) -> Key {
    Key::new(campaign_parts(workspace, campaign), format!("{STOPPED}{shard:x}"))
}

/// What the sort keys of those lists start with.
pub const STOPPED: &str = "STOPPED#";

/// Partition of the chunks whose next step is due at some time, of all workspaces: what `follow-up` reads.
pub const DUE: &str = "DUE";

/// Chunks in one item of it.
pub const DUE_TOGETHER: u32 = 64;

/// Neighbours among the chunks of a campaign that are due for a step within the same minute (`2026-11-26T10:05Z`).
pub fn due(minute: &str, workspace: WorkspaceId, campaign: CampaignId, step: u8, chunk: u32) -> Key {
    Key::new(DUE, format!("{minute}#{workspace}#{campaign}#{step:02}#{:06}", chunk / DUE_TOGETHER))
}

/// What receiving domains had by a channel of late.
pub fn receivers(workspace: WorkspaceId, channel: ChannelId) -> Key {
    Key::new(format!("W#{workspace}#T"), channel.to_string())
}

/// Partition of what the channels of a workspace have had of late.
pub fn paces(workspace: WorkspaceId) -> String {
    format!("W#{workspace}#L")
}

/// What one of them has had.
pub fn pace(workspace: WorkspaceId, channel: ChannelId) -> Key {
    Key::new(paces(workspace), channel.to_string())
}

/// Partition of what an endpoint is told.
pub fn webhook_events(workspace: WorkspaceId, webhook: WebhookId) -> String {
    format!("W#{workspace}#H#{webhook}")
}

/// One event that it is told of, and what came of it.
pub fn webhook_event(workspace: WorkspaceId, webhook: WebhookId, event: EventId) -> Key {
    Key::new(webhook_events(workspace, webhook), format!("{WEBHOOK_EVENT}{event}"))
}

/// What the sort key of an event starts with.
pub const WEBHOOK_EVENT: &str = "E#";

/// That an event is to be delivered at a time.
pub fn webhook_due(workspace: WorkspaceId, webhook: WebhookId, at: Timestamp, event: EventId) -> Key {
    Key::new(webhook_events(workspace, webhook), format!("{}#{event}", webhook_due_at(at)))
}

/// What the sort key of what is due at a time starts with.
pub fn webhook_due_at(at: Timestamp) -> String {
    format!("{WEBHOOK_DUE}{:013}", at.as_millisecond())
}

/// The time and the event of such a sort key.
pub fn due_webhook(sk: &str) -> Option<(Timestamp, EventId)> {
    let (at, event) = sk.strip_prefix(WEBHOOK_DUE)?.split_once('#')?;
    Some((Timestamp::from_millisecond(at.parse().ok()?).ok()?, event.parse().ok()?))
}

/// What the sort key of what is due starts with.
pub const WEBHOOK_DUE: &str = "Q#";

/// One of a workspace's sixteen partitions of deliveries, sorted like its prospects.
pub fn delivery_shard(workspace: WorkspaceId, shard: u8) -> String {
    format!("W#{workspace}#D#{shard:x}")
}

/// One person's delivery of one step of one campaign.
pub fn delivery(workspace: WorkspaceId, subject: Subject, campaign: CampaignId, step: u8) -> Key {
    Key::new(delivery_shard(workspace, subject.shard()), format!("{}#{campaign}#{step:02}", subject.hex()))
}

/// What the sort keys of one person's deliveries start with.
pub fn deliveries_of(subject: Subject) -> String {
    format!("{}#", subject.hex())
}

/// Whose delivery a key is of.
pub fn subject_of_delivery(pk: &str, sk: &str) -> Option<Subject> {
    pk.strip_prefix("W#")?.split_once("#D#")?;
    Subject::from_hex(sk.split_once('#')?.0)
}
