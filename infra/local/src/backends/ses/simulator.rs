//! The mailbox simulator: what happens to a message by its recipient.

/// The domain of the simulator.
const DOMAIN: &str = "simulator.amazonses.com";

/// The harmless test file that every virus scanner knows; SES rejects a message that carries it.
const TEST_VIRUS: &[u8] = b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE";

/// One thing that became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Send,
    Reject,
    Delivery(Vec<String>),
    Bounce(Vec<String>, Bounce),
    Complaint(Vec<String>),
}

/// Why a message bounced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bounce {
    /// The mailbox does not exist.
    NoMailbox,
    /// The address is on SES's own suppression list.
    Suppressed,
    /// The address is on the account's suppression list.
    OnAccountList,
}

impl Outcome {
    /// Its `eventType`.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Send => "Send",
            Self::Reject => "Reject",
            Self::Delivery(_) => "Delivery",
            Self::Bounce(..) => "Bounce",
            Self::Complaint(_) => "Complaint",
        }
    }
}

/// Everything that becomes of a message, in the order in which it happens.
pub(super) fn outcomes(raw: &[u8], recipients: &[String], suppressed: impl Fn(&str) -> bool) -> Vec<Outcome> {
    let mut outcomes = vec![Outcome::Send];
    if raw.windows(TEST_VIRUS.len()).any(|window| window == TEST_VIRUS) {
        outcomes.push(Outcome::Reject);
        return outcomes;
    }
    let (mut delivered, mut complained) = (Vec::new(), Vec::new());
    for recipient in recipients {
        let bounce = |why| Outcome::Bounce(vec![recipient.clone()], why);
        if suppressed(recipient) {
            outcomes.push(bounce(Bounce::OnAccountList));
            continue;
        }
        match simulated(recipient).as_deref() {
            Some("bounce") => outcomes.push(bounce(Bounce::NoMailbox)),
            Some("suppressionlist") => outcomes.push(bounce(Bounce::Suppressed)),
            Some("complaint") => {
                delivered.push(recipient.clone());
                complained.push(recipient.clone());
            }
            _ => delivered.push(recipient.clone()),
        }
    }
    if !delivered.is_empty() {
        outcomes.push(Outcome::Delivery(delivered));
    }
    if !complained.is_empty() {
        outcomes.push(Outcome::Complaint(complained));
    }
    outcomes
}

/// The local part of a simulator address, without its label.
fn simulated(address: &str) -> Option<String> {
    let (local, domain) = address.rsplit_once('@')?;
    let local = local.split('+').next().unwrap_or(local);
    domain.eq_ignore_ascii_case(DOMAIN).then(|| local.to_ascii_lowercase())
}
