//! Keys for programs: what they open, what they never open, when they end.

use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Client, Sender, TestStack, run};

async fn make(sender: &Sender<'_>, asked: Value) -> Value {
    let key = sender.post("/v1/api-keys", asked).await.expect(200).json();
    sender.stack.keep_secret(key["key"].as_str().unwrap());
    key
}

async fn with(client: &Client, key: &Value, method: Method, path: &str) -> Answer {
    client.request(method, path).bearer(key["key"].as_str().unwrap()).json(&json!({})).send().await
}

#[test]
fn a_key_opens_its_scopes_and_nothing_that_is_for_people() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        let client = stack.client();
        for scopes in [json!([]), json!(["self"]), json!(["members.manage"]), json!(["workspace.close"])] {
            let asked = json!({"name": "CRM", "scopes": scopes});
            sender.post("/v1/api-keys", asked).await.problem(422, "validation-failed");
        }
        let too_long = json!({"name": "CRM", "scopes": ["prospects.read"], "days": 366});
        sender.post("/v1/api-keys", too_long).await.problem(422, "validation-failed");

        let key =
            make(&sender, json!({"name": "CRM", "scopes": ["prospects.read", "imports.create"], "days": 30})).await;
        let start = key["start"].as_str().unwrap();
        assert!(key["key"].as_str().unwrap().starts_with(start) && start.starts_with("pk_"));
        let listed = sender.all("/v1/api-keys").await;
        assert_eq!((listed.len(), listed[0].get("key"), &listed[0]["last_used_on"]), (1, None, &json!(null)));
        with(&client, &key, Method::GET, "/v1/prospects").await.expect(200);
        assert_eq!(with(&client, &key, Method::POST, "/v1/imports").await.status, 422);
        let today = stack.now().to_zoned(jiff::tz::TimeZone::UTC).date().to_string();
        assert_eq!(sender.all("/v1/api-keys").await[0]["last_used_on"], today.as_str());
        for (method, path) in [
            (Method::GET, "/v1/prospects/export"),
            (Method::POST, "/v1/prospects"),
            (Method::GET, "/v1/campaigns"),
            (Method::GET, "/v1/members"),
            (Method::GET, "/v1/api-keys"),
            (Method::GET, "/v1/sessions"),
            (Method::DELETE, "/v1/workspace"),
        ] {
            with(&client, &key, method, path).await.problem(403, "forbidden");
        }
        let dump = tests::store::Dump::of(&stack).await;
        assert_eq!(dump.mentions(key["key"].as_str().unwrap()), [""; 0]);

        // A key with one letter changed, and one whose time is over.
        let text = key["key"].as_str().unwrap();
        let other = if text.ends_with('A') { "E" } else { "A" };
        let forged = json!({"key": format!("{}{other}", &text[..text.len() - 1])});
        with(&client, &forged, Method::GET, "/v1/prospects").await.problem(401, "unauthenticated");
        stack.wait(SignedDuration::from_hours(30 * 24) - SignedDuration::from_mins(1));
        with(&client, &key, Method::GET, "/v1/prospects").await.expect(200);
        stack.wait(SignedDuration::from_mins(2));
        with(&client, &key, Method::GET, "/v1/prospects").await.problem(401, "unauthenticated");
        stack.finish().await;
    });
}

#[test]
fn a_key_may_do_what_its_maker_still_may_and_ends_with_them() {
    run(async {
        let stack = TestStack::shared().await;
        let owner = stack.sign_up().await;
        let admin = owner.join("admin").await;
        let client = stack.client();
        let reads = json!({"name": "CRM", "scopes": ["prospects.read", "prospects.export"]});
        let (key, gone) = (make(&admin, reads.clone()).await, make(&admin, reads).await);
        with(&client, &key, Method::GET, "/v1/prospects/export").await.expect(200);
        let url = format!("/v1/api-keys/{}", gone["id"].as_str().unwrap());
        owner.delete(&url).await.expect(204);
        owner.delete(&url).await.problem(404, "not-found");
        with(&client, &gone, Method::GET, "/v1/prospects").await.problem(401, "unauthenticated");

        let member = format!("/v1/members/{}", key["created_by"].as_str().unwrap());
        owner.patch(&member, json!({"role": "viewer"})).await.expect(200);
        with(&client, &key, Method::GET, "/v1/prospects").await.expect(200);
        with(&client, &key, Method::GET, "/v1/prospects/export").await.problem(403, "forbidden");
        owner.delete(&member).await.expect(204);
        with(&client, &key, Method::GET, "/v1/prospects").await.problem(401, "unauthenticated");
        assert!(owner.all("/v1/api-keys").await.is_empty());
        stack.check();
    });
}
