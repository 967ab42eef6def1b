//! One binary for every test that looks at the product as a whole.

#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

mod contract;
mod faults;
mod journeys;
mod permissions;
mod promises;
