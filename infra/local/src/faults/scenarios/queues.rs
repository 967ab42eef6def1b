//! Queues that repeat themselves, late and out of order, and messages that nobody can read.

use serde_json::json;

use super::Play;
use super::chance::objecting;
use crate::faults::deeds::{Chance, Deed, Doing};
use crate::faults::world::World;

/// Queues that something unreadable is put on.
const POISONED: [&str; 4] = ["FanOut", "Send", "Feedback", "Replies"];
/// What it looks like.
const POISON: [&str; 3] = ["{", "[]", r#"{"workspace": "ws_nobody", "eventType": 7}"#];

pub(super) async fn repeated(play: &Play) -> anyhow::Result<World> {
    let people = play.messages.clamp(100, 3_000);
    let mut world = World::make(play.many(people)).await?;
    world.poison = POISON.len();
    for queue in POISONED {
        let queue = world.queue(queue)?;
        for poison in POISON {
            world.stack.backends().sqs().send(&queue, poison.to_owned())?;
        }
    }
    world.launch(None, &[]).await?;
    world.settle().await?;
    world.read_links();
    world.breaks(&json!({ "sqs": { "deliveries": 10, "late_ms": 2_000, "shuffle_seed": play.seed } }))?;
    // Some records of a batch fail, whichever they are.
    world.director.does(Doing::Chance(Chance::new(Deed::Deny, &[("feedback", 60)], play.seed)));
    for _ in 0..(play.messages / people).max(1) {
        world.launch(None, &[]).await?;
        objecting(&mut world, people / 100).await?;
        world.settle().await?;
    }
    world.does("denied", Doing::Nothing);
    Ok(world)
}
