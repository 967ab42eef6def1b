//! The permissions of template.yaml, enforced: a call without a statement is refused here as AWS would refuse it,
//! and every statement that was used is remembered, so that a test finds the ones nobody needs.

mod condition;
mod pattern;
mod sessions;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use condition::Condition;
pub use condition::Context;
use pattern::Pattern;
pub(crate) use sessions::{Asked, Credentials, Refused};
use sessions::{Role, Sessions};

use crate::backends::OPERATOR;
use crate::clock::Clock;
use crate::template::{self, Effect, Template};

/// The services this stack answers for. Statements about others (logs, metrics) cannot be used here,
/// so they are not reported as unused.
const SERVICES: [&str; 6] = ["dynamodb", "sqs", "s3", "ses", "kms", "secretsmanager"];

/// One statement of a function's policy, with every ARN resolved.
#[derive(Clone, Debug)]
pub struct Statement {
    sid: String,
    effect: Effect,
    actions: Vec<Pattern>,
    resources: Vec<Pattern>,
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
        let patterns = |all: &[String]| all.iter().map(|one| Pattern::parse(one)).collect::<anyhow::Result<Vec<_>>>();
        let (actions, resources) = (patterns(&statement.actions)?, patterns(&statement.resources)?);
        Ok(Self { sid, effect: statement.effect, actions, resources, conditions })
    }
}

/// A permission that was exercised.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Used {
    /// The function (its binary name), or the role (its logical id) whose session it was.
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
    /// The function (its binary name) or the role (its logical id).
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

/// The policies of every function and role, and what was used of them. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Iam {
    policies: Arc<BTreeMap<String, Vec<Statement>>>,
    sessions: Arc<Sessions>,
    record: Arc<Mutex<Record>>,
}

impl Iam {
    /// Policies by function (binary name), and no roles that could be assumed.
    pub fn new(policies: BTreeMap<String, Vec<Statement>>) -> Self {
        Self { policies: Arc::new(policies), ..Self::default() }
    }

    /// The policies of every function and role of the template. Sessions end by `clock`.
    ///
    /// # Errors
    ///
    /// A statement that cannot be enforced (see [`Statement::new`]).
    pub fn from_template(template: &Template, clock: Clock) -> anyhow::Result<Self> {
        let mut policies: BTreeMap<String, Vec<Statement>> = BTreeMap::new();
        let functions = template.functions.iter().map(|one| (&one.binary, &one.logical_id, &one.statements));
        let roles = template.roles.iter().map(|one| (&one.logical_id, &one.logical_id, &one.statements));
        for (principal, logical_id, statements) in functions.chain(roles) {
            let read = statements.iter().map(Statement::new).collect::<anyhow::Result<Vec<_>>>();
            let read = read.map_err(|error| anyhow::anyhow!("{logical_id}: {error}"))?;
            policies.entry(principal.clone()).or_default().extend(read);
        }
        let roles = template.roles.iter().map(Role::new).collect::<anyhow::Result<_>>()?;
        let functions = template.functions.iter().map(|one| (one.binary.clone(), one.role.clone())).collect();
        Ok(Self { sessions: Arc::new(Sessions::new(roles, functions, clock)), ..Self::new(policies) })
    }

    /// Opens a session of a role, as `sts:AssumeRole` does.
    ///
    /// # Errors
    ///
    /// The role does not trust the caller to, or the request is not well formed.
    pub(crate) fn assume(&self, asked: &Asked) -> Result<Credentials, Refused> {
        let opened = self.sessions.assume(asked);
        let mut record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
        match &opened {
            Ok(_) => {}
            Err(Refused::Denied(_)) => {
                record.denied.insert(Denied {
                    function: asked.caller.clone(),
                    action: "sts:AssumeRole".to_owned(),
                    resource: asked.role.clone(),
                });
            }
            Err(Refused::Invalid(_)) => {}
        }
        opened
    }

    /// Whether the caller's session is over.
    pub(crate) fn is_expired(&self, caller: &str) -> bool {
        self.sessions.find(caller).is_some_and(|session| self.sessions.is_over(&session))
    }

    /// The function behind a caller: who opened the session, if it is one.
    pub(crate) fn function_of(&self, caller: &str) -> String {
        self.sessions.find(caller).map_or_else(|| caller.to_owned(), |session| session.function)
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
        let session = self.sessions.find(caller);
        if session.as_ref().is_some_and(|session| self.sessions.is_over(session)) {
            return Err("The security token included in the request is expired".to_owned());
        }
        let own = session.as_ref().map(|session| session.context(context));
        let context = own.as_ref().unwrap_or(context);
        let caller = session.as_ref().map_or(caller, |session| &session.role);
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
                for part in statement.actions.iter().chain(&statement.resources).map(Pattern::written) {
                    if !seen.is_some_and(|seen| seen.contains(part)) {
                        unused.push(Unused {
                            function: function.clone(),
                            sid: statement.sid.clone(),
                            part: part.to_owned(),
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
            let service = action.written().split(':').next().unwrap_or_default();
            action.written() == "*" || SERVICES.contains(&service)
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
        let is = |matched: Option<bool>| matched.unwrap_or(false);
        let by_action = statement.actions.iter().find(|pattern| is(pattern.matches_any_case(action, context)))?;
        let by_resource = statement.resources.iter().find(|pattern| is(pattern.matches(resource, context)))?;
        statement
            .conditions
            .iter()
            .all(|condition| condition.holds(context))
            .then_some(Self { action: by_action.written(), resource: by_resource.written() })
    }
}
