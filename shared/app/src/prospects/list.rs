//! Going through a workspace's people shard by shard, and keeping those that are asked for.

use std::collections::HashMap;

use domain::{
    Timestamp,
    campaign::{LONGEST_SEARCH, mentions, search},
    id::ImportId,
    prospect::Prospect,
    subject::{SHARDS, Subject},
    suppression::Suppression,
};
use intake::MAX_TAG;
use serde::Deserialize;
use storage::{StoreError, WorkspaceScope};

use super::view::{ProspectView, State};
use crate::{App, Failure};

/// Pages read for one answer, at most: a filter that hardly anybody passes ends with what there is so far.
const READS: u32 = 48;

/// Prospects read at a time when there is a filter.
const LOOK_AT: u32 = 500;

/// Which prospects are wanted; everything that is given has to hold.
#[derive(Default, Clone)]
pub struct Filter {
    tag: Option<String>,
    text: Option<String>,
    import: Option<ImportId>,
    state: Option<State>,
}

impl Filter {
    /// From query parameters.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Result<Self, Failure> {
        let import = get("import").map(|id| id.parse()).transpose();
        let state = get("state").map(|name| State::deserialize(serde::de::value::StringDeserializer::new(name)));
        let state: Option<Result<State, serde::de::value::Error>> = state;
        let sought = |name: &str, most: usize| match get(name) {
            None => Ok(None),
            Some(text) => search(&text)
                .filter(|text| text.chars().count() <= most)
                .map(|text| Some(text.to_owned()))
                .ok_or_else(|| Failure::field(name, format!("1 to {most} characters, or left out"))),
        };
        Ok(Self {
            tag: sought("tag", MAX_TAG)?.map(|tag| tag.to_lowercase()),
            text: sought("text", LONGEST_SEARCH)?,
            import: import.map_err(|_| Failure::field("import", "an import's id, `imp_…`"))?,
            state: state
                .transpose()
                .map_err(|_| Failure::field("state", "one of active, restricted, opted_out, bounced"))?,
        })
    }

    fn is_empty(&self) -> bool {
        self.kinds().is_empty()
    }

    /// By what it filters; not for what.
    pub(super) fn kinds(&self) -> Vec<&'static str> {
        let Self { tag, text, import, state } = self;
        let kinds = [
            ("tag", tag.is_some()),
            ("text", text.is_some()),
            ("import", import.is_some()),
            ("state", state.is_some()),
        ];
        kinds.into_iter().filter(|(_, given)| *given).map(|(name, _)| name).collect()
    }

    /// Whether the record itself passes.
    fn passes(&self, prospect: &Prospect) -> bool {
        self.tag.as_ref().is_none_or(|tag| prospect.details.tags.iter().any(|t| t.to_lowercase() == *tag))
            && self.import.is_none_or(|import| prospect.import.is_some_and(|mark| mark.import == import))
            && self.text.as_deref().is_none_or(|text| mentions(prospect, text))
    }

    fn passes_state(&self, prospect: &Prospect, suppression: Option<&Suppression>) -> bool {
        self.state.is_none_or(|state| State::of(prospect, suppression) == state)
    }
}

/// A place between two people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Before the first of a shard.
    Shard(u8),
    /// After this one.
    After(Subject),
}

impl Place {
    /// Reads [`Place::write`].
    pub(super) fn read(text: &str) -> Result<Self, Failure> {
        let place = match text.len() {
            1 => u8::from_str_radix(text, 16).ok().map(Self::Shard),
            _ => Subject::from_hex(text).map(Self::After),
        };
        place.ok_or_else(|| Failure::field("cursor", "use `next_cursor` of the page before, unchanged"))
    }

    pub(super) fn write(self) -> String {
        match self {
            Self::Shard(shard) => format!("{shard:x}"),
            Self::After(subject) => subject.hex(),
        }
    }

    fn shard(self) -> u8 {
        match self {
            Self::Shard(shard) => shard,
            Self::After(subject) => subject.shard(),
        }
    }
}

/// People on the way through a workspace.
pub(super) struct Walk<'a> {
    app: &'a App,
    scope: &'a WorkspaceScope,
    filter: &'a Filter,
    now: Timestamp,
    /// Where to go on; `None` at the end.
    pub(super) place: Option<Place>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(
        app: &'a App,
        scope: &'a WorkspaceScope,
        filter: &'a Filter,
        cursor: Option<&str>,
        now: Timestamp,
    ) -> Result<Self, Failure> {
        let place = cursor.map_or(Ok(Place::Shard(0)), Place::read)?;
        Ok(Self { app, scope, filter, now, place: Some(place) })
    }

    /// The next people who pass the filter, out of `most` who are looked at, in the order of their
    /// subjects; none when that page held none.
    pub(super) async fn next(&mut self, most: Option<u32>) -> Result<Vec<(Prospect, Option<Suppression>)>, StoreError> {
        let Some(place) = self.place else { return Ok(Vec::new()) };
        let (shard, after) = match place {
            Place::Shard(shard) => (shard, None),
            Place::After(subject) => (subject.shard(), Some(subject)),
        };
        let page = self.app.db.prospects(self.scope).page(shard, after, most).await?;
        let next_shard = (place.shard() + 1 < SHARDS).then(|| Place::Shard(place.shard() + 1));
        self.place = page.next.map(Place::After).or(next_shard);
        let kept: Vec<_> = page.prospects.into_iter().filter(|p| self.filter.passes(p)).collect();
        let subjects: Vec<_> = kept.iter().map(|p| p.subject).collect();
        let found = self.app.db.suppressions(self.scope).among(&subjects, self.now).await?;
        let found: HashMap<_, _> = found.into_iter().map(|s| (s.subject, s)).collect();
        let joined = kept.into_iter().map(|p| {
            let suppression = found.get(&p.subject).copied();
            (p, suppression)
        });
        Ok(joined.filter(|(p, s)| self.filter.passes_state(p, s.as_ref())).collect())
    }
}

impl App {
    /// A page of prospects, and where to go on.
    pub async fn list_prospects(
        &self,
        scope: &WorkspaceScope,
        filter: &Filter,
        cursor: Option<&str>,
        limit: u32,
        now: Timestamp,
    ) -> Result<(Vec<ProspectView>, Option<String>), Failure> {
        let months = self.any_workspace(scope).await?.retention_months;
        let mut walk = Walk::new(self, scope, filter, cursor, now)?;
        let limit = limit as usize;
        let mut items: Vec<ProspectView> = Vec::with_capacity(limit);
        for _ in 0..READS {
            if walk.place.is_none() || items.len() == limit {
                break;
            }
            let most = if filter.is_empty() { u32::try_from(limit - items.len()).unwrap_or(LOOK_AT) } else { LOOK_AT };
            for (prospect, suppression) in walk.next(Some(most)).await? {
                if items.len() == limit {
                    walk.place = items.last().map(|last| Place::After(last.id()));
                    break;
                }
                items.push(ProspectView::new(prospect, suppression, months));
            }
        }
        Ok((items, walk.place.map(Place::write)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_reads_back_and_nothing_else_is_one() {
        let after = Place::After(Subject::from_bytes([0xab; 16]));
        for place in [Place::Shard(0), Place::Shard(15), after] {
            assert_eq!(Place::read(&place.write()).unwrap(), place);
        }
        for bad in ["", "g", "ab", "W#ws_1", &"a".repeat(33)] {
            assert!(Place::read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn filters_that_make_no_sense_are_named() {
        let read = |name: &'static str, value: &'static str| Filter::read(|n| (n == name).then(|| value.to_owned()));
        assert_eq!(read("state", "gone").err().unwrap().fields[0].field, "state");
        assert_eq!(read("import", "cmp_1").err().unwrap().fields[0].field, "import");
        assert_eq!(read("state", "opted_out").unwrap().state, Some(State::OptedOut));
        assert_eq!(read("text", "  ").err().unwrap().fields[0].field, "text");
    }
}
