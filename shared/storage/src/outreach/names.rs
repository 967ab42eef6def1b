//! What messages were called, where a later step replies to them.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use domain::{Timestamp, chunk::GROUP, id::CampaignId, message_name::MessageName};

use super::Outreach;
use crate::{
    db::{Item, PageQuery, Range, StoreError, n, s, text},
    keys,
};

/// Names by step and place in the chunk.
pub type Names = BTreeMap<(u8, usize), MessageName>;

impl Outreach<'_> {
    /// Notes what messages of a chunk were called: [`GROUP`] neighbours share an item of one write unit.
    pub async fn note_names(
        &self,
        id: CampaignId,
        (chunk, step): (u32, u8),
        names: &[(usize, MessageName)],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut parts: BTreeMap<usize, Vec<&(usize, MessageName)>> = BTreeMap::new();
        for name in names {
            parts.entry(name.0 / GROUP).or_default().push(name);
        }
        for (part, names) in parts {
            let key = keys::names(self.workspace, id, chunk, step, part);
            let mut update = self
                .db
                .updating(self.table(), &key)
                .expression_attribute_names("#ttl", "ttl")
                .expression_attribute_values(":ttl", n(super::ttl(now)));
            let mut sets = String::from("SET #ttl = :ttl");
            for (index, name) in names {
                sets.push_str(&format!(", m{index} = :m{index}"));
                update = update.expression_attribute_values(format!(":m{index}"), written(name));
            }
            update.update_expression(sets).send().await?;
        }
        Ok(())
    }

    /// What the messages of a chunk were called in all steps that are replied to.
    pub async fn names(&self, id: CampaignId, chunk: u32) -> Result<Names, StoreError> {
        let (pk, prefix) = (keys::campaign_parts(self.workspace, id), keys::names_of(chunk));
        let mut names = Names::new();
        for item in self.db.all(self.table(), PageQuery::of(&pk, Range::Prefix(&prefix))).await? {
            let step = keys::named_step(&text(&item, "sk")?).ok_or(StoreError::Corrupt("the key of names"))?;
            names.extend(read(&item).map(|(index, name)| ((step, index), name)));
        }
        Ok(names)
    }
}

fn written(name: &MessageName) -> AttributeValue {
    match name {
        MessageName::Ses(bytes) => AttributeValue::B(Blob::new(*bytes)),
        MessageName::Ours(domain) => s(format!("@{domain}")),
        MessageName::Other(id) => s(id),
    }
}

fn read(item: &Item) -> impl Iterator<Item = (usize, MessageName)> {
    item.iter().filter_map(|(attribute, value)| {
        let index = attribute.strip_prefix('m')?.parse().ok()?;
        let name = match value {
            AttributeValue::B(bytes) => MessageName::Ses(bytes.as_ref().try_into().ok()?),
            AttributeValue::S(text) => match text.strip_prefix('@') {
                Some(domain) => MessageName::Ours(domain.to_owned()),
                None => MessageName::Other(text.clone()),
            },
            _ => return None,
        };
        Some((index, name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_it_was_written() {
        let names = [
            MessageName::given_by_ses("0102018f2d5c1e1a-6a1f5b0b-1f9b-4a9e-9a7b-0b9a0b0a0b0a-000000"),
            MessageName::given_by_ses("new"),
            MessageName::Ours("firm.test".into()),
        ];
        let mut item = Item::from([("ttl".to_owned(), n(1)), ("pk".to_owned(), s("x"))]);
        item.extend(names.iter().enumerate().map(|(index, name)| (format!("m{index}"), written(name))));
        let mut found: Vec<_> = read(&item).collect();
        found.sort_unstable_by_key(|(index, _)| *index);
        assert_eq!(found, names.into_iter().enumerate().collect::<Vec<_>>());
    }
}
