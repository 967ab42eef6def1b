//! Titles and versions of every legal document: infra/policy/legal/versions.toml, loaded and checked.

use std::collections::BTreeMap;

use domain::{
    Timestamp,
    policy::retention::{Bilingual, Retention, day_begins},
};
use jiff::civil::Date;
use serde::Deserialize;

/// One published version of a document. Its text never changes again.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Version {
    /// Its name, such as `1.0`.
    pub version: String,
    /// From when it is public.
    pub announced: Date,
    /// From when it applies.
    pub effective: Date,
    /// Whether it changes what people may expect: such a version is announced by mail, long enough before
    /// (A56), and what was accepted before it has to be accepted anew (A57).
    #[serde(default)]
    pub material: bool,
    /// Whether it only says better what was so before: whoever is added or replaced is a material change (A23).
    #[serde(default)]
    pub clarifies: bool,
    /// SHA-256 of its text, the French file followed by the English one.
    pub sha256: String,
    /// What it changes.
    pub change: Bilingual,
}

impl Version {
    /// Whether anybody may know of it.
    #[must_use]
    pub fn is_public(&self, now: Timestamp) -> bool {
        day_begins(self.announced) <= now
    }

    /// Whether it applies, or has applied.
    #[must_use]
    pub fn has_begun(&self, now: Timestamp) -> bool {
        day_begins(self.effective) <= now
    }
}

/// One document with its versions, the newest first.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    pub(super) title: Bilingual,
    pub(super) versions: Vec<Version>,
}

impl Document {
    /// What applies at `now`; `None` before the first version does.
    pub(super) fn in_force(&self, now: Timestamp) -> Option<&Version> {
        self.versions.iter().find(|version| version.has_begun(now))
    }

    /// What is announced and does not apply yet, the next to apply first.
    pub(super) fn coming(&self, now: Timestamp) -> impl Iterator<Item = &Version> {
        self.versions.iter().rev().filter(move |version| version.is_public(now) && !version.has_begun(now))
    }

    /// The public version of this name.
    pub(super) fn public(&self, version: &str, now: Timestamp) -> Option<&Version> {
        self.versions.iter().find(|known| known.version == version && known.is_public(now))
    }

    /// The oldest version whose acceptance is enough at `now`: the newest in force that changed something
    /// material, or the first of all.
    pub(super) fn oldest_enough(&self, now: Timestamp) -> Option<&Version> {
        let mut begun = self.versions.iter().filter(|version| version.has_begun(now)).peekable();
        let mut enough = None;
        while let Some(version) = begun.next() {
            enough = Some(version);
            if version.material && begun.peek().is_some() {
                break;
            }
        }
        enough
    }

    /// Whether whoever has accepted this version has nothing to accept at `now`.
    pub(super) fn is_settled(&self, accepted: Option<&str>, now: Timestamp) -> bool {
        let Some(enough) = self.oldest_enough(now) else { return true };
        let place = |name: &str| self.versions.iter().position(|version| version.version == name);
        accepted.and_then(place).is_some_and(|accepted| Some(accepted) <= place(&enough.version))
    }
}

/// Why a register of versions is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VersionsError {
    /// Not TOML, an unknown word, or a field left out.
    #[error("versions file: {0}")]
    Syntax(String),
    /// A title or a change that says nothing, or no version at all.
    #[error("versions file: `{0}` needs a title, and versions that say what they change, in both languages")]
    Blank(String),
    /// The versions of a document are not a history.
    #[error(
        "versions file: `{document}` {version} must have a name of its own, apply after the version before it, and not \
         before it is announced"
    )]
    Order {
        /// The document.
        document: String,
        /// The version.
        version: String,
    },
    /// A material change that comes too soon (A56).
    #[error(
        "versions file: `{document}` {version} is a material change and applies less than {notice} after it is announced"
    )]
    TooSoon {
        /// The document.
        document: String,
        /// The version.
        version: String,
        /// What is promised.
        notice: Retention,
    },
    /// A version of the list of sub-processors that is no material change, and does not say that it adds nobody (A23).
    #[error("versions file: `{SUBPROCESSORS}` {0} adds or replaces somebody, which is material, or clarifies")]
    Silent(String),
}

/// The document of which every addition is announced as a material change is (A23).
pub(super) const SUBPROCESSORS: &str = "subprocessors";

/// Every document by its name.
pub(super) type Register = BTreeMap<String, Document>;

/// Reads and checks a register. `notice` is the time promised between a material change and its announcement.
///
/// # Errors
/// [`VersionsError`] names the first thing wrong.
pub(super) fn load(text: &str, notice: Retention) -> Result<Register, VersionsError> {
    let register: Register = toml::from_str(text).map_err(|e| VersionsError::Syntax(e.to_string()))?;
    for (name, document) in &register {
        check(name, document, notice)?;
    }
    Ok(register)
}

fn check(name: &str, document: &Document, notice: Retention) -> Result<(), VersionsError> {
    let says_nothing = document.versions.iter().any(|version| version.change.is_blank() || version.version.is_empty());
    if document.title.is_blank() || document.versions.is_empty() || says_nothing {
        return Err(VersionsError::Blank(name.to_owned()));
    }
    for (place, version) in document.versions.iter().enumerate() {
        let (document_name, number) = (name.to_owned(), version.version.clone());
        let before = document.versions.get(place + 1);
        let is_named_anew = document.versions[place + 1..].iter().all(|older| older.version != version.version);
        let follows =
            before.is_none_or(|before| version.effective > before.effective && version.announced >= before.announced);
        if !is_named_anew || !follows || version.effective < version.announced {
            return Err(VersionsError::Order { document: document_name, version: number });
        }
        if name == SUBPROCESSORS && before.is_some() && version.material == version.clarifies {
            return Err(VersionsError::Silent(number));
        }
        let earliest = notice.expires_at(day_begins(version.announced));
        if before.is_some() && version.material && day_begins(version.effective) < earliest {
            return Err(VersionsError::TooSoon { document: document_name, version: number, notice });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTICE: Retention = Retention::Days(30);

    fn entry(version: &str, announced: &str, effective: &str, material: bool) -> String {
        format!(
            "[[terms.versions]]\nversion = \"{version}\"\nannounced = \"{announced}\"\neffective = \"{effective}\"\n\
             material = {material}\nsha256 = \"\"\nchange = {{ fr = \"a\", en = \"b\" }}\n"
        )
    }

    fn file(versions: &[String]) -> String {
        format!("[terms]\ntitle = {{ fr = \"a\", en = \"b\" }}\n{}", versions.concat())
    }

    fn history(versions: &[String]) -> Document {
        load(&file(versions), NOTICE).unwrap().remove("terms").unwrap()
    }

    fn at(day: &str) -> Timestamp {
        day_begins(day.parse().unwrap())
    }

    /// 1.0, a material 2.0, a correction 2.1, and a material 3.0 to come.
    fn four() -> Document {
        history(&[
            entry("3.0", "2028-01-01", "2028-03-01", true),
            entry("2.1", "2027-06-01", "2027-06-01", false),
            entry("2.0", "2027-01-01", "2027-02-01", true),
            entry("1.0", "2026-01-01", "2026-01-01", false),
        ])
    }

    #[test]
    fn a23_a_new_list_of_subprocessors_is_material_or_adds_nobody() {
        let versions = |what: &str| {
            let file = file(&[
                entry("1.1", "2026-02-01", "2026-04-01", false).replace("material = false", what),
                entry("1.0", "2026-01-01", "2026-01-01", false),
            ]);
            load(&file.replace("terms", SUBPROCESSORS), NOTICE).map(|_| ())
        };
        assert_eq!(versions("material = true"), Ok(()));
        assert_eq!(versions("clarifies = true"), Ok(()));
        for silent in ["", "material = true\nclarifies = true"] {
            assert_eq!(versions(silent), Err(VersionsError::Silent("1.1".to_owned())), "{silent}");
        }
    }

    #[test]
    fn a56_a_material_change_with_less_notice_than_promised_is_refused() {
        let first = entry("1.0", "2026-01-01", "2026-01-01", true);
        for (effective, material, good) in [
            ("2027-01-30", true, false),
            ("2027-01-31", true, true),
            ("2027-01-02", false, true),
            ("2026-12-31", false, false),
        ] {
            let loaded = load(&file(&[entry("2.0", "2027-01-01", effective, material), first.clone()]), NOTICE);
            assert_eq!(loaded.is_ok(), good, "{effective}: {loaded:?}");
        }
        // Months that begin in winter and end in summer: days are those of the calendar.
        let spring = |effective| load(&file(&[entry("2.0", "2027-03-01", effective, true), first.clone()]), NOTICE);
        assert!(matches!(spring("2027-03-30"), Err(VersionsError::TooSoon { .. })));
        assert!(spring("2027-03-31").is_ok());
    }

    #[test]
    fn a56_the_old_text_stays_until_the_second_the_new_one_applies() {
        let document = four();
        let seconds = |day: &str, more: i64| at(day) + jiff::SignedDuration::from_secs(more);
        let in_force = |now| document.in_force(now).map(|version| version.version.clone());
        assert_eq!(in_force(seconds("2026-01-01", -1)), None);
        assert_eq!(in_force(seconds("2027-02-01", -1)).as_deref(), Some("1.0"));
        assert_eq!(in_force(seconds("2027-02-01", 0)).as_deref(), Some("2.0"));
        let coming = |now| document.coming(now).map(|version| version.version.clone()).collect::<Vec<_>>();
        assert_eq!(coming(seconds("2027-01-01", -1)), [""; 0]);
        assert_eq!(coming(seconds("2027-01-01", 0)), ["2.0"]);
        assert_eq!(coming(seconds("2027-02-01", 0)), [""; 0]);
        assert!(document.public("3.0", seconds("2028-01-01", -1)).is_none(), "nobody knows of it yet");
        assert!(document.public("3.0", seconds("2028-01-01", 0)).is_some());
        assert!(document.public("1.0", seconds("2030-01-01", 0)).is_some(), "old versions stay");
    }

    #[test]
    fn a57_what_was_accepted_before_a_material_change_is_asked_for_again() {
        let document = four();
        for (now, accepted, settled) in [
            ("2025-12-31", None, true),
            ("2026-01-01", None, false),
            ("2026-01-01", Some("1.0"), true),
            ("2027-01-31", Some("1.0"), true),
            ("2027-02-01", Some("1.0"), false),
            ("2027-02-01", Some("2.0"), true),
            ("2027-06-01", Some("2.0"), true),
            ("2027-06-01", Some("1.0"), false),
            ("2027-06-01", Some("9.9"), false),
            // Accepted ahead of time.
            ("2028-01-15", Some("3.0"), true),
            ("2028-03-01", Some("3.0"), true),
            ("2028-03-01", Some("2.1"), false),
        ] {
            assert_eq!(document.is_settled(accepted, at(now)), settled, "{accepted:?} on {now}");
        }
    }

    #[test]
    fn a58_versions_are_a_history() {
        let one = entry("1.0", "2026-01-01", "2026-01-01", false);
        for wrong in [
            vec![one.clone(), one.clone()],
            vec![entry("1.0", "2027-01-01", "2027-01-01", false), one.clone()],
            vec![entry("2.0", "2025-01-01", "2027-01-01", false), one.clone()],
            vec![entry("2.0", "2025-01-01", "2025-01-01", false), one.clone()],
            vec![entry("1.0", "2026-01-02", "2026-01-01", false)],
        ] {
            assert!(matches!(load(&file(&wrong), NOTICE), Err(VersionsError::Order { .. })), "{wrong:?}");
        }
        assert!(matches!(
            load(&file(&[one.replace("en = \"b\"", "en = \" \"")]), NOTICE),
            Err(VersionsError::Blank(_))
        ));
        assert!(matches!(load("[terms]\ntitle = 1", NOTICE), Err(VersionsError::Syntax(_))));
    }
}
