//! One-time tokens: stored by their hash, with what they are good for.

use aws_sdk_dynamodb::types::TransactWriteItem;
use domain::{
    Timestamp,
    audit::Entry,
    email::EmailAddress,
    id::{CaseId, InvitationId, MemberId, RequestId, WorkspaceId},
    locale::Locale,
    policy::retention,
    rights::RequestKind,
    subject::Subject,
};
use serde::{Deserialize, Serialize};

use super::Terms;
use crate::{
    commit,
    db::{Db, Expected, StoreError, n, s},
    keys,
};

/// What a one-time token is good for.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "good_for", rename_all = "snake_case")]
pub enum GoodFor {
    /// Opening the account that was asked for.
    Signup(PendingSignup),
    /// Setting another password for a sign-in of this generation.
    Reset {
        /// The keyed hash that the sign-in is found by.
        login: String,
        /// Its generation.
        generation: u64,
    },
    /// Joining a workspace.
    Invitation {
        /// Which.
        workspace: WorkspaceId,
        /// By which invitation.
        invitation: InvitationId,
    },
    /// Proving that a mailbox is one's own, to exercise a right.
    RightsProof(RightsAsked),
    /// Reading what Senders hold about oneself: as it is when it is read, so that nothing is copied.
    RightsAccess(RightsAccess),
    /// Sending the copy of an identity document for a request whose author is doubted.
    Identity {
        /// Which.
        request: RequestId,
    },
    /// Nothing: written for an address that must not be told from another by the work it makes.
    Nothing,
}

/// A sign-up that waits for its address to be confirmed: all that it asks for (A3).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingSignup {
    /// The address.
    pub email: EmailAddress,
    /// bcrypt.
    pub password: String,
    /// The company.
    pub company: String,
    /// The person's name, if given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Their language.
    pub locale: Locale,
    /// The terms they accepted.
    pub terms: Terms,
}

/// A request that waits for its mailbox to be proved; unless it is, it is forgotten with the token.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RightsAsked {
    /// The address.
    pub email: EmailAddress,
    /// What is asked.
    pub kind: RequestKind,
    /// The language to answer in.
    pub locale: Locale,
    /// In the person's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// When it was asked: the time to answer runs from here.
    pub asked_at: Timestamp,
    /// The request that staff has entered, where it came on another way and only the proof is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entered: Option<RequestId>,
}

/// Where a person's data is, without saying whose it is.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RightsAccess {
    /// The person in each workspace that holds them.
    pub places: Vec<(WorkspaceId, Subject)>,
    /// Their requests that are open.
    #[serde(default)]
    pub requests: Vec<RequestId>,
    /// Cases of abuse that they reported, and that are open.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reports: Vec<CaseId>,
    /// The pseudonym that mails of the product to them are noted under.
    #[serde(default)]
    pub correspondent: String,
    /// The member whose account it is about, instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<(WorkspaceId, MemberId)>,
    /// The language to answer in.
    pub locale: Locale,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Stored {
    #[serde(flatten)]
    pub(super) good_for: GoodFor,
    /// When it ends, epoch seconds.
    pub(super) ttl: i64,
}

impl Db {
    /// Remembers what the token with this hash is good for, and until when.
    pub async fn issue_token(&self, hash: &str, good_for: GoodFor, until: Timestamp) -> Result<(), StoreError> {
        let stored = Stored { good_for, ttl: retention::ttl(until) };
        self.put(&self.tables.accounts, &keys::token(hash), &stored, Expected::Absent).await
    }

    /// The same, as part of a transaction.
    pub fn give_token(&self, hash: &str, good_for: GoodFor, until: Timestamp) -> Result<TransactWriteItem, StoreError> {
        let stored = Stored { good_for, ttl: retention::ttl(until) };
        commit::put(&self.tables.accounts, &keys::token(hash), &stored, Expected::Absent)
    }

    /// The same, for an act that leaves an entry.
    pub async fn grant_token(
        &self,
        hash: &str,
        good_for: GoodFor,
        until: Timestamp,
        entry: &Entry,
    ) -> Result<(), StoreError> {
        self.act(self.give_token(hash, good_for, until)?, entry).await
    }

    /// What the token is good for at `now`; `None` when it is unknown, used, or too old.
    pub async fn token(&self, hash: &str, now: Timestamp) -> Result<Option<GoodFor>, StoreError> {
        let stored: Option<Stored> = self.get(&self.tables.accounts, &keys::token(hash), true).await?;
        Ok(stored.filter(|stored| now.as_second() < stored.ttl).map(|stored| stored.good_for))
    }

    /// Using the token up, as part of a transaction.
    pub fn use_token(&self, hash: &str) -> Result<TransactWriteItem, StoreError> {
        commit::delete(&self.tables.accounts, &keys::token(hash))
    }

    /// Ending the token, which may have ended by itself, as part of a transaction.
    pub fn end_token(&self, hash: &str) -> Result<TransactWriteItem, StoreError> {
        commit::clear(&self.tables.accounts, &keys::token(hash))
    }

    /// Takes one of the things that a token gives, each of which it gives once. False when it was taken, or
    /// the token is gone.
    pub async fn take_once(&self, hash: &str, what: &str, now: Timestamp) -> Result<bool, StoreError> {
        let taken = self
            .updating(&self.tables.accounts, &keys::token(hash))
            .update_expression("SET #taken = :yes")
            .condition_expression("#ttl > :now AND attribute_not_exists(#taken)")
            .expression_attribute_names("#taken", format!("taken_{what}"))
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":yes", s("yes"))
            .expression_attribute_values(":now", n(now.as_second()));
        match taken.send().await.map_err(StoreError::from) {
            Ok(_) => Ok(true),
            Err(StoreError::Conflict) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{from_item, to_item};

    #[test]
    fn what_a_token_is_good_for_reads_back() {
        let at: Timestamp = "2026-03-01T10:00:00Z".parse().unwrap();
        let pending = PendingSignup {
            email: EmailAddress::parse("ada@firm.test").unwrap(),
            password: "$2b$12$".into(),
            company: "Exemple SAS".into(),
            display_name: None,
            locale: Locale::En,
            terms: Terms { version: "1".into(), sha256: "a".into(), accepted_at: at },
        };
        let reset = GoodFor::Reset { login: "ab".into(), generation: 3 };
        let (workspace, invitation) = (WorkspaceId::from_bytes([1; 10]), InvitationId::from_bytes([2; 10]));
        let join = GoodFor::Invitation { workspace, invitation };
        let asked = GoodFor::RightsProof(RightsAsked {
            email: EmailAddress::parse("ada@firm.test").unwrap(),
            kind: RequestKind::Objection,
            locale: Locale::Fr,
            message: None,
            asked_at: at,
            entered: None,
        });
        let places = vec![(WorkspaceId::from_bytes([1; 10]), Subject::from_bytes([2; 16]))];
        let access = GoodFor::RightsAccess(RightsAccess {
            places,
            requests: Vec::new(),
            reports: vec![CaseId::from_bytes([4; 10])],
            correspondent: String::new(),
            member: None,
            locale: Locale::Fr,
        });
        let identity = GoodFor::Identity { request: RequestId::from_bytes([3; 10]) };
        for good_for in [GoodFor::Signup(pending), reset, join, asked, access, identity, GoodFor::Nothing] {
            let item = to_item(&keys::token("x"), &Stored { good_for: good_for.clone(), ttl: 9 }).unwrap();
            let back: Stored = from_item(item).unwrap();
            assert!(back.good_for == good_for && back.ttl == 9);
        }
    }
}
