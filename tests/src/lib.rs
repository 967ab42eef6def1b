//! Journeys, promises, faults: black-box tests against the real functions.
//!
//! The kit: a [`TestStack`] is a whole product on free ports, a [`Sender`] is a company that signed up
//! on it, a [`Mail`] is a message somebody received. Whatever a test learns of a person's data is also
//! looked for in every log line when its stack is checked.

pub mod abuse;
pub mod aws;
pub mod clicks;
pub mod files;
pub mod http;
pub mod imap;
pub mod inventory;
pub mod mail;
pub mod replies;
pub mod rights;
pub mod seed;
pub mod sender;
mod sequences;
pub mod stack;
pub mod staff;
pub mod store;
pub mod webhooks;

pub use http::{Answer, Client};
pub use mail::Mail;
pub use sender::{Sender, wait_for};
pub use stack::{TestStack, run};
