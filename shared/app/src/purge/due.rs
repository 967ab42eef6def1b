//! The one question the purge asks of an item: is it due? Pure: items in, decisions out.

use std::collections::{HashMap, HashSet};

use domain::{
    Timestamp,
    id::{ImportId, WorkspaceId},
    locale::Locale,
    policy::{
        Rules,
        inventory::Inventory,
        retention::{self, Class, Policy, Store},
    },
    prospect::Prospect,
    staff,
    subject::Subject,
};
use jiff::SignedDuration;
use serde::Serialize;
use storage::{
    StoreError,
    accounts::{Closing, Workspace},
    db::{Item, from_item, number, text},
    keys,
    restore::Removed,
};

/// An item that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Due {
    /// Its place in the page.
    pub(super) index: usize,
    /// What it is.
    pub(super) class: Class,
    /// The attribute that a writer changes; the item stays if it did.
    pub(super) guard: Option<&'static str>,
    /// Since when.
    pub(super) since: Timestamp,
    /// By what.
    pub(super) why: Why,
}

/// Why an item has to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// The period of its own class is over.
    PeriodOver,
    /// The account it belongs to was closed and its time to come back is over, or is not there at all.
    AccountOver,
    /// The person objected, complained, or was erased (A61).
    OptedOut,
    /// Nobody informed the person in time (A69).
    NeverInformed,
    /// Nobody waits for the copy of an identity document any more (A48).
    NotWaitedFor,
    /// The member was removed, and a backup brought them back (A30).
    Removed,
}

/// What the items of a table are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sort {
    /// The table.
    pub(super) store: Store,
    /// When nothing nearer says so.
    pub(super) class: Class,
}

impl Sort {
    fn of(self, item: &Item) -> Class {
        class_of(self.store, item).unwrap_or(self.class)
    }
}

/// The workspaces, living and due.
#[derive(Debug, Default)]
pub(super) struct Census {
    living: HashMap<WorkspaceId, Rules>,
    open: HashMap<WorkspaceId, Locale>,
    /// Since when everything of them has to go.
    dead: HashMap<WorkspaceId, Timestamp>,
    listed: HashSet<WorkspaceId>,
    /// What belongs to nobody is left alone: its owner may still be put back.
    orphans_stay: bool,
    /// Members who were removed.
    removed: Removed,
    /// The operator's own workspace.
    own: Option<WorkspaceId>,
}

impl Census {
    /// Takes note of a workspace's profile, and of its entry in the directory; other items say nothing here.
    pub(super) fn count(&mut self, item: &Item, now: Timestamp) -> Result<(), StoreError> {
        let sk = text(item, "sk")?;
        if text(item, "pk")? == keys::DIRECTORY {
            self.listed.extend(sk.parse::<WorkspaceId>());
            return Ok(());
        }
        if sk != "WORKSPACE" {
            return Ok(());
        }
        let workspace: Workspace = from_item(item.clone())?;
        self.living.insert(workspace.id, Rules { retention_months: workspace.retention_months });
        self.open.insert(workspace.id, workspace.locale);
        if let Some(closing) = workspace.closing() {
            self.close(workspace.id, closing, now);
        }
        Ok(())
    }

    /// A workspace is closed.
    pub(super) fn close(&mut self, workspace: WorkspaceId, closing: Closing, now: Timestamp) {
        self.open.remove(&workspace);
        let end = closing.ends();
        if retention::is_due(end, now) {
            self.living.remove(&workspace);
            self.dead.insert(workspace, end);
        }
    }

    /// Whether to leave alone what belongs to nobody: while a backup is put back, its owner may come later.
    pub(super) fn spare_orphans(&mut self, spare: bool) {
        self.orphans_stay = spare;
    }

    /// Who was removed as a member.
    pub(super) fn mind_removed(&mut self, removed: Removed) {
        self.removed = removed;
    }

    /// Which workspace is the operator's own: its prospects are the operator's leads (A35).
    pub(super) fn mind_own(&mut self, own: Option<WorkspaceId>) {
        self.own = own;
    }

    /// What the people of a workspace are.
    pub(super) fn class_of_people(&self, workspace: WorkspaceId) -> Class {
        if self.own == Some(workspace) { Class::OwnLead } else { Class::Prospect }
    }

    /// What is there of members who were removed: themselves, their sign-ins, sessions and second factors.
    pub(super) fn of_removed(&self, items: &[Item], now: Timestamp, sort: Sort) -> Vec<Due> {
        let theirs = |(index, item): (usize, &Item)| {
            let own = text(item, "sk").ok().and_then(|sk| keys::member_of(&sk));
            let member = own.or_else(|| text(item, "member").ok().and_then(|id| id.parse().ok()))?;
            let since = self.removed.since(workspace_of(item)?, member)?;
            let sort = sort.of(item);
            // What else they left under their identifier is the workspace's.
            let goes = matches!(sort, Class::Account | Class::Session | Class::ApiKey);
            (goes && !is_over(item, now)).then_some(Due { index, class: sort, guard: None, since, why: Why::Removed })
        };
        items.iter().enumerate().filter_map(theirs).collect()
    }

    /// The workspaces that are not closed.
    pub(super) fn all_open(&self) -> impl Iterator<Item = WorkspaceId> + '_ {
        self.open.keys().copied()
    }

    /// Since when everything of a workspace has to go: its time is over, or it has no profile at all (what a
    /// restore or a late writer left behind). One that is younger than a day may just not have been seen.
    pub(super) fn dead_since(&self, workspace: WorkspaceId, now: Timestamp) -> Option<Timestamp> {
        let orphaned = workspace.made_at() + SignedDuration::from_hours(24);
        let orphan = !self.orphans_stay && !self.living.contains_key(&workspace) && orphaned < now;
        self.dead.get(&workspace).copied().or_else(|| orphan.then_some(orphaned))
    }

    /// How long a living workspace keeps its people.
    pub(super) fn rules(&self, workspace: WorkspaceId) -> Option<Rules> {
        let chosen = self.living.get(&workspace).copied()?;
        Some(match self.class_of_people(workspace) {
            Class::OwnLead => Rules { retention_months: Policy::current().own_lead_months() },
            _ => chosen,
        })
    }

    /// The language of mail to a workspace's members; `None` when it is closed, or unknown.
    pub(super) fn open(&self, workspace: WorkspaceId) -> Option<Locale> {
        self.open.get(&workspace).copied()
    }

    /// Living workspaces that the directory does not list.
    pub(super) fn unlisted(&self) -> impl Iterator<Item = WorkspaceId> + '_ {
        self.living.keys().filter(|workspace| !self.listed.contains(workspace)).copied()
    }

    /// The workspaces whose time is over, and since when.
    pub(super) fn dead(&self) -> impl Iterator<Item = (WorkspaceId, Timestamp)> + '_ {
        self.dead.iter().map(|(workspace, since)| (*workspace, *since))
    }

    /// Items whose own time is over.
    pub(super) fn expired(&self, items: &[Item], now: Timestamp, sort: Sort) -> Vec<Due> {
        let over = |(index, item): (usize, &Item)| {
            let (since, guard) = end_of(item)?;
            let due = Due { index, class: sort.of(item), guard: Some(guard), since, why: Why::PeriodOver };
            retention::is_due(since, now).then_some(due)
        };
        items.iter().enumerate().filter_map(over).collect()
    }

    /// Items whose own time is over, or whose workspace is due. What is kept in the evidence table
    /// outlives the workspace, because it has a time of its own (A32), except for what is about people:
    /// they go with their Sender, down to their hashes (A37, A74). Requests about rights stay until they are
    /// answered: whoever asked is told what became of them.
    pub(super) fn due(&self, items: &[Item], now: Timestamp, sort: Sort) -> Vec<Due> {
        let mut due = self.expired(items, now, sort);
        let goes = |item: &Item| match sort.store {
            Store::Evidence => is_about_a_person(item),
            Store::Rights => false,
            _ => true,
        };
        let dead = items.iter().enumerate().filter(|(_, item)| goes(item) && !is_over(item, now));
        due.extend(dead.filter_map(|(index, item)| {
            let since = self.dead_since(workspace_of(item)?, now)?;
            Some(Due { index, class: sort.of(item), guard: None, since, why: Why::AccountOver })
        }));
        due
    }

    /// What is in the accounts table of the workspaces that are due: their profiles, or all the rest that
    /// has no time of its own that is over.
    pub(super) fn dead_accounts(&self, items: &[Item], now: Timestamp, profiles: bool, sort: Sort) -> Vec<Due> {
        let dead = |(index, item): (usize, &Item)| {
            let profile = text(item, "sk").is_ok_and(|sk| sk == "WORKSPACE");
            let since = *self.dead.get(&workspace_of(item)?)?;
            let due = Due { index, class: sort.of(item), guard: None, since, why: Why::AccountOver };
            (profile == profiles && !is_over(item, now)).then_some(due)
        };
        items.iter().enumerate().filter_map(dead).collect()
    }
}

/// Whose an item is: by the partition, or for a sign-in by what it opens.
fn workspace_of(item: &Item) -> Option<WorkspaceId> {
    let own = text(item, "pk").ok().and_then(|pk| keys::workspace_of(&pk));
    own.or_else(|| text(item, "workspace").ok().and_then(|id| id.parse().ok()))
}

/// An entry of the audit trail about a prospect, or that lists some.
fn is_about_a_person(item: &Item) -> bool {
    let facts = item.get("facts").and_then(|facts| facts.as_m().ok());
    text(item, "about").is_ok_and(|about| about.parse::<Subject>().is_ok())
        || facts.is_some_and(|facts| facts.contains_key(staff::SUBJECTS))
}

/// When an item's own time is over, and the attribute that every change of that moment changes too.
///
/// An import's record has no time to live of its own: its clock starts when the import ends.
fn end_of(item: &Item) -> Option<(Timestamp, &'static str)> {
    if let Ok(ttl) = number::<i64>(item, "ttl") {
        return Some((Timestamp::from_second(ttl).ok()?, "ttl"));
    }
    let is_import = text(item, "sk").is_ok_and(|sk| sk.starts_with(keys::IMPORT));
    let ended = date(item, "finished_at").or_else(|| date(item, "created_at")).filter(|_| is_import)?;
    Some((Policy::current().expiry(Class::ImportRecord, ended), "v"))
}

fn is_over(item: &Item, now: Timestamp) -> bool {
    end_of(item).is_some_and(|(since, _)| retention::is_due(since, now))
}

fn date(item: &Item, name: &'static str) -> Option<Timestamp> {
    text(item, name).ok().and_then(|text| text.parse().ok())
}

/// What an item is, by inventory.toml; `None` for what is not listed there, or has not the keys of anything.
fn class_of(store: Store, item: &Item) -> Option<Class> {
    let (pk, sk) = (text(item, "pk").ok()?, text(item, "sk").ok()?);
    let of = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned();
    Inventory::current().kind_of(store, &pk, &sk, of).map(|(_, kind)| kind.class)
}

/// Until when a prospect may be kept (A72, A73).
pub(super) fn kept_until(prospect: &Prospect, rules: Rules) -> Timestamp {
    let (collected, contact) = (prospect.source.collected_on, prospect.own_contact());
    retention::prospect_expiry(collected, contact, rules.retention_months)
}

/// What the time in which a person has to be informed asks for (A69), if nobody has informed them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Notice {
    /// The workspace is to be alerted: the time ends then.
    Soon(Timestamp),
    /// The time is over, since then.
    Over(Timestamp),
}

/// Whether the time in which a person has to be informed is over, or near its end (A69). An answer shows
/// that they were informed, and so does what they asked for (A41): who holds them was in its answer.
pub(super) fn notice(prospect: &Prospect, now: Timestamp) -> Option<Notice> {
    let policy = Policy::current();
    let deadline = policy.notice_deadline(prospect.source.collected_on, prospect.created_at);
    if prospect.own_contact().is_some() || prospect.restricted_by.is_some() {
        None
    } else if retention::is_due(deadline, now) {
        Some(Notice::Over(deadline))
    } else {
        retention::is_due(policy.notice_alert(deadline), now).then_some(Notice::Soon(deadline))
    }
}

/// Until when a workspace that is alerted at `now` is left in peace: as long as an alert comes early, so
/// that there is one in everybody's time.
pub(super) fn next_alert(now: Timestamp) -> Timestamp {
    Policy::current().rule(Class::UninformedProspect).alert_before.map_or(now, |lead| lead.expires_at(now))
}

/// An import whose files are due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DueFiles {
    pub(super) workspace: WorkspaceId,
    pub(super) id: ImportId,
    pub(super) since: Timestamp,
}

/// The import that an item is, if its upload and its report are due and not known to be gone.
pub(super) fn files_of(item: &Item, now: Timestamp) -> Result<Option<DueFiles>, StoreError> {
    let (pk, sk) = (text(item, "pk")?, text(item, "sk")?);
    let id = sk.strip_prefix(keys::IMPORT).and_then(|id| id.parse().ok());
    let (Some(id), Some(workspace)) = (id, keys::workspace_of(&pk)) else { return Ok(None) };
    if item.contains_key("files_gone") {
        return Ok(None);
    }
    let at = |name| date(item, name);
    let policy = Policy::current();
    let upload = at("started_at").or_else(|| at("created_at")).map(|t| policy.upload_expiry(t));
    let report = at("finished_at").map(|t| policy.import_report_expiry(t));
    let last = upload.max(report).ok_or(StoreError::Corrupt("an import without a date"))?;
    Ok(retention::is_due(last, now).then_some(DueFiles { workspace, id, since: last }))
}

#[cfg(test)]
mod tests {
    use domain::{
        email::EmailAddress,
        prospect::{Details, LawfulBasis, ProspectState, Source, SourceKind},
    };
    use storage::db::{n, s};

    use super::*;

    const ACCOUNTS: Sort = Sort { store: Store::Accounts, class: Class::Account };

    fn item(pk: &str, sk: &str, more: &[(&str, aws_sdk_dynamodb::types::AttributeValue)]) -> Item {
        let mut item = Item::from([("pk".to_owned(), s(pk)), ("sk".to_owned(), s(sk))]);
        item.extend(more.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        item
    }

    #[test]
    fn an_item_is_due_at_its_second_and_not_before() {
        let census = Census::default();
        let items = [item("TOKEN#x", "TOKEN", &[("ttl", n(1_000)), ("good_for", s("signup"))])];
        let second = |second| Timestamp::from_second(second).unwrap();
        let at = |now| census.expired(&items, second(now), ACCOUNTS);
        assert_eq!(at(999), []);
        let due = Due {
            index: 0,
            class: Class::UnverifiedSignup,
            guard: Some("ttl"),
            since: second(1_000),
            why: Why::PeriodOver,
        };
        assert_eq!(at(1_000), [due]);
    }

    #[test]
    fn a_due_workspace_takes_everything_but_evidence_with_it() {
        let (dead, alive) = (WorkspaceId::from_bytes([1; 10]), WorkspaceId::from_bytes([2; 10]));
        let (rules, now) = (Rules { retention_months: 36 }, Timestamp::UNIX_EPOCH);
        let census =
            Census { dead: HashMap::from([(dead, now)]), living: HashMap::from([(alive, rules)]), ..Census::default() };
        let items = [
            item(&format!("W#{dead}#S#0"), "x", &[]),
            item(&format!("W#{alive}#S#0"), "x", &[]),
            item("LOGIN#h", "LOGIN", &[("workspace", s(dead.to_string()))]),
            item(&format!("W#{dead}"), "WORKSPACE", &[]),
        ];
        let about = |workspace: WorkspaceId, what: String| {
            item(&format!("W#{workspace}#A#2026-01"), "x", &[("about", s(what))])
        };
        let person = Subject::from_bytes([7; 16]).to_string();
        let trail = [about(dead, "cmp_0".into()), about(dead, person.clone()), about(alive, person)];
        let indexes = |due: Vec<Due>| due.into_iter().map(|d| d.index).collect::<Vec<_>>();
        let sort = |store, class| Sort { store, class };
        assert_eq!(indexes(census.due(&items, now, sort(Store::Suppressions, Class::Suppression))), [0, 2, 3]);
        let evidence = census.due(&items, now, sort(Store::Evidence, Class::PurgeRecord));
        assert_eq!(indexes(evidence), Vec::<usize>::new());
        let asked = census.due(&items, now, sort(Store::Rights, Class::RightsRequest));
        assert_eq!(indexes(asked), Vec::<usize>::new(), "whoever asked is told what became of it");
        let trail = census.due(&trail, now, sort(Store::Evidence, Class::PurgeRecord));
        assert_eq!(indexes(trail), [1], "who is in the trail goes, the trail stays");
        assert_eq!(indexes(census.dead_accounts(&items, now, false, ACCOUNTS)), [0, 2]);
        assert_eq!(indexes(census.dead_accounts(&items, now, true, ACCOUNTS)), [3]);
    }

    #[test]
    fn a_workspace_leaves_the_directory_with_the_rest_and_one_that_is_missing_there_is_noticed() {
        let (dead, alive) = (WorkspaceId::from_bytes([1; 10]), WorkspaceId::from_bytes([2; 10]));
        let rules = Rules { retention_months: 36 };
        let now = Timestamp::UNIX_EPOCH;
        let (dead_since, living) = (HashMap::from([(dead, now)]), HashMap::from([(alive, rules)]));
        let mut census = Census { dead: dead_since, living, ..Census::default() };
        let entry = |workspace: WorkspaceId| {
            item(keys::DIRECTORY, &workspace.to_string(), &[("workspace", s(workspace.to_string()))])
        };
        let due = census.dead_accounts(&[entry(alive), entry(dead)], now, false, ACCOUNTS);
        let due: Vec<_> = due.iter().map(|d| d.index).collect();
        assert_eq!(due, [1]);
        assert_eq!(census.unlisted().collect::<Vec<_>>(), [alive]);
        census.count(&entry(alive), now).unwrap();
        assert_eq!(census.unlisted().count(), 0);
    }

    fn entered(at: &str) -> Prospect {
        let (at, detail): (Timestamp, _) = (at.parse().unwrap(), "Salon des Exemples".into());
        Prospect {
            subject: Subject::from_bytes([1; 16]),
            email: EmailAddress::parse("jeanne@example.com").unwrap(),
            details: Details::default(),
            source: Source { kind: SourceKind::TradeFair, detail, collected_on: "2026-01-01".parse().unwrap() },
            lawful_basis: LawfulBasis::LegitimateInterest,
            state: ProspectState::Active,
            restricted_by: None,
            edited: Default::default(),
            import: None,
            created_at: at,
            updated_at: at,
            last_contact_at: None,
            away_until: None,
            last_click_at: None,
            click_consent: None,
        }
    }

    #[test]
    fn a69_the_alert_begins_and_ends_at_its_second() {
        let mut prospect = entered("2026-06-10T07:00:00Z");
        let deadline: Timestamp = "2026-07-10T07:00:00Z".parse().unwrap();
        let cases = [
            ("2026-07-03T06:59:59Z", None),
            ("2026-07-03T07:00:00Z", Some(Notice::Soon(deadline))),
            ("2026-07-10T06:59:59Z", Some(Notice::Soon(deadline))),
            ("2026-07-10T07:00:00Z", Some(Notice::Over(deadline))),
        ];
        let notices = |prospect: &Prospect| cases.map(|(now, _)| notice(prospect, now.parse().unwrap()));
        assert_eq!(notices(&prospect), cases.map(|(_, expected)| expected));
        prospect.last_contact_at = Some(prospect.created_at);
        assert_eq!(notices(&prospect), [None; 4], "who answers was informed");
    }

    #[test]
    fn a69_alerts_follow_one_another_as_early_as_they_come_before_the_deadline() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        assert_eq!(next_alert(at("2026-07-03T07:00:00Z")), at("2026-07-10T07:00:00Z"));
        // Days are those of Paris: this week has an hour more.
        assert_eq!(next_alert(at("2026-10-20T07:00:00Z")), at("2026-10-27T08:00:00Z"));
    }

    #[test]
    fn closed_workspaces_are_not_open_and_live_on_until_they_are_due() {
        let now: Timestamp = "2026-03-01T10:00:00Z".parse().unwrap();
        let profile = |byte, closed: bool| {
            let id = WorkspaceId::from_bytes([byte; 10]);
            let terms = storage::accounts::Terms { version: "1".into(), sha256: "a".into(), accepted_at: now };
            let (company, locale, closed_at) = ("Exemple SAS".into(), Locale::En, closed.then_some(now));
            let workspace = Workspace {
                id,
                company,
                locale,
                retention_months: 36,
                created_at: now,
                closed_at,
                erase: false,
                suspended_at: None,
                soft_bounces: None,
                deliveries: false,
                clicks: false,
                opens: false,
                time_zone: None,
                harms: Default::default(),
                terms,
            };
            (id, storage::db::to_item(&keys::workspace(id), &workspace).unwrap())
        };
        let ((open, first), (closed, second)) = (profile(1, false), profile(2, true));
        let mut census = Census::default();
        census.count(&first, now).unwrap();
        census.count(&second, now).unwrap();
        assert_eq!((census.open(open), census.open(closed)), (Some(Locale::En), None));
        assert!(census.rules(open).is_some() && census.rules(closed).is_some());
    }

    #[test]
    fn what_no_workspace_owns_goes_once_it_is_a_day_old() {
        let made: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let orphan = WorkspaceId::new(made, [0; 4]);
        let items = [item(&format!("W#{orphan}#P#0"), "x", &[])];
        const OUTREACH: Sort = Sort { store: Store::Outreach, class: Class::Delivery };
        let mut census = Census::default();
        let at = |census: &Census, hours| census.due(&items, made + SignedDuration::from_hours(hours), OUTREACH).len();
        assert_eq!((at(&census, 24), at(&census, 25)), (0, 1));
        census.spare_orphans(true);
        assert_eq!(at(&census, 25), 0, "a backup is being put back");
    }
}
