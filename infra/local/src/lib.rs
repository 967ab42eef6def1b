//! The local runner: the whole product on this machine, from template.yaml.
//!
//! It reads the template that goes to AWS, builds the functions, and runs their very binaries over
//! the Lambda Runtime API, with an HTTP API gateway, SQS pollers, S3 events and schedules around them.

mod answer;
pub mod backends;
pub mod bench;
mod build_functions;
pub mod classify;
pub mod clock;
mod console;
mod customer;
pub mod demo;
mod engine;
pub mod faults;
mod gateway;
pub mod iam;
mod ids;
pub mod inspect;
mod instance;
mod invoke_api;
mod local_routes;
pub mod mailbox;
pub mod meter;
mod payload;
mod process;
pub mod promises;
pub mod register;
pub mod reviews;
mod routes;
mod runtime_api;
mod sources;
mod stack;
mod supervisor;
pub mod template;
pub mod verify;

pub use build_functions::{BIN_DIR, build_functions, workspace_root};
pub use console::LogLine;
pub use sources::schedules::Fired;
pub use stack::{Options, PORT, Stack};
pub use supervisor::Failure;
