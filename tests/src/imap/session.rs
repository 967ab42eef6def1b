//! One connection: what is asked, line by line, and what is answered.

use std::io;
use std::sync::Mutex;

use base64::{Engine, engine::general_purpose::STANDARD};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};

use super::{Manner, State, lock, text};

/// Talks until the other end leaves. Gives the connection back when it is to be encrypted.
pub(super) async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    state: &Mutex<State>,
    private: bool,
    greets: bool,
) -> io::Result<Option<S>> {
    let mut stream = BufReader::new(stream);
    if greets {
        say(&mut stream, "* OK ready\r\n").await?;
    }
    let mut open = false;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(None);
        }
        let (tag, asked) = line.trim_end().split_once(' ').unwrap_or_default();
        lock(state).asked.push(asked.to_owned());
        let done = |what: &str| format!("{tag} OK {what}\r\n");
        match asked {
            "CAPABILITY" => {
                let how = if private { "AUTH=PLAIN" } else { "STARTTLS LOGINDISABLED" };
                say(&mut stream, &format!("* CAPABILITY IMAP4rev1 {how}\r\n{}", done("said"))).await?;
            }
            "STARTTLS" if !private => {
                say(&mut stream, &done("begin")).await?;
                return Ok(Some(stream.into_inner()));
            }
            "AUTHENTICATE PLAIN" if private => {
                say(&mut stream, "+ \r\n").await?;
                let mut said = String::new();
                stream.read_line(&mut said).await?;
                let said = STANDARD.decode(said.trim_end()).unwrap_or_default();
                let said = String::from_utf8(said).unwrap_or_default();
                open = said.ends_with(&format!("\0{}", lock(state).password));
                let refused = format!("{tag} NO [AUTHENTICATIONFAILED] wrong\r\n");
                say(&mut stream, &if open { done("in") } else { refused }).await?;
            }
            "LOGOUT" => {
                say(&mut stream, &format!("* BYE\r\n{}", done("out"))).await?;
                return Ok(None);
            }
            _ if !open => say(&mut stream, &format!("{tag} BAD not now\r\n")).await?,
            "EXAMINE INBOX" => {
                let said = {
                    let state = lock(state);
                    format!(
                        "* {} EXISTS\r\n* OK [UIDVALIDITY {}] as ever\r\n* OK [UIDNEXT {}] next\r\n",
                        state.mails.len(),
                        state.validity,
                        state.uid_next
                    )
                };
                say(&mut stream, &(said + &done("[READ-ONLY] open"))).await?;
            }
            _ => {
                if let Some(range) = asked.strip_prefix("UID SEARCH UID ") {
                    search(&mut stream, state, range).await?;
                    say(&mut stream, &done("found")).await?;
                } else if let Some((set, what)) = asked.strip_prefix("UID FETCH ").and_then(|rest| rest.split_once(' '))
                {
                    if fetch(&mut stream, state, set, what).await? {
                        return Ok(None);
                    }
                    say(&mut stream, &done("fetched")).await?;
                } else {
                    say(&mut stream, &format!("{tag} NO there is no such thing\r\n")).await?;
                }
            }
        }
    }
}

async fn search<S: AsyncWrite + Unpin>(stream: &mut S, state: &Mutex<State>, range: &str) -> io::Result<()> {
    let manner = lock(state).manner;
    match manner {
        Manner::Hangs => std::future::pending().await,
        Manner::Endless => loop {
            say(stream, &"* SEARCH 1 ".repeat(1_000)).await?;
        },
        Manner::Millions => {
            let all: String = (1..=1_000_000).map(|uid| format!(" {uid}")).collect();
            say(stream, &format!("* SEARCH{all}\r\n")).await
        }
        _ => {
            let (first, last) = range.split_once(':').unwrap_or((range, range));
            let (first, last): (u32, u32) = (first.parse().expect("a UID"), last.parse().expect("a UID"));
            let found: String = {
                let state = lock(state);
                let among = state.mails.iter().map(|(uid, _)| *uid).filter(|uid| (first..=last).contains(uid));
                among.map(|uid| format!(" {uid}")).collect()
            };
            say(stream, &format!("* SEARCH{found}\r\n")).await
        }
    }
}

/// True when it hung up.
async fn fetch<S: AsyncWrite + Unpin>(stream: &mut S, state: &Mutex<State>, set: &str, what: &str) -> io::Result<bool> {
    let among = |uid: u32| {
        set.split(',').any(|range| {
            let (first, last) = range.split_once(':').unwrap_or((range, range));
            (first.parse().expect("a UID")..=last.parse().expect("a UID")).contains(&uid)
        })
    };
    let (manner, mails) = {
        let state = lock(state);
        let mails: Vec<_> = state.mails.iter().filter(|(uid, _)| among(*uid)).cloned().collect();
        (state.manner, mails)
    };
    for (at, (uid, raw)) in mails.iter().enumerate() {
        let section =
            what.split_once("BODY.PEEK[").and_then(|(_, rest)| rest.rsplit_once(']')).map(|(section, _)| section);
        let section = section.expect("a section that is peeked at");
        let text = match section {
            "" => Some(raw.clone()),
            "2" => text::second_part(raw).map(str::to_owned),
            fields => {
                let names = fields.strip_prefix("HEADER.FIELDS (").and_then(|names| names.strip_suffix(')'));
                Some(text::header_fields(raw, names.expect("some headers")))
            }
        };
        let whole = || lock(state).asked.iter().filter(|asked| asked.contains("BODY.PEEK[]")).count();
        if manner == Manner::HangsAtTheSecond && section.is_empty() && whole() > 1 {
            std::future::pending::<()>().await;
        }
        let length = if manner == Manner::Huge { 2_147_483_647 } else { text.as_deref().map_or(0, str::len) };
        let text = text.unwrap_or_default();
        say(stream, &format!("* {} FETCH (UID {uid} BODY[{section}]<0> {{{length}}}\r\n", at + 1)).await?;
        if manner == Manner::HangsUp && section.is_empty() {
            say(stream, &text[..text.len() / 2]).await?;
            return Ok(true);
        }
        say(stream, &format!("{text})\r\n")).await?;
    }
    Ok(false)
}

async fn say<S: AsyncWrite + Unpin>(stream: &mut S, text: &str) -> io::Result<()> {
    stream.write_all(text.as_bytes()).await?;
    stream.flush().await
}
