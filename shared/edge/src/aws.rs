//! The AWS clients, made from the environment alone.
//!
//! No configuration chain: a Lambda's role is in `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and
//! `AWS_SESSION_TOKEN`, its region in `AWS_REGION`. All clients share one HTTP client, which trusts
//! Amazon's own roots, bundled: reading the system's certificate folder costs more than all the rest
//! of a start. It reaches nobody but processors of the register ([`crate::fence`]).

use std::time::Duration;

use app::{App, Clients, Config};
use aws_credential_types::Credentials;
use aws_sdk_dynamodb::config::{
    BehaviorVersion, Region, SharedCredentialsProvider, SharedHttpClient, StalledStreamProtectionConfig,
    retry::RetryConfig, timeout::TimeoutConfig,
};
use aws_smithy_http_client::tls::{self, TlsContext, TrustStore};
use storage::Db;

use crate::fence::Fence;

/// The product on the clients of this process.
pub fn app() -> App {
    app_in(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
}

/// The product in a given environment, for callers that have several in one process.
pub fn app_in(env: impl Fn(&str) -> Option<String>) -> App {
    app_on(env, Fence::around(http_client()))
}

/// The same on an HTTP client.
pub(crate) fn app_on(env: impl Fn(&str) -> Option<String>, http: SharedHttpClient) -> App {
    let config = Config::read(&env);
    let rim = Rim { http, credentials: credentials(&env), region: env("AWS_REGION") };

    macro_rules! client {
        ($sdk:ident, $endpoint:literal, $attempts:expr) => {{
            let mut builder = $sdk::Config::builder()
                .behavior_version(BehaviorVersion::latest())
                .http_client(rim.http.clone())
                .region(rim.region.clone().map(Region::new))
                .credentials_provider(rim.credentials.clone())
                .retry_config(RetryConfig::standard().with_max_attempts($attempts))
                .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
                .timeout_config(
                    TimeoutConfig::builder()
                        .connect_timeout(Duration::from_secs(3))
                        .operation_attempt_timeout(Duration::from_secs(20))
                        .build(),
                );
            if let Some(url) = env($endpoint) {
                builder = builder.endpoint_url(url);
            }
            builder
        }};
    }

    let db = Db {
        client: aws_sdk_dynamodb::Client::from_conf(client!(aws_sdk_dynamodb, "AWS_ENDPOINT_URL_DYNAMODB", 4).build()),
        tables: config.tables.clone(),
    };
    let clients = Clients {
        // Path style works everywhere; virtual hosts need a DNS name per bucket.
        s3: aws_sdk_s3::Client::from_conf(
            client!(aws_sdk_s3, "AWS_ENDPOINT_URL_S3", 4)
                .force_path_style(env("AWS_ENDPOINT_URL_S3").is_some())
                .build(),
        ),
        sqs: aws_sdk_sqs::Client::from_conf(client!(aws_sdk_sqs, "AWS_ENDPOINT_URL_SQS", 4).build()),
        // One attempt: a repeated SendEmail after a time-out may be a second message.
        ses: aws_sdk_sesv2::Client::from_conf(client!(aws_sdk_sesv2, "AWS_ENDPOINT_URL_SESV2", 1).build()),
        kms: aws_sdk_kms::Client::from_conf(client!(aws_sdk_kms, "AWS_ENDPOINT_URL_KMS", 4).build()),
        secrets: aws_sdk_secretsmanager::Client::from_conf(
            client!(aws_sdk_secretsmanager, "AWS_ENDPOINT_URL_SECRETS_MANAGER", 4).build(),
        ),
        sts: aws_sdk_sts::Client::from_conf(client!(aws_sdk_sts, "AWS_ENDPOINT_URL_STS", 4).build()),
    };
    App::new(db, clients, config)
}

struct Rim {
    http: SharedHttpClient,
    credentials: SharedCredentialsProvider,
    region: Option<String>,
}

fn credentials(env: &impl Fn(&str) -> Option<String>) -> SharedCredentialsProvider {
    SharedCredentialsProvider::new(Credentials::new(
        env("AWS_ACCESS_KEY_ID").unwrap_or_default(),
        env("AWS_SECRET_ACCESS_KEY").unwrap_or_default(),
        env("AWS_SESSION_TOKEN"),
        None,
        "environment",
    ))
}

/// Roots that AWS's endpoints chain to: Amazon's own, and Starfield's, which cross-signs them.
const TRUSTED: [&str; 2] = ["Amazon", "Starfield"];

fn http_client() -> SharedHttpClient {
    let builder = aws_smithy_http_client::Builder::new();
    let Ok(context) = TlsContext::builder().with_trust_store(amazon_roots()).build() else {
        return builder.build_http();
    };
    builder
        .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring))
        .tls_context(context)
        .build_https()
}

fn amazon_roots() -> TrustStore {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let mut pem = String::new();
    for der in webpki_root_certs::TLS_SERVER_ROOT_CERTS {
        let issued_by_amazon = TRUSTED.iter().any(|name| der.windows(name.len()).any(|w| w == name.as_bytes()));
        if issued_by_amazon {
            pem.push_str("-----BEGIN CERTIFICATE-----\n");
            pem.push_str(&STANDARD.encode(der));
            pem.push_str("\n-----END CERTIFICATE-----\n");
        }
    }
    TrustStore::empty().with_pem_certificate(pem.into_bytes())
}
