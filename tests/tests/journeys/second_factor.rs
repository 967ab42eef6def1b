//! A second factor: set up, asked for, used once, lost, turned off.

use jiff::SignedDuration;
use serde_json::{Value, json};
use tests::{Answer, Sender, TestStack, files, run};

struct Phone(Vec<u8>);

impl Phone {
    fn code(&self, stack: &TestStack) -> String {
        domain::totp::code(&self.0, u64::try_from(stack.now().as_second()).unwrap() / 30)
    }
}

async fn log_in(sender: &Sender<'_>, code: Option<&str>) -> Answer {
    let mut who = json!({"email": sender.email, "password": sender.password});
    if let Some(code) = code {
        who["code"] = json!(code);
    }
    let answer = sender.stranger().post("/v1/session", who).await;
    if answer.status == 200 {
        for name in ["access_token", "refresh_token"] {
            sender.stack.keep_secret(answer.json()[name].as_str().unwrap());
        }
        sender.use_token(answer.json()["access_token"].as_str().unwrap());
    }
    answer
}

/// Sets it up and gives the phone, the code that confirmed it and the recovery codes.
async fn turn_on(sender: &Sender<'_>) -> (Phone, String, Vec<String>) {
    let stack = sender.stack;
    let asked = json!({"password": sender.password});
    let secret = sender.post("/v1/second-factor", asked).await.expect(200).json();
    let text = secret["secret"].as_str().unwrap();
    stack.keep_secret(text);
    assert!(secret["uri"].as_str().unwrap().contains(text));
    let phone = Phone(files::from_base32(text));
    let code = phone.code(stack);
    let confirmed = json!({"code": code});
    let codes = sender.post("/v1/second-factor/confirm", confirmed).await.expect(200).json()["recovery_codes"].clone();
    let codes: Vec<String> = serde_json::from_value(codes).unwrap();
    codes.iter().for_each(|code| stack.keep_secret(code));
    (phone, code, codes)
}

#[test]
fn a_second_factor_is_asked_for_after_the_password_and_each_code_works_once() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        let wrong = json!({"password": "not the password"});
        sender.post("/v1/second-factor", wrong).await.problem(422, "validation-failed");
        sender.post("/v1/second-factor/confirm", json!({"code": "000000"})).await.problem(409, "conflict");
        // Until a code was confirmed nothing is asked for.
        sender.post("/v1/second-factor", json!({"password": sender.password})).await.expect(200);
        log_in(&sender, None).await.expect(200);
        let other = sender.log_in().await;
        sender.log_in().await;
        let (phone, confirmed, codes) = turn_on(&sender).await;
        assert_eq!(codes.len(), 10);
        let refresh = json!({"refresh_token": other["refresh_token"]});
        sender.stranger().post("/v1/session/refresh", refresh).await.problem(401, "unauthenticated");
        let me = sender.get("/v1/me").await.expect(200).json();
        assert_eq!(me["second_factor"], json!({"on": true, "recovery_codes_left": 10}));
        sender.post("/v1/second-factor", json!({"password": sender.password})).await.problem(409, "second-factor-on");
        assert!(stack.mails_to(&sender.email).last().unwrap().subject.contains("second facteur"));

        // The wrong password never learns that there is one.
        let guess = json!({"email": sender.email, "password": "a wrong password", "code": "000000"});
        sender.stranger().post("/v1/session", guess).await.problem(401, "unauthenticated");
        log_in(&sender, None).await.problem(401, "second-factor-needed");
        // The code that turned it on was used.
        log_in(&sender, Some(&confirmed)).await.problem(401, "second-factor-wrong");
        stack.wait(SignedDuration::from_secs(30));
        let code = phone.code(&stack);
        log_in(&sender, Some(&format!("{} {}", &code[..3], &code[3..]))).await.expect(200);
        log_in(&sender, Some(&code)).await.problem(401, "second-factor-wrong");
        stack.wait(SignedDuration::from_secs(90));
        log_in(&sender, Some(&code)).await.problem(401, "second-factor-wrong");

        // The telephone is lost: a recovery code, once.
        log_in(&sender, Some(&codes[3].to_lowercase())).await.expect(200);
        log_in(&sender, Some(&codes[3])).await.problem(401, "second-factor-wrong");
        assert_eq!(sender.get("/v1/me").await.json()["second_factor"]["recovery_codes_left"], 9);
        let off = |code: &str| json!({"code": code});
        sender.post("/v1/second-factor/disable", off("000000")).await.problem(422, "second-factor-wrong");
        sender.use_token(log_in(&sender, Some(&codes[4])).await.expect(200).json()["access_token"].as_str().unwrap());
        sender.post("/v1/second-factor/disable", off(&codes[5])).await.expect(204);
        log_in(&sender, None).await.expect(200);
        let me: Value = sender.get("/v1/me").await.json();
        assert_eq!(me["second_factor"]["on"], false);
        stack.finish().await;
    });
}

#[test]
fn guessing_codes_is_slowed_down_and_secrets_are_sealed() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        let (phone, _, codes) = turn_on(&sender).await;
        let dump = tests::store::Dump::of(&stack).await;
        let secret: String = phone.0.iter().map(|byte| format!("{byte:02x}")).collect();
        for kept in [secret.as_str(), &codes[0], &codes[0].replace('-', "")] {
            assert_eq!(dump.mentions(kept), [""; 0]);
        }
        let mut throttled = false;
        for _ in 0..14 {
            throttled |= log_in(&sender, Some("000000")).await.status == 429;
        }
        assert!(throttled, "14 wrong codes in a row were all looked at");
        stack.wait(SignedDuration::from_mins(16));
        log_in(&sender, Some(&phone.code(&stack))).await.expect(200);
        // Whoever chose another password by mail still needs the code.
        sender.stranger().post("/v1/password/forgot", json!({"email": sender.email})).await.expect(202);
        let token = stack.mails_to(&sender.email).last().unwrap().token();
        stack.keep_secret(&token);
        let body = json!({"token": token, "password": sender.password});
        sender.stranger().post("/v1/password/reset", body).await.expect(204);
        log_in(&sender, None).await.problem(401, "second-factor-needed");
        stack.finish().await;
    });
}
