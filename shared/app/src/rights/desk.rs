//! The operator's desk: requests that come by e-mail or on paper, entered by staff (A46), and doubts about
//! who asks (A48).
//!
//! Staff reaches it by invoking the function itself, so that IAM says who may, and CloudTrail who did.

use std::collections::BTreeSet;

use content::system::{Notification, RightsMail};
use domain::{
    Timestamp,
    audit::Action,
    email::EmailAddress,
    id::RequestId,
    locale::Locale,
    rights::{
        Channel, Duty, Outcome, RequestKind,
        identity::{self, Check, Doubt},
    },
};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use storage::{
    WorkspaceScope,
    accounts::once::RightsAsked,
    rights::{Holding, OwnRequest, Person, RightsRequest},
};

use super::{
    identity::{Decide, Doubted},
    members::HandedOver,
    tasks::{Extend, LONGEST_REASON, handled_already, not_extended},
    words,
};
use crate::{App, Failure, fields::Fields};

/// How old a letter may be that is entered.
const LATEST: SignedDuration = SignedDuration::from_hours(24 * 366);

/// One order of staff's; `time` is when it is given.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeskOrder {
    /// A request that came by e-mail or by post.
    Enter(Enter),
    /// Two months more for what the operator has to answer itself.
    Extend(ExtendOwn),
    /// The answer to it.
    Answer(AnswerOwn),
    /// A reasonable doubt about who asks: a copy of an identity document is asked for.
    Doubt(Doubted),
    /// The copy that came, to look at for a few minutes.
    Look(Named),
    /// The end of a doubt, and of the copy.
    Decide(Decide),
    /// Another mail to the person, to prove the mailbox: the first link was lost, or its day is over.
    Prove(Named),
    /// Everything that is known of an open request, to answer it.
    Show(Named),
    /// All open requests, by number.
    List(Everything),
}

/// A request on paper or in a mailbox.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enter {
    channel: Channel,
    kind: RequestKind,
    /// The address it is about.
    email: String,
    /// When it was received: the clock runs from here.
    received_at: Timestamp,
    #[serde(default)]
    locale: Locale,
    #[serde(default)]
    message: Option<String>,
    /// It is about an account of the product, not about prospecting.
    #[serde(default)]
    account: bool,
    /// The letter itself proves who wrote it; otherwise the mailbox is asked.
    #[serde(default)]
    proved: bool,
}

/// See [`DeskOrder::Extend`].
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExtendOwn {
    request: RequestId,
    reason: String,
}

/// See [`DeskOrder::Answer`].
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerOwn {
    pub(super) request: RequestId,
    pub(super) refused: bool,
    #[serde(default)]
    pub(super) reason: Option<String>,
}

/// An open request.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Named {
    pub(super) request: RequestId,
}

/// Nothing more to say.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Everything {}

/// What the desk answers.
#[derive(Serialize)]
#[serde(untagged)]
pub enum DeskAnswer {
    /// A request and by when it is answered.
    One(Line),
    /// All that are open.
    All {
        /// Oldest first.
        open: Vec<Line>,
    },
    /// One request with what is needed to answer it.
    Whole {
        /// As in the list.
        #[serde(flatten)]
        line: Line,
        /// Who asks.
        email: String,
        /// In their words.
        message: Option<String>,
        /// Who holds them.
        holdings: Vec<Holding>,
        /// A doubt about who asks.
        doubt: Option<DoubtView>,
    },
    /// Where the copy is.
    Link {
        /// To be opened, not kept.
        url: String,
        /// Until when it works.
        until: Timestamp,
    },
}

/// A doubt as staff sees it.
#[derive(Serialize)]
pub struct DoubtView {
    reason: String,
    #[serde(flatten)]
    check: Check,
    copy: Option<CopyView>,
}

/// The copy that is there.
#[derive(Serialize)]
struct CopyView {
    received_at: Timestamp,
    deleted_at_the_latest: Timestamp,
}

impl DoubtView {
    fn of(doubt: Doubt, now: Timestamp) -> Self {
        let copy = doubt
            .copy_at(now)
            .map(|received_at| CopyView { received_at, deleted_at_the_latest: identity::expiry(received_at) });
        Self { reason: doubt.reason, check: doubt.check, copy }
    }
}

/// A request without the person.
#[derive(Serialize)]
pub struct Line {
    pub(super) request: RequestId,
    pub(super) kind: RequestKind,
    pub(super) channel: Channel,
    pub(super) received_at: Timestamp,
    pub(super) due: Timestamp,
    pub(super) waits_for: &'static str,
}

impl Line {
    pub(super) fn of(request: &RightsRequest) -> Self {
        let waits_for = match (request.unproved, &request.duty) {
            _ if request.doubt.as_ref().is_some_and(Doubt::is_open) => "identity",
            (true, _) => "proof",
            (false, Some(duty)) if duty.is_open() => "operator",
            // The answer closed it, or what it asked for is done.
            (false, Some(_)) => "nobody",
            (false, None) if request.holdings.is_empty() => "nobody",
            (false, None) => "senders",
        };
        let due = request.duty.as_ref().map_or_else(|| domain::rights::due(request.received_at), |duty| duty.due);
        let &RightsRequest { id, kind, channel, received_at, .. } = request;
        Self { request: id, kind, channel, received_at, due, waits_for }
    }

    /// Once it was carried out: nobody is waited for where it is not open any more.
    pub(super) fn mind_closed(&mut self, open: Option<&RightsRequest>) {
        if open.is_none() {
            self.waits_for = "nobody";
        }
    }
}

impl App {
    /// Carries out an order of staff's.
    pub async fn rights_desk(&self, order: DeskOrder, now: Timestamp) -> Result<DeskAnswer, Failure> {
        match order {
            DeskOrder::Enter(enter) => self.enter(enter, now).await,
            DeskOrder::Extend(asked) => self.extend_own(asked, now).await,
            DeskOrder::Answer(asked) => self.answer_own(asked, now).await,
            DeskOrder::Doubt(doubted) => self.doubt(doubted, now).await,
            DeskOrder::Look(named) => self.look(named, now).await,
            DeskOrder::Decide(asked) => self.decide(asked, now).await,
            DeskOrder::Prove(named) => self.prove_again(named, now).await,
            DeskOrder::Show(named) => self.show(named, now).await,
            DeskOrder::List(_) => {
                let (mut open, mut after) = (Vec::new(), None::<String>);
                loop {
                    let (page, next) = self.db.open_requests(after.as_deref()).await?;
                    for request in &page {
                        open.push(self.request_line(request).await?);
                    }
                    after = next;
                    if after.is_none() {
                        return Ok(DeskAnswer::All { open });
                    }
                }
            }
        }
    }

    /// Everything that is known of a request, once whoever holds the person can see that it was looked at (A79).
    async fn show(&self, named: Named, now: Timestamp) -> Result<DeskAnswer, Failure> {
        let request = self.of_the_desk(named.request).await?;
        let own = match &request.person {
            Person::Member { workspace, .. } => Some(*workspace),
            Person::Prospect { .. } => None,
        };
        let concerned: BTreeSet<_> = request.holdings.iter().map(|holding| holding.workspace).chain(own).collect();
        for workspace in concerned {
            let entry = WorkspaceScope::internal(workspace).entry(Action::RightsShown, now).about(request.id);
            self.db.commit(vec![self.db.recording(&entry)?]).await?;
        }
        Ok(DeskAnswer::Whole {
            line: self.request_line(&request).await?,
            email: request.person.email().expose().to_owned(),
            message: request.message,
            holdings: request.holdings,
            doubt: request.doubt.map(|doubt| DoubtView::of(doubt, now)),
        })
    }

    /// A request with the last date that somebody who has to answer it was given.
    pub(super) async fn request_line(&self, request: &RightsRequest) -> Result<Line, Failure> {
        let mut line = Line::of(request);
        if request.duty.is_none() {
            for holding in &request.holdings {
                let task = self.db.rights_task(holding.workspace, request.id).await?;
                line.due = task.map_or(line.due, |task| line.due.max(task.duty.due));
            }
        }
        Ok(line)
    }

    async fn enter(&self, entered: Enter, now: Timestamp) -> Result<DeskAnswer, Failure> {
        let mut fields = Fields::default();
        let email = fields.email("email", &entered.email);
        let message = words(&mut fields, Some(entered.kind), entered.message.as_deref());
        if entered.channel == Channel::Product {
            fields.wrong("channel", "email or post: on the page people enter their requests themselves");
        }
        if entered.received_at > now {
            fields.wrong("received_at", "when it was received; it cannot lie in the future");
        }
        if now.duration_since(entered.received_at) > LATEST {
            fields.wrong("received_at", "within the last year: an older letter is answered by hand");
        }
        fields.done()?;
        let email = email.ok_or_else(|| Failure::internal("a refused field was not reported"))?;
        let person = self.person(&email, entered.account).await?;
        let (about_account, unproved) = (entered.account, !entered.proved);
        let waits = about_account || unproved;
        let request = RightsRequest {
            id: RequestId::new(now, crate::chance()),
            kind: entered.kind,
            channel: entered.channel,
            person,
            locale: entered.locale,
            message,
            received_at: entered.received_at,
            entered_at: now,
            unproved,
            holdings: if waits { Vec::new() } else { self.holdings(&email, now).await? },
            duty: waits.then(|| Duty::new(entered.received_at, now)),
            carried_out: about_account,
            doubt: None,
            link: None,
            erased: Default::default(),
            v: 1,
        };
        let mut writes = vec![self.db.enter_request(&request)?];
        if let Person::Member { workspace, member, .. } = &request.person {
            writes.push(self.db.note_own_request(*workspace, *member, &own(&request))?);
        }
        self.db.commit(writes).await?;
        let mut line = Line::of(&request);
        let (id, kind, locale) = (request.id, request.kind, request.locale);
        if unproved {
            let (asked_at, entered) = (request.received_at, Some(id));
            self.mail_proof(RightsAsked { email, kind, locale, message: None, asked_at, entered }, now).await?;
        } else if about_account {
            let mail = RightsMail::Registered { kind, id, due: line.due };
            self.post(&email, locale, Notification::Rights(mail), now).await?;
        } else {
            Box::pin(self.carry_out(request, now)).await?;
            line.mind_closed(self.db.open_request(id).await?.as_ref());
        }
        Ok(DeskAnswer::One(line))
    }

    /// Mails the link of a request that nobody has proved yet once more.
    async fn prove_again(&self, named: Named, now: Timestamp) -> Result<DeskAnswer, Failure> {
        let request = self.of_the_desk(named.request).await?;
        if !request.unproved {
            let detail = "This request is proved, or needs no proof: there is no link to send again.";
            return Err(Failure::conflict("proved-already", detail));
        }
        let (email, asked_at, entered) = (request.person.email().clone(), request.received_at, Some(request.id));
        let asked = RightsAsked { email, kind: request.kind, locale: request.locale, message: None, asked_at, entered };
        self.mail_proof(asked, now).await?;
        Ok(DeskAnswer::One(Line::of(&request)))
    }

    /// Who an address is: somebody with an account, or somebody whom Senders may hold.
    async fn person(&self, email: &EmailAddress, account: bool) -> Result<Person, Failure> {
        if !account {
            return Ok(Person::Prospect { email: email.clone() });
        }
        let login = self.db.login(&self.pepper().await?.login(email)).await?;
        let login = login.ok_or_else(|| Failure::field("account", "nobody has an account under this address"))?;
        Ok(Person::Member { workspace: login.workspace, member: login.member, email: email.clone() })
    }

    async fn extend_own(&self, asked: ExtendOwn, now: Timestamp) -> Result<DeskAnswer, Failure> {
        let reason = Extend::because(asked.reason).checked()?;
        let mut request = self.of_the_desk(asked.request).await?;
        let duty = request.duty.as_ref().ok_or_else(not_ours)?;
        let duty = duty.extend(reason, now).map_err(|error| not_extended(&error))?;
        self.tell_of_extension(&request, &self.config.operator_name, &duty, now).await?;
        request.duty = Some(duty);
        self.db.save_request(&mut request).await?;
        Ok(DeskAnswer::One(Line::of(&request)))
    }

    pub(super) async fn answer_own(&self, asked: AnswerOwn, now: Timestamp) -> Result<DeskAnswer, Failure> {
        let mut request = self.of_the_desk(asked.request).await?;
        let duty = request.duty.clone().ok_or_else(not_ours)?;
        if !duty.is_open() {
            return Err(handled_already());
        }
        let mut fields = Fields::default();
        let reason = asked.reason.filter(|reason| !reason.trim().is_empty());
        let reason = reason.map(|reason| fields.lines("reason", &reason, LONGEST_REASON));
        if asked.refused && reason.is_none() {
            fields.wrong("reason", "a refusal needs the reason that the person is told");
        }
        fields.done()?;
        if request.unproved && !asked.refused {
            return Err(Failure::field("refused", "the mailbox is not proved: nothing can be answered but a refusal"));
        }
        // Whatever the answer is, no copy outlives it.
        self.settle_doubt(&mut request, None, now).await?;
        let outcome = if asked.refused { Outcome::Refused } else { Outcome::Done };
        let handed = match request.person {
            Person::Member { workspace, member, .. } if !asked.refused => {
                self.do_for_member(&request, (workspace, member), reason.as_deref(), now).await?
            }
            _ => HandedOver::default(),
        };
        let (kind, company, reason) = (request.kind, self.config.operator_name.as_str(), reason.as_deref());
        let access = handed.access.as_ref().map(|(token, hours)| (token.as_str(), *hours));
        let certificate = handed.certified.then_some(request.id);
        let mail = RightsMail::Handled { kind, company, outcome, reason, access, certificate };
        self.post(request.person.email(), request.locale, Notification::Rights(mail), now).await?;
        (request.unproved, request.carried_out) = (false, true);
        request.duty = Some(duty.handled(outcome, now));
        self.db.save_request(&mut request).await?;
        self.close_late(&request, now).await?;
        Ok(DeskAnswer::One(Line::of(&request)))
    }

    pub(super) async fn of_the_desk(&self, id: RequestId) -> Result<RightsRequest, Failure> {
        let found = self.db.open_request(id).await?;
        found.ok_or_else(|| Failure::field("request", "no open request has this number"))
    }
}

/// A member's request as the member sees it.
pub(super) fn own(request: &RightsRequest) -> OwnRequest {
    let due = request.duty.as_ref().map_or_else(|| domain::rights::due(request.received_at), |duty| duty.due);
    let &RightsRequest { id, kind, received_at, .. } = request;
    OwnRequest { id, kind, received_at, due, outcome: None, closed_at: None, ttl: None }
}

pub(super) fn not_ours() -> Failure {
    Failure::field("request", "the Senders have to answer this request, not the operator")
}
