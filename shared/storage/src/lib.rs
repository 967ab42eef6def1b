//! DynamoDB and S3: the tables, and the keys of everything in them.
//!
//! [`keys`] holds every key of every table. A handle to a workspace's data is only made from a
//! [`WorkspaceScope`], and every key is derived from it, so that no caller can name another
//! workspace's partition. Where the scope has a session of its workspace, its clients are the only ones
//! used, and IAM refuses what the keys should never have named.

pub mod abuse;
pub mod accounts;
pub mod audit;
pub mod commit;
pub mod db;
pub mod evidence;
pub mod imports;
pub mod inbox;
pub mod keyring;
pub mod keys;
pub mod mailboxes;
pub mod news;
pub mod objects;
pub mod outreach;
pub mod prospects;
pub mod reach;
pub mod restore;
pub mod rights;
pub mod scope;
pub mod service_mail;
pub mod staff;
pub mod statistics;
pub mod suppressions;
pub mod sweep;
pub mod webhooks;

pub use db::{Db, Expected, StoreError, Tables};
pub use scope::WorkspaceScope;
