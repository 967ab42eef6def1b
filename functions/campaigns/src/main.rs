//! The `campaigns` Lambda.

fn main() -> Result<(), edge::Error> {
    edge::http::serve(|app, request| Box::pin(campaigns::handle(app, request)))
}
