//! The JSON protocol of SQS, with the limits AWS enforces.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use jiff::SignedDuration;
use serde_json::{Map, Value, json};

use super::queue::{BadReceipt, Message};
use super::{CHUNK, Shared, Sqs, md5};
use crate::backends::front::{self, Reply, Service};
use crate::iam::Context;
use crate::meter::Usage;
use crate::template::ACCOUNT;

/// The largest message, and the largest batch in all: 1 MiB.
const MAX_BYTES: usize = 1024 * 1024;
/// The most entries of a batch.
const MAX_ENTRIES: usize = 10;
const MAX_DELAY: i64 = 900;
const MAX_VISIBILITY: i64 = 43_200;
const MAX_WAIT: i64 = 20;

/// An error of SQS: its code and message.
struct Refusal(&'static str, String);

type Answer = Result<Value, Refusal>;

fn refuse<T>(code: &'static str, message: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal(code, message.into()))
}

impl Service for Sqs {
    const MAX_BODY: usize = 4 * MAX_BYTES;

    async fn call(&self, request: Request<Bytes>) -> Reply {
        self.respond(&request).await.into()
    }
}

impl Sqs {
    async fn respond(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let bad = |code, message: &str| front::error(StatusCode::BAD_REQUEST, code, message);
        let Some(operation) = front::target(request.headers()) else {
            return bad("InvalidAction", "X-Amz-Target is missing.");
        };
        let Ok(body) = serde_json::from_slice::<Value>(request.body()) else {
            return bad("SerializationException", "The body is not JSON.");
        };
        let Some(caller) = front::caller(request.headers(), request.uri()) else {
            return bad("MissingAuthenticationToken", "The request is not signed.");
        };
        let Some(action) = action(operation) else {
            return bad("InvalidAction", "This operation is not emulated.");
        };
        let url = body["QueueUrl"].as_str().or_else(|| body["QueueName"].as_str());
        let Some(shared) = url.and_then(|url| self.queue(url)) else {
            return bad("AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist.");
        };
        let arn = shared.lock().settings.arn.clone();
        let context = Context::new().with("aws:SecureTransport", "true");
        if let Err(message) = self.iam.authorize(Some(&caller), action, &arn, &context) {
            return front::denied(&message);
        }
        let host = request.headers().get(http::header::HOST);
        let host = host.and_then(|host| host.to_str().ok()).unwrap_or_default();
        match self.run(operation, &caller, shared, &body, host).await {
            Ok(answer) => {
                let answer = answer.to_string();
                self.meter_call(operation, &caller, request.body().len(), answer.len());
                front::raw_answer(StatusCode::OK, answer.into())
            }
            Err(Refusal(code, message)) => bad(code, &message),
        }
    }

    /// Payload travels in the request of a send and in the answer of a receive: each 64 KB of it is a request.
    fn meter_call(&self, operation: &str, caller: &str, bytes_in: usize, bytes_out: usize) {
        let payload = if operation == "ReceiveMessage" { bytes_out } else { bytes_in };
        let usage = Usage { requests: payload.div_ceil(CHUNK).max(1) as u64, ..Usage::one(bytes_in + bytes_out) };
        self.meter.call(caller, &format!("sqs:{operation}"), &usage);
    }

    async fn run(&self, operation: &str, caller: &str, shared: &Shared, body: &Value, host: &str) -> Answer {
        match operation {
            "SendMessage" => {
                let message = self.read_message(caller, shared, body)?;
                let answer = sent(&message);
                self.put(shared, &message);
                Ok(answer)
            }
            "SendMessageBatch" => self.send_batch(caller, shared, body),
            "ReceiveMessage" => self.receive_message(shared, body).await,
            "DeleteMessage" => {
                delete(shared, body)?;
                Ok(json!({}))
            }
            "DeleteMessageBatch" => each(body, |entry| delete(shared, entry)),
            "ChangeMessageVisibility" => {
                self.change_visibility(shared, body)?;
                Ok(json!({}))
            }
            "ChangeMessageVisibilityBatch" => each(body, |entry| self.change_visibility(shared, entry)),
            "GetQueueUrl" => {
                let name = shared.lock().settings.name.clone();
                Ok(json!({ "QueueUrl": format!("http://{host}/{ACCOUNT}/{name}") }))
            }
            "GetQueueAttributes" => Ok(json!({ "Attributes": self.attributes(shared, body) })),
            "PurgeQueue" => {
                shared.lock().purge();
                Ok(json!({}))
            }
            _ => refuse("InvalidAction", "This operation is not emulated."),
        }
    }

    fn read_message(&self, caller: &str, shared: &Shared, entry: &Value) -> Result<Message, Refusal> {
        let body = entry["MessageBody"].as_str().unwrap_or_default();
        if body.is_empty() {
            return refuse("MissingParameter", "The request must contain the parameter MessageBody.");
        }
        if size(entry) > MAX_BYTES {
            let message =
                format!("One or more parameters are invalid. Reason: Message must be shorter than {MAX_BYTES} bytes.");
            return refuse("InvalidParameterValue", message);
        }
        if !body.chars().all(allowed) {
            return refuse("InvalidMessageContents", "Invalid characters found.");
        }
        if entry["MessageAttributes"].as_object().is_some_and(|all| all.len() > 10) {
            return refuse("InvalidParameterValue", "Number of message attributes exceeds the allowed maximum [10].");
        }
        if !entry["MessageDeduplicationId"].is_null() {
            return refuse("InvalidParameterValue", "The queue is not a FIFO queue.");
        }
        let group = entry["MessageGroupId"].as_str().unwrap_or_default();
        if !entry["MessageGroupId"].is_null() && !(1..=128).contains(&group.len()) {
            return refuse("InvalidParameterValue", "MessageGroupId can only include 1 to 128 characters.");
        }
        let delay = match within(entry, "DelaySeconds", 0, MAX_DELAY)? {
            Some(seconds) => SignedDuration::from_secs(seconds),
            None => SignedDuration::try_from(shared.lock().settings.delay).unwrap_or_default(),
        };
        let attributes = match &entry["MessageAttributes"] {
            Value::Object(all) if !all.is_empty() => Value::Object(all.clone()),
            _ => Value::Null,
        };
        Ok(Message::new(body.to_owned(), attributes, caller, delay, self.now()).of(group))
    }

    fn send_batch(&self, caller: &str, shared: &Shared, body: &Value) -> Answer {
        let all: usize = entries(body)?.iter().map(size).sum();
        if all > MAX_BYTES {
            return refuse(
                "AWS.SimpleQueueService.BatchRequestTooLong",
                format!("Batch requests cannot be longer than {MAX_BYTES} bytes. You have sent {all} bytes."),
            );
        }
        each(body, |entry| {
            let message = self.read_message(caller, shared, entry)?;
            let answer = sent(&message);
            self.put(shared, &message);
            Ok(answer)
        })
    }

    async fn receive_message(&self, shared: &Shared, body: &Value) -> Answer {
        let limit = within(body, "MaxNumberOfMessages", 1, 10)?.unwrap_or(1);
        let wait = within(body, "WaitTimeSeconds", 0, MAX_WAIT)?.unwrap_or(0);
        let visibility = within(body, "VisibilityTimeout", 0, MAX_VISIBILITY)?;
        let visibility = visibility.map(SignedDuration::from_secs);
        let wait = Duration::from_secs(wait.unsigned_abs());
        let limit = usize::try_from(limit).unwrap_or(1);
        let received = self.wait_for(shared, limit, visibility, wait).await;
        if received.is_empty() {
            return Ok(json!({}));
        }
        let mut system = names(&body["AttributeNames"]);
        system.extend(names(&body["MessageSystemAttributeNames"]));
        let own = names(&body["MessageAttributeNames"]);
        let messages: Vec<Value> = received
            .iter()
            .map(|message| {
                let mut json = message.to_json();
                keep(&mut json, "Attributes", &system);
                keep(&mut json, "MessageAttributes", &own);
                if let Some(Value::Object(kept)) = json.get("MessageAttributes") {
                    json["MD5OfMessageAttributes"] = attributes_md5(kept).into();
                }
                json
            })
            .collect();
        Ok(json!({ "Messages": messages }))
    }

    fn change_visibility(&self, shared: &Shared, entry: &Value) -> Answer {
        let Some(seconds) = within(entry, "VisibilityTimeout", 0, MAX_VISIBILITY)? else {
            return refuse("MissingParameter", "The request must contain the parameter VisibilityTimeout.");
        };
        let handle = entry["ReceiptHandle"].as_str().unwrap_or_default();
        let visibility = SignedDuration::from_secs(seconds);
        let changed = shared.lock().change_visibility(handle, visibility, self.now());
        shared.arrived.notify_waiters();
        match changed {
            Ok(()) => Ok(json!({})),
            Err(BadReceipt::Invalid) => refuse("ReceiptHandleIsInvalid", "The input receipt handle is invalid."),
            Err(BadReceipt::NotInFlight) => {
                refuse("AWS.SimpleQueueService.MessageNotInflight", "The specified message isn't in flight.")
            }
        }
    }

    fn attributes(&self, shared: &Shared, body: &Value) -> Value {
        let now = self.now();
        let mut queue = shared.lock();
        let counts = queue.counts(now);
        let settings = &queue.settings;
        let mut all = json!({
            "QueueArn": settings.arn,
            "ApproximateNumberOfMessages": counts.visible.to_string(),
            "ApproximateNumberOfMessagesNotVisible": counts.in_flight.to_string(),
            "ApproximateNumberOfMessagesDelayed": counts.delayed.to_string(),
            "VisibilityTimeout": settings.visibility_timeout.as_secs().to_string(),
            "DelaySeconds": settings.delay.as_secs().to_string(),
            "MessageRetentionPeriod": settings.retention.as_secs().to_string(),
            "MaximumMessageSize": MAX_BYTES.to_string(),
        });
        if let (Some(arn), Some(count)) = (&settings.dead_letter, settings.max_receive_count) {
            let policy = json!({"deadLetterTargetArn": arn, "maxReceiveCount": count});
            all["RedrivePolicy"] = policy.to_string().into();
        }
        let mut wrapped = json!({ "Attributes": all });
        keep(&mut wrapped, "Attributes", &names(&body["AttributeNames"]));
        wrapped["Attributes"].take()
    }
}

/// The permission an operation needs.
fn action(operation: &str) -> Option<&'static str> {
    Some(match operation {
        "SendMessage" | "SendMessageBatch" => "sqs:SendMessage",
        "ReceiveMessage" => "sqs:ReceiveMessage",
        "DeleteMessage" | "DeleteMessageBatch" => "sqs:DeleteMessage",
        "ChangeMessageVisibility" | "ChangeMessageVisibilityBatch" => "sqs:ChangeMessageVisibility",
        "GetQueueUrl" => "sqs:GetQueueUrl",
        "GetQueueAttributes" => "sqs:GetQueueAttributes",
        "PurgeQueue" => "sqs:PurgeQueue",
        _ => return None,
    })
}

fn sent(message: &Message) -> Value {
    let mut answer = json!({
        "MessageId": message.id,
        "MD5OfMessageBody": md5(message.body.as_bytes()),
    });
    if let Value::Object(attributes) = &message.attributes {
        answer["MD5OfMessageAttributes"] = attributes_md5(attributes).into();
    }
    answer
}

fn delete(shared: &Shared, entry: &Value) -> Answer {
    let handle = entry["ReceiptHandle"].as_str().unwrap_or_default();
    match shared.lock().delete(handle) {
        Ok(()) => Ok(json!({})),
        Err(_) => refuse("ReceiptHandleIsInvalid", "The input receipt handle is invalid."),
    }
}

/// The entries of a batch, after AWS's checks on the batch as a whole.
fn entries(body: &Value) -> Result<&[Value], Refusal> {
    let entries = body["Entries"].as_array().map_or(&[][..], Vec::as_slice);
    if entries.is_empty() {
        return refuse(
            "AWS.SimpleQueueService.EmptyBatchRequest",
            "There should be at least one entry in the request.",
        );
    }
    if entries.len() > MAX_ENTRIES {
        return refuse(
            "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
            format!("Maximum number of entries per request are {MAX_ENTRIES}. You have sent {}.", entries.len()),
        );
    }
    let mut ids = BTreeSet::new();
    for entry in entries {
        let id = entry["Id"].as_str().unwrap_or_default();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if id.is_empty() || id.len() > 80 || !id.bytes().all(plain) {
            return refuse(
                "AWS.SimpleQueueService.InvalidBatchEntryId",
                "A batch entry id can only contain alphanumeric characters, hyphens and underscores. \
                 It can be at most 80 letters long.",
            );
        }
        if !ids.insert(id) {
            return refuse("AWS.SimpleQueueService.BatchEntryIdsNotDistinct", format!("Id {id} repeated."));
        }
    }
    Ok(entries)
}

/// Runs a batch entry by entry: what fails, fails alone.
fn each(body: &Value, run: impl Fn(&Value) -> Answer) -> Answer {
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for entry in entries(body)? {
        match run(entry) {
            Ok(mut answer) => {
                answer["Id"] = entry["Id"].clone();
                successful.push(answer);
            }
            Err(Refusal(code, message)) => failed.push(json!({
                "Id": entry["Id"], "Code": code, "Message": message, "SenderFault": true,
            })),
        }
    }
    let mut answer = json!({ "Successful": successful });
    if !failed.is_empty() {
        answer["Failed"] = failed.into();
    }
    Ok(answer)
}

fn within(body: &Value, name: &str, least: i64, most: i64) -> Result<Option<i64>, Refusal> {
    match &body[name] {
        Value::Null => Ok(None),
        value => match value.as_i64() {
            Some(number) if (least..=most).contains(&number) => Ok(Some(number)),
            _ => refuse(
                "InvalidParameterValue",
                format!(
                    "Value {value} for parameter {name} is invalid. Reason: Must be between {least} and {most}, if provided."
                ),
            ),
        },
    }
}

/// What a message weighs: its body, and the names, types and values of its attributes.
fn size(entry: &Value) -> usize {
    let body = entry["MessageBody"].as_str().map_or(0, str::len);
    let attributes = entry["MessageAttributes"].as_object().into_iter().flatten();
    let attributes = attributes.map(|(name, attribute)| {
        let text = |key: &str| attribute[key].as_str().map_or(0, str::len);
        name.len() + text("DataType") + text("StringValue") + text("BinaryValue") / 4 * 3
    });
    body + attributes.sum::<usize>()
}

/// The characters SQS carries: those of XML 1.0.
fn allowed(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

fn names(list: &Value) -> Vec<String> {
    let names = list.as_array().into_iter().flatten();
    names.filter_map(|name| name.as_str().map(str::to_owned)).collect()
}

/// Keeps of `json[field]` what was asked for; nothing asked, nothing given.
fn keep(json: &mut Value, field: &str, wanted: &[String]) {
    let Some(map) = json.get_mut(field).and_then(Value::as_object_mut) else {
        return;
    };
    let everything = wanted.iter().any(|name| name == "All" || name == ".*");
    map.retain(|name, _| {
        everything
            || wanted.iter().any(|wanted| {
                let prefix = wanted.strip_suffix(".*");
                wanted == name || prefix.is_some_and(|prefix| name.starts_with(prefix))
            })
    });
    if map.is_empty()
        && let Some(all) = json.as_object_mut()
    {
        all.remove(field);
    }
}

/// The MD5 of message attributes: names in order, each part led by its length.
fn attributes_md5(attributes: &Map<String, Value>) -> String {
    use base64::Engine as _;
    let mut names: Vec<&String> = attributes.keys().collect();
    names.sort();
    let mut bytes = Vec::new();
    let part = |bytes: &mut Vec<u8>, part: &[u8]| {
        bytes.extend(u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        bytes.extend(part);
    };
    for name in names {
        let attribute = &attributes[name];
        part(&mut bytes, name.as_bytes());
        part(&mut bytes, attribute["DataType"].as_str().unwrap_or_default().as_bytes());
        if let Some(binary) = attribute["BinaryValue"].as_str() {
            bytes.push(2);
            let decoded = base64::engine::general_purpose::STANDARD.decode(binary);
            part(&mut bytes, &decoded.unwrap_or_default());
        } else {
            bytes.push(1);
            part(&mut bytes, attribute["StringValue"].as_str().unwrap_or_default().as_bytes());
        }
    }
    md5(&bytes)
}
