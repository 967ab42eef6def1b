//! Why messages came back, and what that rests on.

use local::backends::ses::receiving::Scan;
use serde_json::{Value, json};
use tests::{Sender, TestStack, run, store::Dump};

/// What the history says of the latest message to somebody.
async fn latest(sender: &Sender<'_>, email: &str) -> Value {
    let id = sender.prospect(email).await["id"].as_str().unwrap().to_owned();
    sender.get(&format!("/v1/prospects/{id}")).await.expect(200).json()["history"][0].clone()
}

/// A bounce as SES tells it.
fn bounce(kind: &str, status: &str, said: &str, at: &str) -> Value {
    json!({"eventType": "Bounce", "bounce": {
        "bounceType": kind, "bounceSubType": "General", "timestamp": at, "reportingMTA": "dns; mx.why.test",
        "bouncedRecipients": [{"emailAddress": "x@why.test", "action": "failed", "status": status, "diagnosticCode": said}],
    }})
}

/// A mail that came back for somebody.
fn returned(to: &str, address: &str, (action, status, said): (&str, &str, &str)) -> String {
    format!(
        "From: MAILER-DAEMON@mx.test\r\nTo: {to}\r\nSubject: Undelivered\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\r\nSee below.\r\n--b\r\n\
         Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.test\r\n\r\n\
         Final-Recipient: rfc822; {address}\r\nAction: {action}\r\nStatus: {status}\r\n\
         Diagnostic-Code: smtp; {said}\r\n\r\n--b--\r\n"
    )
}

#[test]
fn a_history_says_why_a_message_came_back_and_what_says_most_stays() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        let people = ["full", "spam", "worse", "angry", "gone"].map(|name| format!("{name}@why.test"));
        sender.import(format!("email\n{}\n", people.join("\n")).as_bytes()).await;
        let endpoint = sender.register("/why", &["message.bounced", "message.complained"]).await;
        let id = sender.launch(sender.content(&json!({}))).await;
        let [full, spam, worse, angry, gone] = &people;
        let soft =
            bounce("Transient", "5.2.2", "smtp; 552 5.2.2 <Full@why.test> mailbox full", "2026-11-26T10:00:00.000Z");
        let hard = bounce("Permanent", "5.1.1", "smtp; 550 5.1.1 user unknown", "2026-11-26T11:00:00.000Z");
        let blocked =
            bounce("Transient", "5.7.1", "smtp; 554 5.7.1 Message detected as spam", "2026-11-26T10:00:00.000Z");
        let complaint = json!({"eventType": "Complaint", "complaint": {
            "timestamp": "2026-11-26T12:00:00.000Z", "complaintFeedbackType": "abuse",
        }});
        for (email, events) in [
            (full, vec![&soft, &soft]),
            (spam, vec![&blocked]),
            // For good, whatever comes before and after it.
            (worse, vec![&soft, &hard, &soft, &hard]),
            (angry, vec![&hard, &complaint]),
            (gone, vec![&hard, &soft]),
        ] {
            for event in events {
                sender.hears(&id, 1, email, event.clone()).await;
            }
        }
        let expected = json!({
            "fate": "bounced", "at": "2026-11-26T10:00:00Z", "source": "ses", "class": "soft", "cause": "mailbox_full", "reply": 552, "status": "5.2.2",
            "report": "Transient/General", "reporter": "mx.why.test", "said": "552 5.2.2 <***> mailbox full",
        });
        let told = latest(&sender, full).await;
        assert_eq!((&told["kind"], &told["evidence"]), (&json!("bounced"), &expected));
        for (email, kind, class, cause, at) in [
            (spam, "bounced", json!("block"), json!("spam"), "2026-11-26T10:00:00Z"),
            (worse, "bounced", json!("hard"), json!("unknown_user"), "2026-11-26T11:00:00Z"),
            (angry, "complained", Value::Null, Value::Null, "2026-11-26T12:00:00Z"),
            (gone, "bounced", json!("hard"), json!("unknown_user"), "2026-11-26T11:00:00Z"),
        ] {
            let told = latest(&sender, email).await;
            let evidence = &told["evidence"];
            assert_eq!(
                (&told["kind"], &evidence["class"], &evidence["cause"], &evidence["at"]),
                (&json!(kind), &class, &cause, &json!(at)),
                "{told}"
            );
        }
        assert_eq!(latest(&sender, angry).await["evidence"]["report"], "abuse");
        // Each message once, by the cause that stays; whoever complained is not among them.
        let look = sender.look(&id).await;
        let causes = json!({"mailbox_full": 1, "spam": 1, "unknown_user": 2});
        assert_eq!((&look["bounced"], &look["bounced_by_cause"]), (&json!(4), &causes), "{look}");
        assert_eq!(look["steps"][0]["bounced_by_cause"], causes);

        // An endpoint is told codes, and nobody's words.
        let bodies: Vec<Value> = stack.told(&endpoint).iter().map(|one| one.json()).collect();
        assert!(bodies.len() >= 5 && !json!(bodies).to_string().contains("mailbox full"), "{bodies:#?}");
        let first = &bodies.iter().find(|body| body["data"]["evidence"]["cause"] == "mailbox_full").unwrap()["data"];
        let codes = json!({
            "source": "ses", "class": "soft", "cause": "mailbox_full", "reply": 552, "status": "5.2.2",
            "report": "Transient/General",
        });
        assert_eq!((&first["because"], &first["evidence"]), (&json!("transient"), &codes));

        // The person is told all of it, and an erasure takes it along.
        let answer = stack.exercise(full, "access", None).await;
        let data = stack.read_data(answer["access_token"].as_str().unwrap(), "json").await.expect(200).json();
        assert_eq!(data["senders"][0]["record"]["history"][0]["evidence"], expected, "{data}");
        stack.exercise(full, "erasure", None).await;
        assert_eq!(Dump::of(&stack).await.mentions("mailbox full"), [""; 0]);
        stack.finish().await;
    });
}

#[test]
fn mails_that_come_back_for_now_make_a_run_and_blocks_and_delays_make_none() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        sender.take_answers().await;
        let names = ["full", "late", "spam", "other"];
        let rows: String = names.iter().map(|name| format!("{name}@back.test\n")).collect();
        sender.import(format!("email\n{rows}").as_bytes()).await;
        let full = ("failed", "5.2.2", "552 5.2.2 full@back.test is over quota");
        let mut last = String::new();
        for round in 0..3 {
            let content = sender.content(&json!({"name": format!("Lettre {round}")}));
            last = sender.launch(content).await;
            for (name, about, said) in [
                ("full", "full", full),
                ("late", "late", ("delayed", "4.4.1", "451 4.4.1 no answer yet")),
                ("spam", "spam", ("failed", "5.7.1", "554 5.7.1 Message detected as spam")),
                // A mail has to name the very address that was written to.
                ("other", "somebody", full),
            ] {
                assert_eq!(sender.prospect(&format!("{name}@back.test")).await["state"], "active", "{name} {round}");
                let to = stack.mails_to(&format!("{name}@back.test")).pop().expect("a message").reply_to();
                let raw = returned(&to, &format!("{about}@back.test"), said);
                stack.receive(&to, &raw, Scan::default()).await;
            }
            // No two leave at the same second.
            stack.wait(jiff::SignedDuration::from_secs(2));
        }
        for (name, state, kind) in [
            ("full", "bounced", "bounced"),
            ("late", "active", "sent"),
            ("spam", "active", "bounced"),
            ("other", "active", "sent"),
        ] {
            let email = format!("{name}@back.test");
            let (person, told) = (sender.prospect(&email).await, latest(&sender, &email).await);
            assert_eq!((&person["state"], &told["kind"]), (&json!(state), &json!(kind)), "{name}: {told}");
        }
        let waits = latest(&sender, "late@back.test").await["evidence"].clone();
        let codes =
            json!([waits["fate"], waits["source"], waits["class"], waits["cause"], waits["status"], waits["said"]]);
        assert_eq!(codes, json!(["delayed", "dsn", "soft", "network", "4.4.1", "451 4.4.1 no answer yet"]), "{waits}");
        let evidence = latest(&sender, "full@back.test").await["evidence"].clone();
        let codes =
            json!([evidence["source"], evidence["class"], evidence["cause"], evidence["status"], evidence["report"]]);
        assert_eq!(codes, json!(["dsn", "soft", "mailbox_full", "5.2.2", "failed"]), "{evidence}");
        assert_eq!(evidence["said"], "552 5.2.2 *** is over quota");
        let look = sender.look(&last).await;
        assert_eq!(look["bounced_by_cause"], json!({"mailbox_full": 1, "spam": 1}), "{look}");
        stack.finish().await;
    });
}

#[test]
fn what_a_relay_refuses_at_hand_over_is_classified_too() {
    run(async {
        let stack = TestStack::shared().await;
        let sender = stack.sign_up().await;
        let port = stack.backends().smtp().starttls_port();
        let channel = json!({
            "kind": "smtp", "host": "localhost", "port": port, "security": "starttls", "username": "atelier",
            "password": "a relay password",
        });
        sender.put("/v1/sender", sender.identity(channel)).await.expect(200);
        sender.import(b"email\nreject-5xx-why@refused.test\n").await;
        sender.campaign(json!({})).await;
        // As if it had come back: nobody writes there any more.
        assert_eq!(sender.prospect("reject-5xx-why@refused.test").await["state"], "bounced");
        let told = latest(&sender, "reject-5xx-why@refused.test").await;
        let again = sender.campaign(json!({"name": "Encore"})).await;
        assert_eq!(again["refused_by_reason"], json!({"hard_bounced": 1}), "{again}");
        let evidence = &told["evidence"];
        let codes = json!([told["kind"], evidence["source"], evidence["class"], evidence["cause"], evidence["reply"]]);
        assert_eq!(codes, json!(["bounced", "relay", "hard", "unknown_user", 550]), "{told}");
        assert_eq!(evidence["said"], "550 5.1.1 No such user here (in reply to RCPT TO command)");
        stack.check();
    });
}
