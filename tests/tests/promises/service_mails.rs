//! The evidence of the mails that the product itself sends.

use jiff::{SignedDuration, Timestamp, ToSpan, tz::TimeZone};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tests::{Sender, TestStack, run, store::Dump};

const SECOND: SignedDuration = SignedDuration::from_secs(1);

/// Every piece of evidence that is stored, by time.
async fn evidence(stack: &TestStack) -> Vec<Value> {
    let of_mail = |item: &&Value| item["pk"].as_str().is_some_and(|pk| pk.starts_with("MAIL#"));
    let mut found: Vec<Value> = Dump::of(stack).await.table("EvidenceTable").iter().filter(of_mail).cloned().collect();
    found.sort_by_key(|item| item["sent_at"].as_str().unwrap_or_default().to_owned());
    found
}

#[test]
fn a36_evidence_of_a_service_mail_outlives_the_account_without_address_or_content() {
    run(async {
        let stack = TestStack::start().await;
        let sender = Sender::without_identity(&stack).await;
        let began = stack.now();
        let mail = stack.only_mail_to(&sender.email);
        let [item] = evidence(&stack).await.try_into().expect("one mail has gone, and left one piece of evidence");

        // Which mail it was, and nothing that it said or where it went.
        let text = mail.text.replace("\r\n", "\n");
        assert_eq!(
            item["sha256"],
            hex::encode(Sha256::digest(text)),
            "whoever has the mail can show that it is this one"
        );
        assert_eq!((&item["template"], &item["locale"]), (&json!("verify_address"), &json!("fr")));
        let fields: Vec<&str> = item.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(fields, ["locale", "pk", "sent_at", "sha256", "sk", "template", "ttl"]);
        assert!(!item.to_string().contains(&sender.email) && !item.to_string().contains(&mail.token()));
        let shown = sender.get("/v1/privacy/export").await.expect(200).json();
        let [seen] = shown["service_mails"].as_array().unwrap().as_slice() else { panic!("{shown}") };
        assert_eq!((&seen["sha256"], &seen["sent_at"]), (&item["sha256"], &item["sent_at"]), "who received it sees it");

        // The account goes; the evidence stays for three years to the second.
        let closed = sender.delete("/v1/workspace").await.expect(200).json();
        stack.set_time(closed["deleted_after"].as_str().unwrap().parse::<Timestamp>().unwrap() + SECOND);
        stack.purge().await;
        assert!(!Dump::of(&stack).await.mentions(&sender.workspace).contains(&"AccountsTable".into()), "it is gone");
        assert!(evidence(&stack).await.contains(&item));
        let sent: Timestamp = item["sent_at"].as_str().unwrap().parse().unwrap();
        assert!(sent >= began - SignedDuration::from_mins(1));
        let over = (sent.to_zoned(TimeZone::get("Europe/Paris").unwrap()) + 3.years()).timestamp();
        stack.set_time(over - SECOND - SECOND);
        stack.purge().await;
        assert!(evidence(&stack).await.contains(&item), "a second early");
        stack.set_time(over + SECOND);
        stack.purge().await;
        assert!(!evidence(&stack).await.contains(&item), "over");
        stack.finish().await;
    });
}

#[test]
fn a36_a_mail_that_did_not_leave_leaves_no_evidence() {
    run(async {
        let stack = TestStack::start().await;
        stack.break_things(serde_json::from_value(json!({"ses": {"throttle_every": 1}})).unwrap());
        let body = json!({"email": "nobody@sender.test", "password": "correct horse battery", "company": "Exemple",
                          "accept_terms": true, "locale": "fr"});
        let answer = stack.client().post("/v1/signup", body).await;
        assert_eq!(answer.status, 503, "{}", answer.text());
        assert_eq!(evidence(&stack).await, Vec::<Value>::new());
        stack.finish().await;
    });
}
