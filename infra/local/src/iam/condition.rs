//! The conditions of a statement: string operators with set qualifiers, `Bool` and `Null`.

use std::collections::BTreeMap;

use serde_json::Value;

use super::pattern::matches;

/// The condition keys of one call, such as `dynamodb:LeadingKeys` or `ses:FromAddress`. Keys ignore case.
#[derive(Clone, Debug, Default)]
pub struct Context(BTreeMap<String, Vec<String>>);

impl Context {
    /// A call that brings no condition keys.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a key with one value.
    #[must_use]
    pub fn with(self, key: &str, value: &str) -> Self {
        self.with_many(key, [value])
    }

    /// Adds a key with several values. No value at all leaves the key absent.
    #[must_use]
    pub fn with_many<'a>(mut self, key: &str, values: impl IntoIterator<Item = &'a str>) -> Self {
        let values: Vec<String> = values.into_iter().map(str::to_owned).collect();
        if !values.is_empty() {
            self.0.entry(key.to_ascii_lowercase()).or_default().extend(values);
        }
        self
    }

    fn get(&self, key: &str) -> Option<&[String]> {
        self.0.get(&key.to_ascii_lowercase()).map(Vec::as_slice)
    }
}

#[derive(Clone, Copy, Debug)]
enum Qualifier {
    /// No qualifier: the key has one value.
    One,
    /// `ForAllValues:` — true when the key is absent, as on AWS.
    All,
    /// `ForAnyValue:` — false when the key is absent.
    Any,
}

#[derive(Clone, Copy, Debug)]
enum Operator {
    Equals,
    EqualsIgnoreCase,
    Like,
    Null,
}

/// One operator applied to one key.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    qualifier: Qualifier,
    operator: Operator,
    negated: bool,
    if_exists: bool,
    key: String,
    values: Vec<String>,
}

impl Condition {
    /// Reads the `Condition` block of a statement; absent is no condition.
    pub(super) fn parse_all(json: &Value) -> anyhow::Result<Vec<Self>> {
        let mut conditions = Vec::new();
        for (operator, keys) in json.as_object().into_iter().flatten() {
            for (key, values) in keys.as_object().into_iter().flatten() {
                conditions.push(Self::parse(operator, key, values)?);
            }
        }
        Ok(conditions)
    }

    fn parse(operator: &str, key: &str, values: &Value) -> anyhow::Result<Self> {
        let (qualifier, rest) = match operator.split_once(':') {
            None => (Qualifier::One, operator),
            Some(("ForAllValues", rest)) => (Qualifier::All, rest),
            Some(("ForAnyValue", rest)) => (Qualifier::Any, rest),
            Some(_) => anyhow::bail!("condition operator {operator} is not supported"),
        };
        let (name, if_exists) = match rest.strip_suffix("IfExists") {
            Some(name) => (name, true),
            None => (rest, false),
        };
        let (operator, negated) = match name {
            "StringEquals" | "ArnEquals" | "Bool" => (Operator::Equals, false),
            "StringNotEquals" => (Operator::Equals, true),
            "StringEqualsIgnoreCase" => (Operator::EqualsIgnoreCase, false),
            "StringNotEqualsIgnoreCase" => (Operator::EqualsIgnoreCase, true),
            "StringLike" | "ArnLike" => (Operator::Like, false),
            "StringNotLike" | "ArnNotLike" => (Operator::Like, true),
            "Null" => (Operator::Null, false),
            _ => anyhow::bail!("condition operator {operator} is not supported"),
        };
        let values = match values {
            Value::Array(many) => many.iter().map(text).collect(),
            one => vec![text(one)],
        };
        Ok(Self { qualifier, operator, negated, if_exists, key: key.to_owned(), values })
    }

    pub(super) fn holds(&self, context: &Context) -> bool {
        let present = context.get(&self.key);
        if let Operator::Null = self.operator {
            let wants_absent = self.values.iter().any(|value| value == "true");
            return wants_absent == present.is_none();
        }
        let Some(given) = present else {
            return self.if_exists
                || match self.qualifier {
                    Qualifier::All => true,
                    Qualifier::Any => false,
                    Qualifier::One => self.negated,
                };
        };
        match self.qualifier {
            Qualifier::All | Qualifier::One => given.iter().all(|value| self.accepts(value)),
            Qualifier::Any => given.iter().any(|value| self.accepts(value)),
        }
    }

    fn accepts(&self, given: &str) -> bool {
        let found = self.values.iter().any(|wanted| match self.operator {
            Operator::Equals => wanted == given,
            Operator::EqualsIgnoreCase => wanted.eq_ignore_ascii_case(given),
            Operator::Like => matches(wanted, given),
            Operator::Null => false,
        });
        found != self.negated
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn holds(block: Value, context: &Context) -> bool {
        Condition::parse_all(&block).unwrap().iter().all(|condition| condition.holds(context))
    }

    #[test]
    fn operators() {
        let from = Context::new().with("ses:FromAddress", "news@example.com");
        let like = json!({"StringLike": {"ses:fromaddress": "*@example.com"}});
        assert!(holds(like.clone(), &from));
        assert!(!holds(like, &Context::new()));
        assert!(!holds(json!({"StringNotLike": {"ses:FromAddress": "news@*"}}), &from));
        assert!(holds(json!({"StringNotEquals": {"absent": "x"}}), &from));
        assert!(holds(json!({"StringEqualsIfExists": {"absent": "x"}}), &from));
        assert!(holds(json!({"Null": {"absent": true}}), &from));
        assert!(holds(json!({"ForAllValues:StringEquals": {"absent": ["x"]}}), &from));
        assert!(!holds(json!({"ForAnyValue:StringEquals": {"absent": ["x"]}}), &from));
        let secure = Context::new().with("aws:SecureTransport", "true");
        assert!(!holds(json!({"Bool": {"aws:SecureTransport": false}}), &secure));
    }
}
