//! Openings are recorded of whoever agreed to that, which is not the consent to clicks, and of nobody else (A65). Nothing
//! hangs on them.

use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Mail, Sender, TestStack, clicks::opens_said, run, store::Dump};

const PEOPLE: [&str; 3] = ["both@opens.test", "clicks@opens.test", "none@opens.test"];

/// A message with a link to three people: one agreed to both, one to clicks alone, one to nothing.
async fn written(stack: &TestStack) -> Sender<'_> {
    stack.set_time(opens_said() + SignedDuration::from_hours(12));
    let sender = stack.sign_up().await;
    sender.import(format!("email\n{}\n", PEOPLE.join("\n")).as_bytes()).await;
    sender.records_clicks().await;
    sender.records_opens().await;
    sender.agreed_to_opens(PEOPLE[0], "2027-03-01").await.expect(200);
    sender.agreed(PEOPLE[1], "2027-03-01").await.expect(200);
    again(&sender).await;
    sender
}

async fn again(sender: &Sender<'_>) -> String {
    let mut content = sender.content(&json!({}));
    content["steps"][0]["html"] = json!("<p>Voyez <a href=\"https://shop.example.com/\">ceci</a>.</p>");
    sender.launch(content).await
}

fn last(stack: &TestStack, email: &str) -> Mail {
    stack.mails_to(email).pop().expect("a message")
}

/// What is stored of openings, whoever's.
async fn recorded(stack: &TestStack) -> Vec<Value> {
    let dump = Dump::of(stack).await;
    let of_deliveries = |item: &&Value| item["pk"].as_str().is_some_and(|pk| pk.contains("#D#"));
    let deliveries = dump.table("OutreachTable").iter().filter(of_deliveries);
    deliveries.filter(|item| !item["n"].is_null() || !item["d"].is_null()).cloned().collect()
}

#[test]
fn a65_only_who_agreed_to_it_gets_an_image_and_whoever_did_not_gets_the_message_that_they_always_got() {
    run(async {
        let stack = TestStack::start().await;
        let sender = written(&stack).await;
        let [both, clicks, none] = PEOPLE.map(|email| last(&stack, email));
        assert!(both.pixel().is_some() && !both.signed_links().is_empty());
        assert!(both.html.contains("enregistre si vous ouvrez ce message, et les clics sur ses liens"));
        assert!(clicks.pixel().is_none() && !clicks.signed_links().is_empty(), "a consent to clicks is none to this");
        assert!(clicks.html.contains("enregistre les clics") && !clicks.html.contains("ouvrez"));
        for mail in [&clicks, &none] {
            assert!(!mail.html.contains("<img") && !mail.raw.contains("/o/"), "{}", mail.raw);
        }
        // Neither a test to oneself nor a preview has one.
        let draft = sender.draft(sender.content(&json!({}))).await;
        let preview = sender.post(&format!("/v1/campaigns/{draft}/preview"), json!({})).await.expect(200).text();
        assert!(!preview.contains("<img") && !preview.contains("/o/"), "{preview}");
        // With the switch off nobody's has one, and one that is out already is loaded in vain.
        sender.patch("/v1/workspace", json!({"opens": false})).await.expect(200);
        again(&sender).await;
        assert!(last(&stack, PEOPLE[0]).pixel().is_none() && !last(&stack, PEOPLE[0]).signed_links().is_empty());
        stack.loads_later(&both.pixel().expect("an image")).await;
        assert!(recorded(&stack).await.is_empty());
        // Of clicks nothing is recorded where only openings are switched on, and the footer says so.
        sender.patch("/v1/workspace", json!({"opens": true, "clicks": false})).await.expect(200);
        again(&sender).await;
        let only = last(&stack, PEOPLE[0]);
        assert!(only.pixel().is_some() && only.signed_links().is_empty());
        assert!(only.text.contains("enregistre si vous ouvrez ce message.") && only.withdrawal().is_some());
        stack.finish().await;
    });
}

#[test]
fn a65_of_an_opening_only_the_day_is_kept_and_nothing_hangs_on_it() {
    run(async {
        let stack = TestStack::start().await;
        let sender = written(&stack).await;
        let image = last(&stack, PEOPLE[0]).pixel().expect("an image");
        let before = sender.detail(PEOPLE[0]).await;
        let entries = async || {
            let trail = sender.all("/v1/audit").await;
            trail.iter().filter(|entry| entry["action"] != "session.opened").count()
        };
        let trail = entries().await;
        stack.wait(SignedDuration::from_mins(10));
        stack.load(&image).await.expect(200);
        let waits = recorded(&stack).await;
        assert!(waits.len() == 1 && waits[0]["n"].is_number() && waits[0]["d"].is_null(), "{waits:?}");
        stack.settle().await;
        let kept = recorded(&stack).await;
        assert!(kept.len() == 1 && kept[0]["n"].is_null() && kept[0]["d"] == "2027-03-12", "{kept:?}");
        for never in ["Firefox", "127.0.0", "opens.test", "T12:"] {
            assert!(!kept[0].to_string().contains(never), "{never}: {}", kept[0]);
        }
        assert_eq!(entries().await, trail, "no entry of whoever looked");
        let after = sender.detail(PEOPLE[0]).await;
        assert_eq!(after["history"][0]["opened_on"], "2027-03-12");
        for same in ["last_contact_at", "last_click_at", "delete_after", "updated_at", "state"] {
            assert_eq!(after[same], before[same], "{same}");
        }
        assert_eq!(after["history"][0]["kind"], before["history"][0]["kind"]);
        // The person reads it, and an erasure takes it.
        let read = stack.exercise(PEOPLE[0], "access", None).await;
        let data = stack.read_data(read["access_token"].as_str().expect("a token"), "json").await.expect(200).json();
        let record = &data["senders"][0]["record"];
        assert_eq!(record["history"][0]["opened_on"], "2027-03-12", "{record}");
        assert_eq!(record["click_consent"]["opens"], true, "{record}");
        stack.exercise(PEOPLE[0], "erasure", None).await;
        stack.loads_later(&image).await;
        assert!(recorded(&stack).await.is_empty());
        stack.finish().await;
    });
}

#[test]
fn a45_withdrawing_holds_for_openings_too_and_for_one_that_waits_to_be_judged() {
    run(async {
        let stack = TestStack::start().await;
        let sender = written(&stack).await;
        let mail = last(&stack, PEOPLE[0]);
        let image = mail.pixel().expect("an image");
        stack.wait(SignedDuration::from_mins(10));
        stack.load(&image).await.expect(200);
        let page = mail.withdrawal().expect("a link");
        stack.client().request(Method::POST, &page).send().await.expect(200);
        stack.settle().await;
        assert!(recorded(&stack).await.is_empty(), "nothing of it is left");
        stack.loads_later(&image).await;
        assert!(recorded(&stack).await.is_empty());
        again(&sender).await;
        assert!(last(&stack, PEOPLE[0]).pixel().is_none());
        assert!(sender.detail(PEOPLE[0]).await["click_consent"]["withdrawn_at"].is_string());
        stack.finish().await;
    });
}
