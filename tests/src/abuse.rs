//! Reports of abuse, and what the register has of them.

use serde_json::{Value, json};

use crate::{TestStack, store::Dump};

impl TestStack {
    /// Reports something on the page's API.
    pub async fn report_abuse(&self, kind: &str, message: &str, email: Option<&str>) {
        let report = json!({"kind": kind, "message": message, "email": email, "locale": "en"});
        self.client().post("/abuse", report).await.expect(202);
    }

    /// The items of the register in one state (`OPEN`, `CLOSED`), oldest first.
    pub async fn abuse_cases(&self, state: &str) -> Vec<Value> {
        let dump = Dump::of(self).await;
        let items = dump.table("RightsTable").iter();
        let mut cases: Vec<Value> = items.filter(|item| item["pk"] == format!("ABUSE_{state}")).cloned().collect();
        cases.sort_by_key(|case| case["sk"].to_string());
        cases
    }
}
