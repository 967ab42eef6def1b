//! While the contract runs, and after it ends.

use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Sender, TestStack, run, store::Dump};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

fn time(value: &Value) -> Timestamp {
    value.as_str().expect("a time").parse().expect("RFC 3339")
}

/// The relay of this laptop, with a password or with the one that is stored.
fn relay(stack: &TestStack, password: Option<&str>) -> Value {
    let port = stack.backends().smtp().tls_port();
    let mut relay = json!({"kind": "smtp", "host": "localhost", "port": port, "security": "tls", "username": "u"});
    if let Some(password) = password {
        relay["password"] = json!(password);
    }
    relay
}

/// A workspace with something of everything in it: prospects, edits, a campaign, an opt-out, an erasure,
/// a relay's password and a mailbox's, an upload with a report, a remembered request.
async fn furnish(sender: &Sender<'_>, name: &str) {
    let stack = sender.stack;
    sender.put("/v1/sender", sender.identity(relay(stack, Some("relay word")))).await.expect(200);
    let mailbox = json!({
        "name": "Réponses", "host": "localhost", "port": 993, "security": "tls", "username": "u", "password": "mailbox word",
    });
    sender.post("/v1/mailboxes", mailbox).await.expect(200);
    let rows: String = (0..30).map(|n| format!("{name}{n}@left.test;Prénom{n};{name}\n")).collect();
    sender.import(format!("email;first_name;company\n{rows}pas une adresse;X;Y\n").as_bytes()).await;
    let key = sender
        .request(Method::POST, "/v1/campaigns")
        .header("idempotency-key", "k")
        .json(&json!({"name": "Brouillon"}));
    key.send().await.expect(201);
    sender.campaign(json!({})).await;
    let link = stack.only_mail_to(&format!("{name}0@left.test")).unsubscribe();
    stack.client().request(Method::POST, &link).send().await.expect(200);
    let erased = sender.prospect(&format!("{name}1@left.test")).await;
    sender.delete(&format!("/v1/prospects/{}", erased["id"].as_str().unwrap())).await.expect(204);
}

#[test]
fn a28_nothing_of_an_active_account_is_purged() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        let id = sender.draft(json!({"name": "Gardée"})).await;
        let sender_before = sender.get("/v1/sender").await.json();
        stack.wait(HOUR * 24 * 365 * 5);
        stack.purge().await;
        sender.log_in().await;
        assert_eq!(sender.get("/v1/workspace").await.expect(200).json()["status"], "active");
        assert_eq!(sender.get("/v1/sender").await.expect(200).json(), sender_before);
        assert_eq!(sender.look(&id).await["name"], "Gardée");
        stack.finish().await;
    });
}

#[test]
fn a29_a_closed_account_can_come_back_for_thirty_days() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        furnish(&sender, "back").await;
        let key = sender.post("/v1/api-keys", json!({"name": "CRM", "scopes": ["prospects.read"]})).await.expect(200);
        let key = key.json()["key"].as_str().unwrap().to_owned();
        stack.keep_secret(key.clone());
        let read = || stack.client().request(Method::GET, "/v1/prospects").bearer(&key);
        read().send().await.expect(200);
        let viewer = sender.join("viewer").await;
        viewer.get("/v1/prospects").await.expect(200);
        let draft = sender.draft(json!({"name": "De retour"})).await;
        let closed = sender.delete("/v1/workspace").await.expect(200).json();
        assert_eq!(closed["status"], "closed");
        // Secrets go first: the keys, everybody else's sessions, the relay's password. The owner is told, once.
        read().send().await.problem(401, "unauthenticated");
        viewer.request(Method::GET, "/v1/prospects").send().await.problem(401, "unauthenticated");
        let stored = Dump::of(&stack).await.table("AccountsTable").iter().find(|item| item["sk"] == "SENDER").cloned();
        assert_eq!(stored.unwrap()["sender"]["channels"][0]["transport"]["secret"], "");
        assert_eq!(viewer.get("/v1/sender").await.expect(200).json()["channel"]["password_set"], false);
        let accounts = Dump::of(&stack).await;
        let accounts = accounts.table("AccountsTable");
        let mailboxes = accounts.iter().find(|item| item["sk"] == "MAILBOXES").unwrap();
        assert_eq!(mailboxes["mailboxes"][0]["secret"], "");
        assert!(!accounts.iter().any(|item| item["pk"] == "MAILBOXES"), "nobody looks into it any more");
        let told = || stack.mails_to(&sender.email).iter().filter(|mail| mail.text.contains("est fermé")).count();
        assert_eq!(told(), 1);
        let again = sender.delete("/v1/workspace").await.expect(200).json();
        assert_eq!(again["closed_at"], closed["closed_at"], "closing twice does not move the date");
        assert_eq!(told(), 1);

        // Nothing is imported or sent, everything can be read and taken away.
        for (path, body) in [("/v1/imports", sender.announcement()), ("/v1/campaigns", json!({"name": "x"}))] {
            let refused = sender.post(path, body).await;
            refused.problem(403, "workspace-closed");
        }
        assert_eq!(
            sender.get("/v1/prospects/export?format=json").await.expect(200).json()["items"].as_array().map(Vec::len),
            Some(29)
        );

        stack.set_time(time(&closed["closed_at"]) + HOUR * (29 * 24 + 23));
        stack.purge().await;
        assert_eq!(sender.get("/v1/workspace").await.expect(200).json()["status"], "closed");
        assert_eq!(sender.post("/v1/workspace/reactivate", json!({})).await.expect(200).json()["status"], "active");
        stack.wait(HOUR * 48);
        stack.purge().await;
        // Everybody has been informed, so nobody was due but the one who objected.
        assert_eq!(sender.prospects().await.len(), 28);
        // A campaign waits for the password: nobody has kept it.
        let problem = sender.command(&draft, "launch").await.problem(422, "launch-refused");
        assert_eq!(problem["errors"][0]["field"], "sender.channel.password", "{problem}");
        sender.put("/v1/sender", sender.identity(relay(&stack, None))).await.problem(422, "validation-failed");
        sender.put("/v1/sender", sender.identity(relay(&stack, Some("relay word")))).await.expect(200);
        sender.command(&draft, "launch").await.expect(202);
        assert_eq!(sender.wait_ended(&draft).await["counts"]["sent"], 28);
        stack.finish().await;
    });
}

#[test]
fn a29_who_wants_nothing_to_wait_is_erased_by_the_next_purge() {
    run(async {
        let stack = TestStack::start().await;
        let (leaver, stayer) = (stack.sign_up().await, stack.sign_up().await);
        furnish(&leaver, "leaver").await;
        let editor = leaver.join("editor").await;
        let confirmed = json!({"erase": "now", "company": "Atelier Érable"});
        let close = async |sender: &Sender<'_>, body: &Value| {
            sender.request(Method::DELETE, "/v1/workspace").json(body).send().await
        };
        // Not by mistake, and not by just anybody.
        for wrong in [json!({"erase": "now"}), json!({"erase": "now", "company": "atelier"})] {
            let problem = close(&leaver, &wrong).await.problem(422, "validation-failed");
            assert_eq!(problem["errors"][0]["field"], "company", "{problem}");
        }
        close(&leaver, &json!({"erase": "later"})).await.problem(422, "validation-failed");
        close(&leaver, &json!({"now": true})).await.problem(422, "validation-failed");
        close(&editor, &confirmed).await.problem(403, "forbidden");
        assert_eq!(leaver.get("/v1/workspace").await.expect(200).json()["status"], "active");

        // Who has closed it may still make up their mind; who has given it up may not.
        close(&leaver, &json!({})).await.expect(200);
        let closed = leaver.give_up().await.expect(200).json();
        assert_eq!(closed["deleted_after"], closed["closed_at"], "{closed}");
        assert!(time(&closed["deleted_after"]) <= stack.now());
        leaver.post("/v1/workspace/reactivate", json!({})).await.problem(403, "workspace-closed");
        let who = json!({"email": leaver.email, "password": leaver.password});
        stack.client().post("/v1/session", who).await.problem(401, "unauthenticated");

        stack.wait(HOUR);
        stack.purge().await;
        let dump = Dump::of(&stack).await;
        let left = dump.of_workspace(&leaver.workspace);
        let left: Vec<_> = left.into_iter().filter(|item| !item.starts_with("EvidenceTable")).collect();
        assert!(left.is_empty(), "left of an account that was given up: {left:#?}");
        for gone in ["leaver", &leaver.email, &editor.email] {
            assert_eq!(dump.mentions(gone), [""; 0], "{gone}");
        }
        assert_eq!(stayer.get("/v1/workspace").await.expect(200).json()["status"], "active");
        stack.finish().await;
    });
}

#[test]
fn a29_a74_after_thirty_days_nothing_of_a_closed_account_is_left() {
    run(async {
        let stack = TestStack::start().await;
        let (leaver, stayer) = (stack.sign_up().await, stack.sign_up().await);
        furnish(&leaver, "leaver").await;
        furnish(&stayer, "stayer").await;
        let closed = leaver.delete("/v1/workspace").await.expect(200).json();
        let due = time(&closed["deleted_after"]);
        assert!(due.duration_since(time(&closed["closed_at"])) >= HOUR * (24 * 30 - 1), "{closed}");

        stack.set_time(due - SignedDuration::from_secs(1));
        stack.purge().await;
        assert!(Dump::of(&stack).await.of_workspace(&leaver.workspace).len() > 60, "deleted early by a second");
        let kept = Dump::of(&stack).await.of_workspace(&stayer.workspace).len();

        stack.set_time(due + SignedDuration::from_secs(1));
        let report = stack.purge().await;
        assert!(report["deleted"]["prospect"].as_u64() >= Some(28), "{report}");
        let dump = Dump::of(&stack).await;
        let left: Vec<String> = dump
            .of_workspace(&leaver.workspace)
            .into_iter()
            .filter(|item| !item.starts_with("EvidenceTable"))
            .collect();
        assert!(left.is_empty(), "left of a closed account: {left:#?}");
        for gone in ["leaver", &leaver.email] {
            assert_eq!(dump.mentions(gone), [""; 0], "{gone}");
        }
        // The neighbour lost nothing but what was due anyway.
        assert!(dump.of_workspace(&stayer.workspace).len() + 20 > kept, "{kept}");
        assert_eq!(stayer.prospects().await.len(), 28);
        let who = json!({"email": leaver.email, "password": leaver.password});
        stack.client().post("/v1/session", who).await.problem(401, "unauthenticated");
        // A second run finds nothing more of it.
        stack.purge().await;
        assert_eq!(stayer.prospects().await.len(), 28);
        stack.finish().await;
    });
}

#[test]
fn a37_what_is_over_cannot_be_brought_back_from_what_remains() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        furnish(&sender, "gone").await;
        // Somebody whom a member corrected is in the audit trail, by a fingerprint.
        let corrected = sender.prospect("gone2@left.test").await;
        let path = format!("/v1/prospects/{}", corrected["id"].as_str().unwrap());
        sender.patch(&path, json!({"company": "Corrigée"})).await.expect(200);
        // One person, erased on request: at once out of every table, out of the file within its 30 days.
        let mut dump = Dump::of(&stack).await;
        assert_eq!(dump.mentions("gone1@left.test"), ["objects"]);
        assert_eq!(dump.mentions("Prénom1\""), [""; 0]);
        stack.wait(HOUR * 24 * 31);
        stack.purge().await;
        dump = Dump::of(&stack).await;
        assert_eq!(dump.mentions("gone1@left.test"), [""; 0]);
        assert!(dump.objects.is_empty(), "{:?}", dump.objects.keys());

        // The whole account: what remains holds no address, no name, no fingerprint and no key.
        let fingerprints: Vec<String> =
            dump.tables["ProspectsTable"].iter().map(|p| p["sk"].as_str().unwrap().to_owned()).collect();
        assert!(fingerprints.len() > 20);
        let closed = sender.delete("/v1/workspace").await.expect(200).json();
        stack.set_time(time(&closed["deleted_after"]) + SignedDuration::from_secs(1));
        stack.purge().await;
        let dump = Dump::of(&stack).await;
        for fingerprint in &fingerprints {
            assert_eq!(dump.mentions(fingerprint), [""; 0], "a fingerprint of a deleted person");
        }
        for word in ["@left.test", "Prénom", "relay word", "mailbox word", sender.email.as_str()] {
            assert_eq!(dump.mentions(word), [""; 0], "{word}");
        }
        assert!(
            !dump.tables["KeysTable"].iter().any(|key| key.to_string().contains(&sender.workspace)),
            "a data key outlived its data"
        );
        // The records of the purge are numbers.
        for run in dump.table("EvidenceTable").iter().filter(|item| item["pk"] == "PURGE") {
            assert!(!run.to_string().contains("ws_") && !run.to_string().contains('@'), "{run}");
        }
        stack.finish().await;
    });
}
