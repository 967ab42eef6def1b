//! A small stack to test against, and the tests of the services too small to have a file of their own.

mod sdk;

use std::path::Path;

use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::*;
use crate::template::Inputs;

const TEMPLATE: &str = include_str!("tests/template.yaml");

/// A running set of back ends, and a client that signs in anybody's name.
pub(super) struct Stack {
    pub(super) backends: Backends,
    pub(super) clock: Clock,
    pub(super) created: UnboundedReceiver<ObjectCreated>,
    pub(super) http: reqwest::Client,
}

impl Stack {
    pub(super) async fn start() -> Self {
        Self::start_in(State::Memory).await
    }

    pub(super) async fn start_in(state: State) -> Self {
        let template = Template::parse(TEMPLATE, &Inputs::default()).unwrap();
        let clock = Clock::new();
        let (sender, created) = unbounded_channel();
        Self {
            backends: Backends::start(&template, state, clock.clone(), sender).await.unwrap(),
            clock,
            created,
            http: reqwest::Client::new(),
        }
    }

    pub(super) fn url(&self, service: &str) -> String {
        self.backends.env[&format!("AWS_ENDPOINT_URL_{service}")].clone()
    }

    /// One call of the JSON protocols: the status and the answer.
    pub(super) async fn json(&self, caller: &str, service: &str, target: &str, body: Value) -> (u16, Value) {
        let response = self
            .http
            .post(self.url(service))
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-target", target)
            .header("authorization", credential(caller, service))
            .body(body.to_string())
            .send()
            .await
            .unwrap();
        let status = response.status().as_u16();
        (status, response.json().await.unwrap())
    }

    /// A call that has to succeed.
    pub(super) async fn ok(&self, caller: &str, service: &str, target: &str, body: Value) -> Value {
        let (status, answer) = self.json(caller, service, target, body).await;
        assert_eq!(status, 200, "{target}: {answer}");
        answer
    }
}

pub(super) fn credential(caller: &str, service: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential={caller}/20260101/eu-west-3/{service}/aws4_request, SignedHeaders=host, Signature=0"
    )
}

#[tokio::test]
async fn everything_listens_on_loopback() {
    let stack = Stack::start().await;
    let env = stack.backends.env();
    assert_eq!(env["AWS_REGION"], "eu-west-3");
    for service in ["DYNAMODB", "SQS", "S3", "SESV2", "KMS", "SECRETS_MANAGER", "STS"] {
        let url = &env[&format!("AWS_ENDPOINT_URL_{service}")];
        assert!(url.starts_with("http://127.0.0.1:"), "{url}");
    }
}

#[tokio::test]
async fn kms_keeps_contexts_and_limits() {
    let stack = Stack::start().await;
    let kms = |operation: &str, body: Value| {
        let target = format!("TrentService.{operation}");
        let stack = &stack;
        async move { stack.json("writer", "KMS", &target, body).await }
    };
    let (_, described) = kms("DescribeKey", json!({"KeyId": "alias/data"})).await;
    let key = described["KeyMetadata"]["Arn"].as_str().unwrap().to_owned();
    let context = json!({"workspace": "ws_1", "purpose": "relay"});
    let (status, made) =
        kms("GenerateDataKey", json!({"KeyId": key, "KeySpec": "AES_256", "EncryptionContext": context})).await;
    assert_eq!(status, 200, "{made}");
    let (status, opened) =
        kms("Decrypt", json!({"CiphertextBlob": made["CiphertextBlob"], "EncryptionContext": context})).await;
    assert_eq!(status, 200);
    assert_eq!(opened["Plaintext"], made["Plaintext"]);
    let (status, refused) =
        kms("Decrypt", json!({"CiphertextBlob": made["CiphertextBlob"], "EncryptionContext": {"workspace": "ws_2"}}))
            .await;
    assert_eq!((status, &refused["__type"]), (400, &json!("InvalidCiphertextException")));

    use base64::Engine as _;
    let long = base64::engine::general_purpose::STANDARD.encode([0_u8; 4097]);
    let (status, _) = kms("Encrypt", json!({"KeyId": key, "Plaintext": long})).await;
    assert_eq!(status, 400);
    let (status, refused) =
        stack.json("reader", "KMS", "TrentService.Decrypt", json!({"CiphertextBlob": made["CiphertextBlob"]})).await;
    assert_eq!((status, &refused["__type"]), (400, &json!("AccessDeniedException")));
    let usage = stack.backends.meter().snapshot().of("writer", "kms:Decrypt");
    assert_eq!(usage.requests, 1, "refused calls are not billed");
}

#[tokio::test]
async fn secrets_are_generated_once() {
    let directory = tempfile::tempdir().unwrap();
    let state = || State::Dir(directory.path().to_owned());
    let read = |stack: Stack| async move {
        let arn = "arn:aws:secretsmanager:eu-west-3:000000000000:secret:";
        let id = stack.backends.iam().unused().into_iter().find(|unused| unused.part.starts_with(arn)).unwrap().part;
        let answer =
            stack.ok("writer", "SECRETS_MANAGER", "secretsmanager.GetSecretValue", json!({"SecretId": id})).await;
        let (status, _) =
            stack.json("reader", "SECRETS_MANAGER", "secretsmanager.GetSecretValue", json!({"SecretId": id})).await;
        assert_eq!(status, 400, "only its owner may read a secret");
        answer["SecretString"].as_str().unwrap().to_owned()
    };
    let first = read(Stack::start_in(state()).await).await;
    let json: Value = serde_json::from_str(&first).unwrap();
    assert_eq!(json["v1"].as_str().unwrap().len(), 40);
    assert_eq!(first, read(Stack::start_in(state()).await).await);
}

#[tokio::test]
async fn unused_permissions_are_named() {
    let stack = Stack::start().await;
    let before = stack.backends.iam().unused();
    let of_reader = |unused: &[crate::iam::Unused]| unused.iter().filter(|one| one.function == "reader").count();
    assert!(of_reader(&before) >= 2);
    stack
        .ok(
            "reader",
            "DYNAMODB",
            "DynamoDB_20120810.GetItem",
            json!({
                "TableName": "things", "Key": {"pk": {"S": "W#1"}, "sk": {"S": "a"}},
            }),
        )
        .await;
    let after = stack.backends.iam().unused();
    assert!(of_reader(&after) < of_reader(&before));
    let used = stack.backends.iam().used();
    assert_eq!(used[0].sid, "ReadThings");
}

#[tokio::test]
async fn meter_and_faults_answer_over_http() {
    let stack = Stack::start().await;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(axum::serve(listener, stack.backends.router()).into_future());
    stack.ok("operator", "DYNAMODB", "DynamoDB_20120810.ListTables", json!({})).await;
    let meter: Value = stack.http.get(format!("{url}/_local/meter")).send().await.unwrap().json().await.unwrap();
    assert_eq!(meter["functions"]["operator"]["calls"]["dynamodb:ListTables"]["count"], 1);
    assert_eq!(meter["money"]["region"], "eu-west-3");
    stack.http.post(format!("{url}/_local/meter/reset")).send().await.unwrap();
    let meter: Value = stack.http.get(format!("{url}/_local/meter")).send().await.unwrap().json().await.unwrap();
    assert_eq!(meter["functions"], json!({}));

    let plan = json!({"dynamodb": {"throttle_every": 1}});
    let set: Value =
        stack.http.post(format!("{url}/_local/faults")).json(&plan).send().await.unwrap().json().await.unwrap();
    assert_eq!(set["dynamodb"]["throttle_every"], 1);
    let (status, refused) = stack.json("operator", "DYNAMODB", "DynamoDB_20120810.ListTables", json!({})).await;
    assert_eq!((status, &refused["__type"]), (400, &json!("ProvisionedThroughputExceededException")));
}

#[test]
fn small_files_are_remembered() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a.json");
    assert_eq!(remembered::<BTreeMap<String, String>>(Some(&file)).unwrap(), BTreeMap::new());
    let content = BTreeMap::from([("a".to_owned(), "b".to_owned())]);
    remember(Some(&file), &content).unwrap();
    assert_eq!(remembered::<BTreeMap<String, String>>(Some(&file)).unwrap(), content);
    remember(None::<&Path>, &content).unwrap();
}
