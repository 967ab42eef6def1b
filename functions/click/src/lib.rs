//! The signed links and images in messages to whoever agreed that their clicks or openings are recorded, and the page on
//! which they withdraw it.
//!
//! A link leads where it was signed to lead, and nowhere else: no parameter, no table says where. Only a GET that a person
//! may have made is looked at, and of it neither address nor program is kept.

use app::{App, Failure};
use content::{clicks, page::Html};
use domain::{clicks::Signs, locale::Locale, unsubscribe};
use edge::http::{Request, Response, no_such_route};
use lambda_http::{
    Body,
    http::{HeaderValue, Method, StatusCode, header},
};

/// One request to `/c/{token}`, `/o/{token}` or `/consent/{token}`.
pub async fn handle(app: &App, request: Request) -> Result<Response, Failure> {
    let token = request.path_param("token").ok_or_else(no_such_route)?;
    match request.route().as_str() {
        "/c/{token}" => follow(app, &request, &token).await,
        "/o/{token}" => look(app, &request, &token).await,
        "/consent/{token}" => consent(app, &request, &token).await,
        _ => Err(no_such_route()),
    }
}

async fn follow(app: &App, request: &Request, token: &str) -> Result<Response, Failure> {
    match *request.method() {
        Method::GET | Method::HEAD => {}
        Method::OPTIONS => return allowed("GET, HEAD, OPTIONS"),
        _ => return Err(no_such_route()),
    }
    let Some(link) = app.signed_link(token).await? else {
        let locale = request.locale();
        return html(StatusCode::NOT_FOUND, clicks::nowhere(locale), locale);
    };
    let signs = signs(request);
    if *request.method() == Method::GET && !signs.is_ahead() {
        app.note_click(&link, signs.are_of_a_program(), request.now()?).await;
    }
    let target = HeaderValue::from_str(&link.target).map_err(|_| Failure::internal("a target that is no header"))?;
    let mut answer = edge::http::build(StatusCode::FOUND, "text/plain", Body::Empty)?;
    answer.headers_mut().insert(header::LOCATION, target);
    Ok(not_indexed(answer))
}

/// The same dot for every token, ours or not, so that it tells nobody anything.
async fn look(app: &App, request: &Request, token: &str) -> Result<Response, Failure> {
    match *request.method() {
        Method::GET | Method::HEAD => {}
        Method::OPTIONS => return allowed("GET, HEAD, OPTIONS"),
        _ => return Err(no_such_route()),
    }
    let signs = signs(request);
    if *request.method() == Method::GET && !signs.is_ahead() && !signs.are_of_nobody_looking() {
        app.note_opening(token, request.now()?).await;
    }
    Ok(not_indexed(edge::http::build(StatusCode::OK, "image/gif", Body::Binary(clicks::DOT.to_vec()))?))
}

async fn consent(app: &App, request: &Request, token: &str) -> Result<Response, Failure> {
    let claimed = unsubscribe::peek(token);
    let locale = claimed.map_or_else(|| request.locale(), |(_, locale)| locale);
    match *request.method() {
        Method::GET | Method::HEAD | Method::POST if claimed.is_none() => {
            html(StatusCode::NOT_FOUND, clicks::nowhere(locale), locale)
        }
        Method::GET | Method::HEAD => html(StatusCode::OK, clicks::ask(locale, request.path()), locale),
        Method::POST => {
            app.withdraw_click_consent(token, request.now()?).await?;
            html(StatusCode::OK, clicks::withdrawn(locale), locale)
        }
        Method::OPTIONS => allowed("GET, HEAD, OPTIONS, POST"),
        _ => Err(no_such_route()),
    }
}

/// What the request shows of whoever made it.
fn signs(request: &Request) -> Signs<'_> {
    let purposes = ["sec-purpose", "purpose", "x-purpose", "x-moz"];
    Signs {
        user_agent: request.header("user-agent"),
        mode: request.header("sec-fetch-mode"),
        purpose: purposes.into_iter().find_map(|name| request.header(name)),
    }
}

fn allowed(methods: &'static str) -> Result<Response, Failure> {
    let mut answer = edge::http::no_content()?;
    answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static(methods));
    Ok(answer)
}

fn html(status: StatusCode, body: Html, locale: Locale) -> Result<Response, Failure> {
    Ok(not_indexed(edge::http::page(status, body, locale)?))
}

fn not_indexed(mut answer: Response) -> Response {
    answer.headers_mut().insert("x-robots-tag", HeaderValue::from_static("noindex, nofollow"));
    answer
}
