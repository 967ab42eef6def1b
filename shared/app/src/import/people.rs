//! From a row to a prospect, and what a row may change of one who is held already.

use domain::{
    Timestamp,
    clicks::{ClickConsent, Recorded},
    email::without_addresses,
    id::{ImportId, WorkspaceId},
    locale::Locale,
    prospect::{Details, ImportMark, LawfulBasis, Prospect, ProspectState, Source},
    subject::{Pepper, Subject},
};
use intake::{Consent, ProspectRow};

/// What all rows of one import share.
pub(super) struct Origin<'a> {
    pub(super) pepper: &'a Pepper,
    pub(super) workspace: WorkspaceId,
    pub(super) import: ImportId,
    pub(super) source: Source,
    pub(super) lawful_basis: LawfulBasis,
    /// What the workspace records of whoever agreed to it.
    pub(super) records: Recorded,
    pub(super) now: Timestamp,
}

impl Origin<'_> {
    /// Whom a row is about.
    pub(super) fn subject(&self, row: &ProspectRow) -> Subject {
        self.pepper.subject(self.workspace, &row.email)
    }

    /// The prospect that a row makes, if the person is new.
    pub(super) fn prospect(&self, subject: Subject, row: ProspectRow) -> Prospect {
        let click_consent = self.consent(&row);
        Prospect {
            subject,
            email: row.email,
            details: Details {
                first_name: row.first_name,
                last_name: row.last_name,
                company: row.company,
                job_title: row.job_title,
                tags: row.tags.into_iter().collect(),
                notes: row.notes,
                locale: row.locale.as_deref().and_then(Locale::from_tag),
                country: row.country,
            },
            source: self.source.clone(),
            lawful_basis: self.lawful_basis,
            state: ProspectState::Active,
            restricted_by: None,
            edited: Default::default(),
            import: Some(ImportMark { import: self.import, line: row.line, created: true }),
            created_at: self.now,
            updated_at: self.now,
            last_contact_at: None,
            away_until: None,
            last_click_at: None,
            click_consent,
        }
    }

    /// Whether a row says that a consent was given, of which nothing is kept.
    pub(super) fn leaves_consent_out(&self, row: &ProspectRow) -> bool {
        self.records.clicks && row.click_consent.is_some() && self.consent(row).is_none()
    }

    /// The consent that a row says was given. One without its day, its wording, or with a day that cannot be read
    /// (`2027-02-28`), is none: nothing is guessed.
    fn consent(&self, row: &ProspectRow) -> Option<ClickConsent> {
        let Consent { given_on, how, opens } =
            row.click_consent.as_deref().filter(|consent| self.records.clicks && !consent.how.is_empty())?;
        let consent = ClickConsent {
            given_on: given_on.parse().ok()?,
            how: without_addresses(how),
            opens: *opens && self.records.opens,
            withdrawn_at: None,
        };
        consent.counts(None, self.now).is_ok().then_some(consent)
    }
}

/// What a row means for a person who is held already.
#[derive(Debug, PartialEq)]
pub(super) enum Meeting {
    /// This very row made or changed the record, in an attempt that was cut short: it counts as it did.
    Replayed {
        /// It made it.
        created: bool,
    },
    /// It says nothing new.
    Unchanged,
    /// It says something new.
    Changed(Box<Prospect>),
}

/// Compares a held prospect with what a row says.
///
/// Source, basis and day of collection stay those under which the person first came: sending a list again
/// must not start the three years anew (A73). What a member edited stays too, and so does everything about
/// somebody who asked that it be kept and not used (A41).
pub(super) fn meet(held: &Prospect, row: &Prospect) -> Meeting {
    let Some(mark) = row.import else { return Meeting::Unchanged };
    if let Some(last) = held.import
        && (last.import, last.line) == (mark.import, mark.line)
    {
        return Meeting::Replayed { created: last.created };
    }
    if held.restricted_by.is_some() {
        return Meeting::Unchanged;
    }
    let mut next = held.clone();
    let agreed =
        row.click_consent.as_ref().is_some_and(|new| new.is_newer(held.click_consent.as_ref(), row.updated_at));
    if agreed {
        next.click_consent.clone_from(&row.click_consent);
    }
    if !next.details.absorb(&row.details, &held.edited) && !agreed {
        return Meeting::Unchanged;
    }
    next.import = Some(ImportMark { created: false, ..mark });
    next.updated_at = row.updated_at;
    Meeting::Changed(Box::new(next))
}

#[cfg(test)]
mod tests {
    use domain::{
        email::EmailAddress,
        prospect::{Field, SourceKind},
    };

    use super::*;

    fn row(import: u8, line: u64, company: &str) -> Prospect {
        let pepper = Pepper::from_json(r#"{"v1":"0123456789abcdef0123456789abcdef"}"#).unwrap();
        let origin = Origin {
            pepper: &pepper,
            workspace: WorkspaceId::from_bytes([1; 10]),
            import: ImportId::from_bytes([import; 10]),
            source: Source {
                kind: SourceKind::TradeFair,
                detail: format!("Fair {import}"),
                collected_on: format!("2026-0{import}-01").parse().unwrap(),
            },
            lawful_basis: LawfulBasis::LegitimateInterest,
            records: Recorded { clicks: true, opens: false },
            now: Timestamp::from_second(1_700_000_000 + i64::from(import)).unwrap(),
        };
        let row = ProspectRow {
            line,
            email: EmailAddress::parse("ada@firm.test").unwrap(),
            first_name: Some("Ada".into()),
            last_name: None,
            company: Some(company.into()),
            job_title: None,
            tags: vec!["fair".into()],
            notes: None,
            locale: Some("fr".into()),
            country: None,
            click_consent: None,
        };
        origin.prospect(origin.subject(&row), row)
    }

    #[test]
    fn the_same_row_again_counts_as_it_did() {
        let first = row(1, 2, "Firm");
        assert_eq!(meet(&first, &row(1, 2, "Firm")), Meeting::Replayed { created: true });
        let Meeting::Changed(updated) = meet(&first, &row(2, 9, "New")) else { panic!("a change") };
        assert_eq!(meet(&updated, &row(2, 9, "New")), Meeting::Replayed { created: false });
    }

    #[test]
    fn the_same_file_again_changes_nothing_and_a_changed_one_what_changed() {
        let first = row(1, 2, "Firm");
        assert_eq!(meet(&first, &row(2, 2, "Firm")), Meeting::Unchanged);
        let Meeting::Changed(next) = meet(&first, &row(2, 2, "New")) else { panic!("a change") };
        assert_eq!(next.details.company.as_deref(), Some("New"));
        assert_eq!(next.created_at, first.created_at);
        assert!(next.updated_at > first.updated_at);
    }

    #[test]
    fn a45_a_list_from_before_a_withdrawal_does_not_bring_the_consent_back() {
        let with = |import, on: &str| {
            let consent =
                ClickConsent { given_on: on.parse().unwrap(), how: "Stand".into(), opens: false, withdrawn_at: None };
            Prospect { click_consent: Some(consent), ..row(import, 2, "Firm") }
        };
        let Meeting::Changed(agreed) = meet(&row(1, 2, "Firm"), &with(2, "2023-06-01")) else { panic!("a change") };
        assert!(agreed.lets_be_recorded().clicks);
        assert_eq!(meet(&agreed, &with(3, "2023-06-01")), Meeting::Unchanged, "the same list again");
        assert_eq!(meet(&agreed, &row(3, 2, "Firm")), Meeting::Unchanged, "a list that does not say it");
        let withdrawn = agreed.click_consent.clone().map(|c| c.withdrawn("2023-10-01T10:00:00Z".parse().unwrap()));
        let withdrawn = Prospect { click_consent: withdrawn, ..*agreed };
        assert_eq!(meet(&withdrawn, &with(4, "2023-06-01")), Meeting::Unchanged);
        assert_eq!(meet(&withdrawn, &with(4, "2023-10-01")), Meeting::Unchanged);
        assert!(matches!(meet(&withdrawn, &with(4, "2023-10-02")), Meeting::Changed(_)));
    }

    #[test]
    fn a_consent_whose_day_cannot_be_read_or_is_to_come_is_none() {
        let said = |on: &str, records| {
            let pepper = Pepper::from_json(r#"{"v1":"0123456789abcdef0123456789abcdef"}"#).unwrap();
            let made = row(1, 2, "Firm");
            let origin = Origin {
                pepper: &pepper,
                workspace: WorkspaceId::from_bytes([1; 10]),
                import: ImportId::from_bytes([1; 10]),
                source: made.source,
                lawful_basis: made.lawful_basis,
                records,
                now: made.created_at,
            };
            let row = ProspectRow {
                line: 2,
                email: made.email,
                first_name: None,
                last_name: None,
                company: None,
                job_title: None,
                tags: Vec::new(),
                notes: None,
                locale: None,
                country: None,
                click_consent: Some(Box::new(Consent { given_on: on.to_owned(), how: "Stand".into(), opens: true })),
            };
            origin.prospect(made.subject, row).lets_be_recorded()
        };
        let [all, only_clicks] = [true, false].map(|opens| Recorded { clicks: true, opens });
        assert_eq!(said("2023-06-01", all), all);
        assert_eq!(said("2023-06-01", only_clicks), only_clicks, "openings are switched off");
        assert_eq!(said("2023-06-01", Recorded::default()), Recorded::default(), "switched off");
        for on in ["oui", "01/06/2023", "2099-06-01"] {
            assert_eq!(said(on, all), Recorded::default(), "{on}");
        }
    }

    #[test]
    fn a_member_edit_stays() {
        let mut held = row(1, 2, "Edited");
        held.edited.insert(Field::Company);
        assert_eq!(meet(&held, &row(2, 2, "Firm")), Meeting::Unchanged);
    }

    #[test]
    fn a73_importing_again_does_not_start_the_three_years_anew() {
        let Meeting::Changed(next) = meet(&row(1, 2, "Firm"), &row(2, 2, "New")) else { panic!("a change") };
        assert_eq!(next.source, row(1, 2, "Firm").source);
    }
}
