//! Answers in a Sender's own mailbox.

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Value, json};
use tests::imap::{Imap, Manner, PASSWORD};
use tests::store::Dump;
use tests::{Sender, TestStack, replies::answer, run, wait_for};

/// Between two looks of the schedule.
const A_LOOK: SignedDuration = SignedDuration::from_mins(5);

/// A Sender whose answers go to its own mailbox, which is read, and who wrote to these people: the campaign.
async fn written(sender: &Sender<'_>, imap: &Imap, people: &[&str]) -> (String, String) {
    let rows: String = people.iter().map(|name| format!("{name}@own.test\n")).collect();
    sender.import(format!("email\n{rows}").as_bytes()).await;
    let sequence = sender.sequence(json!([{"delay": {"hours": 24}, "text": "Encore moi."}]));
    let campaign = sender.launch(sequence).await;
    let mailbox = sender.read_from(imap).await;
    assert_eq!(sender.stack.read_mailboxes().await, 1);
    (campaign, mailbox)
}

fn at(name: &str) -> String {
    format!("{name}@own.test")
}

async fn latest(sender: &Sender<'_>, name: &str) -> Value {
    let id = sender.prospect(&at(name)).await["id"].as_str().unwrap().to_owned();
    sender.get(&format!("/v1/prospects/{id}")).await.expect(200).json()
}

/// A report that a message did not arrive.
fn returned(address: &str, code: &str) -> String {
    format!(
        "From: MAILER-DAEMON@mx.test\r\nTo: reponses@atelier.test\r\nSubject: Undelivered Mail Returned to Sender\r\n\
         Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=\"bb\"\r\n\r\n\
         --bb\r\nContent-Type: text/plain\r\n\r\nIt could not be delivered.\r\n\r\n\
         --bb\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.test\r\n\r\n\
         Final-Recipient: rfc822; {address}\r\nAction: failed\r\nStatus: {code}\r\n\
         Diagnostic-Code: smtp; 550 {code} {address}: Recipient address rejected: User unknown\r\n\r\n--bb--\r\n"
    )
}

#[test]
fn what_comes_to_a_senders_own_mailbox_counts_as_any_answer_and_nothing_else_is_read() {
    run(async {
        let stack = TestStack::start().await;
        stack.set_time("2026-11-26T10:00:00Z".parse().unwrap());
        let sender = stack.sign_up().await;
        let imap = Imap::start(&stack).await;
        // What was there before is none of our business.
        imap.deliver(&answer("reponses@atelier.test", &at("early"), "Re: avant", "stop"));
        let people = ["early", "zoe", "stop", "away", "gone", "alive", "bob"];
        let (campaign, mailbox) = written(&sender, &imap, &people).await;
        assert!(imap.read().is_empty());
        stack.wait(SignedDuration::from_secs(60));

        let to = "reponses@atelier.test";
        let away = answer(to, &at("away"), "Absence", "Je suis absente jusqu'au 3 décembre 2026.")
            .replace("MIME-Version", "Auto-Submitted: auto-replied\r\nMIME-Version");
        let concern = [
            imap.deliver(&answer(to, &at("zoe"), "Re: une question", "Oui, appelez-moi.")),
            imap.deliver(&answer(to, &at("stop"), "Re: une question", "Stop.")),
            imap.deliver(&away),
            imap.deliver(&returned(&at("gone"), "5.1.1")),
        ];
        let secret = "Le résultat de vos analyses";
        stack.keep_secret(secret);
        let foreign = [
            imap.deliver(&answer(to, "medecin@clinic.test", secret, secret)),
            imap.deliver(&returned("nobody.wrote.to@own.test", "5.1.1")),
            imap.deliver("no header at all\r\n"),
        ];
        stack.read_mailboxes().await;

        // Of a report that concerns nobody its second part was looked at, which says of whom it is.
        let mut read = imap.read();
        read.dedup();
        let looked_at = [concern[0], concern[1], concern[2], concern[3], foreign[1]];
        assert_eq!(read, looked_at, "{:?}", imap.asked());
        imap.must_be_as_it_was();
        assert_eq!(latest(&sender, "zoe").await["history"][0]["kind"], "replied");
        assert!(latest(&sender, "zoe").await["last_contact_at"].is_string());
        assert_eq!(sender.prospect(&at("stop")).await["state"], "opted_out");
        assert_eq!(latest(&sender, "gone").await["history"][0]["kind"], "bounced");
        assert_eq!(latest(&sender, "gone").await["suppression"]["reason"], "hard_bounced");
        for untouched in ["early", "alive", "bob"] {
            assert_eq!(latest(&sender, untouched).await["history"][0]["kind"], "sent", "{untouched}");
        }
        let shown = sender.get(&mailbox).await.expect(200).json();
        assert_eq!((&shown["answers"], &shown["trouble"]), (&json!(2), &Value::Null), "{shown}");
        // It is in the Sender's mailbox already: nobody is sent it again.
        assert!(!stack.mails_to(&sender.email).iter().any(|mail| mail.subject.starts_with("Re:")));
        let dump = format!("{:?}", Dump::of(&stack).await);
        assert!(!dump.contains(secret) && !dump.contains("clinic.test") && !dump.contains(PASSWORD));

        // A second look finds nothing new, and the next step goes to whoever is left.
        stack.read_mailboxes().await;
        assert_eq!(sender.get(&mailbox).await.json()["answers"], 2);
        assert_eq!(imap.read().len(), read.len() + 1, "the report's mail after its part, and nothing twice");
        stack.pass(SignedDuration::from_hours(25)).await;
        let look = sender.look(&campaign).await;
        assert_eq!(look["steps"][1]["counts"]["sent"], 3, "{look}");
        assert_eq!(look["steps"][1]["refused_by_reason"], json!({"replied": 2, "bounced": 1}), "{look}");
        assert_eq!((look["replied"].clone(), stack.mails_to(&at("away")).len()), (json!(2), 1));
        stack.finish().await;
    });
}

#[test]
fn what_comes_in_from_the_check_on_is_read_though_the_schedule_was_not_there_yet() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        let imap = Imap::start(&stack).await;
        sender.import(b"email\nzoe@own.test\nbob@own.test\n").await;
        sender.launch(sender.content(&json!({}))).await;
        let mailbox = sender.read_from(&imap).await;
        imap.deliver(&answer("reponses@atelier.test", &at("bob"), "Re: avant", "Oui."));
        for _ in 0..2 {
            let checked = sender.post(&format!("{mailbox}/check"), Value::Null).await.expect(200).json();
            assert_eq!(checked["status"], "passed", "{checked}");
            // A second check begins nowhere else.
            imap.deliver(&answer("reponses@atelier.test", &at("zoe"), "Re: une question", "Oui, appelez-moi."));
        }
        assert_eq!(stack.read_mailboxes().await, 1);
        stack.settle().await;
        assert_eq!(latest(&sender, "zoe").await["history"][0]["kind"], "replied");
        assert_eq!(latest(&sender, "bob").await["history"][0]["kind"], "sent", "it was there before");
        assert_eq!(sender.get(&mailbox).await.json()["answers"], 2);
        stack.finish().await;
    });
}

#[test]
fn an_answer_from_another_address_is_known_by_the_message_it_names() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        let smtp = stack.backends().smtp();
        let relay = json!({
            "kind": "smtp", "host": "localhost", "port": smtp.tls_port(), "security": "tls", "username": "atelier",
            "password": "a relay password",
        });
        sender.put("/v1/sender", sender.identity(relay)).await.expect(200);
        let imap = Imap::start_plain(&stack).await;
        written(&sender, &imap, &["zoe", "bob"]).await;
        let ours = stack.only_mail_to(&at("zoe")).header("Message-ID").expect("a name").to_owned();
        let raw = |names: &str| {
            answer("reponses@atelier.test", "assistant@elsewhere.test", "Re: une question", "Elle vous rappelle.")
                .replace("<0102@eu-west-3.amazonses.com>", names)
        };
        // One that names a message that was never sent is nobody's.
        let forged = imap.deliver(&raw(&ours.replace(".1@", ".9@")));
        let named = imap.deliver(&raw(&ours));
        stack.read_mailboxes().await;
        assert_eq!(imap.read(), [named], "not {forged}");
        assert_eq!(latest(&sender, "zoe").await["history"][0]["kind"], "replied");
        assert_eq!(latest(&sender, "bob").await["history"][0]["kind"], "sent");
        assert!(imap.asked().contains(&"STARTTLS".to_owned()));
        stack.finish().await;
    });
}

#[test]
fn a_folder_made_anew_is_read_from_then_on_and_gaps_are_no_trouble() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        let imap = Imap::start(&stack).await;
        written(&sender, &imap, &["zoe", "bob"]).await;
        imap.skip(25_000);
        imap.deliver(&answer("reponses@atelier.test", &at("bob"), "Re: question", "Oui."));
        stack.read_mailboxes().await;
        assert_eq!(latest(&sender, "bob").await["history"][0]["kind"], "replied");

        imap.deliver(&answer("reponses@atelier.test", &at("zoe"), "Re: question", "Oui."));
        imap.make_anew();
        stack.read_mailboxes().await;
        assert_eq!(latest(&sender, "zoe").await["history"][0]["kind"], "sent", "a UID means another mail now");
        let late = imap.deliver(&answer("reponses@atelier.test", &at("zoe"), "Re: question", "Oui !"));
        stack.read_mailboxes().await;
        assert_eq!(latest(&sender, "zoe").await["history"][0]["kind"], "replied");
        assert_eq!(imap.read().last(), Some(&late));
        stack.finish().await;
    });
}

#[test]
fn a_server_that_lies_or_hangs_costs_its_own_look_and_says_why() {
    run(async {
        let stack = TestStack::start().await;
        let liar = stack.sign_up().await;
        let honest = stack.sign_up().await;
        let (theirs, ours) = (Imap::start(&stack).await, Imap::start(&stack).await);
        let (_, lied_about) = written(&liar, &theirs, &["zoe"]).await;
        honest.import(b"email\nbob@own.test\n").await;
        honest.launch(honest.content(&json!({}))).await;
        honest.read_from(&ours).await;
        stack.read_mailboxes().await;
        for (manner, code) in [
            (Manner::Endless, "garbled"),
            (Manner::Huge, "garbled"),
            (Manner::HangsUp, "silent"),
            (Manner::Hangs, "silent"),
            // What nobody asked for is passed over, or is too much.
            (Manner::Millions, "garbled"),
        ] {
            theirs.behave(manner);
            theirs.deliver(&answer("reponses@atelier.test", &at("zoe"), "Re: question", "Oui."));
            ours.deliver(&answer("reponses@atelier.test", &at("bob"), "Re: question", "Oui."));
            stack.wait(SignedDuration::from_hours(1));
            assert_eq!(stack.read_mailboxes().await, 2);
            let shown = liar.get(&lied_about).await.expect(200).json();
            assert_eq!(shown["trouble"]["code"], code, "{manner:?}: {shown}");
            assert!(shown["trouble"]["message"].as_str().is_some_and(|message| message.len() > 20));
            assert_eq!(honest.all("/v1/mailboxes").await[0]["trouble"], Value::Null, "{manner:?}");
        }
        let id = honest.prospect(&at("bob")).await["id"].as_str().unwrap().to_owned();
        let read = honest.get(&format!("/v1/prospects/{id}")).await.json();
        assert_eq!(read["history"][0]["kind"], "replied");
        // Whoever behaves again is read on from where it was.
        theirs.behave(Manner::Honest);
        stack.wait(SignedDuration::from_hours(1));
        stack.read_mailboxes().await;
        let shown = liar.get(&lied_about).await.json();
        assert_eq!((&shown["trouble"], &shown["answers"]), (&Value::Null, &json!(5)), "{shown}");
        stack.finish().await;
    });
}

#[test]
fn a_look_that_is_killed_between_two_mails_is_repeated_and_ends_the_same() {
    run(async {
        // What a killed process held shows again soon.
        let soon = Duration::from_secs(5);
        let stack = TestStack::with(|options| options.visibility_timeout = Some(soon)).await;
        let sender = stack.sign_up().await;
        let imap = Imap::start(&stack).await;
        let (_, mailbox) = written(&sender, &imap, &["zoe", "bob"]).await;
        imap.behave(Manner::HangsAtTheSecond);
        let mails = ["zoe", "bob"]
            .map(|name| imap.deliver(&answer("reponses@atelier.test", &at(name), "Re: question", "Oui.")));
        stack.fire("mailboxes").await.expect("the template has mailboxes");
        wait_for("a mail to be read", || async { (imap.read() == mails).then_some(()) }).await;
        stack.kill("mailboxes").await;
        imap.behave(Manner::Honest);
        stack.settle().await;
        stack.wait(A_LOOK);
        stack.read_mailboxes().await;
        assert_eq!(imap.read(), [mails[0], mails[1], mails[0], mails[1]]);
        for name in ["zoe", "bob"] {
            let history = latest(&sender, name).await["history"].clone();
            let replied = history.as_array().unwrap().iter().filter(|event| event["kind"] == "replied").count();
            assert_eq!(replied, 1, "{history}");
        }
        assert_eq!(sender.get(&mailbox).await.json()["answers"], 2);
        stack.finish().await;
    });
}

#[test]
fn a_mailbox_that_fails_for_a_day_is_switched_off_its_owners_are_told_and_it_goes_on_where_it_was() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        let imap = Imap::start(&stack).await;
        let endpoint = sender.register("/ok", &["mailbox.disabled"]).await;
        let (_, mailbox) = written(&sender, &imap, &["zoe"]).await;
        imap.change_password("another mailbox password");
        stack.keep_secret("another mailbox password");
        let tries = || imap.asked().iter().filter(|asked| *asked == "AUTHENTICATE PLAIN").count();
        stack.wait(A_LOOK);
        stack.read_mailboxes().await;
        let before = tries();
        stack.read_mailboxes().await;
        assert_eq!(tries(), before, "whoever fails is left alone for a while");
        imap.deliver(&answer("reponses@atelier.test", &at("zoe"), "Re: question", "Oui."));
        for _ in 0..23 {
            stack.wait(SignedDuration::from_hours(1));
            stack.read_mailboxes().await;
        }
        let shown = sender.get(&mailbox).await.expect(200).json();
        assert_eq!(
            (&shown["trouble"]["code"], &shown["disabled_at"]),
            (&json!("credentials"), &Value::Null),
            "{shown}"
        );
        stack.wait(SignedDuration::from_hours(1));
        stack.read_mailboxes().await;
        let shown = sender.get(&mailbox).await.expect(200).json();
        assert!(shown["disabled_at"].is_string() && shown["trouble"]["since"].is_string(), "{shown}");
        let told = stack.mails_to(&sender.email).pop().expect("a mail");
        assert!(told.text.contains("localhost") && told.text.contains("/v1/mailboxes/"), "{}", told.text);
        let events = stack.told(&endpoint);
        assert_eq!((events.len(), &events[0].json()["data"]["because"]), (1, &json!("credentials")));
        let before = tries();
        stack.wait(SignedDuration::from_hours(2));
        assert_eq!((stack.read_mailboxes().await, tries()), (0, before));

        // With the right password it goes on where it was: what came meanwhile is read.
        let mut settings = imap.settings();
        settings["password"] = json!("another mailbox password");
        let shown = sender.put(&mailbox, settings).await.expect(200).json();
        assert_eq!((&shown["disabled_at"], &shown["trouble"]), (&Value::Null, &Value::Null));
        stack.read_mailboxes().await;
        assert_eq!(latest(&sender, "zoe").await["history"][0]["kind"], "replied");
        stack.finish().await;
    });
}

#[test]
fn a_check_says_how_far_it_came_and_what_to_do() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        let imap = Imap::start(&stack).await;
        let path = sender.read_from(&imap).await;
        let checked = async |change: Value| {
            let mut settings = imap.settings();
            for (name, value) in change.as_object().unwrap() {
                settings[name] = value.clone();
            }
            sender.put(&path, settings).await.expect(200);
            sender.post(&format!("{path}/check"), Value::Null).await.expect(200).json()
        };
        let passed = checked(json!({})).await;
        assert_eq!((&passed["status"], &passed["findings"]), (&json!("passed"), &json!([])));
        assert!(passed["steps"].as_array().unwrap().iter().all(|step| step["state"] == "done"), "{passed}");
        assert!(imap.read().is_empty());
        for (change, step, code) in [
            (json!({"port": 1}), "connect", "unreachable"),
            (json!({"host": "nowhere.invalid", "port": 993}), "connect", "unresolved"),
            (json!({"security": "starttls"}), "connect", "unreachable"),
            (json!({"password": "wrong"}), "authenticate", "credentials"),
            (json!({"folders": ["Nowhere"]}), "open", "no_folder"),
        ] {
            let failed = checked(change).await;
            let stopped = failed["steps"].as_array().unwrap().iter().find(|at| at["state"] == "failed").unwrap();
            assert_eq!((&stopped["step"], &failed["findings"][0]["code"]), (&json!(step), &json!(code)), "{failed}");
            assert!(failed["findings"][0]["message"].as_str().unwrap().contains(':'), "{failed}");
        }
        // The host leads to the same server, whose certificate is not for it.
        let failed = checked(json!({"host": "127.0.0.2"})).await;
        assert!(["certificate", "unreachable"].contains(&failed["findings"][0]["code"].as_str().unwrap()), "{failed}");
        stack.finish().await;
    });
}

#[test]
fn settings_are_checked_hidden_and_forgotten() {
    run(async {
        let stack =
            TestStack::with(|options| _ = options.overrides.insert("RelayNetworks".into(), String::new())).await;
        let sender = stack.sign_up().await;
        let imap = Imap::start(&stack).await;
        let hosts = [
            "127.0.0.1",
            "localhost",
            "10.0.0.1",
            "169.254.169.254",
            "0x7f.1",
            "2130706433",
            "[::1]",
            "::ffff:10.0.0.1",
        ];
        for host in hosts {
            let mut settings = imap.settings();
            (settings["host"], settings["port"]) = (json!(host), json!(993));
            let answer = sender.post("/v1/mailboxes", settings).await;
            answer.problem(422, "validation-failed");
            assert_eq!(answer.fields(), ["host"], "{host}");
        }
        let mut settings = imap.settings();
        (settings["host"], settings["port"]) = (json!("imap.example.com"), json!(993));
        let path = sender.post("/v1/mailboxes", settings.clone()).await.expect(200).json();
        assert!(path["password_set"] == true && !path.to_string().contains(PASSWORD), "{path}");
        let path = format!("/v1/mailboxes/{}", path["id"].as_str().unwrap());
        let mut without = settings.clone();
        without.as_object_mut().unwrap().remove("password");
        sender.put(&path, without.clone()).await.expect(200);
        without["host"] = json!("imap.example.org");
        sender.put(&path, without).await.problem(422, "validation-failed");
        let viewer = sender.join("viewer").await;
        viewer.post("/v1/mailboxes", settings.clone()).await.problem(403, "forbidden");
        let other = stack.sign_up().await;
        other.get(&path).await.problem(404, "not-found");
        assert!(other.all("/v1/mailboxes").await.is_empty());
        for _ in 1..16 {
            sender.post("/v1/mailboxes", settings.clone()).await.expect(200);
        }
        sender.post("/v1/mailboxes", settings.clone()).await.problem(422, "too-many-mailboxes");
        sender.delete(&path).await.expect(204);
        assert_eq!(sender.all("/v1/mailboxes").await.len(), 15);
        sender.give_up().await;
        stack.finish().await;
    });
}
