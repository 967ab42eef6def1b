//! A look into a Sender's mailbox over IMAP (RFC 3501): verified TLS, a pinned address, folders that are only read.
//!
//! The other end is whatever a Sender entered. Each step has its time, what is read is bounded in each answer and in all
//! of them together, and a server that says more than it was asked for ends its own look and nobody else's.

mod connect;
mod folder_name;
mod session;
mod wire;

pub(crate) use self::{
    connect::{PORTS, Place, connect},
    session::Session,
};

#[cfg(test)]
mod tests;
