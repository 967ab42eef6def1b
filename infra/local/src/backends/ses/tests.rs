//! SES: what it accepts, changes, refuses and publishes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::mime;
use crate::backends::faults::{Plan, SesPlan};
use crate::backends::tests::{Stack, credential};
use crate::mailbox::Channel;

const MESSAGE: &str = "From: News <news@example.org>\r\nTo: ana@example.com\r\nBcc: secret@example.com\r\n\
Message-ID: <ours@example.org>\r\nDate: Thu, 1 Jan 1970 00:00:00 +0000\r\nSubject: Hello\r\n\
List-Unsubscribe: <https://example.org/u/t>\r\nX-Folded: one\r\n two\r\n\r\nMessage-ID: body stays\r\n";

impl Stack {
    async fn send(&self, body: &Value) -> Result<(u16, Value), reqwest::Error> {
        let response = self
            .http
            .post(format!("{}/v2/email/outbound-emails", self.url("SESV2")))
            .header("authorization", credential("writer", "ses"))
            .json(body)
            .send()
            .await?;
        let status = response.status().as_u16();
        Ok((status, response.json().await?))
    }

    async fn events(&self) -> Vec<Value> {
        let wait = std::time::Duration::ZERO;
        let received = self.backends.sqs().receive("feedback", "feedback", 10, wait).await.unwrap();
        received.iter().map(|message| serde_json::from_str(&message.body).unwrap()).collect()
    }
}

fn raw_to(to: &[&str]) -> Value {
    json!({
        "FromEmailAddress": "News <news@example.org>",
        "Destination": {"ToAddresses": to},
        "Content": {"Raw": {"Data": STANDARD.encode(MESSAGE)}},
        "EmailTags": [{"Name": "delivery", "Value": "dlv_1"}],
        "ConfigurationSetName": "main",
    })
}

#[tokio::test]
async fn a_raw_message_is_kept_with_its_headers_and_ses_own() {
    let stack = Stack::start().await;
    let (status, answer) = stack.send(&raw_to(&["ana@example.com"])).await.unwrap();
    assert_eq!(status, 200, "{answer}");
    let id = answer["MessageId"].as_str().unwrap();
    let kept = &stack.backends.mailbox().all()[0];
    assert_eq!(kept.envelope.channel, Channel::Ses);
    assert_eq!(kept.envelope.envelope_from, "news@example.org");
    assert_eq!(kept.envelope.envelope_to, ["ana@example.com"]);
    let header = |name: &str| mime::header(&kept.raw, name);
    assert_eq!(header("Message-ID").unwrap(), format!("<{id}@eu-west-3.amazonses.com>"));
    assert_ne!(header("Date").unwrap(), "Thu, 1 Jan 1970 00:00:00 +0000");
    assert_eq!(header("Bcc"), None);
    assert_eq!(header("List-Unsubscribe").unwrap(), "<https://example.org/u/t>");
    assert_eq!(header("X-Folded").unwrap(), "one two");
    assert!(kept.raw.ends_with(b"\r\n\r\nMessage-ID: body stays\r\n"));

    let events = stack.events().await;
    let kinds: Vec<&str> = events.iter().map(|event| event["eventType"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["Send", "Delivery"]);
    assert_eq!(events[1]["mail"]["tags"]["delivery"], json!(["dlv_1"]));
    assert_eq!(events[1]["mail"]["messageId"], id);
    assert_eq!(events[1]["mail"]["destination"], json!(["ana@example.com"]));
    assert_eq!(events[1]["delivery"]["recipients"], json!(["ana@example.com"]));
    assert_eq!(stack.backends.meter().snapshot().of("writer", "ses:SendEmail").requests, 1);
}

#[tokio::test]
async fn the_simulator_bounces_and_complains() {
    let stack = Stack::start().await;
    for (to, kinds) in [
        ("bounce@simulator.amazonses.com", &["Send", "Bounce"][..]),
        ("bounce+dlv1@simulator.amazonses.com", &["Send", "Bounce"]),
        ("suppressionlist@simulator.amazonses.com", &["Send", "Bounce"]),
        ("complaint@simulator.amazonses.com", &["Send", "Delivery", "Complaint"]),
        ("success@simulator.amazonses.com", &["Send", "Delivery"]),
    ] {
        stack.send(&raw_to(&[to])).await.unwrap();
        let events = stack.events().await;
        let found: Vec<&str> = events.iter().map(|event| event["eventType"].as_str().unwrap()).collect();
        assert_eq!(found, kinds, "{to}");
        if kinds[1] == "Bounce" {
            assert_eq!(events[1]["bounce"]["bounceType"], "Permanent");
            assert_eq!(events[1]["bounce"]["bouncedRecipients"][0]["emailAddress"], to);
        }
    }
    let mut virus = raw_to(&["ana@example.com"]);
    virus["Content"]["Raw"]["Data"] = STANDARD.encode(format!("{MESSAGE}EICAR-STANDARD-ANTIVIRUS-TEST-FILE!")).into();
    stack.send(&virus).await.unwrap();
    assert_eq!(stack.events().await[1]["eventType"], "Reject");
}

#[tokio::test]
async fn without_a_configuration_set_nothing_is_published() {
    let stack = Stack::start().await;
    let mut message = raw_to(&["ana@example.com"]);
    message.as_object_mut().unwrap().remove("ConfigurationSetName");
    stack.send(&message).await.unwrap();
    assert!(stack.events().await.is_empty());
}

#[tokio::test]
async fn what_ses_would_refuse_is_refused() {
    let stack = Stack::start().await;
    let many: Vec<String> = (0..51).map(|n| format!("a{n}@example.com")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let with = |key: &str, value: Value| {
        let mut message = raw_to(&["ana@example.com"]);
        message[key] = value;
        message
    };
    for (message, status) in [
        (raw_to(&many), 400),
        (raw_to(&["éa@example.com"]), 400),
        (with("Content", json!({})), 400),
        (with("EmailTags", json!([{"Name": "a b", "Value": "x"}])), 400),
        (with("FromEmailAddress", json!("nobody")), 400),
        (with("FromEmailAddress", json!("news@elsewhere.example")), 403),
    ] {
        let (found, answer) = stack.send(&message).await.unwrap();
        assert_eq!(found, status, "{answer}");
    }
    assert!(stack.backends.mailbox().is_empty());
}

#[tokio::test]
async fn simple_content_becomes_a_message() {
    let stack = Stack::start().await;
    let message = json!({
        "FromEmailAddress": "Événements <news@example.org>",
        "Destination": {"ToAddresses": ["ana@example.com"]},
        "Content": {"Simple": {
            "Subject": {"Data": "Vérifiez votre adresse électronique pour commencer, s'il vous plaît"},
            "Body": {"Text": {"Data": "Bonjour"}, "Html": {"Data": "<p>Bonjour</p>"}},
            "Headers": [{"Name": "Auto-Submitted", "Value": "auto-generated"}],
        }},
    });
    let (status, answer) = stack.send(&message).await.unwrap();
    assert_eq!(status, 200, "{answer}");
    let kept = &stack.backends.mailbox().all()[0];
    let parsed = mail_parser::MessageParser::default().parse(&kept.raw[..]).unwrap();
    assert_eq!(parsed.subject().unwrap(), "Vérifiez votre adresse électronique pour commencer, s'il vous plaît");
    assert_eq!(parsed.body_text(0).unwrap().trim(), "Bonjour");
    assert_eq!(parsed.from().unwrap().first().unwrap().name().unwrap(), "Événements");
    assert_eq!(parsed.header_raw("Auto-Submitted").unwrap().trim(), "auto-generated");
}

#[tokio::test]
async fn faults_throttle_refuse_and_drop_after_acceptance() {
    let stack = Stack::start().await;
    let plan = |ses: SesPlan| Plan { ses, ..Plan::default() };
    let to = raw_to(&["ana@example.com"]);
    stack.backends.faults().set(plan(SesPlan { throttle_every: 2, ..SesPlan::default() }));
    assert_eq!(stack.send(&to).await.unwrap().0, 200);
    let response = stack.send(&to).await.unwrap();
    assert_eq!(response.0, 429);
    assert_eq!(response.1["message"], "Maximum sending rate exceeded.");

    stack.backends.faults().set(plan(SesPlan { reject_every: 1, ..SesPlan::default() }));
    let (status, answer) = stack.send(&to).await.unwrap();
    assert_eq!((status, &answer["__type"]), (400, &json!("MessageRejected")));
    assert_eq!(stack.backends.mailbox().len(), 1);

    stack.events().await;
    stack.backends.faults().set(plan(SesPlan { drop_after_accept_every: 1, ..SesPlan::default() }));
    assert!(stack.send(&to).await.is_err(), "no answer comes");
    assert_eq!(stack.backends.mailbox().len(), 2, "but the message was accepted");
    assert_eq!(stack.events().await.len(), 2, "and its events tell");
}

#[tokio::test]
async fn the_suppression_list_bounces() {
    let stack = Stack::start().await;
    let list = format!("{}/v2/email/suppression/addresses", stack.url("SESV2"));
    let put = stack
        .http
        .put(&list)
        .header("authorization", credential("operator", "ses"))
        .json(&json!({"EmailAddress": "Gone@example.com", "Reason": "BOUNCE"}));
    assert_eq!(put.send().await.unwrap().status(), 200);
    stack.send(&raw_to(&["gone@example.com"])).await.unwrap();
    let events = stack.events().await;
    assert_eq!(events[1]["bounce"]["bounceSubType"], "OnAccountSuppressionList");
    let account = stack
        .http
        .get(format!("{}/v2/email/account", stack.url("SESV2")))
        .header("authorization", credential("operator", "ses"));
    let account: Value = account.send().await.unwrap().json().await.unwrap();
    assert_eq!(account["SendingEnabled"], true);
}

#[test]
fn every_envelope_carries_the_event() {
    use super::events::{routes, wrap};
    use crate::template::{Envelope, MailEvents};
    let event = json!({"eventType": "Bounce"});
    let now = jiff::Timestamp::UNIX_EPOCH;
    let read = |envelope| serde_json::from_str::<Value>(&wrap(&event, "Bounce", "main", envelope, now)).unwrap();
    assert_eq!(read(Envelope::Raw), event);
    assert_eq!(read(Envelope::EventBridge)["detail"], event);
    assert_eq!(read(Envelope::EventBridge)["time"], "1970-01-01T00:00:00Z");
    assert_eq!(read(Envelope::Sns)["Message"], event.to_string());
    let destinations = [MailEvents {
        configuration_set: "main".to_owned(),
        types: vec!["BOUNCE".to_owned()],
        queue_arn: "arn:q".to_owned(),
        envelope: Envelope::Sns,
    }];
    let to = |set: &str, kind: &str| routes(&destinations, Some("feedback"), set, kind);
    assert_eq!(to("main", "Bounce"), [("arn:q".to_owned(), Envelope::Sns)]);
    assert!(to("main", "Send").is_empty());
    assert_eq!(to("other", "Send"), [("feedback".to_owned(), Envelope::Raw)]);
}
