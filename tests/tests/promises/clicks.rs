//! Clicks are recorded of whoever agreed and of nobody else (A65), until they withdraw it (A45); a click of theirs is
//! their own contact, a program's never (A73).

use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};
use tests::{
    Sender, TestStack,
    clicks::said,
    run,
    store::{Backup, Dump},
};

const HTML: &str =
    "<p><a href=\"https://shop.example.com/one\">un</a> et <a href=\"https://shop.example.com/two\">deux</a></p>";

/// A message with links to these people, of whom those in `agreed` agreed.
async fn written<'a>(stack: &'a TestStack, people: &[&str], agreed: &[&str]) -> (Sender<'a>, String) {
    stack.set_time(said() + SignedDuration::from_hours(12));
    let sender = stack.sign_up().await;
    let rows: String = people.iter().map(|name| format!("{name}@promise.test\n")).collect();
    sender.import(format!("email\n{rows}").as_bytes()).await;
    sender.records_clicks().await;
    for name in agreed {
        sender.agreed(&format!("{name}@promise.test"), "2027-02-01").await.expect(200);
    }
    let campaign = again(&sender).await;
    (sender, campaign)
}

async fn again(sender: &Sender<'_>) -> String {
    let mut content = sender.content(&json!({}));
    content["steps"][0]["html"] = json!(HTML);
    sender.launch(content).await
}

async fn clicked(sender: &Sender<'_>, name: &str) -> bool {
    let detail = sender.detail(&format!("{name}@promise.test")).await;
    let history = detail["history"].as_array().cloned().unwrap_or_default();
    history.iter().any(|event| event["clicked_at"].is_string())
}

fn links(stack: &TestStack, name: &str) -> Vec<String> {
    stack.mails_to(&format!("{name}@promise.test")).pop().expect("a message").signed_links()
}

/// What is stored of clicks, whoever's.
async fn recorded(stack: &TestStack) -> Vec<Value> {
    let dump = Dump::of(stack).await;
    let deliveries =
        dump.table("OutreachTable").iter().filter(|item| item["pk"].as_str().is_some_and(|pk| pk.contains("#D#")));
    let clicks = deliveries.filter(|item| ["y", "c", "l", "b"].iter().any(|name| !item[name].is_null())).cloned();
    clicks.collect()
}

#[test]
fn a65_whoever_did_not_agree_gets_the_message_that_they_always_got_and_nothing_is_recorded() {
    run(async {
        let stack = TestStack::start().await;
        let (sender, _) = written(&stack, &["yes", "no"], &["yes"]).await;
        let before = stack.only_mail_to("no@promise.test");
        assert_eq!((links(&stack, "yes").len(), links(&stack, "no").len()), (2, 0));
        assert_eq!(before.html.matches("https://shop.example.com/").count(), 2);
        assert!(!before.raw.contains("/c/") && !before.raw.contains("consent"), "{}", before.raw);
        // With the switch off, byte for byte the same but for what says which message it is.
        sender.patch("/v1/workspace", json!({"clicks": false})).await.expect(200);
        again(&sender).await;
        let after = stack.mails_to("no@promise.test").pop().expect("a message");
        let words = |mail: &tests::Mail| (mail.subject.clone(), mail.html.clone());
        let notice = |html: String| html.split("<table role").next().map(str::to_owned);
        assert_eq!(notice(words(&before).1), notice(words(&after).1));
        let off = stack.mails_to("yes@promise.test").pop().expect("a message");
        assert!(off.signed_links().is_empty() && off.withdrawal().is_none());
        // A link that is out already leads on, and is not recorded.
        let out = stack.mails_to("yes@promise.test").remove(0).signed_links();
        stack.clicks_later(&out[0]).await;
        assert!(recorded(&stack).await.is_empty());
        stack.finish().await;
    });
}

#[test]
fn a65_of_a_click_the_time_and_the_link_are_kept_and_not_who_asked_with_what_from_where() {
    run(async {
        let stack = TestStack::start().await;
        let (sender, _) = written(&stack, &["yes", "no"], &["yes"]).await;
        let entries = async || {
            let trail = sender.all("/v1/audit").await;
            trail.iter().filter(|entry| entry["action"] != "session.opened").count()
        };
        let before = entries().await;
        stack.clicks_later(&links(&stack, "yes")[1]).await;
        assert_eq!(entries().await, before, "no entry of whoever clicked");
        let recorded = recorded(&stack).await;
        assert_eq!(recorded.len(), 1);
        let of_clicks = ["y", "c", "l", "b"].map(|name| recorded[0][name].clone());
        assert!(
            of_clicks[0].is_null() && of_clicks[1].is_number() && of_clicks[2] == 2 && of_clicks[3].is_null(),
            "{of_clicks:?}"
        );
        let text = recorded[0].to_string();
        for never in ["Firefox", "127.0.0", "shop.example", "promise.test"] {
            assert!(!text.contains(never), "{never}: {text}");
        }
        stack.finish().await;
    });
}

#[test]
fn a45_withdrawing_holds_at_the_next_message_and_for_links_that_are_out() {
    run(async {
        let stack = TestStack::start().await;
        let people = ["link", "sender", "stop", "wish", "frozen", "stays"];
        let (sender, _) = written(&stack, &people, &people).await;
        let out: Vec<Vec<String>> = people.iter().map(|name| links(&stack, name)).collect();
        let client = stack.client();
        // By the link of the message: looking changes nothing.
        let page = stack.only_mail_to("link@promise.test").withdrawal().expect("a link");
        let asked = client.get(&page).await.expect(200);
        assert!(
            asked.text().contains("method=\"post\"") && asked.header("content-language") == "fr",
            "{}",
            asked.text()
        );
        client.request(Method::HEAD, &page).send().await.expect(200);
        assert_eq!(
            client.request(Method::OPTIONS, &page).send().await.expect(204).header("allow"),
            "GET, HEAD, OPTIONS, POST"
        );
        assert_eq!(sender.detail("link@promise.test").await["click_consent"]["withdrawn_at"], json!(null));
        client.request(Method::POST, &page).send().await.expect(200);
        client.request(Method::POST, &page).send().await.expect(200);
        client.request(Method::POST, &page[..page.len() - 3]).send().await.expect(404);
        // By the Sender, an opt-out, a withdrawal on the page of rights, a restriction.
        let id = |detail: Value| format!("/v1/prospects/{}", detail["id"].as_str().expect("an id"));
        let theirs = id(sender.detail("sender@promise.test").await);
        sender.patch(&theirs, json!({"click_consent": null})).await.expect(200);
        let stop = stack.only_mail_to("stop@promise.test").unsubscribe();
        client.request(Method::POST, &stop).send().await.expect(200);
        stack.exercise("wish@promise.test", "consent_withdrawal", None).await;
        let frozen = id(sender.detail("frozen@promise.test").await);
        sender.patch(&frozen, json!({"state": "restricted"})).await.expect(200);
        for (name, links) in people.iter().zip(&out) {
            let answer = stack.clicks_later(&links[0]).await;
            assert_eq!(answer.header("location"), "https://shop.example.com/one", "{name}");
            assert_eq!(clicked(&sender, name).await, *name == "stays", "{name}");
        }
        assert_eq!(recorded(&stack).await.len(), 1);
        // The next message of whoever is still written to.
        again(&sender).await;
        for (name, signed) in [("link", 0), ("sender", 0), ("stays", 2)] {
            assert_eq!(links(&stack, name).len(), signed, "{name}");
        }
        // A list from before does not bring it back; a consent given since does.
        sender.agreed("link@promise.test", "2027-02-01").await.problem(422, "validation-failed");
        let mut announced = sender.announcement();
        announced["mapping"] = json!({"click_consent": "accord", "click_consent_on": "le"});
        sender.import_as(announced, b"email;accord;le\nlink@promise.test;Stand;2027-02-01\n").await;
        assert!(sender.detail("link@promise.test").await["click_consent"]["withdrawn_at"].is_string());
        stack.wait(SignedDuration::from_hours(72));
        let today = sender.today();
        sender.agreed("link@promise.test", &today).await.expect(200);
        again(&sender).await;
        assert_eq!(links(&stack, "link").len(), 2);
        stack.finish().await;
    });
}

#[test]
fn a45_a_click_on_its_way_is_dropped_when_the_consent_is_withdrawn_meanwhile() {
    run(async {
        let stack = TestStack::start().await;
        let (sender, _) = written(&stack, &["yes"], &["yes"]).await;
        let link = links(&stack, "yes").remove(0);
        stack.wait(SignedDuration::from_mins(10));
        stack.click(&link).await.expect(302);
        let page = stack.only_mail_to("yes@promise.test").withdrawal().expect("a link");
        stack.client().request(Method::POST, &page).send().await.expect(200);
        stack.settle().await;
        assert!(!clicked(&sender, "yes").await);
        assert!(recorded(&stack).await.is_empty(), "nothing of it is left");
        stack.finish().await;
    });
}

#[test]
fn a73_a_click_of_theirs_starts_the_three_years_anew_to_the_second_and_a_programs_does_not() {
    run(async {
        let stack = TestStack::start().await;
        let (sender, _) = written(&stack, &["person", "program"], &["person", "program"]).await;
        let before = sender.detail("program@promise.test").await["delete_after"].clone();
        stack.clicks_later(&links(&stack, "person")[0]).await;
        // A scanner that looks like a browser: it is known by what it does.
        stack.wait(SignedDuration::from_mins(10));
        for link in links(&stack, "program") {
            stack.click(&link).await.expect(302);
        }
        stack.settle().await;
        let (person, program) =
            (sender.detail("person@promise.test").await, sender.detail("program@promise.test").await);
        assert_eq!((&program["last_contact_at"], &program["delete_after"]), (&json!(null), &before));
        assert_eq!(program["history"][0]["scanned"], true);
        let time = |value: &Value| value.as_str().unwrap_or_default().parse::<Timestamp>().expect("a time");
        let end = time(&person["delete_after"]);
        assert!(end > time(&before) && end >= time(&person["last_click_at"]) + SignedDuration::from_hours(24 * 1_095));
        // The program's person goes when their time is over; the other stays until theirs.
        stack.purge_at(time(&before)).await;
        let left: Vec<Value> = sender.prospects().await;
        assert_eq!(left.len(), 1, "{left:?}");
        stack.purge_at(end - SignedDuration::from_secs(1)).await;
        assert_eq!(sender.prospects().await.len(), 1);
        stack.purge_at(end).await;
        assert!(sender.prospects().await.is_empty());
        stack.finish().await;
    });
}

#[test]
fn a38_a40_who_agreed_reads_their_consent_and_clicks_and_an_erasure_takes_them() {
    run(async {
        let stack = TestStack::start().await;
        let (sender, _) = written(&stack, &["yes"], &["yes"]).await;
        let link = links(&stack, "yes").remove(0);
        stack.clicks_later(&link).await;
        let read = stack.exercise("yes@promise.test", "access", None).await;
        let token = read["access_token"].as_str().expect("a token");
        let data = stack.read_data(token, "json").await.expect(200).json();
        let record = &data["senders"][0]["record"];
        assert_eq!(record["click_consent"]["given_on"], "2027-02-01", "{record}");
        assert!(record["history"][0]["clicked_at"].is_string() && record["last_click_at"].is_string(), "{record}");
        let csv = sender.get("/v1/prospects/export?format=csv").await.expect(200).text();
        assert!(csv.contains("click_consent_on") && csv.contains("2027-02-01") && csv.contains("Case cochée"), "{csv}");
        stack.exercise("yes@promise.test", "erasure", None).await;
        stack.clicks_later(&link).await;
        assert!(recorded(&stack).await.is_empty());
        stack.finish().await;
    });
}

#[test]
fn a45_a30_a_restore_does_not_bring_a_withdrawn_consent_back() {
    run(async {
        // As after a restore, which waits for its replay.
        let stack = TestStack::with(|options| {
            options.overrides.insert("Restore".into(), "clicks".into());
        })
        .await;
        stack.set_time(said() + SignedDuration::from_hours(12));
        let sender = stack.sign_up().await;
        sender.import(b"email\ngone@promise.test\nanew@promise.test\nstays@promise.test\n").await;
        sender.records_clicks().await;
        for name in ["gone", "anew", "stays"] {
            sender.agreed(&format!("{name}@promise.test"), "2027-02-01").await.expect(200);
        }
        let before = Backup::of(&stack, &["ProspectsTable"]);
        let withdraw = async |name: &str| {
            let id = sender.detail(&format!("{name}@promise.test")).await["id"].as_str().expect("an id").to_owned();
            sender.patch(&format!("/v1/prospects/{id}"), json!({"click_consent": null})).await.expect(200);
        };
        withdraw("gone").await;
        withdraw("anew").await;
        before.put_back(&stack);
        // Given since, before the replay comes by.
        stack.wait(SignedDuration::from_hours(48));
        sender.agreed("anew@promise.test", &sender.today()).await.expect(200);
        stack.replay().await;
        for (name, withdrawn) in [("gone", true), ("anew", false), ("stays", false)] {
            let consent = sender.detail(&format!("{name}@promise.test")).await["click_consent"].clone();
            assert_eq!(consent["withdrawn_at"].is_string(), withdrawn, "{name}: {consent}");
        }
        stack.finish().await;
    });
}
