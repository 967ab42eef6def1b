//! Those who are written to have the same security as those who write: one suite, run for both (A81).

use domain::policy::inventory::{About, Inventory};
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Sender, TestStack, run, store::Dump};

/// Somebody whose data holds a word that is nowhere else: where the API shows them, and what shows it.
struct Somebody {
    about: About,
    path: String,
    word: &'static str,
}

async fn member(sender: &Sender<'_>) -> Somebody {
    let word = "Mitgliedswort";
    sender.patch("/v1/workspace", json!({"display_name": word})).await.expect(200);
    Somebody { about: About::Member, path: "/v1/members".to_owned(), word }
}

async fn prospect(sender: &Sender<'_>) -> Somebody {
    let word = "Empfaengerwort";
    let new = json!({"email": "someone@equal.test", "first_name": word, "source": sender.announcement()["source"],
        "lawful_basis": "consent"});
    let path = sender.post("/v1/prospects", new).await.expect(201).header("location");
    Somebody { about: About::Prospect, path, word }
}

/// Neither without a session, nor with another workspace's, nor with one that is made up.
async fn is_closed_to_others(stack: &TestStack, somebody: &Somebody) {
    let get = |bearer: Option<String>| {
        let asked = stack.client().request(Method::GET, &somebody.path);
        bearer.iter().fold(asked, |asked, token| asked.bearer(token))
    };
    get(None).send().await.problem(401, "unauthenticated");
    get(Some("eyJhbGciOiJub25lIn0.e30.".to_owned())).send().await.problem(401, "unauthenticated");
    let other: Answer = stack.sign_up().await.get(&somebody.path).await;
    assert!(other.status == 404 || other.status == 200, "{}", other.status);
    assert!(!other.text().contains(somebody.word), "{:?}: {}", somebody.about, other.text());
}

/// Only in tables, which are all encrypted, restorable and protected (the contract's tests hold each to it).
fn is_only_in_tables(dump: &Dump, somebody: &Somebody) {
    let holding = dump.mentions(somebody.word);
    assert!(!holding.is_empty(), "{:?}: nothing holds it", somebody.about);
    assert!(holding.iter().all(|store| store.ends_with("Table")), "{:?}: {holding:?}", somebody.about);
    let kinds = Inventory::current().about(somebody.about).count();
    assert!(kinds > 5, "the inventory knows what is held about them: {kinds}");
}

#[test]
fn a81_one_suite_of_security_holds_for_members_and_for_prospects() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        for somebody in [member(&sender).await, prospect(&sender).await] {
            // No log line of anything below may say it; the end of the test looks.
            stack.keep_secret(somebody.word);
            let own = sender.get(&somebody.path).await.expect(200).text();
            assert!(own.contains(somebody.word), "{:?}: {own}", somebody.about);
            is_closed_to_others(&stack, &somebody).await;
            is_only_in_tables(&Dump::of(&stack).await, &somebody);
            // Whatever fails says nothing of it either.
            let body: Value =
                json!({"first_name": somebody.word, "display_name": somebody.word, "role": somebody.word});
            let failed = sender.request(Method::POST, &somebody.path).json(&body).send().await;
            assert!(failed.status >= 400 && !failed.text().contains(somebody.word), "{}", failed.text());
        }
        // And both can be taken away, and are gone with the account.
        assert!(sender.get("/v1/privacy/export").await.expect(200).text().contains("Mitgliedswort"));
        assert!(sender.get("/v1/prospects/export?format=json").await.expect(200).text().contains("Empfaengerwort"));
        sender.give_up().await.expect(200);
        stack.wait(jiff::SignedDuration::from_hours(1));
        stack.purge().await;
        let dump = Dump::of(&stack).await;
        for word in ["Mitgliedswort", "Empfaengerwort"] {
            assert_eq!(dump.mentions(word), [""; 0], "{word}");
        }
        stack.finish().await;
    });
}
