//! A product under faults: its stack, a Sender with people, and every campaign that was launched.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use jiff::{SignedDuration, Timestamp};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::deeds::{Director, Doing, Done, Held};
use super::scenarios::Say;
use super::truth::Invariant;
use crate::backends::Plan;
use crate::customer::{Customer, unsubscribe_link};
use crate::{Options, Stack};

/// How long a queue may take to become empty while nothing moves.
const QUIET: Duration = Duration::from_secs(180);
/// What a killed process held shows again so soon.
const RETRY: Duration = Duration::from_millis(40);
/// What nobody answers for shows again after this. Nothing that is worked on takes so long.
const VISIBILITY: Duration = Duration::from_secs(30);
/// A session is good for a little longer.
const SESSION: SignedDuration = SignedDuration::from_mins(4);
/// How long everything may go on without a message that leaves.
const STUCK: Duration = Duration::from_secs(600);
/// How often it is said how far it is.
const TELL: Duration = Duration::from_secs(60);
/// How often it is looked whether something died.
const LOOK: Duration = Duration::from_millis(1_500);
/// So much time passes at once where somebody waits for a relay.
const WAIT: SignedDuration = SignedDuration::from_mins(5);
/// Within this, chunks that wait for a relay come together.
const STRIDE: SignedDuration = SignedDuration::from_mins(1);
/// Times that somebody asks again for what nothing came of.
const ROUNDS: usize = 200;
/// The same for runs of a schedule, of which each gets through a few chunks before it is killed.
const RUNS: usize = 300;

/// How a world is made.
pub(super) struct Making {
    pub(super) bin_dir: PathBuf,
    pub(super) seed: u64,
    /// Processes at once, by function, where not the default.
    pub(super) concurrency: BTreeMap<String, usize>,
    pub(super) relay: bool,
    pub(super) people: usize,
    /// So many of them are at one domain.
    pub(super) colleagues: usize,
    /// Hears how far it is.
    pub(super) say: Say,
    /// When it begins.
    pub(super) at: Option<Timestamp>,
}

/// A campaign that was launched, and what became of its launch.
#[derive(Clone, Debug)]
pub(super) struct Launched {
    pub(super) id: String,
    /// Its number in subjects.
    pub(super) number: usize,
    pub(super) steps: usize,
    /// People in its audience.
    pub(super) people: usize,
    /// Cancelled on purpose.
    pub(super) cancelled: bool,
}

pub(super) struct World {
    pub(super) stack: Stack,
    pub(super) customer: Customer,
    pub(super) director: Arc<Director>,
    pub(super) chance: StdRng,
    seed: u64,
    /// Addresses by the person's hash.
    pub(super) people: BTreeMap<String, String>,
    /// Links to opt out, by the person's hash.
    links: BTreeMap<String, String>,
    pub(super) campaigns: Vec<Launched>,
    /// What was done to calls, by place.
    pub(super) places: BTreeMap<String, u64>,
    /// Sweeps that did not come to their end.
    pub(super) unfinished: Vec<String>,
    /// Messages that died in a queue and were put back.
    pub(super) redriven: usize,
    /// Messages that nobody can read, put on each of some queues on purpose.
    pub(super) poison: usize,
    /// What else must hold.
    pub(super) more: Vec<Invariant>,
    /// Messages leave by a relay: what it does not take now is due later, and time has to pass for that.
    pub(super) relay: bool,
    /// Whose messages the relay refuses for good, because of who they are or what they get: their addresses begin so.
    pub(super) refused: Vec<&'static str>,
    /// Campaigns that are over.
    ended: HashSet<String>,
    say: Say,
    /// When the session began, by the movable clock.
    signed_in: Timestamp,
}

impl World {
    pub(super) async fn make(making: Making) -> anyhow::Result<World> {
        let options = Options {
            ephemeral: true,
            quiet_logs: true,
            port: Some(0),
            bin_dir: Some(making.bin_dir),
            concurrency: making.concurrency,
            visibility_timeout: Some(VISIBILITY),
            batching_window: Some(Duration::from_millis(50)),
            retry_after: Some(RETRY),
            schedules_on_request: true,
            ..Options::default()
        };
        let stack = Stack::start(options).await?;
        if let Some(at) = making.at {
            stack.clock().set(at);
        }
        let director = Arc::new(Director::default());
        stack.backends().faults().calls().watch(Some(director.clone()));
        let customer = Customer::sign_up(&stack, "camille@atelier.test").await?;
        let channel = if making.relay { relay(&stack) } else { json!({ "kind": "ses" }) };
        customer.identify(&channel).await?;
        let mut world = World {
            stack,
            customer,
            director,
            chance: StdRng::seed_from_u64(making.seed),
            seed: making.seed,
            people: BTreeMap::new(),
            links: BTreeMap::new(),
            campaigns: Vec::new(),
            places: BTreeMap::new(),
            unfinished: Vec::new(),
            redriven: 0,
            poison: 0,
            more: Vec::new(),
            relay: making.relay,
            refused: Vec::new(),
            ended: HashSet::new(),
            say: making.say,
            signed_in: Timestamp::MIN,
        };
        // The account is asked for its rate, and a killed process begins with a tenth of it.
        world.breaks(&json!({}))?;
        world.stay_signed_in().await?;
        world.import(making.people, making.colleagues).await?;
        Ok(world)
    }

    async fn import(&mut self, people: usize, colleagues: usize) -> anyhow::Result<()> {
        let row = |n: usize| format!("p{n}@faults{}.test;Prénom{n};g{}\n", n / colleagues.max(1), n % GROUPS);
        let rows: String = (0..people).map(row).collect();
        let file = format!("email;first_name;tags\n{rows}").into_bytes();
        let yesterday = self.stack.clock().now() - SignedDuration::from_hours(24);
        let announced = self.customer.announce("people.csv", yesterday).await?;
        self.customer.upload(&announced, file).await?;
        let import = self.customer.imported(&announced.id, |_| {}).await?;
        anyhow::ensure!(import.created == people as u64, "{} of {people} people were imported", import.created);
        self.people = self.customer.people().await?.into_iter().collect();
        anyhow::ensure!(self.people.len() == people, "{} of {people} people are there", self.people.len());
        Ok(())
    }

    /// Signs in again before the session ends: time moves here.
    pub(super) async fn stay_signed_in(&mut self) -> anyhow::Result<()> {
        let now = self.stack.clock().now();
        if now.duration_since(self.signed_in).abs() > SESSION {
            self.customer.sign_in().await?;
            self.customer.agree().await?;
            self.signed_in = now;
        }
        Ok(())
    }

    /// Breaks what a plan says, besides.
    pub(super) fn breaks(&self, plan: &Value) -> anyhow::Result<()> {
        let mut plan: Plan = serde_json::from_value(plan.clone()).context("a plan")?;
        plan.seed = Some(self.seed);
        if plan.ses.rate == 0 {
            plan.ses.rate = UNLIMITED;
        }
        self.stack.backends().faults().set(plan);
        Ok(())
    }

    /// Says how far it is.
    pub(super) fn tell(&self, line: &str) {
        (self.say)(line);
    }

    /// Whether the sweep under way is through; says how far it is.
    pub(super) fn is_through(&self) -> bool {
        let through = self.director.is_through();
        if !through {
            self.tell(&self.director.progress());
        }
        through
    }

    /// Does something else to calls from now on.
    pub(super) fn does(&mut self, name: &str, doing: Doing) {
        let Done { places, through } = self.director.does(doing);
        for (place, times) in places {
            *self.places.entry(format!("{name}, {place}")).or_default() += times;
        }
        if !through {
            self.unfinished.push(name.to_owned());
        }
    }

    /// Writes a campaign to everybody, or to a group of people.
    pub(super) async fn write(&mut self, group: Option<usize>, delays: &[Value]) -> anyhow::Result<Launched> {
        self.write_changed(group, delays, |_| ()).await
    }

    /// The same, changed before it is written.
    async fn write_changed(
        &mut self,
        group: Option<usize>,
        delays: &[Value],
        change: impl FnOnce(&mut Value),
    ) -> anyhow::Result<Launched> {
        let number = self.campaigns.len() + 1;
        let mut steps = vec![json!({ "subject": format!("Question {number}"), "text": text(1) })];
        for (step, delay) in (2..).zip(delays) {
            steps.push(json!({ "delay": delay, "text": text(step) }));
        }
        let audience = match group {
            Some(group) => json!({ "tags_any": [format!("g{group}")] }),
            None => json!({ "all": true }),
        };
        let mut content = json!({
            "name": format!("Campaign {number}"), "purpose": "Show what faults do", "audience": audience, "steps": steps,
            "information_notice": "Vos coordonnées viennent d'un salon.",
            "legitimate_interest_assessment": { "interest": "a", "necessity": "b", "balancing": "c" },
        });
        change(&mut content);
        self.stay_signed_in().await?;
        let id = self.customer.write(&content).await?.id;
        let all = self.people.len();
        // The first groups have one more where it does not come out even.
        let people = group.map_or(all, |group| all / GROUPS + usize::from(group < all % GROUPS));
        let launched = Launched { id, number, steps: delays.len() + 1, people, cancelled: false };
        self.campaigns.push(launched.clone());
        Ok(launched)
    }

    /// Writes to everybody, so many steps a day after each other, changed before they are written; and launches it.
    pub(super) async fn launch_content(
        &mut self,
        steps: usize,
        change: impl FnOnce(&mut Value),
    ) -> anyhow::Result<Launched> {
        let delays = vec![json!({ "hours": 20 }); steps - 1];
        let launched = self.write_changed(None, &delays, change).await?;
        self.customer.launch(&launched.id).await?;
        Ok(launched)
    }

    /// Writes and launches a campaign.
    pub(super) async fn launch(&mut self, group: Option<usize>, delays: &[Value]) -> anyhow::Result<Launched> {
        let launched = self.write(group, delays).await?;
        self.customer.launch(&launched.id).await?;
        Ok(launched)
    }

    /// Commands something as people do: whoever is told of a failure looks, and asks again where nothing came of it.
    /// Where something did, nobody asks again, and it has to go on by itself.
    pub(super) async fn insist(&mut self, id: &str, command: &str, before: &str) -> anyhow::Result<()> {
        for _ in 0..ROUNDS {
            let answered = self.customer.command(id, command).await;
            // What answered may be about to die.
            let seen = match self.customer.campaign(id).await {
                Ok(seen) => seen,
                Err(_) => self.customer.campaign(id).await?,
            };
            if answered.is_ok() || seen.status != before {
                let cancelled = command == "cancel";
                self.campaigns.iter_mut().filter(|one| one.id == id).for_each(|one| one.cancelled = cancelled);
                return Ok(());
            }
        }
        bail!("{command} is not carried out");
    }

    /// Waits until nothing goes on any more, whatever is late, and lets everything come to its end.
    pub(super) async fn settle(&mut self) -> anyhow::Result<()> {
        let (mut accepted, mut moved, mut told) = (0, Instant::now(), Instant::now());
        while moved.elapsed() < STUCK {
            if told.elapsed() > TELL {
                self.tell(&format!("{accepted} messages so far; it is {} there", self.stack.clock().now()));
                told = Instant::now();
            }
            let now = self.stack.backends().mailbox().len();
            if now > accepted {
                (accepted, moved) = (now, Instant::now());
            }
            // A campaign looks for its end as long as something of it is among the dead, and that is no quiet.
            let quiet = tokio::select! {
                quiet = self.stack.stride_to_quiet(QUIET, self.stride()) => quiet.map(|()| true)?,
                () = tokio::time::sleep(LOOK) => false,
            };
            let dead = self.redrive()?;
            self.redriven += dead;
            if self.relay && self.due().await? {
                continue;
            }
            if quiet && dead == 0 {
                self.stay_signed_in().await?;
                if self.relay && self.waits().await? {
                    continue;
                }
                return Ok(());
            }
        }
        bail!("messages go on and on, and nothing leaves for {STUCK:?}: a chunk is lost, or dies each time");
    }

    /// How far time goes at once over what nobody waits for: whoever waits for a relay is told to come at seconds of their own.
    const fn stride(&self) -> SignedDuration {
        if self.relay { STRIDE } else { SignedDuration::ZERO }
    }

    /// Puts on the queue what waited for a relay and is due now; whether that was anything.
    async fn due(&self) -> anyhow::Result<bool> {
        let fired = self.stack.fire("follow-up").await?;
        Ok(fired.result["chunks"].as_u64().unwrap_or(0) > 0)
    }

    /// Whether somebody waits for a relay. If so time passes, and whoever pauses for it is resumed.
    async fn waits(&mut self) -> anyhow::Result<bool> {
        let mut waits = false;
        let launched: Vec<Launched> =
            self.campaigns.iter().filter(|one| !self.ended.contains(&one.id)).cloned().collect();
        for Launched { id, .. } in launched {
            let campaign = self.customer.campaign(&id).await?;
            match (campaign.status.as_str(), campaign.paused_because.as_deref()) {
                ("sending", _) => waits = true,
                ("paused", Some("channel_unusable")) => {
                    self.customer.command(&id, "resume").await?;
                    waits = true;
                }
                ("completed" | "cancelled", _) => _ = self.ended.insert(id),
                _ => {}
            }
        }
        if waits {
            self.later(WAIT);
            self.stay_signed_in().await?;
        }
        Ok(waits)
    }

    /// The same where some calls wait until `then` has been done.
    pub(super) async fn settle_holding<T>(
        &mut self,
        held: &mut mpsc::UnboundedReceiver<Held>,
        mut then: impl AsyncFnMut(&mut World, Arc<Value>) -> anyhow::Result<T>,
    ) -> anyhow::Result<()> {
        loop {
            tokio::select! {
                Some(held) = held.recv() => {
                    then(self, held.event).await?;
                    // It may have been killed meanwhile.
                    let _ = held.go_on.send(());
                }
                quiet = self.stack.skip_to_quiet(QUIET) => break quiet?,
            }
        }
        self.settle().await
    }

    /// Puts what died back to where it died, but for what nobody can read; gives how many that were.
    fn redrive(&self) -> anyhow::Result<usize> {
        let mut moved = 0;
        for queue in self.stack.template().queues.iter().filter(|queue| queue.name.contains("DeadLetters")) {
            if self.stack.backends().sqs().counts(&queue.arn)?.visible > self.poison {
                moved += self.stack.backends().sqs().redrive(&queue.arn)?.saturating_sub(self.poison);
            }
        }
        Ok(moved)
    }

    /// Lets time pass.
    pub(super) fn later(&self, time: SignedDuration) {
        let clock = self.stack.clock();
        clock.set(clock.now() + time);
    }

    /// Lets time pass, and what became due for its next step leave.
    pub(super) async fn pass(&mut self, time: SignedDuration) -> anyhow::Result<()> {
        self.later(time);
        let mut last = String::new();
        for _ in 0..RUNS {
            // Twice, and together: what a schedule does at its worst. A run that is killed comes again.
            let (one, other) = tokio::join!(self.stack.fire("follow-up"), self.stack.fire("follow-up"));
            one.and(other)?;
            self.settle().await?;
            // Where every process dies at its end, one of the two always has none.
            let alone = self.stack.fire("follow-up").await?;
            self.settle().await?;
            if alone.ok && alone.result["chunks"] == 0 {
                return Ok(());
            }
            last = alone.result.to_string();
        }
        bail!("chunks go on being due: follow-up said at last {last}");
    }

    /// Remembers how each person opts out, from the messages they got.
    pub(super) fn read_links(&mut self) {
        let addresses: HashMap<&str, &str> =
            self.people.iter().map(|(hash, email)| (email.as_str(), hash.as_str())).collect();
        for stored in self.stack.backends().mailbox().all() {
            let to = stored.envelope.envelope_to.first().and_then(|to| addresses.get(to.as_str()));
            if let Some((hash, link)) = to.zip(unsubscribe_link(&stored.raw)) {
                self.links.insert((*hash).to_owned(), link);
            }
        }
    }

    /// One who can opt out and has not, among these; chance picks.
    pub(super) fn somebody(&mut self, among: &[String]) -> Option<String> {
        let can: Vec<&String> = among.iter().filter(|hash| self.links.contains_key(*hash)).collect();
        let picked = (!can.is_empty()).then(|| self.chance.random_range(0..can.len()))?;
        can.get(picked).map(|hash| (*hash).clone())
    }

    /// Opts somebody out; their 200 has come on return.
    pub(super) async fn object(&mut self, hash: &str) -> anyhow::Result<()> {
        let link = self.links.remove(hash).context("nobody whose link is known")?;
        let began = Instant::now();
        while !self.customer.one_click(&link).await?.is_success() {
            anyhow::ensure!(began.elapsed() < QUIET, "an opt-out is not taken");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// The queue of a function.
    pub(super) fn queue(&self, name: &str) -> anyhow::Result<String> {
        let suffix = format!("-{name}Queue");
        let queue = self.stack.template().queues.iter().find(|queue| queue.name.ends_with(&suffix));
        Ok(queue.with_context(|| format!("no queue of {name}"))?.arn.clone())
    }
}

/// Groups that people are in, one each.
pub(super) const GROUPS: usize = 20;
/// Messages a second that SES takes: more than there are.
const UNLIMITED: u64 = 1_000_000;

/// What the text of a step begins with: it tells the steps of a thread apart.
fn text(step: usize) -> String {
    format!("Step {step}.\n\nBonjour {{{{ first_name | default: \"à vous\" }}}}")
}

/// The local relay as a channel.
pub(super) fn relay(stack: &Stack) -> Value {
    json!({
        "kind": "smtp", "host": "localhost", "port": stack.backends().smtp().tls_port(), "security": "tls",
        "username": "atelier", "password": "a relay password",
    })
}
