//! What Amazon SES says when it takes no more: nobody is lost, and nobody is written to twice.

use jiff::SignedDuration;
use serde_json::{Value, json};
use tests::{TestStack, files, run};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

fn ses(plan: Value) -> local::backends::Plan {
    serde_json::from_value(json!({ "ses": plan })).expect("a plan")
}

fn each_has_one(stack: &TestStack, prefix: &str, people: usize) {
    files::addresses(prefix, people).iter().for_each(|address| _ = stack.only_mail_to(address));
}

#[test]
fn ses_takes_no_more_in_a_second() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        sender.import(&files::people("rate-", 200)).await;
        stack.break_things(ses(json!({"rate": 30})));
        let campaign = sender.campaign(json!({})).await;
        assert_eq!(campaign["counts"]["sent"], 200, "{campaign}");
        each_has_one(&stack, "rate-", 200);
        stack.finish().await;
    });
}

#[test]
fn ses_takes_no_more_in_a_day() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        sender.import(&files::people("quota-", 150)).await;
        // So that nobody looks every few minutes whether it is over: the clock would be moved for that.
        sender.limit(json!({"per_day": 100_000})).await;
        let used = stack.mails().len() as u64;
        stack.break_things(ses(json!({"quota": used + 70})));
        let id = sender.launch(sender.content(&json!({}))).await;
        let waiting = sender.look(&id).await;
        assert_eq!((&waiting["status"], &waiting["counts"]["sent"]), (&json!("sending"), &json!(70)), "{waiting}");
        let channel = sender.first_channel().await;
        let why = &waiting["waiting"][0];
        assert_eq!((&why["channel"], &why["because"]), (&json!(channel), &json!("ses_quota")), "{waiting}");
        let until: jiff::Timestamp = why["until"].as_str().and_then(|until| until.parse().ok()).expect("a time");
        assert!((stack.now()..=stack.now() + HOUR).contains(&until), "{waiting}");
        stack.pass(HOUR * 3).await;
        assert_eq!(sender.look(&id).await["counts"]["sent"], 70, "its day is not over");
        stack.pass(HOUR * 22).await;
        assert_eq!(sender.look(&id).await["counts"]["sent"], 140 + used, "a day's messages more");
        stack.pass(HOUR * 25).await;
        let campaign = sender.look(&id).await;
        assert_eq!(
            (&campaign["status"], &campaign["counts"]["sent"]),
            (&json!("completed"), &json!(150)),
            "{campaign}"
        );
        assert_eq!(campaign["waiting"], json!([]));
        each_has_one(&stack, "quota-", 150);
        stack.finish().await;
    });
}

#[test]
fn ses_pauses_the_account() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        sender.import(&files::people("halt-", 400)).await;
        stack.break_things(ses(json!({"latency_ms": 30})));
        let id = sender.draft(json!({})).await;
        sender.command(&id, "launch").await.expect(202);
        tests::wait_for("the first messages", || async {
            (!stack.mails_to("halt-0@people.test").is_empty() || stack.mails().len() > 20).then_some(())
        })
        .await;
        stack.break_things(ses(json!({"paused": true})));
        stack.settle().await;
        let paused = sender.look(&id).await;
        assert_eq!(
            (&paused["status"], &paused["paused_because"]),
            (&json!("paused"), &json!("sending_paused")),
            "{paused}"
        );
        assert_eq!(paused["counts"]["failed"], 0, "{paused}");
        // Whoever may resume it gets a mail once one can leave, and no second one.
        let told = || stack.mails_to(&sender.email).iter().filter(|mail| mail.text.contains("avait suspendu")).count();
        stack.purge().await;
        assert_eq!(told(), 0, "nothing leaves");
        stack.break_things(local::backends::Plan::default());
        stack.purge().await;
        stack.purge().await;
        assert_eq!(told(), 1);
        // What a process knows of the account holds for a minute.
        stack.wait(SignedDuration::from_secs(61));
        sender.command(&id, "resume").await.expect(202);
        let campaign = sender.wait_ended(&id).await;
        assert_eq!(campaign["counts"]["sent"], 400, "{campaign}");
        each_has_one(&stack, "halt-", 400);
        stack.finish().await;
    });
}
