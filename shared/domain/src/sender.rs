//! The Sender: who every message says it comes from (A62), and by which channel it goes.

use serde::{Deserialize, Serialize};

use crate::email::EmailAddress;

/// The legal identity and contact that every message carries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SenderIdentity {
    /// Registered name.
    pub company: String,
    /// Legal form: SAS, SARL, GmbH…
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legal_form: Option<String>,
    /// SIREN or the country's equivalent.
    pub registration_number: String,
    /// Postal address, on one or several lines.
    pub address: String,
    /// Country.
    pub country: String,
    /// Where a person can write to exercise any right.
    pub contact_email: EmailAddress,
    /// Telephone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Website, https.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub website: Option<String>,
    /// The name in `From`.
    pub from_name: String,
    /// The address in `From`.
    pub from_email: EmailAddress,
    /// Where answers go, when not to `from_email`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<EmailAddress>,
}

/// How the connection to a relay is protected. There is no third way (A50).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RelaySecurity {
    /// TLS from the first byte, usually on port 465.
    Tls,
    /// STARTTLS before anything else, usually on port 587.
    Starttls,
}

/// The channel messages leave by.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Channel {
    /// Amazon SES, by the operator's account.
    Ses,
    /// The Sender's own relay. The password is sealed: `secret` is ciphertext (A77).
    Smtp {
        /// Host name, as its certificate says.
        host: String,
        /// TCP port.
        port: u16,
        /// TLS from the start, or STARTTLS.
        security: RelaySecurity,
        /// Account at the relay.
        username: String,
        /// The password under the workspace's data key, base64; empty once it was given up.
        secret: String,
    },
}

impl Channel {
    /// Whether it is a relay whose password was given up when the workspace was closed.
    #[must_use]
    pub fn lacks_password(&self) -> bool {
        matches!(self, Channel::Smtp { secret, .. } if secret.is_empty())
    }
}

/// What `PUT /v1/sender` leaves behind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sender {
    /// Who sends.
    pub identity: SenderIdentity,
    /// By which channel.
    pub channel: Channel,
}
