//! To the server: where it is, whether it may be spoken to, and in private.

use std::{sync::Arc, time::Duration};

use domain::{mailbox::Stop, sender::RelaySecurity};
use imap_codec::{
    GreetingCodec,
    decode::Decoder,
    imap_types::{
        command::CommandBody,
        response::{GreetingKind, StatusKind},
    },
};
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::{
    Session,
    wire::{Stream, Wire},
};
use crate::{
    https::Tls,
    mailer::Login,
    relay::{self, RelayError},
};

/// Ports a mailbox is read on: implicit TLS, and plain text that goes on with STARTTLS.
pub(crate) const PORTS: [u16; 2] = [993, 143];

/// Where a mailbox is.
pub(crate) struct Place<'a> {
    pub(crate) host: &'a str,
    pub(crate) port: u16,
    pub(crate) security: RelaySecurity,
    /// How long each step of getting in may take.
    pub(crate) patience: Duration,
}

/// Connects, encrypts and logs in. `networks` are the operator's beside the public internet. Where there is nothing to log
/// in with, it goes as far as it comes without.
pub(crate) async fn connect(
    place: &Place<'_>,
    networks: &str,
    tls: &Tls,
    login: Result<&Login, Stop>,
) -> Result<Session, Stop> {
    let wire = encrypted(place, networks, tls).await?;
    Session::log_in(wire, login?).await
}

/// A connection that nobody else reads, after its greeting.
async fn encrypted(place: &Place<'_>, networks: &str, tls: &Tls) -> Result<Wire, Stop> {
    let address = relay::resolve_on(place.host, place.port, &PORTS, networks).await.map_err(|error| match error {
        RelayError::Unresolved | RelayError::BadName => Stop::Unresolved,
        RelayError::NotPublic | RelayError::PrivateName | RelayError::Port | RelayError::Networks => Stop::NotPublic,
    })?;
    let stream = place.in_time(TcpStream::connect(address), Stop::Unreachable).await?;
    let _ = stream.set_nodelay(true);
    match place.security {
        RelaySecurity::Tls => {
            let mut wire = Wire::new(place.shaken(tls, Box::new(stream)).await?, place.patience);
            greeted(&mut wire).await?;
            Ok(wire)
        }
        RelaySecurity::Starttls => {
            let mut wire = Wire::new(Box::new(stream), place.patience);
            // Whoever is let in before anything is private talks to somebody in between (RFC 9051 §11.1).
            greeted(&mut wire).await?;
            let end = wire.ask(CommandBody::StartTLS, |_| {}).await.map_err(|_| Stop::NoEncryption)?;
            if end.kind != StatusKind::Ok {
                return Err(Stop::NoEncryption);
            }
            Ok(Wire::new(place.shaken(tls, wire.into_stream()).await?, place.patience))
        }
    }
}

async fn greeted(wire: &mut Wire) -> Result<(), Stop> {
    let said = wire.greeting().await.map_err(|_| Stop::Unreachable)?;
    let (_, greeting) = GreetingCodec::default().decode(&said).map_err(|_| Stop::Unreachable)?;
    if greeting.kind == GreetingKind::Ok { Ok(()) } else { Err(Stop::Unreachable) }
}

impl Place<'_> {
    async fn shaken(&self, tls: &Tls, stream: Box<dyn Stream>) -> Result<Box<dyn Stream>, Stop> {
        let name = ServerName::try_from(self.host.to_owned()).map_err(|_| Stop::Certificate)?;
        let shaking = TlsConnector::from(Arc::clone(tls.config())).connect(name, stream);
        Ok(Box::new(self.in_time(shaking, Stop::Certificate).await?))
    }

    async fn in_time<T>(&self, does: impl Future<Output = std::io::Result<T>>, or: Stop) -> Result<T, Stop> {
        tokio::time::timeout(self.patience, does).await.map_err(|_| or)?.map_err(|_| or)
    }
}
