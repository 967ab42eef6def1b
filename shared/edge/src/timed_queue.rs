//! Functions that a schedule starts and that read a queue: by schedule they put there what is due, and each message is
//! handled by itself.

use app::{App, Deadline, Failure};
use aws_lambda_events::sqs::SqsEvent;
use domain::Timestamp;
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde::Serialize;
use serde_json::Value;

use crate::{
    Error, aws, block_on,
    queue::{self, Record},
    schedule, telemetry,
};

/// Runs such a function: `clock` when time has passed, `handle` for each message.
pub fn serve<C, H, T>(clock: C, handle: H) -> Result<(), Error>
where
    C: AsyncFn(&App, Timestamp, Deadline) -> Result<T, Failure>,
    H: AsyncFn(&App, Record) -> Result<(), Failure>,
    T: Serialize,
{
    telemetry::start();
    block_on(async {
        let app = aws::app();
        app.warm().await;
        let (app, clock, handle) = (&app, &clock, &handle);
        lambda_runtime::run(service_fn(async move |event: LambdaEvent<Value>| {
            let LambdaEvent { payload, context } = event;
            let deadline = Deadline::of_invocation(context.deadline);
            if payload.get("Records").is_some() {
                let event: SqsEvent = serde_json::from_value(payload).map_err(unreadable)?;
                return serde_json::to_value(queue::batch(app, handle, event, deadline).await).map_err(unreadable);
            }
            let fired = async |app: &App, now, schedule::Nothing {}, deadline| clock(app, now, deadline).await;
            serde_json::to_value(Box::pin(schedule::fire(app, &fired, payload, deadline)).await?).map_err(unreadable)
        }))
        .await
    })
}

fn unreadable(error: serde_json::Error) -> Diagnostic {
    schedule::refusal("internal", error.to_string())
}
