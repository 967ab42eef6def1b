//! What is kept, looked at from below: every item of every table, every object of the bucket.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::TestStack;

/// Everything that is stored.
#[derive(Debug, Default)]
pub struct Dump {
    /// Items by the table's name in the template, attributes unwrapped from their types.
    pub tables: BTreeMap<String, Vec<Value>>,
    /// Objects: path → bytes.
    pub objects: BTreeMap<String, Vec<u8>>,
}

impl Dump {
    /// Takes stock of a stack.
    pub async fn of(stack: &TestStack) -> Dump {
        Dump::take(stack)
    }

    /// The same, outside of a task.
    pub fn take(stack: &TestStack) -> Dump {
        let mut tables = BTreeMap::new();
        for table in &stack.template().tables {
            let items = scan(stack, &table.name).iter().map(plain).collect();
            let name = table.name.rsplit('-').next().unwrap_or(&table.name);
            tables.insert(name.to_owned(), items);
        }
        let mut objects = BTreeMap::new();
        collect(stack.backends().objects(), stack.backends().objects(), &mut objects);
        Dump { tables, objects }
    }

    /// The items of one table.
    #[track_caller]
    pub fn table(&self, logical_id: &str) -> &[Value] {
        self.tables.get(logical_id).unwrap_or_else(|| panic!("no {logical_id} in {:?}", self.tables.keys()))
    }

    /// Tables (and "objects") in which `text` occurs anywhere, keys included.
    pub fn mentions(&self, text: &str) -> Vec<String> {
        let in_table = |items: &Vec<Value>| items.iter().any(|item| item.to_string().contains(text));
        let tables = self.tables.iter().filter(|(_, items)| in_table(items)).map(|(name, _)| name.clone());
        let in_object = |(path, bytes): (&String, &Vec<u8>)| {
            path.contains(text) || bytes.windows(text.len()).any(|window| window == text.as_bytes())
        };
        tables.chain(self.objects.iter().any(in_object).then(|| "objects".to_owned())).collect()
    }

    /// How many items are in all tables and objects that name this workspace.
    pub fn of_workspace(&self, workspace: &str) -> Vec<String> {
        let mut found = Vec::new();
        for (table, items) in &self.tables {
            found.extend(items.iter().filter(|item| item.to_string().contains(workspace)).map(|item| {
                format!(
                    "{table}: {} / {}",
                    item["pk"].as_str().unwrap_or_default(),
                    item["sk"].as_str().unwrap_or_default()
                )
            }));
        }
        found.extend(self.objects.keys().filter(|path| path.contains(workspace)).cloned());
        found
    }
}

/// Tables as a backup has them, to be put back.
#[derive(Debug)]
pub struct Backup(Vec<(String, Vec<Value>)>);

impl Backup {
    /// Copies the tables of these logical ids.
    pub fn of(stack: &TestStack, logical_ids: &[&str]) -> Backup {
        let tables = stack.template().tables.iter();
        let wanted = tables.filter(|table| logical_ids.iter().any(|id| table.name.ends_with(id)));
        Backup(wanted.map(|table| (table.name.clone(), scan(stack, &table.name))).collect())
    }

    /// Deletes every item of it: the disk is gone.
    pub fn lose(&self, stack: &TestStack) {
        for (table, _) in &self.0 {
            for item in scan(stack, table) {
                let key = json!({"pk": item["pk"], "sk": item["sk"]});
                let request = serde_json::from_value(json!({"TableName": table, "Key": key})).expect("a deletion");
                stack.backends().dynamodb().delete_item(request).expect("the emulated database answers");
            }
        }
    }

    /// Writes every item of it, over what is there.
    pub fn put_back(&self, stack: &TestStack) {
        for (table, items) in &self.0 {
            for item in items {
                let request = serde_json::from_value(json!({"TableName": table, "Item": item})).expect("a put");
                stack.backends().dynamodb().put_item(request).expect("the emulated database answers");
            }
        }
    }
}

/// Every item of a table, with the types of its attributes.
fn scan(stack: &TestStack, table: &str) -> Vec<Value> {
    let (mut items, mut after) = (Vec::new(), Value::Null);
    loop {
        let request = json!({"TableName": table, "ConsistentRead": true, "ExclusiveStartKey": after});
        let request = serde_json::from_value(request).expect("a scan");
        let page = stack.backends().dynamodb().scan(request).expect("the emulated database answers");
        let page = serde_json::to_value(&page).expect("a page is JSON");
        items.extend(page["Items"].as_array().cloned().unwrap_or_default());
        after = page["LastEvaluatedKey"].clone();
        if after.is_null() {
            return items;
        }
    }
}

/// An item without the types of its attributes.
fn plain(item: &Value) -> Value {
    let attributes = item.as_object().into_iter().flatten();
    Value::Object(attributes.map(|(name, value)| (name.clone(), unwrapped(value))).collect())
}

fn unwrapped(value: &Value) -> Value {
    let Some((kind, inner)) = value.as_object().and_then(|object| object.iter().next()) else { return value.clone() };
    match (kind.as_str(), inner) {
        ("M", inner) => plain(inner),
        ("L", Value::Array(list)) => list.iter().map(unwrapped).collect(),
        ("N", Value::String(number)) => number.parse::<i64>().map_or_else(|_| inner.clone(), Value::from),
        _ => inner.clone(),
    }
}

fn collect(root: &std::path::Path, folder: &std::path::Path, found: &mut BTreeMap<String, Vec<u8>>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        if path.is_dir() {
            collect(root, &path, found);
        } else if let Ok(bytes) = std::fs::read(&path) {
            let name = path.strip_prefix(root).unwrap_or(&path).display().to_string();
            // The emulated S3 keeps notes of its own beside the objects.
            if !name.split('/').any(|part| part.starts_with('.')) {
                found.insert(name, bytes);
            }
        }
    }
}
