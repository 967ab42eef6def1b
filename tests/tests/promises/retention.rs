//! How long prospects are kept.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tests::{TestStack, run};

fn due(prospect: &Value) -> Timestamp {
    prospect["delete_after"].as_str().expect("a time").parse().expect("RFC 3339")
}

#[test]
fn a72_a_workspace_keeps_prospects_36_months_at_most() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        for months in [0, 37, 600] {
            let refused = sender.patch("/v1/workspace", json!({"retention_months": months})).await;
            refused.problem(422, "validation-failed");
            assert_eq!(refused.fields(), ["retention_months"], "{months}");
        }
        sender.import(b"email\nkept@months.test\n").await;
        let longest = due(&sender.prospect("kept@months.test").await);
        sender.campaign(json!({})).await;
        let six = sender.patch("/v1/workspace", json!({"retention_months": 6})).await.expect(200).json();
        assert_eq!(six["retention_months"], 6);
        let shorter = due(&sender.prospect("kept@months.test").await);
        assert!(longest.duration_since(shorter) > SignedDuration::from_hours(24 * 900));
        stack.set_time(shorter - SignedDuration::from_secs(2));
        stack.purge().await;
        assert_eq!(sender.prospects().await.len(), 1);
        stack.set_time(shorter);
        stack.purge().await;
        assert!(sender.prospects().await.is_empty());
        stack.finish().await;
    });
}

#[test]
fn a73_an_answer_starts_the_three_years_anew_to_the_second() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        sender.take_answers().await;
        sender.import(b"email\nanswers@years.test\nsilent@years.test\n").await;
        sender.campaign(json!({})).await;
        let first = due(&sender.prospect("answers@years.test").await);
        stack.wait(SignedDuration::from_hours(24 * 600));
        sender.log_in().await;
        stack.answer("answers@years.test", "Pas maintenant, peut-être l'an prochain.").await;
        let answered = sender.prospect("answers@years.test").await;
        let contact: Timestamp = answered["last_contact_at"].as_str().unwrap().parse().unwrap();
        let paris = contact.to_zoned(jiff::tz::TimeZone::get("Europe/Paris").unwrap());
        assert_eq!(due(&answered), (paris + jiff::Span::new().years(3)).timestamp());

        stack.set_time(first);
        stack.purge().await;
        let left: Vec<_> = sender.prospects().await.iter().map(|person| person["email"].clone()).collect();
        assert_eq!(left, ["answers@years.test"]);
        stack.set_time(due(&answered) - SignedDuration::from_secs(1));
        stack.purge().await;
        assert_eq!(sender.prospects().await.len(), 1, "deleted early by a second");
        stack.set_time(due(&answered));
        stack.purge().await;
        assert!(sender.prospects().await.is_empty());
        stack.finish().await;
    });
}

#[test]
fn a73_prospects_go_three_years_after_collection_to_the_second_and_our_sending_changes_nothing() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        sender.import(b"email\nthree@years.test\n").await;
        let before = sender.prospect("three@years.test").await;
        sender.campaign(json!({})).await;
        // Two years on: another message, and the same file again.
        stack.wait(SignedDuration::from_hours(24 * 730));
        assert_eq!(sender.campaign(json!({"name": "Plus tard"})).await["counts"]["sent"], 1);
        assert_eq!(sender.import(b"email\nthree@years.test\n").await["unchanged"], 1);
        let after = sender.prospect("three@years.test").await;
        assert_eq!((&after["delete_after"], &after["last_contact_at"]), (&before["delete_after"], &json!(null)));

        let zone = jiff::tz::TimeZone::get("Europe/Paris").unwrap();
        let collected: jiff::civil::Date = before["source"]["collected_on"].as_str().unwrap().parse().unwrap();
        let three_years = (collected.to_zoned(zone).unwrap() + jiff::Span::new().years(3)).timestamp();
        assert_eq!(due(&before), three_years);

        stack.set_time(three_years - SignedDuration::from_secs(2));
        stack.purge().await;
        assert_eq!(sender.prospects().await.len(), 1, "deleted early");
        stack.set_time(three_years);
        // Nobody is written to once it is over, whether or not the purge has come by.
        sender.import(b"email\nnew@years.test\n").await;
        let late = sender.campaign(json!({"name": "Trop tard"})).await;
        assert_eq!(late["refused_by_reason"], json!({"retention_over": 1}), "{late}");
        stack.purge().await;
        let left: Vec<_> = sender.prospects().await.into_iter().map(|person| person["email"].clone()).collect();
        assert_eq!(left, ["new@years.test"], "still there at the second");
        stack.finish().await;
    });
}
