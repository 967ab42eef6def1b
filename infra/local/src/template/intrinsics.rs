//! Parameters, mappings, conditions and the intrinsic functions.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, bail};
use serde_json::{Map, Value};

use super::{ACCOUNT, REGION, STACK, names};

/// Values for the template's parameters.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// Given by name; the template must declare each.
    pub parameters: BTreeMap<String, String>,
    /// Used where the template declares the parameter and `parameters` is silent.
    pub filled: BTreeMap<String, String>,
}

/// A template with everything that a `Ref` may point to.
pub(super) struct Scope {
    pub(super) document: Value,
    parameters: BTreeMap<String, Value>,
    resolving: RefCell<BTreeSet<String>>,
}

impl Scope {
    pub(super) fn new(document: Value, inputs: &Inputs) -> anyhow::Result<Scope> {
        let parameters = parameters(&document, inputs)?;
        Ok(Scope { document, parameters, resolving: RefCell::default() })
    }

    /// The resources whose condition holds: logical id, type, body.
    pub(super) fn resources(&self) -> anyhow::Result<Vec<(&str, &str, &Value)>> {
        let all = self.document["Resources"].as_object().context("the template has no Resources")?;
        let mut present = Vec::new();
        for (id, body) in all {
            let kind = body["Type"].as_str().with_context(|| format!("{id} has no Type"))?;
            if self.exists(id)? {
                present.push((id.as_str(), kind, body));
            }
        }
        Ok(present)
    }

    fn exists(&self, id: &str) -> anyhow::Result<bool> {
        match self.document["Resources"][id].get("Condition") {
            Some(Value::String(condition)) => {
                self.condition(condition).with_context(|| format!("the Condition of {id}"))
            }
            _ => Ok(true),
        }
    }

    /// The type and properties (unresolved) of a resource, its condition holding.
    pub(super) fn resource(&self, id: &str) -> anyhow::Result<(&str, &Value)> {
        let body =
            self.document["Resources"].get(id).with_context(|| format!("no parameter or resource is named {id}"))?;
        if !self.exists(id)? {
            bail!("{id} is left out by its Condition");
        }
        Ok((body["Type"].as_str().with_context(|| format!("{id} has no Type"))?, &body["Properties"]))
    }

    /// Replaces every intrinsic function in `value`; `AWS::NoValue` removes its key or item.
    pub(super) fn resolve(&self, value: &Value) -> anyhow::Result<Value> {
        Ok(self.resolve_optional(value)?.unwrap_or(Value::Null))
    }

    fn resolve_optional(&self, value: &Value) -> anyhow::Result<Option<Value>> {
        Ok(Some(match value {
            Value::Array(items) => {
                let items = items.iter().map(|item| self.resolve_optional(item)).collect::<anyhow::Result<Vec<_>>>()?;
                items.into_iter().flatten().collect()
            }
            Value::Object(object) => {
                if let Some((name, argument)) = call(object) {
                    return self.call(name, argument);
                }
                let mut resolved = Map::new();
                for (key, value) in object {
                    if let Some(value) = self.resolve_optional(value)? {
                        resolved.insert(key.clone(), value);
                    }
                }
                Value::Object(resolved)
            }
            plain => plain.clone(),
        }))
    }

    fn call(&self, name: &str, argument: &Value) -> anyhow::Result<Option<Value>> {
        let value = match name {
            "Ref" => {
                let name = argument.as_str().context("Ref takes a name")?;
                if name == "AWS::NoValue" {
                    return Ok(None);
                }
                self.reference(name)?
            }
            "Fn::GetAtt" => {
                let path = self.resolve(argument)?;
                let parts: Vec<&str> = match &path {
                    Value::String(text) => text.splitn(2, '.').collect(),
                    Value::Array(parts) => parts.iter().filter_map(Value::as_str).collect(),
                    _ => Vec::new(),
                };
                let [resource, attribute] = parts[..] else {
                    bail!("Fn::GetAtt takes a resource and an attribute: {path}")
                };
                self.attribute(resource, attribute)?.into()
            }
            "Fn::Sub" => self.substitute(argument)?.into(),
            "Fn::If" => {
                let [condition, yes, no] = exactly(argument, name)?;
                let holds = self.condition(condition.as_str().context("Fn::If takes a condition's name first")?)?;
                return self.resolve_optional(if holds { yes } else { no });
            }
            "Fn::Join" => {
                let [separator, items] = exactly(argument, name)?;
                let items = self.list(items)?;
                let texts = items.iter().map(text).collect::<anyhow::Result<Vec<_>>>()?;
                texts.join(separator.as_str().context("Fn::Join takes a separator first")?).into()
            }
            "Fn::Split" => {
                let [separator, whole] = exactly(argument, name)?;
                let separator = separator.as_str().context("Fn::Split takes a separator first")?;
                text(&self.resolve(whole)?)?.split(separator).collect()
            }
            "Fn::Select" => {
                let [index, items] = exactly(argument, name)?;
                let index: usize = text(&self.resolve(index)?)?.parse().context("Fn::Select takes an index first")?;
                self.list(items)?.get(index).cloned().with_context(|| format!("Fn::Select finds no item {index}"))?
            }
            "Fn::FindInMap" => {
                let [map, top, second] = exactly(argument, name)?;
                let (map, top, second) =
                    (text(&self.resolve(map)?)?, text(&self.resolve(top)?)?, text(&self.resolve(second)?)?);
                let found = self.document["Mappings"].get(&map).and_then(|m| m.get(&top)).and_then(|t| t.get(&second));
                found.cloned().with_context(|| format!("Mappings has no {map}.{top}.{second}"))?
            }
            "Fn::Equals" | "Fn::Not" | "Fn::And" | "Fn::Or" | "Condition" => self.holds(name, argument)?.into(),
            "Fn::ImportValue" => bail!("Fn::ImportValue reaches another stack: refused"),
            other => bail!("{other} is not understood by the local runner"),
        };
        Ok(Some(value))
    }

    fn list(&self, value: &Value) -> anyhow::Result<Vec<Value>> {
        match self.resolve(value)? {
            Value::Array(items) => Ok(items),
            other => bail!("a list is expected, not {other}"),
        }
    }

    /// Whether a condition of the template holds.
    pub(super) fn condition(&self, name: &str) -> anyhow::Result<bool> {
        let body = self.document["Conditions"].get(name).with_context(|| format!("no condition is named {name}"))?;
        let _guard = self.enter(&format!("condition {name}"))?;
        let (function, argument) =
            body.as_object().and_then(call).with_context(|| format!("condition {name} is no function"))?;
        self.holds(function, argument)
    }

    fn holds(&self, function: &str, argument: &Value) -> anyhow::Result<bool> {
        let each = || -> anyhow::Result<Vec<bool>> {
            let items = argument.as_array().with_context(|| format!("{function} takes a list"))?;
            items
                .iter()
                .map(|item| {
                    let (function, argument) = item.as_object().and_then(call).context("a condition is expected")?;
                    self.holds(function, argument)
                })
                .collect()
        };
        Ok(match function {
            "Fn::Equals" => {
                let [left, right] = exactly(argument, function)?;
                text(&self.resolve(left)?)? == text(&self.resolve(right)?)?
            }
            "Fn::Not" => each()?.iter().all(|held| !held),
            "Fn::And" => each()?.iter().all(|held| *held),
            "Fn::Or" => each()?.iter().any(|held| *held),
            "Condition" => self.condition(argument.as_str().context("Condition takes a name")?)?,
            other => bail!("{other} is no condition"),
        })
    }

    /// What `Ref` gives.
    pub(super) fn reference(&self, name: &str) -> anyhow::Result<Value> {
        if let Some(value) = pseudo(name) {
            return Ok(value.into());
        }
        if let Some(value) = self.parameters.get(name) {
            return Ok(value.clone());
        }
        let _guard = self.enter(&format!("Ref {name}"))?;
        Ok(names::reference(self, name)?.into())
    }

    fn attribute(&self, resource: &str, attribute: &str) -> anyhow::Result<String> {
        let _guard = self.enter(&format!("GetAtt {resource}.{attribute}"))?;
        names::attribute(self, resource, attribute)
    }

    fn substitute(&self, argument: &Value) -> anyhow::Result<String> {
        let none = Map::new();
        let (template, variables) = match argument {
            Value::String(template) => (template.as_str(), &none),
            Value::Array(parts) => match &parts[..] {
                [Value::String(template), Value::Object(variables)] => (template.as_str(), variables),
                _ => bail!("Fn::Sub takes a text and a map"),
            },
            _ => bail!("Fn::Sub takes a text"),
        };
        let mut out = String::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once("${") {
            out.push_str(before);
            let (name, tail) = after.split_once('}').with_context(|| format!("Fn::Sub is never closed: {template}"))?;
            let name = name.trim();
            if let Some(literal) = name.strip_prefix('!') {
                out.push_str("${");
                out.push_str(literal);
                out.push('}');
            } else if let Some(value) = variables.get(name) {
                out.push_str(&text(&self.resolve(value)?)?);
            } else if let Some((resource, attribute)) = name.split_once('.') {
                out.push_str(&self.attribute(resource, attribute)?);
            } else {
                out.push_str(&text(&self.reference(name)?)?);
            }
            rest = tail;
        }
        out.push_str(rest);
        Ok(out)
    }

    fn enter(&self, what: &str) -> anyhow::Result<Guard<'_>> {
        if !self.resolving.borrow_mut().insert(what.to_owned()) {
            bail!("{what} depends on itself");
        }
        Ok(Guard { scope: self, what: what.to_owned() })
    }
}

/// Leaves the set of names being resolved when dropped.
struct Guard<'a> {
    scope: &'a Scope,
    what: String,
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        self.scope.resolving.borrow_mut().remove(&self.what);
    }
}

/// `{"Fn::X": argument}`, `{"Ref": name}`, `{"Condition": name}`. An IAM statement's own
/// `Condition` block is an object, and stands beside other keys.
fn call(object: &Map<String, Value>) -> Option<(&str, &Value)> {
    let mut entries = object.iter();
    let (name, argument) = entries.next()?;
    let is_call = name == "Ref" || name.starts_with("Fn::") || (name == "Condition" && argument.is_string());
    (entries.next().is_none() && is_call).then_some((name.as_str(), argument))
}

fn exactly<'a, const N: usize>(argument: &'a Value, function: &str) -> anyhow::Result<&'a [Value; N]> {
    let items = argument.as_array().with_context(|| format!("{function} takes a list"))?;
    items[..].try_into().with_context(|| format!("{function} takes {N} arguments"))
}

/// A scalar as CloudFormation writes it.
pub(super) fn text(value: &Value) -> anyhow::Result<String> {
    Ok(match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        other => bail!("a text is expected, not {other}"),
    })
}

fn pseudo(name: &str) -> Option<&'static str> {
    Some(match name {
        "AWS::Region" => REGION,
        "AWS::AccountId" => ACCOUNT,
        "AWS::Partition" => "aws",
        "AWS::StackName" => STACK,
        "AWS::StackId" => "arn:aws:cloudformation:eu-west-3:000000000000:stack/prospectra/local",
        "AWS::URLSuffix" => "amazonaws.com",
        _ => return None,
    })
}

fn parameters(document: &Value, inputs: &Inputs) -> anyhow::Result<BTreeMap<String, Value>> {
    let none = Map::new();
    let declared = document["Parameters"].as_object().unwrap_or(&none);
    if let Some(stray) = inputs.parameters.keys().find(|name| !declared.contains_key(*name)) {
        bail!("the template declares no parameter {stray}");
    }
    let mut values = BTreeMap::new();
    for (name, declaration) in declared {
        let given = inputs.parameters.get(name).or_else(|| inputs.filled.get(name)).cloned();
        let value = match given {
            Some(value) => value,
            None => {
                let default = declaration.get("Default").with_context(|| format!("parameter {name} has no value"))?;
                text(default).with_context(|| format!("the default of parameter {name}"))?
            }
        };
        // What the runner fills in is an address of this machine, which is none that a deployment may have.
        let filled = !inputs.parameters.contains_key(name) && inputs.filled.contains_key(name);
        check(declaration, &value, filled).with_context(|| format!("parameter {name}"))?;
        let kind = declaration["Type"].as_str().unwrap_or("String");
        let value = if kind == "CommaDelimitedList" || kind.starts_with("List<") {
            value.split(',').map(str::trim).filter(|item| !item.is_empty()).collect()
        } else {
            Value::String(value)
        };
        values.insert(name.clone(), value);
    }
    Ok(values)
}

fn check(declaration: &Value, value: &str, filled: bool) -> anyhow::Result<()> {
    if let Some(pattern) = declaration["AllowedPattern"].as_str().filter(|_| !filled) {
        let whole = regex::Regex::new(&format!("^(?:{pattern})$"))?;
        if !whole.is_match(value) {
            bail!("\"{value}\" does not match {pattern}");
        }
    }
    if let Some(allowed) = declaration["AllowedValues"].as_array() {
        let allowed = allowed.iter().map(text).collect::<anyhow::Result<Vec<_>>>()?;
        if !allowed.iter().any(|one| one == value) {
            bail!("\"{value}\" is not one of {}", allowed.join(", "));
        }
    }
    let length = value.chars().count() as u64;
    if declaration["MinLength"].as_u64().is_some_and(|least| length < least) {
        bail!("shorter than its MinLength");
    }
    if declaration["MaxLength"].as_u64().is_some_and(|most| length > most) {
        bail!("longer than its MaxLength");
    }
    Ok(())
}
