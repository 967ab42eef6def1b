//! Whoever got hold of a function's credentials and talks to AWS without our code.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{Answer, Client, TestStack};

/// What signs a call: a function's own key, or a session's with its token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The access key.
    pub key: String,
    /// The token of a session.
    pub token: Option<String>,
}

impl TestStack {
    /// A function's own credentials.
    pub fn credentials_of(&self, function: &str) -> Credentials {
        Credentials { key: function.to_owned(), token: None }
    }

    /// Asks STS for a session of a role with these tags, for as long as the product does.
    ///
    /// # Errors
    ///
    /// The code of the refusal.
    pub async fn assume(&self, by: &Credentials, role: &str, tags: &[(&str, &str)]) -> Result<Credentials, String> {
        let url = self.backends().env()["AWS_ENDPOINT_URL_STS"].clone();
        let mut form = format!("Action=AssumeRole&Version=2011-06-15&RoleArn={role}&RoleSessionName=attack");
        for (n, (key, value)) in (1..).zip(tags) {
            form.push_str(&format!("&Tags.member.{n}.Key={key}&Tags.member.{n}.Value={value}"));
        }
        let asked = Client::new(&url).request(Method::POST, &url).header("authorization", &signed(by, "sts"));
        let answer = with_token(asked, by).body("application/x-www-form-urlencoded", form).send().await.text();
        let part = |name: &str| {
            let (_, rest) = answer.split_once(&format!("<{name}>"))?;
            Some(rest.split_once('<')?.0.to_owned())
        };
        match (part("AccessKeyId"), part("SessionToken")) {
            (Some(key), token @ Some(_)) => Ok(Credentials { key, token }),
            _ => Err(part("Code").unwrap_or(answer)),
        }
    }

    /// One call of DynamoDB.
    pub async fn dynamodb(&self, by: &Credentials, operation: &str, body: &Value) -> Answer {
        let url = self.backends().env()["AWS_ENDPOINT_URL_DYNAMODB"].clone();
        let asked = Client::new(&url).request(Method::POST, &url).header("authorization", &signed(by, "dynamodb"));
        let asked = asked.header("x-amz-target", &format!("DynamoDB_20120810.{operation}"));
        with_token(asked, by).body("application/x-amz-json-1.0", body.to_string()).send().await
    }
}

fn with_token(asked: crate::http::Asked, by: &Credentials) -> crate::http::Asked {
    match &by.token {
        Some(token) => asked.header("x-amz-security-token", token),
        None => asked,
    }
}

fn signed(by: &Credentials, service: &str) -> String {
    let scope = format!("{}/20260101/eu-west-3/{service}/aws4_request", by.key);
    format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=00")
}

/// Every way to reach one item by its key: the operation and its body.
pub fn reaching(table: &str, pk: &str, sk: &str) -> Vec<(&'static str, Value)> {
    let key = json!({"pk": {"S": pk}, "sk": {"S": sk}});
    let of_table = |part: &str| json!({"TableName": table, part: key});
    let transact = |what: &str, part: &Value| json!({"TransactItems": [{what: part}]});
    let update = json!({"TableName": table, "Key": key, "UpdateExpression": "SET taken = :one",
        "ExpressionAttributeValues": {":one": {"N": "1"}}});
    let check = json!({"TableName": table, "Key": key, "ConditionExpression": "attribute_exists(pk)"});
    let query = |condition: &str| {
        json!({"TableName": table, "KeyConditionExpression": condition, "ExpressionAttributeNames": {"#k": "pk"},
            "ExpressionAttributeValues": {":p": {"S": pk}}})
    };
    let by_key = json!([{"S": pk}, {"S": sk}]);
    let select =
        json!({"Statement": format!("SELECT * FROM \"{table}\" WHERE pk = ? AND sk = ?"), "Parameters": by_key});
    let insert =
        json!({"Statement": format!("INSERT INTO \"{table}\" VALUE {{'pk': ?, 'sk': ?}}"), "Parameters": by_key});
    let set =
        json!({"Statement": format!("UPDATE \"{table}\" SET taken = 1 WHERE pk = ? AND sk = ?"), "Parameters": by_key});
    let drop = json!({"Statement": format!("DELETE FROM \"{table}\" WHERE pk = ? AND sk = ?"), "Parameters": by_key});
    let mut calls = vec![
        ("GetItem", of_table("Key")),
        ("PutItem", of_table("Item")),
        ("DeleteItem", of_table("Key")),
        ("UpdateItem", update.clone()),
        ("Query", query("#k = :p")),
        (
            "Query",
            json!({"TableName": table, "KeyConditions":
            {"pk": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": pk}]}}}),
        ),
        ("BatchGetItem", json!({"RequestItems": {table: {"Keys": [key]}}})),
        ("BatchWriteItem", json!({"RequestItems": {table: [{"PutRequest": {"Item": key}}]}})),
        ("BatchWriteItem", json!({"RequestItems": {table: [{"DeleteRequest": {"Key": key}}]}})),
        ("TransactGetItems", json!({"TransactItems": [{"Get": of_table("Key")}]})),
        ("TransactWriteItems", transact("Put", &of_table("Item"))),
        ("TransactWriteItems", transact("Delete", &of_table("Key"))),
        ("TransactWriteItems", transact("Update", &update)),
        ("TransactWriteItems", transact("ConditionCheck", &check)),
    ];
    for statement in [select, insert, set, drop] {
        calls.push(("ExecuteStatement", statement.clone()));
        calls.push(("BatchExecuteStatement", json!({"Statements": [statement]})));
        calls.push(("ExecuteTransaction", json!({"TransactStatements": [statement]})));
    }
    calls
}

/// Every way to reach a whole table without naming a key.
pub fn sweeping(table: &str, workspace: &str) -> Vec<(&'static str, Value)> {
    let all = json!({"Statement": format!("SELECT * FROM \"{table}\"")});
    vec![
        ("Scan", json!({"TableName": table})),
        ("Scan", json!({"TableName": table, "Segment": 0, "TotalSegments": 2})),
        // A filter is applied to what was read: it binds nothing.
        (
            "Scan",
            json!({"TableName": table, "FilterExpression": "begins_with(pk, :w)",
            "ExpressionAttributeValues": {":w": {"S": format!("W#{workspace}")}}}),
        ),
        ("ExecuteStatement", all.clone()),
        ("BatchExecuteStatement", json!({"Statements": [all]})),
    ]
}
