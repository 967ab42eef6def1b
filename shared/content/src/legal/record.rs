//! The record of processing activities (article 30 GDPR): policy.toml, inventory.toml and the register of
//! processors, as one table. As controller it holds what the operator decides about, as processor what it
//! does on the instructions of its Senders.

use std::collections::BTreeSet;

use domain::{
    locale::Locale,
    policy::{
        inventory::{About, Inventory},
        processors::{self, ChosenBy, Place},
        retention::{Basis, Class, Policy, Rule},
    },
};
use serde::Serialize;

use super::{Operator, words};

/// As what the operator keeps its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum As {
    /// Article 30(1).
    Controller,
    /// Article 30(2).
    Processor,
}

/// The record.
#[derive(Clone, Debug, Serialize)]
pub struct Record {
    /// `controller` or `processor`.
    pub kept_as: &'static str,
    /// SHA-256 of the policy file it was made from.
    pub policy: &'static str,
    /// Who keeps it.
    pub operator: Keeper,
    /// What protects the data (article 32), for every activity.
    pub security: String,
    /// Countries outside the European Economic Area, with the safeguard; empty without transfers.
    pub transfers: Vec<String>,
    /// One for each class of data.
    pub activities: Vec<Activity>,
}

/// Who keeps a record.
#[derive(Clone, Debug, Serialize)]
pub struct Keeper {
    /// Registered name.
    pub name: String,
    /// SIREN.
    pub siren: String,
    /// Registered office.
    pub address: String,
    /// Contact for questions of data protection.
    pub privacy_contact: String,
}

/// One activity.
#[derive(Clone, Debug, Serialize)]
pub struct Activity {
    /// The class of policy.toml.
    pub class: &'static str,
    /// What it is called.
    pub activity: String,
    /// Whether the product stores any of it yet.
    pub in_use: bool,
    /// Why.
    pub purpose: String,
    /// On which basis.
    pub legal_basis: String,
    /// Categories of people.
    pub people: Vec<&'static str>,
    /// Categories of data.
    pub data: Vec<String>,
    /// Who sees it.
    pub recipients: Vec<String>,
    /// How long it is kept.
    pub kept: String,
    /// What happens then.
    pub at_end: &'static str,
    /// Where it is.
    pub stores: Vec<&'static str>,
    /// Why it is kept longer than usual.
    pub justification: Option<String>,
    /// The promises it keeps.
    pub promises: Vec<String>,
}

/// The columns of an activity, as [`Activity::cells`] fills them.
pub const COLUMNS: [&str; 13] = [
    "class",
    "activity",
    "in_use",
    "purpose",
    "legal_basis",
    "people",
    "data",
    "recipients",
    "kept",
    "at_end",
    "stores",
    "justification",
    "promises",
];

impl Activity {
    /// As a row of a table.
    #[must_use]
    pub fn cells(&self) -> [String; COLUMNS.len()] {
        [
            self.class.to_owned(),
            self.activity.clone(),
            self.in_use.to_string(),
            self.purpose.clone(),
            self.legal_basis.clone(),
            self.people.join("; "),
            self.data.join("; "),
            self.recipients.join("; "),
            self.kept.clone(),
            self.at_end.to_owned(),
            self.stores.join("; "),
            self.justification.clone().unwrap_or_default(),
            self.promises.join("; "),
        ]
    }
}

/// The record of an operator in one language. The same files give the same record.
#[must_use]
pub fn of(kept_as: As, locale: Locale, operator: &Operator) -> Record {
    let policy = Policy::current();
    let ours = |class: &&Class| (policy.rule(**class).basis == Basis::OnBehalfOfSender) == (kept_as == As::Processor);
    let outside = processors::current().iter().filter(|processor| processor.place == Place::OutsideEea);
    let transfers =
        outside.map(|p| format!("{} ({}): {}", p.name.get(locale), p.country.get(locale), p.safeguard.get(locale)));
    Record {
        kept_as: match kept_as {
            As::Controller => "controller",
            As::Processor => "processor",
        },
        policy: policy.fingerprint(),
        operator: Keeper {
            name: operator.name.clone(),
            siren: operator.siren.clone(),
            address: operator.address.clone(),
            privacy_contact: operator.privacy_contact.clone(),
        },
        security: policy.security().get(locale).to_owned(),
        transfers: transfers.collect(),
        activities: Class::ALL.iter().filter(ours).map(|class| activity(*class, locale)).collect(),
    }
}

fn activity(class: Class, locale: Locale) -> Activity {
    let rule = Policy::current().rule(class);
    let kinds: Vec<_> = Inventory::current().of_class(class.stored_as()).map(|(_, kind)| kind).collect();
    let people: BTreeSet<About> = kinds.iter().map(|kind| kind.about).collect();
    let data: BTreeSet<&str> =
        kinds.iter().flat_map(|kind| kind.fields.values()).map(|field| field.label(locale)).collect();
    Activity {
        class: class.key(),
        activity: rule.label.get(locale).to_owned(),
        in_use: rule.is_in_the_product(),
        purpose: rule.purpose.get(locale).to_owned(),
        legal_basis: words::basis(rule.basis, locale).to_owned(),
        people: people.into_iter().map(|about| words::about(about, locale)).collect(),
        data: data.into_iter().map(str::to_owned).collect(),
        recipients: recipients(rule, locale),
        kept: format!("{} {}", words::period(rule.keep, locale), words::clock(rule.clock, locale)),
        at_end: words::action(rule.at_end, locale),
        stores: rule.stores.iter().map(|store| words::store(*store, locale)).collect(),
        justification: rule.justification.as_ref().map(|reason| reason.get(locale).to_owned()),
        promises: rule.promises.clone(),
    }
}

/// Who sees a class, and who handles whatever is stored.
fn recipients(rule: &Rule, locale: Locale) -> Vec<String> {
    let readers = rule.seen_by.iter().map(|reader| words::reader(*reader, locale).to_owned());
    let hosts = processors::current().iter().filter(|processor| processor.chosen_by == ChosenBy::Operator);
    // One host may be there with several services.
    let hosts: BTreeSet<String> = hosts.map(|processor| processor.name.get(locale).to_owned()).collect();
    readers.chain(hosts).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operator() -> Operator {
        let text = String::from;
        Operator {
            name: text("Exemple SAS"),
            siren: text("123456782"),
            address: text("1 rue de l'Exemple, 75000 Paris"),
            contact: text("contact@operator.example.com"),
            privacy_contact: text("privacy@operator.example.com"),
            abuse_contact: text("abuse@operator.example.com"),
            host: text("Hébergeur Fictif SARL"),
        }
    }

    #[test]
    fn a13_every_class_is_in_one_of_the_two_records() {
        let classes = |kept_as| of(kept_as, Locale::En, &operator()).activities.into_iter().map(|a| a.class);
        let both: Vec<_> = classes(As::Controller).chain(classes(As::Processor)).collect();
        assert_eq!(both.len(), Class::ALL.len());
        assert_eq!(both.iter().collect::<BTreeSet<_>>().len(), both.len());
        assert!(classes(As::Processor).any(|class| class == "prospect"));
        assert!(classes(As::Controller).any(|class| class == "billing"));
    }

    #[test]
    fn a13_every_activity_in_use_says_whose_data_and_which() {
        for (kept_as, locale) in [(As::Controller, Locale::Fr), (As::Processor, Locale::En)] {
            for activity in of(kept_as, locale, &operator()).activities {
                assert!(!activity.in_use || !(activity.people.is_empty() || activity.data.is_empty()), "{activity:?}");
                assert!(activity.cells().iter().all(|cell| !cell.contains("{{")), "{activity:?}");
            }
        }
    }

    /// The two records as a lawyer reads them, without what changes with every word of the policy.
    #[test]
    fn a13_the_records_in_french_and_english() {
        let mut records: Vec<_> = [(As::Controller, Locale::Fr), (As::Processor, Locale::En)]
            .map(|(kept_as, locale)| of(kept_as, locale, &operator()))
            .into();
        records.iter_mut().for_each(|record| record.policy = "…");
        insta::assert_json_snapshot!(records);
    }
}
