//! Table `suppressions`, and what a replay after a restore reads.

use domain::{id::WorkspaceId, news::Reader, subject::Subject};

use super::Key;

/// One of a workspace's sixteen partitions of suppressions, sorted like its prospects.
pub fn suppression_shard(workspace: WorkspaceId, shard: u8) -> String {
    format!("W#{workspace}#S#{shard:x}")
}

/// A suppression.
pub fn suppression(workspace: WorkspaceId, subject: Subject) -> Key {
    Key::new(suppression_shard(workspace, subject.shard()), subject.hex())
}

/// Partition of the workspaces that were closed, by hash. Not under their own names: it outlives them.
pub const CLOSED: &str = "CLOSED";

/// One of them.
pub fn closed(hash: &str) -> Key {
    Key::new(CLOSED, hash)
}

/// That a member wants no news of the operator's, in whatever workspace: no part of any.
pub fn news_objection(reader: Reader) -> Key {
    Key::new("NEWS_OFF", reader.hex())
}

/// Partition of the hashes of removed members.
pub const REMOVED: &str = "REMOVED";

/// That a member was removed.
pub fn removed(hash: &str) -> Key {
    Key::new(REMOVED, hash)
}

/// Partition of the hashes of people whose records are frozen at their request.
pub const FROZEN: &str = "FROZEN";

/// By which request a person's record is frozen.
pub fn frozen(hash: &str) -> Key {
    Key::new(FROZEN, hash)
}

/// Since when a person does not agree any more to have clicks recorded.
pub fn click_withdrawal(workspace: WorkspaceId, hash: &str) -> Key {
    Key::new(format!("W#{workspace}#K"), hash)
}

/// That everything has been replayed after a restore.
pub fn replayed(restore: &str) -> Key {
    Key::new("RESTORE", restore)
}
