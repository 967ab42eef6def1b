//! Files of imports: uploads and reports.

use std::collections::BTreeMap;

use domain::{
    Timestamp,
    id::{ImportId, WorkspaceId},
    policy::retention::{Class, Policy, Store, is_due},
};
use storage::{WorkspaceScope, db::Item};

use super::{
    Pass, Work, add,
    due::{self, Why},
};
use crate::{App, Failure};

impl App {
    /// Deletes the uploads and reports of imports whose time is over, and notes that they are gone.
    pub(super) async fn purge_files(&self, items: &[Item], pass: &Pass, work: &mut Work) -> Result<(), Failure> {
        for item in items {
            let Some(import) = due::files_of(item, pass.now)? else { continue };
            if let Some(foreseen) = &mut work.foreseen {
                foreseen.count(Class::Upload, Why::PeriodOver, import.since, 1);
                foreseen.files.insert(import.id);
                continue;
            }
            let scope = WorkspaceScope::internal(import.workspace);
            self.objects(&scope).delete_files(import.id).await?;
            self.db.imports(&scope).mark_files_gone(import.id).await?;
            work.deleted(Store::UploadsBucket, Class::Upload, 1);
            work.run.touched(Store::Accounts).changed += 1;
        }
        Ok(())
    }

    /// Deletes every file of the closed workspaces that are due.
    pub(super) async fn purge_objects(&self, pass: &Pass, work: &mut Work) -> Result<(), Failure> {
        for (workspace, since) in pass.census.dead() {
            let scope = WorkspaceScope::internal(workspace);
            let objects = self.objects(&scope);
            if let Some(foreseen) = &mut work.foreseen {
                let imports = objects.imports().await?;
                // A real run has deleted the others by then.
                let left = imports.iter().filter(|import: &&ImportId| !foreseen.files.contains(import)).count();
                foreseen.count(Class::Upload, Why::AccountOver, since, left as u64);
                continue;
            }
            let gone = objects.delete_all().await?;
            work.run.touched(Store::UploadsBucket).looked_at += gone;
            work.deleted(Store::UploadsBucket, Class::Upload, gone);
            if gone > 0 {
                add(&mut work.run.residuals, Class::Upload, objects.imports().await?.len() as u64);
            }
        }
        Ok(())
    }

    /// Deletes the uploads of a short while ago that whoever was erased may be in, whoever else is: they were read,
    /// and serve nothing any more. One that is still being read stays until the next run.
    pub(super) async fn purge_files_of_the_erased(&self, pass: &Pass, work: &mut Work) -> Result<(), Failure> {
        let mut last: BTreeMap<WorkspaceId, Timestamp> = BTreeMap::new();
        for ((workspace, _), &since) in &work.erased {
            if !is_due(Policy::current().expiry(Class::Upload, since), pass.now) {
                last.entry(*workspace).and_modify(|last| *last = since.max(*last)).or_insert(since);
            }
        }
        for (workspace, since) in last {
            let scope = WorkspaceScope::internal(workspace);
            let objects = self.objects(&scope);
            for id in objects.uploads().await? {
                let import = self.db.imports(&scope).get(id).await?;
                let read = import.is_some_and(|import| import.status.is_over() && import.created_at < since);
                if !read {
                    continue;
                }
                if let Some(foreseen) = &mut work.foreseen {
                    foreseen.count(Class::Upload, Why::OptedOut, since, 1);
                } else {
                    objects.delete_upload(id).await?;
                    work.deleted(Store::UploadsBucket, Class::Upload, 1);
                }
            }
        }
        Ok(())
    }
}
