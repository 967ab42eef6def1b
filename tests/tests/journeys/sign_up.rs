//! Signing up says nothing about who has an account.

use serde_json::json;
use tests::{TestStack, run, sender::signup};

#[test]
fn a_known_and_an_unknown_address_get_the_same_answer() {
    run(async {
        let stack = TestStack::shared().await;
        let sender = stack.sign_up().await;
        let client = stack.client();
        let unknown = client.post("/v1/signup", signup("new@unknown.test", "another long password")).await.expect(202);
        let known = client.post("/v1/signup", signup(&sender.email, "another long password")).await.expect(202);
        assert_eq!(unknown.body, known.body);
        let names = |answer: &tests::Answer| answer.headers.keys().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(names(&unknown), names(&known));
        // The owner of the address is told, and the attempt changes nothing for them.
        let mails = stack.mails_to(&sender.email);
        assert_eq!(mails.len(), 2);
        assert_ne!(mails[0].subject, mails[1].subject);
        sender.log_in().await;

        let (forgot, nobody) = (json!({"email": sender.email}), json!({"email": "nobody@unknown.test"}));
        let known = client.post("/v1/password/forgot", forgot).await.expect(202);
        let unknown = client.post("/v1/password/forgot", nobody).await.expect(202);
        assert_eq!(unknown.body, known.body);
        assert!(stack.mails_to("nobody@unknown.test").is_empty());

        // An address that was never confirmed reads like a wrong password.
        let before =
            client.post("/v1/session", json!({"email": "new@unknown.test", "password": "another long password"})).await;
        let wrong = client.post("/v1/session", json!({"email": sender.email, "password": "not the password"})).await;
        let nobody =
            client.post("/v1/session", json!({"email": "nobody@unknown.test", "password": "whatever it is"})).await;
        before.problem(401, "unauthenticated");
        assert_eq!((&before.body, &before.body), (&wrong.body, &nobody.body));
        stack.check();
    });
}

#[test]
fn a_token_opens_one_workspace_once() {
    run(async {
        let stack = TestStack::shared().await;
        let client = stack.client();
        client.post("/v1/signup", signup("once@signup.test", "a long enough password")).await.expect(202);
        let token = stack.only_mail_to("once@signup.test").token();
        stack.keep_secret(&token);
        let verified = client.post("/v1/signup/verify", json!({"token": token})).await.expect(201).json();
        assert!(verified["workspace_id"].as_str().unwrap().starts_with("ws_"));
        assert!(verified["member_id"].as_str().unwrap().starts_with("mem_"));
        for token in [token.as_str(), "unknown", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"] {
            client.post("/v1/signup/verify", json!({"token": token})).await.problem(422, "invalid-token");
        }
        let tokens = client
            .post("/v1/session", json!({"email": "Once@Signup.test", "password": "a long enough password"}))
            .await;
        let tokens = tokens.expect(200).json();
        assert_eq!((&tokens["token_type"], &tokens["expires_in"]), (&json!("Bearer"), &json!(600)));
        let access = tokens["access_token"].as_str().unwrap();
        stack.keep_secret(access);
        let request = client.request(reqwest::Method::GET, "/v1/workspace").bearer(access);
        let workspace = request.send().await.expect(200).json();
        assert_eq!((&workspace["status"], &workspace["retention_months"]), (&json!("active"), &json!(36)));
        assert_eq!(workspace["members"][0]["email"], "once@signup.test");
        assert!(!workspace["terms"]["version"].as_str().unwrap().is_empty());
        stack.check();
    });
}

#[test]
fn what_is_missing_or_wrong_is_named_all_at_once() {
    run(async {
        let stack = TestStack::shared().await;
        let client = stack.client();
        let mut asked = signup("not an address", "short");
        asked["accept_terms"] = json!(false);
        asked["company"] = json!(" ");
        let refused = client.post("/v1/signup", asked).await;
        refused.problem(422, "validation-failed");
        assert_eq!(refused.fields(), ["email", "password", "company", "accept_terms"]);
        assert!(!refused.text().contains("not an address") && !refused.text().contains("short"), "{}", refused.text());
        stack.check();
    });
}
