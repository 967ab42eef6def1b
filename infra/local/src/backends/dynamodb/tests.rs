//! The front of DynamoDB: permissions, units and faults, over HTTP.

use serde_json::{Value, json};

use crate::backends::faults::{DynamoDbPlan, Plan};
use crate::backends::tests::Stack;
use crate::meter::{Usage, units};

impl Stack {
    async fn dynamodb(&self, caller: &str, operation: &str, body: Value) -> (u16, Value) {
        self.json(caller, "DYNAMODB", &format!("DynamoDB_20120810.{operation}"), body).await
    }

    /// What one call of `writer` cost.
    async fn cost(&self, operation: &str, body: Value) -> (Usage, Value) {
        self.backends.meter().reset();
        let (_, answer) = self.dynamodb("writer", operation, body).await;
        let usage = self.backends.meter().snapshot().of("writer", &format!("dynamodb:{operation}"));
        (usage, answer)
    }

    async fn write_cost(&self, operation: &str, body: Value) -> f64 {
        let (usage, answer) = self.cost(operation, body).await;
        assert_eq!(usage.read_units, 0.0, "{answer}");
        usage.write_units
    }

    async fn read_cost(&self, operation: &str, body: Value) -> f64 {
        let (usage, answer) = self.cost(operation, body).await;
        assert_eq!(usage.write_units, 0.0, "{answer}");
        usage.read_units
    }
}

/// An item that weighs exactly `bytes` by AWS's rules.
fn item(pk: &str, sk: &str, bytes: usize) -> Value {
    let mut item = json!({"pk": {"S": pk}, "sk": {"S": sk}, "pad": {"S": ""}});
    let bare = units::item_size(item.as_object().unwrap());
    item["pad"]["S"] = "x".repeat(bytes - bare).into();
    assert_eq!(units::item_size(item.as_object().unwrap()), bytes);
    item
}

fn key(pk: &str, sk: &str) -> Value {
    json!({"pk": {"S": pk}, "sk": {"S": sk}})
}

#[tokio::test]
async fn a_call_needs_its_statement_and_its_partition() {
    let stack = Stack::start().await;
    let get = |pk: &str| json!({"TableName": "things", "Key": key(pk, "a")});
    assert_eq!(stack.dynamodb("reader", "GetItem", get("W#1#x")).await.0, 200);
    for (caller, operation, body) in [
        ("reader", "GetItem", get("W#2")),
        ("reader", "PutItem", json!({"TableName": "things", "Item": key("W#1", "a")})),
        ("reader", "Scan", json!({"TableName": "things"})),
        ("nobody", "GetItem", get("W#1")),
        ("reader", "ExecuteStatement", json!({"Statement": "SELECT * FROM things WHERE pk = 'W#1'"})),
    ] {
        let (status, answer) = stack.dynamodb(caller, operation, body).await;
        assert_eq!((status, &answer["__type"]), (400, &json!("AccessDeniedException")), "{caller} {operation}");
    }
    assert!(!stack.backends.meter().snapshot().functions.contains_key("nobody"));
}

#[tokio::test]
async fn single_writes_cost_what_aws_documents() {
    let stack = Stack::start().await;
    let put = |bytes| json!({"TableName": "things", "Item": item("W#1", "a", bytes)});
    assert_eq!(stack.write_cost("PutItem", put(500)).await, 1.0);
    assert_eq!(stack.write_cost("PutItem", put(1536)).await, 2.0);
    assert_eq!(stack.write_cost("PutItem", put(1024)).await, 2.0, "the larger of before and after");
    assert_eq!(stack.write_cost("PutItem", put(1024)).await, 1.0);
    let touch = json!({"TableName": "things", "Key": key("W#1", "a"), "UpdateExpression": "SET n = :n",
        "ExpressionAttributeValues": {":n": {"N": "1"}}});
    assert_eq!(stack.write_cost("UpdateItem", touch).await, 2.0, "1 KB and three bytes");
    let delete = json!({"TableName": "things", "Key": key("W#1", "a")});
    assert_eq!(stack.write_cost("DeleteItem", delete.clone()).await, 2.0);
    assert_eq!(stack.write_cost("DeleteItem", delete).await, 1.0, "deleting nothing");
}

#[tokio::test]
async fn failed_conditions_are_billed() {
    let stack = Stack::start().await;
    let put = |bytes| {
        json!({"TableName": "things", "Item": item("W#1", "a", bytes),
            "ConditionExpression": "attribute_not_exists(pk)"})
    };
    assert_eq!(stack.write_cost("PutItem", put(3000)).await, 3.0);
    assert_eq!(stack.write_cost("PutItem", put(100)).await, 3.0, "the item that stands is larger");
    assert_eq!(stack.write_cost("PutItem", put(5000)).await, 5.0, "the item that was to be is larger");
    let transaction = json!({"TransactItems": [{"Put": put(100)}]});
    let (usage, answer) = stack.cost("TransactWriteItems", transaction).await;
    assert_eq!(answer["CancellationReasons"][0]["Code"], "ConditionalCheckFailed");
    assert_eq!(usage.write_units, 6.0, "twice, in a transaction");
}

#[tokio::test]
async fn reads_cost_what_aws_documents() {
    let stack = Stack::start().await;
    for (sk, bytes) in [("a", 3584), ("b", 10_240), ("c", 64)] {
        stack.dynamodb("writer", "PutItem", json!({"TableName": "things", "Item": item("W#1", sk, bytes)})).await;
    }
    let get = |sk: &str, strong: bool| json!({"TableName": "things", "Key": key("W#1", sk), "ConsistentRead": strong});
    assert_eq!(stack.read_cost("GetItem", get("a", true)).await, 1.0);
    assert_eq!(stack.read_cost("GetItem", get("b", true)).await, 3.0);
    assert_eq!(stack.read_cost("GetItem", get("b", false)).await, 1.5);
    assert_eq!(stack.read_cost("GetItem", get("none", false)).await, 0.5);
    let keys = [key("W#1", "a"), key("W#1", "b"), key("W#1", "c")];
    let batch = json!({"RequestItems": {"things": {"Keys": keys, "ConsistentRead": true}}});
    assert_eq!(stack.read_cost("BatchGetItem", batch).await, 1.0 + 3.0 + 1.0, "rounded item by item");
    let query = json!({"TableName": "things", "KeyConditionExpression": "pk = :p",
        "ExpressionAttributeValues": {":p": {"S": "W#1"}}, "ConsistentRead": true});
    let sum = 3584 + 10_240 + 64;
    assert_eq!(stack.read_cost("Query", query.clone()).await, units::read_units(sum, true), "rounded once");
    let scan = json!({"TableName": "things"});
    assert_eq!(stack.read_cost("Scan", scan).await, units::read_units(sum, false));
    let transaction = json!({"TransactItems": [{"Get": {"TableName": "things", "Key": key("W#1", "b")}}]});
    assert_eq!(stack.read_cost("TransactGetItems", transaction).await, 6.0);
    let statement = json!({"Statement": "SELECT * FROM things WHERE pk = 'W#1' AND sk = 'b'", "ConsistentRead": true});
    assert_eq!(stack.read_cost("ExecuteStatement", statement).await, 3.0);
}

#[tokio::test]
async fn indexes_and_batches_are_added_up() {
    let stack = Stack::start().await;
    let mut indexed = item("W#1", "i", 1500);
    indexed["slot"] = json!({"S": "s"});
    let put = json!({"TableName": "things", "Item": indexed});
    assert_eq!(stack.write_cost("PutItem", put).await, 4.0, "two for the table, two for the index");
    let batch = json!({"RequestItems": {"things": [
        {"PutRequest": {"Item": item("W#1", "x", 500)}},
        {"PutRequest": {"Item": item("W#1", "y", 3584)}},
    ]}});
    assert_eq!(stack.write_cost("BatchWriteItem", batch).await, 5.0);
    let transaction = json!({"TransactItems": [
        {"Put": {"TableName": "things", "Item": item("W#1", "z", 2048)}},
    ]});
    assert_eq!(stack.write_cost("TransactWriteItems", transaction).await, 4.0);
}

#[tokio::test]
async fn a_batch_of_inserts_bills_duplicates_too() {
    let stack = Stack::start().await;
    let insert = |sk: &str, bytes: usize| {
        let item = item("W#1", sk, bytes);
        json!({
            "Statement": "INSERT INTO \"things\" VALUE {'pk': ?, 'sk': ?, 'pad': ?}",
            "Parameters": [item["pk"], item["sk"], item["pad"]],
        })
    };
    let first: Vec<Value> = (0..25).map(|n| insert(&format!("d{n}"), 200)).collect();
    assert_eq!(stack.write_cost("BatchExecuteStatement", json!({"Statements": first})).await, 25.0);
    let again: Vec<Value> = (20..30).map(|n| insert(&format!("d{n}"), 1500)).collect();
    let (usage, answer) = stack.cost("BatchExecuteStatement", json!({"Statements": again})).await;
    assert_eq!(answer["Responses"][0]["Error"]["Code"], "DuplicateItem");
    assert!(answer["Responses"][5]["Error"].is_null());
    assert_eq!(usage.write_units, 20.0, "five duplicates and five inserts of two units each");
    assert!(answer["ConsumedCapacity"].is_null(), "nobody asked");
    let all_duplicates: Vec<Value> = (0..3).map(|n| insert(&format!("d{n}"), 200)).collect();
    let (usage, _) = stack.cost("BatchExecuteStatement", json!({"Statements": all_duplicates})).await;
    assert_eq!(usage.write_units, 3.0);
}

#[tokio::test]
async fn capacity_is_shown_as_it_was_asked_for() {
    let stack = Stack::start().await;
    let put =
        |mode: &str| json!({"TableName": "things", "Item": item("W#1", "a", 100), "ReturnConsumedCapacity": mode});
    let (_, answer) = stack.cost("PutItem", put("TOTAL")).await;
    assert_eq!(answer["ConsumedCapacity"], json!({"TableName": "things", "CapacityUnits": 1.0}));
    let (_, answer) = stack.cost("PutItem", put("INDEXES")).await;
    assert_eq!(answer["ConsumedCapacity"]["Table"]["CapacityUnits"], 1.0);
    let (_, answer) = stack.cost("PutItem", put("NONE")).await;
    assert_eq!(answer, json!({}));
    let (status, _) = stack.dynamodb("writer", "PutItem", put("SOME")).await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn faults_strike_and_throttled_calls_are_free() {
    let stack = Stack::start().await;
    stack
        .backends
        .faults()
        .set(Plan { dynamodb: DynamoDbPlan { throttle_every: 2, ..DynamoDbPlan::default() }, ..Plan::default() });
    let put = json!({"TableName": "things", "Item": key("W#1", "a")});
    assert_eq!(stack.dynamodb("writer", "PutItem", put.clone()).await.0, 200);
    let (status, answer) = stack.dynamodb("writer", "PutItem", put.clone()).await;
    assert_eq!(status, 400);
    assert_eq!(answer["__type"], "ProvisionedThroughputExceededException");
    assert_eq!(stack.backends.meter().snapshot().of("writer", "dynamodb:PutItem").count, 1);

    let statement = |sk: &str| json!({"Statement": format!("INSERT INTO things VALUE {{'pk': 'W#1', 'sk': '{sk}'}}")});
    let statements = json!({"Statements": [statement("p"), statement("q"), statement("r")]});
    let (status, answer) = stack.dynamodb("writer", "BatchExecuteStatement", statements).await;
    assert_eq!(status, 200);
    assert_eq!(answer["Responses"][1]["Error"]["Code"], "ThrottlingError");
    assert_eq!(answer["Responses"].as_array().unwrap().len(), 3);

    stack.backends.faults().set(Plan {
        dynamodb: DynamoDbPlan { fail_after_commit_every: 1, ..DynamoDbPlan::default() },
        ..Plan::default()
    });
    let put = json!({"TableName": "things", "Item": key("W#1", "committed")});
    assert_eq!(stack.dynamodb("writer", "PutItem", put).await.0, 500);
    let get = json!({"TableName": "things", "Key": key("W#1", "committed")});
    let (_, answer) = stack.dynamodb("writer", "GetItem", get).await;
    assert!(answer["Item"].is_object(), "the write had been committed");
}

#[tokio::test]
async fn validation_errors_keep_their_type() {
    let stack = Stack::start().await;
    for (operation, body, wanted) in [
        ("PutItem", json!({"TableName": "things", "Item": {"pk": {"S": ""}, "sk": {"S": "a"}}}), "ValidationException"),
        ("GetItem", json!({"TableName": "nothing", "Key": key("a", "b")}), "AccessDeniedException"),
        ("Fly", json!({}), "UnknownOperationException"),
    ] {
        let (status, answer) = stack.dynamodb("writer", operation, body).await;
        assert_eq!(status, 400);
        let found = answer["__type"].as_str().unwrap();
        assert!(found.ends_with(wanted), "{operation}: {answer}");
    }
    let missing = json!({"TableName": "nothing", "Key": key("a", "b")});
    let (_, answer) = stack.dynamodb("operator", "GetItem", missing).await;
    assert!(answer["__type"].as_str().unwrap().ends_with("ResourceNotFoundException"));
}

#[tokio::test]
async fn a_restart_finds_its_tables_again() {
    use crate::backends::State;
    let directory = tempfile::tempdir().unwrap();
    let state = || State::Dir(directory.path().to_owned());
    {
        let stack = Stack::start_in(state()).await;
        let put = json!({"TableName": "things", "Item": key("W#1", "kept")});
        assert_eq!(stack.dynamodb("writer", "PutItem", put).await.0, 200);
    }
    let stack = Stack::start_in(state()).await;
    let get = json!({"TableName": "things", "Key": key("W#1", "kept")});
    assert!(stack.dynamodb("writer", "GetItem", get).await.1["Item"].is_object());
}

#[tokio::test]
async fn the_sweep_follows_the_movable_clock() {
    let stack = Stack::start().await;
    let now = stack.clock.now().as_second();
    for (sk, ttl) in [("soon", now + 3_600), ("late", now + 100_000_000), ("past", now - 1)] {
        let mut item = key("W#1", sk);
        item["ttl"] = json!({"N": ttl.to_string()});
        let put = json!({"TableName": "things", "Item": item});
        assert_eq!(stack.dynamodb("writer", "PutItem", put).await.0, 200);
    }
    let put = json!({"TableName": "things", "Item": key("W#1", "for ever")});
    assert_eq!(stack.dynamodb("writer", "PutItem", put).await.0, 200);
    stack.backends.meter().reset();
    assert_eq!(stack.backends.sweep_ttl().await.unwrap(), 1);
    let tomorrow = stack.clock.now().checked_add(jiff::SignedDuration::from_hours(24)).unwrap();
    stack.clock.set(tomorrow);
    assert_eq!(stack.backends.sweep_ttl().await.unwrap(), 1);
    assert!(stack.backends.meter().snapshot().functions.is_empty(), "AWS deletes for nothing");
    let (_, left) = stack.dynamodb("writer", "Scan", json!({"TableName": "things"})).await;
    assert_eq!(left["Count"], 2);
}
