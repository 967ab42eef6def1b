//! What a queue remembers over a restart: a file of JSON lines, rewritten when it has grown long, emptied when the queue is.
//! The lines reach the operating system at once, so the death of this process loses nothing.

use std::collections::{BTreeMap, HashMap};
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::queue::Message;

/// Lines a journal may hold beyond the messages alive before it is rewritten.
const SLACK: usize = 20_000;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Put(u64, Box<Message>),
    Received(u64, u32, Option<Timestamp>),
    Deleted(u64),
}

/// Where a queue writes what happens to it; nowhere for a stack that lives in memory.
pub(super) struct Journal {
    file: Option<(PathBuf, File)>,
    lines: usize,
}

impl Journal {
    /// A journal that keeps nothing.
    pub(super) fn none() -> Self {
        Self { file: None, lines: 0 }
    }

    /// Opens a journal and reads what it remembers. A last line cut short by a crash is ignored.
    pub(super) fn open(path: &Path) -> anyhow::Result<(Self, BTreeMap<u64, Message>)> {
        let mut messages = BTreeMap::new();
        if let Ok(file) = File::open(path) {
            for line in BufReader::new(file).lines() {
                match serde_json::from_str(&line?) {
                    Ok(Line::Put(number, message)) => {
                        messages.insert(number, *message);
                    }
                    Ok(Line::Received(number, count, first)) => {
                        if let Some(message) = messages.get_mut(&number) {
                            message.receive_count = count;
                            message.first_received_at = first;
                        }
                    }
                    Ok(Line::Deleted(number)) => {
                        messages.remove(&number);
                    }
                    Err(error) => {
                        tracing::warn!(%error, "a line of a queue's journal was cut short");
                    }
                }
            }
        }
        let mut journal =
            Self { file: Some((path.to_owned(), OpenOptions::new().create(true).append(true).open(path)?)), lines: 0 };
        journal.rewrite(messages.iter())?;
        Ok((journal, messages))
    }

    pub(super) fn put(&mut self, number: u64, message: &Message) {
        if self.file.is_some() {
            self.write(&Line::Put(number, Box::new(message.clone())));
        }
    }

    pub(super) fn received(&mut self, number: u64, message: &Message) {
        self.write(&Line::Received(number, message.receive_count, message.first_received_at));
    }

    pub(super) fn deleted(&mut self, number: u64) {
        self.write(&Line::Deleted(number));
    }

    fn write(&mut self, line: &Line) {
        let Some((_, file)) = &mut self.file else {
            return;
        };
        let written = serde_json::to_vec(line).map_err(std::io::Error::from).and_then(|mut bytes| {
            bytes.push(b'\n');
            file.write_all(&bytes)
        });
        if let Err(error) = written {
            tracing::error!(%error, "a queue's journal could not be written");
        }
        self.lines += 1;
    }

    /// What was deleted does not stay in the file for long: it is somebody's data.
    pub(super) fn compact(&mut self, messages: &HashMap<u64, Message>) {
        let Some((_, file)) = &self.file else { return };
        if messages.is_empty() && self.lines > 0 {
            match file.set_len(0) {
                Ok(()) => self.lines = 0,
                Err(error) => tracing::error!(%error, "a queue's journal could not be emptied"),
            }
        }
        if self.lines < messages.len() + SLACK {
            return;
        }
        let mut all: Vec<_> = messages.iter().collect();
        all.sort_by_key(|(number, _)| **number);
        if let Err(error) = self.rewrite(all.into_iter()) {
            tracing::error!(%error, "a queue's journal could not be rewritten");
        }
    }

    fn rewrite<'a>(&mut self, messages: impl Iterator<Item = (&'a u64, &'a Message)>) -> anyhow::Result<()> {
        let Some((path, file)) = &mut self.file else {
            return Ok(());
        };
        let fresh = path.with_extension("new");
        let mut writer = BufWriter::new(File::create(&fresh)?);
        self.lines = 0;
        for (number, message) in messages {
            serde_json::to_writer(&mut writer, &Line::Put(*number, Box::new(message.clone())))?;
            writer.write_all(b"\n")?;
            self.lines += 1;
        }
        writer.flush()?;
        std::fs::rename(&fresh, &*path)?;
        *file = OpenOptions::new().append(true).open(path)?;
        Ok(())
    }
}
