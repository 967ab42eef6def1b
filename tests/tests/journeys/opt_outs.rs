//! Objections: told to whoever wants to hear of them, and counted where they came.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use serde_json::{Value, json};
use tests::{Sender, TestStack, run};

/// Clicks on the link of the latest message to somebody.
async fn click(stack: &TestStack, sender: &Sender<'_>, email: &str) {
    let link = stack.mails_to(email).pop().expect("a message").unsubscribe();
    sender.stranger().post(&link[stack.url().len()..], json!({})).await.expect(200);
    stack.settle().await;
}

#[test]
fn an_objection_is_told_once_whichever_way_it_came_and_counts_after_its_message() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        sender.take_answers().await;
        let endpoint = sender.register("/objections", &["prospect.opted_out"]).await;
        let [link, twice, answers, asks, stays] =
            ["link", "twice", "answers", "asks", "stays"].map(|n| format!("{n}@wish.test"));
        let people = [&link, &twice, &answers, &asks, &stays];
        let rows: String = people.iter().map(|email| format!("{email}\n")).collect();
        sender.import(format!("email\n{rows}").as_bytes()).await;
        let mut ids = Vec::new();
        for email in people {
            ids.push(sender.prospect(email).await["id"].as_str().unwrap().to_owned());
        }
        let mut content = sender.sequence(json!([{"delay": {"hours": 24}, "text": "Encore."}]));
        content["steps"][0]["variants"] = json!([{"name": "Un", "subject": "Un"}, {"name": "Deux", "subject": "Deux"}]);
        let id = sender.launch(content).await;
        let of_variant: Vec<Value> = sender.all(&format!("/v1/campaigns/{id}/recipients?step=1")).await;
        let variant = |email: &str| {
            let one = of_variant.iter().find(|one| one["email"] == email).expect("a recipient");
            one["variant"].as_str().expect("a variant").to_owned()
        };
        let first = [variant(&link), variant(&answers), variant(&asks)];
        let told = || -> Vec<Value> { stack.told(&endpoint).iter().map(|one| one.json()).collect() };

        click(&stack, &sender, &link).await;
        click(&stack, &sender, &link).await;
        let [one] = &told()[..] else { panic!("{:?}", told()) };
        assert_eq!(one["type"], "prospect.opted_out");
        let data = &one["data"];
        assert_eq!((&data["campaign"], &data["step"], &data["prospects"]), (&json!(id), &json!(1), &json!([ids[0]])));
        stack.answer(&answers, "Merci de me désabonner.").await;
        assert_eq!(told().len(), 2);
        stack.exercise(&asks, "objection", None).await;
        stack.settle().await;

        // After the next message it counts there.
        stack.pass(SignedDuration::from_hours(25)).await;
        click(&stack, &sender, &twice).await;
        // Of what was not told at once the purge tells, and of nothing a second time.
        stack.purge().await;
        stack.settle().await;
        stack.purge().await;
        stack.settle().await;
        let named: Vec<Value> = told().iter().map(|one| one["data"]["prospects"][0].clone()).collect();
        let expected: BTreeSet<&str> = ids[..4].iter().map(String::as_str).collect();
        assert_eq!(named.len(), 4, "{named:?}");
        assert_eq!(named.iter().map(|one| one.as_str().unwrap()).collect::<BTreeSet<_>>(), expected);

        let look = sender.look(&id).await;
        let steps = &look["steps"];
        assert_eq!(
            (&look["opted_out"], &steps[0]["opted_out"], &steps[1]["opted_out"]),
            (&json!(4), &json!(3), &json!(1)),
            "{look}"
        );
        for one in steps[0]["variants"].as_array().unwrap() {
            let name = one["name"].as_str().unwrap();
            let count = first.iter().filter(|first| *first == name).count();
            assert_eq!(one["opted_out"], count, "{name}: {look}");
        }
        stack.finish().await;
    });
}

#[test]
fn a_click_stays_one_write_where_nobody_wants_to_hear_of_it_and_the_purge_counts_it() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        sender.import(b"email\nann@quiet.test\nbob@quiet.test\n").await;
        let id = sender.launch(sender.content(&json!({}))).await;
        // The message left before anybody wanted to hear.
        let endpoint = sender.register("/late", &["prospect.opted_out"]).await;
        stack.wait(SignedDuration::from_secs(61));
        click(&stack, &sender, "ann@quiet.test").await;
        let used = stack.backends().meter().snapshot();
        let calls = |call| used.of("unsubscribe", call).count;
        assert_eq!(
            (calls("dynamodb:PutItem"), calls("sqs:SendMessage")),
            (1, 0),
            "{:?}",
            used.functions.get("unsubscribe")
        );
        assert_eq!((stack.told(&endpoint).len(), &sender.look(&id).await["opted_out"]), (0, &json!(0)));
        stack.purge().await;
        stack.settle().await;
        assert_eq!((stack.told(&endpoint).len(), &sender.look(&id).await["opted_out"]), (1, &json!(1)));
        stack.finish().await;
    });
}
