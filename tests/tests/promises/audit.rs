//! Whatever changes something leaves one entry, with the act, for good.

use jiff::{SignedDuration, Timestamp};
use local::backends::Plan;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Client, TestStack, run, sender::signup, store::Dump};

/// Every entry of every trail, oldest first.
async fn trail(stack: &TestStack) -> Vec<Value> {
    let dump = Dump::of(stack).await;
    let entries = dump.table("EvidenceTable").iter();
    let mut entries: Vec<Value> =
        entries.filter(|item| item["pk"].as_str().is_some_and(|pk| pk.contains("#A#"))).cloned().collect();
    entries.sort_by_key(|entry| entry["sk"].as_str().unwrap().to_owned());
    entries
}

/// The entries that `act` and all that follows from it leave, and what it answers.
pub(super) async fn left_by(stack: &TestStack, act: impl Future<Output = Answer>) -> (Vec<Value>, Answer) {
    let before = trail(stack).await;
    let answer = act.await;
    stack.break_things(Plan::default());
    stack.settle().await;
    let after = trail(stack).await;
    (after.into_iter().filter(|entry| !before.contains(entry)).collect(), answer)
}

#[test]
fn a9_what_is_refused_is_in_the_trail_and_what_changes_nothing_is_not() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        let client = stack.client();
        let codes = |left: &[Value]| -> Vec<String> {
            left.iter().map(|entry| entry["action"].as_str().unwrap().to_owned()).collect()
        };
        let member = sender.get("/v1/workspace").await.json()["members"][0]["id"].clone();

        // A wrong password for somebody who exists; nothing for somebody who does not.
        let wrong = json!({"email": sender.email, "password": "wrong wrong"});
        let (left, answer) = left_by(&stack, client.post("/v1/session", wrong)).await;
        answer.problem(401, "unauthenticated");
        assert_eq!(codes(&left), ["session.refused"]);
        assert_eq!((&left[0]["about"], &left[0]["actor"]["kind"]), (&member, &json!("anonymous")));
        let nobody = json!({"email": "nobody@trail.test", "password": "wrong wrong"});
        let (left, answer) = left_by(&stack, client.post("/v1/session", nobody)).await;
        answer.problem(401, "unauthenticated");
        assert_eq!(codes(&left), [""; 0]);
        // A refresh token that comes a second time ends the session, once.
        let refresh = json!({"refresh_token": sender.log_in().await["refresh_token"]});
        client.post("/v1/session/refresh", refresh.clone()).await.expect(200);
        let (left, answer) = left_by(&stack, client.post("/v1/session/refresh", refresh.clone())).await;
        answer.problem(401, "unauthenticated");
        assert_eq!(codes(&left), ["session.revoked"]);
        assert_eq!(left[0]["facts"]["member"], member);
        let (left, _) = left_by(&stack, client.post("/v1/session/refresh", refresh)).await;
        assert_eq!(codes(&left), [""; 0]);
        // The session that ended opens nothing any more.
        sender.log_in().await;
        // The end of an import is our own doing.
        let (left, _) = left_by(&stack, async {
            sender.import(b"email;first_name\none@trail.test;Zwitscher\nbad\n").await;
            client.get("/healthz").await
        })
        .await;
        assert_eq!(codes(&left), ["import.announced", "import.finished"]);
        assert_eq!(left[1]["actor"], json!({"kind": "system"}));
        assert_eq!((&left[1]["facts"]["created"], &left[1]["facts"]["rejected"]), (&json!(1), &json!(1)));

        // The same again changes nothing.
        let person = format!("/v1/prospects/{}", sender.prospect("one@trail.test").await["id"].as_str().unwrap());
        let draft = format!("/v1/campaigns/{}", sender.draft(json!({"name": "Une"})).await);
        sender.patch(&person, json!({"company": "Une"})).await.expect(200);
        let patches = [("/v1/workspace", json!({"locale": "fr"})), (&person, json!({"company": "Une"}))];
        for (path, body) in patches.into_iter().chain([(draft.as_str(), json!({"name": "Une"}))]) {
            let (left, answer) = left_by(&stack, sender.patch(path, body)).await;
            answer.expect(200);
            assert_eq!(codes(&left), [""; 0], "{path}");
        }
        let same = sender.identity(json!({"kind": "ses"}));
        assert_eq!(codes(&left_by(&stack, sender.put("/v1/sender", same)).await.0), [""; 0]);
        let open = left_by(&stack, sender.post("/v1/workspace/reactivate", json!({}))).await;
        assert_eq!(codes(&open.0), [""; 0]);
        for _ in 0..2 {
            let key = sender.request(Method::POST, "/v1/campaigns").header("idempotency-key", "twice");
            key.json(&json!({"name": "Deux"})).send().await.expect(201);
        }
        for path in [&person, &draft] {
            let first = left_by(&stack, sender.delete(path)).await;
            assert_eq!(first.0.len(), 1, "{path}");
            assert_eq!(codes(&left_by(&stack, sender.delete(path)).await.0), [""; 0], "{path}");
        }
        sender.delete("/v1/workspace").await.expect(200);
        assert_eq!(codes(&left_by(&stack, sender.delete("/v1/workspace")).await.0), [""; 0]);
        // Nor does what is refused.
        let (left, answer) = left_by(&stack, sender.post("/v1/campaigns", json!({"name": "Fermée"}))).await;
        answer.problem(403, "workspace-closed");
        assert_eq!(codes(&left), [""; 0]);
        let all = trail(&stack).await;
        let drafts = all.iter().filter(|entry| entry["action"] == "campaign.created").count();
        assert_eq!(drafts, 2, "an Idempotency-Key does it once");
        stack.finish().await;
    });
}

#[test]
fn a9_a_workspace_reads_its_own_trail_newest_first() {
    run(async {
        let stack = TestStack::start().await;
        let (sender, other) = (stack.sign_up().await, stack.sign_up().await);
        for month in 0..3 {
            for name in ["Une", "Deux"] {
                sender.post("/v1/campaigns", json!({"name": format!("{name} {month}")})).await.expect(201);
            }
            stack.wait(SignedDuration::from_hours(24 * 31));
        }
        let entries = sender.all("/v1/audit?limit=2").await;
        let times = entries.iter().map(|entry| entry["at"].as_str().unwrap().parse().unwrap());
        let times: Vec<Timestamp> = times.collect();
        assert!(times.is_sorted_by(|a, b| a >= b), "{times:?}");
        assert_eq!(entries.last().unwrap()["action"], "workspace.created");
        let drafts = entries.iter().filter(|entry| entry["action"] == "campaign.created");
        assert_eq!(drafts.count(), 6);
        let campaigns = sender.all("/v1/audit?action=campaign&limit=4").await;
        assert_eq!(campaigns.len(), 6);
        assert!(campaigns.iter().all(|entry| entry["action"] == "campaign.created"));
        assert_eq!(sender.all("/v1/audit?action=session.refused").await.len(), 0);
        sender.get("/v1/audit?action=everything").await.problem(422, "validation-failed");
        sender.get("/v1/audit?cursor=bm90").await.problem(422, "validation-failed");
        // Another workspace's cursor opens nothing of it.
        let cursor = sender.get("/v1/audit?limit=1").await.json()["next_cursor"].as_str().unwrap().to_owned();
        let theirs = other.get(&format!("/v1/audit?cursor={cursor}")).await.expect(200).json();
        assert!(!theirs.to_string().contains("campaign.created"), "{theirs}");
        stack.finish().await;
    });
}

#[test]
fn a9_no_function_can_change_or_delete_an_entry() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        let entry = trail(&stack).await.remove(0);
        let key = json!({"pk": {"S": entry["pk"]}, "sk": {"S": entry["sk"]}});
        let name = &stack.template().tables.iter().find(|table| table.name.ends_with("EvidenceTable")).unwrap().name;
        let put = json!({"TableName": name, "Item": key});
        let delete = json!({"TableName": name, "Key": key});
        let update = json!({"TableName": name, "Key": key, "UpdateExpression": "REMOVE about"});
        let both = |what: &str, call: &Value| json!({"TransactItems": [{what: call}]});
        let calls = [
            ("PutItem", false, put.clone()),
            ("DeleteItem", true, delete.clone()),
            ("UpdateItem", false, update.clone()),
            ("TransactWriteItems", true, both("Delete", &delete)),
            ("TransactWriteItems", false, both("Update", &update)),
            ("BatchWriteItem", false, json!({"RequestItems": {name.as_str(): [{"DeleteRequest": {"Key": key}}]}})),
        ];
        let url = stack.backends().env()["AWS_ENDPOINT_URL_DYNAMODB"].clone();
        for function in &stack.template().functions {
            for (operation, deletes, body) in &calls {
                // The purge deletes what is over, as nobody else may; it changes nothing.
                if function.binary == "purge" && *deletes {
                    continue;
                }
                let credential = format!(
                    "AWS4-HMAC-SHA256 Credential={}/20260101/eu-west-3/dynamodb/aws4_request, SignedHeaders=host, Signature=00",
                    function.binary
                );
                let call = Client::new(&url).request(Method::POST, &url);
                let call = call.header("authorization", &credential);
                let call = call.header("x-amz-target", &format!("DynamoDB_20120810.{operation}"));
                let answer = call.body("application/x-amz-json-1.0", body.to_string()).send().await;
                assert!(answer.text().contains("AccessDenied"), "{} {operation}: {}", function.binary, answer.text());
            }
        }
        assert_eq!(trail(&stack).await[0], entry);
        // What was refused here was meant to be.
        stack.backends().iam().reset();
        sender.get("/v1/audit").await.expect(200);
        stack.finish().await;
    });
}

#[test]
fn a32_an_entry_is_kept_thirteen_months_to_the_second() {
    run(async {
        let stack = TestStack::start().await;
        // 31 January: there is no 31 of the month in which its time is over.
        stack.set_time("2027-01-31T10:00:00Z".parse().unwrap());
        let sender = stack.sign_up().await;
        let closed = sender.delete("/v1/workspace").await.expect(200).json();
        let entries = trail(&stack).await;
        let first = &entries[0];
        let recorded: Timestamp = first["at"].as_str().unwrap().parse().unwrap();
        let zone = jiff::tz::TimeZone::get("Europe/Paris").unwrap();
        let due = (recorded.to_zoned(zone) + jiff::Span::new().months(13)).timestamp();
        assert!(due.to_string().starts_with("2028-02-29"), "{due}");
        let held = async || trail(&stack).await.contains(first);

        // It outlives the account (the purge of the closed account leaves the trail alone).
        stack.set_time(closed["deleted_after"].as_str().unwrap().parse::<Timestamp>().unwrap());
        stack.purge().await;
        assert!(held().await, "deleted with the account");
        // TTLs are whole seconds, rounded up: never early.
        let due = Timestamp::from_second(due.as_second()).unwrap();
        stack.set_time(due - SignedDuration::from_secs(1));
        stack.purge().await;
        assert!(held().await, "deleted a second early");
        stack.set_time(due + SignedDuration::from_secs(1));
        stack.purge().await;
        assert!(!held().await, "kept too long");
        // The others go as their own time is over.
        stack.wait(SignedDuration::from_hours(1));
        stack.purge().await;
        assert_eq!(trail(&stack).await, Vec::<Value>::new());
        stack.finish().await;
    });
}

#[test]
fn a7_a_day_later_no_full_address_is_anywhere() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        let address = "127.9.8.77";
        let visitor = Client::elsewhere(&stack.url(), [127, 9, 8, 77]);
        let agent = format!("Mozilla/{}", "9".repeat(400));
        stack.keep_secret(address);
        for (path, body) in [
            ("/v1/signup", signup("visitor@trail.test", "a long enough password")),
            ("/v1/session", json!({"email": sender.email, "password": "wrong wrong"})),
            ("/v1/session", json!({"email": sender.email, "password": sender.password})),
            ("/v1/password/forgot", json!({"email": sender.email})),
        ] {
            visitor.request(Method::POST, path).header("user-agent", &agent).json(&body).send().await;
        }
        let export = visitor.request(Method::GET, "/v1/prospects/export").bearer(&sender.token());
        export.send().await.expect(200);
        let seen = trail(&stack).await.into_iter().filter(|entry| entry["origin"]["network"] == "127.9.8.0/24");
        let seen: Vec<Value> = seen.collect();
        assert_eq!(seen.len(), 4, "{seen:#?}");
        assert_eq!(seen[0]["origin"]["user_agent"].as_str().map(str::len), Some(200));
        // Not at once, and not a day later.
        assert_eq!(Dump::of(&stack).await.mentions(address), [""; 0]);
        stack.wait(SignedDuration::from_hours(24));
        stack.purge().await;
        assert_eq!(Dump::of(&stack).await.mentions(address), [""; 0]);
        stack.finish().await;
    });
}
