//! Purges under faults: what is due goes, once, and nothing else does.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use local::backends::Plan;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Sender, TestStack, run, store::Dump};

/// Two companies with people; one of them leaves. Gives the one that stays, and when the other is due.
async fn furnished(stack: &TestStack) -> (Sender<'_>, Timestamp) {
    let (stayer, leaver) = (stack.sign_up().await, stack.sign_up().await);
    for (sender, name) in [(&stayer, "stays"), (&leaver, "leaves")] {
        let rows: String = (0..60).map(|n| format!("{name}{n}@purge.test;P{n}\n")).collect();
        sender.import(format!("email;first_name\n{rows}").as_bytes()).await;
        sender.campaign(json!({})).await;
    }
    for n in 0..10 {
        let link = stack.only_mail_to(&format!("stays{n}@purge.test")).unsubscribe();
        stack.client().request(Method::POST, &link).send().await.expect(200);
    }
    stack.settle().await;
    let closed = leaver.delete("/v1/workspace").await.expect(200).json();
    (stayer, closed["deleted_after"].as_str().unwrap().parse().unwrap())
}

fn short_pages(items: u64) -> Plan {
    serde_json::from_value(json!({"dynamodb": {"scan_page": items}})).expect("a plan")
}

#[test]
fn a_purge_killed_at_any_page_goes_on_and_ends_the_same() {
    run(async {
        let stack = TestStack::start().await;
        let (stayer, due) = furnished(&stack).await;
        stack.set_time(due + SignedDuration::from_secs(1));
        stack.break_things(short_pages(7));
        let expected = stack.foresee().await;
        let mut killed = 0;
        // A little later each time, so that it dies on every page there is.
        let report = loop {
            let run = stack.fire("purge");
            let kill = async {
                tokio::time::sleep(Duration::from_millis(10 + 12 * killed)).await;
                stack.kill("purge").await;
            };
            let (fired, ()) = tokio::join!(run, kill);
            let fired = fired.expect("the template has a purge");
            if fired.ok && fired.result["complete"] == true {
                break fired.result;
            }
            killed += 1;
            assert!(killed < 400, "it never ends: {}", fired.result);
        };
        assert!(killed >= 3, "it was hardly killed: {killed}");
        assert_eq!(report["residuals"], json!({}), "{report}");
        // Counts of the runs before are carried on, store by store as class by class.
        let statement = &report["statement"]["statement"];
        let sum = |counts: &Value, of: fn(&Value) -> Option<u64>| {
            counts.as_object().unwrap().values().filter_map(of).sum::<u64>()
        };
        let by_store = sum(&statement["stores"], |touched| touched["deleted"].as_u64());
        assert_eq!(by_store, sum(&statement["deleted"], Value::as_u64), "{statement}");
        // All but what was deleted of a page that it was killed on, at most seven items each time.
        assert!(by_store + 7 * killed >= sum(&expected["due"], |due| due["count"].as_u64()), "{killed}: {statement}");
        assert!(expected["due"]["prospect"]["count"].as_u64() >= Some(70), "{expected}");
        stack.break_things(Plan::default());
        assert_eq!(stack.foresee().await["due"], json!({}), "something due is left");
        assert_eq!(Dump::of(&stack).await.mentions("leaves"), [""; 0]);
        let emails: Vec<Value> = stayer.prospects().await.iter().map(|p| p["email"].clone()).collect();
        assert_eq!(emails.len(), 50, "{emails:?}");
        stack.finish().await;
    });
}

#[test]
fn a_purge_goes_on_through_throttling_and_answers_that_get_lost() {
    run(async {
        let stack = TestStack::start().await;
        let (stayer, due) = furnished(&stack).await;
        stack.set_time(due + SignedDuration::from_secs(1));
        let plan = json!({"dynamodb": {"scan_page": 7, "throttle_every": 9, "fail_after_commit_every": 11}});
        stack.break_things(serde_json::from_value(plan).expect("a plan"));
        let mut tries = 0;
        while !stack.fire("purge").await.is_ok_and(|fired| fired.ok && fired.result["complete"] == true) {
            tries += 1;
            assert!(tries < 60, "it never ends");
        }
        stack.break_things(Plan::default());
        assert_eq!(stack.foresee().await["due"], json!({}), "something due is left");
        assert_eq!(stayer.prospects().await.len(), 50);
        stack.finish().await;
    });
}

#[test]
fn a_purge_beside_an_import_brings_nobody_back_and_loses_nobody() {
    run(async {
        let stack = TestStack::start().await;
        let (stayer, due) = furnished(&stack).await;
        stack.set_time(due + SignedDuration::from_secs(1));
        stack.break_things(short_pages(50));
        // Everybody again, with those who objected, and many new ones; purges come by all the while.
        let rows: String = (0..60).map(|n| format!("stays{n}@purge.test;Encore{n}\n")).collect();
        let new: String = (0..4_000).map(|n| format!("new{n}@purge.test;N{n}\n")).collect();
        let file = format!("email;first_name\n{rows}{new}");
        let id = stayer.upload(stayer.announcement(), file.as_bytes()).await;
        let mut purges = 0;
        let import = loop {
            stack.purge().await;
            purges += 1;
            let import = stayer.get(&format!("/v1/imports/{id}")).await.expect(200).json();
            if import["status"] == "done" {
                break import;
            }
            assert_ne!(import["status"], "failed", "{import}");
        };
        assert_eq!((&import["suppressed"], &import["rejected"]), (&json!(10), &json!(0)), "{purges}: {import}");
        stack.purge().await;
        stack.break_things(Plan::default());
        let people = stayer.prospects().await;
        assert_eq!(people.len(), 4_050, "after {purges} purges");
        assert!((0..10).all(|n| people.iter().all(|p| p["email"] != format!("stays{n}@purge.test"))));
        assert_eq!(stack.foresee().await["due"], json!({}));
        stack.finish().await;
    });
}
