//! What campaigns say, and where they stand.

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};
use domain::{
    Timestamp,
    audit::Entry,
    campaign::{Content, Progress},
    id::{CampaignId, MemberId},
    pace::{Because, Wait},
    variant::Decision,
};
use serde::{Deserialize, Serialize};

use super::Outreach;
use crate::{
    commit,
    db::{Expected, PageQuery, Range, StoreError, from_item, n, s},
    keys,
};

/// A campaign's text, with its version for optimistic locking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredCampaign {
    /// Its id.
    pub id: CampaignId,
    /// What is written, to whom and why.
    pub content: Content,
    /// Whose it is: who made it, and gets the answers. Nobody where a program did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_by: Option<MemberId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Raised by every change.
    #[serde(rename = "v")]
    pub version: u64,
}

#[derive(Serialize, Deserialize)]
pub(super) struct StoredProgress {
    #[serde(flatten)]
    pub(super) progress: Progress,
}

impl Outreach<'_> {
    /// Writes a new campaign and its progress together.
    pub async fn create_campaign(
        &self,
        campaign: &StoredCampaign,
        progress: &Progress,
        entry: &Entry,
    ) -> Result<(), StoreError> {
        let (text, state) = (keys::campaign(self.workspace, campaign.id), keys::progress(self.workspace, campaign.id));
        let writes = vec![
            commit::put(self.table(), &text, campaign, Expected::Absent)?,
            commit::put(self.table(), &state, progress, Expected::Absent)?,
            self.db.recording(entry)?,
        ];
        self.db.commit(writes).await
    }

    /// Replaces a campaign's text if nobody changed it meanwhile. `campaign.version` is the new one.
    pub async fn replace_campaign(&self, campaign: &StoredCampaign, entry: &Entry) -> Result<(), StoreError> {
        let key = keys::campaign(self.workspace, campaign.id);
        let write = commit::put(self.table(), &key, campaign, Expected::Version(campaign.version - 1))?;
        self.db.act(write, entry).await
    }

    /// A campaign's text.
    pub async fn campaign(&self, id: CampaignId) -> Result<Option<StoredCampaign>, StoreError> {
        self.db.get(self.table(), &keys::campaign(self.workspace, id), true).await
    }

    /// Newest first, from after `after`.
    pub async fn campaigns(
        &self,
        after: Option<&str>,
        limit: u32,
    ) -> Result<(Vec<StoredCampaign>, Option<String>), StoreError> {
        let pk = keys::campaigns(self.workspace);
        let limit = i32::try_from(limit).ok();
        let query = PageQuery { after, limit, newest_first: true, ..PageQuery::of(&pk, Range::All) };
        let page = self.db.page(self.table(), &query).await?;
        let campaigns = page.items.into_iter().map(from_item).collect::<Result<_, _>>()?;
        Ok((campaigns, page.next))
    }

    /// Deletes a campaign's text and progress. `Conflict` when they are gone.
    pub async fn delete_campaign(&self, id: CampaignId, entry: &Entry) -> Result<(), StoreError> {
        let writes = vec![
            commit::delete(self.table(), &keys::campaign(self.workspace, id))?,
            commit::delete(self.table(), &keys::progress(self.workspace, id))?,
            self.db.recording(entry)?,
        ];
        self.db.commit(writes).await
    }

    /// Where a campaign stands; strongly consistent, one read unit.
    pub async fn progress(&self, id: CampaignId) -> Result<Option<Progress>, StoreError> {
        let stored: Option<StoredProgress> =
            self.db.get(self.table(), &keys::progress(self.workspace, id), true).await?;
        Ok(stored.map(|s| s.progress))
    }

    /// Moves a campaign on to `moved` if it is still as it was seen. What a person commanded leaves an entry,
    /// and so does what the product decides; what follows from either by itself leaves none.
    pub async fn transition(
        &self,
        seen: &Progress,
        progress: Progress,
        entry: Option<&Entry>,
    ) -> Result<Progress, StoreError> {
        self.transition_with(seen, progress, entry, Vec::new()).await
    }

    /// The same, together with what follows from it elsewhere.
    pub async fn transition_with(
        &self,
        seen: &Progress,
        progress: Progress,
        entry: Option<&Entry>,
        also: Vec<TransactWriteItem>,
    ) -> Result<Progress, StoreError> {
        let stamp = |at: Option<Timestamp>| at.map(|at| s(at.to_string()));
        let key = keys::progress(self.workspace, seen.campaign);
        let mut sets = vec!["#status = :status", "epoch = :epoch", "steps = :steps", "waits = :waits"];
        let mut update = commit::update(self.table(), &key);
        let written = |value: Option<AttributeValue>| value.filter(|value| !value.is_null());
        let trouble = serde_dynamo::to_attribute_value(progress.trouble).map_err(|_| StoreError::Corrupt("trouble"))?;
        let judged =
            serde_dynamo::to_attribute_value(progress.judged_from).map_err(|_| StoreError::Corrupt("sample"))?;
        let halt = serde_dynamo::to_attribute_value(progress.halt).map_err(|_| StoreError::Corrupt("halt"))?;
        let channels =
            serde_dynamo::to_attribute_value(&progress.channels).map_err(|_| StoreError::Corrupt("channels"))?;
        for (name, set, value) in [
            (":launched", "launched_at = :launched", stamp(progress.launched_at)),
            (":completed", "completed_at = :completed", stamp(progress.completed_at)),
            (":trouble", "trouble = :trouble", written(Some(trouble))),
            (":judged", "judged_from = :judged", written(Some(judged))),
            (":halt", "halt = :halt", written(Some(halt))),
            (":channels", "channels = :channels", Some(channels).filter(|_| !progress.channels.is_empty())),
        ] {
            if let Some(value) = value {
                sets.push(set);
                update = update.expression_attribute_values(name, value);
            }
        }
        let status = serde_dynamo::to_attribute_value(progress.status).map_err(|_| StoreError::Corrupt("status"))?;
        let over = [("trouble", progress.trouble.is_none()), ("halt", progress.halt.is_none())];
        let over = over.into_iter().filter(|(_, over)| *over).map(|(name, _)| name);
        // Looks for the end were looks at another state.
        let over: Vec<&str> = over.chain(["looks"]).collect();
        let update = update
            .update_expression(format!("SET {} REMOVE {}", sets.join(", "), over.join(", ")))
            .condition_expression("epoch = :seen")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":status", status)
            .expression_attribute_values(":epoch", n(progress.epoch))
            .expression_attribute_values(":steps", n(progress.steps))
            .expression_attribute_values(":waits", AttributeValue::Bool(progress.waits))
            .expression_attribute_values(":seen", n(seen.epoch));
        let mut writes = vec![commit::updated(update)?];
        if let Some(entry) = entry {
            writes.push(self.db.recording(entry)?);
        }
        writes.extend(also);
        self.db.commit(writes).await?;
        Ok(progress)
    }

    /// Notes that members were told why a campaign stands still, unless it has moved since.
    pub async fn note_halt_told(&self, id: CampaignId, epoch: u64) -> Result<(), StoreError> {
        let noted = self
            .db
            .updating(self.table(), &keys::progress(self.workspace, id))
            .update_expression("SET halt_told = :epoch")
            .condition_expression("epoch = :epoch")
            .expression_attribute_values(":epoch", n(epoch))
            .send()
            .await;
        match noted.map_err(StoreError::from) {
            Ok(_) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Writes down which variant of a step has won, unless that is written down already; gives what is, of all steps.
    pub async fn decide(&self, seen: &Progress, decision: Decision) -> Result<Vec<Decision>, StoreError> {
        let key = keys::progress(self.workspace, seen.campaign);
        let mut winners = seen.winners.clone();
        winners.push(decision);
        let value = serde_dynamo::to_attribute_value(&winners).map_err(|_| StoreError::Corrupt("winners"))?;
        let mut update = self.db.updating(self.table(), &key).update_expression("SET winners = :winners");
        update = match seen.winners.len() {
            0 => update.condition_expression("attribute_exists(pk) AND attribute_not_exists(winners)"),
            many => update
                .condition_expression("size(winners) = :many")
                .expression_attribute_values(":many", n(many as u64)),
        };
        match update.expression_attribute_values(":winners", value).send().await.map_err(StoreError::from) {
            Ok(_) => Ok(winners),
            // Another chunk's run was first, with this step or another.
            Err(StoreError::Conflict) => {
                Ok(self.progress(seen.campaign).await?.map(|progress| progress.winners).unwrap_or_default())
            }
            Err(error) => Err(error),
        }
    }

    /// Notes until when, and why, somebody of a campaign waits for the account at SES.
    pub async fn note_ses(&self, id: CampaignId, Wait { until, because }: Wait) -> Result<(), StoreError> {
        let key = keys::progress(self.workspace, id);
        let set = match because {
            Because::SesPaused => "SET ses_paused_until = :until",
            _ => "SET quota_until = :until",
        };
        let update = self.db.updating(self.table(), &key).update_expression(set);
        let update = update.condition_expression("attribute_exists(pk)");
        match update.expression_attribute_values(":until", s(until.to_string())).send().await.map_err(StoreError::from)
        {
            Ok(_) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Notes that the next look for the end of a campaign, of this number, is on the queue. Not of another epoch, and never back.
    pub async fn note_look(&self, progress: &Progress, next: u32) -> Result<(), StoreError> {
        let key = keys::progress(self.workspace, progress.campaign);
        let update = self.db.updating(self.table(), &key).update_expression("SET looks = :next");
        let update = update.condition_expression("epoch = :epoch AND (attribute_not_exists(looks) OR looks < :next)");
        let update = update.expression_attribute_values(":epoch", n(progress.epoch));
        match update.expression_attribute_values(":next", n(next)).send().await.map_err(StoreError::from) {
            Ok(_) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// How far the fan-out is. Never lowers the audience: a repeated message may be late.
    pub async fn record_planned(&self, id: CampaignId, audience: u64, planned: bool) -> Result<(), StoreError> {
        let key = keys::progress(self.workspace, id);
        let result = self
            .db
            .updating(self.table(), &key)
            .update_expression("SET audience = :audience, planned = :planned")
            .condition_expression("audience <= :audience AND planned = :no")
            .expression_attribute_values(":audience", n(audience))
            .expression_attribute_values(":planned", AttributeValue::Bool(planned))
            .expression_attribute_values(":no", AttributeValue::Bool(false))
            .send()
            .await;
        match result.map_err(StoreError::from) {
            Ok(_) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
