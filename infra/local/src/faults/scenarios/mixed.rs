//! What sequences can do besides, at random kills: variants, absences, and companies that an answer stops.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use anyhow::Context as _;
use jiff::{SignedDuration, Timestamp};
use rand::seq::SliceRandom as _;
use serde_json::{Value, json};

use super::Play;
use super::chance::objecting;
use super::events::answers_of;
use crate::backends::ses::receiving::Scan;
use crate::faults::deeds::{Chance, Deed, Doing};
use crate::faults::truth::{Invariant, campaign_of, step_of};
use crate::faults::world::{Launched, Making, World};
use crate::mailbox::Stored;

/// People of a company.
const COLLEAGUES: usize = 3;
/// One in so many answers.
const ANSWERS: usize = 15;
/// One in so many is away.
const AWAY: usize = 6;
/// Messages at most, in three steps.
pub(super) const MOST: usize = 3 * 3_000;
/// A Monday morning.
const BEGINS: &str = "2027-03-01T08:00:00Z";
/// What those who are away say, and before when nobody writes to them.
const SAYS: &str = "Je suis absente jusqu'au 5 mars 2027.";
const BACK: &str = "2027-03-07T23:00:00Z";

pub(super) async fn all(play: &Play) -> anyhow::Result<World> {
    let people = (play.messages / 3).clamp(60, MOST / 3);
    let making = Making { at: Some(BEGINS.parse()?), colleagues: COLLEAGUES, ..play.many(people) };
    let mut world = World::make(making).await?;
    world.breaks(&json!({ "sqs": { "deliveries": 2, "late_ms": 300, "shuffle_seed": play.seed } }))?;
    let odds = [("send", 250), ("fan-out", 40), ("feedback", 150), ("replies", 60), ("follow-up", 40)];
    world.director.does(Doing::Chance(Chance::new(Deed::Kill, &odds, play.seed)));
    let launched = world.launch_content(3, with_variants).await?;
    world.settle().await?;
    world.read_links();
    let mut writing = answers_of(&world);
    writing.shuffle(&mut world.chance);
    let away = writing.split_off(writing.len() - writing.len() / AWAY);
    let answering = writing.split_off(writing.len() - writing.len() / ANSWERS);
    for (person, to) in &away {
        write_back(&world, person, to, "Réponse automatique : absence", "Auto-Submitted: auto-replied\r\n", SAYS)?;
    }
    for (person, to) in &answering {
        write_back(&world, person, to, "Re: Question", "", "Oui, appelez-moi lundi.")?;
    }
    objecting(&mut world, people / 50).await?;
    world.settle().await?;
    let known_at = world.stack.clock().now();
    for _ in 0..12 {
        world.pass(SignedDuration::from_hours(24)).await?;
    }
    world.does("killed", Doing::Nothing);
    world.breaks(&json!({}))?;
    world.pass(SignedDuration::from_hours(24)).await?;

    let mails = mails_of(&world, &launched);
    no_two_variants(&mut world, &launched, &mails).await?;
    nobody_away(&mut world, &away, &mails)?;
    no_colleague(&mut world, &answering, &mails, known_at)?;
    Ok(world)
}

/// Two variants of each step; an answer stops it for the whole company.
fn with_variants(content: &mut Value) {
    content["stop_company_on_reply"] = json!(true);
    for (step, number) in content["steps"].as_array_mut().into_iter().flatten().zip(1..) {
        let text =
            |variant: &str| json!({ "text": format!("Step {number}.\n\nVariant {variant}, {{{{ first_name }}}}.") });
        step["variants"] = json!([text("A"), text("B")]);
    }
}

fn write_back(world: &World, person: &str, to: &str, subject: &str, header: &str, words: &str) -> anyhow::Result<()> {
    let from = world.people.get(person).context("nobody")?;
    let raw = format!(
        "From: Zoé Martin <{from}>\r\nTo: {to}\r\nSubject: {subject}\r\nMessage-ID: <1@{from}>\r\n{header}\
         In-Reply-To: <0102@eu-west-3.amazonses.com>\r\nMIME-Version: 1.0\r\n\
         Content-Type: text/plain; charset=utf-8\r\n\r\n{words}\r\n"
    );
    let taken = world.stack.backends().receiving().receive(&[to.to_owned()], raw.as_bytes(), Scan::default())?;
    anyhow::ensure!(taken, "nobody takes answers in");
    Ok(())
}

/// What somebody got of the campaign: by address and step.
fn mails_of(world: &World, launched: &Launched) -> BTreeMap<(String, u8), Vec<Stored>> {
    let mut mails: BTreeMap<(String, u8), Vec<Stored>> = BTreeMap::new();
    for stored in world.stack.backends().mailbox().all() {
        if campaign_of(&stored) == Some(launched.number)
            && let Some(to) = stored.envelope.envelope_to.first().cloned()
        {
            mails.entry((to, step_of(&stored))).or_default().push(stored);
        }
    }
    mails
}

/// The variant that a message is of, as its text says.
fn variant_of(stored: &Stored) -> Option<String> {
    let parsed = mail_parser::MessageParser::default().parse(&stored.raw[..])?;
    let text = parsed.body_text(0)?;
    let line = text.lines().find_map(|line| line.trim().strip_prefix("Variant "))?;
    Some(line.chars().take(1).collect())
}

async fn no_two_variants(
    world: &mut World,
    launched: &Launched,
    mails: &BTreeMap<(String, u8), Vec<Stored>>,
) -> anyhow::Result<()> {
    let mut invariant = Invariant::new("everybody gets one variant of a step, and is counted with it");
    for recipient in world.customer.recipients(&launched.id).await? {
        let Some(email) = world.people.get(&recipient.person) else { continue };
        let got: BTreeSet<Option<String>> =
            mails.get(&(email.clone(), recipient.step)).into_iter().flatten().map(variant_of).collect();
        let fine = got.len() <= 1 && (recipient.status != "sent" || got.first() == Some(&recipient.variant));
        invariant
            .holds(fine, || format!("step {} person {}: {got:?}, {recipient:?}", recipient.step, recipient.person));
    }
    world.more.push(invariant);
    Ok(())
}

fn nobody_away(
    world: &mut World,
    away: &[(String, String)],
    mails: &BTreeMap<(String, u8), Vec<Stored>>,
) -> anyhow::Result<()> {
    let back: Timestamp = BACK.parse()?;
    let mut invariant = Invariant::new("whoever is away gets the next step after their return");
    for (person, _) in away {
        let email = world.people.get(person).context("nobody")?;
        for got in (2..=3).filter_map(|step| mails.get(&(email.clone(), step))).flatten() {
            let at = got.envelope.accepted_at;
            invariant.holds(at >= back, || format!("person {person} at {at}"));
        }
    }
    world.more.push(invariant);
    Ok(())
}

fn no_colleague(
    world: &mut World,
    answering: &[(String, String)],
    mails: &BTreeMap<(String, u8), Vec<Stored>>,
    known_at: Timestamp,
) -> anyhow::Result<()> {
    let domain = |email: &str| email.rsplit('@').next().unwrap_or_default().to_owned();
    let mut answered: HashMap<String, &String> = HashMap::new();
    for (person, _) in answering {
        answered.insert(domain(world.people.get(person).context("nobody")?), person);
    }
    let mut invariant = Invariant::new("nobody at a company gets a step after somebody there has answered");
    for ((email, step), got) in mails.iter().filter(|((_, step), _)| *step > 1) {
        let late = got.iter().any(|stored| stored.envelope.accepted_at > known_at);
        let stopped = answered.contains_key(&domain(email));
        invariant.holds(!(late && stopped), || format!("somebody got step {step} after a colleague's answer"));
    }
    world.more.push(invariant);
    Ok(())
}
