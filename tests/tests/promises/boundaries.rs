//! Everything that the purge deletes goes at its second and not before, whatever the calendar does then.
//!
//! What is written down when something of every class is stored is held to the published periods, counted
//! here once more. Then the purge of the second before and the purge of that second look at one of each.

use std::collections::BTreeMap;

use domain::policy::{
    inventory::Inventory,
    retention::{Class, Store},
};
use jiff::{Span, Timestamp, ToSpan as _, tz::TimeZone};
use serde_json::{Value, json};
use tests::{Sender, TestStack, inventory::Seen, run, store::Dump};

use super::inventory::furnish;

/// The tables of the classes that have a time of their own.
const TABLES: [(&str, Store); 6] = [
    ("AccountsTable", Store::Accounts),
    ("EvidenceTable", Store::Evidence),
    ("KeysTable", Store::Keys),
    ("OutreachTable", Store::Outreach),
    ("RightsTable", Store::Rights),
    ("SuppressionsTable", Store::Suppressions),
];

/// How long something of a class is kept, as was published; `None` for what goes with something else.
fn kept(class: Class) -> Option<Span> {
    Some(match class {
        Class::OneTimeToken | Class::Limiter | Class::IdempotencyKey => 24.hours(),
        Class::UnverifiedSignup | Class::Invitation | Class::WebhookDelivery => 7.days(),
        // The link that a copy is sent with; the copy itself is a file.
        Class::Session | Class::IdentityCopy => 30.days(),
        Class::ApiKey => 365.days(),
        Class::SecurityLog => 13.months(),
        Class::ProductAnalytics => 25.months(),
        Class::ImportRecord
        | Class::Delivery
        | Class::Suppression
        | Class::NewsObjection
        | Class::Erasure
        | Class::MailEvidence
        | Class::RightsRequest
        | Class::AbuseCase
        | Class::PurgeRecord
        | Class::PublicKey => 3.years(),
        _ => return None,
    })
}

fn after(start: Timestamp, span: Span) -> Timestamp {
    let zone = TimeZone::get("Europe/Paris").expect("bundled");
    (start.to_zoned(zone) + span).timestamp()
}

fn time(value: &Value) -> Timestamp {
    value.as_str().expect("a time").parse().expect("RFC 3339")
}

/// The second at which the purge may know that an instant has come.
fn second(at: Timestamp) -> Timestamp {
    let whole = at.as_second() + i64::from(at.subsec_nanosecond() > 0);
    Timestamp::from_second(whole).expect("this millennium")
}

/// When an item's own time is over, if it has one.
fn end_of(class: Class, item: &Value) -> Option<Timestamp> {
    match item["ttl"].as_i64() {
        Some(ttl) => Some(Timestamp::from_second(ttl).expect("this millennium")),
        // One that nothing ever came for counts from its announcement.
        None if class == Class::ImportRecord => {
            let since = if item["finished_at"].is_null() { &item["created_at"] } else { &item["finished_at"] };
            Some(second(after(time(since), 36.months())))
        }
        None => None,
    }
}

/// Something that goes at its second.
struct Probe {
    what: String,
    end: Timestamp,
    is_there: Box<dyn Fn(&Dump) -> bool>,
}

impl Probe {
    /// An item of a table.
    fn item(class: Class, table: &'static str, item: &Value, end: Timestamp) -> Probe {
        let key = (item["pk"].clone(), item["sk"].clone());
        let is_there = Box::new(move |dump: &Dump| {
            dump.table(table).iter().any(|item| (&item["pk"], &item["sk"]) == (&key.0, &key.1))
        });
        Probe { what: format!("{class:?} in {table}"), end, is_there }
    }
}

/// Of every class with a time of its own the item that goes first; all of them are held to their periods.
fn own_times(dump: &Dump, filled: (Timestamp, Timestamp), but: &str) -> BTreeMap<Class, Probe> {
    let mut first: BTreeMap<Class, Probe> = BTreeMap::new();
    for (table, store) in TABLES {
        // A key that statements are signed with is renewed by the purge itself.
        let others = dump.table(table).iter().filter(|item| item["pk"] != "STATEMENT_KEYS");
        for item in others.filter(|item| !item.to_string().contains(but)) {
            let text = |name: &str| item[name].as_str().map(str::to_owned);
            let (pk, sk) = (text("pk").unwrap(), text("sk").unwrap());
            let class = Inventory::current().kind_of(store, &pk, &sk, text).expect("listed").1.class;
            let Some(end) = end_of(class, item) else { continue };
            let span = kept(class).unwrap_or_else(|| panic!("{class:?} has a time of its own: {item}"));
            // A password link and the window of a limiter end long before the day that is allowed.
            let may_be_early = matches!(class, Class::OneTimeToken | Class::Limiter);
            assert!(may_be_early || end >= after(filled.0, span), "{class:?} early: {item}");
            assert!(end <= second(after(filled.1, span)), "{class:?} late: {item}");
            if first.get(&class).is_none_or(|known| end < known.end) {
                first.insert(class, Probe::item(class, table, item, end));
            }
        }
    }
    first
}

/// A company with something of each class that goes with it, and when.
async fn leave(leaver: &Sender<'_>) -> Vec<Probe> {
    let port = leaver.stack.backends().smtp().tls_port();
    let channel = json!({"kind": "smtp", "host": "localhost", "port": port, "security": "tls", "username": "u", "password": "relay word"});
    leaver.put("/v1/sender", leaver.identity(channel)).await.expect(200);
    leaver.import(b"email\nleft@boundary.test\n").await;
    leaver.campaign(json!({})).await;
    let closed = leaver.delete("/v1/workspace").await.expect(200).json();
    let end = second(after(time(&closed["closed_at"]), 30.days()));
    assert_eq!(second(time(&closed["deleted_after"])), end);
    let dump = Dump::of(leaver.stack).await;
    let mut probes = Vec::new();
    for (class, table, sk) in [
        (Class::Account, "AccountsTable", "WORKSPACE"),
        (Class::SenderIdentity, "AccountsTable", "SENDER"),
        (Class::Campaign, "OutreachTable", "cmp_"),
        (Class::DataKey, "KeysTable", "DATA_KEY"),
        (Class::Prospect, "ProspectsTable", ""),
    ] {
        let of = |item: &&Value, name: &str, text: &str| item[name].as_str().is_some_and(|value| value.contains(text));
        let found = dump.table(table).iter().find(|item| of(item, "pk", &leaver.workspace) && of(item, "sk", sk));
        probes.push(Probe::item(class, table, found.unwrap_or_else(|| panic!("no {class:?}")), end));
    }
    probes
}

/// People and files of a company that stays, and when they go.
async fn stay(stack: &TestStack, sender: &Sender<'_>) -> Vec<Probe> {
    let dump = Dump::of(stack).await;
    let mut probes = Vec::new();
    let mut person = |class, email: &str, end| {
        let record = dump.table("ProspectsTable").iter().find(|item| item["e"] == email).expect("a person");
        probes.push(Probe::item(class, "ProspectsTable", record, end));
    };
    let one = sender.prospect("one@filled.test").await;
    let collected: jiff::civil::Date = one["source"]["collected_on"].as_str().unwrap().parse().unwrap();
    let midnight = collected.to_zoned(TimeZone::get("Europe/Paris").expect("bundled")).unwrap().timestamp();
    person(Class::Prospect, "one@filled.test", after(midnight, 36.months()));
    let untold = sender.prospect("untold@boundary.test").await;
    person(Class::UninformedProspect, "untold@boundary.test", second(after(time(&untold["created_at"]), 30.days())));
    // Both files of an import go together, once the time of the later one is over.
    let record = dump
        .table("AccountsTable")
        .iter()
        .filter(|item| item["rejected_by_reason"]["freemail"] == 1)
        .max_by_key(|item| item["created_at"].as_str())
        .expect("an import with a report");
    let end = second(after(time(&record["finished_at"]), 30.days()));
    let id = record["sk"].as_str().unwrap().trim_start_matches("IMPORT#").to_owned();
    for (class, folder) in [(Class::Upload, "uploads/"), (Class::ImportReport, "rejects/")] {
        let id = id.clone();
        let is_there =
            Box::new(move |dump: &Dump| dump.objects.keys().any(|path| path.contains(folder) && path.contains(&id)));
        probes.push(Probe { what: format!("{class:?} in the bucket"), end, is_there });
    }
    let doubted = dump.table("RightsTable").iter().find(|item| item["doubt"]["copy"].is_string()).expect("a copy");
    let end = second(after(time(&doubted["doubt"]["copy"]), 30.days()));
    let id = doubted["id"].as_str().unwrap().to_owned();
    let is_there = Box::new(move |dump: &Dump| dump.objects.keys().any(|path| path.contains(&id)));
    probes.push(Probe { what: "a copy of an identity document".into(), end, is_there });
    probes
}

async fn every_class_goes_at_its_second(start: &str) {
    let stack = TestStack::start().await;
    stack.set_time(start.parse().expect("a time"));
    // The product counts in whole seconds.
    let began = Timestamp::from_second(stack.now().as_second()).expect("this millennium");
    let sender = furnish(&stack, &mut Seen::default()).await;
    // After everybody who was erased: the files of before went with them.
    sender.import(b"email\nuntold@boundary.test\nprive@gmail.com\n").await;
    let leaver = stack.sign_up().await;
    let mut probes = leave(&leaver).await;
    stack.purge().await;
    probes.extend(stay(&stack, &sender).await);
    let own = own_times(&Dump::of(&stack).await, (began, stack.now()), &leaver.workspace);
    let expected: Vec<Class> = Class::ALL.iter().copied().filter(|class| kept(*class).is_some()).collect();
    let mut found: Vec<Class> = own.keys().copied().collect();
    found.sort_by_key(|class| expected.iter().position(|other| other == class));
    assert_eq!(found, expected, "nothing of these classes is stored, or it has no end");
    probes.extend(own.into_values());
    probes.sort_by_key(|probe| probe.end);

    for together in probes.chunk_by(|a, b| a.end == b.end) {
        let end = together[0].end;
        for (now, there) in [(end - 1.second(), true), (end, false)] {
            stack.purge_at(now).await;
            let dump = Dump::of(&stack).await;
            for Probe { what, is_there, .. } in together {
                assert_eq!(is_there(&dump), there, "{what} at {now}, due at {end}");
            }
        }
    }
    stack.finish().await;
}

#[test]
fn a37_every_class_goes_at_its_second_from_31_january_of_a_leap_year() {
    run(every_class_goes_at_its_second("2028-01-31T11:00:00+01:00"));
}

#[test]
fn a37_every_class_goes_at_its_second_when_it_falls_into_an_hour_that_does_not_exist() {
    run(every_class_goes_at_its_second("2028-02-25T02:10:00+01:00"));
}

#[test]
fn a37_every_class_goes_at_its_second_from_a_leap_day() {
    run(every_class_goes_at_its_second("2028-02-29T23:00:00+01:00"));
}
