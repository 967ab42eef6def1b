//! The product as a Sender and its recipients live through it.

mod main_job;
