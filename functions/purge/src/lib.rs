//! The purge function.
