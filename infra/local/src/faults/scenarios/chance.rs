//! Everything at once, at random, with many messages.

use std::time::Duration;

use rand::Rng;
use serde_json::{Value, json};

use super::Play;
use crate::faults::deeds::{Chance, Deed, Doing};
use crate::faults::world::{Making, World, relay};

/// People of a campaign at most. Each ends with some who wait for what was killed: a million in campaigns of a few would be an hour of that.
const PEOPLE: usize = 20_000;
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
        let refusals = if relay { refusals(&mut world) } else { json!([]) };
        world.breaks(&json!({
            "sqs": { "deliveries": 2, "late_ms": 500, "shuffle_seed": play.seed }, "smtp": { "refusals": refusals },
        }))?;
        let seed = play.seed.wrapping_add(round as u64);
        world.director.does(Doing::Chance(Chance::new(deed.clone(), odds, seed)));
        world.launch(None, &[]).await?;
        objecting(&mut world, people / 200).await?;
        world.settle().await?;
        world.does(name, Doing::Nothing);
        world.tell(&format!("campaign {} of {rounds}, {people} people each", round + 1));
        if round == 0 {
            world.read_links();
        }
    }
    Ok(world)
}

/// People of a campaign whose relay refuses something every few messages. Of more people it refuses as much, and each time that stands
/// everything still for minutes.
const TROUBLED: usize = 2_000;

/// What a relay refuses: the sender, the login, everybody and somebody, now and then; and some for good, for what they are.
fn refusals(world: &mut World) -> Value {
    let times = u32::try_from(world.people.len() / TROUBLED).unwrap_or(1).max(1);
    let (mut one_in, gone, spam) = (|least: u32| world.chance.random_range(least..least * 2) * times, "p13@", "p17@");
    let refusals = json!([
        { "at": "rcpt", "say": "550 5.1.1 No such user here", "of": gone },
        { "at": "content", "say": "554 5.7.1 Message detected as spam", "of": spam },
        { "at": "login", "say": "535 5.7.8 Authentication failed", "every": one_in(5) },
        { "at": "login", "say": "454 4.7.0 Temporary authentication failure", "every": one_in(5) },
        { "at": "mail", "say": "550 5.7.1 Sender address rejected", "every": one_in(300) },
        { "at": "mail", "say": "451 4.3.0 Temporary lookup failure", "every": one_in(200) },
        { "at": "mail", "say": "421 4.3.2 Too many connections", "every": one_in(150) },
        { "at": "rcpt", "say": "550 5.4.5 Daily user sending quota exceeded", "every": one_in(400) },
        { "at": "rcpt", "say": "450 4.2.1 Mailbox busy", "every": one_in(100) },
        { "at": "rcpt", "say": "421 4.4.2 Timeout", "every": one_in(300) },
        { "at": "content", "say": "451 4.7.1 Greylisted", "every": one_in(100) },
    ]);
    world.refused = vec![gone, spam];
    refusals
}

/// Longer than anybody waits for an answer of SES's, or of a relay's before the final dot.
const SILENCE: Duration = Duration::from_secs(45);
/// People of a campaign whose channel falls silent. One of so many calls takes all that patience.
const FEW: usize = 60;

/// The channel takes no message, or takes it and does not say so, until those who wait for it give up.
pub(super) async fn silent(play: &Play) -> anyhow::Result<World> {
    let mut world = World::make(play.many(FEW)).await?;
    world.relay = true;
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
