//! Takes in what SES says of messages after it accepted them.

use app::{App, Failure, queues};
use edge::queue::Record;

/// One SES event.
pub async fn handle(app: &App, record: Record) -> Result<(), Failure> {
    let event = queues::read(&record.body)?;
    app.feedback(&event, record.now).await
}
