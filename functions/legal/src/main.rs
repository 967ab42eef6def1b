//! AWS starts this: the legal pages and the health check.

fn main() -> Result<(), edge::Error> {
    edge::http::serve(|app, request| Box::pin(legal::handle(app, request)))
}
