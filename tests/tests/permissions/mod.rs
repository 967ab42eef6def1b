//! template.yaml permits what the functions do, and nothing else.
//!
//! The runner enforces each function's statements. Every test fails on a call that was refused; here one tour
//! through everything the product does must use every action on every resource that a statement names.

use jiff::SignedDuration;
use local::backends::Plan;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{TestStack, files, imap::Imap, replies::answer, rights::done, run, sender::signup, store::Backup};

/// Permissions that this machine cannot exercise: function, Sid, action or the end of a resource, and why they stay.
const ALLOWED: &[(&str, &str, &str, &str)] = &[
    (
        "import",
        "ImportQueue",
        "sqs:SendMessage",
        "a file that takes longer than the 300 s of one invocation goes on in another",
    ),
    ("import", "ImportQueue", "ImportQueue", "the same"),
    (
        "import",
        "WriteRejects",
        "s3:AbortMultipartUpload",
        "a report of more than 5 MB that an attempt leaves unfinished",
    ),
];

#[test]
fn every_permission_is_used_and_none_is_missing() {
    run(async {
        // What failed is tried again soon.
        let soon = std::time::Duration::from_secs(10);
        // As after a restore: nothing is sent before a purge has replayed it.
        let stack = TestStack::with(|options| {
            options.visibility_timeout = Some(soon);
            options.overrides.insert("Restore".into(), "tour".into());
        })
        .await;
        let client = stack.client();
        // While the change of the terms that came with 2027 is announced.
        stack.set_time("2026-12-02T12:00:00Z".parse().expect("a time"));
        let sender = stack.sign_up().await;
        sender.import(b"email\nfirst@tour.test\n").await;
        let people = Backup::of(&stack, &["ProspectsTable"]);
        stack.exercise("first@tour.test", "restriction", None).await;
        people.put_back(&stack);
        let restored = sender.draft(json!({"name": "Reprise"})).await;
        sender.command(&restored, "launch").await.expect(202);
        stack.replay().await;
        sender.command(&restored, "cancel").await.expect(200);

        // Accounts: everything around a session.
        client.post("/v1/signup", signup(&sender.email, "a known address again")).await.expect(202);
        let tokens = sender.log_in().await;
        let refresh = json!({"refresh_token": tokens["refresh_token"]});
        client.post("/v1/session/refresh", refresh.clone()).await.expect(200);
        client.post("/v1/session/refresh", refresh).await.problem(401, "unauthenticated");
        client
            .post("/v1/session", json!({"email": sender.email, "password": "wrong wrong"}))
            .await
            .problem(401, "unauthenticated");
        sender.log_in().await;
        client.post("/v1/password/forgot", json!({"email": sender.email})).await.expect(202);
        let token = stack.mails_to(&sender.email).last().expect("a mail").token();
        client.post("/v1/password/reset", json!({"token": token, "password": sender.password})).await.expect(204);
        sender.log_in().await;
        let out = sender.log_in().await;
        let out = client.request(Method::DELETE, "/v1/session").bearer(out["access_token"].as_str().unwrap());
        out.send().await.expect(204);
        sender.log_in().await;
        sender
            .patch("/v1/workspace", json!({"display_name": "Ada", "locale": "en", "retention_months": 24}))
            .await
            .expect(200);

        // A colleague joins, becomes something else and is sent away; a program uses every function that takes a key.
        let colleague = sender.join("editor").await;
        let member = colleague.get("/v1/me").await.json()["id"].as_str().unwrap().to_owned();
        sender.patch(&format!("/v1/members/{member}"), json!({"role": "viewer"})).await.expect(200);
        sender.delete(&format!("/v1/members/{member}")).await.expect(204);
        let reads = ["workspace.read", "imports.read", "prospects.read", "campaigns.read"];
        let key = sender.post("/v1/api-keys", json!({"name": "Tour", "scopes": reads})).await.expect(200).json();
        stack.keep_secret(key["key"].as_str().unwrap());
        for path in ["/v1/workspace", "/v1/imports", "/v1/prospects", "/v1/campaigns"] {
            // Each notes the day of use, as if it were the first to see it.
            stack.wait(SignedDuration::from_hours(24));
            client.request(Method::GET, path).bearer(key["key"].as_str().unwrap()).send().await.expect(200);
        }
        // A second factor: in a workspace without a data key, and in one whose key another process made.
        let other = stack.sign_up().await;
        other.post("/v1/second-factor", json!({"password": other.password})).await.expect(200);
        stack.kill("session").await;
        other.post("/v1/second-factor", json!({"password": other.password})).await.expect(200);
        sender.get("/v1/sessions").await.expect(200);
        // A change of the legal texts: announced, first while no mail can leave.
        stack.break_things(serde_json::from_value(json!({"ses": {"throttle_every": 1}})).expect("a plan"));
        assert_eq!(stack.announce().await["unreached"], 2, "the owner of each workspace");
        stack.break_things(Plan::default());
        assert_eq!(stack.announce().await["told"], 2);

        // Imports: new, the same, changed, with rejects, in several parts.
        let mut file = files::people("tour", 120);
        file.extend_from_slice(b"pas une adresse;X;Y;Z;;\n");
        let import = sender.import(&file).await;
        let path = format!("/v1/imports/{}", import["id"].as_str().unwrap());
        sender.get(&format!("{path}/rejects")).await.expect(200);
        // Changed rows, whose update is committed and then said to have failed: they are read again.
        stack
            .break_things(serde_json::from_value(json!({"dynamodb": {"fail_after_commit_every": 3}})).expect("a plan"));
        sender.import(String::from_utf8(file).unwrap().replace("Acheteuse", "Directrice").as_bytes()).await;
        stack.break_things(Plan::default());
        // A file that is gone before it is read.
        let gone = sender.post("/v1/imports", sender.announcement()).await.expect(201).json();
        let queue = stack.template().queues.iter().find(|queue| queue.name.ends_with("-ImportQueue")).expect("a queue");
        let again = json!({"workspace": sender.workspace, "import": gone["id"]});
        stack.backends().sqs().send(&queue.arn, again.to_string()).expect("the queue takes it");
        assert_eq!(sender.wait_imported(gone["id"].as_str().unwrap()).await["status"], "failed");
        sender.get("/v1/imports").await.expect(200);
        let simulated = ["bounce", "complaint", "complaint+2"].map(|kind| format!("{kind}@simulator.amazonses.com\n"));
        sender.import(format!("email\n{}", simulated.concat()).as_bytes()).await;
        let key =
            sender.request(Method::POST, "/v1/imports").header("idempotency-key", "i").json(&sender.announcement());
        key.send().await.expect(201);
        // Thousands of rejected rows: a report in parts.
        let rejected: String = (0..260_000).map(|_| "pas une adresse\n").collect();
        sender.import(format!("email\n{rejected}").as_bytes()).await;
        // A file that cannot be used to its end after a report was begun.
        sender.import(b"PK\x03\x04").await;

        // Prospects.
        let by_hand =
            json!({"email": "hand@tour.test", "source": sender.announcement()["source"], "lawful_basis": "consent"});
        let added = sender.request(Method::POST, "/v1/prospects").header("idempotency-key", "p").json(&by_hand);
        let hand = added.send().await.expect(201).header("location");
        sender.get(&hand).await.expect(200);
        sender.patch(&hand, json!({"company": "Main"})).await.expect(200);
        sender.delete(&hand).await.expect(204);
        sender.get("/v1/prospects/export?format=csv").await.expect(200);
        sender.get("/v1/audit").await.expect(200);
        // A campaign of another company comes back too often, and pauses itself.
        let harmful = stack.sign_up().await;
        let paused = harmful.campaign_that_harms(2_000, |n| (n % 8 == 0).then_some("bounce")).await;
        harmful.command(paused["id"].as_str().unwrap(), "cancel").await.expect(200);
        // An import soon after an erasure looks whether it brought somebody back.
        sender.import(b"email\nafter@tour.test\n").await;

        // Endpoints for events: one that takes everything, one that is gone.
        let told = [
            "message.sent",
            "message.delivered",
            "message.bounced",
            "prospect.opted_out",
            "campaign.launched",
            "campaign.completed",
            "import.finished",
        ];
        let endpoint = sender.register("/tour", &told).await;
        let gone = sender.register("/status/410", &["campaign.cancelled"]).await;
        sender.post(&format!("{}/test", gone.path), json!({})).await.expect(202);
        sender.patch(&endpoint.path, json!({"events": told})).await.expect(200);
        stack.wait(SignedDuration::from_secs(61));

        // Campaigns: by SES, then by a relay.
        let key =
            sender.request(Method::POST, "/v1/campaigns").header("idempotency-key", "c").json(&json!({"name": "Clé"}));
        key.send().await.expect(201);
        let id = sender.draft(json!({})).await;
        sender.patch(&format!("/v1/campaigns/{id}"), json!({"name": "Tour"})).await.expect(200);
        for (command, status) in
            [("preview", 200), ("check", 200), ("test", 202), ("launch", 202), ("pause", 200), ("resume", 202)]
        {
            sender.command(&id, command).await.expect(status);
        }
        sender.wait_ended(&id).await;
        stack.settle().await;
        sender.recipients(&id).await;
        sender
            .get(&hand.replace(
                hand.rsplit('/').next().unwrap(),
                sender.prospect("tour1@firm1.test").await["id"].as_str().unwrap(),
            ))
            .await
            .expect(200);
        let port = stack.backends().smtp().tls_port();
        let channel = json!({"kind": "smtp", "host": "localhost", "port": port, "security": "tls", "username": "u", "password": "relay word"});
        sender.put("/v1/sender", sender.identity(channel.clone())).await.expect(200);
        // Another process seals the next password under the same key.
        stack.kill("workspace").await;
        sender.put("/v1/sender", sender.identity(channel)).await.expect(200);
        sender.get("/v1/sender").await.expect(200);
        // A check of the relay, and what is left of its message.
        let relay = sender.first_channel().await;
        sender.post(&format!("/v1/channels/{relay}/check"), json!({})).await.expect(200);
        let checked = stack.message_of_check();
        stack.receive(&checked.to, &checked.raw, Default::default()).await;
        // Twice each: the second finds the first one's claims.
        stack.break_things(serde_json::from_value(json!({"sqs": {"deliveries": 2}})).expect("a plan"));
        // The relay knows one address to be bad.
        sender.import(b"email\nreject-5xx-tour@firm1.test\n").await;
        let second = sender.draft(json!({"name": "Relais"})).await;
        sender.command(&second, "test").await.expect(202);
        sender.command(&second, "launch").await.expect(202);
        sender.wait_ended(&second).await;
        // A channel that takes nothing for a while: claims are given back, the rest waits.
        sender.put("/v1/sender", sender.identity(json!({"kind": "ses"}))).await.expect(200);
        stack.break_things(serde_json::from_value(json!({"ses": {"throttle_every": 1}})).expect("a plan"));
        let slow = sender.draft(json!({"name": "Lente"})).await;
        sender.command(&slow, "launch").await.expect(202);
        tests::wait_for("a chunk to be put back", || async {
            stack.logs().iter().any(|line| line.function == "send" && line.line.contains("put back")).then_some(())
        })
        .await;
        stack.break_things(Plan::default());
        sender.wait_ended(&slow).await;
        let third = sender.draft(json!({"name": "Annulée"})).await;
        sender.command(&third, "launch").await.expect(202);
        sender.command(&third, "cancel").await;
        sender.wait_ended(&third).await;
        sender.delete(&format!("/v1/campaigns/{third}")).await.expect(204);
        sender.get("/v1/campaigns").await.expect(200);
        let link = stack.mails_to("tour2@firm2.test")[0].unsubscribe();
        client.request(Method::POST, &link).send().await.expect(200);
        // Who objected is kept out of the next file, and of a form, and for the whole time again.
        sender.import(b"email\ntour2@firm2.test\n").await;
        let new =
            json!({"email": "tour2@firm2.test", "source": sender.announcement()["source"], "lawful_basis": "consent"});
        sender.post("/v1/prospects", new).await.problem(422, "suppressed");
        // Somebody answers, and wants no more; the news of a mail comes a second time.
        other.take_answers().await;
        other.agree().await;
        other.import(b"email\nanswers@tour.test\n").await;
        // Whose end `fan-out` sees, because nobody else looks.
        other.register("/ends", &["campaign.completed"]).await;
        let unseen = other.draft(json!({})).await;
        other.command(&unseen, "launch").await.expect(202);
        stack.settle().await;
        let to = stack.only_mail_to("answers@tour.test").reply_to();
        stack.answer("answers@tour.test", "Stop.").await;
        let queue =
            stack.template().queues.iter().find(|queue| queue.name.ends_with("-RepliesQueue")).expect("a queue");
        let again = json!({"receipt": {"recipients": [to], "action": {"objectKey": "mail/gone"}}});
        stack.backends().sqs().send(&queue.arn, again.to_string()).expect("the queue takes it");
        let delivered = sender.deliveries(&endpoint).await.remove(0);
        let again = format!("{}/deliveries/{}/replay", endpoint.path, delivered["id"].as_str().unwrap());
        sender.post(&again, json!({})).await.expect(202);
        client.get("/legal/privacy").await.expect(200);
        client.get("/legal/keys").await.expect(200);
        stack.settle().await;

        // One that has no channel left when its second step is due.
        let own = sender.add_channel(json!({"from_email": "seul@tour.test"})).await;
        let mut content = sender.sequence(json!([{"delay": {"hours": 1}, "text": "Encore."}]));
        content["channels"] = json!([own]);
        sender.launch(content).await;
        sender.delete(&format!("/v1/channels/{own}")).await.expect(204);

        // A second step, in its time.
        sender.launch(sender.sequence(json!([{"delay": {"hours": 1}, "text": "Encore."}]))).await;
        assert!(stack.pass(SignedDuration::from_hours(2)).await > 0);

        // A mailbox of its own: somebody answers there, and its password is changed for more than a day.
        let imap = Imap::start(&stack).await;
        other.read_from(&imap).await;
        other.register("/mailboxes", &["mailbox.disabled"]).await;
        stack.read_mailboxes().await;
        imap.deliver(&answer("reponses@tour.test", "answers@tour.test", "Re: question", "Stop."));
        stack.read_mailboxes().await;
        imap.change_password("another mailbox password");
        for hours in [1, 25] {
            stack.wait(SignedDuration::from_hours(hours));
            stack.read_mailboxes().await;
        }
        let gone = other.read_from(&imap).await;
        other.post(&format!("{gone}/check"), Value::Null).await.expect(200);
        other.delete(&gone).await.expect(204);

        // Rights: what is done at once, what is answered, what is read.
        let read = stack.exercise("tour10@firm10.test", "access", None).await;
        stack.read_data(read["access_token"].as_str().unwrap(), "json").await.expect(200);
        for (email, kind) in [
            ("tour11@firm11.test", "restriction"),
            ("tour12@firm12.test", "objection"),
            ("tour12@firm12.test", "erasure"),
            ("tour13@firm13.test", "erasure"),
        ] {
            stack.exercise(email, kind, None).await;
        }
        for task in sender.all("/v1/rights-tasks").await.iter().filter(|task| task["status"] == "open") {
            let path = format!("/v1/rights-tasks/{}/handle", task["id"].as_str().unwrap());
            sender.post(&path, done(task)).await.expect(200);
        }
        let own = sender.request(Method::POST, "/v1/privacy/requests").header("idempotency-key", "r");
        own.json(&json!({"kind": "access"})).send().await.expect(201);
        sender.get("/v1/privacy/export").await.expect(200);
        stack.rights_clock().await;
        // A doubt about who asks: a copy, a look, another copy, which waits for a decision for a while.
        let letter = json!({"enter": {"channel": "email", "kind": "objection", "email": "doubt@tour.test",
            "received_at": stack.now().to_string()}});
        let doubted = stack.desk(letter).await["request"].as_str().unwrap().to_owned();
        let token = stack.doubt(&doubted, "doubt@tour.test", "A doubt").await;
        stack.send_copy(&token, b"%PDF-1.7").await.expect(200);
        let look = stack.desk(json!({"look": {"request": doubted}})).await;
        assert!(reqwest::get(look["url"].as_str().unwrap()).await.unwrap().status().is_success());
        stack.wait(SignedDuration::from_secs(1));
        stack.send_copy(&token, b"%PDF-1.7").await.expect(200);

        // Staff: an access, asked for, approved, used, listed.
        let [one, two, _] = stack.staff().await;
        let access = one.ask_access(&sender, "disclosure").await;
        one.post(&format!("{access}/end"), json!({})).await.expect(200);
        let access = one.ask_access(&sender, "maintenance").await;
        two.approve(&access).await;
        one.get(&format!("{access}/prospects")).await.expect(200);
        let written_to = sender.prospect("tour1@firm1.test").await["id"].as_str().unwrap().to_owned();
        one.get(&format!("{access}/prospects/{written_to}")).await.expect(200);
        one.get("/v1/staff/grants").await.expect(200);
        sender.get("/v1/staff-access").await.expect(200);
        // Abuse: reported, looked at, and a suspension that is lifted again.
        stack.report_abuse("unlawful_list", "Gekauft.", Some("max@tour.test")).await;
        let report = json!({"kind": "unlawful_list", "message": "x", "received_at": stack.now().to_string(),
            "workspace": harmful.workspace, "email": "max@tour.test"});
        let case = stack.staff_desk(json!({"report": report})).await["case"].as_str().unwrap().to_owned();
        one.get("/v1/staff/abuse-cases").await.expect(200);
        let suspend = json!({"outcome": "suspended", "note": "Gekauft."});
        one.post(&format!("/v1/staff/abuse-cases/{case}/close"), suspend).await.expect(200);
        stack.staff_desk(json!({"lift_suspension": {"workspace": harmful.workspace, "reason": "x"}})).await;
        let known = stack.now() - SignedDuration::from_secs(1);
        let about = json!({"workspaces": [sender.workspace], "from": "2026-12-01T00:00:00Z", "to": known.to_string()});
        let incident = one.open_incident(true, known, about).await;
        stack.staff_clock().await;
        one.post(&format!("{incident}/notify"), json!({})).await.expect(200);
        stack.staff_clock().await;

        // Somebody whom nobody informs: their Sender is told before they go.
        sender.import(b"email\nuntold@tour.test\n").await;
        stack.wait(SignedDuration::from_hours(24 * 25));
        stack.purge().await;
        // No file is on its way any more: the erasure is certified.
        stack.rights_clock().await;

        // Old enough to be replaced.
        assert_eq!(
            stack.rotate_at(stack.now() + SignedDuration::from_hours(24 * 366)).await["rotated"],
            json!(["SessionSecret", "StatementSecret", "CertificateSecret"])
        );

        // Time: files, prospects, objections, sessions, the workspace itself.
        sender.delete("/v1/workspace").await.expect(200);
        sender.post("/v1/workspace/reactivate", json!({})).await.expect(200);
        stack.purge().await;
        stack.wait(SignedDuration::from_hours(24 * 32));
        stack.purge().await;
        sender.get(&format!("{path}/rejects")).await.problem(404, "not-found");
        sender.import(b"email\nlate@tour.test\n").await;
        // Nearly a month later nobody has told that person: their workspace is alerted.
        stack.wait(SignedDuration::from_hours(24 * 25));
        assert_eq!(stack.purge().await["alerted"], 1);
        // Clicks and openings, of somebody who agreed, and thinks better of it.
        stack.set_time(tests::clicks::opens_said() + SignedDuration::from_hours(12));
        other.records_clicks().await;
        other.import(b"email\nclicks@tour.test\n").await;
        other.records_opens().await;
        other.agreed_to_opens("clicks@tour.test", &other.today()).await.expect(200);
        let mut content = other.content(&json!({}));
        content["steps"][0]["html"] = json!("<p><a href=\"https://shop.example.com/\">ici</a></p>");
        other.launch(content).await;
        let mail = stack.only_mail_to("clicks@tour.test");
        stack.clicks_later(&mail.signed_links()[0]).await;
        stack.loads_later(&mail.pixel().expect("an image")).await;
        client.request(Method::POST, &mail.withdrawal().expect("a link")).send().await.expect(200);
        // News: while no mail can leave, then to all but who objects; one does by the link, and thinks better of it.
        let news = |name: &str| json!({"fr": {"subject": name, "text": "x"}, "en": {"subject": name, "text": "x"}});
        stack.break_things(serde_json::from_value(json!({"ses": {"throttle_every": 1}})).expect("a plan"));
        stack.order_news(&news("Attend")).await.expect("an order");
        stack.break_things(Plan::default());
        stack.announce().await;
        let link = stack.mails_to(&other.email).pop().expect("a mail").unsubscribe();
        client.request(Method::POST, &link).send().await.expect(200);
        stack.order_news(&news("Refusée")).await.expect("an order");
        other.patch("/v1/me", json!({"news": true})).await.expect(200);
        sender.delete("/v1/workspace").await.expect(200);
        stack.wait(SignedDuration::from_hours(24 * 32));
        stack.purge().await;

        // What is kept of answered requests goes after three years.
        stack.wait(SignedDuration::from_hours(24 * (3 * 366 + 1)));
        stack.purge().await;

        stack.check();
        let unused: Vec<String> = stack
            .backends()
            .iam()
            .unused()
            .into_iter()
            .filter(|unused| {
                let excuses = |(function, sid, part, why): &(&str, &str, &str, &str)| {
                    unused.function == *function && unused.sid == *sid && unused.part.ends_with(part) && !why.is_empty()
                };
                !ALLOWED.iter().any(excuses)
            })
            .map(|unused| format!("{}.{}: {}", unused.function, unused.sid, unused.part))
            .collect();
        assert!(unused.is_empty(), "template.yaml permits what nothing uses:\n{}", unused.join("\n"));
        stack.finish().await;
    });
}
