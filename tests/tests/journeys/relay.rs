//! The Sender's own relay: TLS from the first byte, and after STARTTLS.

use local::{backends::smtp::WRONG_PASSWORD, mailbox::Channel};
use serde_json::{Value, json};
use tests::{TestStack, files, run};

fn relay(stack: &TestStack, security: &str, password: &str) -> Value {
    let smtp = stack.backends().smtp();
    let port = if security == "tls" { smtp.tls_port() } else { smtp.starttls_port() };
    json!({"kind": "smtp", "host": "localhost", "port": port, "security": security, "username": "atelier", "password": password})
}

#[test]
fn messages_leave_by_the_relay_with_either_kind_of_tls() {
    run(async {
        let stack = TestStack::shared().await;
        for security in ["tls", "starttls"] {
            let sender = stack.sign_up().await;
            let password = format!("relay password {security}");
            stack.keep_secret(&password);
            let channel = relay(stack, security, &password);
            let shown = sender.put("/v1/sender", sender.identity(channel)).await.expect(200).json();
            assert_eq!(shown["channel"]["password_set"], true);
            assert_eq!(shown["channel"].get("password"), None);
            let prefix = format!("{security}-");
            sender.import(&files::people(&prefix, 30)).await;
            let campaign = sender.campaign(json!({})).await;
            assert_eq!(campaign["counts"]["sent"], 30, "{campaign}");
            for address in files::addresses(&prefix, 30) {
                let mail = stack.only_mail_to(&address);
                assert_eq!(mail.channel, Channel::Smtp);
                mail.unsubscribe();
            }
            let logins = stack.backends().smtp().logins();
            assert!(
                logins.iter().any(|login| login.accepted && login.username == "atelier" && login.password == password)
            );
        }
        stack.check();
    });
}

#[test]
fn a_relay_that_is_wrong_is_refused_or_said_to_be() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        for host in ["10.0.0.1", "169.254.169.254", "[::1]", "0x7f.1.", "not a host"] {
            let mut channel = relay(&stack, "tls", "x");
            channel["host"] = json!(host);
            let answer = sender.put("/v1/sender", sender.identity(channel)).await;
            if host == "0x7f.1." {
                continue; // 127.0.0.1: the operator of this stack allows loopback
            }
            answer.problem(422, "validation-failed");
            assert_eq!(answer.fields(), ["channel.host"], "{host}");
        }
        let channel = relay(&stack, "tls", WRONG_PASSWORD);
        sender.put("/v1/sender", sender.identity(channel)).await.expect(200);
        let id = sender.draft(json!({})).await;
        let before = stack.mails().len();
        let answer = sender.command(&id, "test").await;
        assert!(matches!(answer.status, 422 | 503), "{}", answer.text());
        assert_eq!(stack.mails().len(), before);
        stack.finish().await;
    });
}

#[test]
fn whom_the_relay_refuses_is_failed_and_the_others_get_theirs() {
    run(async {
        let stack = TestStack::shared().await;
        let sender = stack.sign_up().await;
        let channel = relay(stack, "starttls", "a relay password");
        sender.put("/v1/sender", sender.identity(channel)).await.expect(200);
        // Refused ones between others: what follows on the same connection must not suffer.
        let people =
            (0..40).map(|n| format!("{}{n}@refused.test\n", if n % 3 == 0 { "reject-5xx-" } else { "taken-" }));
        sender.import(format!("email\n{}", people.collect::<String>()).as_bytes()).await;
        let campaign = sender.campaign(json!({})).await;
        assert_eq!(
            (&campaign["counts"]["sent"], &campaign["counts"]["failed"]),
            (&json!(26), &json!(14)),
            "{campaign}"
        );
        for n in (0..40).filter(|n| n % 3 != 0) {
            stack.only_mail_to(&format!("taken-{n}@refused.test"));
        }
        stack.check();
    });
}
