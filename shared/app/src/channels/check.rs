//! The check of a relay before its first use: connect, encrypt, log in, send one message to ourselves, and read what is left
//! of it when it comes back.
//!
//! The message goes to an address that only we can have made, on the domain that answers come in at, and `replies`
//! reads it there. Where nothing comes in, it goes to the channel's own address, and its owner looks.

use content::{
    channel_check::{ChannelFinding, judge, unchecked, words},
    check::Level,
    message::{self, CampaignMail},
};
use domain::{
    Timestamp,
    audit::Action,
    channel_check::{BETWEEN, Back, ChannelCheck, CheckAddress, NAME, Signature, State, Step, Stop},
    email::EmailAddress,
    id::{ChannelId, WorkspaceId},
    policy::test_to_oneself,
    sender::{Channel, Sender, SenderIdentity, Transport},
    subject::{Pepper, Subject},
    unsubscribe::OptOutClaim,
};
use inbound::own::Own;
use secrecy::SecretString;
use serde::Serialize;
use sha2::{Digest, Sha256};
use storage::{StoreError, WorkspaceScope};

use super::not_found;
use crate::{
    App, Failure,
    campaigns::invented,
    chance,
    limits::too_many,
    mailer::{Login, NO_PASSWORD, NoToken, Outgoing, smtp::Relay},
    relay::{self, RelayError},
};

/// The name under which Amazon SES writes down what it found of a mail that it received.
const RECEIVER: &str = "amazonses.com";

/// A check as members see it.
#[derive(Debug, Serialize)]
pub struct CheckView {
    channel: ChannelId,
    status: Status,
    checked_at: Timestamp,
    steps: Vec<StepView>,
    findings: Vec<ChannelFinding>,
}

/// How a check stands as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    /// Its message may still come back.
    Pending,
    /// There is nothing to say.
    Passed,
    /// There are warnings.
    Warnings,
    /// There are errors: a launch refuses the channel.
    Failed,
}

#[derive(Debug, Serialize)]
struct StepView {
    step: Step,
    state: State,
}

impl CheckView {
    fn new(channel: &Channel, identity: &SenderIdentity, check: &ChannelCheck, now: Timestamp) -> Self {
        let findings = judge(check, identity.from_email.domain(), now);
        let status = match findings.first().map(|finding| finding.level) {
            _ if check.is_waited_for(now) => Status::Pending,
            Some(Level::Error) => Status::Failed,
            Some(_) => Status::Warnings,
            None => Status::Passed,
        };
        let steps = check.steps(now).map(|(step, state)| StepView { step, state }).into();
        Self { channel: channel.id, status, checked_at: check.at, steps, findings }
    }
}

/// What of a channel a check is about: when any of it changes, nobody has checked it.
fn looks(sender: &Sender, channel: &Channel) -> Result<String, Failure> {
    let identity = sender.identity_by(channel);
    let all = serde_json::to_vec(&(&channel.transport, &identity.from_email));
    Ok(hex::encode(Sha256::digest(all.map_err(|error| Failure::internal(error.to_string()))?)))
}

/// The unsubscribe link of a check means nobody, and is one that only we can have made.
fn link(public_url: &str, workspace: WorkspaceId, pepper: &Pepper) -> String {
    let claim = OptOutClaim { workspace, subject: Subject::NOBODY, locale: Default::default(), told: false };
    format!("{public_url}/u/{}", claim.sign(pepper))
}

/// The `Message-ID` of a check, without brackets.
fn message_id(name: &str, identity: &SenderIdentity) -> String {
    format!("check.{name}@{}", identity.from_email.domain())
}

impl App {
    /// The latest check of a channel as it is now.
    pub async fn channel_check(
        &self,
        scope: &WorkspaceScope,
        id: ChannelId,
        now: Timestamp,
    ) -> Result<CheckView, Failure> {
        let sender = self.db.accounts(scope).sender().await?.ok_or_else(not_found)?;
        let channel = sender.channel(id).ok_or_else(not_found)?;
        let check = self.check_of(scope, &sender, channel).await?.ok_or_else(|| {
            Failure::not_found("check of this channel as it is now (POST /v1/channels/{id}/check makes one)")
        })?;
        Ok(CheckView::new(channel, &sender.identity_by(channel), &check, now))
    }

    /// The latest check of each channel that has one, as it is stored: for who wants to see all that is held of them.
    pub(crate) async fn channel_checks(&self, scope: &WorkspaceScope) -> Result<Vec<ChannelCheck>, Failure> {
        let accounts = self.db.accounts(scope);
        let mut checks = Vec::new();
        for channel in accounts.sender().await?.into_iter().flat_map(|sender| sender.channels) {
            checks.extend(accounts.channel_check(channel.id).await?);
        }
        Ok(checks)
    }

    /// Checks a relay: goes as far as it comes, and says where it stopped. What came back is seen later.
    pub async fn check_channel(
        &self,
        scope: &WorkspaceScope,
        id: ChannelId,
        now: Timestamp,
    ) -> Result<CheckView, Failure> {
        let sender = self.db.accounts(scope).sender().await?.ok_or_else(not_found)?;
        let channel = sender.channel(id).ok_or_else(not_found)?;
        self.sending_workspace(scope).await?;
        if channel.transport == Transport::Ses {
            return Err(Failure::refused(
                "not-a-relay",
                "This channel leaves through Amazon SES, which changes no header and signs for a verified domain. Look at the \
                 domain: GET /v1/sender/check.",
            ));
        }
        if channel.transport.lacks_password() {
            return Err(Failure::refused(
                NO_PASSWORD,
                "The relay's password was given up when the workspace was closed. Enter it again: PATCH /v1/channels/{id}.",
            ));
        }
        let accounts = self.db.accounts(scope);
        let before = accounts.channel_check(id).await?;
        let left = before.map_or(0, |before| (before.at + BETWEEN).duration_since(now).as_secs());
        if left > 0 {
            return Err(too_many(left));
        }
        let name: [u8; NAME] = chance();
        let mut check = ChannelCheck {
            name: hex::encode(name),
            of: looks(&sender, channel)?,
            at: now,
            comes_back: !self.config.inbound_domain.is_empty(),
            stopped: Some(Stop::Unreachable),
            back: None,
        };
        let identity = sender.identity_by(channel);
        let to = if check.comes_back {
            let address = CheckAddress { workspace: scope.workspace(), channel: id, name };
            let local = address.local_part(self.pepper().await?);
            EmailAddress::parse(&format!("{local}@{}", self.config.inbound_domain))
                .map_err(|_| Failure::internal("INBOUND_DOMAIN is no domain"))?
        } else {
            identity.from_email.clone()
        };
        // Before it leaves: the message may be back before we are. A run that dies leaves the check stopped.
        let entry = scope.entry(Action::ChannelChecked, now).about(id).with("channel", channel.transport.kind());
        accounts.begin_channel_check(id, &check, &entry).await?;
        check.stopped = self.try_relay(scope, channel, &identity, &to, &check, now).await?;
        match accounts.note_channel_check(id, &check).await {
            Ok(()) => {}
            // It came back already.
            Err(StoreError::Conflict) => check = accounts.channel_check(id).await?.unwrap_or(check),
            Err(error) => return Err(error.into()),
        }
        Ok(CheckView::new(channel, &identity, &check, now))
    }

    /// Sends the message, as a campaign's messages are sent; where that stopped.
    async fn try_relay(
        &self,
        scope: &WorkspaceScope,
        channel: &Channel,
        identity: &SenderIdentity,
        to: &EmailAddress,
        check: &ChannelCheck,
        now: Timestamp,
    ) -> Result<Option<Stop>, Failure> {
        let Transport::Smtp { host, port, security, username, .. } = &channel.transport else {
            return Err(Failure::internal("a check of what is no relay"));
        };
        let address = match relay::resolve(host, *port, &self.config.relay_networks).await {
            Ok(address) => address,
            Err(RelayError::Unresolved | RelayError::BadName) => return Ok(Some(Stop::Unresolved)),
            Err(RelayError::NotPublic | RelayError::PrivateName | RelayError::Port) => {
                return Ok(Some(Stop::NotPublic));
            }
            Err(RelayError::Networks) => return Err(Failure::internal("RELAY_NETWORKS cannot be read")),
        };
        let roots = &self.config.relay_root_certificates;
        let relay_with = |login: &Login| Relay::new(host, address, *security, login, roots);
        let relay = match self.relay_login(scope, &channel.transport).await? {
            Ok((login, _)) => relay_with(&login)?,
            Err(no_token) => {
                let nobody = Login::Token { username: username.clone(), token: SecretString::default() };
                let stop = if no_token == NoToken::Refused { Stop::TokenRefused } else { Stop::NoToken };
                return Ok(Some(relay_with(&nobody)?.reach().await.unwrap_or(stop)));
            }
        };
        let bytes = self.message_of_check(scope, identity, to, check, now).await?;
        let message = Outgoing { from: &identity.from_email, to, bytes, about: None };
        Ok(relay.try_out(test_to_oneself(Subject::NOBODY), &message).await)
    }

    async fn message_of_check(
        &self,
        scope: &WorkspaceScope,
        identity: &SenderIdentity,
        to: &EmailAddress,
        check: &ChannelCheck,
        now: Timestamp,
    ) -> Result<Vec<u8>, Failure> {
        let (workspace, url) = (scope.workspace(), &self.config.public_url);
        let locale = self.any_workspace(scope).await?.locale;
        let domain = identity.from_email.domain();
        let mail = CampaignMail {
            sender: identity,
            reply_to: identity.reply_to.as_ref(),
            to,
            to_name: None,
            rendered: &words(locale),
            locale,
            unsubscribe_url: &link(url, workspace, self.pepper().await?),
            prospects_privacy_url: &format!("{url}/legal/prospects-privacy?lang={}", locale.tag()),
            rights_url: &format!("{url}/rights?lang={}", locale.tag()),
            recorded: None,
            source: &invented(to, locale, now).source,
            first_message: None,
            message_id: &message_id(&check.name, identity),
            thread: &[],
            date: now,
            list_id: &format!("{workspace}.{domain}"),
            feedback_id: None,
            smtputf8: false,
            test: true,
        };
        let composed = message::compose(&mail).map_err(|error| {
            Failure::refused("message-not-possible", format!("The message cannot be written: {error}."))
        });
        Ok(composed?.bytes)
    }

    /// Takes the message of a check in. One of an earlier check, or of a channel that has changed since, says nothing.
    pub(crate) async fn take_check_back(
        &self,
        whose: CheckAddress,
        raw: &[u8],
        signed: bool,
        spam: bool,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let scope = WorkspaceScope::internal(whose.workspace);
        let accounts = self.db.accounts(&scope);
        let Some(sender) = accounts.sender().await? else { return Ok(()) };
        let Some(channel) = sender.channel(whose.channel) else { return Ok(()) };
        let check = self.check_of(&scope, &sender, channel).await?;
        let Some(mut check) = check.filter(|check| check.name == hex::encode(whose.name)) else { return Ok(()) };
        let Some(own) = inbound::own::read(raw, RECEIVER) else { return Ok(()) };
        let link = link(&self.config.public_url, whose.workspace, self.pepper().await?);
        check.back = Some(back(own, &sender.identity_by(channel), (&check.name, &link), (signed, spam), now));
        match accounts.note_channel_check(whose.channel, &check).await {
            // It came twice.
            Ok(()) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// What is to be said of the relays that a campaign goes by, by these channels or by all, with their channel.
    pub(crate) async fn findings_of_relays<'a>(
        &self,
        scope: &WorkspaceScope,
        sender: &'a Sender,
        named: &[ChannelId],
        now: Timestamp,
    ) -> Result<Vec<(&'a Channel, ChannelFinding)>, Failure> {
        let mut findings = Vec::new();
        for channel in sender.among(named).into_iter().filter(|channel| channel.transport != Transport::Ses) {
            let of_it = match self.check_of(scope, sender, channel).await? {
                Some(check) => judge(&check, sender.identity_by(channel).from_email.domain(), now),
                None => vec![unchecked()],
            };
            findings.extend(of_it.into_iter().map(|finding| (channel, finding)));
        }
        Ok(findings)
    }

    /// The DKIM selectors that a relay signs with in the name of the channel's domain, as its latest check found.
    pub(crate) async fn seen_selectors(
        &self,
        scope: &WorkspaceScope,
        sender: &Sender,
        channel: &Channel,
    ) -> Result<Vec<String>, Failure> {
        if channel.transport == Transport::Ses {
            return Ok(Vec::new());
        }
        let identity = sender.identity_by(channel);
        let back = self.check_of(scope, sender, channel).await?.and_then(|check| check.back);
        let signatures = back.into_iter().flat_map(|back| back.signatures);
        let ours = signatures.filter(|one| one.holds && one.domain.eq_ignore_ascii_case(identity.from_email.domain()));
        let mut selectors: Vec<_> = ours.map(|one| one.selector).filter(|name| !name.is_empty()).collect();
        selectors.sort_unstable();
        selectors.dedup();
        Ok(selectors)
    }

    /// The latest check of a channel as it is now.
    async fn check_of(
        &self,
        scope: &WorkspaceScope,
        sender: &Sender,
        channel: &Channel,
    ) -> Result<Option<ChannelCheck>, Failure> {
        let check = self.db.accounts(scope).channel_check(channel.id).await?;
        let now = looks(sender, channel)?;
        Ok(check.filter(|check| check.of == now))
    }
}

/// Compares what came back with what was sent. `signed` is what the receiver says of all signatures together.
fn back(
    own: Own,
    identity: &SenderIdentity,
    (name, link): (&str, &str),
    (signed, spam): (bool, bool),
    now: Timestamp,
) -> Back {
    let covers = |headers: &[String]| {
        ["list-unsubscribe", "list-unsubscribe-post"].iter().all(|wanted| headers.iter().any(|header| header == wanted))
    };
    Back {
        at: now,
        from: own.from.as_ref() == Some(&identity.from_email),
        message_id: own.message_id.as_deref() == Some(message_id(name, identity).as_str()),
        unsubscribe: own.unsubscribe.iter().any(|address| address == link),
        one_click: own.one_click,
        spam,
        signatures: own
            .signatures
            .into_iter()
            .take(MOST_SIGNATURES)
            .map(|signature| Signature {
                covers_unsubscribe: covers(&signature.headers),
                holds: signature.holds.unwrap_or(signed),
                selector: Some(signature.selector).filter(|name| name.len() <= LONGEST_SELECTOR).unwrap_or_default(),
                domain: signature.domain,
            })
            .collect(),
    }
}

/// Longest selector that is kept: longer ones have no record.
const LONGEST_SELECTOR: usize = 63;

/// Signatures that are kept.
const MOST_SIGNATURES: usize = 8;
