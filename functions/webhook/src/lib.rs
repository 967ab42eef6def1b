//! Tells the Senders' own systems what happened.

use app::{App, Failure, queues, webhooks::Receipt};
use edge::queue::Record;

/// One message of the queue: something happened, or an endpoint is to be told what is due.
pub async fn handle(app: &App, record: Record) -> Result<(), Failure> {
    let message = queues::read(&record.body)?;
    let Record { now, receives, deadline, .. } = record;
    app.webhook(&message, Receipt { id: &record.id, receives, now, deadline }).await
}
