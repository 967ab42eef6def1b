//! What is stored, held against infra/policy/inventory.toml: attribute by attribute.

use std::collections::BTreeSet;

use domain::policy::inventory::{About, Inventory};
use domain::policy::retention::Store;
use serde_json::Value;

use crate::store::Dump;

/// Attributes that were seen, as `kind.attribute` of the inventory, and those that nothing covers.
#[derive(Debug, Default)]
pub struct Seen {
    /// Covered.
    pub listed: BTreeSet<String>,
    /// Not covered: which, and where.
    pub unlisted: BTreeSet<String>,
}

impl Seen {
    /// Looks at everything in a dump.
    pub fn look(&mut self, dump: &Dump) {
        for (table, items) in &dump.tables {
            let store = store_of(table);
            items.iter().for_each(|item| self.item(store, item));
        }
        for path in dump.objects.keys() {
            // The first part of the path is the bucket's name.
            let (bucket, path) = path.split_once('/').unwrap_or_default();
            match Inventory::current().kind_of(store_of_bucket(bucket), path, "", |_| None) {
                Some((kind, _)) => _ = self.listed.insert(format!("{kind}.content")),
                None => _ = self.unlisted.insert(format!("an object: {path}")),
            }
        }
    }

    /// Looks at one item.
    pub fn item(&mut self, store: Store, item: &Value) {
        let text = |name: &str| item[name].as_str().map(str::to_owned);
        let (pk, sk) = (text("pk").unwrap_or_default(), text("sk").unwrap_or_default());
        let Some((name, kind)) = Inventory::current().kind_of(store, &pk, &sk, text) else {
            self.unlisted.insert(format!("an item of {store:?}: {pk} / {sk}"));
            return;
        };
        let mut paths = BTreeSet::new();
        leaves("", item, &mut paths);
        for path in paths.iter().filter(|path| !Inventory::current().is_common(path)) {
            match kind.field(path) {
                Some((field, _)) => _ = self.listed.insert(format!("{name}.{field}")),
                None => _ = self.unlisted.insert(format!("an attribute of `{name}` in {store:?}: {path}")),
            }
        }
    }
}

/// Every value that is held about these people, with the name of its attribute, secrets left out.
pub fn held_about(dump: &Dump, about: &[About]) -> Vec<(String, String)> {
    let mut held = Vec::new();
    for (table, items) in &dump.tables {
        for item in items {
            let text = |name: &str| item[name].as_str().map(str::to_owned);
            let (pk, sk) = (text("pk").unwrap_or_default(), text("sk").unwrap_or_default());
            let found = Inventory::current().kind_of(store_of(table), &pk, &sk, text);
            let Some((name, kind)) = found.filter(|(_, kind)| about.contains(&kind.about)) else { continue };
            let mut values = Vec::new();
            scalars("", item, &mut values);
            for (path, value) in values {
                let shown = kind.field(&path).filter(|(_, field)| !field.secret);
                if let Some((field, _)) = shown.filter(|_| !Inventory::current().is_common(&path)) {
                    held.push((format!("{name}.{field}"), value));
                }
            }
        }
    }
    held
}

/// Every value that is neither a map nor a list, as a text, with its path.
pub fn scalars(path: &str, value: &Value, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                scalars(&path, value, found);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| scalars(path, value, found)),
        Value::Null => {}
        Value::String(text) => found.push((path.to_owned(), text.clone())),
        other => found.push((path.to_owned(), other.to_string())),
    }
}

/// The store that a bucket of the template is.
fn store_of_bucket(name: &str) -> Store {
    match name.rsplit('-').next() {
        Some("uploadsbucket") => Store::UploadsBucket,
        Some("identitycopies") => Store::IdentityBucket,
        Some("inboundmail") => Store::InboundBucket,
        _ => panic!("{name} is no store of infra/policy/policy.toml"),
    }
}

/// The store that a table of the template is.
fn store_of(table: &str) -> Store {
    match table {
        "AccountsTable" => Store::Accounts,
        "ProspectsTable" => Store::Prospects,
        "OutreachTable" => Store::Outreach,
        "SuppressionsTable" => Store::Suppressions,
        "EvidenceTable" => Store::Evidence,
        "RightsTable" => Store::Rights,
        "KeysTable" => Store::Keys,
        other => panic!("{other} is no store of infra/policy/policy.toml"),
    }
}

/// The paths of everything that is not a map; lists are like what is in them.
fn leaves(path: &str, value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                leaves(&path, value, found);
            }
        }
        Value::Array(values) if values.iter().any(Value::is_object) => {
            values.iter().for_each(|value| leaves(path, value, found));
        }
        _ => _ = found.insert(path.to_owned()),
    }
}
