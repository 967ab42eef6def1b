//! Where data comes from, and whose it may be.

use serde_json::json;
use tests::{TestStack, run};

#[test]
fn a66_source_date_and_basis_are_mandatory_and_kept() {
    run(async {
        let stack = TestStack::shared().await;
        let sender = stack.sign_up().await;
        let whole = sender.announcement();
        let by_hand =
            json!({"email": "hand@source.test", "source": whole["source"], "lawful_basis": whole["lawful_basis"]});
        for (path, body) in [("/v1/imports", &whole), ("/v1/prospects", &by_hand)] {
            for missing in ["source", "lawful_basis", "source.kind", "source.detail", "source.collected_on"] {
                let mut without = body.clone();
                match missing.split_once('.') {
                    Some((outer, inner)) => without[outer].as_object_mut().unwrap().remove(inner),
                    None => without.as_object_mut().unwrap().remove(missing),
                };
                let refused = sender.post(path, without).await;
                assert!(matches!(refused.status, 400 | 422), "{path} without {missing}: {}", refused.text());
            }
            for (field, value) in
                [("detail", json!(" ")), ("collected_on", json!("2999-01-01")), ("kind", json!("found"))]
            {
                let mut bad = body.clone();
                bad["source"][field] = value;
                let refused = sender.post(path, bad).await;
                assert!(matches!(refused.status, 400 | 422), "{path} {field}: {}", refused.text());
            }
        }
        assert!(sender.prospects().await.is_empty());
        sender.import(b"email\nfile@source.test\n").await;
        sender.post("/v1/prospects", by_hand).await.expect(201);
        for email in ["file@source.test", "hand@source.test"] {
            let prospect = sender.prospect(email).await;
            assert_eq!((&prospect["source"], &prospect["lawful_basis"]), (&whole["source"], &whole["lawful_basis"]));
        }
        stack.check();
    });
}

#[test]
fn a68_private_mailboxes_are_refused_and_a_purpose_is_declared() {
    run(async {
        let stack = TestStack::shared().await;
        let sender = stack.sign_up().await;
        let file =
            "email;first_name\na@gmail.com;A\nb@orange.fr;B\nc@mail.yahoo.com;C\nd@yopmail.com;D\ne@firm.test;E\n";
        let import = sender.import(file.as_bytes()).await;
        assert_eq!((&import["created"], &import["rejected"]), (&json!(1), &json!(4)), "{import}");
        let source = sender.announcement()["source"].clone();
        let refused = sender
            .post("/v1/prospects", json!({"email": "f@gmail.com", "source": source, "lawful_basis": "consent"}))
            .await;
        assert_eq!(refused.status, 422, "{}", refused.text());
        assert_eq!(sender.prospects().await.len(), 1);

        let mut content = sender.content(&json!({}));
        content["purpose"] = json!("");
        let id = sender.post("/v1/campaigns", content).await.expect(201).json()["id"].as_str().unwrap().to_owned();
        let refused = sender.command(&id, "launch").await;
        refused.problem(422, "launch-refused");
        assert_eq!(refused.fields(), ["purpose"]);
        stack.check();
    });
}
