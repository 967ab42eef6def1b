//! What goes over one connection: commands out, answers in, each as large as it may be and no larger.

use std::time::Duration;

use domain::mailbox::Stop;
use imap_codec::{
    CommandCodec, ResponseCodec,
    encode::{Encoder, Fragment},
    fragmentizer::{DecodeMessageError, FragmentInfo, Fragmentizer},
    imap_types::{
        ToStatic,
        command::{Command, CommandBody},
        core::Tag,
        response::{Response, Status, StatusBody},
    },
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// The largest answer: one mail as far as it is read, and what surrounds it.
const MOST_AT_ONCE: u32 = inbound::MAX_READ as u32 + 16 * 1024;

/// Octets that are read of one server in one look.
const MOST_AT_ALL: usize = 48 * 1024 * 1024;

/// Answers to one command.
const MOST_ANSWERS: usize = 20_000;

/// Octets read at a time.
const CHUNK: usize = 16 * 1024;

/// What both kinds of connection are.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// One connection.
pub(super) struct Wire {
    stream: Box<dyn Stream>,
    chunk: Vec<u8>,
    answers: Fragmentizer,
    room: usize,
    commands: u32,
    patience: Duration,
}

impl Wire {
    /// One whose server may take so long to answer a command.
    pub(super) fn new(stream: Box<dyn Stream>, patience: Duration) -> Self {
        let answers = Fragmentizer::new(MOST_AT_ONCE);
        Self { stream, chunk: vec![0; CHUNK], answers, room: MOST_AT_ALL, commands: 0, patience }
    }

    /// The connection itself, for whoever goes on in private: what was sent ahead in plain text is dropped.
    pub(super) fn into_stream(self) -> Box<dyn Stream> {
        self.stream
    }

    /// One command and how it ended. `each` sees what came before that.
    pub(super) async fn ask(
        &mut self,
        body: CommandBody<'_>,
        each: impl FnMut(Response<'static>),
    ) -> Result<StatusBody<'static>, Stop> {
        let tag = self.tag()?;
        let command = Command { tag: tag.clone(), body };
        let encoded: Vec<Fragment> = CommandCodec::default().encode(&command).collect();
        self.patiently(async |wire| wire.converse(&tag, encoded, each).await).await
    }

    /// One authentication and how it ended: what is to be said when the server asks for it. Whoever is refused may be asked
    /// once more, and says nothing.
    pub(super) async fn authenticate(&mut self, mechanism: &str, said: &str) -> Result<StatusBody<'static>, Stop> {
        let tag = self.tag()?;
        let asked = format!("{} AUTHENTICATE {mechanism}\r\n", tag.as_ref());
        self.patiently(async |wire| {
            wire.write(asked.as_bytes()).await?;
            let mut said = Some(said);
            loop {
                match wire.next().await? {
                    Response::CommandContinuationRequest(_) => {
                        let line = format!("{}\r\n", said.take().unwrap_or_default());
                        wire.write(line.as_bytes()).await?;
                    }
                    answer => {
                        if let Some(end) = ended(answer, &tag)? {
                            return Ok(end);
                        }
                    }
                }
            }
        })
        .await
    }

    /// The first thing that a server says, whole.
    pub(super) async fn greeting(&mut self) -> Result<Vec<u8>, Stop> {
        self.patiently(async |wire| {
            wire.whole().await?;
            Ok(wire.answers.message_bytes().to_vec())
        })
        .await
    }

    async fn patiently<T>(&mut self, does: impl AsyncFnOnce(&mut Self) -> Result<T, Stop>) -> Result<T, Stop> {
        let patience = self.patience;
        tokio::time::timeout(patience, does(self)).await.unwrap_or(Err(Stop::Silent))
    }

    fn tag(&mut self) -> Result<Tag<'static>, Stop> {
        self.commands += 1;
        Tag::try_from(format!("P{}", self.commands)).map_err(|_| Stop::Garbled)
    }

    async fn converse(
        &mut self,
        tag: &Tag<'static>,
        command: Vec<Fragment>,
        mut each: impl FnMut(Response<'static>),
    ) -> Result<StatusBody<'static>, Stop> {
        for fragment in command {
            match fragment {
                Fragment::Line { data } => self.write(&data).await?,
                // A server asks for what does not fit into a line.
                Fragment::Literal { data, .. } => loop {
                    match self.next().await? {
                        Response::CommandContinuationRequest(_) => break self.write(&data).await?,
                        answer => {
                            if let Some(end) = ended(answer, tag)? {
                                return Ok(end);
                            }
                        }
                    }
                },
            }
        }
        for _ in 0..MOST_ANSWERS {
            let answer = self.next().await?;
            if let Response::Status(Status::Tagged(_) | Status::Bye(_)) = &answer {
                if let Some(end) = ended(answer, tag)? {
                    return Ok(end);
                }
            } else {
                each(answer);
            }
        }
        Err(Stop::Garbled)
    }

    /// The next answer that can be read. Servers say many things that nobody asked for, and some that nobody can read:
    /// those are passed over.
    async fn next(&mut self) -> Result<Response<'static>, Stop> {
        for _ in 0..MOST_ANSWERS {
            self.whole().await?;
            match self.answers.decode_message(&ResponseCodec::default()) {
                Ok(answer) => return Ok(answer.to_static()),
                Err(DecodeMessageError::DecodingFailure(_) | DecodeMessageError::DecodingRemainder { .. })
                    if self.answers.message_bytes().starts_with(b"* ") => {}
                Err(_) => break,
            }
        }
        Err(Stop::Garbled)
    }

    /// Reads until an answer is whole.
    async fn whole(&mut self) -> Result<(), Stop> {
        loop {
            match self.answers.progress() {
                Some(FragmentInfo::Line { announcement: Some(literal), .. }) if literal.length > MOST_AT_ONCE => {
                    return Err(Stop::Garbled);
                }
                Some(_) if self.answers.is_message_complete() => break,
                Some(_) => {}
                None => self.more().await?,
            }
            if self.answers.is_max_message_size_exceeded() {
                return Err(Stop::Garbled);
            }
        }
        if self.answers.is_max_message_size_exceeded() { Err(Stop::Garbled) } else { Ok(()) }
    }

    async fn more(&mut self) -> Result<(), Stop> {
        let read = self.stream.read(&mut self.chunk).await.map_err(|_| Stop::Silent)?;
        if read == 0 {
            return Err(Stop::Silent);
        }
        self.room = self.room.checked_sub(read).ok_or(Stop::Garbled)?;
        self.answers.enqueue_bytes(&self.chunk[..read]);
        Ok(())
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        self.stream.write_all(bytes).await.map_err(|_| Stop::Silent)?;
        self.stream.flush().await.map_err(|_| Stop::Silent)
    }
}

/// How a command ended, if this is its end.
fn ended(answer: Response<'static>, tag: &Tag<'static>) -> Result<Option<StatusBody<'static>>, Stop> {
    match answer {
        Response::Status(Status::Tagged(end)) if end.tag == *tag => Ok(Some(end.body)),
        Response::Status(Status::Tagged(_)) => Err(Stop::Garbled),
        Response::Status(Status::Bye(_)) => Err(Stop::Silent),
        _ => Ok(None),
    }
}
