//! Uploads → event notifications → queues.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::backends::ObjectCreated;
use crate::backends::sqs::Sqs;
use crate::clock::Clock;
use crate::console::Console;
use crate::ids::uuid;
use crate::template::{Bucket, Notification, REGION};

/// Tells the queues of the template what was uploaded, until the back ends go away.
pub(crate) async fn forward(
    mut created: UnboundedReceiver<ObjectCreated>,
    buckets: Vec<Bucket>,
    sqs: Sqs,
    clock: Clock,
    console: Arc<Console>,
) {
    while let Some(object) = created.recv().await {
        for bucket in buckets.iter().filter(|bucket| bucket.name == object.bucket) {
            for notification in bucket.notifications.iter().filter(|notification| wants(notification, &object.key)) {
                let event = event(&object, clock.now());
                if let Err(error) = sqs.send(&notification.queue_arn, event.to_string()) {
                    console.note(&format!("{}: {error:#}", bucket.name));
                }
            }
        }
    }
}

fn wants(notification: &Notification, key: &str) -> bool {
    key.starts_with(&notification.prefix) && key.ends_with(&notification.suffix)
}

fn event(object: &ObjectCreated, now: Timestamp) -> Value {
    json!({"Records": [{
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": REGION,
        "eventTime": format!("{now:.3}"),
        "eventName": "ObjectCreated:Put",
        "userIdentity": {"principalId": "local"},
        "requestParameters": {"sourceIPAddress": "127.0.0.1"},
        "responseElements": {"x-amz-request-id": uuid(), "x-amz-id-2": "local"},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "local",
            "bucket": {
                "name": object.bucket,
                "ownerIdentity": {"principalId": "local"},
                "arn": format!("arn:aws:s3:::{}", object.bucket),
            },
            "object": {
                "key": encoded(&object.key),
                "size": object.size,
                "eTag": object.etag.trim_matches('"'),
                "sequencer": format!("{:018X}", now.as_microsecond()),
            },
        },
    }]})
}

/// Keys in events are encoded as in a form, but for the slashes.
fn encoded(key: &str) -> String {
    let parts: Vec<String> =
        key.split('/').map(|part| url::form_urlencoded::byte_serialize(part.as_bytes()).collect()).collect();
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::sync::mpsc;

    use super::*;
    use crate::backends::{Backends, State};
    use crate::template::{Inputs, Template};

    #[test]
    fn keys_are_encoded_as_in_a_form() {
        assert_eq!(encoded("uploads/ws_1/été 1+1.csv"), "uploads/ws_1/%C3%A9t%C3%A9+1%2B1.csv");
    }

    #[test]
    fn prefix_and_suffix_choose() {
        let notification = Notification {
            event: "s3:ObjectCreated:*".to_owned(),
            prefix: "uploads/".to_owned(),
            suffix: ".csv".to_owned(),
            queue_arn: String::new(),
        };
        for (key, wanted) in [("uploads/a.csv", true), ("rejects/a.csv", false), ("uploads/a.txt", false)] {
            assert_eq!(wants(&notification, key), wanted, "{key}");
        }
    }

    const TEMPLATE: &str = r#"
Resources:
  Queue: { Type: AWS::SQS::Queue }
  Uploads:
    Type: AWS::S3::Bucket
    Properties:
      NotificationConfiguration:
        QueueConfigurations:
          - Event: s3:ObjectCreated:*
            Filter: { S3Key: { Rules: [{ Name: prefix, Value: uploads/ }] } }
            Queue: !GetAtt Queue.Arn
"#;

    #[tokio::test]
    async fn an_upload_is_told_to_the_queue_that_wants_it() {
        let template = Template::parse(TEMPLATE, &Inputs::default()).unwrap();
        let clock = Clock::new();
        clock.set("2031-05-01T12:00:00Z".parse().unwrap());
        let (created, uploads) = mpsc::unbounded_channel();
        let backends = Backends::start(&template, State::Memory, clock.clone(), created.clone());
        let backends = backends.await.unwrap();
        for key in ["rejects/a.csv", "uploads/ws_1/a b.csv"] {
            let (bucket, etag) = ("prospectra-uploads".to_owned(), "e".to_owned());
            created.send(ObjectCreated { bucket, key: key.to_owned(), size: 3, etag }).unwrap();
        }
        let console = Arc::new(Console::new(true));
        tokio::spawn(forward(uploads, template.buckets.clone(), backends.sqs().clone(), clock, console));
        let queue = &template.queues[0].arn;
        let messages = backends.sqs().receive("import", queue, 10, Duration::from_secs(5)).await.unwrap();
        let [message] = &messages[..] else { panic!("one message") };
        let event: Value = serde_json::from_str(&message.body).unwrap();
        let record = &event["Records"][0];
        assert_eq!(record["s3"]["bucket"]["name"], "prospectra-uploads");
        assert_eq!(record["s3"]["object"]["key"], "uploads/ws_1/a+b.csv");
        assert_eq!(record["s3"]["object"]["size"], 3);
        assert!(record["eventTime"].as_str().unwrap().starts_with("2031-05-01T12:00:0"));
    }
}
