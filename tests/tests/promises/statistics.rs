//! Anonymous statistics of use: what there is a place for, and what cannot be found out (A16).

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tests::{Sender, TestStack, run, store::Dump};

/// Everything that a stored month may have.
const FIELDS: [&str; 6] = ["all", "en", "fr", "pk", "sk", "ttl"];

/// Everything that may be counted.
const KINDS: [&str; 6] = ["campaigns_launched", "imports", "messages_sent", "opt_outs", "rows_read", "sign_ups"];

/// Midnight in Paris on the first of a month of 2027 or 2028.
fn month(year: i16, month: i8) -> Timestamp {
    let zone = jiff::tz::TimeZone::get("Europe/Paris").unwrap();
    jiff::civil::date(year, month, 1).to_zoned(zone).unwrap().timestamp()
}

fn stored(dump: &Dump) -> Vec<Value> {
    let mut months: Vec<Value> =
        dump.table("EvidenceTable").iter().filter(|item| item["pk"] == "STATISTICS").cloned().collect();
    months.sort_by_key(|item| item["sk"].to_string());
    months
}

async fn report(stack: &TestStack) -> Value {
    let fired = stack.fire_with("purge", &json!({"statistics": true})).await.expect("the template has a purge");
    assert!(fired.ok, "{}", fired.result);
    fired.result
}

/// A company that imports two people.
async fn imports(sender: &Sender<'_>) {
    sender.log_in().await;
    sender.import(format!("email\none@{0}\ntwo@{0}\n", sender.email.split('@').nth(1).unwrap()).as_bytes()).await;
}

#[test]
fn a16_what_is_counted_names_nobody_and_small_counts_are_nowhere() {
    run(async {
        let stack = TestStack::start().await;
        stack.set_time(month(2027, 2) - SignedDuration::from_secs(60));
        stack.purge_at(month(2027, 2)).await;
        assert_eq!(stored(&Dump::of(&stack).await), [Value::Null; 0], "January began before the policy spoke of it");

        // February: eleven sign up, one of them English; nine import, one runs a campaign that one person objects to.
        stack.set_time(month(2027, 2) + SignedDuration::from_hours(1));
        let mut companies = Vec::new();
        for _ in 0..11 {
            companies.push(stack.sign_up().await);
        }
        companies[0].patch("/v1/workspace", json!({"locale": "en"})).await.expect(200);
        for company in &companies[1..10] {
            imports(company).await;
        }
        companies[1].campaign(json!({})).await;
        let link = stack.mails().into_iter().rev().find(|mail| mail.to.starts_with("one@")).unwrap().unsubscribe();
        stack.client().request(reqwest::Method::POST, &link).send().await.expect(200);
        stack.purge_at(month(2027, 3) - SignedDuration::from_secs(1)).await;
        assert_eq!(stored(&Dump::of(&stack).await), [Value::Null; 0], "the month is not over");
        stack.purge_at(month(2027, 3)).await;

        let before = Dump::of(&stack).await;
        let [february] = &stored(&before)[..] else { panic!("{:?}", stored(&before)) };
        assert_eq!((&february["sk"], &february["all"]), (&json!("2027-02"), &json!({"sign_ups": 11})));
        assert_eq!(
            (&february["fr"], &february["en"]),
            (&json!({}), &json!({})),
            "or the one would follow from the total"
        );
        let shown = report(&stack).await;
        let expected = json!({"month": "2027-02", "all": {"sign_ups": 11}, "fr": {}, "en": {}});
        assert_eq!(shown, json!({"fewest_workspaces": 10, "months": [expected]}));

        // Another report says the same, whoever leaves, comes, or is looked at late: differences show nothing.
        stack.set_time(month(2027, 3) + SignedDuration::from_hours(1));
        companies[10].log_in().await;
        companies[10].give_up().await.expect(200);
        stack.purge().await;
        assert_eq!(report(&stack).await, shown);

        // March: ten import, and now it is shown; nobody signs up, which looks as few do.
        for company in &companies[..10] {
            imports(company).await;
        }
        stack.purge_at(month(2027, 4)).await;
        let march = report(&stack).await["months"][1].clone();
        assert_eq!((&march["month"], &march["all"]), (&json!("2027-03"), &json!({"imports": 10, "rows_read": 20})));

        // There is no place for anything else, and nothing of anybody's in what there is.
        let dump = Dump::of(&stack).await;
        for item in stored(&dump) {
            let names: Vec<_> = item.as_object().unwrap().keys().map(String::as_str).collect();
            assert_eq!(names, FIELDS, "{item}");
            for of in ["all", "fr", "en"] {
                for (kind, count) in item[of].as_object().unwrap() {
                    assert!(KINDS.contains(&kind.as_str()) && count.is_u64(), "{item}");
                }
            }
            for company in &companies {
                assert!(!item.to_string().contains(&company.workspace), "{item}");
            }
        }

        // Twenty-five months, to the second.
        let ttl = stored(&dump)[0]["ttl"].as_i64().unwrap();
        assert_eq!(ttl, month(2029, 4).as_second(), "from when it was drawn");
        for (second, there) in [(ttl - 1, true), (ttl, false)] {
            stack.purge_at(Timestamp::from_second(second).unwrap()).await;
            let months = stored(&Dump::of(&stack).await);
            assert_eq!(months.iter().any(|month| month["sk"] == "2027-02"), there, "{second}");
        }
        stack.finish().await;
    });
}
