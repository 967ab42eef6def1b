//! The function `signup`: takes sign-ups and proves addresses.

fn main() -> Result<(), edge::Error> {
    edge::http::serve(|app, request| Box::pin(signup::handle(app, request)))
}
