//! How long secrets last and when what is reviewed again: infra/policy/security.toml, loaded and checked (A53).

use std::sync::LazyLock;

use jiff::{Timestamp, civil::Date};
use serde::Deserialize;

use super::{
    calendar::{Retention, paris},
    register::Bilingual,
};

/// No secret is older than that when it is replaced.
const LONGEST_ROTATION: Retention = Retention::Months(13);
/// Nothing is reviewed less often.
const LONGEST_REVIEW: Retention = Retention::Months(12);

static CURRENT: LazyLock<Security> = LazyLock::new(|| {
    load(include_str!("../../../../infra/policy/security.toml")).expect("a test loads the compiled-in file")
});

/// The rules for secrets, keys and reviews.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Security {
    /// Secrets of Secrets Manager.
    #[serde(rename = "secret")]
    pub secrets: Vec<Secret>,
    /// Keys of KMS.
    pub kms: Kms,
    /// What people look at again and again.
    #[serde(rename = "review")]
    pub reviews: Vec<Review>,
}

/// A secret, by its name in template.yaml.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secret {
    /// The resource.
    pub name: String,
    /// What it is.
    pub holds: Bilingual,
    /// After how long a new version is added.
    #[serde(default)]
    pub rotate: Option<Retention>,
    /// Why none ever is.
    #[serde(default)]
    pub kept: Option<Bilingual>,
}

impl Secret {
    /// Whether a version that was made then is to be replaced.
    #[must_use]
    pub fn is_due(&self, made: Timestamp, now: Timestamp) -> bool {
        self.rotate.is_some_and(|after| after.expires_at(made) <= now)
    }
}

/// Keys that AWS KMS replaces itself.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kms {
    /// By their names in template.yaml.
    pub keys: Vec<String>,
}

/// Something that people look at again after a while.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Review {
    /// A short name.
    pub id: String,
    /// What is looked at.
    pub what: Bilingual,
    /// After how long again.
    pub every: Retention,
    /// The day it was done last.
    #[serde(deserialize_with = "day")]
    pub last: Date,
}

impl Review {
    /// From when it is overdue: the day, in Paris, that is as long after the last time.
    #[must_use]
    pub fn due(&self) -> Timestamp {
        let done = paris().to_ambiguous_zoned(self.last.at(0, 0, 0, 0)).later().map(|day| day.timestamp());
        done.map_or(Timestamp::MIN, |done| self.every.expires_at(done))
    }
}

/// A local date of TOML.
fn day<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Date, D::Error> {
    let written = toml::value::Datetime::deserialize(from)?;
    written.to_string().parse().map_err(serde::de::Error::custom)
}

/// Why the file is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecurityError {
    /// Not TOML, an unknown word, or a field left out.
    #[error("security file: {0}")]
    Syntax(String),
    /// Not one of the two, or too seldom.
    #[error("security file: `{0}` needs either `rotate`, of 13 months at most, or why it is `kept`")]
    Secret(String),
    /// Too seldom, or it does not say of what.
    #[error("security file: the review `{0}` needs `what` in both languages, and `every` of 12 months at most")]
    Review(String),
}

/// The rules compiled into the binary.
#[must_use]
pub fn current() -> &'static Security {
    &CURRENT
}

/// Reads and checks a file.
///
/// # Errors
/// [`SecurityError`] for a secret that is neither replaced nor said to be kept, and for a review that is too seldom.
pub fn load(text: &str) -> Result<Security, SecurityError> {
    let file: Security = toml::from_str(text).map_err(|error| SecurityError::Syntax(error.to_string()))?;
    for secret in &file.secrets {
        let sound = match (&secret.rotate, &secret.kept) {
            (Some(after), None) => after.never_longer_than(LONGEST_ROTATION),
            (None, Some(why)) => !why.is_blank(),
            _ => false,
        };
        if !sound || secret.holds.is_blank() {
            return Err(SecurityError::Secret(secret.name.clone()));
        }
    }
    let unsound = |review: &&Review| review.what.is_blank() || !review.every.never_longer_than(LONGEST_REVIEW);
    match file.reviews.iter().find(unsound) {
        Some(review) => Err(SecurityError::Review(review.id.clone())),
        None => Ok(file),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        [[secret]]
        name = "Seed"
        holds = { fr = "Graine", en = "Seed" }
        rotate = "90 days"
        [kms]
        keys = ["Key"]
        [[review]]
        id = "all"
        what = { fr = "tout", en = "everything" }
        every = "3 months"
        last = 2026-11-30
    "#;

    #[test]
    fn a53_a_secret_is_replaced_within_thirteen_months_or_says_why_it_is_not() {
        assert!(load(GOOD).is_ok());
        let rotate = r#"rotate = "90 days""#;
        for wrong in [
            "",
            r#"rotate = "14 months""#,
            r#"rotate = "400 days""#,
            r#"kept = { fr = " ", en = " " }"#,
            r#"rotate = "90 days"
               kept = { fr = "a", en = "b" }"#,
        ] {
            let refused = load(&GOOD.replace(rotate, wrong)).unwrap_err();
            assert_eq!(refused, SecurityError::Secret("Seed".into()), "{wrong}");
        }
        assert!(load(&GOOD.replace(rotate, r#"kept = { fr = "a", en = "b" }"#)).is_ok());
        assert!(matches!(load(&GOOD.replace(rotate, r#"rotates = "90 days""#)), Err(SecurityError::Syntax(_))));
        for wrong in [r#"every = "13 months""#, r#"every = "2 years""#] {
            let refused = load(&GOOD.replace(r#"every = "3 months""#, wrong)).unwrap_err();
            assert_eq!(refused, SecurityError::Review("all".into()), "{wrong}");
        }
        assert!(current().secrets.iter().any(|secret| secret.rotate.is_some()));
    }

    #[test]
    fn a53_both_are_due_at_their_second() {
        let rules = load(GOOD).unwrap();
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        // Ninety days of the calendar in Paris, over the night the clock changes.
        let made = at("2027-01-10T11:00:00Z");
        assert!(!rules.secrets[0].is_due(made, at("2027-04-10T09:59:59Z")));
        assert!(rules.secrets[0].is_due(made, at("2027-04-10T10:00:00Z")));
        // Three months after 30 November is the end of February.
        assert_eq!(rules.reviews[0].due(), at("2027-02-27T23:00:00Z"));
    }
}
