//! What is asked of a mailbox: to let us in, what is new in a folder, a few headers of it, and one mail.

use std::num::NonZeroU32;

use base64::{Engine, engine::general_purpose::STANDARD};
use domain::mailbox::Stop;
use imap_codec::imap_types::{
    auth::AuthMechanism,
    command::CommandBody,
    core::{AString, Vec1},
    fetch::{MessageDataItem, MessageDataItemName, Part, Section},
    response::{Capability, Code, Data, Response, Status, StatusBody, StatusKind},
    search::SearchKey,
    sequence::SequenceSet,
};
use inbound::glance::HEADERS;
use secrecy::ExposeSecret;

use super::{folder_name, wire::Wire};
use crate::mailer::Login;

/// Octets of the headers of one mail that are read.
const MOST_HEADERS: u32 = 16 * 1024;

/// Octets of the second part of a report that are read.
const MOST_REPORT: u32 = 16 * 1024;

/// One that was let in.
pub(crate) struct Session {
    wire: Wire,
}

/// A folder that was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Opened {
    pub(crate) validity: u32,
    pub(crate) uid_next: u32,
}

/// A few headers of a mail.
pub(crate) struct Headers {
    pub(crate) uid: u32,
    pub(crate) bytes: Vec<u8>,
}

impl Session {
    pub(super) async fn log_in(mut wire: Wire, login: &Login) -> Result<Self, Stop> {
        let mut capabilities = Vec::new();
        let asked = wire.ask(CommandBody::Capability, |answer| {
            if let Response::Data(Data::Capability(said)) = answer {
                capabilities = said.into_iter().collect();
            }
        });
        let end = asked.await.map_err(|_| Stop::LoginLater)?;
        if end.kind != StatusKind::Ok {
            return Err(Stop::LoginLater);
        }
        let takes = |mechanism: AuthMechanism<'static>| capabilities.contains(&Capability::Auth(mechanism));
        let end = match login {
            Login::Token { username, token } => {
                if !takes(AuthMechanism::XOAuth2) {
                    return Err(Stop::NoMechanism);
                }
                let said = format!("user={username}\x01auth=Bearer {}\x01\x01", token.expose_secret());
                wire.authenticate("XOAUTH2", &STANDARD.encode(said)).await
            }
            Login::Password { username, password } if takes(AuthMechanism::Plain) => {
                let said = format!("\0{username}\0{}", password.expose_secret());
                wire.authenticate("PLAIN", &STANDARD.encode(said)).await
            }
            Login::Password { username, password } if !capabilities.contains(&Capability::LoginDisabled) => {
                let body = CommandBody::login(username.as_str(), password.expose_secret());
                wire.ask(body.map_err(|_| Stop::Credentials)?, |_| {}).await
            }
            Login::Password { .. } => return Err(Stop::NoMechanism),
        };
        match end.map_err(|_| Stop::LoginLater)? {
            StatusBody { kind: StatusKind::Ok, .. } => Ok(Self { wire }),
            // RFC 5530: what may be over in a moment.
            StatusBody { code: Some(Code::Other(code)), .. }
                if ["UNAVAILABLE", "INUSE", "LIMIT", "SERVERBUG"]
                    .iter()
                    .any(|word| code.inner().eq_ignore_ascii_case(word.as_bytes())) =>
            {
                Err(Stop::LoginLater)
            }
            StatusBody { kind: StatusKind::No, .. } => Err(Stop::Credentials),
            StatusBody { kind: StatusKind::Bad, .. } => Err(Stop::NoMechanism),
        }
    }

    /// Opens a folder to read only: nothing is marked, moved or deleted.
    pub(crate) async fn open(&mut self, folder: &str) -> Result<Opened, Stop> {
        let (mut validity, mut uid_next, mut exists) = (None, None, 0);
        let body = CommandBody::examine(folder_name::encode(folder)).map_err(|_| Stop::NoFolder)?;
        let asked = self.wire.ask(body, |answer| match answer {
            Response::Status(Status::Untagged(StatusBody { code: Some(Code::UidValidity(said)), .. })) => {
                validity = Some(said);
            }
            Response::Status(Status::Untagged(StatusBody { code: Some(Code::UidNext(said)), .. })) => {
                uid_next = Some(said.get());
            }
            Response::Data(Data::Exists(said)) => exists = said,
            _ => {}
        });
        if asked.await?.kind != StatusKind::Ok {
            return Err(Stop::NoFolder);
        }
        let validity = validity.ok_or(Stop::Garbled)?.get();
        let uid_next = match uid_next {
            Some(said) => said,
            None if exists == 0 => 1,
            // Few do not say it: then it comes after the last mail.
            None => self.last_uid().await?.checked_add(1).ok_or(Stop::Garbled)?,
        };
        Ok(Opened { validity, uid_next })
    }

    async fn last_uid(&mut self) -> Result<u32, Stop> {
        let mut last = None;
        let body = CommandBody::fetch("*", vec![MessageDataItemName::Uid], false).map_err(|_| Stop::Garbled)?;
        let asked = self.wire.ask(body, |answer| last = last.max(fetched(answer).map(|(uid, _)| uid)));
        done(&asked.await?)?;
        last.ok_or(Stop::Garbled)
    }

    /// The mails that have a UID within these, both included, in their order.
    pub(crate) async fn among(&mut self, first: u32, last: u32) -> Result<Vec<u32>, Stop> {
        let set = SequenceSet::try_from(format!("{first}:{last}").as_str()).map_err(|_| Stop::Garbled)?;
        let mut found = Vec::new();
        let body = CommandBody::search(None, Vec1::from(SearchKey::Uid(set)), true);
        let asked = self.wire.ask(body, |answer| {
            if let Response::Data(Data::Search(said)) = answer {
                found.extend(said.into_iter().map(NonZeroU32::get).filter(|uid| (first..=last).contains(uid)));
            }
        });
        done(&asked.await?)?;
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    /// A few headers of each of these mails, in the order of the UIDs. A mail that is gone is not among them.
    pub(crate) async fn headers(&mut self, uids: &[u32]) -> Result<Vec<Headers>, Stop> {
        let names: Vec<AString<'_>> = HEADERS.iter().filter_map(|name| AString::try_from(*name).ok()).collect();
        let names = Vec1::try_from(names).map_err(|_| Stop::Garbled)?;
        let section = Section::HeaderFields(None, names);
        let mut found = self.fetch(uids, Some(section), MOST_HEADERS).await?;
        found.sort_unstable_by_key(|headers| headers.uid);
        found.dedup_by_key(|headers| headers.uid);
        Ok(found)
    }

    /// The second part of a report, which says of whom it is.
    pub(crate) async fn report(&mut self, uid: u32) -> Result<Option<Vec<u8>>, Stop> {
        let second = NonZeroU32::new(2).ok_or(Stop::Garbled)?;
        let section = Section::Part(Part(Vec1::from(second)));
        Ok(self.fetch(&[uid], Some(section), MOST_REPORT).await?.pop().map(|found| found.bytes))
    }

    /// A mail, as far as it is read.
    pub(crate) async fn mail(&mut self, uid: u32) -> Result<Option<Vec<u8>>, Stop> {
        let most = u32::try_from(inbound::MAX_READ).unwrap_or(u32::MAX);
        Ok(self.fetch(&[uid], None, most).await?.pop().map(|found| found.bytes))
    }

    /// Says goodbye. Whoever does not answer is left standing.
    pub(crate) async fn log_out(mut self) {
        let _ = self.wire.ask(CommandBody::Logout, |_| {}).await;
    }

    async fn fetch(&mut self, uids: &[u32], section: Option<Section<'_>>, most: u32) -> Result<Vec<Headers>, Stop> {
        let set: Vec<NonZeroU32> = uids.iter().filter_map(|uid| NonZeroU32::new(*uid)).collect();
        let most = NonZeroU32::new(most).ok_or(Stop::Garbled)?;
        // PEEK: what we read stays unread.
        let part = MessageDataItemName::BodyExt { section, partial: Some((0, most)), peek: true };
        let body = CommandBody::fetch(set, vec![MessageDataItemName::Uid, part], true).map_err(|_| Stop::Garbled)?;
        let mut found = Vec::new();
        let asked = self.wire.ask(body, |answer| {
            if let Some((uid, Some(bytes))) = fetched(answer)
                && uids.contains(&uid)
                && found.len() < uids.len()
            {
                found.push(Headers { uid, bytes });
            }
        });
        done(&asked.await?)?;
        Ok(found)
    }
}

/// The UID of a mail that the server says something about, and what it says of its text.
fn fetched(answer: Response<'static>) -> Option<(u32, Option<Vec<u8>>)> {
    let Response::Data(Data::Fetch { items, .. }) = answer else { return None };
    let (mut uid, mut bytes) = (None, None);
    for item in items {
        match item {
            MessageDataItem::Uid(said) => uid = Some(said.get()),
            MessageDataItem::BodyExt { data, .. } => {
                bytes = data.into_option().map(std::borrow::Cow::into_owned).or(bytes);
            }
            _ => {}
        }
    }
    uid.map(|uid| (uid, bytes))
}

fn done(end: &StatusBody<'_>) -> Result<(), Stop> {
    if end.kind == StatusKind::Ok { Ok(()) } else { Err(Stop::Garbled) }
}
