//! Systems of a Sender's own are told what happens.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use serde_json::{Value, json};
use tests::{TestStack, run};

/// Everything that can be chosen.
const EVERYTHING: &[&str] = &[
    "message.sent",
    "message.delivered",
    "message.bounced",
    "message.complained",
    "message.replied",
    "message.failed",
    "message.unknown",
    "prospect.opted_out",
    "campaign.launched",
    "campaign.paused",
    "campaign.resumed",
    "campaign.cancelled",
    "campaign.completed",
    "import.finished",
    "mailbox.disabled",
];

/// Where an event that comes ahead of its chunk is looked at again soon.
async fn impatient() -> TestStack {
    TestStack::with(|options| options.visibility_timeout = Some(Duration::from_secs(2))).await
}

#[test]
fn what_happens_is_told_once_signed_and_without_an_address() {
    run(async {
        let stack = impatient().await;
        let sender = stack.sign_up().await;
        sender.take_answers().await;
        let endpoint = sender.register("/ok", EVERYTHING).await;
        let of_replies = sender.register("/replies", &["message.replied"]).await;
        let listed = sender.endpoint(&endpoint).await;
        assert_eq!((listed.get("secret"), &listed["enabled"]), (None, &json!(true)));

        let people = ["zoe@told.test", "bob@told.test", "bounce@simulator.amazonses.com"];
        let import = sender.import(format!("email\n{}\n", people.join("\n")).as_bytes()).await;
        let campaign = sender.campaign(json!({})).await;
        stack.settle().await;
        stack.answer("zoe@told.test", "Appelez-moi lundi.").await;
        stack.settle().await;

        let told = stack.told(&endpoint);
        let mut counted = std::collections::BTreeMap::<String, usize>::new();
        for one in &told {
            assert!(!one.body.contains('@') && !one.body.contains("told.test"), "{}", one.body);
            *counted.entry(one.json()["type"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        let expected = [
            ("campaign.launched", 1),
            ("campaign.completed", 1),
            ("import.finished", 1),
            ("message.sent", 1),
            ("message.delivered", 2),
            ("message.bounced", 1),
            ("message.replied", 1),
        ];
        assert_eq!(counted, expected.map(|(kind, n)| (kind.to_owned(), n)).into(), "{told:#?}");
        let ids: BTreeSet<&str> = told.iter().map(|one| one.id.as_str()).collect();
        assert_eq!(ids.len(), told.len());
        let of = |kind: &str| told.iter().map(|one| one.json()).find(|body| body["type"] == kind).unwrap();
        assert_eq!(of("message.sent")["data"]["prospects"].as_array().unwrap().len(), 3);
        assert_eq!(of("message.bounced")["data"]["because"], "permanent");
        let imported = &of("import.finished")["data"];
        assert_eq!((&imported["import"], &imported["because"]), (&import["id"], &json!("done")));
        let replied = of("message.replied");
        assert_eq!((&replied["data"]["campaign"], &replied["data"]["step"]), (&campaign["id"], &json!(1)));
        // Whoever may read it learns who that is.
        let who = replied["data"]["prospects"][0].as_str().unwrap();
        assert_eq!(sender.get(&format!("/v1/prospects/{who}")).await.expect(200).json()["email"], "zoe@told.test");
        let only: Vec<Value> = stack.told(&of_replies).iter().map(|one| one.json()["type"].clone()).collect();
        assert_eq!(only, ["message.replied"]);

        let deliveries = sender.deliveries(&endpoint).await;
        assert_eq!(deliveries.len(), told.len());
        assert!(deliveries.iter().all(|one| one["status"] == "delivered" && one["answer"] == "204"), "{deliveries:#?}");
        assert!(deliveries.is_sorted_by(|a, b| a["id"].as_str() >= b["id"].as_str()));
        // After a week nothing is left of them.
        stack.wait(SignedDuration::from_hours(7 * 24 + 1));
        assert!(sender.deliveries(&endpoint).await.is_empty());
        stack.purge().await;
        let dump = tests::store::Dump::of(&stack).await;
        assert_eq!(dump.mentions("evt_"), [""; 0]);
        stack.finish().await;
    });
}

#[test]
fn nothing_is_put_on_the_queue_where_nobody_wants_to_hear() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        sender.register("/paused", &["campaign.paused"]).await;
        sender.import(b"email\nzoe@told.test\n").await;
        sender.campaign(json!({})).await;
        stack.settle().await;
        assert!(stack.pids("webhook").is_empty() && stack.backends().hooks().told().is_empty());
        stack.finish().await;
    });
}

#[test]
fn an_endpoint_that_fails_is_tried_for_a_day_then_off_and_what_failed_can_be_asked_for_again() {
    run(async {
        let stack = impatient().await;
        let sender = stack.sign_up().await;
        let bad = sender.register("/bad", &["campaign.launched", "campaign.completed"]).await;
        let good = sender.register("/good", &["campaign.launched"]).await;
        stack.backends().hooks().answer("/bad", 500);
        sender.import(b"email\nzoe@told.test\n").await;
        let before = stack.now();
        sender.campaign(json!({})).await;
        // The clock goes on over every pause.
        stack.settle().await;
        assert_eq!(stack.told(&good).len(), 1);
        assert!(stack.now().duration_since(before) > SignedDuration::from_hours(24));
        let off = sender.endpoint(&bad).await;
        assert_eq!((&off["enabled"], &off["disabled"]["because"]), (&json!(false), &json!("failing")), "{off}");
        let tried = stack.told(&bad);
        assert!((10..=20).contains(&tried.len()), "{}", tried.len());
        assert_eq!(tried.iter().map(|one| &one.id).collect::<BTreeSet<_>>().len(), 2, "the same names each time");
        let told: Vec<_> = stack.mails_to(&sender.email).into_iter().filter(|m| m.text.contains("localhost")).collect();
        assert_eq!(told.len(), 1, "the owner is told once");
        let entry = sender.all("/v1/audit?action=webhook.disabled").await.remove(0);
        assert_eq!((&entry["actor"]["kind"], &entry["facts"]["because"]), (&json!("system"), &json!("failing")));

        let failed = sender.deliveries(&bad).await.into_iter().find(|one| one["status"] == "failed").expect("one");
        let replay = format!("{}/deliveries/{}/replay", bad.path, failed["id"].as_str().unwrap());
        sender.post(&replay, json!({})).await.problem(409, "conflict");
        stack.backends().hooks().answer("/bad", 200);
        sender.patch(&bad.path, json!({"enabled": true})).await.expect(200);
        let again = sender.post(&replay, json!({})).await.expect(202).json();
        let fresh = (&again["attempts"], &again["tried_at"], &again["answer"]);
        assert_eq!(fresh, (&json!(0), &Value::Null, &Value::Null), "nothing of the attempts before: {again}");
        stack.settle().await;
        let deliveries = sender.deliveries(&bad).await;
        assert!(deliveries.iter().all(|one| one["status"] == "delivered"), "{deliveries:#?}");
        assert!(stack.told(&bad)[tried.len()..].iter().any(|one| one.id == failed["id"].as_str().unwrap()));
        stack.finish().await;
    });
}

#[test]
fn what_waits_for_an_endpoint_is_tried_at_once_when_that_is_corrected() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        let wrong = sender.register("/wrong", &["campaign.launched"]).await;
        stack.backends().hooks().answer("/wrong", 500);
        let test = format!("{}/test", wrong.path);
        sender.post(&test, json!({})).await.expect(202);
        let deliveries = async || sender.deliveries(&wrong).await;
        let waiting = tests::wait_for("two attempts", || async {
            deliveries().await.into_iter().find(|one| one["attempts"] == 2 && one["status"] == "waiting")
        })
        .await;
        let next: jiff::Timestamp = waiting["next_attempt_at"].as_str().unwrap().parse().unwrap();
        // More than a run takes at once, while the endpoint is left alone.
        for _ in 0..5 {
            sender.post(&test, json!({})).await.expect(202);
        }
        let url = stack.backends().hooks().url("/right");
        sender.patch(&wrong.path, json!({"url": url})).await.expect(200);
        let told = || stack.backends().hooks().told().into_iter().filter(|told| told.path == "/right").count();
        tests::wait_for("what waits", || async { (told() == 6).then_some(()) }).await;
        assert!(stack.now() < next, "it waited for its next attempt");
        stack.settle().await;
        let deliveries = deliveries().await;
        assert!(deliveries.len() == 6 && deliveries.iter().all(|one| one["status"] == "delivered"), "{deliveries:#?}");
        assert_eq!(told(), 6, "each once");
        stack.finish().await;
    });
}

#[test]
fn an_endpoint_that_hangs_delays_nobody_else_and_one_that_is_gone_is_off_at_once() {
    run(async {
        let stack = TestStack::with(|options| _ = options.concurrency.insert("webhook".into(), 5)).await;
        let [slow, quick] = [stack.sign_up().await, stack.sign_up().await];
        let mut endpoints = Vec::new();
        for path in ["/hang/0", "/hang/1", "/hang/2"] {
            endpoints.push(slow.register(path, &["campaign.launched"]).await);
        }
        let answers = quick.register("/answers", &["campaign.launched"]).await;
        for endpoint in &endpoints {
            for _ in 0..4 {
                slow.post(&format!("{}/test", endpoint.path), json!({})).await.expect(202);
            }
        }
        tests::wait_for("a request that hangs", || async { (!stack.told(&endpoints[2]).is_empty()).then_some(()) })
            .await;
        let asked = Instant::now();
        quick.post(&format!("{}/test", answers.path), json!({})).await.expect(202);
        tests::wait_for("the other's", || async { (!stack.told(&answers).is_empty()).then_some(()) }).await;
        assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
        for endpoint in &endpoints {
            slow.delete(&endpoint.path).await.expect(204);
        }

        let gone = quick.register("/status/410", &["campaign.launched"]).await;
        quick.post(&format!("{}/test", gone.path), json!({})).await.expect(202);
        stack.settle().await;
        assert_eq!(quick.endpoint(&gone).await["disabled"]["because"], "gone");
        assert_eq!(stack.told(&gone).len(), 1);
        stack.finish().await;
    });
}

#[test]
fn a_secret_is_shown_once_and_replaced_without_a_gap() {
    run(async {
        let stack = TestStack::shared().await;
        let sender = stack.sign_up().await;
        let mut endpoint = sender.register("/rotated", &["message.replied"]).await;
        let test = format!("{}/test", endpoint.path);
        sender.post(&test, json!({})).await.expect(202);
        stack.quiet(Duration::from_secs(20)).await.unwrap();
        assert_eq!(stack.told(&endpoint).len(), 1);
        let new = sender.post(&format!("{}/secret", endpoint.path), json!({})).await.expect(200).json();
        let new = new["secret"].as_str().unwrap().to_owned();
        stack.keep_secret(&new);
        sender.post(&test, json!({})).await.expect(202);
        stack.quiet(Duration::from_secs(20)).await.unwrap();
        // Both sign: [`TestStack::told`] finds the former one among them.
        let told = stack.told(&endpoint);
        assert_eq!((told.len(), told[1].signature.split(' ').count()), (2, 2));
        let newest = told[1].clone();
        endpoint.secret = new;
        let expected =
            domain::webhook::signature(&endpoint.secret, &newest.id, newest.timestamp.parse().unwrap(), &newest.body);
        assert!(newest.signature.starts_with(&expected.unwrap()));
        let dump = tests::store::Dump::of(stack).await;
        assert_eq!(dump.mentions(&endpoint.secret), [""; 0], "sealed where it is stored");
        stack.check();
    });
}

#[test]
fn an_endpoint_that_is_no_public_https_address_is_refused() {
    run(async {
        // As on AWS: no network beside the public internet.
        let stack =
            TestStack::with(|options| _ = options.overrides.insert("WebhookNetworks".into(), String::new())).await;
        let sender = stack.sign_up().await;
        let event = ["message.sent"];
        for url in [
            "http://example.com/",
            "https://localhost/",
            "https://127.0.0.1/",
            "https://2130706433/",
            "https://[::ffff:169.254.169.254]/latest/meta-data",
            "https://10.1.2.3/",
            "https://example.com:22/",
            "https://me@example.com/",
            "nonsense",
        ] {
            let answer = sender.post("/v1/webhooks", json!({"url": url, "events": event})).await;
            answer.problem(422, "validation-failed");
        }
        for (events, says) in [
            (json!([]), "name one at least of message.sent, "),
            (json!(["webhook.test"]), "must be one of `message.sent`, "),
            (json!(["message.read"]), "must be one of `message.sent`, "),
        ] {
            let asked = json!({"url": "https://hooks.example.com/", "events": events});
            let problem = sender.post("/v1/webhooks", asked).await.problem(422, "validation-failed");
            let said = problem["errors"][0]["message"].as_str().unwrap();
            assert!(said.starts_with(says) && said.contains("mailbox.disabled"), "{said}");
            assert!(!said.contains("webhook.test"), "{said}");
        }
        let viewer = sender.join("editor").await;
        viewer.get("/v1/webhooks").await.problem(403, "forbidden");
        assert!(sender.all("/v1/webhooks").await.is_empty());
        stack.finish().await;
    });
}

#[test]
fn a40_of_an_erased_person_nothing_that_is_kept_for_an_endpoint_is_told_any_more() {
    run(async {
        let stack = impatient().await;
        let sender = stack.sign_up().await;
        let endpoint = sender.register("/later", &["message.sent", "message.delivered"]).await;
        sender.import(b"email\nzoe@told.test\nbob@told.test\n").await;
        let [zoe, bob] = [sender.prospect("zoe@told.test").await, sender.prospect("bob@told.test").await];
        let [zoe, bob] = [zoe["id"].as_str().unwrap(), bob["id"].as_str().unwrap()];
        stack.backends().hooks().answer("/later", 503);
        sender.campaign(json!({})).await;
        tests::wait_for("a try of each", || async {
            let deliveries = sender.deliveries(&endpoint).await;
            (deliveries.len() == 3 && deliveries.iter().all(|one| one["attempts"].as_u64() > Some(0))).then_some(())
        })
        .await;
        stack.exercise("zoe@told.test", "erasure", None).await;
        let so_far = stack.told(&endpoint).len();
        stack.backends().hooks().answer("/later", 200);
        stack.settle().await;
        let told: String = stack.told(&endpoint)[so_far..].iter().map(|one| one.body.as_str()).collect();
        assert!(told.contains(bob) && !told.contains(zoe), "{told}");
        let deliveries = sender.deliveries(&endpoint).await;
        let of = |status: &str| deliveries.iter().filter(|one| one["status"] == status).count();
        assert_eq!((of("delivered"), of("dropped")), (2, 1), "{deliveries:#?}");
        for one in deliveries {
            let replay = format!("{}/deliveries/{}/replay", endpoint.path, one["id"].as_str().unwrap());
            sender.post(&replay, json!({})).await.expect(202);
        }
        stack.settle().await;
        let told: String = stack.told(&endpoint)[so_far..].iter().map(|one| one.body.as_str()).collect();
        assert!(!told.contains(zoe), "{told}");
        // Nothing that is kept for it names either of them.
        let dump = tests::store::Dump::of(&stack).await;
        let kept = dump.tables["OutreachTable"].iter().filter(|item| item["pk"].as_str().unwrap().contains("#H#"));
        let kept: String = kept.map(Value::to_string).collect();
        assert!(
            !kept.is_empty() && ![zoe, bob].iter().any(|who| kept.contains(who.trim_start_matches("pro_"))),
            "{kept}"
        );
        stack.finish().await;
    });
}
