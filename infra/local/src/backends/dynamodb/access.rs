//! What a DynamoDB call needs permission for: actions, ARNs and the leading keys that conditions may bind.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::Schemas;
use super::partiql::Statement;

/// One permission a call needs.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Need {
    pub(super) action: &'static str,
    pub(super) table: String,
    pub(super) index: Option<String>,
    /// The operation this is a part of, for `dynamodb:EnclosingOperation`.
    pub(super) enclosing: Option<&'static str>,
    /// The partition keys touched, where the request names them.
    pub(super) leading_keys: Vec<String>,
}

/// Every permission of a call. Empty for an operation that is not known.
pub(super) fn needs(operation: &str, body: &Value, schemas: &Schemas) -> Vec<Need> {
    let mut needs = Needs { schemas, found: BTreeMap::new() };
    let table = body["TableName"].as_str().unwrap_or_default();
    match operation {
        "GetItem" => needs.add("dynamodb:GetItem", table, None, None, key(&body["Key"])),
        "PutItem" => needs.add("dynamodb:PutItem", table, None, None, key(&body["Item"])),
        "UpdateItem" => needs.add("dynamodb:UpdateItem", table, None, None, key(&body["Key"])),
        "DeleteItem" => needs.add("dynamodb:DeleteItem", table, None, None, key(&body["Key"])),
        "Query" => {
            let fixed = query_keys(body);
            let index = body["IndexName"].as_str();
            needs.add("dynamodb:Query", table, index, None, Some(&fixed));
        }
        "Scan" => needs.add("dynamodb:Scan", table, body["IndexName"].as_str(), None, None),
        "BatchGetItem" => {
            for (table, request) in entries(&body["RequestItems"]) {
                for wanted in items(&request["Keys"]) {
                    needs.add("dynamodb:BatchGetItem", table, None, None, key(wanted));
                }
            }
        }
        "BatchWriteItem" => {
            for (table, requests) in entries(&body["RequestItems"]) {
                for request in items(requests) {
                    let put = key(&request["PutRequest"]["Item"]);
                    let keys = put.or_else(|| key(&request["DeleteRequest"]["Key"]));
                    needs.add("dynamodb:BatchWriteItem", table, None, None, keys);
                }
            }
        }
        "TransactGetItems" => {
            for get in items(&body["TransactItems"]).map(|item| &item["Get"]) {
                let table = get["TableName"].as_str().unwrap_or_default();
                let inside = Some("TransactGetItems");
                needs.add("dynamodb:GetItem", table, None, inside, key(&get["Key"]));
            }
        }
        "TransactWriteItems" => {
            for item in items(&body["TransactItems"]) {
                for (kind, action) in TRANSACT_ACTIONS {
                    let part = &item[kind];
                    if let Some(table) = part["TableName"].as_str() {
                        let keys = key(&part["Item"]).or_else(|| key(&part["Key"]));
                        needs.add(action, table, None, Some("TransactWriteItems"), keys);
                    }
                }
            }
        }
        "ExecuteStatement" => needs.statement(body, None),
        "BatchExecuteStatement" => {
            for statement in items(&body["Statements"]) {
                needs.statement(statement, None);
            }
        }
        "ExecuteTransaction" => {
            for statement in items(&body["TransactStatements"]) {
                needs.statement(statement, Some("ExecuteTransaction"));
            }
        }
        "CreateTable" => needs.add("dynamodb:CreateTable", table, None, None, None),
        "DeleteTable" => needs.add("dynamodb:DeleteTable", table, None, None, None),
        "DescribeTable" => needs.add("dynamodb:DescribeTable", table, None, None, None),
        "ListTables" => needs.add("dynamodb:ListTables", "*", None, None, None),
        "UpdateTable" => needs.add("dynamodb:UpdateTable", table, None, None, None),
        "UpdateTimeToLive" => needs.add("dynamodb:UpdateTimeToLive", table, None, None, None),
        "DescribeTimeToLive" => needs.add("dynamodb:DescribeTimeToLive", table, None, None, None),
        _ => {}
    }
    needs
        .found
        .into_iter()
        .map(|((action, table, index, enclosing), leading_keys)| Need { action, table, index, enclosing, leading_keys })
        .collect()
}

/// The parts of a transaction and what each needs.
pub(super) const TRANSACT_ACTIONS: [(&str, &str); 4] = [
    ("Put", "dynamodb:PutItem"),
    ("Update", "dynamodb:UpdateItem"),
    ("Delete", "dynamodb:DeleteItem"),
    ("ConditionCheck", "dynamodb:ConditionCheckItem"),
];

type What = (&'static str, String, Option<String>, Option<&'static str>);

struct Needs<'a> {
    schemas: &'a Schemas,
    found: BTreeMap<What, Vec<String>>,
}

impl Needs<'_> {
    fn add(
        &mut self,
        action: &'static str,
        table: &str,
        index: Option<&str>,
        enclosing: Option<&'static str>,
        attributes: Option<&Map<String, Value>>,
    ) {
        // An ARN may stand in place of a name.
        let table = table.rsplit('/').next().unwrap_or(table);
        let what = (action, table.to_owned(), index.map(str::to_owned), enclosing);
        let keys = self.found.entry(what).or_default();
        let leading = self.schemas.partition_key(table, index).and_then(|name| attributes?.get(name)).and_then(plain);
        keys.extend(leading);
    }

    fn statement(&mut self, body: &Value, enclosing: Option<&'static str>) {
        let parameters = body["Parameters"].as_array().map_or(&[][..], Vec::as_slice);
        let text = body["Statement"].as_str().unwrap_or_default();
        // A statement that cannot be read is refused by the database, and needs nothing.
        if let Some(statement) = Statement::parse(text, parameters) {
            self.add(
                statement.kind.action(),
                &statement.table,
                statement.index.as_deref(),
                enclosing,
                Some(&statement.attributes),
            );
        }
    }
}

fn key(value: &Value) -> Option<&Map<String, Value>> {
    value.as_object()
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

/// The text of a key value, as `dynamodb:LeadingKeys` shows it.
fn plain(value: &Value) -> Option<String> {
    let (_, value) = value.as_object()?.iter().next()?;
    value.as_str().map(str::to_owned)
}

/// The attributes that a query's key condition fixes by equality.
fn query_keys(body: &Value) -> Map<String, Value> {
    let mut fixed = Map::new();
    for (name, condition) in entries(&body["KeyConditions"]) {
        if condition["ComparisonOperator"] == "EQ" {
            fixed.insert(name.clone(), condition["AttributeValueList"][0].clone());
        }
    }
    let expression = body["KeyConditionExpression"].as_str().unwrap_or_default();
    let words: Vec<&str> =
        expression.split([' ', '(', ')', '\t', '\n', '\r']).filter(|word| !word.is_empty()).collect();
    // `pk = :v` may be written without spaces.
    let spaced = words.join(" ").replace('=', " = ").replace("< =", "<=").replace("> =", ">=");
    let words: Vec<&str> = spaced.split(' ').filter(|word| !word.is_empty()).collect();
    for triple in words.windows(3) {
        if triple[1] != "=" {
            continue;
        }
        let resolve = |name: &str| {
            let alias = body["ExpressionAttributeNames"][name].as_str();
            alias.unwrap_or(name).to_owned()
        };
        let value = &body["ExpressionAttributeValues"][triple[2]];
        if !value.is_null() {
            fixed.insert(resolve(triple[0]), value.clone());
        }
    }
    fixed
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn schemas() -> Schemas {
        Schemas::new([&json!({
            "TableName": "outreach",
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            "GlobalSecondaryIndexes": [
                {"IndexName": "due", "KeySchema": [{"AttributeName": "slot", "KeyType": "HASH"}]},
            ],
        })])
    }

    fn need(operation: &str, body: Value) -> Vec<(String, String, Option<String>, Vec<String>)> {
        needs(operation, &body, &schemas())
            .into_iter()
            .map(|need| (need.action.to_owned(), need.table, need.index, need.leading_keys))
            .collect()
    }

    #[test]
    fn a_query_names_its_partition() {
        for expression in ["pk = :p AND begins_with(sk, :s)", "(pk=:p) and sk > :s", "#k = :p"] {
            let found = need(
                "Query",
                json!({"TableName": "outreach", "KeyConditionExpression": expression,
                    "ExpressionAttributeNames": {"#k": "pk"},
                    "ExpressionAttributeValues": {":p": {"S": "W#1"}, ":s": {"S": "x"}}}),
            );
            assert_eq!(found[0].3, ["W#1"], "{expression}");
        }
        let found = need(
            "Query",
            json!({"TableName": "outreach", "IndexName": "due", "KeyConditionExpression": "slot = :p",
                "ExpressionAttributeValues": {":p": {"S": "12"}}}),
        );
        assert_eq!(found[0].2.as_deref(), Some("due"));
        assert_eq!(found[0].3, ["12"]);
    }

    #[test]
    fn a_transaction_needs_each_of_its_parts() {
        let found = need(
            "TransactWriteItems",
            json!({"TransactItems": [
                {"Put": {"TableName": "outreach", "Item": {"pk": {"S": "a"}}}},
                {"Put": {"TableName": "outreach", "Item": {"pk": {"S": "b"}}}},
                {"ConditionCheck": {"TableName": "outreach", "Key": {"pk": {"S": "c"}}}},
            ]}),
        );
        let actions: Vec<&str> = found.iter().map(|need| need.0.as_str()).collect();
        assert_eq!(actions, ["dynamodb:ConditionCheckItem", "dynamodb:PutItem"]);
        assert_eq!(found[1].3, ["a", "b"]);
    }

    #[test]
    fn statements_of_a_batch_are_read_one_by_one() {
        let found = need(
            "BatchExecuteStatement",
            json!({"Statements": [
                {"Statement": "INSERT INTO outreach VALUE {'pk': ?}", "Parameters": [{"S": "W#1"}]},
                {"Statement": "DELETE FROM outreach WHERE pk = 'W#2' AND sk = 'x'"},
            ]}),
        );
        assert_eq!(found[0].0, "dynamodb:PartiQLDelete");
        assert_eq!(found[0].3, ["W#2"]);
        assert_eq!(found[1].0, "dynamodb:PartiQLInsert");
        assert_eq!(found[1].3, ["W#1"]);
    }
}
