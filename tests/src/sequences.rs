//! Campaigns of several steps, as a Sender writes them and as time passes over them.

use domain::chunk::CHUNK;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::{Sender, TestStack};

impl Sender<'_> {
    /// Everything a campaign needs, with these steps after its first.
    pub fn sequence(&self, later: Value) -> Value {
        let mut content = self.content(&json!({}));
        let steps = content["steps"].as_array_mut().expect("steps");
        steps.extend(later.as_array().cloned().expect("steps"));
        content
    }

    /// Drafts a campaign, launches it, and waits until everything that is due has left; gives its id.
    pub async fn launch(&self, content: Value) -> String {
        let campaign = self.post("/v1/campaigns", content).await.expect(201).json();
        let id = campaign["id"].as_str().expect("an id").to_owned();
        self.command(&id, "launch").await.expect(202);
        self.stack.settle().await;
        id
    }

    /// Says that somebody answered a step of a campaign, as a reader of the mail that comes in does.
    pub async fn hears_from(&self, campaign: &str, step: u8, email: &str) {
        self.hears(campaign, step, email, json!({"eventType": "Reply"})).await;
    }

    /// Says that the first message of a campaign to somebody came back, as SES does: for good, or for now.
    pub async fn bounces(&self, campaign: &str, email: &str, kind: &str) {
        self.hears(campaign, 1, email, json!({"eventType": "Bounce", "bounce": {"bounceType": kind}})).await;
    }

    /// An event about somebody's message.
    pub async fn hears(&self, campaign: &str, step: u8, email: &str, mut event: Value) {
        let recipients = self.all(&format!("/v1/campaigns/{campaign}/recipients?step={step}")).await;
        let index = recipients.iter().position(|recipient| recipient["email"] == email).expect("a recipient");
        let subject = recipients[index]["prospect"].as_str().expect("an id").trim_start_matches("pro_");
        let tags = json!({
            "workspace": [self.workspace], "campaign": [campaign], "step": [step.to_string()], "subject": [subject],
            "chunk": [(index / CHUNK).to_string()], "index": [(index % CHUNK).to_string()],
        });
        event["mail"] = json!({ "tags": tags });
        let stack = self.stack;
        let queue = stack.template().queues.iter().find(|queue| queue.name.ends_with("-FeedbackQueue"));
        stack.backends().sqs().send(&queue.expect("a queue").arn, event.to_string()).expect("the queue takes it");
        stack.settle().await;
    }
}

impl TestStack {
    /// Lets time pass, and everything that became due for its next step leave; gives how many chunks that were.
    pub async fn pass(&self, time: SignedDuration) -> u64 {
        self.wait(time);
        let chunks = self.follow_up().await;
        self.settle().await;
        chunks
    }
}
