//! What the service tells of its own accord, it tells only whoever is on the register of processors (A20).
//!
//! Every AWS client of a function talks through this fence, which refuses a host that infra/policy/processors.toml
//! does not name: a wrong region, a changed endpoint, a new service that nobody entered. What a Sender chose (its relay,
//! its endpoints for events) is spoken to by [`app::relay`] and [`app::webhooks`], and a name server by
//! [`app::domain_check`]; nothing else opens a connection, which a contract test holds.

use aws_smithy_runtime_api::client::{
    http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
    },
    orchestrator::HttpRequest,
    result::ConnectorError,
    runtime_components::RuntimeComponents,
};
use domain::policy::processors::{self, Processor};
use url::{Host, Url};

/// An HTTP client that reaches processors of the register and nobody else.
#[derive(Debug)]
pub(crate) struct Fence {
    inner: SharedHttpClient,
    register: &'static [Processor],
}

impl Fence {
    /// Around another client, by the register that is compiled in.
    pub(crate) fn around(inner: SharedHttpClient) -> SharedHttpClient {
        SharedHttpClient::new(Self { inner, register: processors::current() })
    }
}

impl HttpClient for Fence {
    fn http_connector(&self, settings: &HttpConnectorSettings, parts: &RuntimeComponents) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, parts);
        SharedHttpConnector::new(FencedConnector { inner, register: self.register })
    }
}

#[derive(Debug)]
struct FencedConnector {
    inner: SharedHttpConnector,
    register: &'static [Processor],
}

impl HttpConnector for FencedConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        match stranger(request.uri(), self.register) {
            None => self.inner.call(request),
            Some(host) => {
                tracing::error!(
                    host,
                    "not on the register of processors (infra/policy/processors.toml): nothing is sent"
                );
                let why = format!("{host} is not on the register of processors: nothing is sent");
                HttpConnectorFuture::ready(Err(ConnectorError::user(why.into())))
            }
        }
    }
}

/// The host of an address that nothing may be sent to; `None` for a processor, and for this machine itself.
fn stranger(address: &str, register: &[Processor]) -> Option<String> {
    match Url::parse(address).ok().as_ref().and_then(Url::host) {
        Some(Host::Domain(name)) => (!processors::may_reach(register, name)).then(|| name.to_owned()),
        Some(Host::Ipv4(ip)) => (!ip.is_loopback()).then(|| ip.to_string()),
        Some(Host::Ipv6(ip)) => (!ip.is_loopback()).then(|| ip.to_string()),
        None => Some("an address without a host".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::{Arc, Mutex};

    use aws_smithy_runtime_api::client::http::http_client_fn;
    use aws_smithy_types::error::display::DisplayErrorContext;

    use super::*;

    /// Takes down the hosts that a request came through to, and answers none.
    fn witness(seen: &Arc<Mutex<BTreeSet<String>>>) -> SharedHttpClient {
        #[derive(Debug)]
        struct Witness(Arc<Mutex<BTreeSet<String>>>);
        impl HttpConnector for Witness {
            fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
                let host = Url::parse(request.uri()).unwrap().host_str().unwrap().to_owned();
                self.0.lock().unwrap().insert(host);
                HttpConnectorFuture::ready(Err(ConnectorError::user("nobody is there".into())))
            }
        }
        let seen = Arc::clone(seen);
        http_client_fn(move |_, _| SharedHttpConnector::new(Witness(Arc::clone(&seen))))
    }

    /// One call with each client that others hold, and whom they reached.
    async fn reached(environment: &[(&str, &str)]) -> (BTreeSet<String>, String) {
        let seen = Arc::default();
        let app = crate::aws::app_on(
            |name| environment.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned()),
            Fence::around(witness(&seen)),
        );
        let refused = app.db.client.list_tables().send().await.unwrap_err();
        let said = DisplayErrorContext(refused).to_string();
        let _ = app.s3.get_object().bucket("uploads").key("k").send().await.unwrap_err();
        let _ = app.sqs.list_queues().send().await.unwrap_err();
        let _ = app.ses.get_account().send().await.unwrap_err();
        let _ = app.kms.list_keys().send().await.unwrap_err();
        let _ = app.secrets.list_secrets().send().await.unwrap_err();
        let seen = seen.lock().unwrap().clone();
        (seen, said)
    }

    #[tokio::test]
    async fn a20_every_client_reaches_the_processors_of_the_register() {
        let (seen, _) = reached(&[("AWS_REGION", "eu-west-3")]).await;
        let hosts = ["dynamodb", "email", "kms", "secretsmanager", "sqs", "uploads.s3"];
        assert_eq!(seen, hosts.map(|name| format!("{name}.eu-west-3.amazonaws.com")).into());
    }

    #[tokio::test]
    async fn a20_nothing_reaches_a_host_that_the_register_does_not_name() {
        let (seen, said) = reached(&[("AWS_REGION", "us-east-1")]).await;
        assert_eq!(seen, BTreeSet::new(), "another region");
        assert!(said.contains("register of processors"), "{said}");

        for elsewhere in ["https://collects.example.com", "http://198.51.100.7:8080", "http://[2001:db8::1]"] {
            let endpoints = ["DYNAMODB", "S3", "SQS", "SESV2", "KMS", "SECRETS_MANAGER"];
            let names = endpoints.map(|name| format!("AWS_ENDPOINT_URL_{name}"));
            let mut environment: Vec<_> = names.iter().map(|name| (name.as_str(), elsewhere)).collect();
            environment.push(("AWS_REGION", "eu-west-3"));
            assert_eq!(reached(&environment).await.0, BTreeSet::new(), "{elsewhere}");
            // A function's own clients are behind the fence: it is the fence that says no.
            let env = |name: &str| environment.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned());
            let refused = crate::aws::app_in(env).db.client.list_tables().send().await.unwrap_err();
            let said = DisplayErrorContext(refused).to_string();
            assert!(said.contains("register of processors"), "{elsewhere}: {said}");
        }
    }

    #[test]
    fn a20_a_name_that_only_looks_like_a_processor_is_a_stranger() {
        let register = processors::current();
        let is_stranger = |address: &str| stranger(address, register).is_some();
        for known in [
            "https://dynamodb.eu-west-3.amazonaws.com/",
            "https://DynamoDB.eu-west-3.amazonaws.com",
            "https://sts.eu-west-3.amazonaws.com",
            "https://uploads.s3.eu-west-3.amazonaws.com/k",
            "https://s3.eu-west-3.amazonaws.com/uploads/k",
            "http://127.0.0.1:8000/",
            "http://[::1]:8000/",
        ] {
            assert!(!is_stranger(known), "{known}");
        }
        for unknown in [
            "https://dynamodb.eu-west-3.amazonaws.com.example.com/",
            "https://dynamodb.eu-west-3.amazonaws.com@example.com/",
            "https://x.dynamodb.eu-west-3.amazonaws.com/",
            "https://a.b.s3.eu-west-3.amazonaws.com/k",
            "https://.s3.eu-west-3.amazonaws.com/k",
            "https://dynamodb.us-east-1.amazonaws.com/",
            "https://bedrock.eu-west-3.amazonaws.com/",
            "http://localhost/",
            "http://169.254.169.254/latest/meta-data",
            "/no/host",
        ] {
            assert!(is_stranger(unknown), "{unknown}");
        }
    }
}
