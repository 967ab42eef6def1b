//! After a backup was restored nothing is sent until `purge` has gone through everything once: it deletes
//! again who objected or was erased since the backup, and closes again what was closed.
//!
//! The operator names the restore in the template's parameter before putting anything back. From then on
//! every function that sends is muted. Once everything is put back the operator asks `purge` for the replay;
//! only when it is complete, with nothing left due, does sending go on.

use domain::Timestamp;

use crate::{App, Failure, queues::Queued};

/// Seconds until work that came while nothing may be sent is looked at again.
const MUTED: u16 = 60;

/// Where an installation stands with its last restore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Restore {
    /// There was none.
    None,
    /// The one of this name is to be replayed: nothing is sent.
    Muted(String),
    /// The one of this name was replayed then.
    Replayed(String, Timestamp),
}

impl App {
    /// Where this installation stands with its last restore. Without one this asks nobody.
    pub(crate) async fn restore(&self) -> Result<Restore, Failure> {
        let name = &self.config.restore;
        if name.is_empty() {
            return Ok(Restore::None);
        }
        let replayed = self.db.replayed_at(name).await?;
        Ok(replayed.map_or_else(|| Restore::Muted(name.clone()), |at| Restore::Replayed(name.clone(), at)))
    }

    /// Whether nothing may be sent. What this process knows to be replayed it does not ask again.
    pub async fn is_muted(&self) -> Result<bool, Failure> {
        if self.replayed.initialized() {
            return Ok(false);
        }
        let muted = matches!(self.restore().await?, Restore::Muted(_));
        if !muted {
            // Another may have been faster; it found the same.
            let _ = self.replayed.set(());
        }
        Ok(muted)
    }

    /// Puts work back for as long as nothing may be sent. True when it did.
    pub(crate) async fn waits_for_replay<T: Queued>(&self, queue: &str, message: &T) -> Result<bool, Failure> {
        let muted = self.is_muted().await?;
        if muted {
            tracing::info!("muted until the restore is replayed");
            self.enqueue(queue, message, MUTED).await?;
        }
        Ok(muted)
    }
}
