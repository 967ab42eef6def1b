//! What every Lambda needs at its rim: clients, requests and answers, SQS batches, schedules, logs.
//!
//! A function's `main` is one line: [`http::serve`], [`queue::serve`], [`schedule::serve`] or [`mixed::serve`].
//! Time comes from the event, never from a clock: API Gateway's `timeEpoch`, the scheduler's `time`,
//! the queue's receive timestamp. A request is decided at the time AWS accepted it.

pub mod aws;
pub mod cursor;
mod fence;
pub mod http;
pub mod idempotency;
pub mod mixed;
mod objects;
pub mod problem;
pub mod queue;
pub mod schedule;
pub mod telemetry;
pub mod timed_queue;

/// What a function's `main` may fail with: only at start.
pub type Error = lambda_runtime::Error;

/// Runs a function's future on a single thread: a Lambda has one request at a time.
pub(crate) fn block_on<F: Future<Output = Result<(), Error>>>(future: F) -> Result<(), Error> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(future)
}
