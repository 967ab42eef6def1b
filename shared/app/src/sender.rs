//! The Sender: the identity that every message carries (A62) and the channel it leaves by.

use domain::{
    Timestamp,
    audit::Action,
    email::EmailAddress,
    sender::{Channel, RelaySecurity, Sender, SenderIdentity},
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use storage::{WorkspaceScope, accounts::SenderRecord};

use crate::{
    App, Failure,
    fields::Fields,
    relay::{self, RelayError},
};

/// What `PUT /v1/sender` takes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SenderWrite {
    identity: SenderIdentity,
    channel: ChannelWrite,
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
enum ChannelWrite {
    Ses {},
    Smtp {
        host: String,
        port: u16,
        security: RelaySecurity,
        username: String,
        /// Left out: the one that is stored, if the relay and the account at it are the same.
        #[serde(default)]
        password: Option<SecretString>,
    },
}

/// The Sender as its members see it: never with the relay's password (A77).
#[derive(Serialize)]
pub struct SenderView {
    identity: SenderIdentity,
    channel: ChannelView,
    updated_at: Timestamp,
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum ChannelView {
    Ses,
    Smtp { host: String, port: u16, security: RelaySecurity, username: String, password_set: bool },
}

impl From<SenderRecord> for SenderView {
    fn from(record: SenderRecord) -> Self {
        let channel = match record.sender.channel {
            Channel::Ses => ChannelView::Ses,
            Channel::Smtp { host, port, security, username, secret } => {
                ChannelView::Smtp { host, port, security, username, password_set: !secret.is_empty() }
            }
        };
        Self { identity: record.sender.identity, channel, updated_at: record.updated_at }
    }
}

impl App {
    /// The Sender.
    pub async fn sender(&self, scope: &WorkspaceScope) -> Result<SenderView, Failure> {
        let record = self.db.accounts(scope).sender_record().await?;
        record.map(SenderView::from).ok_or_else(|| Failure::not_found("Sender (PUT /v1/sender makes it)"))
    }

    /// Sets the Sender.
    pub async fn put_sender(
        &self,
        scope: &WorkspaceScope,
        asked: SenderWrite,
        now: Timestamp,
    ) -> Result<SenderView, Failure> {
        let mut fields = Fields::default();
        let identity = check_identity(&mut fields, asked.identity);
        let channel = check_channel(&mut fields, asked.channel, &self.config.relay_networks);
        fields.done()?;
        self.active_workspace(scope).await?;
        let channel = self.settle(scope, channel, now).await?;
        let kind = match channel {
            Channel::Ses => "ses",
            Channel::Smtp { .. } => "smtp",
        };
        let (accounts, sender) = (self.db.accounts(scope), Sender { identity, channel });
        match accounts.sender_record().await? {
            Some(stored) if stored.sender == sender => Ok(stored.into()),
            _ => {
                let record = SenderRecord { sender, updated_at: now };
                let entry = scope.entry(Action::SenderChanged, now).with("channel", kind);
                accounts.put_sender(&record, &entry).await?;
                Ok(record.into())
            }
        }
    }

    /// Looks a relay up and seals its password.
    async fn settle(&self, scope: &WorkspaceScope, channel: ChannelWrite, now: Timestamp) -> Result<Channel, Failure> {
        let ChannelWrite::Smtp { host, port, security, username, password } = channel else { return Ok(Channel::Ses) };
        match relay::resolve(&host, port, &self.config.relay_networks).await {
            // A name may be entered before it exists; `send` resolves it again and refuses then.
            Ok(_) | Err(RelayError::Unresolved) => {}
            Err(error) => return Err(error.into()),
        }
        let secret = match password {
            Some(password) => self.seal_relay_password(scope, &password, now).await?,
            None => {
                let stored = self.db.accounts(scope).sender().await?.map(|sender| sender.channel);
                kept_secret(stored, &host, &username)
                    .ok_or_else(|| Failure::field("channel.password", "is needed for a new relay or account"))?
            }
        };
        Ok(Channel::Smtp { host, port, security, username, secret })
    }
}

/// The stored secret, if it was given for this very relay and account: a changed host never gets it.
fn kept_secret(stored: Option<Channel>, host: &str, username: &str) -> Option<String> {
    match stored {
        Some(Channel::Smtp { host: h, username: u, secret, .. }) if h == host && u == username => {
            Some(secret).filter(|secret| !secret.is_empty())
        }
        _ => None,
    }
}

impl From<RelayError> for Failure {
    fn from(error: RelayError) -> Self {
        match error {
            RelayError::Port => Failure::field("channel.port", error.to_string()),
            RelayError::Networks => Failure::internal("RELAY_NETWORKS cannot be read"),
            _ => Failure::field("channel.host", error.to_string()),
        }
    }
}

fn check_channel(fields: &mut Fields, channel: ChannelWrite, networks: &str) -> ChannelWrite {
    let ChannelWrite::Smtp { host, port, security, username, password } = channel else { return channel };
    let host = match relay::normal_host(&host).and_then(|host| relay::check(&host, port, networks).map(|()| host)) {
        Ok(host) => host,
        Err(RelayError::Port) => {
            fields.wrong("channel.port", RelayError::Port.to_string());
            host
        }
        Err(error) => {
            fields.wrong("channel.host", error.to_string());
            host
        }
    };
    let username = fields.line("channel.username", &username, 255);
    if let Some(password) = &password {
        let text = password.expose_secret();
        if text.is_empty() || text.len() > 255 || text.chars().any(char::is_control) {
            fields.wrong("channel.password", "must have 1 to 255 bytes, without control characters");
        }
    }
    ChannelWrite::Smtp { host, port, security, username, password }
}

fn check_identity(fields: &mut Fields, asked: SenderIdentity) -> SenderIdentity {
    if asked.country.len() != 2 || !asked.country.bytes().all(|b| b.is_ascii_uppercase()) {
        fields.wrong("identity.country", "must be two capital letters (ISO 3166-1): FR");
    }
    if asked.from_name.contains(['<', '>', '@']) {
        fields.wrong("identity.from_name", "must be a name, not an address");
    }
    for (field, email) in [
        ("identity.contact_email", Some(&asked.contact_email)),
        ("identity.from_email", Some(&asked.from_email)),
        ("identity.reply_to", asked.reply_to.as_ref()),
    ] {
        if email.is_some_and(|email: &EmailAddress| !email.is_ascii_local()) {
            fields.wrong(field, "letters outside ASCII are only possible after the @");
        }
    }
    let website = fields.optional("identity.website", asked.website.as_deref(), 200);
    if let Some(site) = &website
        && !url::Url::parse(site)
            .is_ok_and(|url| url.scheme() == "https" && url.host_str().is_some() && url.username().is_empty())
    {
        fields.wrong("identity.website", "must be an https address");
    }
    SenderIdentity {
        company: fields.line("identity.company", &asked.company, 200),
        legal_form: fields.optional("identity.legal_form", asked.legal_form.as_deref(), 50),
        registration_number: fields.line("identity.registration_number", &asked.registration_number, 50),
        address: fields.lines("identity.address", &asked.address, 500),
        country: asked.country,
        contact_email: asked.contact_email,
        phone: fields.optional("identity.phone", asked.phone.as_deref(), 50),
        website,
        from_name: fields.line("identity.from_name", &asked.from_name, 100),
        from_email: asked.from_email,
        reply_to: asked.reply_to,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDENTITY: &str = r#"{"company":" Exemple SAS ","registration_number":"000 000 000","address":"1 rue\nParis",
        "country":"FR","contact_email":"contact@firm.test","from_name":"Zoé","from_email":"zoe@firm.test"}"#;

    fn asked(identity: &str, channel: &str) -> SenderWrite {
        serde_json::from_str(&format!(r#"{{"identity":{identity},"channel":{channel}}}"#)).unwrap()
    }

    fn wrong(identity: &str, channel: &str) -> Vec<String> {
        let asked = asked(identity, channel);
        let mut fields = Fields::default();
        check_identity(&mut fields, asked.identity);
        check_channel(&mut fields, asked.channel, "");
        fields.done().err().map(|f| f.fields.into_iter().map(|f| f.field).collect()).unwrap_or_default()
    }

    const SMTP: &str =
        r#"{"kind":"smtp","host":"SMTP.firm.test.","port":587,"security":"starttls","username":"u","password":"p"}"#;

    #[test]
    fn a_good_sender_passes_and_what_is_wrong_is_named() {
        assert!(wrong(IDENTITY, SMTP).is_empty());
        assert!(wrong(IDENTITY, r#"{"kind":"ses"}"#).is_empty());
        let bad = IDENTITY.replace(" Exemple SAS ", " ").replace("FR", "fr").replace("Zoé", "a\\r\\nBcc: b@firm.test");
        assert_eq!(
            wrong(&bad, SMTP),
            ["identity.country", "identity.from_name", "identity.company", "identity.from_name"]
        );
        assert_eq!(wrong(IDENTITY, &SMTP.replace("SMTP.firm.test.", "127.0.0.1")), ["channel.host"]);
        assert_eq!(wrong(IDENTITY, &SMTP.replace("587", "25")), ["channel.port"]);
        assert_eq!(wrong(IDENTITY, &SMTP.replace(r#""p"}"#, r#""p\r\nQUIT"}"#)), ["channel.password"]);
    }

    #[test]
    fn unknown_fields_are_refused_at_every_depth() {
        for bad in [
            format!(r#"{{"identity":{IDENTITY},"channel":{{"kind":"ses","host":"x"}}}}"#),
            format!(r#"{{"identity":{IDENTITY},"channel":{{"kind":"ses"}},"x":1}}"#),
            format!(r#"{{"identity":{},"channel":{{"kind":"ses"}}}}"#, IDENTITY.replace("}", r#","vat":"x"}"#)),
        ] {
            assert!(serde_json::from_str::<SenderWrite>(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a77_what_is_shown_has_no_secret() {
        let SenderWrite { identity, .. } = asked(IDENTITY, SMTP);
        let channel = Channel::Smtp {
            host: "smtp.firm.test".into(),
            port: 587,
            security: RelaySecurity::Starttls,
            username: "u".into(),
            secret: "c2VhbGVk".into(),
        };
        let updated_at = "2026-03-01T10:00:00Z".parse().unwrap();
        let view: SenderView = SenderRecord { sender: Sender { identity, channel }, updated_at }.into();
        let shown = serde_json::to_value(&view).unwrap();
        assert_eq!(shown["channel"]["password_set"], true);
        assert!(!shown.to_string().contains("c2VhbGVk"));
    }

    #[test]
    fn a_stored_password_stays_with_its_relay_and_account() {
        let stored = || {
            Some(Channel::Smtp {
                host: "a.test".into(),
                port: 587,
                security: RelaySecurity::Tls,
                username: "u".into(),
                secret: "s".into(),
            })
        };
        assert_eq!(kept_secret(stored(), "a.test", "u").as_deref(), Some("s"));
        assert_eq!(kept_secret(stored(), "b.test", "u"), None);
        assert_eq!(kept_secret(stored(), "a.test", "v"), None);
        assert_eq!(kept_secret(Some(Channel::Ses), "a.test", "u"), None);
        let given_up = stored().map(|channel| match channel {
            Channel::Smtp { host, port, security, username, .. } => {
                Channel::Smtp { host, port, security, username, secret: String::new() }
            }
            ses => ses,
        });
        assert!(given_up.as_ref().is_some_and(Channel::lacks_password));
        assert_eq!(kept_secret(given_up, "a.test", "u"), None);
    }
}
