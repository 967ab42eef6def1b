//! The `announce` Lambda.

fn main() -> Result<(), edge::Error> {
    edge::schedule::serve(announce::handle)
}
