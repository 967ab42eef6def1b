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
use crate::{App, Deadline, Failure, evidence::Refused};

/// What came of handing a message over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Handed {
    /// The channel took it, and calls it so.
    Accepted(MessageName),
    /// The channel will never take it, and may have said why.
    Rejected(Option<Box<Refused>>),
    /// The channel did not take it now; it certainly does not have it.
    Later,
    /// The same, and it will not take any for hours: its messages of the day are used up.
    QuotaUsed,
    /// The same, and it takes none until somebody does something about it.
    Paused,
    /// Nobody can tell. It is not handed over again.
    Unknown,
}

/// Pauses between attempts at a channel that is throttling, within one invocation.
const BACK_OFF: [Duration; 5] = [
    Duration::from_millis(50),
    Duration::from_millis(150),
    Duration::from_millis(400),
    Duration::from_secs(1),
    Duration::from_secs(2),
];

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
    /// Hands a message over, waiting a little while the channel throttles. The permit is used up,
    /// whatever comes of it.
    pub async fn hand_over(&self, app: &App, permit: SendPermit, message: &Outgoing<'_>, deadline: Deadline) -> Handed {
        drop(permit);
        for pause in BACK_OFF {
            let handed = match self {
                Mailer::Ses => app.ses_send(message).await,
                Mailer::Smtp(relay) => relay.send(message).await,
            };
            // Only what the channel certainly did not take is offered again.
            if handed != Handed::Later || self.is_down() || deadline.left() < Duration::from_secs(15) {
                return handed;
            }
            tokio::time::sleep(pause).await;
        }
        Handed::Later
    }

    /// True when the channel could not be reached a moment ago: no use in waiting for it now.
    fn is_down(&self) -> bool {
        matches!(self, Mailer::Smtp(relay) if relay.is_down())
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
    fn get(&self, key: &(WorkspaceId, Transport)) -> Option<smtp::Relay> {
        let open = self.0.lock().ok()?.get(key).cloned()?;
        open.until.is_none_or(|until| Instant::now() < until).then_some(open.relay)
    }
}

impl App {
    /// Opens a channel.
    pub async fn mailer(&self, scope: &WorkspaceScope, channel: &Channel) -> Result<Mailer, Failure> {
        let transport = &channel.transport;
        let Transport::Smtp { host, port, security, .. } = transport else { return Ok(Mailer::Ses) };
        if transport.lacks_password() {
            return Err(Failure::refused(
                NO_PASSWORD,
                "The relay's password was given up when the workspace was closed. Enter it again: PUT /v1/sender, or \
                 PATCH /v1/channels/{id}.",
            ));
        }
        let key = (scope.workspace(), transport.clone());
        if let Some(open) = self.relays.get(&key) {
            return Ok(Mailer::Smtp(open));
        }
        let (login, good_for) = self.relay_login(scope, transport).await?.map_err(|no_token| {
            let cause = if no_token == NoToken::Refused { "no token: refused" } else { "no token: no answer" };
            Failure::unavailable("relay", Some(cause))
        })?;
        let address = crate::relay::resolve(host, *port, &self.config.relay_networks)
            .await
            .map_err(|error| Failure::unavailable("relay", Some(&error.to_string())))?;
        let roots = &self.config.relay_root_certificates;
        let relay = smtp::Relay::new(host, address, *security, &login, roots)?;
        if let Ok(mut relays) = self.relays.0.lock() {
            let until = good_for.map(|good_for| Instant::now() + good_for);
            relays.insert(key, Open { relay: relay.clone(), until });
        }
        Ok(Mailer::Smtp(relay))
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
