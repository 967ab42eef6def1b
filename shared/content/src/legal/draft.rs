//! The newest text of every document as templates, policy.toml and processors.toml make it: what is published
//! next. Only the operator's identity is left open, because each installation has its own.

use std::collections::BTreeMap;

use domain::{
    locale::Locale,
    policy::{
        processors::{ChosenBy, Place, Processor},
        retention::{Class, Policy, Rule},
    },
};
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, context};

use super::{
    texts::{FRAGMENTS, PAGES},
    words,
};
use crate::page::PRODUCT;

/// What an installation fills in when it serves a text.
const OPERATOR_FIELDS: [&str; 7] = ["name", "siren", "address", "contact", "privacy_contact", "abuse_contact", "host"];

/// The French data protection authority (A49).
pub(super) const AUTHORITY: Authority = Authority {
    address: "3 place de Fontenoy, TSA 80715, 75334 Paris Cedex 07, France",
    phone: "+33 1 53 73 22 22",
    complaints: "https://www.cnil.fr/plaintes",
};

/// Nobody younger may hold an account (A80), in years.
const MINIMUM_AGE: u8 = 16;

/// Classes on the page for users: what concerns a company that uses the service and its members.
pub(super) const OF_USERS: &[Class] = &[
    Class::Account,
    Class::UnverifiedSignup,
    Class::Session,
    Class::OneTimeToken,
    Class::Invitation,
    Class::ApiKey,
    Class::Limiter,
    Class::IdempotencyKey,
    Class::SenderIdentity,
    Class::Campaign,
    Class::DataKey,
    Class::SecurityLog,
    Class::TechnicalLog,
    Class::MailEvidence,
    Class::NewsObjection,
    Class::RightsRequest,
    Class::IdentityCopy,
    Class::AbuseCase,
    Class::PurgeRecord,
    Class::ProductAnalytics,
    Class::OwnLead,
    Class::QueueMessage,
    Class::Backup,
    Class::PointInTimeBackup,
];

/// Classes on the page for prospects: what concerns a person who is written to.
pub(super) const OF_PROSPECTS: &[Class] = &[
    Class::Prospect,
    Class::UninformedProspect,
    Class::Upload,
    Class::ImportReport,
    Class::ImportRecord,
    Class::Delivery,
    Class::InboundMail,
    Class::WebhookDelivery,
    Class::QueueMessage,
    Class::Suppression,
    Class::Erasure,
    Class::RightsRequest,
    Class::IdentityCopy,
    Class::AbuseCase,
    Class::TechnicalLog,
    Class::Backup,
    Class::PointInTimeBackup,
];

pub(super) struct Authority {
    address: &'static str,
    pub(super) phone: &'static str,
    pub(super) complaints: &'static str,
}

/// The text of a document in one language; `None` when there is no such document.
pub(super) fn draft(slug: &str, locale: Locale, policy: &Policy, processors: &[Processor]) -> Option<String> {
    let text = PAGES.iter().find(|page| page.name == slug)?;
    let facts = facts(locale, policy, processors);
    let fragments: BTreeMap<_, _> = FRAGMENTS
        .iter()
        .map(|fragment| (fragment.name, Value::from_safe_string(expand(fragment.get(locale), facts.clone()))))
        .collect();
    Some(expand(text.get(locale), context! { ..facts, ..Value::from_pairs(fragments) }))
}

/// Everything a text may name. A name it does not know is an error, and a test renders every page.
fn facts(locale: Locale, policy: &Policy, processors: &[Processor]) -> Value {
    let operator = OPERATOR_FIELDS.map(|field| (field, Value::from_safe_string(format!("{{{{ operator.{field} }}}}"))));
    let keep: BTreeMap<_, _> =
        Class::ALL.iter().map(|class| (class.key(), words::period(policy.keep(*class), locale))).collect();
    let promises = policy.promises();
    let pages = PAGES.iter().map(|page| (page.name.replace('-', "_"), format!("/legal/{}", page.name)));
    let link: BTreeMap<_, _> = pages
        .chain(["rights", "abuse"].map(|name| (name.to_owned(), format!("/{name}"))))
        .map(|(name, path)| (name, Value::from_safe_string(format!("{path}?lang={}", locale.tag()))))
        .collect();
    context! {
        product => PRODUCT,
        operator => Value::from_pairs(operator),
        cnil => context! {
            address => AUTHORITY.address,
            phone => AUTHORITY.phone,
            complaints => AUTHORITY.complaints,
        },
        minimum_age => MINIMUM_AGE,
        keep => keep,
        purge_lag => words::period(promises.purge_lag, locale),
        rights_answer => words::period(promises.rights_answer, locale),
        change_notice => words::period(promises.policy_change_notice, locale),
        link => link,
        users => rows(OF_USERS, locale, policy),
        prospects => rows(OF_PROSPECTS, locale, policy),
        processors => processors.iter().map(|p| processor(p, locale)).collect::<Vec<_>>(),
    }
}

fn rows(classes: &[Class], locale: Locale, policy: &Policy) -> Vec<Value> {
    classes.iter().map(|class| row(policy.rule(*class), locale)).collect()
}

fn row(rule: &Rule, locale: Locale) -> Value {
    let readers: Vec<_> = rule.seen_by.iter().map(|reader| words::reader(*reader, locale)).collect();
    context! {
        label => rule.label.get(locale),
        purpose => rule.purpose.get(locale),
        basis => words::basis(rule.basis, locale),
        keep => words::period(rule.keep, locale),
        clock => words::clock(rule.clock, locale),
        at_end => words::action(rule.at_end, locale),
        seen_by => readers.join(", "),
    }
}

fn processor(processor: &Processor, locale: Locale) -> Value {
    context! {
        name => processor.name.get(locale),
        service => processor.service.as_str(),
        purpose => processor.purpose.get(locale),
        data => processor.data.get(locale),
        country => processor.country.get(locale),
        safeguard => processor.safeguard.get(locale),
        chosen_by_sender => processor.chosen_by == ChosenBy::Sender,
        outside_eea => processor.place == Place::OutsideEea,
    }
}

pub(super) fn expand(text: &str, facts: Value) -> String {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.render_str(text, facts).expect("a test renders every page in both languages")
}
