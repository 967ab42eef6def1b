//! Changes of who is a member and as what.
//!
//! Each moves the roster on from the version that the caller read before it looked at the members, so
//! that two owners cannot demote each other at the same moment.

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};
use domain::{audit::Entry, member::Role};
use serde::Deserialize;

use super::{Accounts, Member, login::Login};
use crate::{
    commit,
    db::{StoreError, n},
    keys,
};

/// A version of who is a member and as what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub struct Roster {
    changes: u64,
}

impl Accounts<'_> {
    /// The version of today; to be read before the members.
    pub async fn roster(&self) -> Result<Roster, StoreError> {
        let found = self.db.get(&self.db.tables.accounts, &keys::roster(self.workspace), true).await?;
        Ok(found.unwrap_or_default())
    }

    /// Gives a member another role. What was issued for their sign-in before is worth nothing from here on.
    /// `Conflict` when anything of it changed meanwhile.
    pub async fn change_role(
        &self,
        roster: Roster,
        member: &Member,
        login: &Login,
        role: Role,
        entry: &Entry,
    ) -> Result<(), StoreError> {
        let table = &self.db.tables.accounts;
        let name: AttributeValue = serde_dynamo::to_attribute_value(role).map_err(|_| StoreError::Corrupt("a role"))?;
        let as_seen: AttributeValue =
            serde_dynamo::to_attribute_value(member.role).map_err(|_| StoreError::Corrupt("a role"))?;
        let person = commit::update(table, &keys::member(self.workspace, member.id))
            .update_expression("SET #role = :role")
            .condition_expression("#role = :seen")
            .expression_attribute_names("#role", "role")
            .expression_attribute_values(":role", name.clone())
            .expression_attribute_values(":seen", as_seen);
        let sign_in = commit::update(table, &keys::login(&member.login))
            .update_expression("SET #role = :role, generation = :next")
            .condition_expression("generation = :seen")
            .expression_attribute_names("#role", "role")
            .expression_attribute_values(":role", name)
            .expression_attribute_values(":seen", n(login.generation))
            .expression_attribute_values(":next", n(login.generation + 1));
        let (person, sign_in) = (commit::updated(person)?, commit::updated(sign_in)?);
        self.db.commit(vec![person, sign_in, self.move_on(roster)?, self.db.recording(entry)?]).await
    }

    /// Removes a member with their sign-in and their second factor. What a backup brings back of them is found by the
    /// note that stays (A30).
    pub async fn remove_member(&self, roster: Roster, member: &Member, entry: &Entry) -> Result<(), StoreError> {
        let table = &self.db.tables.accounts;
        let mut writes = vec![
            commit::delete(table, &keys::member(self.workspace, member.id))?,
            commit::delete(table, &keys::login(&member.login))?,
            self.move_on(roster)?,
            self.db.recording(entry)?,
            self.db.noting_removed(self.workspace, member.id, entry.at)?,
        ];
        if self.second_factor(member.id).await?.is_some() {
            writes.push(commit::delete(table, &keys::second_factor(self.workspace, member.id))?);
        }
        self.db.commit(writes).await
    }

    fn move_on(&self, seen: Roster) -> Result<TransactWriteItem, StoreError> {
        let update = commit::update(&self.db.tables.accounts, &keys::roster(self.workspace))
            .update_expression("SET changes = :next")
            .expression_attribute_values(":next", n(seen.changes + 1));
        commit::updated(match seen.changes {
            0 => update.condition_expression("attribute_not_exists(changes)"),
            version => update.condition_expression("changes = :seen").expression_attribute_values(":seen", n(version)),
        })
    }
}
