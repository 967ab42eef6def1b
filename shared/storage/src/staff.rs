//! The operator's staff: who they are, what opens other workspaces to them, and what they do after a breach.

mod appointment;
mod grants;
mod incidents;

pub use grants::StaffGrant;
pub use incidents::{Affected, Both, Incident};
