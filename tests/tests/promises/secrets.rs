//! Secrets of the Sender.

use serde_json::json;
use tests::{TestStack, run, store::Dump};

#[test]
fn a77_a_relays_password_is_sealed_and_never_shown() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        let password = "Zx9-relay-canary-4417";
        stack.keep_secret(password);
        let channel = |host: &str, password: Option<&str>| {
            let port = stack.backends().smtp().starttls_port();
            let mut channel =
                json!({"kind": "smtp", "host": host, "port": port, "security": "starttls", "username": "compte"});
            if let Some(password) = password {
                channel["password"] = json!(password);
            }
            sender.identity(channel)
        };
        let shown = sender.put("/v1/sender", channel("localhost", Some(password))).await.expect(200);
        let read = sender.get("/v1/sender").await.expect(200);
        for answer in [&shown, &read] {
            assert!(!answer.text().contains(password), "{}", answer.text());
            assert_eq!(answer.json()["channel"]["password_set"], true);
            assert!(answer.json()["channel"].get("secret").is_none());
        }
        // It is used, and is nowhere in what is stored.
        sender.import(b"email\nsealed@relay.test\n").await;
        assert_eq!(sender.campaign(json!({})).await["counts"]["sent"], 1);
        let used =
            |word: &str| stack.backends().smtp().logins().iter().any(|login| login.accepted && login.password == word);
        assert!(used(password));
        use base64::{Engine as _, engine::general_purpose::STANDARD};
        let dump = Dump::of(&stack).await;
        for form in [password.to_owned(), STANDARD.encode(password), hex(password)] {
            assert_eq!(dump.mentions(&form), [""; 0], "{form}");
        }
        // Left out, it stays with its relay and account; a new host never gets it.
        sender.put("/v1/sender", channel("localhost", None)).await.expect(200);
        sender.import(b"email\nagain@relay.test\n").await;
        assert_eq!(sender.campaign(json!({"name": "Encore"})).await["counts"]["sent"], 2);
        let refused = sender.put("/v1/sender", channel("127.0.0.1", None)).await;
        refused.problem(422, "validation-failed");
        assert_eq!(refused.fields(), ["channel.password"]);
        stack.finish().await;
    });
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}
