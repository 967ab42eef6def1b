//! Abuse is reported in three ways, looked into by staff, and ends with a Sender that does no more harm.

use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Sender, TestStack, run};

/// So many that a campaign is not over before it is stopped.
const PEOPLE: usize = 1_000;

/// A message of a campaign of the sender's, as its only recipient got it.
async fn message(sender: &Sender<'_>, to: &str) -> tests::Mail {
    sender.import(format!("email\n{to}\n").as_bytes()).await;
    sender.campaign(json!({})).await;
    sender.stack.settle().await;
    sender.stack.only_mail_to(to)
}

#[test]
fn a71_a_report_on_the_page_opens_a_case_that_names_the_sender_and_nobody_else() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        let mail = message(&sender, "zoe@annoyed.test").await;
        let campaign = sender.get("/v1/campaigns").await.json()["items"][0]["id"].clone();
        let client = stack.client();
        for (lang, word) in [("fr", "Signaler un abus"), ("en", "Report abuse")] {
            let page = client.get(&format!("/abuse?lang={lang}")).await.expect(200);
            assert!(page.text().contains(word) && page.text().contains("abuse@operator.example.com"), "{lang}");
        }
        // Whatever it names, the answer is the same: a Sender's link, headers, nobody, a link that nobody made.
        let form = "application/x-www-form-urlencoded";
        let link = format!("https://mail.test{}", mail.unsubscribe());
        let headers = format!("To: zoe@annoyed.test\nFeedback-ID: {}", mail.header("Feedback-ID").unwrap());
        let forged = format!("https://mail.test/u/{}", "A".repeat(59));
        let mut answers = Vec::new();
        for text in [&link, &headers, "Ils m’écrivent encore.", &forged] {
            stack.wait(SignedDuration::from_secs(1));
            let pairs = [("kind", "despite_unsubscribe"), ("message", text)];
            let body = reqwest::Url::parse_with_params("http://x/", pairs).unwrap();
            let asked = client.request(Method::POST, "/abuse?lang=en").body(form, body.query().unwrap());
            answers.push(asked.send().await.expect(200).text());
        }
        assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:#?}");
        let cases = stack.abuse_cases("OPEN").await;
        let named = |at: usize| (&cases[at]["workspace"], &cases[at]["campaign"]);
        assert_eq!(named(0), (&json!(sender.workspace), &Value::Null));
        assert_eq!(named(1), (&json!(sender.workspace), &campaign));
        for unknown in [2, 3] {
            assert_eq!(named(unknown), (&Value::Null, &Value::Null));
        }
        assert!(cases.iter().all(|case| case["channel"] == "page" && case["reports"] == 1), "{cases:#?}");
        // What was pasted names the person, and is not kept.
        let kept = json!(cases).to_string();
        assert!(!kept.contains("zoe@") && !kept.contains(mail.unsubscribe().rsplit('/').next().unwrap()), "{kept}");
        assert!(kept.contains("Ils m’écrivent encore."));

        // Whoever leaves an address gets the number; what cannot be read is refused.
        stack.wait(SignedDuration::from_secs(1));
        stack.report_abuse("unlawful_content", "See what they sell.", Some("max@annoyed.test")).await;
        let last = stack.abuse_cases("OPEN").await.pop().unwrap();
        let told = stack.only_mail_to("max@annoyed.test");
        assert!(told.text.contains(last["id"].as_str().unwrap()), "{}", told.text);
        assert_eq!(last["reporter"], json!({"email": "max@annoyed.test", "locale": "en"}));
        let wrong = json!({"kind": "spam", "message": ""});
        assert_eq!(client.post("/abuse", wrong).await.fields(), ["kind", "message"]);
        let page = client.request(Method::POST, "/abuse").body(form, "kind=unlawful_list&message=");
        assert!(page.send().await.expect(422).text().contains("role=\"alert\""));
        stack.finish().await;
    });
}

#[test]
fn a71_what_comes_to_the_mailbox_is_entered_and_opens_a_case() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        let mail = message(&sender, "zoe@annoyed.test").await;
        let received = (stack.now() - SignedDuration::from_hours(30)).to_string();
        let headers =
            format!("Message-ID: {}\nList-Id: {}", mail.header("Message-ID").unwrap(), mail.header("List-Id").unwrap());
        let report =
            json!({"kind": "unlawful_list", "message": headers, "received_at": received, "email": "max@annoyed.test"});
        let entered = stack.staff_desk(json!({"report": report})).await;
        assert_eq!(entered["workspace"], sender.workspace.as_str());
        let assigned = json!({"kind": "unlawful_list", "message": "Au téléphone.", "received_at": received, "workspace": sender.workspace});
        let assigned = stack.staff_desk(json!({"report": assigned})).await;
        let cases = stack.abuse_cases("OPEN").await;
        assert_eq!(cases.len(), 2);
        for case in &cases {
            assert_eq!((&case["channel"], &case["received_at"]), (&json!("mailbox"), &json!(received)), "{case}");
            assert_eq!(case["workspace"], sender.workspace.as_str(), "{case}");
            assert!([&entered["case"], &assigned["case"]].contains(&&case["id"]));
        }
        let told = stack.only_mail_to("max@annoyed.test");
        assert!(told.text.contains(entered["case"].as_str().unwrap()), "{}", told.text);
        // Not from the future, and not about a workspace that is nowhere.
        let nowhere = format!("ws_{}", "0".repeat(20));
        for wrong in [
            json!({"kind": "unlawful_list", "message": "x", "received_at": (stack.now() + SignedDuration::from_secs(60)).to_string()}),
            json!({"kind": "unlawful_list", "message": "x", "received_at": received, "workspace": nowhere}),
        ] {
            let event = json!({"time": stack.now().to_string(), "report": wrong});
            assert!(stack.invoke("staff", &event).await.is_err(), "{event}");
        }
        assert_eq!(stack.abuse_cases("OPEN").await.len(), 2);
        stack.finish().await;
    });
}

/// A case of one report about a sender; its id.
async fn case_about(sender: &Sender<'_>, kind: &str, email: Option<&str>) -> String {
    let report = json!({"kind": kind, "message": "Zwitscher", "received_at": sender.stack.now().to_string(),
        "workspace": sender.workspace, "email": email});
    let entered = sender.stack.staff_desk(json!({"report": report})).await;
    entered["case"].as_str().unwrap().to_owned()
}

fn closing(case: &str) -> String {
    format!("/v1/staff/abuse-cases/{case}/close")
}

#[test]
fn a71_complaints_about_a_campaign_open_one_case_and_count_once_however_often_they_come() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        sender.import(b"email\ncomplaint+1@simulator.amazonses.com\ncomplaint+2@simulator.amazonses.com\n").await;
        stack.break_things(serde_json::from_value(json!({"sqs": {"deliveries": 3}})).unwrap());
        let first = sender.campaign(json!({})).await["id"].clone();
        stack.settle().await;
        let [case] = &stack.abuse_cases("OPEN").await[..] else { panic!("one case") };
        assert_eq!((&case["channel"], &case["reports"]), (&json!("complaint"), &json!(2)), "{case}");
        assert_eq!((&case["workspace"], &case["campaign"]), (&json!(sender.workspace), &first));
        assert!(!case.to_string().contains("simulator"), "{case}");
        stack.wait(SignedDuration::from_secs(1));
        // Another campaign is another case; and once a case is closed, the next complaint opens another one.
        sender.import(b"email\ncomplaint+3@simulator.amazonses.com\n").await;
        let second = sender.campaign(json!({"name": "Zweite"})).await["id"].clone();
        stack.settle().await;
        let [one, _, _] = stack.staff().await;
        let listed = one.all("/v1/staff/abuse-cases?limit=1").await;
        let named: Vec<_> = listed.iter().map(|case| (&case["campaign"], &case["reports"])).collect();
        assert_eq!(named, [(&first, &json!(2)), (&second, &json!(1))]);
        let nothing = json!({"outcome": "nothing", "note": "Zwei von vielen.", "kind": "unlawful_list"});
        let closed = one.post(&closing(listed[0]["id"].as_str().unwrap()), nothing).await.expect(200).json();
        assert_eq!((&closed["kind"], &closed["outcome"]), (&json!("unlawful_list"), &json!("nothing")));
        assert_eq!(one.all("/v1/staff/abuse-cases").await.len(), 1);
        stack.finish().await;
    });
}

#[test]
fn a71_staff_closes_a_case_its_reporter_is_answered_and_it_goes_after_three_years() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        let [one, _, _] = stack.staff().await;
        let case = case_about(&sender, "despite_unsubscribe", Some("max@annoyed.test")).await;
        stack.wait(SignedDuration::from_secs(1));
        let nameless =
            json!({"kind": "unlawful_content", "message": "Zwitscher", "received_at": stack.now().to_string()});
        let nameless = stack.staff_desk(json!({"report": nameless})).await["case"].as_str().unwrap().to_owned();
        // Nobody but staff; not without a reason; not without somebody to warn.
        sender.get("/v1/staff/abuse-cases").await.problem(403, "not-staff");
        sender.post(&closing(&case), json!({"outcome": "nothing", "note": "x"})).await.problem(403, "not-staff");
        let warn = |note: &str| json!({"outcome": "warned", "note": note});
        assert_eq!(one.post(&closing(&case), warn(" ")).await.fields(), ["note"]);
        assert_eq!(one.post(&closing(&nameless), warn("x")).await.fields(), ["workspace"]);
        one.post(&closing(&format!("abu_{}", "0".repeat(20))), warn("x")).await.problem(404, "not-found");
        let listed = one.all("/v1/staff/abuse-cases").await;
        assert_eq!(listed[0]["answer_wanted"], true, "{listed:?}");
        assert!(!json!(listed).to_string().contains("annoyed"), "{listed:?}");

        let mails = stack.mails_to(&sender.email).len();
        let closed = one.post(&closing(&case), warn("Zwei Abgemeldete.")).await.expect(200).json();
        assert_eq!((&closed["workspace"], &closed["outcome"]), (&json!(sender.workspace), &json!("warned")));
        one.post(&closing(&case), warn("x")).await.problem(404, "not-found");
        let warned = stack.mails_to(&sender.email);
        assert!(
            warned.len() == mails + 1 && warned[mails].text.contains("Zwei Abgemeldete."),
            "{}",
            warned[mails].text
        );
        assert!(warned[mails].text.contains("abuse@operator.example.com"));
        let answered = stack.mails_to("max@annoyed.test");
        assert!(answered.len() == 2 && answered[1].text.contains(&case), "{}", answered[1].text);
        let entry = sender.all("/v1/audit?action=workspace.warned").await.remove(0);
        assert_eq!((&entry["about"], &entry["actor"]["kind"]), (&json!(case), &json!("staff")), "{entry}");
        let assigned = json!({"outcome": "nothing", "note": "Erlaubt.", "workspace": sender.workspace});
        one.post(&closing(&nameless), assigned).await.expect(200);

        // Of what is kept nothing names who reported it; it goes three years later, to the second.
        let kept = stack.abuse_cases("CLOSED").await;
        assert!(kept.len() == 2, "{kept:#?}");
        for word in ["annoyed", "Zwitscher"] {
            assert!(!json!(kept).to_string().contains(word), "{kept:#?}");
        }
        let closed_at: jiff::Timestamp = closed["closed_at"].as_str().unwrap().parse().unwrap();
        let paris = closed_at.to_zoned(jiff::tz::TimeZone::get("Europe/Paris").unwrap());
        let due = (paris + jiff::Span::new().years(3)).timestamp() + SignedDuration::from_millis(999);
        let due = jiff::Timestamp::from_second(due.as_second()).unwrap();
        let is_there = async || stack.abuse_cases("CLOSED").await.iter().any(|item| item["id"] == case);
        stack.set_time(due - SignedDuration::from_secs(1));
        stack.purge().await;
        assert!(is_there().await, "a second early");
        stack.set_time(due);
        let due_now = stack.foresee().await;
        assert!(due_now["due"].to_string().contains("abuse_case"), "{due_now}");
        let purged = stack.purge().await;
        assert!(purged["deleted"]["abuse_case"].as_u64() >= Some(1), "{purged}");
        assert!(!is_there().await);
        stack.finish().await;
    });
}

#[test]
fn a70_staff_suspends_a_workspace_in_the_middle_of_a_campaign_and_lifted_it_goes_on() {
    run(async {
        // What comes ahead of its time is looked at again soon.
        let soon = std::time::Duration::from_secs(10);
        let stack = TestStack::with(|options| options.visibility_timeout = Some(soon)).await;
        let sender = stack.sign_up().await;
        let [one, _, _] = stack.staff().await;
        let people: Vec<String> = (0..PEOPLE).map(|n| format!("person{n}@middle.test")).collect();
        sender.import(format!("email\n{}\n", people.join("\n")).as_bytes()).await;
        let id = sender.draft(json!({})).await;
        let mails = stack.mails_to(&sender.email).len();
        let case = case_about(&sender, "unlawful_list", None).await;
        let suspend = json!({"outcome": "suspended", "note": "Die Liste ist gekauft."});
        let left = || stack.mails().iter().filter(|mail| mail.header("List-Unsubscribe").is_some()).count();
        stack.break_things(serde_json::from_value(json!({"ses": {"latency_ms": 200}})).unwrap());
        sender.command(&id, "launch").await.expect(202);
        tests::wait_for("the first messages", || async { (left() > 0).then_some(()) }).await;
        one.post(&closing(&case), suspend.clone()).await.expect(200);
        stack.break_things(local::backends::Plan::default());
        stack.settle().await;
        let before = left();
        assert!(before < PEOPLE, "the campaign went on to its end");
        let paused = sender.look(&id).await;
        assert_eq!((&paused["status"], &paused["paused_because"]), (&json!("paused"), &json!("workspace_suspended")));
        stack.wait(SignedDuration::from_mins(20));
        stack.settle().await;
        assert_eq!(left(), before, "nothing more leaves");
        sender.log_in().await;
        one.log_in().await;
        let told = stack.mails_to(&sender.email);
        assert!(told.len() == mails + 1 && told[mails].text.contains("Die Liste ist gekauft."), "{told:?}");
        let workspace = sender.get("/v1/workspace").await.expect(200).json();
        assert!(workspace["suspended_at"].is_string() && workspace["status"] == "active", "{workspace}");
        // Another case of the same workspace ends the same way, and changes nothing more.
        let again = case_about(&sender, "unlawful_list", None).await;
        one.post(&closing(&again), suspend).await.expect(200);

        // Nothing begins, and the answer says whom to write to; what people ask for goes on.
        let refused = sender.command(&id, "resume").await;
        assert!(refused.problem(403, "workspace-suspended").to_string().contains("abuse@operator.example.com"));
        let draft = json!({"name": "Zweite"});
        sender.post("/v1/campaigns", draft).await.problem(403, "workspace-suspended");
        sender.command(&id, "test").await.problem(403, "workspace-suspended");
        sender.post("/v1/imports", sender.announcement()).await.problem(403, "workspace-suspended");
        sender.get("/v1/prospects/export?format=csv").await.expect(200);
        sender.get("/v1/privacy/export").await.expect(200);
        let waiting: Vec<&String> = people.iter().filter(|person| stack.mails_to(person).is_empty()).collect();
        let written_to = people.iter().find_map(|person| stack.mails_to(person).pop()).expect("a message");
        let erased = sender.prospect(waiting[0]).await["id"].as_str().unwrap().to_owned();
        sender.delete(&format!("/v1/prospects/{erased}")).await.expect(204);
        stack.exercise(waiting[1], "objection", None).await;
        stack.client().request(Method::POST, &written_to.unsubscribe()).send().await.expect(200);

        // Lifted, it goes on with who is left, once a member resumes it.
        let lift = json!({"lift_suspension": {"workspace": sender.workspace, "reason": "Die Herkunft ist belegt."}});
        stack.staff_desk(lift.clone()).await;
        let mut event = lift;
        event["time"] = json!(stack.now().to_string());
        assert!(stack.invoke("staff", &event).await.is_err(), "it is not suspended any more");
        assert!(stack.mails_to(&sender.email).last().unwrap().text.contains("Die Herkunft ist belegt."));
        let resumed = sender.command(&id, "resume").await.expect(202).json();
        assert_eq!(resumed["paused_because"], Value::Null);
        assert_eq!(sender.wait_ended(&id).await["status"], "completed");
        stack.settle().await;
        assert_eq!(left(), PEOPLE - 2, "everybody once, but who was erased and who objected");
        let trail = sender.all("/v1/audit?action=workspace").await;
        let acts: Vec<_> = trail.iter().map(|entry| entry["action"].as_str().unwrap()).collect();
        assert!(acts.starts_with(&["workspace.released", "workspace.suspended", "workspace.suspended"]), "{acts:?}");
        stack.finish().await;
    });
}

#[test]
fn a70_a_step_that_falls_due_in_a_suspended_workspace_pauses_its_campaign_which_says_why() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        let endpoint = sender.register("/suspended", &["campaign.paused"]).await;
        let [one, _, _] = stack.staff().await;
        sender.import(b"email\nzoe@later.test\n").await;
        let id = sender.launch(sender.sequence(json!([{"delay": {"hours": 24}, "text": "Noch einmal."}]))).await;
        let case = case_about(&sender, "unlawful_list", None).await;
        let suspend = json!({"outcome": "suspended", "note": "Die Liste ist gekauft."});
        one.post(&closing(&case), suspend).await.expect(200);
        let mails = stack.mails_to(&sender.email).len();
        assert_eq!(stack.pass(SignedDuration::from_hours(25)).await, 1);
        sender.log_in().await;
        let paused = sender.look(&id).await;
        let because = (&paused["status"], &paused["paused_because"], &paused["counts"]["pending"]);
        assert_eq!(because, (&json!("paused"), &json!("workspace_suspended"), &json!(1)), "{paused}");
        // Programs hear of it; the owners were told of the suspension, and nobody is told twice.
        let [news] = &stack.told(&endpoint)[..] else { panic!("one event") };
        assert_eq!(news.json()["data"]["because"], "workspace_suspended");
        assert_eq!(stack.mails_to(&sender.email).len(), mails);
        sender.command(&id, "resume").await.problem(403, "workspace-suspended");
        stack.staff_desk(json!({"lift_suspension": {"workspace": sender.workspace, "reason": "Zwitscher"}})).await;
        let resumed = sender.command(&id, "resume").await.expect(202).json();
        assert_eq!((&resumed["status"], &resumed["paused_because"]), (&json!("sending"), &Value::Null));
        assert_eq!(sender.wait_ended(&id).await["status"], "completed");
        assert_eq!(stack.mails_to("zoe@later.test").len(), 2);
        stack.finish().await;
    });
}

#[test]
fn a70_a_second_campaign_that_pauses_itself_suspends_the_workspace_and_opens_a_case() {
    run(async {
        let soon = std::time::Duration::from_secs(2);
        let stack = TestStack::with(|options| options.visibility_timeout = Some(soon)).await;
        let sender = stack.sign_up().await;
        let harm = |n: usize| n.is_multiple_of(8).then_some("bounce");
        let first = sender.campaign_that_harms(2_000, harm).await;
        let workspace = sender.get("/v1/workspace").await.json();
        assert_eq!(workspace["suspended_at"], Value::Null, "one is a mistake");
        sender.command(first["id"].as_str().unwrap(), "cancel").await.expect(200);
        stack.wait(SignedDuration::from_hours(24 * 20));
        sender.log_in().await;
        let second = sender.campaign_that_harms(2_000, |n| n.is_multiple_of(9).then_some("complaint")).await;
        assert_eq!(second["paused_because"], "complaints");
        let workspace = sender.get("/v1/workspace").await.json();
        assert!(workspace["suspended_at"].is_string(), "{workspace}");
        let cases = stack.abuse_cases("OPEN").await;
        let found: Vec<_> = cases.iter().filter(|case| case["channel"] == "threshold").collect();
        let [case] = found[..] else { panic!("one case: {cases:#?}") };
        assert_eq!((&case["workspace"], &case["kind"]), (&json!(sender.workspace), &Value::Null));
        assert_eq!(case["campaign"], second["id"]);
        let entry = sender.all("/v1/audit?action=workspace.suspended").await.remove(0);
        assert_eq!((&entry["about"], &entry["actor"]["kind"]), (&case["id"], &json!("system")));
        let told = stack.mails_to(&sender.email).into_iter().filter(|mail| mail.text.contains("Deux campagnes"));
        assert_eq!(told.count(), 1);
        let id = second["id"].as_str().unwrap();
        sender.command(id, "resume").await.problem(403, "workspace-suspended");
        // Lifted, it starts afresh: the next campaign that pauses itself is the first again.
        stack.staff_desk(json!({"lift_suspension": {"workspace": sender.workspace, "reason": "Zwitscher"}})).await;
        sender.command(id, "resume").await.expect(202);
        sender.command(id, "cancel").await.expect(200);
        stack.settle().await;
        stack.finish().await;
    });
}
