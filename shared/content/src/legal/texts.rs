//! The sources of the legal pages, compiled in from infra/policy/legal.

use std::{collections::BTreeMap, sync::LazyLock};

use domain::{locale::Locale, policy::retention::Bilingual};
use jiff::civil::Date;
use serde::Deserialize;

/// The template of one page or fragment in both languages.
pub(super) struct Text {
    pub(super) name: &'static str,
    fr: &'static str,
    en: &'static str,
}

impl Text {
    pub(super) const fn get(&self, locale: Locale) -> &'static str {
        match locale {
            Locale::Fr => self.fr,
            Locale::En => self.en,
        }
    }
}

macro_rules! texts {
    ($($name:literal),* $(,)?) => {
        &[$(Text {
            name: $name,
            fr: include_str!(concat!("../../../../infra/policy/legal/fr/", $name, ".html")),
            en: include_str!(concat!("../../../../infra/policy/legal/en/", $name, ".html")),
        }),*]
    };
}

/// Every page, in the order of the navigation.
pub(super) const PAGES: &[Text] = texts!["privacy", "prospects-privacy", "terms", "cookies", "subprocessors", "notice"];

/// Fragments that several pages share: said once, the same everywhere.
pub(super) const FRAGMENTS: &[Text] = texts!["authority", "rights"];

/// One entry of a page's change log, the newest first.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Version {
    pub(super) version: String,
    pub(super) effective: Date,
    pub(super) change: Bilingual,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PageRecord {
    pub(super) title: Bilingual,
    pub(super) versions: Vec<Version>,
}

/// Titles and versions of every page.
pub(super) fn records() -> &'static BTreeMap<String, PageRecord> {
    static RECORDS: LazyLock<BTreeMap<String, PageRecord>> = LazyLock::new(|| {
        toml::from_str(include_str!("../../../../infra/policy/legal/versions.toml"))
            .expect("a test loads the compiled-in versions")
    });
    &RECORDS
}
