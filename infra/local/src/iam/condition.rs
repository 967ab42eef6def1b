//! The conditions of a statement: string operators with set qualifiers, `Bool` and `Null`.

use std::collections::BTreeMap;

use serde_json::Value;

use super::pattern::Pattern;

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

    pub(super) fn get(&self, key: &str) -> Option<&[String]> {
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

/// Keys with several values. AWS leaves open what an operator without qualifier makes of them.
const SEVERAL: [&str; 3] = ["dynamodb:leadingkeys", "dynamodb:attributes", "aws:tagkeys"];

/// One operator applied to one key.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    qualifier: Qualifier,
    operator: Operator,
    negated: bool,
    if_exists: bool,
    key: String,
    values: Vec<Pattern>,
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
        if matches!(qualifier, Qualifier::One)
            && !matches!(operator, Operator::Null)
            && SEVERAL.contains(&key.to_ascii_lowercase().as_str())
        {
            anyhow::bail!("{key} has several values: {name} needs ForAllValues or ForAnyValue");
        }
        let read = |value: &Value| match operator {
            Operator::Like => Pattern::parse(&text(value)),
            _ => Pattern::plain(&text(value)),
        };
        let values = match values {
            Value::Array(many) => many.iter().map(read).collect::<anyhow::Result<_>>()?,
            one => vec![read(one)?],
        };
        Ok(Self { qualifier, operator, negated, if_exists, key: key.to_owned(), values })
    }

    pub(super) fn holds(&self, context: &Context) -> bool {
        let present = context.get(&self.key);
        if let Operator::Null = self.operator {
            let wants_absent = self.values.iter().any(|value| value.written() == "true");
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
            Qualifier::All | Qualifier::One => given.iter().all(|value| self.accepts(value, context)),
            Qualifier::Any => given.iter().any(|value| self.accepts(value, context)),
        }
    }

    /// A variable without a value makes the whole condition fail, negated or not.
    fn accepts(&self, given: &str, context: &Context) -> bool {
        let one = |wanted: &Pattern| match self.operator {
            Operator::Equals | Operator::Like => wanted.matches(given, context),
            Operator::EqualsIgnoreCase => wanted.matches_any_case(given, context),
            Operator::Null => None,
        };
        let found: Option<Vec<bool>> = self.values.iter().map(one).collect();
        found.is_some_and(|found| found.contains(&true) != self.negated)
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
        assert!(!holds(json!({"StringNotEquals": {"ses:FromAddress": "${absent}"}}), &from));
        let secure = Context::new().with("aws:SecureTransport", "true");
        assert!(!holds(json!({"Bool": {"aws:SecureTransport": false}}), &secure));
    }
    const WORKSPACE: &str = "aws:PrincipalTag/workspace";

    fn keys(workspace: &str, keys: &[&str]) -> Context {
        Context::new().with(WORKSPACE, workspace).with_many("dynamodb:LeadingKeys", keys.iter().copied())
    }

    #[test]
    fn for_all_values_is_true_of_nothing_and_null_closes_that() {
        let like =
            json!({"dynamodb:LeadingKeys": ["W#${aws:PrincipalTag/workspace}", "W#${aws:PrincipalTag/workspace}#*"]});
        let open = json!({"ForAllValues:StringLike": like});
        let closed = json!({"ForAllValues:StringLike": like, "Null": {"dynamodb:LeadingKeys": "false"}});
        for (given, by_open, by_closed) in [
            (keys("ws_1", &["W#ws_1"]), true, true),
            (keys("ws_1", &["W#ws_1#P#0", "W#ws_1"]), true, true),
            (keys("ws_1", &["W#ws_1#P#0", "W#ws_2#P#0"]), false, false),
            (keys("ws_1", &["W#ws_10"]), false, false),
            (keys("ws_1", &["LOGIN#0"]), false, false),
            // A Scan, or a Query that a client got past the key condition: the trap.
            (keys("ws_1", &[]), true, false),
            // Nobody's session: the patterns have no value.
            (Context::new().with("dynamodb:LeadingKeys", "W#"), false, false),
            (Context::new().with("dynamodb:LeadingKeys", "W#ws_1"), false, false),
        ] {
            assert_eq!(holds(open.clone(), &given), by_open, "open: {given:?}");
            assert_eq!(holds(closed.clone(), &given), by_closed, "closed: {given:?}");
        }
        let equal = json!({"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["W#${aws:PrincipalTag/workspace}"]}});
        assert!(holds(equal.clone(), &keys("ws_1", &["W#ws_1"])));
        assert!(!holds(equal, &keys("ws_1", &["W#ws_1#P#0"])));
    }

    #[test]
    fn a_key_of_several_values_needs_a_qualifier() {
        let bare = json!({"StringLike": {"dynamodb:LeadingKeys": ["W#*"]}});
        assert!(Condition::parse_all(&bare).is_err());
        assert!(Condition::parse_all(&json!({"Null": {"dynamodb:LeadingKeys": "false"}})).is_ok());
    }
}
