//! The peer: the same message handed to the same emulated SES by boto3.

use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context as _, bail};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::Stack;
use crate::backends::{OPERATOR, SECRET};
use crate::template::REGION;

/// Messages that it sends.
const MESSAGES: u32 = 500;
/// What it runs.
const SCRIPT: &str = include_str!("boto.py");

/// Microseconds of CPU a message.
pub(super) async fn micros(stack: &Stack, raw: &[u8]) -> anyhow::Result<f64> {
    let place = tempfile::tempdir()?;
    let python = python(place.path()).await?;
    let env = stack.backends().env();
    let endpoint = env.get("AWS_ENDPOINT_URL_SESV2").context("no SES")?;
    let mut child = Command::new(python)
        .args(["-c", SCRIPT, endpoint, &MESSAGES.to_string()])
        .env("AWS_DEFAULT_REGION", REGION)
        .env("AWS_ACCESS_KEY_ID", OPERATOR)
        .env("AWS_SECRET_ACCESS_KEY", SECRET)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    child.stdin.take().context("no standard input")?.write_all(raw).await?;
    let output = child.wait_with_output().await?;
    if !output.status.success() {
        bail!("boto3 failed: {}", String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or_default());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().parse()?)
}

/// A Python that has boto3: the machine's, or one with it installed beside, for this run.
async fn python(place: &std::path::Path) -> anyhow::Result<PathBuf> {
    let works = async |python: &std::path::Path| succeeds(Command::new(python).args(["-c", "import boto3"])).await;
    let system = PathBuf::from("python3");
    if works(&system).await {
        return Ok(system);
    }
    let own = place.join("bin/python3");
    let made = succeeds(Command::new("python3").args(["-m", "venv"]).arg(place)).await
        && succeeds(Command::new(&own).args(["-m", "pip", "install", "--quiet", "boto3"])).await;
    if made && works(&own).await {
        return Ok(own);
    }
    bail!("boto3 is not available here")
}

async fn succeeds(command: &mut Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().await.is_ok_and(|status| status.success())
}
