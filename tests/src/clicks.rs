//! Clicks: a workspace that records them, people who agreed, and whoever follows links.

use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::json;

use crate::{Answer, Sender, TestStack, mail::Mail};

/// A browser of today.
pub const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

/// The day on which the texts apply that say that openings may be recorded, at midnight in Paris.
pub fn opens_said() -> Timestamp {
    "2027-03-11T23:00:00Z".parse().expect("a time")
}

/// The day on which the texts apply that say that clicks may be recorded, at midnight in Paris.
pub fn said() -> Timestamp {
    "2027-02-04T23:00:00Z".parse().expect("a time")
}

impl Mail {
    /// Where the links of its HTML lead that are signed, in their order.
    pub fn signed_links(&self) -> Vec<String> {
        self.html
            .split("href=\"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            .filter(|link| link.contains("/c/"))
            .map(str::to_owned)
            .collect()
    }

    /// Where its image is by which it is noted that it was opened; none in a message of which it is not.
    pub fn pixel(&self) -> Option<String> {
        let mut images = self.html.split("<img src=\"").skip(1).filter_map(|rest| rest.split('"').next());
        images.find(|address| address.contains("/o/")).map(str::to_owned)
    }

    /// Where a consent is withdrawn; none in a message whose clicks are not recorded.
    pub fn withdrawal(&self) -> Option<String> {
        let mut words = self.text.split_whitespace();
        words.find(|word| word.contains("/consent/")).map(str::to_owned)
    }
}

impl Sender<'_> {
    /// Accepts the terms in force.
    pub async fn accepts_terms(&self) {
        let agreements = self.get("/v1/agreements").await.expect(200).json();
        let terms =
            agreements["items"].as_array().and_then(|items| items.iter().find(|one| one["document"] == "terms"));
        let version = terms.expect("terms")["in_force"]["version"].clone();
        self.post("/v1/agreements", json!({"document": "terms", "version": version})).await.expect(200);
    }

    /// Switches clicks on, with the terms accepted.
    pub async fn records_clicks(&self) {
        self.accepts_terms().await;
        let changed = self.patch("/v1/workspace", json!({"clicks": true})).await.expect(200).json();
        assert_eq!(changed["clicks"], true);
    }

    /// Records that somebody agreed.
    pub async fn agreed(&self, email: &str, on: &str) -> Answer {
        let id = self.prospect(email).await["id"].as_str().expect("an id").to_owned();
        let consent =
            json!({"given_on": on, "how": "Case cochée au stand : « J'accepte que mes clics soient connus. »"});
        self.patch(&format!("/v1/prospects/{id}"), json!({"click_consent": consent})).await
    }

    /// Switches openings on, with the terms accepted.
    pub async fn records_opens(&self) {
        self.accepts_terms().await;
        let changed = self.patch("/v1/workspace", json!({"opens": true})).await.expect(200).json();
        assert_eq!(changed["opens"], true);
    }

    /// Records that somebody agreed to both.
    pub async fn agreed_to_opens(&self, email: &str, on: &str) -> Answer {
        let id = self.prospect(email).await["id"].as_str().expect("an id").to_owned();
        let consent = json!({"given_on": on, "how": "Deux cases cochées au stand", "opens": true});
        self.patch(&format!("/v1/prospects/{id}"), json!({"click_consent": consent})).await
    }

    /// A person with their history.
    pub async fn detail(&self, email: &str) -> serde_json::Value {
        let id = self.prospect(email).await["id"].as_str().expect("an id").to_owned();
        self.get(&format!("/v1/prospects/{id}")).await.expect(200).json()
    }
}

impl TestStack {
    /// Follows a link as a browser does that somebody uses.
    pub async fn click(&self, link: &str) -> Answer {
        let asked = self.client().request(Method::GET, link);
        asked.header("user-agent", BROWSER).header("sec-fetch-mode", "navigate").send().await
    }

    /// Loads an image as a mail program does that shows it.
    pub async fn load(&self, image: &str) -> Answer {
        let asked = self.client().request(Method::GET, image);
        asked.header("user-agent", BROWSER).header("sec-fetch-mode", "no-cors").send().await
    }

    /// The same a while later, and waits until it is judged.
    pub async fn loads_later(&self, image: &str) -> Answer {
        self.wait(SignedDuration::from_mins(10));
        let answer = self.load(image).await.expect(200);
        self.settle().await;
        answer
    }

    /// Follows a link a while later, and waits until it is judged.
    pub async fn clicks_later(&self, link: &str) -> Answer {
        self.wait(SignedDuration::from_mins(10));
        let answer = self.click(link).await.expect(302);
        self.settle().await;
        answer
    }
}
