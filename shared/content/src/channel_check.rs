//! What the check of a relay found, in words that say what to do; and the message that it sends.
//!
//! An error is what no recipient should get, or what nothing can be sent with. A warning is what Gmail, Yahoo and
//! Microsoft ask of whoever writes 5,000 messages a day.

use domain::{
    Timestamp,
    channel_check::{Back, ChannelCheck, Signature, Stop},
    locale::Locale,
};
use serde::Serialize;

use crate::{campaign::Rendered, check::Level, domain_check::IN_BULK, page::escape};

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChannelFinding {
    /// How bad it is.
    pub level: Level,
    /// Its stable name.
    pub code: &'static str,
    /// What it is, and what to do.
    pub message: String,
}

impl ChannelFinding {
    /// Whether receivers hold bulk senders to it: their messages are signed, by the domain that they come from.
    #[must_use]
    pub fn counts_in_bulk(&self) -> bool {
        matches!(self.code, "not_signed" | "signature_broken" | "signature_not_aligned")
    }

    /// The same for a campaign of so many messages a day that receivers hold its Sender to it.
    #[must_use]
    pub fn in_bulk(self) -> Self {
        if !self.counts_in_bulk() {
            return self;
        }
        Self { level: Level::Error, message: format!("{}. {IN_BULK}", self.message), ..self }
    }
}

fn found(level: Level, code: &'static str, message: impl Into<String>) -> ChannelFinding {
    ChannelFinding { level, code, message: message.into() }
}

/// Everything that there is to say at `now` of a check of a channel that writes from `domain`, the worst first.
#[must_use]
pub fn judge(check: &ChannelCheck, domain: &str, now: Timestamp) -> Vec<ChannelFinding> {
    let mut findings = Vec::new();
    if let Some(back) = &check.back {
        left(back, domain, &mut findings);
        signatures(&back.signatures, domain, &mut findings);
    } else {
        findings.extend(check.stopped.map(stopped));
        if check.is_lost(now) {
            findings.push(found(
                Level::Warning,
                "not_come_back",
                "the message did not come back within a quarter of an hour: look in the relay's queue and log whether it left, and \
                 check again",
            ));
        }
        if !check.comes_back && check.stopped.is_none() {
            findings.push(found(
                Level::Warning,
                "not_read_back",
                "nothing that comes in is read here, so the message went to the channel's own address: look there that its \
                 headers List-Unsubscribe and List-Unsubscribe-Post are left, and that DKIM passed for its domain",
            ));
        }
    }
    findings.sort_by_key(|finding| finding.level);
    findings
}

/// A channel that was never checked, or has changed since.
#[must_use]
pub fn unchecked() -> ChannelFinding {
    found(
        Level::Warning,
        "relay_unchecked",
        "nobody has checked this relay as it is now: POST /v1/channels/{id}/check sends one message through it and says what is \
         left of it",
    )
}

/// Why a check came no further. What may be over in a moment is no reason to refuse a launch.
fn stopped(stop: Stop) -> ChannelFinding {
    let (level, code, message) = match stop {
        Stop::Unresolved => (
            Level::Warning,
            "host_unresolved",
            "the relay's name does not resolve: correct the host, or publish its address",
        ),
        Stop::NotPublic => (
            Level::Error,
            "host_not_public",
            "the relay's name leads to an address or a port that is not connected to: it must have public addresses only, and port \
             465, 587 or 2525",
        ),
        Stop::Unreachable => (
            Level::Warning,
            "unreachable",
            "nobody answers as a mail server at this host and port: check both, and whether a firewall lets this service in",
        ),
        Stop::NoEncryption => (
            Level::Error,
            "no_encryption",
            "the server offers no STARTTLS: enable it, or use port 465 with security `tls`; a password is never sent in clear",
        ),
        Stop::Certificate => (
            Level::Error,
            "certificate",
            "the server's certificate is not a valid one for this host: renew it, enter the name that it is for, or try the other \
             kind of security for this port",
        ),
        Stop::Credentials => (
            Level::Error,
            "credentials",
            "the relay does not let this account in: enter its user name and password again; some providers want a password made \
             for programs",
        ),
        Stop::NoMechanism => (
            Level::Error,
            "no_login",
            "the server offers no way to log in that is spoken here (PLAIN, LOGIN, or XOAUTH2 with an access token): enable one of them",
        ),
        Stop::TokenRefused => (
            Level::Error,
            "token_refused",
            "the provider gives no access token: authorise this client again, and enter the new refresh token",
        ),
        Stop::NoToken => (
            Level::Warning,
            "no_token",
            "the provider could not be asked for an access token: check token_url, and try again in a few minutes",
        ),
        Stop::LoginLater => {
            (Level::Warning, "login_later", "the relay let nobody in just now: check again in a few minutes")
        }
        Stop::Refused => (
            Level::Error,
            "refused",
            "the relay refuses the message: allow this account to send as the channel's address, and to other domains",
        ),
        Stop::Later => {
            (Level::Warning, "later", "the relay did not take the message just now: check again in a few minutes")
        }
        Stop::Silent => (
            Level::Warning,
            "silent",
            "the relay went silent when it had the whole message: of such messages nobody can say whether they were sent",
        ),
    };
    found(level, code, message)
}

fn left(back: &Back, domain: &str, findings: &mut Vec<ChannelFinding>) {
    if !back.from {
        findings.push(found(
            Level::Error,
            "from_changed",
            format!(
                "the relay puts another address into From, so nobody sees who writes: allow this account to send as an address of \
                 {domain}, or enter the account's own address as the channel's"
            ),
        ));
    }
    if !back.unsubscribe {
        findings.push(found(
            Level::Error,
            "unsubscribe_lost",
            "the relay takes away or rewrites the header List-Unsubscribe: switch off its own link tracking and unsubscription",
        ));
    }
    if !back.one_click {
        findings.push(found(
            Level::Error,
            "one_click_lost",
            "the relay takes away the header List-Unsubscribe-Post, without which Gmail and Yahoo offer no one-click unsubscription: \
             have it leave headers alone",
        ));
    }
    if !back.message_id {
        findings.push(found(
            Level::Warning,
            "message_id_changed",
            "the relay gives messages another Message-ID, so that later steps are not shown in the same thread: have it leave headers \
             alone",
        ));
    }
    if back.spam {
        findings.push(found(
            Level::Warning,
            "taken_for_spam",
            "the receiver took the message for spam: look at the domain's records (GET /v1/sender/check) and the relay's reputation",
        ));
    }
}

fn signatures(all: &[Signature], domain: &str, findings: &mut Vec<ChannelFinding>) {
    let good: Vec<&Signature> = all.iter().filter(|signature| signature.holds).collect();
    let aligned: Vec<&Signature> = good.iter().copied().filter(|signature| signature.is_aligned(domain)).collect();
    let by = |some: &[&Signature]| some.iter().map(|s| format!("d={}", s.domain)).collect::<Vec<_>>().join(", ");
    if all.is_empty() {
        findings.push(found(
            Level::Warning,
            "not_signed",
            format!("the message came back without a DKIM signature: have the relay sign with a key of {domain} (d={domain})"),
        ));
    } else if good.is_empty() {
        let all: Vec<&Signature> = all.iter().collect();
        findings.push(found(
            Level::Warning,
            "signature_broken",
            format!(
                "no DKIM signature of the message holds ({}): publish the key that the relay signs with, and let nothing change a \
                 message after it is signed",
                by(&all)
            ),
        ));
    } else if aligned.is_empty() {
        findings.push(found(
            Level::Warning,
            "signature_not_aligned",
            format!(
                "the message is signed by another domain than it comes from ({}), which DMARC does not count: have the relay sign \
                 with d={domain}",
                by(&good)
            ),
        ));
    } else if !aligned.iter().any(|signature| signature.covers_unsubscribe) {
        findings.push(found(
            Level::Warning,
            "unsubscribe_not_signed",
            format!(
                "the DKIM signature ({}) does not cover List-Unsubscribe and List-Unsubscribe-Post, so one-click unsubscription is \
                 not offered (RFC 8058): add both to the headers that the relay signs",
                by(&aligned)
            ),
        ));
    }
}

/// What the message of a check says.
#[must_use]
pub fn words(locale: Locale) -> Rendered {
    let (subject, text) = match locale {
        Locale::Fr => (
            "Vérification du relais",
            "Ce message vérifie un relais avant son premier usage. Il n'appelle aucune réponse.",
        ),
        Locale::En => {
            ("Check of the relay", "This message checks a relay before its first use. There is nothing to answer.")
        }
    };
    Rendered { subject: subject.into(), text: text.into(), html: format!("<p>{}</p>", escape(text)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn back(change: impl FnOnce(&mut Back)) -> Option<Back> {
        let at = Timestamp::UNIX_EPOCH;
        let signature =
            Signature { domain: "firm.test".into(), selector: "a".into(), covers_unsubscribe: true, holds: true };
        let mut back = Back {
            at,
            from: true,
            message_id: true,
            unsubscribe: true,
            one_click: true,
            spam: false,
            signatures: vec![signature],
        };
        change(&mut back);
        Some(back)
    }

    fn codes(check: &ChannelCheck, seconds: i64) -> Vec<(Level, &'static str)> {
        let now = Timestamp::from_second(seconds).unwrap();
        judge(check, "firm.test", now).into_iter().map(|finding| (finding.level, finding.code)).collect()
    }

    fn check(stopped: Option<Stop>, back: Option<Back>) -> ChannelCheck {
        let (name, of) = ("n".into(), "o".into());
        ChannelCheck { name, of, at: Timestamp::UNIX_EPOCH, comes_back: true, stopped, back }
    }

    #[test]
    fn what_a_bulk_sender_must_have_refuses_its_launch() {
        let mut check = ChannelCheck {
            name: String::new(),
            of: String::new(),
            at: Timestamp::UNIX_EPOCH,
            comes_back: true,
            stopped: None,
            back: back(|back| back.signatures.clear()),
        };
        let [found] = &judge(&check, "firm.test", check.at)[..] else { panic!("one finding") };
        assert_eq!(
            (found.code, found.level, found.clone().in_bulk().level),
            ("not_signed", Level::Warning, Level::Error)
        );
        check.back = back(|back| back.message_id = false);
        let [found] = &judge(&check, "firm.test", check.at)[..] else { panic!("one finding") };
        assert_eq!(found.clone().in_bulk(), *found);
    }

    #[test]
    fn what_came_back_whole_has_no_finding_and_what_is_missing_is_named() {
        use Level::{Error, Warning};
        let sign = |change: fn(&mut Signature)| move |back: &mut Back| change(&mut back.signatures[0]);
        for (back, expected) in [
            (back(|_| ()), None),
            (back(|b| b.from = false), Some((Error, "from_changed"))),
            (back(|b| b.unsubscribe = false), Some((Error, "unsubscribe_lost"))),
            (back(|b| b.one_click = false), Some((Error, "one_click_lost"))),
            (back(|b| b.message_id = false), Some((Warning, "message_id_changed"))),
            (back(|b| b.spam = true), Some((Warning, "taken_for_spam"))),
            (back(|b| b.signatures.clear()), Some((Warning, "not_signed"))),
            (back(sign(|s| s.holds = false)), Some((Warning, "signature_broken"))),
            (back(sign(|s| s.domain = "relay.test".into())), Some((Warning, "signature_not_aligned"))),
            (back(sign(|s| s.covers_unsubscribe = false)), Some((Warning, "unsubscribe_not_signed"))),
        ] {
            assert_eq!(codes(&check(None, back.clone()), 9_999), Vec::from_iter(expected), "{back:?}");
        }
    }

    #[test]
    fn a_signature_of_ours_beside_one_of_the_relays_is_enough() {
        let relays =
            Signature { domain: "relay.test".into(), selector: String::new(), covers_unsubscribe: false, holds: true };
        assert!(codes(&check(None, back(|b| b.signatures.insert(0, relays))), 0).is_empty());
    }

    #[test]
    fn what_has_not_come_back_is_said_to_be_pending_and_then_lost() {
        use Level::{Error, Warning};
        assert!(codes(&check(None, None), 899).is_empty());
        assert_eq!(codes(&check(None, None), 900), [(Warning, "not_come_back")]);
        assert_eq!(codes(&check(Some(Stop::Credentials), None), 9_999), [(Error, "credentials")]);
        assert_eq!(codes(&check(Some(Stop::Silent), None), 0), [(Warning, "silent")]);
        let unread = ChannelCheck { comes_back: false, ..check(None, None) };
        assert_eq!(codes(&unread, 9_999), [(Warning, "not_read_back")]);
    }
}
