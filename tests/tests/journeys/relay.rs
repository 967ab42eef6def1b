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
fn whose_address_the_relay_says_is_bad_has_bounced_and_the_others_get_theirs() {
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
            (&campaign["counts"]["sent"], &campaign["bounced"], &campaign["counts"]["failed"]),
            (&json!(40), &json!(14), &json!(0)),
            "{campaign}"
        );
        for n in (0..40).filter(|n| n % 3 != 0) {
            stack.only_mail_to(&format!("taken-{n}@refused.test"));
        }
        stack.check();
    });
}

/// How often an access token was asked for there.
fn asked(stack: &TestStack, path: &str) -> usize {
    stack.backends().hooks().told().iter().filter(|told| told.path == path).count()
}

#[test]
fn messages_leave_by_a_relay_that_takes_an_access_token() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        let hooks = stack.backends().hooks();
        let with = |path: &str, secret: Option<&str>| {
            let mut oauth = json!({"token_url": hooks.url(path), "client_id": "client & co"});
            if let Some(secret) = secret {
                stack.keep_secret(secret);
                oauth["client_secret"] = json!("client secret");
                oauth["refresh_token"] = json!(secret);
            }
            let mut channel = relay(&stack, "starttls", "");
            channel.as_object_mut().unwrap().remove("password");
            channel["oauth"] = oauth;
            channel
        };
        let put = async |channel: Value| sender.put("/v1/sender", sender.identity(channel)).await;
        stack.keep_secret("client secret");
        stack.keep_secret("access-word");

        // Good for an hour.
        let shown = put(with("/token/access-word/3600", Some("refresh & word"))).await.expect(200).json();
        let expected = json!({"token_url": hooks.url("/token/access-word/3600"), "client_id": "client & co"});
        assert_eq!((&shown["channel"]["oauth"], &shown["channel"]["password_set"]), (&expected, &json!(true)));
        sender.import(&files::people("token-", 60)).await;
        for name in ["Un", "Deux"] {
            let campaign = sender.campaign(json!({"name": name})).await;
            assert_eq!(campaign["counts"]["sent"], 60, "{campaign}");
        }
        let logins = stack.backends().smtp().logins();
        assert!(!logins.is_empty());
        assert!(logins.iter().all(|one| one.accepted && one.username == "atelier" && one.password == "access-word"));
        assert!(asked(&stack, "/token/access-word/3600") <= logins.len(), "no more than connections");
        let told = hooks.told().remove(0).body;
        let expected = "grant_type=refresh_token&client_id=client+%26+co&client_secret=client+secret&refresh_token=refresh+%26+word";
        assert_eq!(told, expected);

        // A process asks once, and again when a token is over in a moment.
        let draft = sender.draft(json!({})).await;
        let asks = async |path: &str| {
            sender.command(&draft, "test").await.expect(202);
            asked(&stack, path)
        };
        let once = asks("/token/access-word/3600").await;
        assert_eq!(asks("/token/access-word/3600").await, once);
        put(with("/token/access-word/20", Some("refresh & word"))).await.expect(200);
        let first = asks("/token/access-word/20").await;
        assert_eq!(asks("/token/access-word/20").await, first + 1);
        put(with("/token/access-word/3600", Some("refresh & word"))).await.expect(200);

        // What is stored stays with its account and its provider, and goes to no other.
        put(with("/token/access-word/3600", None)).await.expect(200);
        let elsewhere = put(with("/token/access-word/20", None)).await;
        elsewhere.problem(422, "validation-failed");
        assert_eq!(elsewhere.fields(), ["channel.oauth.refresh_token"]);
        let mut both = with("/token/access-word/3600", Some("refresh & word"));
        both["password"] = json!("a word");
        assert_eq!(put(both).await.fields(), ["channel.oauth"]);
        let mut inside = with("/token/access-word/3600", Some("refresh & word"));
        inside["oauth"]["token_url"] = json!("https://169.254.169.254/token");
        assert_eq!(put(inside).await.fields(), ["channel.oauth.token_url"]);
        stack.finish().await;
    });
}

#[test]
fn a_check_tells_a_provider_that_gives_no_token_from_a_relay_that_takes_none() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        let hooks = stack.backends().hooks();
        hooks.answer("/token/revoked/3600", 400);
        hooks.answer("/token/moved/3600", 302);
        stack.keep_secret("refresh word");
        let refused = format!("/token/{WRONG_PASSWORD}/3600");
        for (path, code) in [
            ("/token/revoked/3600", "token_refused"),
            ("/token/moved/3600", "no_token"),
            ("/none", "no_token"),
            (refused.as_str(), "credentials"),
        ] {
            let mut channel = relay(&stack, "tls", "");
            channel.as_object_mut().unwrap().remove("password");
            channel["oauth"] = json!({"token_url": hooks.url(path), "client_id": "c", "refresh_token": "refresh word"});
            let id = sender.add_channel(json!({"transport": channel})).await;
            let found = sender.post(&format!("/v1/channels/{id}/check"), json!({})).await.expect(200).json();
            assert_eq!(found["findings"][0]["code"], code, "{found}");
            let states: Vec<_> =
                found["steps"].as_array().unwrap().iter().map(|step| step["state"].as_str().unwrap()).collect();
            assert_eq!(states, ["done", "done", "failed", "not_reached", "not_reached"], "{path}");
            sender.delete(&format!("/v1/channels/{id}")).await.expect(204);
        }
        stack.finish().await;
    });
}
