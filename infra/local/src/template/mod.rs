//! What the runner needs to know of template.yaml: functions, events, tables, queues, buckets,
//! secrets and keys, with every intrinsic function resolved for this machine.

mod events;
mod functions;
mod intrinsics;
mod mail_events;
mod names;
mod properties;
mod receipt;
mod resources;
mod roles;
mod stores;
#[cfg(test)]
mod tests;
mod yaml;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::Value;

pub use intrinsics::Inputs;

/// The region the runner plays, as in production.
pub const REGION: &str = "eu-west-3";
/// The account id of every local ARN.
pub const ACCOUNT: &str = "000000000000";
/// The stack's name: the prefix of names that the template leaves to CloudFormation.
pub const STACK: &str = "prospectra";

/// Stands in queue URLs until the SQS endpoint's address is known ([`Function::env_at`]).
pub const SQS_ENDPOINT: &str = "${local:sqs_endpoint}";
/// Stands for the local relay's certificate authority (PEM) until the SMTP server is up.
pub const RELAY_ROOTS: &str = "${local:relay_roots}";
/// Stands for the address of the local name server.
pub const NAME_SERVER: &str = "${local:name_server}";

/// The resolved template.
#[derive(Clone, Debug, Default)]
pub struct Template {
    /// The Lambda functions, by logical id.
    pub functions: Vec<Function>,
    /// The IAM roles that the template declares itself.
    pub roles: Vec<Role>,
    /// The DynamoDB tables.
    pub tables: Vec<Table>,
    /// The SQS queues, dead-letter queues included.
    pub queues: Vec<Queue>,
    /// The S3 buckets.
    pub buckets: Vec<Bucket>,
    /// The Secrets Manager secrets.
    pub secrets: Vec<Secret>,
    /// The KMS keys.
    pub keys: Vec<Key>,
    /// Where SES publishes the events of a configuration set.
    pub mail_events: Vec<MailEvents>,
    /// What SES does with mail that comes in.
    pub receipts: Vec<Receipt>,
    /// The values of `Outputs`.
    pub outputs: BTreeMap<String, String>,
}

/// One Lambda function.
#[derive(Clone, Debug)]
pub struct Function {
    /// Its name in the template.
    pub logical_id: String,
    /// Its name on AWS.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// The binary to run: the last component of `CodeUri`; also its access key id and its crate.
    pub binary: String,
    /// How long one invocation may take.
    pub timeout: Duration,
    /// Its memory in MB. Told to the function, not enforced.
    pub memory: u32,
    /// `ReservedConcurrentExecutions`, where set.
    pub reserved_concurrency: Option<usize>,
    /// Its environment; values may hold [`SQS_ENDPOINT`] and [`RELAY_ROOTS`].
    pub env: BTreeMap<String, String>,
    /// The ARN of its role: the one that SAM makes for it, unless it names another.
    pub role: String,
    /// What its role may do.
    pub statements: Vec<Statement>,
    /// What invokes it.
    pub events: Vec<EventSource>,
}

/// One IAM role.
#[derive(Clone, Debug)]
pub struct Role {
    /// Its name in the template.
    pub logical_id: String,
    /// Its ARN.
    pub arn: String,
    /// `MaxSessionDuration`.
    pub longest: Duration,
    /// Who may assume it, and how.
    pub trust: Vec<Trust>,
    /// What its sessions may do.
    pub statements: Vec<Statement>,
}

/// One statement of a role's trust policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Trust {
    /// The ARNs of the roles it speaks of; a service is nobody here.
    pub principals: Vec<String>,
    /// What it says. Its resource is the role itself.
    pub statement: Statement,
}

/// One IAM statement.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// `Sid`, empty where absent.
    pub sid: String,
    /// Whether it allows or denies.
    pub effect: Effect,
    /// `service:Action`, with `*` and `?`.
    pub actions: Vec<String>,
    /// ARNs, with `*` and `?`.
    pub resources: Vec<String>,
    /// The `Condition` block, `null` where absent.
    pub condition: Value,
}

/// What a statement does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Grants.
    Allow,
    /// Refuses, whatever else grants.
    Deny,
}

/// What invokes a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventSource {
    /// A route of the HTTP API.
    HttpApi {
        /// Upper case, or `ANY`.
        method: String,
        /// With `{parameter}` and `{proxy+}`.
        path: String,
    },
    /// An event source mapping.
    Sqs {
        /// The queue.
        queue_arn: String,
        /// At most this many records an invocation.
        batch_size: usize,
        /// How long to gather a batch.
        window: Duration,
        /// Whether the answer's `batchItemFailures` counts.
        report_batch_item_failures: bool,
        /// At most this many invocations at once.
        max_concurrency: Option<usize>,
    },
    /// A schedule.
    Schedule {
        /// Its name: `POST /_local/schedules/{name}`.
        name: String,
        /// `rate(…)` or `cron(…)`.
        expression: String,
        /// The IANA zone that a cron expression counts in; UTC where absent.
        timezone: Option<String>,
        /// The payload where the template gives one.
        input: Option<String>,
        /// EventBridge Scheduler (`ScheduleV2`) or an EventBridge rule (`Schedule`).
        scheduler: bool,
        /// Whether it fires by itself.
        enabled: bool,
    },
}

/// One DynamoDB table.
#[derive(Clone, Debug)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// The CreateTable request, as JSON.
    pub create: Value,
    /// The attribute that holds the expiry, in epoch seconds.
    pub ttl_attribute: Option<String>,
}

/// One SQS queue.
#[derive(Clone, Debug)]
pub struct Queue {
    /// Its name in the template.
    pub logical_id: String,
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// Its URL, starting with [`SQS_ENDPOINT`].
    pub url: String,
    /// How long a received message stays hidden.
    pub visibility_timeout: Duration,
    /// How long a sent message stays hidden.
    pub delay: Duration,
    /// How long a message is kept.
    pub retention: Duration,
    /// After this many receives a message moves to [`Queue::dead_letter`].
    pub max_receive_count: Option<u32>,
    /// The dead-letter queue's ARN.
    pub dead_letter: Option<String>,
}

/// One S3 bucket.
#[derive(Clone, Debug)]
pub struct Bucket {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// What it tells, and whom.
    pub notifications: Vec<Notification>,
    /// The ARN of the KMS key it encrypts with, unless that is S3's own.
    pub key: Option<String>,
}

/// One queue notification of a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// `s3:ObjectCreated:*` and its like.
    pub event: String,
    /// Keys must start with this.
    pub prefix: String,
    /// Keys must end with this.
    pub suffix: String,
    /// The queue's ARN.
    pub queue_arn: String,
}

/// One secret.
#[derive(Clone, Debug)]
pub struct Secret {
    /// Its name.
    pub name: String,
    /// Its ARN: what `Ref` gives.
    pub arn: String,
    /// Where its first value comes from.
    pub value: SecretValue,
}

/// The first value of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretValue {
    /// `SecretString`.
    Literal(String),
    /// `GenerateSecretString`.
    Generated {
        /// A JSON object that receives the random string under `key`; without one the secret is the string.
        template: Option<String>,
        /// `GenerateStringKey`.
        key: Option<String>,
        /// `PasswordLength`, 32 unless told.
        length: usize,
        /// Characters never to use: `ExcludeCharacters`, and the punctuation where `ExcludePunctuation`.
        exclude: String,
    },
}

/// One KMS key.
#[derive(Clone, Debug)]
pub struct Key {
    /// Its name in the template.
    pub logical_id: String,
    /// Its id: what `Ref` gives. Stable from run to run.
    pub id: String,
    /// Its ARN.
    pub arn: String,
    /// The aliases (`alias/…`) that point to it.
    pub aliases: Vec<String>,
}

/// Where SES publishes the events of a configuration set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailEvents {
    /// The configuration set.
    pub configuration_set: String,
    /// `SEND`, `DELIVERY`, `BOUNCE` and so on, as in `MatchingEventTypes`.
    pub types: Vec<String>,
    /// The queue's ARN.
    pub queue_arn: String,
    /// What the event is wrapped in when it reaches the queue.
    pub envelope: Envelope,
}

/// What SES does with mail for some addresses: into a bucket, and a queue is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Domains, or addresses.
    pub recipients: Vec<String>,
    /// The bucket.
    pub bucket: String,
    /// What its keys start with.
    pub prefix: String,
    /// The queue's ARN.
    pub queue_arn: String,
    /// What the notification is wrapped in when it reaches the queue.
    pub envelope: Envelope,
}

/// How an SES event reaches a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Envelope {
    /// SNS with raw message delivery: the event itself.
    Raw,
    /// SNS: the event is the string `Message` of a notification.
    Sns,
    /// EventBridge: the event is `detail`, `source` is `aws.ses`.
    EventBridge,
}

/// What is known only once the back ends listen.
#[derive(Clone, Debug, Default)]
pub struct Endpoints {
    /// `http://127.0.0.1:port` of SQS.
    pub sqs: String,
    /// The local relay's certificate authority, PEM.
    pub relay_roots: String,
    /// `127.0.0.1:port` of the local name server.
    pub name_server: String,
}

impl Template {
    /// Reads and resolves a template file. Errors name the logical id at fault.
    pub fn load(path: &Path, inputs: &Inputs) -> anyhow::Result<Template> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        Template::parse(&text, inputs).with_context(|| format!("in {}", path.display()))
    }

    /// Resolves a template's text.
    pub fn parse(text: &str, inputs: &Inputs) -> anyhow::Result<Template> {
        let document = yaml::parse(text)?;
        let scope = intrinsics::Scope::new(document, inputs)?;
        resources::read(&scope)
    }

    /// The function that runs this binary, or has this logical id or name.
    pub fn function(&self, name: &str) -> Option<&Function> {
        self.functions.iter().find(|f| f.binary == name || f.logical_id == name || f.name == name)
    }

    /// The queue with this ARN.
    pub fn queue(&self, arn: &str) -> Option<&Queue> {
        self.queues.iter().find(|q| q.arn == arn)
    }
}

impl Function {
    /// Its environment, with the addresses that are known late put in.
    pub fn env_at(&self, endpoints: &Endpoints) -> BTreeMap<String, String> {
        self.env.iter().map(|(key, value)| (key.clone(), endpoints.fill(value))).collect()
    }
}

impl Endpoints {
    /// Puts the addresses into a value.
    pub fn fill(&self, value: &str) -> String {
        value
            .replace(SQS_ENDPOINT, &self.sqs)
            .replace(RELAY_ROOTS, &self.relay_roots)
            .replace(NAME_SERVER, &self.name_server)
    }
}
