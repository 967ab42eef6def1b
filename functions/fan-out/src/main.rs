//! The `fan-out` Lambda.

fn main() -> Result<(), edge::Error> {
    edge::queue::serve(fan_out::handle)
}
