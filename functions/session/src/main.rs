//! The function `session`: logs in and out, and resets passwords. The only one that can sign a token.

fn main() -> Result<(), edge::Error> {
    edge::http::serve(|app, request| Box::pin(session::handle(app, request)))
}
