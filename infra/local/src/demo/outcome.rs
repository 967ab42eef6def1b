//! What happened, as tables.

use std::collections::BTreeMap;

use comfy_table::Table;

use super::Times;
use super::checks::Checks;
use super::screen::{count, table};
use crate::customer::{Campaign, Import};
use crate::meter::{FunctionUsage, Prices, Snapshot};

/// The whole story in numbers.
pub(super) struct Outcome {
    pub(super) import: Import,
    pub(super) campaigns: Vec<Campaign>,
    pub(super) purged: Vec<Purged>,
    /// Campaign messages that the provider accepted.
    pub(super) accepted: u64,
    pub(super) checks: Checks,
    /// A link that still works.
    pub(super) unsubscribe: Option<String>,
    pub(super) email: String,
    pub(super) password: &'static str,
}

/// One run of the purge.
pub(super) struct Purged {
    pub(super) when: &'static str,
    pub(super) complete: bool,
    pub(super) scanned: u64,
    pub(super) deleted: BTreeMap<String, u64>,
}

impl Outcome {
    /// Rows, people, messages.
    pub(super) fn table(&self) -> Table {
        let mut rows: Vec<Vec<String>> = Vec::new();
        let mut row =
            |what: &str, detail: &str, number: u64| rows.push(vec![what.to_owned(), detail.to_owned(), count(number)]);
        let import = &self.import;
        row("import", "rows read", import.rows_read);
        row("", "created", import.created);
        row("", "updated", import.updated);
        row("", "unchanged", import.unchanged);
        row("", "duplicates", import.duplicates);
        row("", "suppressed", import.suppressed);
        row("", "rejected", import.rejected);
        for (reason, number) in &import.rejected_by_reason {
            row("", &format!("· {reason}"), *number);
        }
        for (number, campaign) in self.campaigns.iter().enumerate() {
            let counts = &campaign.counts;
            row(&format!("campaign {}", number + 1), "audience", counts.audience);
            row("", "sent", counts.sent);
            row("", "refused", counts.refused);
            for (reason, number) in &campaign.refused_by_reason {
                row("", &format!("· {reason}"), *number);
            }
            row("", "failed", counts.failed);
            row("", "unknown", counts.unknown);
        }
        for purged in &self.purged {
            row(&format!("purge {}", purged.when), "items looked at", purged.scanned);
            for (class, number) in &purged.deleted {
                row("", &format!("deleted: {class}"), *number);
            }
        }
        table(&["", "what", "number"], 2, rows)
    }
}

/// Invocations, calls, units and money, by function.
pub(super) fn costs(snapshot: &Snapshot) -> Table {
    let prices = Prices::bundled();
    let usd = |usage: &FunctionUsage| -> (f64, f64) {
        let services = prices.as_ref().map(|prices| prices.money(usage).services).unwrap_or_default();
        let total: f64 = services.values().sum();
        let ses = services.get("ses").copied().unwrap_or(0.0);
        (total - ses, ses)
    };
    let row = |name: &str, usage: &FunctionUsage| {
        let sum = |of: fn(&crate::meter::Usage) -> f64| usage.calls.values().map(of).sum::<f64>();
        let (rest, ses) = usd(usage);
        vec![
            name.to_owned(),
            count(usage.invocations),
            count(usage.calls.values().map(|call| call.count).sum()),
            format!("{:.1}", sum(|call| call.write_units)),
            format!("{:.1}", sum(|call| call.read_units)),
            format!("{rest:.5}"),
            format!("{ses:.4}"),
        ]
    };
    let mut rows: Vec<_> = snapshot.functions.iter().map(|(name, usage)| row(name, usage)).collect();
    rows.push(row("all", &snapshot.totals));
    table(&["function", "invocations", "AWS calls", "write units", "read units", "USD but SES", "USD SES"], 1, rows)
}

/// How long each stage took.
pub(super) fn seconds(times: &Times) -> Table {
    let rows = times.0.iter().map(|(stage, took)| vec![(*stage).to_owned(), format!("{:.1}", took.as_secs_f64())]);
    table(&["stage", "seconds"], 1, rows)
}
