//! The vocabulary of policy.toml: every class of data and what may be said of it.

use serde::{Deserialize, Serialize};

use super::calendar::Retention;
use crate::locale::Locale;

/// A text in both languages of the service.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bilingual {
    /// French.
    pub fr: String,
    /// English.
    pub en: String,
}

impl Bilingual {
    /// The text in one language.
    #[must_use]
    pub fn get(&self, locale: Locale) -> &str {
        match locale {
            Locale::Fr => &self.fr,
            Locale::En => &self.en,
        }
    }

    /// Whether either language is missing.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.fr.trim().is_empty() || self.en.trim().is_empty()
    }
}

/// Declares [`Class`] with every member, its name in policy.toml, its clock, its ceiling and its floor.
///
/// The limits are what the published policies allow (promise ids beside each); they are written
/// here and not in policy.toml, so that one edit cannot move a period and its limit together.
macro_rules! classes {
    ($($(#[$doc:meta])* $name:ident = $key:literal, from $clock:ident, at_most $ceiling:ident($c:literal), at_least $floor:ident($f:literal);)*) => {
        /// A class of data: everything stored belongs to exactly one (A13).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
        pub enum Class {
            $($(#[$doc])* #[serde(rename = $key)] $name,)*
        }

        impl Class {
            /// Every class.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The name in policy.toml, in records and in metrics.
            #[must_use]
            pub const fn key(self) -> &'static str {
                match self { $(Self::$name => $key),* }
            }

            /// The event that starts its period: what the purge and the writers of the class go by.
            #[must_use]
            pub const fn clock(self) -> Clock {
                match self { $(Self::$name => Clock::$clock),* }
            }

            /// The longest period that the published policies allow.
            #[must_use]
            pub const fn ceiling(self) -> Retention {
                match self { $(Self::$name => Retention::$ceiling($c)),* }
            }

            /// The shortest period that keeps the promises made.
            #[must_use]
            pub const fn floor(self) -> Retention {
                match self { $(Self::$name => Retention::$floor($f)),* }
            }
        }
    };
}

classes! {
    /// Workspace, members, company (A29: thirty days to come back and to export).
    Account = "account", from AccountClosed, at_most Days(30), at_least Days(30);
    /// A sign-up whose address was never confirmed.
    UnverifiedSignup = "unverified_signup", from SignupRequested, at_most Days(7), at_least Hours(24);
    /// Refresh families of signed-in members.
    Session = "session", from LastUsed, at_most Days(30), at_least Hours(1);
    /// Verification and password links.
    OneTimeToken = "one_time_token", from Issued, at_most Days(7), at_least Hours(1);
    /// Invitations that wait for an answer.
    Invitation = "invitation", from Issued, at_most Days(7), at_least Hours(24);
    /// Keys for programs.
    ApiKey = "api_key", from Issued, at_most Days(365), at_least Days(1);
    /// Attempt counters: the only place where a full IP address may be (A7).
    Limiter = "limiter", from Attempted, at_most Hours(24), at_least Hours(1);
    /// Remembered `Idempotency-Key`s.
    IdempotencyKey = "idempotency_key", from Issued, at_most Hours(24), at_least Hours(1);
    /// Legal identity and sending channel of a Sender.
    SenderIdentity = "sender_identity", from AccountClosed, at_most Days(30), at_least Days(30);
    /// Prospects (A72, A73).
    Prospect = "prospect", from CollectedOrLastContact, at_most Months(36), at_least Months(1);
    /// A prospect that nobody informed (A69).
    UninformedProspect = "uninformed_prospect", from CollectedOrEntered, at_most Days(30), at_least Days(1);
    /// Uploaded files.
    Upload = "upload", from Uploaded, at_most Days(30), at_least Days(1);
    /// Reports of refused lines.
    ImportReport = "import_report", from ImportFinished, at_most Days(30), at_least Days(1);
    /// Counts, source and basis of an import (A66): outlives none of its prospects' ceiling.
    ImportRecord = "import_record", from ImportFinished, at_most Months(36), at_least Months(1);
    /// Campaigns, templates, assessments (A11).
    Campaign = "campaign", from AccountClosed, at_most Days(30), at_least Days(30);
    /// Deliveries and their chunks.
    Delivery = "delivery", from Sent, at_most Months(36), at_least Months(1);
    /// What a Sender's endpoints were told.
    WebhookDelivery = "webhook_delivery", from Issued, at_most Days(7), at_least Days(1);
    /// Work in queues, dead letters included (14 days is the longest SQS allows).
    QueueMessage = "queue_message", from Issued, at_most Days(14), at_least Days(1);
    /// Opt-outs (A61; K9: at least as long as promised).
    Suppression = "suppression", from ObjectedOrBlocked, at_most Years(3), at_least Years(3);
    /// Members who want no news of the operator's (A14).
    NewsObjection = "news_objection", from ObjectedOrKeptFrom, at_most Years(3), at_least Years(3);
    /// Erasures, to be replayed after a restore (A30): outlives every backup.
    Erasure = "erasure", from Erased, at_most Years(3), at_least Days(90);
    /// Audit and security log (K1: beyond twelve months only with a reason).
    SecurityLog = "security_log", from Recorded, at_most Months(12), at_least Months(6);
    /// Technical logs (A33).
    TechnicalLog = "technical_log", from Recorded, at_most Days(365), at_least Days(1);
    /// Pseudonymous evidence of service messages (A36).
    MailEvidence = "mail_evidence", from Sent, at_most Years(3), at_least Years(3);
    /// What each purge run deleted, as numbers.
    PurgeRecord = "purge_record", from Recorded, at_most Years(3), at_least Months(12);
    /// Backups (A30).
    Backup = "backup", from BackedUp, at_most Days(90), at_least Days(1);
    /// Wrapped data keys.
    DataKey = "data_key", from AccountClosed, at_most Days(30), at_least Days(30);
    /// Public keys that tokens and statements are verified with: as long as a statement.
    PublicKey = "public_key", from LastUsed, at_most Years(3), at_least Years(3);
    /// Invoices and what they are made of (A31: article L. 123-22 of the French commercial code).
    Billing = "billing", from AccountingYearClosed, at_most Years(10), at_least Years(10);
    /// Requests for help, with what was attached to them (A34).
    Ticket = "ticket", from CaseClosed, at_most Years(3), at_least Days(1);
    /// The operator's own prospecting (A35).
    OwnLead = "own_lead", from CollectedOrLastContact, at_most Years(3), at_least Days(1);
    /// What people asked for under articles 15 to 22, and what was answered (A46, A47).
    RightsRequest = "rights_request", from Answered, at_most Years(3), at_least Months(12);
    /// A copy of an identity document (A48): deleted by the decision, and in any case after this.
    IdentityCopy = "identity_copy", from Received, at_most Days(30), at_least Days(1);
    /// Mail that came in and was not read yet.
    InboundMail = "inbound_mail", from Received, at_most Days(7), at_least Days(1);
    /// Reports of abuse and what was done about them (A71).
    AbuseCase = "abuse_case", from CaseClosed, at_most Years(3), at_least Days(1);
    /// Anonymous counters of use (A16).
    ProductAnalytics = "product_analytics", from Recorded, at_most Months(25), at_least Days(1);
    /// Copies in a vault of their own, beside the recovery window of the tables (A30, K11).
    PointInTimeBackup = "point_in_time_backup", from BackedUp, at_most Days(35), at_least Days(1);
}

impl Class {
    /// What its items are in the inventory. A prospect whom nobody has informed is a prospect, and so is a lead of the
    /// operator's: these classes add an end, not an item.
    #[must_use]
    pub const fn stored_as(self) -> Self {
        match self {
            Self::UninformedProspect | Self::OwnLead => Self::Prospect,
            class => class,
        }
    }
}

/// The event from which a period runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Clock {
    /// The workspace was closed.
    AccountClosed,
    /// The sign-up was requested.
    SignupRequested,
    /// The thing was last used.
    LastUsed,
    /// The token, key or message was issued.
    Issued,
    /// The first attempt counted.
    Attempted,
    /// The later of collection and the prospect's own last contact: a reply or a human click,
    /// never a message of ours, never an open (A73).
    CollectedOrLastContact,
    /// The later of collection and entry into the service, from when the person can be informed.
    CollectedOrEntered,
    /// The file was uploaded.
    Uploaded,
    /// The import reached its end.
    ImportFinished,
    /// The message was handed over.
    Sent,
    /// The person objected or, if it is later, an import that named them was blocked by it: the Sender
    /// has not forgotten them (K9).
    ObjectedOrBlocked,
    /// The member objected or, if it is later, news was kept from them for it.
    ObjectedOrKeptFrom,
    /// The person was erased.
    Erased,
    /// The entry was written.
    Recorded,
    /// The backup was taken.
    BackedUp,
    /// The accounting year of the document was closed.
    AccountingYearClosed,
    /// The ticket or case was closed.
    CaseClosed,
    /// The request was answered.
    Answered,
    /// The document was received.
    Received,
}

/// What happens when the period is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Deleted.
    Delete,
    /// Made irreversibly anonymous.
    Anonymise,
    /// Reduced to the minimum that honours a right.
    KeepMinimum,
}

/// The legal basis of article 6 GDPR, or the instruction of the Sender (article 28).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Article 6(1)(a).
    Consent,
    /// Article 6(1)(b).
    Contract,
    /// Article 6(1)(c).
    LegalObligation,
    /// Article 6(1)(f).
    LegitimateInterest,
    /// The Sender decides and we process: article 28.
    OnBehalfOfSender,
}

/// Who may see a class of data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SeenBy {
    /// Members of the same workspace (A19).
    WorkspaceMembers,
    /// Authorised staff, for support and administration.
    OperatorStaff,
    /// Authorised staff, for maintenance or an abuse report only (A18).
    OperatorStaffForMaintenanceOrAbuse,
    /// Whoever receives a message.
    Recipients,
    /// Everybody: it is published.
    Anybody,
    /// Machines only.
    Nobody,
}

/// Where a class of data may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Store {
    /// Table.
    Accounts,
    /// Table.
    Prospects,
    /// Table.
    Outreach,
    /// Table.
    Suppressions,
    /// Table.
    Evidence,
    /// Table.
    Rights,
    /// Table.
    Keys,
    /// The bucket of uploads and reports.
    UploadsBucket,
    /// The bucket of copies of identity documents, which is for nothing else (A48).
    IdentityBucket,
    /// The bucket of mail that came in, until it is read.
    InboundBucket,
    /// The work queues and their dead letters.
    Queues,
    /// The log groups of the functions and the API.
    LogGroups,
    /// Backups of the tables.
    Backups,
}

/// Whether there is any of a class yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The product stores it.
    #[default]
    InTheProduct,
    /// The rule stands before the data: nothing is stored yet.
    NotInTheProduct,
}

/// What policy.toml says of one class.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// What the class is called on the legal pages.
    pub label: Bilingual,
    /// Why the data exists.
    pub purpose: Bilingual,
    /// On which legal basis.
    pub basis: Basis,
    /// How long it is kept once its clock has started.
    pub keep: Retention,
    /// What starts the clock.
    pub clock: Clock,
    /// What happens at the end.
    pub at_end: Action,
    /// How long before the end the workspace is alerted, where it is.
    #[serde(default)]
    pub alert_before: Option<Retention>,
    /// Who may see it.
    pub seen_by: Vec<SeenBy>,
    /// Which stores hold it.
    pub stores: Vec<Store>,
    /// Whether there is any of it yet.
    #[serde(default)]
    pub state: State,
    /// The rows of the promise ledger it keeps.
    pub promises: Vec<String>,
    /// Why the period is longer than the published ceiling, in writing.
    #[serde(default)]
    pub justification: Option<Bilingual>,
}

impl Rule {
    /// Whether the product stores any of it.
    #[must_use]
    pub fn is_in_the_product(&self) -> bool {
        self.state == State::InTheProduct
    }
}
