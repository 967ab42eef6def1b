//! What every message says.

use jiff::SignedDuration;
use serde_json::{Value, json};
use tests::{Mail, Sender, TestStack, run};

/// Who writes, wherever it is asked for.
#[track_caller]
fn says_who(mail: &Mail, sender: &Sender<'_>, what: &str) {
    let domain = sender.email.split('@').nth(1).unwrap();
    let contact = format!("contact@{domain}");
    for part in [&mail.text, &mail.html] {
        for said in ["Atelier Érable", "123 456 789", "69001 Lyon", &contact, &mail.unsubscribe()] {
            assert!(part.contains(said), "{what}: no {said} in\n{part}");
        }
    }
    assert_eq!(mail.header("From").map(|from| from.ends_with(&format!("<zoe@{domain}>"))), Some(true), "{what}");
    assert_eq!(mail.header("Reply-To").map(|to| to.contains(&format!("reponses@{domain}"))), Some(true), "{what}");
}

#[test]
fn a62_no_template_hides_who_writes() {
    run(async {
        let stack = TestStack::shared().await;
        let sender = stack.sign_up().await;
        let templates = [
            json!({"text": "Bonjour"}),
            json!({"html": "<p>Bonjour</p>"}),
            json!({"html": "<div style=\"display:none\"><p>Bonjour"}),
            json!({"html": "Bonjour<!-- "}),
            json!({"html": "<p>Bonjour</p></body></html>"}),
            json!({"html": "<style>* { display: none }</style><p>Bonjour</p>"}),
            json!({"html": "<table><tr><td>Bonjour<textarea><title>"}),
            json!({"text": format!("Bonjour {}", "\n".repeat(2_000))}),
        ];
        for (n, template) in templates.iter().enumerate() {
            let tag = format!("t{n}");
            sender.import(format!("email;tags\n{tag}@who.test;{tag}\n").as_bytes()).await;
            let mut content = template.clone();
            content["audience"] = json!({"tags_any": [tag]});
            let campaign = sender.campaign(content).await;
            assert_eq!(campaign["counts"]["sent"], 1, "{template}");
            let mail = stack.only_mail_to(&format!("{tag}@who.test"));
            says_who(&mail, &sender, &template.to_string());
            for hidden in ["display:none", "display: none", "<!--", "<textarea", "<style"] {
                let footer = mail.html.find("69001 Lyon").unwrap();
                let own = &mail.html[..footer];
                assert!(!own.split("</style>").last().unwrap().contains(hidden), "{hidden}: {}", mail.html);
            }
        }
        stack.check();
    });
}

#[test]
fn a69_people_are_informed_in_the_first_message_or_purged_after_thirty_days() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        sender.import("email;tags\ntold@notice.test;a\nnever@notice.test;b\n".as_bytes()).await;
        let entered = |p: &Value| p["created_at"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
        let never = entered(&sender.prospect("never@notice.test").await);
        let audience = json!({"tags_any": ["a"]});
        for name in ["Une", "Deux"] {
            sender.campaign(json!({"name": name, "audience": audience})).await;
        }
        let mails = stack.mails_to("told@notice.test");
        let [first, second] = &mails[..] else { panic!("two messages") };
        for said in [
            "Nous gardons seulement votre adresse professionnelle.",
            "Salon des Exemples, liste des exposants",
            "Présenter nos tables aux acheteurs",
            "3 ans",
            "CNIL",
        ] {
            assert!(first.text.contains(said), "the first message does not say {said}:\n{}", first.text);
            assert!(first.html.contains(said), "the first message's HTML does not say {said}");
        }
        assert!(!second.text.contains("Nous gardons seulement"), "{}", second.text);
        assert!(second.text.contains("Salon des Exemples"), "every message says where the address comes from");

        let zone = jiff::tz::TimeZone::get("Europe/Paris").unwrap();
        let after = |days: i64| (never.to_zoned(zone.clone()) + jiff::Span::new().days(days)).timestamp();
        let due = after(30);
        // The Sender is told in time, once, and without naming anybody.
        let before = stack.mails_to(&sender.email).len();
        stack.set_time(after(22));
        stack.purge().await;
        assert_eq!(stack.mails_to(&sender.email).len(), before, "told too early");
        for _ in 0..2 {
            stack.set_time(after(24));
            stack.purge().await;
            assert_eq!(stack.mails_to(&sender.email).len(), before + 1, "told once");
        }
        assert!(!stack.mails_to(&sender.email)[before].raw.contains("never@"));

        stack.set_time(due - SignedDuration::from_secs(2));
        stack.purge().await;
        assert_eq!(sender.prospects().await.len(), 2, "purged early");
        stack.set_time(due + SignedDuration::from_secs(1));
        let report = stack.purge().await;
        assert_eq!(report["deleted"]["uninformed_prospect"], 1, "{report}");
        let left: Vec<_> = sender.prospects().await.iter().map(|p| p["email"].clone()).collect();
        assert_eq!(left, ["told@notice.test"]);
        stack.finish().await;
    });
}
