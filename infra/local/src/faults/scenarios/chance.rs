//! Everything at once, at random, with many messages.

use std::time::Duration;

use rand::Rng;
use serde_json::json;

use super::Play;
use crate::faults::deeds::{Chance, Deed, Doing};
use crate::faults::world::{Making, World, relay};

/// People of a campaign at most.
const PEOPLE: usize = 5_000;
/// One side of a call of a function in so many.
type Odds = [(&'static str, u32); 3];

/// What is done to calls, each to a campaign of its own.
const DEEDS: [(&str, Deed, Odds); 3] = [
    ("killed", Deed::Kill, [("send", 400), ("fan-out", 40), ("feedback", 150)]),
    ("cut off", Deed::Lose, [("send", 150), ("fan-out", 30), ("feedback", 100)]),
    ("refused", Deed::Refuse, [("send", 60), ("fan-out", 30), ("feedback", 60)]),
];

pub(super) async fn all(play: &Play, relay: bool) -> anyhow::Result<World> {
    let people = (play.messages / DEEDS.len()).clamp(100, PEOPLE);
    let mut world = World::make(Making { relay, ..play.many(people) }).await?;
    let rounds = play.messages.div_ceil(people).max(DEEDS.len());
    for (round, (name, deed, odds)) in DEEDS.iter().cycle().take(rounds).enumerate() {
        world.breaks(&json!({ "sqs": { "deliveries": 2, "late_ms": 500, "shuffle_seed": play.seed } }))?;
        let seed = play.seed.wrapping_add(round as u64);
        world.director.does(Doing::Chance(Chance::new(deed.clone(), odds, seed)));
        world.launch(None, &[]).await?;
        objecting(&mut world, people / 200).await?;
        world.settle().await?;
        world.does(name, Doing::Nothing);
        if round == 0 {
            world.read_links();
        }
    }
    Ok(world)
}

/// Longer than anybody waits for an answer of SES's or of a relay's.
const SILENCE: Duration = Duration::from_secs(45);
/// People of a campaign whose channel falls silent. One of so many calls takes all that patience.
const FEW: usize = 60;

/// The channel takes no message, or takes it and does not say so, until those who wait for it give up.
pub(super) async fn silent(play: &Play) -> anyhow::Result<World> {
    let mut world = World::make(play.many(FEW)).await?;
    let id = world.customer.add_channel(&relay(&world.stack)).await?;
    for round in 0..2 {
        let seed = play.seed.wrapping_add(round);
        world.director.does(Doing::Chance(Chance::new(Deed::Hang(SILENCE), &[("send", 25)], seed)));
        world.launch(None, &[]).await?;
        world.settle().await?;
        world.does("silent", Doing::Nothing);
    }
    world.customer.delete_channel(&id).await?;
    Ok(world)
}

/// So many people opt out, one after another, while messages leave.
pub(super) async fn objecting(world: &mut World, times: usize) -> anyhow::Result<()> {
    let everybody: Vec<String> = world.people.keys().cloned().collect();
    for _ in 0..times {
        let pause = world.chance.random_range(0..60);
        tokio::time::sleep(Duration::from_millis(pause)).await;
        let Some(somebody) = world.somebody(&everybody) else { return Ok(()) };
        world.object(&somebody).await?;
    }
    Ok(())
}
