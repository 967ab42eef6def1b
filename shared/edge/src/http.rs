//! Requests of the HTTP API and the answers to them.

use app::{App, Failure, Kind, api_keys, auth::Claims};
use content::page::Html;
use domain::{
    Timestamp,
    access::{self, Permission},
    audit::Origin,
    locale::Locale,
};
use futures::future::BoxFuture;
use lambda_http::{
    Body, RequestExt, Response as HttpResponse,
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    request::RequestContext,
    service_fn,
};
use multer::{Constraints, Multipart, SizeLimit};
use serde::{Serialize, de::DeserializeOwned};
use storage::WorkspaceScope;

use crate::{Error, aws, block_on, objects::Objects, problem, telemetry};

/// An answer.
pub type Response = HttpResponse<Body>;

/// Largest body that is read, in bytes. Files do not come this way: they go to S3.
const MAX_BODY: usize = 1024 * 1024;

/// What an HTTP function does with a request.
pub type Handler = for<'a> fn(&'a App, Request) -> BoxFuture<'a, Result<Response, Failure>>;

/// Runs an HTTP function: `edge::http::serve(|app, request| Box::pin(handle(app, request)))`.
pub fn serve(handle: Handler) -> Result<(), Error> {
    telemetry::start();
    block_on(async {
        let app = aws::app();
        app.warm().await;
        let app = &app;
        lambda_http::run(service_fn(|request: lambda_http::Request| {
            let answer = answer(app, handle, request);
            async { Ok::<_, Error>(answer.await) }
        }))
        .await
    })
}

/// What a function answers to a request: a failure becomes a problem.
pub(crate) fn answer(
    app: &App,
    handle: Handler,
    request: lambda_http::Request,
) -> impl Future<Output = Response> + Send {
    let request = Request(request);
    let reader = request.reader();
    let asked = request.asks_as_it_may();
    let answer = handle(app, request);
    async move {
        let answer = match asked {
            Ok(()) => answer.await,
            Err(failure) => Err(failure),
        };
        hardened(answer.unwrap_or_else(|failure| problem::answer(&failure, reader)))
    }
}

/// Headers that every answer carries, whoever made it.
fn hardened(mut answer: Response) -> Response {
    let headers = answer.headers_mut();
    for (name, value) in [
        ("strict-transport-security", "max-age=63072000; includeSubDomains"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
    ] {
        if !headers.contains_key(name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    answer
}

/// A request, with what the use cases need to know of it.
#[derive(Debug)]
pub struct Request(pub lambda_http::Request);

impl Request {
    /// GET, POST…
    pub fn method(&self) -> &Method {
        self.0.method()
    }

    /// The path, without the query.
    pub fn path(&self) -> &str {
        self.0.uri().path()
    }

    /// The template of the matched route: `/v1/imports/{id}`.
    pub fn route(&self) -> String {
        let key = match self.0.request_context_ref() {
            Some(RequestContext::ApiGatewayV2(context)) => context.route_key.clone().unwrap_or_default(),
            _ => String::new(),
        };
        key.split_once(' ').map(|(_, path)| path.to_owned()).unwrap_or(key)
    }

    /// When the API accepted it: the time that everything in it is decided at.
    pub fn now(&self) -> Result<Timestamp, Failure> {
        let Some(RequestContext::ApiGatewayV2(context)) = self.0.request_context_ref() else {
            return Err(Failure::internal("no request context"));
        };
        Timestamp::from_millisecond(context.time_epoch).map_err(|_| Failure::internal("request without a time"))
    }

    /// A `{name}` of the route.
    pub fn path_param(&self, name: &str) -> Option<String> {
        self.0.path_parameters_ref().and_then(|p| p.first(name)).map(str::to_owned)
    }

    /// The `{id}` of the route, as an identifier; what is not one names nothing.
    pub fn id<T: std::str::FromStr>(&self, what: &str) -> Result<T, Failure> {
        self.path_param("id").and_then(|id| id.parse().ok()).ok_or_else(|| Failure::not_found(what))
    }

    /// A query parameter.
    pub fn query(&self, name: &str) -> Option<String> {
        self.0.query_string_parameters_ref().and_then(|q| q.first(name)).map(str::to_owned)
    }

    /// Refuses query parameters that a route does not know, and one that is there twice: a filter that is misspelt would
    /// let through what it was to keep out.
    fn query_is_among(&self, known: &[&str]) -> Result<(), Failure> {
        let asked = self.0.query_string_parameters_ref().into_iter().flat_map(|query| query.iter());
        let mut seen = Vec::new();
        for (name, _) in asked {
            if !known.contains(&name) {
                let there_are = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                let name = if is_plain(name) { format!("`{name}`") } else { "one of them".to_owned() };
                return Err(Failure::field(
                    "query",
                    format!("{name} is not a parameter here; this route has {there_are}"),
                ));
            }
            if seen.contains(&name) {
                return Err(Failure::field(name, "is there twice"));
            }
            seen.push(name);
        }
        Ok(())
    }

    /// What reads is asked by the parameters of its route. What changes something is asked by its body alone: somebody who
    /// writes `launch?dry_run=true` means to launch nothing.
    fn asks_as_it_may(&self) -> Result<(), Failure> {
        if !self.path().starts_with("/v1/") {
            return Ok(());
        }
        if self.method() == Method::GET || self.method() == Method::HEAD {
            return self.query_is_among(parameters(&self.route()));
        }
        if self.query("lang").is_none() { self.query_is_among(&[]) } else { Ok(()) }
    }

    /// A header, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.0.headers().get(name).and_then(|v| v.to_str().ok())
    }

    /// The body's bytes.
    pub fn bytes(&self) -> &[u8] {
        self.0.body().as_ref()
    }

    /// The body as JSON. Unknown fields are refused where the type says so (A3, A64).
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        if self.bytes().len() > MAX_BODY {
            return Err(Failure::new(Kind::TooLarge, "too-large", "The body is larger than 1 MiB."));
        }
        let is_json = self.header("content-type").is_some_and(|t| {
            t.split(';').next().is_some_and(|mime| mime.trim().eq_ignore_ascii_case("application/json"))
        });
        if !is_json {
            return Err(Failure::new(
                Kind::Unsupported,
                "unsupported-media-type",
                "Send the body as JSON, with `Content-Type: application/json`.",
            ));
        }
        let mut reader = serde_json::Deserializer::from_slice(self.bytes());
        let value = serde_path_to_error::deserialize(Objects(&mut reader)).map_err(|error| refused(&error))?;
        reader.end().map_err(|_| malformed("something follows the JSON"))?;
        Ok(value)
    }

    /// The one file of a form (`multipart/form-data`), of `most` bytes at most, in the field of that name. What
    /// the sender calls it and says it is are not looked at.
    pub async fn file(&self, field: &'static str, most: usize) -> Result<Vec<u8>, Failure> {
        let boundary = self.header("content-type").and_then(|media| multer::parse_boundary(media).ok());
        let boundary = boundary.ok_or_else(|| {
            let detail = "Send the file as a form does, with `Content-Type: multipart/form-data`.";
            Failure::new(Kind::Unsupported, "unsupported-media-type", detail)
        })?;
        let body = multer::bytes::Bytes::copy_from_slice(self.bytes());
        let body = futures::stream::iter([Ok::<_, std::convert::Infallible>(body)]);
        let limits = SizeLimit::new().per_field(most as u64);
        let limits = Constraints::new().allowed_fields(vec![field]).size_limit(limits);
        let mut parts = Multipart::with_constraints(body, boundary, limits);
        let mut file = None;
        while let Some(part) = parts.next_field().await.map_err(|error| unread(field, &error))? {
            if file.is_some() {
                return Err(Failure::field(field, "one file and no more"));
            }
            file = Some(part.bytes().await.map_err(|error| unread(field, &error))?);
        }
        file.map(|bytes| bytes.to_vec()).ok_or_else(|| Failure::field(field, "is missing"))
    }

    /// Where it came from, truncated before anything sees it (A7).
    pub fn origin(&self) -> Origin {
        let address = match self.0.request_context_ref() {
            Some(RequestContext::ApiGatewayV2(context)) => {
                context.http.source_ip.as_deref().and_then(|ip| ip.parse().ok())
            }
            _ => None,
        };
        Origin::new(address, self.header("user-agent").unwrap_or_default())
    }

    /// The language to answer in: `?lang=`, else `Accept-Language`, else French.
    pub fn locale(&self) -> Locale {
        let asked = self.query("lang").and_then(|tag| Locale::from_tag(&tag));
        asked.or_else(|| self.header("accept-language").and_then(Locale::from_accept_language)).unwrap_or_default()
    }

    /// The language of whoever reads the answer in a browser; `None` for a program, and on the API's own routes.
    fn reader(&self) -> Option<Locale> {
        let takes_pages = self.header("accept").is_some_and(|types| types.contains("text/html"));
        (takes_pages && !self.path().starts_with("/v1/")).then(|| self.locale())
    }

    /// The access token.
    pub fn bearer(&self) -> Result<&str, Failure> {
        self.header("authorization")
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim())
            .ok_or_else(Failure::unauthenticated)
    }

    /// Whose data the caller may touch, and who they are: an access token or a key for a program says, and
    /// role and key must allow this route (A51).
    pub async fn scope(&self, app: &App) -> Result<WorkspaceScope, Failure> {
        let bearer = self.bearer()?;
        if api_keys::is_key(bearer) {
            return app.key_scope(bearer, self.needed(), self.origin(), self.now()?).await;
        }
        app.reaching(self.claims(app).await?.scope(self.origin()), self.now()?).await
    }

    /// What the access token says, if the caller's role allows this route. Every guarded route comes through here
    /// or through a key's scopes.
    pub async fn claims(&self, app: &App) -> Result<Claims, Failure> {
        let claims = app.claims(self.bearer()?, self.now()?).await?;
        let allowed = self.needed().is_some_and(|permission| claims.role.may(permission));
        if allowed { Ok(claims) } else { Err(Failure::forbidden()) }
    }

    /// What this route takes; `None` when nobody may use it.
    fn needed(&self) -> Option<Permission> {
        access::needed(self.method().as_str(), &self.route())
    }
}

/// The query parameters of a route that reads.
fn parameters(route: &str) -> &'static [&'static str] {
    match route {
        "/v1/sender/check" => &["channel", "selector"],
        "/v1/audit" => &["action", "cursor", "limit"],
        "/v1/prospects" => &["tag", "text", "import", "state", "cursor", "limit"],
        "/v1/prospects/export" => &["tag", "text", "import", "state", "cursor", "format"],
        "/v1/campaigns/{id}/recipients" => &["step", "status", "cursor", "limit"],
        "/v1/privacy/export" => &["format"],
        "/v1/campaigns"
        | "/v1/imports"
        | "/v1/rights-tasks"
        | "/v1/staff-access"
        | "/v1/staff/abuse-cases"
        | "/v1/staff/grants"
        | "/v1/staff/grants/{id}/prospects"
        | "/v1/staff/incidents"
        | "/v1/staff/incidents/{id}/affected"
        | "/v1/webhooks/{id}/deliveries" => &["cursor", "limit"],
        _ => &[],
    }
}

/// Whether it is a word as parameters are called: whatever else stands in such a place is not repeated.
fn is_plain(name: &str) -> bool {
    name.len() <= 40 && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

/// What is wrong with a form that should hold one file. What multer says may quote a sender: it is left out.
fn unread(field: &'static str, error: &multer::Error) -> Failure {
    match error {
        multer::Error::FieldSizeExceeded { .. } | multer::Error::StreamSizeExceeded { .. } => {
            Failure::new(Kind::TooLarge, "too-large", "The file is too large.")
        }
        multer::Error::UnknownField { .. } => Failure::field("body", format!("only the field {field} is read here")),
        _ => malformed("it is no form with a file"),
    }
}

/// A body that is no JSON is malformed; one that does not fit is refused, field by field.
pub(crate) fn refused(error: &serde_path_to_error::Error<serde_json::Error>) -> Failure {
    let inner = error.inner();
    if !inner.is_data() {
        return malformed(format!("it is not well-formed JSON (line {}, column {})", inner.line(), inner.column()));
    }
    let said = inner.to_string();
    let said = said.split(" at line ").next().unwrap_or_default();
    let named = said.split('`').nth(1).unwrap_or_default();
    let path = error.path().to_string();
    let path = if path == "." { String::new() } else { path };
    let within = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    if said.starts_with("unknown field") {
        // serde's path ends at the unknown field itself.
        let field = if path.ends_with(named) { path } else { within(named) };
        let known = said.split_once(", ").map_or("there is no such field", |(_, known)| known);
        return Failure::field(field, format!("is not a field here; {known}"));
    }
    if said.starts_with("missing field") {
        return Failure::field(within(named), "is missing");
    }
    if said.starts_with("duplicate field") {
        return Failure::field(within(named), "is there twice");
    }
    let field = if path.is_empty() { "body".to_owned() } else { path };
    // Whatever the value was, it is not repeated: a body may hold personal data.
    Failure::field(field, format!("must be {}", wanted(said)))
}

/// What serde expected, in a caller's words: names of our own types mean nothing to one.
fn wanted(said: &str) -> &str {
    // Our own types say what they want, and never what they got.
    if said.starts_with("a ") || said.starts_with("an ") {
        return said;
    }
    let expected = said.split_once(", expected ").map_or("", |(_, expected)| expected);
    let first = expected.split([' ', '`']).find(|word| !word.is_empty()).unwrap_or_default();
    match first {
        "struct" | "map" | "internally" => "an object: {…}",
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" | "u64" | "usize" => "a whole number, 0 at least",
        "i64" => "a whole number",
        "f64" => "a number",
        "sequence" => "a list: […]",
        "boolean" => "true or false",
        "string" | "borrowed" => "a text",
        "a" if expected.starts_with("a sequence") => "a list: […]",
        "a" if expected.starts_with("a boolean") => "true or false",
        "a" if expected.starts_with("a map") => "an object: {…}",
        "a" if expected.contains("string") => "a text",
        "" | "any" | "tuple" | "variant" => "one of the forms that the API's description lists",
        _ => expected,
    }
}

fn malformed(why: impl std::fmt::Display) -> Failure {
    Failure::new(Kind::Invalid, "malformed-request", format!("The body cannot be read: {why}."))
}

/// A JSON answer.
pub fn json<T: Serialize>(status: StatusCode, value: &T) -> Result<Response, Failure> {
    let body = serde_json::to_string(value).map_err(|e| Failure::internal(e.to_string()))?;
    build(status, "application/json", body)
}

/// An answer without a body.
pub fn no_content() -> Result<Response, Failure> {
    HttpResponse::builder()
        .status(StatusCode::NO_CONTENT)
        .body(Body::Empty)
        .map_err(|e| Failure::internal(e.to_string()))
}

/// An answer of a media type.
pub fn build(status: StatusCode, media_type: &str, body: impl Into<Body>) -> Result<Response, Failure> {
    HttpResponse::builder()
        .status(status)
        .header(header::CONTENT_TYPE, media_type)
        .body(body.into())
        .map_err(|e| Failure::internal(e.to_string()))
}

/// A page for a person, with the headers that every page has.
pub fn page(status: StatusCode, html: Html, locale: Locale) -> Result<Response, Failure> {
    let mut answer = build(status, "text/html; charset=utf-8", html.into_string())?;
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(locale.tag()));
    for (name, value) in content::page::headers() {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
            headers.insert(name, value);
        }
    }
    Ok(answer)
}

/// The answer to a method and path that no arm of a function's `match` knows.
pub fn no_such_route() -> Failure {
    Failure::new(Kind::NotFound, "no-such-route", "There is nothing here. infra/openapi.yaml lists the routes.")
}

/// Page size from `?limit=`: 1 to 200, 50 when absent.
pub fn limit(request: &Request) -> Result<u32, Failure> {
    match request.query("limit") {
        None => Ok(50),
        Some(text) => text
            .parse()
            .ok()
            .filter(|n| (1..=200).contains(n))
            .ok_or_else(|| Failure::field("limit", "a number from 1 to 200")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: &str = "multipart/form-data; boundary=XX";

    async fn file_in(media: &str, body: impl Into<Body>) -> Result<Vec<u8>, Failure> {
        let request = http::Request::builder().header("content-type", media).body(body.into()).unwrap();
        Request(request).file("copy", 8).await
    }

    fn part(name: &str, bytes: &[u8]) -> Vec<u8> {
        let head = format!(
            "--XX\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"passport of Ada.png\"\r\n\
             Content-Type: image/png\r\n\r\n"
        );
        [head.as_bytes(), bytes, b"\r\n"].concat()
    }

    #[tokio::test]
    async fn a_form_holds_one_file_that_is_read_byte_by_byte() {
        let end = b"--XX--\r\n";
        let whole = [&part("copy", b"\x89\0\xff\r\n--X")[..], end].concat();
        assert_eq!(file_in(FORM, whole.clone()).await.unwrap(), b"\x89\0\xff\r\n--X");
        assert_eq!(file_in(FORM, [&part("copy", b"")[..], end].concat()).await.unwrap(), b"");
        let large = file_in(FORM, [&part("copy", b"123456789")[..], end].concat()).await.unwrap_err();
        assert_eq!(large.kind, Kind::TooLarge);
        let twice = file_in(FORM, [&part("copy", b"1")[..], &part("copy", b"2"), end].concat()).await.unwrap_err();
        assert_eq!(twice.fields[0].field, "copy");
        let other = file_in(FORM, [&part("Ada", b"1")[..], end].concat()).await.unwrap_err();
        assert_eq!((other.fields[0].field.as_str(), other.detail.contains("Ada")), ("body", false));
        assert_eq!(file_in(FORM, end.to_vec()).await.unwrap_err().kind, Kind::Refused);
        for cut in 1..whole.len() - end.len() {
            assert!(file_in(FORM, whole[..cut].to_vec()).await.is_err(), "{cut}");
        }
        for (media, body) in [(FORM, "email=x"), (FORM, "")] {
            assert_eq!(file_in(media, body).await.unwrap_err().kind, Kind::Invalid, "{body}");
        }
        assert_eq!(file_in("application/json", "{}").await.unwrap_err().kind, Kind::Unsupported);
    }

    #[test]
    fn a_bad_body_is_refused_by_field_and_not_repeated() {
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        #[expect(dead_code, reason = "only the types matter here")]
        struct Outer {
            inner: Inner,
        }
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        #[expect(dead_code, reason = "only the types matter here")]
        struct Inner {
            age: u8,
            #[serde(default)]
            at: Option<Never>,
        }
        #[derive(Debug, serde::Deserialize)]
        #[serde(try_from = "String")]
        struct Never;
        impl TryFrom<String> for Never {
            type Error = &'static str;

            fn try_from(_: String) -> Result<Self, Self::Error> {
                Err("a time of day")
            }
        }
        let said = |text: &str| {
            let mut reader = serde_json::Deserializer::from_str(text);
            refused(&serde_path_to_error::deserialize::<_, Outer>(&mut reader).unwrap_err())
        };
        let field = |text: &str| said(text).fields.remove(0);
        let age = field(r#"{"inner": {"age": "ada@firm.test"}}"#);
        assert_eq!((age.field.as_str(), age.message.as_str()), ("inner.age", "must be a whole number from 0 to 255"));
        assert_eq!(field(r#"{"inner": {"age": -1}}"#).message, "must be a whole number from 0 to 255");
        assert_eq!(field(r#"{"inner": {"age": 1, "at": "25:00"}}"#).message, "must be a time of day");
        let unknown = field(r#"{"inner": {"age": 1, "nom": 1}}"#);
        assert_eq!((unknown.field.as_str(), unknown.message.contains("expected `age`")), ("inner.nom", true));
        assert_eq!(field(r#"{"inner": {}}"#).field, "inner.age");
        assert_eq!(field("{}").field, "inner");
        assert_eq!(said(r#"{"inner": "#).slug, "malformed-request");
    }
}
