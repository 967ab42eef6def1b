//! The campaigns function.
