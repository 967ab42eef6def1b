//! The unsubscribe function.
