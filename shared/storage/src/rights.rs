//! Requests of people about their rights: one register of open ones, what is kept of the closed ones, and
//! what each Sender has to do.

mod holdings;
mod register;
mod tasks;

pub use holdings::Holding;
pub use register::{ClosedRequest, Ended, OwnRequest, Person, RightsRequest};
pub use tasks::RightsTask;
