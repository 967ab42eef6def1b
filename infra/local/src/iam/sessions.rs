//! Roles and their sessions: who may assume which, with which tags, and for how long.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{Context, Hit, Statement};
use crate::clock::Clock;
use crate::template::{self, Effect};

/// The shortest session that AWS opens.
const SHORTEST: Duration = Duration::from_secs(900);
/// The longest that it opens for whoever is in a session already, as every function is.
const CHAINED: Duration = Duration::from_secs(3600);
/// The most session tags.
const TAGS: usize = 50;
const LONGEST_KEY: usize = 128;
const LONGEST_VALUE: usize = 256;

/// What `sts:AssumeRole` is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// Who signs.
    pub(crate) caller: String,
    /// The ARN of the role.
    pub(crate) role: String,
    /// The name of the session.
    pub(crate) name: String,
    /// The session's tags.
    pub(crate) tags: Vec<(String, String)>,
    /// How long it is to last.
    pub(crate) lasts: Duration,
}

/// What signs in a session's name.
#[derive(Clone, Debug)]
pub(crate) struct Credentials {
    /// The access key.
    pub(crate) key: String,
    /// The token that has to come with it.
    pub(crate) token: String,
    /// Until when.
    pub(crate) until: Timestamp,
}

/// Why there is no session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The role does not trust the caller to do that.
    Denied(String),
    /// The request is not one that AWS takes.
    Invalid(String),
}

/// A role that can be assumed.
#[derive(Clone, Debug)]
pub(super) struct Role {
    logical_id: String,
    arn: String,
    longest: Duration,
    trust: Vec<(Vec<String>, Statement)>,
}

impl Role {
    pub(super) fn new(role: &template::Role) -> anyhow::Result<Self> {
        let read = |trust: &template::Trust| Ok((trust.principals.clone(), Statement::new(&trust.statement)?));
        let trust: anyhow::Result<Vec<_>> = role.trust.iter().map(read).collect();
        Ok(Self {
            logical_id: role.logical_id.clone(),
            arn: role.arn.clone(),
            longest: role.longest,
            trust: trust.map_err(|error| anyhow::anyhow!("{}: {error}", role.logical_id))?,
        })
    }

    /// Within an account a role that is named by a trust policy needs no permission of its own.
    fn trusts(&self, principal: &str, action: &str, context: &Context) -> bool {
        let speaks = |(principals, statement): &&(Vec<String>, Statement)| {
            principals.iter().any(|one| one == principal) && Hit::of(statement, action, &self.arn, context).is_some()
        };
        let effects: Vec<Effect> = self.trust.iter().filter(speaks).map(|(_, statement)| statement.effect).collect();
        effects.contains(&Effect::Allow) && !effects.contains(&Effect::Deny)
    }
}

/// A session that was opened.
#[derive(Clone, Debug)]
pub(super) struct Session {
    /// The role's logical id.
    pub(super) role: String,
    /// The function that opened it.
    pub(super) function: String,
    tags: Vec<(String, String)>,
    until: Timestamp,
}

impl Session {
    /// The condition keys of a call, with those that the session brings.
    pub(super) fn context(&self, call: &Context) -> Context {
        let tag =
            |context: Context, (key, value): &(String, String)| context.with(&format!("aws:PrincipalTag/{key}"), value);
        self.tags.iter().fold(call.clone(), tag)
    }
}

/// The roles of the stack and every session of them.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    roles: Vec<Role>,
    /// Function (binary name) → the ARN of its role.
    functions: BTreeMap<String, String>,
    /// By what [`crate::backends::front::caller`] says of who signs: access key and token.
    open: Mutex<BTreeMap<String, Session>>,
    clock: Clock,
}

impl Sessions {
    pub(super) fn new(roles: Vec<Role>, functions: BTreeMap<String, String>, clock: Clock) -> Self {
        Self { roles, functions, open: Mutex::default(), clock }
    }

    /// The session that signs so, if it is one.
    pub(super) fn find(&self, caller: &str) -> Option<Session> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).get(caller).cloned()
    }

    /// Whether it is over by the movable clock.
    pub(super) fn is_over(&self, session: &Session) -> bool {
        session.until <= self.clock.now()
    }

    pub(super) fn assume(&self, asked: &Asked) -> Result<Credentials, Refused> {
        well_formed(asked).map_err(Refused::Invalid)?;
        let denied = |action: &str| {
            let Asked { caller, role, .. } = asked;
            Refused::Denied(format!("User: {caller} is not authorized to perform: {action} on resource: {role}"))
        };
        let role = self.roles.iter().find(|role| role.arn == asked.role).ok_or_else(|| denied("sts:AssumeRole"))?;
        // Only functions can assume a role: a session has none of their names, and the operator no role at all.
        let principal = self.functions.get(&asked.caller).ok_or_else(|| denied("sts:AssumeRole"))?;
        let names = asked.tags.iter().map(|(key, _)| key.as_str());
        let mut context = Context::new().with("sts:RoleSessionName", &asked.name).with_many("aws:TagKeys", names);
        for (key, value) in &asked.tags {
            context = context.with(&format!("aws:RequestTag/{key}"), value);
        }
        let needed =
            if asked.tags.is_empty() { &["sts:AssumeRole"][..] } else { &["sts:AssumeRole", "sts:TagSession"] };
        if let Some(action) = needed.iter().find(|action| !role.trusts(principal, action, &context)) {
            return Err(denied(action));
        }
        if asked.lasts > role.longest.min(CHAINED) {
            return Err(Refused::Invalid("The requested DurationSeconds exceeds the longest session.".to_owned()));
        }
        let lasts = SignedDuration::try_from(asked.lasts).unwrap_or_default();
        let credentials = Credentials {
            key: format!("ASIA{}", hex::encode_upper(rand::random::<[u8; 8]>())),
            token: hex::encode(rand::random::<[u8; 16]>()),
            until: self.clock.now().saturating_add(lasts).unwrap_or(Timestamp::MAX),
        };
        let session = Session {
            role: role.logical_id.clone(),
            function: asked.caller.clone(),
            tags: asked.tags.clone(),
            until: credentials.until,
        };
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.insert(format!("{}/{}", credentials.key, credentials.token), session);
        Ok(credentials)
    }
}

/// The limits of the STS API reference.
fn well_formed(asked: &Asked) -> Result<(), String> {
    let among = |text: &str, more: &str| text.chars().all(|one| one.is_alphanumeric() || more.contains(one));
    if !(2..=64).contains(&asked.name.len()) || !among(&asked.name, "_=,.@-") {
        return Err("RoleSessionName must satisfy [\\w+=,.@-]{2,64}.".to_owned());
    }
    if asked.lasts < SHORTEST {
        return Err(format!("DurationSeconds must be {} or more.", SHORTEST.as_secs()));
    }
    if asked.tags.len() > TAGS {
        return Err(format!("A session has {TAGS} tags at most."));
    }
    let mut seen = BTreeSet::new();
    for (key, value) in &asked.tags {
        let fits = (1..=LONGEST_KEY).contains(&key.chars().count()) && value.chars().count() <= LONGEST_VALUE;
        if !fits || !among(key, " _.:/=+-@") || !among(value, " _.:/=+-@") {
            return Err("A tag's key and value must satisfy [\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*.".to_owned());
        }
        if !seen.insert(key.to_lowercase()) {
            return Err("Duplicate tag keys found. Please note that Tag keys are case insensitive.".to_owned());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ROLE: &str = "arn:aws:iam::000000000000:role/prospectra-OneWorkspace";
    const FUNCTION: &str = "arn:aws:iam::000000000000:role/prospectra-ProspectsFunctionRole";

    fn sessions(actions: &[&str], clock: Clock) -> Sessions {
        let statement = template::Statement {
            sid: "Function".to_owned(),
            effect: Effect::Allow,
            actions: actions.iter().map(|&action| action.to_owned()).collect(),
            resources: vec!["*".to_owned()],
            condition: json!({
                "StringLike": {"aws:RequestTag/workspace": "ws_*"},
                "ForAllValues:StringEquals": {"aws:TagKeys": ["workspace"]},
            }),
        };
        let role = template::Role {
            logical_id: "OneWorkspace".to_owned(),
            arn: ROLE.to_owned(),
            longest: Duration::from_secs(3600),
            trust: vec![template::Trust { principals: vec![FUNCTION.to_owned()], statement }],
            statements: Vec::new(),
        };
        let functions =
            [("prospects", FUNCTION), ("send", "arn:aws:iam::000000000000:role/prospectra-SendFunctionRole")];
        let functions = functions.map(|(name, arn)| (name.to_owned(), arn.to_owned())).into();
        Sessions::new(vec![Role::new(&role).unwrap()], functions, clock)
    }

    fn asked(caller: &str, tags: &[(&str, &str)]) -> Asked {
        Asked {
            caller: caller.to_owned(),
            role: ROLE.to_owned(),
            name: "ws_1".to_owned(),
            tags: tags.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect(),
            lasts: SHORTEST,
        }
    }

    #[test]
    fn only_whom_the_role_trusts_opens_a_session_and_only_with_its_tag() {
        let sessions = sessions(&["sts:AssumeRole", "sts:TagSession"], Clock::new());
        let ask = |caller: &str, tags: &[(&str, &str)]| sessions.assume(&asked(caller, tags));
        assert!(ask("prospects", &[("workspace", "ws_1")]).is_ok());
        for (caller, tags) in [
            ("send", &[("workspace", "ws_1")][..]),
            ("operator", &[("workspace", "ws_1")]),
            ("anonymous", &[("workspace", "ws_1")]),
            ("prospects", &[]),
            ("prospects", &[("workspace", "")]),
            ("prospects", &[("workspace", "other")]),
            ("prospects", &[("tenant", "ws_1")]),
            ("prospects", &[("workspace", "ws_1"), ("admin", "yes")]),
        ] {
            assert!(matches!(ask(caller, tags), Err(Refused::Denied(_))), "{caller} {tags:?}");
        }
        for tags in [&[("workspace", "ws_*")][..], &[("workspace", "ws_1"), ("Workspace", "ws_2")]] {
            assert!(matches!(ask("prospects", tags), Err(Refused::Invalid(_))), "{tags:?}");
        }
        let elsewhere = Asked { role: format!("{ROLE}s"), ..asked("prospects", &[("workspace", "ws_1")]) };
        assert!(matches!(sessions.assume(&elsewhere), Err(Refused::Denied(_))));
    }

    #[test]
    fn tags_need_a_permission_of_their_own() {
        let sessions = sessions(&["sts:AssumeRole"], Clock::new());
        let refused = sessions.assume(&asked("prospects", &[("workspace", "ws_1")])).unwrap_err();
        assert!(matches!(refused, Refused::Denied(why) if why.contains("sts:TagSession")));
    }

    #[test]
    fn a_session_ends_at_its_second_and_cannot_open_another() {
        let clock = Clock::new();
        let sessions = sessions(&["sts:AssumeRole", "sts:TagSession"], clock.clone());
        for seconds in [899, 3601] {
            let lasts = Duration::from_secs(seconds);
            let asked = Asked { lasts, ..asked("prospects", &[("workspace", "ws_1")]) };
            assert!(matches!(sessions.assume(&asked), Err(Refused::Invalid(_))), "{seconds}");
        }
        let credentials = sessions.assume(&asked("prospects", &[("workspace", "ws_1")])).unwrap();
        let caller = format!("{}/{}", credentials.key, credentials.token);
        assert!(sessions.find(&credentials.key).is_none(), "a key without its token is nobody's");
        let session = sessions.find(&caller).unwrap();
        assert!(matches!(sessions.assume(&asked(&caller, &[("workspace", "ws_2")])), Err(Refused::Denied(_))));
        clock.set(credentials.until - SignedDuration::from_secs(5));
        assert!(!sessions.is_over(&session));
        clock.set(credentials.until);
        assert!(sessions.is_over(&session));
    }
}
