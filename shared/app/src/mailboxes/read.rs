//! Reading mailboxes by schedule: one message for each on a queue, so that one that is slow, or lies, is nobody else's
//! trouble.
//!
//! A place in a folder moves on after what was before it is dealt with, and everything that is done may be done again: a
//! run that is killed is repeated by the next one and ends the same.

use std::time::Duration;

use content::system::Notification;
use domain::{
    SignedDuration, Timestamp,
    audit::Action,
    id::MailboxId,
    mailbox::{Cursor, Stop},
    reply_address::ReplyAddress,
    subject::Subject,
    webhook::{Event, EventKind},
};
use inbound::{Kind, glance};
use jiff::tz::TimeZone;
use serde::Serialize;
use storage::{
    StoreError, WorkspaceScope,
    mailboxes::{Mailbox, ReadingRecord},
};

use super::{MailboxMessage, whose::Concern};
use crate::{App, Deadline, Failure, imap::Session};

/// Left of an invocation when no new mail is begun: the longest answer of a server, and what has to be written down.
const RESERVE: Duration = Duration::from_secs(25);

/// Left of a schedule's invocation when no new page is begun.
const PAGE_RESERVE: Duration = Duration::from_secs(10);

/// How long each step of getting in may take, and all of them.
const PATIENCE: Duration = Duration::from_secs(10);
const GETTING_IN: Duration = Duration::from_secs(25);

/// How long a mailbox is held: longer than any invocation.
const TURN: SignedDuration = SignedDuration::from_secs(120);

/// UIDs that are asked about at once: a server may leave gaps, or claim that it has millions.
const UIDS: u32 = 10_000;

/// Mails whose headers are looked at together.
const TOGETHER: usize = 25;

/// Attempts to switch a mailbox off while others change settings.
const ATTEMPTS: u32 = 5;

/// What a run of the schedule did.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct MailboxesReport {
    /// Whether it got to the end.
    pub complete: bool,
    /// Mailboxes put on the queue.
    pub mailboxes: usize,
}

/// Why a look ended before the mailbox did.
enum End {
    /// The server, or the way to it.
    Stopped(Stop),
    /// The settings were changed meanwhile: the next run reads by those.
    Changed,
    /// A service of ours.
    Failed(Failure),
}

impl From<Stop> for End {
    fn from(stop: Stop) -> Self {
        Self::Stopped(stop)
    }
}

impl From<Failure> for End {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// How far a look at a few mails came.
#[derive(PartialEq, Eq)]
enum Came {
    ToTheEnd,
    OutOfTime,
}

/// One run at one mailbox.
struct Run<'a> {
    scope: &'a WorkspaceScope,
    mailbox: &'a Mailbox,
    record: ReadingRecord,
    now: Timestamp,
    deadline: Deadline,
}

impl App {
    /// Puts each mailbox that is read on the queue.
    pub async fn mailboxes_due(&self, deadline: Deadline) -> Result<MailboxesReport, Failure> {
        let mut report = MailboxesReport::default();
        let mut after: Option<String> = None;
        while deadline.left() > PAGE_RESERVE {
            let (listed, next) = self.db.listed_mailboxes(after.as_deref()).await?;
            let message = |listed: &storage::mailboxes::ListedMailbox| MailboxMessage {
                workspace: listed.workspace,
                mailbox: listed.mailbox,
            };
            let messages: Vec<MailboxMessage> = listed.iter().map(message).collect();
            self.enqueue_all(&self.config.mailbox_queue_url, &messages).await?;
            report.mailboxes += messages.len();
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

    /// Reads what is new in a mailbox, if nobody else is at it. `holder` is the same each time that a message is received.
    pub async fn read_mailbox(
        &self,
        message: MailboxMessage,
        holder: &str,
        now: Timestamp,
        deadline: Deadline,
    ) -> Result<(), Failure> {
        let scope = WorkspaceScope::internal(message.workspace);
        let (store, id) = (self.db.mailboxes(&scope), message.mailbox);
        let all = store.all().await?;
        let workspace = self.db.accounts(&scope).workspace().await?;
        let is_open = workspace.is_some_and(|workspace| !workspace.is_closed());
        let Some(mailbox) = all.find(id).filter(|mailbox| is_open && mailbox.is_read()) else {
            return Ok(store.unlist(id).await?);
        };
        if !store.reading(id).await?.reading.is_due(now) || self.is_muted().await? {
            return Ok(());
        }
        let Some(record) = store.take(id, holder, now, now + TURN).await? else { return Ok(()) };
        let mut run = Run { scope: &scope, mailbox, record, now, deadline };
        let gives_up = match self.look_through(&mut run).await {
            Ok(()) => {
                run.record.reading.succeed(now);
                None
            }
            Err(End::Stopped(stop)) => {
                tracing::warn!(workspace = %scope.workspace(), mailbox = %id, stopped = stop.as_str(), "a mailbox cannot be read");
                run.record.reading.fail(stop, now).then_some(stop)
            }
            Err(End::Changed) => return Ok(()),
            Err(End::Failed(failure)) => return Err(failure),
        };
        if let Some(stop) = gives_up {
            self.disable_mailbox(&scope, mailbox, stop, now).await?;
        }
        (run.record.holder, run.record.busy_until) = (None, None);
        match store.save(id, run.record).await {
            Ok(_) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    async fn look_through(&self, run: &mut Run<'_>) -> Result<(), End> {
        let entered = tokio::time::timeout(GETTING_IN, self.enter_mailbox(run.scope, run.mailbox, PATIENCE)).await;
        let mut session = entered.map_err(|_| Stop::LoginLater)???;
        for folder in &run.mailbox.folders {
            if run.deadline.left() > RESERVE {
                self.look_into(run, &mut session, folder).await?;
            }
        }
        session.log_out().await;
        Ok(())
    }

    /// Reads what is new in a folder.
    async fn look_into(&self, run: &mut Run<'_>, session: &mut Session, folder: &str) -> Result<(), End> {
        let opened = session.open(folder).await?;
        let known = run.record.reading.cursor(folder);
        let mut cursor = Cursor::of(known, opened.validity, opened.uid_next);
        run.record.reading.move_to(folder, cursor);
        while cursor.next < opened.uid_next && run.deadline.left() > RESERVE {
            let last = cursor.next.saturating_add(UIDS - 1).min(opened.uid_next - 1);
            for together in session.among(cursor.next, last).await?.chunks(TOGETHER) {
                let looked = self.look_at(run, session, together, &mut cursor).await;
                self.note_place(run, folder, cursor).await?;
                if looked? == Came::OutOfTime {
                    return Ok(());
                }
            }
            cursor.next = last + 1;
            self.note_place(run, folder, cursor).await?;
        }
        Ok(())
    }

    /// Looks at the headers of a few mails, and reads those that concern us.
    async fn look_at(
        &self,
        run: &mut Run<'_>,
        session: &mut Session,
        uids: &[u32],
        cursor: &mut Cursor,
    ) -> Result<Came, End> {
        for headers in session.headers(uids).await? {
            if run.deadline.left() < RESERVE {
                return Ok(Came::OutOfTime);
            }
            let people = match self.concern(run.scope, &glance::read(&headers.bytes)).await? {
                Concern::Nobody => Vec::new(),
                Concern::People(people) => people,
                Concern::Report => {
                    let named = session.report(headers.uid).await?.map(|part| glance::read_report(&part));
                    self.written_to(run.scope, named.unwrap_or_default().iter()).await?
                }
            };
            // One that is gone was deleted meanwhile.
            if !people.is_empty()
                && let Some(raw) = session.mail(headers.uid).await?
            {
                self.take_from_mailbox(run, &people, &raw).await?;
            }
            cursor.next = headers.uid + 1;
        }
        Ok(Came::ToTheEnd)
    }

    /// Does what a mail asks for. It is not passed on: its Sender has it.
    async fn take_from_mailbox(&self, run: &mut Run<'_>, people: &[Subject], raw: &[u8]) -> Result<(), Failure> {
        let workspace = run.scope.workspace();
        let kind = inbound::read_on(raw, Some(run.now.to_zoned(TimeZone::UTC).date())).kind;
        run.record.reading.answers += u64::from(matches!(kind, Kind::Reply(_)));
        for subject in people {
            self.heed(ReplyAddress { workspace, subject: *subject }, kind.clone(), None, run.now).await?;
        }
        Ok(())
    }

    async fn note_place(&self, run: &mut Run<'_>, folder: &str, cursor: Cursor) -> Result<(), End> {
        run.record.reading.move_to(folder, cursor);
        let saved = self.db.mailboxes(run.scope).save(run.mailbox.id, run.record.clone()).await;
        run.record = match saved {
            Ok(saved) => saved,
            Err(StoreError::Conflict) => return Err(End::Changed),
            Err(error) => return Err(Failure::from(error).into()),
        };
        Ok(())
    }

    /// Switches a mailbox off, and tells the owners and their systems. A mail may be lost; the reason is not.
    async fn disable_mailbox(
        &self,
        scope: &WorkspaceScope,
        mailbox: &Mailbox,
        stop: Stop,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let store = self.db.mailboxes(scope);
        for _ in 0..ATTEMPTS {
            let mut all = store.all().await?;
            // Entered anew since, it has another day.
            let Some(stored) = all.find_mut(mailbox.id).filter(|stored| *stored == mailbox) else { return Ok(()) };
            stored.disabled_at = Some(now);
            let entry = scope.entry(Action::MailboxDisabled, now).about(mailbox.id).with("because", stop.as_str());
            match store.put_disabled(all, mailbox.id, &entry).await {
                Ok(()) => {
                    self.tell_of_mailbox(scope, mailbox.id, &mailbox.host, stop, now).await;
                    return Ok(());
                }
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Failure::too_early("mailboxes that keep changing"))
    }

    async fn tell_of_mailbox(&self, scope: &WorkspaceScope, id: MailboxId, host: &str, stop: Stop, now: Timestamp) {
        tracing::warn!(workspace = %scope.workspace(), mailbox = %id, because = stop.as_str(), "mailbox disabled");
        let workspace = scope.workspace();
        let event = || Event::new(workspace, EventKind::MailboxDisabled, now).because(stop.as_str());
        self.try_tell_webhooks(scope, EventKind::MailboxDisabled, now, event).await;
        let mail = Notification::MailboxDisabled { host, stop };
        if let Err(failure) = Box::pin(self.post_to_owners(workspace, mail, now)).await {
            tracing::warn!(slug = failure.slug, cause = failure.cause, mailbox = %id, "no mail about a mailbox");
        }
    }
}
