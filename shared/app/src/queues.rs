//! Messages between our own functions, and the one way to put them on a queue.

use aws_sdk_sqs::{error::ProvideErrorMetadata, types::SendMessageBatchRequestEntry};
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use domain::{
    id::{CampaignId, ChannelId, WorkspaceId},
    sequence::FIRST,
    subject::Subject,
};
use futures::{StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize};

use crate::{App, Failure, import::ImportMessage, webhooks::WebhookMessage};

/// Whatever is on the queue of `fan-out`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum FanOutWork {
    /// A channel that was changed or deleted.
    Channel(ChannelMessage),
    /// A campaign that goes on.
    Campaign(FanOutMessage),
}

/// A channel is not as it was, or is there no more: whoever waits for it has to look again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelMessage {
    /// Whose channel.
    pub workspace: WorkspaceId,
    /// Which.
    pub channel: ChannelId,
}

/// What `fan-out` has to do for a campaign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FanOutMessage {
    /// Whose campaign.
    pub workspace: WorkspaceId,
    /// Which.
    pub campaign: CampaignId,
    /// What to do.
    pub task: FanOutTask,
    /// Of a message that was sent before its command was carried out: what that leads to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub awaits: Option<Awaited>,
}

/// A command that is about to be carried out when its message is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Awaited {
    /// The epoch that it moves the campaign to.
    pub epoch: u64,
    /// How often that was looked for and not found.
    pub looks: u16,
}

/// What `fan-out` is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FanOutTask {
    /// Plan the audience and put its chunks on the queue.
    Advance,
    /// The same, and first put the chunks on the queue again that were put down unfinished.
    Resume,
    /// See whether everybody has an outcome.
    Finish {
        /// How often that was looked at before.
        looks: u32,
    },
}

/// Work for `send`: one chunk at one step. It names people by their keyed hashes; what is sent to whom is read
/// when it is sent, so that a correction, an erasure or a restriction still reaches it (A39, A40, A41).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkMessage {
    /// Whose campaign.
    pub workspace: WorkspaceId,
    /// Which.
    pub campaign: CampaignId,
    /// The chunk's number.
    pub chunk: u32,
    /// The step.
    pub step: u8,
    /// Its people, 16 bytes each, base64. Left out of a chunk that was put down before: its record has them.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    who: String,
    /// One digit each: 1 for a person whom this Sender has informed before (art. 14). Who is not known to be is
    /// informed again.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    informed: String,
    /// How often it was put back because the channel would not take it then.
    #[serde(default)]
    pub tries: u8,
    /// How often one about this chunk and step was put back, for whatever reason. `None` where whoever sent it did not look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub round: Option<u32>,
}

impl ChunkMessage {
    /// A message about the first step for these people.
    pub fn first(
        workspace: WorkspaceId,
        campaign: CampaignId,
        chunk: u32,
        people: &[Subject],
        informed: &[bool],
    ) -> Self {
        Self {
            workspace,
            campaign,
            chunk,
            step: FIRST,
            who: STANDARD_NO_PAD.encode(Subject::pack(people)),
            informed: informed.iter().map(|i| if *i { '1' } else { '0' }).collect(),
            tries: 0,
            round: None,
        }
    }

    /// A message about a chunk that was put down before.
    pub const fn again(workspace: WorkspaceId, campaign: CampaignId, chunk: u32, step: u8) -> Self {
        Self { workspace, campaign, chunk, step, who: String::new(), informed: String::new(), tries: 0, round: None }
    }

    /// The same, after so many tries.
    #[must_use]
    pub fn after(&self, tries: u8) -> Self {
        Self { tries, ..self.clone() }
    }

    /// The same, of one round.
    #[must_use]
    pub fn of_round(&self, round: u32) -> Self {
        Self { round: Some(round), ..self.clone() }
    }

    /// The people it names.
    pub fn people(&self) -> Result<Vec<Subject>, Failure> {
        let bytes = STANDARD_NO_PAD.decode(&self.who).ok();
        bytes.and_then(|b| Subject::unpack(&b)).ok_or_else(|| Failure::internal("a chunk message without people"))
    }

    /// Whether the person at `index` is known to be informed.
    pub fn informed(&self, index: usize) -> bool {
        self.informed.as_bytes().get(index) == Some(&b'1')
    }
}

/// What is put on a queue.
pub trait Queued: Serialize {
    /// Whose turn it takes, where the messages of one workspace must not stand in the way of another's: with groups SQS
    /// gives the next free hand to whoever occupies the fewest (a fair queue).
    fn group(&self) -> Option<WorkspaceId> {
        None
    }
}

impl Queued for ChunkMessage {
    fn group(&self) -> Option<WorkspaceId> {
        Some(self.workspace)
    }
}

impl Queued for FanOutMessage {
    fn group(&self) -> Option<WorkspaceId> {
        Some(self.workspace)
    }
}

impl Queued for ChannelMessage {
    fn group(&self) -> Option<WorkspaceId> {
        Some(self.workspace)
    }
}

impl Queued for WebhookMessage {
    fn group(&self) -> Option<WorkspaceId> {
        Some(self.workspace)
    }
}

impl Queued for ImportMessage {}

impl Queued for serde_json::Value {}

/// Messages that SQS takes in one call.
const BATCH: usize = 10;

/// Calls in flight.
const IN_FLIGHT: usize = 8;

impl App {
    /// Puts one message on a queue, to be seen after `delay_seconds` (900 at most).
    pub async fn enqueue<T: Queued>(&self, url: &str, message: &T, delay_seconds: u16) -> Result<(), Failure> {
        self.sqs
            .send_message()
            .queue_url(url)
            .message_body(body(message)?)
            .set_message_group_id(message.group().map(|group| group.to_string()))
            .delay_seconds(delay_seconds.into())
            .send()
            .await
            .map_err(|error| Failure::unavailable("sqs", error.code()))?;
        Ok(())
    }

    /// Puts many messages on a queue, ten a call. All of them, or an error: then some may be there.
    pub async fn enqueue_all<T: Queued>(&self, url: &str, messages: &[T]) -> Result<(), Failure> {
        stream::iter(messages.chunks(BATCH))
            .map(|batch| self.enqueue_batch(url, batch))
            .buffer_unordered(IN_FLIGHT)
            .try_collect()
            .await
    }

    async fn enqueue_batch<T: Queued>(&self, url: &str, batch: &[T]) -> Result<(), Failure> {
        let mut entries = Vec::with_capacity(batch.len());
        for (index, message) in batch.iter().enumerate() {
            let entry = SendMessageBatchRequestEntry::builder()
                .id(index.to_string())
                .message_body(body(message)?)
                .set_message_group_id(message.group().map(|group| group.to_string()));
            entries.push(entry.build().map_err(|e| Failure::internal(e.to_string()))?);
        }
        for _ in 0..5 {
            let answer = self
                .sqs
                .send_message_batch()
                .queue_url(url)
                .set_entries(Some(entries.clone()))
                .send()
                .await
                .map_err(|error| Failure::unavailable("sqs", error.code()))?;
            if answer.failed.is_empty() {
                return Ok(());
            }
            entries.retain(|entry| answer.failed.iter().any(|failed| failed.id == entry.id));
        }
        Err(Failure::unavailable("sqs", Some("messages refused")))
    }
}

fn body<T: Serialize>(message: &T) -> Result<String, Failure> {
    serde_json::to_string(message).map_err(|e| Failure::internal(e.to_string()))
}

/// Reads a message of one of our queues.
pub fn read<'a, T: Deserialize<'a>>(body: &'a str) -> Result<T, Failure> {
    serde_json::from_str(body).map_err(|e| Failure::internal(format!("unreadable message, line {}", e.line())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_message_names_people_by_hashes_only_and_stays_small() {
        let people: Vec<_> = (0..50).map(|n| Subject::from_bytes([n; 16])).collect();
        let informed: Vec<_> = (0..50).map(|n| n % 2 == 0).collect();
        let (ws, cmp) = (WorkspaceId::from_bytes([1; 10]), CampaignId::from_bytes([2; 10]));
        let text = body(&ChunkMessage::first(ws, cmp, 7, &people, &informed)).unwrap();
        let message: ChunkMessage = read(&text).unwrap();
        assert_eq!(message.people().unwrap(), people);
        assert!(message.informed(0) && !message.informed(1) && !message.informed(50));
        assert!(text.len() < 1400, "{}", text.len());
        let again = body(&ChunkMessage::again(ws, cmp, 7, 2)).unwrap();
        assert_eq!(read::<ChunkMessage>(&again).unwrap().people().unwrap(), [], "its record names them");
    }

    /// Attributes of a message as inventory.toml lists them.
    fn listed(kind: &str, message: &str) -> bool {
        fn leaves(path: &str, value: &serde_json::Value, found: &mut Vec<String>) {
            match value.as_object() {
                Some(members) => members.iter().for_each(|(name, value)| {
                    leaves(&if path.is_empty() { name.clone() } else { format!("{path}.{name}") }, value, found);
                }),
                None => found.push(path.to_owned()),
            }
        }
        let mut paths = Vec::new();
        leaves("", &serde_json::from_str(message).unwrap(), &mut paths);
        let kind = domain::policy::inventory::Inventory::current().kind(kind).unwrap();
        paths.iter().all(|path| kind.field(path).is_some())
    }

    #[test]
    fn a13_what_waits_in_a_queue_is_in_the_inventory() {
        let (workspace, campaign) = (WorkspaceId::from_bytes([1; 10]), CampaignId::from_bytes([2; 10]));
        let chunk = ChunkMessage::first(workspace, campaign, 7, &[Subject::from_bytes([1; 16])], &[true]);
        assert!(listed("chunk_message", &body(&chunk.of_round(1)).unwrap()));
        for task in [FanOutTask::Advance, FanOutTask::Resume, FanOutTask::Finish { looks: 1 }] {
            let awaits = Some(Awaited { epoch: 1, looks: 0 });
            let message = FanOutMessage { workspace, campaign, task, awaits };
            let text = body(&message).unwrap();
            assert!(listed("fan_out_message", &text));
            assert_eq!(read::<FanOutWork>(&text).unwrap(), FanOutWork::Campaign(message));
        }
        let message = ChannelMessage { workspace, channel: ChannelId::from_bytes([3; 10]) };
        let text = body(&message).unwrap();
        assert!(listed("channel_message", &text));
        assert_eq!(read::<FanOutWork>(&text).unwrap(), FanOutWork::Channel(message));
        let import = ImportMessage { workspace, import: domain::id::ImportId::from_bytes([3; 10]) };
        assert!(listed("import_message", &body(&import).unwrap()));
        assert!(!listed("import_message", &body(&chunk).unwrap()));
    }
}
