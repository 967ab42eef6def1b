//! Starts the functions' processes when there is work, hands invocations to them, kills those that
//! take too long, and replaces those that died.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use bytes::Bytes;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::{Semaphore, watch};

use crate::clock::{Clock, system_now};
use crate::console::Console;
use crate::instance::{Answer, Instance, Job, Stage};
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
    pub(crate) console: Arc<Console>,
}

impl Supervisor {
    pub(crate) fn new(setup: Setup) -> Supervisor {
        let host = |(function, env): (Function, BTreeMap<String, String>)| {
            let usual = if function.binary == "send" {
                SEND_CONCURRENCY
            } else {
                CONCURRENCY
            };
            let wanted = setup
                .concurrency
                .get(&function.binary)
                .copied()
                .unwrap_or(usual);
            let concurrency = function
                .reserved_concurrency
                .map_or(wanted, |most| wanted.min(most))
                .max(1);
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
            console: setup.console,
            stop: watch::Sender::new(false),
            serial: AtomicU64::new(0),
            running: AtomicUsize::new(0),
        };
        Supervisor {
            inner: Arc::new(inner),
        }
    }

    /// Invokes a function and waits for its answer. The invocation goes on if the caller goes away.
    pub(crate) async fn invoke(
        &self,
        binary: &str,
        trigger: &str,
        payload: Bytes,
    ) -> Result<Bytes, Failure> {
        let (this, binary, trigger) = (self.clone(), binary.to_owned(), trigger.to_owned());
        self.inner.running.fetch_add(1, Ordering::SeqCst);
        let whole = tokio::spawn(async move {
            let began = Instant::now();
            let outcome = this.run(&binary, payload).await;
            let said = match &outcome {
                Ok(_) => "ok".to_owned(),
                Err(failure) => failure.to_string(),
            };
            let now = this.inner.clock.now();
            this.inner
                .console
                .invocation(now, &binary, &trigger, began.elapsed(), &said);
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
        self.inner
            .hosts
            .get(binary)
            .map_or(1, |host| host.concurrency)
    }

    /// How long each process of a function took from its start to its first question for work.
    pub(crate) fn starts(&self, binary: &str) -> Vec<Duration> {
        let host = self.inner.hosts.get(binary);
        host.map(|host| lock(&host.starts).clone())
            .unwrap_or_default()
    }

    /// The live processes of a function.
    pub(crate) fn pids(&self, binary: &str) -> Vec<u32> {
        self.of(binary)
            .iter()
            .map(|instance| instance.pid)
            .collect()
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
        instances
            .values()
            .filter(|instance| instance.name.starts_with(&prefix))
            .cloned()
            .collect()
    }

    async fn run(&self, binary: &str, payload: Bytes) -> Result<Bytes, Failure> {
        let host = self
            .inner
            .hosts
            .get(binary)
            .ok_or_else(|| Failure::Unknown(binary.to_owned()))?;
        tokio::select! {
            outcome = self.run_in(host, payload) => outcome,
            () = self.stopped() => Err(Failure::Stopping),
        }
    }

    async fn run_in(&self, host: &Host, payload: Bytes) -> Result<Bytes, Failure> {
        let _slot = host.slots.acquire().await.map_err(|_| Failure::Stopping)?;
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
                        Answer::Failed { kind, message } => {
                            Err(Failure::Function { kind, message })
                        }
                    }
                }
                Ok(Err(_)) => Err(Failure::Crashed(format!("process {}", instance.pid))),
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
        let instance = self
            .spawn(host)
            .map_err(|error| Failure::Unstartable(format!("{error:#}")))?;
        match tokio::time::timeout(START_LIMIT, instance.started()).await {
            Ok(Stage::Ready) => {
                lock(&host.starts).push(began.elapsed());
                Ok(instance)
            }
            Ok(_) => Err(Failure::Unstartable(
                instance
                    .start_failure()
                    .unwrap_or_else(|| "it ended".to_owned()),
            )),
            Err(_) => {
                instance.kill();
                Err(Failure::Unstartable(format!(
                    "no question for work within {START_LIMIT:?}"
                )))
            }
        }
    }

    fn spawn(&self, host: &Host) -> anyhow::Result<Arc<Instance>> {
        let inner = &self.inner;
        let binary = &host.function.binary;
        let name = format!("{binary}.{}", inner.serial.fetch_add(1, Ordering::SeqCst));
        let path = inner.bin_dir.join(binary);
        let mut command = Command::new(&path);
        // Nothing of this machine's environment reaches a function: it would not be there on AWS.
        command
            .env_clear()
            .envs(&host.env)
            .env(
                "AWS_LAMBDA_RUNTIME_API",
                format!("http://{}/.rt/{name}", inner.runtime_api),
            )
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        let mut child = command
            .spawn()
            .with_context(|| format!("cannot run {}", path.display()))?;
        let pid = child.id().context("the process ended at once")?;
        let instance = Arc::new(Instance::new(name.clone(), pid, host.function.arn.clone()));
        lock(&inner.instances).insert(name, instance.clone());
        let outputs = [
            child.stdout.take().map(|out| self.follow(binary, out)),
            child.stderr.take().map(|err| self.follow(binary, err)),
        ];
        tokio::spawn(
            self.clone()
                .keep(binary.clone(), instance.clone(), child, outputs),
        );
        Ok(instance)
    }

    /// Waits for a process's end, brings it about when asked, and tidies up after it.
    async fn keep(
        self,
        binary: String,
        instance: Arc<Instance>,
        mut child: Child,
        outputs: [Option<tokio::task::JoinHandle<()>>; 2],
    ) {
        let mut asked = true;
        let status = tokio::select! {
            status = child.wait() => { asked = false; status }
            () = instance.killed() => kill(&mut child).await,
            () = self.stopped() => kill(&mut child).await,
        };
        // Its last words come before the news of its end.
        for output in outputs.into_iter().flatten() {
            let _ = tokio::time::timeout(Duration::from_secs(1), output).await;
        }
        if let Some(host) = self.inner.hosts.get(&binary) {
            lock(&host.idle).retain(|idle| idle.name != instance.name);
        }
        lock(&self.inner.instances).remove(&instance.name);
        instance.bury();
        if !asked {
            let ending = status.map_or_else(|error| error.to_string(), |status| status.to_string());
            self.inner.console.note(&format!(
                "{binary}: process {} ended ({ending})",
                instance.pid
            ));
        }
    }

    /// Passes a process's output on, line by line.
    fn follow(
        &self,
        binary: &str,
        output: impl AsyncRead + Unpin + Send + 'static,
    ) -> tokio::task::JoinHandle<()> {
        let (console, binary) = (self.inner.console.clone(), binary.to_owned());
        tokio::spawn(async move {
            let mut reader = BufReader::new(output);
            let mut line = Vec::new();
            while reader
                .read_until(b'\n', &mut line)
                .await
                .is_ok_and(|read| read > 0)
            {
                console.function_line(
                    &binary,
                    String::from_utf8_lossy(&line).trim_end().to_owned(),
                );
                line.clear();
            }
        })
    }
}

async fn kill(child: &mut Child) -> std::io::Result<std::process::ExitStatus> {
    // It may have ended by itself meanwhile.
    let _ = child.start_kill();
    child.wait().await
}

/// The environment that Lambda itself gives to a function.
pub(crate) fn lambda_env(function: &Function) -> BTreeMap<String, String> {
    let log_group = format!("/aws/lambda/{}", function.name);
    [
        ("AWS_LAMBDA_FUNCTION_NAME", function.name.as_str()),
        (
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
            &function.memory.to_string(),
        ),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", &log_group),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "local"),
        ("AWS_REGION", crate::template::REGION),
        ("AWS_DEFAULT_REGION", crate::template::REGION),
        ("AWS_ACCESS_KEY_ID", function.binary.as_str()),
        ("AWS_SECRET_ACCESS_KEY", "local"),
        ("LANG", "en_US.UTF-8"),
        ("TZ", ":UTC"),
        ("_HANDLER", "bootstrap"),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .into()
}

/// A random version 4 UUID.
pub(crate) fn uuid() -> String {
    let mut bytes: [u8; 16] = rand::random();
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex = hex::encode(bytes);
    format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    )
}

fn trace_id() -> String {
    let seconds = system_now().as_second();
    let random: [u8; 12] = rand::random();
    format!("Root=1-{seconds:08x}-{};Sampled=0", hex::encode(random))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
