//! What becomes of each right that a person exercises: objection, correction, restriction, access, erasure.

use base64::Engine as _;
use domain::statement::{KeySet, Signed, Unproven};
use jiff::SignedDuration;
use local::backends::Plan;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{TestStack, run, store::Dump, wait_for};

use super::rights::{contact, tasks};

const SECOND: SignedDuration = SignedDuration::from_secs(1);
const DAY: SignedDuration = SignedDuration::from_hours(24);

#[test]
fn a43_a45_an_objection_and_a_withdrawal_hold_at_once_with_every_sender_and_need_no_reason() {
    run(async {
        let stack = TestStack::start().await;
        let (one, two) = (stack.sign_up().await, stack.sign_up().await);
        for sender in [&one, &two] {
            sender.import(b"email\nstop@now.test\nwithdraw@now.test\nstay@now.test\n").await;
        }
        stack.exercise("stop@now.test", "objection", None).await;
        stack.exercise("withdraw@now.test", "consent_withdrawal", None).await;
        for sender in [&one, &two] {
            let campaign = sender.campaign(json!({})).await;
            assert_eq!(campaign["refused_by_reason"], json!({"opted_out": 2}), "{campaign}");
            assert_eq!(campaign["counts"]["sent"], 1, "{campaign}");
            let all = tasks(sender).await;
            assert!(all.len() == 2 && all.iter().all(|task| task["outcome"] == "done_at_once"), "{all:?}");
        }
        // Nobody has to be chased for what is done.
        assert_eq!(stack.rights_clock().await["open"], 0);
        // Asked again, there is a fingerprint and nothing else.
        stack.purge().await;
        let again = stack.exercise("stop@now.test", "access", None).await;
        assert!(again["senders"].as_array().unwrap().iter().all(|s| s["record"] == false), "{again}");
        assert_eq!(again["due"], Value::Null);
        stack.finish().await;
    });
}

#[test]
fn a39_a_correction_reaches_messages_that_have_not_left() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        sender.import(b"email;first_name\nfix@queued.test;Wrong\n").await;
        let id = sender.draft(json!({"text": "Bonjour {{ first_name }}"})).await;
        // Claimed, written, and put back because the channel takes nothing; then paused.
        stack.break_things(serde_json::from_value(json!({"ses": {"throttle_every": 1}})).unwrap());
        sender.command(&id, "launch").await.expect(202);
        wait_for("the message to be put back", || async {
            stack.logs().iter().any(|line| line.function == "send" && line.line.contains("put back")).then_some(())
        })
        .await;
        sender.command(&id, "pause").await.expect(200);
        stack.break_things(Plan::default());
        stack.exercise("fix@queued.test", "rectification", Some("Right, not Wrong")).await;
        let task = tasks(&sender).await.remove(0);
        let path = format!("/v1/rights-tasks/{}/handle", task["id"].as_str().unwrap());
        sender.post(&path, json!({"outcome": "done", "change": {"first_name": "Right"}})).await.expect(200);
        sender.command(&id, "resume").await.expect(202);
        sender.wait_ended(&id).await;
        let mails = stack.mails_to("fix@queued.test");
        let message = mails.iter().find(|mail| mail.header("List-Unsubscribe").is_some()).expect("the message");
        assert!(message.text.contains("Bonjour Right") && !message.raw.contains("Wrong"), "{}", message.text);
        stack.finish().await;
    });
}

#[test]
fn a41_who_asks_for_restriction_in_the_middle_of_a_campaign_is_kept_and_not_written_to() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        sender.import(b"email\nfreeze@queued.test\nother@queued.test\n").await;
        let id = sender.draft(json!({})).await;
        stack.exercise("freeze@queued.test", "restriction", None).await;
        sender.command(&id, "launch").await.expect(202);
        let campaign = sender.wait_ended(&id).await;
        assert_eq!((&campaign["counts"]["sent"], &campaign["counts"]["refused"]), (&json!(1), &json!(1)), "{campaign}");
        assert!(stack.mails_to("freeze@queued.test").iter().all(|mail| !mail.subject.starts_with("Une question")));
        assert_eq!(sender.prospect("freeze@queued.test").await["state"], "restricted");
        stack.purge().await;
        assert_eq!(sender.prospects().await.len(), 2, "frozen is kept");
        // Who wants it kept still does when they object as well.
        stack.exercise("freeze@queued.test", "objection", None).await;
        stack.purge().await;
        assert_eq!(sender.prospects().await.len(), 2, "frozen is kept, whatever else they say");
        stack.finish().await;
    });
}

#[test]
fn a41_a_restriction_that_the_person_asked_for_ends_only_after_telling_them() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        sender.import(b"email;language\nfreeze@lifted.test;en\n").await;
        let asked = stack.exercise("freeze@lifted.test", "restriction", None).await;
        let request = asked["request"].as_str().unwrap();
        let person = sender.prospect("freeze@lifted.test").await;
        assert_eq!((&person["state"], &person["restricted_by"]), (&json!("restricted"), &json!(request)), "{person}");
        let path = format!("/v1/prospects/{}", person["id"].as_str().unwrap());

        // Neither by hand, nor by another import, nor from elsewhere, nor without a reason.
        let problem = sender.patch(&path, json!({"state": "active"})).await.problem(409, "restricted-at-request");
        let lift = format!("{path}/lift");
        assert!(problem["detail"].as_str().unwrap().contains(&lift), "{problem}");
        // Nothing about them changes either: it is kept as it is (art. 18(2)).
        sender.patch(&path, json!({"company": "Firm"})).await.problem(409, "restricted-at-request");
        let import = sender.import(b"email;language;company\nfreeze@lifted.test;fr;Firm\n").await;
        assert_eq!((&import["updated"], &import["unchanged"]), (&json!(0), &json!(1)), "{import}");
        assert_eq!(sender.prospect("freeze@lifted.test").await, person);
        let why = json!({"reason": "You confirmed on the phone that the address is right."});
        sender.post(&lift, json!({"reason": " "})).await.problem(422, "validation-failed");
        stack.sign_up().await.post(&lift, why.clone()).await.problem(404, "not-found");
        // Nor by deleting the record: keeping it is what was asked.
        sender.delete(&path).await.problem(409, "restricted-at-request");
        // Nor by the time in which whoever is imported has to be informed: they know who holds them.
        stack.wait(DAY * 32);
        stack.purge().await;
        sender.log_in().await;
        assert_eq!(sender.prospect("freeze@lifted.test").await["state"], "restricted");
        // Nor when the person could not be told.
        let told = stack.mails_to("freeze@lifted.test").len();
        stack.break_things(serde_json::from_value(json!({"ses": {"throttle_every": 1}})).unwrap());
        let failed = sender.post(&lift, why.clone()).await;
        assert!(failed.status >= 500, "{}", failed.text());
        stack.break_things(Plan::default());
        assert_eq!(sender.prospect("freeze@lifted.test").await["restricted_by"], request);
        assert_eq!(stack.mails_to("freeze@lifted.test").len(), told);

        sender.post(&lift, why.clone()).await.expect(200);
        let mail = stack.mails_to("freeze@lifted.test").pop().unwrap();
        assert!(mail.text.contains("confirmed on the phone") && mail.text.contains("/rights"), "{}", mail.text);
        let person = sender.prospect("freeze@lifted.test").await;
        assert_eq!((&person["state"], &person["restricted_by"]), (&json!("active"), &Value::Null), "{person}");
        sender.post(&lift, why).await.problem(409, "not-restricted");
        // What a Sender froze itself, it ends itself.
        for state in ["restricted", "active"] {
            assert_eq!(sender.patch(&path, json!({"state": state})).await.expect(200).json()["state"], state);
        }
        // An opt-out is no state of the record, and is not lifted with it.
        stack.exercise("freeze@lifted.test", "objection", None).await;
        sender.patch(&path, json!({"state": "active"})).await.problem(409, "opted-out");
        stack.finish().await;
    });
}

#[test]
fn a38_a42_access_gives_everything_in_three_forms_once_each_for_a_day() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        let file = "email;first_name;last_name;company;job_title;tags;notes;language;country\n\
                    all@held.test;Amélie;Durand;Menuiserie;Gérante;salon;a note;fr;FR\n";
        sender.import(file.as_bytes()).await;
        let text = "Bonjour {{ first_name }}, une question ?";
        sender.campaign(json!({"subject": "Une question", "text": text, "purpose": "Présenter nos tables"})).await;
        let words = "My name is Amélie Durant.";
        let asked = stack.exercise("all@held.test", "rectification", Some(words)).await;
        stack.exercise("another@held.test", "rectification", Some("Not hers.")).await;
        let proved = stack.exercise("all@held.test", "access", None).await;
        let token = proved["access_token"].as_str().unwrap();
        stack.client().get(&format!("/rights/access/{token}")).await.expect(200);

        let json = stack.read_data(token, "json").await.expect(200);
        assert_eq!(json.header("cache-control"), "no-store");
        let data = json.json();
        let held = &data["senders"][0];
        // Every field that the Sender can read of a person is in the person's copy.
        let prospect = sender.prospect("all@held.test").await;
        let detail = sender.get(&format!("/v1/prospects/{}", prospect["id"].as_str().unwrap())).await.json();
        for (name, value) in detail.as_object().unwrap() {
            assert_eq!(&held["record"][name], value, "{name}");
        }
        assert_eq!(held["record"]["history"].as_array().unwrap().len(), 1);
        // What was written to the person is there as they got it.
        let message = &held["messages"][0];
        assert_eq!((&message["subject"], &message["kind"]), (&json!("Une question"), &json!("sent")), "{held}");
        assert!(message["text"].as_str().unwrap().contains("Bonjour Amélie"), "{message}");
        assert_eq!(held["sender"]["contact_email"], contact(&sender));
        let told = &held["information"];
        assert!(told["purposes"].as_array().unwrap().iter().any(|p| p == "Présenter nos tables"), "{told}");
        for fact in ["categories", "transfers", "rights", "complaint", "automated_decisions", "texts"] {
            assert!(told[fact].as_str().is_some_and(|text| !text.is_empty()), "{fact}: {told}");
        }
        assert!(told["recipients"].as_array().unwrap().len() > 1);

        // What they asked for before, in their words, and which mails the product itself has sent them.
        let registered = &data["operator"];
        let request = &registered["requests"][0];
        assert_eq!((&request["request"], &request["message"]), (&asked["request"], &json!(words)), "{registered}");
        assert_eq!(request["waits_for"], "senders");
        let kinds: Vec<_> = registered["requests"].as_array().unwrap().iter().map(|request| &request["kind"]).collect();
        assert_eq!(kinds, ["rectification", "access"], "{registered}");
        let mails: Vec<_> = registered["service_mails"].as_array().unwrap().iter().map(|m| &m["template"]).collect();
        assert_eq!(mails.len(), stack.mails_to("all@held.test").len() - 1, "all but the campaign's: {mails:?}");

        let csv = stack.read_data(token, "csv").await.expect(200).text();
        let page = stack.read_data(token, "page").await.expect(200).text();
        for word in
            ["all@held.test", "Amélie", "Durand", "Menuiserie", "Gérante", "salon", "a note", "Une question", words]
        {
            assert!(csv.contains(word) && page.contains(word), "{word}");
        }
        // For a person, not for a program.
        let names: Vec<&str> =
            page.split("<th scope=\"row\">").skip(1).filter_map(|rest| rest.split("</th>").next()).collect();
        assert!(names.len() > 20 && !names.iter().any(|name| name.contains('_')), "{names:?}");
        for form in ["json", "csv", "page"] {
            stack.read_data(token, form).await.expect(410);
        }
        let later = stack.exercise("all@held.test", "portability", None).await;
        stack.wait(DAY + SECOND);
        stack.read_data(later["access_token"].as_str().unwrap(), "json").await.expect(410);
        stack.finish().await;
    });
}

#[test]
fn a40_of_a_person_who_was_erased_no_store_file_queue_or_log_holds_a_word() {
    run(async {
        let stack = TestStack::start().await;
        let (one, two) = (stack.sign_up().await, stack.sign_up().await);
        let canaries = [
            "kanari@voliere.test",
            "Kanarienvogel",
            "Zwitscher",
            "Voliere-GmbH",
            "Saenger",
            "kanari-note",
            "kanari-tag",
        ];
        for canary in canaries {
            stack.keep_secret(canary);
        }
        let file = "email;first_name;last_name;company;job_title;notes;tags\n\
                    kanari@voliere.test;Kanarienvogel;Zwitscher;Voliere-GmbH;Saenger;kanari-note;kanari-tag\n\
                    KANARI@voliere.test;Kanarienvogel;Zwitscher;Voliere-GmbH;Saenger;;\n\
                    pas une adresse;Kanarienvogel;Zwitscher;;;;\nstays@voliere-stays.test;Stays;;;;;\n";
        for sender in [&one, &two] {
            sender.import(file.as_bytes()).await;
            sender.campaign(json!({"text": "Bonjour {{ first_name | default: \"vous\" }}"})).await;
        }
        // An answer that is remembered for a day has her in it.
        let by_hand = json!({
            "email": "kanari2@voliere.test", "first_name": "Kanarienvogel",
            "source": one.announcement()["source"], "lawful_basis": "consent",
        });
        let key = one.request(Method::POST, "/v1/prospects").header("idempotency-key", "k").json(&by_hand);
        key.send().await.expect(201);
        // She reported one of them, and is asked to join the other.
        let report = "Zwitscher, Kanarienvogel: woher haben die das?";
        stack.report_abuse("unlawful_list", report, Some("kanari@voliere.test")).await;
        two.post("/v1/invitations", json!({"email": "kanari@voliere.test", "role": "viewer"})).await.expect(201);
        let words = |dump: &Dump| canaries.iter().flat_map(|word| dump.mentions(word)).collect::<Vec<_>>();
        assert!(words(&Dump::of(&stack).await).len() > 4, "there is something to erase");

        // What else was asked is about nothing once there is nothing, and its words go too.
        stack.exercise("kanari@voliere.test", "rectification", Some("Kanarienvogel, nicht Kanari.")).await;
        let read = stack.exercise("kanari@voliere.test", "access", None).await;
        let read = stack.read_data(read["access_token"].as_str().unwrap(), "json").await.expect(200).json();
        assert_eq!(read["operator"]["reports"][0]["text"], report, "{read}");
        let invited = |held: &&Value| held["invitations"][0]["email"] == "kanari@voliere.test";
        assert_eq!(read["senders"].as_array().unwrap().iter().filter(invited).count(), 1, "{read}");
        let erased = stack.exercise("kanari@voliere.test", "erasure", None).await;
        for task in one.all("/v1/rights-tasks").await.iter().filter(|task| task["kind"] != "erasure") {
            assert_eq!((&task["outcome"], &task["prospect"]), (&json!("overtaken"), &Value::Null), "{task}");
        }
        assert_eq!(erased["senders"].as_array().unwrap().len(), 2);
        // Before anybody's clock: what is signed is already so.
        let path = format!("/rights/certificates/{}", erased["certificate"].as_str().unwrap());
        let certified = stack.client().get(&path).await.expect(200).json()["statement"].clone();
        assert_eq!(certified["residuals"], json!({}));
        for (class, least) in [
            ("prospect", 2),
            ("delivery", 2),
            ("upload", 2),
            ("rights_request", 2),
            ("invitation", 1),
            ("abuse_case", 1),
        ] {
            assert!(certified["erased"][class].as_u64() >= Some(least), "{class}: {certified}");
        }
        assert!(certified["kept"].as_array().unwrap().contains(&json!("security_log")), "{certified}");
        stack.exercise("kanari2@voliere.test", "erasure", None).await;
        stack.settle().await;
        let dump = Dump::of(&stack).await;
        assert_eq!(words(&dump), [""; 0]);
        for folded in ["kanari", "KANARI"] {
            assert_eq!(dump.mentions(folded), [""; 0], "{folded}");
        }
        // Her history went as well; what is left names nobody, and keeps her from coming back.
        let deliveries = dump.table("OutreachTable").iter().filter(|i| i["pk"].as_str().unwrap().contains("#D#"));
        assert_eq!(deliveries.count(), 2, "one of each Sender's, to who stays");
        for queue in &stack.template().queues {
            let counts = stack.backends().sqs().counts(&queue.arn).unwrap();
            assert_eq!(counts.visible, 0, "{}", queue.name);
        }
        let again = one.import(b"email\nkanari@voliere.test\n").await;
        assert_eq!(again["suppressed"], 1, "{again}");
        // The Senders know whom to erase elsewhere; nobody is chased.
        assert!(stack.mails_to(&contact(&one)).iter().any(|mail| mail.text.contains("kanari@voliere.test")));
        assert_eq!(stack.rights_clock().await["open"], 0);
        stack.finish().await;
    });
}

#[test]
fn a38_a40_what_was_sent_is_told_and_erased_though_the_record_is_gone() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        // Collected long ago, written to now: the record is due first, the history later.
        let mut announced = sender.announcement();
        announced["source"]["collected_on"] = json!("2024-06-01");
        sender.import_as(announced, b"email;first_name\nlate@history.test;L\n").await;
        sender.campaign(json!({"steps": [{"subject": "Une question", "text": "Bonjour"}]})).await;
        stack.set_time("2027-06-02T08:00:00Z".parse().unwrap());
        stack.purge().await;
        assert!(sender.prospects().await.is_empty());

        let proved = stack.exercise("late@history.test", "access", None).await;
        let data = stack.read_data(proved["access_token"].as_str().unwrap(), "json").await.expect(200).json();
        let held = &data["senders"][0];
        assert_eq!((&held["record"], &held["history"][0]["subject"]), (&Value::Null, &json!("Une question")), "{data}");
        let erased = stack.exercise("late@history.test", "erasure", None).await;
        assert!(erased["certificate"].is_string(), "{erased}");
        // Nothing is left but what finds them again in a backup.
        let again = stack.exercise("late@history.test", "access", None).await;
        let data = stack.read_data(again["access_token"].as_str().unwrap(), "json").await.expect(200).json();
        let held = &data["senders"][0];
        assert_eq!((&held["record"], &held["history"]), (&Value::Null, &Value::Null), "{data}");
        assert_eq!(held["fingerprint"]["reason"], "erased", "{data}");
        stack.finish().await;
    });
}

/// Whom the table of campaigns lists: their fingerprints, packed.
fn is_listed(dump: &Dump, id: &str) -> bool {
    let fingerprint = hex::decode(id.trim_start_matches("pro_")).expect("hexadecimal");
    // Chunks, and the plan that they are made from.
    let lists = dump.table("OutreachTable").iter().flat_map(|item| [&item["who"], &item["subjects"]]);
    let lists = lists.filter_map(Value::as_str);
    let lists = lists.map(|who| base64::engine::general_purpose::STANDARD.decode(who).expect("packed"));
    lists.into_iter().any(|who| who.chunks(fingerprint.len()).any(|one| one == fingerprint))
}

#[test]
fn a40_whoever_is_erased_stands_in_no_list_of_a_campaign_whether_they_were_written_to_or_not() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        sender.import(b"email;first_name\nwritten@lists.test;W\nnameless@lists.test;\nstays@lists.test;S\n").await;
        let campaign = sender.draft(json!({"steps": [{"subject": "s", "text": "Bonjour {{ first_name }}"}]})).await;
        sender.command(&campaign, "launch").await.expect(202);
        sender.wait_ended(&campaign).await;
        let mut ids = Vec::new();
        for name in ["written", "nameless", "stays"] {
            ids.push(sender.prospect(&format!("{name}@lists.test")).await["id"].as_str().unwrap().to_owned());
        }
        let dump = Dump::of(&stack).await;
        assert!(ids.iter().all(|id| is_listed(&dump, id)), "there is something to erase");

        // Nothing has left of this one, and who is erased meanwhile gets nothing of it.
        stack.set_time("2026-11-28T10:00:00Z".parse().unwrap());
        let window = json!({"days": ["monday"], "from": "09:00", "to": "18:00", "time_zone": "Europe/Paris"});
        let mut content = sender.content(&json!({}));
        content["window"] = window;
        let waits = sender.launch(content).await;

        // Whether or not they were written to, they are in no list when the certificate is there.
        for (name, id) in ["written", "nameless"].iter().zip(&ids) {
            let erased = stack.exercise(&format!("{name}@lists.test"), "erasure", None).await;
            let path = format!("/rights/certificates/{}", erased["certificate"].as_str().unwrap());
            stack.client().get(&path).await.expect(200);
            assert!(!is_listed(&Dump::of(&stack).await, id), "{name}");
        }
        assert!(is_listed(&Dump::of(&stack).await, &ids[2]));
        let mut rows = sender.recipients(&campaign).await;
        rows.sort_by_key(|row| row["prospect"].as_str().map(str::to_owned));
        let seen: Vec<_> = rows.iter().map(|row| (&row["prospect"], &row["email"])).collect();
        let nobody = (&Value::Null, &Value::Null);
        assert_eq!(seen, [nobody, nobody, (&json!(ids[2]), &json!("stays@lists.test"))]);
        // The counts are what they were.
        let counts = sender.look(&campaign).await["counts"].clone();
        assert_eq!((&counts["sent"], &counts["refused"], &counts["audience"]), (&json!(2), &json!(1), &json!(3)));

        // Whoever is left gets what waited; nobody stands in two places of its list.
        stack.pass(DAY * 2).await;
        let done = sender.wait_ended(&waits).await;
        assert_eq!((&done["counts"]["sent"], &done["counts"]["refused"]), (&json!(1), &json!(2)), "{done}");
        assert_eq!(stack.mails_to("stays@lists.test").len(), 2);

        // Whom a Sender deletes by itself, the next run of the purge takes out, whether or not they had objected.
        let link = stack.mails_to("stays@lists.test")[0].unsubscribe();
        stack.client().request(Method::POST, &link).send().await.expect(200);
        let objected = stack.now();
        stack.wait(DAY);
        sender.delete(&format!("/v1/prospects/{}", ids[2])).await.expect(204);
        let report = stack.purge().await;
        assert!(!is_listed(&Dump::of(&stack).await, &ids[2]));
        assert_eq!(report["statement"]["statement"]["stores"]["outreach"]["changed"], 4, "{report}");
        let dump = Dump::of(&stack).await;
        assert!(!dump.table("OutreachTable").iter().any(|i| i["sk"].as_str().unwrap().contains(&ids[2][4..])));
        // The objection is remembered; it is an erasure now, and kept for as long as any.
        let theirs = |item: &&Value| item["sk"].as_str() == Some(&ids[2][4..]);
        let kept = dump.table("SuppressionsTable").iter().find(theirs).expect("what keeps an import from it").clone();
        assert_eq!(kept["why"], "erased", "{kept}");
        assert!((kept["objected"].as_i64().unwrap() - objected.as_second()).abs() <= 5, "{kept}");
        assert!(kept["at"].as_i64().unwrap() >= (objected + DAY).as_second(), "{kept}");
        let years = stack.now().to_zoned(jiff::tz::TimeZone::UTC) + jiff::Span::new().years(3);
        assert!((kept["ttl"].as_i64().unwrap() - years.timestamp().as_second()).abs() <= 3_605, "{kept}");
        let again = sender.import(b"email\nstays@lists.test\n").await;
        assert_eq!(again["suppressed"], 1, "{again}");
        stack.finish().await;
    });
}

#[test]
fn a40_an_erasure_leaves_a_certificate_that_anybody_can_verify_and_that_names_nobody() {
    run(async {
        let stack = TestStack::start().await;
        let (one, two) = (stack.sign_up().await, stack.sign_up().await);
        for sender in [&one, &two] {
            sender.import(b"email;first_name\ngone@certified.test;Certified\n").await;
            sender.campaign(json!({})).await;
        }
        // Nobody holds this one: there is nothing to certify.
        let nobody = stack.exercise("nobody@certified.test", "erasure", None).await;
        assert_eq!(nobody["certificate"], Value::Null);

        let erased = stack.exercise("gone@certified.test", "erasure", None).await;
        let path = format!("/rights/certificates/{}", erased["certificate"].as_str().expect("a certificate follows"));
        let mail = stack.mails_to("gone@certified.test").pop().unwrap();
        assert!(mail.text.contains(&path), "{}", mail.text);
        let answer = stack.client().get(&path).await.expect(200);
        let signed: Signed = serde_json::from_value(answer.json()).expect("a statement");
        let keys: KeySet = serde_json::from_value(stack.client().get("/legal/keys").await.expect(200).json()).unwrap();
        assert_eq!(signed.verify(&keys.keys), Ok(()));
        let statement = &signed.statement;
        assert_eq!((&statement["kind"], &statement["senders"]), (&json!("erasure"), &json!(2)));
        assert_eq!(
            (&statement["residuals"], &statement["kept"]),
            (&json!({}), &json!(["erasure", "security_log", "mail_evidence", "rights_request"]))
        );
        assert!(statement["stores"].as_array().unwrap().contains(&json!("outreach")), "{statement}");
        for word in ["gone@", "certified", "Certified", "ws_", "pro_", one.workspace.as_str()] {
            assert!(!statement.to_string().contains(word), "{word} in {statement}");
        }
        // A browser gets a page that says the same, and links to what was signed.
        let page = stack.client().request(Method::GET, &path).header("accept", "text/html").send().await.expect(200);
        let page = page.text();
        assert!(page.contains("rien") && page.contains(&signed.kid) && page.contains(&format!("{path}?format=json")));
        assert!(!page.contains("certified.test"), "{page}");
        let mut forged = signed.clone();
        forged.statement["senders"] = json!(3);
        assert_eq!(forged.verify(&keys.keys), Err(Unproven::Forged));

        // While a file may still be on its way nothing is certified; the clock does it once that is over.
        let announced = one.post("/v1/imports", one.announcement()).await.expect(201).json();
        one.import(b"email\nlater@certified.test\n").await;
        stack.wait(SECOND);
        let later = stack.exercise("later@certified.test", "erasure", None).await;
        let path = format!("/rights/certificates/{}", later["certificate"].as_str().unwrap());
        stack.client().get(&path).await.expect(404);
        assert_eq!(
            one.get(&format!("/v1/imports/{}", announced["id"].as_str().unwrap())).await.json()["status"],
            "awaiting_upload"
        );
        stack.wait(DAY + SECOND);
        stack.rights_clock().await;
        stack.client().get(&path).await.expect(200);
        stack.client().get("/rights/certificates/req_00000000000000000000").await.expect(404);
        stack.finish().await;
    });
}
