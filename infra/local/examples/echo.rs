//! A function for the runner's own tests: the Lambda Runtime API by hand, nothing else. It echoes
//! requests, fails the records that say so, and crashes, hangs or errs when asked.

#![expect(clippy::print_stderr, reason = "its lines are what the tests look for")]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Value, json};

fn main() -> anyhow::Result<()> {
    let api = std::env::var("AWS_LAMBDA_RUNTIME_API")?;
    let address = api.strip_prefix("http://").unwrap_or(&api);
    let (host, base) = address.split_once('/').context("the runner gives a base path")?;
    let base = format!("/{base}/2018-06-01/runtime");
    if std::env::var("BREAK").is_ok_and(|how| how == "start") {
        call(host, "POST", &format!("{base}/init/error"), r#"{"errorType": "Init", "errorMessage": "told to"}"#)?;
        std::process::exit(1);
    }
    eprintln!("started");
    loop {
        let (head, body) = call(host, "GET", &format!("{base}/invocation/next"), "")?;
        let id = header(&head, "lambda-runtime-aws-request-id").context("an invocation has an id")?;
        header(&head, "lambda-runtime-deadline-ms").context("an invocation has a deadline")?;
        let event: Value = serde_json::from_str(&body)?;
        let (end, answer) = match answer(&event) {
            Ok(answer) => ("response", answer),
            Err(message) => ("error", json!({"errorType": "Asked", "errorMessage": message})),
        };
        call(host, "POST", &format!("{base}/invocation/{id}/{end}"), &answer.to_string())?;
    }
}

fn answer(event: &Value) -> Result<Value, String> {
    if let Some(records) = event["Records"].as_array() {
        let mut failures = Vec::new();
        for record in records {
            let first = record["attributes"]["ApproximateReceiveCount"] == "1";
            let body = record["body"].as_str().unwrap_or_default();
            eprintln!("record {body}");
            match body {
                "crash once" if first => std::process::exit(3),
                "fail once" if first => {
                    failures.push(json!({"itemIdentifier": record["messageId"]}));
                }
                "fail always" => failures.push(json!({"itemIdentifier": record["messageId"]})),
                _ => {}
            }
        }
        return Ok(json!({ "batchItemFailures": failures }));
    }
    match event["rawPath"].as_str() {
        Some("/crash") => std::process::exit(3),
        Some("/hang") => {
            std::thread::sleep(Duration::from_secs(600));
            Ok(Value::Null)
        }
        Some("/err") => Err("told to".to_owned()),
        Some("/env") => Ok(json!({ "env": std::env::vars().collect::<std::collections::BTreeMap<_, _>>() })),
        Some("/pid") => Ok(json!({ "pid": std::process::id() })),
        Some(_) => Ok(json!({
            "statusCode": 200,
            "headers": {"content-type": "application/json"},
            "cookies": ["seen=1"],
            "body": event.to_string(),
        })),
        None => Ok(json!({ "time": event["time"] })),
    }
}

fn call(host: &str, method: &str, path: &str, body: &str) -> anyhow::Result<(String, String)> {
    let mut stream = TcpStream::connect(host)?;
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: {host}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("no HTTP answer")?;
    Ok((head.to_owned(), body.to_owned()))
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let lines = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    lines.into_iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}
