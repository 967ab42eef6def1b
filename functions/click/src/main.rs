//! The `click` Lambda.

fn main() -> Result<(), edge::Error> {
    edge::http::serve(|app, request| Box::pin(click::handle(app, request)))
}
