//! The imports function.
