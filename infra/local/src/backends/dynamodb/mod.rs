//! DynamoDB: an in-process database behind our own listener, which knows who calls, checks the permission,
//! measures the call and breaks it on request.

mod access;
mod bill;
mod dispatch;
mod partiql;
mod throttle;

use std::collections::BTreeMap;
use std::path::Path;

use bytes::Bytes;
use dynoxide::Database;
use http::{Method, Request, Response, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::faults::{Faults, Place};
use super::front::{self, Reply, Service};
use crate::iam::{Context, Iam};
use crate::meter::Meter;
use crate::template::{ACCOUNT, REGION, Table};

/// What a throttled caller is told.
const THROTTLED: &str = "ProvisionedThroughputExceededException";
const THROTTLED_BECAUSE: &str = "The level of configured provisioned throughput for the table was exceeded. \
    Consider increasing your provisioning level with the UpdateTable API.";

/// The key attributes of every table and index.
#[derive(Debug, Default)]
pub(super) struct Schemas(BTreeMap<String, Schema>);

#[derive(Debug, Default)]
struct Schema {
    keys: Vec<String>,
    /// Index → its partition key.
    indexes: BTreeMap<String, String>,
}

impl Schemas {
    /// From CreateTable requests.
    fn new<'a>(tables: impl IntoIterator<Item = &'a Value>) -> Self {
        let keys = |json: &Value| -> Vec<String> {
            let schema = json["KeySchema"].as_array().into_iter().flatten();
            let named = schema.filter_map(|key| key["AttributeName"].as_str());
            named.map(str::to_owned).collect()
        };
        let mut schemas = BTreeMap::new();
        for table in tables {
            let mut schema = Schema { keys: keys(table), indexes: BTreeMap::new() };
            for kind in ["GlobalSecondaryIndexes", "LocalSecondaryIndexes"] {
                for index in table[kind].as_array().into_iter().flatten() {
                    let name = index["IndexName"].as_str().unwrap_or_default();
                    if let Some(key) = keys(index).into_iter().next() {
                        schema.indexes.insert(name.to_owned(), key);
                    }
                }
            }
            let name = table["TableName"].as_str().unwrap_or_default();
            schemas.insert(name.to_owned(), schema);
        }
        Self(schemas)
    }

    /// The partition key of a table or of one of its indexes.
    fn partition_key(&self, table: &str, index: Option<&str>) -> Option<&str> {
        let schema = self.0.get(table)?;
        match index {
            Some(index) => schema.indexes.get(index).map(String::as_str),
            None => schema.keys.first().map(String::as_str),
        }
    }

    /// The key attributes of a table, partition first.
    fn keys(&self, table: &str) -> &[String] {
        self.0.get(table).map_or(&[], |schema| &schema.keys)
    }
}

/// The emulated DynamoDB of one stack.
pub(crate) struct DynamoDb {
    database: Database,
    schemas: Schemas,
    /// Table → the attribute that holds its expiry.
    ttl: BTreeMap<String, String>,
    iam: Iam,
    meter: Meter,
    faults: Faults,
}

impl DynamoDb {
    /// Opens the database (in memory without a directory) and creates the tables that are missing.
    pub(crate) fn open(
        directory: Option<&Path>,
        tables: &[Table],
        iam: Iam,
        meter: Meter,
        faults: Faults,
    ) -> anyhow::Result<Self> {
        let database = match directory {
            None => Database::memory()?,
            Some(directory) => {
                let path = directory.join("dynamodb.sqlite");
                let path = path.to_str().ok_or_else(|| anyhow::anyhow!("{} is not UTF-8", path.display()))?;
                let database = Database::new(path)?;
                // No fsync per write: the state survives the death of this process, which is what a developer
                // needs; a power cut may cost the last second.
                database.enable_bulk_loading()?;
                database
            }
        };
        for table in tables {
            create(&database, table)?;
        }
        Ok(Self {
            database,
            schemas: Schemas::new(tables.iter().map(|table| &table.create)),
            ttl: tables.iter().filter_map(|table| Some((table.name.clone(), table.ttl_attribute.clone()?))).collect(),
            iam,
            meter,
            faults,
        })
    }

    /// The database itself, for tests and tools.
    pub(crate) fn database(&self) -> &Database {
        &self.database
    }

    /// Deletes what is past its TTL attribute, as AWS does sooner or later: unmetered, free. It blocks.
    pub(crate) fn sweep_ttl(&self, now: Timestamp) -> anyhow::Result<usize> {
        let mut deleted = 0;
        for (table, attribute) in &self.ttl {
            let mut start = Value::Null;
            loop {
                let mut scan = json!({
                    "TableName": table,
                    "FilterExpression": "#ttl < :now",
                    "ExpressionAttributeNames": {"#ttl": attribute},
                    "ExpressionAttributeValues": {":now": {"N": now.as_second().to_string()}},
                });
                if !start.is_null() {
                    scan["ExclusiveStartKey"] = start;
                }
                let mut page = run_or_fail(&self.database, "Scan", &scan)?;
                for item in page["Items"].as_array().into_iter().flatten() {
                    let mut key = json!({});
                    for name in self.schemas.keys(table) {
                        key[name] = item[name].clone();
                    }
                    run_or_fail(&self.database, "DeleteItem", &json!({"TableName": table, "Key": key}))?;
                    deleted += 1;
                }
                start = page["LastEvaluatedKey"].take();
                if start.is_null() {
                    break;
                }
            }
        }
        Ok(deleted)
    }

    fn authorize(&self, caller: Option<&str>, operation: &str, body: &Value) -> Result<(), String> {
        for need in access::needs(operation, body, &self.schemas) {
            let mut arn = format!("arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{}", need.table);
            if let Some(index) = &need.index {
                arn.push_str("/index/");
                arn.push_str(index);
            }
            let keys = need.leading_keys.iter().map(String::as_str);
            let context = Context::new()
                .with("aws:SecureTransport", "true")
                .with_many("dynamodb:LeadingKeys", keys)
                .with_many("dynamodb:EnclosingOperation", need.enclosing);
            self.iam.authorize(caller, need.action, &arn, &context)?;
        }
        Ok(())
    }

    async fn run(&self, operation: String, body: String) -> Result<dispatch::Done, Reply> {
        let database = self.database.clone();
        let run = move || dispatch::run(&database, &operation, &body);
        tokio::task::spawn_blocking(run).await.map_err(|error| {
            tracing::error!(%error, "the database panicked");
            front::error(StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError", "The emulated database failed.")
                .into()
        })
    }
}

impl Service for DynamoDb {
    const MAX_BODY: usize = 16 * 1024 * 1024;

    /// A transaction is cancelled, because another one holds its items; everything else is throttled.
    fn overloaded(&self, operation: &str, request: &[u8]) -> Response<Bytes> {
        if operation != "TransactWriteItems" {
            return front::error(StatusCode::BAD_REQUEST, THROTTLED, THROTTLED_BECAUSE);
        }
        let request: Value = serde_json::from_slice(request).unwrap_or_default();
        let items = request["TransactItems"].as_array().map_or(1, Vec::len);
        let codes = vec!["TransactionConflict"; items];
        let message = format!(
            "Transaction cancelled, please refer cancellation reasons for specific reasons [{}]",
            codes.join(", ")
        );
        let reason = |code| json!({"Code": code, "Message": "Transaction is ongoing for the item"});
        let body = json!({
            "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
            "Message": message,
            "CancellationReasons": codes.into_iter().map(reason).collect::<Vec<Value>>(),
        });
        front::answer(StatusCode::BAD_REQUEST, &body)
    }

    async fn call(&self, request: Request<Bytes>) -> Reply {
        let refuse = |code, message: &str| front::error(StatusCode::BAD_REQUEST, code, message).into();
        if request.method() != Method::POST {
            return front::error(StatusCode::NOT_FOUND, "UnknownOperationException", "").into();
        }
        let Some(operation) = front::target(request.headers()) else {
            return refuse("UnknownOperationException", "X-Amz-Target is missing.");
        };
        let Ok(mut json) = serde_json::from_slice::<Value>(request.body()) else {
            return refuse("SerializationException", "The body is not JSON.");
        };
        let caller = front::caller(request.headers(), request.uri());
        let Some(name) = caller.as_deref() else {
            return refuse("MissingAuthenticationTokenException", "Request is missing Authentication Token");
        };
        if self.iam.is_expired(name) {
            return refuse("ExpiredTokenException", "The security token included in the request is expired");
        }
        if let Err(message) = self.authorize(Some(name), operation, &json) {
            // DynamoDB answers 400 where the REST services answer 403.
            return refuse("AccessDeniedException", &message);
        }
        let page = self.faults.plan().dynamodb.scan_page;
        let short = operation == "Scan" && page > 0;
        if short {
            json["Limit"] = page.into();
        }
        let throttled = match throttle::apply(&self.faults, operation, &mut json) {
            throttle::Verdict::Refuse => {
                return refuse(THROTTLED, THROTTLED_BECAUSE);
            }
            throttle::Verdict::Run(held_back) => held_back,
        };
        let body = if throttled.is_empty() && !short {
            // The common case: the very bytes that the caller wrote.
            match String::from_utf8(request.body().to_vec()) {
                Ok(body) => body,
                Err(_) => return refuse("SerializationException", "The body is not UTF-8."),
            }
        } else if !throttled.is_empty() && throttled.is_everything(&json) {
            return front::answer(StatusCode::OK, &throttled.only()).into();
        } else {
            json.to_string()
        };
        let bytes_in = body.len();
        let mut done = match self.run(operation.to_owned(), body).await {
            Ok(done) => done,
            Err(reply) => return reply,
        };
        let mut usage = bill::usage(&bill::Call {
            database: &self.database,
            schemas: &self.schemas,
            operation,
            request: &json,
            done: &done,
        });
        if !throttled.is_empty() && done.status.is_success() {
            done.body = throttled.merge(&done.body);
        }
        usage.bytes = (bytes_in + done.body.len()) as u64;
        self.meter.call(&self.iam.function_of(name), &format!("dynamodb:{operation}"), &usage);
        if done.status.is_success() && bill::writes(operation) && self.faults.strikes(Place::DynamoDbAfterCommit) {
            return front::error(
                StatusCode::INTERNAL_SERVER_ERROR,
                "InternalServerError",
                "The request processing has failed because of an unknown error.",
            )
            .into();
        }
        front::raw_answer(done.status, done.body.into()).into()
    }
}

fn create(database: &Database, table: &Table) -> anyhow::Result<()> {
    if database.get_table_metadata(&table.name)?.is_some() {
        return Ok(());
    }
    let mut request = json!({});
    // What concerns billing, backup and encryption has no meaning here.
    for key in [
        "TableName",
        "KeySchema",
        "AttributeDefinitions",
        "BillingMode",
        "GlobalSecondaryIndexes",
        "LocalSecondaryIndexes",
    ] {
        if !table.create[key].is_null() {
            request[key] = table.create[key].clone();
        }
    }
    run_or_fail(database, "CreateTable", &request)?;
    if let Some(attribute) = &table.ttl_attribute {
        let request = json!({
            "TableName": table.name,
            "TimeToLiveSpecification": {"AttributeName": attribute, "Enabled": true},
        });
        run_or_fail(database, "UpdateTimeToLive", &request)?;
    }
    Ok(())
}

fn run_or_fail(database: &Database, operation: &str, request: &Value) -> anyhow::Result<Value> {
    let done = dispatch::run(database, operation, &request.to_string());
    anyhow::ensure!(
        done.status.is_success(),
        "{operation} of {}: {}",
        request["TableName"],
        String::from_utf8_lossy(&done.body)
    );
    Ok(serde_json::from_slice(&done.body)?)
}

#[cfg(test)]
mod tests;
