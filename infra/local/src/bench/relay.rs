//! A relay without the store: how fast messages are rendered and handed over, to a sink that throws them away and, where
//! one is named, to a real mail server.

use std::process::Stdio;

use anyhow::{Context as _, bail, ensure};
use serde::Deserialize;
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use url::Url;

use super::figure::{Bar, Figure};
use super::sending::{LONG, SHORT};
use crate::backends::{Faults, smtp::Smtp};
use crate::build_functions::{build_example, workspace_root};
use crate::clock::Clock;
use crate::mailbox::Mailbox;

/// Who writes, unless the server wants somebody else.
const FROM: &str = "camille@example.com";

/// A mail server to measure against, `smtps://user:password@host:port` or `smtp://…` for STARTTLS.
#[derive(Clone, Debug)]
pub(super) struct Server {
    url: Url,
    /// PEM of the authority that signed its certificate, when it is no public one.
    roots: String,
}

impl Server {
    pub(super) fn new(url: &str, roots: String) -> anyhow::Result<Self> {
        let url = Url::parse(url).context("the relay is no URL")?;
        ensure!(
            ["smtps", "smtp"].contains(&url.scheme()),
            "the relay's URL begins with smtps:// or, for STARTTLS, smtp://"
        );
        ensure!(url.host_str().is_some() && url.port().is_some(), "the relay's URL has no host and port");
        Ok(Self { url, roots })
    }

    /// Its name and its port, without who logs in.
    fn name(&self) -> String {
        format!("{}:{}", self.url.host_str().unwrap_or_default(), self.url.port().unwrap_or_default())
    }
}

#[derive(Deserialize)]
struct Rate {
    accepted: usize,
    bytes: usize,
    seconds: f64,
}

pub(super) async fn measure(messages: usize, server: Option<&Server>) -> anyhow::Result<Vec<Figure>> {
    let program = tokio::task::spawn_blocking(|| build_example(&workspace_root(), "relay-rate")).await??;
    let clock = Clock::new();
    let sink = Smtp::start(Mailbox::forgetful(clock.clone()), Faults::new()).await?;
    let url = format!("smtps://atelier:word@localhost:{}", sink.tls_port());
    let sink = (Server::new(&url, sink.root_pem().to_owned())?, sink);
    let mut figures = Vec::new();
    for (server, what) in [(Some(&sink.0), "a sink on the same cores"), (server, "the mail server that was named")] {
        let Some(server) = server else { continue };
        let rate = run(&program, messages, server, &clock).await?;
        let kb = rate.bytes as f64 / rate.accepted.max(1) as f64 / 1e3;
        ensure!(rate.accepted == messages, "{} took {} of {messages} messages", server.name(), rate.accepted);
        let figure = Figure::new(
            format!("SMTP relay without the store: messages a second, {what}"),
            rate.accepted as f64 / rate.seconds,
            "/s",
        )
        .note(format!("{messages} messages of {kb:.1} KB over TLS, rendered one by one"));
        figures.push(if what.starts_with("a sink") { figure.bar(Bar::AtLeast(5_000.0)) } else { figure });
    }
    Ok(figures)
}

async fn run(program: &std::path::Path, messages: usize, server: &Server, clock: &Clock) -> anyhow::Result<Rate> {
    let (host, port) = (server.url.host_str().unwrap_or_default(), server.url.port().unwrap_or_default());
    let address = tokio::net::lookup_host((host, port)).await?.find(std::net::SocketAddr::is_ipv4);
    let word = |text: &str| percent_decoded(text);
    let asked = json!({
        "host": host, "address": address.context("the relay's name leads nowhere")?,
        "security": if server.url.scheme() == "smtps" { "tls" } else { "starttls" },
        "username": word(server.url.username()), "password": word(server.url.password().unwrap_or_default()),
        "roots": server.roots, "from": FROM, "messages": messages, "text": SHORT.repeat(LONG), "now": clock.now(),
    });
    let mut child = Command::new(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    child.stdin.take().context("no standard input")?.write_all(asked.to_string().as_bytes()).await?;
    let output = child.wait_with_output().await?;
    if !output.status.success() {
        bail!("{}: {}", server.name(), String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or_default());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// A part of a URL as it is meant.
fn percent_decoded(text: &str) -> String {
    let pair = format!("x={}", text.replace('+', "%2B"));
    url::form_urlencoded::parse(pair.as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_a_url_with_a_port() {
        assert_eq!(Server::new("smtps://a:b%2Fc@localhost:4650", String::new()).unwrap().name(), "localhost:4650");
        for wrong in ["localhost:4650", "https://localhost:1", "smtps://localhost", "smtp://"] {
            assert!(Server::new(wrong, String::new()).is_err(), "{wrong}");
        }
        assert_eq!(percent_decoded("b%2Fc+d"), "b/c+d");
    }
}
