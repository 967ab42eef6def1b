//! Clicks on links: of whom they are recorded, and of whom not.

use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{
    Sender, TestStack,
    clicks::{BROWSER, said},
    run,
    store::Dump,
};

const HTML: &str = "<p>Bonjour, <a href=\"https://shop.example.com/a?b=1&amp;c=2\">voyez</a>, \
                    <a href=\"https://shop.example.com/two\">ceci</a>, <a href=\"http://old.example.com/\">cela</a> \
                    ou <a href=\"mailto:ada@example.com\">écrivez</a>.</p>";

/// Two people, of whom the first agreed, and a message to both.
async fn written(stack: &TestStack) -> (Sender<'_>, String) {
    stack.set_time(said() + SignedDuration::from_hours(12));
    let sender = stack.sign_up().await;
    sender.import(b"email\nyes@click.test\nno@click.test\n").await;
    sender.records_clicks().await;
    sender.agreed("yes@click.test", "2027-02-01").await.expect(200);
    let mut content = sender.content(&json!({}));
    content["steps"][0]["html"] = json!(HTML);
    let campaign = sender.launch(content).await;
    (sender, campaign)
}

async fn history(sender: &Sender<'_>, email: &str) -> Value {
    sender.detail(email).await["history"][0].clone()
}

#[test]
fn a_link_leads_on_and_the_first_click_is_in_the_history_of_whoever_agreed() {
    run(async {
        let stack = TestStack::start().await;
        let (sender, _) = written(&stack).await;
        let (yes, no) = (stack.only_mail_to("yes@click.test"), stack.only_mail_to("no@click.test"));
        // Https links of the Sender's own words, and no others.
        assert_eq!((yes.signed_links().len(), no.signed_links().len()), (2, 0));
        assert!(yes.html.contains("href=\"http://old.example.com/\"") && yes.html.contains("mailto:ada@example.com"));
        assert!(yes.withdrawal().is_some() && no.withdrawal().is_none());
        assert!(yes.html.contains("enregistre les clics") && !no.html.contains("enregistre les clics"));

        let answer = stack.clicks_later(&yes.signed_links()[0]).await;
        assert_eq!(answer.header("location"), "https://shop.example.com/a?b=1&c=2");
        assert_eq!(
            (answer.header("referrer-policy"), answer.header("cache-control")),
            ("no-referrer".into(), "no-store".into())
        );
        assert!(answer.headers.get("set-cookie").is_none());
        let clicked = history(&sender, "yes@click.test").await;
        assert!(clicked["clicked_at"].is_string(), "{clicked}");
        assert_eq!(
            (&clicked["clicked_link"], &clicked["scanned"], &clicked["kind"]),
            (&json!(1), &json!(false), &json!("sent"))
        );
        // Another one an hour later changes nothing of the first, and is the person's last contact.
        let person = sender.detail("yes@click.test").await;
        stack.clicks_later(&yes.signed_links()[1]).await;
        assert_eq!(history(&sender, "yes@click.test").await, clicked);
        let later = sender.detail("yes@click.test").await;
        assert!(later["last_click_at"].as_str() > person["last_click_at"].as_str(), "{later}");
        assert_eq!(later["last_contact_at"], later["last_click_at"]);
        assert!(later["delete_after"].as_str() > person["delete_after"].as_str());
        stack.finish().await;
    });
}

#[test]
fn looking_fetching_ahead_and_programs_are_nobodys_clicks() {
    run(async {
        let stack = TestStack::start().await;
        let (sender, _) = written(&stack).await;
        let links = stack.only_mail_to("yes@click.test").signed_links();
        let client = stack.client();
        stack.wait(SignedDuration::from_mins(10));
        let options = client.request(Method::OPTIONS, &links[0]).send().await.expect(204);
        assert_eq!(options.header("allow"), "GET, HEAD, OPTIONS");
        let head = client.request(Method::HEAD, &links[0]).header("user-agent", BROWSER).send().await.expect(302);
        assert_eq!(head.header("location"), "https://shop.example.com/a?b=1&c=2");
        for (name, value) in [("sec-purpose", "prefetch;prerender"), ("purpose", "prefetch"), ("x-moz", "prefetch")] {
            let asked = client.request(Method::GET, &links[0]).header("user-agent", BROWSER);
            asked.header("sec-fetch-mode", "navigate").header(name, value).send().await.expect(302);
        }
        stack.settle().await;
        let untouched = history(&sender, "yes@click.test").await;
        assert_eq!((&untouched["clicked_at"], &untouched["scanned"]), (&json!(null), &json!(false)));
        assert!(!Dump::of(&stack).await.table("OutreachTable").iter().any(|item| item["y"].is_array()));

        // One that says what it is, one that says nothing, and one that follows everything at once.
        client.request(Method::GET, &links[0]).header("user-agent", "curl/8.5").send().await.expect(302);
        client.request(Method::GET, &links[0]).send().await.expect(302);
        stack.settle().await;
        let scanned = history(&sender, "yes@click.test").await;
        assert_eq!((&scanned["clicked_at"], &scanned["scanned"]), (&json!(null), &json!(true)));
        stack.wait(SignedDuration::from_mins(10));
        for link in &links {
            stack.click(link).await.expect(302);
        }
        stack.settle().await;
        let scanned = sender.detail("yes@click.test").await;
        assert_eq!((&scanned["history"][0]["clicked_at"], &scanned["last_click_at"]), (&json!(null), &json!(null)));
        // And then the person.
        stack.clicks_later(&links[1]).await;
        assert_eq!(history(&sender, "yes@click.test").await["clicked_link"], 2);
        stack.finish().await;
    });
}

#[test]
fn a_link_that_nobody_signed_leads_nowhere_and_one_that_was_leads_on_while_tables_are_down() {
    run(async {
        let stack = TestStack::start().await;
        let (sender, _) = written(&stack).await;
        let link = stack.only_mail_to("yes@click.test").signed_links().remove(0);
        let (base, token) = link.rsplit_once('/').expect("a token");
        let (head, tail) = token.split_at(token.len() / 2);
        let other = if tail.starts_with('A') { 'B' } else { 'A' };
        let forged = format!("{head}{other}{}", &tail[1..]);
        for bad in [&forged, "x", "%00", "https:%2F%2Fevil.test", &token[..token.len() - 4], &"A".repeat(3_000)] {
            for question in ["", "?url=https://evil.test", "?u=https://evil.test&target=https://evil.test"] {
                let answer = stack.click(&format!("{base}/{bad}{question}")).await.expect(404);
                assert!(answer.headers.get("location").is_none() && !answer.text().contains("evil"), "{bad}");
                assert!(answer.header("content-type").starts_with("text/html"), "{bad}");
            }
        }
        // No parameter has a say in where a true one leads.
        let answer = stack.click(&format!("{link}?url=https://evil.test")).await.expect(302);
        assert_eq!(answer.header("location"), "https://shop.example.com/a?b=1&c=2");
        // The click is lost, the person is not.
        stack.settle().await;
        let known = sender.detail("yes@click.test").await;
        stack.wait(SignedDuration::from_mins(10));
        stack.break_things(serde_json::from_value(json!({"dynamodb": {"throttle_every": 1}})).expect("a plan"));
        let answer = stack.click(&link).await.expect(302);
        assert_eq!(answer.header("location"), "https://shop.example.com/a?b=1&c=2");
        stack.break_things(Default::default());
        stack.settle().await;
        stack.logged("a click is lost", 1).await;
        assert_eq!(sender.detail("yes@click.test").await["last_click_at"], known["last_click_at"]);
        stack.finish().await;
    });
}

#[test]
fn clicks_are_off_until_the_policy_says_them_and_only_some_may_switch_them_on() {
    run(async {
        let stack = TestStack::start().await;
        stack.set_time(said() - SignedDuration::from_hours(12));
        let sender = stack.sign_up().await;
        assert_eq!(sender.get("/v1/workspace").await.json()["clicks"], false);
        sender.patch("/v1/workspace", json!({"clicks": true})).await.problem(409, "not-announced");
        sender.import(b"email\nyes@click.test\n").await;
        sender.agreed("yes@click.test", "2027-01-01").await.problem(409, "clicks-are-off");
        let mut announced = sender.announcement();
        announced["mapping"] = json!({"click_consent": "accord"});
        sender.post("/v1/imports", announced.clone()).await.problem(409, "clicks-are-off");

        stack.set_time(said());
        for role in ["viewer", "editor"] {
            let member = sender.join(role).await;
            member.patch("/v1/workspace", json!({"clicks": true})).await.expect(403);
        }
        sender.records_clicks().await;
        let trail = sender.get("/v1/audit?limit=5").await.expect(200).json();
        assert_eq!(
            (&trail["items"][0]["action"], &trail["items"][0]["facts"]["fields"]),
            (&json!("workspace.changed"), &json!(["clicks"])),
            "{trail}"
        );
        // From a file, where it says so: with its day and its wording.
        announced["mapping"] = json!({"click_consent": "accord", "click_consent_on": "le"});
        let file = "email;accord;le\na@click.test;Formulaire;2027-01-15\nb@click.test;Formulaire;\nc@click.test;;2027-01-15\nd@click.test;Oui;15/01/2027\n";
        let read = sender.import_as(announced, file.as_bytes()).await;
        assert_eq!((&read["created"], &read["consents_left_out"]), (&json!(4), &json!(3)), "{read}");
        let consent = sender.detail("a@click.test").await["click_consent"].clone();
        assert_eq!(
            consent,
            json!({"given_on": "2027-01-15", "how": "Formulaire", "opens": false, "withdrawn_at": null})
        );
        for name in ["b", "c", "d"] {
            assert_eq!(sender.detail(&format!("{name}@click.test")).await["click_consent"], json!(null), "{name}");
        }
        for (on, how) in [("2027-02-06", "x"), ("2027-02-01", " ")] {
            let id = sender.prospect("b@click.test").await["id"].as_str().expect("an id").to_owned();
            let consent = json!({"click_consent": {"given_on": on, "how": how}});
            sender.patch(&format!("/v1/prospects/{id}"), consent).await.problem(422, "validation-failed");
        }
        stack.finish().await;
    });
}

#[test]
fn clicks_are_counted_by_step_and_variant_told_to_endpoints_and_judge_variants_where_that_is_asked() {
    run(async {
        let stack = TestStack::start().await;
        stack.set_time(said() + SignedDuration::from_hours(12));
        let sender = stack.sign_up().await;
        let people: Vec<String> = (0..24).map(|n| format!("p{n}@contest.test")).collect();
        sender.import(format!("email\n{}\n", people.join("\n")).as_bytes()).await;
        let html = |word: &str| format!("<p>{word} : <a href=\"https://shop.example.com/{word}\">ici</a></p>");
        let steps = json!([{
            "subject": "Une question", "text": "x",
            "variants": [{"name": "court", "html": html("court")}, {"name": "long", "html": html("long")}],
            "winner": {"by": "clicks", "after": {"messages": 2}},
        }]);
        let mut content = sender.content(&json!({}));
        content["steps"] = steps;
        let draft = sender.draft(content.clone()).await;
        let refused = sender.command(&draft, "launch").await;
        assert!(refused.status == 422 && refused.text().contains("clicks are not recorded here"), "{}", refused.text());
        sender.records_clicks().await;
        // Everybody but two agreed.
        for email in &people[2..] {
            sender.agreed(email, "2027-02-01").await.expect(200);
        }
        let hook = sender.register("/clicks", &["message.clicked"]).await;
        stack.wait(SignedDuration::from_secs(61));
        let id = sender.launch(content).await;
        let look = sender.look(&id).await;
        assert_eq!(look["clicks"], json!({"consented": 22, "clicked": 0}), "{look}");
        assert_eq!(look["steps"][0]["winner"]["status"], "too_few_clicks", "{look}");
        // Whoever got the one clicks more often than whoever got the other.
        let of = |word: &str| -> Vec<String> {
            let mails = people[2..].iter().map(|email| stack.only_mail_to(email));
            mails.filter(|mail| mail.html.contains(word)).map(|mail| mail.signed_links().remove(0)).collect()
        };
        let (short, long) = (of("court :"), of("long :"));
        assert_eq!(short.len() + long.len(), 22);
        assert!(short.len() > 2 && long.len() > 2, "{} {}", short.len(), long.len());
        stack.wait(SignedDuration::from_mins(10));
        for link in short.iter().take(1).chain(&long) {
            stack.click(link).await.expect(302);
        }
        stack.settle().await;
        // Again is no other person.
        stack.clicks_later(&long[0]).await;
        let look = sender.look(&id).await;
        let step = &look["steps"][0];
        assert_eq!(look["clicks"], json!({"consented": 22, "clicked": 1 + long.len()}), "{look}");
        assert_eq!(step["clicks"], look["clicks"]);
        assert_eq!(step["variants"][0]["clicks"], json!({"consented": short.len(), "clicked": 1}));
        assert_eq!(step["variants"][1]["clicks"], json!({"consented": long.len(), "clicked": long.len()}));
        assert_eq!(
            (&step["winner"]["status"], &step["winner"]["variant"]),
            (&json!("ahead"), &json!("long")),
            "{step}"
        );
        let told = sender.deliveries(&hook).await;
        let clicks = told.iter().filter(|one| one["type"] == "message.clicked").count();
        assert_eq!(clicks, 1 + long.len(), "{told:?}");
        assert!(!Value::from(told).to_string().contains("contest.test"));
        stack.finish().await;
    });
}

#[test]
fn a_sequence_goes_on_whoever_clicks() {
    run(async {
        let stack = TestStack::start().await;
        stack.set_time(said() + SignedDuration::from_hours(12));
        let sender = stack.sign_up().await;
        sender.import(b"email\nyes@click.test\n").await;
        sender.records_clicks().await;
        sender.agreed("yes@click.test", "2027-02-01").await.expect(200);
        let mut content =
            sender.sequence(json!([{"delay": {"hours": 1}, "text": "Encore : https://shop.example.com/"}]));
        content["steps"][0]["html"] = json!(HTML);
        sender.launch(content).await;
        stack.clicks_later(&stack.only_mail_to("yes@click.test").signed_links()[0]).await;
        stack.pass(SignedDuration::from_hours(2)).await;
        let mails = stack.mails_to("yes@click.test");
        assert_eq!((mails.len(), mails[1].signed_links().len()), (2, 1), "text alone becomes HTML with links");
        stack.finish().await;
    });
}
