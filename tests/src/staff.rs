//! The operator's staff.

use jiff::Timestamp;
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

    /// Fires the clock of incidents now.
    pub async fn staff_clock(&self) -> Value {
        let fired = self.fire("staff-clock").await.expect("the template has a clock of incidents");
        assert!(fired.ok, "the clock failed: {}", fired.result);
        assert_eq!(fired.result["complete"], true, "{}", fired.result);
        fired.result
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
    /// Opens an incident about everything that happened since a moment; gives its path.
    pub async fn open_incident(&self, drill: bool, discovered_at: Timestamp, affected: Value) -> String {
        let both = |fr: &str, en: &str| json!({"fr": fr, "en": en});
        let incident = json!({
            "discovered_at": discovered_at.to_string(), "drill": drill, "affected": affected,
            "nature": both("Des mots de passe ont été devinés.", "Passwords were guessed."),
            "consequences": both("Vos listes ont pu être lues.", "Your lists may have been read."),
            "measures": both("Changez de mot de passe.", "Change your password."),
        });
        let opened = self.post("/v1/staff/incidents", incident).await.expect(200).json();
        format!("/v1/staff/incidents/{}", opened["id"].as_str().expect("an id"))
    }

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
