//! What comes back: events of SES in every order, and answers of people.

use std::collections::HashMap;

use anyhow::Context as _;
use rand::seq::SliceRandom;
use serde_json::json;

use super::Play;
use crate::customer::{Recipient, header};
use crate::faults::deeds::{Chance, Deed, Doing, Sweep};
use crate::faults::truth::Invariant;
use crate::faults::world::{GROUPS, Launched, World};

/// People of a campaign: fewer than a chunk.
const PEOPLE: usize = 30 * GROUPS;
/// People of a campaign whose events come in one batch.
const BATCH: usize = 10;
/// Events or answers for a sweep at most.
const MOST: usize = 120;
/// What may come back for one message.
const KINDS: [&str; 4] = ["Delivery", "Reply", "Bounce", "Complaint"];

pub(super) async fn feedback(play: &Play) -> anyhow::Result<World> {
    let mut world = World::make(play.one_by_one(PEOPLE)).await?;
    // Who bounced gets no more, so that each kind has groups of its own.
    let groups = GROUPS / (KINDS.len() + 1);
    for (number, kind) in KINDS.into_iter().enumerate() {
        let mut told = Vec::new();
        let wanted: &'static [&'static str] = match kind {
            "Delivery" => &["Delivery"],
            "Reply" => &["Reply"],
            "Bounce" => &["Bounce"],
            _ => &["Complaint"],
        };
        world.director.does(Doing::Sweep(Sweep::new("feedback", wanted, Deed::Kill)));
        for group in number * groups..(number + 1) * groups {
            let (launched, recipients) = one_chunk(&mut world, group).await?;
            for at in 0..recipients.len() {
                tell(&world, &launched, &recipients, at, kind)?;
                world.settle().await?;
                told.push((launched.clone(), recipients[at].person.clone()));
                if world.is_through() || told.len() > MOST {
                    break;
                }
            }
            if world.is_through() || told.len() > MOST {
                break;
            }
        }
        world.does("feedback killed", Doing::Nothing);
        let known = match kind {
            "Delivery" => Some("delivered"),
            "Reply" => Some("replied"),
            "Bounce" => Some("bounced"),
            _ => Some("complained"),
        };
        check(&mut world, "an event that feedback died of is known in the end", &told, known).await?;
    }
    orders(&mut world).await?;
    Ok(world)
}

/// All orders of all events, each of them twice, while feedback dies at random.
async fn orders(world: &mut World) -> anyhow::Result<()> {
    let seed = rand::Rng::random(&mut world.chance);
    world.director.does(Doing::Chance(Chance::new(Deed::Kill, &[("feedback", 400)], seed)));
    let (launched, recipients) = one_chunk(world, GROUPS - 1).await?;
    let mut told = Vec::new();
    for (at, order) in permutations(&KINDS).into_iter().enumerate().take(recipients.len()) {
        for kind in order.iter().flat_map(|kind| [kind, kind]) {
            tell(world, &launched, &recipients, at, kind)?;
        }
        told.push((launched.clone(), recipients[at].person.clone()));
    }
    world.settle().await?;
    world.does("feedback killed", Doing::Nothing);
    check(world, "events in all orders, and twice, end in the same state", &told, Some("complained")).await
}

fn permutations<T: Copy>(items: &[T]) -> Vec<Vec<T>> {
    if items.is_empty() {
        return vec![Vec::new()];
    }
    let with_first = |at: usize| {
        let mut rest = items.to_vec();
        let first = rest.remove(at);
        permutations(&rest).into_iter().map(move |tail| [vec![first], tail].concat())
    };
    (0..items.len()).flat_map(with_first).collect()
}

/// A campaign to one group, which is one chunk: who is where in it.
async fn one_chunk(world: &mut World, group: usize) -> anyhow::Result<(Launched, Vec<Recipient>)> {
    world.release().await;
    let launched = world.launch(Some(group), &[]).await?;
    world.settle().await?;
    Ok((launched.clone(), world.customer.recipients(&launched.id).await?))
}

/// Puts an event about the message to one person of the first chunk on the queue, as SES does.
fn tell(world: &World, launched: &Launched, people: &[Recipient], at: usize, kind: &str) -> anyhow::Result<()> {
    let person = &people.get(at).context("nobody there")?.person;
    let workspace = world.workspace()?;
    let tags = json!({
        "workspace": [workspace], "campaign": [launched.id], "step": ["1"], "subject": [person], "chunk": ["0"],
        "index": [at.to_string()],
    });
    let event = json!({ "eventType": kind, "mail": { "tags": tags }, "bounce": { "bounceType": "Permanent" } });
    world.stack.backends().sqs().send(&world.queue("Feedback")?, event.to_string())
}

/// Whether these people are in the state that they should be in.
async fn check(
    world: &mut World,
    what: &'static str,
    told: &[(Launched, String)],
    reason: Option<&str>,
) -> anyhow::Result<()> {
    world.stay_signed_in().await?;
    let mut invariant = Invariant::new(what);
    let mut known: HashMap<&str, Vec<Recipient>> = HashMap::new();
    for (launched, person) in told {
        if !known.contains_key(launched.id.as_str()) {
            known.insert(&launched.id, world.customer.recipients(&launched.id).await?);
        }
        let recipients = known.get(launched.id.as_str()).into_iter().flatten();
        let found = recipients.clone().find(|recipient| recipient.person == *person && recipient.step == 1);
        let fine = found.is_some_and(|found| found.status == "sent" && found.reason.as_deref() == reason);
        invariant.holds(fine, || format!("campaign {} person {person}: {found:?}", launched.number));
    }
    world.more.push(invariant);
    Ok(())
}

/// Batches of events of which one fails, whichever it is, or in the middle of which `feedback` dies.
pub(super) async fn batches(play: &Play) -> anyhow::Result<World> {
    let mut world = World::make(play.one_by_one(BATCH * GROUPS)).await?;
    for (name, deed) in [("refused in a batch", Deed::Deny), ("killed in a batch", Deed::Kill)] {
        for kind in ["Reply", "Delivery"] {
            let mut told = Vec::new();
            let wanted: &'static [&'static str] = if kind == "Reply" { &["Reply"] } else { &["Delivery"] };
            world.director.does(Doing::Sweep(Sweep::new("feedback", wanted, deed.clone())));
            for round in 0..MOST {
                let (launched, recipients) = one_chunk(&mut world, round % GROUPS).await?;
                for at in 0..recipients.len() {
                    tell(&world, &launched, &recipients, at, kind)?;
                    told.push((launched.clone(), recipients[at].person.clone()));
                }
                world.settle().await?;
                if world.is_through() {
                    break;
                }
            }
            world.does(&format!("feedback {name}, {kind}"), Doing::Nothing);
            let known = if kind == "Reply" { "replied" } else { "delivered" };
            check(&mut world, "every event of a batch that fails in part is known in the end", &told, Some(known))
                .await?;
        }
    }
    Ok(world)
}

pub(super) async fn replies(play: &Play) -> anyhow::Result<World> {
    let mut world = World::make(play.one_by_one(PEOPLE)).await?;
    let launched = world.launch(None, &[json!({ "hours": 20 })]).await?;
    world.settle().await?;
    let mut answering = answers_of(&world);
    answering.shuffle(&mut world.chance);
    let mut answered = Vec::new();
    for (name, words) in [("answer", "Oui, appelez-moi lundi."), ("opt-out", "Désabonnez-moi, merci.")] {
        world.director.does(Doing::Sweep(Sweep::new("replies", &["Received"], Deed::Kill)));
        for number in 0..MOST {
            let Some((person, to)) = answering.pop() else { break };
            let from = world.people.get(&person).context("nobody")?;
            let raw = format!(
                "From: Zoé Martin <{from}>\r\nTo: {to}\r\nSubject: Re: {name} {number}\r\nMessage-ID: <{number}@{from}>\r\n\
                 In-Reply-To: <0102@eu-west-3.amazonses.com>\r\nMIME-Version: 1.0\r\n\
                 Content-Type: text/plain; charset=utf-8\r\n\r\n{words}\r\n"
            );
            let taken = world.stack.backends().receiving().receive(&[to], raw.as_bytes(), Default::default())?;
            anyhow::ensure!(taken, "nobody takes answers in");
            world.settle().await?;
            answered.push((launched.clone(), person, format!("Re: {name} {number}")));
            if world.is_through() {
                break;
            }
        }
        world.does(&format!("replies killed, {name}"), Doing::Nothing);
    }
    let told: Vec<(Launched, String)> =
        answered.iter().map(|(launched, who, _)| (launched.clone(), who.clone())).collect();
    check(&mut world, "an answer that replies died of is known in the end", &told, Some("replied")).await?;
    passed_on(&mut world, &answered);
    world.pass(jiff::SignedDuration::from_hours(30)).await?;
    stopped(&mut world, &launched, &told).await?;
    Ok(world)
}

/// Where each person's answers go.
pub(super) fn answers_of(world: &World) -> Vec<(String, String)> {
    let people: HashMap<&str, &String> = world.people.iter().map(|(hash, email)| (email.as_str(), hash)).collect();
    let all = world.stack.backends().mailbox().all();
    let answers = all.iter().filter_map(|stored| {
        let person = people.get(stored.envelope.envelope_to.first()?.as_str())?;
        let to = header(&stored.raw, "Reply-To")?;
        Some(((*person).clone(), to.trim_matches(['<', '>']).to_owned()))
    });
    answers.collect()
}

/// Whether whoever made the campaign got every answer; one that replies died of may come twice.
fn passed_on(world: &mut World, answered: &[(Launched, String, String)]) {
    let mut invariant = Invariant::new("an answer reaches whoever made the campaign");
    let all = world.stack.backends().mailbox().all();
    let subjects: Vec<String> = all
        .iter()
        .filter(|stored| stored.envelope.envelope_to.contains(&world.customer.email))
        .filter_map(|stored| header(&stored.raw, "Subject"))
        .collect();
    for (.., subject) in answered {
        invariant.holds(subjects.iter().any(|known| known == subject), || subject.clone());
    }
    world.more.push(invariant);
}

/// Whether nobody who answered got the next step.
async fn stopped(world: &mut World, launched: &Launched, told: &[(Launched, String)]) -> anyhow::Result<()> {
    world.stay_signed_in().await?;
    let mut invariant = Invariant::new("whoever answered gets no further step");
    let recipients = world.customer.recipients(&launched.id).await?;
    for (_, person) in told {
        let found = recipients.iter().find(|recipient| recipient.person == *person && recipient.step == 2);
        let fine = found.is_some_and(|found| found.status == "refused");
        invariant.holds(fine, || format!("person {person}: {found:?}"));
    }
    world.more.push(invariant);
    Ok(())
}

impl World {
    /// Lets a workspace go on that was suspended: so many bounces and complaints do that. The operator's order is refused where it
    /// was not.
    async fn release(&self) {
        let Ok(workspace) = self.workspace() else { return };
        let lift = json!({ "workspace": workspace, "reason": "An exercise" });
        let order = json!({ "time": self.stack.clock().now(), "lift_suspension": lift });
        // Not suspended: there is nothing to lift.
        let _ = self.stack.invoke("staff", &order).await;
    }

    /// The Sender's id, as the queue of chunks or any other store has it.
    fn workspace(&self) -> anyhow::Result<String> {
        let claim = self.director.ledger.workspace().context("nothing was claimed yet")?;
        Ok(claim)
    }
}

/// What is needed of JSON in this module's tests.
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_so_many_orders() {
        let all = permutations(&KINDS);
        assert_eq!(all.len(), 24);
        let different: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(different.len(), 24);
        assert_eq!(permutations::<u8>(&[]).len(), 1);
    }
}
