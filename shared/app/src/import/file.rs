//! The first bytes of a file, which say how it is written.

use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use intake::PREFIX;

use crate::Failure;

/// Largest file, in bytes.
pub(super) const MAX_BYTES: u64 = 200 * 1024 * 1024;

/// Most rows of a file.
pub(super) const MAX_ROWS: u64 = 2_000_000;

/// The first bytes of a file, and whatever else came with them.
pub(super) struct Head {
    pub(super) bytes: Bytes,
    /// Nothing comes after them.
    pub(super) whole: bool,
}

/// Reads the part of a file that is looked at.
pub(super) async fn head(body: &mut ByteStream) -> Result<Head, Failure> {
    let mut bytes = Vec::with_capacity(PREFIX);
    while bytes.len() < PREFIX {
        match body.next().await {
            Some(Ok(chunk)) => bytes.extend_from_slice(&chunk),
            Some(Err(_)) => return Err(Failure::unavailable("s3", Some("body"))),
            None => return Ok(Head { bytes: bytes.into(), whole: true }),
        }
    }
    Ok(Head { bytes: bytes.into(), whole: false })
}
