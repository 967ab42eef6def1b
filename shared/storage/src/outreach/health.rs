//! What was handed over and came back by day and channel: attributes of the counters, so that it costs no write of its own.
//!
//! `d_20783_0_h` is what was handed over on a day by the first channel of the launch; `_b` came back, `_c` was complained about.

use domain::{
    Timestamp,
    chunk::{ChunkRecord, Results},
    health::{
        Sample,
        window::{self, Day, Days},
    },
    id::{CampaignId, ChannelId},
    sender::channel_of,
    subject::Subject,
};

use super::Outreach;
use crate::{
    db::{Item, StoreError},
    keys,
};

/// What such an attribute's name begins with.
const OF_DAY: &str = "d_";

/// What one write adds.
#[derive(Debug, Default)]
pub(super) struct Health {
    days: Days,
    /// Channels of the launch, where days have left the window since.
    long_ago: usize,
}

impl Outreach<'_> {
    /// What a change of a chunk's results adds to the day.
    pub(super) async fn came_to_pass(
        &self,
        id: CampaignId,
        (before, after): (&Results, &ChunkRecord),
        now: Timestamp,
    ) -> Result<Health, StoreError> {
        let moved: Vec<(Subject, Sample)> = before
            .iter()
            .zip(after.results.iter())
            .zip(&after.subjects)
            .map(|((old, new), subject)| (*subject, window::moved(old, new)))
            .filter(|(_, sample)| *sample != Sample::default())
            .collect();
        if moved.is_empty() {
            return Ok(Health::default());
        }
        // The channels and the time of a launch never change: any copy of them does.
        let progress: Option<super::campaigns::StoredProgress> =
            self.db.get(self.table(), &keys::progress(self.workspace, id), false).await?;
        let Some(progress) = progress.map(|stored| stored.progress) else { return Ok(Health::default()) };
        let (today, channels) = (Day::of(now), &progress.channels);
        let is_long_ago = progress.launched_at.is_some_and(|at| !Day::of(at).counts(today));
        let mut health =
            Health { days: Days::default(), long_ago: if is_long_ago { channels.len().max(1) } else { 0 } };
        for (subject, sample) in moved {
            let sum = health.days.at(today, place(subject, channels));
            *sum = sum.and(sample);
        }
        Ok(health)
    }
}

impl Health {
    /// Names of attributes, and what is added to each.
    pub(super) fn added(&self) -> impl Iterator<Item = (String, i64)> + '_ {
        self.days.iter().flat_map(|(day, place, sample)| {
            let parts = [('h', sample.handed), ('b', sample.bounced), ('c', sample.complained)];
            parts
                .into_iter()
                .filter(|(_, by)| *by > 0)
                .map(move |(kind, by)| (name(day, place, kind), i64::try_from(by).unwrap_or(i64::MAX)))
        })
    }

    /// An expression that removes what has left the window, where a campaign is old enough to have such.
    pub(super) fn removed(&self, now: Timestamp) -> String {
        let places = 0..self.long_ago;
        let names = Day::left(Day::of(now))
            .flat_map(|day| places.clone().flat_map(move |place| ['h', 'b', 'c'].map(|kind| name(day, place, kind))));
        let names: Vec<String> = names.collect();
        if names.is_empty() { String::new() } else { format!(" REMOVE {}", names.join(", ")) }
    }
}

/// Adds what a counter says of days.
pub(super) fn read(counter: &Item, days: &mut Days) -> Result<(), StoreError> {
    for (name, value) in counter {
        let (Some((day, place, kind)), Ok(by)) = (parts(name), value.as_n()) else { continue };
        let by: u64 = by.parse().map_err(|_| StoreError::Corrupt("a counter of a day"))?;
        let sample = days.at(day, place);
        match kind {
            "h" => sample.handed += by,
            "b" => sample.bounced += by,
            "c" => sample.complained += by,
            _ => {}
        }
    }
    Ok(())
}

/// The place of somebody's channel among those of the launch. Whoever had to change because theirs is gone still counts there.
fn place(subject: Subject, channels: &[ChannelId]) -> usize {
    let channel = channel_of(subject, channels.iter().copied());
    channels.iter().position(|known| Some(*known) == channel).unwrap_or(0)
}

fn name(day: Day, place: usize, kind: char) -> String {
    format!("{OF_DAY}{}_{place}_{kind}", day.number())
}

fn parts(name: &str) -> Option<(Day, usize, &str)> {
    let mut parts = name.strip_prefix(OF_DAY)?.split('_');
    let (day, place, kind) = (Day::read(parts.next()?)?, parts.next()?.parse().ok()?, parts.next()?);
    parts.next().is_none().then_some((day, place, kind))
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::AttributeValue;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn what_is_added_reads_back_and_nothing_else_is_a_day() {
        let day = Day::of(at("2026-11-26T10:00:00Z"));
        let mut health = Health::default();
        *health.days.at(day, 0) = Sample { handed: 50, bounced: 2, complained: 0 };
        *health.days.at(day, 12) = Sample { handed: 1, bounced: 0, complained: 1 };
        let added: Item = health.added().map(|(name, by)| (name, AttributeValue::N(by.to_string()))).collect();
        assert_eq!(added.len(), 4);
        let mut days = Days::default();
        read(&added, &mut days).unwrap();
        assert_eq!(days, health.days);
        let other = ["due", "delayed", "d_", "d_1", "d_1_2", "d_1_2_h_3", "d_x_0_h", "d_1_x_h", "v_B_replied"];
        read(&other.map(|name| (name.to_owned(), AttributeValue::N("1".into()))).into(), &mut days).unwrap();
        assert_eq!(days, health.days);
    }

    #[test]
    fn what_has_left_the_window_is_removed_of_a_campaign_that_is_old_enough() {
        let now = at("2026-11-26T10:00:00Z");
        assert_eq!(Health::default().removed(now), "");
        let removed = Health { long_ago: 16, ..Health::default() }.removed(now);
        assert!(removed.starts_with(" REMOVE d_20776_0_h, d_20776_0_b, "), "{removed}");
        // DynamoDB takes an expression of 4 KB.
        assert!(removed.len() < 3_500 && !removed.contains("d_20777_"), "{removed}");
    }
}
