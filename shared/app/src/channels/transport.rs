//! What carries a channel's messages: as it is asked for, checked, sealed and shown.

use domain::{
    Timestamp,
    sender::{RelaySecurity, Transport},
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use storage::WorkspaceScope;

use crate::{
    App, Failure,
    fields::Fields,
    relay::{self, RelayError},
};

/// What carries the messages, as it is written in a request.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum TransportWrite {
    /// Amazon SES.
    Ses {},
    /// A relay.
    Smtp {
        /// Host name or address.
        host: String,
        /// TCP port.
        port: u16,
        /// How the connection is protected.
        security: RelaySecurity,
        /// Account at the relay.
        username: String,
        /// Left out: the one that is stored, if the relay and the account at it are the same.
        #[serde(default)]
        password: Option<SecretString>,
    },
}

/// What carries the messages, as members see it: never with a relay's password (A77).
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum TransportView {
    /// Amazon SES.
    Ses,
    /// A relay.
    Smtp {
        /// Host name or address.
        host: String,
        /// TCP port.
        port: u16,
        /// How the connection is protected.
        security: RelaySecurity,
        /// Account at the relay.
        username: String,
        /// Whether there is a password.
        password_set: bool,
    },
}

impl From<Transport> for TransportView {
    fn from(transport: Transport) -> Self {
        match transport {
            Transport::Ses => Self::Ses,
            Transport::Smtp { host, port, security, username, secret } => {
                Self::Smtp { host, port, security, username, password_set: !secret.is_empty() }
            }
        }
    }
}

impl TransportWrite {
    /// Checks what can be said of it without asking anybody. `within` is the field it stands in.
    pub(crate) fn check(self, fields: &mut Fields, within: &str, networks: &str) -> Self {
        let Self::Smtp { host, port, security, username, password } = self else { return self };
        let host = match relay::normal_host(&host).and_then(|host| relay::check(&host, port, networks).map(|()| host)) {
            Ok(host) => host,
            Err(error) => {
                fields.wrong(&format!("{within}.{}", field_of(error)), error.to_string());
                host
            }
        };
        let username = fields.line(&format!("{within}.username"), &username, 255);
        if let Some(password) = &password {
            let text = password.expose_secret();
            if text.is_empty() || text.len() > 255 || text.chars().any(char::is_control) {
                let message = "must have 1 to 255 bytes, without control characters";
                fields.wrong(&format!("{within}.password"), message);
            }
        }
        Self::Smtp { host, port, security, username, password }
    }
}

impl App {
    /// Looks a relay up and seals its password, or keeps the one that is stored.
    pub(crate) async fn settle(
        &self,
        scope: &WorkspaceScope,
        asked: TransportWrite,
        stored: Option<&Transport>,
        within: &str,
        now: Timestamp,
    ) -> Result<Transport, Failure> {
        let TransportWrite::Smtp { host, port, security, username, password } = asked else {
            return Ok(Transport::Ses);
        };
        match relay::resolve(&host, port, &self.config.relay_networks).await {
            // A name may be entered before it exists; `send` resolves it again and refuses then.
            Ok(_) | Err(RelayError::Unresolved) => {}
            Err(RelayError::Networks) => return Err(Failure::internal("RELAY_NETWORKS cannot be read")),
            Err(error) => return Err(Failure::field(format!("{within}.{}", field_of(error)), error.to_string())),
        }
        let secret = match password {
            Some(password) => self.seal_relay_password(scope, &password, now).await?,
            None => kept_secret(stored, &host, &username)
                .ok_or_else(|| Failure::field(format!("{within}.password"), "is needed for a new relay or account"))?,
        };
        Ok(Transport::Smtp { host, port, security, username, secret })
    }
}

/// The field that is to blame.
const fn field_of(error: RelayError) -> &'static str {
    if matches!(error, RelayError::Port) { "port" } else { "host" }
}

/// The stored secret, if it was given for this very relay and account: a changed host never gets it.
fn kept_secret(stored: Option<&Transport>, host: &str, username: &str) -> Option<String> {
    match stored {
        Some(Transport::Smtp { host: h, username: u, secret, .. }) if h == host && u == username => {
            Some(secret.clone()).filter(|secret| !secret.is_empty())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMTP: &str =
        r#"{"kind":"smtp","host":"SMTP.firm.test.","port":587,"security":"starttls","username":"u","password":"p"}"#;

    fn wrong(asked: &str) -> Vec<String> {
        let asked: TransportWrite = serde_json::from_str(asked).unwrap();
        let mut fields = Fields::default();
        asked.check(&mut fields, "transport", "");
        fields.done().err().map(|f| f.fields.into_iter().map(|f| f.field).collect()).unwrap_or_default()
    }

    #[test]
    fn a_good_transport_passes_and_what_is_wrong_is_named() {
        assert!(wrong(SMTP).is_empty());
        assert!(wrong(r#"{"kind":"ses"}"#).is_empty());
        assert_eq!(wrong(&SMTP.replace("SMTP.firm.test.", "127.0.0.1")), ["transport.host"]);
        assert_eq!(wrong(&SMTP.replace("587", "25")), ["transport.port"]);
        assert_eq!(wrong(&SMTP.replace(r#""p"}"#, r#""p\r\nQUIT"}"#)), ["transport.password"]);
    }

    fn stored(secret: &str) -> Transport {
        Transport::Smtp {
            host: "a.test".into(),
            port: 587,
            security: RelaySecurity::Tls,
            username: "u".into(),
            secret: secret.into(),
        }
    }

    #[test]
    fn a77_what_is_shown_has_no_secret() {
        let shown = serde_json::to_value(TransportView::from(stored("c2VhbGVk"))).unwrap();
        assert_eq!(shown["password_set"], true);
        assert!(!shown.to_string().contains("c2VhbGVk"));
    }

    #[test]
    fn a_stored_password_stays_with_its_relay_and_account() {
        let relay = stored("s");
        assert_eq!(kept_secret(Some(&relay), "a.test", "u").as_deref(), Some("s"));
        assert_eq!(kept_secret(Some(&relay), "b.test", "u"), None);
        assert_eq!(kept_secret(Some(&relay), "a.test", "v"), None);
        assert_eq!(kept_secret(Some(&Transport::Ses), "a.test", "u"), None);
        assert_eq!(kept_secret(None, "a.test", "u"), None);
        assert!(stored("").lacks_password(), "it was given up");
        assert_eq!(kept_secret(Some(&stored("")), "a.test", "u"), None);
    }
}
