//! What carries a channel's messages: as it is asked for, checked, sealed and shown.

use domain::{
    Timestamp,
    sender::{RelaySecurity, TokenSource, Transport},
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use storage::WorkspaceScope;

use crate::{
    App, Failure,
    fields::{Fields, Port},
    https::Target,
    mailer::Grant,
    relay::{self, RelayError},
};

/// What carries the messages, as it is asked for.
#[derive(Deserialize)]
#[serde(try_from = "WrittenTransport")]
pub enum TransportWrite {
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
        /// Left out: the one that is stored, if the relay and the account at it are the same.
        password: Option<SecretString>,
        /// In place of a password, where access tokens come from.
        oauth: Option<OauthWrite>,
    },
}

/// The same as it is written in a request. One form for all kinds: of a form by kind serde would not say where in it something
/// is wrong.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenTransport {
    kind: Kind,
    host: Option<String>,
    port: Option<Port>,
    security: Option<RelaySecurity>,
    username: Option<String>,
    password: Option<SecretString>,
    oauth: Option<OauthWrite>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Ses,
    Smtp,
}

impl TryFrom<WrittenTransport> for TransportWrite {
    /// In serde's words.
    type Error = String;

    fn try_from(written: WrittenTransport) -> Result<Self, Self::Error> {
        let WrittenTransport { kind, host, port, security, username, password, oauth } = written;
        match kind {
            Kind::Ses => {
                let relays = [
                    ("host", host.is_some()),
                    ("port", port.is_some()),
                    ("security", security.is_some()),
                    ("username", username.is_some()),
                    ("password", password.is_some()),
                    ("oauth", oauth.is_some()),
                ];
                match relays.iter().find(|(_, there)| *there) {
                    Some((name, _)) => {
                        Err(format!("unknown field `{name}`, a channel through Amazon SES has only `kind`"))
                    }
                    None => Ok(Self::Ses),
                }
            }
            Kind::Smtp => {
                let missing = |name| format!("missing field `{name}`");
                Ok(Self::Smtp {
                    host: host.ok_or_else(|| missing("host"))?,
                    port: port.ok_or_else(|| missing("port"))?.0,
                    security: security.ok_or_else(|| missing("security"))?,
                    username: username.ok_or_else(|| missing("username"))?,
                    password,
                    oauth,
                })
            }
        }
    }
}

/// Where access tokens come from, as it is written in a request.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OauthWrite {
    token_url: String,
    client_id: String,
    #[serde(default)]
    client_secret: Option<SecretString>,
    /// Left out: what is stored, secret included, if nothing else of the relay's has changed.
    #[serde(default)]
    refresh_token: Option<SecretString>,
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
        /// Whether there is a password, or a refresh token.
        password_set: bool,
        /// Where access tokens come from.
        oauth: Option<TokenSource>,
    },
}

impl From<Transport> for TransportView {
    fn from(transport: Transport) -> Self {
        match transport {
            Transport::Ses => Self::Ses,
            Transport::Smtp { host, port, security, username, secret, oauth } => {
                Self::Smtp { host, port, security, username, password_set: !secret.is_empty(), oauth }
            }
        }
    }
}

impl TransportWrite {
    /// Checks what can be said of it without asking anybody. `within` is the field it stands in.
    pub(crate) fn check(self, fields: &mut Fields, within: &str, networks: &str) -> Self {
        let Self::Smtp { host, port, security, username, password, mut oauth } = self else { return self };
        let host = match relay::normal_host(&host).and_then(|host| relay::check(&host, port, networks).map(|()| host)) {
            Ok(host) => host,
            Err(error) => {
                fields.wrong(&format!("{within}.{}", field_of(error)), error.to_string());
                host
            }
        };
        let username = fields.line(&format!("{within}.username"), &username, 255);
        if let Some(password) = &password {
            check_secret(fields, &format!("{within}.password"), password, 255);
        }
        if let Some(asked) = &mut oauth {
            asked.check(fields, &format!("{within}.oauth"), networks);
            if password.is_some() {
                fields.wrong(&format!("{within}.oauth"), "takes the place of a password: give one of them");
            }
        }
        Self::Smtp { host, port, security, username, password, oauth }
    }
}

impl OauthWrite {
    pub(crate) fn check(&mut self, fields: &mut Fields, within: &str, networks: &str) {
        self.token_url = self.token_url.trim().to_owned();
        if let Err(said) = Target::parse(&self.token_url, networks) {
            fields.wrong(&format!("{within}.token_url"), said);
        }
        self.client_id = fields.line(&format!("{within}.client_id"), &self.client_id, 255);
        for (name, secret) in [("client_secret", &self.client_secret), ("refresh_token", &self.refresh_token)] {
            if let Some(secret) = secret {
                check_secret(fields, &format!("{within}.{name}"), secret, LONGEST_TOKEN);
            }
        }
        if self.client_secret.is_some() && self.refresh_token.is_none() {
            fields.wrong(&format!("{within}.refresh_token"), "is needed with another client_secret");
        }
    }

    pub(crate) fn source(&self) -> TokenSource {
        TokenSource { token_url: self.token_url.clone(), client_id: self.client_id.clone() }
    }

    /// What tokens are asked for with, where it is given anew.
    pub(crate) fn grant(self) -> Option<Grant> {
        let client_secret = self.client_secret.map(|secret| secret.expose_secret().to_owned());
        Some(Grant { client_secret, refresh_token: self.refresh_token?.expose_secret().to_owned() })
    }
}

/// Longest refresh token, in bytes: Microsoft's have some two thousand.
const LONGEST_TOKEN: usize = 4_096;

/// Notes what is wrong with a secret; what is said of it never repeats it.
pub(crate) fn check_secret(fields: &mut Fields, field: &str, secret: &SecretString, most: usize) {
    let text = secret.expose_secret();
    if text.is_empty() || text.len() > most || text.chars().any(char::is_control) {
        fields.wrong(field, format!("must have 1 to {most} bytes, without control characters"));
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
        let TransportWrite::Smtp { host, port, security, username, password, oauth } = asked else {
            return Ok(Transport::Ses);
        };
        match relay::resolve(&host, port, &self.config.relay_networks).await {
            // A name may be entered before it exists; `send` resolves it again and refuses then.
            Ok(_) | Err(RelayError::Unresolved) => {}
            Err(RelayError::Networks) => return Err(Failure::internal("RELAY_NETWORKS cannot be read")),
            Err(error) => return Err(Failure::field(format!("{within}.{}", field_of(error)), error.to_string())),
        }
        let source = oauth.as_ref().map(OauthWrite::source);
        let secret = match (password, oauth.and_then(OauthWrite::grant)) {
            (Some(password), _) => self.seal_relay_password(scope, &password, now).await?,
            (None, Some(grant)) => self.seal_relay_grant(scope, &grant, now).await?,
            (None, None) => kept_secret(stored, &host, &username, source.as_ref()).ok_or_else(|| {
                let field = if source.is_some() { "oauth.refresh_token" } else { "password" };
                Failure::field(format!("{within}.{field}"), "is needed for a new relay or account")
            })?,
        };
        Ok(Transport::Smtp { host, port, security, username, secret, oauth: source })
    }
}

/// The field that is to blame.
const fn field_of(error: RelayError) -> &'static str {
    if matches!(error, RelayError::Port) { "port" } else { "host" }
}

/// The stored secret, if it was given for this very relay, account and source of tokens: a changed host never gets it.
fn kept_secret(stored: Option<&Transport>, host: &str, username: &str, source: Option<&TokenSource>) -> Option<String> {
    match stored {
        Some(Transport::Smtp { host: h, username: u, secret, oauth, .. })
            if h == host && u == username && oauth.as_ref() == source =>
        {
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
        let oauth = r#""oauth":{"token_url":"https://id.firm.test/token","client_id":"c","client_secret":"s","refresh_token":"r"}}"#;
        let tokens = SMTP.replace(r#""password":"p"}"#, oauth);
        assert!(wrong(&tokens).is_empty());
        assert_eq!(wrong(&SMTP.replace('}', &format!(",{oauth}"))), ["transport.oauth"]);
        assert_eq!(wrong(&tokens.replace("https:", "http:")), ["transport.oauth.token_url"]);
        assert_eq!(wrong(&tokens.replace("id.firm.test", "169.254.169.254")), ["transport.oauth.token_url"]);
        assert_eq!(wrong(&tokens.replace(r#","refresh_token":"r""#, "")), ["transport.oauth.refresh_token"]);
    }

    fn stored(secret: &str) -> Transport {
        Transport::Smtp {
            host: "a.test".into(),
            port: 587,
            security: RelaySecurity::Tls,
            username: "u".into(),
            secret: secret.into(),
            oauth: None,
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
        assert_eq!(kept_secret(Some(&relay), "a.test", "u", None).as_deref(), Some("s"));
        assert_eq!(kept_secret(Some(&relay), "b.test", "u", None), None);
        assert_eq!(kept_secret(Some(&relay), "a.test", "v", None), None);
        assert_eq!(kept_secret(Some(&Transport::Ses), "a.test", "u", None), None);
        assert_eq!(kept_secret(None, "a.test", "u", None), None);
        let source = TokenSource { token_url: "https://id.test/".into(), client_id: "c".into() };
        assert_eq!(kept_secret(Some(&relay), "a.test", "u", Some(&source)), None, "a password is no refresh token");
        assert!(stored("").lacks_password(), "it was given up");
        assert_eq!(kept_secret(Some(&stored("")), "a.test", "u", None), None);
    }
}
