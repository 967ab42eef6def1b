//! The texts as they were published, compiled in from infra/policy/legal/published. They are never edited:
//! a test compares each with the hash that versions.toml recorded.

use domain::locale::Locale;

/// The text of one version of a document in both languages.
pub(super) struct Archive {
    pub(super) document: &'static str,
    pub(super) version: &'static str,
    fr: &'static str,
    en: &'static str,
}

impl Archive {
    pub(super) const fn get(&self, locale: Locale) -> &'static str {
        match locale {
            Locale::Fr => self.fr,
            Locale::En => self.en,
        }
    }
}

macro_rules! published {
    ($($document:literal: $($version:literal),+;)*) => {
        &[$($(Archive {
            document: $document,
            version: $version,
            fr: include_str!(concat!("../../../../infra/policy/legal/published/", $document, "/", $version, ".fr.html")),
            en: include_str!(concat!("../../../../infra/policy/legal/published/", $document, "/", $version, ".en.html")),
        }),+),*]
    };
}

/// Every version of every document.
pub(super) const ARCHIVES: &[Archive] = published! {
    "privacy": "1.0", "1.1", "2.0", "2.1", "2.2";
    "prospects-privacy": "1.0", "1.1", "1.2", "2.0", "3.0";
    "terms": "1.0", "2.0", "2.1", "2.2";
    "dpa": "1.0";
    "cookies": "1.0", "1.1", "1.2";
    "subprocessors": "1.0", "1.1", "1.2";
    "notice": "1.0", "1.1";
};

/// The text of one version.
pub(super) fn archive(document: &str, version: &str) -> Option<&'static Archive> {
    ARCHIVES.iter().find(|archive| archive.document == document && archive.version == version)
}
