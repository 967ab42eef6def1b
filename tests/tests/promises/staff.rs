//! Staff sees nothing unless others agreed, for an hour, and before the eyes of the workspace.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tests::{Sender, TestStack, run, store::Dump};

const SECOND: SignedDuration = SignedDuration::from_secs(1);

/// A workspace that holds two people.
async fn target(stack: &TestStack) -> Sender<'_> {
    let sender = stack.sign_up().await;
    sender.import(b"email;first_name;notes\nwanted@staff.test;Wanda;Zwitscher\nother@staff.test;Otto;\n").await;
    sender
}

async fn person(access: &str, sender: &Sender<'_>, email: &str) -> String {
    format!("{access}/prospects/{}", sender.prospect(email).await["id"].as_str().unwrap())
}

fn until(grant: &Value) -> Timestamp {
    grant["until"].as_str().expect("a time").parse().expect("RFC 3339")
}

#[test]
fn a18_no_grant_no_data_and_a_grant_is_over_after_an_hour() {
    run(async {
        let stack = TestStack::start().await;
        let sender = target(&stack).await;
        let [one, two, _] = stack.staff().await;
        let nowhere = format!("/v1/staff/grants/grt_{}/prospects", "0".repeat(20));
        one.get(&nowhere).await.problem(404, "not-found");

        let access = one.ask_access(&sender, "maintenance").await;
        let (people, wanda) = (format!("{access}/prospects"), person(&access, &sender, "wanted@staff.test").await);
        for path in [&people, &wanda] {
            one.get(path).await.problem(403, "access-not-open");
        }
        one.post(&format!("{access}/approve"), json!({})).await.problem(409, "not-approved");
        let mails = stack.mails_to(&sender.email).len();
        let open = two.approve(&access).await;
        assert_eq!(open["status"], "open", "{open}");
        let told = stack.mails_to(&sender.email);
        assert_eq!(told.len(), mails + 1, "the owner is told");
        assert!(told[mails].text.contains("Ein Import hängt."), "{}", told[mails].text);

        let page = one.get(&people).await.expect(200).json();
        assert_eq!(page["items"].as_array().map(Vec::len), Some(2));
        let whole = one.get(&wanda).await.expect(200).json();
        assert_eq!((&whole["email"], &whole["notes"]), (&json!("wanted@staff.test"), &json!("Zwitscher")));
        assert_eq!(whole["history"], json!([]));
        // To whoever asked, and to nobody else.
        two.get(&people).await.problem(403, "access-not-open");

        let over = until(&open);
        assert_eq!(over.duration_since(stack.now()).as_mins(), 59);
        stack.set_time(over - SignedDuration::from_mins(1));
        one.log_in().await;
        stack.set_time(over - SECOND);
        one.get(&people).await.expect(200);
        stack.set_time(over);
        for path in [&people, &wanda] {
            one.get(path).await.problem(403, "access-not-open");
        }
        two.post(&format!("{access}/approve"), json!({})).await.problem(409, "not-approved");
        one.post(&format!("{access}/end"), json!({})).await.problem(409, "not-ended");

        // What nobody approves lapses; what is ended is over at once.
        let late = one.ask_access(&sender, "abuse").await;
        stack.wait(SignedDuration::from_hours(24));
        two.post(&format!("{late}/approve"), json!({})).await.problem(409, "not-approved");
        let short = one.ask_access(&sender, "abuse").await;
        two.approve(&short).await;
        one.get(&format!("{short}/prospects")).await.expect(200);
        two.post(&format!("{short}/end"), json!({})).await.expect(200);
        one.get(&format!("{short}/prospects")).await.problem(403, "access-not-open");
        let listed = one.all("/v1/staff/grants?limit=2").await;
        let states: Vec<_> = listed.iter().map(|grant| grant["status"].as_str().unwrap()).collect();
        assert_eq!(states, ["ended", "lapsed", "over"]);
        stack.finish().await;
    });
}

#[test]
fn a18_nobody_but_staff_with_a_second_factor_gets_anywhere() {
    run(async {
        let stack = TestStack::start().await;
        let (sender, firm) = (target(&stack).await, stack.sign_up().await);
        let (list, ask) = ("/v1/staff/grants", json!({}));
        // Nobody is staff until somebody is appointed.
        firm.turn_on_second_factor().await;
        firm.get(list).await.problem(403, "not-staff");
        stack.staff_desk(json!({"appoint": {"workspace": firm.workspace}})).await;
        firm.get(list).await.expect(200);
        firm.post(list, ask.clone()).await.problem(422, "validation-failed");
        // Not without a second factor, not as a viewer, not from elsewhere, not as a program.
        firm.join("admin").await.get(list).await.problem(403, "second-factor-off");
        let viewer = firm.join("viewer").await;
        viewer.turn_on_second_factor().await;
        viewer.get(list).await.problem(403, "forbidden");
        sender.turn_on_second_factor().await;
        sender.get(list).await.problem(403, "not-staff");
        sender.post(list, ask).await.problem(403, "not-staff");
        let scopes = json!({"name": "Zwitscher", "scopes": ["staff.act"]});
        firm.post("/v1/api-keys", scopes).await.problem(422, "validation-failed");
        let scopes = json!({"name": "Zwitscher", "scopes": ["audit.read", "prospects.read"]});
        let key = firm.post("/v1/api-keys", scopes).await.expect(200).json();
        let key = key["key"].as_str().unwrap();
        stack.keep_secret(key);
        stack.client().request(reqwest::Method::GET, list).bearer(key).send().await.problem(403, "forbidden");
        // Not in one's own workspace, nor in one that is nowhere.
        let own = json!({"workspace": firm.workspace, "purpose": "abuse", "reason": "Neugier"});
        firm.post(list, own).await.problem(422, "validation-failed");
        let nowhere = json!({"workspace": format!("ws_{}", "0".repeat(20)), "purpose": "abuse", "reason": "Neugier"});
        firm.post(list, nowhere).await.problem(422, "validation-failed");
        let blank = json!({"workspace": sender.workspace, "purpose": "maintenance", "reason": " "});
        firm.post(list, blank).await.problem(422, "validation-failed");
        // Whoever is dismissed is out at once.
        assert_eq!(stack.staff_desk(json!({"dismiss": {}})).await["staff"], Value::Null);
        firm.get(list).await.problem(403, "not-staff");
        let appointed: Vec<_> = firm.all("/v1/audit?action=staff").await;
        assert_eq!(appointed.len(), 2, "{appointed:#?}");
        stack.finish().await;
    });
}

#[test]
fn a17_one_approver_is_not_enough_for_a_disclosure() {
    run(async {
        let stack = TestStack::start().await;
        let sender = target(&stack).await;
        let [one, two, three] = stack.staff().await;
        let bare = json!({"workspace": sender.workspace, "purpose": "disclosure", "reason": "Requisition"});
        one.post("/v1/staff/grants", bare).await.problem(422, "validation-failed");
        let access = one.ask_access(&sender, "disclosure").await;
        let stored = Dump::of(&stack)
            .await
            .table("AccountsTable")
            .iter()
            .filter(|item| item["sk"] == access[17..])
            .cloned()
            .collect::<Vec<_>>();
        assert!(stored.len() == 1 && !stored[0].to_string().contains("wanted@"), "only the fingerprint: {stored:?}");
        let wanda = person(&access, &sender, "wanted@staff.test").await;
        let approve = format!("{access}/approve");

        let mails = stack.mails_to(&sender.email).len();
        assert_eq!(two.approve(&access).await["status"], "waiting");
        one.get(&wanda).await.problem(403, "access-not-open");
        for again in [&one, &two] {
            again.post(&approve, json!({})).await.problem(409, "not-approved");
        }
        one.get(&wanda).await.problem(403, "access-not-open");
        assert_eq!(stack.mails_to(&sender.email).len(), mails, "nothing is open yet");
        assert_eq!(three.approve(&access).await["status"], "open");
        assert_eq!(stack.mails_to(&sender.email).len(), mails + 1);

        // One person, and no more of them than is demanded.
        let extract = one.get(&wanda).await.expect(200).json();
        assert_eq!((&extract["email"], &extract["first_name"]), (&json!("wanted@staff.test"), &json!("Wanda")));
        assert!(!extract.to_string().contains("Zwitscher"), "{extract}");
        let otto = person(&access, &sender, "other@staff.test").await;
        for path in [otto, format!("{access}/prospects")] {
            one.get(&path).await.problem(403, "access-not-open");
        }
        stack.finish().await;
    });
}

#[test]
fn a79_every_read_of_staff_is_in_the_trail_with_its_reason() {
    run(async {
        let stack = TestStack::start().await;
        let sender = target(&stack).await;
        let [one, two, _] = stack.staff().await;
        let access = one.ask_access(&sender, "abuse").await;
        let id = access.rsplit('/').next().unwrap();
        two.approve(&access).await;
        let wanda = person(&access, &sender, "wanted@staff.test").await;
        let pages = one.all(&format!("{access}/prospects?limit=1")).await;
        assert_eq!(pages.len(), 2);
        one.get(&wanda).await.expect(200);
        two.get(&wanda).await.problem(403, "access-not-open");
        one.post(&format!("{access}/end"), json!({})).await.expect(200);

        let entries = sender.all("/v1/audit?action=staff_access").await;
        let reads: Vec<&Value> = entries.iter().filter(|entry| entry["action"] == "staff_access.read").collect();
        let acts = entries.iter().filter(|entry| entry["action"] != "staff_access.read");
        let acts: Vec<_> = acts.map(|entry| (entry["action"].as_str().unwrap(), &entry["about"])).collect();
        let about = json!(id);
        let expected = ["staff_access.ended", "staff_access.approved", "staff_access.asked"].map(|act| (act, &about));
        assert_eq!(acts, expected);
        // Each person who was read, by name, once on a page and once alone.
        let names = |email: &'static str| sender.prospect(email);
        let (wanda, otto) =
            (names("wanted@staff.test").await["id"].clone(), names("other@staff.test").await["id"].clone());
        let mut listed: Vec<&Value> =
            reads.iter().filter_map(|entry| entry["facts"]["subjects"].as_array()).flatten().collect();
        listed.sort_by_key(|name| name.to_string());
        let mut both = [&wanda, &otto];
        both.sort_by_key(|name| name.to_string());
        assert_eq!(listed, both);
        let [alone] = reads.iter().filter(|entry| entry["about"] == wanda).collect::<Vec<_>>()[..] else {
            panic!("one entry about her alone: {reads:#?}")
        };
        assert_eq!(alone["facts"]["grant"], id);
        for entry in &entries {
            assert_eq!(entry["facts"]["purpose"], "abuse", "{entry}");
            assert_eq!(
                (&entry["actor"]["kind"], entry["actor"]["role"].is_string()),
                (&json!("staff"), true),
                "{entry}"
            );
            assert_eq!(entry["network"], "127.0.0.0/24", "{entry}");
        }
        // The entry names the access, and the access says why, by whom, and until when.
        let accesses = sender.all("/v1/staff-access").await;
        let [shown] = &accesses[..] else { panic!("one access: {accesses:#?}") };
        assert_eq!((&shown["id"], &shown["reason"]), (&about, &json!("Ein Import hängt.")));
        assert_eq!((&shown["asked"]["role"], &shown["approved"][0]["role"]), (&json!("owner"), &json!("admin")));
        assert!(!shown.to_string().contains("mem_"), "no names: {shown}");
        // Another workspace sees nothing of it.
        assert!(two.all("/v1/staff-access").await.is_empty());
        assert!(two.all("/v1/audit?action=staff_access").await.is_empty());

        // What is said about people goes with the Sender, and the access itself.
        let closed = sender.delete("/v1/workspace").await.expect(200).json();
        let due: Timestamp = closed["deleted_after"].as_str().unwrap().parse().unwrap();
        stack.set_time(due + SECOND);
        stack.purge().await;
        let dump = Dump::of(&stack).await;
        let left = dump.of_workspace(&sender.workspace);
        let kept = |line: &String| line.starts_with("EvidenceTable") && line.contains("#A#");
        assert!(left.iter().all(kept), "{left:#?}");
        assert_eq!(dump.mentions(wanda.as_str().unwrap()), [""; 0]);
        stack.finish().await;
    });
}
