//! Portability (A42): everything that is held, as CSV that imports again or as JSON.

use domain::{Timestamp, audit::Action};
use intake::export::Writer;
use serde::Serialize;
use storage::WorkspaceScope;

use super::{
    list::{Filter, Place, Walk},
    view::ProspectView,
};
use crate::{App, Failure};

/// Bytes of one answer, about: a Lambda's ends at 6 MB, in which every quote of a JSON text counts twice.
const ENOUGH: usize = 4 * 1024 * 1024;

/// How an export is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// RFC 4180, harmless in a spreadsheet.
    Csv,
    /// `{"items": […], "next_cursor": …}`.
    Json,
}

impl Format {
    const fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
        }
    }
}

/// One page of an export.
pub struct Export {
    /// The text.
    pub body: String,
    /// Where the next page starts; `None` after the last.
    pub next: Option<String>,
}

/// Columns. The first ones have the names under which an import finds them by itself.
const HEADER: [&str; 24] = [
    "email",
    "first_name",
    "last_name",
    "company",
    "job_title",
    "tags",
    "notes",
    "locale",
    "country",
    "state",
    "source_kind",
    "source_detail",
    "collected_on",
    "lawful_basis",
    "id",
    "created_at",
    "updated_at",
    "last_contact_at",
    "delete_after",
    "last_click_at",
    "click_consent_on",
    "click_consent",
    "click_consent_opens",
    "click_consent_withdrawn_at",
];

impl App {
    /// A page of an export, of as many prospects as one answer holds. `next` makes a cursor of a place.
    /// Nobody's data is handed out before the trail says so.
    pub async fn export_prospects(
        &self,
        scope: &WorkspaceScope,
        filter: &Filter,
        cursor: Option<&str>,
        format: Format,
        cursor_of: fn(&str) -> String,
        now: Timestamp,
    ) -> Result<Export, Failure> {
        let months = self.any_workspace(scope).await?.retention_months;
        let mut walk = Walk::new(self, scope, filter, cursor, now)?;
        let mut page = Page::new(format)?;
        let (mut last, mut people) = (None, 0_u64);
        'pages: while walk.place.is_some() {
            // Without a limit a page of the table is 1 MB, about a quarter of an answer.
            for (prospect, suppression) in walk.next(None).await? {
                if page.len() >= ENOUGH {
                    walk.place = last.map(Place::After);
                    break 'pages;
                }
                last = Some(prospect.subject);
                people += 1;
                page.add(&ProspectView::new(prospect, suppression, months))?;
            }
            if page.len() >= ENOUGH {
                break;
            }
        }
        let next = walk.place.map(|place| cursor_of(&place.write()));
        let entry = scope.entry(Action::ProspectExported, now).with("people", people);
        let entry = entry.with("format", format.name()).with("filters", filter.kinds());
        self.db.of(scope).record(&entry).await?;
        Ok(Export { body: page.finish(next.as_deref())?, next })
    }
}

enum Page {
    Csv(Vec<u8>),
    Json(String),
}

impl Page {
    fn new(format: Format) -> Result<Self, Failure> {
        match format {
            Format::Csv => {
                let writer = Writer::new(Vec::new(), &HEADER).map_err(|e| Failure::internal(e.to_string()))?;
                Ok(Self::Csv(writer.into_inner()))
            }
            Format::Json => Ok(Self::Json("{\"items\":[".to_owned())),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Csv(bytes) => bytes.len(),
            Self::Json(text) => text.len(),
        }
    }

    fn add(&mut self, prospect: &ProspectView) -> Result<(), Failure> {
        match self {
            Self::Csv(bytes) => {
                let mut writer = Writer::resume(&mut *bytes);
                writer.row(&cells(prospect)).map_err(|e| Failure::internal(e.to_string()))
            }
            Self::Json(text) => {
                if !text.ends_with('[') {
                    text.push(',');
                }
                text.push_str(&serde_json::to_string(prospect).map_err(|e| Failure::internal(e.to_string()))?);
                Ok(())
            }
        }
    }

    fn finish(self, next: Option<&str>) -> Result<String, Failure> {
        match self {
            Self::Csv(bytes) => String::from_utf8(bytes).map_err(|e| Failure::internal(e.to_string())),
            Self::Json(mut text) => {
                let next = serde_json::to_string(&next).map_err(|e| Failure::internal(e.to_string()))?;
                text.push_str("],\"next_cursor\":");
                text.push_str(&next);
                text.push('}');
                Ok(text)
            }
        }
    }
}

fn cells(prospect: &ProspectView) -> [String; 24] {
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    let time = |at: Option<Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
    let consent = prospect.click_consent.as_ref();
    let tags: Vec<_> = prospect.tags.iter().map(String::as_str).collect();
    [
        prospect.email.clone(),
        text(&prospect.first_name),
        text(&prospect.last_name),
        text(&prospect.company),
        text(&prospect.job_title),
        tags.join("; "),
        text(&prospect.notes),
        prospect.locale.map(|locale| locale.tag().to_owned()).unwrap_or_default(),
        text(&prospect.country),
        prospect.state.as_str().to_owned(),
        word(&prospect.source.kind),
        prospect.source.detail.clone(),
        prospect.source.collected_on.to_string(),
        word(&prospect.lawful_basis),
        prospect.id.to_string(),
        prospect.created_at.to_string(),
        prospect.updated_at.to_string(),
        time(prospect.last_contact_at),
        prospect.delete_after.to_string(),
        time(prospect.last_click_at),
        consent.map(|consent| consent.given_on.to_string()).unwrap_or_default(),
        consent.map(|consent| consent.how.clone()).unwrap_or_default(),
        consent.filter(|consent| consent.opens).map(|_| "yes".to_owned()).unwrap_or_default(),
        time(consent.and_then(|consent| consent.withdrawn_at)),
    ]
}

/// The name of a variant, as the API writes it.
fn word(variant: &impl Serialize) -> String {
    match serde_json::to_value(variant) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use domain::{
        email::EmailAddress,
        locale::Locale,
        prospect::{Details, LawfulBasis, Prospect, ProspectState, Source, SourceKind},
        subject::Subject,
    };
    use intake::{Mapping, Outcome, Parser};

    use super::*;

    fn prospect(n: u8, details: Details) -> Prospect {
        let at = Timestamp::from_second(1_700_000_000).unwrap();
        Prospect {
            subject: Subject::from_bytes([n; 16]),
            email: EmailAddress::parse(&format!("person{n}@firm.test")).unwrap(),
            details,
            source: Source {
                kind: SourceKind::Website,
                detail: "Équipe; page \"contact\", ligne 3".into(),
                collected_on: "2026-01-01".parse().unwrap(),
            },
            lawful_basis: LawfulBasis::LegitimateInterest,
            state: ProspectState::Active,
            restricted_by: None,
            edited: Default::default(),
            import: None,
            created_at: at,
            updated_at: at,
            last_contact_at: None,
            away_until: None,
            last_click_at: None,
            click_consent: None,
        }
    }

    fn people() -> Vec<Prospect> {
        let full = Details {
            first_name: Some("Zoé".into()),
            last_name: Some("O'Neil, Ph. D.".into()),
            company: Some("Durand; Fils \"SARL\"".into()),
            job_title: Some("Directrice R&D".into()),
            tags: ["salon 2026".to_owned(), "vip".to_owned()].into(),
            notes: Some("ligne 1\nligne 2".into()),
            locale: Some(Locale::Fr),
            country: Some("FR".into()),
        };
        vec![
            prospect(1, full),
            prospect(2, Details::default()),
            prospect(3, Details { last_name: Some("Martin".into()), ..Details::default() }),
        ]
    }

    fn page(format: Format, next: Option<&str>) -> String {
        let mut page = Page::new(format).unwrap();
        for prospect in people() {
            page.add(&ProspectView::new(prospect, None, 36)).unwrap();
        }
        page.finish(next).unwrap()
    }

    #[test]
    fn a42_an_export_imports_again_as_it_was() {
        let csv = page(Format::Csv, None);
        let detected = intake::detect(csv.as_bytes(), true);
        let mapping = Mapping::auto(&detected);
        let mut parser = Parser::new(&detected, &mapping);
        let mut back = Vec::new();
        let mut sink = |outcome| match outcome {
            Outcome::Row(row) => back.push(row),
            Outcome::Reject(reject) => panic!("{reject:?}"),
        };
        parser.push(csv.as_bytes(), &mut sink);
        parser.finish(&mut sink);
        assert_eq!(back.len(), 3);
        for (row, was) in back.into_iter().zip(people()) {
            assert_eq!(row.email, was.email);
            let details = Details {
                first_name: row.first_name,
                last_name: row.last_name,
                company: row.company,
                job_title: row.job_title,
                tags: row.tags.into_iter().collect(),
                notes: row.notes,
                locale: row.locale.as_deref().and_then(Locale::from_tag),
                country: row.country,
            };
            assert!(details == was.details, "{}", was.email.expose());
        }
    }

    #[test]
    fn no_cell_of_an_export_is_a_formula() {
        let mut page = Page::new(Format::Csv).unwrap();
        let details =
            Details { company: Some("=HYPERLINK(\"x\")".into()), notes: Some("@x".into()), ..Details::default() };
        page.add(&ProspectView::new(prospect(1, details), None, 36)).unwrap();
        let csv = page.finish(None).unwrap();
        assert!(csv.contains("\"'=HYPERLINK(\"\"x\"\")\"") && csv.contains(",'@x,"), "{csv}");
    }

    #[test]
    fn json_pages_name_the_next() {
        let json: serde_json::Value = serde_json::from_str(&page(Format::Json, Some("abc"))).unwrap();
        assert_eq!(json["items"].as_array().unwrap().len(), 3);
        assert_eq!(json["next_cursor"], "abc");
        assert_eq!(json["items"][0]["state"], "active");
        let last: serde_json::Value = serde_json::from_str(&page(Format::Json, None)).unwrap();
        assert!(last["next_cursor"].is_null());
    }
}
