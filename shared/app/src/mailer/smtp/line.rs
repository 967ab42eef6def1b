//! One open connection to a relay, and the conversation about one message.

use std::fmt;

use tokio::time::timeout;

use lettre::{
    Address,
    transport::smtp::{
        Error as SmtpError,
        client::AsyncSmtpConnection,
        commands::{Data, Ehlo, Mail, Rcpt, Rset},
        extension::ClientId,
        response::{Response, Severity},
    },
};

use super::{ANSWERS, ENDING};
use crate::Deadline;

/// A connection that has logged in.
pub(super) struct Line {
    connection: AsyncSmtpConnection,
    /// The relay takes several commands at once (RFC 2920).
    pipelining: bool,
    /// Nobody knows any more what the relay waits for: it must hear nothing else.
    lost: bool,
}

/// Why a message was not handed over.
pub(super) enum Stopped {
    /// The connection was dead before the relay had answered anything about this message.
    Silent,
    /// The relay refused this command, or the connection broke later: before the final dot, it took nothing.
    Refused(SmtpError, Command),
    /// The relay did not answer in time, before the final dot: it took nothing.
    Waiting,
    /// The relay answered what is no answer to this command, before the final dot: it took nothing.
    Absurd(Command),
    /// The connection broke after the message had been sent, or what the relay answered then is no answer: nobody can tell.
    Unknown,
}

/// What the relay answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Command {
    Mail,
    Rcpt,
    Data,
    Content,
}

impl Command {
    /// As relays call it.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Mail => "MAIL FROM",
            Self::Rcpt => "RCPT TO",
            Self::Data => "DATA",
            Self::Content => "end of DATA",
        }
    }
}

impl Line {
    /// Asks again what the relay can do: the client library keeps only what it uses itself.
    pub(super) async fn open(mut connection: AsyncSmtpConnection, hello: &ClientId) -> Result<Self, SmtpError> {
        let answer = connection.command(Ehlo::new(hello.clone())).await?;
        let pipelining = answer.message().any(|line| line.trim().eq_ignore_ascii_case("PIPELINING"));
        Ok(Self { connection, pipelining, lost: false })
    }

    /// Hands a message over. Unless it was refused by a word of the relay, or accepted, the connection is
    /// of no use any more.
    pub(super) async fn send(
        &mut self,
        from: Address,
        to: Address,
        message: &[u8],
        deadline: Deadline,
    ) -> Result<(), Stopped> {
        let envelope = (Mail::new(Some(from), vec![]), Rcpt::new(to, vec![]));
        let announced = async {
            if self.pipelining { self.announce_at_once(envelope).await } else { self.announce(envelope).await }
        };
        timeout(ANSWERS.min(deadline.left()), announced).await.unwrap_or(Err(Stopped::Waiting))?;
        let content = async {
            match std::str::from_utf8(message) {
                Ok(text) => self.connection.command(Content(text)).await,
                Err(_) => self.connection.message(message).await,
            }
        };
        match timeout(ENDING.min(deadline.left()), content).await {
            Ok(Ok(answer)) if is_done(&answer) => Ok(()),
            Ok(Err(error)) if error.status().is_some() => Err(Stopped::Refused(error, Command::Content)),
            Ok(_) | Err(_) => Err(Stopped::Unknown),
        }
    }

    /// Forgets a message that was refused. False when the connection is of no use any more.
    pub(super) async fn reset(&mut self) -> bool {
        !self.lost && self.connection.command(Rset).await.is_ok_and(|answer| is_done(&answer))
    }

    /// Command by command.
    async fn announce(&mut self, (mail, rcpt): (Mail, Rcpt)) -> Result<(), Stopped> {
        expect(self.connection.command(mail).await.map_err(first)?, Command::Mail)?;
        let refused = |command| move |error| Stopped::Refused(error, command);
        expect(self.connection.command(rcpt).await.map_err(refused(Command::Rcpt))?, Command::Rcpt)?;
        expect(self.connection.command(Data).await.map_err(refused(Command::Data))?, Command::Data)
    }

    /// All three in one go, then their three answers. A relay that waits for a message though it refused one of the other
    /// two is left without a word: an empty message would end that (RFC 2920 §3.1), and somebody might get it.
    async fn announce_at_once(&mut self, (mail, rcpt): (Mail, Rcpt)) -> Result<(), Stopped> {
        let mail = self.connection.command(format!("{mail}{rcpt}{Data}")).await;
        if let Err(error) = &mail
            && error.status().is_none()
        {
            return Err(Stopped::Silent);
        }
        let rcpt = self.connection.read_response().await;
        let data = self.connection.read_response().await;
        self.lost = data.as_ref().map_or_else(|error| error.status().is_none(), |_| true);
        let refused = |answer: Result<Response, SmtpError>, command| {
            answer.map_err(|error| Stopped::Refused(error, command)).and_then(|answer| expect(answer, command))
        };
        refused(mail, Command::Mail)?;
        refused(rcpt, Command::Rcpt)?;
        refused(data, Command::Data)?;
        self.lost = false;
        Ok(())
    }
}

/// Whether the relay did what was asked. The client library takes a question for a yes.
pub(super) fn is_done(answer: &Response) -> bool {
    answer.code().severity == Severity::PositiveCompletion
}

/// That an answer is of the kind that this command has: a message is asked for, all else is done (RFC 5321 §4.3.2).
fn expect(answer: Response, command: Command) -> Result<(), Stopped> {
    let wanted = match command {
        Command::Data => answer.code().severity == Severity::PositiveIntermediate,
        Command::Mail | Command::Rcpt | Command::Content => is_done(&answer),
    };
    if wanted { Ok(()) } else { Err(Stopped::Absurd(command)) }
}

/// The first command tells whether the connection was still alive.
fn first(error: SmtpError) -> Stopped {
    if error.status().is_some() { Stopped::Refused(error, Command::Mail) } else { Stopped::Silent }
}

/// A message as it goes over the wire (RFC 5321 §4.5.2): lines that begin with a dot get another, and a
/// dot alone ends it. In one piece: an end that is sent apart waits for the relay's delayed
/// acknowledgement of the rest.
struct Content<'a>(&'a str);

impl fmt::Display for Content<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in self.0.split_inclusive("\r\n") {
            if line.starts_with('.') {
                f.write_str(".")?;
            }
            f.write_str(line)?;
        }
        let ended = self.0.is_empty() || self.0.ends_with("\r\n");
        f.write_str(if ended { ".\r\n" } else { "\r\n.\r\n" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_are_doubled_and_a_dot_ends_it() {
        for (text, sent) in [
            ("", ".\r\n"),
            ("a", "a\r\n.\r\n"),
            ("a\r\n", "a\r\n.\r\n"),
            (".\r\n..b\r\nc.\r\n", "..\r\n...b\r\nc.\r\n.\r\n"),
            ("a\n.\nb\r\n.c", "a\n.\nb\r\n..c\r\n.\r\n"),
        ] {
            assert_eq!(Content(text).to_string(), sent);
        }
    }
}
