//! What a member may say about a person: the closed list of fields, cleaned (A64).

use std::collections::BTreeSet;

use domain::{
    Timestamp,
    clicks::{ClickConsent, NotConsent},
    email::{EmailAddress, without_addresses},
    locale::Locale,
    prospect::{Details, Field, LawfulBasis, Prospect, ProspectState, Source},
    subject::Subject,
};
use intake::{MAX_NAME, MAX_NOTES, MAX_TAG, MAX_TAGS};
use jiff::civil::Date;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

use crate::{
    Failure,
    fields::Fields,
    imports::{MAX_DETAIL, check_source},
};

/// A person added by hand.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewProspect {
    email: String,
    #[serde(default)]
    first_name: Option<String>,
    #[serde(default)]
    last_name: Option<String>,
    #[serde(default)]
    company: Option<String>,
    #[serde(default)]
    job_title: Option<String>,
    #[serde(default)]
    locale: Option<Locale>,
    #[serde(default)]
    country: Option<String>,
    #[serde(default)]
    tags: BTreeSet<String>,
    #[serde(default)]
    notes: Option<String>,
    #[serde(default)]
    click_consent: Option<GivenConsent>,
    source: Source,
    lawful_basis: LawfulBasis,
}

/// That a person agreed to have their clicks recorded, and perhaps their openings, as a Sender says it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GivenConsent {
    given_on: Date,
    how: String,
    #[serde(default)]
    opens: bool,
}

impl GivenConsent {
    fn checked(&self, fields: &mut Fields) -> ClickConsent {
        let how = without_addresses(&fields.line("click_consent.how", &self.how, MAX_DETAIL));
        ClickConsent { given_on: self.given_on, how, opens: self.opens, withdrawn_at: None }
    }
}

/// What a consent that does not count is answered.
pub(super) fn not_consent(why: NotConsent) -> Failure {
    Failure::field("click_consent.given_on", why.to_string())
}

/// The same, cleaned.
pub(super) struct Checked {
    pub(super) email: EmailAddress,
    pub(super) click_consent: Option<ClickConsent>,
    details: Details,
    source: Source,
    lawful_basis: LawfulBasis,
}

impl NewProspect {
    pub(super) fn checked(mut self, retention_months: u8, now: Timestamp) -> Result<Checked, Failure> {
        let mut fields = Fields::default();
        for error in check_source(&mut self.source, retention_months, now) {
            fields.wrong(&error.field, error.message);
        }
        let email = fields.email("email", &self.email);
        let details = Details {
            first_name: fields.optional("first_name", self.first_name.as_deref(), MAX_NAME),
            last_name: fields.optional("last_name", self.last_name.as_deref(), MAX_NAME),
            company: fields.optional("company", self.company.as_deref(), MAX_NAME),
            job_title: fields.optional("job_title", self.job_title.as_deref(), MAX_NAME),
            tags: tags(&mut fields, &self.tags),
            notes: notes(&mut fields, self.notes.as_deref()),
            locale: self.locale,
            country: country(&mut fields, self.country.as_deref()),
        };
        let click_consent = self.click_consent.as_ref().map(|given| given.checked(&mut fields));
        let email = fields.require(email)?;
        if let Some(consent) = &click_consent {
            consent.counts(None, now).map_err(not_consent)?;
        }
        Ok(Checked { email, click_consent, details, source: self.source, lawful_basis: self.lawful_basis })
    }
}

impl Checked {
    /// The prospect. What a member typed is as good as an edit: a later import leaves it alone.
    pub(super) fn prospect(self, subject: Subject, now: Timestamp) -> Prospect {
        let details = self.details;
        let given = [
            (Field::FirstName, details.first_name.is_some()),
            (Field::LastName, details.last_name.is_some()),
            (Field::Company, details.company.is_some()),
            (Field::JobTitle, details.job_title.is_some()),
            (Field::Notes, details.notes.is_some()),
            (Field::Locale, details.locale.is_some()),
            (Field::Country, details.country.is_some()),
        ];
        Prospect {
            subject,
            email: self.email,
            edited: given.into_iter().filter(|(_, given)| *given).map(|(field, _)| field).collect(),
            details,
            source: self.source,
            lawful_basis: self.lawful_basis,
            state: ProspectState::Active,
            restricted_by: None,
            import: None,
            created_at: now,
            updated_at: now,
            last_contact_at: None,
            away_until: None,
            last_click_at: None,
            click_consent: self.click_consent,
        }
    }
}

/// A change: a field left out stays, a field set to null is emptied.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProspectChange {
    #[serde(default)]
    email: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "said")]
    first_name: Option<Option<String>>,
    #[serde(default, deserialize_with = "said")]
    last_name: Option<Option<String>>,
    #[serde(default, deserialize_with = "said")]
    company: Option<Option<String>>,
    #[serde(default, deserialize_with = "said")]
    job_title: Option<Option<String>>,
    #[serde(default, deserialize_with = "said")]
    locale: Option<Option<Locale>>,
    #[serde(default, deserialize_with = "said")]
    country: Option<Option<String>>,
    #[serde(default)]
    tags: Option<BTreeSet<String>>,
    #[serde(default, deserialize_with = "said")]
    notes: Option<Option<String>>,
    #[serde(default)]
    state: Option<ProspectState>,
    #[serde(default, deserialize_with = "said")]
    click_consent: Option<Option<GivenConsent>>,
    /// The same, cleaned.
    #[serde(skip)]
    consent: Option<ClickConsent>,
}

/// Tells null from nothing.
fn said<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(from).map(Some)
}

impl ProspectChange {
    pub(super) fn checked(mut self) -> Result<Self, Failure> {
        let mut fields = Fields::default();
        if self.email.is_some() {
            fields.wrong(
                "email",
                "an address cannot be changed, because opt-outs hang on it: add the person under the new one and delete this one",
            );
        }
        for (name, field) in [
            ("first_name", &mut self.first_name),
            ("last_name", &mut self.last_name),
            ("company", &mut self.company),
            ("job_title", &mut self.job_title),
        ] {
            if let Some(text) = field {
                *text = fields.optional(name, text.as_deref(), MAX_NAME);
            }
        }
        if let Some(text) = &mut self.country {
            *text = country(&mut fields, text.as_deref());
        }
        if let Some(text) = &mut self.notes {
            *text = notes(&mut fields, text.as_deref());
        }
        if let Some(given) = &mut self.tags {
            *given = tags(&mut fields, given);
        }
        if let Some(Some(given)) = &self.click_consent {
            self.consent = Some(given.checked(&mut fields));
        }
        if self.is_empty() {
            fields.wrong("body", "name at least one field to change");
        }
        fields.done()?;
        Ok(self)
    }

    fn is_empty(&self) -> bool {
        let Self { email, first_name, last_name, company, job_title, locale, country, tags, notes, state, .. } = self;
        let texts = [first_name, last_name, company, job_title, country, notes];
        email.is_none()
            && texts.into_iter().all(Option::is_none)
            && locale.is_none()
            && tags.is_none()
            && state.is_none()
            && self.click_consent.is_none()
    }

    /// The consent that it gives.
    pub(super) fn consent(&self) -> Option<&ClickConsent> {
        self.consent.as_ref()
    }

    /// The state that is asked for.
    pub(super) fn state(&self) -> Option<ProspectState> {
        self.state
    }

    /// The names of the fields it is about.
    pub(super) fn fields(&self) -> Vec<&'static str> {
        let fields = [
            ("first_name", self.first_name.is_some()),
            ("last_name", self.last_name.is_some()),
            ("company", self.company.is_some()),
            ("job_title", self.job_title.is_some()),
            ("locale", self.locale.is_some()),
            ("country", self.country.is_some()),
            ("tags", self.tags.is_some()),
            ("notes", self.notes.is_some()),
            ("state", self.state.is_some()),
            ("click_consent", self.click_consent.is_some()),
        ];
        fields.into_iter().filter(|(_, said)| *said).map(|(name, _)| name).collect()
    }

    /// Gives or withdraws a consent.
    ///
    /// # Errors
    /// When it was given before they withdrew theirs.
    pub(super) fn apply_consent(&self, prospect: &mut Prospect, now: Timestamp) -> Result<(), Failure> {
        if let Some(consent) = &self.consent {
            consent.counts(prospect.click_consent.as_ref(), now).map_err(not_consent)?;
            prospect.click_consent = Some(consent.clone());
        } else if self.click_consent.is_some() {
            prospect.click_consent = prospect.click_consent.take().map(|consent| consent.withdrawn(now));
        }
        Ok(())
    }

    /// Makes the change, and notes what a member has edited.
    pub(super) fn apply(&self, prospect: &mut Prospect) {
        let details = &mut prospect.details;
        for (field, new, old) in [
            (Field::FirstName, &self.first_name, &mut details.first_name),
            (Field::LastName, &self.last_name, &mut details.last_name),
            (Field::Company, &self.company, &mut details.company),
            (Field::JobTitle, &self.job_title, &mut details.job_title),
            (Field::Country, &self.country, &mut details.country),
            (Field::Notes, &self.notes, &mut details.notes),
        ] {
            if let Some(new) = new {
                old.clone_from(new);
                prospect.edited.insert(field);
            }
        }
        if let Some(locale) = self.locale {
            details.locale = locale;
            prospect.edited.insert(Field::Locale);
        }
        if let Some(tags) = &self.tags {
            details.tags.clone_from(tags);
            prospect.edited.insert(Field::Tags);
        }
        if let Some(state) = self.state {
            prospect.state = state;
        }
    }
}

fn tags(fields: &mut Fields, given: &BTreeSet<String>) -> BTreeSet<String> {
    if given.len() > MAX_TAGS {
        fields.wrong("tags", format!("must be at most {MAX_TAGS}"));
    }
    // One of several spellings, as in an import.
    let mut spelt = BTreeSet::new();
    let cleaned = given.iter().take(MAX_TAGS).map(|tag| fields.line("tags", tag, MAX_TAG));
    let clean: BTreeSet<_> = cleaned.filter(|tag| spelt.insert(tag.to_lowercase())).collect();
    if clean.iter().any(|tag| tag.contains([',', ';', '|']) || tag.starts_with('#')) {
        fields.wrong("tags", "must not contain , ; or | nor start with #: a file keeps several tags in one cell");
    }
    clean
}

fn notes(fields: &mut Fields, text: Option<&str>) -> Option<String> {
    let text = text.filter(|text| !text.trim().is_empty())?;
    Some(fields.lines("notes", text, MAX_NOTES))
}

fn country(fields: &mut Fields, text: Option<&str>) -> Option<String> {
    let text = text?;
    if text.len() != 2 || !text.bytes().all(|b| b.is_ascii_uppercase()) {
        fields.wrong("country", "two capital letters (ISO 3166-1), e.g. FR");
    }
    Some(text.to_owned())
}

#[cfg(test)]
mod tests {
    use domain::prospect::SourceKind;

    use super::*;

    fn change(json: &str) -> Result<ProspectChange, String> {
        let change: ProspectChange = serde_json::from_str(json).map_err(|e| e.to_string())?;
        change.checked().map_err(|f| f.detail)
    }

    fn prospect() -> Prospect {
        let at = Timestamp::from_second(1_700_000_000).unwrap();
        Prospect {
            subject: Subject::from_bytes([1; 16]),
            email: EmailAddress::parse("ada@firm.test").unwrap(),
            details: Details { first_name: Some("Ada".into()), company: Some("Firm".into()), ..Details::default() },
            source: Source {
                kind: SourceKind::Form,
                detail: "Form".into(),
                collected_on: "2026-01-01".parse().unwrap(),
            },
            lawful_basis: LawfulBasis::Consent,
            state: ProspectState::Active,
            restricted_by: None,
            edited: BTreeSet::new(),
            import: None,
            created_at: at,
            updated_at: at,
            last_contact_at: None,
            away_until: None,
            last_click_at: None,
            click_consent: None,
        }
    }

    #[test]
    fn a64_fields_beyond_the_list_are_refused() {
        assert!(change(r#"{"birthday":"1815-12-10"}"#).err().unwrap().contains("unknown field"));
        let new = r#"{"email":"a@firm.test","phone":"1","lawful_basis":"consent",
            "source":{"kind":"form","detail":"x","collected_on":"2026-01-01"}}"#;
        assert!(serde_json::from_str::<NewProspect>(new).is_err());
    }

    #[test]
    fn what_is_left_out_stays_null_empties_and_both_are_remembered_as_edits() {
        let mut person = prospect();
        let change = change(r#"{"first_name":null,"tags":["vip"],"state":"restricted"}"#).unwrap();
        assert_eq!(change.fields(), ["first_name", "tags", "state"]);
        change.apply(&mut person);
        assert_eq!(person.details.first_name, None);
        assert_eq!(person.details.company.as_deref(), Some("Firm"));
        assert_eq!(person.state, ProspectState::Restricted);
        assert_eq!(person.edited, BTreeSet::from([Field::FirstName, Field::Tags]));
    }

    #[test]
    fn bad_changes_are_told_apart() {
        for (json, said) in [
            ("{}", "at least one field"),
            (r#"{"email":"b@firm.test"}"#, "cannot be changed"),
            (r#"{"country":"France"}"#, "two capital letters"),
            (r#"{"company":"a\r\nb"}"#, "line breaks"),
            (r#"{"tags":["a,b"]}"#, "several tags in one cell"),
            (r#"{"state":"opted_out"}"#, "unknown variant"),
        ] {
            let error = change(json).err().unwrap();
            assert!(error.contains(said), "{json}: {error}");
        }
    }
}
