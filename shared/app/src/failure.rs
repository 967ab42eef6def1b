//! What a use case says when it cannot do what it was asked: one type, one mapping to problem+json.

use storage::StoreError;

/// The kinds of failure, each with a stable name in the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The request cannot be read or lacks something: 400.
    Invalid,
    /// No token, or one that is worth nothing: 401.
    Unauthenticated,
    /// Known, but not allowed: 403.
    Forbidden,
    /// Nothing of that name in this workspace: 404.
    NotFound,
    /// The state does not allow it: 409.
    Conflict,
    /// Too large: 413.
    TooLarge,
    /// Not the media type that is read here: 415.
    Unsupported,
    /// Well formed, but refused by a rule: 422.
    Refused,
    /// Too often: 429, with `Retry-After`.
    TooMany,
    /// Our fault: 500.
    Internal,
    /// What it builds on is not there yet; the queue brings it again: 503.
    TooEarly,
    /// A service we need is not answering: 503.
    Unavailable,
}

/// The cause of a failure when a service said nothing at all.
const NO_ANSWER: &str = "no answer";

/// One field of a request and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct FieldError {
    /// Its name, with dots into nested ones.
    pub field: String,
    /// What to do about it.
    pub message: String,
}

/// Why a use case did not do what it was asked. `detail` is for the caller: it says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Failure {
    /// The kind.
    pub kind: Kind,
    /// The stable name of the problem: `type` is `/problems/<slug>`.
    pub slug: &'static str,
    /// For the caller.
    pub detail: String,
    /// Field by field, when fields are the trouble.
    pub fields: Vec<FieldError>,
    /// Seconds to wait before trying again.
    pub retry_after: Option<u32>,
    /// For the log only: codes, never data.
    pub cause: Option<String>,
}

impl Failure {
    /// A failure of a kind.
    pub fn new(kind: Kind, slug: &'static str, detail: impl Into<String>) -> Self {
        Self { kind, slug, detail: detail.into(), fields: Vec::new(), retry_after: None, cause: None }
    }

    /// One field is wrong.
    pub fn field(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::fields(vec![FieldError { field: field.into(), message: message.into() }])
    }

    /// Several fields are wrong.
    pub fn fields(fields: Vec<FieldError>) -> Self {
        let detail = fields.iter().map(|f| format!("{}: {}", f.field, f.message)).collect::<Vec<_>>().join("; ");
        Self { fields, ..Self::new(Kind::Refused, "validation-failed", detail) }
    }

    /// Nothing of that name in this workspace.
    pub fn not_found(what: &str) -> Self {
        Self::new(Kind::NotFound, "not-found", format!("There is no such {what} here."))
    }

    /// The state does not allow it.
    pub fn conflict(slug: &'static str, detail: impl Into<String>) -> Self {
        Self::new(Kind::Conflict, slug, detail)
    }

    /// Refused by a rule.
    pub fn refused(slug: &'static str, detail: impl Into<String>) -> Self {
        Self::new(Kind::Refused, slug, detail)
    }

    /// Sign in first.
    pub fn unauthenticated() -> Self {
        Self::new(
            Kind::Unauthenticated,
            "unauthenticated",
            "Send a valid access token: `Authorization: Bearer …`. POST /v1/session gives one.",
        )
    }

    /// Known, but not allowed to.
    pub fn forbidden() -> Self {
        let detail =
            "Your role does not allow this. An owner or an admin of the workspace can do it, or change your role.";
        Self::new(Kind::Forbidden, "forbidden", detail)
    }

    /// What it builds on is not there yet: to be tried again, and no error. `cause` goes to the log.
    pub fn too_early(cause: impl Into<String>) -> Self {
        let detail = "This is not ready yet. Try again in a moment.";
        Self { cause: Some(cause.into()), ..Self::new(Kind::TooEarly, "too-early", detail) }
    }

    /// Our fault. `cause` goes to the log.
    pub fn internal(cause: impl Into<String>) -> Self {
        Self {
            cause: Some(cause.into()),
            ..Self::new(Kind::Internal, "internal", "Something failed on our side. Nothing was lost; try again.")
        }
    }

    /// Whether a mail that failed so certainly did not go: the service said no. Without an answer it may have.
    pub fn certainly_not_sent(&self) -> bool {
        self.kind == Kind::Unavailable && self.cause.as_deref().is_some_and(|cause| !cause.ends_with(NO_ANSWER))
    }

    /// A service does not answer.
    pub fn unavailable(service: &str, code: Option<&str>) -> Self {
        Self {
            cause: Some(format!("{service}: {}", code.unwrap_or(NO_ANSWER))),
            retry_after: Some(2),
            ..Self::new(Kind::Unavailable, "unavailable", "A service we depend on is not answering. Try again shortly.")
        }
    }
}

/// Whether a note was taken; false when somebody else wrote at the same moment, and a later run looks again.
pub(crate) fn not_lost(saved: Result<(), StoreError>) -> Result<bool, Failure> {
    match saved {
        Ok(()) => Ok(true),
        Err(StoreError::Conflict) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict => {
                Failure::conflict("changed-meanwhile", "The record changed meanwhile. Read it again and repeat.")
            }
            StoreError::Throttled(code) | StoreError::Unavailable(code) => {
                Failure::unavailable("dynamodb", Some(&code))
            }
            StoreError::Corrupt(what) => Failure::internal(format!("unreadable record: {what}")),
        }
    }
}
