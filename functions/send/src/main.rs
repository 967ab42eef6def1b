//! The `send` Lambda.

fn main() -> Result<(), edge::Error> {
    edge::queue::serve(send::handle)
}
