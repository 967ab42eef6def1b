//! What must hold, whatever happened: the product's word against the mail that was really accepted.

use std::collections::{BTreeMap, HashMap, HashSet};

use domain::sequence::FIRST;
use jiff::Timestamp;
use serde::Serialize;

use super::world::{Launched, World};
use crate::customer::header;
use crate::mailbox::Stored;

/// One of the invariants, and what speaks against it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Invariant {
    /// What must hold.
    pub what: &'static str,
    /// How often it was looked at.
    pub looked_at: u64,
    /// How often it did not hold.
    pub broken: u64,
    /// The first of these.
    pub examples: Vec<String>,
    /// A run may well have nothing to look at. One of the others that was never looked at proves nothing, and is reported.
    pub rare: bool,
}

/// Broken ones that are described.
const EXAMPLES: usize = 5;

impl Invariant {
    pub(super) fn new(what: &'static str) -> Invariant {
        Invariant { what, ..Invariant::default() }
    }

    /// One that is about what does not happen in every run.
    pub(super) fn rare(what: &'static str) -> Invariant {
        Invariant { rare: true, ..Invariant::new(what) }
    }

    /// Whether it had to be looked at, and was not.
    pub(super) fn is_idle(&self) -> bool {
        self.looked_at == 0 && !self.rare
    }

    /// Looks once.
    pub(super) fn holds(&mut self, held: bool, otherwise: impl FnOnce() -> String) {
        self.looked_at += 1;
        if !held {
            self.broken += 1;
            if self.examples.len() < EXAMPLES {
                self.examples.push(otherwise());
            }
        }
    }

    /// Adds another look at the same.
    pub(super) fn join(&mut self, other: &Invariant) {
        self.looked_at += other.looked_at;
        self.broken += other.broken;
        let room = EXAMPLES - self.examples.len().min(EXAMPLES);
        self.examples.extend(other.examples.iter().take(room).cloned());
    }
}

/// What was counted.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Counted {
    /// Messages of campaigns that SES or the relay accepted.
    pub accepted: u64,
    /// Of these, how many somebody got a second time.
    pub duplicates: u64,
    /// People in a step whom nobody knows anything of, or who got a message that is not known of.
    pub lost: u64,
    /// People in a step of whom nobody can tell whether they got its message.
    pub unknown: u64,
    /// People in a step whose message the channel certainly did not take.
    pub failed: u64,
    /// People in a step, refused ones included.
    pub audience: u64,
    /// Opt-outs while messages left.
    pub objections: u64,
}

impl Counted {
    pub(super) fn add(&mut self, other: &Counted) {
        self.accepted += other.accepted;
        self.duplicates += other.duplicates;
        self.lost += other.lost;
        self.unknown += other.unknown;
        self.failed += other.failed;
        self.audience += other.audience;
        self.objections += other.objections;
    }
}

pub(super) struct Truth {
    pub(super) counted: Counted,
    pub(super) invariants: Vec<Invariant>,
}

/// Looks at everything once all is over.
pub(super) async fn look(world: &World) -> anyhow::Result<Truth> {
    let mut once = Invariant::new("at most one acceptance for each campaign, step and person");
    let mut final_state = Invariant::new("everybody is in one final state, or unknown");
    let mut known = Invariant::new("whoever got a message is sent or unknown");
    let mut real = Invariant::rare("whoever is sent got a message");
    let mut reasons = Invariant::rare("whoever is refused the first step of a campaign that goes on was suppressed");
    let mut opted_out = Invariant::new("nobody is claimed after their suppression's commit and written to");
    let mut read = Invariant::new("nobody is written to whose suppression's commit came before it was looked for");
    let mut fair = Invariant::rare("nobody has failed because of the channel");
    let mut sums = Invariant::new("counts add up to the audience, and are those of the people");
    let mut over = Invariant::new("every campaign comes to its end");
    let mut queues = Invariant::new("nothing is left in queues but what nobody can read");

    let mut counted = Counted { objections: world.director.ledger.objections() as u64, ..Counted::default() };
    let mut sink = sink(world);
    for launched in &world.campaigns {
        let campaign = world.customer.campaign(&launched.id).await?;
        let expected = if launched.cancelled { "cancelled" } else { "completed" };
        over.holds(campaign.status == expected, || format!("campaign {} is {}", launched.number, campaign.status));

        let recipients = world.customer.recipients(&launched.id).await?;
        let mut seen: HashMap<(String, u8), String> = HashMap::with_capacity(recipients.len());
        let mut by_status: BTreeMap<String, u64> = BTreeMap::new();
        let mut returned: HashSet<(String, u8)> = HashSet::new();
        for recipient in recipients {
            let place = (recipient.person, recipient.step);
            final_state.holds(recipient.status != "pending", || format!("{} is pending", at(launched, &place)));
            *by_status.entry(recipient.status.clone()).or_default() += 1;
            let bounced = recipient.reason.as_deref() == Some("bounced");
            if recipient.status == "failed" {
                counted.failed += 1;
            }
            if recipient.status == "failed" || bounced {
                let address = world.people.get(&place.0).map_or("", String::as_str);
                let theirs = !world.relay || world.refused.iter().any(|begins| address.starts_with(begins));
                fair.holds(theirs, || format!("{} has failed or bounced", at(launched, &place)));
            }
            // What came back at once was in nobody's mailbox.
            if bounced {
                returned.insert(place.clone());
            }
            let twice = seen.insert(place.clone(), recipient.status);
            final_state.holds(twice.is_none(), || format!("{} has two outcomes", at(launched, &place)));
        }
        let audience = campaign.counts.audience;
        final_state.holds(seen.len() as u64 == audience, || {
            format!("campaign {} has {audience} messages and {} outcomes", launched.number, seen.len())
        });
        let expected = (launched.people * launched.steps) as u64;
        final_state.holds(audience == expected, || {
            format!("campaign {} is for {expected} messages and has {audience}", launched.number)
        });
        counted.lost += expected.saturating_sub(seen.values().filter(|status| *status != "pending").count() as u64);
        sums.holds(campaign.counts.settled() + campaign.counts.pending == audience, || {
            format!("campaign {}: {:?}", launched.number, campaign.counts)
        });
        let counts = &campaign.counts;
        for (status, count) in
            [("sent", counts.sent), ("refused", counts.refused), ("failed", counts.failed), ("unknown", counts.unknown)]
        {
            let people = by_status.get(status).copied().unwrap_or(0);
            sums.holds(people == count, || {
                format!("campaign {}: {count} {status} are counted and {people} are there", launched.number)
            });
        }
        counted.audience += expected;
        counted.unknown += by_status.get("unknown").copied().unwrap_or(0);

        let mut accepted = sink.remove(&launched.number).unwrap_or_default();
        for (place, status) in &seen {
            let got = accepted.remove(place).unwrap_or(0);
            counted.accepted += got;
            counted.duplicates += got.saturating_sub(1);
            once.holds(got <= 1, || format!("{} got {got} messages", at(launched, place)));
            if got > 0 {
                let fine = matches!(status.as_str(), "sent" | "unknown");
                known.holds(fine, || format!("{} got a message and is {status}", at(launched, place)));
                counted.lost += u64::from(!fine && status != "pending");
                let late = world.director.ledger.claimed_after_suppression(&place.0, &launched.id, place.1);
                opted_out.holds(!late, || format!("{} was suppressed, claimed, and got it", at(launched, place)));
                let late = world.director.ledger.suppressed_before_read(&place.0, &launched.id, place.1);
                read.holds(!late, || format!("{} was suppressed, looked for, and got it", at(launched, place)));
            } else {
                real.holds(status != "sent" || returned.contains(place), || {
                    format!("{} is sent and got nothing", at(launched, place))
                });
                counted.lost += u64::from(status == "sent" && !returned.contains(place));
                // Later steps are refused for what became of the ones before.
                if status == "refused" && place.1 == FIRST && campaign.status != "cancelled" {
                    let why = world.director.ledger.is_suppressed(&place.0);
                    reasons.holds(why, || format!("{} is refused for nothing that happened", at(launched, place)));
                    counted.lost += u64::from(!why);
                }
            }
        }
        for (place, got) in accepted {
            counted.accepted += got;
            counted.duplicates += got.saturating_sub(1);
            counted.lost += 1;
            known.holds(false, || format!("{} got a message and is in no list", at(launched, &place)));
        }
    }
    for queue in &world.stack.template().queues {
        let counts = world.stack.backends().sqs().counts(&queue.arn)?;
        let left = counts.visible + counts.in_flight + counts.delayed;
        let allowed = if queue.name.contains("DeadLetters") { world.poison } else { 0 };
        queues.holds(left <= allowed, || format!("{} has {left}", queue.name));
    }
    let mut invariants = vec![once, final_state, known, real, reasons, opted_out, read, fair, sums, over, queues];
    invariants.extend(world.more.iter().cloned());
    Ok(Truth { counted, invariants })
}

fn at(launched: &Launched, (person, step): &(String, u8)) -> String {
    format!("campaign {} step {step} person {person}", launched.number)
}

/// How often each person got each step of each campaign.
fn sink(world: &World) -> HashMap<usize, HashMap<(String, u8), u64>> {
    let people: HashMap<&str, &String> = world.people.iter().map(|(hash, email)| (email.as_str(), hash)).collect();
    let mut sink: HashMap<usize, HashMap<(String, u8), u64>> = HashMap::new();
    let several = world.campaigns.iter().any(|launched| launched.steps > 1);
    for stored in world.stack.backends().mailbox().all() {
        let person = stored.envelope.envelope_to.first().and_then(|to| people.get(to.as_str()));
        if let (Some(person), Some(number)) = (person, campaign_of(&stored)) {
            let step = if several { step_of(&stored) } else { 1 };
            *sink.entry(number).or_default().entry(((*person).clone(), step)).or_default() += 1;
        }
    }
    sink
}

/// When each person got each step of each campaign, by the movable clock, in the order of steps.
pub(super) fn sink_times(world: &World) -> BTreeMap<(usize, String), Vec<(u8, Timestamp)>> {
    let mut times: BTreeMap<(usize, String), Vec<(u8, Timestamp)>> = BTreeMap::new();
    for stored in world.stack.backends().mailbox().all() {
        if let (Some(number), Some(to)) = (campaign_of(&stored), stored.envelope.envelope_to.first()) {
            let got = (step_of(&stored), stored.envelope.accepted_at);
            times.entry((number, to.clone())).or_default().push(got);
        }
    }
    times.values_mut().for_each(|got| got.sort_unstable());
    times
}

/// The number of the campaign that a message is of: the last word of its subject.
pub(super) fn campaign_of(stored: &Stored) -> Option<usize> {
    header(&stored.raw, "Subject")?.rsplit(' ').next()?.parse().ok()
}

/// The step, as the text says it.
pub(super) fn step_of(stored: &Stored) -> u8 {
    let parsed = mail_parser::MessageParser::default().parse(&stored.raw[..]);
    let text = parsed.as_ref().and_then(|message| message.body_text(0));
    let line = text.as_deref().and_then(|text| text.lines().find_map(|line| line.trim().strip_prefix("Step ")));
    line.and_then(|rest| rest.trim_end_matches('.').parse().ok()).unwrap_or(0)
}
