//! What is done to calls: at each of them in turn, or at random ones.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use super::ledger::Ledger;
use crate::backends::calls::{Act, Call, Side, Watcher};

/// What happens at a call.
#[derive(Clone, Debug)]
pub(super) enum Deed {
    /// The process dies.
    Kill,
    /// It is answered as by an overloaded service, once.
    Refuse,
    /// It is answered as to somebody without the permission, which is not tried again.
    Deny,
    /// The same, and so is every later one of that invocation.
    DenyAll,
    /// Its connection is cut.
    Lose,
    /// Whoever takes messages answers only after this; then it was for nothing, or was done all the same.
    Hang(Duration),
    /// It waits until whoever is told lets it go on.
    Hold(mpsc::UnboundedSender<Held>),
}

/// A call that waits.
#[derive(Debug)]
pub(super) struct Held {
    /// What its function works on.
    pub(super) event: Arc<Value>,
    /// Lets it go on; so does dropping this.
    pub(super) go_on: oneshot::Sender<()>,
}

/// A deed at every call of a function in turn: in its first invocation before the first call, in the next one after it,
/// then before the second call, and so on, until an invocation ends that has no such call.
pub(super) struct Sweep {
    function: &'static str,
    /// The kinds of invocation that have to come to their end.
    wanted: &'static [&'static str],
    deed: Deed,
    /// Nothing is done to invocations of another kind.
    only: bool,
    kinds: BTreeMap<String, Reached>,
    current: Option<Current>,
    /// Connections of processes that are dead: what comes over them is of an invocation before.
    dead: HashSet<u16>,
    places: BTreeMap<String, u64>,
}

/// So many invocations in a row have to be without the next call.
const WITHOUT: usize = 2;
/// Where the last of them had more calls than were struck: how many there are is not always the same.
const OFTEN: usize = 6;

/// How far the sweep is for one kind of invocation.
#[derive(Default)]
struct Reached {
    /// The side of a call that is next.
    next: usize,
    /// Sides of calls of the last invocation that nothing was done to, and that was no repetition.
    length: usize,
    /// Invocations that were without the call that was next, in a row.
    without: usize,
}

/// The invocation under way.
struct Current {
    kind: String,
    event: Arc<Value>,
    /// Sides of its calls so far.
    passed: usize,
    /// The one that is struck.
    target: Option<usize>,
    /// It was.
    struck: bool,
    /// Its connections.
    ports: HashSet<u16>,
    /// Everything is denied from here on.
    down: bool,
}

impl Sweep {
    pub(super) fn new(function: &'static str, wanted: &'static [&'static str], deed: Deed) -> Box<Sweep> {
        Box::new(Sweep {
            function,
            wanted,
            deed,
            only: false,
            kinds: BTreeMap::new(),
            current: None,
            dead: HashSet::new(),
            places: BTreeMap::new(),
        })
    }

    /// The same in invocations of these kinds alone: of a function that does much else.
    pub(super) fn only(function: &'static str, wanted: &'static [&'static str], deed: Deed) -> Box<Sweep> {
        Box::new(Sweep { only: true, ..*Sweep::new(function, wanted, deed) })
    }

    fn begins(&mut self, event: &[u8]) {
        let event: Value = serde_json::from_slice(event).unwrap_or_default();
        let records = event["Records"].as_array();
        // What was struck once comes to its end the next time.
        let fresh = |record: &Value| record["attributes"]["ApproximateReceiveCount"] == "1";
        let fresh = records.is_none_or(|records| records.iter().all(fresh));
        let kind = kind_of(&event);
        if self.only && !self.wanted.contains(&kind.as_str()) {
            self.current = None;
            return;
        }
        let target = fresh.then(|| self.kinds.entry(kind.clone()).or_default().next);
        self.current = Some(Current {
            kind,
            event: Arc::new(event),
            passed: 0,
            target,
            struck: false,
            ports: HashSet::new(),
            down: false,
        });
    }

    fn act(&mut self, call: &Call<'_>) -> Act {
        // What took effect cannot be refused any more.
        let both = !matches!(self.deed, Deed::Refuse | Deed::Deny | Deed::DenyAll);
        if call.side == Side::After && !both && call.service != "runtime" {
            return Act::Go;
        }
        if call.port.is_some_and(|port| self.dead.contains(&port)) {
            return Act::Go;
        }
        let Some(current) = &mut self.current else { return Act::Go };
        current.ports.extend(call.port);
        if current.down {
            if call.service == "runtime" {
                self.current = None;
                return Act::Go;
            }
            return Act::Deny;
        }
        let at = current.passed;
        current.passed += 1;
        if current.target == Some(at) {
            let side = if call.side == Side::Before { "before" } else { "after" };
            let place = format!("{}: {side} {} {}", current.kind, call.service, short(call));
            *self.places.entry(place).or_default() += 1;
            let reached = self.kinds.entry(current.kind.clone()).or_default();
            (reached.next, reached.without) = (at + 1, 0);
            current.struck = true;
            return self.strike(call);
        }
        if call.service == "runtime" && call.side == Side::After {
            let whole = current.target.is_some() && !current.struck;
            let reached = self.kinds.entry(current.kind.clone()).or_default();
            let ports = self.current.take().map(|current| current.ports).unwrap_or_default();
            if whole {
                reached.length = at + 1;
                reached.without += 1;
            }
            // A process that has worked before asks for less: where processes die anyhow, every invocation has a new one.
            if matches!(self.deed, Deed::Kill) {
                self.dead.extend(ports);
                return Act::Kill;
            }
        }
        Act::Go
    }

    fn strike(&mut self, call: &Call<'_>) -> Act {
        let over = call.service == "runtime";
        match &self.deed {
            Deed::Kill => {
                self.dead.extend(self.current.take().map(|current| current.ports).unwrap_or_default());
                Act::Kill
            }
            // The runtime does not refuse.
            Deed::Refuse | Deed::Deny | Deed::DenyAll | Deed::Lose if over => Act::Go,
            Deed::Refuse => Act::Refuse,
            Deed::Deny => Act::Deny,
            Deed::DenyAll => {
                if let Some(current) = &mut self.current {
                    current.down = true;
                }
                Act::Deny
            }
            Deed::Lose => Act::Lose,
            Deed::Hang(time) => Act::Hold(Box::pin(tokio::time::sleep(*time))),
            Deed::Hold(told) => {
                let (go_on, over) = oneshot::channel();
                let event = self.current.as_ref().map(|current| current.event.clone()).unwrap_or_default();
                // Nobody listens any more: it goes on.
                let _ = told.send(Held { event, go_on });
                Act::Hold(Box::pin(async move {
                    let _ = over.await;
                }))
            }
        }
    }

    /// Whether there is no call left, in any of the wanted kinds of invocation.
    fn is_through(&self) -> bool {
        let through = |kind: &Reached| kind.without >= if kind.next >= kind.length { WITHOUT } else { OFTEN };
        self.wanted.iter().all(|kind| self.kinds.get(*kind).is_some_and(through))
    }
}

/// Deeds at random calls of some functions: at one side of a call in so many.
pub(super) struct Chance {
    deed: Deed,
    odds: BTreeMap<&'static str, u32>,
    dice: StdRng,
    struck: BTreeMap<String, u64>,
}

impl Chance {
    pub(super) fn new(deed: Deed, odds: &[(&'static str, u32)], seed: u64) -> Box<Chance> {
        let (odds, dice) = (odds.iter().copied().collect(), StdRng::seed_from_u64(seed));
        Box::new(Chance { deed, odds, dice, struck: BTreeMap::new() })
    }

    fn act(&mut self, call: &Call<'_>) -> Act {
        let Some(one_in) = self.odds.get(call.function) else { return Act::Go };
        if !self.dice.random_ratio(1, *one_in) {
            return Act::Go;
        }
        let act = match &self.deed {
            Deed::Kill => Act::Kill,
            _ if call.service == "runtime" => return Act::Go,
            Deed::Refuse if call.side == Side::Before => Act::Refuse,
            Deed::Deny if call.side == Side::Before => Act::Deny,
            Deed::Lose => Act::Lose,
            Deed::Hang(time) if matches!(call.service, "ses" | "smtp") => {
                Act::Hold(Box::pin(tokio::time::sleep(*time)))
            }
            _ => return Act::Go,
        };
        *self.struck.entry(call.function.to_owned()).or_default() += 1;
        act
    }
}

/// What is done at the moment.
#[derive(Default)]
pub(super) enum Doing {
    /// Nothing.
    #[default]
    Nothing,
    /// Call by call.
    Sweep(Box<Sweep>),
    /// At random.
    Chance(Box<Chance>),
}

/// Looks at every call: notes what happened, and does what is to be done.
#[derive(Default)]
pub(super) struct Director {
    /// What happened.
    pub(super) ledger: Ledger,
    doing: Mutex<Doing>,
}

/// What was done.
#[derive(Debug, Default)]
pub(super) struct Done {
    /// How often, by place or by function.
    pub(super) places: BTreeMap<String, u64>,
    /// Whether a sweep got to its end.
    pub(super) through: bool,
}

impl Director {
    /// Begins with something else; gives what was done so far.
    pub(super) fn does(&self, next: Doing) -> Done {
        match std::mem::replace(&mut *self.doing(), next) {
            Doing::Nothing => Done { through: true, ..Done::default() },
            Doing::Sweep(sweep) => Done { through: sweep.is_through(), places: sweep.places },
            Doing::Chance(chance) => Done { through: true, places: chance.struck },
        }
    }

    /// How far the sweep under way is.
    pub(super) fn progress(&self) -> String {
        match &*self.doing() {
            Doing::Sweep(sweep) => {
                let kinds =
                    sweep.kinds.iter().map(|(kind, reached)| format!("{kind} {} of {}", reached.next, reached.length));
                format!("{}: {}", sweep.function, kinds.collect::<Vec<String>>().join(", "))
            }
            Doing::Nothing | Doing::Chance(_) => String::new(),
        }
    }

    /// Whether the sweep under way has no call left.
    pub(super) fn is_through(&self) -> bool {
        match &*self.doing() {
            Doing::Sweep(sweep) => sweep.is_through(),
            _ => true,
        }
    }

    fn doing(&self) -> MutexGuard<'_, Doing> {
        self.doing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watcher for Director {
    fn act(&self, call: &Call<'_>) -> Act {
        if call.side == Side::After {
            self.ledger.done(call);
        }
        match &mut *self.doing() {
            Doing::Sweep(sweep) if sweep.function == call.function => sweep.act(call),
            Doing::Chance(chance) => chance.act(call),
            _ => Act::Go,
        }
    }

    fn reaches(&self, call: &Call<'_>) {
        self.ledger.reaches(call);
    }

    fn begins(&self, function: &str, event: &[u8]) {
        if let Doing::Sweep(sweep) = &mut *self.doing()
            && sweep.function == function
        {
            sweep.begins(event);
        }
    }
}

/// What an invocation is about: those of one kind make the same calls.
fn kind_of(event: &Value) -> String {
    if let Some(route) = event["routeKey"].as_str() {
        return route.rsplit('/').next().unwrap_or(route).to_owned();
    }
    let Some(record) = event["Records"].get(0) else { return "schedule".to_owned() };
    let body: Value = record["body"].as_str().and_then(|body| serde_json::from_str(body).ok()).unwrap_or_default();
    // SNS wraps what SES says.
    let inner = body["Message"].as_str().and_then(|message| serde_json::from_str::<Value>(message).ok());
    let body = inner.unwrap_or(body);
    if let Some(step) = body["step"].as_u64() {
        let again = if body["tries"].as_u64() > Some(0) { " again" } else { "" };
        return format!("step {step}{again}");
    }
    let task = &body["task"];
    let task = task.as_str().or_else(|| task.as_object()?.keys().next().map(String::as_str));
    task.or_else(|| body["eventType"].as_str())
        .or_else(|| body["notificationType"].as_str())
        .unwrap_or("event")
        .to_owned()
}

/// The name of a call, without what is different each time.
fn short<'a>(call: &'a Call<'_>) -> &'a str {
    call.operation.strip_prefix("POST /v2/email/").unwrap_or(call.operation)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn call(operation: &'static str, service: &'static str, side: Side) -> Call<'static> {
        Call { number: 0, function: "send", port: None, service, operation, request: &[], side, answer: None }
    }

    /// Where processes of a sweep that kills end: after everything.
    const LAST: usize = 5;

    /// An invocation with two calls: at which side of which call it was struck, if at any.
    fn invocation(director: &Director, receives: &str) -> Option<usize> {
        let body = json!({"step": 1, "tries": 0}).to_string();
        let event = json!({"Records": [{"body": body, "attributes": {"ApproximateReceiveCount": receives}}]});
        director.begins("send", event.to_string().as_bytes());
        let calls = [("GetItem", "dynamodb"), ("SendEmail", "ses"), ("response", "runtime")];
        let sides =
            calls.iter().flat_map(|(name, service)| [Side::Before, Side::After].map(|side| (*name, *service, side)));
        sides.enumerate().find_map(|(at, (name, service, side))| {
            matches!(director.act(&call(name, service, side)), Act::Kill).then_some(at)
        })
    }

    #[test]
    fn a_sweep_strikes_at_each_side_of_each_call_once_and_then_is_through() {
        let director = Director::default();
        director.does(Doing::Sweep(Sweep::new("send", &["step 1"], Deed::Kill)));
        for side in 0..6 {
            assert_eq!(invocation(&director, "1"), Some(side));
            assert!(!director.is_through());
            assert_eq!(invocation(&director, "2"), Some(LAST), "what comes again comes to its end");
        }
        assert_eq!(invocation(&director, "1"), Some(LAST));
        assert!(!director.is_through(), "it may have been a shorter one");
        assert_eq!(invocation(&director, "1"), Some(LAST));
        assert!(director.is_through());
        let done = director.does(Doing::Nothing);
        assert!(done.through);
        assert_eq!(done.places.len(), 6);
        assert_eq!(done.places["step 1: before ses SendEmail"], 1);
    }

    #[test]
    fn chance_strikes_only_at_its_functions() {
        let director = Director::default();
        director.does(Doing::Chance(Chance::new(Deed::Kill, &[("send", 1)], 7)));
        assert!(matches!(director.act(&call("GetItem", "dynamodb", Side::Before)), Act::Kill));
        let other = Call { function: "campaigns", ..call("GetItem", "dynamodb", Side::Before) };
        assert!(matches!(director.act(&other), Act::Go));
        assert_eq!(director.does(Doing::Nothing).places["send"], 1);
    }
}
