//! S3: a file system behind our own listener, which checks signatures and permissions, those of a bucket's key
//! included, and tells of new objects. Nothing is encrypted here.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use http::{Method, Request, StatusCode};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::{S3Auth, SecretKey};
use s3s::dto::{DeleteObjectsInput, HeadObjectInput};
use s3s::path::S3Path;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{HttpError, HttpResponse, S3, S3Request, S3Result, s3_error};
use s3s_fs::FileSystem;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::UnboundedSender;

use super::ObjectCreated;
use super::calls::{Call, Passed, Side};
use super::front::{self, Listener, Watch};
use crate::iam::{Context, Iam};
use crate::meter::{Meter, Usage};
use crate::template::{Bucket, REGION};

/// The emulated S3 of one stack.
struct Store {
    service: S3Service,
    /// A second view of the same directory: `S3Service` keeps the first to itself.
    files: FileSystem,
    created: UnboundedSender<ObjectCreated>,
    iam: Iam,
    meter: Meter,
    watch: Watch,
}

/// Creates the buckets in `directory` and serves them.
pub(super) async fn start(
    directory: &Path,
    buckets: &[Bucket],
    watch: Watch,
    meter: Meter,
    created: UnboundedSender<ObjectCreated>,
) -> anyhow::Result<Listener> {
    for bucket in buckets {
        std::fs::create_dir_all(directory.join(&bucket.name))?;
    }
    let iam = watch.iam.clone();
    let open = || FileSystem::new(directory).map_err(|error| anyhow::anyhow!("{}: {error:?}", directory.display()));
    let mut builder = S3ServiceBuilder::new(open()?);
    builder.set_auth(OneSecret);
    let keys = buckets.iter().filter_map(|bucket| Some((bucket.name.clone(), bucket.key.clone()?))).collect();
    builder.set_access(Access { iam: iam.clone(), keys });
    let store = Arc::new(Store { service: builder.build(), files: open()?, created, iam, meter, watch });
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    let task = tokio::spawn(async move {
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => {
                    tokio::spawn(converse(stream, peer.port(), Arc::clone(&store)));
                }
                Err(error) => tracing::warn!(%error, "could not accept a connection"),
            }
        }
    });
    Ok(Listener::around(address, task))
}

async fn converse(stream: TcpStream, port: u16, store: Arc<Store>) {
    stream.set_nodelay(true).ok();
    let answer = service_fn(move |request| {
        let store = Arc::clone(&store);
        async move { store.watched(request, port).await }
    });
    let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer);
    if let Err(error) = connection.await {
        tracing::debug!(%error, "connection ended early");
    }
}

impl Store {
    /// Carries a call out as far as whoever looks at it lets it pass. An error closes the connection without a word.
    async fn watched(&self, request: Request<Incoming>, port: u16) -> Result<HttpResponse, HttpError> {
        let calls = &self.watch.calls;
        if calls.watched().is_none() {
            return self.respond(request).await;
        }
        let (uri, method) = (request.uri().clone(), request.method().clone());
        let function = self.iam.function_of(&front::caller(request.headers(), &uri).unwrap_or_default());
        let operation = call_name(&method, uri.path(), uri.query().unwrap_or_default(), false);
        let (service, number) = (self.watch.service, calls.number());
        let call = |side| Call {
            number,
            function: &function,
            port: Some(port),
            service,
            operation,
            request: &[],
            side,
            answer: None,
        };
        let cut = || HttpError::new(Box::new(std::io::Error::from(std::io::ErrorKind::ConnectionReset)));
        match calls.pass(&call(Side::Before)).await {
            Passed::On => {}
            Passed::Refused => return Ok(s3_slow_down()),
            Passed::Denied => return Ok(s3_denied(front::NOT_NOW)),
            Passed::Cut => return Err(cut()),
        }
        let response = self.respond(request).await?;
        let answer = response.status().is_success().then_some(&[] as &[u8]);
        match calls.pass(&Call { answer, ..call(Side::After) }).await {
            Passed::On => Ok(response),
            Passed::Refused | Passed::Denied | Passed::Cut => Err(cut()),
        }
    }

    async fn respond(&self, request: Request<Incoming>) -> Result<HttpResponse, HttpError> {
        let uri = request.uri().clone();
        let method = request.method().clone();
        let caller = front::caller(request.headers(), &uri).unwrap_or_default();
        let length = request.headers().get("x-amz-decoded-content-length");
        let length = length.or_else(|| request.headers().get(http::header::CONTENT_LENGTH));
        let bytes_in = length.and_then(|value| value.to_str().ok()?.parse::<u64>().ok()).unwrap_or(0);
        let copies = request.headers().contains_key("x-amz-copy-source");
        let response = hyper::service::Service::call(&self.service, request).await?;
        if response.status() == StatusCode::FORBIDDEN {
            return Ok(response);
        }
        if response.status() == StatusCode::NOT_FOUND
            && matches!(method, Method::GET | Method::HEAD)
            && let Some((bucket, _)) = split(uri.path())
            && let Err(message) = self.may_miss(&caller, &bucket)
        {
            return Ok(s3_denied(&message));
        }
        let query = uri.query().unwrap_or_default();
        let call = call_name(&method, uri.path(), query, copies);
        let bytes_out = response.headers().get(http::header::CONTENT_LENGTH);
        let bytes_out = bytes_out.and_then(|value| value.to_str().ok()?.parse::<u64>().ok()).unwrap_or(0);
        let usage = Usage { bytes: bytes_in + bytes_out, ..Usage::one(0) };
        self.meter.call(&self.iam.function_of(&caller), &format!("s3:{call}"), &usage);
        let makes_object = matches!(call, "PutObject" | "CopyObject" | "CompleteMultipartUpload");
        if makes_object
            && response.status().is_success()
            && let Some((bucket, key)) = split(uri.path())
        {
            self.tell(bucket, key).await;
        }
        Ok(response)
    }

    /// Who may not list a bucket does not learn that an object is missing: S3 answers 403 instead of 404.
    fn may_miss(&self, caller: &str, bucket: &str) -> Result<(), String> {
        let context = Context::new().with("aws:SecureTransport", "true");
        let arn = format!("arn:aws:s3:::{bucket}");
        self.iam.authorize(Some(caller), "s3:ListBucket", &arn, &context)
    }

    async fn tell(&self, bucket: String, key: String) {
        let input = HeadObjectInput { bucket: bucket.clone(), key: key.clone(), ..HeadObjectInput::default() };
        let request = S3Request {
            input,
            method: Method::HEAD,
            uri: http::Uri::from_static("/"),
            headers: http::HeaderMap::new(),
            extensions: http::Extensions::new(),
            credentials: None,
            region: None,
            service: None,
            trailing_headers: None,
        };
        match self.files.head_object(request).await {
            Ok(head) => {
                let etag = head.output.e_tag.as_ref().map(|etag| etag.value().to_owned());
                let event = ObjectCreated {
                    bucket,
                    key,
                    size: head.output.content_length.unwrap_or(0).unsigned_abs(),
                    etag: etag.unwrap_or_default(),
                };
                self.created.send(event).ok();
            }
            Err(error) => tracing::warn!(%error, "a new object could not be read back"),
        }
    }
}

fn s3_denied(message: &str) -> HttpResponse {
    s3_error_of(StatusCode::FORBIDDEN, "AccessDenied", message)
}

fn s3_slow_down() -> HttpResponse {
    s3_error_of(StatusCode::SERVICE_UNAVAILABLE, "SlowDown", "Please reduce your request rate.")
}

fn s3_error_of(status: StatusCode, code: &str, message: &str) -> HttpResponse {
    let message = message.replace('&', "&amp;").replace('<', "&lt;");
    let xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
    );
    let mut response = HttpResponse::new(xml.into());
    *response.status_mut() = status;
    let kind = http::HeaderValue::from_static("application/xml");
    response.headers_mut().insert(http::header::CONTENT_TYPE, kind);
    response
}

/// The name of a call by its shape.
fn call_name(method: &Method, path: &str, query: &str, copies: bool) -> &'static str {
    let has = |name: &str| {
        let mut pairs = query.split('&');
        pairs.any(|pair| pair.split('=').next() == Some(name))
    };
    let object = split(path).is_some();
    match (method.as_str(), object) {
        ("PUT", true) if has("partNumber") => "UploadPart",
        ("PUT", true) if copies => "CopyObject",
        ("PUT", true) => "PutObject",
        ("POST", true) if has("uploads") => "CreateMultipartUpload",
        ("POST", true) => "CompleteMultipartUpload",
        ("GET", true) if has("uploadId") => "ListParts",
        ("GET", true) => "GetObject",
        ("HEAD", true) => "HeadObject",
        ("DELETE", true) if has("uploadId") => "AbortMultipartUpload",
        ("DELETE", true) => "DeleteObject",
        ("POST", false) if has("delete") => "DeleteObjects",
        ("HEAD", false) => "HeadBucket",
        _ => "ListObjects",
    }
}

/// `/bucket/key`, decoded.
fn split(path: &str) -> Option<(String, String)> {
    let (bucket, key) = path.trim_start_matches('/').split_once('/')?;
    // Form decoding turns a plus into a space; in a path it is a plus.
    let key = format!("k={}", key.replace('+', "%2B").replace('&', "%26"));
    let key = url::form_urlencoded::parse(key.as_bytes()).next()?.1.into_owned();
    (!key.is_empty()).then(|| (bucket.to_owned(), key))
}

/// Every access key of the stack signs with the same secret.
struct OneSecret;

#[async_trait::async_trait]
impl S3Auth for OneSecret {
    async fn get_secret_key(&self, _access_key: &str) -> S3Result<SecretKey> {
        Ok(SecretKey::from(front::SECRET))
    }
}

struct Access {
    iam: Iam,
    /// Buckets that encrypt with a key of the stack: its ARN.
    keys: BTreeMap<String, String>,
}

impl Access {
    /// Who puts or gets an object under a key of the stack must be allowed to use it by way of S3.
    fn may_use_key(&self, caller: &str, action: &str, bucket: &str) -> Result<(), String> {
        let action = match action {
            "s3:PutObject" => "kms:GenerateDataKey",
            "s3:GetObject" => "kms:Decrypt",
            _ => return Ok(()),
        };
        let Some(key) = self.keys.get(bucket) else { return Ok(()) };
        let context = Context::new().with("kms:ViaService", &format!("s3.{REGION}.amazonaws.com"));
        self.iam.authorize(Some(caller), action, key, &context)
    }
}

#[async_trait::async_trait]
impl S3Access for Access {
    async fn check(&self, cx: &mut S3AccessContext<'_>) -> S3Result<()> {
        // With the token of a session, which is no part of what was verified.
        let signed = cx.credentials().is_some();
        let Some(caller) = front::caller(cx.headers(), cx.uri()).filter(|_| signed) else {
            return Err(s3_error!(AccessDenied, "Signature is required"));
        };
        // A batch delete is permitted object by object, once they are known: see below.
        if cx.s3_op().name() == "DeleteObjects" {
            return Ok(());
        }
        let action = match cx.s3_op().name() {
            "PutObject"
            | "CreateMultipartUpload"
            | "UploadPart"
            | "UploadPartCopy"
            | "CompleteMultipartUpload"
            | "CopyObject"
            | "PostObject" => "s3:PutObject",
            "GetObject" | "HeadObject" => "s3:GetObject",
            "DeleteObject" => "s3:DeleteObject",
            "ListObjects" | "ListObjectsV2" | "HeadBucket" => "s3:ListBucket",
            "AbortMultipartUpload" => "s3:AbortMultipartUpload",
            "ListParts" => "s3:ListMultipartUploadParts",
            "ListBuckets" => "s3:ListAllMyBuckets",
            "GetBucketLocation" => "s3:GetBucketLocation",
            "CreateBucket" => "s3:CreateBucket",
            "DeleteBucket" => "s3:DeleteBucket",
            _ => "s3:Unknown",
        };
        let resource = match cx.s3_path() {
            S3Path::Root => "*".to_owned(),
            S3Path::Bucket { bucket } => format!("arn:aws:s3:::{bucket}"),
            S3Path::Object { bucket, key } => format!("arn:aws:s3:::{bucket}/{key}"),
        };
        let prefix = cx.uri().query().and_then(|query| {
            let mut pairs = url::form_urlencoded::parse(query.as_bytes());
            pairs.find(|(name, _)| name == "prefix").map(|(_, value)| value.into_owned())
        });
        let context = Context::new().with("aws:SecureTransport", "true").with_many("s3:prefix", prefix.as_deref());
        let allowed = self.iam.authorize(Some(&caller), action, &resource, &context);
        let allowed = allowed.and_then(|()| match cx.s3_path() {
            S3Path::Object { bucket, .. } => self.may_use_key(&caller, action, bucket),
            _ => Ok(()),
        });
        allowed.map_err(|message| s3_error!(AccessDenied, "{message}"))
    }

    async fn delete_objects(&self, request: &mut S3Request<DeleteObjectsInput>) -> S3Result<()> {
        let caller = front::caller(&request.headers, &request.uri);
        let caller = caller.as_deref().filter(|_| request.credentials.is_some());
        let context = Context::new().with("aws:SecureTransport", "true");
        for object in &request.input.delete.objects {
            let arn = format!("arn:aws:s3:::{}/{}", request.input.bucket, object.key);
            self.iam
                .authorize(caller, "s3:DeleteObject", &arn, &context)
                .map_err(|message| s3_error!(AccessDenied, "{message}"))?;
        }
        Ok(())
    }
}
