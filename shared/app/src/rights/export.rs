//! Everything that is held about a member and, for who owns it, about their company (A11, A38, A42).

use content::rights::Whose;
use domain::{Timestamp, audit::Action, id::MemberId, locale::Locale, member::Role};
use serde::Serialize;
use serde_json::{Value, json};
use storage::{WorkspaceScope, accounts::Member};

use super::forms::{Copied, Form, flatten, hand_over};
use crate::{App, Failure, audit::Wanted, sender::SenderView};

/// Items in one page of a list.
const PAGE: u32 = 200;

/// Bytes of an answer: Lambda hands back 6 MiB at most, its own words around it included.
const MOST: usize = 5 * 1024 * 1024;

/// The lists that grow with use, with the route that has them page by page; the longest first.
const LONG: [(&str, &str); 3] =
    [("/workspace/campaigns", "/v1/campaigns"), ("/activity", "/v1/audit"), ("/workspace/imports", "/v1/imports")];

impl App {
    /// Everything that is held about a member, in the form they ask for.
    pub async fn own_data(&self, scope: &WorkspaceScope, form: Form, now: Timestamp) -> Result<Copied, Failure> {
        let member = scope.member().ok_or_else(Failure::unauthenticated)?;
        let copied = self.copy_of_member(scope, member, form, now).await?;
        self.db.record(&scope.entry(Action::AccountExported, now).about(member)).await?;
        Ok(copied)
    }

    /// The same, for whoever has shown by a link that they are the member.
    pub(super) async fn copy_of_member(
        &self,
        scope: &WorkspaceScope,
        member: MemberId,
        form: Form,
        now: Timestamp,
    ) -> Result<Copied, Failure> {
        let (locale, data) = self.data_of_member(scope, member, now).await?;
        let mut rows = Vec::new();
        flatten(&self.config.operator_name, &data, &mut rows);
        hand_over(form, locale, &data, &rows, Whose::Member)
    }

    /// Everything that is held about a member and, for who owns it, their workspace. Secrets are left out: they
    /// are hashes or sealed, and nobody reads them back. Prospects have an export of their own.
    async fn data_of_member(
        &self,
        scope: &WorkspaceScope,
        member: MemberId,
        now: Timestamp,
    ) -> Result<(Locale, Value), Failure> {
        let accounts = self.db.accounts(scope);
        let record = accounts.member(member).await?.ok_or_else(Failure::unauthenticated)?;
        let locale = record.language(self.any_workspace(scope).await?.locale);
        let factor = accounts.second_factor(member).await?;
        let objected = self.db.objects_to_news(self.pepper().await?.reader(&record.email), now).await?;
        let company = if record.role == Role::Owner { self.company_data(scope, now).await? } else { Value::Null };
        let mut data = json!({
            "exported_at": now,
            "member": about(&record),
            "second_factor_on_since": factor.and_then(|factor| factor.confirmed_at),
            "sessions": self.sessions(scope, now).await?,
            "activity": self.activity(scope, &record, now).await?,
            "requests": self.db.own_requests(scope, member).await?,
            "objects_to_news_since": objected,
            "service_mails": self.db.service_mails(&self.pepper().await?.correspondent(&record.email), now).await?,
            "workspace": company,
            "information": content::rights::member_facts(locale, &self.config.public_url),
        });
        fit(&mut data);
        Ok((locale, data))
    }

    /// What is held about the company: who it is, what it agreed to, its people, its templates and campaigns.
    async fn company_data(&self, scope: &WorkspaceScope, now: Timestamp) -> Result<Value, Failure> {
        let accounts = self.db.accounts(scope);
        let sender = accounts.sender_record().await?.map(SenderView::from);
        let members: Vec<Value> = accounts.members().await?.iter().map(about).collect();
        let mut campaigns = Vec::new();
        let mut after = None::<String>;
        loop {
            let (page, next) = self.db.outreach(scope).campaigns(after.as_deref(), PAGE).await?;
            for campaign in page {
                let progress = self.db.outreach(scope).progress(campaign.id).await?;
                campaigns.push(json!({ "campaign": campaign, "progress": progress }));
            }
            after = next;
            if after.is_none() {
                break;
            }
        }
        let (mut imports, mut after) = (Vec::new(), None);
        loop {
            let (page, next) = self.db.imports(scope).page(after, PAGE).await?;
            imports.extend(page);
            after = next;
            if after.is_none() {
                break;
            }
        }
        Ok(json!({
            "profile": accounts.workspace().await?,
            "sender": sender,
            "channels": self.channels(scope).await?,
            "channel_checks": self.channel_checks(scope).await?,
            "mailboxes": self.mailboxes(scope).await?,
            "agreements": accounts.agreements().await?,
            "members": members,
            "invitations": self.invitations(scope, now).await?,
            "api_keys": self.api_keys(scope, now).await?,
            "webhooks": self.webhooks(scope).await?,
            "campaigns": campaigns,
            "imports": imports,
        }))
    }

    /// What the member did, and what was done about them, as the audit trail has it.
    async fn activity(
        &self,
        scope: &WorkspaceScope,
        member: &Member,
        now: Timestamp,
    ) -> Result<Vec<impl Serialize + use<>>, Failure> {
        let (mut done, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let (page, next) = self.list_audit(scope, &Wanted::everything(), cursor.as_deref(), PAGE, now).await?;
            done.extend(page.into_iter().filter_map(|entry| entry.of(member.id)));
            cursor = next;
            if cursor.is_none() {
                return Ok(done);
            }
        }
    }
}

/// A member without what only opens their account.
fn about(member: &Member) -> Value {
    let Member { id, email, display_name, role, created_at, terms, locale, .. } = member;
    json!({
        "id": id, "email": email, "display_name": display_name, "role": role, "created_at": created_at,
        "terms": terms, "locale": locale,
    })
}

/// Leaves out the longest lists of an answer that would be too large, and says where they are instead.
fn fit(data: &mut Value) {
    for (path, route) in LONG {
        if data.to_string().len() <= MOST {
            return;
        }
        if let Some(list) = data.pointer_mut(path) {
            *list = json!({ "too_long_for_one_answer": route });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_says_where_it_is() {
        let long = "x".repeat(MOST / 2 + 1);
        let mut data = json!({"activity": [&long], "workspace": {"campaigns": [&long], "imports": [1]}});
        fit(&mut data);
        assert_eq!(data["workspace"]["campaigns"], json!({"too_long_for_one_answer": "/v1/campaigns"}));
        assert_eq!((&data["activity"][0], &data["workspace"]["imports"]), (&json!(long), &json!([1])));
        let mut small = json!({"activity": [], "workspace": null});
        fit(&mut small);
        assert_eq!(small, json!({"activity": [], "workspace": null}));
    }
}
