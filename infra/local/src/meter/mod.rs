//! What the product costs: every AWS call of every function, its capacity units, and the money they are.

pub mod prices;
pub mod units;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;

pub use prices::{Money, Prices};

/// What one kind of call added up to.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Usage {
    /// How many API calls.
    pub count: u64,
    /// How many requests AWS bills for them: SQS bills each 64 KB, SES each recipient.
    pub requests: u64,
    /// Read request units (DynamoDB).
    pub read_units: f64,
    /// Write request units (DynamoDB).
    pub write_units: f64,
    /// Bytes of request and answer bodies.
    pub bytes: u64,
}

impl Usage {
    /// One call, billed as one request.
    pub fn one(bytes: usize) -> Self {
        Self { count: 1, requests: 1, bytes: bytes as u64, ..Self::default() }
    }

    fn add(&mut self, other: &Self) {
        self.count += other.count;
        self.requests += other.requests;
        self.read_units += other.read_units;
        self.write_units += other.write_units;
        self.bytes += other.bytes;
    }
}

/// What one function did.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct FunctionUsage {
    /// How often it was invoked.
    pub invocations: u64,
    /// Billed time, in milliseconds: AWS rounds each invocation up to one.
    pub duration_ms: u64,
    /// Memory × time, in GB-seconds.
    pub gb_seconds: f64,
    /// By AWS call, such as `dynamodb:Query`.
    pub calls: BTreeMap<String, Usage>,
}

/// The meter at one moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Snapshot {
    /// By function (binary name).
    pub functions: BTreeMap<String, FunctionUsage>,
    /// All functions together.
    pub totals: FunctionUsage,
    /// What AWS would ask for it, in US dollars.
    pub money: Money,
}

impl Snapshot {
    /// One kind of call of one function; zero when there was none.
    pub fn of(&self, function: &str, call: &str) -> Usage {
        self.functions.get(function).and_then(|function| function.calls.get(call)).cloned().unwrap_or_default()
    }
}

/// Counts calls while the product runs. Clones count together.
#[derive(Clone, Debug)]
pub struct Meter {
    functions: Arc<Mutex<BTreeMap<String, FunctionUsage>>>,
    prices: Arc<Prices>,
}

impl Meter {
    /// A meter at zero, with the prices of prices.toml.
    ///
    /// # Errors
    ///
    /// prices.toml does not parse.
    pub fn new() -> anyhow::Result<Self> {
        Ok(Self { functions: Arc::default(), prices: Arc::new(Prices::bundled()?) })
    }

    /// Adds one call of `function`, such as `dynamodb:Query`.
    pub fn call(&self, function: &str, call: &str, usage: &Usage) {
        let mut functions = self.functions.lock().unwrap_or_else(PoisonError::into_inner);
        let function = match functions.get_mut(function) {
            Some(function) => function,
            None => functions.entry(function.to_owned()).or_default(),
        };
        match function.calls.get_mut(call) {
            Some(total) => total.add(usage),
            None => {
                function.calls.insert(call.to_owned(), usage.clone());
            }
        }
    }

    /// Adds one invocation of `function`.
    pub fn invocation(&self, function: &str, duration: Duration, memory_mb: u32) {
        let billed = u64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX);
        let mut functions = self.functions.lock().unwrap_or_else(PoisonError::into_inner);
        let function = functions.entry(function.to_owned()).or_default();
        function.invocations += 1;
        function.duration_ms += billed;
        function.gb_seconds += f64::from(memory_mb) / 1024.0 * billed as f64 / 1000.0;
    }

    /// Everything since the start or the last reset.
    pub fn snapshot(&self) -> Snapshot {
        let functions = self.functions.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut totals = FunctionUsage::default();
        for function in functions.values() {
            totals.invocations += function.invocations;
            totals.duration_ms += function.duration_ms;
            totals.gb_seconds += function.gb_seconds;
            for (call, usage) in &function.calls {
                totals.calls.entry(call.clone()).or_default().add(usage);
            }
        }
        let money = self.prices.money(&totals);
        Snapshot { functions, totals, money }
    }

    /// Back to zero.
    pub fn reset(&self) {
        self.functions.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds_up_and_resets() {
        let meter = Meter::new().unwrap();
        let write = Usage { write_units: 2.0, ..Usage::one(100) };
        meter.call("import", "dynamodb:PutItem", &write);
        meter.call("import", "dynamodb:PutItem", &write);
        meter.call("send", "dynamodb:PutItem", &write);
        meter.invocation("send", Duration::from_micros(1_200), 512);
        let snapshot = meter.snapshot();
        assert_eq!(snapshot.of("import", "dynamodb:PutItem").count, 2);
        assert_eq!(snapshot.totals.calls["dynamodb:PutItem"].write_units, 6.0);
        assert_eq!(snapshot.totals.duration_ms, 2);
        assert!((snapshot.totals.gb_seconds - 0.001).abs() < 1e-12);
        meter.reset();
        assert_eq!(meter.snapshot().totals, FunctionUsage::default());
    }

    #[test]
    fn a_million_of_each_costs_what_the_price_list_says() {
        let meter = Meter::new().unwrap();
        let usage =
            Usage { count: 1, requests: 1_000_000, read_units: 1_000_000.0, write_units: 1_000_000.0, bytes: 0 };
        meter.call("a", "dynamodb:Query", &usage);
        meter.call("a", "sqs:SendMessage", &usage);
        meter.call("a", "ses:SendEmail", &usage);
        let money = meter.snapshot().money;
        assert!((money.services["dynamodb"] - 0.891).abs() < 1e-9);
        assert!((money.services["sqs"] - 0.40).abs() < 1e-9);
        assert!((money.services["ses"] - 100.0).abs() < 1e-9);
        let sum: f64 = money.services.values().sum();
        assert!((money.total_usd - sum).abs() < 1e-9);
    }
}
