//! Scheduled functions. `now` is the event's `time`, so that a late start deletes nothing early.

use app::{App, Deadline, Failure};
use domain::Timestamp;
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeOwned, IgnoredAny},
};
use serde_json::{Map, Value};

use crate::{Error, aws, block_on, telemetry};

/// What is read of an event of EventBridge, so that an operator can write one by hand. The rest of EventBridge's
/// own names is ignored; any other is refused, because a word in the wrong place must not become another order.
#[derive(Deserialize)]
#[serde(bound = "D: DeserializeOwned + Default", deny_unknown_fields)]
struct Fired<D> {
    time: Timestamp,
    #[serde(default, deserialize_with = "or_default")]
    detail: Option<D>,
    #[serde(default)]
    source: Option<String>,
    #[serde(default, rename = "version")]
    _version: IgnoredAny,
    #[serde(default, rename = "id")]
    _id: IgnoredAny,
    #[serde(default, rename = "detail-type")]
    _detail_type: IgnoredAny,
    #[serde(default, rename = "account")]
    _account: IgnoredAny,
    #[serde(default, rename = "region")]
    _region: IgnoredAny,
    #[serde(default, rename = "resources")]
    _resources: IgnoredAny,
}

impl<D: Default> Fired<D> {
    /// The time and what is asked for. Only a schedule asks for nothing in particular.
    fn ask(self) -> Result<(Timestamp, D), &'static str> {
        let by_schedule =
            self.source.as_deref().is_some_and(|source| ["aws.events", "aws.scheduler"].contains(&source));
        match self.detail {
            Some(detail) => Ok((self.time, detail)),
            None if by_schedule => Ok((self.time, D::default())),
            None => Err("say in `detail` what is to be done; only a schedule runs without"),
        }
    }
}

/// An empty detail is none.
fn or_default<'de, D: Deserializer<'de>, T: DeserializeOwned>(from: D) -> Result<Option<T>, D::Error> {
    let detail = Option::<Map<String, Value>>::deserialize(from)?.filter(|detail| !detail.is_empty());
    detail.map(|detail| serde_json::from_value(detail.into())).transpose().map_err(serde::de::Error::custom)
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
        lambda_runtime::run(service_fn(async move |event: LambdaEvent<Value>| {
            let deadline = Deadline::of_invocation(event.context.deadline);
            // On the heap: in place it is nested deeper than the compiler looks.
            Box::pin(fire(app, handle, event.payload, deadline)).await
        }))
        .await
    })
}

/// What an event's `detail` asks for where a schedule has nothing to say: nothing.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// One run.
pub(crate) async fn fire<H, D, T>(app: &App, handle: &H, event: Value, deadline: Deadline) -> Result<T, Diagnostic>
where
    H: AsyncFn(&App, Timestamp, D, Deadline) -> Result<T, Failure>,
    D: DeserializeOwned + Default,
{
    let fired: Fired<D> =
        serde_json::from_value(event).map_err(|error| refusal("validation-failed", error.to_string()))?;
    let (time, detail) = fired.ask().map_err(|why| refusal("validation-failed", why.to_owned()))?;
    handle(app, time, detail, deadline).await.map_err(|failure| match failure.cause {
        Some(cause) => {
            tracing::error!(slug = failure.slug, cause, "scheduled run failed");
            refusal(failure.slug, cause)
        }
        // Nothing is wrong with us: it tells whoever gave the order what to do.
        None => {
            tracing::warn!(slug = failure.slug, "order refused");
            refusal(failure.slug, failure.detail)
        }
    })
}

/// What whoever fired it reads.
pub(crate) fn refusal(slug: &str, error_message: String) -> Diagnostic {
    Diagnostic { error_type: slug.to_owned(), error_message }
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
        let ask = |event| {
            let fired: Fired<Ask> = serde_json::from_value(event).map_err(|error| error.to_string())?;
            fired.ask().map(|(_, ask)| ask.dry_run).map_err(str::to_owned)
        };
        let time = "2026-03-01T10:00:00Z";
        let whole = json!({"version": "0", "id": "x", "detail-type": "Scheduled Event", "source": "aws.events",
            "account": "1", "time": time, "region": "eu-west-3", "resources": [], "detail": {}});
        assert_eq!(ask(whole), Ok(false));
        assert!(ask(json!({"time": time, "detail": {"dry_run": true}})).unwrap());
        for bad in [
            json!({}),
            json!({"time": time}),
            json!({"time": time, "detail": null}),
            json!({"time": time, "detail": {}}),
            json!({"time": time, "detail": {"dry": true}}),
            json!({"time": time, "dry_run": true}),
            json!({"time": "soon"}),
        ] {
            assert!(ask(bad.clone()).is_err(), "{bad}: whoever asks for something else must not get a purge");
        }
    }
}
