//! Handing one message to a channel, once, and saying honestly what came of it.

pub(crate) mod ses;
pub mod smtp;
mod standing;
mod token;

use std::{
    collections::HashMap,
    sync::Mutex,
    time::{Duration, Instant},
};

use domain::{
    chunk::Got,
    email::EmailAddress,
    hindrance::Reason,
    id::{CampaignId, WorkspaceId},
    message_name::MessageName,
    policy::SendPermit,
    sender::{Channel, Transport},
    subject::Subject,
};
use storage::WorkspaceScope;

pub(crate) use self::{
    smtp::Login,
    standing::{SesStanding, Standing},
    token::{Grant, NoToken},
};
use crate::{App, Deadline, Failure, evidence::Refused, relay::RelayError};

/// What came of handing a message over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Handed {
    /// The channel took it, and calls it so.
    Accepted(MessageName),
    /// The channel will never take it, and may have said why.
    Rejected(Option<Box<Refused>>),
    /// The channel does not take it now because of whom it is for; it certainly does not have it.
    PutOff(Box<Refused>),
    /// The channel takes nothing from anybody now; it certainly does not have it.
    Hindered(Reason),
    /// SES did not take it now; it certainly does not have it.
    Later,
    /// The same, and it will not take any for hours: its messages of the day are used up.
    QuotaUsed,
    /// The same, and it takes none until somebody does something about it.
    Paused,
    /// Nobody can tell. It is not handed over again.
    Unknown,
}

/// Pauses between attempts while SES is throttling, within one invocation.
const BACK_OFF: [Duration; 5] = [
    Duration::from_millis(50),
    Duration::from_millis(150),
    Duration::from_millis(400),
    Duration::from_secs(1),
    Duration::from_secs(2),
];

/// No message is begun with less time left than this.
const LEAST: Duration = Duration::from_secs(10);

/// A message ready to go.
#[derive(Debug)]
pub struct Outgoing<'a> {
    /// The envelope's sender.
    pub from: &'a EmailAddress,
    /// The one recipient.
    pub to: &'a EmailAddress,
    /// RFC 5322 bytes.
    pub bytes: Vec<u8>,
    /// Where the provider's events about it belong; nowhere for a test to oneself.
    pub about: Option<About>,
}

/// Which recipient of which chunk a message is for: travels as tags, comes back with events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct About {
    /// The Sender.
    pub workspace: WorkspaceId,
    /// The campaign.
    pub campaign: CampaignId,
    /// The chunk.
    pub chunk: u32,
    /// The step.
    pub step: u8,
    /// The place in it.
    pub index: usize,
    /// The person.
    pub subject: Subject,
    /// What of the step it is.
    pub got: Got,
    /// Whether somebody wants to hear that it was delivered.
    pub delivery: bool,
}

/// An open channel.
#[derive(Debug)]
pub enum Mailer {
    /// Amazon SES.
    Ses,
    /// The Sender's relay.
    Smtp(smtp::Relay),
}

impl Mailer {
    /// Hands a message over: to a relay once, to SES again after a little while as long as it throttles. The permit is
    /// used up, whatever comes of it.
    pub async fn hand_over(&self, app: &App, permit: SendPermit, message: &Outgoing<'_>, deadline: Deadline) -> Handed {
        drop(permit);
        if let Mailer::Smtp(relay) = self {
            return relay.send(message, deadline).await;
        }
        for pause in BACK_OFF {
            let handed = app.ses_send(message, deadline).await;
            // Only what SES certainly did not take is offered again.
            if handed != Handed::Later || deadline.left() < LEAST {
                return handed;
            }
            tokio::time::sleep(pause).await;
        }
        Handed::Later
    }

    /// Messages worth having under way at once.
    pub const fn concurrency(&self) -> usize {
        match self {
            Mailer::Ses => 10,
            Mailer::Smtp(_) => smtp::CONNECTIONS,
        }
    }

    /// True when the channel carries UTF-8 addresses (RFC 6531).
    pub const fn smtputf8(&self) -> bool {
        false
    }
}

/// The relay's password has to be entered again.
pub(crate) const NO_PASSWORD: &str = "relay-password-missing";

/// Relays opened by this process: their connections outlive an invocation.
#[derive(Debug, Default)]
pub struct Relays(Mutex<HashMap<(WorkspaceId, Transport), Open>>);

/// A relay that was opened, and until when: an access token ends.
#[derive(Debug, Clone)]
struct Open {
    relay: smtp::Relay,
    until: Option<Instant>,
}

impl Relays {
    /// Relays kept, at most: each may hold a few idle connections.
    const MOST: usize = 64;

    /// One that was opened before, unless its login has ended, or it could not be reached: it may have another address by now.
    fn get(&self, key: &(WorkspaceId, Transport)) -> Option<smtp::Relay> {
        let open = self.0.lock().ok()?.get(key).cloned()?;
        let good = open.until.is_none_or(|until| Instant::now() < until) && !open.relay.is_lost();
        good.then_some(open.relay)
    }

    fn keep(&self, key: (WorkspaceId, Transport), open: Open) {
        let Ok(mut relays) = self.0.lock() else { return };
        if relays.len() >= Self::MOST {
            relays.clear();
        }
        relays.insert(key, open);
    }
}

impl App {
    /// Opens a channel, or says what stands in its way.
    pub async fn mailer(&self, scope: &WorkspaceScope, channel: &Channel) -> Result<Result<Mailer, Reason>, Failure> {
        let transport = &channel.transport;
        let Transport::Smtp { host, port, security, .. } = transport else { return Ok(Ok(Mailer::Ses)) };
        if transport.lacks_password() {
            return Err(Failure::refused(
                NO_PASSWORD,
                "The relay's password was given up when the workspace was closed. Enter it again: PUT /v1/sender, or \
                 PATCH /v1/channels/{id}.",
            ));
        }
        let key = (scope.workspace(), transport.clone());
        if let Some(open) = self.relays.get(&key) {
            return Ok(Ok(Mailer::Smtp(open)));
        }
        let (login, good_for) = match self.relay_login(scope, transport).await? {
            Ok(login) => login,
            Err(NoToken::Refused) => return Ok(Err(Reason::Credentials)),
            Err(NoToken::Unreachable) => return Ok(Err(Reason::Unreachable)),
        };
        let address = match crate::relay::resolve(host, *port, &self.config.relay_networks).await {
            Ok(address) => address,
            Err(RelayError::Networks) => return Err(Failure::internal("RELAY_NETWORKS cannot be read")),
            Err(error) => {
                tracing::warn!(%error, "the relay cannot be used");
                return Ok(Err(Reason::Unreachable));
            }
        };
        let roots = &self.config.relay_root_certificates;
        let relay = smtp::Relay::new(host, address, *security, &login, roots)?;
        let until = good_for.map(|good_for| Instant::now() + good_for);
        self.relays.keep(key, Open { relay: relay.clone(), until });
        Ok(Ok(Mailer::Smtp(relay)))
    }

    /// What a relay is logged in to with, and for how long that is good where it ends.
    pub(crate) async fn relay_login(
        &self,
        scope: &WorkspaceScope,
        transport: &Transport,
    ) -> Result<Result<(Login, Option<Duration>), NoToken>, Failure> {
        let Transport::Smtp { username, oauth, .. } = transport else {
            return Err(Failure::internal("no relay to log in to"));
        };
        let username = username.clone();
        Ok(match oauth {
            None => {
                let password = self.open_relay_password(scope, transport).await?;
                Ok((Login::Password { username, password }, None))
            }
            Some(source) => self
                .access_token(scope, transport, source)
                .await?
                .map(|access| (Login::Token { username, token: access.token }, Some(access.good_for))),
        })
    }
}
