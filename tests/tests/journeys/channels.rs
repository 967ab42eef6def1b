//! Several channels: who is written to by which, how many messages each takes, and what waits.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Sender, TestStack, files, run};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// Who wrote to each of so many people: the addresses in `From`, in order.
fn written_by(stack: &TestStack, prefix: &str, people: usize) -> BTreeMap<String, Vec<String>> {
    let from = |mail: &tests::mail::Mail| {
        assert!(mail.header("From").expect("a From").contains(&mail.envelope_from), "{}", mail.raw);
        mail.envelope_from.clone()
    };
    let of = |address: String| {
        let mails = stack.mails_to(&address);
        let from = mails.iter().map(from).collect();
        (address, from)
    };
    files::addresses(prefix, people).into_iter().map(of).collect()
}

fn count(campaign: &Value, name: &str) -> u64 {
    campaign["counts"][name].as_u64().expect("a count")
}

/// A stack at a time of day when nothing is about to begin anew.
async fn at_ten() -> TestStack {
    let stack = TestStack::start().await;
    stack.set_time("2026-11-26T09:00:00Z".parse().expect("a time"));
    stack
}

#[test]
fn channels_are_added_changed_and_taken_away_and_the_last_one_stays() {
    run(async {
        let stack = TestStack::shared().await;
        let sender = stack.sign_up().await;
        let first = sender.first_channel().await;
        let port = stack.backends().smtp().tls_port();
        stack.keep_secret("a word for the relay");
        let relay = json!({"kind": "smtp", "host": "localhost", "port": port, "security": "tls", "username": "u",
            "password": "a word for the relay"});
        let limits = json!({"per_day": 100, "per_hour": 20, "gap_seconds": 60, "jitter_seconds": 30});
        let new = json!({"name": " Ada ", "transport": relay, "from_name": "Ada", "from_email": "ada@other.test", "limits": limits});
        let added = sender.post("/v1/channels", new).await.expect(200).json();
        assert_eq!((&added["name"], &added["limits"]), (&json!("Ada"), &limits));
        assert_eq!((&added["transport"]["password_set"], added["transport"].get("password")), (&json!(true), None));
        let path = format!("/v1/channels/{}", added["id"].as_str().unwrap());
        assert_eq!(sender.get(&path).await.expect(200).json(), added);
        assert_eq!(sender.all("/v1/channels").await.len(), 2);

        // What is not said stays, the password too; null takes away.
        let mut same = relay.clone();
        same.as_object_mut().unwrap().remove("password");
        let changed = json!({"transport": same, "from_name": null, "limits": {"per_day": 5}});
        let changed = sender.patch(&path, changed).await.expect(200).json();
        assert_eq!((&changed["from_name"], &changed["from_email"]), (&Value::Null, &json!("ada@other.test")));
        assert_eq!((&changed["limits"], &changed["transport"]["password_set"]), (&json!({"per_day": 5}), &json!(true)));
        assert_eq!(sender.patch(&path, json!({"limits": null})).await.expect(200).json()["limits"], json!({}));

        for (body, field) in [
            (json!({"name": " "}), "name"),
            (json!({"from_name": "a@b.test"}), "from_name"),
            (json!({"limits": {"per_day": 0}}), "limits.per_day"),
            (json!({"limits": {"per_day": -1}}), "limits.per_day"),
            (json!({"limits": {"per_day": 5_000_000_000_u64}}), "limits.per_day"),
            (json!({"limits": {"per_hour": 1.5}}), "limits.per_hour"),
            (json!({"limits": {"gap_seconds": 70_000}}), "limits.gap_seconds"),
            (json!({"limits": {"per_day": 9, "ramp": {"start": 5_000_000_000_u64, "add": 1}}}), "limits.ramp.start"),
            (json!({"limits": {"recipient_domain": {"per_day": 70_000}}}), "limits.recipient_domain.per_day"),
            // A list is no object without members: that would take away all limits.
            (json!({"limits": []}), "limits"),
            (json!({"limits": {"per_day": 9, "ramp": [1, 2]}}), "limits.ramp"),
            (json!({"limits": {"recipient_domain": [5]}}), "limits.recipient_domain"),
            (json!([null, null, null, null, {}]), "body"),
            (json!({"limits": {"jitter_seconds": 5}}), "limits.jitter_seconds"),
            (json!({"limits": {"recipient_domain": {}}}), "limits.recipient_domain"),
            (json!({"limits": {"recipient_domain": {"per_hour": 0}}}), "limits.recipient_domain.per_hour"),
            (json!({"transport": {}}), "transport.kind"),
            (json!({"transport": {"kind": "ftp"}}), "transport.kind"),
            (json!({"transport": {"kind": "ses", "host": "smtp.example.com"}}), "transport.host"),
            (json!({"transport": {"kind": "smtp", "port": 465, "security": "tls", "username": "u"}}), "transport.host"),
            (json!({"transport": {"kind": "smtp", "host": "localhost", "port": "465"}}), "transport.port"),
            (
                json!({"transport": {"kind": "smtp", "host": "localhost", "port": 0, "security": "tls", "username": "u", "password": "p"}}),
                "transport.port",
            ),
            (
                json!({"transport": {"kind": "smtp", "host": "localhost", "port": port, "security": "none", "username": "u"}}),
                "transport.security",
            ),
            (json!({"transport": {"kind": "smtp", "oauth": {"token_url": 1}}}), "transport.oauth.token_url"),
            (
                json!({"transport": {"kind": "smtp", "host": "10.0.0.1", "port": 465, "security": "tls", "username": "u", "password": "p"}}),
                "transport.host",
            ),
            (
                json!({"transport": {"kind": "smtp", "host": "localhost", "port": port, "security": "tls", "username": "v"}}),
                "transport.password",
            ),
        ] {
            let answer = sender.patch(&path, body.clone()).await;
            answer.problem(422, "validation-failed");
            assert_eq!(answer.fields(), [field], "{body}");
        }
        for (body, says) in [
            (json!({"transport": {"kind": "smtp", "port": 70_000}}), "must be a whole number from 1 to 65535"),
            (json!({"transport": {"kind": "smtp", "port": 0}}), "must be a whole number from 1 to 65535"),
            (json!({"from_email": "x"}), "must be an e-mail address; there is no @"),
        ] {
            let problem = sender.patch(&path, body).await.problem(422, "validation-failed");
            assert_eq!(problem["errors"][0]["message"], says, "{problem}");
        }
        assert_eq!(sender.patch(&path, json!({"limits": {"jitter_seconds": 0}})).await.fields().len(), 1);
        assert_eq!(sender.patch(&path, json!({"colour": "red"})).await.status, 422);
        assert_eq!(sender.patch(&path, json!({"limits": {"per_week": 1}})).await.status, 422);

        // The Sender is shown with its first channel; changing that leaves the others alone.
        let mut identity = sender.identity(json!({"kind": "ses"}));
        identity.as_object_mut().unwrap().remove("channel");
        assert_eq!(sender.put("/v1/sender", identity).await.expect(200).json()["channel"]["kind"], "ses");
        assert_eq!(sender.all("/v1/channels").await.len(), 2);
        for number in 2..16 {
            sender.add_channel(json!({"name": number.to_string()})).await;
        }
        let most = json!({"name": "17", "transport": {"kind": "ses"}});
        sender.post("/v1/channels", most).await.problem(422, "too-many-channels");

        // Closing forgets every password.
        sender.delete("/v1/workspace").await.expect(200);
        assert_eq!(sender.get(&path).await.expect(200).json()["transport"]["password_set"], false);
        sender.post("/v1/workspace/reactivate", json!({})).await.expect(200);
        for channel in sender.all("/v1/channels").await {
            let id = channel["id"].as_str().unwrap();
            let expected = if id == first { 200 } else { 204 };
            if expected == 204 {
                sender.delete(&format!("/v1/channels/{id}")).await.expect(204);
            }
        }
        sender.delete(&format!("/v1/channels/{first}")).await.problem(409, "conflict");
        sender.delete(&path).await.expect(404);
        let reader = sender.join("viewer").await;
        assert_eq!(reader.all("/v1/channels").await.len(), 1);
        let delete = reader.request(Method::DELETE, &format!("/v1/channels/{first}"));
        delete.send().await.problem(403, "forbidden");
        stack.check();
    });
}

#[test]
fn everybody_keeps_their_channel_in_every_step_as_long_as_it_is_there() {
    run(async {
        let stack = at_ten().await;
        let sender = stack.sign_up().await;
        let port = stack.backends().smtp().tls_port();
        let relay = json!({"kind": "smtp", "host": "localhost", "port": port, "security": "tls", "username": "u", "password": "relay word"});
        stack.keep_secret("relay word");
        let second = sender.add_channel(json!({"from_name": "Deux", "from_email": "deux@rota.test"})).await;
        let third = sender.add_channel(json!({"transport": relay, "from_email": "trois@rota.test"})).await;
        sender.import(&files::people("rota-", 240)).await;
        let mut content = sender.sequence(json!([
            {"delay": {"hours": 1}, "text": "Encore."},
            {"delay": {"hours": 1}, "text": "Une dernière fois."},
        ]));
        content["channels"] = json!([sender.first_channel().await, second, third]);
        let id = sender.launch(content).await;
        let before = written_by(&stack, "rota-", 240);
        let mut by: BTreeMap<&str, usize> = BTreeMap::new();
        for from in before.values() {
            assert_eq!(from.len(), 1);
            *by.entry(&from[0]).or_default() += 1;
        }
        assert_eq!(by.len(), 3, "{by:?}");
        assert!(by.values().all(|people| (50..=110).contains(people)), "{by:?}");

        // Another channel comes, and is none of this campaign's: nobody's thread changes its sender.
        sender.add_channel(json!({"from_email": "quatre@rota.test"})).await;
        stack.pass(HOUR * 2).await;
        for (address, from) in written_by(&stack, "rota-", 240) {
            assert_eq!(from, [before[&address].as_slice(), before[&address].as_slice()].concat(), "{address}");
        }

        // One goes: only those who had it move.
        sender.delete(&format!("/v1/channels/{second}")).await.expect(204);
        stack.pass(HOUR * 2).await;
        let mut moved = BTreeSet::new();
        for (address, from) in written_by(&stack, "rota-", 240) {
            assert_eq!(from.len(), 3, "{address}");
            match before[&address][0].as_str() {
                "deux@rota.test" => _ = moved.insert(from[2].clone()),
                kept => assert_eq!(from[2], kept, "{address}"),
            }
        }
        assert_eq!(moved.len(), 2, "spread over those that are left: {moved:?}");
        let campaign = sender.look(&id).await;
        assert_eq!((&campaign["status"], count(&campaign, "sent")), (&json!("completed"), 720));
        stack.finish().await;
    });
}

#[test]
fn a_campaign_without_a_channel_left_pauses_and_goes_by_the_others_when_resumed() {
    run(async {
        let stack = at_ten().await;
        let sender = stack.sign_up().await;
        let own = sender.add_channel(json!({"from_email": "seul@none.test"})).await;
        let endpoint = sender.register("/ok", &["campaign.paused"]).await;
        sender.import(&files::people("none-", 60)).await;
        let mut content = sender.sequence(json!([{"delay": {"hours": 1}, "text": "Encore."}]));
        content["channels"] = json!([own]);
        let id = sender.launch(content).await;
        sender.delete(&format!("/v1/channels/{own}")).await.expect(204);
        stack.pass(HOUR * 2).await;
        let paused = sender.look(&id).await;
        assert_eq!((&paused["status"], &paused["paused_because"]), (&json!("paused"), &json!("no_channel")));
        assert_eq!((count(&paused, "sent"), count(&paused, "pending")), (60, 60));
        // Who may do something about it is told, once.
        let mails = stack.mails_to(&sender.email);
        let about = mails.iter().filter(|mail| mail.text.contains("aucun des canaux")).count();
        assert_eq!(about, 1, "{mails:?}");
        let told = stack.told(&endpoint);
        assert_eq!(told.len(), 1, "{told:?}");
        let data = &told[0].json()["data"];
        assert_eq!((&data["campaign"], &data["because"]), (&json!(id), &json!("no_channel")));
        // Whoever lets it go on lets it go by what is left.
        sender.command(&id, "resume").await.expect(202);
        stack.settle().await;
        let campaign = sender.look(&id).await;
        assert_eq!((&campaign["status"], count(&campaign, "sent")), (&json!("completed"), 120), "{campaign}");

        // What was not launched names one that is gone; a new one that takes its place has another id. So it is for its maker to say.
        let again = sender.draft(json!({"channels": [own]})).await;
        let refused = sender.command(&again, "launch").await;
        let problem = refused.problem(422, "launch-refused");
        assert_eq!(refused.fields(), ["channels"]);
        let said = problem["errors"][0]["message"].as_str().unwrap();
        assert!(said.contains("no such channel in this workspace") && said.contains("GET /v1/channels"), "{said}");
        stack.finish().await;
    });
}

#[test]
fn what_is_over_a_daily_cap_waits_for_midnight_and_nobody_is_lost_or_written_to_twice() {
    run(async {
        let stack = at_ten().await;
        let sender = stack.sign_up().await;
        sender.limit(json!({"per_day": 60})).await;
        sender.import(&files::people("cap-", 150)).await;
        let id = sender.draft(json!({})).await;
        sender.command(&id, "launch").await.expect(202);
        stack.settle().await;
        let campaign = sender.look(&id).await;
        assert_eq!((count(&campaign, "sent"), count(&campaign, "pending")), (60, 90), "{campaign}");
        let waits =
            json!([{"channel": sender.first_channel().await, "because": "per_day", "until": "2026-11-26T23:00:00Z"}]);
        assert_eq!(campaign["waiting"], waits);
        // Midnight in Paris, where the Sender is.
        stack.set_time("2026-11-26T22:59:00Z".parse().unwrap());
        stack.pass(SignedDuration::ZERO).await;
        assert_eq!(count(&sender.look(&id).await, "sent"), 60, "a minute too early");

        // A pause and a resume while it waits change nothing of it.
        sender.command(&id, "pause").await.expect(200);
        stack.pass(HOUR).await;
        assert_eq!(count(&sender.look(&id).await, "sent"), 60);
        sender.command(&id, "resume").await.expect(202);
        stack.settle().await;
        assert_eq!(count(&sender.look(&id).await, "sent"), 120);
        for _ in 0..26 {
            stack.pass(HOUR).await;
        }
        let campaign = sender.look(&id).await;
        assert_eq!((&campaign["status"], count(&campaign, "sent")), (&json!("completed"), 150));
        files::addresses("cap-", 150).iter().for_each(|address| _ = stack.only_mail_to(address));

        // A cancel while it waits leaves nobody.
        let id = sender.launch(sender.content(&json!({}))).await;
        let waiting = sender.look(&id).await;
        assert!(count(&waiting, "pending") > 0, "{waiting}");
        sender.command(&id, "cancel").await.expect(200);
        stack.settle().await;
        assert_eq!(count(&sender.look(&id).await, "pending"), 0);
        stack.finish().await;
    });
}

#[test]
fn whoever_waits_hears_at_once_of_a_higher_cap_and_of_a_channel_that_is_gone() {
    run(async {
        let stack = at_ten().await;
        let sender = stack.sign_up().await;
        let (first, second) =
            (sender.first_channel().await, sender.add_channel(json!({"limits": {"per_day": 10}})).await);
        sender.limit(json!({"per_day": 10})).await;
        sender.import(&files::people("wait-", 120)).await;
        let content = json!({"channels": [first, second]});
        let (id, other) = (sender.draft(content.clone()).await, sender.draft(json!({"name": "Non lancée"})).await);
        sender.command(&id, "launch").await.expect(202);
        stack.settle().await;
        assert_eq!(count(&sender.look(&id).await, "sent"), 20);

        // A new name is no reason to look again.
        let path = format!("/v1/channels/{second}");
        sender.patch(&path, json!({"name": "Deux"})).await.expect(200);
        stack.settle().await;
        assert_eq!(count(&sender.look(&id).await, "sent"), 20);
        sender.patch(&path, json!({"limits": {"per_day": 25}})).await.expect(200);
        stack.settle().await;
        let campaign = sender.look(&id).await;
        assert_eq!((&campaign["status"], count(&campaign, "sent")), (&json!("sending"), 35), "{campaign}");

        // What is paused stays so, and takes the change with it.
        sender.command(&id, "pause").await.expect(200);
        sender.limit(json!({"per_day": 20})).await;
        stack.settle().await;
        assert_eq!(count(&sender.look(&id).await, "sent"), 35);
        sender.command(&id, "resume").await.expect(202);
        stack.settle().await;
        assert_eq!(count(&sender.look(&id).await, "sent"), 45);

        // Whose channel is gone has the other one's, as far as that goes.
        sender.delete(&path).await.expect(204);
        stack.settle().await;
        let campaign = sender.look(&id).await;
        assert_eq!(count(&campaign, "sent"), 45, "{campaign}");
        assert_eq!(campaign["waiting"].as_array().map(Vec::len), Some(1), "{campaign}");
        sender.limit(json!({})).await;
        stack.settle().await;
        let campaign = sender.look(&id).await;
        assert_eq!((&campaign["status"], count(&campaign, "sent")), (&json!("completed"), 120), "{campaign}");
        files::addresses("wait-", 120).iter().for_each(|address| _ = stack.only_mail_to(address));
        assert_eq!(sender.look(&other).await["status"], "draft");
        stack.finish().await;
    });
}

#[test]
fn a_new_channel_takes_more_with_each_day() {
    run(async {
        let stack = at_ten().await;
        let sender = stack.sign_up().await;
        sender.limit(json!({"per_day": 45, "ramp": {"start": 10, "add": 20}})).await;
        let shown = sender.all("/v1/channels").await.remove(0);
        assert!(shown["ramp_since"].as_str().is_some_and(|since| since.starts_with("2026-11-26")), "{shown}");
        sender.import(&files::people("ramp-", 130)).await;
        let id = sender.launch(sender.content(&json!({}))).await;
        let mut sent = vec![count(&sender.look(&id).await, "sent")];
        for day in 27..=30 {
            stack.set_time(format!("2026-11-{day}T22:30:00Z").parse().expect("a time"));
            // Whoever waits comes within the day.
            stack.pass(SignedDuration::ZERO).await;
            sent.push(count(&sender.look(&id).await, "sent"));
        }
        assert_eq!(sent, [10, 40, 85, 130, 130], "10, 30, 45 and what is left");
        assert_eq!(sender.look(&id).await["status"], "completed");
        stack.finish().await;
    });
}

#[test]
fn a_gap_and_its_jitter_lie_between_two_messages_of_a_channel() {
    run(async {
        let stack = at_ten().await;
        let sender = stack.sign_up().await;
        sender.limit(json!({"gap_seconds": 90, "jitter_seconds": 30})).await;
        sender.import(&files::people("gap-", 12)).await;
        // Two campaigns at once: the channel is one.
        let ids = [sender.draft(json!({})).await, sender.draft(json!({"name": "Automne"})).await];
        for id in &ids {
            sender.command(id, "launch").await.expect(202);
        }
        stack.settle().await;
        for id in &ids {
            assert_eq!(count(&sender.wait_ended(id).await, "sent"), 12);
        }
        let mut at: Vec<Timestamp> = files::addresses("gap-", 12)
            .iter()
            .flat_map(|address| stack.mails_to(address))
            .map(|mail| mail.accepted_at)
            .collect();
        at.sort_unstable();
        assert_eq!(at.len(), 24);
        let gaps: Vec<i64> = at.windows(2).map(|two| two[1].duration_since(two[0]).as_secs()).collect();
        assert!(gaps.iter().all(|gap| *gap >= 89), "{gaps:?}");
        assert!(gaps.iter().collect::<BTreeSet<_>>().len() > 3, "no chance in it: {gaps:?}");
        stack.finish().await;
    });
}

#[test]
fn a_cap_by_the_hour_holds_over_campaigns_and_steps() {
    run(async {
        let stack = at_ten().await;
        let sender: Sender<'_> = stack.sign_up().await;
        sender.limit(json!({"per_hour": 40})).await;
        sender.import(&files::people("hour-", 60)).await;
        let first = sender.launch(sender.sequence(json!([{"delay": {"hours": 1}, "text": "Encore."}]))).await;
        let mails = || files::addresses("hour-", 60).iter().map(|address| stack.mails_to(address).len()).sum::<usize>();
        let mut seen = vec![mails()];
        for _ in 0..20 {
            stack.pass(HOUR).await;
            seen.push(mails());
        }
        assert_eq!(seen.last(), Some(&120), "{seen:?}");
        assert!(seen.windows(2).all(|two| two[1] - two[0] <= 40), "{seen:?}");
        assert_eq!(sender.look(&first).await["status"], "completed");
        stack.finish().await;
    });
}

#[test]
fn each_receiving_domain_gets_no_more_than_its_caps_and_nobody_else_waits_for_it() {
    run(async {
        let stack = at_ten().await;
        let sender = stack.sign_up().await;
        sender.limit(json!({"recipient_domain": {"per_day": 50, "per_hour": 20}})).await;
        sender.import(&files::at("big.test", 40)).await;
        sender.import(&files::people("small-", 60)).await;
        // Two campaigns at once: the domain is one.
        let ids = [sender.draft(json!({})).await, sender.draft(json!({"name": "Automne"})).await];
        for id in &ids {
            sender.command(id, "launch").await.expect(202);
        }
        stack.settle().await;
        let big = || stack.mails().into_iter().filter(|mail| mail.to.ends_with("@big.test")).count();
        let small = || files::addresses("small-", 60).iter().map(|to| stack.mails_to(to).len()).sum::<usize>();
        assert_eq!((big(), small()), (20, 120));
        let waiting = sender.look(&ids[0]).await["waiting"].clone();
        assert_eq!(waiting[0]["because"], "domain_per_hour", "{waiting}");
        // What is due is due by the minute.
        let hour = HOUR + SignedDuration::from_mins(1);
        let mut seen = vec![big()];
        for _ in 0..4 {
            stack.pass(hour).await;
            seen.push(big());
        }
        assert_eq!(seen, [20, 40, 50, 50, 50], "an hour's, an hour's, what is left of the day");
        let waits = json!([
            {"channel": sender.first_channel().await, "because": "domain_per_day", "until": "2026-11-26T23:00:00Z"},
        ]);
        // Chance decides whose messages they were; one of the two may be complete.
        let waiting = [sender.look(&ids[0]).await, sender.look(&ids[1]).await];
        assert!(waiting.iter().any(|campaign| campaign["waiting"] == waits), "{waiting:?}");
        stack.set_time("2026-11-26T22:59:00Z".parse().unwrap());
        stack.pass(SignedDuration::ZERO).await;
        assert_eq!(big(), 50, "a minute too early");
        for _ in 0..4 {
            stack.pass(hour).await;
        }
        assert_eq!(big(), 80);
        for id in &ids {
            let campaign = sender.look(id).await;
            assert_eq!((&campaign["status"], count(&campaign, "sent")), (&json!("completed"), 100), "{campaign}");
            assert_eq!(campaign["waiting"], json!([]));
        }
        (0..40).for_each(|n| assert_eq!(stack.mails_to(&format!("person{n}@big.test")).len(), 2));
        stack.finish().await;
    });
}

#[test]
fn nobody_waits_more_than_a_day_for_others_of_their_chunk() {
    run(async {
        let stack = at_ten().await;
        let sender = stack.sign_up().await;
        sender.limit(json!({"recipient_domain": {"per_day": 1}})).await;
        sender.import(&files::at("big.test", 5)).await;
        sender.import(&files::people("small-", 5)).await;
        let id = sender.launch(sender.sequence(json!([{"delay": {"hours": 1}, "text": "Encore."}]))).await;
        let mails = |to: Vec<String>, second: bool| {
            let mails = to.iter().flat_map(|to| stack.mails_to(to));
            mails.filter(|mail| mail.text.contains("Encore.") == second).count()
        };
        let big = |second| mails((0..5).map(|n| format!("person{n}@big.test")).collect(), second);
        let small = |second| mails(files::addresses("small-", 5), second);
        assert_eq!((big(false), small(false)), (1, 5));
        stack.pass(HOUR * 2).await;
        assert_eq!(small(true), 0, "those who wait have waited for hours, not for a day");

        // The next day one more of the domain gets it; the others would wait for a second day, and do so alone.
        stack.set_time("2026-11-26T23:01:00Z".parse().unwrap());
        stack.pass(SignedDuration::ZERO).await;
        assert_eq!((big(false), small(true)), (2, 0));
        stack.pass(HOUR + SignedDuration::from_mins(1)).await;
        assert_eq!((big(false), small(true)), (2, 5));
        for _ in 0..12 {
            stack.pass(HOUR * 24).await;
        }
        (0..5).for_each(|n| assert_eq!(stack.mails_to(&format!("person{n}@big.test")).len(), 2));
        let look = sender.look(&id).await;
        assert_eq!((&look["status"], count(&look, "sent")), (&json!("completed"), 20), "{look}");
        stack.finish().await;
    });
}
