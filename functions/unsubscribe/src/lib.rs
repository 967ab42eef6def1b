//! The link in every message: GET asks and changes nothing, POST stops it (RFC 8058, A59).
//!
//! No cookie, no sign-in, no redirect, no check of the body: a receiver's one-click POST and the
//! page's own button mean the same. A token that means nobody is answered like one that does; what is no token at
//! all, because a mail program cut the link, stops nothing and says so.

use app::{App, Failure};
use content::{optout, page::Html};
use domain::{
    locale::Locale,
    unsubscribe::{self, Whose},
};
use edge::http::{Request, Response, no_such_route};
use lambda_http::http::{HeaderValue, Method, StatusCode};

/// One request to `/u/{token}`.
pub async fn handle(app: &App, request: Request) -> Result<Response, Failure> {
    let token = request.path_param("token").ok_or_else(no_such_route)?;
    let claimed = unsubscribe::peek(&token);
    let (whose, locale) = claimed.unwrap_or_else(|| (Whose::Senders, request.locale()));
    match *request.method() {
        Method::GET | Method::HEAD | Method::POST if claimed.is_none() => {
            html(StatusCode::NOT_FOUND, optout::incomplete(locale), locale)
        }
        Method::POST => {
            match whose {
                Whose::Senders => app.opt_out(&token, request.now()?).await?,
                Whose::Operators => app.opt_out_of_news(&token, request.now()?).await?,
            }
            html(StatusCode::OK, optout::confirmed(whose, locale), locale)
        }
        Method::GET | Method::HEAD => html(StatusCode::OK, optout::ask(whose, locale, request.path()), locale),
        Method::OPTIONS => {
            let mut answer = edge::http::no_content()?;
            answer.headers_mut().insert("allow", HeaderValue::from_static("GET, HEAD, OPTIONS, POST"));
            Ok(answer)
        }
        _ => Err(no_such_route()),
    }
}

fn html(status: StatusCode, body: Html, locale: Locale) -> Result<Response, Failure> {
    let mut answer = edge::http::page(status, body, locale)?;
    answer.headers_mut().insert("x-robots-tag", HeaderValue::from_static("noindex, nofollow"));
    Ok(answer)
}
