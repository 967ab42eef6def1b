//! A person who exercises a right: the page, the mail, the answer.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{Answer, TestStack};

impl TestStack {
    /// Asks on the page's API; gives the token of the proof mail.
    pub async fn ask_rights(&self, email: &str, kind: &str, message: Option<&str>) -> String {
        let before = self.mails_to(email).len();
        let body = json!({"email": email, "kind": kind, "message": message, "locale": "en"});
        self.client().post("/rights", body).await.expect(202);
        let mails = self.mails_to(email);
        assert_eq!(mails.len(), before + 1, "one proof mail to whoever is named");
        let token = mails.last().expect("a mail").token();
        self.keep_secret(&token);
        token
    }

    /// Clicks in the proof mail.
    pub async fn prove(&self, token: &str) -> Answer {
        let path = format!("/rights/proof/{token}");
        self.client().request(Method::POST, &path).header("accept", "application/json").send().await
    }

    /// Asks, proves, and gives the answer.
    pub async fn exercise(&self, email: &str, kind: &str, message: Option<&str>) -> Value {
        let token = self.ask_rights(email, kind, message).await;
        self.prove(&token).await.expect(200).json()
    }

    /// Reads one's data in one form.
    pub async fn read_data(&self, token: &str, form: &str) -> Answer {
        self.keep_secret(token);
        let post = self.client().request(Method::POST, &format!("/rights/access/{token}"));
        post.body("application/x-www-form-urlencoded", format!("format={form}")).send().await
    }

    /// An order of staff's, as `aws lambda invoke` gives it.
    pub async fn desk(&self, order: Value) -> Value {
        let mut event = order;
        event["time"] = json!(self.now().to_string());
        let answer = self.invoke("rights", &event).await.unwrap_or_else(|failure| panic!("the desk: {failure:?}"));
        serde_json::from_slice(&answer).expect("JSON")
    }

    /// An order that the desk does not carry out: the kind of the refusal, and what it says.
    pub async fn desk_refuses(&self, order: Value) -> (String, String) {
        let mut event = order;
        event["time"] = json!(self.now().to_string());
        match self.invoke("rights", &event).await {
            Err(local::Failure::Function { kind, message }) => (kind, message),
            other => panic!("{other:?}"),
        }
    }

    /// Doubts who made a request, and gives the token of the mail that asks for a copy.
    pub async fn doubt(&self, request: &str, email: &str, reason: &str) -> String {
        let line = self.desk(json!({"doubt": {"request": request, "reason": reason}})).await;
        assert_eq!(line["waits_for"], "identity", "{line}");
        let token = self.mails_to(email).last().expect("a mail").token();
        self.keep_secret(&token);
        token
    }

    /// Sends a copy of an identity document, as the page's form does.
    pub async fn send_copy(&self, token: &str, bytes: &[u8]) -> Answer {
        let (media, body) = crate::files::form_of(bytes);
        let post = self.client().request(Method::POST, &format!("/rights/identity/{token}"));
        post.header("accept", "text/html").body(&media, body).send().await
    }

    /// Fires the clock of requests now.
    pub async fn rights_clock(&self) -> Value {
        let fired = self.fire("rights-clock").await.expect("the template has a clock of requests");
        assert!(fired.ok, "the clock failed: {}", fired.result);
        assert_eq!(fired.result["complete"], true, "{}", fired.result);
        fired.result
    }
}

/// How a Sender says that a request is done: a correction is said with it.
pub fn done(task: &Value) -> Value {
    match task["kind"].as_str() {
        Some("rectification") => json!({"outcome": "done", "change": {"first_name": "Corrected"}}),
        _ => json!({"outcome": "done"}),
    }
}
