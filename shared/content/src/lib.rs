//! Everything a person reads: campaign messages, system mails, pages and legal texts, in French and English.
//!
//! Pure: values in, text or bytes out. No clock, no network, no table.

pub mod abuse;
pub mod campaign;
pub mod channel_check;
pub mod check;
pub mod clicks;
pub mod domain_check;
pub mod failed;
pub mod forward;
mod html;
pub mod legal;
pub mod mailbox_check;
pub mod message;
mod mime;
pub mod optout;
pub mod page;
pub mod promises;
pub mod rights;
pub mod system;
pub mod template;
