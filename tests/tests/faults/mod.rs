//! What must hold when processes die, queues repeat themselves and services say no.
//!
//! Where chance decides, the seed is printed; `PROSPECTRA_SEED=… cargo test faults` runs it again.

mod every_call;
mod importing;
mod purging;
mod quotas;
mod races;
mod sending;
mod sequences;

use std::time::Duration;

use rand::{Rng, rngs::StdRng};
use tests::TestStack;

/// Kills every process of a function, a few times, at moments that chance picks within `within`.
async fn kill(stack: &TestStack, function: &str, times: usize, within: Duration, chance: &mut StdRng) -> usize {
    let mut killed = 0;
    for _ in 0..times {
        let pause = chance.random_range(within / 10..within);
        tokio::time::sleep(pause).await;
        killed += stack.kill(function).await;
    }
    killed
}
