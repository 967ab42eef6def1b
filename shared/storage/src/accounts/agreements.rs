//! Which agreements a workspace has accepted: the evidence, and what every new beginning is checked against.

use domain::{Timestamp, audit::Entry, id::MemberId};
use serde::{Deserialize, Serialize};

use super::Accounts;
use crate::{
    commit,
    db::{Expected, StoreError},
    keys,
};

/// That somebody accepted a version of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acceptance {
    /// The document, as in `/legal/{page}`.
    pub document: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of the text.
    pub sha256: String,
    /// When.
    pub accepted_at: Timestamp,
    /// Who, for the company.
    pub member: MemberId,
}

/// Everything a workspace has accepted, oldest first. Nothing is ever taken out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agreements {
    /// The acceptances.
    pub acceptances: Vec<Acceptance>,
    /// How often the record was written.
    pub v: u64,
}

impl Agreements {
    /// What a new company accepted when it signed up.
    pub fn begin(first: Acceptance) -> Self {
        Self { acceptances: vec![first], v: 1 }
    }

    /// The last acceptance of a document.
    pub fn last(&self, document: &str) -> Option<&Acceptance> {
        self.acceptances.iter().rev().find(|acceptance| acceptance.document == document)
    }

    /// The first acceptance of a version.
    pub fn of(&self, document: &str, version: &str) -> Option<&Acceptance> {
        self.acceptances.iter().find(|acceptance| acceptance.document == document && acceptance.version == version)
    }
}

impl Accounts<'_> {
    /// What the workspace has accepted, strongly consistent.
    pub async fn agreements(&self) -> Result<Agreements, StoreError> {
        let found = self.db.get(&self.db.tables.accounts, &keys::agreements(self.workspace), true).await?;
        Ok(found.unwrap_or_default())
    }

    /// Adds one acceptance to what was read. `Conflict` when somebody else was first.
    pub async fn accept(
        &self,
        mut seen: Agreements,
        acceptance: Acceptance,
        entry: &Entry,
    ) -> Result<Agreements, StoreError> {
        let expected = if seen.v == 0 { Expected::Absent } else { Expected::Version(seen.v) };
        seen.acceptances.push(acceptance);
        seen.v += 1;
        let write = commit::put(&self.db.tables.accounts, &keys::agreements(self.workspace), &seen, expected)?;
        self.db.act(write, entry).await?;
        Ok(seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_acceptance_counts_and_the_first_stays_evidence() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let accepted = |document: &str, version: &str, second| Acceptance {
            document: document.into(),
            version: version.into(),
            sha256: "hash".into(),
            accepted_at: at(second),
            member: MemberId::from_bytes([1; 10]),
        };
        let mut agreements = Agreements::begin(accepted("terms", "1.0", 1));
        agreements.acceptances.extend([accepted("dpa", "1.0", 2), accepted("terms", "2.0", 3)]);
        assert_eq!(agreements.last("terms").map(|a| a.version.as_str()), Some("2.0"));
        assert_eq!(agreements.of("terms", "1.0").map(|a| a.accepted_at), Some(at(1)));
        assert_eq!(agreements.last("privacy"), None);
        let item = crate::db::to_item(&keys::agreements(domain::id::WorkspaceId::from_bytes([1; 10])), &agreements);
        assert_eq!(crate::db::from_item::<Agreements>(item.unwrap()).unwrap(), agreements);
    }
}
