//! Copies of identity documents that nobody waits for any more, or whose time is over (A48).

use domain::{
    Timestamp,
    policy::retention::{Class, Store},
    rights::identity,
};
use storage::rights::Place;

use super::{Pass, Work, add, due::Why};
use crate::{App, Failure};

impl App {
    /// Deletes the copies that are due: they would have gone with a decision, but none came, or something was
    /// cut short. There are never many.
    pub(super) async fn purge_copies(&self, pass: &Pass, work: &mut Work) -> Result<(), Failure> {
        let mut due: Vec<(Place, Timestamp)> = Vec::new();
        work.run.touched(Store::IdentityBucket);
        for place in self.copies().all().await? {
            work.run.touched(Store::IdentityBucket).looked_at += 1;
            if let Some(since) = self.copy_due_since(place, pass).await? {
                due.push((place, since));
            }
        }
        if let Some(foreseen) = &mut work.foreseen {
            for (place, since) in due {
                let over = since == identity::expiry(place.received);
                let why = if over { Why::PeriodOver } else { Why::NotWaitedFor };
                foreseen.count(Class::IdentityCopy, why, since, 1);
            }
            return Ok(());
        }
        for (place, _) in &due {
            self.copies().delete(*place).await?;
            work.deleted(Store::IdentityBucket, Class::IdentityCopy, 1);
        }
        if !due.is_empty() {
            let left = self.copies().all().await?;
            let still = due.iter().filter(|(place, _)| left.contains(place)).count();
            add(&mut work.run.residuals, Class::IdentityCopy, still as u64);
        }
        Ok(())
    }

    async fn copy_due_since(&self, place: Place, pass: &Pass) -> Result<Option<Timestamp>, Failure> {
        let request = self.db.open_request(place.request).await?;
        let waits = request.and_then(|request| request.doubt).is_some_and(|doubt| doubt.waits_for(place.received));
        // While a backup is put back its request may come later: until then only time counts.
        Ok(identity::due_since(waits || pass.muted, place.received, pass.now))
    }
}
