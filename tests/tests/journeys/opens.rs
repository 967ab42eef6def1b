//! The image by which openings are noted: whose they are, whose not, and who hears of them.

use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};
use tests::{
    Sender, TestStack,
    clicks::{BROWSER, opens_said},
    run,
};

/// A message to these people, who agreed.
async fn written<'a>(stack: &'a TestStack, people: &[&str]) -> (Sender<'a>, String) {
    stack.set_time(opens_said() + SignedDuration::from_hours(12));
    let sender = stack.sign_up().await;
    sender.import(format!("email\n{}\n", people.join("\n")).as_bytes()).await;
    sender.records_clicks().await;
    sender.records_opens().await;
    for email in people {
        sender.agreed_to_opens(email, "2027-03-01").await.expect(200);
    }
    let campaign = sender.launch(sender.content(&json!({}))).await;
    (sender, campaign)
}

fn image(stack: &TestStack, email: &str) -> String {
    stack.only_mail_to(email).pixel().expect("an image")
}

async fn opened_on(sender: &Sender<'_>, email: &str) -> Value {
    sender.detail(email).await["history"][0]["opened_on"].clone()
}

#[test]
fn a_message_is_opened_once_counted_told_and_shown() {
    run(async {
        let stack = TestStack::start().await;
        stack.set_time(opens_said() + SignedDuration::from_hours(12));
        let (sender, campaign) = written(&stack, &["one@look.test", "two@look.test"]).await;
        let hook = sender.register("/opens", &["message.opened"]).await;
        // What was cached when the endpoint was not there yet.
        stack.wait(SignedDuration::from_secs(61));
        let answer = stack.loads_later(&image(&stack, "one@look.test")).await;
        assert_eq!(
            (answer.header("content-type"), answer.header("cache-control")),
            ("image/gif".into(), "no-store".into())
        );
        assert!(answer.headers.get("set-cookie").is_none());
        stack.wait(SignedDuration::from_hours(48));
        stack.loads_later(&image(&stack, "one@look.test")).await;
        assert_eq!(opened_on(&sender, "one@look.test").await, "2027-03-12", "the first day stays");
        assert_eq!(opened_on(&sender, "two@look.test").await, json!(null));
        let look = sender.look(&campaign).await;
        assert_eq!((&look["opened"], &look["steps"][0]["opened"]), (&json!(1), &json!(1)), "{look}");
        let told = sender.deliveries(&hook).await;
        assert_eq!(told.iter().filter(|one| one["type"] == "message.opened").count(), 1, "{told:?}");
        assert!(!Value::from(told).to_string().contains("look.test"));
        stack.finish().await;
    });
}

#[test]
fn who_looks_ahead_or_for_somebody_or_too_soon_has_opened_nothing() {
    run(async {
        let stack = TestStack::start().await;
        let (sender, campaign) = written(&stack, &["soon@look.test", "machines@look.test"]).await;
        // Within ten seconds of the hand-over.
        let handed_over = sender.detail("soon@look.test").await["history"][0]["at"].clone();
        let handed_over: Timestamp = handed_over.as_str().expect("a time").parse().expect("a time");
        stack.set_time(handed_over + SignedDuration::from_secs(9));
        stack.load(&image(&stack, "soon@look.test")).await.expect(200);
        stack.settle().await;
        assert_eq!(opened_on(&sender, "soon@look.test").await, json!(null));
        stack.wait(SignedDuration::from_mins(10));
        let (client, image) = (stack.client(), image(&stack, "machines@look.test"));
        client.request(Method::HEAD, &image).send().await.expect(200);
        let allowed = client.request(Method::OPTIONS, &image).send().await.expect(204).header("allow");
        assert_eq!(allowed, "GET, HEAD, OPTIONS");
        client.request(Method::POST, &image).send().await.expect(404);
        for (name, value) in [
            ("user-agent", "Mozilla/5.0"),
            ("user-agent", "Barracuda Sentinel (EE)"),
            ("user-agent", " "),
            ("sec-purpose", "prefetch"),
        ] {
            let asked = client.request(Method::GET, &image);
            let asked = if name == "user-agent" { asked } else { asked.header("user-agent", BROWSER) };
            asked.header(name, value).send().await.expect(200);
        }
        stack.settle().await;
        assert_eq!(opened_on(&sender, "machines@look.test").await, json!(null));
        assert_eq!(sender.look(&campaign).await["opened"], 0);
        // Gmail's proxy asks when somebody looks.
        let gmail = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)";
        client.request(Method::GET, &image).header("user-agent", gmail).send().await.expect(200);
        stack.settle().await;
        assert_eq!(opened_on(&sender, "machines@look.test").await, "2027-03-12");
        stack.finish().await;
    });
}

#[test]
fn the_dot_is_the_same_for_whatever_token_and_while_tables_are_down() {
    run(async {
        let stack = TestStack::start().await;
        let (sender, campaign) = written(&stack, &["one@look.test"]).await;
        let image = image(&stack, "one@look.test");
        stack.wait(SignedDuration::from_mins(10));
        let (head, token) = image.rsplit_once('/').expect("a token");
        let dot = stack.load(&image).await.expect(200).text();
        for token in ["x", &token[1..], &format!("{token}A"), &"A".repeat(72)] {
            assert_eq!(stack.load(&format!("{head}/{token}")).await.expect(200).text(), dot, "{token}");
        }
        stack.settle().await;
        assert_eq!(sender.look(&campaign).await["opened"], 1);
        stack.break_things(serde_json::from_value(json!({"dynamodb": {"throttle_every": 1}})).expect("a plan"));
        assert_eq!(stack.load(&image).await.expect(200).text(), dot);
        stack.break_things(Default::default());
        stack.logged("an opening is lost", 1).await;
        stack.finish().await;
    });
}

#[test]
fn openings_are_off_until_the_policy_says_them_and_a_consent_to_them_is_said_apart() {
    run(async {
        let stack = TestStack::start().await;
        stack.set_time(opens_said() - SignedDuration::from_hours(12));
        let sender = stack.sign_up().await;
        assert_eq!(sender.get("/v1/workspace").await.json()["opens"], false);
        sender.patch("/v1/workspace", json!({"opens": true})).await.problem(409, "not-announced");
        sender.records_clicks().await;
        sender.import(b"email\nyes@look.test\n").await;
        sender.agreed_to_opens("yes@look.test", "2027-03-01").await.problem(409, "opens-are-off");
        let mut announced = sender.announcement();
        announced["mapping"] =
            json!({"click_consent": "accord", "click_consent_on": "le", "click_consent_opens": "ouvertures"});
        sender.post("/v1/imports", announced.clone()).await.problem(409, "opens-are-off");

        stack.set_time(opens_said());
        // What a Sender takes on with it is in terms that it has not seen yet.
        let refused = sender.patch("/v1/workspace", json!({"opens": true})).await;
        refused.problem(403, "terms-not-accepted");
        assert!(refused.text().contains("terms 2.2: POST /v1/agreements"), "{}", refused.text());
        for role in ["viewer", "editor"] {
            sender.join(role).await.patch("/v1/workspace", json!({"opens": true})).await.expect(403);
        }
        sender.records_opens().await;
        let trail = sender.get("/v1/audit?limit=5").await.expect(200).json();
        assert_eq!(trail["items"][0]["facts"]["fields"], json!(["opens"]), "{trail}");
        let file = "email;accord;le;ouvertures\na@look.test;Formulaire;2027-03-01;Oui\nb@look.test;Formulaire;2027-03-01;non\n\
                    c@look.test;Formulaire;2027-03-01;\nd@look.test;;2027-03-01;oui\n";
        sender.import_as(announced, file.as_bytes()).await;
        for (name, opens) in [("a", json!(true)), ("b", json!(false)), ("c", json!(false)), ("d", json!(null))] {
            let person = sender.detail(&format!("{name}@look.test")).await;
            assert_eq!(person["click_consent"]["opens"], opens, "{name}: {person}");
        }
        let csv = sender.get("/v1/prospects/export?format=csv").await.expect(200).text();
        assert!(
            csv.contains("click_consent_opens") && csv.contains("Formulaire;yes") || csv.contains("Formulaire,yes"),
            "{csv}"
        );
        // Said anew without openings, it is none to them any more.
        sender.agreed("a@look.test", "2027-03-01").await.expect(200);
        assert_eq!(sender.detail("a@look.test").await["click_consent"]["opens"], false);
        stack.finish().await;
    });
}
