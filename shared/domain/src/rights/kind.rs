//! What a person can ask for, and what the product itself does about it.

use serde::{Deserialize, Serialize};

/// A right that is exercised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestKind {
    /// Art. 15: whether data is held, which, and a copy.
    Access,
    /// Art. 16: correct what is wrong.
    Rectification,
    /// Art. 17: delete.
    Erasure,
    /// Art. 18: freeze.
    Restriction,
    /// Art. 20: a copy that a machine reads.
    Portability,
    /// Art. 21: stop, without a reason.
    Objection,
    /// Art. 7(3): a consent is withdrawn.
    ConsentWithdrawal,
    /// Art. 85 of French law no. 78-17: what becomes of the data after death.
    PostMortem,
}

/// What the product does itself, before anybody has read the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AtOnce {
    /// Nothing: only a person can do what is asked.
    Nothing,
    /// Everything that is held is handed over.
    HandOver,
    /// Nobody writes to the person again.
    Suppress,
    /// The record is readable and not written to.
    Freeze,
    /// The record goes from everywhere; nobody writes to the person again.
    Erase,
}

/// The way a request came (A46).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// On a page or by the API.
    Product,
    /// To the contact point, entered by staff.
    Email,
    /// On paper, entered by staff.
    Post,
}

impl RequestKind {
    /// Every kind, in the order of the articles.
    pub const ALL: [Self; 8] = [
        Self::Access,
        Self::Rectification,
        Self::Erasure,
        Self::Restriction,
        Self::Portability,
        Self::Objection,
        Self::ConsentWithdrawal,
        Self::PostMortem,
    ];

    /// The name in the API and in forms.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Rectification => "rectification",
            Self::Erasure => "erasure",
            Self::Restriction => "restriction",
            Self::Portability => "portability",
            Self::Objection => "objection",
            Self::ConsentWithdrawal => "consent_withdrawal",
            Self::PostMortem => "post_mortem",
        }
    }

    /// Reads [`RequestKind::as_str`].
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// What happens at once when a prospect has proved who they are. Prospecting is the only purpose
    /// here, so an objection leaves the Sender nothing to weigh (art. 21(3)), and neither does an
    /// erasure (art. 17(1)(c)).
    #[must_use]
    pub const fn at_once(self) -> AtOnce {
        match self {
            Self::Access | Self::Portability => AtOnce::HandOver,
            Self::Objection | Self::ConsentWithdrawal => AtOnce::Suppress,
            Self::Restriction => AtOnce::Freeze,
            Self::Erasure => AtOnce::Erase,
            Self::Rectification | Self::PostMortem => AtOnce::Nothing,
        }
    }

    /// Whether the controller still has to answer: to correct, to follow, or to add what it holds
    /// elsewhere. The rest is done when the person reads that it is.
    #[must_use]
    pub const fn needs_an_answer(self) -> bool {
        matches!(self.at_once(), AtOnce::Nothing | AtOnce::HandOver)
    }

    /// Whether it means nothing without words of the person's.
    #[must_use]
    pub const fn needs_words(self) -> bool {
        matches!(self.at_once(), AtOnce::Nothing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_and_are_those_of_the_api() {
        for kind in RequestKind::ALL {
            assert_eq!(RequestKind::from_name(kind.as_str()), Some(kind));
            assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{}\"", kind.as_str()));
        }
        assert_eq!(RequestKind::from_name("other"), None);
    }

    #[test]
    fn a45_withdrawing_consent_needs_no_words_and_no_answer() {
        let kind = RequestKind::ConsentWithdrawal;
        assert_eq!(kind.at_once(), AtOnce::Suppress, "nobody writes from the moment on");
        assert!(!kind.needs_words() && !kind.needs_an_answer());
    }

    #[test]
    fn a43_whatever_stops_messages_asks_for_no_words_and_waits_for_nobody() {
        for kind in [RequestKind::Objection, RequestKind::ConsentWithdrawal, RequestKind::Erasure] {
            assert!(matches!(kind.at_once(), AtOnce::Suppress | AtOnce::Erase), "{kind:?}");
            assert!(!kind.needs_words() && !kind.needs_an_answer(), "{kind:?}");
        }
    }
}
