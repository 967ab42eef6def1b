//! What people answer, and what machines answer for them.

use local::backends::ses::receiving::Scan;
use serde_json::{Value, json};
use tests::{Sender, TestStack, mail::Mail, replies::answer, run, store::Dump};

async fn history(sender: &Sender<'_>, email: &str) -> Value {
    let person = sender.prospect(email).await;
    sender.get(&format!("/v1/prospects/{}", person["id"].as_str().unwrap())).await.expect(200).json()
}

#[test]
fn an_answer_is_passed_on_to_whoever_made_the_campaign_and_starts_the_persons_time_again() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        sender.take_answers().await;
        let editor = sender.join("editor").await;
        sender.import(b"email;first_name\nzoe@answers.test;Zo\xc3\xa9\nbob@answers.test;Bob\n").await;
        let campaign = editor.draft(json!({})).await;
        sender.command(&campaign, "launch").await.expect(202);
        sender.wait_ended(&campaign).await;
        let to = stack.only_mail_to("zoe@answers.test").reply_to();
        assert!(to.ends_with("@replies.operator.example.com") && !to.contains("zoe"), "{to}");
        assert_ne!(to, stack.only_mail_to("bob@answers.test").reply_to());
        let before = history(&sender, "zoe@answers.test").await;
        assert_eq!((&before["last_contact_at"], &before["history"][0]["kind"]), (&Value::Null, &json!("sent")));

        let raw =
            answer(&to.to_uppercase(), "zoe.martin@elsewhere.test", "Re: Une question", "Oui, rappelez-moi à 14 h.");
        stack.receive(&to.to_uppercase(), &raw, Scan::default()).await;
        let after = history(&sender, "zoe@answers.test").await;
        assert_eq!(after["history"][0]["kind"], "replied", "{after}");
        assert!(
            after["last_contact_at"].is_string() && after["delete_after"].as_str() > before["delete_after"].as_str()
        );
        assert_eq!(history(&sender, "bob@answers.test").await["history"][0]["kind"], "sent");
        assert_eq!(sender.look(&campaign).await["counts"]["sent"], 2);

        // Whoever made the campaign reads it, and answers straight to whoever wrote.
        let told: Vec<Mail> =
            stack.mails_to(&editor.email).into_iter().filter(|m| m.subject.starts_with("Re:")).collect();
        let [passed_on] = &told[..] else { panic!("{told:?}") };
        assert_eq!(passed_on.subject, "Re: Une question");
        assert_eq!(passed_on.text.trim(), "Oui, rappelez-moi à 14 h.");
        assert!(passed_on.header("Reply-To").unwrap().contains("zoe.martin@elsewhere.test"), "{}", passed_on.raw);
        assert!(passed_on.header("From").unwrap().contains("no-reply@operator.example.com"), "{}", passed_on.raw);
        assert!(!stack.mails_to(&sender.email).iter().any(|mail| mail.subject.starts_with("Re:")));

        // Whoever made it is gone: the owners read it.
        let id = editor.get("/v1/me").await.json()["id"].as_str().unwrap().to_owned();
        sender.delete(&format!("/v1/members/{id}")).await.expect(204);
        stack.receive(&to, &raw, Scan::default()).await;
        assert!(stack.mails_to(&sender.email).iter().any(|mail| mail.subject.starts_with("Re:")));
        stack.finish().await;
    });
}

#[test]
fn an_answer_ends_every_campaign_that_is_under_way_with_that_person_and_no_later_one() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        sender.take_answers().await;
        sender.import(b"email\nzoe@both.test\nbob@both.test\n").await;
        let sequence = sender.sequence(json!([{"delay": {"hours": 24}, "text": "Encore moi."}]));
        let first = sender.launch(sequence.clone()).await;
        let second = sender.launch(sequence.clone()).await;
        stack.wait(jiff::SignedDuration::from_secs(5));
        // To the message of the second one.
        stack.answer("zoe@both.test", "Appelez-moi lundi.").await;
        stack.pass(jiff::SignedDuration::from_hours(25)).await;
        for campaign in [&first, &second] {
            let look = sender.look(campaign).await;
            assert_eq!(look["steps"][1]["refused_by_reason"], json!({"replied": 1}), "{look}");
            assert_eq!((&look["steps"][1]["counts"]["sent"], &look["status"]), (&json!(1), &json!("completed")));
        }
        assert_eq!(sender.look(&first).await["replied"], 0, "it was the other's that was answered");
        assert_eq!((stack.mails_to("zoe@both.test").len(), stack.mails_to("bob@both.test").len()), (2, 4));
        // A later campaign is a member's to decide on.
        stack.wait(jiff::SignedDuration::from_secs(5));
        sender.launch(sequence).await;
        assert_eq!(stack.mails_to("zoe@both.test").len(), 3);
        stack.finish().await;
    });
}

#[test]
fn a_wish_to_be_left_alone_is_an_objection_and_what_a_machine_says_is_nothing() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        sender.take_answers().await;
        let people = ["stop", "ooo", "spam", "junk", "virus", "arf", "gone", "moved", "other", "new", "auto"];
        let rows: String = people.iter().map(|name| format!("{name}@machines.test;{name}\n")).collect();
        sender.import(format!("email;first_name\n{rows}").as_bytes()).await;
        sender.campaign(json!({})).await;
        let to = |name: &str| stack.only_mail_to(&format!("{name}@machines.test")).reply_to();
        let from = |name: &str| format!("{name}@machines.test");
        let passed_on =
            || stack.mails_to(&sender.email).iter().filter(|mail| mail.subject.contains("answered")).count();

        let raw = answer(&to("stop"), &from("stop"), "Re: answered", "Merci de me désabonner.\r\n\r\nStop.");
        stack.receive(&to("stop"), &raw, Scan::default()).await;
        assert_eq!(sender.prospect(&from("stop")).await["state"], "opted_out");
        assert_eq!(passed_on(), 1, "it is an answer too");
        let answered = |mail: &Mail| mail.subject.contains("answered");
        let mail = stack.mails_to(&sender.email).into_iter().find(answered).unwrap();
        assert!(mail.text.contains("La personne est désinscrite."), "{}", mail.raw);
        assert!(mail.raw.contains("Merci de me désabonner."), "{}", mail.raw);

        let away = answer(&to("ooo"), &from("ooo"), "Absence : answered", "Je suis absente jusqu'au 3 mars. Stop.")
            .replace("MIME-Version", "Auto-Submitted: auto-replied\r\nMIME-Version");
        stack.receive(&to("ooo"), &away, Scan::default()).await;
        let spam = Scan { spam: true, ..Scan::default() };
        let virus = Scan { virus: true, ..Scan::default() };
        for (name, scan) in [("spam", spam), ("virus", virus)] {
            let raw = answer(&to(name), &from(name), "Re: answered", "stop");
            stack.receive(&to(name), &raw, scan).await;
        }
        // What looks like spam is not passed on, and is an answer all the same; of anything else it says nothing.
        assert_eq!(sender.prospect(&from("spam")).await["state"], "opted_out");
        let raw = answer(&to("junk"), "somebody@else.test", "answered", "Bonjour.")
            .replace("In-Reply-To: <0102@eu-west-3.amazonses.com>\r\n", "");
        stack.receive(&to("junk"), &raw, spam).await;
        for name in ["ooo", "junk", "virus"] {
            let person = history(&sender, &from(name)).await;
            assert_eq!(
                (&person["state"], &person["history"][0]["kind"]),
                (&json!("active"), &json!("sent")),
                "{person}"
            );
            assert_eq!(person["last_contact_at"], Value::Null, "{name}");
        }
        assert_eq!(passed_on(), 1);

        let report = format!(
            "From: postmaster@isp.test\r\nTo: {}\r\nSubject: complaint\r\nMIME-Version: 1.0\r\n\
             Content-Type: multipart/report; report-type=feedback-report; boundary=b\r\n\r\n--b\r\n\r\nSpam.\r\n--b\r\n\
             Content-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nUser-Agent: x/1\r\nVersion: 1\r\n\r\n--b\r\n\
             Content-Type: message/rfc822\r\n\r\nFrom: a@b.test\r\nSubject: x\r\n\r\nx\r\n--b--\r\n",
            to("arf")
        );
        stack.receive(&to("arf"), &report, Scan::default()).await;
        let person = history(&sender, &from("arf")).await;
        assert_eq!(
            (&person["history"][0]["kind"], &person["suppression"]["reason"]),
            (&json!("complained"), &json!("complained"))
        );

        // A bounce has to name the very address that was written to.
        let bounce = |to: &str, address: &str, more: &str| {
            format!(
                "From: MAILER-DAEMON@mx.test\r\nTo: {to}\r\nSubject: Undelivered\r\nMIME-Version: 1.0\r\n\
                 Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\r\nNo.\r\n--b\r\n\
                 Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.test\r\n\r\n\
                 {more}Final-Recipient: rfc822; {address}\r\nAction: failed\r\nStatus: 5.1.1\r\n\
                 Diagnostic-Code: smtp; 550 5.1.1 user unknown\r\n\r\n--b--\r\n"
            )
        };
        stack.receive(&to("gone"), &bounce(&to("gone"), &from("gone"), ""), Scan::default()).await;
        stack.receive(&to("other"), &bounce(&to("other"), "somebody@machines.test", ""), Scan::default()).await;
        let original = format!("Original-Recipient: rfc822; {}\r\n", from("moved"));
        stack.receive(&to("moved"), &bounce(&to("moved"), "m.oved@elsewhere.test", &original), Scan::default()).await;
        let state = async |name: &str| sender.prospect(&from(name)).await["state"].clone();
        assert_eq!((state("gone").await, state("other").await), (json!("bounced"), json!("active")));
        assert_eq!(state("moved").await, "bounced");

        // Not an answer to anything, but somebody wrote it: it is read, and ends nothing. From the person's own address it
        // is an answer: nobody else knows where it was sent. A campaign's subject makes none automatic.
        let fresh = |name: &str, from: &str, subject: &str| {
            answer(&to(name), from, subject, "Bonjour, une question.")
                .replace("In-Reply-To: <0102@eu-west-3.amazonses.com>\r\n", "")
        };
        let latest = async |name: &str| history(&sender, &from(name)).await["history"][0]["kind"].clone();
        stack.receive(&to("new"), &fresh("new", "somebody@else.test", "answered"), Scan::default()).await;
        assert_eq!((passed_on(), latest("new").await), (2, json!("sent")));
        stack.receive(&to("new"), &fresh("new", &from("new"), "answered"), Scan::default()).await;
        assert_eq!((passed_on(), latest("new").await), (3, json!("replied")));
        let raw =
            answer(&to("auto"), &from("auto"), "Re: Automated response, answered", "STOP. Do not write to me again");
        stack.receive(&to("auto"), &raw, Scan::default()).await;
        assert_eq!((passed_on(), state("auto").await), (4, json!("opted_out")));

        // An address that we did not make belongs to nobody; what is no address here is not taken in.
        let mut forged = to("new");
        forged.replace_range(4..5, if &forged[4..5] == "a" { "b" } else { "a" });
        stack.receive(&forged, &answer(&forged, &from("new"), "Re: answered", "stop"), Scan::default()).await;
        assert_eq!((passed_on(), state("new").await), (4, json!("active")));
        let elsewhere = ["contact@operator.example.com".to_owned()];
        assert!(!stack.backends().receiving().receive(&elsewhere, b"x", Scan::default()).unwrap());
        stack.finish().await;
    });
}

#[test]
fn a_sender_that_wants_answers_at_an_address_of_its_own_gets_them_there() {
    run(async {
        let stack = TestStack::shared().await;
        let sender = stack.sign_up().await;
        let own = sender.identity(json!({"kind": "ses"}))["identity"]["reply_to"].clone();
        sender.import(b"email;first_name\nown@replyto.test;O\n").await;
        sender.campaign(json!({})).await;
        assert_eq!(json!(stack.only_mail_to("own@replyto.test").reply_to()), own);
        stack.check();
    });
}

#[test]
fn an_answer_stops_a_campaign_for_the_whole_company_where_the_sender_wants_it() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        sender.take_answers().await;
        sender.import(b"email\nann@firm.test\nbob@FIRM.test\neve@firm.test\njoe@other.test\nkim@fr.firm.test\n").await;
        let hours = jiff::SignedDuration::from_hours;
        let mut content = sender.sequence(json!([
            {"delay": {"hours": 24}, "text": "Encore."}, {"delay": {"hours": 24}, "text": "Fin."},
        ]));
        content["stop_company_on_reply"] = json!(true);
        let id = sender.launch(content.clone()).await;
        assert_eq!(sender.look(&id).await["stop_company_on_reply"], true);
        // When the next step is due already; and twice.
        stack.wait(hours(25));
        stack.answer("eve@firm.test", "Appelez-moi lundi.").await;
        stack.answer("eve@firm.test", "Ou mardi.").await;
        stack.pass(hours(0)).await;
        let look = sender.look(&id).await;
        assert_eq!(look["steps"][1]["refused_by_reason"], json!({"replied": 1, "company_replied": 3}), "{look}");
        assert_eq!((&look["steps"][1]["counts"]["sent"], &look["replied"]), (&json!(1), &json!(1)));
        stack.pass(hours(25)).await;
        let done = sender.look(&id).await;
        assert_eq!(done["refused_by_reason"], json!({"replied": 2, "company_replied": 6}), "{done}");
        assert_eq!(done["status"], "completed");
        for (address, mails) in [("ann", 1), ("bob", 1), ("eve", 1), ("kim@fr.firm.test", 1), ("joe@other.test", 3)] {
            let address = if address.contains('@') { address.to_owned() } else { format!("{address}@firm.test") };
            let got =
                stack.mails_to(&address).len().max(stack.mails_to(&address.replace("bob@firm", "bob@FIRM")).len());
            assert_eq!(got, mails, "{address}");
        }
        let stored = json!(Dump::of(&stack).await.table("OutreachTable")).to_string();
        assert!(stored.contains("STOPPED#") && !stored.contains("firm.test"), "a domain in clear");

        // Whoever still waits for the first message does not get it either.
        sender.import(b"email\none@waits.test\ntwo@waits.test\n").await;
        sender.limit(json!({"per_hour": 1})).await;
        content["audience"] = json!({"text": "waits.test"});
        let id = sender.launch(content).await;
        let first = sender.all(&format!("/v1/campaigns/{id}/recipients?step=1&status=sent")).await;
        let [first] = &first[..] else { panic!("{first:?}") };
        stack.answer(first["email"].as_str().unwrap(), "Oui.").await;
        stack.pass(hours(2)).await;
        let look = sender.look(&id).await;
        assert_eq!(look["steps"][0]["refused_by_reason"], json!({"company_replied": 1}), "{look}");
        stack.finish().await;
    });
}

#[test]
fn an_absence_postpones_the_next_step_of_that_person_alone() {
    run(async {
        let stack = TestStack::start().await;
        // A Thursday.
        stack.set_time("2026-11-26T09:00:00Z".parse().unwrap());
        let sender = stack.sign_up().await;
        sender.take_answers().await;
        let people = ["ann", "away", "back", "long", "leaves", "erased"];
        let rows: String = people.iter().map(|name| format!("{name}@away.test\n")).collect();
        sender.import(format!("email\n{rows}").as_bytes()).await;
        let (hours, minute) = (jiff::SignedDuration::from_hours, jiff::SignedDuration::from_mins(1));
        let mut content = sender.sequence(json!([
            {"delay": {"hours": 24}, "text": "Encore."}, {"delay": {"hours": 24}, "text": "Fin."},
        ]));
        content["steps"][0]["variants"] = json!([{"subject": "Un"}, {"subject": "Deux"}]);
        let id = sender.launch(content).await;
        let out_of_office = async |name: &str, words: &str| {
            let from = format!("{name}@away.test");
            let to = stack.mails_to(&from)[0].reply_to();
            let raw = answer(&to, &from, "Réponse automatique : absence du bureau", words)
                .replace("MIME-Version", "Auto-Submitted: auto-replied\r\nMIME-Version");
            stack.receive(&to, &raw, Scan::default()).await;
        };
        for name in ["away", "leaves", "erased"] {
            out_of_office(name, "Je suis absente jusqu'au 3 décembre 2026.").await;
        }
        out_of_office("back", "I will be back on 26 November 2026.").await;
        out_of_office("long", "Je suis absente jusqu'au 3 mars 2027.").await;
        let person = history(&sender, "away@away.test").await;
        assert_eq!((&person["away_until"], &person["last_contact_at"]), (&json!("2026-12-03"), &Value::Null));
        assert_eq!(history(&sender, "long@away.test").await["away_until"], Value::Null, "too long to be waited for");

        // The others go on; who was back the day before is one of them.
        stack.pass(hours(24) + minute).await;
        let sent = |campaign: &Value, step: usize| {
            ["sent", "pending", "refused"].map(|name| campaign["steps"][step - 1]["counts"][name].as_u64().unwrap())
        };
        let look = sender.look(&id).await;
        assert_eq!((sent(&look, 1), sent(&look, 2)), ([6, 0, 0], [3, 3, 0]), "{look}");
        let waiting = sender.all(&format!("/v1/campaigns/{id}/recipients?step=2&status=pending")).await;
        let waits: Vec<_> = waiting.iter().map(|one| &one["postponed_until"]).collect();
        assert_eq!(waits, [&json!("2026-12-04"); 3], "{waiting:?}");
        assert_eq!(sender.all(&format!("/v1/campaigns/{id}/recipients?step=2")).await.len(), 6, "each of them once");
        stack.pass(hours(24) + minute).await;
        let look = sender.look(&id).await;
        assert_eq!((sent(&look, 3), &look["status"]), ([3, 3, 0], &json!("sending")), "{look}");

        // Meanwhile: a pause loses nobody; an answer still stops, and so does an erasure.
        sender.command(&id, "pause").await.expect(200);
        sender.command(&id, "resume").await.expect(202);
        stack.settle().await;
        stack.answer("leaves@away.test", "Me voilà. Non merci.").await;
        let erased = sender.prospect("erased@away.test").await["id"].as_str().unwrap().to_owned();
        sender.delete(&format!("/v1/prospects/{erased}")).await.expect(204);
        stack.pass(hours(24 * 5)).await;
        assert_eq!(stack.mails_to("away@away.test").len(), 1, "not on the third, nor before");
        stack.pass(hours(24 * 2)).await;
        let look = sender.look(&id).await;
        assert_eq!((sent(&look, 2), sent(&look, 3)), ([4, 0, 2], [3, 1, 2]), "{look}");
        assert_eq!(look["steps"][1]["refused_by_reason"], json!({"replied": 1, "erased": 1}), "{look}");
        assert_eq!(look["replied"], 1, "the answer counts where it was answered");
        let mails = stack.mails_to("away@away.test");
        assert!(mails[1].accepted_at.to_string().as_str() >= "2026-12-04", "{}", mails[1].accepted_at);
        assert_eq!(mails[1].subject, format!("Re: {}", mails[0].subject));
        assert_eq!(mails[1].header("In-Reply-To"), mails[0].header("Message-ID"));
        stack.pass(hours(24) + minute).await;
        let done = sender.look(&id).await;
        assert_eq!((sent(&done, 3), &done["status"]), ([4, 0, 2], &json!("completed")), "{done}");
        let mails = stack.mails_to("away@away.test");
        let both: Vec<_> = mails[..2].iter().map(|mail| mail.header("Message-ID").unwrap()).collect();
        assert_eq!((mails.len(), mails[2].header("References")), (3, Some(both.join(" "))));
        let kinds: Vec<_> = history(&sender, "away@away.test").await["history"]
            .as_array()
            .unwrap()
            .iter()
            .map(|event| (event["step"].clone(), event["kind"].clone()))
            .collect();
        assert_eq!(kinds, [3, 2, 1].map(|step| (json!(step), json!("sent"))));
        for (name, many) in [("ann", 3), ("back", 3), ("long", 3), ("leaves", 1)] {
            assert_eq!(stack.mails_to(&format!("{name}@away.test")).len(), many, "{name}");
        }
        stack.finish().await;
    });
}

#[test]
fn whoever_is_away_follows_once_however_often_a_chunk_comes_and_a_cancel_ends_them_too() {
    run(async {
        let stack = TestStack::start().await;
        stack.set_time("2026-11-26T09:00:00Z".parse().unwrap());
        let sender = stack.sign_up().await;
        sender.take_answers().await;
        sender.import(b"email\nann@often.test\naway@often.test\n").await;
        let later = json!([{"delay": {"hours": 24}, "text": "Encore."}, {"delay": {"hours": 24}, "text": "Fin."}]);
        let away = async || {
            let to = stack.mails_to("away@often.test").pop().unwrap().reply_to();
            let raw = answer(&to, "away@often.test", "Absence", "Ich bin bis zum 30. November 2026 im Urlaub.")
                .replace("MIME-Version", "Auto-Submitted: auto-replied\r\nMIME-Version");
            stack.receive(&to, &raw, Scan::default()).await;
        };
        let id = sender.launch(sender.sequence(later.clone())).await;
        away().await;
        stack.break_things(
            serde_json::from_value(json!({"sqs": {"deliveries": 3, "shuffle_seed": 7}})).expect("a plan"),
        );
        for _ in 0..8 {
            stack.wait(jiff::SignedDuration::from_hours(25));
            let _ = tokio::join!(stack.fire("follow-up"), stack.fire("follow-up"));
            stack.settle().await;
        }
        stack.break_things(local::backends::Plan::default());
        let done = sender.look(&id).await;
        assert_eq!((&done["status"], &done["counts"]["sent"]), (&json!("completed"), &json!(6)), "{done}");
        assert_eq!((stack.mails_to("ann@often.test").len(), stack.mails_to("away@often.test").len()), (3, 3));

        stack.set_time("2026-12-10T09:00:00Z".parse().unwrap());
        let id = sender.launch(sender.sequence(later)).await;
        let to = stack.mails_to("away@often.test").pop().unwrap().reply_to();
        let raw = answer(&to, "away@often.test", "Absence", "Ich bin bis zum 15. Dezember 2026 im Urlaub.")
            .replace("MIME-Version", "Auto-Submitted: auto-replied\r\nMIME-Version");
        stack.receive(&to, &raw, Scan::default()).await;
        stack.pass(jiff::SignedDuration::from_hours(25)).await;
        sender.command(&id, "cancel").await.expect(200);
        let cancelled = sender.wait_ended(&id).await;
        assert_eq!(cancelled["refused_by_reason"], json!({"cancelled": 3}), "{cancelled}");
        stack.finish().await;
    });
}
