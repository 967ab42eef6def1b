//! Every message that SES or the relay accepted, to look at in a browser or to assert on in a test.

mod message;
mod page;
mod routes;

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::clock::Clock;

/// How a message left.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// Through SES.
    Ses,
    /// Through the Sender's relay.
    Smtp,
}

impl Channel {
    /// `ses` or `smtp`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ses => "ses",
            Self::Smtp => "smtp",
        }
    }
}

/// What is known of a message besides its bytes.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Envelope {
    /// In the order of acceptance: a later message has a greater id.
    pub id: String,
    /// In the movable clock.
    pub accepted_at: Timestamp,
    /// How it left.
    pub channel: Channel,
    /// The sender of the envelope.
    pub envelope_from: String,
    /// The recipients of the envelope.
    pub envelope_to: Vec<String>,
}

/// One message.
#[derive(Clone, Debug)]
pub struct Stored {
    /// Who, when, how.
    pub envelope: Envelope,
    /// The message as it was accepted.
    pub raw: Bytes,
}

/// The messages of one stack. Clones share them.
#[derive(Clone)]
pub struct Mailbox {
    shared: Arc<RwLock<Shared>>,
    clock: Clock,
}

struct Shared {
    entries: Vec<Entry>,
    next: u64,
    disk: Option<Disk>,
    /// Nothing is kept.
    forgets: bool,
}

struct Entry {
    envelope: Arc<Envelope>,
    /// `None`: in its file.
    raw: Option<Bytes>,
}

struct Disk {
    directory: PathBuf,
    index: File,
}

impl Disk {
    fn path(&self, id: &str) -> PathBuf {
        self.directory.join(format!("{id}.eml"))
    }

    fn write(&mut self, envelope: &Envelope, raw: &[u8]) -> std::io::Result<()> {
        std::fs::write(self.path(&envelope.id), raw)?;
        let mut line = serde_json::to_vec(envelope)?;
        line.push(b'\n');
        self.index.write_all(&line)
    }
}

impl Mailbox {
    /// Opens the mailbox; in a directory it remembers what was there.
    ///
    /// # Errors
    ///
    /// The directory cannot be read or written.
    pub fn open(directory: Option<&Path>, clock: Clock) -> anyhow::Result<Self> {
        let mut shared = Shared { entries: Vec::new(), next: 1, disk: None, forgets: false };
        if let Some(directory) = directory {
            std::fs::create_dir_all(directory)?;
            let index = directory.join("index.jsonl");
            if let Ok(file) = File::open(&index) {
                for line in BufReader::new(file).lines() {
                    // A last line cut short by a crash belongs to a message nobody was told was accepted.
                    let Ok(envelope) = serde_json::from_str::<Envelope>(&line?) else {
                        continue;
                    };
                    let number = envelope.id.trim_start_matches('m').parse::<u64>().unwrap_or(0);
                    shared.next = shared.next.max(number + 1);
                    shared.entries.push(Entry { envelope: Arc::new(envelope), raw: None });
                }
            }
            let index = OpenOptions::new().create(true).append(true).open(index)?;
            shared.disk = Some(Disk { directory: directory.to_owned(), index });
        }
        Ok(Self { shared: Arc::new(RwLock::new(shared)), clock })
    }

    /// One that throws away what it accepts: for measuring.
    pub fn forgetful(clock: Clock) -> Self {
        let shared = Shared { entries: Vec::new(), next: 1, disk: None, forgets: true };
        Self { shared: Arc::new(RwLock::new(shared)), clock }
    }

    /// Keeps a message and gives its id.
    pub fn accept(&self, channel: Channel, from: &str, to: &[String], raw: Bytes) -> String {
        let mut shared = self.shared.write().unwrap_or_else(PoisonError::into_inner);
        let envelope = Envelope {
            id: format!("m{:08}", shared.next),
            accepted_at: self.clock.now(),
            channel,
            envelope_from: from.to_owned(),
            envelope_to: to.to_vec(),
        };
        shared.next += 1;
        let id = envelope.id.clone();
        let mut raw = Some(raw);
        if let (Some(disk), Some(bytes)) = (&mut shared.disk, &raw) {
            match disk.write(&envelope, bytes) {
                Ok(()) => raw = None,
                Err(error) => {
                    tracing::error!(%error, "a message could not be written to disk; it is kept in memory");
                }
            }
        }
        if !shared.forgets {
            shared.entries.push(Entry { envelope: Arc::new(envelope), raw });
        }
        id
    }

    /// How many messages there are.
    pub fn len(&self) -> usize {
        self.read().entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Every message, oldest first.
    pub fn all(&self) -> Vec<Stored> {
        self.list(None, usize::MAX)
    }

    /// Up to `limit` messages after the one with the id `after`, oldest first.
    pub fn list(&self, after: Option<&str>, limit: usize) -> Vec<Stored> {
        let shared = self.read();
        let start =
            after.map_or(0, |after| shared.entries.partition_point(|entry| entry.envelope.id.as_str() <= after));
        let wanted = shared.entries[start..].iter().take(limit);
        wanted.map(|entry| shared.load(entry)).collect()
    }

    /// One message.
    pub fn get(&self, id: &str) -> Option<Stored> {
        let shared = self.read();
        let at = shared.entries.binary_search_by(|entry| entry.envelope.id.as_str().cmp(id)).ok()?;
        Some(shared.load(&shared.entries[at]))
    }

    /// A page of the newest messages whose sender or recipient contains `search`: the messages, and how many match.
    pub(crate) fn page(&self, search: &str, skip: usize, limit: usize) -> (Vec<Stored>, usize) {
        let search = search.to_lowercase();
        let shared = self.read();
        let matching: Vec<&Entry> = shared
            .entries
            .iter()
            .rev()
            .filter(|entry| {
                let envelope = &entry.envelope;
                let mut addresses = envelope.envelope_to.iter().chain([&envelope.envelope_from]);
                search.is_empty() || addresses.any(|address| address.to_lowercase().contains(&search))
            })
            .collect();
        let page = matching.iter().skip(skip).take(limit);
        (page.map(|entry| shared.load(entry)).collect(), matching.len())
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Shared> {
        self.shared.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    fn load(&self, entry: &Entry) -> Stored {
        let raw = entry.raw.clone().unwrap_or_else(|| {
            let path = self.disk.as_ref().map(|disk| disk.path(&entry.envelope.id));
            let bytes = path.and_then(|path| std::fs::read(path).ok());
            Bytes::from(bytes.unwrap_or_default())
        });
        Stored { envelope: Envelope::clone(&entry.envelope), raw }
    }
}

#[cfg(test)]
mod tests;
