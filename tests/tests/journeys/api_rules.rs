//! What holds for every route: problem+json, unknown fields, idempotency, other workspaces, cursors.

use reqwest::Method;
use serde_json::{Value, json};
use tests::{TestStack, files, run};

#[test]
fn bad_input_gets_a_problem_that_says_what_to_do() {
    run(async {
        let stack = TestStack::shared().await;
        let sender = stack.sign_up().await;
        let post = |path: &str| sender.request(Method::POST, path);
        let malformed = post("/v1/campaigns").body("application/json", "{\"name\": ").send().await;
        malformed.problem(400, "malformed-request");
        let not_json = post("/v1/campaigns").body("text/plain", "name").send().await;
        assert!(matches!(not_json.status, 400 | 415), "{}", not_json.text());
        let wrong_type = sender.post("/v1/campaigns", json!({"name": 7})).await;
        assert!(matches!(wrong_type.status, 400 | 422), "{}", wrong_type.text());
        assert!(!wrong_type.text().contains('7'), "a value comes back: {}", wrong_type.text());
        let mut signup = tests::sender::signup("a@b.test", "long enough one");
        signup["phone"] = json!("1");
        for (path, field, body) in [
            ("/v1/campaigns", "tracking_pixel", json!({"name": "x", "tracking_pixel": true})),
            ("/v1/signup", "phone", signup),
            ("/v1/prospects", "birthday", json!({"email": "a@b.test", "birthday": "1815-12-10"})),
        ] {
            let unknown = sender.post(path, body).await;
            unknown.problem(422, "validation-failed");
            assert_eq!(unknown.fields(), [field], "{path}");
        }
        let large = post("/v1/campaigns").body("application/json", vec![b' '; 2 * 1024 * 1024]).send().await;
        large.problem(413, "too-large");
        for path in ["/v1/campaigns/cmp_0", "/v1/campaigns/nonsense", "/v1/prospects/pro_x", "/v1/imports/imp_1"] {
            sender.get(path).await.problem(404, "not-found");
        }
        for path in
            ["/v1/prospects?limit=0", "/v1/prospects?limit=201", "/v1/prospects?state=gone", "/v1/prospects?cursor=zz"]
        {
            let refused = sender.get(path).await;
            assert!(matches!(refused.status, 400 | 422), "{path}: {}", refused.text());
        }
        let answer = sender.get("/v1/workspace").await.expect(200);
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(sender.stranger().get("/healthz").await.expect(200).json(), json!({"status": "ok"}));
        stack.check();
    });
}

#[test]
fn what_reads_takes_the_query_parameters_of_its_description_and_each_once() {
    run(async {
        let stack = TestStack::shared().await;
        let sender = stack.sign_up().await;
        let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../infra/openapi.yaml")).unwrap();
        let api: Value = serde_yaml_ng::from_str(&text).unwrap();
        let meant = |parameter: &Value| match parameter["$ref"].as_str() {
            Some(reference) => api.pointer(&reference[1..]).unwrap().clone(),
            None => parameter.clone(),
        };
        for (path, item) in api["paths"].as_object().unwrap() {
            if item.get("get").is_none() || !path.starts_with("/v1/") {
                continue;
            }
            let parameters = [&item["parameters"], &item["get"]["parameters"]];
            let parameters = parameters.into_iter().filter_map(Value::as_array).flatten().map(meant);
            let named = parameters.filter(|parameter| parameter["in"] == "query");
            let mut expected: Vec<String> = named.map(|named| named["name"].as_str().unwrap().to_owned()).collect();
            let path = path.replace("{id}", "x").replace("{prospect}", "x");
            let refused = sender.get(&format!("{path}?colour=red")).await;
            let problem = refused.problem(422, "validation-failed");
            assert_eq!(refused.fields(), ["query"], "{path}");
            let said = problem["errors"][0]["message"].as_str().unwrap();
            let known = said.strip_prefix("`colour` is not a parameter here; this route has ").unwrap();
            let mut known: Vec<String> = known.split(", ").map(str::to_owned).filter(|name| name != "none").collect();
            known.sort_unstable();
            expected.sort_unstable();
            assert_eq!(known, expected, "{path}");
            for name in expected {
                let twice = sender.get(&format!("{path}?{name}=1&{name}=2")).await;
                twice.problem(422, "validation-failed");
                assert_eq!(twice.fields(), [name], "{path}");
            }
        }
        stack.check();
    });
}

#[test]
fn a_request_that_is_sent_again_gets_the_first_answer_again() {
    run(async {
        let stack = TestStack::shared().await;
        let sender = stack.sign_up().await;
        let send = |key: &str, body: Value| {
            sender.request(Method::POST, "/v1/campaigns").header("idempotency-key", key).json(&body).send()
        };
        let first = send("key-1", json!({"name": "Un"})).await.expect(201);
        let again = send("key-1", json!({"name": "Un"})).await.expect(201);
        assert_eq!(first.body, again.body);
        assert_eq!(first.header("location"), again.header("location"));
        send("key-1", json!({"name": "Deux"})).await.problem(422, "idempotency-mismatch");
        send("key-2", json!({"name": "Un"})).await.expect(201);
        assert_eq!(sender.all("/v1/campaigns").await.len(), 2);
        // A request that failed did nothing: its key is free.
        send("key-3", json!({"name": ""})).await.problem(422, "validation-failed");
        send("key-3", json!({"name": "Trois"})).await.expect(201);
        // Another workspace's keys are its own.
        let other = stack.sign_up().await;
        let theirs = other.request(Method::POST, "/v1/campaigns").header("idempotency-key", "key-1");
        let theirs = theirs.json(&json!({"name": "Un"})).send().await.expect(201);
        assert_ne!(theirs.json()["id"], first.json()["id"]);

        // Launching twice under one key launches once.
        sender.import(&files::people("idem", 3)).await;
        let id = sender.draft(json!({})).await;
        let path = format!("/v1/campaigns/{id}/launch");
        let launch = || sender.request(Method::POST, &path).header("idempotency-key", "go").json(&json!({})).send();
        launch().await.expect(202);
        launch().await.expect(202);
        assert_eq!(sender.wait_ended(&id).await["counts"]["sent"], 3);
        stack.check();
    });
}

#[test]
fn lists_go_from_page_to_page() {
    run(async {
        let stack = TestStack::shared().await;
        let sender = stack.sign_up().await;
        sender.import(&files::people("page", 120)).await;
        for limit in [7, 50, 200] {
            let all = sender.all(&format!("/v1/prospects?limit={limit}")).await;
            let mut emails: Vec<_> = all.iter().map(|p| p["email"].as_str().unwrap().to_owned()).collect();
            emails.sort();
            emails.dedup();
            assert_eq!(emails.len(), 120, "limit {limit}");
        }
        for name in ["Un", "Deux", "Trois"] {
            sender.draft(json!({"name": name})).await;
            // Ids count seconds.
            tokio::time::sleep(std::time::Duration::from_millis(1_050)).await;
        }
        let names: Vec<_> = sender.all("/v1/campaigns?limit=1").await.iter().map(|c| c["name"].clone()).collect();
        assert_eq!(names, ["Trois", "Deux", "Un"], "newest first");
        stack.check();
    });
}
