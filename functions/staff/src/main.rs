//! The `staff` Lambda.

fn main() -> Result<(), edge::Error> {
    edge::mixed::serve(|app, request| Box::pin(staff::handle(app, request)), staff::act)
}
