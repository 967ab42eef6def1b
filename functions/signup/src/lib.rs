//! The signup function.
