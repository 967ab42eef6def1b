//! One process of one function: what it is doing, and the hand-over of invocations to it.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use jiff::Timestamp;
use tokio::sync::{Notify, mpsc, oneshot, watch};

/// One invocation on its way to a process.
pub(crate) struct Job {
    pub(crate) request_id: String,
    pub(crate) trace_id: String,
    /// In the machine's own time: the process compares it with that.
    pub(crate) deadline: Timestamp,
    pub(crate) payload: Bytes,
}

/// What a process answers.
#[derive(Debug)]
pub(crate) enum Answer {
    Returned(Bytes),
    Failed { kind: String, message: String },
}

/// Where a process is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Starting,
    Ready,
    Gone,
}

/// What a process holds. Once gone it takes nothing more.
enum Holding {
    Nothing,
    Invocation { request_id: String, answer: oneshot::Sender<Answer> },
    Gone,
}

/// One process of one function.
pub(crate) struct Instance {
    /// `{binary}.{n}`: its segment of the Runtime API's path.
    pub(crate) name: String,
    /// 0 until the process runs.
    pid: AtomicU32,
    pub(crate) function_arn: String,
    stage: watch::Sender<Stage>,
    jobs: mpsc::UnboundedSender<Job>,
    inbox: tokio::sync::Mutex<mpsc::UnboundedReceiver<Job>>,
    holding: Mutex<Holding>,
    start_failure: Mutex<Option<String>>,
    kill: Notify,
}

impl Instance {
    pub(crate) fn new(name: String, function_arn: String) -> Instance {
        let (jobs, inbox) = mpsc::unbounded_channel();
        Instance {
            name,
            pid: AtomicU32::new(0),
            function_arn,
            stage: watch::Sender::new(Stage::Starting),
            jobs,
            inbox: tokio::sync::Mutex::new(inbox),
            holding: Mutex::new(Holding::Nothing),
            start_failure: Mutex::default(),
            kill: Notify::new(),
        }
    }

    /// The function that it is a process of.
    pub(crate) fn function(&self) -> &str {
        self.name.rsplit_once('.').map_or(&self.name, |(function, _)| function)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid.load(Ordering::SeqCst)
    }

    pub(crate) fn runs_as(&self, pid: u32) {
        self.pid.store(pid, Ordering::SeqCst);
    }

    /// The process asks for work; its first question says that it has started.
    pub(crate) async fn next(&self) -> Option<Job> {
        self.stage.send_if_modified(|stage| {
            let starting = *stage == Stage::Starting;
            if starting {
                *stage = Stage::Ready;
            }
            starting
        });
        self.inbox.lock().await.recv().await
    }

    /// Waits until the process has asked for work, or is gone.
    pub(crate) async fn started(&self) -> Stage {
        let mut stage = self.stage.subscribe();
        // The sender lives as long as `self`.
        stage.wait_for(|stage| *stage != Stage::Starting).await.map_or(Stage::Gone, |stage| *stage)
    }

    /// Hands an invocation over; gives nothing if the process is gone.
    pub(crate) fn hand(&self, job: Job) -> Option<oneshot::Receiver<Answer>> {
        let (answer, answered) = oneshot::channel();
        let mut holding = self.holding();
        if matches!(*holding, Holding::Gone) {
            return None;
        }
        *holding = Holding::Invocation { request_id: job.request_id.clone(), answer };
        self.jobs.send(job).ok()?;
        Some(answered)
    }

    /// The process answered; false if it does not hold this invocation.
    pub(crate) fn answer(&self, id: &str, answer: Answer) -> bool {
        let mut holding = self.holding();
        match std::mem::replace(&mut *holding, Holding::Nothing) {
            Holding::Invocation { request_id, answer: waiting } if request_id == id => {
                // Whoever waited may have given up.
                let _ = waiting.send(answer);
                true
            }
            other => {
                *holding = other;
                false
            }
        }
    }

    pub(crate) fn failed_to_start(&self, message: String) {
        *self.start_failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(message);
        self.kill();
    }

    pub(crate) fn start_failure(&self) -> Option<String> {
        self.start_failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Asks the process's keeper for SIGKILL.
    pub(crate) fn kill(&self) {
        self.kill.notify_one();
    }

    pub(crate) async fn killed(&self) {
        self.kill.notified().await;
    }

    /// Waits until the process has been reaped.
    pub(crate) async fn gone(&self) {
        let mut stage = self.stage.subscribe();
        let _ = stage.wait_for(|stage| *stage == Stage::Gone).await;
    }

    /// The process ended: what it held is lost, and whoever waits learns it.
    pub(crate) fn bury(&self) {
        *self.holding() = Holding::Gone;
        self.stage.send_replace(Stage::Gone);
    }

    fn holding(&self) -> std::sync::MutexGuard<'_, Holding> {
        self.holding.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
