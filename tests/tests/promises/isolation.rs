//! Nobody sees another workspace's data.

use reqwest::Method;
use serde_json::{Value, json};
use tests::{TestStack, run};

/// Every route of the API's contract: method, path, whether it needs a session.
fn routes() -> Vec<(Method, String, bool)> {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../infra/openapi.yaml")).unwrap();
    let api: Value = serde_yaml_ng::from_str(&text).unwrap();
    let mut routes = Vec::new();
    for (path, operations) in api["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let Ok(method) = method.to_uppercase().parse::<Method>() else { continue };
            if ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"].contains(&method.as_str()) {
                let open = operation["security"].as_array().is_some_and(Vec::is_empty);
                routes.push((method, path.clone(), !open));
            }
        }
    }
    routes
}

#[test]
fn a19_a_stranger_and_another_workspace_get_nothing_on_any_route() {
    run(async {
        let stack = TestStack::shared().await;
        let (ours, theirs) = (stack.sign_up().await, stack.sign_up().await);
        let import = theirs.import(b"email;first_name\ncanary@theirs.test;Theirs\n").await;
        let campaign = theirs.campaign(json!({"name": "La leur"})).await;
        let prospect = theirs.prospect("canary@theirs.test").await;
        let me = theirs.get("/v1/me").await.json();
        let session = theirs.get("/v1/sessions").await.json()["items"][0].clone();
        let asked = json!({"email": "canary@invited.test", "role": "viewer"});
        let invitation = theirs.post("/v1/invitations", asked).await.expect(201).json();
        let asked = json!({"name": "La leur", "scopes": ["prospects.read"]});
        let key = theirs.post("/v1/api-keys", asked).await.expect(200).json();
        stack.keep_secret(key["key"].as_str().unwrap());
        let channel = json!({"id": theirs.add_channel(json!({})).await});
        let endpoint = theirs.register("/theirs", &["message.sent"]).await;
        let webhook = json!(endpoint.path.rsplit('/').next());
        let settings = json!({
            "name": "La leur", "host": "localhost", "port": 993, "security": "tls", "username": "canary@theirs.test",
            "password": "canary",
        });
        let mailbox = theirs.post("/v1/mailboxes", settings.clone()).await.expect(200).json();
        // A request about the person's data that their Sender has to answer.
        stack.exercise("canary@theirs.test", "rectification", Some("My name is spelt Canary.")).await;
        let task = theirs.all("/v1/rights-tasks").await.remove(0);
        assert_eq!(task["status"], "open");
        let before = (theirs.prospects().await, theirs.get("/v1/sender").await.json());

        let mut guarded = 0;
        for (method, path, needs_session) in routes().into_iter().filter(|(_, _, needs_session)| *needs_session) {
            assert!(needs_session);
            guarded += 1;
            let id = match path.split('/').nth(2) {
                Some("imports") => &import["id"],
                Some("campaigns") => &campaign["id"],
                Some("channels") => &channel["id"],
                Some("members") => &me["id"],
                Some("sessions") => &session["id"],
                Some("invitations") => &invitation["id"],
                Some("api-keys") => &key["id"],
                Some("rights-tasks") => &task["id"],
                Some("webhooks") => &webhook,
                Some("mailboxes") => &mailbox["id"],
                _ => &prospect["id"],
            };
            let url = path.replace("{id}", id.as_str().unwrap()).replace("{event}", "evt_00000000000000000000");
            let bare = stack.client().request(method.clone(), &url).json(&json!({})).send().await;
            bare.problem(401, "unauthenticated");
            if path.contains("{id}") {
                let handled = json!({"outcome": "done"});
                let body = json!({"name": "La nôtre", "company": "La nôtre"});
                let body = if path.contains("prospects") { json!({"company": "La nôtre"}) } else { body };
                let named = path.contains("campaigns") || path.contains("channels");
                let body = if method == Method::PATCH && named { json!({"name": "La nôtre"}) } else { body };
                let body = match (path.contains("webhooks"), method.as_str()) {
                    (true, "PATCH") => json!({"enabled": false}),
                    (true, _) => json!({}),
                    _ => body,
                };
                let body = if path.contains("mailboxes") { settings.clone() } else { body };
                let body = if path.ends_with("/handle") { handled } else { body };
                let body = if path.ends_with("/extend") { json!({"reason": "We look for it."}) } else { body };
                let body = if path.contains("members") { json!({"role": "viewer"}) } else { body };
                let other = ours.request(method.clone(), &url).json(&body).send().await;
                // Who is not staff learns not even which accesses there are.
                let expected = if path.starts_with("/v1/staff/") { 403 } else { 404 };
                assert_eq!(other.status, expected, "{method} {path}: {}", other.text());
            }
        }
        assert!(guarded > 25, "{guarded} routes");
        for path in
            ["/v1/prospects", "/v1/imports", "/v1/campaigns", "/v1/invitations", "/v1/api-keys", "/v1/mailboxes"]
        {
            assert!(ours.all(path).await.is_empty(), "{path}");
        }
        for path in ["/v1/prospects/export", "/v1/prospects?text=canary", "/v1/workspace", "/v1/sender"] {
            assert!(!ours.get(path).await.text().contains("theirs"), "{path}");
        }
        // A cursor of theirs opens nothing of theirs.
        theirs.import(b"email\nsecond@theirs.test\n").await;
        theirs.draft(json!({"name": "La leur aussi"})).await;
        for path in ["/v1/prospects", "/v1/imports", "/v1/campaigns", "/v1/audit"] {
            let cursor = theirs.get(&format!("{path}?limit=1")).await.json()["next_cursor"].clone();
            let cursor = cursor.as_str().unwrap_or_else(|| panic!("{path}: a second page"));
            let page = ours.get(&format!("{path}?cursor={cursor}")).await;
            for word in ["canary", "second", "La leur", &theirs.workspace, import["id"].as_str().unwrap()] {
                assert!(!page.text().contains(word), "{path} {word}: {}", page.text());
            }
        }
        // An audience of theirs is nobody of ours.
        let id = ours.draft(json!({"audience": {"import": import["id"]}})).await;
        let preview = ours.command(&id, "preview").await.expect(200).json();
        assert_eq!(preview["counts"]["audience"], 0);
        for path in ["/v1/invitations", "/v1/api-keys", "/v1/members", "/v1/sessions"] {
            assert_eq!(theirs.get(path).await.json()["items"].as_array().map(Vec::len), Some(1), "{path}");
        }
        let after: Vec<Value> =
            theirs.prospects().await.into_iter().filter(|one| one["email"] != "second@theirs.test").collect();
        assert_eq!((after, theirs.get("/v1/sender").await.json()), before);
        assert_eq!(theirs.all("/v1/rights-tasks").await, [task]);
        stack.check();
    });
}
