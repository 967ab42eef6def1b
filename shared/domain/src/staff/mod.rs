//! The operator's staff: what opens somebody else's data to them, for whom, and for how long (A17, A18, A79).

mod access;

pub use access::{Access, Disclosure, Hand, NotApproved, NotEnded, Purpose, SUBJECTS, Shut, Status, Wanted};
