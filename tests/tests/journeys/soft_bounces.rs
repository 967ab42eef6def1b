//! Messages that come back for a reason that may pass.

use serde_json::{Value, json};
use tests::{Sender, TestStack, run};

/// Campaigns to everybody, one after the other.
async fn campaigns(sender: &Sender<'_>, stack: &TestStack, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for number in 0..count {
        ids.push(sender.launch(sender.content(&json!({"name": format!("Lettre {number}")}))).await);
        // No two leave at the same second.
        stack.wait(jiff::SignedDuration::from_secs(2));
    }
    ids
}

/// Why somebody is not written to.
async fn reason(sender: &Sender<'_>, email: &str) -> Value {
    let person = sender.prospect(email).await;
    let detail = sender.get(&format!("/v1/prospects/{}", person["id"].as_str().unwrap())).await.expect(200).json();
    let stands = !detail["suppression"].is_null();
    assert_eq!(person["state"] == "active", !stands, "{detail}");
    detail["suppression"]["reason"].clone()
}

#[test]
fn who_has_three_messages_in_a_row_come_back_is_not_written_to_any_more() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        let names = ["full", "late", "between", "twice", "worse", "wish"];
        let rows: String = names.iter().map(|name| format!("{name}@soft.test\n")).collect();
        sender.import(format!("email\n{rows}").as_bytes()).await;
        let ids = campaigns(&sender, &stack, 4).await;
        let at = |name: &str| format!("{name}@soft.test");
        let back = async |name: &str, order: &[usize]| {
            for number in order {
                sender.bounces(&ids[*number], &at(name), "Transient").await;
            }
        };
        back("full", &[0, 1]).await;
        assert_eq!(reason(&sender, &at("full")).await, Value::Null);
        back("full", &[2]).await;
        assert_eq!(reason(&sender, &at("full")).await, "soft_bounced");
        // In whatever order the news comes, and twice.
        back("late", &[3, 1, 3, 1]).await;
        assert_eq!(reason(&sender, &at("late")).await, Value::Null);
        back("late", &[2]).await;
        assert_eq!(reason(&sender, &at("late")).await, "soft_bounced");
        // One that arrived lies between.
        back("between", &[3, 0, 1]).await;
        // The same message three times is one.
        back("twice", &[0, 0, 0]).await;
        for name in ["between", "twice"] {
            assert_eq!(reason(&sender, &at(name)).await, Value::Null, "{name}");
        }
        // What says more stands in its place, and nothing that says less does.
        back("worse", &[0, 1, 2]).await;
        sender.bounces(&ids[3], &at("worse"), "Permanent").await;
        back("worse", &[0]).await;
        assert_eq!(reason(&sender, &at("worse")).await, "hard_bounced");
        back("wish", &[1, 2, 3]).await;
        let link = stack.mails_to(&at("wish")).pop().expect("a mail").unsubscribe();
        sender.stranger().post(&link[stack.url().len()..], json!({})).await.expect(200);
        assert_eq!(reason(&sender, &at("wish")).await, "opted_out");

        let next = sender.launch(sender.content(&json!({"name": "Suite"}))).await;
        let campaign = sender.wait_ended(&next).await;
        let expected = json!({"soft_bounced": 2, "hard_bounced": 1, "opted_out": 1});
        assert_eq!((&campaign["counts"]["sent"], &campaign["refused_by_reason"]), (&json!(2), &expected), "{campaign}");
        stack.finish().await;
    });
}

#[test]
fn a_workspace_says_how_many_messages_in_a_row_are_too_many() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        assert_eq!(sender.get("/v1/workspace").await.json()["soft_bounces"], json!({"run": 3, "days": 60}));
        for (asked, field) in [
            (json!({"run": 1, "days": 60}), "soft_bounces.run"),
            (json!({"run": 11, "days": 60}), "soft_bounces.run"),
            (json!({"run": 3, "days": 0}), "soft_bounces.days"),
            (json!({"run": 3, "days": 366}), "soft_bounces.days"),
            (json!({"run": 999, "days": 60}), "soft_bounces.run"),
            (json!({"run": 3, "days": -1}), "soft_bounces.days"),
        ] {
            let refused = sender.patch("/v1/workspace", json!({"soft_bounces": asked})).await;
            refused.problem(422, "validation-failed");
            assert_eq!(refused.fields(), [field]);
        }
        let two = json!({"run": 2, "days": 1});
        let changed = sender.patch("/v1/workspace", json!({"soft_bounces": two})).await.expect(200).json();
        assert_eq!(changed["soft_bounces"], two);
        sender.import(b"email\nnear@two.test\nfar@two.test\n").await;
        let near = campaigns(&sender, &stack, 2).await;
        stack.wait(jiff::SignedDuration::from_hours(30));
        let far = campaigns(&sender, &stack, 1).await.remove(0);
        for (campaign, email) in [
            (&near[0], "near@two.test"),
            (&near[1], "near@two.test"),
            (&near[1], "far@two.test"),
            (&far, "far@two.test"),
        ] {
            sender.bounces(campaign, email, "Transient").await;
        }
        assert_eq!(reason(&sender, "near@two.test").await, "soft_bounced");
        assert_eq!(reason(&sender, "far@two.test").await, Value::Null, "more than a day lies between them");
        stack.finish().await;
    });
}
