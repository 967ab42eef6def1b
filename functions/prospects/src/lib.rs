//! The prospects function.
