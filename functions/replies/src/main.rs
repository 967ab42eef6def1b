//! The `replies` Lambda.

fn main() -> Result<(), edge::Error> {
    edge::queue::serve(replies::handle)
}
