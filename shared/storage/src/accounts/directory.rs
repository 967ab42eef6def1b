//! The directory of workspaces: their names and nothing else, in one partition.

use domain::id::WorkspaceId;
use serde::{Deserialize, Serialize};

use crate::{
    db::{Db, Expected, PageQuery, Range, StoreError, from_item},
    keys,
};

/// One entry. The attribute is also how the purge knows whose it is.
#[derive(Serialize, Deserialize)]
pub(super) struct Listed {
    pub(super) workspace: WorkspaceId,
}

impl Db {
    /// One page of all workspaces, the oldest first, after `after`; the second value says where to go on.
    pub async fn workspaces(&self, after: Option<&str>) -> Result<(Vec<WorkspaceId>, Option<String>), StoreError> {
        let query = PageQuery { after, strong: true, ..PageQuery::of(keys::DIRECTORY, Range::All) };
        let page = self.page(&self.tables.accounts, &query).await?;
        let read = |item| from_item::<Listed>(item).map(|listed| listed.workspace);
        Ok((page.items.into_iter().map(read).collect::<Result<_, _>>()?, page.next))
    }

    /// Lists a workspace that was made before there was a directory, or whose entry a restore lost.
    pub async fn list_workspace(&self, workspace: WorkspaceId) -> Result<(), StoreError> {
        let listed = Listed { workspace };
        self.put(&self.tables.accounts, &keys::directory(workspace), &listed, Expected::Anything).await
    }
}
