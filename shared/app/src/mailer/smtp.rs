//! The Sender's own relay: verified TLS, a pinned address, connections that are used again.
//!
//! The conversation is driven command by command, because what a failure means depends on where it
//! happens: before the final dot the relay certainly does not have the message, after it nobody can
//! tell (RFC 5321 §4.5.3.2.6).

use std::{
    fmt,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use domain::{message_name::MessageName, sender::RelaySecurity};
use lettre::{
    Address,
    transport::smtp::{
        Error as SmtpError,
        authentication::{Credentials, Mechanism},
        client::{AsyncSmtpConnection, Certificate, TlsParameters},
        extension::ClientId,
    },
};
use tokio::sync::{Mutex, Semaphore};

use self::line::{Line, Stopped};
use super::{Handed, Outgoing};
use crate::Failure;

mod line;

/// Connections to one relay from one process.
pub(crate) const CONNECTIONS: usize = 4;

/// How long a relay may take to answer one command.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a relay that could not be reached is left alone: the rest of a chunk need not find out again.
const LEFT_ALONE: Duration = Duration::from_secs(10);

/// A relay and its connections.
#[derive(Clone)]
pub struct Relay(Arc<Inner>);

struct Inner {
    address: SocketAddr,
    security: RelaySecurity,
    tls: TlsParameters,
    credentials: Credentials,
    idle: Mutex<Vec<Line>>,
    slots: Semaphore,
    /// Until when it is not asked again, after a connection that could not be made.
    down_until: std::sync::Mutex<Option<Instant>>,
}

impl fmt::Debug for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Relay(***)")
    }
}

impl Relay {
    /// A relay at a pinned address, whose certificate must be for `host`. `extra_roots` is PEM.
    pub fn new(
        host: &str,
        address: SocketAddr,
        security: RelaySecurity,
        username: &str,
        password: &str,
        extra_roots: &str,
    ) -> Result<Self, Failure> {
        let mut tls = TlsParameters::builder(host.to_owned());
        if !extra_roots.is_empty() {
            let roots = Certificate::from_pem(extra_roots.as_bytes())
                .map_err(|_| Failure::internal("RELAY_ROOT_CERTIFICATES is not PEM"))?;
            tls = tls.add_root_certificate(roots);
        }
        let tls = tls.build().map_err(|_| Failure::internal("the relay's TLS parameters"))?;
        Ok(Self(Arc::new(Inner {
            address,
            security,
            tls,
            credentials: Credentials::new(username.to_owned(), password.to_owned()),
            idle: Mutex::default(),
            slots: Semaphore::new(CONNECTIONS),
            down_until: std::sync::Mutex::default(),
        })))
    }

    /// True while it is left alone because it could not be reached.
    pub(super) fn is_down(&self) -> bool {
        self.0.down_until.lock().is_ok_and(|until| until.is_some_and(|until| Instant::now() < until))
    }

    /// One message, over a connection that is used again unless something went wrong on it.
    pub(super) async fn send(&self, message: &Outgoing<'_>) -> Handed {
        if self.is_down() {
            return Handed::Later;
        }
        let Ok(_slot) = self.0.slots.acquire().await else { return Handed::Later };
        let idle = self.0.idle.lock().await.pop();
        // A connection that was idle may have been closed by the relay: that shows at MAIL, before
        // anything is handed over, and a new one is tried.
        if let Some(line) = idle
            && let Some(handed) = self.converse(line, message).await
        {
            return handed;
        }
        match self.connect().await {
            Ok(line) => self.converse(line, message).await.unwrap_or(Handed::Later),
            Err(error) => {
                if !self.is_down() {
                    tracing::warn!(status = status(&error), tls = error.is_tls(), "the relay cannot be used");
                }
                if let Ok(mut until) = self.0.down_until.lock() {
                    *until = Some(Instant::now() + LEFT_ALONE);
                }
                Handed::Later
            }
        }
    }

    async fn connect(&self) -> Result<Line, SmtpError> {
        let inner = &self.0;
        let hello = ClientId::default();
        let implicit = (inner.security == RelaySecurity::Tls).then(|| inner.tls.clone());
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(inner.address, Some(PATIENCE), &hello, implicit, None).await?;
        if inner.security == RelaySecurity::Starttls {
            connection.starttls(inner.tls.clone(), &hello).await?;
        }
        connection.auth(&[Mechanism::Plain, Mechanism::Login], &inner.credentials).await?;
        Line::open(connection, &hello).await
    }

    /// `None` when the connection was dead before the relay had answered anything about this message.
    async fn converse(&self, mut line: Line, message: &Outgoing<'_>) -> Option<Handed> {
        let (Ok(from), Ok(to)) = (message.from.expose().parse::<Address>(), message.to.expose().parse::<Address>())
        else {
            return Some(Handed::Rejected);
        };
        match line.send(from, to, &message.bytes).await {
            Ok(()) => {
                self.0.idle.lock().await.push(line);
                Some(Handed::Accepted(MessageName::Ours(message.from.domain().to_owned())))
            }
            Err(Stopped::Silent) => None,
            Err(Stopped::Refused(error)) => {
                if error.status().is_some() && line.reset().await {
                    self.0.idle.lock().await.push(line);
                }
                Some(refused(&error))
            }
            Err(Stopped::Unknown) => {
                tracing::warn!("the relay went silent after a message was handed over");
                Some(Handed::Unknown)
            }
        }
    }
}

/// A 5xx is final, a 4xx is not, and a connection that broke before the final dot took nothing.
fn refused(error: &SmtpError) -> Handed {
    let handed = if error.is_permanent() { Handed::Rejected } else { Handed::Later };
    tracing::info!(status = status(error), ?handed, "the relay did not accept a message");
    handed
}

fn status(error: &SmtpError) -> u16 {
    error.status().map_or(0, Into::into)
}
