//! Everything that is stored has a class, and every class that is listed is stored.
//!
//! That nothing is stored which no class covers is looked at in every test, when its stack is checked. Here
//! is the other half: one journey that fills every attribute there is.

use std::collections::{BTreeMap, BTreeSet};

use domain::Timestamp;
use domain::news::{News, Words};
use domain::policy::inventory::{About, Inventory, Kind};
use domain::policy::retention::Store;
use domain::statistics::{Counts, Month};
use jiff::SignedDuration;
use local::backends::ses::receiving::Scan;
use reqwest::Method;
use serde_json::{Value, json};
use storage::evidence::{AnnouncementRun, Place, PurgeRun, Touched, Uninformed};
use storage::news::NewsRun;
use tests::imap::Imap;
use tests::inventory::{Seen, held_about, scalars};
use tests::replies::answer;
use tests::rights::done;
use tests::store::Dump;
use tests::{Sender, TestStack, files, run, sender::signup};

/// Attributes that no journey can show, and why.
const UNSEEN: &[(&str, &str)] = &[
    ("import.worker.message", "only while a worker reads the file"),
    ("import.worker.receives", "the same"),
    ("workspace.harms.*", "only for thirty days after a campaign did harm"),
    ("campaign_progress.trouble", "only while a campaign that did harm waits for a member"),
    ("campaign_progress.halt", "only while a campaign that has no channel left waits for a member"),
    ("receivers.w.until", "only once somebody waits for a domain"),
    ("receivers.w.because", "the same"),
    ("campaign_progress.halt_told", "only once Amazon SES had paused the account"),
    ("campaign_progress.looks", "only of a campaign that is not through when its end is first looked for"),
    ("campaign_progress.ses_paused_until", "only while the account at SES is paused and others go on"),
    ("campaign_progress.quota_until", "only once the account at SES has had its messages of a day"),
    ("pace.x.reason", "only while a channel cannot be used"),
    ("pace.x.since", "the same"),
    ("pace.x.tries", "the same"),
    ("pace.x.until", "the same"),
    ("chunk.off", "only once a channel put somebody off"),
    ("chunk.begun", "only while somebody waits for their window or a cap and others do not"),
    ("campaign_counter.put_off", "only once it did so for a day"),
    ("inbound_mail.content", "only until it is read, within seconds"),
    ("webhook_turn.holder", "only while somebody is at an endpoint"),
    ("webhook_turn.again", "the same"),
    ("mailboxes.mailboxes.disabled_at", "only once a mailbox could not be read for a day"),
    ("mailbox_reading.holder", "only while somebody reads a mailbox"),
    ("mailbox_reading.busy_until", "the same"),
    ("open_request.duty.handled.*", "only between an answer and the closing that follows it"),
];

/// Stores that are not looked at here: queues are empty when nothing runs, logs and backups are AWS's.
fn is_looked_at(store: Store) -> bool {
    !matches!(store, Store::Queues | Store::LogGroups | Store::Backups)
}

#[test]
fn a13_every_attribute_that_is_listed_is_stored() {
    run(async {
        let stack = TestStack::with(|options| _ = options.overrides.insert("Restore".into(), "filled".into())).await;
        stack.replay().await;
        let mut seen = Seen::default();
        fill(&stack, &mut seen).await;
        let listed = Inventory::current()
            .kinds()
            .filter(|(_, kind)| is_looked_at(kind.store))
            .flat_map(|(name, kind)| kind.fields.keys().map(move |field| format!("{name}.{field}")));
        let never: BTreeSet<String> = listed
            .filter(|field| !seen.listed.contains(field) && !UNSEEN.iter().any(|(name, _)| name == field))
            .collect();
        assert!(never.is_empty(), "listed in infra/policy/inventory.toml and stored by nothing: {never:#?}");
        let idle: Vec<_> = UNSEEN.iter().filter(|(name, _)| seen.listed.contains(*name)).collect();
        assert!(idle.is_empty(), "seen after all: {idle:#?}");
        stack.finish().await;
    });
}

/// What an owner's export leaves out of what is held about them and their company, and why.
const NOT_EXPORTED: &[(&str, &str)] = &[
    ("member.login", "a fingerprint that only finds the account"),
    ("login.", "what opens the account: pointers, counts, a hash"),
    ("session.workspace", "a pointer"),
    ("session.login", "the fingerprint again"),
    ("session.generation", "a count that ends sessions"),
    ("roster.", "a count that keeps an owner"),
    ("second_factor.step", "which code was used last"),
    ("one_time_token.", "a link in a mail, for hours"),
    ("invitation_token.", "the same"),
    ("pending_signup.", "not yet anybody's account"),
    ("limit.", "counts against guessing, for a day"),
    ("remembered_answer.", "an answer that was given already, for a day"),
    ("notice_alert.", "when a mail went: its evidence is among the service mails"),
    ("announced.", "the same"),
    ("audit_entry.", "what others did is at /v1/audit; what the member did is looked at below"),
    ("service_mail.", "mails to others are theirs; the member's own are looked at below"),
    ("data_key.", "a key"),
    ("purge_place.", "where a purge goes on"),
];

#[test]
fn a11_a38_an_owners_export_holds_all_that_is_held_about_them_and_their_company() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        let soft = json!({"run": 4, "days": 61});
        let settings = json!({"display_name": "Ada", "retention_months": 24, "soft_bounces": soft, "deliveries": true, "time_zone": "Europe/Lisbon"});
        sender.patch("/v1/workspace", settings).await.expect(200);
        sender.post("/v1/invitations", json!({"email": "invited@filled.test", "role": "viewer"})).await.expect(201);
        let key = json!({"name": "Clé", "scopes": ["sender.read"]});
        sender.post("/v1/api-keys", key).await.expect(200);
        import(&sender).await;
        campaigns(&sender).await;
        webhooks(&sender).await;
        mailboxes(&sender).await;
        relay(&sender).await;
        let own = json!({"kind": "rectification", "message": "Ada"});
        sender.post("/v1/privacy/requests", own).await.expect(201);
        sender.patch("/v1/me", json!({"news": false})).await.expect(200);
        sender.get("/v1/privacy/export").await.expect(200);

        let held = held_about(&Dump::of(&stack).await, &[About::Member, About::Sender]);
        let export = sender.get("/v1/privacy/export").await.expect(200).json();
        let mut words = Vec::new();
        scalars("", &export, &mut words);
        let words: BTreeSet<String> = words.into_iter().map(|(_, word)| word).collect();
        let missing: BTreeSet<_> = held
            .iter()
            .filter(|(name, _)| !NOT_EXPORTED.iter().any(|(head, _)| name.starts_with(head)))
            .filter(|(_, value)| !words.contains(value))
            .collect();
        assert!(missing.is_empty(), "held and not exported: {missing:#?}");
        for (head, _) in NOT_EXPORTED {
            let is_listed = |(name, kind): (&str, &Kind)| {
                kind.fields.keys().any(|field| format!("{name}.{field}").starts_with(head))
            };
            assert!(Inventory::current().kinds().any(is_listed), "{head} is not in the inventory any more");
        }
        let done: BTreeSet<&str> =
            export["activity"].as_array().unwrap().iter().map(|entry| entry["action"].as_str().unwrap()).collect();
        for action in ["session.opened", "account.exported", "import.announced", "campaign.launched"] {
            assert!(done.contains(action), "{action}: {done:?}");
        }

        let system_mails = stack.mails_to(&sender.email).len();
        assert_eq!(export["service_mails"].as_array().unwrap().len(), system_mails);

        // Who does not own the company gets what is their own.
        let viewer = sender.join("viewer").await;
        let theirs = viewer.get("/v1/privacy/export").await.expect(200).json();
        assert_eq!((&theirs["workspace"], &theirs["member"]["email"]), (&Value::Null, &json!(viewer.email)));
        assert!(!theirs.to_string().contains(&sender.email), "{theirs}");
        stack.finish().await;
    });
}

/// Endpoints: one with a former secret that takes nothing yet, and one that is gone. A message comes back, and a campaign pauses.
async fn webhooks(sender: &Sender<'_>) {
    let waiting = sender.register("/status/503", &["message.bounced", "import.finished"]).await;
    let rotated = sender.post(&format!("{}/secret", waiting.path), json!({})).await.expect(200).json();
    sender.stack.keep_secret(rotated["secret"].as_str().expect("a secret"));
    let gone = sender.register("/status/410", &["message.bounced"]).await;
    sender.post(&format!("{}/test", gone.path), json!({})).await.expect(202);
    // Until the minute is over for which nobody wanted to hear.
    sender.stack.wait(SignedDuration::from_secs(61));
    sender.import(b"email\nbounce+w@simulator.amazonses.com\n").await;
    sender.campaign(json!({"name": "Retours"})).await;
    tests::wait_for("a try", || async {
        sender.stack.wait(SignedDuration::from_secs(11));
        let deliveries = sender.deliveries(&waiting).await;
        let tried = |one: &Value| one["type"] == "message.bounced" && one["attempts"].as_u64() > Some(0);
        deliveries.iter().any(tried).then_some(())
    })
    .await;
    // Whoever waits for quiet need not wait for a day of attempts.
    sender.patch(&waiting.path, json!({"enabled": false})).await.expect(200);
}

/// A mailbox that is read, and one for which there is no access token.
async fn mailboxes(sender: &Sender<'_>) {
    let imap = Imap::start(sender.stack).await;
    sender.read_from(&imap).await;
    let mut settings = imap.settings();
    settings.as_object_mut().expect("settings").remove("password");
    settings["oauth"] = json!({
        "token_url": sender.stack.backends().hooks().url("/status/400"), "client_id": "client", "refresh_token": "a refresh token",
    });
    sender.stack.keep_secret("a refresh token");
    sender.post("/v1/mailboxes", settings).await.expect(200);
    sender.stack.read_mailboxes().await;
}

/// Something of every kind that needs no clock that moves; gives whose it is.
pub(super) async fn furnish<'a>(stack: &'a TestStack, seen: &mut Seen) -> Sender<'a> {
    let client = stack.client();
    let mut waiting = signup("later@waiting.test", "correct horse waiting battery");
    waiting["display_name"] = json!("Ada");
    client.post("/v1/signup", waiting).await.expect(202);
    client.post("/v1/password/forgot", json!({"email": "nobody@waiting.test"})).await.expect(202);
    let sender = stack.sign_up().await;
    let soft = json!({"run": 4, "days": 61});
    let settings =
        json!({"display_name": "Ada", "soft_bounces": soft, "deliveries": true, "time_zone": "Europe/Lisbon"});
    sender.patch("/v1/workspace", settings).await.expect(200);
    stack.announce().await;
    client.post("/v1/password/forgot", json!({"email": sender.email})).await.expect(202);
    people(&sender).await;
    import(&sender).await;
    campaigns(&sender).await;
    webhooks(&sender).await;
    mailboxes(&sender).await;
    relay(&sender).await;
    rights(&sender, seen).await;
    let [one, two, _] = stack.staff().await;
    abuse(&one, seen).await;
    let access = one.ask_access(&sender, "disclosure").await;
    two.approve(&access).await;
    one.post(&format!("{access}/end"), json!({})).await.expect(200);
    let known = stack.now() - SignedDuration::from_secs(1);
    let about = json!({
        "workspaces": [sender.workspace], "from": (known - SignedDuration::from_hours(24)).to_string(),
        "to": known.to_string(), "network": "127.0.0.0/24",
    });
    let incident = one.open_incident(true, known, about.clone()).await;
    let mut by_session = about;
    by_session["session"] = json!(format!("ses_{}", "0".repeat(20)));
    one.open_incident(true, known, by_session).await;
    stack.staff_clock().await;
    one.post(&format!("{incident}/notify"), json!({})).await.expect(200);
    stack.staff_clock().await;
    one.post(&format!("{incident}/authority"), json!({"not_needed": "Exercice"})).await.expect(200);
    client
        .post("/v1/session", json!({"email": sender.email, "password": "wrong wrong"}))
        .await
        .problem(401, "unauthenticated");
    sender
}

async fn fill(stack: &TestStack, seen: &mut Seen) {
    // A change of the terms is announced then.
    stack.set_time("2026-12-02T12:00:00Z".parse().expect("a time"));
    let sender = furnish(stack, seen).await;
    absence(stack).await;
    seen.look(&Dump::of(stack).await);

    // Uninformed people: an alert. Then the files, and the account.
    sender.import(b"email\nuntold@filled.test\n").await;
    stack.wait(SignedDuration::from_hours(24 * 25));
    stack.purge().await;
    seen.look(&Dump::of(stack).await);
    sender.delete("/v1/workspace").await.expect(200);
    stack.sign_up().await.give_up().await.expect(200);
    seen.look(&Dump::of(stack).await);
    stack.wait(SignedDuration::from_hours(24 * 7));
    stack.purge().await;
    let words = json!({"subject": "Relances", "text": "Elles sont là."});
    stack.order_news(&json!({"fr": words, "en": words})).await.expect("it may be sent by now");
    seen.look(&Dump::of(stack).await);
    for item in runs() {
        seen.item(Store::Evidence, &item);
    }
    clicks(stack, seen).await;
}

/// Clicks of a program, of somebody who agreed, and one that waits to be judged; then the consent is withdrawn.
async fn clicks(stack: &TestStack, seen: &mut Seen) {
    stack.set_time(tests::clicks::said() + SignedDuration::from_hours(12));
    let sender = stack.sign_up().await;
    sender.import(b"email\nclicks@filled.test\n").await;
    sender.records_clicks().await;
    stack.set_time(tests::clicks::opens_said() + SignedDuration::from_hours(12));
    sender.records_opens().await;
    sender.agreed_to_opens("clicks@filled.test", "2027-02-01").await.expect(200);
    let mut content = sender.content(&json!({}));
    content["steps"][0]["html"] = json!("<p><a href=\"https://shop.example.com/\">ici</a></p>");
    sender.launch(content).await;
    let mail = stack.only_mail_to("clicks@filled.test");
    let link = mail.signed_links().remove(0);
    stack.client().get(&link).await.expect(302);
    stack.settle().await;
    stack.clicks_later(&link).await;
    stack.load(&mail.pixel().expect("an image")).await.expect(200);
    seen.look(&Dump::of(stack).await);
    stack.settle().await;
    stack.wait(SignedDuration::from_mins(10));
    stack.click(&link).await.expect(302);
    seen.look(&Dump::of(stack).await);
    let withdrawal = mail.withdrawal().expect("a link");
    stack.client().request(Method::POST, &withdrawal).send().await.expect(200);
    seen.look(&Dump::of(stack).await);
    // Somebody who was written to objects, of which the purge tells when it deletes their record.
    stack.exercise("clicks@filled.test", "objection", None).await;
    stack.purge().await;
    stack.settle().await;
    seen.look(&Dump::of(stack).await);
}

/// Colleagues, one with a second factor, one still invited; a key for a program.
async fn people(sender: &Sender<'_>) {
    let stack = sender.stack;
    let colleague = sender.join("editor").await;
    colleague.turn_on_second_factor().await;
    colleague.patch("/v1/me", json!({"news": false})).await.expect(200);
    let member = sender.join("editor").await.get("/v1/me").await.json()["id"].as_str().unwrap().to_owned();
    sender.patch(&format!("/v1/members/{member}"), json!({"role": "viewer"})).await.expect(200);
    sender.post("/v1/invitations", json!({"email": "invited@filled.test", "role": "viewer"})).await.expect(201);
    let asked = json!({"name": "Clé", "scopes": ["sender.read", "sender.change"]});
    let key = sender.post("/v1/api-keys", asked).await.expect(200).json();
    let with = |method| stack.client().request(method, "/v1/sender").bearer(key["key"].as_str().unwrap());
    with(Method::GET).send().await.expect(200);
    let mut changed = sender.identity(json!({"kind": "ses"}));
    changed["identity"]["from_name"] = json!("Ada Durand");
    with(Method::PUT).json(&changed).send().await.expect(200);
    let refresh = json!({"refresh_token": sender.log_in().await["refresh_token"]});
    stack.client().post("/v1/session/refresh", refresh).await.expect(200);
}

async fn import(sender: &Sender<'_>) {
    let mut announcement = sender.announcement();
    announcement["mapping"] = json!({"email": "Mail"});
    let head = "Mail;first_name;last_name;company;job_title;tags;notes;locale;country\n";
    let row = |name: &str| format!("{name}@filled.test;Zoé;Durand;Érable;Acheteuse;salon,vip;Note;fr;France\n");
    let names = ["one", "two", "three", "four", "five", "erased"].map(row).concat();
    let simulated = "bounce@simulator.amazonses.com;;;;;;;;\ncomplaint@simulator.amazonses.com;;;;;;;;\n";
    sender.import_as(announcement, format!("{head}{names}{simulated}prive@gmail.com;;;;;;;;\n").as_bytes()).await;
    assert_eq!(sender.import(b"PK\x03\x04").await["status"], "failed");
    let id = |prospect: Value| format!("/v1/prospects/{}", prospect["id"].as_str().unwrap());
    sender.patch(&id(sender.prospect("one@filled.test").await), json!({"company": "Main"})).await.expect(200);
    sender.patch(&id(sender.prospect("two@filled.test").await), json!({"state": "restricted"})).await.expect(200);
    sender.delete(&id(sender.prospect("erased@filled.test").await)).await.expect(204);
    sender.stack.wait(SignedDuration::from_secs(5));
    sender.patch(&id(sender.prospect("one@filled.test").await), json!({"company": "Encore"})).await.expect(200);
}

async fn campaigns(sender: &Sender<'_>) {
    let stack = sender.stack;
    let everything = json!({
        "html": "<p>Bonjour</p><script></script>",
        "audience": {"all": true, "tags_any": ["salon"], "tags_all": ["vip"], "text": "érable", "import": null},
    });
    let key =
        sender.request(Method::POST, "/v1/campaigns").header("idempotency-key", "k").json(&sender.content(&everything));
    key.send().await.expect(201);
    let import = sender.get("/v1/imports").await.expect(200).json()["items"][0]["id"].clone();
    let mut assessed = sender.content(&json!({"audience": {"import": import}}));
    assessed["legitimate_interest_assessment"]["safeguards"] = json!("une seule fois");
    assessed["window"] = json!({"days": ["monday"], "from": "09:00", "to": "18:00", "time_zone": "Europe/Paris"});
    sender.post("/v1/campaigns", assessed.clone()).await.expect(201);
    assessed["window"] = json!({"spans": [{"days": ["monday"], "from": "22:00", "to": "06:00"}]});
    sender.post("/v1/campaigns", assessed).await.expect(201);
    sequence(sender).await;
    comparison(sender).await;
    stack.settle().await;
    let opted_out = stack.mails_to("three@filled.test")[0].unsubscribe();
    stack.client().request(Method::POST, &opted_out).send().await.expect(200);
    for fault in ["reject_every", "drop_after_accept_every"] {
        stack.break_things(serde_json::from_value(json!({"ses": {fault: 2}})).expect("a plan"));
        sender.campaign(json!({"name": fault})).await;
    }
    stack.break_things(serde_json::from_value(json!({"ses": {"throttle_every": 1}})).expect("a plan"));
    let id = sender.draft(json!({"name": "Reprise"})).await;
    for (command, status) in [("launch", 202), ("pause", 200), ("resume", 202)] {
        sender.command(&id, command).await.expect(status);
    }
    stack.break_things(local::backends::Plan::default());
    sender.wait_ended(&id).await;
}

/// A campaign of which one step is through, one has begun and is paused, and one is to come; somebody answered.
async fn sequence(sender: &Sender<'_>) {
    let later = json!([
        {"delay": {"hours": 1}, "text": "Encore."},
        {"delay": {"working_days": 1}, "subject": "Autre chose", "text": "Fin."},
    ]);
    let id = sender.launch(sender.sequence(later)).await;
    sender.hears_from(&id, 1, "five@filled.test").await;
    sender.stack.pass(SignedDuration::from_hours(2)).await;
}

/// A comparison that one variant has won, and one that nobody has yet.
async fn comparison(sender: &Sender<'_>) {
    let content = |after: Value| {
        let mut content = sender.content(&json!({"audience": {"text": "compared.test"}}));
        content["steps"][0]["variants"] = json!([
            {"subject": "Nos chaises"}, {"text": "Autrement"}, {"html": "<p>Encore</p><script></script>"},
        ]);
        content["steps"][0]["winner"] = json!({"by": "replies", "after": after});
        content
    };
    sender.import(&files::at("compared.test", 60)).await;
    sender.limit(json!({"per_hour": 50})).await;
    let id = sender.launch(content(json!({"messages": 1}))).await;
    let recipients = sender.all(&format!("/v1/campaigns/{id}/recipients?status=sent&limit=200")).await;
    let got = |one: &&Value| one["variant"] == "A" && one["email"] != Value::Null;
    for recipient in recipients.iter().filter(got).take(5) {
        sender.hears_from(&id, 1, recipient["email"].as_str().expect("an address")).await;
    }
    sender.stack.pass(SignedDuration::from_mins(61)).await;
    assert_eq!(sender.wait_ended(&id).await["steps"][0]["winner"]["status"], "decided");
    sender.limit(Value::Null).await;
    sender.post("/v1/campaigns", content(json!({"hours": 1}))).await.expect(201);
}

/// Somebody who is away when the second step is due for everybody, and somebody who wants no more.
async fn absence(stack: &TestStack) {
    let sender = stack.sign_up().await;
    sender.take_answers().await;
    sender.import(&files::at("away.filled.test", 2)).await;
    sender.launch(sender.sequence(json!([{"delay": {"hours": 1}, "text": "Encore."}]))).await;
    let from = "person0@away.filled.test";
    let to = stack.mails_to(from)[0].reply_to();
    let back = stack.now().to_zoned(jiff::tz::TimeZone::UTC).date().saturating_add(jiff::Span::new().days(9));
    let raw = answer(&to, from, "Automatic reply", &format!("I am out of the office until {back}."))
        .replace("MIME-Version", "Auto-Submitted: auto-replied\r\nMIME-Version");
    stack.receive(&to, &raw, Scan::default()).await;
    stack.pass(SignedDuration::from_mins(61)).await;
    stack.answer("person1@away.filled.test", "Merci de me désabonner.").await;
}

/// Cases of abuse, open and closed, from every side; the last one has a workspace suspended.
async fn abuse(staff: &Sender<'_>, seen: &mut Seen) {
    let stack = staff.stack;
    stack.report_abuse("despite_unsubscribe", "Encore un message.", Some("seven@filled.test")).await;
    // Who reported something has it in their copy.
    stack.report_abuse("unlawful_content", "Encore.", Some("five@filled.test")).await;
    stack.exercise("five@filled.test", "access", None).await;
    let gone = staff.join("viewer").await.get("/v1/me").await.expect(200).json();
    staff.delete(&format!("/v1/members/{}", gone["id"].as_str().expect("an id"))).await.expect(204);
    let other = stack.sign_up().await;
    other.take_answers().await;
    other.import(b"email\nnine@filled.test\n").await;
    other.campaign(json!({"stop_company_on_reply": true})).await;
    stack.answer("nine@filled.test", "Oui.").await;
    let mail = stack.only_mail_to("nine@filled.test");
    let headers = mail.header("Feedback-ID").expect("a header");
    stack.report_abuse("unlawful_list", &headers, None).await;
    seen.look(&Dump::of(stack).await);
    for case in stack.abuse_cases("OPEN").await {
        let outcome = if case["workspace"] == other.workspace.as_str() { "suspended" } else { "nothing" };
        let path = format!("/v1/staff/abuse-cases/{}/close", case["id"].as_str().expect("an id"));
        staff.post(&path, json!({"outcome": outcome, "note": "Vu."})).await.expect(200);
    }
}

/// Requests about rights, open and closed, from every side.
async fn rights(sender: &Sender<'_>, seen: &mut Seen) {
    let stack = sender.stack;
    stack.ask_rights("four@filled.test", "rectification", Some("Durant")).await;
    stack.exercise("four@filled.test", "rectification", Some("Durant")).await;
    let read = stack.exercise("five@filled.test", "access", None).await;
    stack.read_data(read["access_token"].as_str().unwrap(), "json").await.expect(200);
    stack.exercise("nobody@filled.test", "objection", None).await;
    stack.exercise("six@filled.test", "objection", None).await;
    // Objected before.
    stack.exercise("three@filled.test", "erasure", None).await;
    // Held by one Sender that waits for no file: certified at once.
    let other = stack.sign_up().await;
    other.import(b"email\nseven@filled.test\neight@filled.test\n").await;
    stack.exercise("seven@filled.test", "erasure", None).await;
    stack.exercise("eight@filled.test", "restriction", None).await;
    // Here a file may still come: the erasure stays open, with what it has erased.
    let third = stack.sign_up().await;
    third.import(b"email\nerased@filled.test\n").await;
    third.post("/v1/imports", third.announcement()).await.expect(201);
    stack.wait(SignedDuration::from_secs(1));
    stack.exercise("erased@filled.test", "erasure", None).await;
    let access = sender.post("/v1/privacy/requests", json!({"kind": "access"})).await.expect(201).json();
    stack.desk(json!({"answer": {"request": access["id"], "refused": false}})).await;
    let own = json!({"kind": "rectification", "message": "Ada"});
    let own = sender.post("/v1/privacy/requests", own).await.expect(201).json();
    let letter = json!({"enter": {
        "channel": "post", "kind": "access", "email": "five@filled.test", "received_at": stack.now().to_string(),
    }});
    stack.desk(letter).await;
    // Doubts about who asks: one that is open, one that is decided and not answered, one that is closed.
    for (email, decided, closed) in
        [("doubt@filled.test", false, false), ("one@filled.test", true, false), ("nobody@filled.test", true, true)]
    {
        let kind = if closed { "objection" } else { "rectification" };
        let letter = json!({"enter": {"channel": "email", "kind": kind, "email": email, "message": "Durant",
            "received_at": stack.now().to_string()}});
        let request = stack.desk(letter).await["request"].as_str().unwrap().to_owned();
        let token = stack.doubt(&request, email, "Ada").await;
        stack.send_copy(&token, b"%PDF-1.7").await.expect(200);
        stack.desk(json!({"look": {"request": request}})).await;
        if decided {
            stack.desk(json!({"decide": {"request": request, "accepted": true}})).await;
        }
    }
    stack.desk(json!({"extend": {"request": own["id"], "reason": "beaucoup"}})).await;
    let tasks = sender.all("/v1/rights-tasks").await;
    let open: Vec<_> = tasks.iter().filter(|task| task["status"] == "open").collect();
    let path = |at: usize| format!("/v1/rights-tasks/{}", open[at]["id"].as_str().unwrap());
    sender.post(&format!("{}/extend", path(0)), json!({"reason": "beaucoup"})).await.expect(200);
    seen.look(&Dump::of(stack).await);
    sender.post(&format!("{}/handle", path(0)), done(open[0])).await.expect(200);
    stack.desk(json!({"answer": {"request": own["id"], "refused": false, "reason": "fait"}})).await;
}

async fn relay(sender: &Sender<'_>) {
    let port = sender.stack.backends().smtp().tls_port();
    let channel = json!({"kind": "smtp", "host": "localhost", "port": port, "security": "tls", "username": "u", "password": "relay word"});
    sender.put("/v1/sender", sender.identity(channel)).await.expect(200);
    let limits = json!({"per_day": 4000, "per_hour": 4000, "gap_seconds": 1, "jitter_seconds": 1,
        "ramp": {"start": 4000, "add": 1}, "recipient_domain": {"per_day": 4000, "per_hour": 4000}});
    let id = sender.add_channel(json!({"from_name": "Ada", "from_email": "ada@filled.test", "limits": limits})).await;
    let few = json!({"tags_any": ["salon"]});
    // The check of a relay: one that came back, and one that did not get in.
    let checked = sender.first_channel().await;
    sender.post(&format!("/v1/channels/{checked}/check"), json!({})).await.expect(200);
    let message = sender.stack.message_of_check();
    let signed = format!("DKIM-Signature: v=1; d=filled.test; s=a; h=from; b=A\r\n{}", message.raw);
    sender.stack.receive(&message.to, &signed, Scan::default()).await;
    let token_url = sender.stack.backends().hooks().url("/token/wrong/3600");
    let tokens = json!({"token_url": token_url, "client_id": "client", "refresh_token": "relay grant"});
    sender.stack.keep_secret("relay grant");
    let refused =
        json!({"kind": "smtp", "host": "localhost", "port": port, "security": "tls", "username": "u", "oauth": tokens});
    let refused = sender.add_channel(json!({"transport": refused})).await;
    sender.post(&format!("/v1/channels/{refused}/check"), json!({})).await.expect(200);
    sender.campaign(json!({"name": "Par un canal", "channels": [id], "audience": few})).await;
}

/// A purge that stopped half-way, one that was complete, an announcement that stopped half-way: with everything in them.
fn runs() -> [Value; 5] {
    let at = Timestamp::UNIX_EPOCH;
    let count = BTreeMap::from([("prospect".to_owned(), 1)]);
    let restore = Some("filled".to_owned());
    let mut run = PurgeRun { deleted: count.clone(), residuals: count, restore, ..PurgeRun::begin(at) };
    run.place = Some(Place { step: 1, after: Some(("p".into(), "s".into())) });
    *run.touched(Store::Prospects) = Touched { looked_at: 1, deleted: 1, changed: 1 };
    run.uninformed.insert(domain::id::WorkspaceId::from_bytes([1; 10]), Uninformed { people: 1, first: at });
    let whole = PurgeRun {
        place: None,
        uninformed: BTreeMap::new(),
        statement: Some("{}".into()),
        complete: true,
        ..run.clone()
    };
    let item = |key: storage::keys::Key, mut item: Value| {
        (item["pk"], item["sk"]) = (key.pk.into(), key.sk.into());
        item
    };
    let announcement = AnnouncementRun::at(at, Some(("p".into(), "s".into())));
    let counts = Counts::from([(domain::statistics::Kind::SignUps, 10)]);
    let says = || Words { subject: "s".into(), text: "t".into() };
    let mut news = NewsRun::begin(News { fr: says(), en: says() }, at);
    news.place = Some(("p".into(), "s".into()));
    let json = |run: &PurgeRun| serde_json::to_value(run).expect("JSON");
    [
        item(storage::keys::purge_cursor(), json(&run)),
        item(storage::keys::purge_run("x"), json(&whole)),
        item(storage::keys::announcement_cursor(), serde_json::to_value(announcement).expect("JSON")),
        // What eleven companies do takes more than one journey.
        item(storage::keys::statistics(Month::before(at)), json!({"all": counts, "fr": counts, "en": counts})),
        item(storage::keys::news("x"), serde_json::to_value(news).expect("JSON")),
    ]
}
