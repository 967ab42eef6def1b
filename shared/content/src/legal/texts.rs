//! The sources of the legal texts, compiled in from infra/policy/legal.

use domain::locale::Locale;

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
pub(super) const PAGES: &[Text] =
    texts!["privacy", "prospects-privacy", "terms", "dpa", "cookies", "subprocessors", "notice"];

/// Fragments that several pages share: said once, the same everywhere.
pub(super) const FRAGMENTS: &[Text] = texts!["authority", "rights"];
