//! Sends one chunk of a campaign: claim, read the opt-outs, hand over, write down what came of it.

use app::{App, Failure, queues};
use edge::queue::Record;

/// One message of the send queue: one chunk.
pub async fn handle(app: &App, record: Record) -> Result<(), Failure> {
    let message = queues::read(&record.body)?;
    Box::pin(app.send_chunk(&message, (record.now, record.receives), record.deadline)).await
}
