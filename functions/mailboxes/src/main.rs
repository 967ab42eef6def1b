//! The `mailboxes` Lambda.

fn main() -> Result<(), edge::Error> {
    edge::timed_queue::serve(mailboxes::clock, mailboxes::handle)
}
