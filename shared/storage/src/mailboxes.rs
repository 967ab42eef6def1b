//! A Sender's own mailboxes that are read for answers: their settings in one item, how reading goes in one for each, and a
//! list of all of them that the schedule goes through.

use aws_sdk_dynamodb::types::TransactWriteItem;
use domain::{
    Timestamp,
    audit::Entry,
    id::{MailboxId, WorkspaceId},
    mailbox::Reading,
    sender::{RelaySecurity, TokenSource},
};
use serde::{Deserialize, Serialize};

use crate::{
    WorkspaceScope, commit,
    db::{Db, Expected, PageQuery, Range, StoreError, from_item},
    keys,
};

/// Attempts to forget passwords while others change settings.
const ATTEMPTS: u32 = 5;

/// A mailbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mailbox {
    /// Its identifier.
    pub id: MailboxId,
    /// What its Sender calls it.
    pub name: String,
    /// Host name, as its certificate says.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// TLS from the start, or STARTTLS.
    pub security: RelaySecurity,
    /// Account at the server.
    pub username: String,
    /// The password, or what access tokens are asked for with, sealed; empty once it was given up (A77).
    pub secret: String,
    /// Where access tokens come from, when the server takes one in place of a password (XOAUTH2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oauth: Option<TokenSource>,
    /// The folders that are read.
    pub folders: Vec<String>,
    /// Since when it is there.
    pub created_at: Timestamp,
    /// Since when it is not read any more, because that failed for a day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled_at: Option<Timestamp>,
}

impl Mailbox {
    /// Whether anybody looks into it.
    #[must_use]
    pub fn is_read(&self) -> bool {
        self.disabled_at.is_none() && !self.secret.is_empty()
    }

    /// Whether it is the same account at the same server: a UID means the same mail, and a password may be used.
    #[must_use]
    pub fn is_same_account(&self, other: &Self) -> bool {
        self.host == other.host && self.username == other.username
    }
}

/// All mailboxes of a workspace, as they are stored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mailboxes {
    /// The mailboxes, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mailboxes: Vec<Mailbox>,
    /// Raised by every change; 0 where none was ever entered.
    #[serde(rename = "v")]
    pub version: u64,
}

impl Mailboxes {
    /// One of them.
    #[must_use]
    pub fn find(&self, id: MailboxId) -> Option<&Mailbox> {
        self.mailboxes.iter().find(|mailbox| mailbox.id == id)
    }

    /// One of them, to be changed.
    pub fn find_mut(&mut self, id: MailboxId) -> Option<&mut Mailbox> {
        self.mailboxes.iter_mut().find(|mailbox| mailbox.id == id)
    }
}

/// How reading a mailbox goes, as it is stored, and who is at it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadingRecord {
    /// How it goes.
    pub reading: Reading,
    /// Who is at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<String>,
    /// Until when, if they do not come back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub busy_until: Option<Timestamp>,
    /// Raised by every change.
    #[serde(rename = "v")]
    pub version: u64,
}

/// An entry of the list that the schedule goes through. The attribute is also how the purge knows whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedMailbox {
    /// Whose.
    pub workspace: WorkspaceId,
    /// Which.
    pub mailbox: MailboxId,
}

/// A workspace's mailboxes.
#[derive(Debug, Clone, Copy)]
pub struct MailboxStore<'a> {
    db: &'a Db,
    workspace: WorkspaceId,
}

impl Db {
    /// The mailboxes of the scope's workspace.
    pub fn mailboxes<'a>(&'a self, scope: &'a WorkspaceScope) -> MailboxStore<'a> {
        MailboxStore { db: self.of(scope), workspace: scope.workspace() }
    }

    /// One page of all mailboxes that are read, after `after`; the second value says where to go on.
    pub async fn listed_mailboxes(
        &self,
        after: Option<&str>,
    ) -> Result<(Vec<ListedMailbox>, Option<String>), StoreError> {
        let query = PageQuery { after, ..PageQuery::of(keys::MAILBOXES, Range::All) };
        let page = self.page(&self.tables.accounts, &query).await?;
        Ok((page.items.into_iter().map(from_item).collect::<Result<_, _>>()?, page.next))
    }
}

impl MailboxStore<'_> {
    /// All of them, strongly consistent.
    pub async fn all(&self) -> Result<Mailboxes, StoreError> {
        Ok(self.db.get(self.table(), &keys::mailboxes(self.workspace), true).await?.unwrap_or_default())
    }

    /// How reading one goes; nobody has read it yet where there is nothing.
    pub async fn reading(&self, id: MailboxId) -> Result<ReadingRecord, StoreError> {
        Ok(self.db.get(self.table(), &keys::mailbox_reading(self.workspace, id), true).await?.unwrap_or_default())
    }

    /// Replaces the mailboxes that were read, of which one was entered or changed: from now on it is read, and `reading` says
    /// where that begins. `Conflict` when any of it has changed since.
    pub async fn put(
        &self,
        mailboxes: Mailboxes,
        changed: MailboxId,
        reading: Option<ReadingRecord>,
        entry: &Entry,
    ) -> Result<(), StoreError> {
        let listed = ListedMailbox { workspace: self.workspace, mailbox: changed };
        let key = keys::mailbox_reading(self.workspace, changed);
        let reading = match reading {
            Some(record) => self.reading_put(changed, record)?,
            None => commit::clear(self.table(), &key)?,
        };
        let list =
            commit::put(self.table(), &keys::listed_mailbox(self.workspace, changed), &listed, Expected::Anything)?;
        self.db.commit(vec![self.replaced(mailboxes)?, list, reading, self.db.recording(entry)?]).await
    }

    /// Replaces them by fewer: one is gone, and all that is known of it.
    pub async fn put_without(&self, mailboxes: Mailboxes, gone: MailboxId, entry: &Entry) -> Result<(), StoreError> {
        let reading = commit::clear(self.table(), &keys::mailbox_reading(self.workspace, gone))?;
        let writes = vec![self.replaced(mailboxes)?, self.unlisted(gone)?, reading, self.db.recording(entry)?];
        self.db.commit(writes).await
    }

    /// Replaces them, of which one is not read any more.
    pub async fn put_disabled(&self, mailboxes: Mailboxes, id: MailboxId, entry: &Entry) -> Result<(), StoreError> {
        self.db.commit(vec![self.replaced(mailboxes)?, self.unlisted(id)?, self.db.recording(entry)?]).await
    }

    /// Forgets the passwords of all of them: none is read from here on.
    pub async fn forget_passwords(&self) -> Result<(), StoreError> {
        for _ in 0..ATTEMPTS {
            let mut all = self.all().await?;
            let known: Vec<MailboxId> =
                all.mailboxes.iter().filter(|mailbox| !mailbox.secret.is_empty()).map(|mailbox| mailbox.id).collect();
            if known.is_empty() {
                return Ok(());
            }
            all.mailboxes.iter_mut().for_each(|mailbox| mailbox.secret.clear());
            let mut writes = vec![self.replaced(all)?];
            for id in known {
                writes.push(self.unlisted(id)?);
            }
            match self.db.commit(writes).await {
                Err(StoreError::Conflict) => {}
                result => return result,
            }
        }
        Err(StoreError::Conflict)
    }

    /// Takes one off the list: there is nothing to read of it.
    pub async fn unlist(&self, id: MailboxId) -> Result<(), StoreError> {
        self.db.delete(self.table(), &keys::listed_mailbox(self.workspace, id)).await
    }

    /// Takes a mailbox to read until a moment; `None` when somebody else is at it.
    pub async fn take(
        &self,
        id: MailboxId,
        holder: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<ReadingRecord>, StoreError> {
        let mut record = self.reading(id).await?;
        let others = record.holder.as_deref().is_some_and(|at_it| at_it != holder);
        if others && record.busy_until.is_some_and(|until| now < until) {
            return Ok(None);
        }
        (record.holder, record.busy_until) = (Some(holder.to_owned()), Some(until));
        match self.save(id, record).await {
            Ok(saved) => Ok(Some(saved)),
            Err(StoreError::Conflict) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes down how reading goes, as it is stored then. `Conflict` when somebody else has since.
    pub async fn save(&self, id: MailboxId, record: ReadingRecord) -> Result<ReadingRecord, StoreError> {
        let (next, expected) = following(record);
        self.db.put(self.table(), &keys::mailbox_reading(self.workspace, id), &next, expected).await?;
        Ok(next)
    }

    fn reading_put(&self, id: MailboxId, record: ReadingRecord) -> Result<TransactWriteItem, StoreError> {
        let (next, expected) = following(record);
        commit::put(self.table(), &keys::mailbox_reading(self.workspace, id), &next, expected)
    }

    fn replaced(&self, mailboxes: Mailboxes) -> Result<TransactWriteItem, StoreError> {
        let expected = expected(mailboxes.version);
        let next = Mailboxes { version: mailboxes.version + 1, ..mailboxes };
        commit::put(self.table(), &keys::mailboxes(self.workspace), &next, expected)
    }

    fn unlisted(&self, id: MailboxId) -> Result<TransactWriteItem, StoreError> {
        commit::clear(self.table(), &keys::listed_mailbox(self.workspace, id))
    }

    fn table(&self) -> &str {
        &self.db.tables.accounts
    }
}

const fn expected(version: u64) -> Expected {
    match version {
        0 => Expected::Absent,
        seen => Expected::Version(seen),
    }
}

fn following(record: ReadingRecord) -> (ReadingRecord, Expected) {
    let expected = expected(record.version);
    (ReadingRecord { version: record.version + 1, ..record }, expected)
}

#[cfg(test)]
mod tests {
    use domain::mailbox::{Cursor, Stop};

    use super::*;
    use crate::db::to_item;

    #[test]
    fn what_is_known_of_a_mailbox_reads_back() {
        let (ws, id) = (WorkspaceId::from_bytes([1; 10]), MailboxId::from_bytes([2; 10]));
        let now: Timestamp = "2026-11-26T10:00:00Z".parse().unwrap();
        let mailbox = Mailbox {
            id,
            name: "Answers".into(),
            host: "imap.firm.test".into(),
            port: 993,
            security: RelaySecurity::Tls,
            username: "zoe@firm.test".into(),
            secret: "c2VhbGVk".into(),
            oauth: Some(TokenSource { token_url: "https://id.test/".into(), client_id: "c".into() }),
            folders: vec!["INBOX".into()],
            created_at: now,
            disabled_at: None,
        };
        assert!(mailbox.is_read() && mailbox.is_same_account(&mailbox));
        let off =
            Mailbox { disabled_at: Some(now), secret: String::new(), host: "other.test".into(), ..mailbox.clone() };
        assert!(!off.is_read() && !off.is_same_account(&mailbox));
        let all = Mailboxes { mailboxes: vec![mailbox, off], version: 3 };
        let item = to_item(&keys::mailboxes(ws), &all).unwrap();
        assert_eq!(from_item::<Mailboxes>(item).unwrap(), all);
        let mut reading = Reading { answers: 4, ..Reading::default() };
        reading.move_to("INBOX", Cursor { validity: 7, next: 12 });
        reading.fail(Stop::Credentials, now);
        let record = ReadingRecord { reading, holder: Some("run".into()), busy_until: Some(now), version: 9 };
        let item = to_item(&keys::mailbox_reading(ws, id), &record).unwrap();
        assert_eq!(from_item::<ReadingRecord>(item).unwrap(), record);
    }
}
