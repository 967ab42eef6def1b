//! SQS: standard queues with visibility, delay, long polling, redrive and AWS's limits.

mod api;
mod journal;
mod queue;
mod ready;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::sync::Notify;

pub use queue::Counts;
use queue::{BadReceipt, Message, Now, Queue};

use super::faults::{Faults, SqsPlan};
use crate::clock::{Clock, system_now};
use crate::iam::Iam;
use crate::meter::{Meter, Usage};
use crate::template;

/// How much one billed request carries, in bytes.
const CHUNK: usize = 64 * 1024;

/// How often a long poll looks again: the movable clock gives no notice when it is moved.
const LOOK: Duration = Duration::from_millis(50);

/// A message that was received.
#[derive(Clone, Debug)]
pub struct Received {
    /// Its id, the same for every delivery.
    pub message_id: String,
    /// Deletes it or changes its visibility, until the next delivery.
    pub receipt_handle: String,
    /// What was sent.
    pub body: String,
    /// MD5 of the body, hex.
    pub md5_of_body: String,
    /// `SentTimestamp` and its like: milliseconds of the movable clock.
    pub attributes: BTreeMap<String, String>,
    /// `MessageAttributes`, as they were sent; `null` when there were none.
    pub message_attributes: Value,
}

impl Received {
    fn new(receipt_handle: String, message: Message, faults: &Faults) -> Self {
        let mut attributes = BTreeMap::new();
        let mut add = |name: &str, value: String| attributes.insert(name.to_owned(), value);
        add("SentTimestamp", message.sent_at.as_millisecond().to_string());
        add("SenderId", message.sender);
        add("ApproximateReceiveCount", message.receive_count.to_string());
        if let Some(first) = message.first_received_at {
            add("ApproximateFirstReceiveTimestamp", faults.told(first).as_millisecond().to_string());
        }
        if let Some(arn) = message.died_in {
            add("DeadLetterQueueSourceArn", arn);
        }
        Self {
            message_id: message.id,
            receipt_handle,
            md5_of_body: md5(message.body.as_bytes()),
            body: message.body,
            attributes,
            message_attributes: message.attributes,
        }
    }

    /// The message in an answer of ReceiveMessage.
    fn to_json(&self) -> Value {
        let mut json = json!({
            "MessageId": self.message_id,
            "ReceiptHandle": self.receipt_handle,
            "Body": self.body,
            "MD5OfBody": self.md5_of_body,
            "Attributes": self.attributes,
        });
        if !self.message_attributes.is_null() {
            json["MessageAttributes"] = self.message_attributes.clone();
        }
        json
    }
}

struct Shared {
    queue: Mutex<Queue>,
    arrived: Notify,
}

/// The emulated SQS of one stack. Clones share the queues.
#[derive(Clone)]
pub struct Sqs {
    queues: Arc<BTreeMap<String, Shared>>,
    clock: Clock,
    iam: Iam,
    meter: Meter,
    faults: Faults,
}

impl Sqs {
    /// Opens every queue, with what its journal in `directory` remembers.
    pub(crate) fn open(
        directory: Option<&Path>,
        queues: &[template::Queue],
        clock: Clock,
        iam: Iam,
        meter: Meter,
        faults: Faults,
    ) -> anyhow::Result<Self> {
        let mut opened = BTreeMap::new();
        for settings in queues {
            let (journal, messages) = match directory {
                Some(directory) => {
                    std::fs::create_dir_all(directory)?;
                    journal::Journal::open(&directory.join(format!("{}.jsonl", settings.name)))?
                }
                None => (journal::Journal::none(), BTreeMap::new()),
            };
            let shared =
                Shared { queue: Mutex::new(Queue::open(settings.clone(), journal, messages)), arrived: Notify::new() };
            opened.insert(settings.name.clone(), shared);
        }
        Ok(Self { queues: Arc::new(opened), clock, iam, meter, faults })
    }

    /// Receives up to `limit` messages for the mapping of `function`, waiting at most `wait` for the first.
    /// Only a receive that found something is metered: AWS bills its pollers' empty looks too, by the time
    /// that passes, which says nothing about the work done.
    ///
    /// # Errors
    ///
    /// No such queue.
    pub async fn receive(
        &self,
        function: &str,
        queue: &str,
        limit: usize,
        wait: Duration,
    ) -> anyhow::Result<Vec<Received>> {
        let shared = self.queue(queue).ok_or_else(|| unknown(queue))?;
        let messages = self.wait_for(shared, limit.min(10), None, wait).await;
        if !messages.is_empty() {
            let bytes = messages.iter().map(|message| message.body.len()).sum();
            self.bill(function, "sqs:ReceiveMessage", bytes);
        }
        Ok(messages)
    }

    /// Deletes received messages for the mapping of `function`, ten to a billed call.
    ///
    /// # Errors
    ///
    /// No such queue.
    pub fn delete(&self, function: &str, queue: &str, receipts: &[String]) -> anyhow::Result<()> {
        let shared = self.queue(queue).ok_or_else(|| unknown(queue))?;
        for batch in receipts.chunks(10) {
            self.bill(function, "sqs:DeleteMessageBatch", 0);
            for receipt in batch {
                if shared.lock().delete(receipt) == Err(BadReceipt::Invalid) {
                    anyhow::bail!("not a receipt of {queue}");
                }
            }
        }
        Ok(())
    }

    /// Shows a received message again after `delay`, as a failed record becomes visible again.
    ///
    /// # Errors
    ///
    /// No such queue. A receipt that holds nothing any more is no error.
    pub fn release(&self, queue: &str, receipt: &str, delay: Duration) -> anyhow::Result<()> {
        let shared = self.queue(queue).ok_or_else(|| unknown(queue))?;
        let delay = SignedDuration::try_from(delay)?;
        shared.lock().change_visibility(receipt, delay, self.now()).ok();
        shared.arrived.notify_waiters();
        Ok(())
    }

    /// Sends a message as AWS itself does (S3 events, SES events): unmetered, without a permission.
    ///
    /// # Errors
    ///
    /// No such queue.
    pub fn send(&self, queue: &str, body: String) -> anyhow::Result<()> {
        let shared = self.queue(queue).ok_or_else(|| unknown(queue))?;
        let delay = SignedDuration::try_from(shared.lock().settings.delay)?;
        let message = Message::new(body, Value::Null, "aws", delay, self.now());
        self.put(shared, &message);
        Ok(())
    }

    /// Moves what died in other queues back to where it died, as an operator does once the cause is gone; gives how
    /// many messages that were.
    ///
    /// # Errors
    ///
    /// No such queue.
    pub fn redrive(&self, dead_letters: &str) -> anyhow::Result<usize> {
        let shared = self.queue(dead_letters).ok_or_else(|| unknown(dead_letters))?;
        let dead = shared.lock().take_dead(self.now());
        let moved = dead.len();
        for mut message in dead {
            let source = message.died_in.take().unwrap_or_default();
            message.first_received_at = None;
            let home = self.queue(&source).ok_or_else(|| unknown(&source))?;
            home.lock().put(&message, 1);
            home.arrived.notify_waiters();
        }
        Ok(moved)
    }

    /// How many messages a queue holds.
    ///
    /// # Errors
    ///
    /// No such queue.
    pub fn counts(&self, queue: &str) -> anyhow::Result<Counts> {
        let shared = self.queue(queue).ok_or_else(|| unknown(queue))?;
        Ok(shared.lock().counts(self.now()))
    }

    /// When the first delay of a message ends, by the movable clock; `None` when nothing is delayed.
    ///
    /// # Errors
    ///
    /// No such queue.
    pub(crate) fn next_delayed(&self, queue: &str) -> anyhow::Result<Option<Timestamp>> {
        let shared = self.queue(queue).ok_or_else(|| unknown(queue))?;
        Ok(shared.lock().next_delayed(self.now()))
    }

    /// The names of all queues.
    pub fn names(&self) -> Vec<String> {
        self.queues.keys().cloned().collect()
    }

    /// A queue by name, ARN or URL.
    fn queue(&self, queue: &str) -> Option<&Shared> {
        let name = queue.rsplit(['/', ':']).next().unwrap_or(queue);
        self.queues.get(name)
    }

    fn now(&self) -> Now {
        Now { machine: system_now(), clock: self.clock.now() }
    }

    fn put(&self, shared: &Shared, message: &Message) {
        let SqsPlan { deliveries, late_ms, .. } = self.faults.plan().sqs;
        let mut queue = shared.lock();
        match i64::try_from(late_ms).unwrap_or(i64::MAX) {
            0 => queue.put(message, deliveries),
            late => {
                queue.put(message, 1);
                for _ in 1..self.faults.roll(1..=i64::from(deliveries.max(1))) {
                    let late = SignedDuration::from_millis(self.faults.roll(0..=late - 1));
                    queue.put(&message.later(late), 1);
                }
            }
        }
        drop(queue);
        shared.arrived.notify_waiters();
    }

    fn bill(&self, function: &str, call: &str, bytes: usize) {
        let usage = Usage { requests: bytes.div_ceil(CHUNK).max(1) as u64, ..Usage::one(bytes) };
        self.meter.call(function, call, &usage);
    }

    async fn wait_for(
        &self,
        shared: &Shared,
        limit: usize,
        visibility: Option<SignedDuration>,
        wait: Duration,
    ) -> Vec<Received> {
        let until = tokio::time::Instant::now() + wait;
        loop {
            // Registered before looking, so that nothing arrives unnoticed between the look and the wait.
            let arrived = shared.arrived.notified();
            let messages = self.take(shared, limit, visibility);
            let left = until.saturating_duration_since(tokio::time::Instant::now());
            if !messages.is_empty() || left.is_zero() {
                return messages;
            }
            tokio::time::timeout(left.min(LOOK), arrived).await.ok();
        }
    }

    fn take(&self, shared: &Shared, limit: usize, visibility: Option<SignedDuration>) -> Vec<Received> {
        let seed = self.faults.plan().sqs.shuffle_seed;
        let now = self.now();
        let (taken, dead, from, to) = {
            let mut queue = shared.lock();
            let visibility = visibility
                .unwrap_or_else(|| SignedDuration::try_from(queue.settings.visibility_timeout).unwrap_or_default());
            let (taken, dead) = queue.receive(limit, visibility, now, seed);
            (taken, dead, queue.settings.arn.clone(), queue.settings.dead_letter.clone())
        };
        if let Some(letters) = to.as_deref().and_then(|arn| self.queue(arn)) {
            for mut message in dead {
                message.receive_count = 0;
                message.died_in = Some(from.clone());
                letters.lock().put(&message, 1);
                letters.arrived.notify_waiters();
            }
        }
        taken.into_iter().map(|(receipt, message)| Received::new(receipt, message, &self.faults)).collect()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unknown(queue: &str) -> anyhow::Error {
    anyhow::anyhow!("the template has no queue {queue}")
}

/// MD5 in hex, as SQS and S3 print it.
pub(crate) fn md5(bytes: &[u8]) -> String {
    use s3s::crypto::{Checksum as _, Md5};
    hex::encode(Md5::checksum(bytes))
}
