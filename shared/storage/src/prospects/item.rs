//! How a prospect is written down.

use std::collections::BTreeSet;

use domain::{
    Timestamp,
    clicks::ClickConsent,
    email::EmailAddress,
    id::RequestId,
    locale::Locale,
    prospect::{Details, Field, ImportMark, LawfulBasis, Prospect, ProspectState, Source, SourceKind},
    subject::Subject,
};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::Held;
use crate::db::{Item, StoreError, from_item, text};

/// The item, without its key: the sort key is the subject.
#[derive(Serialize, Deserialize)]
pub(super) struct Stored {
    /// Version.
    v: u64,
    /// Address.
    e: String,
    /// First name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    f: Option<String>,
    /// Last name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    l: Option<String>,
    /// Company.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    c: Option<String>,
    /// Job title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    j: Option<String>,
    /// Tags.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    t: BTreeSet<String>,
    /// Notes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    n: Option<String>,
    /// Language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    g: Option<Locale>,
    /// Country.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    k: Option<String>,
    /// Kind of source.
    o: SourceKind,
    /// Source in the Sender's words.
    x: String,
    /// Collected on.
    d: Date,
    /// Lawful basis.
    b: LawfulBasis,
    /// State, when it is not the usual one.
    #[serde(default, skip_serializing_if = "is_usual")]
    z: ProspectState,
    /// The person's own request that froze it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    y: Option<RequestId>,
    /// Fields edited by a member.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    w: BTreeSet<Field>,
    /// Last import that wrote it, `imp_…:line:c` (created) or `:u` (updated).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    i: Option<String>,
    /// Created, epoch seconds.
    a: i64,
    /// Updated, epoch seconds; as created when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    u: Option<i64>,
    /// The person's own last contact, epoch seconds, rounded up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    q: Option<i64>,
    /// Away until that day, as they said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    h: Option<Date>,
    /// Their last click, epoch seconds, rounded up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    s: Option<i64>,
    /// The day on which they agreed to have clicks recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    p: Option<Date>,
    /// How they agreed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    m: Option<String>,
    /// Whether they agreed to have openings recorded, too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    op: bool,
    /// Since when they do not any more, epoch seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    r: Option<i64>,
}

fn is_usual(state: &ProspectState) -> bool {
    *state == ProspectState::default()
}

/// Whole seconds, rounded up: what is counted from them never ends early.
pub(super) fn seconds_up(at: Timestamp) -> i64 {
    at.as_second() + i64::from(at.subsec_nanosecond() > 0)
}

impl Stored {
    pub(super) fn new(prospect: &Prospect, version: u64) -> Self {
        let details = prospect.details.clone();
        let created = prospect.created_at.as_second();
        let updated = prospect.updated_at.as_second();
        Self {
            v: version,
            e: prospect.email.expose().to_owned(),
            f: details.first_name,
            l: details.last_name,
            c: details.company,
            j: details.job_title,
            t: details.tags,
            n: details.notes,
            g: details.locale,
            k: details.country,
            o: prospect.source.kind,
            x: prospect.source.detail.clone(),
            d: prospect.source.collected_on,
            b: prospect.lawful_basis,
            z: prospect.state,
            y: prospect.restricted_by,
            w: prospect.edited.clone(),
            i: prospect
                .import
                .map(|mark| format!("{}:{}:{}", mark.import, mark.line, if mark.created { 'c' } else { 'u' })),
            a: created,
            u: (updated != created).then_some(updated),
            q: prospect.last_contact_at.map(seconds_up),
            h: prospect.away_until,
            s: prospect.last_click_at.map(seconds_up),
            p: prospect.click_consent.as_ref().map(|consent| consent.given_on),
            m: prospect.click_consent.as_ref().map(|consent| consent.how.clone()),
            op: prospect.click_consent.as_ref().is_some_and(|consent| consent.opens),
            r: prospect.click_consent.as_ref().and_then(|consent| consent.withdrawn_at).map(Timestamp::as_second),
        }
    }

    pub(super) fn held(self, subject: Subject) -> Result<Held, StoreError> {
        let version = self.v;
        let prospect = self.prospect(subject).ok_or(StoreError::Corrupt("prospect"))?;
        Ok(Held { prospect, version })
    }

    fn prospect(self, subject: Subject) -> Option<Prospect> {
        let import = match self.i {
            Some(mark) => Some(read_mark(&mark)?),
            None => None,
        };
        let time = |seconds: Option<i64>| match seconds {
            Some(seconds) => Timestamp::from_second(seconds).ok().map(Some),
            None => Some(None),
        };
        let click_consent = match (self.p, self.m) {
            (Some(given_on), Some(how)) => {
                Some(ClickConsent { given_on, how, opens: self.op, withdrawn_at: time(self.r)? })
            }
            _ => None,
        };
        Some(Prospect {
            subject,
            email: EmailAddress::parse(&self.e).ok()?,
            details: Details {
                first_name: self.f,
                last_name: self.l,
                company: self.c,
                job_title: self.j,
                tags: self.t,
                notes: self.n,
                locale: self.g,
                country: self.k,
            },
            source: Source { kind: self.o, detail: self.x, collected_on: self.d },
            lawful_basis: self.b,
            state: self.z,
            restricted_by: self.y,
            edited: self.w,
            import,
            created_at: Timestamp::from_second(self.a).ok()?,
            updated_at: Timestamp::from_second(self.u.unwrap_or(self.a)).ok()?,
            last_contact_at: time(self.q)?,
            away_until: self.h,
            last_click_at: time(self.s)?,
            click_consent,
        })
    }
}

fn read_mark(text: &str) -> Option<ImportMark> {
    let mut parts = text.split(':');
    let import = parts.next()?.parse().ok()?;
    let line = parts.next()?.parse().ok()?;
    let created = match parts.next()? {
        "c" => true,
        "u" => false,
        _ => return None,
    };
    Some(ImportMark { import, line, created })
}

/// An item as a prospect.
pub(super) fn read(item: Item) -> Result<Held, StoreError> {
    let subject = Subject::from_hex(&text(&item, "sk")?).ok_or(StoreError::Corrupt("prospect key"))?;
    from_item::<Stored>(item)?.held(subject)
}

#[cfg(test)]
mod tests {
    use domain::id::{ImportId, WorkspaceId};

    use super::*;
    use crate::{db::to_item, keys};

    fn prospect() -> Prospect {
        let at: Timestamp = "2026-09-15T16:20:00Z".parse().unwrap();
        Prospect {
            subject: Subject::from_bytes([0xab; 16]),
            email: EmailAddress::parse("marie-christine.delacroix@etablissements-durand.test").unwrap(),
            details: Details {
                first_name: Some("Marie-Christine".into()),
                last_name: Some("Delacroix-Fontaine".into()),
                company: Some("Établissements Durand et Fils".into()),
                job_title: Some("Directrice des systèmes d’information".into()),
                tags: BTreeSet::from(["salon-2026".into(), "prioritaire".into()]),
                notes: None,
                locale: Some(Locale::Fr),
                country: Some("FR".into()),
            },
            source: Source {
                kind: SourceKind::TradeFair,
                detail: "Salon des Maires 2026, liste des exposants".into(),
                collected_on: "2026-09-01".parse().unwrap(),
            },
            lawful_basis: LawfulBasis::LegitimateInterest,
            state: ProspectState::Restricted,
            restricted_by: None,
            edited: BTreeSet::from([Field::Company]),
            import: Some(ImportMark { import: ImportId::from_bytes([1; 10]), line: 1_234_567, created: true }),
            created_at: at,
            updated_at: at,
            last_contact_at: None,
            away_until: None,
            last_click_at: None,
            click_consent: None,
        }
    }

    fn item(prospect: &Prospect) -> Item {
        let key = keys::prospect(WorkspaceId::from_bytes([2; 10]), prospect.subject);
        to_item(&key, &Stored::new(prospect, 7)).unwrap()
    }

    #[test]
    fn what_is_written_reads_back() {
        let whole = prospect();
        assert_eq!(read(item(&whole)).unwrap(), Held { prospect: whole.clone(), version: 7 });
        let bare = Prospect {
            details: Details::default(),
            state: ProspectState::Active,
            restricted_by: None,
            edited: BTreeSet::new(),
            import: None,
            updated_at: "2026-09-16T00:00:00Z".parse().unwrap(),
            last_contact_at: Some("2026-09-17T00:00:00Z".parse().unwrap()),
            away_until: Some("2026-09-30".parse().unwrap()),
            last_click_at: Some("2026-09-18T00:00:00Z".parse().unwrap()),
            click_consent: Some(ClickConsent {
                opens: true,
                given_on: "2026-09-01".parse().unwrap(),
                how: "Case cochée sur le formulaire du stand".into(),
                withdrawn_at: Some("2026-09-19T00:00:00Z".parse().unwrap()),
            }),
            ..whole
        };
        assert_eq!(read(item(&bare)).unwrap().prospect, bare);
        assert!(!item(&bare).contains_key("z") && !item(&bare).contains_key("t"));
    }

    #[test]
    fn a_contact_is_never_noted_earlier_than_it_was() {
        assert_eq!(
            seconds_up("2026-09-17T00:00:00.001Z".parse().unwrap()),
            seconds_up("2026-09-17T00:00:01Z".parse().unwrap())
        );
    }

    /// DynamoDB's item size: names and UTF-8 values, numbers at half a byte a digit and one more, lists and
    /// maps 3 bytes and 1 an element.
    #[test]
    fn a_usual_prospect_is_one_write_unit() {
        fn size(value: &aws_sdk_dynamodb::types::AttributeValue) -> usize {
            use aws_sdk_dynamodb::types::AttributeValue as V;
            match value {
                V::S(text) => text.len(),
                V::N(digits) => digits.len() / 2 + 2,
                V::L(list) => 3 + list.iter().map(|v| size(v) + 1).sum::<usize>(),
                other => panic!("{other:?}"),
            }
        }
        let bytes: usize = item(&prospect()).iter().map(|(name, value)| name.len() + size(value)).sum();
        assert!(bytes < 700, "{bytes}");
    }
}
