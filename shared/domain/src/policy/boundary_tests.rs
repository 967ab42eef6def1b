//! When everything the purge deletes is due, in instants that somebody worked out by hand: from a 31st of
//! January, around a leap day, and where the clocks of Paris change. A second before nothing is.

use jiff::{Timestamp, ToSpan as _, civil::Date};

use super::{
    Class::{self, *},
    Policy, is_due, ttl,
};

/// A start, and the end that follows from it.
type Ends = &'static [(&'static str, &'static str)];

/// 24 hours are 24 hours.
const DAY_OF_HOURS: Ends = &[
    ("2027-01-31T12:00:00+01:00", "2027-02-01T12:00:00+01:00"),
    ("2028-02-28T23:59:59+01:00", "2028-02-29T23:59:59+01:00"),
    ("2027-03-27T12:00:00+01:00", "2027-03-28T13:00:00+02:00"),
    ("2027-10-30T12:00:00+02:00", "2027-10-31T11:00:00+01:00"),
];

const SEVEN_DAYS: Ends = &[
    ("2027-01-31T12:00:00+01:00", "2027-02-07T12:00:00+01:00"),
    ("2028-02-28T23:59:59+01:00", "2028-03-06T23:59:59+01:00"),
    // The hour that is skipped, and the one that comes twice.
    ("2027-03-21T02:30:00+01:00", "2027-03-28T03:30:00+02:00"),
    ("2027-10-24T02:30:00+02:00", "2027-10-31T02:30:00+01:00"),
];

const THIRTY_DAYS: Ends = &[
    ("2027-01-31T12:00:00+01:00", "2027-03-02T12:00:00+01:00"),
    ("2028-01-31T12:00:00+01:00", "2028-03-01T12:00:00+01:00"),
    ("2028-01-30T23:59:59+01:00", "2028-02-29T23:59:59+01:00"),
    ("2028-02-29T00:00:00+01:00", "2028-03-30T00:00:00+02:00"),
    ("2027-02-26T02:30:00+01:00", "2027-03-28T03:30:00+02:00"),
    ("2027-10-01T02:30:00+02:00", "2027-10-31T02:30:00+01:00"),
];

const A_YEAR_OF_DAYS: Ends = &[
    ("2027-01-31T12:00:00+01:00", "2028-01-31T12:00:00+01:00"),
    // A leap day makes the date one earlier.
    ("2028-01-31T12:00:00+01:00", "2029-01-30T12:00:00+01:00"),
    ("2028-02-29T08:00:00+01:00", "2029-02-28T08:00:00+01:00"),
    ("2026-03-28T02:30:00+01:00", "2027-03-28T03:30:00+02:00"),
    ("2026-10-31T02:30:00+01:00", "2027-10-31T02:30:00+01:00"),
];

const THIRTEEN_MONTHS: Ends = &[
    ("2027-01-31T12:00:00+01:00", "2028-02-29T12:00:00+01:00"),
    ("2028-01-31T23:59:59+01:00", "2029-02-28T23:59:59+01:00"),
    ("2028-02-29T08:00:00+01:00", "2029-03-29T08:00:00+02:00"),
    ("2026-02-28T02:30:00+01:00", "2027-03-28T03:30:00+02:00"),
    ("2026-09-30T02:30:00+02:00", "2027-10-30T02:30:00+02:00"),
    ("2025-09-26T02:30:00+02:00", "2026-10-26T02:30:00+01:00"),
    ("2025-09-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00"),
];

/// 36 months and three years are the same.
const TWENTY_FIVE_MONTHS: Ends = &[
    ("2027-01-31T12:00:00+01:00", "2029-02-28T12:00:00+01:00"),
    ("2028-02-29T08:00:00+01:00", "2030-03-29T08:00:00+01:00"),
    ("2025-02-28T02:30:00+01:00", "2027-03-28T03:30:00+02:00"),
    ("2031-09-30T02:30:00+02:00", "2033-10-30T02:30:00+01:00"),
];

const THREE_YEARS: Ends = &[
    ("2027-01-31T12:00:00+01:00", "2030-01-31T12:00:00+01:00"),
    ("2028-02-29T08:00:00+01:00", "2031-02-28T08:00:00+01:00"),
    ("2028-02-28T23:59:59+01:00", "2031-02-28T23:59:59+01:00"),
    ("2029-02-28T08:00:00+01:00", "2032-02-28T08:00:00+01:00"),
    ("2024-03-28T02:30:00+01:00", "2027-03-28T03:30:00+02:00"),
    ("2024-10-31T02:30:00+01:00", "2027-10-31T02:30:00+01:00"),
];

/// Every class that `purge` deletes.
const PURGED: &[(Ends, &[Class])] = &[
    (DAY_OF_HOURS, &[OneTimeToken, Limiter, IdempotencyKey]),
    (SEVEN_DAYS, &[UnverifiedSignup, Invitation, WebhookDelivery]),
    (
        THIRTY_DAYS,
        &[Account, SenderIdentity, Campaign, DataKey, Session, UninformedProspect, Upload, ImportReport, IdentityCopy],
    ),
    (A_YEAR_OF_DAYS, &[ApiKey]),
    (THIRTEEN_MONTHS, &[SecurityLog]),
    (TWENTY_FIVE_MONTHS, &[ProductAnalytics]),
    (
        THREE_YEARS,
        &[
            Prospect,
            OwnLead,
            ImportRecord,
            Delivery,
            Suppression,
            NewsObjection,
            Erasure,
            MailEvidence,
            RightsRequest,
            PurgeRecord,
            PublicKey,
            AbuseCase,
        ],
    ),
];

/// What AWS lets go by itself, by what template.yaml says.
const ELSEWHERE: &[Class] = &[InboundMail, QueueMessage, TechnicalLog, Backup, PointInTimeBackup];

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// By the function that the purge and the writers of a class take.
fn end_of(class: Class, start: Timestamp) -> Timestamp {
    let policy = Policy::current();
    let long_before: Date = "2020-01-01".parse().unwrap();
    match class {
        // All that is an account's goes with it.
        Account | SenderIdentity | Campaign | DataKey => policy.closed_account_expiry(start),
        UnverifiedSignup => policy.unverified_signup_expiry(start),
        Prospect => policy.prospect_expiry(long_before, Some(start), None),
        OwnLead => policy.prospect_expiry(long_before, Some(start), Some(policy.own_lead_months())),
        UninformedProspect => policy.notice_deadline(long_before, start),
        Upload => policy.upload_expiry(start),
        ImportReport => policy.import_report_expiry(start),
        Suppression => policy.suppression_expiry(start),
        NewsObjection => policy.news_objection_expiry(start),
        SecurityLog => policy.security_log_expiry(start),
        MailEvidence => policy.mail_evidence_expiry(start),
        AbuseCase => policy.abuse_case_expiry(start),
        RightsRequest => policy.rights_request_expiry(start),
        PurgeRecord => policy.purge_record_expiry(start),
        other => policy.expiry(other, start),
    }
}

#[test]
fn a37_every_class_is_due_at_its_second_in_leap_years_on_31_january_and_when_clocks_change() {
    for (ends, classes) in PURGED {
        for (start, end) in *ends {
            for &class in *classes {
                let (found, expected) = (end_of(class, at(start)), at(end));
                assert_eq!(found, expected, "{class:?} from {start}");
                assert_eq!(ttl(found), expected.as_second(), "{class:?} from {start}");
                assert!(!is_due(found, expected - 1.second()), "{class:?} from {start}: early");
                assert!(is_due(found, expected), "{class:?} from {start}: late");
            }
        }
    }
}

#[test]
fn a37_no_class_of_the_product_is_without_a_boundary() {
    let mut known: Vec<Class> = PURGED.iter().flat_map(|(_, classes)| classes.iter().copied()).collect();
    known.extend(ELSEWHERE);
    known.sort();
    let mut listed: Vec<Class> =
        Class::ALL.iter().copied().filter(|class| Policy::current().rule(*class).is_in_the_product()).collect();
    listed.sort();
    assert_eq!(known, listed);
}

#[test]
fn a73_a_day_of_collection_ends_at_midnight_in_paris_whatever_the_calendar_does() {
    for (collected, months, end) in [
        ("2027-01-31", 36, "2030-01-31T00:00:00+01:00"),
        ("2027-01-31", 1, "2027-02-28T00:00:00+01:00"),
        ("2028-01-31", 1, "2028-02-29T00:00:00+01:00"),
        ("2028-02-29", 12, "2029-02-28T00:00:00+01:00"),
        ("2028-02-29", 36, "2031-02-28T00:00:00+01:00"),
        // A day that begins in summer time and ends in winter time, and the other way round.
        ("2027-10-31", 1, "2027-11-30T00:00:00+01:00"),
        ("2027-09-30", 1, "2027-10-30T00:00:00+02:00"),
        ("2027-09-28", 6, "2028-03-28T00:00:00+02:00"),
        ("2027-03-28", 7, "2027-10-28T00:00:00+02:00"),
    ] {
        let (found, expected) =
            (Policy::current().prospect_expiry(collected.parse().unwrap(), None, Some(months)), at(end));
        assert_eq!(found, expected, "{collected} + {months}");
        assert!(!is_due(found, expected - 1.second()) && is_due(found, expected), "{collected} + {months}");
    }
}

#[test]
fn a69_who_is_not_informed_is_alerted_at_its_second_when_the_clocks_change_too() {
    let policy = Policy::current();
    for (entered, alert, deadline) in [
        ("2027-01-31T12:00:00+01:00", "2027-02-23T12:00:00+01:00", "2027-03-02T12:00:00+01:00"),
        ("2028-01-31T12:00:00+01:00", "2028-02-23T12:00:00+01:00", "2028-03-01T12:00:00+01:00"),
        ("2027-02-26T02:30:00+01:00", "2027-03-21T03:30:00+01:00", "2027-03-28T03:30:00+02:00"),
        ("2027-10-01T02:30:00+02:00", "2027-10-24T02:30:00+02:00", "2027-10-31T02:30:00+01:00"),
    ] {
        let found = policy.notice_deadline("2020-01-01".parse().unwrap(), at(entered));
        assert_eq!(found, at(deadline), "{entered}");
        let alerted = policy.notice_alert(found);
        assert_eq!(alerted, at(alert), "{entered}");
        assert!(!is_due(alerted, at(alert) - 1.second()) && is_due(alerted, at(alert)), "{entered}");
    }
}
