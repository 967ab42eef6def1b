//! What invokes a function: the `Events` of a SAM function.

use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::Value;

use super::EventSource;
use super::properties::Properties;

/// Reads one entry of `Events`.
pub(super) fn read(owner: &str, event: &Value) -> anyhow::Result<EventSource> {
    let kind = event["Type"].as_str().with_context(|| format!("{owner} has no Type"))?;
    let properties = event["Properties"].clone();
    match kind {
        "HttpApi" => http_api(owner, properties),
        "SQS" => sqs(owner, properties),
        "Schedule" => rule(owner, properties),
        "ScheduleV2" => scheduler(owner, properties),
        other => bail!("{owner}: events of type {other} are not understood by the local runner"),
    }
}

fn http_api(owner: &str, properties: Value) -> anyhow::Result<EventSource> {
    let known = ["Method", "Path", "ApiId", "Auth", "PayloadFormatVersion", "TimeoutInMillis", "RouteSettings"];
    let properties = Properties::new(owner, properties, &known)?;
    if properties.text("PayloadFormatVersion")?.is_some_and(|version| version != "2.0") {
        bail!("{owner}: only payload format 2.0 is served");
    }
    let path = properties.need("Path")?;
    if !path.starts_with('/') {
        bail!("{owner}: the path {path} does not start with /");
    }
    let method = properties.need("Method")?.to_ascii_uppercase();
    let method = if method == "*" || method == "X-AMAZON-APIGATEWAY-ANY-METHOD" { "ANY".to_owned() } else { method };
    Ok(EventSource::HttpApi { method, path })
}

fn sqs(owner: &str, properties: Value) -> anyhow::Result<EventSource> {
    let known = [
        "Queue",
        "BatchSize",
        "MaximumBatchingWindowInSeconds",
        "FunctionResponseTypes",
        "ScalingConfig",
        "Enabled",
        "MetricsConfig",
    ];
    let properties = Properties::new(owner, properties, &known)?;
    let types = properties.texts("FunctionResponseTypes")?;
    if let Some(stray) = types.iter().find(|kind| *kind != "ReportBatchItemFailures") {
        bail!("{owner}: unknown response type {stray}");
    }
    let batch_size = properties.number("BatchSize")?.unwrap_or(10);
    let window = properties.number("MaximumBatchingWindowInSeconds")?.unwrap_or(0);
    if batch_size == 0 || batch_size > 10_000 || window > 300 || (batch_size > 10 && window == 0) {
        bail!("{owner}: AWS refuses a batch of {batch_size} with a window of {window} s");
    }
    let scaling = properties.nested("ScalingConfig", &["MaximumConcurrency"])?;
    let max_concurrency = match scaling {
        Some(scaling) => scaling.number("MaximumConcurrency")?,
        None => None,
    };
    if max_concurrency.is_some_and(|most| !(2..=1000).contains(&most)) {
        bail!("{owner}: MaximumConcurrency is between 2 and 1000");
    }
    if properties.flag("Enabled")? == Some(false) {
        bail!("{owner}: a disabled queue mapping is not understood by the local runner");
    }
    Ok(EventSource::Sqs {
        queue_arn: properties.need("Queue")?,
        batch_size: usize::try_from(batch_size)?,
        window: Duration::from_secs(window),
        report_batch_item_failures: !types.is_empty(),
        max_concurrency: max_concurrency.map(usize::try_from).transpose()?,
    })
}

fn rule(owner: &str, properties: Value) -> anyhow::Result<EventSource> {
    let known = ["Name", "Schedule", "Description", "Enabled", "State", "Input", "DeadLetterConfig", "RetryPolicy"];
    let properties = Properties::new(owner, properties, &known)?;
    Ok(EventSource::Schedule {
        name: name(owner, &properties)?,
        expression: properties.need("Schedule")?,
        timezone: None,
        input: properties.text("Input")?,
        scheduler: false,
        enabled: properties.flag("Enabled")?.unwrap_or(true) && state(&properties)?,
    })
}

fn scheduler(owner: &str, properties: Value) -> anyhow::Result<EventSource> {
    let known = [
        "Name",
        "ScheduleExpression",
        "ScheduleExpressionTimezone",
        "Description",
        "State",
        "Input",
        "FlexibleTimeWindow",
        "DeadLetterConfig",
        "RetryPolicy",
        "RoleArn",
        "GroupName",
        "OmitName",
        "PermissionsBoundary",
    ];
    let properties = Properties::new(owner, properties, &known)?;
    Ok(EventSource::Schedule {
        name: name(owner, &properties)?,
        expression: properties.need("ScheduleExpression")?,
        timezone: properties.text("ScheduleExpressionTimezone")?,
        input: properties.text("Input")?,
        scheduler: true,
        enabled: state(&properties)?,
    })
}

/// `Name`, or as SAM names it: the function's logical id and the event's.
fn name(owner: &str, properties: &Properties) -> anyhow::Result<String> {
    Ok(properties.text("Name")?.unwrap_or_else(|| owner.replace('.', "")))
}

fn state(properties: &Properties) -> anyhow::Result<bool> {
    match properties.text("State")?.as_deref() {
        None | Some("ENABLED") => Ok(true),
        Some("DISABLED") => Ok(false),
        Some(other) => bail!("{} is neither ENABLED nor DISABLED: {other}", properties.at("State")),
    }
}
