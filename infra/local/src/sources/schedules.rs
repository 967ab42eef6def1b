//! Schedules on the movable clock.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::cron::Expression;
use crate::backends::Faults;
use crate::clock::Clock;
use crate::ids::uuid;
use crate::supervisor::Supervisor;
use crate::template::{ACCOUNT, EventSource, Function, REGION, STACK};

/// How often the clock is looked at.
const LOOK: Duration = Duration::from_millis(500);

/// What a schedule's invocation brought.
#[derive(Clone, Debug, Serialize)]
pub struct Fired {
    /// The schedule.
    pub name: String,
    /// The function's binary.
    pub function: String,
    /// The `time` of the event.
    pub time: String,
    /// Whether the function returned.
    pub ok: bool,
    /// What it returned, or why it did not.
    pub result: Value,
}

/// Every schedule of the template. Clones share them.
#[derive(Clone)]
pub(crate) struct Schedules {
    inner: Arc<Inner>,
}

struct Inner {
    all: Vec<Schedule>,
    /// When each is due next; also guards the clock against being moved while schedules are taken.
    due: Mutex<Vec<Option<Timestamp>>>,
    made: Timestamp,
    clock: Clock,
    supervisor: Supervisor,
    faults: Faults,
}

struct Schedule {
    name: String,
    binary: String,
    expression: Expression,
    input: Option<String>,
    scheduler: bool,
    enabled: bool,
}

impl Schedules {
    pub(crate) fn new(
        functions: &[Function],
        clock: Clock,
        supervisor: Supervisor,
        faults: Faults,
    ) -> anyhow::Result<Schedules> {
        let mut all = Vec::new();
        for function in functions {
            for event in &function.events {
                if let EventSource::Schedule { name, expression, timezone, input, scheduler, enabled } = event {
                    let expression = Expression::parse(expression, timezone.as_deref())
                        .with_context(|| format!("{}: schedule {name}", function.logical_id))?;
                    all.push(Schedule {
                        name: name.clone(),
                        binary: function.binary.clone(),
                        expression,
                        input: input.clone(),
                        scheduler: *scheduler,
                        enabled: *enabled,
                    });
                }
            }
        }
        let made = clock.now();
        let due = all.iter().map(|schedule| schedule.next(made, made)).collect();
        Ok(Schedules { inner: Arc::new(Inner { all, due: Mutex::new(due), made, clock, supervisor, faults }) })
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.inner.all.iter().map(|schedule| schedule.name.clone()).collect()
    }

    /// Fires what becomes due until the runner stops.
    pub(crate) async fn run(self) {
        while tokio::time::timeout(LOOK, self.inner.supervisor.stopped()).await.is_err() {
            let now = self.inner.clock.now();
            for at in self.take_due(now, false) {
                let this = self.clone();
                tokio::spawn(async move { this.invoke(at, now, &json!({})).await });
            }
        }
    }

    /// Moves the clock; what became due fires once, and has finished when this returns.
    pub(crate) async fn set_clock(&self, now: Timestamp) -> Vec<Fired> {
        let due = self.take_due(now, true);
        let nothing = json!({});
        let fired = due.into_iter().map(|at| self.invoke(at, now, &nothing));
        futures::future::join_all(fired).await
    }

    /// Fires a schedule now, by its name, its name without the stack's, or its function's binary, with
    /// something in the event's `detail`.
    pub(crate) async fn fire(&self, name: &str, detail: &Value) -> Option<Fired> {
        let fits = |schedule: &Schedule| {
            let short = schedule.name.strip_prefix(STACK).and_then(|rest| rest.strip_prefix('-'));
            schedule.name == name || short == Some(name)
        };
        let all = &self.inner.all;
        let at = all.iter().position(fits).or_else(|| all.iter().position(|schedule| schedule.binary == name))?;
        Some(self.invoke(at, self.inner.clock.now(), detail).await)
    }

    fn take_due(&self, now: Timestamp, set: bool) -> Vec<usize> {
        let mut due = self.inner.due.lock().unwrap_or_else(PoisonError::into_inner);
        if set {
            self.inner.clock.set(now);
        }
        let mut taken = Vec::new();
        for (at, schedule) in self.inner.all.iter().enumerate() {
            if due[at].is_some_and(|due| due <= now) {
                taken.push(at);
                due[at] = schedule.next(self.inner.made, now);
            } else if set {
                // Moved backwards, the next time may be earlier than the one that was waited for.
                due[at] = schedule.next(self.inner.made, now);
            }
        }
        taken
    }

    async fn invoke(&self, at: usize, now: Timestamp, detail: &Value) -> Fired {
        let schedule = &self.inner.all[at];
        let time = format!("{:.0}", self.inner.faults.told(now));
        let payload = schedule.event(&time, detail).to_string();
        let trigger = format!("schedule {}", schedule.name);
        let outcome = self.inner.supervisor.invoke(&schedule.binary, &trigger, payload.into()).await;
        let (ok, result) = match outcome {
            Ok(answer) => (true, serde_json::from_slice(&answer).unwrap_or_default()),
            Err(failure) => (false, failure.to_string().into()),
        };
        Fired { name: schedule.name.clone(), function: schedule.binary.clone(), time, ok, result }
    }
}

impl Schedule {
    fn next(&self, made: Timestamp, now: Timestamp) -> Option<Timestamp> {
        if self.enabled { self.expression.next(made, now) } else { None }
    }

    /// The event as EventBridge (`Schedule`) or EventBridge Scheduler (`ScheduleV2`) writes it.
    fn event(&self, time: &str, detail: &Value) -> Value {
        let (source, resource, detail) = if self.scheduler {
            // The scheduler's `detail` is a text.
            (
                "aws.scheduler",
                format!("arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/default/{}", self.name),
                json!(detail.to_string()),
            )
        } else {
            ("aws.events", format!("arn:aws:events:{REGION}:{ACCOUNT}:rule/{}", self.name), detail.clone())
        };
        if let Some(input) = &self.input {
            let filled = input
                .replace("<aws.scheduler.scheduled-time>", time)
                .replace("<aws.scheduler.schedule-arn>", &resource)
                .replace("<aws.scheduler.execution-id>", &uuid())
                .replace("<aws.scheduler.attempt-number>", "1");
            return serde_json::from_str(&filled).unwrap_or(Value::String(filled));
        }
        json!({
            "version": "0",
            "id": uuid(),
            "detail-type": "Scheduled Event",
            "source": source,
            "account": ACCOUNT,
            "time": time,
            "region": REGION,
            "resources": [resource],
            "detail": detail,
        })
    }
}
