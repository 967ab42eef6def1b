//! Sequences under faults: no step twice, nobody lost between two steps.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::SignedDuration;
use local::backends::Plan;
use serde_json::{Value, json};
use tests::{TestStack, run, seed, wait_for};

use super::kill;

/// People of a sequence: three chunks.
const PEOPLE: usize = 130;
/// Its steps.
const STEPS: usize = 3;
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Plays a sequence under a plan, with schedules that fire twice at once, and looks at what must hold. Gives the
/// campaign as it ended.
async fn play(name: &'static str, plan: Value, kills: usize) -> Value {
    let mut chance = seed::chance(name);
    let visibility = Duration::from_secs(if kills > 0 { 4 } else { 20 });
    let stack = TestStack::with(|options| options.visibility_timeout = Some(visibility)).await;
    let sender = stack.sign_up().await;
    let rows: String = (0..PEOPLE).map(|n| format!("p{n}@steps{n}.test\n")).collect();
    sender.import(format!("email\n{rows}").as_bytes()).await;
    let later = json!([
        {"delay": {"hours": 20}, "variants": [{"name": "Encore.", "text": "Encore."}, {"name": "Re.", "text": "Re."}]},
        {"delay": {"hours": 20}, "text": "Fin."},
    ]);
    let content = sender.sequence(later);
    let id = sender.post("/v1/campaigns", content).await.expect(201).json()["id"].as_str().unwrap().to_owned();
    stack.break_things(serde_json::from_value(plan).expect("a plan"));
    wait_for("the launch", || async { (sender.command(&id, "launch").await.status / 100 != 5).then_some(()) }).await;
    let path = format!("/v1/campaigns/{id}");
    for step in 0..STEPS {
        let killing = async {
            kill(&stack, "send", kills, Duration::from_millis(400), &mut chance).await
                + kill(&stack, "follow-up", kills.min(1), Duration::from_millis(50), &mut chance).await
        };
        let settled = wait_for("a step under faults", || async {
            // Twice, and together: what a schedule does at its worst. A run that is killed or throttled comes again.
            let _ = tokio::join!(stack.fire("follow-up"), stack.fire("follow-up"));
            // What a killed process had claimed is left to it for minutes.
            stack.wait(SignedDuration::from_secs(if kills > 0 { 5 } else { 0 }));
            let answer = sender.get(&path).await;
            let pending = |campaign: Value| campaign["steps"][step]["counts"]["pending"].as_u64();
            (answer.status == 200 && pending(answer.json()) == Some(0)).then_some(())
        });
        tokio::join!(killing, settled);
        stack.settle().await;
        stack.wait(DAY);
    }
    stack.break_things(Plan::default());
    stack.settle().await;
    let campaign = sender.look(&id).await;
    assert_eq!(campaign["status"], "completed", "{campaign}");
    assert_eq!(campaign["counts"]["audience"], PEOPLE * STEPS, "{campaign}");

    let mut got: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for mail in stack.mails().into_iter().filter(|mail| mail.to.starts_with('p')) {
        got.entry(mail.to.clone()).or_default().push(mail.text.lines().next().unwrap_or_default().to_owned());
    }
    for (address, texts) in &got {
        let different: BTreeSet<_> = texts.iter().collect();
        assert_eq!(different.len(), texts.len(), "{address} got a step twice: {texts:?}");
    }
    let [variants, sent] = ["variants", "counts"].map(|name| campaign["steps"][1][name].clone());
    let of_each = variants.as_array().unwrap().iter().map(|variant| variant["sent"].as_u64().unwrap());
    assert_eq!(of_each.sum::<u64>(), sent["sent"].as_u64().unwrap(), "a variant is not counted: {campaign}");
    // What is sent was received; whoever has no outcome of it got no more.
    for step in 1..=STEPS {
        let outcomes = sender.all(&format!("{path}/recipients?step={step}&limit=200")).await;
        assert_eq!(outcomes.len(), PEOPLE, "step {step}");
        for outcome in outcomes {
            let texts = got.get(outcome["email"].as_str().unwrap()).map_or(0, Vec::len);
            assert!(outcome["status"] != "sent" || texts >= step, "{outcome} and got {texts}");
            let variant = outcome["variant"].as_str();
            let is_theirs = |name: &str| got[outcome["email"].as_str().unwrap()].iter().any(|text| text == name);
            assert!(outcome["status"] != "sent" || step != 2 || variant.is_some_and(is_theirs), "{outcome}: {got:?}");
            assert!(outcome["status"] != "refused" || texts < step, "{outcome} and got {texts}");
        }
    }
    stack.finish().await;
    campaign
}

#[test]
fn a_sequence_killed_at_any_moment_sends_no_step_twice() {
    run(async {
        play("sequence killed", json!({"ses": {"latency_ms": 10}}), 2).await;
    });
}

#[test]
fn a_sequence_whose_messages_come_twice_sends_no_step_twice() {
    run(async {
        let plan = json!({"sqs": {"deliveries": 2, "shuffle_seed": rand::random::<u32>()}, "ses": {"latency_ms": 3}});
        let campaign = play("sequence twice", plan, 0).await;
        assert_eq!(campaign["counts"]["sent"], PEOPLE * STEPS, "{campaign}");
    });
}

#[test]
fn a_sequence_goes_on_when_dynamodb_says_no() {
    run(async {
        let plan = json!({"dynamodb": {"throttle_every": 7, "fail_after_commit_every": 29}});
        let campaign = play("sequence throttled", plan, 0).await;
        assert_eq!(campaign["counts"]["failed"], 0, "{campaign}");
    });
}
