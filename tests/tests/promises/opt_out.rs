//! Objecting.

use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Sender, TestStack, run, store::Dump};

const FILE: &str = "email;first_name\nann@objects.test;Ann\nbob@objects.test;Bob\n";

async fn stop(stack: &TestStack, email: &str) {
    let link = stack.mails_to(email).first().expect("a message").unsubscribe();
    let click = stack.client().request(Method::POST, &link);
    click.body("application/x-www-form-urlencoded", "List-Unsubscribe=One-Click").send().await.expect(200);
}

fn suppressions(dump: &Dump) -> Vec<Value> {
    dump.table("SuppressionsTable").to_vec()
}

#[test]
fn a59_the_next_claim_is_refused_at_the_same_second() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        sender.import(FILE.as_bytes()).await;
        sender.campaign(json!({})).await;
        let second: Timestamp = format!("{:.0}", stack.now() + SignedDuration::from_secs(60)).parse().unwrap();
        let next = sender.draft(json!({"name": "Suivante"})).await;

        stack.set_time(second);
        stop(&stack, "ann@objects.test").await;
        // Launched, claimed and sent in the very second of the objection, and even before it.
        stack.set_time(second - SignedDuration::from_millis(900));
        sender.command(&next, "launch").await.expect(202);
        let campaign = sender.wait_ended(&next).await;
        assert_eq!(campaign["refused_by_reason"], json!({"opted_out": 1}), "{campaign}");
        assert_eq!(campaign["counts"]["sent"], 1);
        assert_eq!(stack.mails_to("ann@objects.test").len(), 1);
        assert_eq!(stack.mails_to("bob@objects.test").len(), 2);
        stack.finish().await;
    });
}

#[test]
fn a59_every_message_has_one_click_and_a_link_in_both_parts() {
    run(async {
        let stack = TestStack::shared().await;
        let sender = stack.sign_up().await;
        sender.import(b"email;first_name\nlinks@objects.test;L\n").await;
        sender.campaign(json!({"html": "<p>Bonjour</p>"})).await;
        let mail = stack.only_mail_to("links@objects.test");
        let link = mail.unsubscribe();
        assert!(mail.text.contains(&link), "{}", mail.text);
        assert!(mail.html.contains(&link), "{}", mail.html);
        assert!(!mail.html.contains("<img") && !mail.raw.contains("Precedence"), "{}", mail.html);
        stack.check();
    });
}

#[test]
fn a60_an_objection_holds_for_every_file_spelling_and_campaign_of_this_sender_alone() {
    run(async {
        let stack = TestStack::shared().await;
        let (sender, other) = (stack.sign_up().await, stack.sign_up().await);
        for one in [&sender, &other] {
            one.import(b"email;first_name\nONCE@binding.test;O\nstill@binding.test;S\n").await;
            one.campaign(json!({})).await;
        }
        let first =
            stack.mails_to("ONCE@binding.test").into_iter().find(|m| m.envelope_from.contains(&domain(&sender)));
        let link = first.expect("the first message").unsubscribe();
        stack.client().request(Method::POST, &link).send().await.expect(200);

        for spelling in ["once@binding.test", "ONCE@BINDING.TEST", "Once@Binding.Test", " once@binding.test "] {
            let again = sender.import(format!("email;first_name\n{spelling};Encore\n").as_bytes()).await;
            assert_eq!((&again["suppressed"], &again["rows_read"]), (&json!(1), &json!(1)), "{spelling}: {again}");
        }
        let next = sender.campaign(json!({"name": "Nouvelle"})).await;
        assert_eq!(next["refused_by_reason"], json!({"opted_out": 1}), "{next}");
        assert_eq!(next["counts"]["sent"], 1, "{next}");
        // The objection is against this Sender.
        let theirs = other.campaign(json!({"name": "La leur"})).await;
        assert_eq!(theirs["counts"]["sent"], 2, "{theirs}");
        stack.check();
    });
}

fn domain(sender: &Sender<'_>) -> String {
    sender.email.split('@').nth(1).unwrap().to_owned()
}

#[test]
fn a61_of_an_objection_a_hash_and_a_date_are_kept_for_three_years_to_the_second() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        sender.import(FILE.as_bytes()).await;
        sender.campaign(json!({})).await;
        stop(&stack, "ann@objects.test").await;
        let objected = stack.now();

        let item = the_objection(&stack).await;
        let names: Vec<&str> = item.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, ["at", "pk", "sk", "ttl", "why"], "{item}");
        assert!(!item.to_string().contains("ann") && !item.to_string().contains("objects"), "{item}");
        assert!((item["at"].as_i64().unwrap() - objected.as_second()).abs() <= 5, "{item}");

        // The person's record goes with the next purge; the objection stays.
        stack.purge().await;
        let emails: Vec<_> = sender.prospects().await.iter().map(|p| p["email"].clone()).collect();
        assert_eq!(emails, ["bob@objects.test"]);
        let ttl = Timestamp::from_second(item["ttl"].as_i64().unwrap()).unwrap();
        let years = objected.to_zoned(jiff::tz::TimeZone::UTC) + jiff::Span::new().years(3);
        assert!((ttl.as_second() - years.timestamp().as_second()).abs() <= 3_605, "{ttl} {years}");

        stack.set_time(ttl - SignedDuration::from_secs(1));
        stack.purge().await;
        assert_eq!(suppressions(&Dump::of(&stack).await).len(), 1, "forgotten early by a second");
        stack.set_time(ttl);
        stack.purge().await;
        assert!(suppressions(&Dump::of(&stack).await).is_empty());
        stack.finish().await;
    });
}

#[test]
fn a61_an_objection_that_keeps_somebody_out_of_an_import_counts_its_three_years_anew() {
    run(async {
        let stack = TestStack::start().await;
        let (sender, other) = (stack.sign_up().await, stack.sign_up().await);
        sender.import(FILE.as_bytes()).await;
        sender.campaign(json!({})).await;
        stop(&stack, "ann@objects.test").await;
        let first = the_objection(&stack).await;
        let end = |item: &Value| Timestamp::from_second(item["ttl"].as_i64().unwrap()).unwrap();

        // Somebody else's file says nothing about this Sender, and neither does one without her.
        stack.set_time(end(&first) - SignedDuration::from_mins(10));
        sender.log_in().await;
        other.log_in().await;
        other.import(FILE.as_bytes()).await;
        sender.import(b"email;first_name\ncarl@objects.test;Carl\n").await;
        assert_eq!(the_objection(&stack).await, first);

        // Its last minutes: she is still kept out, and from then on for the whole time again.
        let import = sender.import(FILE.as_bytes()).await;
        assert_eq!(import["suppressed"], 1, "{import}");
        let renewed = the_objection(&stack).await;
        let years = stack.now().to_zoned(jiff::tz::TimeZone::UTC) + jiff::Span::new().years(3);
        assert!((end(&renewed).as_second() - years.timestamp().as_second()).abs() <= 3_605, "{renewed}");
        assert_eq!((&renewed["at"], &renewed["why"]), (&first["at"], &first["why"]), "the date stays");
        assert_eq!(renewed.as_object().unwrap().len(), first.as_object().unwrap().len(), "nothing more is kept");

        stack.set_time(end(&renewed) - SignedDuration::from_secs(1));
        stack.purge().await;
        assert_eq!(the_objection(&stack).await, renewed, "forgotten early by a second");
        stack.set_time(end(&renewed));
        stack.purge().await;
        assert!(suppressions(&Dump::of(&stack).await).is_empty());
        stack.finish().await;
    });
}

/// The only one there is.
async fn the_objection(stack: &TestStack) -> Value {
    let [item] = &suppressions(&Dump::of(stack).await)[..] else { panic!("one objection") };
    item.clone()
}
