//! The resolved properties of one resource: typed reading, errors that name it, no stray key.

use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::{Map, Value};

use super::intrinsics;

/// Resolved properties, with the name that errors give.
pub(super) struct Properties {
    owner: String,
    object: Map<String, Value>,
}

impl Properties {
    /// Refuses a key that is neither read nor knowingly ignored: a misspelt property would
    /// otherwise be a silent difference between here and AWS.
    pub(super) fn new(owner: &str, value: Value, known: &[&str]) -> anyhow::Result<Properties> {
        let object = match value {
            Value::Null => Map::new(),
            Value::Object(object) => object,
            other => bail!("{owner}: properties are expected, not {other}"),
        };
        if let Some(stray) = object.keys().find(|key| !known.contains(&key.as_str())) {
            bail!("{owner}: property {stray} is not understood by the local runner");
        }
        Ok(Properties { owner: owner.to_owned(), object })
    }

    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        self.object.get(key).filter(|value| !value.is_null())
    }

    pub(super) fn text(&self, key: &str) -> anyhow::Result<Option<String>> {
        self.get(key).map(intrinsics::text).transpose().with_context(|| self.at(key))
    }

    pub(super) fn need(&self, key: &str) -> anyhow::Result<String> {
        self.text(key)?.with_context(|| format!("{} is missing", self.at(key)))
    }

    pub(super) fn number(&self, key: &str) -> anyhow::Result<Option<u64>> {
        let Some(text) = self.text(key)? else {
            return Ok(None);
        };
        text.parse().map(Some).with_context(|| format!("{} is no whole number", self.at(key)))
    }

    pub(super) fn seconds(&self, key: &str) -> anyhow::Result<Option<Duration>> {
        Ok(self.number(key)?.map(Duration::from_secs))
    }

    pub(super) fn flag(&self, key: &str) -> anyhow::Result<Option<bool>> {
        match self.text(key)?.as_deref() {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(other) => bail!("{} is neither true nor false: {other}", self.at(key)),
        }
    }

    /// A list of values; one value alone counts as a list of one, as in IAM.
    pub(super) fn list(&self, key: &str) -> Vec<Value> {
        match self.get(key) {
            None => Vec::new(),
            Some(Value::Array(items)) => items.clone(),
            Some(one) => vec![one.clone()],
        }
    }

    pub(super) fn texts(&self, key: &str) -> anyhow::Result<Vec<String>> {
        self.list(key).iter().map(intrinsics::text).collect::<anyhow::Result<_>>().with_context(|| self.at(key))
    }

    pub(super) fn nested(&self, key: &str, known: &[&str]) -> anyhow::Result<Option<Properties>> {
        self.get(key).map(|value| Properties::new(&self.at(key), value.clone(), known)).transpose()
    }

    /// The entries of a map with free keys.
    pub(super) fn entries(&self, key: &str) -> anyhow::Result<Vec<(String, Value)>> {
        match self.get(key) {
            None => Ok(Vec::new()),
            Some(Value::Object(object)) => Ok(object.iter().map(|(k, v)| (k.clone(), v.clone())).collect()),
            Some(other) => bail!("{} is no map: {other}", self.at(key)),
        }
    }

    /// Where an error is: `SendFunction.Timeout`.
    pub(super) fn at(&self, key: &str) -> String {
        format!("{}.{key}", self.owner)
    }
}
