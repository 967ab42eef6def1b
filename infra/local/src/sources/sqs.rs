//! Event source mappings: queues → batches → functions.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::backends::sqs::{Received, Sqs};
use crate::console::Console;
use crate::supervisor::Supervisor;
use crate::template::{EventSource, Function, REGION};

/// How long one look at a queue waits for the first message, as AWS's pollers do.
const WAIT: Duration = Duration::from_secs(20);

/// The most that one invocation is given, in bytes; with room for the envelope of the records.
const MAX_BATCH_BYTES: usize = 5 * 1024 * 1024;

/// How much longer what fails again and again waits each time, where failures do not wait for their visibility.
const PATIENCE: u32 = 4;
/// After so many times it waits no longer.
const LONGEST: u32 = 5;

/// One mapping of a queue to a function.
pub(crate) struct Mapping {
    binary: String,
    queue_arn: String,
    trigger: String,
    batch_size: usize,
    window: Duration,
    partial: bool,
    concurrency: Arc<Semaphore>,
    retry_after: Option<Duration>,
    sqs: Sqs,
    supervisor: Supervisor,
    console: Arc<Console>,
}

/// Every mapping of a function.
pub(crate) fn mappings(
    function: &Function,
    sqs: &Sqs,
    supervisor: &Supervisor,
    console: &Arc<Console>,
    retry_after: Option<Duration>,
) -> Vec<Arc<Mapping>> {
    let mapping = |event: &EventSource| {
        let EventSource::Sqs { queue_arn, batch_size, window, report_batch_item_failures, max_concurrency } = event
        else {
            return None;
        };
        let processes = supervisor.concurrency(&function.binary);
        let at_once = max_concurrency.map_or(processes, |most| most.min(processes));
        Some(Arc::new(Mapping {
            binary: function.binary.clone(),
            queue_arn: queue_arn.clone(),
            trigger: queue_arn.rsplit(':').next().unwrap_or_default().to_owned(),
            batch_size: *batch_size,
            window: *window,
            partial: *report_batch_item_failures,
            concurrency: Arc::new(Semaphore::new(at_once)),
            retry_after,
            sqs: sqs.clone(),
            supervisor: supervisor.clone(),
            console: console.clone(),
        }))
    };
    function.events.iter().filter_map(mapping).collect()
}

impl Mapping {
    /// Polls until the runner stops.
    pub(crate) async fn run(self: Arc<Self>) {
        tokio::select! {
            () = self.poll() => {}
            () = self.supervisor.stopped() => {}
        }
    }

    async fn poll(self: &Arc<Self>) {
        // A slot first: what is received starts at once, and its visibility timeout with it.
        while let Ok(slot) = self.concurrency.clone().acquire_owned().await {
            match self.gather().await {
                Ok(batch) if batch.is_empty() => {}
                Ok(batch) => {
                    tokio::spawn(self.clone().process(batch, slot));
                }
                Err(error) => {
                    self.console.note(&format!("{}: {error:#}", self.trigger));
                    return;
                }
            }
        }
    }

    async fn gather(&self) -> anyhow::Result<Vec<Received>> {
        let mut batch = self.receive(self.batch_size, WAIT).await?;
        if batch.is_empty() {
            return Ok(batch);
        }
        let until = Instant::now() + self.window;
        let mut bytes: usize = batch.iter().map(|message| message.body.len()).sum();
        while batch.len() < self.batch_size && bytes < MAX_BATCH_BYTES && Instant::now() < until {
            let left = until.saturating_duration_since(Instant::now());
            let more = self.receive(self.batch_size - batch.len(), left).await?;
            bytes += more.iter().map(|message| message.body.len()).sum::<usize>();
            batch.extend(more);
        }
        Ok(batch)
    }

    async fn receive(&self, limit: usize, wait: Duration) -> anyhow::Result<Vec<Received>> {
        self.sqs.receive(&self.binary, &self.queue_arn, limit.min(10), wait).await
    }

    async fn process(self: Arc<Self>, batch: Vec<Received>, slot: OwnedSemaphorePermit) {
        for part in by_size(batch) {
            self.invoke(part).await;
        }
        drop(slot);
    }

    /// What succeeded is deleted; what failed shows again when its visibility timeout ends.
    async fn invoke(&self, batch: Vec<Received>) {
        let event = event(&batch, &self.queue_arn);
        let trigger = format!("{} ×{}", self.trigger, batch.len());
        let Ok(answer) = self.supervisor.invoke(&self.binary, &trigger, event.to_string().into()).await else {
            batch.iter().for_each(|message| self.show_again(message, 1));
            return;
        };
        let ids: BTreeSet<&str> = batch.iter().map(|message| message.message_id.as_str()).collect();
        let failed = if self.partial { failures(&answer, &ids) } else { Some(BTreeSet::new()) };
        let Some(failed) = failed else {
            self.console.note(&format!("{}: the answer is no batch response: every record failed", self.binary));
            return;
        };
        if !failed.is_empty() {
            self.console.note(&format!("{}: {} of {} records failed", self.binary, failed.len(), batch.len()));
        }
        for message in batch.iter().filter(|message| failed.contains(&message.message_id)) {
            let receives = message.attributes.get("ApproximateReceiveCount").and_then(|count| count.parse().ok());
            self.show_again(message, PATIENCE.pow(receives.unwrap_or(1).min(LONGEST)));
        }
        let done = batch.iter().filter(|message| !failed.contains(&message.message_id));
        let receipts: Vec<String> = done.map(|message| message.receipt_handle.clone()).collect();
        if let Err(error) = self.sqs.delete(&self.binary, &self.queue_arn, &receipts) {
            self.console.note(&format!("{}: {error:#}", self.trigger));
        }
    }
}

impl Mapping {
    /// Shows what failed again before its visibility ends, where the runner was told to.
    fn show_again(&self, message: &Received, times: u32) {
        if let Some(delay) = self.retry_after
            && let Err(error) = self.sqs.release(&self.queue_arn, &message.receipt_handle, delay * times)
        {
            self.console.note(&format!("{}: {error:#}", self.trigger));
        }
    }
}

/// Cuts a batch where it would be larger than an invocation may be.
fn by_size(batch: Vec<Received>) -> Vec<Vec<Received>> {
    let mut parts: Vec<Vec<Received>> = Vec::new();
    let mut bytes = 0;
    for message in batch {
        bytes += message.body.len();
        match parts.last_mut() {
            Some(part) if bytes <= MAX_BATCH_BYTES => part.push(message),
            _ => {
                bytes = message.body.len();
                parts.push(vec![message]);
            }
        }
    }
    parts
}

/// The event of a batch.
fn event(batch: &[Received], queue_arn: &str) -> Value {
    let record = |message: &Received| {
        json!({
            "messageId": message.message_id,
            "receiptHandle": message.receipt_handle,
            "body": message.body,
            "attributes": message.attributes,
            "messageAttributes": attributes(&message.message_attributes),
            "md5OfBody": message.md5_of_body,
            "eventSource": "aws:sqs",
            "eventSourceARN": queue_arn,
            "awsRegion": REGION,
        })
    };
    json!({ "Records": batch.iter().map(record).collect::<Vec<_>>() })
}

/// `{"Name": {"DataType", "StringValue"}}` with the names that events use.
fn attributes(sent: &Value) -> Value {
    let event_name = |key: &str| match key {
        "DataType" => "dataType".to_owned(),
        "StringValue" => "stringValue".to_owned(),
        "BinaryValue" => "binaryValue".to_owned(),
        other => other.to_owned(),
    };
    let attribute = |value: &Value| -> Value {
        let members = value.as_object().into_iter().flatten();
        let mut named: serde_json::Map<String, Value> =
            members.map(|(key, value)| (event_name(key), value.clone())).collect();
        named.entry("stringListValues").or_insert_with(|| json!([]));
        named.entry("binaryListValues").or_insert_with(|| json!([]));
        Value::Object(named)
    };
    let all = sent.as_object().into_iter().flatten();
    Value::Object(all.map(|(name, value)| (name.clone(), attribute(value))).collect())
}

/// The ids that a function reports as failed; nothing when its answer makes the whole batch fail,
/// as AWS documents it for `ReportBatchItemFailures`.
fn failures(answer: &[u8], ids: &BTreeSet<&str>) -> Option<BTreeSet<String>> {
    let answer: Value = serde_json::from_slice(answer).ok()?;
    let list = match &answer {
        Value::Null => return Some(BTreeSet::new()),
        Value::Object(object) => match object.get("batchItemFailures") {
            None if object.is_empty() => return Some(BTreeSet::new()),
            None => return None,
            Some(Value::Null) => return Some(BTreeSet::new()),
            Some(list) => list.as_array()?,
        },
        _ => return None,
    };
    let id = |item: &Value| item["itemIdentifier"].as_str().filter(|id| ids.contains(id)).map(str::to_owned);
    list.iter().map(id).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_reported_records_fail() {
        let ids = BTreeSet::from(["a", "b"]);
        for (answer, failed) in [
            ("null", Some(vec![])),
            ("{}", Some(vec![])),
            (r#"{"batchItemFailures": []}"#, Some(vec![])),
            (r#"{"batchItemFailures": null}"#, Some(vec![])),
            (r#"{"batchItemFailures": [{"itemIdentifier": "b"}]}"#, Some(vec!["b"])),
            (r#"{"batchItemFailures": [{"itemIdentifier": ""}]}"#, None),
            (r#"{"batchItemFailures": [{"itemIdentifier": null}]}"#, None),
            (r#"{"batchItemFailures": [{"itemIdentifier": "c"}]}"#, None),
            (r#"{"batchItemFailures": [{"itemId": "a"}]}"#, None),
            (r#"{"batchItemFailure": []}"#, None),
            (r#""ok""#, None),
            ("nonsense", None),
        ] {
            let expected = failed.map(|ids| ids.into_iter().map(str::to_owned).collect::<BTreeSet<_>>());
            assert_eq!(failures(answer.as_bytes(), &ids), expected, "{answer}");
        }
    }

    fn message(id: &str, size: usize) -> Received {
        Received {
            message_id: id.to_owned(),
            receipt_handle: format!("receipt-{id}"),
            body: "x".repeat(size),
            md5_of_body: "md5".to_owned(),
            attributes: [("ApproximateReceiveCount".to_owned(), "1".to_owned())].into(),
            message_attributes: json!({"kind": {"DataType": "String", "StringValue": "v"}}),
        }
    }

    #[test]
    fn a_record_is_as_aws_documents_it() {
        let event = event(&[message("a", 2)], "arn:aws:sqs:eu-west-3:000000000000:q");
        let expected = json!({"Records": [{
            "messageId": "a",
            "receiptHandle": "receipt-a",
            "body": "xx",
            "attributes": {"ApproximateReceiveCount": "1"},
            "messageAttributes": {"kind": {
                "dataType": "String", "stringValue": "v", "stringListValues": [], "binaryListValues": [],
            }},
            "md5OfBody": "md5",
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:eu-west-3:000000000000:q",
            "awsRegion": "eu-west-3",
        }]});
        assert_eq!(event, expected);
    }

    #[test]
    fn a_batch_is_cut_at_the_size_of_an_invocation() {
        let mebi = 1024 * 1024;
        let parts = by_size((0..7).map(|n| message(&n.to_string(), mebi)).collect());
        assert_eq!(parts.iter().map(Vec::len).collect::<Vec<_>>(), [5, 2]);
    }
}
