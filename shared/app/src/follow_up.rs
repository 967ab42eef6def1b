//! Chunks whose next step is due are put on the send queue.
//!
//! It looks at no campaign and no person: `send` decides. What is on the queue is forgotten here after it is there, so
//! a run that dies in between, or two at once, put a chunk on the queue twice, and the claims make that harmless.

use std::time::Duration;

use domain::Timestamp;
use futures::{StreamExt, TryStreamExt, stream};
use serde::Serialize;

use crate::{App, Deadline, Failure, queues::ChunkMessage};

/// Left of an invocation when no new page is begun.
const RESERVE: Duration = Duration::from_secs(20);

/// Notes forgotten at once.
const AT_ONCE: usize = 16;

/// What one run did.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct FollowUpReport {
    /// Whether it got to the end; if not, the next run goes on.
    pub complete: bool,
    /// Chunks put on the queue.
    pub chunks: usize,
}

impl App {
    /// Puts on the queue what is due at `now`.
    pub async fn follow_up(&self, now: Timestamp, deadline: Deadline) -> Result<FollowUpReport, Failure> {
        let mut report = FollowUpReport::default();
        if self.is_muted().await? {
            return Ok(report);
        }
        let mut after: Option<String> = None;
        while deadline.left() > RESERVE {
            let (due, next) = self.db.due_chunks(now, after.as_deref()).await?;
            let messages: Vec<ChunkMessage> = due
                .iter()
                .flat_map(|due| {
                    due.chunks.iter().map(|chunk| ChunkMessage::again(due.workspace, due.campaign, *chunk, due.step))
                })
                .collect();
            self.enqueue_all(&self.config.send_queue_url, &messages).await?;
            report.chunks += messages.len();
            stream::iter(&due).map(|due| self.db.forget_due(due)).buffer_unordered(AT_ONCE).try_collect::<()>().await?;
            match next {
                Some(next) => after = Some(next),
                None => {
                    report.complete = true;
                    break;
                }
            }
        }
        Ok(report)
    }
}
