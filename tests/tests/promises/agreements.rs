//! What the company and the operator agree on, and how it changes: announced, then in force, then accepted anew.
//!
//! The register of versions has a material change of the terms, announced in December 2026 and in force with
//! 2027; these tests live around that change, on the moved clock.

use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Sender, TestStack, run};

/// Long enough for a request that was made before a boundary to be answered before it.
const MINUTE: SignedDuration = SignedDuration::from_secs(60);
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// The announcement, at midnight in Paris.
fn announced() -> Timestamp {
    "2026-11-30T23:00:00Z".parse().unwrap()
}

/// The new terms apply, at midnight in Paris.
fn applies() -> Timestamp {
    "2026-12-31T23:00:00Z".parse().unwrap()
}

async fn agreement(sender: &Sender<'_>, document: &str) -> Value {
    let all = sender.get("/v1/agreements").await.expect(200).json();
    let found = all["items"].as_array().unwrap().iter().find(|agreement| agreement["document"] == document);
    found.cloned().unwrap_or_else(|| panic!("no {document}: {all}"))
}

#[test]
fn a24_no_file_is_imported_before_the_processing_agreement_is_accepted() {
    run(async {
        let stack = TestStack::start().await;
        stack.set_time(announced() + DAY);
        let sender = Sender::without_agreement(&stack).await;
        for (path, body) in [
            ("/v1/imports", sender.announcement()),
            (
                "/v1/prospects",
                json!({"email": "a@dpa.test", "source": sender.announcement()["source"], "lawful_basis": "consent"}),
            ),
            ("/v1/campaigns", json!({"name": "x"})),
        ] {
            let problem = sender.post(path, body).await.problem(403, "terms-not-accepted");
            assert!(problem["detail"].as_str().unwrap().contains("dpa 1.0: POST /v1/agreements"), "{path}: {problem}");
            assert_eq!(problem["errors"][0]["field"], "dpa", "{path}");
        }
        let before = agreement(&sender, "dpa").await;
        assert_eq!((&before["to_accept"], &before["accepted"]), (&json!(true), &json!(null)));
        for wrong in [json!({"document": "dpa", "version": "0.9"}), json!({"document": "privacy", "version": "1.0"})] {
            assert!(matches!(sender.post("/v1/agreements", wrong.clone()).await.status, 400 | 422), "{wrong}");
        }

        sender.post("/v1/agreements", json!({"document": "dpa", "version": "1.0"})).await.expect(200);
        let evidence = agreement(&sender, "dpa").await["accepted"].clone();
        assert_eq!(evidence["version"], "1.0");
        assert_eq!(evidence["sha256"], before["in_force"]["sha256"]);
        assert_eq!(evidence["sha256"].as_str().map(str::len), Some(64));
        assert!(evidence["member"].as_str().unwrap().starts_with("mem_"), "{evidence}");
        // The page shows that same hash, and a second acceptance does not move the date.
        let page = stack.client().get("/legal/dpa").await.expect(200).text();
        assert!(page.contains(evidence["sha256"].as_str().unwrap()));
        stack.wait(SignedDuration::from_secs(5));
        sender.post("/v1/agreements", json!({"document": "dpa", "version": "1.0"})).await.expect(200);
        assert_eq!(agreement(&sender, "dpa").await["accepted"], evidence);
        assert_eq!(sender.import(b"email\nada@dpa.test\n").await["created"], 1);
        stack.finish().await;
    });
}

#[test]
fn a15_a56_every_member_is_told_once_at_least_thirty_days_before() {
    run(async {
        let stack = TestStack::start().await;
        stack.set_time(announced() - DAY);
        let (sender, closed, gone) = (stack.sign_up().await, stack.sign_up().await, stack.sign_up().await);
        closed.delete("/v1/workspace").await.expect(200);
        gone.give_up().await.expect(200);
        let told =
            |email: &str| stack.mails_to(email).into_iter().filter(|mail| mail.text.contains("version 2.0")).count();
        stack.set_time(announced() - MINUTE);
        assert_eq!(stack.announce().await["changes"], 0, "nothing is public yet");

        stack.set_time(announced());
        assert!(applies().duration_since(announced()) >= DAY * 30);
        // Where SES says no, nobody counts as told.
        stack.break_things(serde_json::from_value(json!({"ses": {"throttle_every": 1}})).unwrap());
        let report = stack.announce().await;
        assert_eq!((&report["told"], &report["unreached"]), (&json!(0), &json!(2)), "{report}");
        stack.break_things(local::backends::Plan::default());
        let report = stack.announce().await;
        assert_eq!((&report["told"], &report["late"]), (&json!(2), &json!(0)), "{report}");
        assert_eq!(stack.announce().await["told"], 0);
        assert_eq!(told(&sender.email), 1);
        assert_eq!(told(&closed.email), 1, "who may come back is asked to agree then, and is told as well");
        assert_eq!(told(&gone.email), 0, "who has left for good is bound by nothing new");
        let mail = stack.mails_to(&sender.email).pop().unwrap().text;
        assert!(mail.contains("1er janvier 2027") && mail.contains("/legal/terms/versions/2.0"), "{mail}");

        // Somebody new is told too, until the text applies; then there is nothing left to announce.
        stack.set_time(applies() - DAY);
        let late = stack.sign_up().await;
        let report = stack.announce().await;
        assert_eq!((&report["told"], &report["late"]), (&json!(1), &json!(0)), "it was announced before they came");
        assert_eq!((told(&late.email), told(&sender.email)), (1, 1));
        stack.set_time(applies());
        assert_eq!(stack.announce().await["changes"], 0);
        stack.finish().await;
    });
}

#[test]
fn a56_whoever_hears_of_a_change_later_than_promised_is_counted_and_an_alarm_waits_for_that() {
    run(async {
        let stack = TestStack::start().await;
        stack.set_time(announced() - DAY);
        let _member = stack.sign_up().await;
        stack.set_time(applies() - DAY * 20);
        let report = stack.announce().await;
        assert_eq!((&report["told"], &report["late"]), (&json!(1), &json!(1)), "{report}");
        stack.logged("change announced late", 1).await;
        stack.finish().await;
    });
}

#[test]
fn a56_the_old_text_stays_until_the_announced_day() {
    run(async {
        let stack = TestStack::start().await;
        let client = stack.client();
        let version = async |now| {
            stack.set_time(now);
            let page = client.get("/legal/terms?lang=en").await.expect(200).text();
            let current = ["1.0", "2.0"].into_iter().find(|v| page.contains(&format!("· version {v}</p>")));
            (current.unwrap_or_else(|| panic!("{page}")), page.contains("will replace this text"))
        };
        assert_eq!(version(announced() - MINUTE).await, ("1.0", false));
        assert_eq!(version(announced()).await, ("1.0", true));
        assert_eq!(version(announced() + DAY * 29).await, ("1.0", true));
        assert_eq!(version(applies() - MINUTE).await, ("1.0", true));
        assert_eq!(version(applies()).await, ("2.0", false));
        // Every version stays where it was, by either address.
        for path in ["/legal/terms/versions/1.0?lang=en", "/legal/terms?lang=en&version=1.0"] {
            let old = client.get(path).await.expect(200).text();
            assert!(old.contains("This part is the contract that article 28 requires"), "{path}");
        }
        client.get("/legal/terms/versions/9.9").await.problem(404, "no-such-page");
        stack.finish().await;
    });
}

#[test]
fn a57_a_material_change_is_accepted_anew_and_rights_stay_open() {
    run(async {
        let stack = TestStack::start().await;
        stack.set_time(announced() + DAY);
        let (sender, early) = (stack.sign_up().await, stack.sign_up().await);
        sender.import(b"email\nada@gate.test\nbob@gate.test\n").await;
        let draft = sender.draft(json!({})).await;
        early.post("/v1/agreements", json!({"document": "terms", "version": "2.0"})).await.expect(200);
        sender.hesitate();
        early.hesitate();

        stack.set_time(applies() - MINUTE);
        sender.post("/v1/campaigns", json!({"name": "avant"})).await.expect(201);
        stack.set_time(applies());
        early.post("/v1/campaigns", json!({"name": "déjà"})).await.expect(201);
        for (path, body) in [
            ("/v1/imports", sender.announcement()),
            ("/v1/campaigns", json!({"name": "après"})),
            (&format!("/v1/campaigns/{draft}/launch"), json!({})),
        ] {
            let problem = sender.post(path, body).await.problem(403, "terms-not-accepted");
            assert!(problem["detail"].as_str().unwrap().contains("accepts terms 2.0"), "{path}: {problem}");
        }

        // Rights: reading, exporting, correcting, deleting; and objecting, for those who are written to.
        let exported = sender.get("/v1/prospects/export?format=json").await.expect(200).json();
        assert_eq!(exported["items"].as_array().map(Vec::len), Some(2));
        let path = format!("/v1/prospects/{}", sender.prospect("ada@gate.test").await["id"].as_str().unwrap());
        sender.patch(&path, json!({"company": "Juste"})).await.expect(200);
        sender.delete(&path).await.expect(204);
        assert_eq!(sender.get("/v1/agreements").await.expect(200).json()["items"][0]["to_accept"], true);
        sender.delete("/v1/workspace").await.expect(200);
        sender.post("/v1/workspace/reactivate", json!({})).await.expect(200);

        // Accepting opens the rest; what was accepted before stays on record.
        let accepted =
            sender.request(Method::POST, "/v1/agreements").json(&json!({"document": "terms", "version": "2.0"}));
        accepted.send().await.expect(200);
        assert_eq!(sender.get("/v1/workspace").await.expect(200).json()["terms"]["version"], "2.0");
        assert_eq!(sender.command(&draft, "launch").await.expect(202).json()["status"], "sending");
        let dump = tests::store::Dump::of(&stack).await;
        let kept = dump.table("AccountsTable").iter().filter(|item| item["sk"] == "AGREEMENTS").map(Value::to_string);
        assert!(kept.into_iter().any(|record| record.contains("\"1.0\"") && record.contains("\"2.0\"")));
        stack.finish().await;
    });
}
