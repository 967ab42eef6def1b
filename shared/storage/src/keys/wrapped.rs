//! Table `keys`: wrapped data keys and public keys.

use domain::id::WorkspaceId;

use super::{Key, accounts::account};

/// A workspace's wrapped data key.
pub fn data_key(workspace: WorkspaceId) -> Key {
    Key::new(account(workspace), "DATA_KEY")
}

/// The public half of a key that access tokens are signed with.
pub fn verifying_key(kid: &str) -> Key {
    Key::new(format!("JWK#{kid}"), "JWK")
}

/// Partition of the public keys that statements are verified with.
pub const STATEMENT_KEYS: &str = "STATEMENT_KEYS";

/// One of them.
pub fn statement_key(kid: &str) -> Key {
    Key::new(STATEMENT_KEYS, kid)
}
