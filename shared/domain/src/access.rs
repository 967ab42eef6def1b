//! Who may do what: one table of routes, one table of roles, and no for everything else.
//!
//! A guarded route is one that needs a session. The rim looks it up here before a use case runs, so
//! that a route that somebody forgot to list is refused to everybody.

use serde::{Deserialize, Serialize};

use crate::member::Role::{self, Admin, Editor, Owner, Viewer};

/// Something that a role may or may not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Permission {
    /// One's own name, sessions, password and second factor; leaving.
    #[serde(rename = "self")]
    OwnAccount,
    /// Inviting, giving roles, sending away.
    #[serde(rename = "members.manage")]
    ManageMembers,
    /// Making and ending the keys that programs use the API with.
    #[serde(rename = "api_keys.manage")]
    ManageApiKeys,
    /// Saying where events are sent to.
    #[serde(rename = "webhooks.manage")]
    ManageWebhooks,
    /// Reading the workspace and who its members are.
    #[serde(rename = "workspace.read")]
    ReadWorkspace,
    /// Changing how long it keeps prospects, and its language.
    #[serde(rename = "workspace.change")]
    ChangeWorkspace,
    /// Closing and reopening it.
    #[serde(rename = "workspace.close")]
    CloseWorkspace,
    /// Accepting the terms and the processing agreement for the company.
    #[serde(rename = "agreements.accept")]
    Agree,
    /// Reading who sends, and by which channels.
    #[serde(rename = "sender.read")]
    ReadSender,
    /// Changing either.
    #[serde(rename = "sender.change")]
    ChangeSender,
    /// Reading how imports went.
    #[serde(rename = "imports.read")]
    ReadImports,
    /// Importing.
    #[serde(rename = "imports.create")]
    Import,
    /// Reading people.
    #[serde(rename = "prospects.read")]
    ReadProspects,
    /// Adding, correcting, freezing and erasing people, one at a time.
    #[serde(rename = "prospects.edit")]
    EditProspects,
    /// Taking all of them away in a file.
    #[serde(rename = "prospects.export")]
    ExportProspects,
    /// Reading campaigns and what became of them.
    #[serde(rename = "campaigns.read")]
    ReadCampaigns,
    /// Drafting, checking, previewing and trying campaigns.
    #[serde(rename = "campaigns.edit")]
    EditCampaigns,
    /// Launching, pausing, resuming and cancelling them.
    #[serde(rename = "campaigns.launch")]
    Launch,
    /// Reading who did what.
    #[serde(rename = "audit.read")]
    ReadAudit,
    /// Reading what people ask about their data.
    #[serde(rename = "rights.read")]
    ReadRights,
    /// Answering them.
    #[serde(rename = "rights.answer")]
    AnswerRights,
    /// Acting as the operator's staff; only members of the workspace that it appointed can.
    #[serde(rename = "staff.act")]
    ActAsStaff,
}

use Permission::{
    ActAsStaff, Agree, AnswerRights, ChangeSender, ChangeWorkspace, CloseWorkspace, EditCampaigns, EditProspects,
    ExportProspects, Import, Launch, ManageApiKeys, ManageMembers, ManageWebhooks, OwnAccount, ReadAudit,
    ReadCampaigns, ReadImports, ReadProspects, ReadRights, ReadSender, ReadWorkspace,
};

/// Every guarded route and what it takes. infra/openapi.yaml lists the same, and a test compares them.
pub const ROUTES: &[(&str, &str, Permission)] = &[
    ("DELETE", "/v1/session", OwnAccount),
    ("GET", "/v1/sessions", OwnAccount),
    ("DELETE", "/v1/sessions", OwnAccount),
    ("DELETE", "/v1/sessions/{id}", OwnAccount),
    ("POST", "/v1/second-factor", OwnAccount),
    ("POST", "/v1/second-factor/confirm", OwnAccount),
    ("POST", "/v1/second-factor/disable", OwnAccount),
    ("GET", "/v1/me", OwnAccount),
    ("PATCH", "/v1/me", OwnAccount),
    ("DELETE", "/v1/me", OwnAccount),
    ("GET", "/v1/members", ManageMembers),
    ("PATCH", "/v1/members/{id}", ManageMembers),
    ("DELETE", "/v1/members/{id}", ManageMembers),
    ("GET", "/v1/invitations", ManageMembers),
    ("POST", "/v1/invitations", ManageMembers),
    ("DELETE", "/v1/invitations/{id}", ManageMembers),
    ("GET", "/v1/api-keys", ManageApiKeys),
    ("POST", "/v1/api-keys", ManageApiKeys),
    ("DELETE", "/v1/api-keys/{id}", ManageApiKeys),
    ("GET", "/v1/webhooks", ManageWebhooks),
    ("POST", "/v1/webhooks", ManageWebhooks),
    ("PATCH", "/v1/webhooks/{id}", ManageWebhooks),
    ("DELETE", "/v1/webhooks/{id}", ManageWebhooks),
    ("POST", "/v1/webhooks/{id}/secret", ManageWebhooks),
    ("POST", "/v1/webhooks/{id}/test", ManageWebhooks),
    ("GET", "/v1/webhooks/{id}/deliveries", ManageWebhooks),
    ("POST", "/v1/webhooks/{id}/deliveries/{event}/replay", ManageWebhooks),
    ("GET", "/v1/workspace", ReadWorkspace),
    ("PATCH", "/v1/workspace", ChangeWorkspace),
    ("DELETE", "/v1/workspace", CloseWorkspace),
    ("POST", "/v1/workspace/reactivate", CloseWorkspace),
    ("GET", "/v1/agreements", ReadWorkspace),
    ("POST", "/v1/agreements", Agree),
    ("GET", "/v1/sender", ReadSender),
    ("PUT", "/v1/sender", ChangeSender),
    ("GET", "/v1/channels", ReadSender),
    ("POST", "/v1/channels", ChangeSender),
    ("GET", "/v1/channels/{id}", ReadSender),
    ("PATCH", "/v1/channels/{id}", ChangeSender),
    ("DELETE", "/v1/channels/{id}", ChangeSender),
    ("GET", "/v1/channels/{id}/check", ReadSender),
    ("POST", "/v1/channels/{id}/check", ChangeSender),
    ("GET", "/v1/mailboxes", ReadSender),
    ("POST", "/v1/mailboxes", ChangeSender),
    ("GET", "/v1/mailboxes/{id}", ReadSender),
    ("PUT", "/v1/mailboxes/{id}", ChangeSender),
    ("DELETE", "/v1/mailboxes/{id}", ChangeSender),
    ("POST", "/v1/mailboxes/{id}/check", ChangeSender),
    ("GET", "/v1/sender/check", ReadSender),
    ("GET", "/v1/imports", ReadImports),
    ("POST", "/v1/imports", Import),
    ("GET", "/v1/imports/{id}", ReadImports),
    ("GET", "/v1/imports/{id}/rejects", ReadImports),
    ("GET", "/v1/prospects", ReadProspects),
    ("POST", "/v1/prospects", EditProspects),
    ("GET", "/v1/prospects/export", ExportProspects),
    ("GET", "/v1/prospects/{id}", ReadProspects),
    ("PATCH", "/v1/prospects/{id}", EditProspects),
    ("DELETE", "/v1/prospects/{id}", EditProspects),
    ("GET", "/v1/campaigns", ReadCampaigns),
    ("POST", "/v1/campaigns", EditCampaigns),
    ("GET", "/v1/campaigns/{id}", ReadCampaigns),
    ("PATCH", "/v1/campaigns/{id}", EditCampaigns),
    ("DELETE", "/v1/campaigns/{id}", EditCampaigns),
    ("POST", "/v1/campaigns/{id}/preview", EditCampaigns),
    ("POST", "/v1/campaigns/{id}/check", EditCampaigns),
    ("POST", "/v1/campaigns/{id}/test", EditCampaigns),
    ("POST", "/v1/campaigns/{id}/launch", Launch),
    ("POST", "/v1/campaigns/{id}/pause", Launch),
    ("POST", "/v1/campaigns/{id}/resume", Launch),
    ("POST", "/v1/campaigns/{id}/cancel", Launch),
    ("GET", "/v1/campaigns/{id}/recipients", ReadCampaigns),
    ("GET", "/v1/health", ReadCampaigns),
    ("GET", "/v1/audit", ReadAudit),
    ("GET", "/v1/rights-tasks", ReadRights),
    ("POST", "/v1/rights-tasks/{id}/handle", AnswerRights),
    ("POST", "/v1/rights-tasks/{id}/extend", AnswerRights),
    ("POST", "/v1/prospects/{id}/lift", AnswerRights),
    ("GET", "/v1/privacy/requests", OwnAccount),
    ("POST", "/v1/privacy/requests", OwnAccount),
    ("GET", "/v1/privacy/export", OwnAccount),
    ("GET", "/v1/staff-access", ReadAudit),
    ("GET", "/v1/staff/grants", ActAsStaff),
    ("POST", "/v1/staff/grants", ActAsStaff),
    ("POST", "/v1/staff/grants/{id}/approve", ActAsStaff),
    ("POST", "/v1/staff/grants/{id}/end", ActAsStaff),
    ("GET", "/v1/staff/grants/{id}/prospects", ActAsStaff),
    ("GET", "/v1/staff/grants/{id}/prospects/{prospect}", ActAsStaff),
    ("GET", "/v1/staff/incidents", ActAsStaff),
    ("POST", "/v1/staff/incidents", ActAsStaff),
    ("GET", "/v1/staff/incidents/{id}/affected", ActAsStaff),
    ("POST", "/v1/staff/incidents/{id}/notify", ActAsStaff),
    ("POST", "/v1/staff/incidents/{id}/authority", ActAsStaff),
    ("GET", "/v1/staff/abuse-cases", ActAsStaff),
    ("POST", "/v1/staff/abuse-cases/{id}/close", ActAsStaff),
];

/// What a route takes; `None` when it is not in the table, and nobody may use it.
pub fn needed(method: &str, route: &str) -> Option<Permission> {
    ROUTES.iter().find(|(m, path, _)| *m == method && *path == route).map(|(_, _, permission)| *permission)
}

impl Permission {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        OwnAccount,
        ManageMembers,
        ManageApiKeys,
        ManageWebhooks,
        ReadWorkspace,
        ChangeWorkspace,
        Agree,
        CloseWorkspace,
        ReadSender,
        ChangeSender,
        ReadImports,
        Import,
        ReadProspects,
        EditProspects,
        ExportProspects,
        ReadCampaigns,
        EditCampaigns,
        Launch,
        ReadAudit,
        ReadRights,
        AnswerRights,
        ActAsStaff,
    ];

    /// The roles that have it.
    pub const fn roles(self) -> &'static [Role] {
        match self {
            OwnAccount | ReadWorkspace => &Role::ALL,
            ReadSender | ReadImports | ReadProspects | ReadCampaigns | ReadRights => &[Owner, Admin, Editor, Viewer],
            Import | EditProspects | EditCampaigns | Launch => &[Owner, Admin, Editor],
            ChangeWorkspace | Agree | ChangeSender | ExportProspects | ReadAudit | AnswerRights | ManageMembers
            | ManageApiKeys | ManageWebhooks | ActAsStaff => &[Owner, Admin],
            CloseWorkspace => &[Owner],
        }
    }

    /// Whether a key for a program may have it. What ends or opens access is for people, who can be asked
    /// for a second factor.
    pub const fn is_for_programs(self) -> bool {
        !matches!(
            self,
            OwnAccount | Agree | ManageMembers | ManageApiKeys | ManageWebhooks | CloseWorkspace | ActAsStaff
        )
    }
}

impl Role {
    /// Whether the role has the permission.
    pub fn may(self, permission: Permission) -> bool {
        permission.roles().contains(&self)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::member::Role::Billing;

    /// The routes that a role may use, of these methods.
    fn open(role: Role, methods: &[&str]) -> BTreeSet<(&'static str, &'static str)> {
        let allowed = ROUTES.iter().filter(|(method, _, needed)| role.may(*needed) && methods.contains(method));
        allowed.map(|(method, path, _)| (*method, *path)).collect()
    }

    #[test]
    fn a51_a_route_that_is_not_in_the_table_is_nobodys() {
        for (method, route) in [
            ("GET", "/v1/everything"),
            ("PUT", "/v1/prospects"),
            ("GET", "/v1/prospects/"),
            ("get", "/v1/prospects"),
            ("", ""),
        ] {
            assert_eq!(needed(method, route), None, "{method} {route}");
        }
        assert_eq!(needed("GET", "/v1/prospects/{id}"), Some(ReadProspects));
    }

    #[test]
    fn a51_roles_hold_what_they_are_for_and_no_more() {
        let all = ["GET", "POST", "PUT", "PATCH", "DELETE"];
        assert_eq!(open(Owner, &all).len(), ROUTES.len());
        // Each of these may do what the next may, and something else besides.
        for (greater, lesser) in [(Owner, Admin), (Admin, Editor), (Editor, Viewer), (Viewer, Billing)] {
            let (greater, lesser) = (open(greater, &all), open(lesser, &all));
            assert!(greater.is_superset(&lesser) && greater.len() > lesser.len(), "{greater:?} {lesser:?}");
        }
        for role in [Admin, Editor, Viewer, Billing] {
            assert!(!role.may(CloseWorkspace), "{role:?}");
        }
        for role in [Editor, Viewer, Billing] {
            assert!(
                ![ChangeWorkspace, ChangeSender, ExportProspects, ReadAudit, ManageMembers, ManageApiKeys]
                    .iter()
                    .any(|p| role.may(*p)),
                "{role:?}"
            );
        }
        // Who only reads changes nothing but what is their own; who keeps the accounts sees nobody's data.
        for role in [Viewer, Billing] {
            let changes = open(role, &["POST", "PUT", "PATCH", "DELETE"]);
            assert!(changes.iter().all(|(method, path)| needed(method, path) == Some(OwnAccount)), "{changes:?}");
        }
        let reads = open(Billing, &["GET"]);
        let own =
            ["/v1/agreements", "/v1/me", "/v1/privacy/export", "/v1/privacy/requests", "/v1/sessions", "/v1/workspace"];
        assert_eq!(reads, BTreeSet::from(own.map(|path| ("GET", path))));
    }

    #[test]
    fn every_permission_is_listed_and_opens_something() {
        let used: BTreeSet<Permission> = ROUTES.iter().map(|(_, _, permission)| *permission).collect();
        assert_eq!(used, BTreeSet::from_iter(Permission::ALL.iter().copied()));
    }

    #[test]
    fn no_route_is_listed_twice() {
        let routes: BTreeSet<_> = ROUTES.iter().map(|(method, path, _)| (method, path)).collect();
        assert_eq!(routes.len(), ROUTES.len());
    }
}
