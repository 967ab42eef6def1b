//! Companies of which somebody answered a campaign, and of whom nobody else gets any more of it.
//!
//! Sixteen lists of hashes: one query reads them all, whoever is in a chunk, and costs what was answered so far, a read unit
//! for some three hundred companies. An item for each company would cost half a unit for each person, answered or not.

use std::collections::HashSet;

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use domain::{Timestamp, company::Company, id::CampaignId};

use super::Outreach;
use crate::{
    db::{PageQuery, Range, StoreError, n},
    keys,
};

impl Outreach<'_> {
    /// Nobody else of this company gets any more of a campaign. Once or ten times is the same.
    pub async fn stop_company(&self, id: CampaignId, company: Company, now: Timestamp) -> Result<(), StoreError> {
        let key = keys::stopped_companies(self.workspace, id, company.shard());
        let hash = AttributeValue::Bs(vec![Blob::new(*company.as_bytes())]);
        self.db
            .updating(self.table(), &key)
            .update_expression("SET #ttl = :ttl ADD who :company")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":ttl", n(super::ttl(now)))
            .expression_attribute_values(":company", hash)
            .send()
            .await?;
        Ok(())
    }

    /// Those companies, strongly consistent.
    pub async fn stopped_companies(&self, id: CampaignId) -> Result<HashSet<Company>, StoreError> {
        let pk = keys::campaign_parts(self.workspace, id);
        let query = PageQuery { strong: true, ..PageQuery::of(&pk, Range::Prefix(keys::STOPPED)) };
        let mut companies = HashSet::new();
        for item in self.db.all(self.table(), query).await? {
            let hashes = item.get("who").and_then(|who| who.as_bs().ok());
            for hash in hashes.ok_or(StoreError::Corrupt("companies that answered"))? {
                let bytes = hash.as_ref().try_into().map_err(|_| StoreError::Corrupt("a company that answered"))?;
                companies.insert(Company::from_bytes(bytes));
            }
        }
        Ok(companies)
    }
}
