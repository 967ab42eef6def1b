//! `cargo local`, `cargo demo`, `cargo inspect`, `cargo classify`, `cargo promises`, `cargo register`, `cargo verify`,
//! `cargo floor`, `cargo faults`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line speaks to its terminal")]

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use local::bench::Bench;
use local::classify::Classify;
use local::demo::{Demo, Played};
use local::faults::Faults;
use local::promises::Promises;
use local::register::Register;
use local::verify::Verify;
use local::{Options, Stack};

/// The whole product on this machine, from template.yaml.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Builds the functions and serves the product until Ctrl-C.
    Serve(Serve),
    /// Plays the main job on a messy list of 10,000 rows, says what happened, and serves on.
    Demo(Demo),
    /// Measures what the product costs and how fast it is, each figure beside its bar.
    Bench(Bench),
    /// Breaks everything that can break around the functions, and says what was lost, doubled or unknown.
    Faults(Faults),
    /// Prints the record of processing activities (article 30 GDPR), from the policy file.
    Register(Register),
    /// Says which security review is due when; fails when one is overdue.
    Reviews,
    /// Says whether a signed statement is what was signed, offline.
    Verify(Verify),
    /// Says what mails are (bounces and of whom, complaints, automatic answers), as JSON.
    Classify(Classify),
    /// Says what an import of files would do, as JSON, without importing them.
    Inspect {
        /// The files.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Says every promise with its status and its proof; proves them, or publishes legal texts, on request.
    Promises(Promises),
}

#[derive(clap::Args)]
struct Serve {
    /// The gateway's port. By default 8787, or any free one if that is taken.
    #[arg(long)]
    port: Option<u16>,
    /// Keeps nothing: without it the state is under .local/.
    #[arg(long)]
    ephemeral: bool,
    /// A template parameter, over infra/local/parameters.toml.
    #[arg(long = "parameter", value_name = "NAME=VALUE", value_parser = pair)]
    parameters: Vec<(String, String)>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("NAME=VALUE is expected")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// What was typed, without the `--` that parts cargo's own options from ours: the aliases of
/// .cargo/config.toml have one already, so that in `cargo demo -- --exit` a second one arrives here.
fn arguments(typed: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut typed: Vec<OsString> = typed.collect();
    if typed.get(2).is_some_and(|word| word == "--") {
        typed.remove(2);
    }
    typed
}

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match Arguments::parse_from(arguments(std::env::args_os())).command {
        Command::Serve(serve) => run(serve).await,
        Command::Demo(demo) => play(&demo).await,
        Command::Bench(bench) => measure(&bench).await,
        Command::Faults(faults) => break_things(&faults).await,
        Command::Classify(classify) => local::classify::run(&classify),
        Command::Inspect { files } => local::inspect::run(&files),
        Command::Promises(promises) => local::promises::run(&promises),
        Command::Register(register) => local::register::run(&register),
        Command::Reviews => local::reviews::run(),
        Command::Verify(verify) => local::verify::run(&verify),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(serve: Serve) -> anyhow::Result<()> {
    let options = Options {
        ephemeral: serve.ephemeral,
        port: serve.port,
        overrides: serve.parameters.into_iter().collect(),
        ..Options::default()
    };
    let stack = Stack::start(options).await?;
    let url = stack.url();
    println!("Prospectra serves on {url}");
    println!("  mailbox  {url}/_local/mailbox");
    println!("  meter    {url}/_local/meter");
    println!("  the rest {url}/_local");
    let relay = stack.backends().smtp();
    println!(
        "  relay    localhost, port {} (tls) or {} (starttls), any name and password",
        relay.tls_port(),
        relay.starttls_port()
    );
    println!("Ctrl-C stops it.");
    stop_asked().await?;
    println!();
    stack.stop().await;
    Ok(())
}

async fn play(demo: &Demo) -> anyhow::Result<()> {
    let Played { stack, held } = tokio::select! {
        played = local::demo::run(demo) => played?,
        asked = stop_asked() => return asked,
    };
    if !demo.exit {
        println!("Serving until Ctrl-C.");
        stop_asked().await?;
        println!();
    }
    stack.stop().await;
    anyhow::ensure!(held, "the demo did not do what it should");
    Ok(())
}

async fn measure(bench: &Bench) -> anyhow::Result<()> {
    let missed = tokio::select! {
        missed = local::bench::run(bench) => missed?,
        asked = stop_asked() => return asked,
    };
    anyhow::ensure!(missed == 0, "{missed} bars were missed");
    Ok(())
}

async fn break_things(faults: &Faults) -> anyhow::Result<()> {
    let broken = tokio::select! {
        broken = local::faults::run(faults) => broken?,
        asked = stop_asked() => return asked,
    };
    anyhow::ensure!(broken == 0, "{broken} invariants were broken");
    Ok(())
}

/// Ctrl-C, or a polite kill.
async fn stop_asked() -> anyhow::Result<()> {
    let mut terminated = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        asked = tokio::signal::ctrl_c() => asked?,
        _ = terminated.recv() => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Command {
        let typed = line.split(' ').map(OsString::from);
        Arguments::try_parse_from(arguments(typed)).expect("a command line that is documented").command
    }

    #[test]
    fn options_may_follow_an_alias_with_or_without_dashes() {
        for line in ["local demo -- --exit", "local demo --exit"] {
            assert!(matches!(parsed(line), Command::Demo(demo) if demo.exit), "{line}");
        }
        for line in ["local serve -- --ephemeral --port 8899", "local serve --ephemeral --port 8899"] {
            assert!(
                matches!(parsed(line), Command::Serve(serve) if serve.ephemeral && serve.port == Some(8899)),
                "{line}"
            );
        }
        for line in ["local inspect a.csv b.csv", "local inspect -- a.csv b.csv"] {
            assert!(matches!(parsed(line), Command::Inspect { files } if files.len() == 2), "{line}");
        }
        assert!(matches!(parsed("local classify -- mails --evidence"), Command::Classify(_)));
        assert!(matches!(parsed("local register --format json --as processor --lang en"), Command::Register(_)));
        assert!(matches!(parsed("local verify -- statement.json --keys keys.json"), Command::Verify(_)));
    }
}
