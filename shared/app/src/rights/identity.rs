//! A reasonable doubt about who asks: a copy of an identity document is asked for, looked at, decided on, and
//! gone (A48).
//!
//! What is in the bucket is noted in the request first. So whatever lies there and is named by no open doubt
//! was decided on, replaced or cut short, and the purge takes it.

use std::time::Duration;

use aws_sdk_dynamodb::types::TransactWriteItem;
use content::system::{Notification, RightsMail};
use domain::{
    Timestamp,
    id::RequestId,
    locale::Locale,
    rights::identity::{self, Document, Doubt, MOST_BYTES},
};
use serde::Deserialize;
use storage::{
    accounts::once::GoodFor,
    rights::{Copies, Place, RightsRequest},
};

use super::{
    desk::{AnswerOwn, DeskAnswer, Line, Named, not_ours},
    proof::proved,
    tasks::Extend,
};
use crate::{
    App, Failure, Kind,
    secret::{Secret, hash_of},
};

/// How long the link to a copy works.
const LOOK: Duration = Duration::from_secs(5 * 60);

/// A doubt, with the reason that the person reads, in their language.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Doubted {
    request: RequestId,
    reason: String,
}

/// What somebody decided who looked at the copy, or waited for one in vain.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decide {
    request: RequestId,
    accepted: bool,
    #[serde(default)]
    reason: Option<String>,
}

impl App {
    /// The copies of identity documents.
    pub(crate) fn copies(&self) -> Copies<'_> {
        Copies::new(&self.s3, &self.config.identity_bucket)
    }

    /// Records a doubt and asks the person for a copy. Told first, then noted: a doubt that nobody was told of
    /// could not be told again.
    pub(super) async fn doubt(&self, doubted: Doubted, now: Timestamp) -> Result<DeskAnswer, Failure> {
        let reason = Extend::because(doubted.reason).checked()?;
        let mut request = self.of_the_desk(doubted.request).await?;
        if request.doubt.is_some() {
            let detail = "A copy was asked for already: decide on it, or answer the request.";
            return Err(Failure::conflict("doubted-already", detail));
        }
        if !request.duty.as_ref().is_some_and(|duty| duty.is_open()) {
            return Err(not_ours());
        }
        let (doubt, secret) = (Doubt::new(reason, now), Secret::new());
        let until = doubt.asked_until();
        self.db.issue_token(&secret.hash(), GoodFor::Identity { request: request.id }, until).await?;
        let (kind, token) = (request.kind, secret.text());
        let mail = RightsMail::Identity { kind, reason: &doubt.reason, token: &token, until };
        self.post(request.person.email(), request.locale, Notification::Rights(mail), now).await?;
        (request.doubt, request.link) = (Some(doubt), Some(secret.hash()));
        self.db.save_request(&mut request).await?;
        Ok(DeskAnswer::One(Line::of(&request)))
    }

    /// Lets staff get the copy that is there, for a few minutes. That it was looked at is noted first.
    pub(super) async fn look(&self, named: Named, now: Timestamp) -> Result<DeskAnswer, Failure> {
        let mut request = self.of_the_desk(named.request).await?;
        let doubt = open_doubt(&request)?;
        let Some(received) = doubt.copy_at(now) else {
            return Err(Failure::field("request", "there is no copy: none came, or its time is over"));
        };
        let place = Place { request: request.id, received };
        request.doubt = Some(doubt.looked(now));
        self.db.save_request(&mut request).await?;
        tracing::info!(request = %request.id, "copy of an identity document looked at");
        let url = self.copies().sign(place, LOOK).await?;
        let until = now.checked_add(LOOK).map_err(|_| Failure::internal("a time out of range"))?;
        Ok(DeskAnswer::Link { url, until })
    }

    /// Ends a doubt. The copy goes first: if it cannot be deleted, nothing is decided.
    pub(super) async fn decide(&self, asked: Decide, now: Timestamp) -> Result<DeskAnswer, Failure> {
        let mut request = self.of_the_desk(asked.request).await?;
        let doubt = open_doubt(&request)?;
        if !asked.accepted {
            let reason = Some(Extend::because(asked.reason.unwrap_or_default()).checked()?);
            self.settle_doubt(&mut request, Some(false), now).await?;
            return self.answer_own(AnswerOwn { request: request.id, refused: true, reason }, now).await;
        }
        if !doubt.is_looked_at() {
            let detail = "Nobody has looked at the last copy: order `look` first, or refuse.";
            return Err(Failure::conflict("not-looked-at", detail));
        }
        if !request.unproved {
            // The operator has still to answer what an account asks.
            self.settle_doubt(&mut request, Some(true), now).await?;
            return Ok(DeskAnswer::One(Line::of(&request)));
        }
        let holdings = self.holdings(request.person.email(), now).await?;
        let mut writes = self.end_doubt(&mut request, Some(true), now).await?;
        proved(&mut request, holdings);
        writes.push(self.db.replace_request(&mut request)?);
        self.db.commit(writes).await?;
        let mut line = Line::of(&request);
        if request.duty.is_none() {
            Box::pin(self.carry_out(request, now)).await?;
            line.mind_closed(self.db.open_request(asked.request).await?.as_ref());
        }
        Ok(DeskAnswer::One(line))
    }

    /// Ends a doubt, if there is one, before what else becomes of its request.
    pub(super) async fn settle_doubt(
        &self,
        request: &mut RightsRequest,
        accepted: Option<bool>,
        now: Timestamp,
    ) -> Result<(), Failure> {
        if request.link.is_none() {
            return Ok(());
        }
        let mut writes = self.end_doubt(request, accepted, now).await?;
        writes.push(self.db.replace_request(request)?);
        Ok(self.db.commit(writes).await?)
    }

    /// Deletes the copy, there or not, and changes the request so that none can come any more; what else has
    /// to be written with it. `accepted` is what somebody decided; nothing where something else ended it.
    pub(super) async fn end_doubt(
        &self,
        request: &mut RightsRequest,
        accepted: Option<bool>,
        now: Timestamp,
    ) -> Result<Vec<TransactWriteItem>, Failure> {
        self.delete_copy(request).await?;
        let ended = |doubt: Doubt| match accepted {
            Some(accepted) => doubt.decided(accepted, now),
            None => doubt.without_copy(),
        };
        request.doubt = request.doubt.take().map(ended);
        let link = request.link.take();
        Ok(link.map(|link| self.db.end_token(&link)).transpose()?.into_iter().collect())
    }

    /// Deletes the copy that a request names.
    pub(super) async fn delete_copy(&self, request: &RightsRequest) -> Result<(), Failure> {
        if let Some(received) = request.doubt.as_ref().and_then(|doubt| doubt.copy) {
            self.copies().delete(Place { request: request.id, received }).await?;
        }
        Ok(())
    }

    /// The language of the page behind the link of such a mail; a failure when it opens nothing any more.
    pub async fn identity_locale(&self, token: &str, now: Timestamp) -> Result<Locale, Failure> {
        Ok(self.doubted(token, now).await?.0.locale)
    }

    /// Takes a copy, in the place of any before it. Noted first, then put there. Until when it may be kept.
    pub async fn receive_identity(&self, token: &str, bytes: Vec<u8>, now: Timestamp) -> Result<Timestamp, Failure> {
        let (mut request, doubt) = self.doubted(token, now).await?;
        let document = checked(&bytes)?;
        let place = Place { request: request.id, received: now };
        request.doubt = Some(doubt.received(now));
        self.db.save_request(&mut request).await?;
        if let Err(error) = self.copies().put(place, document, bytes).await {
            // What is not there is not named; if that fails too, looking finds nothing and the person sends again.
            request.doubt = Some(doubt);
            self.db.save_request(&mut request).await.ok();
            return Err(error.into());
        }
        if let Some(received) = doubt.copy.filter(|received| *received != now) {
            self.copies().delete(Place { received, ..place }).await?;
        }
        // Decided while it was on its way: it is not kept for a moment.
        let still = self.db.open_request(request.id).await?.and_then(|request| request.doubt);
        if !still.is_some_and(|doubt| doubt.waits_for(now)) {
            self.copies().delete(place).await?;
            return Err(over());
        }
        Ok(identity::expiry(now))
    }

    /// The request that a copy is asked for, and the doubt about its author.
    async fn doubted(&self, token: &str, now: Timestamp) -> Result<(RightsRequest, Doubt), Failure> {
        let hash = hash_of(token).ok_or_else(over)?;
        let Some(GoodFor::Identity { request }) = self.db.token(&hash, now).await? else { return Err(over()) };
        let request = self.db.open_request(request).await?.ok_or_else(over)?;
        let doubt = request.doubt.clone().filter(|doubt| doubt.is_open() && request.link == Some(hash));
        Ok((request, doubt.ok_or_else(over)?))
    }
}

/// What these bytes are, if they can be taken.
fn checked(bytes: &[u8]) -> Result<Document, Failure> {
    if bytes.is_empty() {
        return Err(Failure::field("copy", "is empty"));
    }
    if bytes.len() > MOST_BYTES {
        return Err(Failure::new(Kind::TooLarge, "too-large", "The copy is larger than 4 MB."));
    }
    let wrong = || Failure::new(Kind::Unsupported, "unsupported-media-type", "Send a PDF, a JPEG or a PNG file.");
    Document::of(bytes).ok_or_else(wrong)
}

fn open_doubt(request: &RightsRequest) -> Result<Doubt, Failure> {
    let doubt = request.doubt.clone().filter(Doubt::is_open);
    doubt.ok_or_else(|| Failure::field("request", "nobody waits for a copy for this request"))
}

fn over() -> Failure {
    let detail = "This link is unknown or too old, or it was decided on the request. Look into your mailbox.";
    Failure::refused("invalid-token", detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a48_a_copy_is_a_document_of_four_megabytes_at_most() {
        let of_size = |size| [&b"%PDF-1.7"[..], &vec![b'x'; size - 8]].concat();
        assert_eq!(checked(&of_size(MOST_BYTES)), Ok(Document::Pdf));
        let kind = |bytes: &[u8]| checked(bytes).unwrap_err().kind;
        assert_eq!(kind(&of_size(MOST_BYTES + 1)), Kind::TooLarge);
        assert_eq!(kind(b"MZ\x90\0"), Kind::Unsupported);
        assert_eq!(kind(b""), Kind::Refused);
    }
}
