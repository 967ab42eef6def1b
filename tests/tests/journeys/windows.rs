//! The hours in which messages leave.

use jiff::SignedDuration;
use serde_json::{Value, json};
use tests::{Sender, TestStack, run};

const HOUR: SignedDuration = SignedDuration::from_hours(1);
const MINUTE: SignedDuration = SignedDuration::from_mins(1);

fn office_hours() -> Value {
    json!({
        "days": ["monday", "tuesday", "wednesday", "thursday", "friday"], "from": "09:00", "to": "18:00",
        "time_zone": "Europe/Paris", "skip_holidays": true,
    })
}

/// Who has got how many messages.
fn got(sender: &Sender<'_>) -> [usize; 4] {
    ["paris@win.test", "london@win.test", "lisbon@win.pt", "nowhere@win.test"]
        .map(|address| sender.stack.mails_to(address).len())
}

#[test]
fn messages_wait_for_the_hours_of_whoever_gets_them() {
    run(async {
        let stack = TestStack::start().await;
        // A Thursday, half past eight in Paris.
        stack.set_time("2026-11-26T07:30:00Z".parse().unwrap());
        let sender = stack.sign_up().await;
        let file = "email;country\nparis@win.test;FR\nlondon@win.test;GB\nlisbon@win.pt;\nnowhere@win.test;\n";
        sender.import(file.as_bytes()).await;
        let mut content = sender.sequence(json!([{"delay": {"hours": 6}, "text": "Encore."}]));
        content["window"] = office_hours();
        let id = sender.launch(content).await;
        assert_eq!(got(&sender), [0; 4], "too early everywhere");
        let waiting = sender.look(&id).await;
        assert_eq!((&waiting["status"], &waiting["counts"]["pending"]), (&json!("sending"), &json!(8)));
        assert_eq!(
            (&waiting["window"], &waiting["window_opens_at"]),
            (&office_hours(), &json!("2026-11-26T08:00:00Z"))
        );

        assert_eq!(stack.pass(MINUTE * 28).await, 0);
        assert_eq!(stack.pass(MINUTE * 3).await, 1);
        assert_eq!(got(&sender), [1, 0, 0, 1], "nine in Paris, which is where those are of whom nothing is known");
        assert_eq!(stack.pass(HOUR).await, 1);
        assert_eq!(got(&sender), [1, 1, 0, 1], "nine in London and Lisbon, and eight in the Azores");
        assert_eq!(stack.pass(HOUR).await, 1);
        assert_eq!(got(&sender), [1; 4], "nine in all of Portugal");

        // Six hours later it is five past five in Paris and past four in London; all the same the chunk leaves as one.
        assert_eq!(stack.pass(HOUR * 6 + MINUTE).await, 1);
        assert_eq!(got(&sender), [2; 4]);
        assert_eq!(sender.look(&id).await["status"], "completed");
        stack.finish().await;
    });
}

#[test]
fn a_window_has_spans_and_goes_by_the_workspaces_zone_where_it_names_none() {
    run(async {
        let stack = TestStack::start().await;
        // A Thursday, half past eight in Paris and half past four in Tokyo.
        stack.set_time("2026-11-26T07:30:00Z".parse().unwrap());
        let sender = stack.sign_up().await;
        let zone = async |asked: Value| sender.patch("/v1/workspace", json!({"time_zone": asked})).await;
        assert_eq!(sender.get("/v1/workspace").await.json()["time_zone"], Value::Null);
        for wrong in ["Mars/Olympus", "Etc/Unknown", ""] {
            let refused = zone(json!(wrong)).await;
            refused.problem(422, "validation-failed");
            assert_eq!(refused.fields(), ["time_zone"]);
        }
        assert_eq!(zone(json!("Asia/Tokyo")).await.expect(200).json()["time_zone"], "Asia/Tokyo");
        sender.import(b"email;country\nparis@win.test;FR\nnowhere@win.test;\n").await;
        let mut content = sender.content(&json!({}));
        let night = json!({"days": ["thursday"], "from": "22:00", "to": "06:00"});
        content["window"] = json!({"spans": [night, {"days": ["thursday"], "from": "10:00", "to": "12:00"}]});
        let id = sender.launch(content.clone()).await;
        assert_eq!(sender.look(&id).await["window"]["spans"][0], night);
        assert_eq!(got(&sender), [0; 4]);
        stack.pass(HOUR + MINUTE * 31).await;
        assert_eq!(got(&sender), [1, 0, 0, 0], "ten in Paris");
        stack.pass(HOUR * 4).await;
        assert_eq!(got(&sender), [1, 0, 0, 1], "ten at night in Tokyo");
        assert_eq!(sender.look(&id).await["status"], "completed");

        // Two in the morning of the Friday in Tokyo, and the zone of the Sender's country again: six in the evening in Paris.
        stack.wait(HOUR * 4);
        assert_eq!(zone(Value::Null).await.expect(200).json()["time_zone"], Value::Null);
        let id = sender.launch(content).await;
        assert_eq!(got(&sender), [1, 0, 0, 1]);
        stack.pass(HOUR * 4).await;
        assert_eq!(got(&sender), [2, 0, 0, 2], "ten at night in Paris");
        assert_eq!(sender.look(&id).await["status"], "completed");
        stack.finish().await;
    });
}

#[test]
fn a_window_keeps_holidays_and_a_pause_and_a_cancel_find_who_waits() {
    run(async {
        let stack = TestStack::start().await;
        // The fourteenth of July: a holiday in France, and a Wednesday like any other across the Channel.
        stack.set_time("2027-07-14T10:00:00Z".parse().unwrap());
        let sender = stack.sign_up().await;
        sender.import(b"email;country\nparis@win.test;FR\nlondon@win.test;GB\n").await;
        let mut content = sender.content(&json!({}));
        content["window"] = office_hours();
        let id = sender.launch(content.clone()).await;
        assert_eq!(got(&sender), [0, 1, 0, 0]);
        sender.command(&id, "pause").await.expect(200);
        assert_eq!(stack.pass(HOUR * 23).await, 1, "nine in the morning of the next day, while it is paused");
        assert_eq!(got(&sender), [0, 1, 0, 0]);
        sender.command(&id, "resume").await.expect(202);
        let done = sender.wait_ended(&id).await;
        assert_eq!((got(&sender), &done["counts"]["sent"]), ([1, 1, 0, 0], &json!(2)));

        // Thursday evening: everybody waits, and nobody gets it.
        stack.wait(HOUR * 12);
        let id = sender.launch(content).await;
        sender.command(&id, "cancel").await.expect(200);
        assert_eq!(sender.wait_ended(&id).await["refused_by_reason"], json!({"cancelled": 2}));
        stack.pass(HOUR * 12).await;
        assert_eq!(got(&sender), [1, 1, 0, 0]);
        stack.finish().await;
    });
}

#[test]
fn a_window_that_never_opens_is_refused_with_a_sentence() {
    run(async {
        let stack = TestStack::shared().await;
        let sender = stack.sign_up().await;
        for (field, value, expected) in [
            ("days", json!([]), "window.days"),
            ("days", json!(["someday"]), "window.days[0]"),
            ("from", json!("18:00"), "window.to"),
            ("to", json!("09:59"), "window.to"),
            ("spans", json!([{"days": ["monday"], "from": "09:00", "to": "12:00"}]), "window.spans"),
            ("from", json!("8h"), "window.from"),
            ("to", json!("24:01"), "window.to"),
            ("time_zone", json!("Europe/Atlantis"), "window.time_zone"),
        ] {
            let mut content = sender.content(&json!({}));
            content["window"] = office_hours();
            content["window"][field] = value;
            let refused = sender.post("/v1/campaigns", content).await;
            refused.problem(422, "validation-failed");
            assert_eq!(refused.fields(), [expected]);
        }
        let mut content = sender.content(&json!({}));
        content["window"] = office_hours();
        let made = sender.post("/v1/campaigns", content).await.expect(201).json();
        let path = format!("/v1/campaigns/{}", made["id"].as_str().unwrap());
        let changed = sender.patch(&path, json!({"window": null})).await.expect(200).json();
        assert_eq!(changed["window"], Value::Null);
        stack.check();
    });
}
