//! Takes in what SES received: answers, bounces, complaints.

use app::{App, Failure, queues};
use edge::queue::Record;

/// One mail that came in.
pub async fn handle(app: &App, record: Record) -> Result<(), Failure> {
    let received = queues::read(&record.body)?;
    app.take_in(&received, record.now).await
}
