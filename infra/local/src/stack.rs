//! One running product: back ends, functions, gateway, queues and schedules.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::backends::{Backends, State};
use crate::build_functions::{BIN_DIR, build_functions, workspace_root};
use crate::clock::Clock;
use crate::console::{Console, LogLine};
use crate::engine::Engine;
use crate::gateway::{self, Gateway};
use crate::process::lambda_env;
use crate::routes::Routes;
use crate::sources::schedules::{Fired, Schedules};
use crate::sources::{s3, sqs};
use crate::supervisor::{Failure, Setup, Supervisor};
use crate::template::{Endpoints, EventSource, Inputs, NAME_SERVER, RELAY_ROOTS, Template};
use crate::{invoke_api, local_routes, runtime_api};

/// The gateway's port where it is free and nothing else is asked for.
pub const PORT: u16 = 8787;

/// How a stack is started. The default keeps its state under `.local/` and prints.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Keeps nothing: memory only.
    pub ephemeral: bool,
    /// The gateway's port: none for [`PORT`] or, if that is taken, any; 0 for any.
    pub port: Option<u16>,
    /// `template.yaml` of the workspace unless given.
    pub template_path: Option<PathBuf>,
    /// `infra/local/parameters.toml` unless given.
    pub parameters_path: Option<PathBuf>,
    /// Template parameters that win over the file's.
    pub overrides: BTreeMap<String, String>,
    /// Where the functions' binaries are; built unless given here or in `PROSPECTRA_BIN_DIR`.
    pub bin_dir: Option<PathBuf>,
    /// `.local/` of the workspace unless given. Of no use to an ephemeral stack.
    pub state_dir: Option<PathBuf>,
    /// Prints nothing; [`Stack::logs`] still has every line.
    pub quiet_logs: bool,
    /// Processes of a function at once, by binary, where not the default.
    pub concurrency: BTreeMap<String, usize>,
    /// Instead of the template's, for every queue: so that a test need not wait for minutes.
    pub visibility_timeout: Option<Duration>,
    /// The longest that a batch is gathered, where the template says longer.
    pub batching_window: Option<Duration>,
    /// How soon the messages of an invocation that died show again, and after a few times that those that failed; by
    /// default when their visibility ends.
    pub retry_after: Option<Duration>,
    /// Schedules come when they are fired, and not when their time comes.
    pub schedules_on_request: bool,
}

impl Options {
    /// For tests: nothing is kept or printed, on a port of its own.
    pub fn test() -> Options {
        Options {
            ephemeral: true,
            port: Some(0),
            quiet_logs: true,
            batching_window: Some(Duration::from_millis(50)),
            ..Options::default()
        }
    }
}

/// A running product. Dropping it kills what it started.
pub struct Stack {
    engine: Arc<Engine>,
    backends: Backends,
    template: Template,
    console: Arc<Console>,
    address: SocketAddr,
    tasks: Vec<JoinHandle<()>>,
    /// Held as long as the state is in use.
    _lock: Option<std::fs::File>,
}

impl Stack {
    /// Builds the functions if need be, and starts everything.
    ///
    /// # Errors
    ///
    /// The template is not understood, the functions do not compile, the port is taken, or another
    /// runner uses the same state.
    pub async fn start(options: Options) -> anyhow::Result<Stack> {
        let console = Arc::new(Console::new(options.quiet_logs));
        let root = workspace_root();
        let listener = bind(options.port, &console).await?;
        let address = listener.local_addr()?;
        let template = read_template(&options, &root, address)?;
        let bin_dir = bin_dir(&options, &root, &template).await?;
        let (state, lock) = state(&options, &root)?;

        let clock = match &state {
            State::Memory => Clock::new(),
            State::Dir(directory) => Clock::kept_in(&directory.join("clock")),
        };
        if clock.is_moved() {
            console
                .note(&format!("the clock was moved: it is {:.0}, and POST /_local/clock moves it back", clock.now()));
        }
        let (created, uploads) = mpsc::unbounded_channel();
        let backends = Backends::start(&template, state, clock.clone(), created).await?;
        let runtime = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let mut victims = backends.faults().calls().hangman();
        let supervisor = Supervisor::new(Setup {
            functions: environments(&template, &backends),
            concurrency: options.concurrency.clone(),
            runtime_api: runtime.local_addr()?.to_string(),
            bin_dir,
            clock: clock.clone(),
            meter: backends.meter().clone(),
            calls: backends.faults().calls().clone(),
            console: console.clone(),
        });
        let executioner = supervisor.clone();
        let schedules =
            Schedules::new(&template.functions, clock.clone(), supervisor.clone(), backends.faults().clone())?;
        let routes = Routes::of(&template.functions);
        let engine = Arc::new(Engine {
            clock: clock.clone(),
            supervisor: supervisor.clone(),
            schedules: schedules.clone(),
            sqs: backends.sqs().clone(),
            polled: polled(&template),
            routes: routes.keys().map(|(key, binary)| (key, binary.to_owned())).collect(),
        });

        let gateway = Gateway { routes, supervisor: supervisor.clone(), clock: clock.clone(), port: address.port() };
        let api = local_routes::router(engine.clone())
            .merge(invoke_api::router(&template.functions, supervisor.clone()))
            .merge(backends.router())
            .merge(gateway::router(gateway));
        let sqs = backends.sqs();
        let mut tasks = vec![
            serve(runtime, runtime_api::router(supervisor.clone())),
            serve(listener, api),
            tokio::spawn(s3::forward(uploads, template.buckets.clone(), sqs.clone(), clock, console.clone())),
            tokio::spawn(schedules.run()),
            tokio::spawn(async move {
                while let Some(victim) = victims.recv().await {
                    executioner.execute(victim).await;
                }
            }),
        ];
        for function in &template.functions {
            let mappings = sqs::mappings(function, sqs, &supervisor, &console, options.retry_after);
            tasks.extend(mappings.into_iter().map(|mapping| tokio::spawn(mapping.run())));
        }
        Ok(Stack { engine, backends, template, console, address, tasks, _lock: lock })
    }

    /// The gateway's address: `http://127.0.0.1:8787`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The clock that every function lives by. [`Stack::set_clock`] also fires what becomes due.
    pub fn clock(&self) -> &Clock {
        &self.engine.clock
    }

    /// Moves the clock and fires each schedule that became due, once; they have finished on return.
    pub async fn set_clock(&self, now: Timestamp) -> Vec<Fired> {
        self.engine.schedules.set_clock(now).await
    }

    /// The emulated services.
    pub fn backends(&self) -> &Backends {
        &self.backends
    }

    /// The template as resolved for this stack.
    pub fn template(&self) -> &Template {
        &self.template
    }

    /// Waits until the polled queues are empty and nothing runs.
    ///
    /// # Errors
    ///
    /// It is still busy after `limit`; the error says with what.
    pub async fn quiet(&self, limit: Duration) -> anyhow::Result<()> {
        self.engine.quiet(limit).await
    }

    /// The same, but moves the clock over every delay that nothing else goes on beside: nobody waits for it.
    ///
    /// # Errors
    ///
    /// See [`Stack::quiet`]; `limit` is the time between two delays.
    pub async fn skip_to_quiet(&self, limit: Duration) -> anyhow::Result<()> {
        self.engine.skip_to_quiet(limit, SignedDuration::ZERO).await
    }

    /// The same in strides: what is delayed for up to `stride` longer than the first comes with it, and not one after the other.
    ///
    /// # Errors
    ///
    /// See [`Stack::quiet`].
    pub async fn stride_to_quiet(&self, limit: Duration, stride: SignedDuration) -> anyhow::Result<()> {
        self.engine.skip_to_quiet(limit, stride).await
    }

    /// Fires a schedule now and waits for it.
    ///
    /// # Errors
    ///
    /// The template has no such schedule.
    pub async fn fire(&self, schedule: &str) -> anyhow::Result<Fired> {
        self.fire_with(schedule, &serde_json::json!({})).await
    }

    /// Fires a schedule now, with something in its event's `detail`, and waits for it.
    ///
    /// # Errors
    ///
    /// The template has no such schedule.
    pub async fn fire_with(&self, schedule: &str, detail: &Value) -> anyhow::Result<Fired> {
        self.engine.schedules.fire(schedule, detail).await.with_context(|| format!("no schedule {schedule}"))
    }

    /// Invokes a function directly, as the Lambda API's Invoke does.
    ///
    /// # Errors
    ///
    /// The function failed, see [`Failure`].
    pub async fn invoke(&self, function: &str, payload: &Value) -> Result<Bytes, Failure> {
        self.engine.supervisor.invoke(function, "invoke", payload.to_string().into()).await
    }

    /// SIGKILL to every process of a function; gives how many there were.
    pub async fn kill(&self, function: &str) -> usize {
        self.engine.supervisor.kill(function).await
    }

    /// The live processes of a function.
    pub fn pids(&self, function: &str) -> Vec<u32> {
        self.engine.supervisor.pids(function)
    }

    /// How long each process of a function took from its start to its first question for work.
    pub fn starts(&self, function: &str) -> Vec<Duration> {
        self.engine.supervisor.starts(function)
    }

    /// Every line that the functions and the runner wrote.
    pub fn logs(&self) -> Vec<LogLine> {
        self.console.lines()
    }

    /// Stops everything; returns once no process is left.
    pub async fn stop(self) {
        self.engine.supervisor.stop().await;
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        self.engine.supervisor.stop_soon();
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

async fn bind(port: Option<u16>, console: &Console) -> anyhow::Result<TcpListener> {
    let loopback = |port: u16| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    match port {
        Some(port) => loopback(port).await.with_context(|| format!("port {port} of 127.0.0.1")),
        None => match loopback(PORT).await {
            Ok(listener) => Ok(listener),
            Err(_) => {
                let listener = loopback(0).await?;
                console.note(&format!("port {PORT} is taken: serving on port {}", listener.local_addr()?.port()));
                Ok(listener)
            }
        },
    }
}

fn serve(listener: TcpListener, router: axum::Router) -> JoinHandle<()> {
    use axum::serve::ListenerExt as _;
    let listener = listener.tap_io(|stream| {
        // Small answers must not wait for more to send with them.
        let _ = stream.set_nodelay(true);
    });
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move {
        // Serving ends only with its task.
        let _ = axum::serve(listener, service).await;
    })
}

fn read_template(options: &Options, root: &Path, address: SocketAddr) -> anyhow::Result<Template> {
    let path = options.parameters_path.clone().unwrap_or_else(|| root.join("infra/local/parameters.toml"));
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut parameters: BTreeMap<String, String> = toml::from_str(&text).with_context(|| path.display().to_string())?;
    parameters.extend(options.overrides.clone());
    let filled = [
        ("PublicUrl", format!("http://{address}")),
        ("RelayNetworks", "127.0.0.0/8".to_owned()),
        ("RelayRootCertificates", RELAY_ROOTS.to_owned()),
        ("NameServer", NAME_SERVER.to_owned()),
        ("WebhookNetworks", "127.0.0.0/8".to_owned()),
        ("WebhookRootCertificates", RELAY_ROOTS.to_owned()),
    ];
    let inputs = Inputs { parameters, filled: filled.map(|(name, value)| (name.to_owned(), value)).into() };
    let path = options.template_path.clone().unwrap_or_else(|| root.join("template.yaml"));
    let mut template = Template::load(&path, &inputs)?;
    if let Some(timeout) = options.visibility_timeout {
        template.queues.iter_mut().for_each(|queue| queue.visibility_timeout = timeout);
    }
    for event in template.functions.iter_mut().flat_map(|function| &mut function.events) {
        match event {
            EventSource::Sqs { window, .. } => {
                *window = options.batching_window.map_or(*window, |most| most.min(*window));
            }
            EventSource::Schedule { enabled, .. } if options.schedules_on_request => *enabled = false,
            _ => {}
        }
    }
    Ok(template)
}

async fn bin_dir(options: &Options, root: &Path, template: &Template) -> anyhow::Result<PathBuf> {
    if let Some(given) = options.bin_dir.clone().or_else(|| std::env::var_os(BIN_DIR).map(PathBuf::from)) {
        return given.canonicalize().with_context(|| format!("no folder {}", given.display()));
    }
    let binaries: Vec<String> = template.functions.iter().map(|function| function.binary.clone()).collect();
    let root = root.to_owned();
    tokio::task::spawn_blocking(move || build_functions(&root, &binaries)).await?
}

fn state(options: &Options, root: &Path) -> anyhow::Result<(State, Option<std::fs::File>)> {
    if options.ephemeral {
        return Ok((State::Memory, None));
    }
    let directory = options.state_dir.clone().unwrap_or_else(|| root.join(".local"));
    std::fs::create_dir_all(&directory).with_context(|| format!("cannot make {}", directory.display()))?;
    let lock = std::fs::File::create(directory.join("lock"))?;
    if lock.try_lock().is_err() {
        bail!("another runner uses {}: stop it, or take --ephemeral", directory.display());
    }
    Ok((State::Dir(directory), Some(lock)))
}

fn environments(
    template: &Template,
    backends: &Backends,
) -> Vec<(crate::template::Function, BTreeMap<String, String>)> {
    let shared = backends.env();
    let endpoints = Endpoints {
        sqs: shared.get("AWS_ENDPOINT_URL_SQS").cloned().unwrap_or_default(),
        relay_roots: backends.smtp().root_pem().to_owned(),
        name_server: backends.dns().address(),
    };
    let whole = |function: &crate::template::Function| {
        let mut env = function.env_at(&endpoints);
        env.extend(lambda_env(function));
        env.extend(shared.clone());
        (function.clone(), env)
    };
    template.functions.iter().map(whole).collect()
}

fn polled(template: &Template) -> Vec<String> {
    let events = template.functions.iter().flat_map(|function| &function.events);
    let arn = |event: &EventSource| match event {
        EventSource::Sqs { queue_arn, .. } => Some(queue_arn.clone()),
        _ => None,
    };
    events.filter_map(arn).collect()
}
