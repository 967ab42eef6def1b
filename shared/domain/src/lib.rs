//! Pure rules: values in, decision out.
//!
//! Nothing here reads a clock, a network or a table: `now` is an argument, and every decision is a
//! function that a table of examples can test. What must never happen should not compile: only
//! [`policy::may_send`] makes a [`policy::SendPermit`], and a mailer takes one by value.

pub mod absence;
pub mod abuse;
pub mod access;
pub mod audit;
pub mod blocklist;
pub mod bounce;
pub mod calendar;
pub mod campaign;
pub mod cause;
pub mod channel_check;
pub mod chunk;
pub mod clicks;
pub mod company;
pub mod dns;
pub mod email;
pub mod health;
pub mod hindrance;
pub mod id;
pub mod import;
pub mod locale;
pub mod mailbox;
pub mod member;
pub mod message_name;
pub mod news;
pub mod organisation;
pub mod pace;
pub mod policy;
pub mod prospect;
pub mod receivers;
pub mod reply_address;
pub mod rights;
pub mod sender;
pub mod sequence;
pub mod soft_bounces;
pub mod staff;
pub mod statement;
pub mod statistics;
pub mod subject;
pub mod suppression;
pub mod totp;
pub mod unsubscribe;
pub mod variant;
pub mod volume;
pub mod webhook;
mod whole;

pub use jiff::{SignedDuration, Timestamp};
