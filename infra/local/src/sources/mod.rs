//! What invokes functions besides HTTP: queues, uploads, schedules.

pub(crate) mod cron;
pub(crate) mod s3;
pub(crate) mod schedules;
pub(crate) mod sqs;
