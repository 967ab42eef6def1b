//! The certificate of an erasure: what was erased, where and when, signed, and nothing about whom (A40).

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    Timestamp,
    email::EmailAddress,
    id::RequestId,
    policy::retention::{Class, Policy, Store},
    rights::{Outcome, RequestKind},
    statement::Signed,
};
use serde_json::{Value, json};
use storage::{
    WorkspaceScope,
    abuse::AbuseCase,
    rights::{Ended, Person, RightsRequest},
};

use crate::{App, Failure, failure::not_lost};

/// What is left of a person when they are erased: for each Sender a keyed hash and a date, so that no import brings
/// them back; that they were erased, by the same hash, in its trail; that mails of the product went to a pseudonym; and
/// the dates and outcomes of what they asked, without them.
const KEPT: [Class; 4] = [Class::Erasure, Class::SecurityLog, Class::MailEvidence, Class::RightsRequest];

/// Open cases of abuse read at once.
const CASES: u32 = 100;

/// Times that an erasure is looked over before the clock has to come again.
pub(super) const LOOKS: usize = 3;

/// Where a person was looked for, and what was found there, and is gone.
#[derive(Debug, Default)]
pub(super) struct Erasure {
    found: BTreeMap<Class, u64>,
    stores: BTreeSet<Store>,
}

impl Erasure {
    /// So many of a class were found in a store and erased; it may be none.
    pub(super) fn looked(&mut self, store: Store, class: Class, found: usize) {
        self.stores.insert(store);
        if found > 0 {
            *self.found.entry(class).or_default() += found as u64;
        }
    }

    /// Nothing was found.
    pub(super) fn is_clean(&self) -> bool {
        self.found.is_empty()
    }

    /// Adds what was found to what is known to be gone.
    pub(super) fn add_to(&self, erased: &mut BTreeMap<String, u64>) {
        for (class, found) in &self.found {
            *erased.entry(class.key().to_owned()).or_default() += found;
        }
    }
}

impl App {
    /// The certificate of an erasure that is complete: the last look over all stores found nothing. `None` while a
    /// file is being read; the register's clock comes by again.
    pub(super) async fn certify_erasure(
        &self,
        request: &RightsRequest,
        now: Timestamp,
    ) -> Result<Option<String>, Failure> {
        let mut erased = request.erased.clone();
        for _ in 0..LOOKS {
            let mut look = Erasure::default();
            let all = self.erase_files(request, &mut look, now).await?;
            for holding in &request.holdings {
                let scope = WorkspaceScope::internal(holding.workspace);
                self.erase_everywhere(&scope, holding, request.person.email(), &mut look, now).await?;
            }
            self.forget_asked(request, &mut look, now).await?;
            if !all {
                return Ok(None);
            }
            look.add_to(&mut erased);
            if look.is_clean() {
                let signed = self.sign_statement(stated(request, &erased, &look, &KEPT, now), now).await?;
                let text = serde_json::to_string(&signed).map_err(|error| Failure::internal(error.to_string()))?;
                return Ok(Some(text));
            }
        }
        Ok(None)
    }

    /// Closes what else the person asked and is not answered, with their address and words in it: nothing is left that
    /// it could be about. Another erasure has a certificate of its own to come. What they reported goes on without them.
    pub(super) async fn forget_asked(
        &self,
        request: &RightsRequest,
        look: &mut Erasure,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let whose = |person: &Person| match person {
            Person::Member { workspace, member, .. } => Some((*workspace, *member)),
            Person::Prospect { .. } => None,
        };
        let mut ended = 0;
        for other in self.open_requests_of(request.person.email()).await? {
            let theirs = whose(&other.person) == whose(&request.person);
            if other.id == request.id || other.kind == RequestKind::Erasure || !theirs {
                continue;
            }
            let due = domain::rights::due(other.received_at);
            let mut how = Vec::with_capacity(other.holdings.len());
            for holding in &other.holdings {
                let task = self.db.rights_task(holding.workspace, other.id).await?;
                let handled = task.and_then(|task| task.duty.handled);
                let (outcome, at) = handled.map_or((Outcome::Overtaken, now), |handled| (handled.outcome, handled.at));
                how.push(Ended { workspace: Some(holding.workspace), outcome, at, due });
            }
            if how.is_empty() {
                how.push(Ended { workspace: None, outcome: Outcome::Overtaken, at: now, due });
            }
            self.delete_copy(&other).await?;
            not_lost(match whose(&other.person) {
                Some(member) => self.db.close_nameless(&other, member, how, None, now).await,
                None => self.db.close_request(&other, how, None, now).await,
            })?;
            ended += 1;
        }
        let reported = self.reports_of(request.person.email()).await?;
        for case in &reported {
            not_lost(self.db.forget_reporter(case).await)?;
        }
        look.looked(Store::Rights, Class::RightsRequest, ended);
        look.looked(Store::Rights, Class::AbuseCase, reported.len());
        Ok(())
    }

    /// The open cases of abuse that somebody reported, and wants an answer to.
    pub(super) async fn reports_of(&self, email: &EmailAddress) -> Result<Vec<AbuseCase>, Failure> {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let (cases, next) = self.db.abuse_cases(after, CASES).await?;
            let theirs = |case: &AbuseCase| case.reporter.as_ref().is_some_and(|reporter| reporter.email == *email);
            found.extend(cases.into_iter().filter(theirs));
            after = next;
            if after.is_none() {
                return Ok(found);
            }
        }
    }

    /// The certificate of a request, for whoever knows its number. `not-found`: there is no such request, it
    /// asked for something else, or the erasure is not complete.
    pub async fn erasure_certificate(&self, id: RequestId, now: Timestamp) -> Result<Signed, Failure> {
        let closed = self.db.closed_request(id).await?.filter(|closed| now.as_second() < closed.ttl);
        let text = closed.and_then(|closed| closed.certificate).ok_or_else(|| Failure::not_found("certificate"))?;
        serde_json::from_str(&text).map_err(|error| Failure::internal(error.to_string()))
    }
}

/// What is signed of an erasure. Numbers and dates, and nobody's data.
pub(super) fn stated(
    request: &RightsRequest,
    erased: &BTreeMap<String, u64>,
    look: &Erasure,
    kept: &[Class],
    now: Timestamp,
) -> Value {
    let left: BTreeMap<&str, u64> = look.found.iter().map(|(class, found)| (class.key(), *found)).collect();
    json!({
        "kind": "erasure",
        "request": request.id,
        "received_at": request.received_at,
        "erased_at": now,
        "policy": Policy::current().fingerprint(),
        "senders": request.holdings.len(),
        "erased": erased,
        "stores": look.stores,
        "residuals": left,
        "kept": kept.iter().map(|class| class.key()).collect::<Vec<_>>(),
    })
}
