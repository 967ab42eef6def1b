//! SQS batches: each record by itself, and only those that failed come back.

use std::panic::AssertUnwindSafe;

use app::{App, Failure, Kind};
use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use domain::Timestamp;
use futures::FutureExt;
use lambda_runtime::{LambdaEvent, service_fn};

use crate::{Error, aws, block_on, telemetry};

/// One message.
#[derive(Debug)]
pub struct Record {
    /// The queue's name of it, the same at every receipt.
    pub id: String,
    /// Its text.
    pub body: String,
    /// When the queue first gave it to a function: the time it is handled at.
    pub now: Timestamp,
    /// How often it has been received, this time included.
    pub receives: u32,
    /// Until when this invocation may work, by the runtime's own clock.
    pub deadline: Deadline,
}

/// The end of an invocation.
pub type Deadline = app::Deadline;

/// Runs a queue function. A record whose handler fails or panics goes back to the queue, alone.
pub fn serve<H>(handle: H) -> Result<(), Error>
where
    H: AsyncFn(&App, Record) -> Result<(), Failure>,
{
    serve_prepared(async |_, _, _| (), handle)
}

/// The same; what several records have in common is done first, with the texts of all of them, at the time of the last. Nothing
/// may depend on that: each record is handled as if nobody had prepared anything.
pub fn serve_prepared<P, H>(prepare: P, handle: H) -> Result<(), Error>
where
    P: AsyncFn(&App, &[&str], Timestamp),
    H: AsyncFn(&App, Record) -> Result<(), Failure>,
{
    telemetry::start();
    block_on(async {
        let app = aws::app();
        app.warm().await;
        let (app, prepare, handle) = (&app, &prepare, &handle);
        lambda_runtime::run(service_fn(async move |event: LambdaEvent<SqsEvent>| {
            let deadline = Deadline::of_invocation(event.context.deadline);
            let records = &event.payload.records;
            let texts: Vec<&str> = records.iter().filter_map(|record| record.body.as_deref()).collect();
            if let Some(now) = records.iter().filter_map(received_at).max()
                && AssertUnwindSafe(prepare(app, &texts, now)).catch_unwind().await.is_err()
            {
                tracing::error!("nothing was prepared");
            }
            Ok::<_, Error>(batch(app, handle, event.payload, deadline).await)
        }))
        .await
    })
}

/// One batch: each record by itself.
pub(crate) async fn batch<H>(app: &App, handle: &H, event: SqsEvent, deadline: Deadline) -> SqsBatchResponse
where
    H: AsyncFn(&App, Record) -> Result<(), Failure>,
{
    let mut answer = SqsBatchResponse::default();
    for message in event.records {
        let id = message.message_id.clone().unwrap_or_default();
        if let Err(failure) = one(app, handle, message, deadline).await {
            let cause = failure.cause.as_deref().unwrap_or(failure.slug);
            if failure.kind == Kind::TooEarly {
                tracing::info!(record = %id, cause, "record waits");
            } else {
                tracing::error!(record = %id, cause, "record failed");
            }
            let mut failed = BatchItemFailure::default();
            failed.item_identifier = id;
            answer.batch_item_failures.push(failed);
        }
    }
    answer
}

fn attribute(message: &SqsMessage, name: &str) -> Option<i64> {
    message.attributes.get(name)?.parse().ok()
}

/// When the queue first gave it to a function.
fn received_at(message: &SqsMessage) -> Option<Timestamp> {
    Timestamp::from_millisecond(attribute(message, "ApproximateFirstReceiveTimestamp")?).ok()
}

async fn one<H>(app: &App, handle: &H, message: SqsMessage, deadline: Deadline) -> Result<(), Failure>
where
    H: AsyncFn(&App, Record) -> Result<(), Failure>,
{
    let now = received_at(&message).ok_or_else(|| Failure::internal("a message without a receive timestamp"))?;
    let receives = attribute(&message, "ApproximateReceiveCount").and_then(|n| n.try_into().ok()).unwrap_or(1);
    let record = Record {
        id: message.message_id.unwrap_or_default(),
        body: message.body.unwrap_or_default(),
        now,
        receives,
        deadline,
    };
    AssertUnwindSafe(handle(app, record)).catch_unwind().await.unwrap_or_else(|_| Err(Failure::internal("panicked")))
}
