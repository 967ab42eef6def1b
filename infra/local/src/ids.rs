//! Identifiers as AWS makes them.

use crate::clock::system_now;

/// A random version 4 UUID.
pub(crate) fn uuid() -> String {
    let mut bytes: [u8; 16] = rand::random();
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex = hex::encode(bytes);
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// A trace header of X-Ray, not sampled.
pub(crate) fn trace_id() -> String {
    let seconds = system_now().as_second();
    let random: [u8; 12] = rand::random();
    format!("Root=1-{seconds:08x}-{};Sampled=0", hex::encode(random))
}
