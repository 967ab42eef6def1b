//! Access tokens: who may touch which workspace's data.

use domain::Timestamp;
use storage::WorkspaceScope;

use crate::{App, Failure};

impl App {
    /// Calls ahead of the first request what every request would wait for.
    pub async fn warm(&self) {
        if !self.config.pepper_secret.is_empty() && self.pepper().await.is_err() {
            tracing::warn!("the pepper could not be read at start; the first request will try again");
        }
    }

    /// The scope that an access token opens at `now`.
    pub async fn authenticate(&self, _token: &str, _now: Timestamp) -> Result<WorkspaceScope, Failure> {
        Err(Failure::unauthenticated())
    }
}
