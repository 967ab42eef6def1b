//! What functions ask of the services and of the Lambda runtime, call by call, and what may be done to each.
//!
//! A process that is killed while one of its calls is under way dies at an await point: before the call took
//! effect, or after it did and before the answer came. Those are all the points at which it matters when it dies.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use bytes::Bytes;
use futures::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};

/// Which side of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// It has not reached the service.
    Before,
    /// It took effect, and the answer has not left.
    After,
}

/// One call of a function.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    /// The same on both sides, and no other call's.
    pub number: u64,
    /// The function, by its binary.
    pub function: &'a str,
    /// The function's end of the connection, where there is one of its own.
    pub port: Option<u16>,
    /// `dynamodb`, `sqs`, `sesv2`, `s3`, `smtp`, `runtime` and so on.
    pub service: &'static str,
    /// `TransactWriteItems`, `DATA`, `response`; for the services that have no such header, method and path.
    pub operation: &'a str,
    /// What was sent. Nothing for S3.
    pub request: &'a [u8],
    /// Before or after.
    pub side: Side,
    /// After: the answer, if there was a successful one.
    pub answer: Option<&'a [u8]>,
}

/// What is done to a call.
pub enum Act {
    /// It goes on.
    Go,
    /// The process that made it is killed with SIGKILL, and the call goes no further.
    Kill,
    /// It goes on when this is over.
    Hold(BoxFuture<'static, ()>),
    /// It is not carried out, and answered as an overloaded service would. After it took effect this is [`Act::Lose`].
    Refuse,
    /// It is not carried out, and answered as to somebody without the permission: nobody tries that again at once. After it
    /// took effect this is [`Act::Lose`].
    Deny,
    /// The connection is cut: the caller never hears of it.
    Lose,
}

/// Who looks at every call, and says what is done to it.
pub trait Watcher: Send + Sync {
    /// A call, before it reaches the service and after it took effect. Short: everything waits for it.
    fn act(&self, call: &Call<'_>) -> Act;

    /// A call that was not stopped is about to be carried out.
    fn reaches(&self, call: &Call<'_>) {
        let _ = call;
    }

    /// A function is given an event to work on. More than one of its processes may be at work.
    fn begins(&self, function: &str, event: &[u8]) {
        let _ = (function, event);
    }
}

/// A process that has to die.
pub(crate) struct Victim {
    /// Its function.
    pub(crate) function: String,
    /// Its end of the connection, if it is known which: otherwise every process of the function dies.
    pub(crate) port: Option<u16>,
    /// Told once it is dead.
    pub(crate) dead: oneshot::Sender<()>,
}

/// Where calls pass. Clones share the watcher.
#[derive(Clone, Default)]
pub struct Calls {
    watcher: Arc<RwLock<Option<Arc<dyn Watcher>>>>,
    hangman: Arc<OnceLock<mpsc::UnboundedSender<Victim>>>,
    number: Arc<AtomicU64>,
}

impl std::fmt::Debug for Calls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Calls")
    }
}

/// What became of a call on one side of the service.
pub(crate) enum Passed {
    /// It goes on.
    On,
    /// It is to be answered as by an overloaded service.
    Refused,
    /// It is to be answered as to somebody without the permission.
    Denied,
    /// Nobody waits for an answer any more, or shall get one.
    Cut,
}

impl Calls {
    /// Has every call looked at from now on; nothing is done to any with `None`.
    pub fn watch(&self, watcher: Option<Arc<dyn Watcher>>) {
        *self.watcher.write().unwrap_or_else(PoisonError::into_inner) = watcher;
    }

    /// Who kills: there is one for each stack.
    pub(crate) fn hangman(&self) -> mpsc::UnboundedReceiver<Victim> {
        let (sender, receiver) = mpsc::unbounded_channel();
        // A second one would never hear of anything.
        let _ = self.hangman.set(sender);
        receiver
    }

    /// Whether anybody looks: what only they need is not worth making otherwise.
    pub(crate) fn watched(&self) -> Option<Arc<dyn Watcher>> {
        self.watcher.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The number of the next call.
    pub(crate) fn number(&self) -> u64 {
        self.number.fetch_add(1, Ordering::SeqCst)
    }

    /// A function is given an event.
    pub(crate) fn begins(&self, function: &str, event: &Bytes) {
        if let Some(watcher) = self.watched() {
            watcher.begins(function, event);
        }
    }

    /// Lets a call pass, or not.
    pub(crate) async fn pass(&self, call: &Call<'_>) -> Passed {
        let Some(watcher) = self.watched() else { return Passed::On };
        match watcher.act(call) {
            Act::Go => {}
            Act::Refuse => return Passed::Refused,
            Act::Deny => return Passed::Denied,
            Act::Lose => return Passed::Cut,
            Act::Hold(over) => over.await,
            Act::Kill => {
                self.kill(call.function, call.port).await;
                return Passed::Cut;
            }
        }
        if call.side == Side::Before {
            watcher.reaches(call);
        }
        Passed::On
    }

    async fn kill(&self, function: &str, port: Option<u16>) {
        let Some(hangman) = self.hangman.get() else { return };
        let (dead, told) = oneshot::channel();
        if hangman.send(Victim { function: function.to_owned(), port, dead }).is_ok() {
            // It fails when the stack is gone, and with it every process.
            let _ = told.await;
        }
    }
}

/// Which of these processes has this end of a TCP connection over IPv4.
pub(crate) fn owner_of(port: u16, pids: &[u32]) -> Option<u32> {
    let table = std::fs::read_to_string("/proc/net/tcp").ok()?;
    let local = format!(":{port:04X}");
    let inode = table.lines().skip(1).find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        fields.get(1)?.ends_with(&local).then(|| fields.get(9).map(|inode| format!("socket:[{inode}]")))?
    })?;
    let has = |pid: &&u32| {
        let open = std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        open.filter_map(|file| std::fs::read_link(file.path()).ok()).any(|to| to.as_os_str() == inode.as_str())
    };
    pids.iter().find(has).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_owner_of_a_connection_is_found() {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let ours = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let port = ours.local_addr().unwrap().port();
        let us = std::process::id();
        let found = owner_of(port, &[1, us]);
        // Where there is no /proc nobody is found, and everybody of the function dies.
        assert!(found == Some(us) || !std::path::Path::new("/proc/net/tcp").exists(), "{found:?}");
        assert_eq!(owner_of(port, &[]), None);
    }
}
