//! Campaigns of several steps: what is due when, who gets it, and what stops it.

use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{TestStack, files, run, store::Dump};

const HOUR: SignedDuration = SignedDuration::from_hours(1);
const MINUTE: SignedDuration = SignedDuration::from_mins(1);

/// How a step's messages ended.
fn ended(campaign: &Value, step: usize) -> [u64; 3] {
    ["pending", "sent", "refused"].map(|name| campaign["steps"][step - 1]["counts"][name].as_u64().expect("a count"))
}

#[test]
fn a_sequence_runs_to_its_end_and_replies_in_its_thread() {
    run(async {
        for relay in [false, true] {
            let stack = TestStack::start().await;
            // A Thursday.
            stack.set_time("2026-11-26T09:00:00Z".parse().unwrap());
            let sender = stack.sign_up().await;
            if relay {
                let port = stack.backends().smtp().tls_port();
                let channel = json!({"kind": "smtp", "host": "localhost", "port": port, "security": "tls", "username": "u", "password": "relay word"});
                sender.put("/v1/sender", sender.identity(channel)).await.expect(200);
            }
            sender.import(b"email;first_name;company\nann@seq.test;Ann;Alpha\nbob@seq.test;Bob;\n").await;
            let later = json!([
                {"delay": {"hours": 48}, "text": "Encore moi, {{ first_name }}."},
                {"delay": {"hours": 1}, "text": "Une dernière fois ?"},
                {"delay": {"working_days": 1}, "subject": "Autre chose, {{ first_name }}", "text": "Sans rapport."},
                {"delay": {"hours": 1}, "text": "Au revoir."},
            ]);
            let content = sender.sequence(later);
            let id = sender.launch(content.clone()).await;
            let begun = sender.look(&id).await;
            assert_eq!(begun["status"], "sending");
            assert_eq!((ended(&begun, 1), ended(&begun, 2)), ([0, 2, 0], [2, 0, 0]), "{begun}");
            assert_eq!(begun["steps"][1]["delay"], json!({"hours": 48}));
            assert_eq!(begun["counts"]["audience"], 10);

            assert_eq!(stack.pass(HOUR * 48 - MINUTE * 2).await, 0, "nothing is due early");
            assert_eq!(stack.pass(MINUTE * 4).await, 1);
            assert_eq!(stack.follow_up().await, 0, "what is on the queue is due no more");
            assert_eq!(stack.pass(HOUR + MINUTE).await, 1);
            // Saturday: one working day later is Monday.
            assert_eq!(stack.pass(HOUR * 24).await, 0);
            assert_eq!(stack.pass(HOUR * 24 + MINUTE).await, 1);
            assert_eq!(sender.look(&id).await["status"], "sending");
            assert_eq!(stack.pass(HOUR + MINUTE).await, 1);
            let done = sender.look(&id).await;
            assert_eq!((&done["status"], &done["counts"]["sent"]), (&json!("completed"), &json!(10)), "{done}");

            for (address, first) in
                [("ann@seq.test", "Une question pour Alpha"), ("bob@seq.test", "Une question pour votre équipe")]
            {
                let mails = stack.mails_to(address);
                let subjects: Vec<_> = mails.iter().map(|mail| mail.subject.clone()).collect();
                let (reply, name) = (format!("Re: {first}"), if address.starts_with("ann") { "Ann" } else { "Bob" });
                let other = format!("Autre chose, {name}");
                assert_eq!(subjects, [first, &reply, &reply, &other, &format!("Re: {other}")]);
                let ids: Vec<_> = mails.iter().map(|mail| mail.header("Message-ID").expect("a name")).collect();
                let threads: [&[String]; 5] = [&[], &ids[..1], &ids[..2], &[], &ids[3..4]];
                for (mail, thread) in mails.iter().zip(threads) {
                    assert_eq!(mail.header("In-Reply-To").as_ref(), thread.last(), "{address} {relay}");
                    assert_eq!(mail.header("References"), (!thread.is_empty()).then(|| thread.join(" ")));
                    // What nobody can remove is in every step.
                    mail.unsubscribe();
                    assert!(
                        mail.text.contains("Salon des Exemples") && mail.text.contains("www.cnil.fr"),
                        "{}",
                        mail.text
                    );
                }
            }
            let recipients = sender.recipients(&id).await;
            assert_eq!(recipients.len(), 10);
            let second = sender.all(&format!("/v1/campaigns/{id}/recipients?step=2&status=sent")).await;
            assert!(
                second.len() == 2 && second.iter().all(|r| r["step"] == 2 && r["email"] != Value::Null),
                "{second:?}"
            );
            sender.get(&format!("/v1/campaigns/{id}/recipients?step=17")).await.problem(422, "validation-failed");
            let ann = sender.prospect("ann@seq.test").await["id"].as_str().unwrap().to_owned();
            let history = sender.get(&format!("/v1/prospects/{ann}")).await.json()["history"].clone();
            let steps: Vec<_> = history.as_array().unwrap().iter().map(|event| event["step"].clone()).collect();
            assert_eq!(steps, [5, 4, 3, 2, 1].map(|step| json!(step)), "{history}");
            stack.finish().await;
        }
    });
}

#[test]
fn a_working_day_is_none_where_it_is_a_holiday_of_the_senders() {
    run(async {
        let stack = TestStack::start().await;
        // A Thursday; Friday is Christmas.
        stack.set_time("2026-12-24T09:00:00Z".parse().unwrap());
        let sender = stack.sign_up().await;
        sender.import(&files::people("noel-", 3)).await;
        let id = sender.launch(sender.sequence(json!([{"delay": {"working_days": 1}, "text": "Encore."}]))).await;
        assert_eq!(ended(&sender.look(&id).await, 1), [0, 3, 0]);
        assert_eq!(stack.pass(HOUR * 24 + MINUTE).await, 0, "on Christmas Day");
        assert_eq!(stack.pass(HOUR * 72 - MINUTE * 3).await, 0, "early");
        assert_eq!(stack.pass(MINUTE * 4).await, 1, "on Monday");
        assert_eq!(sender.look(&id).await["status"], "completed");
        stack.finish().await;
    });
}

#[test]
fn whoever_stops_gets_no_more_and_is_counted_with_the_reason() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        sender
            .import(
                b"email\nobjects@stop.test\nerased@stop.test\nfrozen@stop.test\nanswers@stop.test\nstays@stop.test\n\
                  late@stop.test\nbounce@simulator.amazonses.com\ncomplaint@simulator.amazonses.com\n",
            )
            .await;
        let id_of = async |email: &str| sender.prospect(email).await["id"].as_str().unwrap().to_owned();
        let later = json!([
            {"delay": {"hours": 24}, "text": "Encore moi."},
            {"delay": {"hours": 24}, "text": "Et encore."},
        ]);
        let id = sender.launch(sender.sequence(later)).await;
        assert_eq!(ended(&sender.look(&id).await, 1), [0, 8, 0]);
        let link = stack.only_mail_to("objects@stop.test").unsubscribe();
        stack.client().request(Method::POST, &link).send().await.expect(200);
        sender.delete(&format!("/v1/prospects/{}", id_of("erased@stop.test").await)).await.expect(204);
        let frozen = format!("/v1/prospects/{}", id_of("frozen@stop.test").await);
        sender.patch(&frozen, json!({"state": "restricted"})).await.expect(200);
        sender.hears_from(&id, 1, "answers@stop.test").await;
        assert_eq!(sender.look(&id).await["replied"], 1);

        assert_eq!(stack.pass(HOUR * 24 + MINUTE).await, 1);
        let reasons = json!({
            "opted_out": 1, "erased": 1, "restricted": 1, "replied": 1, "bounced": 1, "complained": 1,
        });
        let campaign = sender.look(&id).await;
        assert_eq!(campaign["steps"][1]["refused_by_reason"], reasons, "{campaign}");
        assert_eq!((ended(&campaign, 2), ended(&campaign, 3)), ([0, 2, 6], [8, 0, 0]));
        let refused = sender.all(&format!("/v1/campaigns/{id}/recipients?step=2&status=refused")).await;
        let said: Vec<_> = refused.iter().map(|r| r["reason"].as_str().unwrap()).collect();
        assert!(reasons.as_object().unwrap().keys().all(|reason| said.contains(&reason.as_str())), "{said:?}");

        // Unfrozen again, they do not come in halfway; a reply to the first step stops the third as well.
        sender.patch(&frozen, json!({"state": "active"})).await.expect(200);
        sender.hears_from(&id, 1, "late@stop.test").await;
        assert_eq!(stack.pass(HOUR * 24 + MINUTE).await, 1);
        let done = sender.look(&id).await;
        assert_eq!((&done["status"], ended(&done, 3)), (&json!("completed"), [0, 1, 7]), "{done}");
        assert_eq!(done["steps"][2]["refused_by_reason"]["replied"], 2, "{done}");
        for (address, mails) in
            [("stays", 3), ("late", 2), ("objects", 1), ("erased", 1), ("frozen", 1), ("answers", 1)]
        {
            assert_eq!(stack.mails_to(&format!("{address}@stop.test")).len(), mails, "{address}");
        }
        stack.finish().await;
    });
}

#[test]
fn with_nobody_left_a_campaign_ends_at_once() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        sender.import(b"email\nleaves@early.test\n").await;
        let later: Vec<_> = (0..15).map(|n| json!({"delay": {"hours": 24}, "text": format!("{n}")})).collect();
        let id = sender.launch(sender.sequence(json!(later))).await;
        let link = stack.only_mail_to("leaves@early.test").unsubscribe();
        stack.client().request(Method::POST, &link).send().await.expect(200);
        // Their record goes before the next step, and the reason stays.
        stack.purge().await;
        assert_eq!(sender.all("/v1/prospects").await.len(), 0);
        assert_eq!(stack.pass(HOUR * 24 + MINUTE).await, 1);
        let done = sender.look(&id).await;
        assert_eq!((&done["status"], &done["counts"]["refused"]), (&json!("completed"), &json!(15)), "{done}");
        assert_eq!(done["refused_by_reason"], json!({"opted_out": 15}));
        assert_eq!(stack.pass(HOUR * 24 * 30).await, 0);
        stack.finish().await;
    });
}

#[test]
fn a_pause_loses_no_step_and_a_cancel_leaves_none() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        sender.import(b"email\none@pause.test\ntwo@pause.test\n").await;
        let later = json!([{"delay": {"hours": 24}, "text": "Encore."}, {"delay": {"hours": 24}, "text": "Fin."}]);
        let id = sender.launch(sender.sequence(later)).await;
        // Paused and resumed before anything is due: nothing is early, nothing is lost.
        sender.command(&id, "pause").await.expect(200);
        sender.command(&id, "resume").await.expect(202);
        stack.settle().await;
        assert_eq!(stack.pass(HOUR).await, 0);
        // Due while it is paused: it waits for the resume, however long.
        sender.command(&id, "pause").await.expect(200);
        assert_eq!(stack.pass(HOUR * 24).await, 1);
        assert_eq!(stack.pass(HOUR * 24 * 7).await, 0);
        assert_eq!(ended(&sender.look(&id).await, 2), [2, 0, 0]);
        sender.command(&id, "resume").await.expect(202);
        stack.settle().await;
        assert_eq!(ended(&sender.look(&id).await, 2), [0, 2, 0]);
        // Cancelled while the third step is still to come.
        assert_eq!(sender.command(&id, "cancel").await.expect(200).json()["status"], "cancelled");
        let cancelled = sender.wait_ended(&id).await;
        assert_eq!(cancelled["refused_by_reason"], json!({"cancelled": 2}), "{cancelled}");
        stack.pass(HOUR * 24 * 7).await;
        assert_eq!(stack.mails_to("one@pause.test").len(), 2);
        stack.finish().await;
    });
}

#[test]
fn a_closed_workspace_sends_no_step_and_nothing_of_it_stays_due() {
    run(async {
        let stack = TestStack::start().await;
        let (sender, other) = (stack.sign_up().await, stack.sign_up().await);
        for sender in [&sender, &other] {
            sender.import(b"email\none@closed.test\n").await;
        }
        let later = json!([{"delay": {"hours": 24}, "text": "Encore."}]);
        let id = sender.launch(sender.sequence(later.clone())).await;
        sender.delete("/v1/workspace").await.expect(200);
        assert_eq!(stack.pass(HOUR * 25).await, 1);
        assert_eq!(stack.mails_to("one@closed.test").len(), 1);
        sender.log_in().await;
        sender.post("/v1/workspace/reactivate", json!({})).await.expect(200);
        let paused = sender.look(&id).await;
        assert_eq!((&paused["status"], &paused["paused_because"]), (&json!("paused"), &json!("workspace_closed")));
        sender.command(&id, "resume").await.expect(202);
        sender.wait_ended(&id).await;
        assert_eq!(stack.mails_to("one@closed.test").len(), 2);

        other.launch(other.sequence(later)).await;
        let due = |dump: &Dump| {
            dump.of_workspace(&other.workspace).into_iter().filter(|item| item.contains(": DUE / ")).count()
        };
        assert!(due(&Dump::of(&stack).await) > 0);
        other.give_up().await.expect(200);
        stack.wait(HOUR);
        stack.purge().await;
        assert_eq!(due(&Dump::of(&stack).await), 0);
        assert_eq!(stack.pass(HOUR * 25).await, 0);
        stack.finish().await;
    });
}

#[test]
fn whoever_asks_gets_every_step_as_it_was_sent() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        sender.import(b"email;first_name\nall@steps.test;Am\xc3\xa9lie\n").await;
        let later = json!([{"delay": {"hours": 1}, "text": "Encore moi, {{ first_name }}."}]);
        sender.launch(sender.sequence(later)).await;
        stack.pass(HOUR + MINUTE).await;
        let proved = stack.exercise("all@steps.test", "access", None).await;
        let data = stack.read_data(proved["access_token"].as_str().unwrap(), "json").await.expect(200).json();
        let messages = data["senders"][0]["messages"].as_array().unwrap();
        let subjects: Vec<_> = messages.iter().map(|message| message["subject"].as_str().unwrap()).collect();
        assert_eq!(subjects, ["Re: Une question pour votre équipe", "Une question pour votre équipe"], "{data}");
        assert_eq!(messages[0]["text"], "Encore moi, Amélie.");
        stack.finish().await;
    });
}

#[test]
fn steps_that_make_no_sense_are_refused_with_their_place() {
    run(async {
        let stack = TestStack::shared().await;
        let sender = stack.sign_up().await;
        let too_many: Vec<_> = (0..16).map(|_| json!({"delay": {"hours": 1}, "text": "x"})).collect();
        for (later, field) in [
            (json!(too_many), "steps"),
            (json!([{"delay": {"hours": 0}, "text": "x"}]), "steps[1].delay.hours"),
            (json!([{"delay": {"working_days": 200}, "text": "x"}]), "steps[1].delay.working_days"),
            (json!([{"delay": {"weeks": 1}, "text": "x"}]), "steps[1].delay.weeks"),
            (json!([{"delay": {"hours": 1, "working_days": 1}, "text": "x"}]), "steps[1].delay"),
            (json!([{"delay": {}, "text": "x"}]), "steps[1].delay"),
            (json!([{"delay": {"hours": 1}, "text": "{{ nobody }}"}]), "steps[1].text"),
            (json!([{"delay": {"hours": 1}, "subject": " ", "text": "x"}]), "steps[1].subject"),
        ] {
            let refused = sender.post("/v1/campaigns", sender.sequence(later)).await;
            refused.problem(422, "validation-failed");
            assert_eq!(refused.fields(), [field]);
        }
        let id = sender.post("/v1/campaigns", sender.sequence(json!([{"subject": "Sans délai"}]))).await.expect(201);
        let id = id.json()["id"].as_str().unwrap().to_owned();
        let refused = sender.command(&id, "launch").await;
        refused.problem(422, "launch-refused");
        assert_eq!(refused.fields(), ["steps[1].delay", "steps[1].text"]);
        stack.check();
    });
}

/// Write units, read units and calls of a function's on the tables, for each of so many people.
fn cost(stack: &TestStack, function: &str, people: f64) -> [f64; 3] {
    let used = stack.backends().meter().snapshot();
    let calls = used.functions.get(function).map(|function| function.calls.clone()).unwrap_or_default();
    let tables = calls.iter().filter(|(call, _)| call.starts_with("dynamodb:"));
    let sum = tables.fold([0.0; 3], |[writes, reads, calls], (_, usage)| {
        [writes + usage.write_units, reads + usage.read_units, calls + f64::from(u32::try_from(usage.count).unwrap())]
    });
    sum.map(|sum| sum / people)
}

#[test]
fn a_step_costs_hardly_more_than_the_only_message_of_a_campaign() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        sender.import(&files::people("cost", 400)).await;
        let measured = async |content: Value| {
            stack.backends().meter().reset();
            sender.launch(content).await;
            cost(&stack, "send", 400.0)
        };
        let only = measured(sender.content(&json!({}))).await;
        assert!(only[0] <= 1.1, "{only:?}");
        let other = json!([{"delay": {"hours": 1}, "subject": "Autre chose", "text": "Encore."}]);
        let before_another = measured(sender.sequence(other)).await;
        assert!(before_another[0] <= only[0] + 0.03, "noted as due: {before_another:?}, and {only:?}");
        stack.pass(HOUR + MINUTE).await;
        let mut compared = sender.content(&json!({}));
        compared["steps"][0]["variants"] = json!([{"subject": "Un"}, {"subject": "Deux"}]);
        compared["steps"][0]["winner"] = json!({"by": "replies", "after": {"messages": 1}});
        let compared = measured(compared).await;
        assert!(compared[0] <= only[0] + 0.01 && compared[0] <= 1.1, "variants: {compared:?}, and {only:?}");
        assert!(compared[1] <= only[1] + 0.15 && compared[2] <= only[2] + 0.03, "variants: {compared:?}, and {only:?}");
        let reply = json!([{"delay": {"hours": 1}, "text": "Encore."}]);
        let before_a_reply = measured(sender.sequence(reply)).await;
        assert!(before_a_reply[0] <= only[0] + 0.07, "and named: {before_a_reply:?}, and {only:?}");

        stack.backends().meter().reset();
        assert_eq!(stack.pass(HOUR + MINUTE).await, 8);
        let last = cost(&stack, "send", 400.0);
        // Whoever sees the end writes it down, and so may a second who sees it at the same moment.
        assert!(last[0] <= only[0] + 0.03, "the last step: {last:?}, and {only:?}");
        assert!(last[1] <= only[1] + 0.2 && last[2] <= only[2] + 0.12, "read after the claim: {last:?}, and {only:?}");
        let scheduled = cost(&stack, "follow-up", 400.0);
        assert!(scheduled[0] <= 0.01 && scheduled[1] <= 0.01, "{scheduled:?}");
        stack.finish().await;
    });
}
