//! Why a mailbox cannot be read, in words that say what to do.

use domain::mailbox::Stop;

use crate::{channel_check::ChannelFinding, check::Level};

/// What a check of a mailbox found where it stopped.
#[must_use]
pub fn finding(stop: Stop) -> ChannelFinding {
    let level = if is_passing(stop) { Level::Warning } else { Level::Error };
    ChannelFinding { level, code: stop.as_str(), message: message(stop).to_owned() }
}

/// Whether it may be over in a moment.
const fn is_passing(stop: Stop) -> bool {
    matches!(stop, Stop::Unresolved | Stop::Unreachable | Stop::NoToken | Stop::LoginLater | Stop::Silent)
}

/// What it is, and what to do.
#[must_use]
pub const fn message(stop: Stop) -> &'static str {
    match stop {
        Stop::Unresolved => "the server's name does not resolve: correct the host, or publish its address",
        Stop::NotPublic => {
            "the server's name leads to an address or a port that is not connected to: it must have public addresses only, and port \
             993 or 143"
        }
        Stop::Unreachable => {
            "nobody answers as an IMAP server at this host and port: check both, whether IMAP is switched on for this account, and \
             whether a firewall lets this service in"
        }
        Stop::NoEncryption => {
            "the server offers no STARTTLS: enable it, or use port 993 with security `tls`; a password is never sent in clear"
        }
        Stop::Certificate => {
            "the server's certificate is not a valid one for this host: renew it, enter the name that it is for, or try the other \
             kind of security for this port"
        }
        Stop::Credentials => {
            "the server does not let this account in: enter its user name and password again; some providers want a password made \
             for programs, or IMAP switched on first"
        }
        Stop::NoMechanism => {
            "the server offers no way to log in that is spoken here (LOGIN, PLAIN, or XOAUTH2 with an access token): enable one of them"
        }
        Stop::TokenRefused => {
            "the provider gives no access token: authorise this client again for reading mail, and enter the new refresh token"
        }
        Stop::NoToken => {
            "the provider could not be asked for an access token: check token_url, and try again in a few minutes"
        }
        Stop::LoginLater => "the server let nobody in just now: try again in a few minutes",
        Stop::NoFolder => {
            "there is no such folder, or this account may not read it: enter its name as the server spells it"
        }
        Stop::Silent => "the server went silent, or hung up, in the middle: try again in a few minutes",
        Stop::Garbled => {
            "the server answers what no mail server may, or far too much: ask whoever runs it, and enter it again once that is repaired"
        }
    }
}
