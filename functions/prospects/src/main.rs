//! The `prospects` Lambda.

fn main() -> Result<(), edge::Error> {
    edge::http::serve(|app, request| Box::pin(prospects::handle(app, request)))
}
