//! The queues, over HTTP and from inside.

use std::time::{Duration, Instant};

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::backends::State;
use crate::backends::faults::{Plan, SqsPlan};
use crate::backends::tests::Stack;

impl Stack {
    async fn sqs(&self, operation: &str, body: Value) -> (u16, Value) {
        let mut body = body;
        if body["QueueUrl"].is_null() {
            body["QueueUrl"] = self.queue("work").into();
        }
        self.json("writer", "SQS", &format!("AmazonSQS.{operation}"), body).await
    }

    fn queue(&self, name: &str) -> String {
        format!("{}/000000000000/{name}", self.url("SQS"))
    }

    async fn receive(&self, more: Value) -> Vec<Value> {
        let mut body = json!({"MaxNumberOfMessages": 10, "MessageSystemAttributeNames": ["All"]});
        for (key, value) in more.as_object().unwrap() {
            body[key] = value.clone();
        }
        let (status, answer) = self.sqs("ReceiveMessage", body).await;
        assert_eq!(status, 200, "{answer}");
        answer["Messages"].as_array().cloned().unwrap_or_default()
    }
}

#[tokio::test]
async fn a_message_travels_once() {
    let stack = Stack::start().await;
    let attributes = json!({"kind": {"DataType": "String", "StringValue": "x"}});
    let (_, sent) = stack.sqs("SendMessage", json!({"MessageBody": "héllo", "MessageAttributes": attributes})).await;
    assert_eq!(sent["MD5OfMessageBody"], "be50e8478cf24ff3595bc7307fb91b50");
    let messages = stack.receive(json!({"MessageAttributeNames": ["All"]})).await;
    assert_eq!(messages.len(), 1);
    let message = &messages[0];
    assert_eq!(message["Body"], "héllo");
    assert_eq!(message["MD5OfBody"], sent["MD5OfMessageBody"]);
    assert_eq!(message["MD5OfMessageAttributes"], sent["MD5OfMessageAttributes"]);
    assert_eq!(message["Attributes"]["ApproximateReceiveCount"], "1");
    assert_eq!(message["Attributes"]["SenderId"], "writer");
    let first = message["Attributes"]["ApproximateFirstReceiveTimestamp"].as_str().unwrap();
    assert!(first.parse::<i64>().unwrap() > 1_700_000_000_000);
    assert!(stack.receive(json!({})).await.is_empty(), "it is in flight");
    let (status, _) = stack.sqs("DeleteMessage", json!({"ReceiptHandle": message["ReceiptHandle"]})).await;
    assert_eq!(status, 200);
    let (_, counts) = stack.sqs("GetQueueAttributes", json!({"AttributeNames": ["All"]})).await;
    let counts = &counts["Attributes"];
    assert_eq!(counts["ApproximateNumberOfMessages"], "0");
    assert_eq!(counts["ApproximateNumberOfMessagesNotVisible"], "0");
    let (_, url) = stack.json("writer", "SQS", "AmazonSQS.GetQueueUrl", json!({"QueueName": "work"})).await;
    assert_eq!(url["QueueUrl"], stack.queue("work"));
}

#[tokio::test]
async fn limits_are_enforced() {
    let stack = Stack::start().await;
    let entry = |id: &str, body: &str| json!({"Id": id, "MessageBody": body});
    let eleven: Vec<Value> = (0..11).map(|n| entry(&n.to_string(), "x")).collect();
    let big = "x".repeat(600 * 1024);
    for (operation, body, code) in [
        ("SendMessageBatch", json!({"Entries": eleven}), "TooManyEntriesInBatchRequest"),
        ("SendMessageBatch", json!({"Entries": []}), "EmptyBatchRequest"),
        ("SendMessageBatch", json!({"Entries": [entry("a", "x"), entry("a", "y")]}), "BatchEntryIdsNotDistinct"),
        ("SendMessageBatch", json!({"Entries": [entry("a b", "x")]}), "InvalidBatchEntryId"),
        ("SendMessageBatch", json!({"Entries": [entry("a", &big), entry("b", &big)]}), "BatchRequestTooLong"),
        ("SendMessage", json!({"MessageBody": "x".repeat(1024 * 1024 + 1)}), "InvalidParameterValue"),
        ("SendMessage", json!({"MessageBody": "x", "DelaySeconds": 901}), "InvalidParameterValue"),
        ("SendMessage", json!({"MessageBody": "\u{1}"}), "InvalidMessageContents"),
        ("SendMessage", json!({"MessageBody": ""}), "MissingParameter"),
        ("SendMessage", json!({"MessageBody": "x", "QueueUrl": "http://x/0/none"}), "NonExistentQueue"),
        ("ReceiveMessage", json!({"MaxNumberOfMessages": 11}), "InvalidParameterValue"),
        ("DeleteMessage", json!({"ReceiptHandle": "!"}), "ReceiptHandleIsInvalid"),
    ] {
        let (status, answer) = stack.sqs(operation, body).await;
        assert_eq!(status, 400, "{code}");
        let found = answer["__type"].as_str().unwrap();
        assert!(found.ends_with(code), "{code}: {answer}");
    }
    let (status, _) = stack.sqs("SendMessage", json!({"MessageBody": "x".repeat(1024 * 1024)})).await;
    assert_eq!(status, 200);
    let (status, answer) = stack
        .json("reader", "SQS", "AmazonSQS.SendMessage", json!({"QueueUrl": stack.queue("work"), "MessageBody": "x"}))
        .await;
    assert_eq!((status, &answer["__type"]), (403, &json!("AccessDeniedException")));
}

#[tokio::test]
async fn requests_are_billed_by_64_kilobytes() {
    let stack = Stack::start().await;
    stack.sqs("SendMessage", json!({"MessageBody": "x".repeat(130 * 1024)})).await;
    let usage = stack.backends.meter().snapshot().of("writer", "sqs:SendMessage");
    assert_eq!((usage.count, usage.requests), (1, 3));
}

#[tokio::test]
async fn visibility_runs_in_real_time_and_can_be_changed() {
    let stack = Stack::start().await;
    stack.sqs("SendMessage", json!({"MessageBody": "a"})).await;
    let first = stack.receive(json!({"VisibilityTimeout": 1})).await;
    let started = Instant::now();
    let second = stack.receive(json!({"WaitTimeSeconds": 5})).await;
    assert_eq!(second.len(), 1);
    assert!(started.elapsed() > Duration::from_millis(800));
    assert_eq!(second[0]["Attributes"]["ApproximateReceiveCount"], "2");
    stack.sqs("DeleteMessage", json!({"ReceiptHandle": first[0]["ReceiptHandle"]})).await;
    assert_eq!(stack.backends.sqs().counts("work").unwrap().in_flight, 1, "an old receipt deletes nothing");
    let change = json!({"ReceiptHandle": second[0]["ReceiptHandle"], "VisibilityTimeout": 0});
    assert_eq!(stack.sqs("ChangeMessageVisibility", change.clone()).await.0, 200);
    let (status, answer) = stack.sqs("ChangeMessageVisibility", change).await;
    assert_eq!(status, 400);
    assert!(answer["__type"].as_str().unwrap().ends_with("MessageNotInflight"));
    assert_eq!(stack.backends.sqs().counts("work").unwrap().visible, 1);
}

#[tokio::test]
async fn a_delay_ends_when_the_clock_is_moved() {
    let stack = Stack::start().await;
    stack.sqs("SendMessage", json!({"MessageBody": "later", "DelaySeconds": 900})).await;
    stack.sqs("SendMessage", json!({"MessageBody": "soon", "DelaySeconds": 1})).await;
    assert!(stack.receive(json!({})).await.is_empty());
    assert_eq!(stack.backends.sqs().counts("work").unwrap().delayed, 2);
    let soon = stack.receive(json!({"WaitTimeSeconds": 3})).await;
    assert_eq!(soon[0]["Body"], "soon");
    let later = stack.clock.now().checked_add(SignedDuration::from_mins(16)).unwrap();
    stack.clock.set(later);
    let messages = stack.receive(json!({"WaitTimeSeconds": 1})).await;
    assert_eq!(messages[0]["Body"], "later");
    let first: i64 = messages[0]["Attributes"]["ApproximateFirstReceiveTimestamp"].as_str().unwrap().parse().unwrap();
    assert!(first >= later.as_millisecond(), "stamped by the movable clock");
    assert_eq!(stack.backends.sqs().counts("work").unwrap().in_flight, 2, "what is held stays held");
}

#[tokio::test]
async fn received_too_often_goes_to_the_dead_letters() {
    let stack = Stack::start().await;
    let (_, sent) = stack.sqs("SendMessage", json!({"MessageBody": "poison"})).await;
    for _ in 0..2 {
        assert_eq!(stack.receive(json!({"VisibilityTimeout": 0})).await.len(), 1);
    }
    assert!(stack.receive(json!({})).await.is_empty());
    let letters = stack.receive(json!({"QueueUrl": stack.queue("work-dead")})).await;
    assert_eq!(letters[0]["MessageId"], sent["MessageId"]);
    assert_eq!(letters[0]["Attributes"]["DeadLetterQueueSourceArn"], "arn:aws:sqs:eu-west-3:000000000000:work");
}

#[tokio::test]
async fn a_long_poll_ends_with_the_message() {
    let stack = Stack::start().await;
    let sqs = stack.backends.sqs().clone();
    let poll = tokio::spawn(async move { sqs.receive("writer", "work", 10, Duration::from_secs(10)).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    let started = Instant::now();
    stack.backends.sqs().send("work", "now".to_owned()).unwrap();
    let messages = poll.await.unwrap().unwrap();
    assert_eq!(messages[0].body, "now");
    assert!(started.elapsed() < Duration::from_secs(2));
    let receipts = vec![messages[0].receipt_handle.clone()];
    stack.backends.sqs().delete("writer", "work", &receipts).unwrap();
    assert_eq!(stack.backends.sqs().counts("work").unwrap(), super::Counts::default());
    assert!(stack.backends.sqs().receive("writer", "none", 1, Duration::ZERO).await.is_err());
}

#[tokio::test]
async fn a_restart_loses_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let state = || State::Dir(directory.path().to_owned());
    {
        let stack = Stack::start_in(state()).await;
        for body in ["kept", "held", "gone"] {
            stack.sqs("SendMessage", json!({"MessageBody": body})).await;
        }
        let messages = stack.receive(json!({})).await;
        let gone = messages.iter().find(|message| message["Body"] == "gone").unwrap();
        stack.sqs("DeleteMessage", json!({"ReceiptHandle": gone["ReceiptHandle"]})).await;
        stack.sqs("SendMessage", json!({"MessageBody": "delayed", "DelaySeconds": 900})).await;
    }
    let stack = Stack::start_in(state()).await;
    let counts = stack.backends.sqs().counts("work").unwrap();
    assert_eq!(counts.visible + counts.in_flight + counts.delayed, 3);
    let later = stack.clock.now().checked_add(SignedDuration::from_hours(1)).unwrap();
    stack.clock.set(later);
    let mut bodies: Vec<String> = Vec::new();
    let until = Instant::now() + Duration::from_secs(3);
    while bodies.is_empty() && Instant::now() < until {
        let found = stack.receive(json!({"WaitTimeSeconds": 1})).await;
        bodies.extend(found.iter().map(|message| message["Body"].as_str().unwrap().to_owned()));
    }
    assert!(bodies.contains(&"delayed".to_owned()), "{bodies:?}");
}

#[tokio::test]
async fn faults_deliver_often_and_in_another_order() {
    let stack = Stack::start().await;
    stack
        .backends
        .faults()
        .set(Plan { sqs: SqsPlan { deliveries: 3, shuffle_seed: Some(7), late_ms: 0 }, ..Plan::default() });
    let entries: Vec<Value> = (0..10).map(|n| json!({"Id": n.to_string(), "MessageBody": n.to_string()})).collect();
    stack.sqs("SendMessageBatch", json!({"Entries": entries})).await;
    let mut bodies = Vec::new();
    loop {
        let messages = stack.receive(json!({})).await;
        if messages.is_empty() {
            break;
        }
        let mut ids: Vec<&Value> = messages.iter().map(|message| &message["MessageId"]).collect();
        ids.sort_by_key(|id| id.to_string());
        ids.dedup();
        assert_eq!(ids.len(), messages.len(), "two copies never share an answer");
        bodies.extend(messages.iter().map(|message| message["Body"].as_str().unwrap().to_owned()));
    }
    assert_eq!(bodies.len(), 30);
    let in_order: Vec<String> = bodies.iter().map(|body| body.parse::<u32>().unwrap()).map(|n| n.to_string()).collect();
    let mut sorted = in_order.clone();
    sorted.sort();
    assert_ne!(in_order, sorted);
    for n in 0..10 {
        assert_eq!(bodies.iter().filter(|body| **body == n.to_string()).count(), 3);
    }
}
