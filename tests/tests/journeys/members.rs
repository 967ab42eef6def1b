//! Colleagues: invited, given a role, sent away, going.

use jiff::SignedDuration;
use reqwest::Method;
use serde_json::json;
use tests::{Sender, TestStack, run, sender::accept};

/// Whether an access token opens anything.
async fn works(sender: &Sender<'_>, token: &str) -> bool {
    sender.stranger().request(Method::GET, "/v1/me").bearer(token).send().await.status == 200
}

async fn id(sender: &Sender<'_>) -> String {
    sender.get("/v1/me").await.expect(200).json()["id"].as_str().unwrap().to_owned()
}

#[test]
fn an_invitation_works_once_until_it_is_taken_back_or_seven_days_old() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        let client = stack.client();
        let invite = async |email: &str, locale: &str| {
            let asked = json!({"email": email, "role": "editor", "locale": locale});
            let invitation = sender.post("/v1/invitations", asked).await.expect(201).json();
            let token = stack.mails_to(email).last().expect("a mail").token();
            stack.keep_secret(&token);
            (format!("/v1/invitations/{}", invitation["id"].as_str().unwrap()), token)
        };
        let password = "a long enough password";
        let (_, token) = invite("eva@team.test", "en").await;
        let mail = stack.only_mail_to("eva@team.test");
        assert!(mail.subject.contains("Atelier Érable invites you"), "{}", mail.subject);
        assert!(mail.text.contains("7 days"), "{}", mail.text);
        let again = json!({"email": "EVA@team.test", "role": "viewer"});
        sender.post("/v1/invitations", again.clone()).await.problem(409, "already-invited");
        client.post("/v1/invitations/accept", accept(&token, "short")).await.problem(422, "validation-failed");
        client.post("/v1/invitations/accept", accept(&token, password)).await.expect(201);
        client.post("/v1/invitations/accept", accept(&token, password)).await.problem(422, "invalid-token");
        sender.post("/v1/invitations", again).await.problem(409, "already-member");
        let who = json!({"email": "eva@team.test", "password": password});
        let tokens = client.post("/v1/session", who).await.expect(200).json();
        stack.keep_secret(tokens["access_token"].as_str().unwrap());
        let me = client.request(Method::GET, "/v1/me").bearer(tokens["access_token"].as_str().unwrap());
        let me = me.send().await.expect(200).json();
        assert_eq!((&me["role"], &me["workspace_id"]), (&json!("editor"), &json!(sender.workspace)));
        assert_eq!(sender.all("/v1/members").await.len(), 2);

        // In a French workspace she goes on being written to in the language she was invited in.
        client.post("/v1/password/forgot", json!({"email": "eva@team.test"})).await.expect(202);
        let mail = stack.mails_to("eva@team.test").pop().unwrap();
        stack.keep_secret(mail.token());
        assert!(mail.subject.contains("password"), "{}", mail.subject);

        let (url, token) = invite("back@team.test", "fr").await;
        assert_eq!(sender.all("/v1/invitations").await.len(), 1);
        sender.delete(&url).await.expect(204);
        sender.delete(&url).await.problem(404, "not-found");
        client.post("/v1/invitations/accept", accept(&token, password)).await.problem(422, "invalid-token");

        let (_, late) = invite("late@team.test", "fr").await;
        let (_, soon) = invite("soon@team.test", "fr").await;
        stack.wait(SignedDuration::from_hours(7 * 24) - SignedDuration::from_mins(1));
        client.post("/v1/invitations/accept", accept(&soon, password)).await.expect(201);
        stack.wait(SignedDuration::from_mins(2));
        client.post("/v1/invitations/accept", accept(&late, password)).await.problem(422, "invalid-token");
        assert!(sender.all("/v1/invitations").await.is_empty());
        // Nothing of who never came is kept.
        assert_eq!(stack.purge().await["deleted"]["invitation"], 2);
        stack.finish().await;
    });
}

#[test]
fn inviting_an_address_does_not_say_whether_it_signs_in_elsewhere() {
    run(async {
        let stack = TestStack::shared().await;
        let (sender, other) = (stack.sign_up().await, stack.sign_up().await);
        let asked = |email: &str| json!({"email": email, "role": "admin"});
        let unknown = format!("nobody{}", other.email);
        let known = sender.post("/v1/invitations", asked(&other.email)).await.expect(201).json();
        let fresh = sender.post("/v1/invitations", asked(&unknown)).await.expect(201).json();
        let names = |answer: &serde_json::Value| answer.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&known), names(&fresh));
        let mail = stack.mails_to(&other.email).pop().expect("a mail");
        assert!(mail.text.contains("déjà un autre espace"), "{}", mail.text);
        assert!(!stack.only_mail_to(&unknown).text.contains("déjà un autre espace"));
        let token = mail.token();
        stack.keep_secret(&token);
        let client = stack.client();
        let body = accept(&token, "a long enough password");
        client.post("/v1/invitations/accept", body.clone()).await.problem(409, "signs-in-elsewhere");
        // Once the other workspace has another owner, they leave it, and the same token works.
        let heir = other.join("admin").await;
        let heir = format!("/v1/members/{}", id(&heir).await);
        other.patch(&heir, json!({"role": "owner"})).await.expect(200);
        other.delete("/v1/me").await.expect(204);
        client.post("/v1/invitations/accept", body).await.expect(201);
        stack.check();
    });
}

#[test]
fn a_new_role_or_a_removal_ends_sessions_at_once_and_one_owner_stays() {
    run(async {
        let stack = TestStack::shared().await;
        let owner = stack.sign_up().await;
        let (admin, editor) = (owner.join("admin").await, owner.join("editor").await);
        let url = async |member: &Sender<'_>| format!("/v1/members/{}", id(member).await);
        let (owner_url, admin_url, editor_url) = (url(&owner).await, url(&admin).await, url(&editor).await);

        // An admin makes no owner, and touches none.
        admin.patch(&editor_url, json!({"role": "owner"})).await.problem(403, "forbidden");
        admin.patch(&owner_url, json!({"role": "viewer"})).await.problem(403, "forbidden");
        admin.delete(&owner_url).await.problem(403, "forbidden");
        let owners = json!({"email": "more@owners.test", "role": "owner"});
        admin.post("/v1/invitations", owners).await.problem(403, "forbidden");

        let token = editor.token();
        admin.patch(&editor_url, json!({"role": "viewer"})).await.expect(200);
        assert!(!works(&editor, &token).await, "a token outlives its role");
        editor.log_in().await;
        assert_eq!(editor.get("/v1/me").await.json()["role"], "viewer");
        editor.post("/v1/campaigns", json!({"name": "Non"})).await.problem(403, "forbidden");

        for path in [owner_url.as_str(), "/v1/me"] {
            owner.delete(path).await.problem(409, "last-owner");
        }
        owner.patch(&owner_url, json!({"role": "admin"})).await.problem(409, "last-owner");

        // Two owners demote each other at the same moment: one of them stays.
        owner.patch(&admin_url, json!({"role": "owner"})).await.expect(200);
        admin.log_in().await;
        let demote = json!({"role": "viewer"});
        let one = owner.request(Method::PATCH, &admin_url).json(&demote);
        let two = admin.request(Method::PATCH, &owner_url).json(&demote);
        tokio::join!(one.send(), two.send());
        let mut roles = Vec::new();
        for member in [&owner, &admin] {
            member.log_in().await;
            roles.push(member.get("/v1/me").await.expect(200).json()["role"].as_str().unwrap().to_owned());
        }
        assert!(roles.contains(&"owner".to_owned()), "{roles:?}");

        let (boss, token) = (if roles[0] == "owner" { &owner } else { &admin }, editor.token());
        boss.delete(&editor_url).await.expect(204);
        assert!(!works(&editor, &token).await, "a token outlives its member");
        let who = json!({"email": editor.email, "password": editor.password});
        stack.client().post("/v1/session", who).await.problem(401, "unauthenticated");
        boss.delete(&editor_url).await.problem(404, "not-found");
        stack.check();
    });
}
