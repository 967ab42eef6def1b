//! Chance that can be replayed.

use rand::{SeedableRng, rngs::StdRng};

/// A source of chance. The seed is `PROSPECTRA_SEED` or a new one; it is printed, so that a test that
/// fails (cargo shows its output then) can be run again with the same faults at the same points.
pub fn chance(test: &str) -> StdRng {
    StdRng::seed_from_u64(number(test))
}

/// The seed itself, for whoever rolls the dice elsewhere.
#[expect(clippy::print_stdout, reason = "cargo shows what a failed test printed")]
pub fn number(test: &str) -> u64 {
    let given = std::env::var("PROSPECTRA_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed: u64 = given.unwrap_or_else(|| u64::from(rand::random::<u32>()));
    println!("{test}: PROSPECTRA_SEED={seed}");
    seed
}
