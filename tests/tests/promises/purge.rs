//! What the purge says: before, without deleting; and after, signed.

use domain::statement::{KeySet, Signed, Unproven};
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Sender, TestStack, run, store::Dump};

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Something of many classes, some of which is due within 32 days.
async fn furnish(sender: &Sender<'_>, name: &str) {
    let rows: String = (0..30).map(|n| format!("{name}{n}@foreseen.test;Prénom{n}\n")).collect();
    sender.import(format!("email;first_name\n{rows}pas une adresse;X\n").as_bytes()).await;
    let key = sender.request(Method::POST, "/v1/campaigns").header("idempotency-key", "k").json(&json!({"name": "x"}));
    key.send().await.expect(201);
    sender.campaign(json!({})).await;
    let link = sender.stack.only_mail_to(&format!("{name}0@foreseen.test")).unsubscribe();
    sender.stranger().request(Method::POST, &link).send().await.expect(200);
    // The objection is counted a moment after it holds.
    sender.stack.settle().await;
    sender.import(format!("email\n{name}-untold@foreseen.test\n").as_bytes()).await;
}

#[test]
fn a37_a_dry_run_says_what_the_purge_then_deletes_and_changes_nothing() {
    run(async {
        let stack = TestStack::start().await;
        let (leaver, stayer) = (stack.sign_up().await, stack.sign_up().await);
        furnish(&leaver, "leaver").await;
        furnish(&stayer, "stayer").await;
        let closed = leaver.delete("/v1/workspace").await.expect(200).json();
        let due: Timestamp = closed["deleted_after"].as_str().unwrap().parse().unwrap();

        // Not at a second at which something of those made meanwhile falls due: between the two looks a second may pass.
        for now in [stack.now(), due - SignedDuration::from_mins(3), due + DAY * 2, due + DAY * 365 * 4] {
            stack.set_time(now);
            // What a queue held back until then comes now, and the clock moves for what it holds back longer.
            stack.settle().await;
            let now = stack.now();
            let before = Dump::of(&stack).await;
            let forecast = stack.foresee().await;
            let after = Dump::of(&stack).await;
            assert_eq!(before.tables, after.tables, "a dry run wrote something");
            assert_eq!(before.objects, after.objects);
            assert_eq!(forecast["complete"], true, "{forecast}");

            let purged = stack.purge().await;
            let due = forecast["due"].as_object().unwrap();
            let counts: Value = due.iter().map(|(class, due)| (class.clone(), due["count"].clone())).collect();
            assert_eq!(counts, purged["deleted"], "{forecast}");
            for (class, due) in due {
                let time = |name: &str| due[name].as_str().unwrap().parse::<Timestamp>().unwrap();
                assert!(time("earliest") <= time("latest") && time("latest") <= now, "{class}: {due}");
                assert!(due["keep"].is_string() && due["clock"].is_string() && due["at_end"] == "delete", "{due}");
            }
            let text = forecast.to_string();
            assert!(!text.contains('@') && !text.contains("ws_") && !text.contains("Prénom"), "{text}");
        }
        stack.finish().await;
    });
}

#[test]
fn a37_the_forecast_gives_the_moment_and_the_rule() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        sender.import(b"email\nuntold@foreseen.test\n").await;
        let entered = stack.now();
        stack.set_time(entered + DAY * 29);
        assert_eq!(stack.foresee().await["due"]["uninformed_prospect"], Value::Null);
        stack.set_time(entered + DAY * 33);
        let due = stack.foresee().await["due"]["uninformed_prospect"].clone();
        assert_eq!(
            (&due["count"], &due["keep"], &due["clock"]),
            (&json!(1), &json!("30 days"), &json!("collected_or_entered"))
        );
        let earliest: Timestamp = due["earliest"].as_str().unwrap().parse().unwrap();
        assert!(earliest.duration_since(entered + DAY * 30).abs() < SignedDuration::from_hours(2), "{due}");

        // A word in the wrong place, or none, does not become a purge of another day.
        for wrong in [json!({"dry_run": true}), json!({}), json!({"detail": {}}), json!({"detail": {"dry": true}})] {
            let mut event = wrong.clone();
            event["time"] = json!("2099-01-01T00:00:00Z");
            assert!(stack.invoke("purge", &event).await.is_err(), "{wrong}");
        }
        assert_eq!(sender.prospects().await.len(), 1);
        // The same through the local runner's route.
        let client = stack.client();
        let answer =
            client.request(Method::POST, "/_local/schedules/purge?dry_run=true").send().await.expect(200).json();
        let due = &answer["result"]["due"]["uninformed_prospect"];
        assert_eq!((&due["count"], &due["why"]), (&json!(1), &json!({"never_informed": 1})), "{answer}");
        assert_eq!(sender.prospects().await.len(), 1);
        // An objection is another reason than the same record's age, and says so.
        sender.import(b"email\nobjects@dry.test\n").await;
        stack.exercise("objects@dry.test", "objection", None).await;
        assert_eq!(stack.foresee().await["due"]["prospect"]["why"], json!({"opted_out": 1}));
        stack.set_time(stack.now() + DAY * 366 * 3);
        assert_eq!(stack.foresee().await["due"]["prospect"]["why"], json!({"period_over": 2}));
        stack.finish().await;
    });
}

#[test]
fn a37_every_purge_leaves_a_statement_that_anybody_can_verify() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        furnish(&sender, "stated").await;
        let report = stack.purge().await;
        let signed: Signed = serde_json::from_value(report["statement"].clone()).expect("a statement");

        // The one in the evidence is the one that was answered.
        let dump = Dump::of(&stack).await;
        let kept = dump.table("EvidenceTable").iter().find(|item| item["pk"] == "PURGE").expect("a record");
        let kept: Signed = serde_json::from_str(kept["statement"].as_str().unwrap()).expect("a statement");
        assert_eq!(kept, signed);

        // With the public key, which anybody gets, and nothing else.
        let keys: KeySet = serde_json::from_value(stack.client().get("/legal/keys").await.expect(200).json()).unwrap();
        assert_eq!(kept.verify(&keys.keys), Ok(()));
        let statement = &signed.statement;
        assert_eq!((&statement["kind"], &statement["residuals"]), (&json!("purge"), &json!({})));
        assert_eq!(statement["deleted"], report["deleted"]);
        assert_eq!(statement["deleted"]["prospect"], 1);
        // Store by store: what was looked at, and how much of what is said to be deleted was there.
        let stores = statement["stores"].as_object().unwrap();
        let sum = |of: &str| stores.values().map(|touched| touched[of].as_u64().unwrap()).sum::<u64>();
        let by_class: u64 = statement["deleted"].as_object().unwrap().values().filter_map(Value::as_u64).sum();
        assert_eq!(
            (sum("deleted"), sum("looked_at")),
            (by_class, statement["scanned"].as_u64().unwrap()),
            "{statement}"
        );
        assert_eq!(stores["prospects"]["deleted"], 1, "{statement}");
        assert_eq!(statement["policy"].as_str().map(str::len), Some(64));
        let text = statement.to_string();
        assert!(!text.contains('@') && !text.contains("ws_"), "{text}");

        // Whoever changes a number is found out.
        let mut forged = signed.clone();
        forged.statement["deleted"]["prospect"] = json!(0);
        assert_eq!(forged.verify(&keys.keys), Err(Unproven::Forged));
        // A later process signs with the same key; no key of sessions is among them.
        stack.kill("purge").await;
        let again: Signed = serde_json::from_value(stack.purge().await["statement"].clone()).unwrap();
        let touched = &again.statement["stores"];
        assert_eq!(touched["prospects"]["deleted"], 0, "nothing was due any more: {touched}");
        assert_eq!(touched["uploads_bucket"], Value::Null, "no file was due, and none was touched: {touched}");
        assert_eq!((again.kid.as_str(), again.verify(&keys.keys)), (signed.kid.as_str(), Ok(())));
        let sessions = dump.table("KeysTable").iter().filter(|item| item["sk"] == "JWK");
        assert!(sessions.clone().count() > 0);
        assert!(sessions.into_iter().all(|key| keys.keys.iter().all(|ours| key["x"] != ours.x.as_str())));
        stack.finish().await;
    });
}
