//! Scheduled functions. `now` is the event's `time`, so that a late start deletes nothing early.

use app::{App, Deadline, Failure};
use aws_lambda_events::eventbridge::EventBridgeEvent;
use domain::Timestamp;
use lambda_runtime::{LambdaEvent, service_fn};
use serde::Serialize;

use crate::{Error, aws, block_on, telemetry};

/// Runs a scheduled function; its answer is logged by whoever fired it.
pub fn serve<H, T>(handle: H) -> Result<(), Error>
where
    H: AsyncFn(&App, Timestamp, Deadline) -> Result<T, Failure>,
    T: Serialize,
{
    telemetry::start();
    block_on(async {
        let app = aws::app();
        let (app, handle) = (&app, &handle);
        lambda_runtime::run(service_fn(async move |event: LambdaEvent<EventBridgeEvent<serde_json::Value>>| {
            let deadline = Deadline::of_invocation(event.context.deadline);
            let time = event.payload.time.ok_or("a schedule without a time")?;
            let now = Timestamp::from_millisecond(time.timestamp_millis())?;
            handle(app, now, deadline).await.map_err(|failure| {
                tracing::error!(slug = failure.slug, cause = failure.cause.as_deref(), "scheduled run failed");
                Error::from(failure.cause.unwrap_or(failure.detail))
            })
        }))
        .await
    })
}
