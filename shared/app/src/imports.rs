//! Announcing files of prospects, and telling how far they are.

use std::{collections::BTreeMap, time::Duration};

use domain::{
    Timestamp,
    audit::Action,
    email::without_addresses,
    id::ImportId,
    import::{ImportCounts, ImportStatus},
    policy::retention::{Policy, TIME_ZONE},
    prospect::{LawfulBasis, Source},
};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use storage::{
    WorkspaceScope,
    imports::ImportRecord,
    objects::{Objects, Presigned},
};

use crate::{App, Failure, FieldError, chance, prospects::is_switched_on};

/// How long an upload may begin after it was announced.
const UPLOAD_VALID: Duration = Duration::from_secs(3_600);

/// How long the address of a large report is good for.
const REPORT_VALID: Duration = Duration::from_secs(300);

/// Largest report given in the answer itself, in bytes. A Lambda's answer ends at 6 MB.
const INLINE_REPORT: u64 = 5 * 1024 * 1024;

/// Longest description of a source, in characters.
pub(crate) const MAX_DETAIL: usize = 500;

/// What a member says about a file before it comes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewImport {
    filename: String,
    #[serde(default)]
    mapping: Option<intake::Request>,
    source: Source,
    lawful_basis: LawfulBasis,
}

/// An import as the API shows it.
#[derive(Serialize)]
pub struct ImportView {
    id: ImportId,
    filename: String,
    status: ImportStatus,
    failure: Option<String>,
    bytes: u64,
    bytes_read: u64,
    rows_read: u64,
    #[serde(flatten)]
    counts: ImportCounts,
    rejected_by_reason: BTreeMap<String, u64>,
    detected: Option<Value>,
    mapping: Option<Value>,
    source: Source,
    lawful_basis: LawfulBasis,
    created_at: Timestamp,
    finished_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    upload: Option<Upload>,
}

/// How to send the file.
#[derive(Serialize)]
struct Upload {
    method: &'static str,
    url: String,
    headers: BTreeMap<String, String>,
    expires_at: Timestamp,
}

/// The rejected rows of an import.
pub enum Rejects {
    /// The report itself, CSV.
    Inline(Vec<u8>),
    /// Too large for an answer: it can be fetched there for five minutes.
    Elsewhere(String),
}

impl ImportView {
    /// Its identifier.
    pub const fn id(&self) -> ImportId {
        self.id
    }
}

impl From<ImportRecord> for ImportView {
    fn from(record: ImportRecord) -> Self {
        let raw = |json: Option<String>| json.and_then(|text| serde_json::from_str(&text).ok());
        Self {
            id: record.id,
            filename: record.filename,
            status: record.status,
            failure: record.failure,
            bytes: record.bytes,
            bytes_read: record.bytes_read,
            rows_read: record.counts.rows_read(),
            counts: record.counts,
            rejected_by_reason: record.rejected_by_reason,
            detected: raw(record.detected),
            mapping: raw(record.mapping_used.or(record.mapping)),
            source: record.source,
            lawful_basis: record.lawful_basis,
            created_at: record.created_at,
            finished_at: record.finished_at,
            upload: None,
        }
    }
}

impl App {
    /// The uploads and reports of a workspace.
    pub(crate) fn objects<'a>(&'a self, scope: &'a WorkspaceScope) -> Objects<'a> {
        Objects::new(&self.s3, &self.config.uploads_bucket, scope)
    }

    /// Announces a file: its record, and where to put it.
    pub async fn announce_import(
        &self,
        scope: &WorkspaceScope,
        new: NewImport,
        now: Timestamp,
    ) -> Result<ImportView, Failure> {
        let workspace = self.may_begin(scope, now).await?;
        let new = new.checked(workspace.retention_months, now)?;
        let names = |field: &str| new.mapping.as_ref().is_some_and(|names| matches!(names.get(field), Some(Some(_))));
        if intake::OF_CLICKS.iter().any(|field| names(field)) {
            is_switched_on(names(intake::OF_OPENS), workspace.records())?;
        }
        let id = ImportId::new(now, chance());
        let record = ImportRecord {
            id,
            filename: new.filename,
            source: new.source,
            lawful_basis: new.lawful_basis,
            created_at: now,
            status: ImportStatus::AwaitingUpload,
            failure: None,
            bytes: 0,
            bytes_read: 0,
            counts: ImportCounts::default(),
            rejected_by_reason: BTreeMap::new(),
            detected: None,
            mapping: new.mapping.and_then(|mapping| serde_json::to_string(&mapping).ok()),
            mapping_used: None,
            started_at: None,
            finished_at: None,
            etag: None,
            rows_done: 0,
            worker: None,
            v: 1,
        };
        let Presigned { url, headers } = self.objects(scope).sign_upload(id, UPLOAD_VALID).await?;
        let entry = scope.entry(Action::ImportAnnounced, now).about(id);
        self.db.imports(scope).create(&record, &entry).await?;
        tracing::info!(import = %id, workspace = %scope.workspace(), "import announced");
        let upload =
            Upload { method: "PUT", url, headers: headers.into_iter().collect(), expires_at: now + UPLOAD_VALID };
        Ok(ImportView { upload: Some(upload), ..record.into() })
    }

    /// Imports, newest first, and the one to go on after.
    pub async fn list_imports(
        &self,
        scope: &WorkspaceScope,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<(Vec<ImportView>, Option<ImportId>), Failure> {
        let after = cursor.map(str::parse::<ImportId>).transpose();
        let after = after.map_err(|_| Failure::field("cursor", "the `next_cursor` of the page before, unchanged"))?;
        let (records, next) = self.db.imports(scope).page(after, limit).await?;
        Ok((records.into_iter().map(Into::into).collect(), next))
    }

    /// One import.
    pub async fn import(&self, scope: &WorkspaceScope, id: ImportId) -> Result<ImportView, Failure> {
        Ok(self.import_record(scope, id).await?.into())
    }

    /// The rejected rows of an import that has ended.
    pub async fn import_rejects(&self, scope: &WorkspaceScope, id: ImportId) -> Result<Rejects, Failure> {
        let record = self.import_record(scope, id).await?;
        if !matches!(record.status, ImportStatus::Done | ImportStatus::Failed) {
            return Err(Failure::conflict(
                "import-not-finished",
                "The report of rejected rows is written at the end. Ask again when `status` is `done`.",
            ));
        }
        if record.counts.rejected == 0 {
            let header = intake::RejectReport::new(Vec::new()).map_err(|e| Failure::internal(e.to_string()))?;
            return Ok(Rejects::Inline(header.into_inner()));
        }
        let Some(object) = self.objects(scope).rejects(id).await? else {
            let detail = "The report of this import is not kept any longer. Import the file again to get a new one.";
            return Err(Failure { detail: detail.to_owned(), ..Failure::not_found("report") });
        };
        if object.bytes > INLINE_REPORT {
            let signed = self.objects(scope).sign_rejects(id, &format!("{id}-rejects.csv"), REPORT_VALID).await?;
            return Ok(Rejects::Elsewhere(signed.url));
        }
        let body = object.body.collect().await.map_err(|_| Failure::unavailable("s3", Some("body")))?;
        Ok(Rejects::Inline(body.to_vec()))
    }

    async fn import_record(&self, scope: &WorkspaceScope, id: ImportId) -> Result<ImportRecord, Failure> {
        self.db.imports(scope).get(id).await?.ok_or_else(|| Failure::not_found("import"))
    }
}

impl NewImport {
    fn checked(mut self, retention_months: u8, now: Timestamp) -> Result<Self, Failure> {
        let mut errors = check_source(&mut self.source, retention_months, now);
        self.filename = without_addresses(self.filename.trim());
        if self.filename.is_empty() || self.filename.chars().count() > 255 || self.filename.contains(char::is_control) {
            errors.push(wrong("filename", "the file's name, 1 to 255 characters"));
        }
        if let Some(Err(error)) = self.mapping.as_ref().map(intake::mapping::check) {
            errors.push(wrong("mapping", &error.to_string()));
        }
        if errors.is_empty() { Ok(self) } else { Err(Failure::fields(errors)) }
    }
}

/// What is wrong with a source: it must be told (A66), and be recent enough to be kept at all (A72, A73).
pub(crate) fn check_source(source: &mut Source, retention_months: u8, now: Timestamp) -> Vec<FieldError> {
    let mut errors = Vec::new();
    source.detail = without_addresses(source.detail.trim());
    if source.detail.is_empty()
        || source.detail.chars().count() > MAX_DETAIL
        || source.detail.contains(char::is_control)
    {
        errors.push(wrong("source.detail", "where the addresses come from, in one line of 1 to 500 characters"));
    }
    let today = TimeZone::get(TIME_ZONE).unwrap_or(TimeZone::UTC).to_datetime(now).date();
    if source.collected_on > today {
        errors.push(wrong("source.collected_on", "the day the addresses were collected; it cannot lie in the future"));
    } else if now >= Policy::current().prospect_expiry(source.collected_on, None, Some(retention_months)) {
        let message = format!(
            "these addresses are too old to be kept: this workspace keeps prospects {retention_months} months after they were collected"
        );
        errors.push(wrong("source.collected_on", &message));
    }
    errors
}

pub(crate) fn wrong(field: &str, message: &str) -> FieldError {
    FieldError { field: field.to_owned(), message: message.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(collected_on: &str, detail: &str) -> NewImport {
        let json = serde_json::json!({
            "filename": "salon.csv",
            "source": { "kind": "trade_fair", "detail": detail, "collected_on": collected_on },
            "lawful_basis": "legitimate_interest",
        });
        serde_json::from_value(json).unwrap()
    }

    fn refused(new: NewImport, months: u8) -> Vec<String> {
        let now = "2026-11-21T10:00:00Z".parse().unwrap();
        new.checked(months, now).map_or_else(|f| f.fields.into_iter().map(|f| f.field).collect(), |_| Vec::new())
    }

    #[test]
    fn a66_source_and_basis_are_mandatory() {
        for missing in ["filename", "source", "lawful_basis"] {
            let mut json = serde_json::json!({
                "filename": "a.csv", "lawful_basis": "consent",
                "source": { "kind": "form", "detail": "site", "collected_on": "2026-01-01" },
            });
            json.as_object_mut().unwrap().remove(missing);
            assert!(serde_json::from_value::<NewImport>(json).is_err(), "{missing}");
        }
        assert_eq!(refused(body("2026-11-01", "  "), 36), ["source.detail"]);
        assert_eq!(refused(body("2026-11-01", "two\nlines"), 36), ["source.detail"]);
    }

    #[test]
    fn a72_the_day_of_collection_is_neither_to_come_nor_too_long_ago() {
        for (day, months, ok) in [
            ("2026-11-21", 36, true),
            ("2026-11-22", 36, false),
            ("2023-11-22", 36, true),
            ("2023-11-21", 36, false),
            ("2026-10-22", 1, true),
            ("2026-10-21", 1, false),
        ] {
            assert_eq!(refused(body(day, "Salon"), months).is_empty(), ok, "{day} {months}");
        }
    }

    #[test]
    fn a_mapping_of_fields_that_do_not_exist_is_refused_at_once() {
        let mut new = body("2026-11-01", "Salon");
        new.mapping = Some(serde_json::from_str(r#"{"birthday": "Naissance"}"#).unwrap());
        assert_eq!(refused(new, 36), ["mapping"]);
    }
}
