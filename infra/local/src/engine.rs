//! What runs between the back ends and the functions, shared by the stack and its local routes.

use std::time::Duration;

use anyhow::bail;
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use crate::backends::sqs::{Counts, Sqs};
use crate::clock::Clock;
use crate::sources::schedules::Schedules;
use crate::supervisor::Supervisor;

/// How often to look whether all is quiet.
const LOOK: Duration = Duration::from_millis(20);
/// How many looks in a row must find it so: what is between two queues is in neither.
const LOOKS: u32 = 3;

pub(crate) struct Engine {
    pub(crate) clock: Clock,
    pub(crate) supervisor: Supervisor,
    pub(crate) schedules: Schedules,
    pub(crate) sqs: Sqs,
    /// The ARNs of the queues that a function polls.
    pub(crate) polled: Vec<String>,
    /// Route keys and the binaries behind them.
    pub(crate) routes: Vec<(String, String)>,
}

impl Engine {
    /// Waits until the polled queues are empty, delayed and in-flight messages included, and nothing runs.
    pub(crate) async fn quiet(&self, limit: Duration) -> anyhow::Result<()> {
        self.wait_until(limit, || self.busy(|counts| counts.visible + counts.in_flight + counts.delayed)).await
    }

    /// The same, but moves the clock over every delay that nothing else goes on beside, and `further` with it.
    pub(crate) async fn skip_to_quiet(&self, limit: Duration, further: SignedDuration) -> anyhow::Result<()> {
        let at_work = |counts: Counts| counts.visible + counts.in_flight + counts.delayed - counts.later;
        loop {
            self.wait_until(limit, || self.busy(at_work)).await?;
            let Some(next) = self.next_delayed()? else { return Ok(()) };
            if next > self.clock.now() {
                self.clock.set(next + further);
            }
        }
    }

    async fn wait_until(
        &self,
        limit: Duration,
        busy: impl Fn() -> anyhow::Result<Option<String>>,
    ) -> anyhow::Result<()> {
        let until = Instant::now() + limit;
        let mut quiet = 0;
        loop {
            let busy = busy()?;
            quiet = if busy.is_none() { quiet + 1 } else { 0 };
            if quiet == LOOKS {
                return Ok(());
            }
            if Instant::now() > until {
                bail!("still busy after {limit:?}: {}", busy.unwrap_or_else(|| "about to be quiet".to_owned()));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// What is going on, if anything; `held` says which of a queue's messages count.
    fn busy(&self, held: impl Fn(Counts) -> usize) -> anyhow::Result<Option<String>> {
        for arn in &self.polled {
            let counts = self.sqs.counts(arn)?;
            if held(counts) > 0 {
                return Ok(Some(format!("{} holds {counts:?}", arn.rsplit(':').next().unwrap_or(arn))));
            }
        }
        let running = self.supervisor.running();
        Ok((running > 0).then(|| format!("{running} invocations")))
    }

    /// When the first delay of all ends.
    fn next_delayed(&self) -> anyhow::Result<Option<Timestamp>> {
        let mut next = None;
        for arn in &self.polled {
            next = next.into_iter().chain(self.sqs.next_delayed(arn)?).min();
        }
        Ok(next)
    }
}
