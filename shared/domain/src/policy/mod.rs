//! What may be done with a person's data, and for how long.

mod calendar;
pub mod inventory;
pub mod may_send;
pub mod processors;
mod register;
pub mod retention;
pub mod security;

pub use may_send::{Cleared, Refusal, Rules, SendPermit, may_send, screen, test_to_oneself};
