//! Plans a launched campaign's audience into chunks, and completes it when everybody has an outcome; and has those who wait
//! for a channel look again when it was changed.

use app::{
    App, Failure,
    queues::{self, FanOutWork},
};
use edge::queue::Record;

/// One message of the fan-out's queue.
pub async fn handle(app: &App, record: Record) -> Result<(), Failure> {
    match queues::read(&record.body)? {
        FanOutWork::Campaign(message) => app.fan_out(&message, record.now, record.deadline).await,
        FanOutWork::Channel(message) => app.changed_channel(&message).await,
    }
}
