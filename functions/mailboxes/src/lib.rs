//! Reads Senders' own mailboxes for answers: by schedule it puts each of them on a queue, and takes them from there one by
//! one.

use app::{App, Deadline, Failure, mailboxes::MailboxesReport, queues};
use domain::Timestamp;
use edge::queue::Record;

/// Time has passed: all mailboxes are due.
pub async fn clock(app: &App, _: Timestamp, deadline: Deadline) -> Result<MailboxesReport, Failure> {
    let report = app.mailboxes_due(deadline).await?;
    tracing::info!(complete = report.complete, mailboxes = report.mailboxes, "mailboxes are due");
    Ok(report)
}

/// One mailbox.
pub async fn handle(app: &App, record: Record) -> Result<(), Failure> {
    let message = queues::read(&record.body)?;
    // On the heap: in place it is nested deeper than the compiler looks.
    Box::pin(app.read_mailbox(message, &record.id, record.now, record.deadline)).await
}
