//! Starts the functions' processes when there is work, hands invocations to them, kills those that
//! take too long, and replaces those that died.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde::Deserialize;
use tokio::sync::{Semaphore, watch};

use crate::backends::calls::{Calls, Victim, owner_of};
use crate::clock::{Clock, system_now};
use crate::console::Console;
use crate::ids::{trace_id, uuid};
use crate::instance::{Answer, Instance, Job, Stage};
use crate::meter::Meter;
use crate::process::Process;
use crate::template::Function;

/// How long a process may take to ask for its first work. Lambda gives 10 s; a debug build on a
/// laptop that is compiling gets more.
const START_LIMIT: Duration = Duration::from_secs(30);

/// Processes of one function at once, unless told otherwise.
const CONCURRENCY: usize = 2;
/// The same for `send`, which waits on the network most of the time.
const SEND_CONCURRENCY: usize = 4;

/// Why an invocation brought no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The function reported an error (a panic too: the runtime answers those).
    #[error("{kind}: {message}")]
    Function {
        /// `errorType`.
        kind: String,
        /// `errorMessage`.
        message: String,
    },
    /// It took longer than its `Timeout`, and was killed.
    #[error("timed out after {0:?}")]
    TimedOut(Duration),
    /// The process ended before it answered.
    #[error("the process ended: {0}")]
    Crashed(String),
    /// The process could not be started.
    #[error("cannot start: {0}")]
    Unstartable(String),
    /// The runner is stopping.
    #[error("the runner is stopping")]
    Stopping,
    /// The template has no such function.
    #[error("no function {0}")]
    Unknown(String),
}

/// Everything that runs. Clones share it.
#[derive(Clone)]
pub(crate) struct Supervisor {
    inner: Arc<Inner>,
}

struct Inner {
    hosts: BTreeMap<String, Host>,
    /// By name; the Runtime API finds a process by its path.
    instances: Mutex<HashMap<String, Arc<Instance>>>,
    runtime_api: String,
    bin_dir: PathBuf,
    clock: Clock,
    meter: Meter,
    calls: Calls,
    console: Arc<Console>,
    stop: watch::Sender<bool>,
    serial: AtomicU64,
    running: AtomicUsize,
}

/// One function: what its processes are started with, and those that wait for work.
struct Host {
    function: Function,
    env: BTreeMap<String, String>,
    concurrency: usize,
    slots: Arc<Semaphore>,
    idle: Mutex<Vec<Arc<Instance>>>,
    starts: Mutex<Vec<Duration>>,
}

/// What the supervisor is made of.
pub(crate) struct Setup {
    /// Each function with its whole environment, but for what names the Runtime API.
    pub(crate) functions: Vec<(Function, BTreeMap<String, String>)>,
    /// Processes at once, by binary, where not the default.
    pub(crate) concurrency: BTreeMap<String, usize>,
    /// `host:port` of the Runtime API.
    pub(crate) runtime_api: String,
    pub(crate) bin_dir: PathBuf,
    pub(crate) clock: Clock,
    /// Counts invocations and what they would cost.
    pub(crate) meter: Meter,
    /// Where calls of functions pass.
    pub(crate) calls: Calls,
    pub(crate) console: Arc<Console>,
}

impl Supervisor {
    pub(crate) fn new(setup: Setup) -> Supervisor {
        let host = |(function, env): (Function, BTreeMap<String, String>)| {
            let usual = if function.binary == "send" { SEND_CONCURRENCY } else { CONCURRENCY };
            let wanted = setup.concurrency.get(&function.binary).copied().unwrap_or(usual);
            let concurrency = function.reserved_concurrency.map_or(wanted, |most| wanted.min(most)).max(1);
            let host = Host {
                env,
                concurrency,
                slots: Arc::new(Semaphore::new(concurrency)),
                idle: Mutex::default(),
                starts: Mutex::default(),
                function,
            };
            (host.function.binary.clone(), host)
        };
        let inner = Inner {
            hosts: setup.functions.into_iter().map(host).collect(),
            instances: Mutex::default(),
            runtime_api: setup.runtime_api,
            bin_dir: setup.bin_dir,
            clock: setup.clock,
            meter: setup.meter,
            calls: setup.calls,
            console: setup.console,
            stop: watch::Sender::new(false),
            serial: AtomicU64::new(0),
            running: AtomicUsize::new(0),
        };
        Supervisor { inner: Arc::new(inner) }
    }

    /// Invokes a function and waits for its answer. The invocation goes on if the caller goes away.
    pub(crate) async fn invoke(&self, binary: &str, trigger: &str, payload: Bytes) -> Result<Bytes, Failure> {
        let (this, binary, trigger) = (self.clone(), binary.to_owned(), trigger.to_owned());
        self.inner.running.fetch_add(1, Ordering::SeqCst);
        let whole = tokio::spawn(async move {
            let began = Instant::now();
            let outcome = this.run(&binary, payload).await;
            let said = match &outcome {
                Ok(answer) => summary(answer),
                Err(failure) => failure.to_string(),
            };
            let now = this.inner.clock.now();
            this.inner.console.invocation(now, &binary, &trigger, began.elapsed(), &said);
            this.inner.running.fetch_sub(1, Ordering::SeqCst);
            outcome
        });
        whole.await.unwrap_or(Err(Failure::Stopping))
    }

    /// Invocations under way or waiting for a process.
    pub(crate) fn running(&self) -> usize {
        self.inner.running.load(Ordering::SeqCst)
    }

    /// How many processes a function may have.
    pub(crate) fn concurrency(&self, binary: &str) -> usize {
        self.inner.hosts.get(binary).map_or(1, |host| host.concurrency)
    }

    /// How long each process of a function took from its start to its first question for work.
    pub(crate) fn starts(&self, binary: &str) -> Vec<Duration> {
        let host = self.inner.hosts.get(binary);
        host.map(|host| lock(&host.starts).clone()).unwrap_or_default()
    }

    /// The live processes of a function.
    pub(crate) fn pids(&self, binary: &str) -> Vec<u32> {
        self.of(binary).iter().map(|instance| instance.pid()).filter(|pid| *pid > 0).collect()
    }

    /// The process with this path in the Runtime API.
    pub(crate) fn instance(&self, name: &str) -> Option<Arc<Instance>> {
        lock(&self.inner.instances).get(name).cloned()
    }

    /// SIGKILL to every process of a function; gives how many there were, once they are reaped.
    pub(crate) async fn kill(&self, binary: &str) -> usize {
        let victims = self.of(binary);
        victims.iter().for_each(|instance| instance.kill());
        for victim in &victims {
            victim.gone().await;
        }
        victims.len()
    }

    /// SIGKILL to the process that has this end of a connection, or to all of its function if that cannot be told.
    pub(crate) async fn execute(&self, victim: Victim) {
        let all = self.of(&victim.function);
        let pids: Vec<u32> = all.iter().map(|instance| instance.pid()).collect();
        let only = victim.port.and_then(|port| owner_of(port, &pids));
        for instance in all.iter().filter(|instance| only.is_none_or(|pid| pid == instance.pid())) {
            instance.kill();
            instance.gone().await;
        }
        // Whoever asked may have given up.
        let _ = victim.dead.send(());
    }

    /// Where calls of functions pass.
    pub(crate) fn calls(&self) -> &Calls {
        &self.inner.calls
    }

    /// Takes no more work and kills every process; returns once they are reaped.
    pub(crate) async fn stop(&self) {
        self.stop_soon();
        let all: Vec<Arc<Instance>> = lock(&self.inner.instances).values().cloned().collect();
        for instance in all {
            instance.gone().await;
        }
    }

    /// Tells every keeper to kill its process.
    pub(crate) fn stop_soon(&self) {
        self.inner.stop.send_replace(true);
    }

    /// Waits until the runner stops.
    pub(crate) async fn stopped(&self) {
        let mut stop = self.inner.stop.subscribe();
        // The sender lives as long as `self`.
        let _ = stop.wait_for(|stop| *stop).await;
    }

    fn of(&self, binary: &str) -> Vec<Arc<Instance>> {
        let prefix = format!("{binary}.");
        let instances = lock(&self.inner.instances);
        instances.values().filter(|instance| instance.name.starts_with(&prefix)).cloned().collect()
    }

    async fn run(&self, binary: &str, payload: Bytes) -> Result<Bytes, Failure> {
        let host = self.inner.hosts.get(binary).ok_or_else(|| Failure::Unknown(binary.to_owned()))?;
        tokio::select! {
            outcome = self.run_in(host, payload) => outcome,
            () = self.stopped() => Err(Failure::Stopping),
        }
    }

    async fn run_in(&self, host: &Host, payload: Bytes) -> Result<Bytes, Failure> {
        let _slot = host.slots.acquire().await.map_err(|_| Failure::Stopping)?;
        let began = Instant::now();
        let outcome = self.run_on(host, payload).await;
        let memory = host.function.memory;
        // AWS bills the start of a process too.
        self.inner.meter.invocation(&host.function.binary, began.elapsed(), memory);
        outcome
    }

    /// Takes a waiting process, or a new one, and waits for its answer.
    async fn run_on(&self, host: &Host, payload: Bytes) -> Result<Bytes, Failure> {
        let limit = host.function.timeout;
        loop {
            let waiting = lock(&host.idle).pop();
            let (instance, reused) = match waiting {
                Some(instance) => (instance, true),
                None => (self.start(host).await?, false),
            };
            let job = Job {
                request_id: uuid(),
                trace_id: trace_id(),
                deadline: system_now() + limit,
                payload: payload.clone(),
            };
            self.inner.calls.begins(&host.function.binary, &job.payload);
            let Some(answered) = instance.hand(job) else {
                // It died while it waited for work: nothing was handed to it.
                if reused {
                    continue;
                }
                return Err(Failure::Crashed("at once".to_owned()));
            };
            return match tokio::time::timeout(limit, answered).await {
                Ok(Ok(answer)) => {
                    lock(&host.idle).push(instance);
                    match answer {
                        Answer::Returned(bytes) => Ok(bytes),
                        Answer::Failed { kind, message } => Err(Failure::Function { kind, message }),
                    }
                }
                Ok(Err(_)) => Err(Failure::Crashed(format!("process {}", instance.pid()))),
                Err(_) => {
                    instance.kill();
                    instance.gone().await;
                    Err(Failure::TimedOut(limit))
                }
            };
        }
    }

    /// Starts a process and waits until it asks for work.
    async fn start(&self, host: &Host) -> Result<Arc<Instance>, Failure> {
        let began = Instant::now();
        let instance = self.spawn(host).map_err(|error| Failure::Unstartable(format!("{error:#}")))?;
        match tokio::time::timeout(START_LIMIT, instance.started()).await {
            Ok(Stage::Ready) => {
                lock(&host.starts).push(began.elapsed());
                Ok(instance)
            }
            Ok(_) => Err(Failure::Unstartable(instance.start_failure().unwrap_or_else(|| "it ended".to_owned()))),
            Err(_) => {
                instance.kill();
                Err(Failure::Unstartable(format!("no question for work within {START_LIMIT:?}")))
            }
        }
    }

    fn spawn(&self, host: &Host) -> anyhow::Result<Arc<Instance>> {
        let inner = &self.inner;
        let binary = &host.function.binary;
        let name = format!("{binary}.{}", inner.serial.fetch_add(1, Ordering::SeqCst));
        let mut env = host.env.clone();
        // AWS gives host and port alone; with a path after it, the runtime's client wants a scheme too.
        let runtime_api = format!("http://{}/.rt/{name}", inner.runtime_api);
        env.insert("AWS_LAMBDA_RUNTIME_API".to_owned(), runtime_api);
        let instance = Arc::new(Instance::new(name.clone(), host.function.arn.clone()));
        // Known before it runs: it asks for work within a millisecond.
        lock(&inner.instances).insert(name.clone(), instance.clone());
        let process = Process::spawn(&inner.bin_dir.join(binary), &env, binary, &inner.console)
            .inspect_err(|_| drop(lock(&inner.instances).remove(&name)))?;
        instance.runs_as(process.pid);
        tokio::spawn(self.clone().keep(binary.clone(), instance.clone(), process));
        Ok(instance)
    }

    /// Waits until a process has ended, by itself or because it should, and tidies up after it.
    async fn keep(self, binary: String, instance: Arc<Instance>, process: Process) {
        let asked = async {
            tokio::select! {
                () = instance.killed() => {}
                () = self.stopped() => {}
            }
        };
        let by_itself = process.end(asked).await;
        if let Some(host) = self.inner.hosts.get(&binary) {
            lock(&host.idle).retain(|idle| idle.name != instance.name);
        }
        lock(&self.inner.instances).remove(&instance.name);
        instance.bury();
        if let Some(status) = by_itself {
            let note = format!("{binary}: process {} ended ({status})", instance.pid());
            self.inner.console.note(&note);
        }
    }
}

/// What an answer says of itself: an HTTP status, records that failed.
fn summary(answer: &[u8]) -> String {
    #[derive(Default, Deserialize)]
    #[serde(default, rename_all = "camelCase")]
    struct Answer {
        status_code: Option<u16>,
        batch_item_failures: Option<Vec<serde::de::IgnoredAny>>,
    }
    let answer: Answer = serde_json::from_slice(answer).unwrap_or_default();
    match (answer.status_code, answer.batch_item_failures) {
        (Some(status), _) => status.to_string(),
        (None, Some(failed)) if !failed.is_empty() => format!("{} failed", failed.len()),
        _ => "ok".to_owned(),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
