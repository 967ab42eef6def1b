//! The `feedback` Lambda.

fn main() -> Result<(), edge::Error> {
    edge::queue::serve(feedback::handle)
}
