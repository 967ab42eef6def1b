//! Campaigns, their chunks, and the deliveries that were claimed.

mod campaigns;
mod chunks;
mod clicks;
mod companies;
mod deliveries;
mod due;
mod erasure;
mod health;
mod names;
mod pace;
pub mod plan;
mod receivers;
mod returned;

use domain::{
    Timestamp,
    id::WorkspaceId,
    policy::retention::{self, Class, Policy},
};

pub use campaigns::StoredCampaign;
pub use clicks::Clicked;
pub use deliveries::{Claimed, Delivery, Theirs};
pub use due::DueChunks;
pub use names::Names;
pub use plan::{Cursor, Plan};

use crate::{Db, WorkspaceScope};

/// The outreach table, for one workspace.
#[derive(Debug, Clone, Copy)]
pub struct Outreach<'a> {
    db: &'a Db,
    workspace: WorkspaceId,
}

impl Db {
    /// The outreach of the scope's workspace.
    pub fn outreach<'a>(&'a self, scope: &'a WorkspaceScope) -> Outreach<'a> {
        Outreach { db: self.of(scope), workspace: scope.workspace() }
    }
}

/// When what names a recipient is due, in epoch seconds (policy.toml, `delivery`).
fn ttl(now: Timestamp) -> i64 {
    retention::ttl(Policy::current().expiry(Class::Delivery, now))
}

impl Outreach<'_> {
    fn table(&self) -> &str {
        &self.db.tables.outreach
    }
}
