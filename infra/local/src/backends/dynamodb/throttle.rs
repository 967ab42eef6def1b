//! Throttling on request, in the shape each operation gives it: a refusal, unprocessed items and keys,
//! or an error per statement.

use serde_json::{Map, Value, json};

use crate::backends::faults::{Faults, Place};

/// What becomes of a request.
pub(super) enum Verdict {
    /// Refused as a whole.
    Refuse,
    /// Run without the parts held back.
    Run(HeldBack),
}

/// The parts of a batch that were throttled; their places in the answer are filled again by [`HeldBack::merge`].
#[derive(Debug, Default)]
pub(super) struct HeldBack {
    /// Statements of a BatchExecuteStatement, by position.
    statements: Vec<usize>,
    /// `UnprocessedItems` or `UnprocessedKeys`: its name, and table → requests.
    unprocessed: Option<(&'static str, Map<String, Value>)>,
}

/// Decides, and takes the throttled parts out of `body`.
pub(super) fn apply(faults: &Faults, operation: &str, body: &mut Value) -> Verdict {
    let strikes = || faults.strikes(Place::DynamoDbThrottle);
    let mut held_back = HeldBack::default();
    match operation {
        "BatchExecuteStatement" => {
            if let Some(statements) = body["Statements"].as_array_mut() {
                let mut position = 0;
                statements.retain(|_| {
                    let struck = strikes();
                    if struck {
                        held_back.statements.push(position);
                    }
                    position += 1;
                    !struck
                });
            }
        }
        "BatchWriteItem" | "BatchGetItem" => {
            let mut unprocessed = Map::new();
            let tables = body["RequestItems"].as_object_mut();
            for (table, requests) in tables.into_iter().flatten() {
                let list = if requests.is_array() { requests.as_array_mut() } else { requests["Keys"].as_array_mut() };
                let mut left = Vec::new();
                if let Some(list) = list {
                    list.retain(|request| {
                        let struck = strikes();
                        if struck {
                            left.push(request.clone());
                        }
                        !struck
                    });
                }
                if !left.is_empty() {
                    let mut rest = requests.clone();
                    match &mut rest {
                        Value::Array(list) => *list = left,
                        other => other["Keys"] = Value::Array(left),
                    }
                    unprocessed.insert(table.clone(), rest);
                }
            }
            if !unprocessed.is_empty() {
                let name = if operation == "BatchWriteItem" { "UnprocessedItems" } else { "UnprocessedKeys" };
                if let Some(tables) = body["RequestItems"].as_object_mut() {
                    tables.retain(|_, requests| {
                        let list = requests.as_array().or_else(|| requests["Keys"].as_array());
                        !list.is_some_and(Vec::is_empty)
                    });
                }
                held_back.unprocessed = Some((name, unprocessed));
            }
        }
        _ if strikes() => return Verdict::Refuse,
        _ => {}
    }
    Verdict::Run(held_back)
}

impl HeldBack {
    pub(super) fn is_empty(&self) -> bool {
        self.statements.is_empty() && self.unprocessed.is_none()
    }

    /// Whether nothing of the request is left to run.
    pub(super) fn is_everything(&self, body: &Value) -> bool {
        let empty = |value: &Value| match value {
            Value::Array(list) => list.is_empty(),
            Value::Object(map) => map.is_empty(),
            _ => true,
        };
        empty(&body["Statements"]) && empty(&body["RequestItems"])
    }

    /// The answer when every part was held back.
    pub(super) fn only(&self) -> Value {
        let mut answer = json!({});
        match &self.unprocessed {
            Some(("UnprocessedKeys", _)) => answer["Responses"] = json!({}),
            Some(_) => {}
            None => answer["Responses"] = json!([]),
        }
        self.fill(&mut answer);
        answer
    }

    /// Puts the throttled parts back into an answer.
    pub(super) fn merge(&self, body: &[u8]) -> Vec<u8> {
        let Ok(mut answer) = serde_json::from_slice::<Value>(body) else {
            return body.to_vec();
        };
        self.fill(&mut answer);
        answer.to_string().into_bytes()
    }

    fn fill(&self, answer: &mut Value) {
        if let Some((name, unprocessed)) = &self.unprocessed {
            answer[*name] = Value::Object(unprocessed.clone());
        }
        if let Some(responses) = answer["Responses"].as_array_mut() {
            for &position in &self.statements {
                let error = json!({"Error": {
                    "Code": "ThrottlingError",
                    "Message": "Throughput exceeds the current capacity of your table.",
                }});
                responses.insert(position.min(responses.len()), error);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backends::faults::{DynamoDbPlan, Plan};

    fn every(n: u64) -> Faults {
        let faults = Faults::new();
        faults.set(Plan { dynamodb: DynamoDbPlan { throttle_every: n, ..DynamoDbPlan::default() }, ..Plan::default() });
        faults
    }

    #[test]
    fn statements_come_back_as_errors_in_their_place() {
        let mut body = json!({"Statements": ["a", "b", "c"]});
        let Verdict::Run(held) = apply(&every(2), "BatchExecuteStatement", &mut body) else {
            panic!("a batch is not refused as a whole");
        };
        assert_eq!(body, json!({"Statements": ["a", "c"]}));
        let merged = held.merge(br#"{"Responses":[{"TableName":"a"},{"TableName":"c"}]}"#);
        let merged: Value = serde_json::from_slice(&merged).unwrap();
        assert_eq!(merged["Responses"][1]["Error"]["Code"], "ThrottlingError");
        assert_eq!(merged["Responses"][2]["TableName"], "c");
    }

    #[test]
    fn batches_leave_items_and_keys_unprocessed() {
        let mut body = json!({"RequestItems": {"t": [1, 2, 3]}});
        let Verdict::Run(held) = apply(&every(2), "BatchWriteItem", &mut body) else {
            panic!("a batch is not refused as a whole");
        };
        assert_eq!(body["RequestItems"]["t"], json!([1, 3]));
        let merged: Value = serde_json::from_slice(&held.merge(b"{}")).unwrap();
        assert_eq!(merged["UnprocessedItems"], json!({"t": [2]}));

        let mut body = json!({"RequestItems": {"t": {"Keys": [1], "ConsistentRead": true}}});
        let Verdict::Run(held) = apply(&every(1), "BatchGetItem", &mut body) else {
            panic!("a batch is not refused as a whole");
        };
        assert!(held.is_everything(&body));
        let only = held.only();
        assert_eq!(only["UnprocessedKeys"]["t"], json!({"Keys": [1], "ConsistentRead": true}));
    }

    #[test]
    fn single_calls_are_refused() {
        assert!(matches!(apply(&every(1), "GetItem", &mut json!({})), Verdict::Refuse));
    }
}
