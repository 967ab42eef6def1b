//! The `unsubscribe` Lambda.

fn main() -> Result<(), edge::Error> {
    edge::http::serve(|app, request| Box::pin(unsubscribe::handle(app, request)))
}
