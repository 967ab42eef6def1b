//! Workspaces with their members and Sender, and what signing in needs.
//!
//! What belongs to a workspace is reached through [`Accounts`], made from a scope. What exists before
//! anybody is known (a sign-in by its address, a one-time token, a limiter) is in the modules below.

pub mod agreements;
pub mod alert;
pub mod announced;
pub mod api_key;
pub mod channel_check;
pub mod directory;
pub mod invitation;
pub mod limit;
pub mod login;
pub mod once;
pub mod people;
pub mod remembered;
pub mod second_factor;
pub mod session;

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};
use domain::{
    Timestamp,
    audit::Entry,
    clicks::Recorded,
    email::EmailAddress,
    health::Harms,
    id::{MemberId, WorkspaceId},
    locale::Locale,
    member::Role,
    news::Reader,
    policy::retention::Policy,
    sender::{Sender, Transport},
    soft_bounces::SoftBounces,
};
use serde::{Deserialize, Serialize};

use crate::{
    WorkspaceScope, commit,
    db::{Db, Expected, PageQuery, Range, StoreError, from_item, n, s},
    keys,
};

/// A Sender's account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workspace {
    /// Its identifier.
    pub id: WorkspaceId,
    /// The company that signed up.
    pub company: String,
    /// The language of mail to its members.
    pub locale: Locale,
    /// How long its prospects are kept, in months (A72).
    pub retention_months: u8,
    /// Since when it exists.
    pub created_at: Timestamp,
    /// Since when it is closed; nothing is sent from then on (A29).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<Timestamp>,
    /// Whether nothing of it is kept for its coming back: its owner said so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub erase: bool,
    /// Since when nothing is sent because of abuse (A70).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspended_at: Option<Timestamp>,
    /// How many messages in a row may come back before somebody is not written to any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub soft_bounces: Option<SoftBounces>,
    /// Whether it is noted of each message that the recipient's server took it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deliveries: bool,
    /// Whether clicks are recorded of people who agreed to it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub clicks: bool,
    /// Whether openings are recorded of people who agreed to that.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub opens: bool,
    /// The time zone that it has chosen, by its name in the IANA database; that of its Sender's country without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// When campaigns of it paused themselves lately.
    #[serde(default, skip_serializing_if = "Harms::is_empty")]
    pub harms: Harms,
    /// The terms that were accepted.
    pub terms: Terms,
}

impl Workspace {
    /// Whether it is closed: no message leaves, exports and rights stay open.
    pub const fn is_closed(&self) -> bool {
        self.closed_at.is_some()
    }

    /// Whether no message leaves: it is closed, or suspended because of abuse.
    pub const fn is_silent(&self) -> bool {
        self.closed_at.is_some() || self.suspended_at.is_some()
    }

    /// What is recorded here of how people use messages, where they agreed to it.
    pub const fn records(&self) -> Recorded {
        Recorded { clicks: self.clicks, opens: self.opens }
    }

    /// How it was closed, if it was.
    pub fn closing(&self) -> Option<Closing> {
        self.closed_at.map(|at| Closing { at, erase: self.erase })
    }
}

/// The end of a workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closing {
    /// Since when it is closed.
    pub at: Timestamp,
    /// Nothing is kept for its coming back.
    pub erase: bool,
}

impl Closing {
    /// Until when it can be reopened (A29); from then on the purge deletes it.
    pub fn ends(self) -> Timestamp {
        if self.erase { self.at } else { Policy::current().closed_account_expiry(self.at) }
    }
}

/// Which terms were accepted, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// The version in force at the time.
    pub version: String,
    /// SHA-256 of its text.
    #[serde(default)]
    pub sha256: String,
    /// When they were accepted.
    pub accepted_at: Timestamp,
}

/// A person who signs in to a workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Their identifier.
    pub id: MemberId,
    /// Their address.
    pub email: EmailAddress,
    /// Their name, if they gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// What they may do.
    pub role: Role,
    /// The keyed hash their sign-in is found by, so that the purge finds it too.
    pub login: String,
    /// Since when.
    pub created_at: Timestamp,
    /// The terms they accepted on joining; who signed up accepted the workspace's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms: Option<Terms>,
    /// The language they were invited in; who signed up reads the workspace's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<Locale>,
}

impl Member {
    /// The language of mail to them, in a workspace that has `common`.
    pub fn language(&self, common: Locale) -> Locale {
        self.locale.unwrap_or(common)
    }
}

/// The Sender as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SenderRecord {
    /// Who sends, and by which channels.
    pub sender: Sender,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Raised by every change; zero for what was stored before there were several channels.
    #[serde(rename = "v", default)]
    pub version: u64,
}

/// What a member changes of the workspace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkspaceChange {
    /// How long prospects are kept, in months.
    pub retention_months: Option<u8>,
    /// The language of mail to its members.
    pub locale: Option<Locale>,
    /// How many messages in a row may come back.
    pub soft_bounces: Option<SoftBounces>,
    /// Whether it is noted of each message that the recipient's server took it.
    pub deliveries: Option<bool>,
    /// Whether clicks are recorded of people who agreed to it.
    pub clicks: Option<bool>,
    /// Whether openings are recorded of people who agreed to that.
    pub opens: Option<bool>,
    /// Another time zone; `None` within for that of its Sender's country.
    pub time_zone: Option<Option<String>>,
    /// Another name for a member.
    pub display_name: Option<(MemberId, String)>,
    /// Whether a member is sent the operator's news from now on.
    pub news: Option<(Reader, bool)>,
}

/// One workspace's own records.
#[derive(Debug, Clone, Copy)]
pub struct Accounts<'a> {
    db: &'a Db,
    workspace: WorkspaceId,
}

impl Db {
    /// The records of the scope's workspace.
    pub fn accounts<'a>(&'a self, scope: &'a WorkspaceScope) -> Accounts<'a> {
        Accounts { db: self.of(scope), workspace: scope.workspace() }
    }
}

impl Accounts<'_> {
    /// The workspace, strongly consistent: whether it is closed decides whether anything is sent.
    pub async fn workspace(&self) -> Result<Option<Workspace>, StoreError> {
        self.db.get(&self.db.tables.accounts, &keys::workspace(self.workspace), true).await
    }

    /// Who sends and by which channels, strongly consistent; `None` until it has been put.
    pub async fn sender(&self) -> Result<Option<Sender>, StoreError> {
        Ok(self.sender_record().await?.map(|record| record.sender))
    }

    /// The Sender and when it was put.
    pub async fn sender_record(&self) -> Result<Option<SenderRecord>, StoreError> {
        self.db.get(&self.db.tables.accounts, &keys::sender(self.workspace), true).await
    }

    /// Replaces the Sender, if it is still as it was read: `record.version` is the next one.
    pub async fn put_sender(&self, record: &SenderRecord, entry: &Entry) -> Result<(), StoreError> {
        self.db.act(self.sender_put(record)?, entry).await
    }

    fn sender_put(&self, record: &SenderRecord) -> Result<TransactWriteItem, StoreError> {
        let expected = match record.version {
            ..=1 => Expected::Unversioned,
            next => Expected::Version(next - 1),
        };
        commit::put(&self.db.tables.accounts, &keys::sender(self.workspace), record, expected)
    }

    /// Forgets the passwords of the Sender's relays, if it has any.
    pub async fn forget_relay_passwords(&self) -> Result<(), StoreError> {
        for _ in 0..5 {
            let Some(mut record) = self.sender_record().await? else { return Ok(()) };
            let mut known = 0;
            for channel in &mut record.sender.channels {
                if let Transport::Smtp { secret, .. } = &mut channel.transport {
                    known += usize::from(!secret.is_empty());
                    secret.clear();
                }
            }
            if known == 0 {
                return Ok(());
            }
            record.version += 1;
            match self.db.commit(vec![self.sender_put(&record)?]).await {
                Err(StoreError::Conflict) => {}
                result => return result,
            }
        }
        Err(StoreError::Conflict)
    }

    /// One member.
    pub async fn member(&self, member: MemberId) -> Result<Option<Member>, StoreError> {
        self.db.get(&self.db.tables.accounts, &keys::member(self.workspace, member), true).await
    }

    /// All members.
    pub async fn members(&self) -> Result<Vec<Member>, StoreError> {
        let pk = keys::account(self.workspace);
        let query = PageQuery { strong: true, ..PageQuery::of(&pk, Range::Prefix(keys::MEMBER)) };
        self.db.all(&self.db.tables.accounts, query).await?.into_iter().map(from_item).collect()
    }

    /// Changes what is given. `Conflict` when there is no such workspace or member.
    pub async fn change(&self, change: &WorkspaceChange, entry: &Entry) -> Result<(), StoreError> {
        let table = &self.db.tables.accounts;
        let mut writes = vec![self.db.recording(entry)?];
        let (mut sets, mut removed, mut values) = (Vec::new(), "", Vec::new());
        if let Some(months) = change.retention_months {
            sets.push("retention_months = :months");
            values.push((":months", n(months)));
        }
        if let Some(locale) = change.locale {
            sets.push("locale = :locale");
            values.push((":locale", s(locale.tag())));
        }
        if let Some(soft) = &change.soft_bounces {
            sets.push("soft_bounces = :soft");
            let soft = serde_dynamo::to_attribute_value(soft).map_err(|_| StoreError::Corrupt("soft bounces"))?;
            values.push((":soft", soft));
        }
        for (set, name, switched) in [
            ("deliveries = :deliveries", ":deliveries", change.deliveries),
            ("clicks = :clicks", ":clicks", change.clicks),
            ("opens = :opens", ":opens", change.opens),
        ] {
            let Some(switched) = switched else { continue };
            sets.push(set);
            values.push((name, AttributeValue::Bool(switched)));
        }
        match &change.time_zone {
            Some(Some(zone)) => {
                sets.push("time_zone = :zone");
                values.push((":zone", s(zone)));
            }
            Some(None) => removed = "REMOVE time_zone",
            None => {}
        }
        if !sets.is_empty() || !removed.is_empty() {
            let set = if sets.is_empty() { String::new() } else { format!("SET {} ", sets.join(", ")) };
            writes.push(self.updated(format!("{set}{removed}").trim_end(), "attribute_exists(pk)", values)?);
        }
        if let Some((member, name)) = &change.display_name {
            let update = commit::update(table, &keys::member(self.workspace, *member))
                .update_expression("SET display_name = :name")
                .condition_expression("attribute_exists(pk)")
                .expression_attribute_values(":name", s(name));
            writes.push(commit::updated(update)?);
        }
        if let Some((reader, wanted)) = change.news {
            writes.push(match wanted {
                true => self.db.welcoming_news(reader)?,
                false => self.db.objecting_to_news(reader, entry.at)?,
            });
        }
        self.db.commit(writes).await
    }

    /// Closes it at the time of the entry, and notes it where no backup is put back. `Conflict` when it is
    /// closed already, or is not there.
    pub async fn close(&self, entry: &Entry) -> Result<(), StoreError> {
        let condition = "attribute_exists(pk) AND attribute_not_exists(closed_at)";
        let write = self.updated("SET closed_at = :now", condition, vec![(":now", s(entry.at.to_string()))])?;
        let noted = self.db.noting_closed(self.workspace, Closing { at: entry.at, erase: false })?;
        self.db.commit(vec![write, noted, self.db.recording(entry)?]).await
    }

    /// Closes it for good at the time of the entry, whether or not it was closed before: nothing is kept for
    /// its coming back. `Conflict` when that was said already, or it is not there.
    pub async fn give_up(&self, entry: &Entry) -> Result<(), StoreError> {
        let values = vec![(":now", s(entry.at.to_string())), (":true", AttributeValue::Bool(true))];
        let condition = "attribute_exists(pk) AND attribute_not_exists(erase)";
        let write = self.updated("SET closed_at = :now, erase = :true", condition, values)?;
        let noted = self.db.noting_closed(self.workspace, Closing { at: entry.at, erase: true })?;
        self.db.commit(vec![write, noted, self.db.recording(entry)?]).await
    }

    /// Closes it again as it was before a backup was put back: whoever closed it left an entry then.
    /// `Conflict` when it is closed already, or is not there.
    pub async fn close_again(&self, closing: Closing) -> Result<(), StoreError> {
        let expression = if closing.erase { "SET closed_at = :then, erase = :true" } else { "SET closed_at = :then" };
        let erase = closing.erase.then(|| (":true".to_owned(), AttributeValue::Bool(true)));
        let values = erase.into_iter().chain([(":then".to_owned(), s(closing.at.to_string()))]);
        self.db
            .updating(&self.db.tables.accounts, &keys::workspace(self.workspace))
            .update_expression(expression)
            .condition_expression("attribute_exists(pk) AND attribute_not_exists(closed_at)")
            .set_expression_attribute_values(Some(values.collect()))
            .send()
            .await?;
        Ok(())
    }

    /// Reopens it, if it is still closed since `closed_at`. `Conflict` otherwise.
    pub async fn reopen(&self, closed_at: Timestamp, entry: &Entry) -> Result<(), StoreError> {
        let seen = vec![(":seen", s(closed_at.to_string()))];
        let write = self.updated("REMOVE closed_at", "closed_at = :seen AND attribute_not_exists(erase)", seen)?;
        let forgotten = self.db.forgetting_closed(self.workspace)?;
        self.db.commit(vec![write, forgotten, self.db.recording(entry)?]).await
    }

    /// Suspends it from `now` on, as part of a transaction. It conflicts when it is suspended already, or is not there.
    pub fn suspending(&self, now: Timestamp) -> Result<TransactWriteItem, StoreError> {
        let condition = "attribute_exists(pk) AND attribute_not_exists(suspended_at)";
        self.updated("SET suspended_at = :now", condition, vec![(":now", s(now.to_string()))])
    }

    /// Notes that another of its campaigns paused itself, and with `suspend` that it is suspended from then on, as part
    /// of a transaction. It conflicts when either changed since the workspace was read as `seen`.
    pub fn noting_harm(
        &self,
        seen: &Workspace,
        harms: &Harms,
        suspend: Option<Timestamp>,
    ) -> Result<TransactWriteItem, StoreError> {
        let value = |harms| serde_dynamo::to_attribute_value(harms).map_err(|_| StoreError::Corrupt("harms"));
        let mut values = vec![(":harms", value(harms)?)];
        let mut condition = "attribute_exists(pk) AND attribute_not_exists(harms)";
        if !seen.harms.is_empty() {
            condition = "harms = :seen";
            values.push((":seen", value(&seen.harms)?));
        }
        let Some(now) = suspend else { return self.updated("SET harms = :harms", condition, values) };
        values.push((":now", s(now.to_string())));
        let condition = format!("{condition} AND attribute_not_exists(suspended_at)");
        self.updated("SET harms = :harms, suspended_at = :now", &condition, values)
    }

    /// Ends its suspension; what its campaigns did before counts no more. `Conflict` when it is not suspended.
    pub async fn release(&self, entry: &Entry) -> Result<(), StoreError> {
        let write = self.updated("REMOVE suspended_at, harms", "attribute_exists(suspended_at)", Vec::new())?;
        self.db.commit(vec![write, self.db.recording(entry)?]).await
    }

    fn updated(
        &self,
        expression: &str,
        condition: &str,
        values: Vec<(&str, AttributeValue)>,
    ) -> Result<TransactWriteItem, StoreError> {
        let mut update = commit::update(&self.db.tables.accounts, &keys::workspace(self.workspace))
            .update_expression(expression)
            .condition_expression(condition);
        for (name, value) in values {
            update = update.expression_attribute_values(name, value);
        }
        commit::updated(update)
    }
}

#[cfg(test)]
mod tests {
    use domain::id::CampaignId;

    use super::*;
    use crate::db::to_item;

    #[test]
    fn a_workspace_reads_back_open_and_closed() {
        let id = WorkspaceId::from_bytes([1; 10]);
        let now: Timestamp = "2026-03-01T10:00:00.123Z".parse().unwrap();
        let mut workspace = Workspace {
            id,
            company: "Exemple SAS".into(),
            locale: Locale::Fr,
            retention_months: 36,
            created_at: now,
            closed_at: None,
            erase: false,
            suspended_at: None,
            soft_bounces: None,
            deliveries: false,
            clicks: false,
            opens: false,
            time_zone: None,
            harms: Default::default(),
            terms: Terms { version: "1".into(), sha256: "a".into(), accepted_at: now },
        };
        let item = to_item(&keys::workspace(id), &workspace).unwrap();
        assert!(!item.contains_key("closed_at"), "the conditions on closing need it absent");
        assert_eq!(from_item::<Workspace>(item).unwrap(), workspace);
        workspace.closed_at = Some(now);
        let item = to_item(&keys::workspace(id), &workspace).unwrap();
        assert_eq!(item["closed_at"], s(now.to_string()), "the condition on reopening compares this text");
        assert_eq!(from_item::<Workspace>(item).unwrap(), workspace);
        assert!(workspace.closing().unwrap().ends() > now);
        workspace.harms = workspace.harms.and(CampaignId::from_bytes([2; 10]), now);
        workspace.suspended_at = Some(now);
        let item = to_item(&keys::workspace(workspace.id), &workspace).unwrap();
        assert_eq!(from_item::<Workspace>(item).unwrap(), workspace);
        workspace.erase = true;
        let item = to_item(&keys::workspace(id), &workspace).unwrap();
        assert_eq!(item["erase"], AttributeValue::Bool(true), "the condition on giving it up twice needs it");
        assert_eq!(from_item::<Workspace>(item).unwrap().closing(), Some(Closing { at: now, erase: true }));
        assert_eq!(workspace.closing().unwrap().ends(), now);
    }
}
