//! One running product for one test, or for all tests that leave the clock and the network alone.

use std::collections::BTreeSet;
use std::future::Future;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use local::backends::Plan;
use local::{Options, Stack};
use regex::Regex;
use tokio::runtime::Runtime;
use tokio::sync::{OnceCell, Semaphore};

use crate::inventory::Seen;
use crate::store::Dump;
use crate::{Client, Mail, Sender};

/// Tests at a time: each stack is a product of its own, and password hashes are slow on purpose.
const AT_ONCE: usize = 3;

/// Log lines that a failed test shows.
const LAST_WORDS: usize = 60;

/// One runtime for all tests: the shared stack must outlive the test that started it.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime"));
static TURNS: Semaphore = Semaphore::const_new(AT_ONCE);
static BINARIES: OnceCell<PathBuf> = OnceCell::const_new();
static SHARED: OnceCell<TestStack> = OnceCell::const_new();

/// Anything that looks like an address of a person.
static ADDRESS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"[\w.+'-]+(@|%40)[\w-]+(\.[\w-]+)+").expect("a valid expression"));

/// Runs a test on the common runtime, when it is its turn.
pub fn run<T>(test: impl Future<Output = T>) -> T {
    RUNTIME.block_on(async {
        let _turn = TURNS.acquire().await.expect("never closed");
        Box::pin(test).await
    })
}

/// A product with everything a test wants to know about it.
pub struct TestStack {
    stack: Stack,
    /// What must not be in any log line.
    secrets: Mutex<BTreeSet<String>>,
}

impl Deref for TestStack {
    type Target = Stack;

    fn deref(&self) -> &Stack {
        &self.stack
    }
}

impl TestStack {
    /// A stack of one's own.
    pub async fn start() -> TestStack {
        TestStack::with(|_| {}).await
    }

    /// A stack of one's own with other options.
    pub async fn with(change: impl FnOnce(&mut Options)) -> TestStack {
        let mut options = Options { bin_dir: Some(binaries().await), schedules_on_request: true, ..Options::test() };
        change(&mut options);
        let stack = Stack::start(options).await.unwrap_or_else(|error| panic!("the product does not start: {error:#}"));
        TestStack { stack, secrets: Mutex::default() }
    }

    /// The stack of all tests that need neither the clock nor faults.
    pub async fn shared() -> &'static TestStack {
        SHARED.get_or_init(TestStack::start).await
    }

    /// Somebody without a session.
    pub fn client(&self) -> Client {
        Client::new(&self.stack.url())
    }

    /// A company that has signed up, confirmed its address, logged in and said who it is.
    pub async fn sign_up(&self) -> Sender<'_> {
        Sender::sign_up(self).await
    }

    /// Everything that was received so far.
    pub fn mails(&self) -> Vec<Mail> {
        self.stack.backends().mailbox().all().iter().map(Mail::read).collect()
    }

    /// What one address has received, oldest first.
    pub fn mails_to(&self, address: &str) -> Vec<Mail> {
        let all = self.stack.backends().mailbox().all();
        let theirs =
            all.iter().filter(|stored| stored.envelope.envelope_to.iter().any(|to| to.eq_ignore_ascii_case(address)));
        theirs.map(Mail::read).collect()
    }

    /// The only thing that an address has received.
    #[track_caller]
    pub fn only_mail_to(&self, address: &str) -> Mail {
        let mut mails = self.mails_to(address);
        assert_eq!(mails.len(), 1, "messages to {address}");
        mails.remove(0)
    }

    /// Breaks what the plan says.
    pub fn break_things(&self, plan: Plan) {
        self.stack.backends().faults().set(plan);
    }

    /// The time the product lives at.
    pub fn now(&self) -> Timestamp {
        self.stack.clock().now()
    }

    /// Moves the clock without firing schedules: to look at a boundary from both sides.
    pub fn set_time(&self, now: Timestamp) {
        self.stack.clock().set(now);
    }

    /// Moves the clock ahead without firing schedules.
    pub fn wait(&self, time: SignedDuration) {
        self.set_time(self.now() + time);
    }

    /// Fires the purge now and gives what it says it did.
    pub async fn purge(&self) -> serde_json::Value {
        let fired = self.stack.fire("purge").await.expect("the template has a purge");
        assert!(fired.ok, "the purge failed: {}", fired.result);
        assert_eq!(fired.result["complete"], true, "{}", fired.result);
        fired.result
    }

    /// The purge of a moment, wherever the clock is: to the second, however busy the machine.
    pub async fn purge_at(&self, now: Timestamp) -> serde_json::Value {
        let answer =
            self.stack.invoke("purge", &serde_json::json!({"source": "aws.scheduler", "time": now.to_string()})).await;
        let answer = answer.unwrap_or_else(|failure| panic!("the purge failed: {failure:?}"));
        let report: serde_json::Value = serde_json::from_slice(&answer).expect("JSON");
        assert_eq!(report["complete"], true, "{report}");
        report
    }

    /// Looks how old secrets and reviews are at a moment, and gives what it did.
    pub async fn rotate_at(&self, now: Timestamp) -> serde_json::Value {
        let event = serde_json::json!({"source": "aws.scheduler", "time": now.to_string()});
        let answer = self.stack.invoke("rotate", &event).await;
        let answer = answer.unwrap_or_else(|failure| panic!("rotating failed: {failure:?}"));
        serde_json::from_slice(&answer).expect("JSON")
    }

    /// Asks the purge to replay a restore, and gives what it says it did.
    pub async fn replay(&self) -> serde_json::Value {
        let asked = serde_json::json!({"replay": true});
        let fired = self.stack.fire_with("purge", &asked).await.expect("the template has a purge");
        assert!(fired.ok && fired.result["complete"] == true, "the replay failed: {}", fired.result);
        fired.result
    }

    /// Asks the purge what it would delete now.
    pub async fn foresee(&self) -> serde_json::Value {
        let asked = serde_json::json!({"dry_run": true});
        let fired = self.stack.fire_with("purge", &asked).await.expect("the template has a purge");
        assert!(fired.ok && fired.result["dry_run"] == true, "the dry run failed: {}", fired.result);
        fired.result
    }

    /// Puts on the queue what is due for its next step now; gives how many chunks that were.
    pub async fn follow_up(&self) -> u64 {
        let fired = self.stack.fire("follow-up").await.expect("the template has a follow-up");
        assert!(fired.ok && fired.result["complete"] == true, "following up failed: {}", fired.result);
        fired.result["chunks"].as_u64().expect("a number")
    }

    /// Fires the announcements now and gives what they say they did.
    pub async fn announce(&self) -> serde_json::Value {
        let fired = self.stack.fire("announce").await.expect("the template has announcements");
        assert!(fired.ok, "announcing failed: {}", fired.result);
        assert_eq!(fired.result["complete"], true, "{}", fired.result);
        fired.result
    }

    /// Orders news; gives what became of it, or why it was refused.
    pub async fn order_news(&self, news: &serde_json::Value) -> Result<serde_json::Value, String> {
        let order = serde_json::json!({"time": self.now().to_string(), "detail": {"news": news}});
        match self.stack.invoke("announce", &order).await {
            Ok(answer) => Ok(serde_json::from_slice(&answer).expect("JSON")),
            Err(local::Failure::Function { message, .. }) => Err(message),
            Err(killed) => Err(killed.to_string()),
        }
    }

    /// Waits until every queue is empty and nothing runs. What only waits for a queue's delay to pass has the
    /// clock moved for it.
    pub async fn settle(&self) {
        self.stack.skip_to_quiet(Duration::from_secs(120)).await.unwrap_or_else(|error| panic!("{error:#}"));
    }

    /// Waits until a line with this was logged, so many times: a line comes a moment after the answer of who wrote it.
    pub async fn logged(&self, what: &str, times: usize) {
        let said = || self.stack.logs().iter().filter(|line| line.line.contains(what)).count();
        crate::wait_for(what, || async { (said() >= times).then_some(()) }).await;
    }

    /// Remembers something that no log line may contain.
    pub fn keep_secret(&self, secret: impl Into<String>) {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner).insert(secret.into());
    }

    /// Fails if a function called what it has no permission for, if a message died in a queue, if something is
    /// stored that no class of the policy covers (A13), or if anything personal is in a log line.
    #[track_caller]
    pub fn check(&self) {
        let denied = self.stack.backends().iam().denied();
        assert!(denied.is_empty(), "template.yaml permits too little: {denied:#?}");
        for queue in self.stack.template().queues.iter().filter(|queue| queue.name.contains("DeadLetters")) {
            let counts = self.stack.backends().sqs().counts(&queue.arn).expect("the queue exists");
            assert_eq!(counts.visible, 0, "messages died: {}", queue.name);
        }
        let mut seen = Seen::default();
        seen.look(&Dump::take(self));
        let unlisted = seen.unlisted;
        assert!(unlisted.is_empty(), "infra/policy/inventory.toml does not cover what is stored: {unlisted:#?}");
        let leaks = self.leaks();
        assert!(leaks.is_empty(), "personal data in logs:\n{}", leaks.join("\n"));
    }

    /// Log lines, of the functions and of the runner, with an address or a secret in them.
    pub fn leaks(&self) -> Vec<String> {
        let secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let leaks = |line: &str| ADDRESS.is_match(line) || secrets.iter().any(|secret| line.contains(secret.as_str()));
        let lines = self.stack.logs().into_iter().filter(|line| leaks(&line.line));
        lines.map(|line| format!("{} | {}", line.function, line.line)).collect()
    }

    /// [`TestStack::check`], then stops everything.
    pub async fn finish(self) {
        self.check();
        // Dropped here, it kills what it started.
    }
}

impl Drop for TestStack {
    /// A test that fails shows what the product last said (cargo shows it then).
    #[expect(clippy::print_stdout, reason = "cargo shows what a failed test printed")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            // Tests ask again and again: that they did says nothing.
            let lines: Vec<_> = self.stack.logs().into_iter().filter(|line| !line.line.contains(" GET /")).collect();
            for line in lines.iter().skip(lines.len().saturating_sub(LAST_WORDS)) {
                println!("{:<11} {}", line.function, line.line);
            }
        }
    }
}

/// The folder of the functions' binaries: built once for the whole run.
pub async fn binaries() -> PathBuf {
    let build = || {
        if let Some(folder) = std::env::var_os(local::BIN_DIR) {
            return PathBuf::from(folder);
        }
        let root = local::workspace_root();
        let folders = std::fs::read_dir(root.join("functions")).expect("the functions");
        let names: Vec<String> = folders
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| !name.starts_with('.'))
            .collect();
        local::build_functions(&root, &names).unwrap_or_else(|error| panic!("the functions do not compile: {error:#}"))
    };
    BINARIES
        .get_or_init(|| async { tokio::task::spawn_blocking(build).await.expect("the build does not panic") })
        .await
        .clone()
}
