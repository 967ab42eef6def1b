//! Logs are for diagnosis.

use local::backends::Plan;
use reqwest::Method;
use serde_json::json;
use tests::{TestStack, run, sender::signup};

#[test]
fn a10_no_log_line_names_a_person_whatever_goes_wrong() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        for canary in
            ["Kanari", "Zwitscher", "Voliere", "Kaefig", "geheimwort", "Stammtisch", "canary-note", "relay-canary"]
        {
            stack.keep_secret(canary);
        }
        let client = stack.client();
        // An import with everything in it, and everything wrong in it.
        let file = "email;first_name;last_name;company;notes;tags\n\
                    kanari@voliere.test;Kanari;Zwitscher;Voliere GmbH;canary-note;Stammtisch\n\
                    Kanari@bad@voliere.test;Kanari;x;y;z;\nkanari@gmail.com;Kanari;x;y;z;\n\"Kanari";
        let import = sender.import(file.as_bytes()).await;
        sender.get(&format!("/v1/imports/{}/rejects", import["id"].as_str().unwrap())).await.expect(200);
        sender.import(b"Kanari\0\x01\x02 Zwitscher").await;
        sender.import("email;first_name\nbounce@simulator.amazonses.com;Kanari\ncomplaint@simulator.amazonses.com;Zwitscher\n".as_bytes()).await;
        let id = sender
            .draft(json!({"name": "Voliere", "subject": "Kanari {{ first_name }}", "html": "<b>geheimwort</b>"}))
            .await;
        for command in ["preview", "check", "test", "launch"] {
            sender.command(&id, command).await;
        }
        sender.wait_ended(&id).await;
        stack.settle().await;
        sender.recipients(&id).await;
        let mail = stack.only_mail_to("kanari@voliere.test");
        let token = mail.unsubscribe().rsplit('/').next().unwrap().to_owned();
        stack.keep_secret(&token);
        client.get(&mail.unsubscribe()).await;
        client.request(Method::POST, &mail.unsubscribe()).send().await.expect(200);
        sender.get("/v1/prospects?text=Kanari").await.expect(200);
        sender.get("/v1/prospects/export?tag=Stammtisch").await.expect(200);
        let complained = sender.prospect("complaint@simulator.amazonses.com").await;
        let path = format!("/v1/prospects/{}", complained["id"].as_str().unwrap());
        sender
            .patch(&path, json!({"notes": "canary-note", "email": "kanari@voliere.test"}))
            .await
            .problem(422, "validation-failed");
        sender.delete(&path).await.expect(204);

        // Errors: bodies that do not parse, wrong passwords, wrong tokens, unknown fields with telling values.
        for body in
            ["{\"email\": \"kanari@voliere.test\", \"password\": geheimwort}", "Kanari", "{\"email\":{\"Kanari\":1}}"]
        {
            for path in
                ["/v1/signup", "/v1/session", "/v1/password/forgot", "/v1/prospects", "/v1/campaigns", "/v1/sender"]
            {
                sender
                    .request(if path == "/v1/sender" { Method::PUT } else { Method::POST }, path)
                    .body("application/json", body)
                    .send()
                    .await;
            }
        }
        client.post("/v1/signup", signup("kanari@voliere.test", "geheimwort")).await;
        client.post("/v1/signup", signup("kanari@voliere.test", "geheimwort geheimwort")).await.expect(202);
        client.post("/v1/session", json!({"email": "kanari@voliere.test", "password": "geheimwort geheimwort"})).await;
        client.post("/v1/password/forgot", json!({"email": sender.email})).await.expect(202);
        client.get("/v1/workspace?token=geheimwort").await;
        client.get("/u/geheimwort").await;
        client.get("/c/geheimwort").await;
        client.get("/consent/geheimwort").await;
        client.get("/legal/Kanari").await;
        client.get("/v1/campaigns/Kanari").await;

        // Services that fail while all this is under way.
        let port = stack.backends().smtp().starttls_port();
        let channel = json!({"kind": "smtp", "host": "localhost", "port": port, "security": "tls", "username": "Kanari", "password": "relay-canary"});
        sender.put("/v1/sender", sender.identity(channel)).await.expect(200);
        sender.command(&id, "test").await;
        let mut plan = Plan::default();
        plan.dynamodb.throttle_every = 2;
        plan.ses.reject_every = 1;
        stack.break_things(plan);
        client.post("/v1/signup", signup("kanari2@voliere.test", "geheimwort geheimwort")).await;
        sender.request(Method::POST, "/v1/prospects").json(&json!({"email": "kanari3@voliere.test"})).send().await;
        client.request(Method::POST, &mail.unsubscribe()).send().await;
        stack.break_things(Plan::default());
        stack.kill("send").await;

        let lines = stack.logs();
        let functions: std::collections::BTreeSet<&str> = lines.iter().map(|line| line.function.as_str()).collect();
        assert!(functions.contains("local") && lines.len() > 60, "{} lines of {functions:?}", lines.len());
        for speaks in ["import", "imports", "prospects", "signup"] {
            assert!(functions.contains(speaks), "{speaks} says nothing: {functions:?}");
        }
        let leaks = stack.leaks();
        assert!(leaks.is_empty(), "personal data in logs:\n{}", leaks.join("\n"));
    });
}
