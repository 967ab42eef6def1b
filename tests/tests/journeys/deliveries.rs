//! What receivers' servers took: noted where the workspace wants that, and not paid for where it does not.

use jiff::SignedDuration;
use serde_json::{Value, json};
use tests::{TestStack, run};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// People of the campaigns: two chunks.
const PEOPLE: usize = 100;

fn everybody() -> String {
    (0..PEOPLE).map(|n| format!("p{n}@arrives.test\n")).collect()
}

/// How often a function wrote to the tables, in transactions.
fn transactions(stack: &TestStack, function: &str) -> u64 {
    let used = stack.backends().meter().snapshot();
    let calls = used.functions.get(function).map(|function| function.calls.clone()).unwrap_or_default();
    calls.get("dynamodb:TransactWriteItems").map_or(0, |usage| usage.count)
}

#[test]
fn who_wants_to_know_of_deliveries_sees_them_and_the_next_step_goes_out_all_the_same() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        sender.import(format!("email\n{}", everybody()).as_bytes()).await;
        let more = json!([{"delay": {"hours": 1}, "text": "Encore."}]);

        // At first nobody asks for it, and SES tells nothing.
        let quiet = sender.launch(sender.sequence(more.clone())).await;
        let counts = |look: &Value, step: usize| {
            json!([
                look["steps"][step]["counts"]["sent"],
                look["steps"][step]["delivered"],
                look["steps"][step]["counts"]["pending"]
            ])
        };
        assert_eq!(counts(&sender.look(&quiet).await, 0), json!([100, 0, 0]));
        assert_eq!(sender.get("/v1/workspace").await.json()["deliveries"], false);
        sender.command(&quiet, "cancel").await.expect(200);
        stack.settle().await;

        let workspace = sender.patch("/v1/workspace", json!({"deliveries": true})).await.expect(200).json();
        assert_eq!(workspace["deliveries"], true);
        sender.patch("/v1/workspace", json!({"deliveries": "yes"})).await.problem(422, "validation-failed");
        stack.backends().meter().reset();
        let id = sender.launch(sender.sequence(more)).await;
        stack.settle().await;
        let look = sender.look(&id).await;
        assert_eq!((&look["delivered"], counts(&look, 0)), (&json!(100), json!([100, 100, 0])), "{look}");
        // Those of a chunk that come together are put down together.
        let written = transactions(&stack, "feedback");
        assert!(written <= 40, "{written} transactions for {PEOPLE} people");

        let recipients = sender.all(&format!("/v1/campaigns/{id}/recipients?step=1")).await;
        assert!(
            recipients.iter().all(|one| one["status"] == "sent" && one["reason"] == "delivered"),
            "{recipients:#?}"
        );
        let person = sender.prospect("p0@arrives.test").await["id"].as_str().unwrap().to_owned();
        let history = sender.get(&format!("/v1/prospects/{person}")).await.expect(200).json()["history"].clone();
        assert_eq!(history[0]["kind"], "delivered", "{history}");

        // What comes later says more, and a delivery that comes late says nothing new.
        let delivery = || json!({"eventType": "Delivery", "delivery": {"timestamp": "2026-11-26T10:00:00.000Z"}});
        sender.bounces(&id, "p1@arrives.test", "Permanent").await;
        sender.hears_from(&id, 1, "p2@arrives.test").await;
        for email in ["p1@arrives.test", "p2@arrives.test"] {
            sender.hears(&id, 1, email, delivery()).await;
        }
        let look = sender.look(&id).await;
        assert_eq!(json!([look["delivered"], look["bounced"], look["replied"]]), json!([99, 1, 1]), "{look}");

        // A message that arrived is followed by the next one.
        stack.pass(HOUR * 2).await;
        assert_eq!(counts(&sender.look(&id).await, 1), json!([98, 98, 0]));
        stack.finish().await;
    });
}

#[test]
fn a_message_that_is_put_off_says_so_until_it_arrives_or_comes_back() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        sender.import(b"email\narrives@late.test\ncomes-back@late.test\n").await;
        let endpoint = sender.register("/late", &["message.delayed"]).await;
        let id = sender.launch(sender.content(&json!({}))).await;
        let delay = json!({"eventType": "DeliveryDelay", "deliveryDelay": {
            "timestamp": "2026-11-26T10:00:00.000Z", "delayType": "MailboxFull", "expirationTime": "2026-11-27T10:00:00.000Z",
            "delayedRecipients": [{
                "emailAddress": "x@late.test", "status": "4.2.2", "diagnosticCode": "smtp; 452 4.2.2 <x@late.test> mailbox full",
            }],
        }});
        let latest = async |email: &str| {
            let person = sender.prospect(email).await["id"].as_str().unwrap().to_owned();
            sender.get(&format!("/v1/prospects/{person}")).await.expect(200).json()["history"][0].clone()
        };
        for email in ["arrives@late.test", "comes-back@late.test"] {
            for _ in 0..2 {
                sender.hears(&id, 1, email, delay.clone()).await;
            }
            let told = latest(email).await;
            let evidence = &told["evidence"];
            let found = json!([
                told["kind"],
                evidence["fate"],
                evidence["class"],
                evidence["cause"],
                evidence["reply"],
                evidence["said"]
            ]);
            let expected = json!(["sent", "delayed", "soft", "mailbox_full", 452, "452 4.2.2 <***> mailbox full"]);
            assert_eq!(found, expected, "{told}");
        }
        let bodies: Vec<Value> = stack.told(&endpoint).iter().map(|one| one.json()).collect();
        assert!(bodies.iter().all(|body| body["type"] == "message.delayed"), "{bodies:#?}");
        assert_eq!(bodies[0]["data"]["evidence"]["cause"], "mailbox_full");

        sender.hears(&id, 1, "arrives@late.test", json!({"eventType": "Delivery", "delivery": {}})).await;
        let hard = json!({"eventType": "Bounce", "bounce": {
            "bounceType": "Permanent", "bounceSubType": "General", "timestamp": "2026-11-26T11:00:00.000Z",
            "bouncedRecipients": [{"status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1 user unknown"}],
        }});
        for event in [&hard, &delay] {
            sender.hears(&id, 1, "comes-back@late.test", event.clone()).await;
        }
        let (arrived, came_back) = (latest("arrives@late.test").await, latest("comes-back@late.test").await);
        assert_eq!((&arrived["kind"], &arrived["evidence"]["fate"]), (&json!("delivered"), &json!("delayed")));
        assert_eq!((&came_back["kind"], &came_back["evidence"]["fate"]), (&json!("bounced"), &json!("bounced")));
        let look = sender.look(&id).await;
        assert_eq!(look["bounced_by_cause"], json!({"unknown_user": 1}), "a delay is no bounce: {look}");
        stack.finish().await;
    });
}
