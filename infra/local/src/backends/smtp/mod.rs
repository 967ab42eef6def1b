//! The Sender's relay: an SMTP server on loopback that keeps what it accepts in the mailbox.

mod session;
#[cfg(test)]
mod tests;
mod tls;

use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::faults::Faults;
use super::front::Listener;
use crate::mailbox::Mailbox;
use session::{End, Session};

/// The password that the relay refuses.
pub const WRONG_PASSWORD: &str = "wrong";

/// A login that was offered. Debug masks the password.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// The name.
    pub username: String,
    /// The password.
    pub password: String,
    /// Whether it was let in.
    pub accepted: bool,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let accepted = self.accepted;
        write!(f, "Login {{ accepted: {accepted}, .. }}")
    }
}

/// The relay of one stack. Clones share it.
#[derive(Clone)]
pub struct Smtp {
    shared: Arc<Shared>,
    tls: Arc<Listener>,
    starttls: Arc<Listener>,
    roots: Arc<str>,
}

pub(super) struct Shared {
    pub(super) mailbox: Mailbox,
    pub(super) faults: Faults,
    logins: Mutex<Vec<Login>>,
    offers: Mutex<Vec<String>>,
    acceptor: TlsAcceptor,
}

impl Shared {
    /// Remembers a login and says whether it is let in.
    pub(super) fn log_in(&self, username: String, password: String) -> bool {
        let accepted = password != WRONG_PASSWORD;
        let login = Login { username, password, accepted };
        self.logins.lock().unwrap_or_else(PoisonError::into_inner).push(login);
        accepted
    }

    /// Remembers whom a message was offered for.
    pub(super) fn offer(&self, to: &str) {
        self.offers.lock().unwrap_or_else(PoisonError::into_inner).push(to.to_owned());
    }
}

impl Smtp {
    /// Starts both listeners, with a certificate authority of its own.
    pub(crate) async fn start(mailbox: Mailbox, faults: Faults) -> anyhow::Result<Self> {
        let (config, roots) = tls::identity()?;
        let shared = Arc::new(Shared {
            mailbox,
            faults,
            logins: Mutex::default(),
            offers: Mutex::default(),
            acceptor: TlsAcceptor::from(Arc::new(config)),
        });
        Ok(Self {
            tls: Arc::new(listen(Arc::clone(&shared), true).await?),
            starttls: Arc::new(listen(Arc::clone(&shared), false).await?),
            shared,
            roots: roots.into(),
        })
    }

    /// The port that speaks TLS from the first byte.
    pub fn tls_port(&self) -> u16 {
        self.tls.port()
    }

    /// The port that starts in plain text and wants STARTTLS before a login.
    pub fn starttls_port(&self) -> u16 {
        self.starttls.port()
    }

    /// What speaks TLS under its certificate, for another server of the same stack.
    pub fn acceptor(&self) -> TlsAcceptor {
        self.shared.acceptor.clone()
    }

    /// The certificate authority that signed for `localhost` and `127.0.0.1`, PEM.
    pub fn root_pem(&self) -> &str {
        &self.roots
    }

    /// Whom messages were offered for so far, whatever came of it: every `RCPT TO`.
    pub fn offers(&self) -> Vec<String> {
        self.shared.offers.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Every login offered so far.
    pub fn logins(&self) -> Vec<Login> {
        self.shared.logins.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn listen(shared: Arc<Shared>, tls: bool) -> anyhow::Result<Listener> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    let task = tokio::spawn(async move {
        loop {
            match listener.accept().await {
                // Nobody is there.
                Ok((stream, _)) if shared.faults.plan().smtp.unreachable => drop(stream),
                Ok((stream, peer)) => {
                    let shared = Arc::clone(&shared);
                    tokio::spawn(async move {
                        if let Err(error) = converse(stream, peer.port(), &shared, tls).await {
                            tracing::debug!(%error, "an SMTP connection ended early");
                        }
                    });
                }
                Err(error) => tracing::warn!(%error, "could not accept a connection"),
            }
        }
    });
    Ok(Listener::around(address, task))
}

async fn converse(stream: TcpStream, port: u16, shared: &Shared, tls: bool) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let stream = if tls {
        stream
    } else {
        let mut session = Session::new(stream, shared, false, port);
        match session.run().await? {
            // Whatever was pipelined behind STARTTLS in plain text is dropped with the buffer.
            End::StartTls => session.into_stream(),
            End::Closed => return Ok(()),
        }
    };
    let stream = shared.acceptor.accept(stream).await?;
    let mut session = Session::new(stream, shared, true, port);
    if !tls {
        session.skip_greeting();
    }
    session.run().await?;
    session.shut_down().await
}
