//! Sessions: rotation, theft, reset, throttling.

use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Client, Sender, TestStack, run};

fn text(tokens: &Value, name: &str) -> String {
    tokens[name].as_str().expect("a token").to_owned()
}

async fn refresh(sender: &Sender<'_>, token: &str) -> tests::Answer {
    let answer = sender.stranger().post("/v1/session/refresh", json!({"refresh_token": token})).await;
    if answer.status == 200 {
        for name in ["access_token", "refresh_token"] {
            sender.stack.keep_secret(text(&answer.json(), name));
        }
    }
    answer
}

async fn works(sender: &Sender<'_>, access: &str) -> bool {
    let answer = sender.stranger().request(Method::GET, "/v1/workspace").bearer(access).send().await;
    assert!(matches!(answer.status, 200 | 401), "{}", answer.text());
    answer.status == 200
}

#[test]
fn a_refresh_token_works_once_and_using_it_twice_ends_the_family() {
    run(async {
        let stack = TestStack::shared().await;
        let sender = stack.sign_up().await;
        let first = sender.log_in().await;
        let other = sender.log_in().await;
        let second = refresh(&sender, &text(&first, "refresh_token")).await.expect(200).json();
        assert!(works(&sender, &text(&second, "access_token")).await);
        let third = refresh(&sender, &text(&second, "refresh_token")).await.expect(200).json();
        // Somebody has a copy of the second.
        refresh(&sender, &text(&second, "refresh_token")).await.problem(401, "unauthenticated");
        refresh(&sender, &text(&third, "refresh_token")).await.problem(401, "unauthenticated");
        refresh(&sender, &text(&other, "refresh_token")).await.expect(200);
        refresh(&sender, "nonsense").await.problem(401, "unauthenticated");

        let last = sender.log_in().await;
        let out = sender.stranger().request(Method::DELETE, "/v1/session").bearer(&text(&last, "access_token"));
        out.send().await.expect(204);
        refresh(&sender, &text(&last, "refresh_token")).await.problem(401, "unauthenticated");
        stack.check();
    });
}

#[test]
fn an_access_token_ends_after_ten_minutes_and_cannot_be_made_up() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        let token = sender.token();
        let (head, rest) = token.split_once('.').unwrap();
        let (claims, signature) = rest.split_once('.').unwrap();
        use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
        let none = BASE64.encode(r#"{"alg":"none","typ":"at+jwt"}"#);
        let changed = BASE64.encode(String::from_utf8(BASE64.decode(claims).unwrap()).unwrap().replace("ws_", "ws_0"));
        for bad in [
            format!("{none}.{claims}."),
            format!("{none}.{claims}.{signature}"),
            format!("{head}.{changed}.{signature}"),
            format!("{head}.{claims}.{}", signature.chars().rev().collect::<String>()),
            String::new(),
        ] {
            assert!(!works(&sender, &bad).await, "{bad}");
        }
        let bare = sender.stranger().get("/v1/workspace").await;
        bare.problem(401, "unauthenticated");
        assert_eq!(bare.header("www-authenticate"), "Bearer");
        stack.wait(SignedDuration::from_secs(590));
        assert!(works(&sender, &token).await);
        stack.wait(SignedDuration::from_secs(15));
        assert!(!works(&sender, &token).await);
        stack.finish().await;
    });
}

#[test]
fn a_reset_ends_every_session_and_works_once() {
    run(async {
        let stack = TestStack::shared().await;
        let mut sender = stack.sign_up().await;
        let session = sender.log_in().await;
        sender.stranger().post("/v1/password/forgot", json!({"email": sender.email})).await.expect(202);
        let token = stack.mails_to(&sender.email).last().expect("the reset mail").token();
        stack.keep_secret(&token);
        let reset = |password: &str| json!({"token": token, "password": password});
        sender.stranger().post("/v1/password/reset", reset("short")).await.problem(422, "validation-failed");
        sender.stranger().post("/v1/password/reset", reset("a brand new password")).await.expect(204);
        sender.stranger().post("/v1/password/reset", reset("and yet another one")).await.problem(422, "invalid-token");
        assert!(!works(&sender, &text(&session, "access_token")).await);
        refresh(&sender, &text(&session, "refresh_token")).await.problem(401, "unauthenticated");
        let old = json!({"email": sender.email, "password": sender.password});
        sender.stranger().post("/v1/session", old).await.problem(401, "unauthenticated");
        sender.password = "a brand new password".to_owned();
        sender.log_in().await;
        // Whoever did not do this is told.
        assert_eq!(stack.mails_to(&sender.email).len(), 3);
        stack.check();
    });
}

#[test]
fn guessing_is_slowed_down_and_nobody_is_locked_out() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        let guess = json!({"email": sender.email, "password": "a wrong password"});
        let mut throttled = None;
        for _ in 0..20 {
            // A forwarding header that the client makes up changes nothing.
            let request =
                sender.stranger().request(Method::POST, "/v1/session").header("x-forwarded-for", "203.0.113.9");
            let answer = request.json(&guess).send().await;
            match answer.status {
                401 => {}
                429 => {
                    throttled = Some(answer);
                    break;
                }
                other => panic!("{other}: {}", answer.text()),
            }
        }
        let throttled = throttled.expect("20 wrong passwords in a row were all looked at");
        throttled.problem(429, "throttled");
        assert!(throttled.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds > 0));
        // The right password, from another network, at the same time.
        let elsewhere = Client::elsewhere(&stack.url(), [127, 0, 99, 7]);
        let right = json!({"email": sender.email, "password": sender.password});
        elsewhere.post("/v1/session", right.clone()).await.expect(200);
        // And from here after the wait.
        stack.wait(SignedDuration::from_mins(16));
        sender.stranger().post("/v1/session", right).await.expect(200);
        stack.finish().await;
    });
}

#[test]
fn a_member_sees_their_sessions_and_ends_them_at_once() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        let other = sender.log_in().await;
        let who = json!({"email": sender.email, "password": sender.password});
        let named = sender.stranger().request(Method::POST, "/v1/session").header("user-agent", "Papillon/1");
        let third = named.json(&who).send().await.expect(200).json();
        for name in ["access_token", "refresh_token"] {
            stack.keep_secret(text(&third, name));
        }
        sender.use_token(&text(&third, "access_token"));
        stack.wait(SignedDuration::from_secs(60));
        let renewed = refresh(&sender, &text(&other, "refresh_token")).await.expect(200).json();
        let list = sender.get("/v1/sessions").await.expect(200).json()["items"].as_array().unwrap().clone();
        assert_eq!(list.len(), 3);
        let current: Vec<_> = list.iter().filter(|session| session["current"] == true).collect();
        assert_eq!(current.len(), 1);
        assert_eq!((&current[0]["user_agent"], &current[0]["network"]), (&json!("Papillon/1"), &json!("127.0.0.0/24")));
        assert!(list.iter().any(|session| session["last_used_at"] != session["created_at"]));
        assert!(!list.iter().any(|session| session.get("secret").is_some()));

        let used = list.iter().find(|session| session["last_used_at"] != session["created_at"]).unwrap();
        let url = format!("/v1/sessions/{}", used["id"].as_str().unwrap());
        assert!(works(&sender, &text(&renewed, "access_token")).await);
        sender.delete(&url).await.expect(204);
        assert!(!works(&sender, &text(&renewed, "access_token")).await, "its access token lives on");
        refresh(&sender, &text(&renewed, "refresh_token")).await.problem(401, "unauthenticated");
        sender.delete(&url).await.problem(404, "not-found");

        sender.delete("/v1/sessions").await.expect(204);
        let left = sender.get("/v1/sessions").await.expect(200).json();
        assert_eq!((left["items"].as_array().unwrap().len(), &left["items"][0]["current"]), (1, &json!(true)));
        // Out means out, and not in ten minutes.
        let token = sender.token();
        sender.delete("/v1/session").await.expect(204);
        assert!(!works(&sender, &token).await);
        stack.finish().await;
    });
}
