//! Many messages of one workspace do not stand in the way of a few of another's.

use serde_json::json;
use tests::{TestStack, files, run};

#[test]
fn one_with_many_waiting_does_not_delay_one_with_ten() {
    run(async {
        let stack = TestStack::start().await;
        let (many, few) = (stack.sign_up().await, stack.sign_up().await);
        many.import(&files::people("many-", 6_000)).await;
        few.import(&files::people("few-", 10)).await;
        stack.break_things(serde_json::from_value(json!({"ses": {"latency_ms": 20}})).expect("a plan"));
        let (long, short) = (many.draft(json!({})).await, few.draft(json!({})).await);
        many.command(&long, "launch").await.expect(202);
        // All of it is on the queue before the few come.
        tests::wait_for("the plan", || async {
            let seen = many.look(&long).await;
            (seen["counts"]["audience"] == 6_000 && seen["counts"]["sent"].as_u64() > Some(0)).then_some(())
        })
        .await;
        let before = stack.mails().len();
        few.command(&short, "launch").await.expect(202);
        tests::wait_for("the few", || async { (few.look(&short).await["counts"]["sent"] == 10).then_some(()) }).await;
        let meanwhile = stack.mails().len() - before - 10;
        let left = many.look(&long).await["counts"]["pending"].as_u64().expect("a count");
        // At most two chunks for each of the ten hands that send, and not the hundred and more that wait.
        assert!(meanwhile <= 2 * 10 * 50, "{meanwhile} messages of the other left before ten of these");
        assert!(left > 3_000, "the others were nearly done: {left} left, so this shows nothing");
        stack.break_things(local::backends::Plan::default());
        many.wait_ended(&long).await;
        stack.finish().await;
    });
}
