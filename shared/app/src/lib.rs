//! Use cases: load, decide, commit.
//!
//! [`App`] is what every function holds: clients, names of tables and queues, and the keyed hashes.
//! A use case is a method on it in the module of its subject. It takes `now` as an argument.

pub mod abuse;
pub mod agreements;
pub mod announce;
pub mod api_keys;
pub mod audit;
pub mod auth;
pub mod campaigns;
pub mod channels;
pub mod clicks;
pub mod config;
pub mod deadline;
pub mod domain_check;
mod evidence;
pub mod failure;
pub mod fan_out;
pub mod feedback;
pub mod fields;
pub mod follow_up;
mod health;
mod https;
pub mod idempotency;
mod imap;
pub mod import;
pub mod imports;
pub mod invitations;
pub mod letter;
pub mod limits;
pub mod mailboxes;
pub mod mailer;
pub mod members;
pub mod news;
mod objection;
pub mod password;
pub mod post;
pub mod prospects;
pub mod purge;
pub mod queues;
pub mod reach;
pub mod relay;
pub mod replies;
pub mod reset;
pub mod restore;
pub mod rights;
pub mod rotate;
pub mod seal;
pub mod second_factor;
pub mod secret;
pub mod send;
pub mod sender;
pub mod session;
pub mod sessions;
mod signing;
pub mod signup;
pub mod staff;
pub mod statement;
pub mod unsubscribe;
pub mod webhooks;
pub mod workspace;

use domain::subject::Pepper;
use storage::Db;
use tokio::sync::OnceCell;

pub use config::Config;
pub use deadline::Deadline;
pub use failure::{Failure, FieldError, Kind};

/// The product, as one function sees it.
#[derive(Debug)]
pub struct App {
    /// DynamoDB.
    pub db: Db,
    /// Uploads and reports.
    pub s3: aws_sdk_s3::Client,
    /// Queues between functions.
    pub sqs: aws_sdk_sqs::Client,
    /// Mail of the operator's, and of Senders without a relay of their own.
    pub ses: aws_sdk_sesv2::Client,
    /// Data keys.
    pub kms: aws_sdk_kms::Client,
    /// Root secrets.
    pub secrets: aws_sdk_secretsmanager::Client,
    /// Sessions of workspaces.
    pub(crate) sts: aws_sdk_sts::Client,
    /// Names and addresses from the environment.
    pub config: Config,
    /// Read once, on first use.
    pub(crate) pepper: OnceCell<Pepper>,
    /// What access tokens are verified with, as read so far.
    pub(crate) verifying_keys: auth::VerifyingKeys,
    /// What access tokens are signed with; only `session` can read it.
    pub(crate) signer: OnceCell<session::Signer>,
    /// What statements are signed with; only `purge` can read it.
    pub(crate) statement_signer: OnceCell<statement::Signer>,
    /// Set once it is known that a restore has been replayed.
    pub(crate) replayed: OnceCell<()>,
    /// Data keys, as opened so far.
    pub(crate) data_keys: seal::DataKeys,
    /// Sessions of workspaces, as opened so far.
    pub(crate) reaches: reach::Reaches,
    /// Templates that were used before.
    pub(crate) compiled: send::Compiled,
    /// Chunks whose results an event has shown before.
    pub(crate) settled: tokio::sync::Mutex<feedback::Settled>,
    /// How the account stands with SES, as far as is known.
    pub(crate) ses_standing: mailer::SesStanding,
    /// Relays that were used before.
    pub(crate) relays: mailer::Relays,
    /// Who wants to hear of what, as read lately.
    pub(crate) wanted_events: webhooks::Wanted,
    pub(crate) going_on: send::GoingOn,
    /// Whom to trust when endpoints are told; made on first use.
    pub(crate) webhook_tls: OnceCell<https::Tls>,
    /// Whom to trust when an access token is asked for or a mailbox is read; made on first use.
    pub(crate) token_tls: OnceCell<https::Tls>,
}

impl App {
    /// Puts the parts together. Nothing is called yet.
    pub fn new(db: Db, clients: Clients, config: Config) -> Self {
        let Clients { s3, sqs, ses, kms, secrets, sts } = clients;
        Self {
            db,
            s3,
            sqs,
            ses,
            kms,
            secrets,
            sts,
            config,
            pepper: OnceCell::new(),
            verifying_keys: Default::default(),
            signer: OnceCell::new(),
            statement_signer: OnceCell::new(),
            replayed: OnceCell::new(),
            data_keys: Default::default(),
            reaches: Default::default(),
            compiled: Default::default(),
            settled: Default::default(),
            ses_standing: Default::default(),
            relays: Default::default(),
            wanted_events: Default::default(),
            going_on: Default::default(),
            webhook_tls: OnceCell::new(),
            token_tls: OnceCell::new(),
        }
    }

    /// The keyed hashes and token keys; one call to Secrets Manager for the life of the process.
    pub async fn pepper(&self) -> Result<&Pepper, Failure> {
        self.pepper
            .get_or_try_init(async || {
                let json = self.secret(&self.config.pepper_secret).await?;
                Pepper::from_json(&json).map_err(|_| Failure::internal("the pepper secret is not as expected"))
            })
            .await
    }

    /// A secret's text.
    pub(crate) async fn secret(&self, arn: &str) -> Result<String, Failure> {
        let answer = self.secrets.get_secret_value().secret_id(arn).send().await.map_err(|error| {
            Failure::unavailable("secrets", aws_sdk_secretsmanager::error::ProvideErrorMetadata::code(&error))
        })?;
        answer.secret_string.ok_or_else(|| Failure::internal("a secret has no text"))
    }
}

/// The AWS clients beside DynamoDB's. Making one costs no call.
#[derive(Debug)]
pub struct Clients {
    /// S3.
    pub s3: aws_sdk_s3::Client,
    /// SQS.
    pub sqs: aws_sdk_sqs::Client,
    /// SES v2, without automatic retries: after a time-out a message may have gone.
    pub ses: aws_sdk_sesv2::Client,
    /// KMS.
    pub kms: aws_sdk_kms::Client,
    /// Secrets Manager.
    pub secrets: aws_sdk_secretsmanager::Client,
    /// STS.
    pub sts: aws_sdk_sts::Client,
}

/// Bytes of chance from the system's generator.
pub fn chance<const N: usize>() -> [u8; N] {
    rand::random()
}
