//! Requests of people about their rights: one register of open ones, what is kept of the closed ones, what
//! each Sender has to do, and the copies of identity documents that a doubt has asked for.

mod copies;
mod holdings;
mod register;
mod tasks;

pub use copies::{Copies, Place};
pub use holdings::Holding;
pub use register::{ClosedRequest, Ended, OwnRequest, Person, RightsRequest};
pub use tasks::RightsTask;
