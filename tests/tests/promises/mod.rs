//! Every promise of the published policies that blocks a launch, kept by the whole product: one test each,
//! named by its id in docs/PROMISES.md.

mod abuse;
mod accounts;
mod agreements;
mod audit;
mod audit_routes;
mod boundaries;
mod clicks;
mod equal_security;
mod forged_keys;
mod identity;
mod incidents;
mod inventory;
mod isolation;
mod leaving;
mod logs;
mod messages;
mod news;
mod opens;
mod opt_out;
mod own_leads;
mod pages;
mod purge;
mod restore;
mod retention;
mod rights;
mod rights_exercised;
mod rights_meanwhile;
mod roles;
mod secrets;
mod service_mails;
mod sources;
mod staff;
mod statistics;
