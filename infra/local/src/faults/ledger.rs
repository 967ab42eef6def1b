//! What really happened, in the order in which it did: claims and opt-outs as the database committed them.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::suppression::SuppressionReason;
use serde::Deserialize;

use crate::backends::calls::Call;

/// A claim: person, campaign and step, as its key has them.
pub(super) type Claim = String;

#[derive(Default)]
pub(super) struct Ledger(Mutex<Order>);

#[derive(Default)]
struct Order {
    /// Raised by everything that is noted.
    now: u64,
    /// When calls that claim somebody reached the database, by the number of the call.
    under_way: HashMap<u64, u64>,
    /// When the call that made a claim reached the database: the claim is no older.
    claims: HashMap<Claim, u64>,
    /// When a person's first suppression was committed, at the latest: they opted out, or their address is bad.
    suppressions: HashMap<String, u64>,
    /// Who opted out.
    objectors: HashSet<String>,
    /// Whose claims they are.
    workspace: Option<String>,
    /// When `send` asked for the opt-outs of a range of people.
    reads: Vec<Read>,
}

/// A look at the opt-outs of everybody from one person to another.
struct Read {
    at: u64,
    from: String,
    to: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Query {
    table_name: String,
    expression_attribute_values: HashMap<String, HashMap<String, serde_json::Value>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Statements {
    statements: Vec<Statement>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Statement {
    statement: String,
    parameters: Vec<HashMap<String, serde_json::Value>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Responses {
    responses: Vec<Response>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Response {
    error: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Put {
    table_name: String,
    item: HashMap<String, HashMap<String, serde_json::Value>>,
}

impl Ledger {
    /// A call is about to be carried out.
    pub(super) fn reaches(&self, call: &Call<'_>) {
        if claims(call) {
            let mut order = self.order();
            order.now += 1;
            let now = order.now;
            order.under_way.insert(call.number, now);
        } else if call.function == "send" && call.operation == "Query" {
            self.reads(call);
        }
    }

    fn reads(&self, call: &Call<'_>) {
        let Ok(query) = serde_json::from_slice::<Query>(call.request) else { return };
        let values = query.expression_attribute_values.values();
        let mut ends: Vec<&str> =
            values.filter_map(|value| value.get("S")?.as_str()).filter(|text| !text.starts_with("W#")).collect();
        ends.sort_unstable();
        if let ([from, to], true) = (&ends[..], of_suppressions(&query.table_name)) {
            let mut order = self.order();
            order.now += 1;
            let read = Read { at: order.now, from: (*from).to_owned(), to: (*to).to_owned() };
            order.reads.push(read);
        }
    }

    /// A call was carried out.
    pub(super) fn done(&self, call: &Call<'_>) {
        if claims(call) {
            self.claimed(call);
        } else if call.service == "dynamodb" && call.operation == "PutItem" && call.answer.is_some() {
            self.suppressed(call);
        }
    }

    fn claimed(&self, call: &Call<'_>) {
        let mut order = self.order();
        let began = order.under_way.remove(&call.number);
        let (Some(began), Some(answer)) = (began, call.answer) else { return };
        let (Ok(asked), Ok(given)) =
            (serde_json::from_slice::<Statements>(call.request), serde_json::from_slice::<Responses>(answer))
        else {
            return;
        };
        for (statement, response) in asked.statements.iter().zip(&given.responses) {
            let parameter = |at: usize| statement.parameters.get(at).and_then(|key| key.get("S")?.as_str());
            let key = parameter(1);
            if order.workspace.is_none() {
                order.workspace = parameter(0).and_then(|key| Some(key.split('#').nth(1)?.to_owned()));
            }
            if let Some(key) = key.filter(|_| response.error.is_none() && statement.statement.starts_with("INSERT")) {
                order.claims.insert(key.to_owned(), began);
            }
        }
    }

    fn suppressed(&self, call: &Call<'_>) {
        let Ok(put) = serde_json::from_slice::<Put>(call.request) else { return };
        let person = put.item.get("sk").and_then(|key| key.get("S")?.as_str());
        if let Some(person) = person.filter(|_| of_suppressions(&put.table_name)) {
            let mut order = self.order();
            order.now += 1;
            let now = order.now;
            order.suppressions.entry(person.to_owned()).or_insert(now);
            let why = put.item.get("why").and_then(|why| serde_json::from_value(why.get("S")?.clone()).ok());
            // One of which nothing else can be said is taken for a wish.
            if !why.is_some_and(SuppressionReason::is_of_address) {
                order.objectors.insert(person.to_owned());
            }
        }
    }

    /// Whether a person was ever suppressed: by their own word, or because their address is bad.
    pub(super) fn is_suppressed(&self, person: &str) -> bool {
        self.order().suppressions.contains_key(person)
    }

    /// Whether a person was claimed for a message after their suppression had been committed.
    pub(super) fn claimed_after_suppression(&self, person: &str, campaign: &str, step: u8) -> bool {
        let order = self.order();
        let claim = order.claims.get(&format!("{person}#{campaign}#{step:02}"));
        claim.zip(order.suppressions.get(person)).is_some_and(|(claim, suppression)| suppression < claim)
    }

    /// Whether a person's suppression had been committed when those were read for a message to them, after their
    /// claim.
    pub(super) fn suppressed_before_read(&self, person: &str, campaign: &str, step: u8) -> bool {
        let order = self.order();
        let claim = order.claims.get(&format!("{person}#{campaign}#{step:02}"));
        let (Some(claim), Some(suppression)) = (claim, order.suppressions.get(person)) else { return false };
        let covers = |read: &&Read| read.at > *claim && *read.from <= *person && *person <= *read.to;
        order.reads.iter().find(covers).is_some_and(|read| suppression < &read.at)
    }

    /// How many people opted out.
    pub(super) fn objections(&self) -> usize {
        self.order().objectors.len()
    }

    /// Whose claims they are: the Sender's id, as keys have it.
    pub(super) fn workspace(&self) -> Option<String> {
        self.order().workspace.clone()
    }

    /// How many claims there were.
    pub(super) fn claims(&self) -> usize {
        self.order().claims.len()
    }

    fn order(&self) -> MutexGuard<'_, Order> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn of_suppressions(table: &str) -> bool {
    table.to_ascii_lowercase().contains("suppressions")
}

fn claims(call: &Call<'_>) -> bool {
    call.function == "send" && call.operation == "BatchExecuteStatement"
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::backends::calls::Side;

    fn claim(number: u64, answer: Option<&[u8]>, request: &[u8], ledger: &Ledger) {
        let side = if answer.is_some() { Side::After } else { Side::Before };
        let (function, service, operation) = ("send", "dynamodb", "BatchExecuteStatement");
        let call = Call { number, function, port: None, service, operation, request, side, answer };
        if answer.is_some() { ledger.done(&call) } else { ledger.reaches(&call) }
    }

    #[test]
    fn a_claim_after_an_opt_out_is_told_from_one_before_it() {
        let statement = |person: &str| {
            let parameters = json!([{"S": "W#w#D#0"}, {"S": format!("{person}#cmp_1#01")}]);
            json!({"Statement": "INSERT INTO t", "Parameters": parameters})
        };
        let ledger = Ledger::default();
        let early = json!({"Statements": [statement("aa")]}).to_string();
        claim(1, None, early.as_bytes(), &ledger);
        let request = json!({"TableName": "SuppressionsTable", "Item": {"sk": {"S": "aa"}}}).to_string();
        let (function, service, operation, answer) = ("unsubscribe", "dynamodb", "PutItem", Some(b"{}" as &[u8]));
        let request = request.as_bytes();
        ledger.done(&Call { number: 2, function, port: None, service, operation, request, side: Side::After, answer });
        claim(1, Some(br#"{"Responses":[{}]}"#), early.as_bytes(), &ledger);
        assert!(!ledger.claimed_after_suppression("aa", "cmp_1", 1), "its call was under way");

        let late = json!({"Statements": [statement("aa"), statement("bb")]}).to_string();
        claim(3, None, late.as_bytes(), &ledger);
        let lost = br#"{"Responses":[{"Error":{"Code":"DuplicateItem"}},{}]}"#;
        claim(3, Some(lost), late.as_bytes(), &ledger);
        assert!(!ledger.claimed_after_suppression("aa", "cmp_1", 1), "this one was not made");
        assert!(!ledger.claimed_after_suppression("bb", "cmp_1", 1), "did not object");
        claim(4, None, late.as_bytes(), &ledger);
        claim(4, Some(br#"{"Responses":[{},{}]}"#), late.as_bytes(), &ledger);
        assert!(ledger.claimed_after_suppression("aa", "cmp_1", 1));
        assert_eq!((ledger.objections(), ledger.claims()), (1, 2));
        let request =
            json!({"TableName": "SuppressionsTable", "Item": {"sk": {"S": "cc"}, "why": {"S": "hard_bounced"}}});
        let request = request.to_string();
        let request = request.as_bytes();
        ledger.done(&Call { number: 5, function, port: None, service, operation, request, side: Side::After, answer });
        assert!(ledger.is_suppressed("cc"));
        assert_eq!(ledger.objections(), 1, "an address that is bad says nothing of what somebody wants");
    }
}
