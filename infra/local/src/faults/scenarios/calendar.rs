//! Clocks that are wrong, nights when they change, and leap days.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::Play;
use crate::faults::deeds::{Chance, Deed, Doing};
use crate::faults::truth::{Invariant, sink_times};
use crate::faults::world::{GROUPS, Making, World};

/// Each evening before something happens to the calendar in Paris: in spring and in autumn, and a 29 February.
const EVENINGS: [&str; 3] = ["2027-03-27T20:30:00Z", "2027-10-30T20:30:00Z", "2028-02-28T20:30:00Z"];
/// The shortest time between two steps: a working day of 23 hours.
const DAY: SignedDuration = SignedDuration::from_hours(23);
/// Events and clocks are not exact.
const TOLERANCE: SignedDuration = SignedDuration::from_secs(2);
/// How wrong clocks are.
const SKEW: SignedDuration = SignedDuration::from_mins(10);

pub(super) async fn nights(play: &Play) -> anyhow::Result<World> {
    let people = (play.messages / (EVENINGS.len() * 3)).clamp(GROUPS, 3_000);
    let first: Timestamp = EVENINGS[0].parse()?;
    let mut world = World::make(Making { at: Some(first), ..play.many(people) }).await?;
    for evening in EVENINGS {
        // Never back: whoever is entered after a launch is not in its audience.
        let now = world.stack.clock().now();
        world.stack.clock().set(now.max(evening.parse()?));
        let odds = [("send", 300), ("fan-out", 30), ("feedback", 100), ("follow-up", 8)];
        world.director.does(Doing::Chance(Chance::new(Deed::Kill, &odds, play.seed)));
        let later = [json!({ "hours": 24 }), json!({ "working_days": 1 })];
        world.launch(None, &later).await?;
        world.settle().await?;
        // Hour by hour over the night, and the days after: whatever is early leaves early, and is seen.
        for _ in 0..6 {
            world.pass(SignedDuration::from_hours(12)).await?;
        }
        world.pass(SignedDuration::from_hours(72)).await?;
        world.does("killed", Doing::Nothing);
        world.settle().await?;
        world.pass(SignedDuration::from_hours(24)).await?;
    }
    never_early(&mut world, DAY - TOLERANCE);
    Ok(world)
}

pub(super) async fn skewed(play: &Play) -> anyhow::Result<World> {
    let people = (play.messages / 4).clamp(GROUPS, 2_000);
    let mut world = World::make(play.many(people)).await?;
    world.breaks(&json!({ "clock": { "skew_seconds": SKEW.as_secs() }, "sqs": { "deliveries": 2 } }))?;
    world.director.does(Doing::Chance(Chance::new(Deed::Kill, &[("send", 300), ("feedback", 100)], play.seed)));
    for _ in 0..2 {
        world.launch(None, &[json!({ "hours": 24 })]).await?;
        world.settle().await?;
        world.pass(SignedDuration::from_hours(25)).await?;
        world.pass(SignedDuration::from_hours(1)).await?;
    }
    world.does("killed", Doing::Nothing);
    world.breaks(&json!({}))?;
    world.pass(SignedDuration::from_hours(1)).await?;
    never_early(&mut world, SignedDuration::from_hours(24) - SKEW - SKEW - TOLERANCE);
    Ok(world)
}

/// Looks at when each person got each step.
fn never_early(world: &mut World, least: SignedDuration) {
    let mut invariant = Invariant::new("no step comes before its delay is over");
    for ((campaign, person), times) in sink_times(world) {
        for pair in times.windows(2) {
            let between = pair[1].1.duration_since(pair[0].1);
            let steps = i64::from(pair[1].0) - i64::from(pair[0].0);
            invariant
                .holds(steps != 1 || between >= least, || format!("campaign {campaign} person {person}: {between:?}"));
        }
    }
    world.more.push(invariant);
}
