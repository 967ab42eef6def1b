//! How far a use case reaches: with the function's own credentials, or with those of one workspace's session,
//! which IAM lets touch that workspace's keys and objects and nothing else (A78).

use aws_sdk_s3::Client;

use crate::Db;

/// The clients of one workspace's session.
pub struct Reach {
    /// The tables, as the session reaches them.
    pub db: Db,
    /// The bucket, as the session reaches it.
    pub s3: Client,
}

impl std::fmt::Debug for Reach {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reach(***)")
    }
}
