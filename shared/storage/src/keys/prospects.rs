//! Table `prospects`.

use domain::{id::WorkspaceId, subject::Subject};

use super::Key;

/// One of a workspace's sixteen partitions of prospects.
pub fn prospect_shard(workspace: WorkspaceId, shard: u8) -> String {
    format!("W#{workspace}#P#{shard:x}")
}

/// A prospect.
pub fn prospect(workspace: WorkspaceId, subject: Subject) -> Key {
    Key::new(prospect_shard(workspace, subject.shard()), subject.hex())
}
