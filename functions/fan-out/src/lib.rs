//! The fan-out function.
