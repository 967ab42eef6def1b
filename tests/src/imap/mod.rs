//! A Sender's own mailbox: an IMAP server on loopback, under the certificate that the local relay has.

mod session;
mod text;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::{Sender, TestStack};

/// The password that lets in.
pub const PASSWORD: &str = "a mailbox password";

/// How the server keeps to the standard.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Manner {
    /// It does.
    #[default]
    Honest,
    /// It hangs when it is asked what is new.
    Hangs,
    /// It answers that with a line that has no end.
    Endless,
    /// It announces a mail of two gigabytes.
    Huge,
    /// It claims a million mails that nobody asked for.
    Millions,
    /// It hangs up in the middle of every mail.
    HangsUp,
    /// It gives one mail, and hangs at the next.
    HangsAtTheSecond,
}

/// What a server holds, and what it was asked.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) manner: Manner,
    pub(crate) password: String,
    pub(crate) validity: u32,
    pub(crate) uid_next: u32,
    pub(crate) mails: Vec<(u32, String)>,
    pub(crate) asked: Vec<String>,
}

/// A server with one folder.
pub struct Imap {
    state: Arc<Mutex<State>>,
    port: u16,
    security: &'static str,
    task: JoinHandle<()>,
}

impl Imap {
    /// One that speaks TLS from the first byte.
    pub async fn start(stack: &TestStack) -> Imap {
        Imap::listen(stack, "tls").await
    }

    /// One that starts in plain text, and lets nobody in before STARTTLS.
    pub async fn start_plain(stack: &TestStack) -> Imap {
        Imap::listen(stack, "starttls").await
    }

    async fn listen(stack: &TestStack, security: &'static str) -> Imap {
        let state = State {
            manner: Manner::Honest,
            password: PASSWORD.into(),
            validity: 7,
            uid_next: 1,
            mails: Vec::new(),
            asked: Vec::new(),
        };
        let state = Arc::new(Mutex::new(state));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (acceptor, shared) = (stack.backends().smtp().acceptor(), Arc::clone(&state));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, shared) = (acceptor.clone(), Arc::clone(&shared));
                tokio::spawn(async move {
                    // Whoever breaks off is a test's business.
                    let _ = if security == "tls" {
                        match acceptor.accept(stream).await {
                            Ok(stream) => session::converse(stream, &shared, true, true).await.map(drop),
                            Err(error) => Err(error),
                        }
                    } else {
                        match session::converse(stream, &shared, false, true).await {
                            Ok(Some(stream)) => match acceptor.accept(stream).await {
                                Ok(stream) => session::converse(stream, &shared, true, false).await.map(drop),
                                Err(error) => Err(error),
                            },
                            ended => ended.map(drop),
                        }
                    };
                });
            }
        });
        stack.keep_secret(PASSWORD);
        Imap { state, port, security, task }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// What a member enters.
    pub fn settings(&self) -> Value {
        json!({
            "name": "Réponses", "host": "localhost", "port": self.port, "security": self.security,
            "username": "reponses@atelier.test", "password": PASSWORD,
        })
    }

    /// A mail arrives; gives its UID.
    pub fn deliver(&self, raw: &str) -> u32 {
        let mut state = self.state();
        let uid = state.uid_next;
        state.uid_next += 1;
        state.mails.push((uid, raw.to_owned()));
        uid
    }

    /// Behaves so from here on.
    pub fn behave(&self, manner: Manner) {
        self.state().manner = manner;
    }

    /// Its owner changes the password.
    pub fn change_password(&self, password: &str) {
        password.clone_into(&mut self.state().password);
    }

    /// The folder is made anew, with the mails that it has.
    pub fn make_anew(&self) {
        let mut state = self.state();
        state.validity += 1;
        let count = u32::try_from(state.mails.len()).expect("few mails");
        for (at, mail) in state.mails.iter_mut().enumerate() {
            mail.0 = u32::try_from(at).expect("few mails") + 1;
        }
        state.uid_next = count + 1;
    }

    /// Leaves a gap in the UIDs, as servers may.
    pub fn skip(&self, uids: u32) {
        self.state().uid_next += uids;
    }

    /// Every command so far, without its tag and without secrets.
    pub fn asked(&self) -> Vec<String> {
        self.state().asked.clone()
    }

    /// The UIDs of the mails that somebody read, whole or in part; headers do not count.
    pub fn read(&self) -> Vec<u32> {
        let read = |asked: &String| {
            let (uid, what) = asked.strip_prefix("UID FETCH ")?.split_once(' ')?;
            (!what.contains("HEADER.FIELDS")).then(|| uid.parse().expect("one mail at a time"))
        };
        self.asked().iter().filter_map(read).collect()
    }

    /// Fails if anybody asked for anything that could change the mailbox.
    #[track_caller]
    pub fn must_be_as_it_was(&self) {
        const ALLOWED: [&str; 8] = [
            "CAPABILITY",
            "STARTTLS",
            "AUTHENTICATE PLAIN",
            "EXAMINE ",
            "UID SEARCH ",
            "UID FETCH ",
            "LOGOUT",
            "FETCH * UID",
        ];
        for asked in self.asked() {
            assert!(ALLOWED.iter().any(|allowed| asked.starts_with(allowed)), "{asked}");
            assert!(!asked.contains("BODY[") && !asked.contains("RFC822"), "{asked} marks a mail as read");
        }
    }
}

impl Drop for Imap {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(crate) fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Sender<'_> {
    /// Has a mailbox read; gives its path.
    pub async fn read_from(&self, imap: &Imap) -> String {
        let mailbox = self.post("/v1/mailboxes", imap.settings()).await.expect(200).json();
        format!("/v1/mailboxes/{}", mailbox["id"].as_str().expect("an id"))
    }
}

impl TestStack {
    /// Has every mailbox read that is due, and waits until that and what follows from it is done; gives how many were
    /// asked for.
    pub async fn read_mailboxes(&self) -> u64 {
        let fired = self.fire("mailboxes").await.expect("the template has mailboxes");
        assert!(fired.ok && fired.result["complete"] == true, "reading failed: {}", fired.result);
        self.settle().await;
        fired.result["mailboxes"].as_u64().expect("a number")
    }
}
