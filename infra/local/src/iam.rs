//! The permissions of template.yaml, enforced: a call without a statement is refused here as AWS would refuse it,
//! and every statement that was used is remembered, so that a test finds the ones nobody needs.

mod condition;
mod pattern;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use condition::Condition;
pub use condition::Context;
use pattern::matches;

use crate::backends::OPERATOR;
use crate::template::{self, Effect, Template};

/// The services this stack answers for. Statements about others (logs, metrics) cannot be used here,
/// so they are not reported as unused.
const SERVICES: [&str; 6] = ["dynamodb", "sqs", "s3", "ses", "kms", "secretsmanager"];

/// One statement of a function's policy, with every ARN resolved.
#[derive(Clone, Debug)]
pub struct Statement {
    sid: String,
    effect: Effect,
    actions: Vec<String>,
    resources: Vec<String>,
    conditions: Vec<Condition>,
}

impl Statement {
    /// Takes a statement of the template.
    ///
    /// # Errors
    ///
    /// No Action, no Resource, or a condition operator that is not understood: a statement that cannot be
    /// enforced must not pass in silence.
    pub fn new(statement: &template::Statement) -> anyhow::Result<Self> {
        let sid = statement.sid.clone();
        anyhow::ensure!(!statement.actions.is_empty(), "statement {sid:?} has no Action");
        anyhow::ensure!(!statement.resources.is_empty(), "statement {sid:?} has no Resource");
        let conditions = Condition::parse_all(&statement.condition)
            .map_err(|error| anyhow::anyhow!("statement {sid:?}: {error}"))?;
        Ok(Self {
            sid,
            effect: statement.effect,
            actions: statement.actions.clone(),
            resources: statement.resources.clone(),
            conditions,
        })
    }
}

/// A permission that was exercised.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Used {
    /// The function (its binary name).
    pub function: String,
    /// The statement that allowed it.
    pub sid: String,
    /// The action called, such as `dynamodb:Query`.
    pub action: String,
    /// The ARN it was called on.
    pub resource: String,
}

/// A part of a statement that nothing exercised.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unused {
    /// The function (its binary name).
    pub function: String,
    /// The statement.
    pub sid: String,
    /// The action or the resource pattern, as the template writes it.
    pub part: String,
}

/// A call that was refused.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Denied {
    /// The caller.
    pub function: String,
    /// The action it wanted.
    pub action: String,
    /// The ARN it wanted it on.
    pub resource: String,
}

#[derive(Debug, Default)]
struct Record {
    used: BTreeSet<Used>,
    denied: BTreeSet<Denied>,
    /// function → statement index → parts (actions and resource patterns) that matched at least once.
    parts: BTreeMap<String, BTreeMap<usize, BTreeSet<String>>>,
}

/// The policies of every function, and what was used of them. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Iam {
    policies: Arc<BTreeMap<String, Vec<Statement>>>,
    record: Arc<Mutex<Record>>,
}

impl Iam {
    /// Policies by function (binary name).
    pub fn new(policies: BTreeMap<String, Vec<Statement>>) -> Self {
        Self { policies: Arc::new(policies), record: Arc::default() }
    }

    /// The policies of every function of the template.
    ///
    /// # Errors
    ///
    /// A statement that cannot be enforced (see [`Statement::new`]).
    pub fn from_template(template: &Template) -> anyhow::Result<Self> {
        let mut policies: BTreeMap<String, Vec<Statement>> = BTreeMap::new();
        for function in &template.functions {
            let statements = policies.entry(function.binary.clone()).or_default();
            for statement in &function.statements {
                let statement =
                    Statement::new(statement).map_err(|error| anyhow::anyhow!("{}: {error}", function.logical_id))?;
                statements.push(statement);
            }
        }
        Ok(Self::new(policies))
    }

    /// Decides one call and records it. The operator's key may do anything.
    ///
    /// # Errors
    ///
    /// The message AWS gives: who may not do what on what.
    pub fn authorize(
        &self,
        caller: Option<&str>,
        action: &str,
        resource: &str,
        context: &Context,
    ) -> Result<(), String> {
        let caller = caller.unwrap_or("anonymous");
        if caller == OPERATOR {
            return Ok(());
        }
        let statements = self.policies.get(caller).map_or(&[][..], Vec::as_slice);
        let mut allowed = None;
        let mut forbidden = false;
        for (index, statement) in statements.iter().enumerate() {
            let Some(hit) = Hit::of(statement, action, resource, context) else {
                continue;
            };
            match statement.effect {
                Effect::Deny => forbidden = true,
                Effect::Allow => {
                    allowed.get_or_insert((index, statement, hit));
                }
            }
        }
        let mut record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
        match allowed {
            Some((index, statement, hit)) if !forbidden => {
                record.used.insert(Used {
                    function: caller.to_owned(),
                    sid: statement.sid.clone(),
                    action: action.to_owned(),
                    resource: resource.to_owned(),
                });
                let parts = record.parts.entry(caller.to_owned()).or_default().entry(index).or_default();
                for part in [hit.action, hit.resource] {
                    if !parts.contains(part) {
                        parts.insert(part.to_owned());
                    }
                }
                Ok(())
            }
            _ => {
                record.denied.insert(Denied {
                    function: caller.to_owned(),
                    action: action.to_owned(),
                    resource: resource.to_owned(),
                });
                let why = if forbidden {
                    "with an explicit deny in an identity-based policy"
                } else {
                    "because no identity-based policy allows the action"
                };
                Err(format!("User: {caller} is not authorized to perform: {action} on resource: {resource} {why}"))
            }
        }
    }

    /// Whether a call would be allowed; nothing is recorded.
    pub fn permits(&self, caller: &str, action: &str, resource: &str, context: &Context) -> bool {
        let statements = self.policies.get(caller).map_or(&[][..], Vec::as_slice);
        let effects: Vec<Effect> = statements
            .iter()
            .filter(|statement| Hit::of(statement, action, resource, context).is_some())
            .map(|statement| statement.effect)
            .collect();
        caller == OPERATOR || (effects.contains(&Effect::Allow) && !effects.contains(&Effect::Deny))
    }

    /// What was exercised so far, in order of function.
    pub fn used(&self) -> Vec<Used> {
        let record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
        record.used.iter().cloned().collect()
    }

    /// What was refused so far.
    pub fn denied(&self) -> Vec<Denied> {
        let record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
        record.denied.iter().cloned().collect()
    }

    /// Every action and resource pattern of an Allow statement that nothing exercised yet.
    pub fn unused(&self) -> Vec<Unused> {
        let record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
        let mut unused = Vec::new();
        for (function, statements) in &*self.policies {
            for (index, statement) in statements.iter().enumerate() {
                if statement.effect == Effect::Deny || !statement.is_ours() {
                    continue;
                }
                let seen = record.parts.get(function).and_then(|all| all.get(&index));
                for part in statement.actions.iter().chain(&statement.resources) {
                    if !seen.is_some_and(|seen| seen.contains(part)) {
                        unused.push(Unused {
                            function: function.clone(),
                            sid: statement.sid.clone(),
                            part: part.clone(),
                        });
                    }
                }
            }
        }
        unused.sort();
        unused
    }

    /// Forgets what was used and refused.
    pub fn reset(&self) {
        *self.record.lock().unwrap_or_else(PoisonError::into_inner) = Record::default();
    }
}

impl Statement {
    fn is_ours(&self) -> bool {
        self.actions.iter().any(|action| {
            let service = action.split(':').next().unwrap_or_default();
            action == "*" || SERVICES.contains(&service)
        })
    }
}

/// The patterns of a statement that a call matched.
struct Hit<'a> {
    action: &'a str,
    resource: &'a str,
}

impl<'a> Hit<'a> {
    fn of(statement: &'a Statement, action: &str, resource: &str, context: &Context) -> Option<Self> {
        let by_action = statement
            .actions
            .iter()
            .find(|pattern| matches(&pattern.to_ascii_lowercase(), &action.to_ascii_lowercase()))?;
        let by_resource = statement.resources.iter().find(|pattern| matches(pattern, resource))?;
        statement
            .conditions
            .iter()
            .all(|condition| condition.holds(context))
            .then_some(Self { action: by_action, resource: by_resource })
    }
}
