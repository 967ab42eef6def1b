//! Logs: one JSON line per event on standard error, with ids and codes and never a person's data (A10).

use tracing_subscriber::{EnvFilter, filter::LevelFilter};

/// Starts logging at `RUST_LOG`, `info` when it says nothing.
pub fn start() {
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).from_env_lossy();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_target(false)
        .without_time()
        .with_writer(std::io::stderr)
        .with_env_filter(filter);
    // A second start in one process (tests) keeps the first subscriber.
    drop(subscriber.try_init());
}
