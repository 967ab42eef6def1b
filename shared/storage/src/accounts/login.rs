//! Sign-ins: found by the keyed hash of an address, never by the address.

use aws_sdk_dynamodb::{
    operation::transact_write_items::TransactWriteItemsError,
    types::{Delete, Put, TransactWriteItem, Update},
};
use domain::{
    id::{MemberId, WorkspaceId},
    member::Role,
};
use serde::{Deserialize, Serialize};

use super::{Member, Workspace};
use crate::{
    db::{Db, StoreError, n, s, to_item},
    keys::{self, Key},
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

impl Db {
    /// The sign-in of an address, by its keyed hash. Strongly consistent.
    pub async fn login(&self, hash: &str) -> Result<Option<Login>, StoreError> {
        self.get(&self.tables.accounts, &keys::login(hash), true).await
    }

    /// Trades a sign-up's token for a workspace, its member and their sign-in, all or nothing.
    pub async fn open_account(&self, token_hash: &str, account: &NewAccount) -> Result<(), Redeem> {
        let NewAccount { workspace, member, login } = account;
        let writes = vec![
            self.take_token(token_hash)?,
            self.put_new(&keys::login(&member.login), login)?,
            self.put_new(&keys::workspace(workspace.id), workspace)?,
            self.put_new(&keys::member(workspace.id, member.id), member)?,
        ];
        self.redeem(writes).await
    }

    /// Trades a reset's token for a new password, if the sign-in is still of `generation`; every
    /// session and every other reset made for that generation ends with it.
    pub async fn change_password(
        &self,
        token_hash: &str,
        login_hash: &str,
        generation: u64,
        password: &str,
    ) -> Result<(), Redeem> {
        let key = keys::login(login_hash);
        let update = Update::builder()
            .table_name(&self.tables.accounts)
            .key("pk", s(key.pk))
            .key("sk", s(key.sk))
            .update_expression("SET password = :password, generation = :next")
            .condition_expression("generation = :seen")
            .expression_attribute_values(":password", s(password))
            .expression_attribute_values(":seen", n(generation))
            .expression_attribute_values(":next", n(generation + 1))
            .build()
            .map_err(|_| StoreError::Corrupt("an update to write"))?;
        let writes = vec![self.take_token(token_hash)?, TransactWriteItem::builder().update(update).build()];
        self.redeem(writes).await
    }

    fn take_token(&self, hash: &str) -> Result<TransactWriteItem, StoreError> {
        let key = keys::token(hash);
        let delete = Delete::builder()
            .table_name(&self.tables.accounts)
            .key("pk", s(key.pk))
            .key("sk", s(key.sk))
            .condition_expression("attribute_exists(pk)")
            .build()
            .map_err(|_| StoreError::Corrupt("a deletion to write"))?;
        Ok(TransactWriteItem::builder().delete(delete).build())
    }

    fn put_new<T: Serialize>(&self, key: &Key, value: &T) -> Result<TransactWriteItem, StoreError> {
        let put = Put::builder()
            .table_name(&self.tables.accounts)
            .set_item(Some(to_item(key, value)?))
            .condition_expression("attribute_not_exists(pk)")
            .build()
            .map_err(|_| StoreError::Corrupt("an item to write"))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// Runs a transaction whose first write takes the token and whose second is about the sign-in.
    async fn redeem(&self, writes: Vec<TransactWriteItem>) -> Result<(), Redeem> {
        let Err(error) = self.client.transact_write_items().set_transact_items(Some(writes)).send().await else {
            return Ok(());
        };
        if let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error() {
            let codes: Vec<_> = cancelled.cancellation_reasons().iter().map(|r| r.code().unwrap_or_default()).collect();
            let failed = |at: usize| codes.get(at) == Some(&"ConditionalCheckFailed");
            if failed(0) {
                return Err(Redeem::TokenGone);
            }
            if failed(1) {
                return Err(Redeem::LoginDiffers);
            }
            let code = codes.into_iter().find(|code| !matches!(*code, "" | "None")).unwrap_or("cancelled");
            return Err(StoreError::from_code(code).into());
        }
        Err(StoreError::from(error).into())
    }
}
