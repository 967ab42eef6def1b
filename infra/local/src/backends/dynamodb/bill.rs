//! What a call is billed: the capacity that the database reports where it does, and our own figure where AWS
//! bills and the database reports nothing: failed conditions, failed statements and cancelled transactions.

use dynoxide::Database;
use dynoxide::types::ConsumedCapacity;
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::partiql::{Kind, Statement};
use super::{Schemas, dispatch};
use crate::meter::{Usage, units};

/// One finished call.
pub(super) struct Call<'a> {
    pub(super) database: &'a Database,
    pub(super) schemas: &'a Schemas,
    pub(super) operation: &'a str,
    pub(super) request: &'a Value,
    pub(super) done: &'a dispatch::Done,
}

/// Whether an operation may write items.
pub(super) fn writes(operation: &str) -> bool {
    matches!(
        operation,
        "PutItem"
            | "UpdateItem"
            | "DeleteItem"
            | "BatchWriteItem"
            | "TransactWriteItems"
            | "ExecuteStatement"
            | "BatchExecuteStatement"
            | "ExecuteTransaction"
    )
}

/// The units of a call. Throttled and denied calls never come here: they are free.
pub(super) fn usage(call: &Call<'_>) -> Usage {
    let mut usage = Usage::one(0);
    let reads = !writes(call.operation) || call.selects();
    for capacity in &call.done.capacity {
        add(&mut usage, capacity, reads);
    }
    if call.done.status.is_success() {
        if call.operation == "BatchExecuteStatement" {
            usage.write_units += call.failed_statements();
        }
    } else if call.done.status == StatusCode::BAD_REQUEST {
        usage.write_units += call.failed_conditions();
    }
    usage
}

fn add(usage: &mut Usage, capacity: &ConsumedCapacity, reads: bool) {
    match (capacity.read_capacity_units, capacity.write_capacity_units) {
        (None, None) if reads => usage.read_units += capacity.capacity_units,
        (None, None) => usage.write_units += capacity.capacity_units,
        (read, write) => {
            usage.read_units += read.unwrap_or(0.0);
            usage.write_units += write.unwrap_or(0.0);
        }
    }
}

impl Call<'_> {
    /// Whether a PartiQL call reads. A batch is all reads or all writes.
    fn selects(&self) -> bool {
        let list = match self.operation {
            "ExecuteStatement" => return is_select(&self.request["Statement"]),
            "BatchExecuteStatement" => &self.request["Statements"],
            "ExecuteTransaction" => &self.request["TransactStatements"],
            _ => return false,
        };
        let mut list = list.as_array().into_iter().flatten();
        list.all(|statement| is_select(&statement["Statement"]))
    }

    /// Statements of a batch that failed on a condition or a duplicate are billed as the write they wanted.
    /// The answer counts them into the total of a table where another statement succeeded, and leaves out a table
    /// where none did, as AWS leaves it out: that part is added here.
    fn failed_statements(&self) -> f64 {
        // Nothing failed in most answers, and looking at bytes is cheaper than parsing 25 responses.
        if !contains(&self.done.body, b"\"Error\"") {
            return 0.0;
        }
        let answer: Value = serde_json::from_slice(&self.done.body).unwrap_or_default();
        let statements = self.request["Statements"].as_array().into_iter().flatten();
        let responses = answer["Responses"].as_array().into_iter().flatten();
        let failed = |response: &Value| {
            let code = response["Error"]["Code"].as_str();
            matches!(code, Some("DuplicateItem" | "ConditionalCheckFailed"))
        };
        let counted = |response: &Value| {
            let mut tables = self.done.capacity.iter().map(|capacity| &capacity.table_name);
            tables.any(|table| response["TableName"] == **table)
        };
        statements
            .zip(responses)
            .filter(|(_, response)| failed(response) && !counted(response))
            .map(|(statement, _)| self.statement(statement))
            .sum()
    }

    fn failed_conditions(&self) -> f64 {
        let failed = [&b"ConditionalCheckFailed"[..], b"DuplicateItem"];
        if !failed.iter().any(|name| contains(&self.done.body, name)) {
            return 0.0;
        }
        let request = self.request;
        match self.operation {
            "PutItem" | "UpdateItem" | "DeleteItem" => self.write(request),
            "ExecuteStatement" => self.statement(request),
            "TransactWriteItems" => {
                let parts = request["TransactItems"].as_array().into_iter().flatten();
                let parts = parts.filter_map(|item| item.as_object()?.values().next());
                units::TRANSACTION * parts.map(|part| self.write(part)).sum::<f64>()
            }
            "ExecuteTransaction" => {
                let all = request["TransactStatements"].as_array().into_iter().flatten();
                units::TRANSACTION * all.map(|statement| self.statement(statement)).sum::<f64>()
            }
            _ => 0.0,
        }
    }

    /// A Put, Update, Delete or ConditionCheck that did not happen.
    fn write(&self, part: &Value) -> f64 {
        let table = part["TableName"].as_str().unwrap_or_default();
        let wanted = part["Item"].as_object();
        let existing =
            wanted.or_else(|| part["Key"].as_object()).and_then(|attributes| self.size_of(table, attributes));
        units::failed_write_units(existing, wanted.map(units::item_size))
    }

    fn statement(&self, statement: &Value) -> f64 {
        let parameters = statement["Parameters"].as_array().map_or(&[][..], Vec::as_slice);
        let text = statement["Statement"].as_str().unwrap_or_default();
        let Some(statement) = Statement::parse(text, parameters) else {
            return 0.0;
        };
        let existing = self.size_of(&statement.table, &statement.attributes);
        let wanted = (statement.kind == Kind::Insert).then(|| units::item_size(&statement.attributes));
        units::failed_write_units(existing, wanted)
    }

    /// The size of the item that stands at the key found in `attributes`.
    fn size_of(&self, table: &str, attributes: &Map<String, Value>) -> Option<usize> {
        let mut key = Map::new();
        for name in self.schemas.keys(table) {
            key.insert(name.clone(), attributes.get(name)?.clone());
        }
        let request = json!({"TableName": table, "Key": key});
        let done = dispatch::run(self.database, "GetItem", &request.to_string());
        let answer: Value = serde_json::from_slice(&done.body).ok()?;
        answer["Item"].as_object().map(units::item_size)
    }
}

fn is_select(statement: &Value) -> bool {
    let text = statement.as_str().unwrap_or_default().trim_start();
    text.get(..6).is_some_and(|word| word.eq_ignore_ascii_case("SELECT"))
}

fn contains(body: &[u8], needle: &[u8]) -> bool {
    body.windows(needle.len()).any(|window| window == needle)
}
