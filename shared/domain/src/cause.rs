//! Why a message did not arrive, and what that means for writing to the same person again.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a failure means for the next message to the same address. The later in this order, the more it says of the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// The sender, the message or the way it was sent was refused: the address itself may be good.
    Block,
    /// It was the moment, the size or a machine: a later message may arrive.
    Soft,
    /// The address or its domain is bad: nothing sent there will ever arrive.
    Hard,
}

impl Class {
    /// The word for it: `hard`, `soft` or `block`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hard => "hard",
            Self::Soft => "soft",
            Self::Block => "block",
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

macro_rules! causes {
    ($(#[$doc:meta] $name:ident = $code:literal,)+) => {
        /// Why a message did not arrive, in the terms of RFC 3463 where it has one. A code is for good: it is stored.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Cause {
            $(#[$doc] #[serde(rename = $code)] $name,)+
        }

        impl Cause {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The word for it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }
        }
    };
}

causes! {
    /// Nobody has this address (X.1.1).
    UnknownUser = "unknown_user",
    /// The domain does not exist, or has no mail server (X.1.2, X.4.4).
    UnknownHost = "unknown_host",
    /// The person has moved, with or without a new address (X.1.6).
    Moved = "moved",
    /// The domain says that it takes no mail: a null MX (RFC 7505, X.1.10).
    TakesNoMail = "takes_no_mail",
    /// The mailbox exists and was closed, suspended or disabled (X.2.1).
    Disabled = "disabled",
    /// The mailbox is full (X.2.2).
    MailboxFull = "mailbox_full",
    /// The message is larger than the mailbox or the server takes (X.2.3, X.3.4).
    TooLarge = "too_large",
    /// It was tried until its time was over (X.4.7).
    Expired = "expired",
    /// No connection, no answer, no route for now (X.4.x).
    Network = "network",
    /// The receiving system has a problem of its own: disk, configuration, a filter, a loop (X.3.x).
    System = "system",
    /// The two servers did not understand each other (X.5.x).
    Protocol = "protocol",
    /// Too many messages, connections or recipients.
    TooMany = "too_many",
    /// SPF, DKIM, DMARC, reverse DNS or a login is missing or wrong (X.7.2x).
    Unauthenticated = "unauthenticated",
    /// The sending host or domain has a bad name, or is on a list.
    Reputation = "reputation",
    /// The message was taken for spam.
    Spam = "spam",
    /// A virus, a forbidden attachment, a header or a link that is not accepted (X.6.x).
    Content = "content",
    /// A rule of the receiving side (X.7.1).
    Policy = "policy",
    /// The sender's address is not accepted (X.1.7, X.1.8).
    SenderRefused = "sender_refused",
    /// The server does not take mail for this domain from there: relaying denied.
    RelayDenied = "relay_denied",
    /// Nothing that is known was said.
    Unknown = "unknown",
}

impl Cause {
    /// Reads [`Cause::as_str`].
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|cause| cause.as_str() == name)
    }

    /// What the cause alone means. Of [`Cause::Unknown`] a reply's code may say more.
    #[must_use]
    pub fn class(self) -> Class {
        match self {
            Self::UnknownUser | Self::UnknownHost | Self::Moved | Self::TakesNoMail | Self::Disabled => Class::Hard,
            Self::MailboxFull
            | Self::TooLarge
            | Self::Expired
            | Self::Network
            | Self::System
            | Self::Protocol
            | Self::Unknown => Class::Soft,
            Self::TooMany
            | Self::Unauthenticated
            | Self::Reputation
            | Self::Spam
            | Self::Content
            | Self::Policy
            | Self::SenderRefused
            | Self::RelayDenied => Class::Block,
        }
    }
}
