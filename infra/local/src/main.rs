//! `cargo local`, `cargo demo`, `cargo inspect`, `cargo floor`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line speaks to its terminal")]

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use local::bench::Bench;
use local::demo::{Demo, Played};
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
    /// Says what an import of files would do, as JSON, without importing them.
    Inspect {
        /// The files.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
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

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Serve(serve) => run(serve).await,
        Command::Demo(demo) => play(&demo).await,
        Command::Bench(bench) => measure(&bench).await,
        Command::Inspect { files } => local::inspect::run(&files),
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

/// Ctrl-C, or a polite kill.
async fn stop_asked() -> anyhow::Result<()> {
    let mut terminated = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        asked = tokio::signal::ctrl_c() => asked?,
        _ = terminated.recv() => {}
    }
    Ok(())
}
