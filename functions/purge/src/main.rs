//! The `purge` Lambda.

fn main() -> Result<(), edge::Error> {
    edge::schedule::serve(purge::handle)
}
