//! A78: isolation holds in the database, whatever the code above it asks for. Whoever signs here has a session of
//! one workspace and none of our code in the way.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};
use tests::aws::{Credentials, reaching, sweeping};
use tests::store::Dump;
use tests::{Sender, TestStack, run};

/// The roles of workspaces, each with the function that may assume it.
fn roles(stack: &TestStack) -> Vec<(String, String)> {
    let template = stack.template();
    let holder = |role: &local::template::Role| {
        let function = template.functions.iter().find(|function| role.trust[0].principals.contains(&function.role));
        (function.expect("a function").binary.clone(), role.arn.clone())
    };
    template.roles.iter().map(holder).collect()
}

async fn session(stack: &TestStack, function: &str, role: &str, of: &Sender<'_>) -> Credentials {
    let tags = [("workspace", of.workspace.as_str())];
    stack.assume(&stack.credentials_of(function), role, &tags).await.expect("a session of the workspace")
}

/// Table, partition key and sort key of everything that a workspace has: the keys to forge.
async fn keys_of(stack: &TestStack, sender: &Sender<'_>) -> Vec<(String, String, String)> {
    let head = format!("W#{}", sender.workspace);
    let dump = Dump::of(stack).await;
    let mut keys = Vec::new();
    for table in &stack.template().tables {
        let id = table.name.rsplit('-').next().expect("a name");
        // One item of each kind of partition; there are sixteen of some.
        let mut seen = std::collections::BTreeSet::new();
        for item in dump.table(id) {
            let (pk, sk) = (item["pk"].as_str().expect("a key"), item["sk"].as_str().expect("a key"));
            let kind = (pk.split('#').nth(2).map(str::to_owned), sk.split('#').next().map(str::to_owned));
            if pk.starts_with(&head) && (sk.len() == 32 || seen.insert(kind)) && keys.len() < 60 {
                keys.push((table.name.clone(), pk.to_owned(), sk.to_owned()));
            }
        }
    }
    keys
}

async fn is_denied(stack: &TestStack, by: &Credentials, operation: &str, body: &Value) {
    let answer = stack.dynamodb(by, operation, body).await;
    assert!(answer.text().contains("AccessDenied"), "{by:?} {operation} {body}: {}", answer.text());
}

#[test]
fn a78_a_session_of_one_workspace_reaches_no_key_of_another() {
    run(async {
        let stack = TestStack::start().await;
        let (ours, theirs) = (stack.sign_up().await, stack.sign_up().await);
        for (sender, email) in [(&ours, "somebody@ours.test"), (&theirs, "canary@theirs.test")] {
            sender.import(format!("email\n{email}\nother-{email}\n").as_bytes()).await;
            let id = sender.draft(json!({})).await;
            sender.command(&id, "launch").await.expect(202);
            sender.wait_ended(&id).await;
            sender.delete(&format!("/v1/prospects/{}", sender.prospect(email).await["id"].as_str().unwrap())).await;
            let channel = json!({"kind": "smtp", "host": "localhost", "port": 465, "security": "tls",
                "username": "u", "password": "relay word"});
            sender.put("/v1/sender", sender.identity(channel)).await;
        }
        stack.settle().await;
        let forged = keys_of(&stack, &theirs).await;
        let tables: std::collections::BTreeSet<&String> = forged.iter().map(|(table, ..)| table).collect();
        assert_eq!(tables.len(), 6, "they have something in each table but that of requests: {tables:?}");
        let (own_table, own_pk, own_sk) =
            keys_of(&stack, &ours).await.into_iter().find(|(_, _, sk)| sk == "WORKSPACE").expect("their workspace");
        let own_key = json!({"pk": {"S": own_pk}, "sk": {"S": own_sk}});
        let before = Dump::of(&stack).await;

        assert_eq!(roles(&stack).len(), 4);
        for (function, role) in roles(&stack) {
            let ours_only = session(&stack, &function, &role, &ours).await;
            // It is a session that works: what follows is refused for the key, and nothing else.
            let own = json!({"TableName": own_table, "Key": own_key});
            stack.dynamodb(&ours_only, "GetItem", &own).await.expect(200);
            for (table, pk, sk) in &forged {
                for (operation, body) in reaching(table, pk, sk) {
                    is_denied(&stack, &ours_only, operation, &body).await;
                }
                // Neither does one's own key beside it help.
                let both = json!([own_key, {"pk": {"S": pk}, "sk": {"S": sk}}]);
                let mixed = json!({"RequestItems": {table.as_str(): {"Keys": both}}});
                is_denied(&stack, &ours_only, "BatchGetItem", &mixed).await;
            }
            for table in &stack.template().tables {
                for (operation, body) in sweeping(&table.name, &ours.workspace) {
                    is_denied(&stack, &ours_only, operation, &body).await;
                }
                // A workspace whose name begins like ours.
                for pk in [format!("W#{}0", ours.workspace), format!("W#{}0#P#0", ours.workspace), "W#".to_owned()] {
                    let key = json!({"TableName": table.name, "Key": {"pk": {"S": pk}, "sk": {"S": "WORKSPACE"}}});
                    is_denied(&stack, &ours_only, "GetItem", &key).await;
                }
            }
            // Without a session the function reaches neither.
            let bare = stack.credentials_of(&function);
            is_denied(&stack, &bare, "GetItem", &own).await;
            for (table, pk, sk) in &forged {
                for (operation, body) in reaching(table, pk, sk) {
                    is_denied(&stack, &bare, operation, &body).await;
                }
            }
        }
        assert_eq!(Dump::of(&stack).await.tables, before.tables, "nothing was changed");
        // What was refused here was meant to be.
        stack.backends().iam().reset();
        stack.finish().await;
    });
}

#[test]
fn a78_no_session_is_opened_without_the_tag_of_one_workspace() {
    run(async {
        let stack = TestStack::start().await;
        let (ours, theirs) = (stack.sign_up().await, stack.sign_up().await);
        let workspace = ("workspace", ours.workspace.as_str());
        for (function, role) in roles(&stack) {
            let own = stack.credentials_of(&function);
            for tags in [
                &[][..],
                &[("workspace", "")],
                &[("workspace", "other")],
                &[("tenant", ours.workspace.as_str())],
                &[workspace, ("admin", "true")],
            ] {
                let refused = stack.assume(&own, &role, tags).await;
                assert_eq!(refused, Err("AccessDenied".to_owned()), "{function} {tags:?}");
            }
            for tags in [&[("workspace", "ws_*")][..], &[workspace, ("Workspace", theirs.workspace.as_str())]] {
                let refused = stack.assume(&own, &role, tags).await;
                assert_eq!(refused, Err("ValidationError".to_owned()), "{function} {tags:?}");
            }
            for other in stack.template().functions.iter().filter(|other| other.binary != function) {
                let refused = stack.assume(&stack.credentials_of(&other.binary), &role, &[workspace]).await;
                assert_eq!(refused, Err("AccessDenied".to_owned()), "{} as {function}", other.binary);
            }
            // A session opens no other, not even of the same role.
            let session = session(&stack, &function, &role, &ours).await;
            let further = stack.assume(&session, &role, &[("workspace", theirs.workspace.as_str())]).await;
            assert_eq!(further, Err("AccessDenied".to_owned()), "{function}");
            // The key of a session is worth nothing without its token, or with another's.
            let table = stack.template().tables.iter().find(|table| table.name.ends_with("AccountsTable")).unwrap();
            let key = json!({"pk": {"S": format!("W#{}", ours.workspace)}, "sk": {"S": "WORKSPACE"}});
            let read = json!({"TableName": table.name, "Key": key});
            for token in [None, Some("00".to_owned())] {
                is_denied(&stack, &Credentials { token, ..session.clone() }, "GetItem", &read).await;
            }
            stack.dynamodb(&session, "GetItem", &read).await.expect(200);
            let then = stack.now();
            stack.wait(SignedDuration::from_secs(3601));
            let over = stack.dynamodb(&session, "GetItem", &read).await;
            assert!(over.text().contains("ExpiredToken"), "{}", over.text());
            stack.set_time(then);
        }
        stack.backends().iam().reset();
        stack.finish().await;
    });
}

#[test]
fn a78_a_session_is_opened_once_an_hour_and_when_sts_is_busy_the_caller_comes_back() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        let opened = || stack.backends().meter().snapshot().of("prospects", "sts:AssumeRole").count;
        stack.break_things(serde_json::from_value(json!({"sts": {"throttle_every": 1}})).expect("a plan"));
        let busy = sender.get("/v1/prospects").await;
        busy.problem(503, "unavailable");
        assert_eq!((busy.header("retry-after").as_str(), opened()), ("2", 0));
        stack.break_things(Default::default());
        for _ in 0..5 {
            sender.get("/v1/prospects").await.expect(200);
        }
        assert_eq!(opened(), 1);
        // Ten minutes before its end it is not used any more.
        stack.wait(SignedDuration::from_mins(51));
        sender.log_in().await;
        for _ in 0..2 {
            sender.get("/v1/prospects").await.expect(200);
        }
        assert_eq!(opened(), 2);
        stack.finish().await;
    });
}

#[test]
fn a78_tokens_and_keys_with_another_workspace_in_them_open_nothing() {
    run(async {
        let stack = TestStack::shared().await;
        let (ours, theirs) = (stack.sign_up().await, stack.sign_up().await);
        theirs.import(b"email\nforged@theirs.test\n").await;
        ours.import(b"email\nforged@ours.test\n").await;
        let before = theirs.prospects().await;
        let client = stack.client();

        // An access token that says another workspace, with its signature, without one, and unsigned by its own word.
        let token = ours.token();
        let parts: Vec<&str> = token.split('.').collect();
        let mut claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
        assert_eq!(claims["ws"], ours.workspace);
        claims["ws"] = json!(theirs.workspace);
        let claims = URL_SAFE_NO_PAD.encode(claims.to_string());
        let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"at+jwt","kid":"v1"}"#);
        for forged in [
            format!("{}.{claims}.{}", parts[0], parts[2]),
            format!("{}.{claims}.", parts[0]),
            format!("{none}.{claims}."),
        ] {
            for path in ["/v1/prospects", "/v1/workspace", "/v1/campaigns", "/v1/imports"] {
                let answer = client.request(Method::GET, path).bearer(&forged).send().await;
                answer.problem(401, "unauthenticated");
            }
        }

        // A key for programs that names another workspace: prefix, then identifier, workspace and secret.
        let asked = json!({"name": "La nôtre", "scopes": ["prospects.read"]});
        let key = ours.post("/v1/api-keys", asked).await.expect(200).json()["key"].as_str().unwrap().to_owned();
        stack.keep_secret(&key);
        let (right, foreign) = (bytes_of(&ours), bytes_of(&theirs));
        let mut bytes = URL_SAFE_NO_PAD.decode(key.strip_prefix("pk_").unwrap()).unwrap();
        assert_eq!(bytes[10..20], right[..]);
        bytes[10..20].copy_from_slice(&foreign);
        let forged = format!("pk_{}", URL_SAFE_NO_PAD.encode(&bytes));
        client.request(Method::GET, "/v1/prospects").bearer(&forged).send().await.problem(401, "unauthenticated");

        // The link of a message, with another workspace in it: the answer is the same, and nobody is opted out.
        let id = ours.draft(json!({})).await;
        ours.command(&id, "launch").await.expect(202);
        ours.wait_ended(&id).await;
        let link = stack.mails_to("forged@ours.test")[0].unsubscribe();
        let (base, token) = link.rsplit_once('/').unwrap();
        let mut bytes = URL_SAFE_NO_PAD.decode(token).unwrap();
        assert_eq!(bytes[2..12], right[..]);
        bytes[2..12].copy_from_slice(&foreign);
        let forged = format!("{base}/{}", URL_SAFE_NO_PAD.encode(&bytes));
        client.request(Method::POST, &forged).send().await.expect(200);
        assert_eq!(theirs.prospects().await, before);
        stack.check();
    });
}

/// The ten bytes of a workspace's identifier.
fn bytes_of(sender: &Sender<'_>) -> [u8; 10] {
    let id: domain::id::WorkspaceId = sender.workspace.parse().expect("an identifier");
    *id.as_bytes()
}
