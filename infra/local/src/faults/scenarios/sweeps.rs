//! Something is done before and after every call that a function makes, one by one.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::Play;
use crate::faults::deeds::{Deed, Doing, Sweep};
use crate::faults::world::{GROUPS, Making, World};

/// Where only the number of invocations matters.
const FEW: usize = 4 * GROUPS;
/// Rounds of a sweep at most, of a campaign to each group.
const MOST: usize = 40;

/// Longer than the delay of a step.
const LATER: SignedDuration = SignedDuration::from_hours(30);

pub(super) async fn kill_send(play: &Play, relay: bool) -> anyhow::Result<World> {
    let mut world = World::make(Making { relay, ..play.chunks() }).await?;
    sweep(&mut world, "send killed", Sweep::new("send", &["step 1"], Deed::Kill)).await?;
    Ok(world)
}

pub(super) async fn kill_command(play: &Play) -> anyhow::Result<World> {
    let alone = [("campaigns".to_owned(), 1)].into();
    let mut world = World::make(Making { concurrency: alone, ..play.many(FEW) }).await?;
    let commands = [
        ("launch", &["launch"] as &[&str], "draft"),
        ("resume", &["resume"], "paused"),
        ("cancel", &["cancel"], "sending"),
    ];
    for (command, kinds, before) in commands {
        world.director.does(Doing::Sweep(Sweep::only("campaigns", kinds, Deed::Kill)));
        for _ in 0..MOST {
            for group in 0..GROUPS {
                let written = world.write(Some(group), &[json!({ "hours": 20 })]).await?;
                if before != "draft" {
                    world.customer.launch(&written.id).await?;
                }
                if before == "paused" {
                    world.customer.command(&written.id, "pause").await?;
                }
                world.insist(&written.id, command, before).await?;
            }
            world.settle().await?;
            world.pass(LATER).await?;
            if world.is_through() {
                break;
            }
        }
        world.does(&format!("{command} killed"), Doing::Nothing);
    }
    Ok(world)
}

pub(super) async fn kill_fan_out(play: &Play) -> anyhow::Result<World> {
    let mut world = World::make(play.one_by_one(FEW)).await?;
    sweep(&mut world, "fan-out killed", Sweep::new("fan-out", &["advance", "finish"], Deed::Kill)).await?;
    world.director.does(Doing::Sweep(Sweep::new("fan-out", &["resume"], Deed::Kill)));
    for _ in 0..MOST {
        let first = world.campaigns.len();
        for group in 0..GROUPS {
            // Paused before anything of it is planned, or after it has left: both have to come to an end.
            let launched = world.launch(Some(group), &[json!({ "hours": 20 })]).await?;
            world.customer.command(&launched.id, "pause").await?;
        }
        world.settle().await?;
        for at in first..world.campaigns.len() {
            let id = world.campaigns[at].id.clone();
            world.customer.command(&id, "resume").await?;
        }
        world.settle().await?;
        world.pass(LATER).await?;
        if world.is_through() {
            break;
        }
    }
    world.does("fan-out killed", Doing::Nothing);
    Ok(world)
}

pub(super) async fn kill_sequence(play: &Play) -> anyhow::Result<World> {
    let mut world = World::make(play.chunks()).await?;
    let later = [json!({ "hours": 20 }), json!({ "hours": 20 })];
    for (function, kinds) in
        [("send", &["step 2", "step 3"] as &'static [&'static str]), ("follow-up", &["schedule"] as &[&str])]
    {
        world.director.does(Doing::Sweep(Sweep::new(function, kinds, Deed::Kill)));
        for _ in 0..MOST {
            for group in 0..GROUPS {
                world.launch(Some(group), &later).await?;
            }
            world.settle().await?;
            world.pass(LATER).await?;
            world.pass(LATER).await?;
            if world.is_through() {
                break;
            }
        }
        world.does(&format!("{function} killed"), Doing::Nothing);
    }
    Ok(world)
}

pub(super) async fn refused(play: &Play) -> anyhow::Result<World> {
    let mut world = World::make(play.one_by_one(FEW)).await?;
    for (function, kinds) in CHAIN.into_iter().chain([("feedback", &["Send"] as &[&str])]) {
        for (name, deed) in [("throttled", Deed::Refuse), ("denied", Deed::Deny), ("denied for good", Deed::DenyAll)] {
            sweep(&mut world, &format!("{function} {name}"), Sweep::new(function, kinds, deed)).await?;
        }
    }
    Ok(world)
}

pub(super) async fn lost(play: &Play, relay: bool) -> anyhow::Result<World> {
    let mut world = World::make(Making { relay, ..play.one_by_one(FEW) }).await?;
    let chain = if relay { &CHAIN[..1] } else { &CHAIN[..] };
    for (function, kinds) in chain {
        sweep(&mut world, &format!("{function} cut off"), Sweep::new(function, kinds, Deed::Lose)).await?;
    }
    Ok(world)
}

/// Who works on a campaign of one step, and on what.
const CHAIN: [(&str, &[&str]); 2] = [("send", &["step 1"]), ("fan-out", &["advance", "finish"])];

/// Launches campaigns to one group after another, until something was done at every call.
pub(super) async fn sweep(world: &mut World, name: &str, sweep: Box<Sweep>) -> anyhow::Result<()> {
    world.director.does(Doing::Sweep(sweep));
    let none: [Value; 0] = [];
    for _ in 0..MOST {
        for group in 0..GROUPS {
            world.launch(Some(group), &none).await?;
        }
        world.settle().await?;
        if world.is_through() {
            break;
        }
    }
    world.does(name, Doing::Nothing);
    Ok(())
}
