//! template.yaml permits what the functions do, and nothing else.
//!
//! The runner enforces each function's statements. Every test fails on a call that was refused; here one tour
//! through everything the product does must use every action on every resource that a statement names.

use jiff::SignedDuration;
use reqwest::Method;
use serde_json::json;
use tests::{TestStack, files, run, sender::signup};

/// Permissions that this machine cannot exercise: function, Sid, action or the end of a resource, and why they stay.
const ALLOWED: &[(&str, &str, &str, &str)] = &[];

#[test]
fn every_permission_is_used_and_none_is_missing() {
    run(async {
        let stack = TestStack::start().await;
        let client = stack.client();
        let sender = stack.sign_up().await;

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
        sender.patch("/v1/workspace", json!({"display_name": "Ada", "locale": "en"})).await.expect(200);

        // Imports: new, the same, changed, with rejects, in several parts.
        let mut file = files::people("tour", 120);
        file.extend_from_slice(b"pas une adresse;X;Y;Z;;\n");
        let import = sender.import(&file).await;
        let path = format!("/v1/imports/{}", import["id"].as_str().unwrap());
        sender.get(&format!("{path}/rejects")).await.expect(200);
        sender.import(String::from_utf8(file).unwrap().replace("Acheteuse", "Directrice").as_bytes()).await;
        sender.get("/v1/imports").await.expect(200);
        sender.import(b"email\nbounce@simulator.amazonses.com\ncomplaint@simulator.amazonses.com\n").await;
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

        // Campaigns: by SES, then by a relay.
        let id = sender.draft(json!({})).await;
        sender.patch(&format!("/v1/campaigns/{id}"), json!({"name": "Tour"})).await.expect(200);
        for (command, status) in [("preview", 200), ("test", 202), ("launch", 202), ("pause", 200), ("resume", 202)] {
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
        sender.put("/v1/sender", sender.identity(channel)).await.expect(200);
        sender.get("/v1/sender").await.expect(200);
        let second = sender.draft(json!({"name": "Relais"})).await;
        sender.command(&second, "test").await.expect(202);
        sender.command(&second, "launch").await.expect(202);
        sender.wait_ended(&second).await;
        let third = sender.draft(json!({"name": "Annulée"})).await;
        sender.command(&third, "launch").await.expect(202);
        sender.command(&third, "cancel").await;
        sender.wait_ended(&third).await;
        sender.delete(&format!("/v1/campaigns/{third}")).await.expect(204);
        sender.get("/v1/campaigns").await.expect(200);
        let link = stack.mails_to("tour2@firm2.test")[0].unsubscribe();
        client.request(Method::POST, &link).send().await.expect(200);
        client.get("/legal/privacy").await.expect(200);
        stack.settle().await;

        // Time: files, prospects, objections, sessions, the workspace itself.
        sender.delete("/v1/workspace").await.expect(200);
        sender.post("/v1/workspace/reactivate", json!({})).await.expect(200);
        stack.purge().await;
        stack.wait(SignedDuration::from_hours(24 * 32));
        stack.purge().await;
        sender.import(b"email\nlate@tour.test\n").await;
        sender.delete("/v1/workspace").await.expect(200);
        stack.wait(SignedDuration::from_hours(24 * 32));
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
