//! The operator's own commercial mail: who gets it, and what a simple objection stops (A14) and does not (A15).

use jiff::{SignedDuration, Timestamp, ToSpan as _, tz::TimeZone};
use local::backends::Plan;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Mail, Sender, TestStack, run, sender::accept, store::Dump};

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// The policy for users says that there is news, at midnight in Paris.
fn said() -> Timestamp {
    "2026-12-31T23:00:00Z".parse().unwrap()
}

/// News under a name of its own.
fn news(name: &str) -> Value {
    let words =
        |hello: &str| json!({"subject": format!("{name} !"), "text": format!("{hello} {name}.\n\nÀ <bientôt>.")});
    json!({"fr": words("Voici"), "en": words("Here is")})
}

async fn order(stack: &TestStack, name: &str) -> Value {
    stack.order_news(&news(name)).await.unwrap_or_else(|refused| panic!("{name} was refused: {refused}"))
}

/// The news of that name that somebody has.
fn received(stack: &TestStack, email: &str, name: &str) -> Vec<Mail> {
    let subject = format!("{name} !");
    stack.mails_to(email).into_iter().filter(|mail| mail.subject == subject).collect()
}

/// Whether each of them has it, once or not at all.
fn have(stack: &TestStack, who: &[&Sender<'_>], name: &str) -> Vec<usize> {
    who.iter().map(|sender| received(stack, &sender.email, name).len()).collect()
}

fn plan(plan: Value) -> Plan {
    serde_json::from_value(plan).unwrap()
}

/// The operator's list.
async fn objections(stack: &TestStack) -> Vec<Value> {
    let all = Dump::of(stack).await.table("SuppressionsTable").to_vec();
    all.into_iter().filter(|item| item["pk"] == "NEWS_OFF").collect()
}

#[test]
fn a14_news_says_who_why_and_how_to_stop_it_and_comes_once() {
    run(async {
        let stack = TestStack::start().await;
        stack.set_time(said() - DAY);
        let (french, english, closed) = (stack.sign_up().await, stack.sign_up().await, stack.sign_up().await);
        english.patch("/v1/workspace", json!({"locale": "en"})).await.expect(200);
        let viewer = french.join("viewer").await;
        closed.delete("/v1/workspace").await.expect(200);

        // The policy says so first, and every member reads a language of their own.
        let early = stack.order_news(&news("Tôt")).await.unwrap_err();
        assert!(early.contains("version 2.0 of the privacy policy"), "{early}");
        stack.set_time(said());
        let mut half = news("Moitié");
        half.as_object_mut().unwrap().remove("en");
        let refused = stack.order_news(&half).await.unwrap_err();
        assert!(refused.contains("news.en: subject and text are missing"), "{refused}");
        for (field, value) in [("subject", "a\nBcc: b".to_owned()), ("subject", "x".repeat(151)), ("text", " ".into())]
        {
            let mut wrong = news("Faux");
            wrong["fr"][field] = json!(value);
            let refused = stack.order_news(&wrong).await.unwrap_err();
            assert!(refused.contains(&format!("news.fr.{field}: must")), "{refused}");
        }

        let report = order(&stack, "Relances").await;
        assert_eq!((&report["told"], &report["unreached"], &report["ended"]), (&json!(3), &json!(0), &json!(true)));
        let everybody = [&french, &viewer, &english, &closed];
        assert_eq!(have(&stack, &everybody, "Relances"), [1, 1, 1, 0], "members of open workspaces");
        // Given again, by hand or by Lambda, it is the same order.
        assert_eq!(order(&stack, "Relances").await, report);
        assert_eq!(stack.announce().await["news"], json!([]));
        assert_eq!(have(&stack, &everybody, "Relances"), [1, 1, 1, 0]);

        for (member, why, words) in [
            (&french, "parce que vous utilisez Prospectra", "Voici"),
            (&english, "because you use Prospectra", "Here is"),
        ] {
            let mail = received(&stack, &member.email, "Relances").remove(0);
            let link = mail.unsubscribe();
            for part in [&mail.text, &mail.html] {
                assert!(part.contains(why) && part.contains(words) && part.contains(&link), "{part}");
                assert!(part.contains("/legal/notice?lang="), "who sends it: {part}");
            }
            assert!(!mail.html.contains("<bientôt>") && !mail.html.contains("<img"), "{}", mail.html);
            assert!(link.rsplit('/').next().unwrap().len() <= 72, "{link}");
            // It is on record like every mail of the product's, without a word of it.
            let export = member.get("/v1/privacy/export").await.expect(200).json();
            let mails = export["service_mails"].as_array().unwrap();
            assert_eq!(mails.iter().filter(|mail| mail["template"] == "news").count(), 1, "{mails:?}");
        }
        stack.finish().await;
    });
}

#[test]
fn a14_one_click_stops_it_and_looking_does_not() {
    run(async {
        let stack = TestStack::start().await;
        stack.set_time(said());
        let (one, other) = (stack.sign_up().await, stack.sign_up().await);
        order(&stack, "Première").await;
        let link = received(&stack, &one.email, "Première")[0].unsubscribe();
        let client = stack.client();
        let page = client.get(&link).await.expect(200);
        assert!(
            page.text().contains("method=\"post\"") && page.text().contains("nouvelles du produit"),
            "{}",
            page.text()
        );
        client.request(Method::HEAD, &link).send().await.expect(200);
        client.request(Method::OPTIONS, &link).send().await.expect(204);
        let (base, token) = link.rsplit_once('/').unwrap();
        let forged = format!("{base}/{}{}", &token[..token.len() - 2], if token.ends_with("AA") { "BB" } else { "AA" });
        let told = client.request(Method::POST, &forged).send().await.expect(200).text();
        assert_eq!(objections(&stack).await, [Value::Null; 0], "looking and guessing change nothing");
        assert_eq!(one.get("/v1/me").await.json()["news"], true);

        let click =
            client.request(Method::POST, &link).body("application/x-www-form-urlencoded", "List-Unsubscribe=One-Click");
        assert_eq!(click.send().await.expect(200).text(), told, "who is meant cannot be told from the answer");
        let listed = objections(&stack).await;
        let [objection] = &listed[..] else { panic!("{listed:?}") };
        let fields: Vec<_> = objection.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(fields, ["at", "pk", "sk", "ttl"], "a keyed hash and a date, nothing else");
        assert_eq!(one.get("/v1/me").await.json()["news"], false);
        order(&stack, "Deuxième").await;
        assert_eq!(have(&stack, &[&one, &other], "Deuxième"), [0, 1]);
        stack.finish().await;
    });
}

#[test]
fn a14_a_member_turns_it_off_and_on_in_any_role_with_one_entry() {
    run(async {
        let stack = TestStack::start().await;
        stack.set_time(said());
        let owner = stack.sign_up().await;
        let (viewer, billing) = (owner.join("viewer").await, owner.join("billing").await);
        let entries = async || {
            let all = owner.all("/v1/audit").await;
            all.into_iter().filter(|entry| entry["facts"]["fields"] == json!(["news"])).count()
        };
        for (number, member) in [&owner, &viewer, &billing].into_iter().enumerate() {
            assert_eq!(member.patch("/v1/me", json!({"news": false})).await.expect(200).json()["news"], false);
            assert_eq!(entries().await, number + 1);
            member.patch("/v1/me", json!({"news": false})).await.expect(200);
            assert_eq!(entries().await, number + 1, "what changes nothing leaves nothing");
        }
        viewer.patch("/v1/me", json!({})).await.problem(422, "validation-failed");
        viewer.patch("/v1/me", json!({"news": true})).await.expect(200);
        assert_eq!(entries().await, 4);
        order(&stack, "Choix").await;
        assert_eq!(have(&stack, &[&owner, &viewer, &billing], "Choix"), [0, 1, 0]);
        stack.finish().await;
    });
}

#[test]
fn a14_an_objection_stops_what_is_under_way_and_holds_elsewhere_and_after_the_account() {
    run(async {
        let stack = TestStack::start().await;
        stack.set_time(said());
        let (first, second) = (stack.sign_up().await, stack.sign_up().await);
        let member = first.join("editor").await;
        // SES takes nothing for an hour; meanwhile somebody objects.
        stack.break_things(plan(json!({"ses": {"throttle_every": 1}})));
        let report = order(&stack, "Attend").await;
        assert_eq!((&report["told"], &report["unreached"], &report["ended"]), (&json!(0), &json!(3), &json!(false)));
        stack.break_things(Plan::default());
        member.patch("/v1/me", json!({"news": false})).await.expect(200);
        let since = objections(&stack).await.remove(0)["at"].clone();
        stack.wait(SignedDuration::from_hours(1));
        assert_eq!(stack.announce().await["news"][0]["told"], 2);
        assert_eq!(have(&stack, &[&first, &second, &member], "Attend"), [1, 1, 0]);

        // They leave, join another company, and that one is closed for good: the objection is theirs, and stays.
        member.delete("/v1/me").await.expect(204);
        second.post("/v1/invitations", json!({"email": member.email, "role": "viewer"})).await.expect(201);
        let token = stack.mails_to(&member.email).pop().unwrap().token();
        stack.client().post("/v1/invitations/accept", accept(&token, &member.password)).await.expect(201);
        let again = Sender::back(&stack, &member.email, &member.password, &second.workspace).await;
        assert_eq!(again.get("/v1/me").await.json()["news"], false);
        let export = again.get("/v1/privacy/export").await.expect(200).json();
        assert_eq!(export["objects_to_news_since"], since, "they can see it");
        stack.wait(DAY * 30);
        let kept_from = stack.now();
        order(&stack, "Ailleurs").await;
        assert_eq!(have(&stack, &[&first, &second, &again], "Ailleurs"), [1, 1, 0]);
        second.log_in().await;
        second.give_up().await.expect(200);
        stack.wait(SignedDuration::from_hours(1));
        stack.purge().await;
        let listed = objections(&stack).await;
        let [objection] = &listed[..] else { panic!("{listed:?}") };
        assert_eq!(objection["at"], since, "its date stays");

        // News that it held back counted its three years anew, to the second.
        let over = (kept_from.to_zoned(TimeZone::get("Europe/Paris").unwrap()) + 3.years()).timestamp().as_second();
        let ttl = objection["ttl"].as_i64().unwrap();
        assert!((over..over + 60).contains(&ttl), "{ttl} {over}");
        for (second, left) in [(ttl - 1, 1), (ttl, 0)] {
            stack.purge_at(Timestamp::from_second(second).unwrap()).await;
            assert_eq!(objections(&stack).await.len(), left);
        }
        stack.finish().await;
    });
}

#[test]
fn a14_news_comes_to_nobody_twice_whatever_breaks() {
    run(async {
        let stack = TestStack::start().await;
        stack.set_time(said());
        let owner = stack.sign_up().await;
        let mut members = Vec::new();
        for _ in 0..5 {
            members.push(owner.join("viewer").await);
        }
        members.push(owner);
        let everybody: Vec<&Sender<'_>> = members.iter().collect();
        let once = |name: &str| have(&stack, &everybody, name).iter().all(|count| *count <= 1);

        // The answer of SES is lost: it may have gone, so that it is not tried again.
        stack.break_things(plan(json!({"ses": {"drop_after_accept_every": 2}})));
        order(&stack, "Perdue").await;
        stack.break_things(Plan::default());
        stack.announce().await;
        assert_eq!(have(&stack, &everybody, "Perdue"), [1; 6]);

        // Killed in the middle, while the same order is given once more; then the clock goes on.
        stack.break_things(plan(json!({"ses": {"latency_ms": 150}})));
        let news = news("Tuée");
        let killed = async {
            tests::wait_for("a first mail", || async {
                stack.mails().iter().any(|m| m.subject == "Tuée !").then_some(())
            })
            .await;
            stack.kill("announce").await
        };
        let ((first, second), killed) =
            futures::join!(async { futures::join!(stack.order_news(&news), stack.order_news(&news)) }, killed);
        assert!(killed > 0 && (first.is_err() || second.is_err()), "{first:?} {second:?}");
        stack.break_things(Plan::default());
        stack.announce().await;
        order(&stack, "Tuée").await;
        assert!(once("Tuée"), "{:?}", have(&stack, &everybody, "Tuée"));
        let left_out = have(&stack, &everybody, "Tuée").iter().filter(|count| **count == 0).count();
        assert!(left_out <= 2, "one for each run that died at most: {left_out}");

        // What could not be sent for three days is no news any more.
        stack.break_things(plan(json!({"ses": {"throttle_every": 1}})));
        order(&stack, "Vieille").await;
        stack.break_things(Plan::default());
        stack.wait(DAY * 3 + SignedDuration::from_secs(2));
        assert_eq!(stack.announce().await["news"][0]["ended"], true);
        assert_eq!(have(&stack, &everybody, "Vieille"), [0; 6]);
        stack.check();
    });
}

#[test]
fn a14_nothing_is_sent_after_a_restore_until_it_is_replayed() {
    run(async {
        let stack = TestStack::with(|options| _ = options.overrides.insert("Restore".into(), "news".into())).await;
        stack.set_time(said());
        let sender = stack.sign_up().await;
        let muted = stack.order_news(&news("Muette")).await.unwrap_err();
        assert!(muted.contains("replay"), "{muted}");
        assert_eq!(have(&stack, &[&sender], "Muette"), [0]);
        stack.replay().await;
        order(&stack, "Muette").await;
        assert_eq!(have(&stack, &[&sender], "Muette"), [1]);
        stack.finish().await;
    });
}

#[test]
fn a15_who_wants_no_news_still_gets_alerts_terms_and_the_mails_of_the_service() {
    run(async {
        let stack = TestStack::start().await;
        // The change of the terms is announced.
        stack.set_time(said() - DAY * 29);
        let sender = stack.sign_up().await;
        sender.patch("/v1/me", json!({"news": false})).await.expect(200);
        assert_eq!(stack.announce().await["told"], 1);
        // People whom nobody informs: an alert.
        sender.import(b"email\nuntold@alerts.test\n").await;
        stack.set_time(said());
        stack.purge().await;
        stack.client().post("/v1/password/forgot", json!({"email": sender.email})).await.expect(202);
        order(&stack, "Refusée").await;
        let template = |mail: &Value| mail["template"].as_str().unwrap().to_owned();
        let export = sender.get("/v1/privacy/export").await.expect(200).json();
        let mut sent: Vec<String> = export["service_mails"].as_array().unwrap().iter().map(template).collect();
        sent.sort();
        assert_eq!(sent, ["legal_change", "notice_due", "password_reset", "verify_address"]);
        assert_eq!(stack.mails_to(&sender.email).len(), sent.len(), "each of them arrived, and no news");
        stack.finish().await;
    });
}
