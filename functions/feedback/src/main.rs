//! The `feedback` Lambda.

fn main() -> Result<(), edge::Error> {
    edge::queue::serve_prepared(feedback::prepare, feedback::handle)
}
