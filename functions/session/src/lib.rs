//! The session function.
