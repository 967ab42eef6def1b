//! A function's process: how it is started, listened to and ended.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

use crate::console::Console;
use crate::template::Function;

/// A running process. It is killed if this is dropped.
pub(crate) struct Process {
    pub(crate) pid: u32,
    child: Child,
    outputs: Vec<JoinHandle<()>>,
}

impl Process {
    pub(crate) fn spawn(
        path: &Path,
        env: &BTreeMap<String, String>,
        binary: &str,
        console: &Arc<Console>,
    ) -> anyhow::Result<Process> {
        // Nothing of this machine's environment reaches a function: it would not be there on AWS.
        // In a group of its own, Ctrl-C at the terminal reaches the runner alone.
        let mut child = Command::new(path)
            .env_clear()
            .envs(env)
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot run {}", path.display()))?;
        let pid = child.id().context("the process ended at once")?;
        let mut outputs = Vec::new();
        outputs.extend(child.stdout.take().map(|out| follow(binary, console, out)));
        outputs.extend(child.stderr.take().map(|err| follow(binary, console, err)));
        Ok(Process { pid, child, outputs })
    }

    /// Waits for its end, and kills it once `asked`; tells how it ended if that was by itself.
    pub(crate) async fn end(mut self, asked: impl Future<Output = ()>) -> Option<String> {
        let ended = tokio::select! {
            status = self.child.wait() => Some(status),
            () = asked => None,
        };
        if ended.is_none() {
            // It may have ended by itself meanwhile.
            let _ = self.child.kill().await;
        }
        // Its last words come before the news of its end.
        for output in self.outputs {
            let _ = tokio::time::timeout(Duration::from_secs(1), output).await;
        }
        ended.map(|status| status.map_or_else(|error| error.to_string(), |status| status.to_string()))
    }
}

/// Passes a process's output on, line by line.
fn follow(binary: &str, console: &Arc<Console>, output: impl AsyncRead + Unpin + Send + 'static) -> JoinHandle<()> {
    let (console, binary) = (console.clone(), binary.to_owned());
    tokio::spawn(async move {
        let mut reader = BufReader::new(output);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line).await.is_ok_and(|read| read > 0) {
            console.function_line(&binary, String::from_utf8_lossy(&line).trim_end().to_owned());
            line.clear();
        }
    })
}

/// The environment that Lambda itself gives to a function.
pub(crate) fn lambda_env(function: &Function) -> BTreeMap<String, String> {
    let log_group = format!("/aws/lambda/{}", function.name);
    [
        ("AWS_LAMBDA_FUNCTION_NAME", function.name.as_str()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", &function.memory.to_string()),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", &log_group),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "local"),
        ("AWS_REGION", crate::template::REGION),
        ("AWS_DEFAULT_REGION", crate::template::REGION),
        ("AWS_ACCESS_KEY_ID", function.binary.as_str()),
        ("AWS_SECRET_ACCESS_KEY", "local"),
        ("LANG", "en_US.UTF-8"),
        ("TZ", ":UTC"),
        ("_HANDLER", "bootstrap"),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .into()
}
