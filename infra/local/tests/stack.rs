//! The runner end to end, with the function of `examples/echo.rs`.

#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use local::{Failure, Options, Stack};
use serde_json::{Value, json};

fn options(keep: &tempfile::TempDir) -> Options {
    let parameters = keep.path().join("parameters.toml");
    std::fs::write(&parameters, "").unwrap();
    Options {
        template_path: Some(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/echo.yaml")),
        parameters_path: Some(parameters),
        bin_dir: Some(examples()),
        visibility_timeout: Some(Duration::from_millis(600)),
        ..Options::test()
    }
}

/// `target/debug/examples`, beside the folder of this test: cargo builds both for `cargo test`.
fn examples() -> PathBuf {
    let here = std::env::current_exe().unwrap();
    here.ancestors().nth(2).unwrap().join("examples")
}

async fn start() -> Stack {
    let keep = tempfile::tempdir().unwrap();
    Stack::start(options(&keep)).await.unwrap()
}

async fn get(stack: &Stack, path: &str) -> (u16, Value) {
    let response = reqwest::get(format!("{}{path}", stack.url())).await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap_or_default())
}

async fn post(stack: &Stack, path: &str, body: &Value) -> (u16, Value) {
    let request = reqwest::Client::new().post(format!("{}{path}", stack.url())).json(body);
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap_or_default())
}

fn queue(stack: &Stack, name: &str) -> String {
    let queues = &stack.template().queues;
    queues.iter().find(|queue| queue.logical_id == name).unwrap().arn.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_reach_the_function_and_its_answers_come_back() {
    let stack = start().await;
    let request = reqwest::Client::new()
        .post(format!("{}/u/to%20ken?a=1&a=2", stack.url()))
        .header("content-type", "application/x-www-form-urlencoded")
        .header("cookie", "x=1; y=2")
        .body("List-Unsubscribe=One-Click");
    let response = request.send().await.unwrap();
    assert_eq!(response.status().as_u16(), 200);
    assert_eq!(response.headers()["set-cookie"], "seen=1");
    let event: Value = response.json().await.unwrap();
    assert_eq!(event["routeKey"], "ANY /{proxy+}");
    assert_eq!(event["pathParameters"]["proxy"], "u/to ken");
    assert_eq!(event["queryStringParameters"]["a"], "1,2");
    assert_eq!(event["cookies"], json!(["x=1", "y=2"]));
    assert_eq!(event["isBase64Encoded"], true);
    assert_eq!(get(&stack, "/items/7").await.1["routeKey"], "GET /items/{id}");
    assert_eq!(get(&stack, "/_local/clock").await.0, 200);
    let head = reqwest::Client::new().head(format!("{}/x", stack.url())).send().await.unwrap();
    assert_eq!(head.status().as_u16(), 200);
    let large = vec![0_u8; 10 * 1024 * 1024 + 1];
    let refused = reqwest::Client::new().post(format!("{}/x", stack.url())).body(large).send().await.unwrap();
    assert_eq!(refused.status().as_u16(), 413);
    stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_has_the_environment_of_the_template_and_nothing_of_this_machine() {
    let stack = start().await;
    let (_, answer) = get(&stack, "/env").await;
    let env = answer["env"].as_object().unwrap();
    assert!(!env.contains_key("PATH") && !env.contains_key("HOME"));
    assert_eq!(env["PUBLIC_URL"], stack.url());
    assert_eq!(env["AWS_ACCESS_KEY_ID"], "echo");
    let endpoint = env["AWS_ENDPOINT_URL_SQS"].as_str().unwrap();
    assert_eq!(env["QUEUE_URL"], format!("{endpoint}/000000000000/prospectra-Queue"));
    stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_crashes_hangs_or_errs_is_answered_and_replaced() {
    let stack = start().await;
    assert_eq!(get(&stack, "/crash").await.0, 502);
    assert_eq!(get(&stack, "/err").await.0, 500);
    assert_eq!(get(&stack, "/hang").await.0, 503);
    let (status, first) = get(&stack, "/pid").await;
    assert_eq!(status, 200);
    assert_eq!(get(&stack, "/pid").await.1, first, "a process is used again");
    assert_eq!(stack.kill("echo").await, 1);
    assert_ne!(get(&stack, "/pid").await.1, first);
    assert!(stack.starts("echo").len() >= 3);
    assert!(stack.logs().iter().any(|line| line.function == "echo" && line.line == "started"));
    let unknown = stack.invoke("nobody", &json!({})).await;
    assert_eq!(unknown.unwrap_err(), Failure::Unknown("nobody".to_owned()));
    stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invocation_under_way_ends_with_its_process() {
    let stack = start().await;
    let url = format!("{}/hang", stack.url());
    let hanging = tokio::spawn(async move { reqwest::get(url).await.unwrap().status().as_u16() });
    let mut patience = 500;
    while stack.starts("echo").is_empty() && patience > 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        patience -= 1;
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(stack.kill("echo").await, 1);
    assert_eq!(hanging.await.unwrap(), 502);
    stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_cannot_start_says_why() {
    let keep = tempfile::tempdir().unwrap();
    let mut options = options(&keep);
    options.overrides.insert("Break".to_owned(), "start".to_owned());
    let stack = Stack::start(options).await.unwrap();
    let failure = stack.invoke("echo", &json!({})).await.unwrap_err();
    assert_eq!(failure, Failure::Unstartable("Init: told to".to_owned()));
    assert_eq!(get(&stack, "/x").await.0, 502);
    stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn records_are_delivered_until_they_succeed_or_die() {
    let stack = start().await;
    let (arn, dead) = (queue(&stack, "Queue"), queue(&stack, "Dead"));
    let sqs = stack.backends().sqs();
    for body in ["fine", "fail once", "fail always", "crash once"] {
        sqs.send(&arn, body.to_owned()).unwrap();
    }
    stack.quiet(Duration::from_secs(30)).await.unwrap();
    let logs = stack.logs();
    let seen = |body: &str| logs.iter().filter(|line| line.line == format!("record {body}")).count();
    assert_eq!((seen("fail once"), seen("fail always"), seen("crash once")), (2, 2, 2));
    assert_eq!(sqs.counts(&dead).unwrap().visible, 1);
    stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_is_invoked_by_lambdas_own_api() {
    let stack = start().await;
    let invoke = async |name: &str, body: &'static str| {
        let path = format!("{}/_local/lambda/2015-03-31/functions/{name}/invocations", stack.url());
        let answer = reqwest::Client::new().post(path).body(body).send().await.unwrap();
        let error = answer.headers().get("x-amz-function-error").map(|kind| kind.to_str().unwrap().to_owned());
        (answer.status().as_u16(), error, answer.json::<Value>().await.unwrap())
    };
    let function = &stack.template().functions[0];
    for name in [&function.name, &function.logical_id, "echo"] {
        let (status, error, answer) = invoke(name, r#"{"source": "aws.events", "time": "2031-05-01T12:00:00Z"}"#).await;
        assert_eq!((status, error), (200, None), "{answer}");
        assert_eq!(answer["time"], "2031-05-01T12:00:00Z");
    }
    let (status, error, answer) = invoke("echo", r#"{"rawPath": "/err"}"#).await;
    assert_eq!((status, error.as_deref()), (200, Some("Unhandled")), "{answer}");
    assert_eq!(answer, json!({"errorType": "Asked", "errorMessage": "told to"}));
    assert_eq!(invoke("echo", "").await.2["time"], Value::Null);
    assert_eq!(invoke("echo", "{").await.0, 400);
    let (status, _, answer) = invoke("nobody", "{}").await;
    assert!(status == 404 && answer["Message"].as_str().unwrap().contains("echo"), "{answer}");
    stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clock_moves_and_schedules_fire_once() {
    let stack = start().await;
    let (status, answer) = post(&stack, "/_local/clock", &json!({"now": "2031-05-01T12:00:00Z"})).await;
    assert_eq!(status, 200);
    assert_eq!(answer["fired"].as_array().unwrap().len(), 1);
    assert_eq!(answer["fired"][0]["result"]["time"], "2031-05-01T12:00:00Z");
    let again = stack.set_clock("2031-05-01T13:00:00Z".parse().unwrap()).await;
    assert!(again.is_empty());
    let (_, event) = get(&stack, "/x").await;
    assert!(event["requestContext"]["time"].as_str().unwrap().starts_with("01/May/2031:13:00:0"));
    let (status, fired) = post(&stack, "/_local/schedules/daily", &json!({})).await;
    assert_eq!((status, &fired["ok"]), (200, &json!(true)));
    assert_eq!(post(&stack, "/_local/schedules/hourly", &json!({})).await.0, 404);
    assert_eq!(stack.fire("daily").await.unwrap().function, "echo");
    assert_eq!(post(&stack, "/_local/quiet", &json!({})).await.0, 200);
    stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stacks_live_side_by_side_and_leave_nothing_running() {
    let (one, two) = (start().await, start().await);
    assert_ne!(one.url(), two.url());
    get(&one, "/x").await;
    get(&two, "/x").await;
    let pids = [one.pids("echo"), two.pids("echo")].concat();
    assert_eq!(pids.len(), 2);
    one.stop().await;
    drop(two);
    let alive = |pid: &u32| Path::new(&format!("/proc/{pid}")).exists();
    let mut patience = 100;
    while pids.iter().any(alive) && patience > 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        patience -= 1;
    }
    assert!(!pids.iter().any(alive));
}

#[tokio::test(flavor = "multi_thread")]
async fn state_is_used_by_one_runner_at_a_time() {
    let keep = tempfile::tempdir().unwrap();
    let mut options = options(&keep);
    options.ephemeral = false;
    options.state_dir = Some(keep.path().join("state"));
    let first = Stack::start(options.clone()).await.unwrap();
    let refused = Stack::start(options.clone()).await.err().unwrap().to_string();
    assert!(refused.contains("another runner"), "{refused}");
    first.stop().await;
    Stack::start(options).await.unwrap().stop().await;
}
