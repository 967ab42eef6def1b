//! What is wrong with a campaign is said before anybody gets it, and the worst of it is not launched.

use serde_json::{Value, json};
use tests::{Sender, TestStack, run};

/// The findings of a check, as `step level code field`.
async fn findings(sender: &Sender<'_>, id: &str) -> Vec<String> {
    let checked = sender.command(id, "check").await.expect(200).json();
    let word = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let line = |f: &Value| ["step", "level", "code", "field"].map(|name| word(&f[name])).join(" ");
    checked["findings"].as_array().unwrap().iter().map(line).collect()
}

#[test]
fn a_check_says_what_costs_reach_and_lets_it_go() {
    run(async {
        let stack = TestStack::shared().await;
        let sender = stack.sign_up().await;
        sender.import(b"email;first_name;company\nann@check.test;Ann;Alpha\nbob@check.test;;Beta\n").await;
        let fine = sender.draft(json!({})).await;
        assert_eq!(findings(&sender, &fine).await, [""; 0]);

        let later = json!({"delay": {"hours": 1}, "text": "Bonjour {{ company }}, cliquez ici : http://example.com/"});
        let id = sender
            .draft(json!({"steps": [
                {"subject": "Une question", "html": "<p>Bonjour {{ first_name }}</p><form>x</form>"},
                later,
            ]}))
            .await;
        let expected = [
            "1 warning removed steps[0].html",
            "1 warning no_fallback steps[0].html",
            "2 warning spam_phrases steps[1].text",
            "2 warning link_insecure steps[1].text",
            "2 note no_fallback steps[1].text",
        ];
        assert_eq!(findings(&sender, &id).await, expected);
        // What was taken out of the HTML is still said once something else was changed.
        sender.patch(&format!("/v1/campaigns/{id}"), json!({"name": "Encore"})).await.expect(200);
        assert_eq!(findings(&sender, &id).await, expected);
        let said = sender.command(&id, "check").await.json()["findings"][1]["message"].clone();
        assert!(said.as_str().unwrap().starts_with("1 of 2 people have no first_name"), "{said}");

        sender.command(&id, "launch").await.expect(202);
        sender.command(&id, "cancel").await.expect(200);
        stack.check();
    });
}

#[test]
fn what_would_reach_nobody_is_not_launched_and_what_reaches_some_is() {
    run(async {
        let stack = TestStack::shared().await;
        let sender = stack.sign_up().await;
        sender.import(b"email;company\nann@nameless.test;Alpha\nbob@nameless.test;\n").await;
        for (text, expected) in [
            ("Bonjour {{ first_name }}", "1 error no_fallback steps[0].text"),
            ("Bonjour [[{{ first_name }}|vous]]", "1 warning no_fallback steps[0].text"),
            ("Bonjour {{ company }}", "1 warning no_fallback steps[0].text"),
        ] {
            let id = sender.draft(json!({"steps": [{"subject": "Tables", "text": text}]})).await;
            assert_eq!(findings(&sender, &id).await, [expected], "{text}");
            let launched = sender.command(&id, "launch").await;
            if expected.contains("error") {
                launched.problem(422, "launch-refused");
                assert_eq!(launched.fields(), ["steps[0].text"]);
                assert!(launched.text().contains("nobody in the audience has a first_name"), "{}", launched.text());
            } else {
                launched.expect(202);
                sender.wait_ended(&id).await;
            }
        }
        stack.check();
    });
}

#[test]
fn what_nobody_should_get_is_not_launched() {
    run(async {
        let stack = TestStack::shared().await;
        let sender = stack.sign_up().await;
        sender.import(b"email;company\nann@refused.test;Alpha\n").await;
        // The footer takes what a template alone may be over what Gmail shows.
        let (long, notice) = (format!("<p>{}</p>", "Nos tables, nos bancs. ".repeat(3_400)), "&".repeat(4_900));
        let grows = format!("<p>{}</p>", "Nos tables & bancs. ".repeat(3_700));
        for (step, code) in [
            (json!({"subject": "Re: notre échange", "text": "Bonjour"}), "fake_reply steps[0].subject"),
            (json!({"subject": "Tables", "text": "Voyez https://localhost:3000/"}), "link_private steps[0].text"),
            (json!({"subject": "Tables", "text": "https://{{ company }}.test/"}), "link_host_varies steps[0].text"),
            (json!({"subject": "Tables", "html": long}), "too_long steps[0].html"),
            (json!({"subject": "Tables", "html": grows}), "unusable steps[0].html"),
        ] {
            let id = sender.draft(json!({"steps": [step], "information_notice": notice})).await;
            let found = findings(&sender, &id).await;
            assert!(found.contains(&format!("1 error {code}")), "{code}: {found:?}");
            let refused = sender.command(&id, "launch").await;
            refused.problem(422, "launch-refused");
            assert_eq!(refused.fields(), [code.split(' ').next_back().unwrap()], "{}", refused.text());
            sender
                .patch(&format!("/v1/campaigns/{id}"), json!({"steps": [{"subject": "Tables", "text": "Bonjour"}]}))
                .await
                .expect(200);
            sender.command(&id, "launch").await.expect(202);
            sender.wait_ended(&id).await;
        }
        stack.check();
    });
}

#[test]
fn a_check_of_a_draft_says_what_a_launch_would_miss() {
    run(async {
        let stack = TestStack::shared().await;
        let sender = Sender::without_identity(stack).await;
        let id = sender
            .post("/v1/campaigns", json!({"name": "Vide", "audience": {"all": true}, "steps": [{"text": "Bonjour"}]}));
        let id = id.await.expect(201).json()["id"].as_str().unwrap().to_owned();
        let found = findings(&sender, &id).await;
        for field in ["null error missing sender", "null error missing purpose", "1 error missing steps[0].subject"] {
            assert!(found.iter().any(|f| f == field), "{field}: {found:?}");
        }
        sender.put("/v1/sender", sender.identity(json!({"kind": "ses"}))).await.expect(200);
        let found = findings(&sender, &id).await;
        assert!(found.iter().any(|f| f == "null error audience_empty audience"), "{found:?}");
        assert!(!found.iter().any(|f| f.ends_with("sender")), "{found:?}");
        stack.check();
    });
}
