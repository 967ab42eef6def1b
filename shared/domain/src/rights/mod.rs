//! People's rights (articles 15 to 22 GDPR): what can be asked, what is done about it at once, and by
//! when somebody has to answer (A38 to A48, A75).

mod duty;
pub mod identity;
mod kind;
mod period;

pub use duty::{Chase, Duty, Extension, Handled, NotExtended, Outcome};
pub use kind::{AtOnce, Channel, RequestKind};
pub use period::{due, extended, reminders};
