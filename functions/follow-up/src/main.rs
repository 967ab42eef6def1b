//! The `follow-up` Lambda.

fn main() -> Result<(), edge::Error> {
    edge::schedule::serve(follow_up::handle)
}
