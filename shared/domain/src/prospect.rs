//! A prospect: the only things that may be known about one (A64), where they come from (A66) and
//! what an import may change in them.

use std::{collections::BTreeSet, fmt};

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use crate::{
    clicks::{ClickConsent, Recorded},
    email::EmailAddress,
    id::{ImportId, RequestId},
    locale::Locale,
    subject::Subject,
};

/// A field that a member or an import may write. Nothing outside this list is stored (A64).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// Given name.
    FirstName,
    /// Family name.
    LastName,
    /// The organisation the person works for.
    Company,
    /// Role or job title.
    JobTitle,
    /// Labels the Sender sorts prospects by.
    Tags,
    /// Free text of the Sender's.
    Notes,
    /// Language to write in.
    Locale,
    /// Country, ISO 3166-1 alpha-2 or as given.
    Country,
}

/// What is known about a person beside the address.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Details {
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// Organisation.
    pub company: Option<String>,
    /// Role or job title.
    pub job_title: Option<String>,
    /// Labels.
    pub tags: BTreeSet<String>,
    /// Free text.
    pub notes: Option<String>,
    /// Language to write in; the campaign's when absent.
    pub locale: Option<Locale>,
    /// Country.
    pub country: Option<String>,
}

impl fmt::Debug for Details {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Details(***)")
    }
}

impl Details {
    /// Takes what `newer` says, field by field. An empty cell says nothing, tags are added to, and a
    /// field that a member has edited (`keep`) stays as it is. True when anything changed.
    pub fn absorb(&mut self, newer: &Details, keep: &BTreeSet<Field>) -> bool {
        let before = self.clone();
        let open = |field| !keep.contains(&field);
        let texts = [
            (Field::FirstName, &mut self.first_name, &newer.first_name),
            (Field::LastName, &mut self.last_name, &newer.last_name),
            (Field::Company, &mut self.company, &newer.company),
            (Field::JobTitle, &mut self.job_title, &newer.job_title),
            (Field::Notes, &mut self.notes, &newer.notes),
            (Field::Country, &mut self.country, &newer.country),
        ];
        for (field, ours, theirs) in texts {
            if theirs.is_some() && open(field) {
                ours.clone_from(theirs);
            }
        }
        if newer.locale.is_some() && open(Field::Locale) {
            self.locale = newer.locale;
        }
        if open(Field::Tags) {
            self.tags.extend(newer.tags.iter().cloned());
        }
        *self != before
    }

    /// First and last name together; `None` when neither is known.
    pub fn full_name(&self) -> Option<String> {
        match (&self.first_name, &self.last_name) {
            (Some(first), Some(last)) => Some(format!("{first} {last}")),
            (one, other) => one.as_ref().or(other.as_ref()).cloned(),
        }
    }
}

/// How the Sender came by an address. Every prospect carries it (A66) and the first message says it (A69).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// The kind of place.
    pub kind: SourceKind,
    /// Which one, in the Sender's words: "Salon des Maires 2026, exhibitors' list".
    pub detail: String,
    /// When it was collected there.
    pub collected_on: Date,
}

/// The kinds of source that the prospects' policy names (P§2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// A professional directory.
    Directory,
    /// A form the person filled in.
    Form,
    /// A business exchange: a card, a call, a mail.
    BusinessExchange,
    /// A trade fair's list.
    TradeFair,
    /// A public website of the organisation.
    Website,
    /// A customer or partner file.
    Customer,
    /// Anything else, said in `detail`.
    Other,
}

/// The legal basis a Sender declares for a file (art. 6 GDPR).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LawfulBasis {
    /// Art. 6.1.f, the usual one between professionals.
    LegitimateInterest,
    /// Art. 6.1.a.
    Consent,
    /// Art. 6.1.b.
    Contract,
}

/// Whether a prospect may be written to, as the record itself says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProspectState {
    /// Nothing stands against it.
    #[default]
    Active,
    /// Art. 18: kept and readable, never sent to.
    Restricted,
}

/// The last import that wrote a prospect: which line of which file, and whether it made the record.
/// Replaying that line must count the same again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportMark {
    /// The import.
    pub import: ImportId,
    /// Its line, from 1.
    pub line: u64,
    /// True when the line created the record, false when it updated one.
    pub created: bool,
}

/// A person a Sender may write to.
#[derive(Clone, PartialEq)]
pub struct Prospect {
    /// The keyed hash that names this person in the workspace.
    pub subject: Subject,
    /// Professional address.
    pub email: EmailAddress,
    /// Everything else that is known.
    pub details: Details,
    /// Where the address comes from.
    pub source: Source,
    /// The basis declared for it.
    pub lawful_basis: LawfulBasis,
    /// The state of the record.
    pub state: ProspectState,
    /// The request of the person's own that froze it (A41): the Sender lifts it only after telling them
    /// (art. 18(3)). `None` when the Sender froze the record itself.
    pub restricted_by: Option<RequestId>,
    /// Fields edited by a member since: an import leaves them alone.
    pub edited: BTreeSet<Field>,
    /// The last import that wrote it.
    pub import: Option<ImportMark>,
    /// When the record was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When they last answered. Never a message of ours.
    pub last_contact_at: Option<Timestamp>,
    /// When they last followed a link themselves, where they agreed to have that recorded.
    pub last_click_at: Option<Timestamp>,
    /// That they agreed to it, and perhaps to having it recorded whether they open messages.
    pub click_consent: Option<ClickConsent>,
    /// The day until which they said that they are away, or on which they are back.
    pub away_until: Option<Date>,
}

impl Prospect {
    /// The person's own last contact, from which their time runs (A73): an answer or a click of theirs.
    pub fn own_contact(&self) -> Option<Timestamp> {
        self.last_contact_at.max(self.last_click_at)
    }

    /// What may be recorded of how they use messages, as far as their record says.
    pub fn lets_be_recorded(&self) -> Recorded {
        let agreed = self.click_consent.as_ref().filter(|_| self.state == ProspectState::Active);
        agreed.map(ClickConsent::lets).unwrap_or_default()
    }

    /// Whether they agreed to something of it and did not withdraw that.
    pub fn agrees_to_clicks(&self) -> bool {
        self.click_consent.as_ref().is_some_and(ClickConsent::holds)
    }
}

impl fmt::Debug for Prospect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Prospect({})", self.subject)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn details(first: Option<&str>, company: Option<&str>, tags: &[&str]) -> Details {
        Details {
            first_name: first.map(Into::into),
            company: company.map(Into::into),
            tags: tags.iter().map(|t| (*t).to_owned()).collect(),
            ..Details::default()
        }
    }

    #[test]
    fn an_import_updates_what_changed_and_keeps_what_was_edited() {
        let mut ours = details(Some("Ada"), Some("Old Ltd"), &["fair"]);
        let keep = BTreeSet::from([Field::FirstName]);
        assert!(ours.absorb(&details(Some("Adah"), Some("New Ltd"), &["vip"]), &keep));
        assert_eq!(ours, details(Some("Ada"), Some("New Ltd"), &["fair", "vip"]));
    }

    #[test]
    fn an_empty_cell_erases_nothing_and_the_same_row_changes_nothing() {
        let mut ours = details(Some("Ada"), Some("Firm"), &["fair"]);
        assert!(!ours.absorb(&details(None, Some("Firm"), &["fair"]), &BTreeSet::new()));
    }
}
