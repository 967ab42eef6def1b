//! Secrets of the Sender, and of the product.

use domain::{
    policy::security,
    statement::{KeySet, Signed},
};
use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};
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

#[test]
fn a53_a_secret_is_replaced_at_its_second_and_what_the_old_one_signed_still_holds() {
    run(async {
        let stack = TestStack::start().await;
        let second = SignedDuration::from_secs(1);
        let made = stack.now();
        let rules = &security::current().secrets;
        let due = |name: &str| {
            let rule = rules.iter().find(|rule| rule.name == name).expect("a rule");
            rule.rotate.expect("a period").expires_at(made)
        };
        // A secret's age counts from the whole second in which the stack was made, not long before `made`.
        let slack = SignedDuration::from_secs(60);
        let sender = stack.sign_up().await;
        let statement =
            async || -> Signed { serde_json::from_value(stack.purge().await["statement"].clone()).unwrap() };
        let first = statement().await;

        let session = due("SessionSecret");
        assert_eq!(stack.rotate_at(session - slack).await["rotated"], json!([]));
        stack.set_time(session);
        let old = sender.log_in().await;
        assert_eq!(stack.rotate_at(session).await["rotated"], json!(["SessionSecret"]));
        // Once; its successor is as young as the moment.
        assert_eq!(stack.rotate_at(session + second).await["rotated"], json!([]));
        stack.kill("session").await;
        let new = sender.log_in().await;
        assert_ne!(kid(&old), kid(&new), "the new version signs");
        for tokens in [&old, &new] {
            let asked = stack.client().request(Method::GET, "/v1/me").bearer(tokens["access_token"].as_str().unwrap());
            asked.send().await.expect(200);
        }
        stack.client().post("/v1/session/refresh", json!({"refresh_token": old["refresh_token"]})).await.expect(200);

        // The seeds of what anybody may verify: after a year, with the other.
        let yearly = due("StatementSecret");
        stack.set_time(yearly);
        let report = stack.rotate_at(yearly).await;
        assert_eq!(report["rotated"], json!(["SessionSecret", "StatementSecret", "CertificateSecret"]));
        stack.kill("purge").await;
        let second_one = statement().await;
        assert!(first.kid.starts_with("v1-") && second_one.kid.starts_with("v2-"), "{} {}", first.kid, second_one.kid);
        let keys: KeySet = serde_json::from_value(stack.client().get("/legal/keys").await.expect(200).json()).unwrap();
        for signed in [&first, &second_one] {
            assert_eq!(signed.verify(&keys.keys), Ok(()), "{}", signed.kid);
        }
        stack.finish().await;
    });
}

/// Which key signed an access token.
fn kid(tokens: &Value) -> String {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let header = tokens["access_token"].as_str().expect("a token").split('.').next().expect("a header");
    let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).expect("base64url")).expect("JSON");
    header["kid"].as_str().expect("a key").to_owned()
}

#[test]
fn a53_an_overdue_review_is_said_each_day_from_its_second_on() {
    run(async {
        let stack = TestStack::start().await;
        let review = security::current().reviews.iter().min_by_key(|review| review.due()).expect("a review");
        let said = || stack.logs().iter().filter(|line| line.line.contains("review overdue")).count();
        let just_before = stack.rotate_at(review.due() - SignedDuration::from_secs(1)).await;
        assert_eq!((&just_before["overdue"], said()), (&json!([]), 0));
        for days in 0..2 {
            let report = stack.rotate_at(review.due() + SignedDuration::from_hours(24 * days)).await;
            assert_eq!(report["overdue"], json!([review.id]), "{report}");
            let times = usize::try_from(days).unwrap() + 1;
            stack.logged("review overdue", times).await;
            assert_eq!(said(), times);
        }
        stack.finish().await;
    });
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}
