//! `Idempotency-Key`: a request that is sent again gets the first answer again, for a day.

use domain::{
    Timestamp,
    policy::retention::{self, Class, Policy},
};
use storage::{
    WorkspaceScope,
    accounts::remembered::{Answer, Remembered},
};

use crate::{App, Failure, Kind, secret::sha256};

/// Longest key, in characters.
const LONGEST_KEY: usize = 255;
/// How long a request may be under way, in seconds: longer than any function may run for one. After
/// that it was killed, and the key may be taken again.
const HOLD: i64 = 60;
/// Largest answer that is remembered, in bytes: an item of DynamoDB holds 400 KB.
const LARGEST_ANSWER: usize = 256 * 1024;

/// A key held by one request.
#[derive(Debug)]
pub struct Held {
    key_hash: String,
    fingerprint: String,
}

/// What a key says about a request.
pub enum Turn {
    /// It is the first: do it, then [`App::remember_answer`] or [`App::release_key`].
    First(Held),
    /// It was done: this was the answer.
    Again(Answer),
}

impl App {
    /// Takes `key` for the request that `content` (method, path, body) stands for.
    pub async fn take_key(
        &self,
        scope: &WorkspaceScope,
        key: &str,
        content: [&[u8]; 3],
        now: Timestamp,
    ) -> Result<Turn, Failure> {
        if key.is_empty() || key.len() > LONGEST_KEY || !key.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(Failure::field("Idempotency-Key", "1 to 255 printable characters without spaces"));
        }
        let held = Held { key_hash: sha256(key.as_bytes()), fingerprint: fingerprint(content) };
        let accounts = self.db.accounts(scope);
        let hold = Remembered {
            fingerprint: held.fingerprint.clone(),
            answer: None,
            free_at: now.as_second() + HOLD,
            ttl: retention::ttl(Policy::current().expiry(Class::IdempotencyKey, now)),
        };
        if accounts.take_key(&held.key_hash, &hold, now).await? {
            return Ok(Turn::First(held));
        }
        let seen = accounts.remembered(&held.key_hash).await?.ok_or_else(busy)?;
        judge(seen, &held.fingerprint).map(Turn::Again)
    }

    /// Keeps the answer for whoever asks again. An answer too large to keep lets the key go.
    pub async fn remember_answer(
        &self,
        scope: &WorkspaceScope,
        held: &Held,
        answer: Answer,
        now: Timestamp,
    ) -> Result<(), Failure> {
        if answer.body.len() > LARGEST_ANSWER {
            return self.release_key(scope, held, now).await;
        }
        let ttl = retention::ttl(Policy::current().expiry(Class::IdempotencyKey, now));
        let done = Remembered { fingerprint: held.fingerprint.clone(), answer: Some(answer), free_at: ttl, ttl };
        Ok(self.db.accounts(scope).remember(&held.key_hash, &done).await?)
    }

    /// Nothing was done: the key may be used again at once.
    pub async fn release_key(&self, scope: &WorkspaceScope, held: &Held, now: Timestamp) -> Result<(), Failure> {
        let second = now.as_second();
        let free = Remembered { fingerprint: held.fingerprint.clone(), answer: None, free_at: second, ttl: second };
        Ok(self.db.accounts(scope).remember(&held.key_hash, &free).await?)
    }
}

fn judge(seen: Remembered, fingerprint: &str) -> Result<Answer, Failure> {
    if seen.fingerprint != fingerprint {
        let detail = "This Idempotency-Key was used for another request. Use a new key for a new request.";
        return Err(Failure::refused("idempotency-mismatch", detail));
    }
    seen.answer.ok_or_else(busy)
}

fn busy() -> Failure {
    let detail = "The first request with this Idempotency-Key is still under way. Repeat it in a moment.";
    Failure { retry_after: Some(2), ..Failure::new(Kind::Conflict, "conflict", detail) }
}

/// Each part with its length, so that no two requests read alike.
fn fingerprint(content: [&[u8]; 3]) -> String {
    let framed = content.iter().flat_map(|part| [&part.len().to_be_bytes(), *part].concat());
    sha256(&framed.collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(answer: Option<Answer>) -> Remembered {
        Remembered { fingerprint: "f".into(), answer, free_at: 9, ttl: 9 }
    }

    #[test]
    fn another_body_is_refused_the_same_waits_or_gets_its_answer() {
        let answer = Answer { status: 201, headers: Vec::new(), body: "{}".into() };
        assert!(judge(seen(Some(answer.clone())), "f").unwrap() == answer);
        assert_eq!(judge(seen(Some(answer)), "g").err().unwrap().kind, Kind::Refused);
        assert_eq!(judge(seen(None), "g").err().unwrap().slug, "idempotency-mismatch");
        assert_eq!(judge(seen(None), "f").err().unwrap().kind, Kind::Conflict);
    }

    #[test]
    fn the_fingerprint_tells_where_one_part_ends() {
        let of = |a: &str, b: &str, c: &str| fingerprint([a.as_bytes(), b.as_bytes(), c.as_bytes()]);
        assert_eq!(of("POST", "/a", "x"), of("POST", "/a", "x"));
        assert_ne!(of("POST", "/a", "x"), of("POST", "/ax", ""));
        assert_ne!(of("POST", "/a", "x"), of("POST", "/b", "x"));
    }
}
