//! The check of a relay before its first use: how far a message to ourselves came, and what was left of it when it came
//! back.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    id::{ChannelId, ID_BYTES, WorkspaceId},
    organisation,
    reply_address::{open, sign},
    subject::Pepper,
};

const PURPOSE: &str = "check address";
const PREFIX: char = 'c';

/// Bytes of a check's name.
pub const NAME: usize = 6;

/// How long the message of a check may be on its way before it counts as lost.
pub const COMES_BACK_WITHIN: SignedDuration = SignedDuration::from_mins(15);

/// How long a channel is left alone between two checks.
pub const BETWEEN: SignedDuration = SignedDuration::from_secs(60);

/// Where the message of a check goes, and comes in again: an address that only we can have made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckAddress {
    /// The Sender's workspace.
    pub workspace: WorkspaceId,
    /// Which channel.
    pub channel: ChannelId,
    /// Which check of it.
    pub name: [u8; NAME],
}

impl CheckAddress {
    /// The part of the address before the `@`.
    pub fn local_part(&self, pepper: &Pepper) -> String {
        let mut what = [0; ID_BYTES + NAME];
        what[..ID_BYTES].copy_from_slice(self.channel.as_bytes());
        what[ID_BYTES..].copy_from_slice(&self.name);
        sign(PREFIX, PURPOSE, self.workspace, &what, pepper)
    }

    /// Reads a local part back; `None` for whatever we did not make.
    pub fn verify(local_part: &str, pepper: &Pepper) -> Option<Self> {
        let (workspace, what) = open(PREFIX, PURPOSE, local_part, pepper)?;
        let (channel, name) = (*what.first_chunk()?, *what.last_chunk()?);
        Some(Self { workspace, channel: ChannelId::from_bytes(channel), name })
    }
}

/// A step of a check, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Its name is looked up, its address judged, a connection made.
    Connect,
    /// The connection is encrypted, and the certificate is the host's.
    Tls,
    /// The account at the relay is let in.
    Authenticate,
    /// The relay takes the message.
    Send,
    /// The message came back, and was read.
    ReadBack,
}

impl Step {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Connect, Self::Tls, Self::Authenticate, Self::Send, Self::ReadBack];
}

/// Why a check came no further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// The name leads nowhere.
    Unresolved,
    /// One of its addresses is not public.
    NotPublic,
    /// Nobody answered, or not as a mail server does.
    Unreachable,
    /// The server offers no encryption.
    NoEncryption,
    /// The certificate is not one for this host, or the handshake failed.
    Certificate,
    /// The account or its password is wrong.
    Credentials,
    /// The server offers no way to log in that we know.
    NoMechanism,
    /// The provider gives no access token: what it is asked for with was revoked, or is wrong.
    TokenRefused,
    /// The provider could not be asked for an access token.
    NoToken,
    /// The server did not let us in just now.
    LoginLater,
    /// The server refuses the message.
    Refused,
    /// The server did not take the message just now.
    Later,
    /// The server went silent after it had the message: it may come back yet.
    Silent,
}

impl Stop {
    /// Where it stopped.
    #[must_use]
    pub const fn step(self) -> Step {
        match self {
            Self::Unresolved | Self::NotPublic | Self::Unreachable => Step::Connect,
            Self::NoEncryption | Self::Certificate => Step::Tls,
            Self::Credentials | Self::NoMechanism | Self::TokenRefused | Self::NoToken | Self::LoginLater => {
                Step::Authenticate
            }
            Self::Refused | Self::Later | Self::Silent => Step::Send,
        }
    }
}

/// A DKIM signature that a message came back with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// Whose it is (`d=`).
    pub domain: String,
    /// Under which name of that domain its key is (`s=`); blank in what was stored before it was read.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub selector: String,
    /// Whether it covers both headers of one-click unsubscription (RFC 8058 §4).
    pub covers_unsubscribe: bool,
    /// Whether the receiver found it good.
    pub holds: bool,
}

impl Signature {
    /// Whether it is that of the organisation whose domain a message says it comes from, as DMARC asks where its policy is
    /// relaxed.
    #[must_use]
    pub fn is_aligned(&self, domain: &str) -> bool {
        organisation::is_same(&self.domain, domain)
    }
}

/// What was left of the message when it came back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Back {
    /// When.
    pub at: Timestamp,
    /// `From` is the Sender's.
    pub from: bool,
    /// `Message-ID` is ours.
    pub message_id: bool,
    /// `List-Unsubscribe` is ours.
    pub unsubscribe: bool,
    /// `List-Unsubscribe-Post` is there.
    pub one_click: bool,
    /// The receiver took it for spam.
    pub spam: bool,
    /// Its DKIM signatures.
    pub signatures: Vec<Signature>,
}

/// The latest check of a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelCheck {
    /// Its name, drawn anew for each.
    pub name: String,
    /// A hash of what was checked: a channel that has changed since was not.
    pub of: String,
    /// When.
    pub at: Timestamp,
    /// Whether the message goes where we read it.
    pub comes_back: bool,
    /// Why it came no further.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<Stop>,
    /// What came back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub back: Option<Back>,
}

/// How it stands with one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It went as it should.
    Done,
    /// It did not.
    Failed,
    /// Nobody can tell yet.
    Pending,
    /// An earlier step failed.
    NotReached,
    /// Nothing that comes in is read here.
    NotPossible,
}

impl ChannelCheck {
    /// How it stands with each step at `now`.
    #[must_use]
    pub fn steps(&self, now: Timestamp) -> [(Step, State); 5] {
        Step::ALL.map(|step| (step, self.state(step, now)))
    }

    /// Whether the message may still come back.
    #[must_use]
    pub fn is_waited_for(&self, now: Timestamp) -> bool {
        self.state(Step::ReadBack, now) == State::Pending
    }

    /// Whether the message has been on its way for too long.
    #[must_use]
    pub fn is_lost(&self, now: Timestamp) -> bool {
        self.state(Step::ReadBack, now) == State::Failed
    }

    fn state(&self, step: Step, now: Timestamp) -> State {
        // What came back was certainly sent.
        let stopped = self.stopped.filter(|_| self.back.is_none());
        match stopped {
            Some(Stop::Silent) if step == Step::Send => State::Pending,
            Some(stop) if stop != Stop::Silent && step == stop.step() => State::Failed,
            Some(stop) if stop != Stop::Silent && step > stop.step() => State::NotReached,
            _ if step < Step::ReadBack || self.back.is_some() => State::Done,
            _ if !self.comes_back => State::NotPossible,
            _ if now.duration_since(self.at) < COMES_BACK_WITHIN => State::Pending,
            _ => State::Failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(stopped: Option<Stop>, back: bool) -> (ChannelCheck, Timestamp) {
        let at: Timestamp = "2026-11-26T09:00:00Z".parse().unwrap();
        let whole = || Back {
            at,
            from: true,
            message_id: true,
            unsubscribe: true,
            one_click: true,
            spam: false,
            signatures: Vec::new(),
        };
        let back = back.then(whole);
        (ChannelCheck { name: "n".into(), of: "o".into(), at, comes_back: true, stopped, back }, at)
    }

    #[test]
    fn every_step_says_how_it_stands() {
        use State::{Done, Failed, NotReached, Pending};
        let (late, early) = (COMES_BACK_WITHIN, SignedDuration::from_secs(1));
        for (stopped, back, after, expected) in [
            (None, false, early, [Done, Done, Done, Done, Pending]),
            (None, false, late, [Done, Done, Done, Done, Failed]),
            (None, true, late, [Done; 5]),
            (Some(Stop::NotPublic), false, late, [Failed, NotReached, NotReached, NotReached, NotReached]),
            (Some(Stop::Certificate), false, early, [Done, Failed, NotReached, NotReached, NotReached]),
            (Some(Stop::Credentials), false, early, [Done, Done, Failed, NotReached, NotReached]),
            (Some(Stop::Refused), false, early, [Done, Done, Done, Failed, NotReached]),
            (Some(Stop::Silent), false, early, [Done, Done, Done, Pending, Pending]),
            (Some(Stop::Silent), false, late, [Done, Done, Done, Pending, Failed]),
            (Some(Stop::Silent), true, late, [Done; 5]),
        ] {
            let (check, at) = check(stopped, back);
            assert_eq!(check.steps(at + after).map(|(_, state)| state), expected, "{stopped:?} {back} {after:?}");
        }
        let (mut check, at) = check(None, false);
        check.comes_back = false;
        assert_eq!(check.steps(at + late)[4], (Step::ReadBack, State::NotPossible));
        assert!(!check.is_lost(at + late) && !check.is_waited_for(at));
    }

    #[test]
    fn an_address_reads_back_and_is_no_address_for_answers() {
        let pepper = Pepper::from_json(r#"{"v1":"0123456789abcdef0123456789abcdef"}"#).unwrap();
        let address = CheckAddress {
            workspace: WorkspaceId::from_bytes([3; 10]),
            channel: ChannelId::from_bytes([4; 10]),
            name: [5; NAME],
        };
        let local = address.local_part(&pepper);
        assert!(local.len() <= 64);
        assert_eq!(CheckAddress::verify(&local.to_ascii_uppercase(), &pepper), Some(address));
        assert_eq!(crate::reply_address::ReplyAddress::verify(&local, &pepper), None);
        let answers = format!("r{}", &local[1..]);
        assert_eq!(crate::reply_address::ReplyAddress::verify(&answers, &pepper), None, "another purpose");
        assert_eq!(CheckAddress::verify(&answers, &pepper), None);
    }

    #[test]
    fn a_signature_is_aligned_with_the_domains_of_its_organisation() {
        for (signed, from, aligned) in [
            ("firm.test", "firm.test", true),
            ("firm.test", "mail.firm.test", true),
            ("mail.firm.test", "firm.test", true),
            ("relay.test", "firm.test", false),
            ("xfirm.test", "firm.test", false),
            ("test", "firm.test", false),
            ("a.firm.test", "b.firm.test", true),
            ("co.uk", "firm.co.uk", false),
            ("other.co.uk", "firm.co.uk", false),
            ("a.github.io", "b.github.io", false),
        ] {
            let signature =
                Signature { domain: signed.into(), selector: String::new(), covers_unsubscribe: true, holds: true };
            assert_eq!(signature.is_aligned(from), aligned, "{signed} {from}");
        }
    }
}
