//! The check of a relay before its first use: how far it comes, and what is left of its message.

use jiff::SignedDuration;
use local::backends::{ses::receiving::Scan, smtp::WRONG_PASSWORD};
use serde_json::{Value, json};
use tests::{Sender, TestStack, mail::Mail, run, store::Dump};

/// Headers of a signature that covers what has to be covered.
const COVERS: &str = "From:To:Subject:Message-ID:List-Unsubscribe:List-Unsubscribe-Post";

fn relay(stack: &TestStack, security: &str, password: &str) -> Value {
    let smtp = stack.backends().smtp();
    let port = if security == "tls" { smtp.tls_port() } else { smtp.starttls_port() };
    stack.keep_secret(password);
    json!({"kind": "smtp", "host": "localhost", "port": port, "security": security, "username": "u", "password": password})
}

/// A channel with such a relay; its path.
async fn channel(sender: &Sender<'_>, transport: Value) -> String {
    format!("/v1/channels/{}", sender.add_channel(json!({"name": "Relais", "transport": transport})).await)
}

async fn check(sender: &Sender<'_>, path: &str) -> Value {
    sender.post(&format!("{path}/check"), json!({})).await.expect(200).json()
}

async fn looked_at(sender: &Sender<'_>, path: &str) -> Value {
    sender.get(&format!("{path}/check")).await.expect(200).json()
}

fn states(check: &Value) -> Vec<&str> {
    check["steps"].as_array().unwrap().iter().map(|step| step["state"].as_str().unwrap()).collect()
}

fn codes(check: &Value) -> Vec<&str> {
    check["findings"].as_array().unwrap().iter().map(|finding| finding["code"].as_str().unwrap()).collect()
}

/// A message as a relay hands it on that signs for a domain.
fn signed(mail: &Mail, domain: &str, headers: &str) -> String {
    let signature =
        format!("DKIM-Signature: v=1; a=rsa-sha256; d={domain}; s=a;\r\n h={headers};\r\n bh=AA; b=AAAA\r\n");
    format!("{signature}{}", mail.raw)
}

async fn receive(stack: &TestStack, raw: &str, scan: Scan) {
    stack.receive(&stack.message_of_check().to, raw, scan).await;
}

#[test]
fn a_relay_that_leaves_messages_alone_and_signs_them_passes() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        let draft = async |channel: &str| sender.draft(json!({"channels": [channel.rsplit('/').next()]})).await;
        for security in ["tls", "starttls"] {
            let path = channel(&sender, relay(&stack, security, "relay word")).await;
            let campaign = draft(&path).await;
            let of_relays = async || {
                let found = sender.command(&campaign, "check").await.expect(200).json();
                let all = found["findings"].as_array().unwrap().clone();
                all.into_iter().filter(|finding| finding["field"] == "channels").collect::<Vec<_>>()
            };
            sender.get(&format!("{path}/check")).await.problem(404, "not-found");
            let [unchecked] = &of_relays().await[..] else { panic!("one finding") };
            assert_eq!((&unchecked["code"], &unchecked["level"]), (&json!("relay_unchecked"), &json!("warning")));

            let sent = check(&sender, &path).await;
            assert_eq!(
                (&sent["status"], states(&sent)),
                (&json!("pending"), vec!["done", "done", "done", "done", "pending"])
            );
            assert!(codes(&sent).is_empty(), "{sent}");
            sender.post(&format!("{path}/check"), json!({})).await.problem(429, "throttled");
            assert!(of_relays().await.is_empty());

            let mail = stack.message_of_check();
            mail.unsubscribe();
            assert!(mail.envelope_from.starts_with("zoe@") && mail.header("Message-ID").unwrap().contains("check."));
            let domain = mail.envelope_from.rsplit('@').next().unwrap().to_owned();
            let raw = signed(&mail, &domain, COVERS);
            for _ in 0..2 {
                receive(&stack, &raw, Scan::default()).await;
                let passed = looked_at(&sender, &path).await;
                assert_eq!((&passed["status"], states(&passed)), (&json!("passed"), vec!["done"; 5]), "{passed}");
            }
            // Somebody who finds the link in it opts nobody out.
            let link = mail.unsubscribe();
            sender.stranger().post(&link[stack.url().len()..], json!({})).await.expect(200);

            // What has changed since was not checked.
            sender.patch(&path, json!({"from_email": "ada@other.test"})).await.expect(200);
            sender.get(&format!("{path}/check")).await.problem(404, "not-found");
            sender.patch(&path, json!({"from_email": null})).await.expect(200);
            assert_eq!(looked_at(&sender, &path).await["status"], "passed");
            sender.delete(&path).await.expect(204);
            let kept = Dump::of(&stack).await;
            assert!(!format!("{kept:?}").contains("covers_unsubscribe"), "the check went with its channel");
        }
        stack.finish().await;
    });
}

#[test]
fn what_a_relay_does_to_messages_is_said_and_what_nobody_should_get_is_not_launched() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        sender.import(b"email\nzoe@relayed.test\n").await;
        let path = channel(&sender, relay(&stack, "tls", "relay word")).await;
        let forged = Scan { forged: true, ..Scan::default() };
        let spam = Scan { spam: true, ..Scan::default() };
        let domain = sender.email.rsplit('@').next().unwrap().to_owned();
        type Change<'a> = Box<dyn Fn(&Mail) -> String + 'a>;
        let cases: [(Change<'_>, Scan, &str, &[&str]); 7] = [
            (Box::new(|mail| mail.raw.clone()), Scan::default(), "warnings", &["not_signed"]),
            (Box::new(|mail| signed(mail, &domain, COVERS)), forged, "warnings", &["signature_broken"]),
            (
                Box::new(|mail| signed(mail, "relay.test", COVERS)),
                Scan::default(),
                "warnings",
                &["signature_not_aligned"],
            ),
            (
                Box::new(|mail| signed(mail, &domain, "From:To")),
                Scan::default(),
                "warnings",
                &["unsubscribe_not_signed"],
            ),
            (Box::new(|mail| signed(mail, &domain, COVERS)), spam, "warnings", &["taken_for_spam"]),
            (
                Box::new(|mail| signed(mail, &domain, COVERS).replace("\r\nList-Unsubscribe-Post:", "\r\nX-Was:")),
                Scan::default(),
                "failed",
                &["one_click_lost"],
            ),
            (
                Box::new(|mail| {
                    let from = mail.header("From").unwrap();
                    let gone = signed(mail, &domain, COVERS).replace("\r\nList-Unsubscribe:", "\r\nX-Was:");
                    assert!(gone.contains("\r\nFrom: "), "{from}");
                    gone.replacen("\r\nFrom: ", "\r\nFrom: account@relay.test\r\nX-From: ", 1).replacen(
                        "\r\nMessage-ID: ",
                        "\r\nMessage-ID: <1@relay.test>\r\nX-ID: ",
                        1,
                    )
                }),
                Scan::default(),
                "failed",
                &["from_changed", "unsubscribe_lost", "message_id_changed"],
            ),
        ];
        for (change, scan, status, expected) in cases {
            stack.wait(SignedDuration::from_mins(1));
            assert_eq!(check(&sender, &path).await["status"], "pending");
            let raw = change(&stack.message_of_check());
            receive(&stack, &raw, scan).await;
            let found = looked_at(&sender, &path).await;
            assert_eq!((found["status"].as_str().unwrap(), codes(&found)), (status, expected.to_vec()), "{found}");
            assert_eq!(states(&found), vec!["done"; 5]);
        }
        let own = json!([path.rsplit('/').next()]);
        let id = sender.draft(json!({"channels": own})).await;
        let refused = sender.command(&id, "launch").await;
        refused.problem(422, "launch-refused");
        assert_eq!(refused.fields(), ["channels", "channels"]);
        assert!(stack.mails_to("zoe@relayed.test").is_empty());

        // Mended, and checked again.
        stack.wait(SignedDuration::from_mins(1));
        let late = stack.message_of_check();
        check(&sender, &path).await;
        // That of an earlier check says nothing of this one.
        stack.receive(&late.to, &late.raw, Scan::default()).await;
        assert_eq!(looked_at(&sender, &path).await["status"], "pending");
        let raw = signed(&stack.message_of_check(), &domain, COVERS);
        receive(&stack, &raw, Scan::default()).await;
        sender.command(&id, "launch").await.expect(202);
        sender.wait_ended(&id).await;
        stack.only_mail_to("zoe@relayed.test");
        stack.finish().await;
    });
}

#[test]
fn a_check_says_where_it_stopped_and_what_did_not_come_back() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut nobody = relay(&stack, "tls", "relay word");
        nobody["port"] = json!(closed);
        let mut plain = relay(&stack, "starttls", "relay word");
        plain["security"] = json!("tls");
        let mut nowhere = relay(&stack, "tls", "relay word");
        nowhere["host"] = json!("relay.invalid");
        for (transport, code, failed) in [
            (nowhere, "host_unresolved", 0),
            (nobody, "unreachable", 0),
            (plain, "certificate", 1),
            (relay(&stack, "tls", WRONG_PASSWORD), "credentials", 2),
        ] {
            let path = channel(&sender, transport).await;
            let found = check(&sender, &path).await;
            assert_eq!(codes(&found), [code], "{found}");
            let expected = (0..5).map(|at: usize| match at.cmp(&failed) {
                std::cmp::Ordering::Less => "done",
                std::cmp::Ordering::Equal => "failed",
                std::cmp::Ordering::Greater => "not_reached",
            });
            assert_eq!(states(&found), expected.collect::<Vec<_>>(), "{code}");
            sender.delete(&path).await.expect(204);
        }
        let path = channel(&sender, relay(&stack, "tls", "relay word")).await;
        check(&sender, &path).await;
        stack.wait(SignedDuration::from_mins(14));
        assert_eq!(looked_at(&sender, &path).await["status"], "pending");
        stack.wait(SignedDuration::from_mins(1));
        let lost = looked_at(&sender, &path).await;
        assert_eq!((&lost["status"], codes(&lost)), (&json!("warnings"), vec!["not_come_back"]));
        // It was only slow.
        let mail = stack.message_of_check();
        let raw = signed(&mail, mail.envelope_from.rsplit('@').next().unwrap(), COVERS);
        receive(&stack, &raw, Scan::default()).await;
        assert_eq!(looked_at(&sender, &path).await["status"], "passed");

        let first = sender.first_channel().await;
        sender.post(&format!("/v1/channels/{first}/check"), json!({})).await.problem(422, "not-a-relay");
        stack.finish().await;
    });
}

#[test]
fn where_nothing_comes_in_the_message_goes_to_the_channels_own_address() {
    run(async {
        let stack =
            TestStack::with(|options| _ = options.overrides.insert("InboundDomain".into(), String::new())).await;
        let sender = stack.sign_up().await;
        let mut new = json!({"transport": relay(&stack, "tls", "relay word")});
        new["from_email"] = json!("own@unread.test");
        let path = format!("/v1/channels/{}", sender.add_channel(new).await);
        let found = check(&sender, &path).await;
        assert_eq!((&found["status"], codes(&found)), (&json!("warnings"), vec!["not_read_back"]));
        assert_eq!(states(&found), ["done", "done", "done", "done", "not_possible"]);
        stack.only_mail_to("own@unread.test").unsubscribe();
        stack.finish().await;
    });
}
