//! One SMTP conversation (RFC 5321), with PIPELINING, 8BITMIME, SMTPUTF8, SIZE, STARTTLS and AUTH.

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};

use super::Shared;
use crate::backends::calls::{Call, Passed, Side};
use crate::backends::faults::{Place, SmtpAt};
use crate::mailbox::Channel;

/// The largest message the relay takes, in bytes.
const MAX_MESSAGE: usize = 50 * 1024 * 1024;
/// The longest command line; RFC 5321 says 512, extensions make it longer.
const MAX_LINE: usize = 4096;

/// What a relay under faults has said to a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answered {
    /// Nothing out of the way.
    Nothing,
    /// That it does not take what was offered.
    No,
    /// What means neither yes nor no; it has taken an address all the same.
    Nonsense,
}

/// How a conversation ended.
pub(super) enum End {
    StartTls,
    Closed,
}

pub(super) struct Session<'a, S> {
    stream: BufReader<S>,
    out: Vec<u8>,
    shared: &'a Shared,
    secure: bool,
    greet: bool,
    logged_in: bool,
    from: Option<String>,
    to: Vec<String>,
    /// The caller's end of the connection.
    port: u16,
    /// It said 421: nothing comes after it.
    closing: bool,
}

/// The function that talks to relays.
const CALLER: &str = "send";

/// Whether a conversation goes on after a command.
enum Next {
    On,
    Refused,
    Cut,
}

impl<'a, S: AsyncRead + AsyncWrite + Unpin> Session<'a, S> {
    pub(super) fn new(stream: S, shared: &'a Shared, secure: bool, port: u16) -> Self {
        Self {
            stream: BufReader::with_capacity(64 * 1024, stream),
            out: Vec::new(),
            shared,
            secure,
            greet: true,
            logged_in: false,
            from: None,
            to: Vec::new(),
            port,
            closing: false,
        }
    }

    /// Lets a step of the conversation pass, or not.
    async fn pass(&self, operation: &str, side: Side) -> Next {
        let answer = (side == Side::After).then_some(&[] as &[u8]);
        let number = self.shared.faults.calls().number();
        let call = Call {
            number,
            function: CALLER,
            port: Some(self.port),
            service: "smtp",
            operation,
            request: &[],
            side,
            answer,
        };
        match self.shared.faults.calls().pass(&call).await {
            Passed::On => Next::On,
            Passed::Refused | Passed::Denied if side == Side::Before => Next::Refused,
            Passed::Refused | Passed::Denied | Passed::Cut => Next::Cut,
        }
    }

    /// After STARTTLS the client speaks first.
    pub(super) fn skip_greeting(&mut self) {
        self.greet = false;
    }

    /// The connection below, without what was buffered of it.
    pub(super) fn into_stream(self) -> S {
        self.stream.into_inner()
    }

    pub(super) async fn shut_down(&mut self) -> io::Result<()> {
        self.stream.shutdown().await
    }

    pub(super) async fn run(&mut self) -> io::Result<End> {
        if self.greet {
            self.say("220 localhost ESMTP local relay").await?;
        }
        while let Some(line) = self.line().await? {
            let (verb, argument) = line.split_once(' ').unwrap_or((&line, ""));
            let verb = verb.to_ascii_uppercase();
            match self.pass(&verb, Side::Before).await {
                Next::On => {}
                Next::Refused => {
                    self.say("451 4.3.2 Please try again later").await?;
                    continue;
                }
                Next::Cut => return Ok(End::Closed),
            }
            match verb.as_str() {
                "EHLO" => {
                    self.reset();
                    self.capabilities().await?;
                }
                "HELO" => {
                    self.reset();
                    self.say("250 localhost").await?;
                }
                "STARTTLS" if !self.secure => {
                    self.say("220 2.0.0 Ready to start TLS").await?;
                    self.flush().await?;
                    return Ok(End::StartTls);
                }
                "AUTH" => self.auth(argument).await?,
                "MAIL" => self.mail(argument).await?,
                "RCPT" => self.rcpt(argument).await?,
                "DATA" => {
                    if let Some(end) = self.data().await? {
                        return Ok(end);
                    }
                }
                "RSET" => {
                    self.reset();
                    self.say("250 2.0.0 Reset").await?;
                }
                "NOOP" => self.say("250 2.0.0 OK").await?,
                "VRFY" => self.say("252 2.1.5 Cannot verify").await?,
                "QUIT" => {
                    self.say("221 2.0.0 Bye").await?;
                    self.flush().await?;
                    return Ok(End::Closed);
                }
                _ => self.say("500 5.5.2 Command not recognised").await?,
            }
            if self.closing {
                self.flush().await?;
                return Ok(End::Closed);
            }
            if matches!(self.pass(&verb, Side::After).await, Next::Cut) {
                return Ok(End::Closed);
            }
        }
        Ok(End::Closed)
    }

    /// Whether it answers what it was told to, so that nothing is taken.
    async fn refuses(&mut self, at: SmtpAt, whom: &str) -> io::Result<bool> {
        Ok(self.answers(at, whom).await? != Answered::Nothing)
    }

    /// Says what it was told to say of this, if anything.
    async fn answers(&mut self, at: SmtpAt, whom: &str) -> io::Result<Answered> {
        let Some(say) = self.shared.faults.smtp_refuses(at, whom) else { return Ok(Answered::Nothing) };
        self.closing = say.starts_with("421");
        self.say(&say).await?;
        Ok(if say.starts_with(['4', '5']) { Answered::No } else { Answered::Nonsense })
    }

    fn reset(&mut self) {
        self.from = None;
        self.to.clear();
    }

    async fn capabilities(&mut self) -> io::Result<()> {
        let size = format!("SIZE {MAX_MESSAGE}");
        let mut lines = vec!["localhost", "PIPELINING", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", &size];
        lines.push(if self.secure { "AUTH PLAIN LOGIN XOAUTH2" } else { "STARTTLS" });
        let last = lines.len() - 1;
        for (number, line) in lines.iter().enumerate() {
            let dash = if number == last { ' ' } else { '-' };
            self.out.extend_from_slice(format!("250{dash}{line}\r\n").as_bytes());
        }
        Ok(())
    }

    async fn auth(&mut self, argument: &str) -> io::Result<()> {
        if !self.secure {
            return self.say("530 5.7.0 Must issue a STARTTLS command first").await;
        }
        if self.logged_in {
            return self.say("503 5.5.1 Already authenticated").await;
        }
        let (mechanism, initial) = argument.split_once(' ').unwrap_or((argument, ""));
        let login = match mechanism.to_ascii_uppercase().as_str() {
            "PLAIN" => {
                let answer = match initial {
                    "" => self.ask("334 ").await?,
                    given => given.to_owned(),
                };
                plain(&answer)
            }
            "LOGIN" => {
                let name = match initial {
                    "" => self.ask("334 VXNlcm5hbWU6").await?,
                    given => given.to_owned(),
                };
                let password = self.ask("334 UGFzc3dvcmQ6").await?;
                text(&name).zip(text(&password))
            }
            "XOAUTH2" => bearer(initial),
            _ => return self.say("504 5.5.4 Mechanism not supported").await,
        };
        let Some((username, password)) = login else {
            return self.say("501 5.5.2 Cannot decode the answer").await;
        };
        if self.refuses(SmtpAt::Login, &username).await? {
            return Ok(());
        }
        if self.shared.log_in(username, password) {
            self.logged_in = true;
            self.say("235 2.7.0 Authenticated").await
        } else {
            self.say("535 5.7.8 Authentication credentials invalid").await
        }
    }

    async fn ask(&mut self, prompt: &str) -> io::Result<String> {
        self.say(prompt).await?;
        Ok(self.line().await?.unwrap_or_default())
    }

    async fn mail(&mut self, argument: &str) -> io::Result<()> {
        if !self.logged_in {
            return self.say("530 5.7.0 Authentication required").await;
        }
        if self.from.is_some() {
            return self.say("503 5.5.1 Nested MAIL command").await;
        }
        let Some((address, parameters)) = path(argument, "FROM:") else {
            return self.say("501 5.5.4 Syntax: MAIL FROM:<address>").await;
        };
        let size = parameters.split_ascii_whitespace().find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            name.eq_ignore_ascii_case("SIZE").then(|| value.parse::<usize>().ok()).flatten()
        });
        if size.is_some_and(|size| size > MAX_MESSAGE) {
            return self.say("552 5.3.4 Message too big").await;
        }
        let utf8 = parameters.split_ascii_whitespace().any(|one| one.eq_ignore_ascii_case("SMTPUTF8"));
        if !address.is_ascii() && !utf8 {
            return self.say("553 5.6.7 Address needs SMTPUTF8").await;
        }
        let answered = self.answers(SmtpAt::Mail, address).await?;
        if answered != Answered::No {
            self.from = Some(address.to_owned());
        }
        if answered == Answered::Nothing { self.say("250 2.1.0 Sender OK").await } else { Ok(()) }
    }

    async fn rcpt(&mut self, argument: &str) -> io::Result<()> {
        if self.from.is_none() {
            return self.say("503 5.5.1 MAIL first").await;
        }
        let Some((address, _)) = path(argument, "TO:").filter(|(address, _)| address.contains('@')) else {
            return self.say("501 5.5.4 Syntax: RCPT TO:<address>").await;
        };
        self.shared.offer(address);
        match self.answers(SmtpAt::Rcpt, address).await? {
            Answered::Nothing => {}
            Answered::No => return Ok(()),
            Answered::Nonsense => {
                self.to.push(address.to_owned());
                return Ok(());
            }
        }
        if address.starts_with("reject-4xx") {
            return self.say("450 4.2.1 Mailbox busy, try again later").await;
        }
        if address.starts_with("reject-5xx") {
            return self.say("550 5.1.1 No such user here").await;
        }
        if self.to.len() >= 1000 {
            return self.say("452 4.5.3 Too many recipients").await;
        }
        self.to.push(address.to_owned());
        self.say("250 2.1.5 Recipient OK").await
    }

    async fn data(&mut self) -> io::Result<Option<End>> {
        if self.to.is_empty() {
            self.say("503 5.5.1 RCPT first").await?;
            return Ok(None);
        }
        self.say("354 End data with <CR><LF>.<CR><LF>").await?;
        self.flush().await?;
        let Some(message) = self.message().await? else {
            self.reset();
            self.say("552 5.3.4 Message too big").await?;
            return Ok(None);
        };
        let from = self.from.take().unwrap_or_default();
        let to = std::mem::take(&mut self.to);
        match self.pass("final dot", Side::Before).await {
            Next::On => {}
            Next::Refused => {
                self.say("451 4.3.2 Please try again later").await?;
                return Ok(None);
            }
            Next::Cut => return Ok(Some(End::Closed)),
        }
        if self.refuses(SmtpAt::Content, to.first().map_or("", String::as_str)).await? {
            return Ok(None);
        }
        let id = self.shared.mailbox.accept(Channel::Smtp, &from, &to, Bytes::from(message));
        if matches!(self.pass("final dot", Side::After).await, Next::Cut) {
            return Ok(Some(End::Closed));
        }
        if self.shared.faults.strikes(Place::SmtpCut) {
            return Ok(Some(End::Closed));
        }
        self.say(&format!("250 2.0.0 Queued as {id}")).await?;
        Ok(None)
    }

    /// Reads up to the final dot and takes away the doubled ones. `None`: it was too long.
    async fn message(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut message = Vec::new();
        let mut line = Vec::new();
        let mut too_long = false;
        loop {
            line.clear();
            let mut limited = (&mut self.stream).take(MAX_MESSAGE as u64);
            if limited.read_until(b'\n', &mut line).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            // In the midst of it.
            if message.is_empty() && matches!(self.pass("content", Side::Before).await, Next::Cut | Next::Refused) {
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
            // Only CRLF.CRLF ends a message: a bare line feed around the dot is how messages are smuggled.
            if line == b".\r\n" && (message.is_empty() || message.ends_with(b"\r\n")) {
                return Ok((!too_long).then_some(message));
            }
            let rest = line.strip_prefix(b".").unwrap_or(&line);
            too_long |= message.len() + rest.len() > MAX_MESSAGE;
            if !too_long {
                message.extend_from_slice(rest);
            }
        }
    }

    /// A command line; `None` when the client has gone. Answers wait until there is nothing left to read,
    /// so that pipelined commands are answered together.
    async fn line(&mut self) -> io::Result<Option<String>> {
        if self.stream.buffer().is_empty() {
            self.flush().await?;
        }
        let mut line = Vec::new();
        let mut limited = (&mut self.stream).take(MAX_LINE as u64);
        if limited.read_until(b'\n', &mut line).await? == 0 {
            return Ok(None);
        }
        if !line.ends_with(b"\n") {
            self.say("500 5.5.6 Line too long").await?;
            self.flush().await?;
            return Ok(None);
        }
        let line = String::from_utf8_lossy(&line);
        Ok(Some(line.trim_end_matches(['\r', '\n']).to_owned()))
    }

    async fn say(&mut self, line: &str) -> io::Result<()> {
        self.shared.faults.smtp_latency().await;
        self.out.extend_from_slice(line.as_bytes());
        self.out.extend_from_slice(b"\r\n");
        Ok(())
    }

    async fn flush(&mut self) -> io::Result<()> {
        if !self.out.is_empty() {
            self.stream.write_all(&self.out).await?;
            self.stream.flush().await?;
            self.out.clear();
        }
        Ok(())
    }
}

/// `FROM:<address> PARAMETERS` → the address and the parameters.
fn path<'a>(argument: &'a str, keyword: &str) -> Option<(&'a str, &'a str)> {
    let start = argument.get(..keyword.len())?;
    let rest = start.eq_ignore_ascii_case(keyword).then(|| argument[keyword.len()..].trim_start())?;
    let (address, parameters) = rest.strip_prefix('<')?.split_once('>')?;
    Some((address, parameters.trim()))
}

/// AUTH PLAIN: authorisation, name and password, with NUL between.
fn plain(answer: &str) -> Option<(String, String)> {
    let decoded = text(answer)?;
    let mut parts = decoded.split('\0').skip(1);
    Some((parts.next()?.to_owned(), parts.next()?.to_owned()))
}

/// AUTH XOAUTH2: `user=NAME^Aauth=Bearer TOKEN^A^A`, where `^A` is the octet 1. The token stands for a password.
fn bearer(answer: &str) -> Option<(String, String)> {
    let decoded = text(answer)?;
    let (name, rest) = decoded.strip_prefix("user=")?.split_once('\u{1}')?;
    let token = rest.strip_prefix("auth=Bearer ")?.strip_suffix("\u{1}\u{1}")?;
    Some((name.to_owned(), token.to_owned()))
}

fn text(base64: &str) -> Option<String> {
    String::from_utf8(STANDARD.decode(base64.trim()).ok()?).ok()
}
