//! What a finding rests on.

use std::fmt;

use domain::email::EmailAddress;

use crate::dsn::Action;
use crate::status::Status;

/// The structure that told of a recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// The fields of a delivery status notification (RFC 3464).
    DeliveryStatus,
    /// The JSON of an Amazon SES notification.
    Notice,
    /// The header `X-Failed-Recipients` of Exim and others.
    FailedRecipients,
    /// A text that a mail system wrote for people.
    Text,
    /// The headers of the message that came back, because the report names nobody.
    Returned,
}

/// What a server said. Personal data, as it may name anybody: `Debug` shows its length.
#[derive(Clone, PartialEq, Eq)]
pub struct Said(String);

impl Said {
    pub(crate) fn new(text: String) -> Self {
        Self(text)
    }

    /// The words in clear: one line of 512 octets at most.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Said({} octets)", self.0.len())
    }
}

/// What the finding about a recipient rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// Which structure told.
    pub source: Source,
    /// What was done, where a notification says so.
    pub action: Option<Action>,
    /// The enhanced status code.
    pub status: Option<Status>,
    /// The code of the SMTP reply.
    pub reply: Option<u16>,
    /// The words that decided, as our tables have them.
    pub words: Option<&'static str>,
    /// What was said of the recipient.
    pub said: Option<Said>,
    /// The address that the message was sent to, where it is another.
    pub original_recipient: Option<EmailAddress>,
}
