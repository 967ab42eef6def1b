//! Campaigns from draft to end.

use local::backends::Plan;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{TestStack, files, run};

/// Everybody that a preview and a campaign treat differently.
const AUDIENCE: &str = "email;first_name;company;tags\nann@mix.test;Ann;Alpha;a\nbob@mix.test;Bob;Beta;a\ncat@mix.test;;Gamma;a\n\
                        dan@mix.test;Dan;Delta;a\neve@mix.test;Eve;Eta;b\n";

#[test]
fn a_preview_counts_exactly_what_then_happens() {
    run(async {
        let stack = TestStack::shared().await;
        let sender = stack.sign_up().await;
        sender.import(AUDIENCE.as_bytes()).await;
        sender.campaign(json!({"audience": {"tags_any": ["b"]}})).await;
        let link = stack.only_mail_to("eve@mix.test").unsubscribe();
        stack.client().request(Method::POST, &link).send().await.expect(200);
        let dan = sender.prospect("dan@mix.test").await;
        let path = format!("/v1/prospects/{}", dan["id"].as_str().unwrap());
        sender.patch(&path, json!({"state": "restricted"})).await.expect(200);

        // Without a default, who has no first name cannot be written to.
        let id = sender.draft(json!({"text": "Bonjour {{ first_name }},"})).await;
        let preview = sender.command(&id, "preview").await.expect(200).json();
        assert_eq!(preview["counts"], json!({"audience": 5, "will_receive": 2, "refused": 3}), "{preview}");
        let reasons = json!({"missing_value": 1, "opted_out": 1, "restricted": 1});
        assert_eq!(preview["refused_by_reason"], reasons);
        let sample = preview["samples"][0]["text"].as_str().unwrap();
        assert!(sample.starts_with("Bonjour Ann,") || sample.starts_with("Bonjour Bob,"), "{sample}");

        sender.command(&id, "launch").await.expect(202);
        let campaign = sender.wait_ended(&id).await;
        assert_eq!(
            campaign["counts"],
            json!({"audience": 5, "pending": 0, "sent": 2, "refused": 3, "failed": 0, "unknown": 0})
        );
        assert_eq!(campaign["refused_by_reason"], reasons);

        let recipients = sender.recipients(&id).await;
        assert_eq!(recipients.len(), 5);
        let refused = sender.all(&format!("/v1/campaigns/{id}/recipients?status=refused")).await;
        assert_eq!(refused.len(), 3, "{refused:?}");
        let eve = recipients.iter().find(|r| r["reason"] == "opted_out").unwrap();
        assert_eq!(eve["email"], Value::Null, "shown after an objection: {eve}");
        let history = sender.get(&path).await.expect(200).json()["history"].clone();
        assert_eq!(history, json!([]), "a person who was not written to");
        stack.check();
    });
}

#[test]
fn a_launch_is_refused_without_each_thing_it_needs() {
    run(async {
        let stack = TestStack::shared().await;
        let sender = tests::Sender::without_identity(stack).await;
        let all = sender.content(&json!({}));
        for (missing, field) in [
            ("purpose", "purpose"),
            ("audience", "audience"),
            ("steps", "steps"),
            ("information_notice", "information_notice"),
            ("legitimate_interest_assessment", "legitimate_interest_assessment"),
        ] {
            let mut content = all.clone();
            content.as_object_mut().unwrap().remove(missing);
            let id = sender.post("/v1/campaigns", content).await.expect(201).json()["id"].as_str().unwrap().to_owned();
            let refused = sender.command(&id, "launch").await;
            refused.problem(422, "launch-refused");
            let fields = refused.fields();
            assert!(fields.iter().any(|f| f.split('.').next() == Some(field)), "{missing}: {fields:?}");
            assert!(fields.iter().any(|f| f == "sender"), "{missing}: {fields:?}");
            assert_eq!(
                fields.iter().filter(|f| *f != "sender" && f.split('.').next() != Some(field)).count(),
                0,
                "{fields:?}"
            );
        }
        for name in ["", "\u{202e}\u{200b}", "two\r\nlines", "nothing\u{0}"] {
            let refused = sender.post("/v1/campaigns", sender.content(&json!({"name": name}))).await;
            refused.problem(422, "validation-failed");
            assert_eq!(refused.fields(), ["name"], "{name:?}");
        }
        let id = sender.draft(json!({})).await;
        let refused = sender.command(&id, "launch").await;
        refused.problem(422, "launch-refused");
        assert_eq!(refused.fields(), ["sender"]);
        sender.put("/v1/sender", sender.identity(json!({"kind": "ses"}))).await.expect(200);
        let refused = sender.command(&id, "launch").await;
        refused.problem(422, "launch-refused");
        assert_eq!(refused.fields(), ["audience"], "nobody is in it");
        sender.import(b"email\nada@needs.test\n").await;
        sender.command(&id, "launch").await.expect(202);
        sender.command(&id, "launch").await.problem(409, "conflict");
        sender.wait_ended(&id).await;
        sender.patch(&format!("/v1/campaigns/{id}"), json!({"name": "Autre"})).await.problem(409, "conflict");
        stack.check();
    });
}

#[test]
fn pause_resume_and_cancel_skip_nobody_and_repeat_nobody() {
    run(async {
        let stack = TestStack::with(|options| {
            options.concurrency.insert("send".to_owned(), 1);
        })
        .await;
        let sender = stack.sign_up().await;
        sender.import(&files::people("pause", 400)).await;
        // Slow enough to be stopped on the way.
        let mut plan = Plan::default();
        plan.ses.latency_ms = 15;
        stack.break_things(plan);

        let id = sender.draft(json!({})).await;
        sender.command(&id, "pause").await.problem(409, "conflict");
        sender.command(&id, "launch").await.expect(202);
        tests::wait_for("the first messages", || async { (stack.mails().len() > 40).then_some(()) }).await;
        assert_eq!(sender.command(&id, "pause").await.expect(200).json()["status"], "paused");
        stack.settle().await;
        let paused = sender.look(&id).await;
        assert_eq!(paused["status"], "paused");
        let sent = paused["counts"]["sent"].as_u64().unwrap();
        assert!(sent < 400, "nothing was left to pause: {paused}");
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        assert_eq!(sender.look(&id).await["counts"]["sent"], sent, "sent while paused");

        assert_eq!(sender.command(&id, "resume").await.expect(202).json()["status"], "sending");
        let done = sender.wait_ended(&id).await;
        assert_eq!((&done["counts"]["sent"], &done["counts"]["audience"]), (&json!(400), &json!(400)));

        let second = sender.draft(json!({"name": "Deux"})).await;
        sender.command(&second, "launch").await.expect(202);
        let path = format!("/v1/campaigns/{second}");
        sender.delete(&path).await.problem(409, "conflict");
        let had = stack.mails().len();
        tests::wait_for("more messages", || async { (stack.mails().len() > had + 40).then_some(()) }).await;
        assert_eq!(sender.command(&second, "cancel").await.expect(200).json()["status"], "cancelled");
        let cancelled = sender.wait_ended(&second).await;
        let counts = &cancelled["counts"];
        assert_eq!(counts["audience"], 400, "{cancelled}");
        assert_eq!(cancelled["refused_by_reason"]["cancelled"], counts["refused"], "{cancelled}");
        assert!(counts["refused"].as_u64().unwrap() > 0, "{cancelled}");
        sender.command(&second, "resume").await.problem(409, "conflict");

        for address in files::addresses("pause", 400) {
            let mails = stack.mails_to(&address);
            assert!((1..=2).contains(&mails.len()), "{} messages to {address}", mails.len());
        }
        sender.delete(&path).await.expect(204);
        sender.get(&path).await.problem(404, "not-found");
        stack.finish().await;
    });
}

#[test]
fn a_test_goes_to_oneself_and_to_nobody_else() {
    run(async {
        let stack = TestStack::shared().await;
        let sender = stack.sign_up().await;
        sender.import(b"email;nom\nnobody@oneself.test;Personne\n").await;
        let id = sender.draft(json!({})).await;
        sender.command(&id, "test").await.expect(202);
        let mails = stack.mails_to(&sender.email);
        let test = mails.last().expect("the test itself");
        assert!(test.subject.contains("Une question pour"), "{}", test.subject);
        assert!(stack.mails_to("nobody@oneself.test").is_empty());
        let campaign = sender.look(&id).await;
        assert_eq!((&campaign["status"], &campaign["counts"]["audience"]), (&json!("draft"), &json!(0)));
        // Its link means nobody who is written to: it can be tried without harm.
        stack.client().request(Method::POST, &test.unsubscribe()).send().await.expect(200);
        assert_eq!(sender.campaign(json!({})).await["counts"]["sent"], 1);
        stack.check();
    });
}

#[test]
fn what_cannot_be_meant_changes_nothing() {
    run(async {
        let stack = TestStack::shared().await;
        let sender = stack.sign_up().await;
        let id = sender.draft(json!({})).await;
        let (path, before) = (format!("/v1/campaigns/{id}"), sender.look(&id).await);
        for (field, value) in [
            ("name", json!(null)),
            ("purpose", json!(null)),
            ("audience", json!(null)),
            ("steps", json!(null)),
            ("information_notice", json!(null)),
            ("locale", json!(null)),
            ("stop_company_on_reply", json!(null)),
            ("legitimate_interest_assessment", json!(null)),
            ("legitimate_interest_assessment", json!([])),
            ("legitimate_interest_assessment", json!(["a", "b", "c"])),
            ("legitimate_interest_assessment", json!(5)),
            ("audience", json!([])),
            ("window", json!([])),
        ] {
            let refused = sender.patch(&path, json!({field: value})).await;
            let problem = refused.problem(422, "validation-failed");
            assert_eq!(refused.fields(), [field], "{value}");
            assert!(problem["errors"][0]["message"].as_str().unwrap().starts_with("must be "), "{problem}");
        }
        sender
            .patch(&path, json!({"legitimate_interest_assessment": {"interest": []}}))
            .await
            .problem(422, "validation-failed");
        sender.patch(&path, json!({})).await.problem(422, "validation-failed");
        for (asked, names) in [("launch?dry_run=true", true), ("preview?step=1", true), ("check?Ada%20Nom=1", false)] {
            let refused = sender.post(&format!("{path}/{asked}"), json!({})).await;
            let problem = refused.problem(422, "validation-failed");
            assert_eq!(refused.fields(), ["query"], "{asked}");
            let said = problem["errors"][0]["message"].as_str().unwrap().contains('`');
            assert_eq!(said, names, "what is no name of a parameter is not repeated: {problem}");
        }
        assert_eq!(sender.look(&id).await, before);
    });
}

#[test]
fn templates_run_nothing_and_a_bad_one_is_told_by_its_field() {
    run(async {
        let stack = TestStack::shared().await;
        let sender = stack.sign_up().await;
        for (field, text) in [
            ("text", "{{ 7 * 7 }}"),
            ("text", "{% for x in range(9) %}x{% endfor %}"),
            ("text", "{{ env.HOME }}"),
            ("subject", "{{ password }}"),
            ("html", "<p>{{ first_name | safe }}</p>"),
        ] {
            let refused = sender.post("/v1/campaigns", sender.content(&json!({field: text}))).await;
            refused.problem(422, "validation-failed");
            assert_eq!(refused.fields(), [format!("steps[0].{field}")], "{text}");
        }
        // What an import brings is text, never markup.
        sender.import("email;first_name\nmark@up.test;<b>Zoé</b>\n".as_bytes()).await;
        let html = "<p onclick=\"x()\">Bonjour {{ first_name }}<script>alert(1)</script></p>";
        sender.campaign(json!({"html": html})).await;
        let mail = stack.only_mail_to("mark@up.test");
        assert!(mail.html.contains("Bonjour &lt;b&gt;Zoé&lt;"), "{}", mail.html);
        assert!(!mail.html.contains("<script") && !mail.html.contains("onclick"), "{}", mail.html);
        stack.check();
    });
}
