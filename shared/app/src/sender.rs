//! The Sender: the identity that every message carries (A62), and the first of the channels it leaves by.

use domain::{
    Timestamp,
    audit::Action,
    email::EmailAddress,
    id::ChannelId,
    sender::{Channel, Sender, SenderIdentity},
};
use serde::{Deserialize, Serialize};
use storage::{WorkspaceScope, accounts::SenderRecord};

use crate::{
    App, Failure, chance,
    channels::transport::{TransportView, TransportWrite},
    fields::Fields,
};

/// What `PUT /v1/sender` takes. The channel may be left out once there is one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SenderWrite {
    identity: SenderIdentity,
    #[serde(default)]
    channel: Option<TransportWrite>,
}

/// The Sender as its members see it, with its first channel: never with a relay's password (A77).
#[derive(Serialize)]
pub struct SenderView {
    identity: SenderIdentity,
    channel: Option<TransportView>,
    updated_at: Timestamp,
}

impl From<SenderRecord> for SenderView {
    fn from(record: SenderRecord) -> Self {
        let SenderRecord { sender, updated_at, .. } = record;
        let channel = sender.channels.into_iter().next().map(|channel| channel.transport.into());
        Self { identity: sender.identity, channel, updated_at }
    }
}

impl App {
    /// The Sender.
    pub async fn sender(&self, scope: &WorkspaceScope) -> Result<SenderView, Failure> {
        Ok(self.sender_record(scope).await?.into())
    }

    /// The Sender as it is stored.
    pub(crate) async fn sender_record(&self, scope: &WorkspaceScope) -> Result<SenderRecord, Failure> {
        let record = self.db.accounts(scope).sender_record().await?;
        record.ok_or_else(|| Failure::not_found("Sender (PUT /v1/sender makes it)"))
    }

    /// Sets the Sender: its identity, and what carries the messages of its first channel.
    pub async fn put_sender(
        &self,
        scope: &WorkspaceScope,
        asked: SenderWrite,
        now: Timestamp,
    ) -> Result<SenderView, Failure> {
        let mut fields = Fields::default();
        let identity = check_identity(&mut fields, asked.identity);
        let channel = asked.channel.map(|asked| asked.check(&mut fields, "channel", &self.config.relay_networks));
        fields.done()?;
        self.active_workspace(scope).await?;
        let accounts = self.db.accounts(scope);
        let stored = accounts.sender_record().await?;
        let mut channels = stored.as_ref().map(|stored| stored.sender.channels.clone()).unwrap_or_default();
        let before = channels.first().cloned();
        if let Some(asked) = channel {
            let transport =
                self.settle(scope, asked, channels.first().map(|first| &first.transport), "channel", now).await?;
            match channels.first_mut() {
                Some(first) => first.transport = transport,
                None => channels.push(Channel::first(ChannelId::new(now, chance()), transport, now)),
            }
        }
        let kind = channels.first().map(|first| first.transport.kind());
        let kind = kind.ok_or_else(|| Failure::field("channel", "say by what the messages leave"))?;
        let sender = Sender { identity, channels };
        let version = match stored {
            Some(stored) if stored.sender == sender => return Ok(stored.into()),
            stored => stored.map_or(0, |stored| stored.version) + 1,
        };
        let record = SenderRecord { sender, updated_at: now, version };
        let entry = scope.entry(Action::SenderChanged, now).with("channel", kind);
        accounts.put_sender(&record, &entry).await?;
        if let (Some(before), Some(first)) = (before, record.sender.channels.first())
            && before.transport != first.transport
        {
            self.try_look_again(scope, first.id).await;
        }
        Ok(record.into())
    }
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

    fn wrong(identity: &str) -> Vec<String> {
        let asked: SenderWrite = serde_json::from_str(&format!(r#"{{"identity":{identity}}}"#)).unwrap();
        let mut fields = Fields::default();
        check_identity(&mut fields, asked.identity);
        fields.done().err().map(|f| f.fields.into_iter().map(|f| f.field).collect()).unwrap_or_default()
    }

    #[test]
    fn a_good_identity_passes_and_what_is_wrong_is_named() {
        assert!(wrong(IDENTITY).is_empty());
        let bad = IDENTITY.replace(" Exemple SAS ", " ").replace("FR", "fr").replace("Zoé", "a\\r\\nBcc: b@firm.test");
        assert_eq!(wrong(&bad), ["identity.country", "identity.from_name", "identity.company", "identity.from_name"]);
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
}
