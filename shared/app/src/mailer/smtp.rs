//! The Sender's own relay: verified TLS, a pinned address, connections that are used again.
//!
//! The conversation is driven command by command, because what a failure means depends on where it
//! happens: before the final dot the relay certainly does not have the message, after it nobody can
//! tell (RFC 5321 §4.5.3.2.6).

use std::{
    error::Error,
    fmt, io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use domain::{
    channel_check::Stop, hindrance::Reason, message_name::MessageName, policy::SendPermit, sender::RelaySecurity,
};
use lettre::{
    Address,
    transport::smtp::{
        Error as SmtpError,
        authentication::{Credentials, Mechanism},
        client::{AsyncSmtpConnection, Certificate, TlsParameters},
        extension::ClientId,
    },
};
use secrecy::{ExposeSecret, SecretString};
use tokio::{
    sync::{Mutex, Semaphore},
    time::timeout,
};

use self::line::{Line, Stopped};
use super::{Handed, LEAST, Outgoing};
use crate::{Deadline, Failure};

mod line;
mod refusal;

/// Connections to one relay from one process.
pub const CONNECTIONS: usize = 4;

/// How long it may take until a relay has taken the login.
const OPENING: Duration = Duration::from_secs(20);

/// How long a relay may take to answer the commands before a message.
const ANSWERS: Duration = Duration::from_secs(20);

/// How long it may take to answer the final dot. RFC 5321 §4.5.3.2.6 would wait for ten minutes; no function lives so long,
/// and whom nobody waits for is `unknown`.
const ENDING: Duration = Duration::from_secs(60);

/// How long each half of a check may take: whoever asked for it waits.
const CHECK_PATIENCE: Duration = Duration::from_secs(10);

/// How long a relay that could not be reached is left alone: the rest of a chunk need not find out again.
const LEFT_ALONE: Duration = Duration::from_secs(10);

/// What a relay is logged in to with.
pub enum Login {
    /// A password.
    Password {
        /// The account.
        username: String,
        /// Its password.
        password: SecretString,
    },
    /// An access token in place of it.
    Token {
        /// The account.
        username: String,
        /// The token.
        token: SecretString,
    },
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login(***)")
    }
}

/// A relay and its connections.
#[derive(Clone)]
pub struct Relay(Arc<Inner>);

struct Inner {
    address: SocketAddr,
    security: RelaySecurity,
    tls: TlsParameters,
    credentials: Credentials,
    mechanisms: &'static [Mechanism],
    idle: Mutex<Vec<Line>>,
    slots: Semaphore,
    /// Until when it is not asked again, after a connection that could not be made, and why that was.
    down: std::sync::Mutex<Option<(Instant, Reason)>>,
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
        login: &Login,
        extra_roots: &str,
    ) -> Result<Self, Failure> {
        let (username, secret, mechanisms): (_, _, &[Mechanism]) = match login {
            Login::Password { username, password } => (username, password, &[Mechanism::Plain, Mechanism::Login]),
            Login::Token { username, token } => (username, token, &[Mechanism::Xoauth2]),
        };
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
            credentials: Credentials::new(username.to_owned(), secret.expose_secret().to_owned()),
            mechanisms,
            idle: Mutex::default(),
            slots: Semaphore::new(CONNECTIONS),
            down: std::sync::Mutex::default(),
        })))
    }

    /// Why it is left alone at the moment, if it is.
    fn is_down(&self) -> Option<Reason> {
        let down = self.0.down.lock().ok()?;
        down.filter(|(until, _)| Instant::now() < *until).map(|(_, reason)| reason)
    }

    /// Whether it could not be used when it was last asked: whoever comes next opens it anew, and resolves its name.
    pub(super) fn is_lost(&self) -> bool {
        self.0.down.lock().is_ok_and(|down| down.is_some())
    }

    /// One message, handed over once and not offered again. The permit is used up.
    pub async fn hand_over(&self, permit: SendPermit, message: &Outgoing<'_>, deadline: Deadline) -> Handed {
        drop(permit);
        self.send(message, deadline).await
    }

    /// One message, over a connection that is used again unless something went wrong on it. What does not end before the
    /// deadline is put down: before the final dot as [`Handed::Hindered`], after it as [`Handed::Unknown`].
    pub(super) async fn send(&self, message: &Outgoing<'_>, deadline: Deadline) -> Handed {
        let Ok(_slot) = self.0.slots.acquire().await else { return Handed::Hindered(Reason::Unreachable) };
        if let Some(reason) = self.is_down() {
            return Handed::Hindered(reason);
        }
        if deadline.left() < LEAST {
            return Handed::Later;
        }
        let idle = self.0.idle.lock().await.pop();
        // A connection that was idle may have been closed by the relay: that shows at MAIL, before
        // anything is handed over, and a new one is tried.
        if let Some(line) = idle
            && let Some(handed) = self.converse(line, message, deadline).await
        {
            return handed;
        }
        match timeout(OPENING.min(deadline.left()), self.connect()).await.unwrap_or_else(|_| Err(Unopened::silent())) {
            Ok(line) => self.converse(line, message, deadline).await.unwrap_or(Handed::Hindered(Reason::Unreachable)),
            Err(unopened) => {
                let reason = unopened.reason();
                if self.is_down().is_none() {
                    let stopped = unopened.stop();
                    tracing::warn!(status = unopened.status(), ?stopped, ?reason, "the relay cannot be used");
                }
                self.leave_alone(reason)
            }
        }
    }

    /// Nobody asks it for a moment, and whoever would have had to wait for it as well.
    fn leave_alone(&self, reason: Reason) -> Handed {
        if let Ok(mut down) = self.0.down.lock() {
            *down = Some((Instant::now() + LEFT_ALONE, reason));
        }
        Handed::Hindered(reason)
    }

    /// One message over a new connection, to see how far it comes; `None` when the relay took it.
    pub(crate) async fn try_out(&self, permit: SendPermit, message: &Outgoing<'_>) -> Option<Stop> {
        drop(permit);
        let line = match timeout(CHECK_PATIENCE, self.connect()).await {
            Ok(Ok(line)) => line,
            Ok(Err(unopened)) => return Some(unopened.stop()),
            Err(_) => return Some(Stop::Unreachable),
        };
        match self.converse(line, message, Deadline::after(CHECK_PATIENCE)).await {
            Some(Handed::Accepted(_)) => None,
            Some(Handed::Rejected(_)) => Some(Stop::Refused),
            Some(Handed::Unknown) => Some(Stop::Silent),
            Some(Handed::Hindered(Reason::SenderRefused | Reason::Credentials)) => Some(Stop::Refused),
            Some(Handed::PutOff(_) | Handed::Hindered(_) | Handed::Later | Handed::QuotaUsed | Handed::Paused)
            | None => Some(Stop::Later),
        }
    }

    /// Whether it is there and spoken to in private, without logging in; `None` when it is.
    pub(crate) async fn reach(&self) -> Option<Stop> {
        match timeout(CHECK_PATIENCE, self.encrypted(&ClientId::default())).await {
            Ok(Ok(_)) => None,
            Ok(Err(unopened)) => Some(unopened.stop()),
            Err(_) => Some(Stop::Unreachable),
        }
    }

    async fn connect(&self) -> Result<Line, Unopened> {
        let (inner, hello) = (&self.0, ClientId::default());
        let mut connection = self.encrypted(&hello).await?;
        if connection.server_info().get_auth_mechanism(inner.mechanisms).is_none() {
            return Err(Unopened { phase: Phase::Choosing, error: None });
        }
        let login = connection.auth(inner.mechanisms, &inner.credentials).await;
        if !line::is_done(&login.map_err(Unopened::when(Phase::LoggingIn))?) {
            return Err(Unopened { phase: Phase::LoggingIn, error: None });
        }
        Line::open(connection, &hello).await.map_err(Unopened::when(Phase::LoggingIn))
    }

    /// A connection that nobody else reads.
    async fn encrypted(&self, hello: &ClientId) -> Result<AsyncSmtpConnection, Unopened> {
        let inner = &self.0;
        let implicit = (inner.security == RelaySecurity::Tls).then(|| inner.tls.clone());
        let mut connection = AsyncSmtpConnection::connect_tokio1(inner.address, Some(OPENING), hello, implicit, None)
            .await
            .map_err(Unopened::when(Phase::Connecting))?;
        if inner.security == RelaySecurity::Starttls {
            connection.starttls(inner.tls.clone(), hello).await.map_err(Unopened::when(Phase::Encrypting))?;
        }
        Ok(connection)
    }

    /// `None` when the connection was dead before the relay had answered anything about this message.
    async fn converse(&self, mut line: Line, message: &Outgoing<'_>, deadline: Deadline) -> Option<Handed> {
        let (Ok(from), Ok(to)) = (message.from.expose().parse::<Address>(), message.to.expose().parse::<Address>())
        else {
            return Some(Handed::Rejected(None));
        };
        match line.send(from, to, &message.bytes, deadline).await {
            Ok(()) => {
                self.0.idle.lock().await.push(line);
                Some(Handed::Accepted(MessageName::Ours(message.from.domain().to_owned())))
            }
            Err(Stopped::Silent) => None,
            Err(Stopped::Refused(error, command)) => {
                if error.status().is_some() && timeout(ANSWERS.min(deadline.left()), line.reset()).await == Ok(true) {
                    self.0.idle.lock().await.push(line);
                }
                Some(refusal::of(&error, command))
            }
            Err(Stopped::Absurd(command)) => {
                tracing::warn!(command = command.as_str(), "the relay gave an answer that is none");
                Some(Handed::Hindered(Reason::Unreachable))
            }
            Err(Stopped::Waiting) => {
                tracing::warn!("the relay does not answer");
                Some(self.leave_alone(Reason::Unreachable))
            }
            Err(Stopped::Unknown) => {
                tracing::warn!("the relay went silent after a message was handed over");
                Some(Handed::Unknown)
            }
        }
    }
}

/// What was being done.
#[derive(Clone, Copy)]
enum Phase {
    Connecting,
    Encrypting,
    Choosing,
    LoggingIn,
}

/// A connection that could not be made, and how far it came. The error is none where the relay offers no login that we
/// know.
struct Unopened {
    phase: Phase,
    error: Option<SmtpError>,
}

impl Unopened {
    /// It took too long, whatever it was at.
    const fn silent() -> Self {
        Self { phase: Phase::Connecting, error: None }
    }

    fn when(phase: Phase) -> impl Fn(SmtpError) -> Self {
        move |error| Self { phase, error: Some(error) }
    }

    fn is(&self, what: impl Fn(&SmtpError) -> bool) -> bool {
        self.error.as_ref().is_some_and(what)
    }

    /// What that means for everybody whose messages go there.
    fn reason(&self) -> Reason {
        match self.stop() {
            Stop::NoMechanism | Stop::Credentials => {
                let said = self.error.as_ref().map(refusal::said).unwrap_or_default();
                if refusal::is_quota(&inbound::judge(None, &said)) { Reason::ChannelQuota } else { Reason::Credentials }
            }
            Stop::LoginLater if self.is(|error| error.status().is_some()) => Reason::ChannelBusy,
            _ if self.is(SmtpError::is_transient) => Reason::ChannelBusy,
            _ => Reason::Unreachable,
        }
    }

    fn status(&self) -> u16 {
        self.error.as_ref().map_or(0, status)
    }

    fn stop(&self) -> Stop {
        // The client itself gives up where the server does not offer what it wants.
        let not_offered = self.is(|error| error.is_client() || error.status().is_some());
        match self.phase {
            Phase::Connecting if self.is(is_handshake) => Stop::Certificate,
            Phase::Connecting => Stop::Unreachable,
            Phase::Encrypting if not_offered => Stop::NoEncryption,
            Phase::Encrypting => Stop::Certificate,
            Phase::Choosing => Stop::NoMechanism,
            // A token that is refused is answered with a challenge, which the client does not take.
            Phase::LoggingIn if self.is(|error| error.is_permanent() || error.is_client()) => Stop::Credentials,
            Phase::LoggingIn => Stop::LoginLater,
        }
    }
}

/// Whether the other end was there, and spoke no TLS that could be trusted.
fn is_handshake(error: &SmtpError) -> bool {
    let invalid = |error: &io::Error| error.kind() == io::ErrorKind::InvalidData;
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.downcast_ref().is_some_and(invalid) {
            return true;
        }
        cause = error.source();
    }
    false
}

fn status(error: &SmtpError) -> u16 {
    error.status().map_or(0, Into::into)
}
