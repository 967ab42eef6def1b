//! The operator's staff: what opens somebody else's data to them, for whom, and for how long (A17, A18, A79); and what
//! they do after a breach (A54).

mod access;
mod incident;

pub use access::{Access, Disclosure, Hand, NotApproved, NotEnded, Purpose, SUBJECTS, Shut, Status, Wanted};
pub use incident::{Closed, Reason, Search, Timer, Whom};
