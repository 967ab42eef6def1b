//! Clocks that are wrong, nights when they change, and leap days.

use std::ops::Range;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::Play;
use crate::faults::deeds::{Chance, Deed, Doing};
use crate::faults::truth::{Invariant, sink_times};
use crate::faults::world::{GROUPS, Making, World};

/// Each evening before something happens to the calendar in Paris: in spring and in autumn, and a 29 February.
const EVENINGS: [&str; 3] = ["2027-03-27T20:30:00Z", "2027-10-30T20:30:00Z", "2028-02-28T20:30:00Z"];
/// The shortest time between two steps a day apart, and a working day: that may have 23 hours.
const LEAST: [SignedDuration; 2] = [SignedDuration::from_hours(24), SignedDuration::from_hours(23)];
/// When a window is open, and where.
const OPEN: Range<i8> = 8..19;
const ZONE: &str = "Europe/Paris";
/// Events and clocks are not exact.
const TOLERANCE: SignedDuration = SignedDuration::from_secs(2);
/// How wrong clocks are.
const SKEW: SignedDuration = SignedDuration::from_mins(10);

pub(super) async fn nights(play: &Play) -> anyhow::Result<World> {
    let people = (play.messages / (EVENINGS.len() * 3)).clamp(GROUPS, 3_000);
    let first: Timestamp = EVENINGS[0].parse()?;
    let mut world = World::make(Making { at: Some(first), ..play.many(people) }).await?;
    let mut windowed = Vec::new();
    for evening in EVENINGS {
        // Never back: whoever is entered after a launch is not in its audience.
        let now = world.stack.clock().now();
        world.stack.clock().set(now.max(evening.parse()?));
        let odds = [("send", 300), ("fan-out", 30), ("feedback", 100), ("follow-up", 8)];
        world.director.does(Doing::Chance(Chance::new(Deed::Kill, &odds, play.seed)));
        let later = [json!({ "hours": 24 }), json!({ "working_days": 1 })];
        world.launch(None, &later).await?;
        windowed.push(world.launch_content(2, in_hours).await?.number);
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
    never_early(&mut world, LEAST.map(|least| least - TOLERANCE));
    in_their_window(&mut world, &windowed)?;
    Ok(world)
}

/// A campaign whose messages leave by day, weekends included: a window opens on the morning after each of these nights.
fn in_hours(content: &mut Value) {
    content["steps"][1]["delay"] = json!({ "hours": 24 });
    content["window"] = json!({
        "days": ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"],
        "from": format!("{:02}:00", OPEN.start), "to": format!("{:02}:00", OPEN.end), "time_zone": ZONE,
    });
}

/// Looks at the hour, by the clocks of its time zone, at which each message left that has to leave in a window.
fn in_their_window(world: &mut World, campaigns: &[usize]) -> anyhow::Result<()> {
    let zone = TimeZone::get(ZONE)?;
    let mut invariant = Invariant::new("nobody is written to while the window is shut");
    for ((campaign, person), times) in sink_times(world) {
        for (step, at) in times.into_iter().filter(|_| campaigns.contains(&campaign)) {
            let open = |at: Timestamp| OPEN.contains(&at.to_zoned(zone.clone()).hour());
            // What leaves at its last moment arrives after it.
            let fine = open(at) || open(at - TOLERANCE);
            invariant.holds(fine, || format!("campaign {campaign} step {step} person {person} at {at}"));
        }
    }
    world.more.push(invariant);
    Ok(())
}

/// Messages where clocks are wrong, at most: two campaigns of two steps.
pub(super) const SKEWED: usize = 2 * 2 * 2_000;

pub(super) async fn skewed(play: &Play) -> anyhow::Result<World> {
    let people = (play.messages / (2 * 2)).clamp(GROUPS, SKEWED / (2 * 2));
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
    never_early(&mut world, [SignedDuration::from_hours(24) - SKEW - SKEW - TOLERANCE]);
    Ok(world)
}

/// Looks at when each person got each step. The second comes no sooner after the first than the first of `least` says, and so on.
fn never_early<const N: usize>(world: &mut World, least: [SignedDuration; N]) {
    let mut invariant = Invariant::new("no step comes before its delay is over");
    for ((campaign, person), times) in sink_times(world) {
        for pair in times.windows(2) {
            let [(before, then), (step, now)] = [pair[0], pair[1]];
            if step == before + 1 {
                let between = now.duration_since(then);
                let fine = least.get(usize::from(before) - 1).is_some_and(|least| between >= *least);
                invariant.holds(fine, || format!("campaign {campaign} step {step} person {person}: {between:?}"));
            }
        }
    }
    world.more.push(invariant);
}
