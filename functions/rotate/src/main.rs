//! The `rotate` Lambda.

fn main() -> Result<(), edge::Error> {
    edge::schedule::serve(rotate::handle)
}
