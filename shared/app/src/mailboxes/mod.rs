//! A Sender's own mailboxes, read for answers: where a Sender names an address of its own for them, nobody else sees
//! them. Entered here, tried out in `check`, read by schedule in `read`.
//!
//! Of a mailbox we look at what concerns our messages and at nothing else: a few headers of each new mail, and the mail
//! itself only where it is an answer to one of ours.

mod check;
mod read;
mod whose;

pub use self::read::MailboxesReport;

use domain::{
    Timestamp,
    audit::{Action, Entry},
    id::{MailboxId, WorkspaceId},
    mailbox::{INBOX, MOST_FOLDERS, MOST_MAILBOXES, Reading, Stop},
    sender::{RelaySecurity, TokenSource},
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use storage::{
    StoreError, WorkspaceScope,
    mailboxes::{Mailbox, Mailboxes, ReadingRecord},
};

use crate::{
    App, Failure, chance,
    channels::transport::{OauthWrite, check_secret},
    fields::{Fields, Port},
    imap::PORTS,
    mailer::{Grant, Login, NoToken},
    queues::Queued,
    relay::{self, RelayError},
};

/// The place of a mailbox's password.
const PASSWORD: &str = "mailboxes.password";

/// The place of what access tokens for a mailbox are asked for with.
const GRANT: &str = "mailboxes.oauth";

/// One mailbox to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailboxMessage {
    /// Whose.
    pub workspace: WorkspaceId,
    /// Which.
    pub mailbox: MailboxId,
}

impl Queued for MailboxMessage {
    fn group(&self) -> Option<WorkspaceId> {
        Some(self.workspace)
    }
}

/// A mailbox, as it is written in a request.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailboxWrite {
    name: String,
    host: String,
    port: Port,
    security: RelaySecurity,
    username: String,
    /// Left out: the one that is stored, if server and account are the same.
    #[serde(default)]
    password: Option<SecretString>,
    /// In place of a password, where access tokens come from.
    #[serde(default)]
    oauth: Option<OauthWrite>,
    #[serde(default)]
    folders: Option<Vec<String>>,
}

/// A mailbox as members see it: never with its password (A77).
#[derive(Debug, Serialize)]
pub struct MailboxView {
    id: MailboxId,
    name: String,
    host: String,
    port: u16,
    security: RelaySecurity,
    username: String,
    password_set: bool,
    oauth: Option<TokenSource>,
    folders: Vec<String>,
    created_at: Timestamp,
    disabled_at: Option<Timestamp>,
    /// When it was last read to the end, and tried.
    read_at: Option<Timestamp>,
    tried_at: Option<Timestamp>,
    answers: u64,
    trouble: Option<TroubleView>,
}

/// Why a mailbox cannot be read.
#[derive(Debug, Serialize)]
struct TroubleView {
    code: Stop,
    message: &'static str,
    since: Option<Timestamp>,
}

impl MailboxView {
    fn new(mailbox: Mailbox, reading: Reading) -> Self {
        let Mailbox { id, name, host, port, security, username, secret, oauth, folders, created_at, disabled_at } =
            mailbox;
        let Reading { read_at, tried_at, answers, stopped, failing_since, .. } = reading;
        let trouble = stopped.map(|code| TroubleView {
            code,
            message: content::mailbox_check::message(code),
            since: failing_since,
        });
        let password_set = !secret.is_empty();
        Self {
            id,
            name,
            host,
            port,
            security,
            username,
            password_set,
            oauth,
            folders,
            created_at,
            disabled_at,
            read_at,
            tried_at,
            answers,
            trouble,
        }
    }
}

/// What was asked for, checked as far as nobody has to be asked.
struct Checked {
    mailbox: Mailbox,
    password: Option<SecretString>,
    grant: Option<Grant>,
}

impl MailboxWrite {
    fn check(self, id: MailboxId, networks: &str, now: Timestamp) -> Result<Checked, Failure> {
        let mut fields = Fields::default();
        let name = fields.line("name", &self.name, 100);
        let normal = relay::normal_host(&self.host)
            .and_then(|host| relay::check_on(&host, self.port.0, &PORTS, networks).map(|()| host));
        let host = normal.unwrap_or_else(|error| {
            let (field, message) = said_of(error);
            fields.wrong(field, message);
            self.host.clone()
        });
        let username = fields.line("username", &self.username, 255);
        if let Some(password) = &self.password {
            check_secret(&mut fields, "password", password, 255);
        }
        let mut oauth = self.oauth;
        if let Some(asked) = &mut oauth {
            asked.check(&mut fields, "oauth", networks);
            if self.password.is_some() {
                fields.wrong("oauth", "takes the place of a password: give one of them");
            }
        }
        let asked = self.folders.unwrap_or_else(|| vec![INBOX.to_owned()]);
        if asked.is_empty() || asked.len() > MOST_FOLDERS {
            fields.wrong("folders", format!("name 1 to {MOST_FOLDERS} folders"));
        }
        let mut folders: Vec<String> = asked.iter().map(|folder| fields.line("folders", folder, 200)).collect();
        folders.dedup();
        fields.done()?;
        let source = oauth.as_ref().map(OauthWrite::source);
        let grant = oauth.and_then(OauthWrite::grant);
        let mailbox = Mailbox {
            id,
            name,
            host,
            port: self.port.0,
            security: self.security,
            username,
            secret: String::new(),
            oauth: source,
            folders,
            created_at: now,
            disabled_at: None,
        };
        Ok(Checked { mailbox, password: self.password, grant })
    }
}

impl App {
    /// All of them, oldest first.
    pub async fn mailboxes(&self, scope: &WorkspaceScope) -> Result<Vec<MailboxView>, Failure> {
        let store = self.db.mailboxes(scope);
        let all = store.all().await?.mailboxes.into_iter();
        let view = async |mailbox: Mailbox| {
            let record = store.reading(mailbox.id).await?;
            Ok::<_, Failure>(MailboxView::new(mailbox, record.reading))
        };
        futures::future::try_join_all(all.map(view)).await
    }

    /// One of them.
    pub async fn mailbox(&self, scope: &WorkspaceScope, id: MailboxId) -> Result<MailboxView, Failure> {
        let store = self.db.mailboxes(scope);
        let mailbox = store.all().await?.find(id).cloned().ok_or_else(not_found)?;
        Ok(MailboxView::new(mailbox, store.reading(id).await?.reading))
    }

    /// Enters one. What is in it already is none of our business: reading begins with what comes next.
    pub async fn add_mailbox(
        &self,
        scope: &WorkspaceScope,
        asked: MailboxWrite,
        now: Timestamp,
    ) -> Result<MailboxView, Failure> {
        let id = MailboxId::new(now, chance());
        let checked = asked.check(id, &self.config.relay_networks, now)?;
        self.active_workspace(scope).await?;
        let mut all = self.db.mailboxes(scope).all().await?;
        if all.mailboxes.len() >= MOST_MAILBOXES {
            let detail = format!("There are {MOST_MAILBOXES} mailboxes. Delete one first.");
            return Err(Failure::refused("too-many-mailboxes", detail));
        }
        let mailbox = self.settle_mailbox(scope, checked, None, now).await?;
        all.mailboxes.push(mailbox.clone());
        let entry = scope.entry(Action::MailboxCreated, now).about(id);
        self.put_mailbox(scope, all, id, None, &entry).await?;
        Ok(MailboxView::new(mailbox, Reading::default()))
    }

    /// Replaces the settings of one. It is read again from here on, and goes on where it was if it is the same account.
    pub async fn replace_mailbox(
        &self,
        scope: &WorkspaceScope,
        id: MailboxId,
        asked: MailboxWrite,
        now: Timestamp,
    ) -> Result<MailboxView, Failure> {
        let checked = asked.check(id, &self.config.relay_networks, now)?;
        self.active_workspace(scope).await?;
        let store = self.db.mailboxes(scope);
        let mut all = store.all().await?;
        let before = all.find(id).cloned().ok_or_else(not_found)?;
        let mailbox = self.settle_mailbox(scope, checked, Some(&before), now).await?;
        let reading = if mailbox.is_same_account(&before) {
            let mut record = store.reading(id).await?;
            record.reading.start_over();
            record.reading.places.retain(|place| mailbox.folders.contains(&place.folder));
            Some(record)
        } else {
            None
        };
        if let Some(stored) = all.find_mut(id) {
            stored.clone_from(&mailbox);
        }
        let shown = reading.as_ref().map(|record| record.reading.clone()).unwrap_or_default();
        let entry = scope.entry(Action::MailboxChanged, now).about(id);
        self.put_mailbox(scope, all, id, reading, &entry).await?;
        Ok(MailboxView::new(mailbox, shown))
    }

    /// Takes one away. Nobody looks into it from here on.
    pub async fn delete_mailbox(&self, scope: &WorkspaceScope, id: MailboxId, now: Timestamp) -> Result<(), Failure> {
        let store = self.db.mailboxes(scope);
        let mut all = store.all().await?;
        let at = all.mailboxes.iter().position(|mailbox| mailbox.id == id).ok_or_else(not_found)?;
        all.mailboxes.remove(at);
        let entry = scope.entry(Action::MailboxDeleted, now).about(id);
        written(store.put_without(all, id, &entry).await)
    }

    async fn put_mailbox(
        &self,
        scope: &WorkspaceScope,
        all: Mailboxes,
        id: MailboxId,
        reading: Option<ReadingRecord>,
        entry: &Entry,
    ) -> Result<(), Failure> {
        written(self.db.mailboxes(scope).put(all, id, reading, entry).await)
    }

    /// Looks its server up and seals its password, or keeps the one that is stored.
    async fn settle_mailbox(
        &self,
        scope: &WorkspaceScope,
        checked: Checked,
        stored: Option<&Mailbox>,
        now: Timestamp,
    ) -> Result<Mailbox, Failure> {
        let Checked { mailbox, password, grant } = checked;
        match relay::resolve_on(&mailbox.host, mailbox.port, &PORTS, &self.config.relay_networks).await {
            // A name may be entered before it exists; it is resolved again for each look, and refused then.
            Ok(_) | Err(RelayError::Unresolved) => {}
            Err(RelayError::Networks) => return Err(Failure::internal("RELAY_NETWORKS cannot be read")),
            Err(error) => {
                let (field, message) = said_of(error);
                return Err(Failure::field(field, message));
            }
        }
        let secret = match (password, grant) {
            (Some(password), _) => self.seal_for(scope, PASSWORD, password.expose_secret(), now).await?,
            (None, Some(grant)) => self.seal_for(scope, GRANT, &grant.to_text()?, now).await?,
            (None, None) => kept_secret(stored, &mailbox).ok_or_else(|| {
                let field = if mailbox.oauth.is_some() { "oauth.refresh_token" } else { "password" };
                Failure::field(field, "is needed for a new server or account")
            })?,
        };
        let created_at = stored.map_or(mailbox.created_at, |stored| stored.created_at);
        Ok(Mailbox { secret, created_at, ..mailbox })
    }

    /// What a mailbox is logged in to with.
    async fn mailbox_login(&self, scope: &WorkspaceScope, mailbox: &Mailbox) -> Result<Result<Login, Stop>, Failure> {
        let username = mailbox.username.clone();
        let Some(source) = &mailbox.oauth else {
            let password = self.open_sealed(scope, PASSWORD, &mailbox.secret).await?;
            return Ok(Ok(Login::Password { username, password }));
        };
        let grant = self.open_sealed(scope, GRANT, &mailbox.secret).await?;
        Ok(match self.token_from(&grant, source).await? {
            Ok(access) => Ok(Login::Token { username, token: access.token }),
            Err(NoToken::Refused) => Err(Stop::TokenRefused),
            Err(NoToken::Unreachable) => Err(Stop::NoToken),
        })
    }
}

/// The stored secret, if it was given for this very server, account and source of tokens: a changed host never gets it.
fn kept_secret(stored: Option<&Mailbox>, mailbox: &Mailbox) -> Option<String> {
    let same = stored.filter(|stored| stored.is_same_account(mailbox) && stored.oauth == mailbox.oauth)?;
    Some(same.secret.clone()).filter(|secret| !secret.is_empty())
}

fn written(result: Result<(), StoreError>) -> Result<(), Failure> {
    match result {
        Err(StoreError::Conflict) => Err(Failure::conflict(
            "conflict",
            "The mailboxes were changed or read meanwhile. Look at them and try again.",
        )),
        result => Ok(result?),
    }
}

fn not_found() -> Failure {
    Failure::not_found("mailbox")
}

/// The field that is to blame, and what is wrong with it.
fn said_of(error: RelayError) -> (&'static str, String) {
    match error {
        RelayError::Port => ("port", "must be 993 (TLS) or 143 (STARTTLS)".into()),
        other => ("host", other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKED: &str =
        r#"{"name":"Answers","host":"IMAP.firm.test.","port":993,"security":"tls","username":"zoe","password":"p"}"#;

    fn check(asked: &str) -> Result<Checked, Vec<String>> {
        let asked: MailboxWrite = serde_json::from_str(asked).unwrap();
        let now = "2026-11-26T10:00:00Z".parse().unwrap();
        asked
            .check(MailboxId::from_bytes([1; 10]), "", now)
            .map_err(|failure| failure.fields.into_iter().map(|field| field.field).collect())
    }

    fn wrong(asked: &str) -> Vec<String> {
        check(asked).err().unwrap_or_default()
    }

    #[test]
    fn good_settings_pass_and_what_is_wrong_is_named() {
        let good = check(ASKED).ok().unwrap().mailbox;
        assert_eq!((good.host.as_str(), good.folders), ("imap.firm.test", vec![INBOX.to_owned()]));
        for host in ["127.0.0.1", "0x7f.1", "169.254.169.254", "10.0.0.1", "[::1]", "::ffff:192.168.0.1", "2130706433"]
        {
            assert_eq!(wrong(&ASKED.replace("IMAP.firm.test.", host)), ["host"], "{host}");
        }
        assert_eq!(wrong(&ASKED.replace("993", "110")), ["port"]);
        let unread = serde_json::from_str::<MailboxWrite>(&ASKED.replace("993", "70000")).err().unwrap();
        assert!(unread.to_string().starts_with("a whole number from 1 to 65535"), "{unread}");
        assert_eq!(wrong(&ASKED.replace(r#""p"}"#, r#""p\r\nLOGOUT"}"#)), ["password"]);
        assert_eq!(wrong(&ASKED.replace(r#""p"}"#, r#""p","folders":[]}"#)), ["folders"]);
        let many = r#""p","folders":["a","b","c","d","e"]}"#;
        assert_eq!(wrong(&ASKED.replace(r#""p"}"#, many)), ["folders"]);
        let oauth = r#""oauth":{"token_url":"http://id.test/","client_id":"c","refresh_token":"r"}}"#;
        assert_eq!(wrong(&ASKED.replace(r#""password":"p"}"#, oauth)), ["oauth.token_url"]);
    }

    #[test]
    fn a_stored_password_stays_with_its_server_and_account_and_is_not_shown() {
        let stored = Mailbox { secret: "c2VhbGVk".into(), ..check(ASKED).ok().unwrap().mailbox };
        let again = |host: &str, username: &str| Mailbox {
            host: host.into(),
            username: username.into(),
            secret: String::new(),
            ..stored.clone()
        };
        assert_eq!(kept_secret(Some(&stored), &again("imap.firm.test", "zoe")).as_deref(), Some("c2VhbGVk"));
        assert_eq!(kept_secret(Some(&stored), &again("imap.evil.test", "zoe")), None);
        assert_eq!(kept_secret(Some(&stored), &again("imap.firm.test", "ada")), None);
        let given_up = Mailbox { secret: String::new(), ..stored.clone() };
        assert_eq!(kept_secret(Some(&given_up), &again("imap.firm.test", "zoe")), None);
        let shown = serde_json::to_string(&MailboxView::new(stored, Reading::default())).unwrap();
        assert!(shown.contains(r#""password_set":true"#) && !shown.contains("c2VhbGVk"), "{shown}");
    }
}
