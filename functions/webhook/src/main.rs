//! The `webhook` Lambda.

fn main() -> Result<(), edge::Error> {
    edge::queue::serve(webhook::handle)
}
