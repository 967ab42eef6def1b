//! One request to an address that a Sender entered: to a pinned public address, with a verified certificate, without
//! redirects.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use http_body_util::{BodyExt, Full, Limited};
use hyper::{Request, body::Bytes, client::conn::http1};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::{Host, Url};

use crate::{
    Failure,
    relay::{self, RelayError},
};

/// Ports of the public internet that are spoken to.
const PORTS: [u16; 2] = [443, 8443];

/// How long an endpoint may take to be found, to connect and to answer, all in all.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Longest answer that is read.
const MOST_READ: usize = 64 * 1024;

/// Longest address.
const LONGEST: usize = 500;

/// What an endpoint said: a status of HTTP, or why it said nothing.
pub(crate) type Said = Result<u16, &'static str>;

/// Whom to trust; made once in a process.
#[derive(Clone)]
pub(crate) struct Tls(Arc<ClientConfig>);

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tls")
    }
}

impl Tls {
    /// The public roots, and those of the PEM given.
    pub(crate) fn new(extra_roots: &str) -> Result<Self, Failure> {
        use rustls::pki_types::{CertificateDer, pem::PemObject};
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned());
        for root in CertificateDer::pem_slice_iter(extra_roots.as_bytes()) {
            let added = root.ok().and_then(|root| roots.add(root).ok());
            added.ok_or_else(|| Failure::internal("the operator's root certificates are not PEM"))?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|_| Failure::internal("TLS versions"))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self(Arc::new(config)))
    }

    /// For a connection of another kind.
    pub(crate) fn config(&self) -> &Arc<ClientConfig> {
        &self.0
    }
}

/// Where an endpoint is, as far as its address says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    host: String,
    port: u16,
    authority: String,
    path: String,
}

impl Target {
    /// Reads an address: https, without a user, on a port that is spoken to, and not written out as one that is not
    /// public. What is said of a wrong one tells what to do.
    pub(crate) fn parse(text: &str, networks: &str) -> Result<Self, String> {
        let url =
            Url::parse(text.trim()).map_err(|_| "must be an address like https://example.com/hooks".to_owned())?;
        if text.len() > LONGEST {
            return Err(format!("must have at most {LONGEST} characters"));
        }
        if url.scheme() != "https" {
            return Err("must begin with https://".into());
        }
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err("must have neither a user nor a fragment".into());
        }
        let host = match url.host() {
            Some(Host::Domain(name)) => name.to_owned(),
            Some(Host::Ipv4(address)) => address.to_string(),
            Some(Host::Ipv6(address)) => address.to_string(),
            None => return Err("must name a host".into()),
        };
        let port = url.port_or_known_default().unwrap_or(443);
        relay::check_on(&host, port, &PORTS, networks).map_err(said_of)?;
        let host = relay::normal_host(&host).map_err(said_of)?;
        let authority = url[url::Position::BeforeHost..url::Position::AfterPort].to_owned();
        let path = url[url::Position::BeforePath..url::Position::AfterQuery].to_owned();
        Ok(Self { host, port, authority, path })
    }

    /// The host.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// The address to connect to: every address that the name has must be public.
    pub(crate) async fn resolve(&self, networks: &str) -> Result<SocketAddr, RelayError> {
        relay::resolve_on(&self.host, self.port, &PORTS, networks).await
    }

    /// Posts JSON, and says what the endpoint answered. Its body is not read.
    pub(crate) async fn post(&self, tls: &Tls, networks: &str, headers: &[(&str, String)], body: String) -> Said {
        let typed =
            [("user-agent", "Prospectra-Webhooks/1".to_owned()), ("content-type", "application/json".to_owned())];
        let headers = [&typed, headers].concat();
        let asked = self.ask(tls, networks, &headers, body, false);
        tokio::time::timeout(PATIENCE, asked).await.unwrap_or(Err("timeout")).map(|(status, _)| status)
    }

    /// Posts a form, and gives what was answered: its status and its body.
    pub(crate) async fn post_form(
        &self,
        tls: &Tls,
        networks: &str,
        form: String,
    ) -> Result<(u16, Bytes), &'static str> {
        let headers = [
            ("user-agent", "Prospectra/1".to_owned()),
            ("content-type", "application/x-www-form-urlencoded".to_owned()),
            ("accept", "application/json".to_owned()),
        ];
        tokio::time::timeout(PATIENCE, self.ask(tls, networks, &headers, form, true)).await.unwrap_or(Err("timeout"))
    }

    async fn ask(
        &self,
        tls: &Tls,
        networks: &str,
        headers: &[(&str, String)],
        body: String,
        read: bool,
    ) -> Result<(u16, Bytes), &'static str> {
        let address = self.resolve(networks).await.map_err(|error| match error {
            RelayError::Unresolved => "unresolved",
            _ => "not_public",
        })?;
        let stream = TcpStream::connect(address).await.map_err(|_| "unreachable")?;
        let name = ServerName::try_from(self.host.clone()).map_err(|_| "no_name")?;
        let stream = TlsConnector::from(Arc::clone(&tls.0)).connect(name, stream).await.map_err(|_| "tls")?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|_| "no_http")?;
        let mut request = Request::post(&self.path).header("host", &self.authority);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let request = request.body(Full::<Bytes>::from(body)).map_err(|_| "no_http")?;
        let answer = async {
            let answer = sender.send_request(request).await.map_err(|_| "no_answer")?;
            let status = answer.status().as_u16();
            if !read {
                return Ok((status, Bytes::new()));
            }
            let body = Limited::new(answer.into_body(), MOST_READ).collect().await.map_err(|_| "no_answer")?;
            Ok((status, body.to_bytes()))
        };
        tokio::pin!(answer, connection);
        tokio::select! {
            biased;
            answer = &mut answer => answer,
            // It may have ended with the answer.
            _ = &mut connection => answer.await,
        }
    }
}

/// What is wrong with a host, as a field of a request.
pub(crate) fn said_of(error: RelayError) -> String {
    match error {
        RelayError::Port => "must be on port 443 or 8443".into(),
        RelayError::BadName => "must name a host, or an IP address".into(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_https_and_public_however_it_is_spelled() {
        for good in
            ["https://example.com", "https://example.com:8443/a?b=c", "https://éxample.com/", "https://8.8.8.8/x"]
        {
            assert!(Target::parse(good, "").is_ok(), "{good}");
        }
        for bad in [
            "",
            "example.com",
            "http://example.com/",
            "ftp://example.com/",
            "https://user@example.com/",
            "https://:secret@example.com/",
            "https://example.com/#x",
            "https://example.com:25/",
            "https://example.com:9001/",
            "https://127.0.0.1/",
            "https://localhost/",
            "https://metadata.google.internal/computeMetadata/v1/",
            "https://printer.local/",
            "https://127.1/",
            "https://2130706433/",
            "https://0x7f.0.0.1/",
            "https://0177.0.0.1/",
            "https://169.254.169.254/latest/meta-data/",
            "https://[::1]/",
            "https://[::ffff:10.0.0.1]/",
            "https://[fd00::1]/",
            "https://[64:ff9b::7f00:1]/",
            "https://10.0.0.1/",
            "https://100.64.0.1/",
            "https://0.0.0.0/",
        ] {
            assert!(Target::parse(bad, "").is_err(), "{bad}");
        }
        assert!(Target::parse("https://127.0.0.1:9999/", "127.0.0.0/8").is_ok(), "where the operator says so");
        assert!(Target::parse(&format!("https://example.com/{}", "x".repeat(600)), "").is_err());
    }

    #[test]
    fn what_is_asked_for_is_path_and_query() {
        let target = Target::parse("https://Example.com:8443/a/b?c=d%20e", "").unwrap();
        let expected = ("example.com", 8443, "example.com:8443", "/a/b?c=d%20e");
        assert_eq!((&*target.host, target.port, &*target.authority, &*target.path), expected);
        assert_eq!(Target::parse("https://example.com", "").unwrap().path, "/");
    }

    #[tokio::test]
    async fn a_name_that_leads_home_is_not_connected_to() {
        let target = Target::parse("https://localhost/", "127.0.0.0/8").unwrap();
        let said = target.post(&Tls::new("").unwrap(), "", &[], "{}".into()).await;
        assert_eq!(said, Err("not_public"));
    }

    #[test]
    fn roots_that_are_no_pem_are_refused() {
        assert!(Tls::new("").is_ok());
        assert!(Tls::new("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").is_err());
    }
}
