//! The `imports` Lambda.

fn main() -> Result<(), edge::Error> {
    edge::http::serve(|app, request| Box::pin(imports::handle(app, request)))
}
