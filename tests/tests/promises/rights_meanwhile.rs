//! Requests about rights while something else goes on: a purge, an account that is closed and comes back.

use jiff::{SignedDuration, Timestamp};
use local::backends::Plan;
use serde_json::{Value, json};
use tests::{TestStack, rights::done, run, store::Dump};

const SECOND: SignedDuration = SignedDuration::from_secs(1);
const DAY: SignedDuration = SignedDuration::from_hours(24);

fn time(value: &Value) -> Timestamp {
    value.as_str().expect("a time").parse().expect("RFC 3339")
}

/// What is asked in these tests, by whom and with what words.
const ASKED: [(&str, &str, Option<&str>); 4] = [
    ("corrected@meanwhile.test", "rectification", Some("My name is Right.")),
    ("erased@meanwhile.test", "erasure", None),
    ("objects@meanwhile.test", "objection", None),
    ("frozen@meanwhile.test", "restriction", None),
];

#[test]
fn a47_a40_what_is_asked_while_a_purge_runs_is_done_and_keeps_its_date() {
    run(async {
        let stack = TestStack::start().await;
        let (stayer, leaver) = (stack.sign_up().await, stack.sign_up().await);
        let people = |name: &str| (0..120).map(|n| format!("{name}{n}@meanwhile.test\n")).collect::<String>();
        let asking: String = ASKED.iter().map(|(email, ..)| format!("{email}\n")).collect();
        stayer.import(format!("email\n{asking}{}", people("stays")).as_bytes()).await;
        leaver.import(format!("email\n{asking}{}", people("leaves")).as_bytes()).await;
        stayer.campaign(json!({})).await;
        stack.settle().await;
        let closed = leaver.delete("/v1/workspace").await.expect(200).json();
        stack.set_time(time(&closed["deleted_after"]) + SECOND);

        // A page is three items, so that the purge is everywhere while they ask.
        stack.break_things(serde_json::from_value(json!({"dynamodb": {"scan_page": 3}})).expect("a plan"));
        let purging = async {
            for _ in 0..3 {
                stack.purge().await;
            }
        };
        let asking = async {
            let mut answers = Vec::new();
            for (email, kind, message) in ASKED {
                answers.push((email, stack.now(), stack.exercise(email, kind, message).await));
            }
            answers
        };
        let ((), answers) = tokio::join!(purging, asking);
        stack.purge().await;
        stack.break_things(Plan::default());

        // Whom the stayer has to answer is on its list, with the date that was told.
        let tasks = stayer.all("/v1/rights-tasks").await;
        assert_eq!(tasks.len(), ASKED.len(), "{tasks:?}");
        for (email, asked, answer) in answers {
            let task = tasks.iter().find(|task| task["kind"] == answer["kind"]).expect("a task");
            let month = time(&task["due"]).duration_since(asked);
            assert!(month > DAY * 27 && month <= DAY * 30 + SignedDuration::from_hours(1), "{email}: {task}");
            if answer["due"].is_string() {
                assert_eq!(task["due"], answer["due"], "{email}");
            }
        }
        let emails: Vec<Value> = stayer.prospects().await.iter().map(|p| p["email"].clone()).collect();
        assert_eq!(emails.len(), 122, "who was erased or objected is gone, and nobody else: {emails:?}");
        assert_eq!(stayer.prospect("frozen@meanwhile.test").await["state"], "restricted");
        let dump = Dump::of(&stack).await;
        assert_eq!(dump.mentions("leaves0@"), [""; 0]);
        let held: Vec<String> = dump.mentions("erased@meanwhile.test");
        assert!(held.iter().all(|place| place == "RightsTable"), "only the open request names them: {held:?}");
        assert_eq!(stack.foresee().await["due"], json!({}), "something due is left");

        // Its clock runs: once it is dealt with, nothing names anybody any more.
        stack.wait(DAY * 2 + SECOND);
        assert!(stack.rights_clock().await["reminded"].as_u64() >= Some(1));
        for task in tasks.iter().filter(|task| task["status"] == "open") {
            let path = format!("/v1/rights-tasks/{}/handle", task["id"].as_str().unwrap());
            stayer.post(&path, done(task)).await.expect(200);
        }
        stack.rights_clock().await;
        assert_eq!(Dump::of(&stack).await.mentions("erased@meanwhile.test"), [""; 0]);
        stack.finish().await;
    });
}

#[test]
fn a47_a29_a_timer_runs_on_while_an_account_is_closed_and_after_it_came_back() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        let asking: String = ASKED.iter().map(|(email, ..)| format!("{email}\n")).collect();
        sender.import(format!("email\n{asking}stays@meanwhile.test\n").as_bytes()).await;
        sender.campaign(json!({})).await;
        stack.settle().await;
        let (email, kind, message) = ASKED[0];
        let first = stack.exercise(email, kind, message).await;
        let began = stack.now();
        sender.delete("/v1/workspace").await.expect(200);

        // Closed: a reminder comes on its day, and who asks now is served like anybody.
        stack.set_time(began + DAY * 2 + SECOND);
        stack.purge().await;
        assert_eq!(stack.rights_clock().await["reminded"], 1);
        for (email, kind, message) in &ASKED[1..] {
            stack.exercise(email, kind, *message).await;
        }
        stack.purge().await;
        let emails: Vec<Value> = sender.prospects().await.iter().map(|p| p["email"].clone()).collect();
        assert_eq!(emails, ["corrected@meanwhile.test", "frozen@meanwhile.test", "stays@meanwhile.test"]);
        let tasks = sender.all("/v1/rights-tasks").await;
        assert_eq!(tasks.len(), ASKED.len(), "{tasks:?}");

        // It comes back within its thirty days: the same tasks, the same dates, the reminders of day 7 and 20.
        stack.set_time(began + DAY * 6);
        sender.post("/v1/workspace/reactivate", json!({})).await.expect(200);
        stack.purge().await;
        let dates = |tasks: &[Value]| tasks.iter().map(|t| (t["id"].clone(), t["due"].clone())).collect::<Vec<_>>();
        let later = sender.all("/v1/rights-tasks").await;
        assert_eq!(dates(&later), dates(&tasks), "a date moved");
        let task = later.iter().find(|task| task["kind"] == kind).expect("the first task");
        assert_eq!(task["due"], first["due"]);
        for day in [7, 20] {
            stack.set_time(began + DAY * day + SECOND);
            assert!(stack.rights_clock().await["reminded"].as_u64() >= Some(1), "day {day}");
            stack.purge().await;
        }
        let path = format!("/v1/rights-tasks/{}/handle", task["id"].as_str().unwrap());
        sender.post(&path, json!({"outcome": "done", "change": {"first_name": "Right"}})).await.expect(200);
        assert_eq!(sender.prospect(email).await["first_name"], "Right");
        // Nobody who objected, was erased or is frozen is written to by an account that came back.
        assert_eq!(sender.campaign(json!({"name": "De retour"})).await["counts"]["sent"], 2);
        stack.finish().await;
    });
}
