//! The legal function.
