//! The AWS services that the product calls, on loopback: each knows who calls, enforces the permissions of
//! template.yaml, measures the call, and breaks on request.

pub mod calls;
pub mod dns;
pub(crate) mod dynamodb;
pub mod faults;
pub(crate) mod front;
pub mod hooks;
mod kms;
mod s3;
mod secrets;
pub mod ses;
pub mod smtp;
pub mod sqs;
mod sts;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::extract::State as Shared;
use axum::http::StatusCode;
use axum::response::Json;
use axum::routing::{get, post};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::mpsc::UnboundedSender;

pub use faults::{Faults, Plan};
pub use front::{OPERATOR, SECRET};

use crate::clock::Clock;
use crate::iam::Iam;
use crate::mailbox::Mailbox;
use crate::meter::{Meter, Snapshot};
use crate::template::{REGION, Template};
use dynamodb::DynamoDb;
use front::{Listener, Watch};

/// Where a stack keeps its state.
#[derive(Clone, Debug)]
pub enum State {
    /// Nowhere: it is gone with the stack.
    Memory,
    /// In this directory, and found there again.
    Dir(PathBuf),
}

/// A completed upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectCreated {
    /// The bucket.
    pub bucket: String,
    /// The key, decoded.
    pub key: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its entity tag, without quotes.
    pub etag: String,
}

/// The emulated services of one stack. They stop when it is dropped.
pub struct Backends {
    env: BTreeMap<String, String>,
    clock: Clock,
    iam: Iam,
    meter: Meter,
    faults: Faults,
    mailbox: Mailbox,
    sqs: sqs::Sqs,
    ses: ses::Ses,
    receiving: ses::receiving::Receiving,
    smtp: smtp::Smtp,
    hooks: hooks::Hooks,
    dns: dns::Dns,
    dynamodb: Arc<DynamoDb>,
    _listeners: Vec<Listener>,
    objects: PathBuf,
    /// The objects of a stack that lives in memory.
    _temporary: Option<tempfile::TempDir>,
}

impl Backends {
    /// Starts every service on a free port of 127.0.0.1, with the tables, queues, buckets, secrets and keys of the
    /// template. Uploads are told on `created`.
    ///
    /// # Errors
    ///
    /// The state cannot be opened, or the template holds a statement or a table that is not understood.
    pub async fn start(
        template: &Template,
        state: State,
        clock: Clock,
        created: UnboundedSender<ObjectCreated>,
    ) -> anyhow::Result<Self> {
        let directory = match &state {
            State::Memory => None,
            State::Dir(directory) => {
                std::fs::create_dir_all(directory)?;
                Some(directory.as_path())
            }
        };
        let inside = |name: &str| directory.map(|directory| directory.join(name));
        let iam = Iam::from_template(template, clock.clone())?;
        let meter = Meter::new()?;
        let faults = Faults::new();
        let mailbox = Mailbox::open(inside("mailbox").as_deref(), clock.clone())?;
        let dynamodb =
            Arc::new(DynamoDb::open(directory, &template.tables, iam.clone(), meter.clone(), faults.clone())?);
        let sqs = sqs::Sqs::open(
            inside("queues").as_deref(),
            &template.queues,
            clock.clone(),
            iam.clone(),
            meter.clone(),
            faults.clone(),
        )?;
        let neighbours = ses::Neighbours {
            mailbox: mailbox.clone(),
            sqs: sqs.clone(),
            clock: clock.clone(),
            iam: iam.clone(),
            meter: meter.clone(),
            faults: faults.clone(),
        };
        let ses = ses::Ses::new(neighbours, &template.mail_events);
        let smtp = smtp::Smtp::start(mailbox.clone(), faults.clone()).await?;
        let hooks = hooks::Hooks::start(smtp.acceptor()).await?;
        let dns = dns::Dns::start().await?;
        let keys = inside("kms.json");
        let kms = kms::Kms::open(keys.as_deref(), &template.keys, iam.clone(), meter.clone())?;
        let file = inside("secrets.json");
        let secrets = secrets::Secrets::open(file.as_deref(), &template.secrets, &clock, iam.clone(), meter.clone())?;
        let (objects, temporary) = match inside("objects") {
            Some(directory) => {
                std::fs::create_dir_all(&directory)?;
                (directory, None)
            }
            None => {
                let temporary = tempfile::tempdir()?;
                (temporary.path().to_owned(), Some(temporary))
            }
        };
        let receiving =
            ses::receiving::Receiving::new(template.receipts.clone(), objects.clone(), sqs.clone(), clock.clone());
        let watch = |service| Watch { service, calls: faults.calls().clone(), iam: iam.clone() };
        let sts = sts::Sts::new(iam.clone(), meter.clone(), faults.clone());
        let listeners = [
            ("DYNAMODB", Listener::start(Arc::clone(&dynamodb), watch("dynamodb")).await?),
            ("SQS", Listener::start(Arc::new(sqs.clone()), watch("sqs")).await?),
            ("SESV2", Listener::start(Arc::new(ses.clone()), watch("ses")).await?),
            ("KMS", Listener::start(kms, watch("kms")).await?),
            ("STS", Listener::start(sts, watch("sts")).await?),
            ("SECRETS_MANAGER", Listener::start(secrets, watch("secretsmanager")).await?),
            ("S3", s3::start(&objects, &template.buckets, watch("s3"), meter.clone(), created).await?),
        ];
        let mut env = BTreeMap::from([("AWS_REGION".to_owned(), REGION.to_owned())]);
        for (service, listener) in &listeners {
            env.insert(format!("AWS_ENDPOINT_URL_{service}"), listener.url());
        }
        Ok(Self {
            env,
            clock,
            iam,
            meter,
            faults,
            mailbox,
            sqs,
            ses,
            receiving,
            smtp,
            hooks,
            dns,
            dynamodb,
            _listeners: listeners.into_iter().map(|(_, listener)| listener).collect(),
            objects,
            _temporary: temporary,
        })
    }

    /// `AWS_REGION` and the `AWS_ENDPOINT_URL_…` of every service.
    pub fn env(&self) -> BTreeMap<String, String> {
        self.env.clone()
    }

    /// The permissions, and what was used of them.
    pub fn iam(&self) -> &Iam {
        &self.iam
    }

    /// The meter.
    pub fn meter(&self) -> &Meter {
        &self.meter
    }

    /// The faults in force.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Every message accepted by SES or the relay.
    pub fn mailbox(&self) -> &Mailbox {
        &self.mailbox
    }

    /// The queues.
    pub fn sqs(&self) -> &sqs::Sqs {
        &self.sqs
    }

    /// SES, receiving.
    pub fn receiving(&self) -> &ses::receiving::Receiving {
        &self.receiving
    }

    /// SES.
    pub fn ses(&self) -> &ses::Ses {
        &self.ses
    }

    /// The relay.
    pub fn smtp(&self) -> &smtp::Smtp {
        &self.smtp
    }

    /// A Sender's own system, which can be told of events.
    pub fn hooks(&self) -> &hooks::Hooks {
        &self.hooks
    }

    /// The name server.
    pub fn dns(&self) -> &dns::Dns {
        &self.dns
    }

    /// The database below DynamoDB: unmetered, without permissions. It blocks.
    pub fn dynamodb(&self) -> &dynoxide::Database {
        self.dynamodb.database()
    }

    /// The folder with a folder for each bucket: unmetered, without permissions.
    pub fn objects(&self) -> &Path {
        &self.objects
    }

    /// Deletes every item whose TTL is past by the movable clock, and gives how many there were. AWS does so within
    /// days of its own accord; here it happens when it is asked for, so that nothing comes to rely on it.
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn sweep_ttl(&self) -> anyhow::Result<usize> {
        let (dynamodb, now) = (Arc::clone(&self.dynamodb), self.clock.now());
        tokio::task::spawn_blocking(move || dynamodb.sweep_ttl(now)).await?
    }

    /// `/_local/mailbox`, `/_local/hooks`, `/_local/dns`, `/_local/meter`, `/_local/faults`.
    pub fn router(&self) -> Router {
        let meter = Router::new()
            .route("/_local/meter", get(measured))
            .route("/_local/meter/reset", post(reset))
            .with_state(self.meter.clone());
        let faults = Router::new().route("/_local/faults", get(plan).post(set_plan)).with_state(self.faults.clone());
        self.mailbox
            .router()
            .merge(meter)
            .merge(faults)
            .merge(self.receiving.router())
            .merge(self.hooks.router())
            .merge(self.dns.router())
    }
}

async fn measured(Shared(meter): Shared<Meter>) -> Json<Snapshot> {
    Json(meter.snapshot())
}

async fn reset(Shared(meter): Shared<Meter>) -> StatusCode {
    meter.reset();
    StatusCode::NO_CONTENT
}

async fn plan(Shared(faults): Shared<Faults>) -> Json<Plan> {
    Json(faults.plan())
}

async fn set_plan(Shared(faults): Shared<Faults>, Json(plan): Json<Plan>) -> Json<Plan> {
    faults.set(plan);
    Json(faults.plan())
}

/// What a small JSON file holds; nothing when it does not exist.
fn remembered<T: DeserializeOwned + Default>(file: Option<&Path>) -> anyhow::Result<T> {
    match file {
        Some(file) if file.exists() => Ok(serde_json::from_slice(&std::fs::read(file)?)?),
        _ => Ok(T::default()),
    }
}

/// Replaces a small JSON file.
fn remember<T: Serialize>(file: Option<&Path>, content: &T) -> anyhow::Result<()> {
    if let Some(file) = file {
        let fresh = file.with_extension("new");
        std::fs::write(&fresh, serde_json::to_vec_pretty(content)?)?;
        std::fs::rename(&fresh, file)?;
    }
    Ok(())
}
