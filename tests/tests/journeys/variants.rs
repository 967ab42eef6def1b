//! Variants of a message that are compared with each other: who gets which, and how one wins.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use serde_json::{Value, json};
use tests::{Sender, TestStack, files, run};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// A count of each variant of a step.
fn of_each(campaign: &Value, step: usize, name: &str) -> Vec<u64> {
    let variants = campaign["steps"][step - 1]["variants"].as_array().expect("variants");
    variants.iter().map(|variant| variant[name].as_u64().expect("a count")).collect()
}

/// How the contest of the first step stands: its status, the variant, and whether it says why.
fn contest(campaign: &Value) -> (String, Value) {
    let winner = &campaign["steps"][0]["winner"];
    assert!(winner["reason"].as_str().expect("a reason").len() > 20, "{winner}");
    (winner["status"].as_str().expect("a status").to_owned(), winner["variant"].clone())
}

/// People to whom the first step left, by the variant that the API says they got.
async fn people(sender: &Sender<'_>, id: &str, step: u8) -> BTreeMap<String, BTreeSet<String>> {
    let mut people = BTreeMap::<String, BTreeSet<String>>::new();
    for recipient in sender.all(&format!("/v1/campaigns/{id}/recipients?step={step}&status=sent&limit=200")).await {
        let [variant, email] = ["variant", "email"].map(|name| recipient[name].as_str().expect("text").to_owned());
        people.entry(variant).or_default().insert(email);
    }
    people
}

#[test]
fn everybody_gets_one_variant_of_each_step_and_every_reply_is_in_their_own_thread() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        sender.import(&files::people("ab", 120)).await;
        let mut content = sender.sequence(json!([{
            "delay": {"hours": 24},
            "variants": [{"name": "court", "text": "Alors ?"}, {"name": "long", "text": "Avez-vous pu y réfléchir ?"}],
        }]));
        content["steps"][0]["variants"] = json!([
            {},
            {"weight": 2, "subject": "Deux mots, {{ first_name }}"},
            {"weight": 0, "text": "Personne ne lit ceci. https://localhost/"},
        ]);
        let id = sender.post("/v1/campaigns", content).await.expect(201).json()["id"].as_str().unwrap().to_owned();

        // Each of them is shown, and each is checked; what it has from its step is said once.
        let preview = sender.command(&id, "preview").await.expect(200).json();
        let samples = preview["samples"].as_array().unwrap().iter();
        let samples: Vec<_> = samples.map(|sample| (sample["step"].clone(), sample["variant"].clone())).collect();
        let expected = [(1, "A"), (1, "B"), (1, "C"), (2, "court"), (2, "long")];
        assert_eq!(samples, expected.map(|(step, name)| (json!(step), json!(name))));
        assert_eq!(preview["samples"][1]["subject"], "Deux mots, Zoé");
        assert!(preview["samples"][1]["text"].as_str().unwrap().starts_with("Bonjour Zoé,"), "{preview}");
        let check = sender.command(&id, "check").await.expect(200).json();
        let findings: Vec<_> = check["findings"].as_array().unwrap().iter().collect();
        let wrong: Vec<_> = findings.iter().filter(|found| found["level"] == "error").collect();
        assert!(wrong.len() == 1 && wrong[0]["field"] == "steps[0].variants[2].text", "{wrong:?}");
        assert_eq!((&wrong[0]["variant"], &wrong[0]["step"]), (&json!("C"), &json!(1)));
        let lacking = findings.iter().filter(|found| found["code"] == "no_fallback").map(|found| &found["field"]);
        assert_eq!(lacking.collect::<Vec<_>>(), ["steps[0].variants[1].subject"]);
        sender.command(&id, "launch").await.problem(422, "launch-refused");
        let mut steps = sender.look(&id).await["steps"].clone();
        assert_eq!(steps[0]["variants"][1]["text"], Value::Null, "what it has from its step is not its own");
        for step in steps.as_array_mut().unwrap() {
            *step = json!({"delay": step["delay"], "subject": step["subject"], "text": step["text"], "variants":
                step["variants"].as_array().unwrap().iter().take(2).map(|variant| json!({"name": variant["name"],
                "weight": variant["weight"], "subject": variant["subject"], "text": variant["text"]})).collect::<Vec<_>>()});
        }
        sender.patch(&format!("/v1/campaigns/{id}"), json!({"steps": steps})).await.expect(200);
        sender.command(&id, "launch").await.expect(202);
        stack.settle().await;

        let first = people(&sender, &id, 1).await;
        let sizes = ["A", "B"].map(|name| first[name].len());
        assert!(sizes[0] + sizes[1] == 120 && (25..=55).contains(&sizes[0]), "{sizes:?}");
        assert_eq!(of_each(&sender.look(&id).await, 1, "sent"), sizes.map(|size| size as u64));
        stack.pass(HOUR * 24 + SignedDuration::from_mins(1)).await;
        let second = people(&sender, &id, 2).await;
        let mut combinations = BTreeSet::new();
        for address in files::addresses("ab", 120) {
            let mails = stack.mails_to(&address);
            let [opening, reply] = &mails[..] else { panic!("{address} got {}", mails.len()) };
            let row = address.trim_start_matches("ab").split('@').next().unwrap();
            let (a, b) = (format!("Une question pour Société {row}"), "Deux mots, Zoé".to_owned());
            let got = if first["A"].contains(&address) { a } else { b };
            assert_eq!((&opening.subject, &reply.subject), (&got, &format!("Re: {got}")));
            assert_eq!(reply.header("In-Reply-To"), opening.header("Message-ID"));
            let short = second["court"].contains(&address);
            assert!(reply.text.starts_with(if short { "Alors ?" } else { "Avez-vous pu" }), "{}", reply.text);
            combinations.insert((first["A"].contains(&address), short));
        }
        assert_eq!(combinations.len(), 4, "the lot of a step is drawn anew");

        // What comes back is counted where it belongs.
        let one = first["B"].first().unwrap().clone();
        sender.hears_from(&id, 1, &one).await;
        let look = sender.look(&id).await;
        assert_eq!((of_each(&look, 1, "replied"), of_each(&look, 1, "bounced")), (vec![0, 1], vec![0, 0]));
        assert_eq!(of_each(&look, 1, "sent"), sizes.map(|size| size as u64), "it was sent all the same");

        // The person's history and what they may ask for have the words that they got.
        let person = sender.prospect(&one).await["id"].as_str().unwrap().to_owned();
        let history = sender.get(&format!("/v1/prospects/{person}")).await.json()["history"].clone();
        let said: Vec<_> =
            history.as_array().unwrap().iter().map(|event| (&event["variant"], &event["subject"])).collect();
        let short = json!(if second["court"].contains(&one) { "court" } else { "long" });
        let subject = "Deux mots, Zoé";
        assert_eq!(said, [(&short, &json!(format!("Re: {subject}"))), (&json!("B"), &json!(subject))]);
        let mails = stack.mails_to(&one);
        let proved = stack.exercise(&one, "access", None).await;
        let data = stack.read_data(proved["access_token"].as_str().unwrap(), "json").await.expect(200).json();
        for (message, mail) in data["senders"][0]["messages"].as_array().unwrap().iter().zip(mails.iter().rev()) {
            assert_eq!(message["subject"], mail.subject.as_str());
            assert!(mail.text.starts_with(message["text"].as_str().unwrap()), "{message} and {}", mail.text);
        }
        stack.finish().await;
    });
}

#[test]
fn a_variant_wins_once_and_whoever_is_left_gets_it() {
    run(async {
        let stack = TestStack::start().await;
        stack.set_time("2026-11-26T09:00:00Z".parse().unwrap());
        let sender = stack.sign_up().await;
        sender.limit(json!({"per_hour": 60})).await;
        sender.import(&files::people("win", 200)).await;
        let mut content = sender.content(&json!({}));
        content["steps"][0]["variants"] = json!([{"name": "Tables"}, {"name": "Chaises", "subject": "Nos chaises"}]);
        content["steps"][0]["winner"] = json!({"by": "replies", "after": {"messages": 15}});
        let id = sender.launch(content).await;
        let early = people(&sender, &id, 1).await;
        assert!(early["Tables"].len() + early["Chaises"].len() == 60 && early["Chaises"].len() >= 15, "{early:?}");
        let look = sender.look(&id).await;
        assert_eq!(contest(&look), ("too_few_replies".into(), Value::Null), "{look}");
        let answered = async |name: &str, many: usize, skip: usize| {
            for address in early[name].iter().skip(skip).take(many) {
                sender.hears_from(&id, 1, address).await;
            }
        };
        answered("Chaises", 7, 0).await;
        assert_eq!(contest(&sender.look(&id).await), ("ahead".into(), json!("Chaises")));

        // Decided with the first message that leaves; from then on there is only one.
        stack.pass(HOUR + SignedDuration::from_mins(1)).await;
        let look = sender.look(&id).await;
        assert_eq!(contest(&look), ("decided".into(), json!("Chaises")), "{look}");
        let [decided, reason] = ["decided_at", "reason"].map(|name| look["steps"][0]["winner"][name].clone());
        let later = people(&sender, &id, 1).await;
        assert_eq!(later["Tables"], early["Tables"], "{reason}");
        assert!(later["Chaises"].len() > early["Chaises"].len(), "{later:?}");

        // It never flips, whatever comes back afterwards.
        answered("Tables", 14, 0).await;
        for _ in 0..8 {
            stack.pass(HOUR + SignedDuration::from_mins(1)).await;
        }
        let done = sender.look(&id).await;
        assert_eq!((&done["status"], contest(&done).1), (&json!("completed"), json!("Chaises")), "{done}");
        assert_eq!(
            [&done["steps"][0]["winner"]["decided_at"], &done["steps"][0]["winner"]["reason"]],
            [&decided, &reason]
        );
        let tables = early["Tables"].len() as u64;
        assert_eq!(of_each(&done, 1, "sent"), [tables, 200 - tables]);
        assert_eq!(of_each(&done, 1, "replied"), [14, 7]);
        for address in files::addresses("win", 200) {
            let first = early["Tables"].contains(&address);
            assert_eq!(stack.only_mail_to(&address).subject == "Nos chaises", !first, "{address}");
        }
        stack.finish().await;
    });
}

#[test]
fn variants_that_compare_nothing_are_refused_with_their_place() {
    run(async {
        let stack = TestStack::shared().await;
        let sender = stack.sign_up().await;
        let two = json!([{"subject": "a"}, {"subject": "b"}]);
        for (changes, field, says) in [
            (json!({"variants": [{"subject": "a"}]}), "variants", "one variant is compared with nothing"),
            (json!({"variants": vec![json!({}); 9]}), "variants", "8 variants at most; these are 9"),
            (
                json!({"variants": [{"name": "x"}, {"name": "X", "subject": "b"}]}),
                "variants[1].name",
                "a name of its own",
            ),
            (
                json!({"variants": [{"weight": 0}, {"weight": 0, "subject": "b"}]}),
                "variants",
                "give two of them or more a weight",
            ),
            (json!({"variants": [{"subject": "{{ nobody }}"}, {"subject": "b"}]}), "variants[0].subject", "nobody"),
            (json!({"variants": [{"weight": -1}, {"subject": "b"}]}), "variants[0].weight", ""),
            (json!({"variants": two, "winner": {"by": "opens", "after": {"hours": 1}}}), "winner.by", "\"clicks\""),
            (
                json!({"variants": two, "winner": {"by": "replies", "after": {"hours": 0}}}),
                "winner.after.hours",
                "1 to 2160",
            ),
            (
                json!({"variants": two, "winner": {"by": "replies", "after": {"days": 2}}}),
                "winner.after.days",
                "messages",
            ),
            (
                json!({"variants": two, "winner": {"by": "replies", "after": {"hours": 2, "messages": 3}}}),
                "winner.after",
                "one of the two",
            ),
            (json!({"winner": {"by": "replies", "after": {"hours": 1}}}), "winner", "2 to 8 variants"),
        ] {
            let mut content = sender.content(&json!({}));
            for (name, value) in changes.as_object().unwrap() {
                content["steps"][0][name] = value.clone();
            }
            let refused = sender.post("/v1/campaigns", content).await;
            let problem = refused.problem(422, "validation-failed");
            assert_eq!(problem["errors"][0]["field"], format!("steps[0].{field}"), "{problem}");
            assert!(problem["errors"][0]["message"].as_str().unwrap().contains(says), "{problem}");
        }
        stack.check();
    });
}
