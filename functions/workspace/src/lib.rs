//! The workspace function.
