//! The operator's own leads are the prospects of its own workspace (A35).

use jiff::{SignedDuration, Timestamp, ToSpan as _, civil::Date, tz::TimeZone};
use serde_json::{Value, json};
use tests::{Sender, TestStack, run};

fn time(value: &Value) -> Timestamp {
    value.as_str().unwrap().parse().unwrap()
}

/// Three years after a day began in Paris, or after a moment.
fn three_years_after(start: Timestamp) -> Timestamp {
    (start.to_zoned(TimeZone::get("Europe/Paris").unwrap()) + 3.years()).timestamp()
}

async fn held(sender: &Sender<'_>) -> Vec<String> {
    sender.prospects().await.iter().map(|person| person["email"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a35_the_operators_own_leads_go_three_years_after_collection_or_contact_whatever_was_chosen() {
    run(async {
        let stack = TestStack::start().await;
        let (firm, other) = (stack.sign_up().await, stack.sign_up().await);
        let shorter = json!({"retention_months": 12});
        for sender in [&firm, &other] {
            sender.patch("/v1/workspace", shorter.clone()).await.expect(200);
        }
        stack.staff_desk(json!({"appoint": {"workspace": firm.workspace}})).await;
        // What was chosen before is over, and nothing else can be chosen; the choice of others stands.
        assert_eq!(firm.get("/v1/workspace").await.json()["retention_months"], 36);
        firm.patch("/v1/workspace", shorter.clone()).await.problem(409, "operators-own");
        firm.patch("/v1/workspace", json!({"retention_months": 36, "display_name": "Ada"})).await.expect(200);
        assert_eq!(other.get("/v1/workspace").await.json()["retention_months"], 12);

        firm.take_answers().await;
        firm.import(b"email\nanswers@leads.test\nsilent@leads.test\n").await;
        other.import(b"email\nprospect@leads.test\n").await;
        for sender in [&firm, &other] {
            sender.campaign(json!({})).await;
        }
        for (whom, period) in [("silent@leads.test", "3 ans"), ("prospect@leads.test", "1 an ")] {
            let letter = stack.only_mail_to(whom).text;
            assert!(letter.contains(period), "{letter}");
        }
        stack.wait(SignedDuration::from_hours(24 * 300));
        stack.answer("answers@leads.test", "Rappelez-moi l'an prochain.").await;

        let silent = firm.prospect("silent@leads.test").await;
        let collected: Date = silent["source"]["collected_on"].as_str().unwrap().parse().unwrap();
        let midnight = collected.to_zoned(TimeZone::get("Europe/Paris").unwrap()).unwrap().timestamp();
        let first = three_years_after(midnight);
        assert_eq!(time(&silent["delete_after"]), first);
        let answered = firm.prospect("answers@leads.test").await;
        let second = three_years_after(time(&answered["last_contact_at"]));
        assert!(time(&answered["delete_after"]) == second && second > first);

        stack.purge_at(first - SignedDuration::from_secs(1)).await;
        assert_eq!((held(&firm).await.len(), held(&other).await.len()), (2, 0));
        let report = stack.purge_at(first).await;
        assert_eq!(held(&firm).await, ["answers@leads.test"]);
        assert_eq!(report["deleted"]["own_lead"], 1, "{report}");
        stack.purge_at(second - SignedDuration::from_secs(1)).await;
        assert_eq!(held(&firm).await, ["answers@leads.test"], "deleted early by a second");
        stack.purge_at(second).await;
        assert!(held(&firm).await.is_empty());

        // Once it is not the operator's any more it chooses like everybody.
        stack.staff_desk(json!({"dismiss": {}})).await;
        firm.patch("/v1/workspace", shorter).await.expect(200);
        stack.finish().await;
    });
}
