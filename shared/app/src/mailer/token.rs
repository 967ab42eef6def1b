//! Access tokens for relays that take one in place of a password (XOAUTH2), from where the Sender says (RFC 6749 §6).
//!
//! The Sender gives the provider's token endpoint and a refresh token, which is sealed as a password is. An access token
//! is never stored: a process keeps it with the connections that it opens.

use std::time::Duration;

use domain::sender::{TokenSource, Transport};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use storage::WorkspaceScope;
use url::form_urlencoded;

use crate::{
    App, Failure,
    https::{Target, Tls},
};

/// How long before its end a token is not used any more.
const MARGIN: Duration = Duration::from_secs(60);

/// How long a token is used that does not say how long it is good for.
const UNSAID: Duration = Duration::from_secs(10 * 60);

/// No token is used for longer, whatever is said of it.
const LONGEST: Duration = Duration::from_secs(60 * 60);

/// What a token is asked for with: sealed as one text.
#[derive(Serialize, Deserialize)]
pub(crate) struct Grant {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) client_secret: Option<String>,
    pub(crate) refresh_token: String,
}

impl Grant {
    /// As it is sealed.
    pub(crate) fn to_text(&self) -> Result<String, Failure> {
        serde_json::to_string(self).map_err(|error| Failure::internal(error.to_string()))
    }
}

/// An access token.
pub(crate) struct Access {
    pub(crate) token: SecretString,
    /// How long it may be used from now.
    pub(crate) good_for: Duration,
}

/// Why there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoToken {
    /// The provider refuses.
    Refused,
    /// It could not be asked, or said nothing that can be read.
    Unreachable,
}

#[derive(Deserialize)]
struct Answer {
    access_token: SecretString,
    #[serde(default)]
    expires_in: Option<u64>,
}

/// What is asked for (RFC 6749 §6).
fn form(source: &TokenSource, grant: &Grant) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("grant_type", "refresh_token").append_pair("client_id", &source.client_id);
    if let Some(secret) = &grant.client_secret {
        form.append_pair("client_secret", secret);
    }
    form.append_pair("refresh_token", &grant.refresh_token).finish()
}

fn read(status: u16, body: &[u8]) -> Result<Access, NoToken> {
    match status {
        200 => {}
        // RFC 6749 §5.2: the client or what it was given is wrong.
        400 | 401 | 403 => return Err(NoToken::Refused),
        _ => return Err(NoToken::Unreachable),
    }
    let answer: Answer = serde_json::from_slice(body).map_err(|_| NoToken::Unreachable)?;
    // RFC 6750 §2.1, and what would end the line that it goes into.
    let token = answer.access_token.expose_secret();
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(NoToken::Unreachable);
    }
    let said = answer.expires_in.map_or(UNSAID, Duration::from_secs);
    Ok(Access { good_for: said.min(LONGEST).saturating_sub(MARGIN), token: answer.access_token })
}

impl App {
    /// Asks for an access token for a relay.
    pub(crate) async fn access_token(
        &self,
        scope: &WorkspaceScope,
        transport: &Transport,
        source: &TokenSource,
    ) -> Result<Result<Access, NoToken>, Failure> {
        let grant = self.open_relay_grant(scope, transport).await?;
        self.token_from(&grant, source).await
    }

    /// Asks for an access token with a grant, as it was sealed.
    pub(crate) async fn token_from(
        &self,
        grant: &SecretString,
        source: &TokenSource,
    ) -> Result<Result<Access, NoToken>, Failure> {
        let grant: Grant = serde_json::from_str(grant.expose_secret())
            .map_err(|_| Failure::internal("a sealed grant cannot be read"))?;
        let networks = &self.config.relay_networks;
        let Ok(target) = Target::parse(&source.token_url, networks) else { return Ok(Err(NoToken::Unreachable)) };
        let roots = &self.config.relay_root_certificates;
        let tls = self.token_tls.get_or_try_init(async || Tls::new(roots)).await?;
        let got = match target.post_form(tls, networks, form(source, &grant)).await {
            Ok((status, body)) => read(status, &body),
            Err(because) => {
                tracing::warn!(because, "no access token");
                Err(NoToken::Unreachable)
            }
        };
        Ok(got)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_a_token_that_fits_into_a_line_for_a_while_or_says_why_not() {
        let good = |body: &str| read(200, body.as_bytes()).map(|access| access.good_for.as_secs());
        assert_eq!(good(r#"{"access_token":"ya29.a-b_c","expires_in":3599,"token_type":"Bearer"}"#), Ok(3_539));
        assert_eq!(good(r#"{"access_token":"a"}"#), Ok(540));
        assert_eq!(good(r#"{"access_token":"a","expires_in":999999}"#), Ok(3_540));
        assert_eq!(good(r#"{"access_token":"a","expires_in":20}"#), Ok(0));
        for bad in ["", "{}", r#"{"access_token":""}"#, r#"{"access_token":"a\u0001b"}"#, r#"{"access_token":"a b"}"#] {
            assert_eq!(good(bad), Err(NoToken::Unreachable), "{bad}");
        }
        for (status, expected) in
            [(400, NoToken::Refused), (401, NoToken::Refused), (302, NoToken::Unreachable), (503, NoToken::Unreachable)]
        {
            assert_eq!(read(status, br#"{"access_token":"a"}"#).err(), Some(expected), "{status}");
        }
    }
}
