//! Campaigns under faults: nobody twice, nobody lost, nobody who objected.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use local::backends::Plan;
use rand::{Rng, rngs::StdRng, seq::SliceRandom};
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Sender, TestStack, run, seed, wait_for};

use super::kill;

/// People of a campaign: seven chunks.
const PEOPLE: usize = 320;
/// Those who object: half of them before the launch, half while messages leave.
const OBJECTORS: usize = 12;
/// A person claimed before their objection may still be handed over: one group's time, with its pauses.
const IN_FLIGHT: SignedDuration = SignedDuration::from_secs(10);
/// The subject of the campaign that is looked at.
const SUBJECT: &str = "Sous les pannes";

struct Scenario {
    name: &'static str,
    plan: Plan,
    relay: bool,
    /// Kills of `send`.
    kills: usize,
}

impl Scenario {
    fn new(name: &'static str, plan: Value) -> Scenario {
        let plan = serde_json::from_value(plan).expect("a plan");
        Scenario { name, plan, relay: false, kills: 0 }
    }
}

/// What can be seen from outside once all is over.
struct Seen {
    counts: Value,
    /// Status by address.
    status: BTreeMap<String, String>,
    /// Addresses that got the message.
    accepted: BTreeSet<String>,
}

async fn play(scenario: Scenario) -> Seen {
    let mut chance = seed::chance(scenario.name);
    // What a killed process held shows again soon, and not after minutes; nothing else shows again before it is done.
    let visibility = Duration::from_secs(if scenario.kills > 0 { 4 } else { 20 });
    let stack = TestStack::with(|options| options.visibility_timeout = Some(visibility)).await;
    let sender = stack.sign_up().await;
    if scenario.relay {
        let port = stack.backends().smtp().tls_port();
        let channel = json!({"kind": "smtp", "host": "localhost", "port": port, "security": "tls", "username": "u", "password": "relay word"});
        sender.put("/v1/sender", sender.identity(channel)).await.expect(200);
    }
    let rows: String = (0..PEOPLE)
        .map(|n| format!("p{n}@faults{n}.test;Prénom{n};{}\n", if n < OBJECTORS { "objector" } else { "" }))
        .collect();
    sender.import(format!("email;first_name;tags\n{rows}").as_bytes()).await;
    let ids: BTreeMap<String, String> = sender
        .prospects()
        .await
        .iter()
        .map(|p| (p["id"].as_str().unwrap().to_owned(), p["email"].as_str().unwrap().to_owned()))
        .collect();
    assert_eq!(ids.len(), PEOPLE);
    sender.campaign(json!({"name": "Avant", "audience": {"tags_any": ["objector"]}})).await;
    let mut links: Vec<(String, String)> = (0..OBJECTORS)
        .map(|n| format!("p{n}@faults{n}.test"))
        .map(|email| (stack.only_mail_to(&email).unsubscribe(), email))
        .map(|(link, email)| (email, link))
        .collect();
    links.shuffle(&mut chance);

    let id = sender.draft(json!({"subject": SUBJECT, "text": "Bonjour {{ first_name }}"})).await;
    let (before, during) = links.split_at(OBJECTORS / 2);
    let mut objected: BTreeMap<String, Timestamp> = BTreeMap::new();
    for (email, link) in before {
        objected.insert(email.clone(), object(&stack, link).await);
    }
    stack.break_things(scenario.plan);
    wait_for("the launch", || async { (sender.command(&id, "launch").await.status / 100 != 5).then_some(()) }).await;

    let (mut killers, mut clicks) = (fork(&mut chance), fork(&mut chance));
    let killing = kill(&stack, "send", scenario.kills, Duration::from_millis(900), &mut killers);
    let clicking = async {
        let mut done = BTreeMap::new();
        for (email, link) in during {
            tokio::time::sleep(Duration::from_millis(clicks.random_range(0..300))).await;
            done.insert(email.clone(), object(&stack, link).await);
        }
        done
    };
    let (killed, more) = tokio::join!(killing, clicking);
    assert!(scenario.kills == 0 || killed > 0, "nothing was there to be killed");
    objected.extend(more);

    wait_for("the campaign under faults", || async {
        // What a killed process had claimed is left to it for minutes.
        stack.wait(SignedDuration::from_secs(if scenario.kills > 0 { 5 } else { 0 }));
        let answer = sender.get(&format!("/v1/campaigns/{id}")).await;
        (answer.status == 200 && answer.json()["status"] == "completed").then_some(())
    })
    .await;
    stack.break_things(Plan::default());
    stack.settle().await;
    let seen = look(&stack, &sender, &id, &ids).await;
    for (email, at) in &objected {
        let late =
            mails(&stack).into_iter().filter(|(to, _)| to == email).find(|(_, accepted)| *accepted > *at + IN_FLIGHT);
        assert!(late.is_none(), "{email} objected at {at} and was written to: {late:?}");
    }
    for (email, _) in before {
        assert!(!seen.accepted.contains(email), "{email} objected before the launch");
        // Claimed by a process that died before it read the objection: nobody can tell, so nobody writes again.
        let status = seen.status[email].as_str();
        assert!(status == "refused" || (status == "unknown" && scenario.kills > 0), "{email} is {status}");
    }
    stack.finish().await;
    seen
}

fn fork(chance: &mut StdRng) -> StdRng {
    rand::SeedableRng::seed_from_u64(chance.random())
}

/// Clicks until the answer is 200, and says when that was.
async fn object(stack: &TestStack, link: &str) -> Timestamp {
    wait_for("an opt-out's 200", || async {
        let click = stack.client().request(Method::POST, link);
        let answer = click.body("application/x-www-form-urlencoded", "List-Unsubscribe=One-Click").send().await;
        (answer.status == 200).then_some(())
    })
    .await;
    stack.now()
}

/// Whom the campaign's message reached, and when.
fn mails(stack: &TestStack) -> Vec<(String, Timestamp)> {
    let all = stack.backends().mailbox().all();
    let of_campaign = all.iter().filter(|stored| tests::Mail::read(stored).subject == SUBJECT);
    of_campaign.map(|stored| (stored.envelope.envelope_to[0].clone(), stored.envelope.accepted_at)).collect()
}

/// Looks at everything, and checks what must hold whatever happened.
async fn look(stack: &TestStack, sender: &Sender<'_>, id: &str, ids: &BTreeMap<String, String>) -> Seen {
    let campaign = sender.look(id).await;
    let counts = campaign["counts"].clone();
    let count = |name: &str| usize::try_from(counts[name].as_u64().unwrap()).unwrap();
    assert_eq!((count("audience"), count("pending")), (PEOPLE, 0), "somebody is lost: {campaign}");

    let mut status = BTreeMap::new();
    for recipient in sender.recipients(id).await {
        let email = &ids[recipient["prospect"].as_str().unwrap()];
        let twice = status.insert(email.clone(), recipient["status"].as_str().unwrap().to_owned());
        assert!(twice.is_none(), "{email} has two outcomes");
    }
    assert_eq!(status.len(), PEOPLE, "everybody has an outcome");
    for name in ["sent", "refused", "failed", "unknown", "pending"] {
        assert_eq!(
            status.values().filter(|s| *s == name).count(),
            count(name),
            "{name}: the counts are not the people"
        );
    }

    let mut accepted = BTreeSet::new();
    for (email, _) in mails(stack) {
        assert!(accepted.insert(email.clone()), "{email} was written to twice");
        assert!(matches!(status[&email].as_str(), "sent" | "unknown"), "{email} got it and is {}", status[&email]);
    }
    for (email, status) in &status {
        assert!(status != "sent" || accepted.contains(email), "{email} is sent and got nothing");
    }
    assert!(count("sent") + count("unknown") >= accepted.len());
    Seen { counts, status, accepted }
}

#[test]
fn killed_at_any_moment() {
    run(async {
        let seen =
            play(Scenario { kills: 4, ..Scenario::new("send killed", json!({"ses": {"latency_ms": 10}})) }).await;
        assert_eq!(seen.counts["failed"], 0, "{}", seen.counts);
        // Every message that SES took is known by its event, though the process that sent it died.
        for email in &seen.accepted {
            assert_eq!(seen.status[email], "sent", "{email}");
        }
    });
}

#[test]
fn every_message_twice_and_out_of_order() {
    run(async {
        let order: u32 = rand::random();
        let plan = json!({"sqs": {"deliveries": 2, "shuffle_seed": order}, "ses": {"latency_ms": 3}});
        let seen = play(Scenario::new("sqs twice", plan)).await;
        assert_eq!(seen.counts["failed"], 0, "{}", seen.counts);
        for email in &seen.accepted {
            assert_eq!(seen.status[email], "sent", "{email}");
        }
        let all = seen.counts["sent"].as_u64().unwrap() + seen.counts["refused"].as_u64().unwrap();
        assert_eq!(all, PEOPLE as u64, "{}", seen.counts);
    });
}

#[test]
fn dynamodb_throttles() {
    run(async {
        let seen = play(Scenario::new("dynamodb throttles", json!({"dynamodb": {"throttle_every": 5}}))).await;
        assert_eq!((&seen.counts["failed"], &seen.counts["unknown"]), (&json!(0), &json!(0)), "{}", seen.counts);
    });
}

#[test]
fn dynamodb_commits_and_says_it_failed() {
    run(async {
        let plan = json!({"dynamodb": {"fail_after_commit_every": 6}});
        let seen = play(Scenario::new("dynamodb fails after commits", plan)).await;
        assert_eq!(seen.counts["failed"], 0, "{}", seen.counts);
    });
}

#[test]
fn ses_throttles() {
    run(async {
        let seen = play(Scenario::new("ses throttles", json!({"ses": {"throttle_every": 3}}))).await;
        assert_eq!((&seen.counts["failed"], &seen.counts["unknown"]), (&json!(0), &json!(0)), "{}", seen.counts);
        assert_eq!(seen.accepted.len() as u64, seen.counts["sent"].as_u64().unwrap());
    });
}

#[test]
fn ses_takes_a_message_and_drops_the_connection() {
    run(async {
        let plan = json!({"ses": {"drop_after_accept_every": 4}});
        let seen = play(Scenario::new("ses drops", plan)).await;
        // SES's own events settle what was unknown.
        assert_eq!((&seen.counts["failed"], &seen.counts["unknown"]), (&json!(0), &json!(0)), "{}", seen.counts);
    });
}

#[test]
fn a_relay_cuts_the_connection_after_the_final_dot() {
    run(async {
        let plan = json!({"smtp": {"cut_after_data_every": 7}});
        let seen = play(Scenario { relay: true, ..Scenario::new("relay cuts", plan) }).await;
        let count = |name: &str| seen.counts[name].as_u64().unwrap();
        assert_eq!(count("sent") + count("unknown"), seen.accepted.len() as u64, "{}", seen.counts);
        assert!(count("unknown") > 20 && count("failed") == 0, "{}", seen.counts);
    });
}

#[test]
fn all_of_it_at_once() {
    run(async {
        let plan = json!({
            "sqs": {"deliveries": 2, "shuffle_seed": rand::random::<u32>()},
            "dynamodb": {"throttle_every": 9, "fail_after_commit_every": 23},
            "ses": {"throttle_every": 11, "drop_after_accept_every": 13, "latency_ms": 5},
        });
        play(Scenario { kills: 3, ..Scenario::new("everything", plan) }).await;
    });
}
