//! The mailbox is proved: who holds the person, what is done at once, who has to answer.

use content::{
    rights::Holder,
    system::{Notification, RightsMail},
};
use domain::{
    Timestamp,
    email::EmailAddress,
    id::{RequestId, WorkspaceId},
    locale::Locale,
    policy::retention::{Class, Policy},
    rights::{self, AtOnce, Channel, RequestKind},
};
use serde::Serialize;
use storage::{
    StoreError, WorkspaceScope,
    accounts::once::{GoodFor, RightsAccess, RightsAsked},
    rights::{Holding, Person, RightsRequest},
};

use super::certificate::Erasure;
use crate::{
    App, Failure,
    secret::{Secret, hash_of},
    signup::minutes,
};

/// What a person learns who has proved that a mailbox is theirs.
#[derive(Serialize)]
pub struct Proved {
    /// The request, as it is entered in the register.
    pub request: RequestId,
    /// What was asked.
    pub kind: RequestKind,
    /// Who holds them; nobody when empty.
    pub senders: Vec<Sender>,
    /// By when the Senders answer, where they have to.
    pub due: Option<Timestamp>,
    /// The one-time token that opens the data, where it is handed over.
    pub access_token: Option<String>,
    /// The request whose certificate of erasure is at `/rights/certificates/{id}` once everything is gone.
    pub certificate: Option<RequestId>,
    /// The language they asked in.
    #[serde(skip)]
    pub locale: Locale,
}

/// A Sender who holds something.
#[derive(Serialize)]
pub struct Sender {
    /// The company.
    pub company: String,
    /// Where a person can write to it.
    pub contact_email: Option<String>,
    /// A record; otherwise a fingerprint and a date only, so that nobody writes to the person.
    pub record: bool,
}

impl Sender {
    /// The same for a page or a mail.
    pub fn holder(&self) -> Holder<'_> {
        Holder { company: &self.company, contact: self.contact_email.as_deref(), record: self.record }
    }
}

impl App {
    /// The language of a link that proves a mailbox, if the link still works. Looking uses nothing up.
    pub async fn proof_locale(&self, token: &str, now: Timestamp) -> Result<Option<Locale>, Failure> {
        let Some(hash) = hash_of(token) else { return Ok(None) };
        match self.db.token(&hash, now).await? {
            Some(GoodFor::RightsProof(asked)) => Ok(Some(asked.locale)),
            _ => Ok(None),
        }
    }

    /// Trades the token of a proof mail for an answer, once.
    pub async fn prove_rights(&self, token: &str, now: Timestamp) -> Result<Proved, Failure> {
        let hash = hash_of(token).ok_or_else(not_valid)?;
        let Some(GoodFor::RightsProof(asked)) = self.db.token(&hash, now).await? else { return Err(not_valid()) };
        let holdings = self.holdings(&asked.email, now).await?;
        let taken = self.db.use_token(&hash)?;
        let request = match asked.entered {
            Some(id) => {
                let open = self.db.open_request(id).await?.filter(|request| request.unproved);
                let mut request = open.ok_or_else(not_valid)?;
                // Whoever reads the mailbox needs to show no document.
                let mut writes = self.end_doubt(&mut request, None, now).await?;
                proved(&mut request, holdings);
                writes.extend([taken, self.db.replace_request(&mut request)?]);
                self.entered(self.db.commit(writes).await)?;
                if let Some(duty) = &request.duty {
                    return self.registered(&request, duty.due, now).await;
                }
                request
            }
            None => {
                let request = asked_for(asked, holdings, now);
                let enter = self.db.enter_request(&request)?;
                self.entered(self.db.commit(vec![taken, enter]).await)?;
                request
            }
        };
        Box::pin(self.carry_out(request, now)).await
    }

    /// What the operator has to answer itself, because it is about an account: it is told, and so is the member.
    async fn registered(&self, request: &RightsRequest, due: Timestamp, now: Timestamp) -> Result<Proved, Failure> {
        let &RightsRequest { id, kind, locale, .. } = request;
        let mail = RightsMail::Registered { kind, id, due };
        self.post(request.person.email(), locale, Notification::Rights(mail), now).await?;
        let operator = Sender {
            company: self.config.operator_name.clone(),
            contact_email: Some(self.config.operator_privacy_contact.clone()),
            record: true,
        };
        let (senders, due) = (vec![operator], Some(due));
        Ok(Proved { request: id, kind, senders, due, access_token: None, certificate: None, locale })
    }

    fn entered(&self, committed: Result<(), StoreError>) -> Result<(), Failure> {
        committed.map_err(|error| match error {
            StoreError::Conflict => not_valid(),
            other => other.into(),
        })
    }

    /// Who holds an address. Every workspace is asked, by key, a hundred in a call.
    pub(super) async fn holdings(&self, email: &EmailAddress, now: Timestamp) -> Result<Vec<Holding>, Failure> {
        let pepper = self.pepper().await?;
        let (mut held, mut after) = (Vec::new(), None::<String>);
        loop {
            let (workspaces, next) = self.db.workspaces(after.as_deref()).await?;
            let places: Vec<_> =
                workspaces.into_iter().map(|workspace| (workspace, pepper.subject(workspace, email))).collect();
            held.extend(self.db.holdings(&places, now).await?);
            after = next;
            if after.is_none() {
                return Ok(held);
            }
        }
    }

    /// Does at once what can be, gives each Sender its task, tells everybody. May be repeated: what is done
    /// stays done, and only a mail may come twice.
    pub(super) async fn carry_out(&self, mut request: RightsRequest, now: Timestamp) -> Result<Proved, Failure> {
        let kind = request.kind;
        let mut senders = Vec::with_capacity(request.holdings.len());
        let mut erasure = Erasure::default();
        for holding in &request.holdings {
            let Some(sender) = self.holder(holding).await? else { continue };
            self.do_at_once(&request, holding, &mut erasure, now).await?;
            if holding.record {
                self.give_task(&request, holding, now).await?;
            }
            senders.push(sender);
        }
        let hand_over = kind.at_once() == AtOnce::HandOver && !senders.is_empty();
        let until = Policy::current().expiry(Class::OneTimeToken, now);
        let access_token = if hand_over {
            let secret = Secret::new();
            let places = request.holdings.iter().map(|holding| (holding.workspace, holding.subject)).collect();
            let access = RightsAccess {
                places,
                requests: self.open_requests_of(request.person.email()).await?.iter().map(|open| open.id).collect(),
                reports: self.reports_of(request.person.email()).await?.iter().map(|case| case.id).collect(),
                correspondent: self.pepper().await?.correspondent(request.person.email()),
                member: None,
                locale: request.locale,
            };
            self.db.issue_token(&secret.hash(), GoodFor::RightsAccess(access), until).await?;
            Some(secret.text())
        } else {
            None
        };
        let records = request.holdings.iter().any(|holding| holding.record);
        let due = (kind.needs_an_answer() && records).then(|| rights::due(request.received_at));
        let certificate = (kind == RequestKind::Erasure && !request.holdings.is_empty()).then_some(request.id);
        let holders: Vec<Holder<'_>> = senders.iter().map(Sender::holder).collect();
        let access = access_token.as_deref().map(|token| (token, minutes(now, until) / 60));
        let answer = RightsMail::Answer { kind, holders: &holders, due, access, certificate };
        self.post(request.person.email(), request.locale, Notification::Rights(answer), now).await?;
        request.carried_out = true;
        erasure.add_to(&mut request.erased);
        match self.db.save_request(&mut request).await {
            Ok(()) => {
                self.close_if_answered(&request, now).await?;
            }
            // Somebody else carried it out at the same time.
            Err(StoreError::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(Proved { request: request.id, kind, senders, due, access_token, certificate, locale: request.locale })
    }

    /// The open requests of whoever has an address, oldest first.
    pub(super) async fn open_requests_of(&self, email: &EmailAddress) -> Result<Vec<RightsRequest>, Failure> {
        let (mut theirs, mut after) = (Vec::new(), None::<String>);
        loop {
            let (requests, next) = self.db.open_requests(after.as_deref()).await?;
            theirs.extend(requests.into_iter().filter(|request| request.person.email() == email));
            after = next;
            if after.is_none() {
                return Ok(theirs);
            }
        }
    }

    /// Who a workspace is, for the person; `None` when it has gone meanwhile.
    pub(super) async fn holder(&self, holding: &Holding) -> Result<Option<Sender>, Failure> {
        let Some((company, contact_email)) = self.company(holding.workspace).await? else { return Ok(None) };
        Ok(Some(Sender { company, contact_email, record: holding.record }))
    }

    /// The name and contact of a Sender; `None` when it is gone.
    pub(super) async fn company(&self, workspace: WorkspaceId) -> Result<Option<(String, Option<String>)>, Failure> {
        let scope = WorkspaceScope::internal(workspace);
        let accounts = self.db.accounts(&scope);
        let (profile, sender) = futures::try_join!(accounts.workspace(), accounts.sender())?;
        let Some(profile) = profile else { return Ok(None) };
        Ok(Some(match sender {
            Some(sender) => (sender.identity.company, Some(sender.identity.contact_email.expose().to_owned())),
            None => (profile.company, None),
        }))
    }
}

/// The mailbox is proved, or the identity: who holds the person answers, and the operator itself where it is about an
/// account.
pub(super) fn proved(request: &mut RightsRequest, holdings: Vec<Holding>) {
    request.unproved = false;
    if matches!(request.person, Person::Prospect { .. }) {
        (request.holdings, request.duty) = (holdings, None);
    }
}

fn asked_for(asked: RightsAsked, holdings: Vec<Holding>, now: Timestamp) -> RightsRequest {
    let RightsAsked { email, kind, locale, message, asked_at, entered: _ } = asked;
    RightsRequest {
        id: RequestId::new(now, crate::chance()),
        kind,
        channel: Channel::Product,
        person: Person::Prospect { email },
        locale,
        message,
        received_at: asked_at,
        entered_at: now,
        unproved: false,
        holdings,
        duty: None,
        carried_out: false,
        doubt: None,
        link: None,
        erased: Default::default(),
        v: 1,
    }
}

pub(super) fn not_valid() -> Failure {
    let detail = "This link is unknown, was used already, or is too old. Ask again: POST /rights.";
    Failure::refused("invalid-token", detail)
}
