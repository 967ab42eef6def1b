//! Keys that programs use the API with.
//!
//! A key names its workspace and itself, so that it is found without an index, and holds 32 bytes of
//! chance, of which the hash is stored. What it may do is what its scopes say and its maker's role still
//! allows, looked up at every use.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{
    Timestamp,
    access::Permission,
    audit::{Action, Actor, Caller, Origin},
    id::{ApiKeyId, ID_BYTES, MemberId, WorkspaceId},
    policy::retention::{Class, Policy, ttl},
};
use jiff::{SignedDuration, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};
use storage::{StoreError, WorkspaceScope, accounts::api_key::ApiKey};

use crate::{
    App, Failure,
    fields::Fields,
    secret::{Secret, sha256},
    sessions::person,
};

/// What every key starts with: whoever finds one in a log or a repository knows what it is.
pub const PREFIX: &str = "pk_";
/// Characters that a key is recognised by.
const START: usize = PREFIX.len() + 12;
/// Keys of one workspace.
const MOST: usize = 50;

/// A key to make.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewApiKey {
    name: String,
    scopes: Vec<Permission>,
    /// Days that it works; as long as the policy allows when left out.
    #[serde(default)]
    days: Option<u16>,
}

/// A key as those who manage keys see it.
#[derive(Debug, Serialize)]
pub struct ApiKeyView {
    id: ApiKeyId,
    name: String,
    start: String,
    scopes: Vec<Permission>,
    created_by: MemberId,
    created_at: Timestamp,
    expires_at: Timestamp,
    last_used_on: Option<Date>,
}

/// A key with its secret: shown once.
#[derive(Serialize)]
pub struct NewKeyView {
    #[serde(flatten)]
    view: ApiKeyView,
    key: String,
}

/// Workspace, key and secret: what finds a key and proves the right to it.
struct Bearer {
    id: ApiKeyId,
    workspace: WorkspaceId,
    secret: [u8; 32],
}

impl Bearer {
    fn text(&self) -> String {
        let bytes = [self.id.as_bytes().as_slice(), self.workspace.as_bytes(), &self.secret].concat();
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))
    }

    fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text.strip_prefix(PREFIX)?).ok()?;
        let (id, rest) = bytes.split_first_chunk::<ID_BYTES>()?;
        let (workspace, secret) = rest.split_first_chunk::<ID_BYTES>()?;
        Some(Self {
            id: ApiKeyId::from_bytes(*id),
            workspace: WorkspaceId::from_bytes(*workspace),
            secret: secret.try_into().ok()?,
        })
    }
}

impl App {
    /// Makes a key. Its scopes are among what its maker may do, and never include what is for people.
    pub async fn make_api_key(
        &self,
        scope: &WorkspaceScope,
        asked: NewApiKey,
        now: Timestamp,
    ) -> Result<NewKeyView, Failure> {
        let longest = Policy::current().expiry(Class::ApiKey, now);
        let mut fields = Fields::default();
        let name = fields.line("name", &asked.name, 100);
        let until = asked.days.map_or(longest, |days| now + SignedDuration::from_hours(24 * i64::from(days)));
        if until <= now || until > longest {
            fields.wrong("days", format!("1 to {}", Policy::current().keep(Class::ApiKey)));
        }
        if asked.scopes.is_empty() {
            fields.wrong("scopes", "name one permission at least");
        }
        let role = scope.role().ok_or_else(Failure::unauthenticated)?;
        if asked.scopes.iter().any(|permission| !permission.is_for_programs() || !role.may(*permission)) {
            fields.wrong(
                "scopes",
                "your own permissions only, and none that is for people: self, members, keys, closing",
            );
        }
        fields.done()?;
        self.active_workspace(scope).await?;
        let accounts = self.db.accounts(scope);
        if accounts.api_keys(now).await?.len() >= MOST {
            return Err(Failure::refused("too-many-keys", format!("There are {MOST} keys. Delete one first.")));
        }
        let mut scopes = asked.scopes;
        scopes.sort_unstable();
        scopes.dedup();
        let secret = Secret::new();
        let id = ApiKeyId::new(now, crate::chance());
        let text = Bearer { id, workspace: scope.workspace(), secret: *secret.as_bytes() }.text();
        let key = ApiKey {
            id,
            name,
            scopes,
            created_by: person(scope)?,
            created_at: now,
            start: text[..START].to_owned(),
            secret: secret.hash(),
            used_on: None,
            ttl: ttl(until),
        };
        accounts.put_api_key(&key, &scope.entry(Action::ApiKeyCreated, now).about(id)).await?;
        Ok(NewKeyView { view: view(key), key: text })
    }

    /// The workspace's keys, oldest first.
    pub async fn api_keys(&self, scope: &WorkspaceScope, now: Timestamp) -> Result<Vec<ApiKeyView>, Failure> {
        Ok(self.db.accounts(scope).api_keys(now).await?.into_iter().map(view).collect())
    }

    /// Ends a key.
    pub async fn end_api_key(&self, scope: &WorkspaceScope, id: ApiKeyId, now: Timestamp) -> Result<(), Failure> {
        self.db.of(scope).api_key(scope.workspace(), id, now).await?.ok_or_else(|| Failure::not_found("key"))?;
        let entry = scope.entry(Action::ApiKeyDeleted, now).about(id);
        Ok(self.db.accounts(scope).delete_api_key(id, &entry).await?)
    }

    /// The scope that a key opens at `now` for a route that needs this permission; `None` for a route that
    /// nobody may use.
    pub async fn key_scope(
        &self,
        bearer: &str,
        needed: Option<Permission>,
        origin: Origin,
        now: Timestamp,
    ) -> Result<WorkspaceScope, Failure> {
        let bearer = Bearer::parse(bearer).ok_or_else(Failure::unauthenticated)?;
        let workspace = self.reaching(WorkspaceScope::internal(bearer.workspace), now).await?;
        let key = self.db.of(&workspace).api_key(bearer.workspace, bearer.id, now).await?;
        let right = key.filter(|key| key.secret == sha256(&bearer.secret));
        let key = right.ok_or_else(Failure::unauthenticated)?;
        let accounts = self.db.accounts(&workspace);
        let maker = accounts.member(key.created_by).await?.ok_or_else(Failure::unauthenticated)?;
        let may = |permission: Permission| {
            permission.is_for_programs() && key.scopes.contains(&permission) && maker.role.may(permission)
        };
        if !needed.is_some_and(may) {
            return Err(Failure::forbidden());
        }
        let today = now.to_zoned(TimeZone::UTC).date();
        if key.used_on != Some(today) {
            match accounts.note_api_key(key.id, today).await {
                Ok(()) => {}
                // Ended between the look-up and here.
                Err(StoreError::Conflict) => return Err(Failure::unauthenticated()),
                Err(error) => return Err(error.into()),
            }
        }
        let actor = Actor::ApiKey { id: key.id, member: maker.id, role: maker.role };
        Ok(workspace.by(Caller::new(actor, origin)))
    }
}

/// Whether a bearer token is meant to be a key.
pub fn is_key(bearer: &str) -> bool {
    bearer.starts_with(PREFIX)
}

fn view(key: ApiKey) -> ApiKeyView {
    let ApiKey { id, name, scopes, created_by, created_at, start, used_on, ttl, .. } = key;
    let expires_at = Timestamp::from_second(ttl).unwrap_or(created_at);
    ApiKeyView { id, name, start, scopes, created_by, created_at, expires_at, last_used_on: used_on }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_back_and_nothing_else_does() {
        let (id, workspace) = (ApiKeyId::from_bytes([1; 10]), WorkspaceId::from_bytes([2; 10]));
        let text = Bearer { id, workspace, secret: [3; 32] }.text();
        assert!(is_key(&text) && text.len() > START);
        let back = Bearer::parse(&text).unwrap();
        assert_eq!((back.id, back.workspace, back.secret), (id, workspace, [3; 32]));
        for bad in ["", "pk_", &text[3..], &text[..text.len() - 1], &format!("{text}AA"), "eyJhbGciOiJub25lIn0.e30."] {
            assert!(Bearer::parse(bad).is_none(), "{bad}");
        }
    }
}
