use jiff::{Timestamp, ToSpan as _, civil::Date, tz::TimeZone};
use proptest::prelude::*;

use super::*;

const FILE: &str = include_str!("../../../../infra/policy/policy.toml");

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

/// The compiled-in policy with one class's `keep` replaced.
fn with_keep(class: Class, keep: &str) -> String {
    edit(class, |line| if line.starts_with("keep = ") { format!("keep = \"{keep}\"") } else { line.to_owned() })
}

/// The compiled-in policy with the lines of one class passed through `f`.
fn edit(class: Class, f: impl Fn(&str) -> String) -> String {
    let header = format!("[class.{}]", class.key());
    let mut inside = false;
    let mut out = String::new();
    for line in FILE.lines() {
        if line.starts_with('[') {
            inside = line == header;
        }
        out += &if inside { f(line) } else { line.to_owned() };
        out.push('\n');
    }
    assert_ne!(out.trim_end(), FILE.trim_end(), "the edit changed nothing");
    out
}

fn without(line: &str, prefix: &str) -> String {
    if line.starts_with(prefix) { String::new() } else { line.to_owned() }
}

#[test]
fn a13_every_class_has_purpose_basis_period_clock_action_readers_and_stores() {
    let policy = Policy::load(FILE).unwrap();
    for &class in Class::ALL {
        assert!(!policy.rule(class).purpose.is_blank(), "{class:?}");
        for field in [
            "label = ",
            "purpose = ",
            "basis = ",
            "keep = ",
            "clock = ",
            "at_end = ",
            "seen_by = ",
            "stores = ",
            "promises = ",
        ] {
            let error = Policy::load(&edit(class, |line| without(line, field))).unwrap_err();
            assert!(matches!(error, PolicyError::Syntax(_)), "{class:?} without {field}: {error}");
        }
    }
}

#[test]
fn a13_a_missing_class_is_refused() {
    for &class in Class::ALL {
        let text = edit(class, |_| String::new());
        assert_eq!(Policy::load(&text).unwrap_err(), PolicyError::Missing(class.key()));
    }
}

#[test]
fn a13_unknown_words_are_refused() {
    for (known, unknown) in [
        ("clock = \"objected_or_blocked\"", "clock = \"someday\""),
        ("at_end = \"delete\"", "at_end = \"forget\""),
        ("basis = \"legal_obligation\"", "basis = \"habit\""),
        ("stores = [\"suppressions\"]", "stores = [\"drawer\"]"),
        ("seen_by = [\"workspace_members\"]", "seen_by = [\"everybody\"]"),
        ("[class.suppression]", "[class.supression]"),
        ("keep = \"3 years\"", "keep = \"3 moons\""),
        ("keep = \"3 years\"", "keep = \"0 years\""),
        ("keep = \"3 years\"", "keep = \"3000 years\""),
        ("keep = \"3 years\"", "keep = \"3 years\"\nceiling = \"9 years\""),
    ] {
        let text = edit(Class::Suppression, |line| if line == known { unknown.to_owned() } else { line.to_owned() });
        let error = Policy::load(&text).unwrap_err();
        assert!(matches!(error, PolicyError::Syntax(_)), "{unknown}: {error}");
    }
}

#[test]
fn a13_a_blank_purpose_is_refused_in_either_language() {
    for blank in ["{ fr = \"\", en = \"x\" }", "{ fr = \"x\", en = \"  \" }"] {
        let text = edit(Class::Upload, |line| {
            if line.starts_with("purpose = ") { format!("purpose = {blank}") } else { line.to_owned() }
        });
        assert_eq!(
            Policy::load(&text).unwrap_err(),
            PolicyError::Blank { class: "upload", what: "purpose in both languages" }
        );
    }
}

#[test]
fn a73_a_period_beyond_the_published_one_is_refused_without_a_written_justification() {
    for (class, keep) in [
        (Class::Prospect, "37 months"),
        (Class::Prospect, "4 years"),
        (Class::Suppression, "37 months"),
        (Class::Account, "31 days"),
        (Class::Account, "2 months"),
        (Class::Limiter, "25 hours"),
        (Class::Limiter, "1 days"), // 25 hours long when the clocks go back
        (Class::TechnicalLog, "366 days"),
        (Class::TechnicalLog, "1 years"), // 366 days long in a leap year
        (Class::Backup, "91 days"),
        (Class::UninformedProspect, "31 days"),
        (Class::Billing, "11 years"),
        (Class::Ticket, "37 months"),
        (Class::OwnLead, "4 years"),
        (Class::IdentityCopy, "31 days"),
        (Class::InboundMail, "8 days"),
        (Class::PointInTimeBackup, "36 days"),
    ] {
        let text = with_keep(class, keep);
        assert_eq!(
            Policy::load(&text).unwrap_err(),
            PolicyError::TooLong { what: class.key(), keep: keep.parse().unwrap(), ceiling: class.ceiling() }
        );
        let why = |reason: &str| {
            text.replace(
                &format!("[class.{}]", class.key()),
                &format!("[class.{}]\njustification = {{ fr = \"{reason}\", en = \"{reason}\" }}", class.key()),
            )
        };
        assert!(Policy::load(&why("because")).is_err(), "one word justifies nothing");
        assert!(Policy::load(&why(&" ".repeat(80))).is_err());
        assert!(Policy::load(&why(&"x".repeat(80))).is_err(), "nor does one that is long");
        // Leads are stored as prospects are, so those would have to be kept as long.
        let justified = Policy::load(&why(&"A reason that lawyers have read. ".repeat(3)));
        assert_eq!(justified.is_ok(), class != Class::OwnLead);
    }
}

#[test]
fn a61_an_opt_out_cannot_be_forgotten_early() {
    let error = Policy::load(&with_keep(Class::Suppression, "35 months")).unwrap_err();
    assert!(matches!(error, PolicyError::TooShort { what: "suppression", .. }));
}

#[test]
fn a29_the_thirty_days_to_come_back_cannot_be_cut_short() {
    let error = Policy::load(&with_keep(Class::Account, "29 days")).unwrap_err();
    assert!(matches!(error, PolicyError::TooShort { what: "account", .. }));
}

#[test]
fn a31_billing_cannot_be_deleted_early() {
    let error = Policy::load(&with_keep(Class::Billing, "9 years")).unwrap_err();
    assert!(matches!(error, PolicyError::TooShort { what: "billing", .. }));
}

#[test]
fn a30_erasures_outlive_every_backup() {
    let policy = Policy::current();
    assert!(policy.keep(Class::Backup).never_longer_than(policy.keep(Class::Erasure)));
    let error = Policy::load(&with_keep(Class::Erasure, "89 days")).unwrap_err();
    assert!(matches!(error, PolicyError::TooShort { what: "erasure", .. }));
}

#[test]
fn a32_thirteen_months_of_security_log_need_their_justification() {
    assert_eq!(Policy::current().keep(Class::SecurityLog), Retention::Months(13));
    let text = edit(Class::SecurityLog, |line| without(line, "justification = "));
    assert!(matches!(Policy::load(&text).unwrap_err(), PolicyError::TooLong { what: "security_log", .. }));
}

#[test]
fn the_periods_of_the_ledger_are_the_ones_compiled_in() {
    let policy = Policy::current();
    for (promise, class, keep) in [
        ("A7", Class::Limiter, Retention::Hours(24)),
        ("A14", Class::NewsObjection, Retention::Years(3)),
        ("A16", Class::ProductAnalytics, Retention::Months(25)),
        ("A29", Class::Account, Retention::Days(30)),
        ("A30", Class::Backup, Retention::Days(90)),
        ("A30", Class::PointInTimeBackup, Retention::Days(35)),
        ("A31", Class::Billing, Retention::Years(10)),
        ("A33", Class::TechnicalLog, Retention::Days(365)),
        ("A34", Class::Ticket, Retention::Years(3)),
        ("A35", Class::OwnLead, Retention::Years(3)),
        ("A36", Class::MailEvidence, Retention::Years(3)),
        ("A48", Class::IdentityCopy, Retention::Days(30)),
        ("A61", Class::Suppression, Retention::Years(3)),
        ("A69", Class::UninformedProspect, Retention::Days(30)),
        ("A72", Class::Prospect, Retention::Months(36)),
    ] {
        assert_eq!(policy.keep(class), keep, "{promise}");
        assert!(policy.rule(class).promises.iter().any(|id| id == promise), "{promise}");
    }
    assert_eq!(policy.promises().rights_answer, Retention::Days(30));
    assert_eq!(policy.promises().purge_lag, Retention::Hours(24));
}

#[test]
fn a56_less_notice_of_a_change_than_promised_is_refused() {
    let text = FILE.replace("policy_change_notice = \"30 days\"", "policy_change_notice = \"29 days\"");
    assert!(matches!(Policy::load(&text).unwrap_err(), PolicyError::TooShort { what: "policy_change_notice", .. }));
    let text = FILE.replace("rights_answer = \"30 days\"", "rights_answer = \"31 days\"");
    assert!(matches!(Policy::load(&text).unwrap_err(), PolicyError::TooLong { what: "rights_answer", .. }));
}

#[test]
fn a18_a54_staff_is_given_no_more_time_than_promised() {
    for (what, allowed, longer) in [
        ("staff_access", "1 hour", "2 hours"),
        ("staff_ask", "24 hours", "25 hours"),
        ("breach_notice", "72 hours", "73 hours"),
    ] {
        let text = FILE.replace(&format!("{what} = \"{allowed}\""), &format!("{what} = \"{longer}\""));
        assert!(
            matches!(Policy::load(&text), Err(PolicyError::TooLong { what: found, .. }) if found == what),
            "{what}"
        );
    }
}

#[test]
fn periods_run_in_the_calendar_of_paris() {
    for (keep, start, end) in [
        // Clamped to the end of a shorter month, leap or not.
        ("1 months", "2026-01-31T12:00:00+01:00", "2026-02-28T12:00:00+01:00"),
        ("1 months", "2028-01-31T12:00:00+01:00", "2028-02-29T12:00:00+01:00"),
        ("36 months", "2024-02-29T08:30:00+01:00", "2027-02-28T08:30:00+01:00"),
        ("3 years", "2024-02-29T08:30:00+01:00", "2027-02-28T08:30:00+01:00"),
        ("13 months", "2026-01-30T00:00:00+01:00", "2027-02-28T00:00:00+01:00"),
        // The same time of day across a clock change, in both directions.
        ("1 months", "2026-03-15T10:00:00+01:00", "2026-04-15T10:00:00+02:00"),
        ("30 days", "2026-10-01T10:00:00+02:00", "2026-10-31T10:00:00+01:00"),
        // 24 hours are 24 hours.
        ("24 hours", "2026-10-24T12:00:00+02:00", "2026-10-25T11:00:00+01:00"),
        ("1 days", "2026-10-24T12:00:00+02:00", "2026-10-25T12:00:00+01:00"),
        // The local time does not exist: the hour skipped ends it.
        ("1 months", "2026-02-28T02:30:00+01:00", "2026-03-28T02:30:00+01:00"),
        ("1 days", "2026-03-28T02:30:00+01:00", "2026-03-29T03:30:00+02:00"),
        // The local time exists twice: the later, so that nothing is early.
        ("1 days", "2026-10-24T02:30:00+02:00", "2026-10-25T02:30:00+01:00"),
        // Late evening in UTC is the next day in Paris.
        ("1 months", "2026-01-30T23:30:00Z", "2026-02-27T23:30:00Z"),
    ] {
        let keep: Retention = keep.parse().unwrap();
        assert_eq!(keep.expires_at(at(start)), at(end), "{keep} from {start}");
    }
}

#[test]
fn due_to_the_second() {
    let end = Policy::current().closed_account_expiry(at("2026-06-01T09:00:00Z"));
    assert!(!is_due(end, end - 1.second()));
    assert!(!is_due(end, end - 1.nanosecond()));
    assert!(is_due(end, end));
    assert_eq!(ttl(end), end.as_second());
    assert_eq!(ttl(end + 1.nanosecond()), end.as_second() + 1, "never early");
}

#[test]
fn a29_a_closed_account_lives_thirty_days_to_the_second() {
    let closed = at("2026-09-15T16:20:00+02:00");
    let end = Policy::current().closed_account_expiry(closed);
    assert_eq!(end, at("2026-10-15T16:20:00+02:00"));
    assert!(!is_due(end, at("2026-10-15T15:20:00+02:00")), "29 days and 23 hours");
}

#[test]
fn a72_a_workspace_cannot_keep_prospects_longer_than_36_months() {
    let policy = Policy::current();
    assert_eq!(policy.prospect_months(36), Ok(36));
    assert_eq!(policy.prospect_months(1), Ok(1));
    for asked in [0, 37, u16::MAX] {
        assert_eq!(policy.prospect_months(asked), Err(MonthsRefused { asked, most: 36 }));
    }
    let collected = day("2026-01-31");
    assert_eq!(
        policy.prospect_expiry(collected, None, Some(200)),
        policy.prospect_expiry(collected, None, None),
        "a stored value never lengthens the period"
    );
    assert_eq!(policy.prospect_expiry(collected, None, Some(1)), at("2026-02-28T00:00:00+01:00"));
}

#[test]
fn a73_the_clock_is_collection_or_the_prospects_own_last_contact() {
    let policy = Policy::current();
    let collected = day("2026-07-01");
    for (contact, end) in [
        (None, "2029-07-01T00:00:00+02:00"),
        (Some("2027-01-10T15:00:00+01:00"), "2030-01-10T15:00:00+01:00"),
        (Some("2025-01-10T15:00:00+01:00"), "2029-07-01T00:00:00+02:00"),
    ] {
        assert_eq!(policy.prospect_expiry(collected, contact.map(at), None), at(end), "{contact:?}");
    }
}

#[test]
fn a69_whoever_is_not_informed_is_alerted_then_due() {
    let policy = Policy::current();
    let entered = at("2026-06-10T09:00:00+02:00");
    let deadline = policy.notice_deadline(day("2026-06-10"), entered);
    assert_eq!(deadline, at("2026-07-10T09:00:00+02:00"));
    assert_eq!(policy.notice_alert(deadline), at("2026-07-03T09:00:00+02:00"));
    assert_eq!(policy.notice_deadline(day("2026-01-01"), entered), deadline, "counted from entry");
}

#[test]
fn a61_an_opt_out_lives_three_years() {
    let end = Policy::current().suppression_expiry(at("2026-05-05T05:05:05Z"));
    assert_eq!(end, at("2029-05-05T05:05:05Z"));
}

/// Every class, however its clock starts: not a nanosecond before, and from then on.
#[test]
fn a13_every_class_is_due_at_its_instant_and_not_before() {
    let policy = Policy::current();
    for start in [
        "2026-01-31T12:00:00+01:00", // 31 January
        "2028-01-31T23:59:59+01:00", // before a leap day
        "2028-02-29T08:00:00+01:00", // a leap day
        "2026-03-28T02:30:00+01:00", // a day on, this time does not exist
        "2026-10-24T02:30:00+02:00", // a day on, it exists twice
        "2026-12-31T23:59:59+01:00",
    ] {
        for &class in Class::ALL {
            let (start, keep) = (at(start), policy.keep(class));
            let end = policy.expiry(class, start);
            assert_eq!(end, keep.expires_at(start), "{class:?}");
            assert!(is_due(end, end) && is_due(end, end + 1.second()), "{class:?} from {start}");
            assert!(!is_due(end, end - 1.nanosecond()) && !is_due(end, end - 1.second()), "{class:?} from {start}");
            assert!(end > start, "{class:?}");
        }
    }
}

#[test]
fn a31_invoices_of_one_accounting_year_are_due_together_ten_years_after_its_close() {
    let policy = Policy::current();
    let end = at("2037-01-01T00:00:00+01:00");
    for dated in [
        "2026-01-01T00:00:00+01:00",
        "2026-01-02T09:00:00+01:00",
        "2026-12-30T17:00:00+01:00",
        "2026-12-31T23:59:59+01:00",
    ] {
        assert_eq!(policy.billing_expiry(at(dated)), end, "{dated}");
    }
    assert_eq!(policy.billing_expiry(at("2025-12-31T23:59:59+01:00")), at("2036-01-01T00:00:00+01:00"));
    assert_eq!(policy.billing_expiry(at("2027-01-01T00:00:00+01:00")), at("2038-01-01T00:00:00+01:00"));
    // Late in the evening in Paris, the year has begun while it has not in UTC.
    assert_eq!(policy.billing_expiry(at("2026-12-31T23:30:00Z")), at("2038-01-01T00:00:00+01:00"));
    let summer = Policy::load(&FILE.replace("year_ends = \"12-31\"", "year_ends = \"06-30\"")).unwrap();
    for (dated, end) in [
        ("2026-06-30T23:59:59+02:00", "2036-07-01T00:00:00+02:00"),
        ("2026-07-01T00:00:00+02:00", "2037-07-01T00:00:00+02:00"),
    ] {
        assert_eq!(summer.billing_expiry(at(dated)), at(end), "{dated}");
    }
    for bad in ["02-29", "13-01", "6-30", "31 December"] {
        let text = FILE.replace("year_ends = \"12-31\"", &format!("year_ends = \"{bad}\""));
        assert!(matches!(Policy::load(&text).unwrap_err(), PolicyError::Syntax(_)), "{bad}");
    }
}

#[test]
fn a35_leads_are_kept_whole_months_and_no_longer_than_prospects() {
    assert_eq!(Policy::current().own_lead_months(), 36);
    let days = with_keep(Class::OwnLead, "900 days");
    assert_eq!(Policy::load(&days).unwrap_err(), PolicyError::NotMonths(Retention::Days(900)));
    let shorter = with_keep(Class::Prospect, "35 months");
    assert!(matches!(Policy::load(&shorter).unwrap_err(), PolicyError::TooLong { what: "own_lead", .. }));
}

#[test]
fn a13_what_the_code_does_not_follow_is_refused() {
    let line = |class, key: &str, value: &str| {
        edit(
            class,
            |line| if line.starts_with(&format!("{key} = ")) { format!("{key} = {value}") } else { line.to_owned() },
        )
    };
    for (text, refused) in [
        (
            line(Class::Prospect, "clock", "\"sent\""),
            PolicyError::WrongClock {
                class: "prospect",
                given: Clock::Sent,
                carried_out: Clock::CollectedOrLastContact,
            },
        ),
        (
            line(Class::IdentityCopy, "clock", "\"answered\""),
            PolicyError::WrongClock { class: "identity_copy", given: Clock::Answered, carried_out: Clock::Received },
        ),
        (line(Class::Prospect, "seen_by", "[\"anybody\"]"), PolicyError::Public { class: "prospect" }),
        (
            line(Class::UninformedProspect, "alert_before", "\"90 days\""),
            PolicyError::LateAlert {
                class: "uninformed_prospect",
                alert: Retention::Days(90),
                keep: Retention::Days(30),
            },
        ),
        (
            FILE.replace("rights_reminders = [\"2 days\", \"7 days\"", "rights_reminders = [\"2 days\", \"1 days\""),
            PolicyError::Disordered { what: "rights_reminders" },
        ),
    ] {
        assert_eq!(Policy::load(&text).unwrap_err(), refused);
    }
}

#[test]
fn a16_statistics_of_fewer_than_ten_workspaces_are_refused() {
    let few = FILE.replace("fewest_workspaces = 10", "fewest_workspaces = 9");
    assert_eq!(Policy::load(&few).unwrap_err(), PolicyError::TooFew { given: 9, least: 10 });
    assert_eq!(Policy::current().fewest_workspaces(), 10);
}

#[test]
fn a13_what_is_not_in_the_product_needs_no_store_and_everything_else_does() {
    let policy = Policy::current();
    for class in [Class::Billing, Class::Ticket] {
        assert!(!policy.rule(class).is_in_the_product(), "{class:?}");
        let text = edit(class, |line| without(line, "state = "));
        assert_eq!(Policy::load(&text).unwrap_err(), PolicyError::Blank { class: class.key(), what: "store" });
    }
    let text = edit(Class::Ticket, |line| line.replace("not_in_the_product", "soon"));
    assert!(matches!(Policy::load(&text).unwrap_err(), PolicyError::Syntax(_)));
}

#[test]
fn a13_an_end_that_nothing_carries_out_is_refused() {
    for end in ["anonymise", "keep_minimum"] {
        let text = edit(Class::Prospect, |line| line.replace("at_end = \"delete\"", &format!("at_end = \"{end}\"")));
        assert_eq!(Policy::load(&text).unwrap_err(), PolicyError::NotCarriedOut { class: "prospect" });
    }
}

#[test]
fn another_policy_has_another_fingerprint() {
    let other = Policy::load(&with_keep(Class::Upload, "29 days")).unwrap();
    assert_eq!(Policy::load(FILE).unwrap().fingerprint(), Policy::current().fingerprint());
    assert_ne!(other.fingerprint(), Policy::current().fingerprint());
    assert_eq!(other.fingerprint().len(), 64);
}

fn instants() -> impl Strategy<Value = Timestamp> {
    // 2000 to 2100.
    (946_684_800_i64..4_102_444_800).prop_map(|s| Timestamp::from_second(s).unwrap())
}

fn periods() -> impl Strategy<Value = Retention> {
    prop_oneof![
        (1_u32..2000).prop_map(Retention::Hours),
        (1_u32..1500).prop_map(Retention::Days),
        (1_u32..60).prop_map(Retention::Months),
        (1_u32..12).prop_map(Retention::Years),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn never_early(start in instants(), keep in periods()) {
        let end = keep.expires_at(start);
        prop_assert!(end > start);
        if let Retention::Hours(n) = keep {
            prop_assert_eq!(end, start + i64::from(n).hours());
            return Ok(());
        }
        // In Paris the end reads no earlier than the same time on the clamped day.
        let zone = TimeZone::get(TIME_ZONE).unwrap();
        let local = zone.to_datetime(start);
        let span = match keep {
            Retention::Hours(n) => i64::from(n).hours(),
            Retention::Days(n) => i64::from(n).days(),
            Retention::Months(n) => i64::from(n).months(),
            Retention::Years(n) => i64::from(n).years(),
        };
        prop_assert!(zone.to_datetime(end) >= local + span);
    }

    /// By the day: a clamped month may bring the evening of the 30th and the morning of the 31st to
    /// the same day, each at its own time.
    #[test]
    fn a_later_start_never_ends_on_an_earlier_day(a in instants(), gap in 0_i64..400_000, keep in periods()) {
        let zone = TimeZone::get(TIME_ZONE).unwrap();
        let end = |start: Timestamp| zone.to_datetime(keep.expires_at(start)).date();
        prop_assert!(end(a) <= end(a + gap.seconds()));
    }

    #[test]
    fn a_longer_period_never_ends_earlier(start in instants(), a in periods(), b in periods()) {
        if a.never_longer_than(b) {
            prop_assert!(a.expires_at(start) <= b.expires_at(start), "{} {}", a, b);
        }
    }

    #[test]
    fn a72_no_choice_keeps_a_prospect_longer_than_the_policy(
        days in 0_i32..20_000, months in proptest::option::of(any::<u8>()), contact in proptest::option::of(instants()),
    ) {
        let policy = Policy::current();
        let collected = day("2000-01-01") + days.days();
        let chosen = policy.prospect_expiry(collected, contact, months);
        prop_assert!(chosen <= policy.prospect_expiry(collected, contact, None));
        prop_assert!(chosen > day_begins(collected));
    }

    #[test]
    fn periods_print_as_they_are_written(keep in periods()) {
        prop_assert_eq!(keep.to_string().parse::<Retention>(), Ok(keep));
    }
}
