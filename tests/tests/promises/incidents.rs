//! After a breach: exactly the affected are told, and the clock of 72 hours runs.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use local::backends::Plan;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Client, Sender, TestStack, run};

const SECOND: SignedDuration = SignedDuration::from_secs(1);
const HOUR: SignedDuration = SignedDuration::from_hours(1);
const OPERATOR: &str = "privacy@operator.example.com";

/// Somebody signs in with what they should not know, from a network of their own; gives the token.
async fn break_in(thief: &Client, victim: &Sender<'_>) -> String {
    let who = json!({"email": victim.email, "password": victim.password});
    let tokens = thief.post("/v1/session", who).await.expect(200).json();
    let token = tokens["access_token"].as_str().unwrap().to_owned();
    victim.stack.keep_secret(token.clone());
    token
}

/// Mails about the breach that an address has.
fn told(stack: &TestStack, address: &str) -> Vec<String> {
    let about = |subject: &String| subject.contains("Violation de données") || subject.contains("data breach");
    stack.mails_to(address).into_iter().map(|mail| mail.subject).filter(about).collect()
}

async fn member(sender: &Sender<'_>) -> Value {
    sender.get("/v1/me").await.expect(200).json()["id"].clone()
}

#[test]
fn a54_a_drill_reaches_exactly_the_affected_and_the_clock_of_72_hours_runs() {
    run(async {
        let stack = TestStack::start().await;
        let (a, b, c) = (stack.sign_up().await, stack.sign_up().await, stack.sign_up().await);
        b.patch("/v1/workspace", json!({"locale": "en"})).await.expect(200);
        b.import(b"email\nlisted@breach.test\n").await;
        let (a2, b2) = (a.join("admin").await, b.join("admin").await);
        let [staff, ..] = stack.staff().await;

        // One owner, one admin of another workspace who then loses a list; a third only resists.
        // Entries have whole milliseconds.
        let from = stack.now() - SECOND;
        let thief = Client::elsewhere(&stack.url(), [127, 9, 8, 77]);
        break_in(&thief, &a).await;
        let token = break_in(&thief, &b2).await;
        thief.request(Method::GET, "/v1/prospects/export").bearer(&token).send().await.expect(200);
        let wrong = json!({"email": c.email, "password": "wrong wrong"});
        thief.post("/v1/session", wrong).await.problem(401, "unauthenticated");
        for honest in [&a, &a2, &b, &c] {
            honest.log_in().await;
        }
        stack.wait(HOUR);
        let known = stack.now() - SECOND;
        let there = json!({"from": from.to_string(), "to": known.to_string(), "network": "127.9.8.0/24"});
        let path = staff.open_incident(true, known, there).await;
        let opened = staff.get("/v1/staff/incidents").await.expect(200).json()["items"][0].clone();
        assert_eq!(opened["due"], json!((known + HOUR * 72).to_string()));
        let notify = format!("{path}/notify");
        staff.post(&notify, json!({})).await.problem(409, "not-searched");

        // The trails say who is affected, and why.
        stack.staff_clock().await;
        let affected = staff.all(&format!("{path}/affected?limit=2")).await;
        let found: BTreeSet<String> = affected
            .iter()
            .map(|one| format!("{} {} {}", one["workspace"], one["member"], one["reasons"]).replace('"', ""))
            .collect();
        let expected = [
            format!("{} {} [signed_in]", a.workspace, member(&a).await),
            format!("{} {} [signed_in,acted]", b.workspace, member(&b2).await),
            format!("{} null [prospects_read]", b.workspace),
        ];
        assert_eq!(found, BTreeSet::from(expected.map(|line| line.replace('"', ""))));
        let everybody = [&a, &a2, &b, &b2, &c, &staff].map(|sender| sender.email.clone());
        assert!(everybody.iter().all(|address| told(&stack, address).is_empty()), "a person looks at the list first");

        // Told while hardly any mail can leave, then again: each once.
        staff.post(&notify, json!({})).await.expect(200);
        stack.break_things(serde_json::from_value(json!({"ses": {"throttle_every": 2}})).expect("a plan"));
        let first = stack.staff_clock().await;
        assert!(first["unreached"].as_u64() > Some(0), "{first}");
        stack.break_things(Plan::default());
        for _ in 0..2 {
            stack.wait(HOUR);
            stack.staff_clock().await;
        }
        let subjects: Vec<Vec<String>> = everybody.iter().map(|address| told(&stack, address)).collect();
        let one = |subject: &str| vec![subject.to_owned()];
        let expected = [
            one("[EXERCICE] Violation de données concernant votre compte Prospectra"),
            vec![],
            one("[EXERCISE] A data breach concerns your prospects in Prospectra"),
            one("[EXERCISE] A data breach concerns your Prospectra account"),
            vec![],
            vec![],
        ];
        assert_eq!(subjects, expected);
        let mail = stack.mails_to(&a.email).pop().unwrap().text;
        for part in ["mots de passe ont été devinés", "Vos listes", "Changez de mot de passe", OPERATOR] {
            assert!(mail.contains(part), "{part}: {mail}");
        }
        let shown = staff.get("/v1/staff/incidents").await.expect(200).json()["items"][0].clone();
        assert!(shown["told_at"].is_string() && shown["status"] == "open", "{shown}");

        // The clock of article 33, from when it was known.
        let reminders = |before: usize| told(&stack, OPERATOR).len() - before;
        for (hours, number) in [(24, 1), (48, 2), (72, 3)] {
            stack.set_time(known + HOUR * hours - SECOND * 2);
            stack.staff_clock().await;
            assert_eq!(reminders(0), number - 1, "{hours} h: early");
            for _ in 0..2 {
                // The clock's events say whole seconds.
                stack.set_time(known + HOUR * hours + SECOND);
                stack.staff_clock().await;
                assert_eq!(reminders(0), number, "{hours} h: once");
            }
        }
        let last = told(&stack, OPERATOR).pop().unwrap();
        assert!(last.starts_with("[EXERCICE]") && last.contains("72 heures est dépassé"), "{last}");
        let authority = format!("{path}/authority");
        staff.post(&authority, json!({})).await.problem(422, "validation-failed");
        let noted = staff.post(&authority, json!({"not_needed": "Exercice"})).await.expect(200).json();
        assert_eq!(noted["status"], "closed");
        staff.post(&authority, json!({"reference": "CNIL-1"})).await.problem(409, "incident-closed");

        // The real thing, about one workspace: closed in time, nobody is reminded.
        let begun = stack.now() - SECOND;
        c.log_in().await;
        let session = c.get("/v1/sessions").await.json()["items"].as_array().unwrap().last().unwrap()["id"].clone();
        a.log_in().await;
        stack.wait(HOUR);
        let here = json!({
            "workspaces": [c.workspace], "from": begun.to_string(), "to": (stack.now() - SECOND).to_string(),
            "session": session,
        });
        let path = staff.open_incident(false, stack.now() - SECOND, here).await;
        stack.staff_clock().await;
        staff.post(&format!("{path}/notify"), json!({})).await.expect(200);
        stack.staff_clock().await;
        assert_eq!(told(&stack, &c.email), ["Violation de données concernant votre compte Prospectra"]);
        assert_eq!(told(&stack, &a.email).len(), 1, "not of this one");
        staff.post(&format!("{path}/authority"), json!({"reference": "CNIL-2"})).await.expect(200);
        let before = told(&stack, OPERATOR).len();
        stack.wait(HOUR * 100);
        stack.staff_clock().await;
        assert_eq!(reminders(before), 0);
        // To everybody else there are no incidents.
        for path in ["/v1/staff/incidents".to_owned(), format!("{path}/affected")] {
            a.get(&path).await.problem(403, "not-staff");
        }
        stack.finish().await;
    });
}
