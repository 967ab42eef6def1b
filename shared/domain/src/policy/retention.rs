//! What is kept, how long, and when it is due: infra/policy/policy.toml, loaded and checked.

use std::{collections::BTreeMap, sync::LazyLock};

use jiff::{Timestamp, civil::Date};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

pub use super::{
    calendar::{NotAPeriod, NotAYearEnd, Retention, TIME_ZONE, YearEnd, day_begins, is_due, ttl},
    register::{Action, Basis, Bilingual, Class, Clock, Rule, SeenBy, State, Store},
};

/// A justification shorter than this justifies nothing.
const SHORTEST_JUSTIFICATION: usize = 40;
/// Words of it, at least.
const FEWEST_WORDS: usize = 6;

/// Fewer workspaces than these make no anonymous count.
const LEAST_ANONYMOUS: u64 = 10;

static CURRENT: LazyLock<Policy> = LazyLock::new(|| {
    Policy::load(include_str!("../../../../infra/policy/policy.toml")).expect("a test loads the compiled-in policy")
});

/// Why a policy file is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// Not TOML, or an unknown class, clock, action, basis, store, reader or field.
    #[error("policy file: {0}")]
    Syntax(String),
    /// A class of data without a rule.
    #[error("policy file: no rule for `{0}`")]
    Missing(&'static str),
    /// A rule with an empty label, purpose, reader, store or promise.
    #[error("policy file: `{class}` has no {what}")]
    Blank {
        /// The class.
        class: &'static str,
        /// What is empty.
        what: &'static str,
    },
    /// Workspaces choose in months, so the policy for prospects must be whole months, below 256.
    #[error("policy file: `prospect` and `own_lead` must keep whole months, not {0}")]
    NotMonths(Retention),
    /// Whoever has to act in time is reminded so often.
    #[error("policy file: `{what}` has {given} periods, not the {promised} that were promised")]
    Reminders {
        /// The list.
        what: &'static str,
        /// How many it has.
        given: usize,
        /// How many it has to have.
        promised: usize,
    },
    /// Longer than published, without a written justification.
    #[error("policy file: `{what}` keeps {keep}, longer than the published {ceiling}, and records no justification")]
    TooLong {
        /// The class or promise.
        what: &'static str,
        /// The period asked for.
        keep: Retention,
        /// The longest published.
        ceiling: Retention,
    },
    /// A count of so few workspaces could be about one of them.
    #[error("policy file: statistics of {given} workspaces are not anonymous, {least} are the least")]
    TooFew {
        /// What is asked for.
        given: u64,
        /// What anonymity takes.
        least: u64,
    },
    /// Asks at the end for what nothing carries out.
    #[error("policy file: `{class}` cannot be anything but deleted at its end: nothing does otherwise yet")]
    NotCarriedOut {
        /// The class.
        class: &'static str,
    },
    /// Counts from another event than what carries it out.
    #[error("policy file: `{class}` is counted from `{given:?}`, and what deletes it counts from `{carried_out:?}`")]
    WrongClock {
        /// The class.
        class: &'static str,
        /// The event asked for.
        given: Clock,
        /// The event that the code goes by.
        carried_out: Clock,
    },
    /// Whoever has to act would be warned after the end.
    #[error("policy file: `{class}` warns {alert}, and keeps no longer than {keep}")]
    LateAlert {
        /// The class.
        class: &'static str,
        /// How long before the end it warns.
        alert: Retention,
        /// The period.
        keep: Retention,
    },
    /// Anybody may see what is no public key.
    #[error("policy file: `{class}` cannot be for anybody to see")]
    Public {
        /// The class.
        class: &'static str,
    },
    /// Reminders that do not come one after the other.
    #[error("policy file: `{what}` has reminders that do not come one after the other")]
    Disordered {
        /// Which reminders.
        what: &'static str,
    },
    /// So short that a promise would be broken.
    #[error("policy file: `{what}` keeps {keep}, shorter than the promised {floor}")]
    TooShort {
        /// The class or promise.
        what: &'static str,
        /// The period asked for.
        keep: Retention,
        /// The shortest that keeps the promise.
        floor: Retention,
    },
}

/// A workspace asked for more months than the policy allows, or for none (A72).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("prospects can be kept 1 to {most} months, not {asked}")]
pub struct MonthsRefused {
    /// What the workspace asked for.
    pub asked: u16,
    /// The longest allowed.
    pub most: u8,
}

/// Periods promised to everybody, beside those of the classes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Promises {
    /// Longest time between the end of a period and the run that acts on it.
    pub purge_lag: Retention,
    /// Longest time to answer a request about one's rights (A47).
    pub rights_answer: Retention,
    /// Shortest notice of a material change of a legal text (A56).
    pub policy_change_notice: Retention,
    /// How much longer an answer may take when the person is told why in time (A47).
    pub rights_extension: Retention,
    /// When whoever has to answer is reminded, one after the other (A75).
    pub rights_reminders: Vec<Retention>,
    /// How long an access of staff is open once it is approved (A18).
    pub staff_access: Retention,
    /// How long one that was asked for waits for approval.
    pub staff_ask: Retention,
    /// Longest time to tell the authority of a breach (A54).
    pub breach_notice: Retention,
    /// When whoever has to tell it is reminded, one after the other.
    pub breach_reminders: Vec<Retention>,
}

/// How the operator keeps its books.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Accounting {
    /// The last day of its accounting year.
    year_ends: YearEnd,
}

/// When a count of events is anonymous.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Anonymity {
    /// How many workspaces contribute to it, at least (A16).
    fewest_workspaces: u64,
}

/// What the record of processing activities says of every class alike.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Common {
    /// What protects the data.
    security: Bilingual,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    promises: Promises,
    statistics: Anonymity,
    accounting: Accounting,
    record: Common,
    class: BTreeMap<Class, Rule>,
}

/// The retention policy: complete, within the published limits.
#[derive(Clone, Debug)]
pub struct Policy {
    promises: Promises,
    statistics: Anonymity,
    accounting: Accounting,
    record: Common,
    rules: BTreeMap<Class, Rule>,
    fingerprint: String,
}

impl Policy {
    /// The policy compiled into the binary.
    #[must_use]
    pub fn current() -> &'static Self {
        &CURRENT
    }

    /// Reads and checks a policy file.
    ///
    /// # Errors
    /// [`PolicyError`] names the first thing wrong: syntax or an unknown word, a class without a
    /// rule, something blank, a period beyond its ceiling without a written justification, or one
    /// too short to keep a promise.
    pub fn load(text: &str) -> Result<Self, PolicyError> {
        let file: File = toml::from_str(text).map_err(|e| PolicyError::Syntax(e.to_string()))?;
        check_promises(&file.promises)?;
        let given = file.statistics.fewest_workspaces;
        if given < LEAST_ANONYMOUS {
            return Err(PolicyError::TooFew { given, least: LEAST_ANONYMOUS });
        }
        for &class in Class::ALL {
            let rule = file.class.get(&class).ok_or(PolicyError::Missing(class.key()))?;
            check_blank(class, rule)?;
            check_end(class, rule)?;
            check_meaning(class, rule)?;
            check_limits(class, rule)?;
        }
        // They are stored alike, and go alike.
        let keep = |class: Class| file.class[&class].keep;
        at_most(Class::OwnLead.key(), keep(Class::OwnLead), keep(Class::Prospect))?;
        let fingerprint = hex::encode(Sha256::digest(text));
        if file.record.security.is_blank() {
            return Err(PolicyError::Blank { class: "record", what: "security in both languages" });
        }
        let File { promises, statistics, accounting, record, class: rules } = file;
        Ok(Self { promises, statistics, accounting, record, rules, fingerprint })
    }

    /// The rule of one class.
    #[must_use]
    pub fn rule(&self, class: Class) -> &Rule {
        &self.rules[&class] // `load` refuses a policy without every class
    }

    /// How long one class is kept.
    #[must_use]
    pub fn keep(&self, class: Class) -> Retention {
        self.rule(class).keep
    }

    /// Periods promised to everybody.
    #[must_use]
    pub fn promises(&self) -> &Promises {
        &self.promises
    }

    /// How many workspaces contribute to a count of the statistics of use, at least (A16).
    #[must_use]
    pub const fn fewest_workspaces(&self) -> u64 {
        self.statistics.fewest_workspaces
    }

    /// What protects the data (article 32 GDPR).
    #[must_use]
    pub fn security(&self) -> &Bilingual {
        &self.record.security
    }

    /// SHA-256 of the file, in hexadecimal: which policy a statement was made under.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// When something of `class` whose clock started at `start` is due. For prospects take
    /// [`Policy::prospect_expiry`], which knows both of their clocks.
    #[must_use]
    pub fn expiry(&self, class: Class, start: Timestamp) -> Timestamp {
        self.keep(class).expires_at(start)
    }

    /// The longest a workspace may keep its prospects, in months (A72).
    #[must_use]
    pub fn most_prospect_months(&self) -> u8 {
        months_of(self.rule(Class::Prospect)).expect("`load` refuses anything else")
    }

    /// How long the operator keeps its own leads, in months (A35): the prospects of its own workspace.
    #[must_use]
    pub fn own_lead_months(&self) -> u8 {
        months_of(self.rule(Class::OwnLead)).expect("`load` refuses anything else")
    }

    /// Checks the months a workspace chooses for its prospects: less than the policy, never more.
    ///
    /// # Errors
    /// [`MonthsRefused`] for zero and for more than [`Policy::most_prospect_months`].
    pub fn prospect_months(&self, asked: u16) -> Result<u8, MonthsRefused> {
        let most = self.most_prospect_months();
        match u8::try_from(asked) {
            Ok(months) if (1..=most).contains(&months) => Ok(months),
            _ => Err(MonthsRefused { asked, most }),
        }
    }

    /// When a prospect is due (A72, A73): months after the later of the day of collection and the
    /// prospect's own last contact. A workspace's choice shortens the period and never lengthens it,
    /// even one stored before the policy became shorter.
    #[must_use]
    pub fn prospect_expiry(
        &self,
        collected_on: Date,
        last_contact: Option<Timestamp>,
        workspace_months: Option<u8>,
    ) -> Timestamp {
        let most = self.most_prospect_months();
        let months = workspace_months.map_or(most, |m| m.clamp(1, most));
        let collected = day_begins(collected_on);
        let start = last_contact.map_or(collected, |contact| contact.max(collected));
        Retention::Months(u32::from(months)).expires_at(start)
    }

    /// When a prospect that nobody has informed is due (A69): counted from the later of collection
    /// and entry into the service.
    #[must_use]
    pub fn notice_deadline(&self, collected_on: Date, entered: Timestamp) -> Timestamp {
        self.expiry(Class::UninformedProspect, day_begins(collected_on).max(entered))
    }

    /// From when the workspace is alerted of a coming [`Policy::notice_deadline`].
    #[must_use]
    pub fn notice_alert(&self, deadline: Timestamp) -> Timestamp {
        self.rule(Class::UninformedProspect).alert_before.map_or(deadline, |lead| lead.before(deadline))
    }

    /// When an opt-out is due (A61): after the objection, or after the last import that it blocked (K9).
    #[must_use]
    pub fn suppression_expiry(&self, objected_or_blocked: Timestamp) -> Timestamp {
        self.expiry(Class::Suppression, objected_or_blocked)
    }

    /// When an objection to the operator's news is due (A14): after it, or after the last news kept from the member.
    #[must_use]
    pub fn news_objection_expiry(&self, objected_or_kept_from: Timestamp) -> Timestamp {
        self.expiry(Class::NewsObjection, objected_or_kept_from)
    }

    /// When a closed account is due, with everything of it (A29, A74).
    #[must_use]
    pub fn closed_account_expiry(&self, closed_at: Timestamp) -> Timestamp {
        self.expiry(Class::Account, closed_at)
    }

    /// When a sign-up that was not confirmed is due.
    #[must_use]
    pub fn unverified_signup_expiry(&self, requested_at: Timestamp) -> Timestamp {
        self.expiry(Class::UnverifiedSignup, requested_at)
    }

    /// When an invoice of `dated` is due (A31, K12): counted from the close of its accounting year, so that
    /// everything of one year is due at once.
    #[must_use]
    pub fn billing_expiry(&self, dated: Timestamp) -> Timestamp {
        self.expiry(Class::Billing, self.accounting.year_ends.close_of_year(dated))
    }

    /// When an uploaded file is due.
    #[must_use]
    pub fn upload_expiry(&self, uploaded_at: Timestamp) -> Timestamp {
        self.expiry(Class::Upload, uploaded_at)
    }

    /// When the report of an import's refused lines is due.
    #[must_use]
    pub fn import_report_expiry(&self, finished_at: Timestamp) -> Timestamp {
        self.expiry(Class::ImportReport, finished_at)
    }

    /// When an entry of the security log is due (A32).
    #[must_use]
    pub fn security_log_expiry(&self, recorded_at: Timestamp) -> Timestamp {
        self.expiry(Class::SecurityLog, recorded_at)
    }

    /// When the evidence of a service message is due (A36).
    #[must_use]
    pub fn mail_evidence_expiry(&self, sent_at: Timestamp) -> Timestamp {
        self.expiry(Class::MailEvidence, sent_at)
    }

    /// When what is kept of an answered request is due.
    #[must_use]
    pub fn rights_request_expiry(&self, answered_at: Timestamp) -> Timestamp {
        self.expiry(Class::RightsRequest, answered_at)
    }

    /// When what is kept of a closed case of abuse is due (A71).
    #[must_use]
    pub fn abuse_case_expiry(&self, closed_at: Timestamp) -> Timestamp {
        self.expiry(Class::AbuseCase, closed_at)
    }

    /// When the record of a purge run is due.
    #[must_use]
    pub fn purge_record_expiry(&self, recorded_at: Timestamp) -> Timestamp {
        self.expiry(Class::PurgeRecord, recorded_at)
    }
}

/// [`Policy::prospect_expiry`] under the compiled-in policy, for a workspace that chose `months`.
#[must_use]
pub fn prospect_expiry(collected_on: Date, last_contact: Option<Timestamp>, months: u8) -> Timestamp {
    Policy::current().prospect_expiry(collected_on, last_contact, Some(months))
}

fn months_of(rule: &Rule) -> Option<u8> {
    rule.keep.months().and_then(|months| u8::try_from(months).ok())
}

fn check_promises(promises: &Promises) -> Result<(), PolicyError> {
    at_most("purge_lag", promises.purge_lag, Retention::Hours(24))?;
    at_most("rights_answer", promises.rights_answer, Retention::Days(30))?;
    at_most("rights_extension", promises.rights_extension, Retention::Months(2))?;
    let latest = [Retention::Days(2), Retention::Days(7), Retention::Days(20)];
    check_reminders("rights_reminders", &promises.rights_reminders, &latest)?;
    at_most("breach_notice", promises.breach_notice, Retention::Hours(72))?;
    let latest = [Retention::Hours(24), Retention::Hours(48)];
    check_reminders("breach_reminders", &promises.breach_reminders, &latest)?;
    at_most("staff_access", promises.staff_access, Retention::Hours(1))?;
    at_most("staff_ask", promises.staff_ask, Retention::Hours(24))?;
    at_least("policy_change_notice", promises.policy_change_notice, Retention::Days(30))
}

fn check_reminders(what: &'static str, given: &[Retention], latest: &[Retention]) -> Result<(), PolicyError> {
    if given.len() != latest.len() {
        return Err(PolicyError::Reminders { what, given: given.len(), promised: latest.len() });
    }
    if given.windows(2).any(|pair| pair[1].never_longer_than(pair[0])) {
        return Err(PolicyError::Disordered { what });
    }
    given.iter().zip(latest).try_for_each(|(reminder, latest)| at_most(what, *reminder, *latest))
}

/// The purge deletes. What is not in the product may say what it will do.
fn check_end(class: Class, rule: &Rule) -> Result<(), PolicyError> {
    let carried_out = rule.at_end == Action::Delete || !rule.is_in_the_product();
    if carried_out { Ok(()) } else { Err(PolicyError::NotCarriedOut { class: class.key() }) }
}

/// What else the code goes by: a rule that says something else would be a page that nothing follows.
fn check_meaning(class: Class, rule: &Rule) -> Result<(), PolicyError> {
    let (carried_out, key) = (class.clock(), class.key());
    if rule.clock != carried_out {
        return Err(PolicyError::WrongClock { class: key, given: rule.clock, carried_out });
    }
    if class != Class::PublicKey && rule.seen_by.contains(&SeenBy::Anybody) {
        return Err(PolicyError::Public { class: key });
    }
    match rule.alert_before {
        Some(alert) if rule.keep.never_longer_than(alert) => {
            Err(PolicyError::LateAlert { class: key, alert, keep: rule.keep })
        }
        _ => Ok(()),
    }
}

fn check_blank(class: Class, rule: &Rule) -> Result<(), PolicyError> {
    let blanks = [
        ("label in both languages", rule.label.is_blank()),
        ("purpose in both languages", rule.purpose.is_blank()),
        ("reader (write \"nobody\")", rule.seen_by.is_empty()),
        ("store", rule.stores.is_empty() && rule.is_in_the_product()),
        ("promise", rule.promises.is_empty() || rule.promises.iter().any(|id| id.trim().is_empty())),
    ];
    match blanks.into_iter().find(|(_, blank)| *blank) {
        Some((what, _)) => Err(PolicyError::Blank { class: class.key(), what }),
        None => Ok(()),
    }
}

fn check_limits(class: Class, rule: &Rule) -> Result<(), PolicyError> {
    if matches!(class, Class::Prospect | Class::OwnLead) && months_of(rule).is_none() {
        return Err(PolicyError::NotMonths(rule.keep));
    }
    at_least(class.key(), rule.keep, class.floor())?;
    let enough = |text: &str| {
        text.trim().chars().count() >= SHORTEST_JUSTIFICATION && text.split_whitespace().count() >= FEWEST_WORDS
    };
    let justified = rule.justification.as_ref().is_some_and(|reason| enough(&reason.fr) && enough(&reason.en));
    if justified {
        return Ok(());
    }
    at_most(class.key(), rule.keep, class.ceiling())
}

fn at_most(what: &'static str, keep: Retention, ceiling: Retention) -> Result<(), PolicyError> {
    if keep.never_longer_than(ceiling) {
        return Ok(());
    }
    Err(PolicyError::TooLong { what, keep, ceiling })
}

fn at_least(what: &'static str, keep: Retention, floor: Retention) -> Result<(), PolicyError> {
    if floor.never_longer_than(keep) {
        return Ok(());
    }
    Err(PolicyError::TooShort { what, keep, floor })
}

#[cfg(test)]
#[path = "boundary_tests.rs"]
mod boundaries;
#[cfg(test)]
#[path = "retention_tests.rs"]
mod tests;
