//! The public pages. Looking changes nothing; whoever asks gets the same answer as everybody.
//!
//! The same routes speak JSON to whoever sends or accepts it.

use app::{
    App, Failure, Kind,
    rights::{Ask, Copied, Form, Proved},
};
use content::rights::{self, Refused};
use domain::{locale::Locale, rights::identity::MOST_BYTES};
use edge::http::{Request, Response, build, json, no_such_route, page};
use lambda_http::http::{HeaderValue, Method, StatusCode};

/// One request to a page.
pub(super) async fn handle(app: &App, request: &Request, route: &str) -> Result<Response, Failure> {
    let token = request.path_param("token").unwrap_or_default();
    let locale = request.locale();
    let answer = match (route, request.method()) {
        ("/rights", &Method::GET) => page(StatusCode::OK, rights::ask(locale, None), locale),
        ("/rights", &Method::POST) => ask(app, request, locale).await,
        // In the language of the mail that led here; a link that means nobody shows the same page.
        ("/rights/proof/{token}", &Method::GET) => {
            let locale = app.proof_locale(&token, request.now()?).await?.unwrap_or(locale);
            page(StatusCode::OK, rights::prove(locale, request.path()), locale)
        }
        ("/rights/proof/{token}", &Method::POST) => match app.prove_rights(&token, request.now()?).await {
            Ok(proved) if speaks_json(request) => json(StatusCode::OK, &proved),
            Ok(proved) => shown(&proved),
            Err(failure) => Err(failure),
        },
        ("/rights/access/{token}", &Method::GET) => match app.access_locale(&token, request.now()?).await {
            Ok(locale) => page(StatusCode::OK, rights::access(locale, request.path()), locale),
            Err(failure) => Err(failure),
        },
        ("/rights/access/{token}", &Method::POST) => read(app, request, &token).await,
        ("/rights/identity/{token}", &Method::GET) => match app.identity_locale(&token, request.now()?).await {
            Ok(locale) => page(StatusCode::OK, rights::identity(locale, request.path(), None), locale),
            Err(failure) => Err(failure),
        },
        ("/rights/identity/{token}", &Method::POST) => receive(app, request, &token).await,
        ("/rights/certificates/{id}", &Method::GET) => {
            let signed = app.erasure_certificate(request.id("certificate")?, request.now()?).await?;
            let wants = |media: &str| request.header("accept").is_some_and(|accepted| accepted.contains(media));
            if wants("text/html") && request.query("format").is_none() {
                let as_signed = format!("{}?format=json", request.path());
                page(StatusCode::OK, rights::certificate(locale, &signed, &as_signed), locale)
            } else {
                json(StatusCode::OK, &signed)
            }
        }
        _ => Err(no_such_route()),
    };
    match answer {
        Err(failure) if failure.slug == "invalid-token" && !speaks_json(request) => {
            page(StatusCode::GONE, rights::over(locale), locale)
        }
        other => other,
    }
}

async fn ask(app: &App, request: &Request, locale: Locale) -> Result<Response, Failure> {
    if has_json(request) {
        let ask: Ask = request.json()?;
        app.ask_rights(&ask, ask.locale().unwrap_or(locale), request.origin().network(), request.now()?).await?;
        return json(StatusCode::ACCEPTED, &serde_json::json!({ "status": "accepted" }));
    }
    let asked = match Ask::from_form(url::form_urlencoded::parse(request.bytes()).into_owned()) {
        Ok(ask) => app.ask_rights(&ask, locale, request.origin().network(), request.now()?).await,
        Err(failure) => Err(failure),
    };
    match asked {
        Ok(()) => page(StatusCode::OK, rights::sent(locale), locale),
        Err(failure) if matches!(failure.kind, Kind::Refused) => {
            page(StatusCode::UNPROCESSABLE_ENTITY, rights::ask(locale, Some(rights::wrong(locale))), locale)
        }
        Err(failure) => Err(failure),
    }
}

async fn read(app: &App, request: &Request, token: &str) -> Result<Response, Failure> {
    let mut pairs = url::form_urlencoded::parse(request.bytes());
    let form = pairs.find(|(name, _)| name == "format").and_then(|(_, value)| Form::from_name(&value));
    let form = form.ok_or_else(|| Failure::field("format", "one of page, json, csv"))?;
    handed_over(app.read_access(token, form, request.now()?).await?)
}

/// Data, as it is answered.
pub(super) fn handed_over(copied: Copied) -> Result<Response, Failure> {
    match copied {
        Copied::Page(data, locale) => page(StatusCode::OK, data, locale),
        Copied::File(name, media_type, bytes) => {
            let mut answer = build(StatusCode::OK, media_type, bytes)?;
            let disposition = format!("attachment; filename=\"{name}\"");
            if let Ok(value) = HeaderValue::from_str(&disposition) {
                answer.headers_mut().insert("content-disposition", value);
            }
            Ok(answer)
        }
    }
}

/// A copy of an identity document. Whose link it is, is looked at before the file.
async fn receive(app: &App, request: &Request, token: &str) -> Result<Response, Failure> {
    let now = request.now()?;
    let locale = app.identity_locale(token, now).await?;
    let received = match request.file("copy", MOST_BYTES).await {
        Ok(bytes) => app.receive_identity(token, bytes, now).await,
        Err(failure) => Err(failure),
    };
    match received {
        Ok(until) if speaks_json(request) => json(StatusCode::OK, &serde_json::json!({ "deleted_by": until })),
        Ok(until) => page(StatusCode::OK, rights::received(locale, until), locale),
        Err(failure) if failure.slug == "invalid-token" || speaks_json(request) => Err(failure),
        Err(failure) => {
            let refused = match failure.kind {
                Kind::TooLarge => Refused::TooLarge,
                Kind::Unsupported => Refused::WrongType,
                Kind::Invalid | Kind::Refused => Refused::NoFile,
                _ => return Err(failure),
            };
            let (status, _) = edge::problem::status(failure.kind);
            page(status, rights::identity(locale, request.path(), Some(refused)), locale)
        }
    }
}

fn shown(proved: &Proved) -> Result<Response, Failure> {
    let holders: Vec<_> = proved.senders.iter().map(app::rights::Sender::holder).collect();
    let access = proved.access_token.as_deref().map(|token| format!("/rights/access/{token}"));
    let certificate = proved.certificate.map(|id| format!("/rights/certificates/{id}"));
    let answer = rights::Answer {
        kind: proved.kind,
        holders: &holders,
        due: proved.due,
        access: access.as_deref(),
        certificate: certificate.as_deref(),
    };
    page(StatusCode::OK, rights::answer(proved.locale, &answer), proved.locale)
}

pub(super) fn has_json(request: &Request) -> bool {
    request.header("content-type").is_some_and(|media| media.starts_with("application/json"))
}

fn speaks_json(request: &Request) -> bool {
    has_json(request) || request.header("accept").is_some_and(|media| media.contains("application/json"))
}
