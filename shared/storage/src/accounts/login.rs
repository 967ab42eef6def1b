//! Sign-ins: found by the keyed hash of an address, never by the address.

use domain::{
    audit::Entry,
    id::{MemberId, WorkspaceId},
    member::Role,
};
use serde::{Deserialize, Serialize};

use super::{Member, Workspace, agreements::Agreements, directory::Listed};
use crate::{
    commit::{self, Cancelled},
    db::{Db, Expected, StoreError, n, s},
    keys,
};

/// What a sign-in is checked against.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    /// Whose workspace it opens.
    pub workspace: WorkspaceId,
    /// Who signs in.
    pub member: MemberId,
    /// What they may do.
    pub role: Role,
    /// bcrypt, cost 12 or more (A4).
    pub password: String,
    /// Grows with every change of password: what was issued for an earlier one is worth nothing.
    pub generation: u64,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login")
            .field("member", &self.member)
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}

/// Everything a verified sign-up leaves behind.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// The workspace.
    pub workspace: Workspace,
    /// What it accepted.
    pub agreements: Agreements,
    /// Its first member.
    pub member: Member,
    /// Their sign-in, stored under `member.login`.
    pub login: Login,
}

/// What stood in the way of a transaction.
#[derive(Debug, thiserror::Error)]
pub enum Redeem {
    /// The token is not there any more.
    #[error("the token has been used")]
    TokenGone,
    /// The sign-in exists already, or is not the one the token was made for.
    #[error("the sign-in is not as expected")]
    LoginDiffers,
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Cancelled> for Redeem {
    /// The first write of each transaction below takes the token, the second is about the sign-in.
    fn from(cancelled: Cancelled) -> Self {
        match cancelled {
            Cancelled::Condition(0) => Self::TokenGone,
            Cancelled::Condition(1) => Self::LoginDiffers,
            other => Self::Store(other.into()),
        }
    }
}

impl Db {
    /// The sign-in of an address, by its keyed hash. Strongly consistent.
    pub async fn login(&self, hash: &str) -> Result<Option<Login>, StoreError> {
        self.get(&self.tables.accounts, &keys::login(hash), true).await
    }

    /// Trades a sign-up's token for a workspace, its member and their sign-in, all or nothing.
    pub async fn open_account(&self, token_hash: &str, account: &NewAccount, entry: &Entry) -> Result<(), Redeem> {
        let NewAccount { workspace, agreements, member, login } = account;
        let table = &self.tables.accounts;
        let writes = vec![
            commit::delete(table, &keys::token(token_hash))?,
            commit::put(table, &keys::login(&member.login), login, Expected::Absent)?,
            commit::put(table, &keys::workspace(workspace.id), workspace, Expected::Absent)?,
            commit::put(table, &keys::agreements(workspace.id), agreements, Expected::Absent)?,
            commit::put(table, &keys::member(workspace.id, member.id), member, Expected::Absent)?,
            commit::put(table, &keys::directory(workspace.id), &Listed { workspace: workspace.id }, Expected::Absent)?,
            self.recording(entry)?,
        ];
        Ok(self.try_commit(writes).await?)
    }

    /// Trades a reset's token for a new password, if the sign-in is still of `generation`; every
    /// session and every other reset made for that generation ends with it.
    pub async fn change_password(
        &self,
        token_hash: &str,
        login_hash: &str,
        generation: u64,
        password: &str,
        entry: &Entry,
    ) -> Result<(), Redeem> {
        let table = &self.tables.accounts;
        let update = commit::update(table, &keys::login(login_hash))
            .update_expression("SET password = :password, generation = :next")
            .condition_expression("generation = :seen")
            .expression_attribute_values(":password", s(password))
            .expression_attribute_values(":seen", n(generation))
            .expression_attribute_values(":next", n(generation + 1));
        let writes =
            vec![commit::delete(table, &keys::token(token_hash))?, commit::updated(update)?, self.recording(entry)?];
        Ok(self.try_commit(writes).await?)
    }
}
