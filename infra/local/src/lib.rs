//! The local runner: the whole product on this machine, from template.yaml.
//!
//! It reads the template that goes to AWS, builds the functions, and runs their very binaries over
//! the Lambda Runtime API, with an HTTP API gateway, SQS pollers, S3 events and schedules around them.

pub mod clock;
pub mod template;
