//! Table `evidence`: the trail, what was sent, statements and statistics.

use domain::{
    Timestamp,
    id::{AuditId, WorkspaceId},
    statistics::Month,
};

use super::Key;

/// A month of a workspace's audit trail (`2026-11`, UTC), sorted by time.
pub fn audit_month(workspace: WorkspaceId, month: &str) -> String {
    format!("W#{workspace}#A#{month}")
}

/// An entry of the audit trail.
pub fn audit(workspace: WorkspaceId, at: Timestamp, id: AuditId) -> Key {
    let at = format!("{at:.3}"); // always as long, so that it sorts
    Key::new(audit_month(workspace, &at[..MONTH]), format!("{at}#{id}"))
}

/// Characters of a time that name its month.
pub const MONTH: usize = "2026-11".len();

/// Partition of what every purge run did.
pub const PURGES: &str = "PURGE";

/// One purge run, by the time it was for.
pub fn purge_run(at: &str) -> Key {
    Key::new(PURGES, at)
}

/// Where a purge that ran out of time goes on.
pub fn purge_cursor() -> Key {
    Key::new("PURGE_CURSOR", "CURSOR")
}

/// Where an announcement that ran out of time goes on.
pub fn announcement_cursor() -> Key {
    Key::new("ANNOUNCEMENT_CURSOR", "CURSOR")
}

/// Partition of the statistics of use. No workspace has a part in it.
pub const STATISTICS: &str = "STATISTICS";

/// Those of a month.
pub fn statistics(month: Month) -> Key {
    Key::new(STATISTICS, month.to_string())
}

/// Partition of the operator's news, and of how far each came.
pub const NEWS: &str = "NEWS";

/// One of them, by the hash of what it says.
pub fn news(id: &str) -> Key {
    Key::new(NEWS, id)
}

/// The service mails to whoever has this pseudonym, sorted by time.
pub fn service_mails(pseudonym: &str) -> String {
    format!("MAIL#{pseudonym}")
}

/// The evidence of one of them, by when it was sent and its unique name.
pub fn service_mail(pseudonym: &str, at: Timestamp, name: &str) -> Key {
    Key::new(service_mails(pseudonym), format!("{at:.3}#{name}"))
}
