//! What an authority gets of a person (A17): who they are, where the data comes from, and when they were written to.
//! No notes, no tags, nothing that the Sender wrote.

use domain::{Timestamp, prospect::Source, subject::Subject};
use serde::Serialize;

use crate::prospects::ProspectDetail;

/// The extract.
#[derive(Serialize)]
pub struct Extract {
    id: Subject,
    email: String,
    first_name: Option<String>,
    last_name: Option<String>,
    company: Option<String>,
    source: Source,
    created_at: Timestamp,
    history: Vec<Written>,
}

/// That the person was written to.
#[derive(Serialize)]
struct Written {
    at: Timestamp,
    kind: &'static str,
}

impl Extract {
    /// Of a whole record.
    pub(super) fn of(whole: ProspectDetail) -> Self {
        let (person, history) = whole.into_parts();
        Self {
            id: person.id,
            email: person.email,
            first_name: person.first_name,
            last_name: person.last_name,
            company: person.company,
            source: person.source,
            created_at: person.created_at,
            history: history.into_iter().map(|event| Written { at: event.at, kind: event.kind }).collect(),
        }
    }
}
