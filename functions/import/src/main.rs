//! The `import` Lambda.

fn main() -> Result<(), edge::Error> {
    edge::queue::serve(import::handle)
}
