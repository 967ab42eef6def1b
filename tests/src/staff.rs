//! The operator's staff.

use serde_json::{Value, json};

use crate::{Sender, TestStack};

impl TestStack {
    /// Three people of the workspace that the operator appoints: its owner and two admins, with second factors.
    pub async fn staff(&self) -> [Sender<'_>; 3] {
        let owner = self.sign_up().await;
        let people = [owner.join("admin").await, owner.join("admin").await];
        self.staff_desk(json!({"appoint": {"workspace": owner.workspace}})).await;
        let [second, third] = people;
        for person in [&owner, &second, &third] {
            person.turn_on_second_factor().await;
        }
        [owner, second, third]
    }

    /// An order of the operator's, as `aws lambda invoke` gives it.
    pub async fn staff_desk(&self, order: Value) -> Value {
        let mut event = order;
        event["time"] = json!(self.now().to_string());
        let answer = self.invoke("staff", &event).await.unwrap_or_else(|failure| panic!("the desk: {failure:?}"));
        serde_json::from_slice(&answer).expect("JSON")
    }
}

impl Sender<'_> {
    /// Asks for access to a workspace; gives its path.
    pub async fn ask_access(&self, to: &Sender<'_>, purpose: &str) -> String {
        let mut ask = json!({"workspace": to.workspace, "purpose": purpose, "reason": "Ein Import hängt."});
        if purpose == "disclosure" {
            ask["authority"] = json!("Tribunal judiciaire de Lyon");
            ask["legal_basis"] = json!("article 60-1 du code de procédure pénale");
            ask["email"] = json!("wanted@staff.test");
        }
        let grant = self.post("/v1/staff/grants", ask).await.expect(200).json();
        format!("/v1/staff/grants/{}", grant["id"].as_str().expect("an id"))
    }

    /// Agrees to an access.
    pub async fn approve(&self, access: &str) -> Value {
        self.post(&format!("{access}/approve"), json!({})).await.expect(200).json()
    }
}
