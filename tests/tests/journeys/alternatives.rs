//! Messages that differ from person to person by chance, and never for the same person.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use serde_json::{Value, json};
use tests::{TestStack, files, run};

#[test]
fn everybody_gets_one_of_the_forms_and_always_the_same() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        sender.import(&files::people("spin", 40)).await;
        let mut content = sender.sequence(json!([{"delay": {"hours": 1}, "text": "[[Encore|De nouveau]] moi."}]));
        content["steps"][0]["subject"] = json!("[[Une question|Deux mots]]");
        content["steps"][0]["text"] = json!("[[Bonjour|Bonsoir {{ first_name }}|[[Salut|Coucou]]]],");
        let id = sender.post("/v1/campaigns", content).await.expect(201).json()["id"].as_str().unwrap().to_owned();
        let preview = sender.command(&id, "preview").await.expect(200).json();
        let forms = &preview["samples"][0]["forms"];
        assert_eq!(forms["subject"], json!({"count": 2, "all": ["Une question", "Deux mots"]}));
        assert_eq!((&forms["text"]["count"], forms["text"]["all"].as_array().unwrap().len()), (&json!(4), 4));
        sender.command(&id, "launch").await.expect(202);
        stack.settle().await;
        stack.pass(SignedDuration::from_mins(61)).await;

        let mut seen = BTreeSet::new();
        for address in files::addresses("spin", 40) {
            let mails = stack.mails_to(&address);
            let words = mails[0].text.split([' ', ',']).next().unwrap().to_owned();
            assert!(mails[0].html.contains(&words), "the two parts differ: {}", mails[0].html);
            assert_eq!(mails[1].subject, format!("Re: {}", mails[0].subject), "the thread of another subject");
            seen.extend([words, mails[0].subject.clone()]);
        }
        let all = ["Bonjour", "Bonsoir", "Coucou", "Deux mots", "Salut", "Une question"];
        assert_eq!(seen, BTreeSet::from(all.map(str::to_owned)), "forty people, and one form is nobody's");

        // Whoever asks is shown the words that they got.
        let address = files::addresses("spin", 40)[7].clone();
        let mails = stack.mails_to(&address);
        let proved = stack.exercise(&address, "access", None).await;
        let data = stack.read_data(proved["access_token"].as_str().unwrap(), "json").await.expect(200).json();
        for (message, mail) in data["senders"][0]["messages"].as_array().unwrap().iter().zip(mails.iter().rev()) {
            assert_eq!(message["subject"], mail.subject.as_str());
            assert!(mail.text.starts_with(message["text"].as_str().unwrap()), "{message} and {}", mail.text);
        }
        stack.finish().await;
    });
}

#[test]
fn alternatives_that_make_no_sense_are_refused_with_their_place() {
    run(async {
        let stack = TestStack::shared().await;
        let sender = stack.sign_up().await;
        for (field, text, place) in [
            ("text", "Bonjour [[a|b", "line 1, column 9"),
            ("text", "Bonjour\n[[seul]]", "line 2, column 1"),
            ("subject", "[[a|{{ nobody }}]]", "line 1, column 8"),
            ("html", "<p>[[a|<b>b</b>]]</p>", "line 1, column 8"),
        ] {
            let refused = sender.post("/v1/campaigns", sender.content(&json!({field: text}))).await;
            let problem = refused.problem(422, "validation-failed");
            assert_eq!(problem["errors"][0]["field"], format!("steps[0].{field}"));
            assert!(problem["errors"][0]["message"].as_str().unwrap().starts_with(place), "{problem}");
        }
        let text = "[[a|b]]".repeat(80);
        let id = sender.draft(json!({"text": text})).await;
        let forms = sender.command(&id, "preview").await.expect(200).json()["samples"][0]["forms"]["text"].clone();
        assert!(forms["count"].as_u64() > Some(20) && forms["all"] == Value::Null, "{forms}");
        stack.check();
    });
}
