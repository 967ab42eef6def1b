//! Two runs that meet at the same people, and what is done to the calls of one of them meanwhile.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use local::backends::Plan;
use local::backends::calls::{Act, Call, Side, Watcher};
use serde_json::{Value, json};
use tests::{Sender, TestStack, files, run, wait_for};
use tokio::sync::Semaphore;

/// Longer than the sequence of those who wait for nobody.
const LONG: SignedDuration = SignedDuration::from_hours(80);

/// Whether a call of `send` is the one that matters.
type Matters = fn(&Call<'_>) -> bool;

fn claims(call: &Call<'_>) -> bool {
    call.operation == "BatchExecuteStatement" && String::from_utf8_lossy(call.request).contains("INSERT")
}

fn leaves(call: &Call<'_>) -> bool {
    call.service == "ses" && call.operation.contains("outbound-emails")
}

fn suppresses(call: &Call<'_>) -> bool {
    call.operation == "PutItem" && String::from_utf8_lossy(call.request).contains("hard_bounced")
}

/// What becomes of the first call of `send` that matters.
enum Deed {
    /// It waits until somebody lets it go on.
    Hold(Arc<Semaphore>),
    /// It is refused.
    Deny,
}

struct First {
    matters: Matters,
    side: Side,
    deed: Deed,
    seen: AtomicUsize,
    /// What the first of them asked for.
    asked: Mutex<String>,
}

impl First {
    fn watch(stack: &TestStack, matters: Matters, side: Side, deed: Deed) -> Arc<First> {
        let first = Arc::new(First { matters, side, deed, seen: AtomicUsize::new(0), asked: Mutex::default() });
        stack.backends().faults().calls().watch(Some(Arc::clone(&first) as Arc<dyn Watcher>));
        first
    }

    fn seen(&self) -> usize {
        self.seen.load(Ordering::SeqCst)
    }

    async fn struck(&self) {
        wait_for("the call that matters", || async { (self.seen() > 0).then_some(()) }).await;
    }
}

impl Watcher for First {
    fn act(&self, call: &Call<'_>) -> Act {
        if call.function != "send" || call.side != self.side || !(self.matters)(call) {
            return Act::Go;
        }
        if self.seen.fetch_add(1, Ordering::SeqCst) > 0 {
            return Act::Go;
        }
        *self.asked.lock().unwrap() = String::from_utf8_lossy(call.request).into_owned();
        match &self.deed {
            Deed::Deny => Act::Deny,
            Deed::Hold(until) => {
                let until = Arc::clone(until);
                Act::Hold(Box::pin(async move { drop(until.acquire().await) }))
            }
        }
    }
}

/// Where what failed, or came ahead of its chunk, is looked at again soon.
async fn impatient() -> TestStack {
    TestStack::with(|options| options.visibility_timeout = Some(Duration::from_secs(5))).await
}

/// The local relay as a channel.
fn relay(stack: &TestStack) -> Value {
    stack.keep_secret("a relay password");
    let port = stack.backends().smtp().tls_port();
    json!({
        "kind": "smtp", "host": "localhost", "port": port, "security": "tls",
        "username": "atelier", "password": "a relay password",
    })
}

fn counts(campaign: &Value) -> [u64; 5] {
    ["sent", "pending", "refused", "failed", "unknown"].map(|name| campaign["counts"][name].as_u64().expect("a count"))
}

/// Whoever got a message is said to have got it, or nobody knows; and whoever is said to have got it has.
async fn is_true_of_everybody(sender: &Sender<'_>, id: &str, place: &str) {
    for one in sender.all(&format!("/v1/campaigns/{id}/recipients")).await {
        let mails = sender.stack.mails_to(one["email"].as_str().expect("an address"));
        let got = mails.iter().filter(|mail| mail.header("Subject").is_some_and(|subject| subject == place)).count();
        let fine = match one["status"].as_str().expect("a status") {
            "sent" => got == 1,
            "unknown" => got <= 1,
            "refused" => got == 0,
            _ => false,
        };
        assert!(fine, "{place}: {got} messages, and {one}");
    }
}

#[test]
fn a_cancel_while_another_process_is_at_it_says_of_nobody_what_is_not_so() {
    run(async {
        let stack = impatient().await;
        let sender = stack.sign_up().await;
        for (place, matters, side) in [
            ("before the claim", claims as Matters, Side::Before),
            ("after the claim", claims, Side::After),
            ("before a message leaves", leaves, Side::Before),
            ("after a message left", leaves, Side::After),
        ] {
            let (prefix, until) = (format!("{}-", place.replace(' ', "-")), Arc::new(Semaphore::new(0)));
            sender.import(&files::people(&prefix, 5)).await;
            let first = First::watch(&stack, matters, side, Deed::Hold(Arc::clone(&until)));
            let steps = json!([{"subject": place, "text": "Avez-vous cinq minutes ?"}]);
            let chosen = sender.draft(json!({"steps": steps})).await;
            sender.command(&chosen, "launch").await.expect(202);
            first.struck().await;
            sender.command(&chosen, "cancel").await.expect(200);
            // The other process has counted everybody meanwhile.
            let counted = wait_for("everybody to be counted", || async {
                let campaign = sender.look(&chosen).await;
                (counts(&campaign)[1] == 0).then_some(campaign)
            });
            let before = counts(&counted.await);
            until.add_permits(1);
            stack.settle().await;
            let campaign = sender.look(&chosen).await;
            assert_eq!((&campaign["status"], counts(&campaign)[1]), (&json!("cancelled"), 0), "{place}: {campaign}");
            is_true_of_everybody(&sender, &chosen, place).await;
            assert_eq!(before.iter().sum::<u64>(), counts(&campaign).iter().sum::<u64>(), "{place}: {before:?}");
        }
        stack.finish().await;
    });
}

#[test]
fn whoever_another_run_is_at_is_left_to_it_and_is_not_unknown() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        // So that nobody looks every few minutes whether it is over: the clock would be moved for that.
        sender.limit(json!({"per_day": 100_000})).await;
        sender.import(&files::people("leased-", 5)).await;
        stack.break_things(serde_json::from_value(json!({"sqs": {"deliveries": 2}})).expect("a plan"));
        let until = Arc::new(Semaphore::new(0));
        let first = First::watch(&stack, leaves, Side::Before, Deed::Hold(Arc::clone(&until)));
        let id = sender.draft(json!({})).await;
        sender.command(&id, "launch").await.expect(202);
        first.struck().await;
        // The other delivery of the same message finds the claims, and puts itself back.
        let queue = stack.template().queues.iter().find(|queue| queue.name.ends_with("SendQueue")).expect("a queue");
        wait_for("the copy to wait", || async {
            let counts = stack.backends().sqs().counts(&queue.arn).expect("a queue");
            (counts.later > 0 && counts.in_flight == 1).then_some(())
        })
        .await;
        assert_eq!(counts(&sender.look(&id).await)[4], 0, "somebody is at them");
        until.add_permits(1);
        stack.settle().await;
        let campaign = sender.look(&id).await;
        assert_eq!((&campaign["status"], counts(&campaign)), (&json!("completed"), [5, 0, 0, 0, 0]), "{campaign}");
        files::addresses("leased-", 5).iter().for_each(|address| _ = stack.only_mail_to(address));
        stack.finish().await;
    });
}

#[test]
fn nobody_has_bounced_whose_address_is_not_suppressed() {
    run(async {
        let stack = impatient().await;
        let sender = stack.sign_up().await;
        sender.put("/v1/sender", sender.identity(relay(&stack))).await.expect(200);
        sender.limit(json!({"per_day": 100_000})).await;
        sender.import(b"email\ngone@bad.test\nhere@bad.test\n").await;
        let refusal = json!([{"at": "rcpt", "say": "550 5.1.1 No such user here", "of": "gone@"}]);
        stack.break_things(serde_json::from_value(json!({"smtp": {"refusals": refusal}})).expect("a plan"));
        let first = First::watch(&stack, suppresses, Side::Before, Deed::Deny);
        let id = sender.launch(sender.content(&json!({}))).await;
        assert_eq!(first.seen(), 2, "once in vain, and once again after the message was offered again");
        let campaign = sender.look(&id).await;
        assert_eq!((&campaign["status"], counts(&campaign)[1]), (&json!("completed"), 0), "{campaign}");
        let gone = sender.prospect("gone@bad.test").await;
        assert_eq!(gone["state"], "bounced", "{gone}");
        stack.only_mail_to("here@bad.test");
        stack.finish().await;
    });
}

#[test]
fn of_a_slow_account_no_more_are_claimed_than_can_leave() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        sender.import(&files::people("slow-", 40)).await;
        stack.break_things(serde_json::from_value(json!({"ses": {"rate": 2}})).expect("a plan"));
        stack.wait(SignedDuration::from_mins(2));
        let until = Arc::new(Semaphore::new(0));
        let first = First::watch(&stack, claims, Side::Before, Deed::Hold(until));
        let id = sender.draft(json!({})).await;
        sender.command(&id, "launch").await.expect(202);
        first.struck().await;
        let claimed = first.asked.lock().unwrap().matches("INSERT").count();
        // A tenth of two messages a second, for 45 seconds.
        assert!((1..=9).contains(&claimed), "{claimed} at once");
    });
}

#[test]
fn people_of_a_relay_go_on_while_ses_is_paused() {
    run(async {
        let stack = impatient().await;
        let sender = stack.sign_up().await;
        sender.limit(json!({"per_day": 100_000})).await;
        sender.add_channel(json!({"name": "Relais", "transport": relay(&stack), "limits": {"per_day": 100_000}})).await;
        sender.import(&files::people("mixed-", 120)).await;
        let paused =
            |paused: bool| -> Plan { serde_json::from_value(json!({"ses": {"paused": paused}})).expect("a plan") };
        stack.break_things(paused(true));
        let id = sender.launch(sender.content(&json!({}))).await;
        let campaign = sender.look(&id).await;
        let [sent, pending, ..] = counts(&campaign);
        assert!(sent > 30 && pending > 30 && sent + pending == 120, "{campaign}");
        assert!(campaign["paused_because"] == "sending_paused" || campaign["waiting"][0]["because"] == "ses_paused");
        for one in sender.all(&format!("/v1/campaigns/{id}/recipients?status=pending")).await {
            assert_eq!(stack.mails_to(one["email"].as_str().unwrap()).len(), 0, "{one}");
        }
        // Once nobody else is left it says so, and somebody lets it go on.
        stack.pass(SignedDuration::from_hours(1)).await;
        stack.pass(SignedDuration::from_mins(5)).await;
        let campaign = sender.look(&id).await;
        assert_eq!((&campaign["status"], &campaign["paused_because"]), (&json!("paused"), &json!("sending_paused")));
        // Whoever lets it go on knows that the account sends again, however short a time ago that was.
        stack.break_things(paused(false));
        sender.command(&id, "resume").await.expect(202);
        stack.settle().await;
        let campaign = sender.look(&id).await;
        assert_eq!((&campaign["status"], counts(&campaign)), (&json!("completed"), [120, 0, 0, 0, 0]), "{campaign}");
        files::addresses("mixed-", 120).iter().for_each(|address| _ = stack.only_mail_to(address));
        stack.finish().await;
    });
}

#[test]
fn people_of_a_relay_get_every_step_of_a_sequence_while_ses_is_paused() {
    run(async {
        let stack = impatient().await;
        let sender = stack.sign_up().await;
        sender.limit(json!({"per_day": 100_000})).await;
        let by_relay = json!({"name": "Relais", "transport": relay(&stack), "limits": {"per_day": 100_000}});
        let by_relay = sender.add_channel(by_relay).await;
        sender.import(&files::people("steps-", 60)).await;
        stack.break_things(serde_json::from_value(json!({"ses": {"paused": true}})).expect("a plan"));
        let steps = json!([{"subject": "x", "text": "One"}, {"text": "Two", "delay": {"hours": 24}}]);
        let id = sender.launch(sender.content(&json!({"steps": steps}))).await;
        let gone = counts(&sender.look(&id).await)[0];
        let campaign = loop {
            stack.pass(SignedDuration::from_hours(1)).await;
            let campaign = sender.look(&id).await;
            if campaign["status"] != "sending" {
                break campaign;
            }
            let waiting = &campaign["waiting"];
            assert!(
                waiting.as_array().is_some_and(|all| all.iter().all(|one| one["channel"] != by_relay)),
                "{waiting}"
            );
            assert!(stack.now() < campaign["launched_at"].as_str().unwrap().parse::<Timestamp>().unwrap() + LONG);
        };
        assert_eq!(campaign["paused_because"], "sending_paused");
        let of = |step: usize| campaign["steps"][step]["counts"]["sent"].as_u64().expect("a count");
        assert_eq!((of(0), of(1)), (gone, gone), "{campaign}");
        stack.finish().await;
    });
}
