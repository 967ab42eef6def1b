//! Imports under faults: the same counts, the same people.

use std::fmt::Write as _;
use std::time::Duration;

use local::backends::Plan;
use serde_json::{Value, json};
use tests::{Sender, TestStack, run, seed, wait_for};

use super::kill;

/// Enough to take a second or two.
const ROWS: usize = 10_000;

/// A file with something of everything: new people, people held already, repetitions, rows that are refused.
fn file() -> Vec<u8> {
    let mut csv = String::from("email;first_name;last_name;company;tags\n");
    for n in 0..ROWS {
        let _ = match n % 50 {
            7 => writeln!(csv, "pas une adresse {n};X;Y;Z;"),
            13 => writeln!(csv, "p{}@import.test;Encore;Une;Fois;", n - 10),
            29 => writeln!(csv, "prive{n}@gmail.com;X;Y;Z;"),
            _ => writeln!(csv, "p{n}@import.test;Zoé{n};Été;Société {};salon", n % 40),
        };
    }
    csv.into_bytes()
}

/// People held before the import: some of them will be updated, some already say what the file says.
fn before() -> Vec<u8> {
    let mut csv = String::from("email;first_name;last_name;company;tags\n");
    for n in (0..600).filter(|n| n % 50 == 0) {
        let _ = writeln!(csv, "p{n}@import.test;Zoé{n};Été;Société {};salon", n % 40);
        let _ = writeln!(csv, "p{}@import.test;Ancien;Nom;Ancienne société;", n + 1);
    }
    csv.into_bytes()
}

async fn prepared(stack: &TestStack) -> Sender<'_> {
    let sender = stack.sign_up().await;
    sender.import(&before()).await;
    let one = sender.prospect("p100@import.test").await;
    sender.delete(&format!("/v1/prospects/{}", one["id"].as_str().unwrap())).await.expect(204);
    sender
}

/// What an import came to.
fn counts(import: &Value) -> Value {
    let names = [
        "status",
        "rows_read",
        "created",
        "updated",
        "unchanged",
        "duplicates",
        "rejected",
        "suppressed",
        "rejected_by_reason",
        "bytes",
    ];
    names.iter().map(|name| ((*name).to_owned(), import[*name].clone())).collect::<serde_json::Map<_, _>>().into()
}

/// The people, without what differs from one workspace and moment to the next.
async fn people(sender: &Sender<'_>) -> Vec<Value> {
    let mut people = sender.prospects().await;
    for person in &mut people {
        for name in ["id", "import", "created_at", "updated_at", "delete_after"] {
            person.as_object_mut().unwrap().remove(name);
        }
    }
    people
}

async fn report(sender: &Sender<'_>, import: &Value) -> String {
    sender.get(&format!("/v1/imports/{}/rejects", import["id"].as_str().unwrap())).await.expect(200).text()
}

/// Imports the same file undisturbed and under faults; both must come to the same.
async fn play(name: &str, plan: Value, kills: usize) {
    let mut chance = seed::chance(name);
    let stack = TestStack::with(|options| options.visibility_timeout = Some(Duration::from_secs(8))).await;
    let (calm, troubled) = (prepared(&stack).await, prepared(&stack).await);
    let undisturbed = calm.import(&file()).await;
    assert_eq!(undisturbed["status"], "done", "{undisturbed}");
    for count in ["created", "updated", "unchanged", "duplicates", "rejected", "suppressed"] {
        assert!(undisturbed[count].as_u64() > Some(0), "the file has no {count}: {undisturbed}");
    }

    let import = troubled.post("/v1/imports", troubled.announcement()).await.expect(201).json();
    let plan: Plan = serde_json::from_value(plan).expect("a plan");
    stack.break_things(plan);
    troubled.put_file(&import, &file()).await;
    let path = format!("/v1/imports/{}", import["id"].as_str().unwrap());
    let ended = async || {
        let answer = troubled.get(&path).await;
        let ended = answer.status == 200 && matches!(answer.json()["status"].as_str(), Some("done" | "failed"));
        ended.then(|| answer.json())
    };
    let mut killed = 0;
    for _ in 0..kills {
        // Only what is at work is killed: an idle process would be no test.
        let at_work = || async { (!stack.pids("import").is_empty() || ended().await.is_some()).then_some(()) };
        wait_for("the import to run", at_work).await;
        if ended().await.is_none() {
            killed += kill(&stack, "import", 1, Duration::from_millis(400), &mut chance).await;
        }
    }
    assert!(kills == 0 || killed > 0, "the import was over before it could be killed");
    let ended = wait_for("the import under faults", ended).await;
    stack.break_things(Plan::default());
    stack.settle().await;
    assert_eq!(counts(&ended), counts(&undisturbed));
    assert_eq!(people(&troubled).await, people(&calm).await);
    assert_eq!(report(&troubled, &ended).await, report(&calm, &undisturbed).await);
    // And once more: nothing is left to change.
    let again = troubled.import(&file()).await;
    assert_eq!((&again["created"], &again["updated"]), (&json!(0), &json!(0)), "{again}");
    stack.finish().await;
}

#[test]
fn killed_at_any_moment() {
    run(play("import killed", json!({}), 3));
}

#[test]
fn every_message_twice_and_out_of_order() {
    run(play("import twice", json!({"sqs": {"deliveries": 2, "shuffle_seed": 7}}), 0));
}

#[test]
fn dynamodb_throttles() {
    run(play("import throttled", json!({"dynamodb": {"throttle_every": 7}}), 0));
}

#[test]
fn dynamodb_commits_and_says_it_failed() {
    run(play("import failing after commits", json!({"dynamodb": {"fail_after_commit_every": 9}}), 0));
}

#[test]
fn all_of_it_at_once() {
    let plan = json!({
        "sqs": {"deliveries": 2, "shuffle_seed": 11},
        "dynamodb": {"throttle_every": 13, "fail_after_commit_every": 31},
    });
    run(play("import under everything", plan, 2));
}
