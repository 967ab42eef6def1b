//! Every promise of the published policies, whether it is kept, and how that is known.
//!
//! The list is infra/policy/promises.toml. What is known of it is infra/policy/trust/results.json, which
//! `cargo promises --run` and `--mutate` write: nothing here says of itself that a test passed.

mod trust;

use std::{collections::BTreeMap, sync::LazyLock};

use domain::policy::retention::Bilingual;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub(crate) use self::trust::title;
pub use self::trust::{page, summary};

/// What the list says of a promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The behaviour is there.
    Kept,
    /// Some of it is.
    InPart,
    /// It is not.
    NotYet,
}

/// One promise.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Promise {
    /// Its number, such as `A59`.
    pub id: String,
    /// What the list says.
    pub status: Status,
    /// In French.
    pub fr: String,
    /// In English.
    pub en: String,
    /// What is missing, or what one should know.
    #[serde(default)]
    pub note: Option<Bilingual>,
    /// The tests that fail when it is broken.
    #[serde(default)]
    pub tests: Vec<String>,
}

/// How a test ended, the last time it ran.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct TestResult {
    /// Whether it passed.
    pub passed: bool,
    /// When.
    pub at: Timestamp,
    /// On which commit.
    pub commit: String,
}

/// Whether a test noticed that its promise was broken on purpose.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct MutationResult {
    /// Whether it did.
    pub caught: bool,
    /// The test.
    pub test: String,
    /// When.
    pub at: Timestamp,
    /// On which commit.
    pub commit: String,
}

/// What the last runs showed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Results {
    /// By the name of the test.
    pub tests: BTreeMap<String, TestResult>,
    /// By the number of the promise.
    pub mutations: BTreeMap<String, MutationResult>,
}

/// What can be said of a promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The list says so, and each of its tests passed when it last ran.
    Kept,
    /// The list says so, but a test is missing, has not run, or failed.
    NotShown,
    /// The list says that a part is missing.
    InPart,
    /// The list says that it is not there.
    NotYet,
}

/// Every promise, in the order of the list.
#[must_use]
pub fn all() -> &'static [Promise] {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct List {
        promise: Vec<Promise>,
    }
    static ALL: LazyLock<Vec<Promise>> = LazyLock::new(|| {
        let list: List = toml::from_str(include_str!("../../../infra/policy/promises.toml"))
            .expect("a test loads the compiled-in list");
        list.promise
    });
    &ALL
}

/// The results compiled into the binary.
#[must_use]
pub fn results() -> &'static Results {
    static RESULTS: LazyLock<Results> = LazyLock::new(|| {
        serde_json::from_str(include_str!("../../../infra/policy/trust/results.json"))
            .expect("a test loads the compiled-in results")
    });
    &RESULTS
}

impl Promise {
    /// What can be said of it.
    #[must_use]
    pub fn verdict(&self, results: &Results) -> Verdict {
        match self.status {
            Status::NotYet => Verdict::NotYet,
            Status::InPart => Verdict::InPart,
            Status::Kept if self.last_passed(results).is_some() => Verdict::Kept,
            Status::Kept => Verdict::NotShown,
        }
    }

    /// Since when all of its tests are known to have passed: the time of the oldest of their last runs.
    /// `None` when it has none, or when one failed or has not run.
    #[must_use]
    pub fn last_passed(&self, results: &Results) -> Option<Timestamp> {
        let passed = self.tests.iter().map(|test| results.tests.get(test).filter(|result| result.passed));
        let times: Option<Vec<Timestamp>> = passed.map(|result| result.map(|result| result.at)).collect();
        times?.into_iter().min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn promise(status: Status, tests: &[&str]) -> Promise {
        let tests = tests.iter().map(|&name| name.to_owned()).collect();
        Promise { id: "A1".into(), status, fr: "a".into(), en: "b".into(), note: None, tests }
    }

    #[test]
    fn a_promise_is_kept_only_when_each_of_its_tests_passed() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let ran = |passed, second| TestResult { passed, at: at(second), commit: "c".into() };
        let tests =
            [("good".to_owned(), ran(true, 2)), ("old".to_owned(), ran(true, 1)), ("bad".to_owned(), ran(false, 3))];
        let results = Results { tests: tests.into(), ..Results::default() };
        for (status, tests, verdict, passed) in [
            (Status::Kept, &["good", "old"][..], Verdict::Kept, Some(at(1))),
            (Status::Kept, &["good", "bad"], Verdict::NotShown, None),
            (Status::Kept, &["good", "never run"], Verdict::NotShown, None),
            (Status::Kept, &[], Verdict::NotShown, None),
            (Status::InPart, &["good"], Verdict::InPart, Some(at(2))),
            (Status::NotYet, &[], Verdict::NotYet, None),
        ] {
            let promise = promise(status, tests);
            assert_eq!(promise.verdict(&results), verdict, "{tests:?}");
            assert_eq!(promise.last_passed(&results), passed, "{tests:?}");
        }
    }

    #[test]
    fn the_list_is_whole_and_in_order() {
        let ids: Vec<&str> = all().iter().map(|promise| promise.id.as_str()).collect();
        let expected: Vec<String> = (1..=82).map(|number| format!("A{number}")).collect();
        assert_eq!(ids, expected);
        for promise in all() {
            assert!(!promise.fr.trim().is_empty() && !promise.en.trim().is_empty(), "{}", promise.id);
            assert!(promise.note.as_ref().is_none_or(|note| !note.is_blank()), "{}", promise.id);
        }
        let _ = results();
    }
}
