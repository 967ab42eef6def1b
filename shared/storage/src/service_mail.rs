//! Evidence of the mails that the product itself sends: which, when, and a hash of what it said. Neither the
//! address nor a word of it is kept (A36).

use aws_sdk_dynamodb::types::TransactWriteItem;
use domain::{
    Timestamp,
    locale::Locale,
    policy::retention::{self, Policy},
};
use serde::{Deserialize, Serialize};

use crate::{
    commit,
    db::{Db, Expected, PageQuery, Range, StoreError, from_item},
    keys::{self, Key},
};

/// That a service mail was handed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceMail {
    /// What it said: the name of the template.
    pub template: String,
    /// In which language.
    pub locale: Locale,
    /// SHA-256 of its plain text, in hexadecimal: whoever has the mail can show that it is this one.
    pub sha256: String,
    /// When it was handed over.
    pub sent_at: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    #[serde(flatten)]
    mail: ServiceMail,
    ttl: i64,
}

impl Stored {
    fn of(mail: ServiceMail) -> Self {
        let ttl = retention::ttl(Policy::current().mail_evidence_expiry(mail.sent_at));
        Self { mail, ttl }
    }
}

impl Db {
    /// Notes a mail that was handed over to whoever has the pseudonym; `name` is the unique part of its Message-ID.
    pub async fn note_service_mail(&self, pseudonym: &str, name: &str, mail: ServiceMail) -> Result<(), StoreError> {
        let key = keys::service_mail(pseudonym, mail.sent_at, name);
        self.put(&self.tables.evidence, &key, &Stored::of(mail), Expected::Anything).await
    }

    /// The same of a mail that is about to go and goes once, as a part of a transaction: its key is known before.
    pub(crate) fn noting_service_mail(&self, key: &Key, mail: ServiceMail) -> Result<TransactWriteItem, StoreError> {
        commit::put(&self.tables.evidence, key, &Stored::of(mail), Expected::Absent)
    }

    /// The mails to whoever has the pseudonym, oldest first, without those whose time is over at `now`.
    pub async fn service_mails(&self, pseudonym: &str, now: Timestamp) -> Result<Vec<ServiceMail>, StoreError> {
        let pk = keys::service_mails(pseudonym);
        let items = self.all(&self.tables.evidence, PageQuery::of(&pk, Range::All)).await?;
        let stored = items.into_iter().map(from_item).collect::<Result<Vec<Stored>, _>>()?;
        Ok(stored.into_iter().filter(|stored| now.as_second() < stored.ttl).map(|stored| stored.mail).collect())
    }
}
