//! The `rights` Lambda.

fn main() -> Result<(), edge::Error> {
    edge::mixed::serve(|app, request| Box::pin(rights::handle(app, request)), rights::act)
}
