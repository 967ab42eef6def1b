//! What functions spent between two moments.

use crate::meter::{FunctionUsage, Snapshot, Usage};

/// What these functions used between two snapshots, together.
pub(super) fn spent(before: &Snapshot, after: &Snapshot, functions: &[&str]) -> FunctionUsage {
    let mut spent = FunctionUsage::default();
    for name in functions {
        let Some(is) = after.functions.get(*name) else { continue };
        let was = before.functions.get(*name).cloned().unwrap_or_default();
        spent.invocations += is.invocations - was.invocations;
        spent.duration_ms += is.duration_ms - was.duration_ms;
        spent.gb_seconds += is.gb_seconds - was.gb_seconds;
        for (call, is) in &is.calls {
            let was = was.calls.get(call).cloned().unwrap_or_default();
            let sum = spent.calls.entry(call.clone()).or_default();
            sum.count += is.count - was.count;
            sum.requests += is.requests - was.requests;
            sum.read_units += is.read_units - was.read_units;
            sum.write_units += is.write_units - was.write_units;
            sum.bytes += is.bytes - was.bytes;
        }
    }
    spent
}

/// Adds up one number of the calls whose name begins with `prefix`.
pub(super) fn sum(usage: &FunctionUsage, prefix: &str, of: fn(&Usage) -> f64) -> f64 {
    usage.calls.iter().filter(|(call, _)| call.starts_with(prefix)).map(|(_, usage)| of(usage)).sum()
}

/// Write units.
pub(super) fn writes(usage: &FunctionUsage) -> f64 {
    sum(usage, "dynamodb:", |usage| usage.write_units)
}

/// Read units.
pub(super) fn reads(usage: &FunctionUsage) -> f64 {
    sum(usage, "dynamodb:", |usage| usage.read_units)
}

/// Calls of one kind, or of one service.
pub(super) fn calls(usage: &FunctionUsage, prefix: &str) -> f64 {
    sum(usage, prefix, |usage| usage.count as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meter::Meter;

    #[test]
    fn only_what_came_between_and_only_of_those_asked() {
        let meter = Meter::new().unwrap();
        let write = Usage { write_units: 2.0, ..Usage::one(10) };
        meter.call("send", "dynamodb:PutItem", &write);
        let before = meter.snapshot();
        meter.call("send", "dynamodb:PutItem", &write);
        meter.call("send", "sqs:SendMessage", &Usage::one(10));
        meter.call("import", "dynamodb:PutItem", &write);
        let spent = spent(&before, &meter.snapshot(), &["send", "feedback"]);
        assert_eq!((writes(&spent), reads(&spent)), (2.0, 0.0));
        assert_eq!((calls(&spent, "dynamodb:"), calls(&spent, "sqs:SendMessage")), (1.0, 1.0));
    }
}
