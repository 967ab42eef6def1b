//! What is done to the product, and with how many messages.

mod calendar;
mod chance;
mod events;
mod mixed;
mod queues;
mod races;
mod sweeps;

use std::path::PathBuf;
use std::sync::Arc;

use super::world::{GROUPS, Making, World};

/// What is thrown at the product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    /// Kills of `send` at every call.
    KillSend,
    /// The same through a relay.
    KillRelay,
    /// Kills of `campaigns` at every call of a launch, a resume and a cancel.
    KillCommand,
    /// Kills of `fan-out` at every call.
    KillFanOut,
    /// Kills of `follow-up` and of `send` in a later step.
    KillSequence,
    /// Kills of `feedback` at every call; events in every order, and twice.
    KillFeedback,
    /// Batches of events of which `feedback` fails at one, or in the middle of which it dies, at every call.
    Batches,
    /// Kills of `replies` at every call.
    KillReplies,
    /// Every call is throttled, or its transaction cancelled.
    Refused,
    /// Every call is lost before it is heard, or its answer is.
    Lost,
    /// The same in a conversation with a relay.
    LostRelay,
    /// Opt-outs at every call.
    OptOuts,
    /// A pause, a cancel and the loss of a channel at every call.
    Commands,
    /// Messages that come ten times, late and out of order, and such as nobody can read.
    Repeated,
    /// Clocks that are wrong by ten minutes.
    Skewed,
    /// Leap days, and nights when clocks change.
    Calendar,
    /// SES and a relay that fall silent until whoever waits for them gives up.
    Silent,
    /// Variants, absences, companies that an answer stops, and opt-outs, in a sequence killed at random.
    Mixed,
    /// Kills, lost answers, repeated messages and opt-outs at random, through SES.
    Random,
    /// The same through a relay.
    RandomRelay,
}

impl Scenario {
    /// All of them.
    pub const ALL: [Scenario; 20] = [
        Scenario::KillSend,
        Scenario::KillRelay,
        Scenario::KillCommand,
        Scenario::KillFanOut,
        Scenario::KillSequence,
        Scenario::KillFeedback,
        Scenario::Batches,
        Scenario::KillReplies,
        Scenario::Refused,
        Scenario::Lost,
        Scenario::LostRelay,
        Scenario::OptOuts,
        Scenario::Commands,
        Scenario::Repeated,
        Scenario::Skewed,
        Scenario::Calendar,
        Scenario::Silent,
        Scenario::Mixed,
        Scenario::Random,
        Scenario::RandomRelay,
    ];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Scenario::KillSend => "kill-send",
            Scenario::KillRelay => "kill-relay",
            Scenario::KillCommand => "kill-command",
            Scenario::KillFanOut => "kill-fan-out",
            Scenario::KillSequence => "kill-sequence",
            Scenario::KillFeedback => "kill-feedback",
            Scenario::Batches => "batches",
            Scenario::KillReplies => "kill-replies",
            Scenario::Refused => "refused",
            Scenario::Lost => "lost",
            Scenario::LostRelay => "lost-relay",
            Scenario::OptOuts => "opt-outs",
            Scenario::Commands => "commands",
            Scenario::Repeated => "repeated",
            Scenario::Skewed => "skewed",
            Scenario::Calendar => "calendar",
            Scenario::Silent => "silent",
            Scenario::Mixed => "mixed",
            Scenario::Random => "random",
            Scenario::RandomRelay => "random-relay",
        }
    }

    /// What it does, in a line.
    pub const fn what(self) -> &'static str {
        match self {
            Scenario::KillSend => "send is killed before and after each of its calls",
            Scenario::KillRelay => "the same, in conversation with a relay",
            Scenario::KillCommand => {
                "campaigns is killed before and after each call of a launch, a resume and a cancel"
            }
            Scenario::KillFanOut => "fan-out is killed before and after each of its calls: launch, end, resume",
            Scenario::KillSequence => "follow-up, and send in a second step, are killed before and after each call",
            Scenario::KillFeedback => "feedback is killed at each call; events come in every order, and twice",
            Scenario::Batches => "feedback fails at each event of a batch, or dies at each call of it",
            Scenario::KillReplies => "replies is killed before and after each of its calls",
            Scenario::Refused => "each call is throttled or cancelled, once and for the rest of an invocation",
            Scenario::Lost => "the connection is cut before and after each call, acceptance by SES included",
            Scenario::LostRelay => "the same at each command of a conversation with a relay",
            Scenario::OptOuts => "somebody opts out while send waits at each of its calls",
            Scenario::Commands => "pause, cancel and the loss of a channel while send or fan-out waits at each call",
            Scenario::Repeated => "messages come up to ten times, late, out of order; some cannot be read",
            Scenario::Skewed => "clocks are up to ten minutes wrong, each time anew",
            Scenario::Calendar => "sequences over leap days and nights when clocks change, killed at random",
            Scenario::Silent => "SES and a relay do not answer for 45 seconds, with or without having taken a message",
            Scenario::Mixed => "variants, absences, companies that an answer stops and opt-outs, killed at random",
            Scenario::Random => "kills, lost and refused calls, repeated messages and opt-outs at random, through SES",
            Scenario::RandomRelay => {
                "the same through a relay that refuses logins, the sender, everybody and somebody now and then"
            }
        }
    }

    /// Its part of the messages; those that do something at every call take what they need.
    pub(super) const fn share(self) -> usize {
        match self {
            Scenario::Repeated => 10,
            Scenario::Skewed => 5,
            Scenario::Calendar => 5,
            Scenario::Mixed => 5,
            Scenario::Random => 45,
            Scenario::RandomRelay => 30,
            _ => 0,
        }
    }
}

impl Scenario {
    /// Messages of a world at most. One world waits more than it computes: a million in several of them take less time.
    pub(super) const fn lot(self) -> usize {
        match self {
            Scenario::Skewed => calendar::SKEWED,
            Scenario::Mixed => mixed::MOST,
            _ => 60_000,
        }
    }
}

/// How a scenario is played.
#[derive(Clone)]
pub struct Play {
    /// Where the functions are.
    pub bin_dir: PathBuf,
    /// What the dice are rolled with.
    pub seed: u64,
    /// Messages, about.
    pub messages: usize,
    /// People of a chunk where something is done at every call: each of them is a call more.
    pub chunk: usize,
    /// Hears how far it is.
    pub say: Say,
}

/// Hears lines.
pub type Say = Arc<dyn Fn(&str) + Send + Sync>;

impl Play {
    /// A world where something is done at every call: each of its groups is a chunk.
    fn chunks(&self) -> Making {
        self.one_by_one(self.chunk * GROUPS)
    }

    /// A world where each function that works on campaigns has one process, so that its calls can be counted.
    fn one_by_one(&self, people: usize) -> Making {
        let alone = ["fan-out", "send", "feedback", "follow-up", "replies"].map(|name| (name.to_owned(), 1));
        Making { concurrency: alone.into(), ..self.many(people) }
    }

    /// A world as it is on AWS.
    fn many(&self, people: usize) -> Making {
        let (bin_dir, seed, say) = (self.bin_dir.clone(), self.seed, Arc::clone(&self.say));
        Making { bin_dir, seed, say, concurrency: [].into(), relay: false, people, colleagues: 1, at: None }
    }
}

/// Plays it to its end, and leaves everything settled.
pub(super) async fn play(scenario: Scenario, play: &Play) -> anyhow::Result<World> {
    let mut world = match scenario {
        Scenario::KillSend => sweeps::kill_send(play, false).await,
        Scenario::KillRelay => sweeps::kill_send(play, true).await,
        Scenario::KillCommand => sweeps::kill_command(play).await,
        Scenario::KillFanOut => sweeps::kill_fan_out(play).await,
        Scenario::KillSequence => sweeps::kill_sequence(play).await,
        Scenario::Refused => sweeps::refused(play).await,
        Scenario::Lost => sweeps::lost(play, false).await,
        Scenario::LostRelay => sweeps::lost(play, true).await,
        Scenario::KillFeedback => events::feedback(play).await,
        Scenario::Batches => events::batches(play).await,
        Scenario::KillReplies => events::replies(play).await,
        Scenario::OptOuts => races::opt_outs(play).await,
        Scenario::Commands => races::commands(play).await,
        Scenario::Repeated => queues::repeated(play).await,
        Scenario::Skewed => calendar::skewed(play).await,
        Scenario::Calendar => calendar::nights(play).await,
        Scenario::Silent => chance::silent(play).await,
        Scenario::Mixed => mixed::all(play).await,
        Scenario::Random => chance::all(play, false).await,
        Scenario::RandomRelay => chance::all(play, true).await,
    }?;
    world.settle().await?;
    Ok(world)
}
