//! What people do while a function waits at one of its calls: at each of them in turn.

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use domain::chunk::GROUP;
use jiff::SignedDuration;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::Play;
use crate::faults::deeds::{Deed, Doing, Sweep};
use crate::faults::world::{GROUPS, World, relay};

/// Where only the number of invocations matters.
const FEW: usize = 5 * GROUPS;
/// Rounds of a race at most, of a campaign to each group.
const MOST: usize = 20;
/// Longer than the delay of a step.
const LATER: SignedDuration = SignedDuration::from_hours(30);

pub(super) async fn opt_outs(play: &Play) -> anyhow::Result<World> {
    // Who opts out is missing afterwards: there have to be enough.
    let mut world = World::make(play.one_by_one(play.chunk.max(10) * GROUPS)).await?;
    // Whoever opts out has to have got something with a link in it.
    world.launch(None, &[]).await?;
    world.settle().await?;
    world.read_links();
    for (name, kinds, delays) in
        [("first step", &["step 1"] as Kinds, vec![]), ("second step", &["step 2"], vec![json!({ "hours": 20 })])]
    {
        let (told, mut held) = mpsc::unbounded_channel();
        world.director.does(Doing::Sweep(Sweep::new("send", kinds, Deed::Hold(told))));
        for _ in 0..MOST {
            for group in 0..GROUPS {
                world.launch(Some(group), &delays).await?;
            }
            world.settle_holding(&mut held, opt_out).await?;
            if !delays.is_empty() {
                world.later(LATER);
                world.stack.fire("follow-up").await?;
                world.settle_holding(&mut held, opt_out).await?;
            }
            if world.is_through() {
                break;
            }
        }
        world.does(&format!("opt-out, {name}"), Doing::Nothing);
        world.settle().await?;
    }
    Ok(world)
}

/// Somebody of those who are claimed first opts out, and somebody of those who come after them, and each has their answer. Of a
/// chunk whose message does not name them, somebody does.
async fn opt_out(world: &mut World, event: std::sync::Arc<Value>) -> anyhow::Result<()> {
    let chunk = people_of(&event);
    let everybody: Vec<String> = world.people.keys().cloned().collect();
    let among = if chunk.is_empty() { vec![&everybody[..]] } else { chunk.chunks(GROUP).collect() };
    for group in among {
        if let Some(somebody) = world.somebody(group) {
            world.object(&somebody).await?;
        }
    }
    Ok(())
}

fn body(event: &Value) -> Value {
    let text = event["Records"][0]["body"].as_str().unwrap_or_default();
    serde_json::from_str(text).unwrap_or_default()
}

/// The people of a chunk, if its message names them.
fn people_of(event: &Value) -> Vec<String> {
    let bytes = STANDARD_NO_PAD.decode(body(event)["who"].as_str().unwrap_or_default()).unwrap_or_default();
    bytes.chunks(16).map(hex::encode).collect()
}

/// Kinds of invocations.
type Kinds = &'static [&'static str];

#[derive(Clone, Copy, PartialEq)]
enum Meddling {
    Pause,
    Cancel,
    LoseChannel,
}

pub(super) async fn commands(play: &Play) -> anyhow::Result<World> {
    let mut world = World::make(play.one_by_one(FEW)).await?;
    let all = &[Meddling::Pause, Meddling::Cancel, Meddling::LoseChannel] as &[Meddling];
    for (function, kinds, delays, meddlings) in [
        ("send", &["step 1"] as Kinds, &[] as &[Value], all),
        ("send", &["step 2"], &[json!({ "hours": 20 })], all),
        ("fan-out", &["advance", "finish"], &[], &[Meddling::Pause, Meddling::Cancel]),
    ] {
        for &meddling in meddlings {
            let name = match meddling {
                Meddling::Pause => "paused",
                Meddling::Cancel => "cancelled",
                Meddling::LoseChannel => "channel lost",
            };
            meddle(&mut world, function, (kinds, delays), meddling).await?;
            world.does(&format!("{name} in {function}, {}", kinds.join(" and ")), Doing::Nothing);
            world.settle().await?;
            if !delays.is_empty() {
                world.pass(LATER).await?;
            }
        }
    }
    Ok(world)
}

async fn meddle(
    world: &mut World,
    function: &'static str,
    (kinds, delays): (Kinds, &[Value]),
    meddling: Meddling,
) -> anyhow::Result<()> {
    let (told, mut held) = mpsc::unbounded_channel();
    world.director.does(Doing::Sweep(Sweep::new(function, kinds, Deed::Hold(told))));
    // A channel is lost once: by one campaign at a time.
    let at_once = if meddling == Meddling::LoseChannel { 1 } else { GROUPS };
    for round in 0..MOST * GROUPS / at_once {
        let mut channel = match meddling {
            Meddling::LoseChannel => Some(world.customer.add_channel(&relay(&world.stack)).await?),
            _ => None,
        };
        let first = world.campaigns.len();
        for group in round..round + at_once {
            world.launch(Some(group % GROUPS), delays).await?;
        }
        if !delays.is_empty() {
            world.settle_holding(&mut held, async |_, _| Ok(())).await?;
            world.later(LATER);
            world.stay_signed_in().await?;
            world.stack.fire("follow-up").await?;
        }
        let done = world.settle_holding(&mut held, async |world, event| {
            let id = body(&event)["campaign"].as_str().context("a message without a campaign")?.to_owned();
            match (meddling, channel.take()) {
                (Meddling::Pause, _) => drop(world.customer.command(&id, "pause").await?),
                (Meddling::Cancel, _) => {
                    if world.customer.command(&id, "cancel").await? {
                        world.campaigns.iter_mut().filter(|one| one.id == id).for_each(|one| one.cancelled = true);
                    }
                }
                (Meddling::LoseChannel, Some(channel)) => world.customer.delete_channel(&channel).await?,
                (Meddling::LoseChannel, None) => {}
            }
            Ok(())
        });
        done.await?;
        if let Some(unused) = channel {
            world.customer.delete_channel(&unused).await?;
        }
        if meddling == Meddling::Pause {
            for id in world.campaigns[first..].iter().map(|launched| &launched.id) {
                world.customer.command(id, "resume").await?;
            }
            world.settle_holding(&mut held, async |_, _| Ok(())).await?;
        }
        if world.is_through() {
            break;
        }
    }
    Ok(())
}
