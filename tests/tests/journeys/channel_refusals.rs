//! A relay that cannot be used, or refuses the sender, or somebody: nobody is used up by what is the channel's matter.

use jiff::SignedDuration;
use local::backends::{Plan, smtp::WRONG_PASSWORD};
use serde_json::{Value, json};
use tests::{Sender, TestStack, files, run, wait_for};

const HOUR: SignedDuration = SignedDuration::from_hours(1);
const GOOD: &str = "a relay password";

fn smtp(plan: Value) -> Plan {
    serde_json::from_value(json!({ "smtp": plan })).expect("a plan")
}

/// A relay that refuses something.
fn refuses(refusals: Value) -> Plan {
    smtp(json!({ "refusals": refusals }))
}

fn relay(stack: &TestStack, password: &str) -> Value {
    let port = stack.backends().smtp().tls_port();
    json!({"kind": "smtp", "host": "localhost", "port": port, "security": "tls", "username": "atelier", "password": password})
}

/// A Sender who writes by a relay, as fast as it takes it.
async fn by_relay_unlimited<'a>(stack: &'a TestStack, password: &str) -> Sender<'a> {
    stack.set_time("2026-11-26T09:00:00Z".parse().expect("a time"));
    stack.keep_secret(GOOD);
    let sender = stack.sign_up().await;
    sender.put("/v1/sender", sender.identity(relay(stack, password))).await.expect(200);
    sender
}

/// The same, with more a day than anybody here gets.
async fn by_relay<'a>(stack: &'a TestStack, password: &str) -> Sender<'a> {
    let sender = by_relay_unlimited(stack, password).await;
    // So that nobody looks every few minutes whether it is over: the clock would be moved for that.
    sender.limit(json!({"per_day": 100_000})).await;
    sender
}

fn counts(campaign: &Value) -> [u64; 4] {
    ["sent", "pending", "failed", "unknown"].map(|name| campaign["counts"][name].as_u64().expect("a count"))
}

fn waits_because(campaign: &Value) -> Vec<&str> {
    campaign["waiting"].as_array().expect("a list").iter().map(|one| one["because"].as_str().unwrap_or("")).collect()
}

fn each_has_one(stack: &TestStack, prefix: &str, people: usize) {
    files::addresses(prefix, people).iter().for_each(|address| _ = stack.only_mail_to(address));
}

/// How many mails about an unusable channel a member got.
fn told(stack: &TestStack, sender: &Sender<'_>) -> usize {
    stack.mails_to(&sender.email).iter().filter(|mail| mail.text.contains("canal inutilisable")).count()
}

#[test]
fn whoever_waits_for_a_relay_that_is_not_there_gets_theirs_once_it_is() {
    run(async {
        let stack = TestStack::start().await;
        let sender = by_relay(&stack, GOOD).await;
        sender.import(&files::people("far-", 120)).await;
        stack.break_things(smtp(json!({"unreachable": true})));
        let id = sender.launch(sender.content(&json!({}))).await;
        let waiting = sender.look(&id).await;
        assert_eq!((&waiting["status"], counts(&waiting)), (&json!("sending"), [0, 120, 0, 0]), "{waiting}");
        assert_eq!(waits_because(&waiting), ["unreachable"], "{waiting}");
        stack.pass(HOUR).await;
        assert_eq!(counts(&sender.look(&id).await), [0, 120, 0, 0]);
        stack.break_things(Plan::default());
        stack.pass(HOUR).await;
        stack.pass(SignedDuration::from_mins(5)).await;
        let campaign = sender.look(&id).await;
        assert_eq!((&campaign["status"], counts(&campaign)), (&json!("completed"), [120, 0, 0, 0]), "{campaign}");
        assert_eq!(campaign["waiting"], json!([]));
        each_has_one(&stack, "far-", 120);
        stack.finish().await;
    });
}

#[test]
fn messages_about_who_waits_stay_few_whatever_the_queue_doubles() {
    /// Looks that are a resume or five minutes apart: twice as many messages with each would be millions.
    const LOOKS: u32 = 20;
    /// Two deliveries to each of the processes that may be at it at once.
    const MOST: usize = 16;
    run(async {
        let stack = TestStack::start().await;
        let sender = by_relay_unlimited(&stack, GOOD).await;
        sender.import(&files::people("looks-", 3)).await;
        let doubled =
            |smtp: Value| serde_json::from_value(json!({"smtp": smtp, "sqs": {"deliveries": 2}})).expect("a plan");
        stack.break_things(doubled(json!({"unreachable": true})));
        let id = sender.draft(json!({})).await;
        sender.command(&id, "launch").await.expect(202);
        // What looks for the end, and what comes back to the chunk.
        let held = |name: &str| {
            let queue = stack.template().queues.iter().find(|queue| queue.name.ends_with(name)).expect("a queue");
            let counts = stack.backends().sqs().counts(&queue.arn).expect("a queue");
            (counts.delayed == counts.later && counts.visible + counts.in_flight == 0).then_some(counts.later)
        };
        let both = || async { held("FanOutQueue").zip(held("SendQueue")) };
        for look in 0..LOOKS {
            if look % 7 == 3 {
                sender.command(&id, "pause").await.expect(200);
                sender.command(&id, "resume").await.expect(202);
                // Five minutes are longer than anybody may be at somebody's message.
                wait_for("the resume to be carried out", both).await;
            }
            stack.wait(SignedDuration::from_mins(5));
            let (looks, chunks) = wait_for("the looks to be over", both).await;
            assert!((1..=MOST).contains(&looks), "{looks} after {look} looks");
            assert!(chunks <= MOST, "{chunks} messages about one chunk after {look} looks");
        }
        stack.break_things(doubled(json!({})));
        stack.follow_up().await;
        let ended = wait_for("everybody to get theirs", || async {
            stack.wait(SignedDuration::from_secs(20));
            stack.follow_up().await;
            let campaign = sender.look(&id).await;
            (campaign["status"] == "completed").then_some(campaign)
        });
        assert_eq!(counts(&ended.await), [3, 0, 0, 0]);
        each_has_one(&stack, "looks-", 3);
        stack.finish().await;
    });
}

#[test]
fn a_relay_that_is_corrected_is_tried_at_once() {
    run(async {
        let stack = TestStack::start().await;
        let sender = by_relay(&stack, GOOD).await;
        sender.import(&files::people("moved-", 120)).await;
        stack.break_things(smtp(json!({"unreachable": true})));
        let id = sender.launch(sender.content(&json!({}))).await;
        assert_eq!(waits_because(&sender.look(&id).await), ["unreachable"]);
        stack.break_things(Plan::default());
        // By either of the ways in which it can be said.
        let changed = json!({"transport": {"kind": "smtp", "host": "localhost", "port": 1, "security": "tls", "username": "atelier", "password": GOOD}});
        let path = format!("/v1/channels/{}", sender.first_channel().await);
        sender.patch(&path, changed).await.expect(200);
        stack.settle().await;
        assert_eq!(counts(&sender.look(&id).await), [0, 120, 0, 0], "nobody listens there");
        sender.put("/v1/sender", sender.identity(relay(&stack, GOOD))).await.expect(200);
        stack.settle().await;
        let campaign = sender.look(&id).await;
        assert_eq!((&campaign["status"], counts(&campaign)), (&json!("completed"), [120, 0, 0, 0]), "{campaign}");
        each_has_one(&stack, "moved-", 120);
        stack.finish().await;
    });
}

#[test]
fn a_relay_that_says_nothing_uses_up_nobody_and_keeps_no_hand() {
    run(async {
        let stack = TestStack::start().await;
        let sender = by_relay(&stack, GOOD).await;
        sender.import(&files::people("mute-", 60)).await;
        stack.break_things(smtp(json!({"latency_ms": 300_000})));
        let id = sender.draft(json!({})).await;
        sender.command(&id, "launch").await.expect(202);
        // Nobody is waited for longer than that, and nobody is used up by it.
        let waiting = wait_for("the channel to be left alone", || async {
            let campaign = sender.look(&id).await;
            (waits_because(&campaign) == ["unreachable"]).then_some(campaign)
        });
        let waiting = waiting.await;
        assert_eq!((&waiting["status"], counts(&waiting)), (&json!("sending"), [0, 60, 0, 0]), "{waiting}");
        stack.break_things(Plan::default());
        stack.settle().await;
        let campaign = sender.look(&id).await;
        assert_eq!((&campaign["status"], counts(&campaign)), (&json!("completed"), [60, 0, 0, 0]), "{campaign}");
        each_has_one(&stack, "mute-", 60);
        stack.finish().await;
    });
}

#[test]
fn messages_of_which_nobody_can_tell_are_few_and_the_rest_waits() {
    run(async {
        let stack = TestStack::start().await;
        stack.set_time("2026-11-26T09:00:00Z".parse().expect("a time"));
        let sender = stack.sign_up().await;
        sender.limit(json!({"per_day": 100_000})).await;
        sender.import(&files::people("cut-", 400)).await;
        stack.break_things(serde_json::from_value(json!({"ses": {"drop_after_accept_every": 1}})).expect("a plan"));
        let id = sender.launch(sender.content(&json!({}))).await;
        let waiting = sender.look(&id).await;
        assert_eq!(
            (&waiting["status"], waits_because(&waiting)),
            (&json!("sending"), vec!["unreachable"]),
            "{waiting}"
        );
        let got = files::addresses("cut-", 400).iter().filter(|address| !stack.mails_to(address).is_empty()).count();
        assert!((5..200).contains(&got), "{got} were tried");
        stack.break_things(Plan::default());
        stack.pass(HOUR).await;
        stack.pass(SignedDuration::from_mins(5)).await;
        let campaign = sender.look(&id).await;
        assert_eq!(campaign["status"], "completed", "{campaign}");
        // Those that SES took after all are known by its events.
        assert_eq!(counts(&campaign), [400, 0, 0, 0], "{campaign}");
        each_has_one(&stack, "cut-", 400);
        stack.finish().await;
    });
}

#[test]
fn a_relay_that_stays_away_pauses_the_campaign_after_hours_and_others_go_on_until_then() {
    run(async {
        let stack = TestStack::start().await;
        let sender = by_relay(&stack, GOOD).await;
        let second = sender.add_channel(json!({"from_email": "deux@away.test"})).await;
        sender.import(&files::people("away-", 120)).await;
        stack.break_things(smtp(json!({"unreachable": true})));
        let channels = json!([sender.first_channel().await, second]);
        let id = sender.launch(sender.content(&json!({ "channels": channels }))).await;
        let waiting = sender.look(&id).await;
        let [sent, pending, failed, _] = counts(&waiting);
        assert!(sent > 30 && pending > 30 && sent + pending == 120 && failed == 0, "{waiting}");
        for _ in 0..5 {
            stack.pass(HOUR).await;
        }
        assert_eq!(sender.look(&id).await["status"], "sending", "not for good yet");
        for _ in 0..3 {
            stack.pass(HOUR).await;
        }
        let paused = sender.look(&id).await;
        let because = (&paused["status"], &paused["paused_because"]);
        assert_eq!(because, (&json!("paused"), &json!("channel_unusable")), "{paused}");
        assert_eq!((counts(&paused), waits_because(&paused)), ([sent, pending, 0, 0], vec!["unreachable"]));
        assert_eq!(told(&stack, &sender), 1);
        stack.break_things(Plan::default());
        sender.command(&id, "resume").await.expect(202);
        stack.settle().await;
        let campaign = sender.look(&id).await;
        assert_eq!((&campaign["status"], counts(&campaign)), (&json!("completed"), [120, 0, 0, 0]), "{campaign}");
        each_has_one(&stack, "away-", 120);
        stack.finish().await;
    });
}

#[test]
fn a_wrong_password_pauses_the_campaign_soon_and_the_right_one_lets_it_go_on() {
    run(async {
        let stack = TestStack::start().await;
        let sender = by_relay(&stack, WRONG_PASSWORD).await;
        let endpoint = sender.register("/ok", &["campaign.paused"]).await;
        sender.import(&files::people("login-", 80)).await;
        let id = sender.launch(sender.content(&json!({}))).await;
        let paused = sender.look(&id).await;
        let because = (&paused["status"], &paused["paused_because"]);
        assert_eq!(because, (&json!("paused"), &json!("channel_unusable")), "{paused}");
        assert_eq!((counts(&paused), waits_because(&paused)), ([0, 80, 0, 0], vec!["credentials"]), "{paused}");
        assert!(stack.now() < "2026-11-26T09:20:00Z".parse().expect("a time"), "within minutes");
        let logins = stack.backends().smtp().logins().len();
        assert!(logins <= 24, "{logins} logins: accounts are locked for less");
        assert_eq!(told(&stack, &sender), 1);
        let news = stack.told(&endpoint);
        assert_eq!(news.len(), 1, "{news:?}");
        assert_eq!(news[0].json()["data"]["because"], "channel_unusable");

        let path = format!("/v1/channels/{}", sender.first_channel().await);
        sender.patch(&path, json!({"transport": relay(&stack, GOOD)})).await.expect(200);
        sender.command(&id, "resume").await.expect(202);
        stack.settle().await;
        let campaign = sender.look(&id).await;
        assert_eq!((&campaign["status"], counts(&campaign)), (&json!("completed"), [80, 0, 0, 0]), "{campaign}");
        each_has_one(&stack, "login-", 80);
        stack.finish().await;
    });
}

#[test]
fn a_sender_that_is_refused_pauses_the_campaign_and_a_quota_is_waited_for() {
    run(async {
        let stack = TestStack::start().await;
        let sender = by_relay(&stack, GOOD).await;
        sender.import(&files::people("quota-", 60)).await;
        let no = "550 5.7.1 Sender address rejected: not owned by user";
        stack.break_things(refuses(json!([{"at": "mail", "say": no}])));
        let id = sender.launch(sender.content(&json!({}))).await;
        let paused = sender.look(&id).await;
        let because = (&paused["status"], &paused["paused_because"]);
        assert_eq!(because, (&json!("paused"), &json!("channel_unusable")), "{paused}");
        assert_eq!((counts(&paused), waits_because(&paused)), ([0, 60, 0, 0], vec!["sender_refused"]), "{paused}");

        // Some leave, then its messages of the day are used up: said at RCPT, and by no code that is the recipient's.
        let enough = "550 5.4.5 Daily user sending quota exceeded";
        stack.break_things(refuses(json!([{"at": "rcpt", "say": enough}])));
        sender.command(&id, "resume").await.expect(202);
        stack.settle().await;
        stack.pass(HOUR).await;
        let waiting = sender.look(&id).await;
        assert_eq!((&waiting["status"], counts(&waiting)), (&json!("sending"), [0, 60, 0, 0]), "{waiting}");
        assert_eq!(waits_because(&waiting), ["channel_quota"], "{waiting}");
        for _ in 0..20 {
            stack.pass(HOUR).await;
        }
        assert_eq!(sender.look(&id).await["status"], "sending", "a day is not too long");
        stack.break_things(Plan::default());
        stack.pass(HOUR).await;
        stack.pass(SignedDuration::from_mins(5)).await;
        let campaign = sender.look(&id).await;
        assert_eq!((&campaign["status"], counts(&campaign)), (&json!("completed"), [60, 0, 0, 0]), "{campaign}");
        each_has_one(&stack, "quota-", 60);
        stack.finish().await;
    });
}

#[test]
fn a_relay_that_refuses_what_everybody_gets_uses_up_nobody_and_pauses_the_campaign() {
    run(async {
        let stack = TestStack::start().await;
        let sender = by_relay(&stack, GOOD).await;
        sender.import(&files::people("spam-", 200)).await;
        sender.import(b"email,tags\nfew-1@refused.test,few\nfew-2@refused.test,few\n").await;
        let spam = json!([{"at": "content", "say": "554 5.7.1 Message detected as spam"}]);
        let listed = json!([{"at": "rcpt", "say": "554 5.7.1 Service unavailable; blocked using zen.spamhaus.org"}]);
        let unknown = json!([{"at": "rcpt", "say": "550 5.1.1 User unknown"}]);
        // Of however few: nobody is used up before the channel took anything of the campaign.
        for (says, change, people) in [
            (spam, json!({"name": "Tous"}), 202),
            (unknown, json!({"name": "Tous inconnus"}), 202),
            (listed, json!({"name": "Peu", "audience": {"tags_any": ["few"]}}), 2),
        ] {
            stack.break_things(refuses(says.clone()));
            let before = told(&stack, &sender);
            let id = sender.launch(sender.content(&change)).await;
            for looks in 1..=3 {
                let paused = sender.look(&id).await;
                let because = (&paused["status"], &paused["paused_because"]);
                assert_eq!(because, (&json!("paused"), &json!("channel_unusable")), "{says}: {paused}");
                assert_eq!(waits_because(&paused), ["messages_refused"], "{paused}");
                assert_eq!(counts(&paused), [0, people, 0, 0], "{paused}");
                assert_eq!(told(&stack, &sender), before + looks, "each time");
                if looks == 3 {
                    stack.break_things(Plan::default());
                }
                sender.command(&id, "resume").await.expect(202);
                stack.settle().await;
            }
            let campaign = sender.look(&id).await;
            assert_eq!((&campaign["status"], counts(&campaign)), (&json!("completed"), [people, 0, 0, 0]));
        }
        stack.finish().await;
    });
}

#[test]
fn an_answer_that_is_none_is_believed_nothing_and_nobody_gets_an_empty_message() {
    run(async {
        let stack = TestStack::start().await;
        let sender = by_relay(&stack, GOOD).await;
        sender.import(&files::people("odd-", 3)).await;
        // The relay has taken the address: only the end of a message is missing.
        for (at, say) in [("rcpt", "250-ok\r\n550 no"), ("rcpt", "354 go on"), ("mail", "354 go on"), ("mail", "250")] {
            stack.break_things(refuses(json!([{"at": at, "say": say}])));
            let id = sender.launch(sender.content(&json!({"name": format!("At {at}")}))).await;
            let campaign = sender.look(&id).await;
            assert_eq!(
                (counts(&campaign), waits_because(&campaign)),
                ([0, 3, 0, 0], vec!["unreachable"]),
                "{at}: {say}"
            );
            sender.command(&id, "cancel").await.expect(200);
            sender.wait_ended(&id).await;
        }
        stack.break_things(refuses(json!([{"at": "content", "say": "354 go on"}])));
        let id = sender.launch(sender.content(&json!({}))).await;
        let campaign = sender.look(&id).await;
        assert_eq!((&campaign["status"], counts(&campaign)), (&json!("completed"), [0, 0, 0, 3]), "{campaign}");
        for address in files::addresses("odd-", 3) {
            assert_eq!(stack.mails_to(&address).len(), 0, "{address}");
        }
        stack.finish().await;
    });
}

#[test]
fn endpoints_hear_of_whom_a_relay_refuses_and_of_whom_nobody_can_tell() {
    run(async {
        let stack = TestStack::start().await;
        let sender = by_relay(&stack, GOOD).await;
        let endpoint = sender.register("/refused", &["message.failed", "message.unknown"]).await;
        sender.import(b"email\nspam@told.test\nbad@told.test\nfine@told.test\n").await;
        stack.break_things(refuses(json!([
            {"at": "content", "say": "554 5.7.1 Message detected as spam", "of": "spam@"},
            {"at": "rcpt", "say": "550 5.1.1 No such user here", "of": "bad@"},
        ])));
        sender.launch(sender.content(&json!({}))).await;
        stack.break_things(smtp(json!({"cut_after_data_every": 1})));
        sender.launch(sender.content(&json!({}))).await;
        let told: Vec<Value> = stack.told(&endpoint).iter().map(|one| one.json()).collect();
        let said: Vec<_> = told
            .iter()
            .map(|one| (&one["type"], &one["data"]["because"], one["data"]["prospects"].as_array().map_or(0, Vec::len)))
            .collect();
        // A bad address is told of as one that came back.
        let (failed, unknown) = (json!("message.failed"), json!("message.unknown"));
        let expected = [(&failed, &json!("channel_refused"), 1), (&unknown, &Value::Null, 2)];
        assert_eq!(said, expected, "{told:#?}");
        stack.finish().await;
    });
}

#[test]
fn a_few_that_a_relay_refuses_after_it_took_others_are_their_own_matter() {
    run(async {
        let stack = TestStack::start().await;
        let sender = by_relay(&stack, GOOD).await;
        sender.import(&files::people("fine-", 30)).await;
        sender.import(b"email\npicky@elsewhere.test\n").await;
        let policy = json!([{"at": "rcpt", "of": "picky", "say": "550 5.7.1 Access denied by policy"}]);
        stack.break_things(refuses(policy));
        let id = sender.launch(sender.content(&json!({}))).await;
        let campaign = sender.look(&id).await;
        assert_eq!((&campaign["status"], counts(&campaign)), (&json!("completed"), [30, 0, 1, 0]), "{campaign}");
        let failed = sender.all(&format!("/v1/campaigns/{id}/recipients?status=failed")).await;
        assert!(failed.iter().all(|one| one["reason"] == "channel_refused"), "{failed:?}");
        stack.finish().await;
    });
}

#[test]
fn bad_addresses_that_a_relay_knows_count_as_bounces_and_in_the_health() {
    run(async {
        let stack = TestStack::start().await;
        let sender = by_relay(&stack, GOOD).await;
        let endpoint = sender.register("/bad", &["message.bounced"]).await;
        let people = (0..60).map(|n| format!("{}{n}@bad.test\n", if n < 4 { "reject-5xx-" } else { "good-" }));
        sender.import(format!("email\n{}", people.collect::<String>()).as_bytes()).await;
        let id = sender.launch(sender.content(&json!({}))).await;
        let campaign = sender.look(&id).await;
        assert_eq!((counts(&campaign), &campaign["bounced"]), ([60, 0, 0, 0], &json!(4)), "{campaign}");
        assert_eq!(campaign["bounced_by_cause"], json!({"unknown_user": 4}), "{campaign}");
        assert_eq!(campaign["paused_because"], "bounces", "4 of 60 are too many: {campaign}");
        let news = stack.told(&endpoint);
        assert_eq!(news.len(), 4, "{news:?}");
        assert!(news.iter().all(|one| one.json()["data"]["evidence"]["cause"] == "unknown_user"), "{news:?}");
        stack.finish().await;
    });
}

#[test]
fn whom_a_relay_puts_off_is_offered_theirs_again_and_nobody_waits_for_it() {
    run(async {
        let stack = TestStack::start().await;
        let sender = by_relay(&stack, GOOD).await;
        let people = (0..40).map(|n| format!("{}{n}@later.test\n", ["grey-", "never-", "good-"][n.min(2)]));
        sender.import(format!("email\n{}", people.collect::<String>()).as_bytes()).await;
        let later = "451 4.7.1 Greylisting in action, please come back later";
        stack.break_things(refuses(json!([
            {"at": "rcpt", "say": later, "of": "grey-"}, {"at": "content", "say": "451 Not now", "of": "never-"},
        ])));
        let offers = |name: &str| stack.backends().smtp().offers().iter().filter(|to| to.starts_with(name)).count();
        let id = sender.launch(sender.content(&json!({}))).await;
        let waiting = sender.look(&id).await;
        assert_eq!((&waiting["status"], counts(&waiting)), (&json!("sending"), [38, 2, 0, 0]), "{waiting}");
        assert_eq!((offers("grey-"), offers("never-"), offers("good-")), (1, 1, 38), "once, in one try");
        stack.break_things(refuses(json!([{"at": "content", "say": "451 Not now", "of": "never-"}])));
        stack.pass(SignedDuration::from_mins(4)).await;
        assert_eq!((offers("grey-"), counts(&sender.look(&id).await)), (1, [38, 2, 0, 0]), "too early");
        stack.pass(SignedDuration::from_mins(2)).await;
        assert_eq!((offers("grey-"), counts(&sender.look(&id).await)), (2, [39, 1, 0, 0]));
        stack.only_mail_to("grey-0@later.test");

        for _ in 0..22 {
            stack.pass(HOUR).await;
        }
        assert_eq!(counts(&sender.look(&id).await), [39, 1, 0, 0], "a day is not over");
        for _ in 0..3 {
            stack.pass(HOUR).await;
        }
        let campaign = sender.look(&id).await;
        assert_eq!((&campaign["status"], counts(&campaign)), (&json!("completed"), [39, 0, 1, 0]), "{campaign}");
        assert!((8..=14).contains(&offers("never-")), "{} offers", offers("never-"));
        let failed = sender.all(&format!("/v1/campaigns/{id}/recipients?status=failed")).await;
        assert_eq!((failed.len(), &failed[0]["reason"]), (1, &json!("put_off")), "{failed:?}");
        let person = sender.prospect("never-1@later.test").await["id"].as_str().expect("an id").to_owned();
        let history = sender.get(&format!("/v1/prospects/{person}")).await.expect(200).json()["history"][0].clone();
        let codes = json!([history["kind"], history["detail"], history["evidence"]["reply"]]);
        assert_eq!(codes, json!(["failed", "put_off", 451]), "{history}");
        stack.finish().await;
    });
}

#[test]
fn a_relay_that_closes_now_and_then_takes_everything_in_the_end_and_pauses_nothing() {
    run(async {
        let stack = TestStack::start().await;
        let sender = by_relay(&stack, GOOD).await;
        sender.import(&files::people("busy-", 120)).await;
        stack.break_things(refuses(json!([
            {"at": "mail", "say": "421 4.3.2 Too many connections", "every": 9},
            {"at": "rcpt", "say": "450 4.2.1 Mailbox busy", "every": 17},
            {"at": "content", "say": "451 4.3.0 Not now", "every": 23},
            {"at": "login", "say": "454 4.7.0 Temporary authentication failure", "every": 3},
        ])));
        let id = sender.launch(sender.content(&json!({}))).await;
        for _ in 0..8 {
            stack.pass(SignedDuration::from_mins(20)).await;
        }
        let campaign = sender.look(&id).await;
        assert_eq!((&campaign["status"], counts(&campaign)), (&json!("completed"), [120, 0, 0, 0]), "{campaign}");
        each_has_one(&stack, "busy-", 120);
        stack.finish().await;
    });
}

#[test]
fn whoever_objects_while_a_slow_relay_is_at_others_gets_nothing() {
    run(async {
        let stack = TestStack::start().await;
        let sender = by_relay(&stack, GOOD).await;
        sender.import(&files::people("slow-", 50)).await;
        sender.launch(sender.content(&json!({"name": "Avant"}))).await;
        let links: Vec<String> =
            files::addresses("slow-", 50).iter().map(|to| stack.only_mail_to(to).unsubscribe()).collect();
        // For each of its answers: the last of a chunk waits for many others.
        stack.break_things(smtp(json!({"latency_ms": 200})));
        let id = sender.draft(json!({"name": "Lente"})).await;
        sender.command(&id, "launch").await.expect(202);
        let written = || stack.mails().iter().filter(|mail| mail.header("List-Unsubscribe").is_some()).count() - 50;
        wait_for("the first message of the slow campaign", async || (written() > 0).then_some(())).await;
        for link in &links {
            sender.stranger().request(reqwest::Method::POST, link).send().await.expect(200);
        }
        let then = written();
        stack.settle().await;
        let campaign = sender.look(&id).await;
        let (sent, refused) = (count_of(&campaign, "sent"), count_of(&campaign, "refused"));
        assert_eq!((sent + refused, written()), (50, sent), "{campaign}");
        // Those of whom a connection was under way, and what was looked up a moment before.
        assert!(sent < then + 20 && refused >= 20, "{then} had left: {campaign}");
        assert_eq!(campaign["refused_by_reason"], json!({"opted_out": refused}), "{campaign}");
        stack.finish().await;
    });
}

fn count_of(campaign: &Value, name: &str) -> usize {
    campaign["counts"][name].as_u64().and_then(|count| count.try_into().ok()).expect("a count")
}
