//! The operator's staff: who they are, and what opens other workspaces to them.

mod appointment;
mod grants;

pub use grants::StaffGrant;
