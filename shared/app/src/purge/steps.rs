//! The stretches of a run, in their order.

use domain::policy::retention::{Class, Store};
use storage::db::Tables;

use super::due::Sort;

/// The order of a run. What names the dead goes last: a run that stops in between finds them again. Who was
/// erased is known from the suppressions before the lists of campaigns are looked through.
pub(super) const STEPS: [Step; 12] = [
    Step::ExpiredAccounts,
    Step::Prospects,
    Step::Alerts,
    Step::Suppressions,
    Step::Outreach,
    Step::Keys,
    Step::Evidence,
    Step::Rights,
    Step::Objects,
    Step::Copies,
    Step::DeadAccounts,
    Step::DeadProfiles,
];

/// One stretch of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Sessions, tokens, limiters, files of imports.
    ExpiredAccounts,
    /// The prospects table.
    Prospects,
    /// Mail to workspaces with people who will soon be due because nobody informed them.
    Alerts,
    /// The outreach table.
    Outreach,
    /// The suppressions table.
    Suppressions,
    /// The keys table.
    Keys,
    /// The evidence table.
    Evidence,
    /// The requests about rights.
    Rights,
    /// Files of closed workspaces.
    Objects,
    /// Copies of identity documents.
    Copies,
    /// What the closed workspaces have in the accounts table: members, sign-ins, sender, imports.
    DeadAccounts,
    /// Their profiles, which name them as closed: last of all.
    DeadProfiles,
}

impl Step {
    /// What the items of its table are, when nothing nearer says so.
    pub(super) const fn sort(self) -> Sort {
        let (store, class) = match self {
            Self::ExpiredAccounts | Self::DeadAccounts | Self::DeadProfiles | Self::Objects => {
                (Store::Accounts, Class::Account)
            }
            Self::Prospects | Self::Alerts => (Store::Prospects, Class::Prospect),
            Self::Outreach => (Store::Outreach, Class::Delivery),
            Self::Suppressions => (Store::Suppressions, Class::Suppression),
            Self::Keys => (Store::Keys, Class::DataKey),
            Self::Evidence => (Store::Evidence, Class::PurgeRecord),
            Self::Rights | Self::Copies => (Store::Rights, Class::RightsRequest),
        };
        Sort { store, class }
    }

    /// The store that it goes through.
    pub(super) const fn store(self) -> Store {
        self.sort().store
    }

    /// The table that it goes through.
    pub(super) fn table(self, tables: &Tables) -> &str {
        match self {
            Self::ExpiredAccounts | Self::DeadAccounts | Self::DeadProfiles | Self::Objects => &tables.accounts,
            Self::Prospects | Self::Alerts => &tables.prospects,
            Self::Outreach => &tables.outreach,
            Self::Suppressions => &tables.suppressions,
            Self::Keys => &tables.keys,
            Self::Evidence => &tables.evidence,
            Self::Rights | Self::Copies => &tables.rights,
        }
    }

    /// Whether it needs to know who was erased, or learns it on its way.
    pub(super) fn minds_the_erased(self) -> bool {
        matches!(self, Self::Suppressions | Self::Outreach)
    }
}
