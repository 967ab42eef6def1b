//! People's rights: what is asked, what is done, and by when somebody has to answer.

use domain::statement::{KeySet, Signed};
use jiff::{SignedDuration, Timestamp};
use local::backends::Plan;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Sender, TestStack, run, store::Dump};

const SECOND: SignedDuration = SignedDuration::from_secs(1);
const DAY: SignedDuration = SignedDuration::from_hours(24);
const OPERATOR: &str = "privacy@operator.example.com";

fn time(value: &Value) -> Timestamp {
    value.as_str().expect("a time").parse().expect("RFC 3339")
}

pub(super) fn contact(sender: &Sender<'_>) -> String {
    format!("contact@{}", sender.email.split('@').nth(1).unwrap())
}

pub(super) async fn tasks(sender: &Sender<'_>) -> Vec<Value> {
    sender.all("/v1/rights-tasks").await
}

/// Its number, without what differs from one mail to the next.
fn bare(text: &str, token: &str) -> String {
    text.replace(token, "…")
}

#[test]
fn a76_whoever_proves_the_mailbox_learns_who_holds_it_and_nobody_else_does() {
    run(async {
        let stack = TestStack::start().await;
        let (one, two, three) = (stack.sign_up().await, stack.sign_up().await, stack.sign_up().await);
        for sender in [&one, &two] {
            sender.import(b"email;first_name\nHELD@known.test;Held\n").await;
        }
        three.import(b"email;first_name\nother@known.test;Other\n").await;

        // Before the proof, nothing tells somebody who is held from somebody who is not.
        let mut seen = Vec::new();
        for email in ["held@known.test", "nobody@known.test"] {
            let body = json!({"email": email, "kind": "access"});
            let answer = stack.client().post("/rights", body).await.expect(202);
            let form = stack.client().request(Method::POST, "/rights?lang=en");
            let form = form.body("application/x-www-form-urlencoded", format!("email={email}&kind=access&message="));
            let page = form.send().await.expect(200);
            let mails = stack.mails_to(email);
            assert_eq!(mails.len(), 2);
            let token = mails[0].token();
            let asked = stack.client().get(&format!("/rights/proof/{token}")).await.expect(200);
            seen.push((answer.text(), page.text(), mails[0].subject.clone(), bare(&mails[0].text, &token)));
            seen.push((bare(&asked.text(), &token), String::new(), String::new(), String::new()));
        }
        assert_eq!(seen[..2], seen[2..], "the same to everybody");
        // Looking at the link, as scanners do, has answered nothing.
        assert_eq!(stack.mails_to("held@known.test").len(), 2);

        let held = stack.exercise("held@known.test", "access", None).await;
        let mut names: Vec<&str> =
            held["senders"].as_array().unwrap().iter().map(|s| s["contact_email"].as_str().unwrap()).collect();
        names.sort_unstable();
        let mut expected = [contact(&one), contact(&two)];
        expected.sort_unstable();
        assert_eq!(names, expected);
        let answer = stack.mails_to("held@known.test").pop().unwrap();
        assert!(expected.iter().all(|contact| answer.text.contains(contact.as_str())), "{}", answer.text);
        assert!(!answer.text.contains(&contact(&three)), "{}", answer.text);

        let nobody = stack.exercise("nobody@known.test", "access", None).await;
        assert_eq!((&nobody["senders"], &nobody["access_token"]), (&json!([]), &Value::Null), "{nobody}");
        assert!(stack.mails_to("nobody@known.test").pop().unwrap().text.contains("No company holds this address"));
        // One task for each who holds, none for who does not.
        for (sender, number) in [(&one, 1), (&two, 1), (&three, 0)] {
            assert_eq!(tasks(sender).await.len(), number);
        }

        // A Sender that has gone is not asked any more.
        let closed = two.delete("/v1/workspace").await.expect(200).json();
        stack.set_time(time(&closed["deleted_after"]) + SECOND);
        stack.purge().await;
        let dump = Dump::of(&stack).await;
        assert!(!dump.table("AccountsTable").iter().any(|item| item.to_string().contains(&two.workspace)));
        stack.finish().await;
    });
}

#[test]
fn a76_a_proof_works_once_for_a_day_and_cannot_be_made_up() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        sender.import(b"email\nonce@proof.test\n").await;
        let token = stack.ask_rights("once@proof.test", "objection", None).await;
        stack.prove(&token).await.expect(200);
        stack.prove(&token).await.problem(422, "invalid-token");
        let late = stack.ask_rights("once@proof.test", "objection", None).await;
        stack.wait(DAY + SECOND);
        stack.prove(&late).await.problem(422, "invalid-token");
        stack.prove(&"A".repeat(43)).await.problem(422, "invalid-token");
        let page = stack.client().request(Method::POST, &format!("/rights/proof/{late}")).send().await.expect(410);
        assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
        // So many mails and no more: nobody is bombed through us.
        for _ in 0..8 {
            stack.client().post("/rights", json!({"email": "bomb@proof.test", "kind": "access"})).await.expect(202);
        }
        assert_eq!(stack.mails_to("bomb@proof.test").len(), 5);
        stack.finish().await;
    });
}

#[test]
fn a75_a47_a_forwarded_request_is_chased_at_its_seconds_escalated_and_closed() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        stack.set_time("2031-01-31T10:00:00Z".parse().unwrap());
        sender.import(b"email;first_name\nchase@due.test;Wrong\n").await;
        let proved = stack.exercise("chase@due.test", "rectification", Some("My name is Right.")).await;
        // The month is shorter than 30 days: 31 January ends on 28 February.
        assert_eq!(time(&proved["due"]).to_string()[..16], *"2031-02-28T10:00");
        let [task] = &tasks(&sender).await[..] else { panic!("one task") };
        assert_eq!((&task["status"], &task["message"]), (&json!("open"), &json!("My name is Right.")));
        assert_eq!(task["due"], proved["due"]);
        let person = sender.get(&format!("/v1/prospects/{}", task["prospect"].as_str().unwrap())).await.expect(200);
        assert_eq!(person.json()["email"], "chase@due.test");

        let to = contact(&sender);
        let opened = stack.mails_to(&to).len();
        assert_eq!(opened, 1, "told at once");
        let since = stack.now();
        for (number, days) in [(1, 2), (2, 7), (3, 20)] {
            stack.set_time(since + DAY * days - DAY / 2);
            assert_eq!(stack.rights_clock().await["reminded"], 0, "early");
            stack.set_time(since + DAY * days + SECOND);
            assert_eq!(stack.rights_clock().await["reminded"], 1, "day {days}");
            assert_eq!(stack.rights_clock().await["reminded"], 0, "once");
            assert_eq!(stack.mails_to(&to).len(), opened + number);
        }
        let due = time(&proved["due"]);
        stack.set_time(due - SECOND);
        assert_eq!(stack.rights_clock().await["overdue"], 0);
        assert!(stack.mails_to(OPERATOR).is_empty());
        stack.set_time(due + SECOND);
        assert_eq!(stack.rights_clock().await["overdue"], 1);
        assert_eq!(stack.rights_clock().await["overdue"], 0, "once");
        let id = task["id"].as_str().unwrap();
        assert!(stack.only_mail_to(OPERATOR).text.contains(id));
        assert!(stack.mails_to(&to)[opened + 3..].iter().all(|mail| mail.text.contains(id)), "the Sender hears it too");
        stack.logged("request about rights overdue", 1).await;
        assert_eq!(tasks(&sender).await[0]["status"], "overdue");
        // And again every week, until it is answered.
        for week in 1..3 {
            stack.set_time(due + DAY * 7 * week - SECOND);
            assert_eq!(stack.rights_clock().await["overdue"], 0);
            stack.set_time(due + DAY * 7 * week + SECOND);
            assert_eq!(stack.rights_clock().await["overdue"], 1);
            let mails = usize::try_from(week).unwrap() + 1;
            assert_eq!((stack.mails_to(OPERATOR).len(), stack.mails_to(&to).len()), (mails, opened + 3 + mails));
        }

        // Answered late is answered.
        let path = format!("/v1/rights-tasks/{}/handle", task["id"].as_str().unwrap());
        sender.post(&path, json!({"outcome": "refused"})).await.problem(422, "validation-failed");
        // Nothing was corrected: it cannot be said to be.
        sender.post(&path, json!({"outcome": "done"})).await.problem(422, "validation-failed");
        let change = json!({"outcome": "done", "change": {"first_name": "Right"}});
        let done = sender.post(&path, change.clone()).await.expect(200).json();
        assert_eq!(
            (&done["status"], &done["outcome"], &done["prospect"]),
            (&json!("handled"), &json!("done"), &Value::Null)
        );
        sender.post(&path, change).await.problem(409, "handled-already");
        assert_eq!(sender.prospect("chase@due.test").await["first_name"], "Right");
        assert!(stack.mails_to("chase@due.test").pop().unwrap().text.contains("dealt with"));

        // Closed: what is left says what, when and how, not whose.
        let dump = Dump::of(&stack).await;
        let closed: Vec<_> = dump.table("RightsTable").iter().filter(|item| item["pk"] == "CLOSED").collect();
        assert_eq!(closed.len(), 1);
        assert_eq!(closed[0]["ended"][0]["outcome"], "done");
        assert!(!dump.table("RightsTable").iter().any(|item| item["pk"] == "OPEN"));
        for word in ["due.test", "My name is Right"] {
            assert!(!dump.table("RightsTable").iter().any(|item| item.to_string().contains(word)), "{word}");
        }
        assert_eq!(stack.rights_clock().await["open"], 0);
        stack.finish().await;
    });
}

#[test]
fn a47_an_extension_needs_a_reason_and_a_notice_before_the_first_date() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        sender.import(b"email\nlong@due.test\nlate@due.test\n").await;
        let [long, late] = [sender.prospect("long@due.test").await, sender.prospect("late@due.test").await];
        let first = stack.exercise("long@due.test", "access", None).await;
        stack.exercise("late@due.test", "access", None).await;
        let all = tasks(&sender).await;
        // Requests of one second come in no order.
        let task = |of: &Value| all.iter().find(|task| task["prospect"] == of["id"]).unwrap();
        let path = |of: &Value| format!("/v1/rights-tasks/{}/extend", task(of)["id"].as_str().unwrap());
        let due_late = time(&task(&late)["due"]);
        let (long, late) = (path(&long), path(&late));
        sender.post(&long, json!({"reason": " "})).await.problem(422, "validation-failed");
        stack.set_time(time(&first["due"]) - SECOND);
        let why = json!({"reason": "A thousand messages to look through."});
        let extended = sender.post(&long, why.clone()).await.expect(200).json();
        assert_eq!(extended["extended"], true);
        assert!(time(&extended["due"]) > time(&first["due"]) + DAY * 57, "{extended}");
        assert!(time(&extended["due"]) < time(&first["due"]) + DAY * 63, "{extended}");
        let notice = stack.mails_to("long@due.test").pop().unwrap();
        assert!(notice.text.contains("A thousand messages") && notice.text.contains("cnil.fr"), "{}", notice.text);
        sender.post(&long, why.clone()).await.problem(409, "not-extended");
        stack.set_time(due_late + SECOND);
        sender.post(&late, why).await.problem(409, "not-extended");
        // The first is in time until its new date; the second is overdue.
        assert_eq!(stack.rights_clock().await["overdue"], 1);
        stack.finish().await;
    });
}

#[test]
fn a46_a_request_by_mail_or_on_paper_is_in_the_same_register_with_the_same_clock() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        sender.import(b"email\nletter@paper.test\nmail@paper.test\nghost@paper.test\n").await;
        let received = stack.now() - DAY * 3;
        let enter = |channel: &str, email: &str, proved: bool| {
            json!({"enter": {
                "channel": channel, "kind": "objection", "email": email,
                "received_at": received.to_string(), "locale": "en", "proved": proved,
            }})
        };
        // On paper, with a proof in the letter: done at once.
        let letter = stack.desk(enter("post", "letter@paper.test", true)).await;
        assert!(time(&letter["due"]) < stack.now() + DAY * 28, "the clock runs from the letter: {letter}");
        assert_eq!(letter["waits_for"], "nobody", "it is done");
        assert_eq!(sender.get("/v1/prospects?state=opted_out").await.json()["items"].as_array().unwrap().len(), 1);
        assert!(stack.only_mail_to("letter@paper.test").text.contains("none of them will write to you again"));
        // By mail: anybody can write a From line, so the mailbox is asked.
        let mail = stack.desk(enter("email", "mail@paper.test", false)).await;
        let waits = stack.desk(enter("email", "ghost@paper.test", false)).await;
        assert_eq!((&mail["waits_for"], &waits["waits_for"]), (&json!("proof"), &json!("proof")));
        assert_eq!(sender.get("/v1/prospects?state=opted_out").await.json()["items"].as_array().unwrap().len(), 1);
        let token = stack.only_mail_to("mail@paper.test").token();
        let proved = stack.prove(&token).await.expect(200).json();
        assert_eq!(proved["request"], mail["request"]);
        assert_eq!(sender.get("/v1/prospects?state=opted_out").await.json()["items"].as_array().unwrap().len(), 2);
        // The first link is lost, or its day is over: another one, as often as it takes.
        stack.wait(DAY + SECOND);
        stack.desk(json!({"prove": {"request": waits["request"]}})).await;
        assert_ne!(stack.mails_to("ghost@paper.test")[0].token(), stack.mails_to("ghost@paper.test")[1].token());
        let (kind, _) = stack.desk_refuses(json!({"prove": {"request": proved["request"]}})).await;
        assert_eq!(kind, "validation-failed", "it is closed");
        for reason in [json!(null), json!(""), json!("  "), json!("x".repeat(2_001))] {
            let (kind, said) = stack
                .desk_refuses(json!({"answer": {"request": waits["request"], "refused": true, "reason": reason}}))
                .await;
            assert!(kind == "validation-failed" && said.contains("reason"), "{kind}: {said}");
        }
        let (_, said) = stack.desk_refuses(json!({"list": "all"})).await;
        assert!(!said.contains("struct") && !said.contains("Everything"), "{said}");
        let (_, said) = stack
            .desk_refuses(json!({"enter": {"channel": "post", "kind": "access", "email": "old@paper.test",
            "received_at": "1999-01-01T00:00:00Z"}}))
            .await;
        assert!(said.contains("within the last year"), "{said}");
        // What is never proved stays in the register until staff ends it, and is chased like the rest.
        let open = stack.desk(json!({"list": {}})).await;
        assert_eq!(open["open"].as_array().unwrap().len(), 1, "{open}");
        stack.wait(DAY + SECOND);
        assert_eq!(stack.rights_clock().await["reminded"], 1);
        assert_eq!(stack.mails_to(OPERATOR).len(), 1);
        let answer = json!({"answer": {
            "request": waits["request"], "refused": true, "reason": "We could not verify that this mailbox is yours.",
        }});
        stack.desk(answer).await;
        assert!(stack.mails_to("ghost@paper.test").pop().unwrap().text.contains("could not verify"));
        assert_eq!(stack.desk(json!({"list": {}})).await["open"], json!([]));
        stack.finish().await;
    });
}

#[test]
fn a29_a_members_request_ends_with_the_account() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        let own = json!({"kind": "erasure", "message": "Zwitscher bitte"});
        let own = sender.post("/v1/privacy/requests", own).await.expect(201).json();
        let closed = sender.delete("/v1/workspace").await.expect(200).json();
        stack.set_time(time(&closed["deleted_after"]) - SECOND * 3600);
        assert_eq!(stack.rights_clock().await["open"], 1, "while the account can come back it can be answered");
        stack.set_time(time(&closed["deleted_after"]) + SECOND);
        stack.purge().await;
        assert_eq!(stack.rights_clock().await["closed"], 1);
        assert_eq!(stack.rights_clock().await["open"], 0);
        let dump = Dump::of(&stack).await;
        for word in [sender.email.as_str(), "Zwitscher"] {
            assert_eq!(dump.mentions(word), [""; 0], "{word}");
        }
        let rights: Vec<String> = dump.table("RightsTable").iter().map(ToString::to_string).collect();
        assert!(rights.iter().all(|item| !item.contains(&sender.workspace)), "{rights:?}");
        assert!(rights.iter().any(|item| item.contains(own["id"].as_str().unwrap())), "that it was asked and when");
        stack.finish().await;
    });
}

#[test]
fn a79_whoever_holds_a_person_sees_that_the_desk_read_their_request() {
    run(async {
        let stack = TestStack::start().await;
        let (holder, other) = (stack.sign_up().await, stack.sign_up().await);
        holder.import(b"email\nlooked@desk.test\n").await;
        let letter = json!({"enter": {"channel": "post", "kind": "rectification", "email": "looked@desk.test",
            "received_at": stack.now().to_string(), "proved": true, "message": "My name is Durand."}});
        let entered = stack.desk(letter).await;
        let own = json!({"kind": "rectification", "message": "My company moved."});
        let own = other.post("/v1/privacy/requests", own).await.expect(201).json();
        let shown = "/v1/audit?action=rights.shown";
        // A list of numbers is not a look at anybody.
        stack.desk(json!({"list": {}})).await;
        assert_eq!((holder.all(shown).await, other.all(shown).await), (vec![], vec![]));
        for (request, sees, not) in [(&entered["request"], &holder, &other), (&own["id"], &other, &holder)] {
            let before = not.all(shown).await.len();
            stack.desk(json!({"show": {"request": request}})).await;
            let [entry] = sees.all(shown).await.try_into().expect("one look, one entry");
            assert_eq!((&entry["about"], &entry["actor"]["kind"]), (request, &json!("system")), "{entry}");
            assert_eq!(not.all(shown).await.len(), before);
        }
        stack.finish().await;
    });
}

#[test]
fn a46_a38_members_exercise_their_rights_in_the_product() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        let asked = sender.post("/v1/privacy/requests", json!({"kind": "rectification"})).await;
        asked.problem(422, "validation-failed");
        let body = json!({"kind": "rectification", "message": "My company moved."});
        let asked = sender.post("/v1/privacy/requests", body).await.expect(201).json();
        assert!(time(&asked["due"]) <= stack.now() + DAY * 31);
        assert_eq!(stack.mails_to(OPERATOR).len(), 1);
        let id = asked["id"].as_str().unwrap();
        let shown = stack.desk(json!({"show": {"request": id}})).await;
        assert_eq!((&shown["message"], &shown["email"]), (&json!("My company moved."), &json!(sender.email)));
        // Nobody answers: the operator is reminded, then told that it is overdue.
        stack.set_time(time(&asked["due"]) + SECOND);
        assert_eq!(stack.rights_clock().await["overdue"], 1);
        let told: Vec<String> = stack.mails_to(OPERATOR).iter().map(|mail| mail.subject.clone()).collect();
        assert!(told.len() > 1 && told.last().unwrap().starts_with("Échéance dépassée"), "{told:?}");
        let extend = json!({"time": stack.now().to_string(), "extend": {"request": id, "reason": "late"}});
        assert!(stack.invoke("rights", &extend).await.is_err(), "an extension after the first date");
        // What is done by hand is said to the person.
        stack.desk_refuses(json!({"answer": {"request": id, "refused": false}})).await;
        stack.desk(json!({"answer": {"request": id, "refused": false, "reason": "We wrote the new address."}})).await;
        assert!(stack.mails_to(&sender.email).pop().unwrap().text.contains("We wrote the new address."));
        let items = sender.get("/v1/privacy/requests").await.expect(200).json();
        assert_eq!((&items["items"][0]["id"], &items["items"][0]["outcome"]), (&json!(id), &json!("done")), "{items}");

        let export = sender.get("/v1/privacy/export").await.expect(200);
        let data = export.json();
        assert_eq!(data["member"]["email"], sender.email.as_str());
        assert_eq!(data["workspace"]["profile"]["company"], "Atelier Érable");
        assert_eq!(data["workspace"]["sender"]["identity"]["contact_email"], contact(&sender));
        let told = &data["information"];
        for list in ["purposes", "categories", "retention", "recipients"] {
            assert!(told[list].as_array().is_some_and(|list| list.len() > 1), "{list}: {told}");
        }
        for fact in ["transfers", "rights", "complaint", "automated_decisions", "policy"] {
            assert!(told[fact].as_str().is_some_and(|text| !text.is_empty()), "{fact}: {told}");
        }
        // The recipients of a member's data, not of a prospect's.
        assert!(!told.to_string().contains("the Sender") && !told.to_string().contains("l’Expéditeur"), "{told}");
        for secret in ["password", "$2", "secret"] {
            assert!(!export.text().contains(secret), "{secret}");
        }
        // A letter about an account finds the account.
        let letter = stack.desk(json!({"enter": {
            "channel": "post", "kind": "access", "email": sender.email, "account": true,
            "received_at": stack.now().to_string(),
        }}));
        let letter = letter.await;
        // Anybody can write a letter, or a sender's line: nothing is answered before the mailbox is proved.
        assert_eq!(letter["waits_for"], "proof");
        stack.desk_refuses(json!({"answer": {"request": letter["request"], "refused": false}})).await;
        let proved = stack.prove(&stack.mails_to(&sender.email).pop().unwrap().token()).await.expect(200).json();
        assert_eq!(
            (&proved["request"], proved["senders"].as_array().unwrap().len()),
            (&letter["request"], 1),
            "{proved}"
        );
        let shown = stack.desk(json!({"show": {"request": letter["request"]}})).await;
        assert_eq!(shown["waits_for"], "operator", "{shown}");
        assert_eq!(sender.get("/v1/privacy/requests").await.json()["items"].as_array().unwrap().len(), 2);
        // The answer hands the data over, in each form once.
        stack.desk(json!({"answer": {"request": letter["request"], "refused": false}})).await;
        let token = stack.mails_to(&sender.email).pop().unwrap().token();
        stack.keep_secret(&token);
        for form in ["json", "csv", "page"] {
            let copy = stack.read_data(&token, form).await.expect(200);
            assert!(copy.text().contains(&sender.email) && copy.text().contains("Atelier Érable"), "{form}");
            stack.read_data(&token, form).await.expect(410);
        }
        stack.finish().await;
    });
}

#[test]
fn a38_a46_a_member_reads_their_data_in_three_forms_with_what_was_done_about_them() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        let editor = sender.join("editor").await;
        let me = editor.get("/v1/me").await.expect(200).json();
        let wrong = json!({"email": editor.email, "password": "not the right one"});
        stack.client().post("/v1/session", wrong).await.expect(401);
        sender
            .patch(&format!("/v1/members/{}", me["id"].as_str().unwrap()), json!({"role": "viewer"}))
            .await
            .expect(200);
        editor.log_in().await;

        let data = editor.get("/v1/privacy/export?format=json").await.expect(200).json();
        let activity = data["activity"].as_array().unwrap();
        let entry = |action: &str| activity.iter().find(|entry| entry["action"] == action);
        assert_eq!(entry("session.refused").expect("a guess")["network"], "127.0.0.0/24", "{activity:#?}");
        // Where the owner was when they did it is the owner's.
        assert_eq!(entry("member.role_changed").expect("a new role")["network"], Value::Null, "{activity:#?}");
        let csv = editor.get("/v1/privacy/export?format=csv").await.expect(200);
        assert!(csv.text().starts_with("sender,field,value") && csv.text().contains(&editor.email), "{}", csv.text());
        let page = editor.get("/v1/privacy/export?format=page").await.expect(200).text();
        assert!(page.contains(&editor.email) && page.contains("<table>"), "{page}");
        let names: Vec<&str> =
            page.split("<th scope=\"row\">").skip(1).filter_map(|rest| rest.split("</th>").next()).collect();
        assert!(names.len() > 20 && !names.iter().any(|name| name.contains('_')), "{names:?}");
        for unknown in ["?format=xml", "?from=csv"] {
            editor.get(&format!("/v1/privacy/export{unknown}")).await.problem(422, "validation-failed");
        }
        stack.finish().await;
    });
}

#[test]
fn a40_a46_a_member_who_asks_for_erasure_is_erased_and_it_is_certified() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        let editor = sender.join("editor").await;
        let ask = async |of: &Sender<'_>, kind: &str| {
            of.post("/v1/privacy/requests", json!({"kind": kind})).await.expect(201).json()["id"].clone()
        };
        let (theirs, owners) = (ask(&editor, "erasure").await, ask(&sender, "erasure").await);
        // What else they asked, and what they reported, is about nobody afterwards.
        let also = json!({"kind": "rectification", "message": "Redaktorin statt Redaktor"});
        editor.post("/v1/privacy/requests", also).await.expect(201);
        stack.report_abuse("unlawful_content", "Redaktorin: so nicht.", Some(&editor.email)).await;
        // The only owner closes the workspace, or names another one.
        let (_, said) = stack.desk_refuses(json!({"answer": {"request": owners, "refused": false}})).await;
        assert!(said.contains("only owner"), "{said}");
        stack.desk(json!({"answer": {"request": theirs, "refused": false}})).await;
        let mail = stack.mails_to(&editor.email).pop().unwrap();
        let path = format!("/rights/certificates/{}", theirs.as_str().unwrap());
        assert!(mail.text.contains(&path), "{}", mail.text);
        let signed: Signed = serde_json::from_value(stack.client().get(&path).await.expect(200).json()).unwrap();
        let keys: KeySet = serde_json::from_value(stack.client().get("/legal/keys").await.expect(200).json()).unwrap();
        assert_eq!(signed.verify(&keys.keys), Ok(()));
        assert_eq!(
            (&signed.statement["erased"], &signed.statement["residuals"]),
            (&json!({"account": 1, "rights_request": 1, "abuse_case": 1}), &json!({}))
        );
        let dump = Dump::of(&stack).await;
        for word in [editor.email.as_str(), "Redaktorin"] {
            assert_eq!(dump.mentions(word), [""; 0], "{word}");
        }
        assert_eq!(stack.abuse_cases("OPEN").await.len(), 1, "what was reported is still to be looked at");
        let who = json!({"email": editor.email, "password": editor.password});
        stack.client().post("/v1/session", who).await.expect(401);
        assert_eq!(sender.all("/v1/members").await.len(), 1);
        stack.finish().await;
    });
}

#[test]
fn a47_a_request_that_was_cut_short_goes_on_and_no_timer_is_lost() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        sender.import(b"email\ncut@short.test\n").await;
        let token = stack.ask_rights("cut@short.test", "rectification", Some("other name")).await;
        let mut plan = Plan::default();
        plan.ses.reject_every = 1;
        stack.break_things(plan);
        assert!(stack.prove(&token).await.status >= 500, "no mail, no answer");
        stack.break_things(Plan::default());
        stack.prove(&token).await.problem(422, "invalid-token");
        let [task] = &tasks(&sender).await[..] else { panic!("the task stands") };
        stack.rights_clock().await;
        let answer = stack.mails_to("cut@short.test").pop().unwrap();
        assert!(answer.text.contains("has to answer it by"), "{}", answer.text);
        assert_eq!(tasks(&sender).await, std::slice::from_ref(task), "the same task, the same date");

        // The Sender leaves: nobody is left to answer, and the register says so.
        let closed = sender.delete("/v1/workspace").await.expect(200).json();
        stack.set_time(time(&closed["deleted_after"]) + SECOND);
        stack.purge().await;
        stack.rights_clock().await;
        let dump = Dump::of(&stack).await;
        let ended = dump.table("RightsTable").iter().find(|item| item["pk"] == "CLOSED").expect("closed");
        assert_eq!(ended["ended"][0]["outcome"], "sender_gone");
        assert_eq!(dump.mentions("cut@short.test"), [""; 0]);
        stack.finish().await;
    });
}

#[test]
fn a46_every_message_links_to_the_page_and_the_page_is_hardened() {
    run(async {
        let stack = TestStack::shared().await;
        let sender = stack.sign_up().await;
        sender.import(b"email;language\nlink@footer.test;fr\n").await;
        sender.campaign(json!({})).await;
        let mail = stack.only_mail_to("link@footer.test");
        let link = mail.text.lines().find_map(|line| line.split(' ').find(|word| word.contains("/rights?"))).unwrap();
        assert!(mail.html.contains(link), "{}", mail.html);
        let page = stack.client().get(link).await.expect(200);
        assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
        assert_eq!(page.header("set-cookie"), "");
        let html = page.text();
        assert!(html.contains("<html lang=\"fr\">") && html.contains("name=\"email\"") && !html.contains("<script"));
        let form = stack.client().request(Method::POST, "/rights?lang=fr");
        let wrong = form.body("application/x-www-form-urlencoded", "email=x&kind=access").send().await.expect(422);
        assert!(wrong.text().contains("role=\"alert\""));
        stack.check();
    });
}
