//! Plans a launched campaign's audience into chunks, and completes it when everybody has an outcome.

use app::{App, Failure, queues};
use edge::queue::Record;

/// One message of the fan-out's queue.
pub async fn handle(app: &App, record: Record) -> Result<(), Failure> {
    let message = queues::read(&record.body)?;
    app.fan_out(&message, record.now, record.deadline).await
}
