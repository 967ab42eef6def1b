//! The legal pages: infra/policy/legal, filled from policy.toml, processors.toml and the operator.
//!
//! A period, a processor or an identity is never typed into a text: what the software keeps and
//! what the pages promise come from the same file.

mod operator;
pub mod record;
mod texts;
mod words;

use std::collections::BTreeMap;

use domain::{
    locale::Locale,
    policy::{
        processors::{self, ChosenBy, Place, Processor},
        retention::{Class, Policy, Rule},
    },
};
use jiff::civil::Date;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, context};

pub use self::operator::{Operator, OperatorIncomplete};
use self::texts::{FRAGMENTS, PAGES, PageRecord, Version, records};
use crate::page::{self, Html, PRODUCT, Page};

/// The French data protection authority (A49).
const AUTHORITY: Authority = Authority {
    address: "3 place de Fontenoy, TSA 80715, 75334 Paris Cedex 07, France",
    phone: "+33 1 53 73 22 22",
    complaints: "https://www.cnil.fr/plaintes",
};

/// Nobody younger may hold an account (A80), in years.
const MINIMUM_AGE: u8 = 16;

/// Classes on the page for users: what concerns a company that uses the service and its members.
const OF_USERS: &[Class] = &[
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
    Class::RightsRequest,
    Class::PurgeRecord,
    Class::QueueMessage,
    Class::Backup,
];

/// Classes on the page for prospects: what concerns a person who is written to.
const OF_PROSPECTS: &[Class] = &[
    Class::Prospect,
    Class::UninformedProspect,
    Class::Upload,
    Class::ImportReport,
    Class::ImportRecord,
    Class::Delivery,
    Class::QueueMessage,
    Class::Suppression,
    Class::Erasure,
    Class::RightsRequest,
    Class::TechnicalLog,
    Class::Backup,
];

struct Authority {
    address: &'static str,
    phone: &'static str,
    complaints: &'static str,
}

/// One legal page, ready to serve.
#[derive(Clone, Debug)]
pub struct LegalPage {
    /// The document.
    pub html: Html,
    /// From when this version applies.
    pub effective: Date,
    /// The version, as the change log names it.
    pub version: String,
}

/// The names of the pages, as in `/legal/{page}`.
#[must_use]
pub fn slugs() -> Vec<&'static str> {
    PAGES.iter().map(|page| page.name).collect()
}

/// The version in force of one page, such as the terms that a sign-up accepts; `None` when there is
/// no such page.
#[must_use]
pub fn version(slug: &str) -> Option<&'static str> {
    Some(latest(records().get(slug)?).version.as_str())
}

/// One page in one language; `None` when there is no such page.
#[must_use]
pub fn render(slug: &str, locale: Locale, operator: &Operator) -> Option<LegalPage> {
    fill(slug, locale, operator, Policy::current(), processors::current())
}

/// The links to every page, for the foot of all of them.
pub(crate) fn navigation(locale: Locale) -> String {
    let lang = locale.tag();
    let links = PAGES.iter().filter_map(|page| {
        let title = page::escape(records().get(page.name)?.title.get(locale)).to_string();
        Some(format!("<li><a href=\"/legal/{}?lang={lang}\">{title}</a></li>", page.name))
    });
    format!("<ul>{}</ul>", links.collect::<String>())
}

fn fill(
    slug: &str,
    locale: Locale,
    operator: &Operator,
    policy: &Policy,
    processors: &[Processor],
) -> Option<LegalPage> {
    let text = PAGES.iter().find(|page| page.name == slug)?;
    let record = records().get(slug)?;
    let latest = latest(record);
    let title = record.title.get(locale);
    let facts = facts(locale, operator, policy, processors);
    let fragments: BTreeMap<_, _> = FRAGMENTS
        .iter()
        .map(|fragment| (fragment.name, Value::from_safe_string(expand(fragment.get(locale), facts.clone()))))
        .collect();
    let body = expand(text.get(locale), context! { ..facts, ..Value::from_pairs(fragments) });
    let head = head(title, latest, locale);
    let log = change_log(&record.versions, locale);
    let other = Locale::ALL.into_iter().find(|other| *other != locale).unwrap_or_default();
    let html = page::render(&Page {
        lang: locale,
        title,
        body_html: &words::typeset(&format!("{head}{body}{log}"), locale),
        other_language: Some(&format!("/legal/{slug}?lang={}", other.tag())),
        indexed: true,
    });
    Some(LegalPage { html, effective: latest.effective, version: latest.version.clone() })
}

/// Everything a text may name. A name it does not know is an error, and a test renders every page.
fn facts(locale: Locale, operator: &Operator, policy: &Policy, processors: &[Processor]) -> Value {
    let keep: BTreeMap<_, _> =
        Class::ALL.iter().map(|class| (class.key(), words::period(policy.keep(*class), locale))).collect();
    let promises = policy.promises();
    let link: BTreeMap<_, _> = PAGES
        .iter()
        .map(|page| {
            let href = format!("/legal/{}?lang={}", page.name, locale.tag());
            (page.name.replace('-', "_"), Value::from_safe_string(href))
        })
        .collect();
    context! {
        product => PRODUCT,
        operator => context! {
            name => operator.name.as_str(),
            siren => operator.siren.as_str(),
            address => operator.address.as_str(),
            contact => operator.contact.as_str(),
            privacy_contact => operator.privacy_contact.as_str(),
            abuse_contact => operator.abuse_contact.as_str(),
            host => operator.host.as_str(),
        },
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

fn expand(text: &str, facts: Value) -> String {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.render_str(text, facts).expect("a test renders every page in both languages")
}

fn head(title: &str, latest: &Version, locale: Locale) -> String {
    let title = page::escape(title);
    let date = words::date(latest.effective, locale);
    let iso = latest.effective;
    let version = page::escape(&latest.version);
    let (applies, word) = match locale {
        Locale::Fr => ("En vigueur depuis le", "version"),
        Locale::En => ("In force since", "version"),
    };
    format!(
        "<h1>{title}</h1>\n<p class=\"date\">{applies} <time datetime=\"{iso}\">{date}</time> · {word} {version}</p>\n"
    )
}

/// What changed, newest first (A58).
fn change_log(versions: &[Version], locale: Locale) -> String {
    let (heading, colon) = match locale {
        Locale::Fr => ("Historique des modifications", " :"),
        Locale::En => ("Change log", ":"),
    };
    let entries = versions.iter().map(|entry| {
        let date = words::date(entry.effective, locale);
        let change = page::escape(entry.change.get(locale)).to_string();
        format!("<li>{} (<time datetime=\"{}\">{date}</time>){colon} {change}</li>\n", entry.version, entry.effective)
    });
    format!("<h2 id=\"changes\">{heading}</h2>\n<ul>\n{}</ul>\n", entries.collect::<String>())
}

fn latest(record: &PageRecord) -> &Version {
    record.versions.first().expect("a test finds a version of every page")
}

#[cfg(test)]
mod tests;
