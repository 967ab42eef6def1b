//! The send function.
