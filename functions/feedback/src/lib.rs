//! Takes in what SES says of messages after it accepted them.

use app::{App, Failure, feedback::SesEvent, queues};
use domain::Timestamp;
use edge::queue::Record;

/// What several events of a batch say of the people of one chunk is put down at once.
pub async fn prepare(app: &App, texts: &[&str], now: Timestamp) {
    let events: Vec<SesEvent> = texts.iter().filter_map(|text| queues::read(text).ok()).collect();
    app.note_delivered(&events, now).await;
}

/// One SES event.
pub async fn handle(app: &App, record: Record) -> Result<(), Failure> {
    let event = queues::read(&record.body)?;
    app.feedback(&event, record.now).await
}
