//! What an account holds, and how its password is kept.

use std::collections::BTreeSet;

use serde_json::json;
use tests::{TestStack, run, sender::signup, store::Dump};

#[test]
fn a3_an_account_holds_the_listed_fields_and_no_other() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        for more in ["phone", "birthday", "gender", "role", "is_admin", "workspace_id"] {
            let mut asked = signup("more@fields.test", "a long enough password");
            asked[more] = json!("x");
            let refused = stack.client().post("/v1/signup", asked).await;
            assert!(matches!(refused.status, 400 | 422), "{more}: {}", refused.text());
            assert!(refused.text().contains(more), "{}", refused.text());
        }
        // The name is optional, and can be given later.
        let view = sender.get("/v1/workspace").await.expect(200).json();
        assert_eq!(view["members"][0]["display_name"], json!(null));
        sender.patch("/v1/workspace", json!({"display_name": "Ada"})).await.expect(200);

        let listed = [
            ("WORKSPACE", &["company", "locale", "retention_months", "created_at", "closed_at", "terms"][..]),
            ("AGREEMENTS", &["acceptances"]),
            ("MEMBER", &["login", "email", "display_name", "role", "created_at"]),
            ("LOGIN", &["workspace", "member", "role", "password", "generation"]),
            ("SENDER", &["sender", "updated_at"]),
            (
                "SESSION",
                &[
                    "workspace",
                    "member",
                    "login",
                    "generation",
                    "secret",
                    "created_at",
                    "used_at",
                    "network",
                    "user_agent",
                ],
            ),
        ];
        let dump = Dump::of(&stack).await;
        for (kind, fields) in listed {
            let items = dump.table("AccountsTable").iter();
            let of_kind = items.filter(|item| item["sk"].as_str().is_some_and(|sk| sk.split('#').next() == Some(kind)));
            let mut count = 0;
            for item in of_kind {
                count += 1;
                let names: BTreeSet<&str> = item.as_object().unwrap().keys().map(String::as_str).collect();
                let all: BTreeSet<&str> = fields.iter().copied().chain(["pk", "sk", "ttl", "id", "v"]).collect();
                let extra: Vec<_> = names.difference(&all).collect();
                assert!(extra.is_empty(), "{kind} holds {extra:?}");
            }
            assert!(count > 0, "no {kind}");
        }
        stack.finish().await;
    });
}

#[test]
fn a4_a_password_is_kept_as_bcrypt_only_and_never_cut() {
    run(async {
        let stack = TestStack::start().await;
        let client = stack.client();
        for (password, taken) in
            [("é".repeat(36), true), ("a".repeat(73), false), (format!("{}a", "é".repeat(36)), false)]
        {
            let answer = client.post("/v1/signup", signup("bytes@password.test", &password)).await;
            if taken {
                answer.expect(202);
            } else {
                answer.problem(422, "validation-failed");
                assert_eq!(answer.fields(), ["password"]);
            }
        }
        let sender = stack.sign_up().await;
        let dump = Dump::of(&stack).await;
        let hashes: Vec<String> = dump.tables["AccountsTable"]
            .iter()
            .filter_map(|item| item["password"].as_str().or_else(|| item["good_for"]["password"].as_str()))
            .map(str::to_owned)
            .collect();
        assert!(!hashes.is_empty() && hashes.iter().all(|hash| hash.starts_with("$2b$12$") && hash.len() == 60));
        assert_eq!(dump.mentions(&sender.password), [""; 0]);
        assert_eq!(dump.mentions("$2b$"), ["AccountsTable"]);
        // 72 bytes are all looked at: the last one counts.
        let token = stack.only_mail_to("bytes@password.test").token();
        client.post("/v1/signup/verify", json!({"token": token})).await.expect(201);
        let with = |password: String| json!({"email": "bytes@password.test", "password": password});
        client.post("/v1/session", with(format!("{}è", "é".repeat(35)))).await.problem(401, "unauthenticated");
        client.post("/v1/session", with(format!("{}x", "é".repeat(36)))).await.problem(401, "unauthenticated");
        client.post("/v1/session", with("é".repeat(36))).await.expect(200);
        stack.finish().await;
    });
}
