//! Scheduled functions. `now` is the event's `time`, so that a late start deletes nothing early.

use app::{App, Deadline, Failure};
use domain::Timestamp;
use lambda_runtime::{LambdaEvent, service_fn};
use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};

use crate::{Error, aws, block_on, telemetry};

/// What is read of an event of EventBridge, so that an operator can write one by hand.
#[derive(Deserialize)]
#[serde(bound = "D: DeserializeOwned + Default")]
struct Fired<D> {
    time: Timestamp,
    #[serde(default, deserialize_with = "or_default")]
    detail: D,
}

fn or_default<'de, D: Deserializer<'de>, T: DeserializeOwned + Default>(from: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(from)?.unwrap_or_default())
}

/// Runs a scheduled function; its answer is logged by whoever fired it. What the event's `detail` asks for
/// is the function's own; a schedule says nothing there.
pub fn serve<H, D, T>(handle: H) -> Result<(), Error>
where
    H: AsyncFn(&App, Timestamp, D, Deadline) -> Result<T, Failure>,
    D: DeserializeOwned + Default,
    T: Serialize,
{
    telemetry::start();
    block_on(async {
        let app = aws::app();
        let (app, handle) = (&app, &handle);
        lambda_runtime::run(service_fn(async move |event: LambdaEvent<Fired<D>>| {
            let deadline = Deadline::of_invocation(event.context.deadline);
            let Fired { time, detail } = event.payload;
            handle(app, time, detail, deadline).await.map_err(|failure| {
                tracing::error!(slug = failure.slug, cause = failure.cause.as_deref(), "scheduled run failed");
                Error::from(failure.cause.unwrap_or(failure.detail))
            })
        }))
        .await
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Ask {
        #[serde(default)]
        dry_run: bool,
    }

    #[test]
    fn an_event_is_read_as_eventbridge_and_as_an_operator_writes_it() {
        let ask = |event| serde_json::from_value::<Fired<Ask>>(event).map(|fired| fired.detail.dry_run);
        let time = "2026-03-01T10:00:00Z";
        let whole = json!({"version": "0", "id": "x", "detail-type": "Scheduled Event", "source": "aws.events",
            "account": "1", "time": time, "region": "eu-west-3", "resources": [], "detail": {}});
        assert!(!ask(whole).unwrap());
        assert!(!ask(json!({"time": time})).unwrap() && !ask(json!({"time": time, "detail": null})).unwrap());
        assert!(ask(json!({"time": time, "detail": {"dry_run": true}})).unwrap());
        for bad in [json!({}), json!({"time": time, "detail": {"dry": true}}), json!({"time": "soon"})] {
            assert!(ask(bad.clone()).is_err(), "{bad}: whoever asks for something else must not get a purge");
        }
    }
}
