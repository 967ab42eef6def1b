//! What a company accepts before it begins something new: the terms, and the contract of article 28 GDPR.
//!
//! The version in force is asked for (A24, A57). Whoever has not accepted it keeps every right: reading,
//! exporting, correcting, deleting, closing. Only what begins something new asks for [`App::may_begin`].

use content::legal::{self, Agreement, Version};
use domain::{Timestamp, audit::Action};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use storage::{
    WorkspaceScope,
    accounts::{
        Terms, Workspace,
        agreements::{Acceptance, Agreements},
    },
};

use crate::{App, Failure, FieldError, Kind};

/// What a member accepts.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accept {
    document: Agreement,
    version: String,
}

/// The agreements of a workspace.
#[derive(Debug, Serialize)]
pub struct AgreementsView {
    items: Vec<AgreementView>,
}

/// One agreement: what applies, what was accepted, what comes.
#[derive(Debug, Serialize)]
struct AgreementView {
    document: Agreement,
    /// What applies now.
    in_force: VersionView,
    /// The version accepted last.
    accepted: Option<Acceptance>,
    /// Whether something has to be accepted before anything new can begin.
    to_accept: bool,
    /// What is announced, the next to apply first. It can be accepted ahead of time.
    coming: Vec<VersionView>,
}

#[derive(Debug, Serialize)]
struct VersionView {
    version: &'static str,
    sha256: &'static str,
    effective: Date,
    url: String,
}

impl App {
    /// Every agreement, as it stands at `now`.
    pub async fn agreements(&self, scope: &WorkspaceScope, now: Timestamp) -> Result<AgreementsView, Failure> {
        let accepted = self.db.accounts(scope).agreements().await?;
        Ok(self.view(&accepted, now))
    }

    /// Takes down that the acting member accepts a version for the company: the one in force, or one that is
    /// announced. Accepting twice changes nothing, the date least of all.
    pub async fn accept_agreement(
        &self,
        scope: &WorkspaceScope,
        asked: Accept,
        now: Timestamp,
    ) -> Result<AgreementsView, Failure> {
        let member = scope.member().ok_or_else(Failure::unauthenticated)?;
        let slug = asked.document.slug();
        let version = offered(slug, now)
            .find(|offered| offered.version == asked.version)
            .ok_or_else(|| Failure::field("version", not_offered(slug, now)))?;
        self.any_workspace(scope).await?;
        let accounts = self.db.accounts(scope);
        let mut accepted = accounts.agreements().await?;
        if accepted.of(slug, &version.version).is_none() {
            let entry = scope
                .entry(Action::AgreementAccepted, now)
                .with("document", slug)
                .with("version", version.version.as_str());
            accepted = accounts.accept(accepted, acceptance(asked.document, version, member, now), &entry).await?;
        }
        Ok(self.view(&accepted, now))
    }

    /// The workspace, if it is open, not suspended, and has accepted what applies: what begins something new asks for this first.
    pub async fn may_begin(&self, scope: &WorkspaceScope, now: Timestamp) -> Result<Workspace, Failure> {
        let workspace = self.sending_workspace(scope).await?;
        let accepted = self.db.accounts(scope).agreements().await?;
        let missing: Vec<Agreement> =
            Agreement::ALL.into_iter().filter(|agreement| !settled(&accepted, *agreement, now)).collect();
        if missing.is_empty() { Ok(workspace) } else { Err(not_accepted(&missing, now)) }
    }

    fn view(&self, accepted: &Agreements, now: Timestamp) -> AgreementsView {
        let items = Agreement::ALL.into_iter().filter_map(|document| {
            let slug = document.slug();
            let shown = |version: &'static Version| VersionView {
                version: &version.version,
                sha256: &version.sha256,
                effective: version.effective,
                url: format!("{}/legal/{slug}/versions/{}", self.config.public_url, version.version),
            };
            Some(AgreementView {
                document,
                in_force: shown(legal::in_force(slug, now)?),
                accepted: accepted.last(slug).cloned(),
                to_accept: !settled(accepted, document, now),
                coming: legal::coming(slug, now).map(shown).collect(),
            })
        });
        AgreementsView { items: items.collect() }
    }
}

/// That somebody who joins accepts the terms that apply at `now`.
pub(crate) fn terms_in_force(now: Timestamp) -> Result<Terms, Failure> {
    let Version { version, sha256, .. } =
        legal::in_force(Agreement::Terms.slug(), now).ok_or_else(|| Failure::internal("no terms in force"))?.clone();
    Ok(Terms { version, sha256, accepted_at: now })
}

/// That a member accepts a version of a document at `now`.
pub(crate) fn acceptance(
    document: Agreement,
    version: &Version,
    member: domain::id::MemberId,
    now: Timestamp,
) -> Acceptance {
    Acceptance {
        document: document.slug().to_owned(),
        version: version.version.clone(),
        sha256: version.sha256.clone(),
        accepted_at: now,
        member,
    }
}

fn settled(accepted: &Agreements, agreement: Agreement, now: Timestamp) -> bool {
    let last = accepted.last(agreement.slug()).map(|acceptance| acceptance.version.as_str());
    legal::is_settled(agreement, last, now)
}

/// What can be accepted at `now`: what applies, and what is announced.
fn offered(slug: &'static str, now: Timestamp) -> impl Iterator<Item = &'static Version> {
    legal::in_force(slug, now).into_iter().chain(legal::coming(slug, now))
}

fn not_offered(slug: &'static str, now: Timestamp) -> String {
    let offered: Vec<&str> = offered(slug, now).map(|version| version.version.as_str()).collect();
    format!("read /legal/{slug} and accept one of: {}", offered.join(", "))
}

pub(crate) fn not_accepted(missing: &[Agreement], now: Timestamp) -> Failure {
    let named = |agreement: &Agreement| {
        let version = legal::in_force(agreement.slug(), now).map_or("", |version| version.version.as_str());
        (agreement.slug(), version)
    };
    let fields = missing.iter().map(named).map(|(slug, version)| FieldError {
        field: slug.into(),
        message: format!("version {version} applies: read /legal/{slug}/versions/{version}, then accept it"),
    });
    let names: Vec<String> = missing.iter().map(named).map(|(slug, version)| format!("{slug} {version}")).collect();
    let detail = format!(
        "Nothing new can begin until a member accepts {}: POST /v1/agreements with document and version. \
         Reading, exporting, deleting and closing stay open.",
        names.join(" and ")
    );
    Failure { fields: fields.collect(), ..Failure::new(Kind::Forbidden, "terms-not-accepted", detail) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a57_the_refusal_names_versions_and_says_where_to_accept() {
        let now = "2026-11-26T12:00:00Z".parse().unwrap();
        let failure = not_accepted(&Agreement::ALL, now);
        assert_eq!((failure.kind, failure.slug), (Kind::Forbidden, "terms-not-accepted"));
        assert!(failure.detail.contains("terms 1.0 and dpa 1.0: POST /v1/agreements"), "{}", failure.detail);
        let fields: Vec<&str> = failure.fields.iter().map(|field| field.field.as_str()).collect();
        assert_eq!(fields, ["terms", "dpa"]);
        assert!(failure.fields[1].message.contains("/legal/dpa/versions/1.0"));
    }

    #[test]
    fn a24_what_was_never_accepted_is_not_settled() {
        let now = "2026-11-26T12:00:00Z".parse().unwrap();
        let member = domain::id::MemberId::from_bytes([1; 10]);
        let terms = legal::in_force("terms", now).unwrap();
        let mut accepted = Agreements::begin(acceptance(Agreement::Terms, terms, member, now));
        assert!(settled(&accepted, Agreement::Terms, now));
        assert!(!settled(&accepted, Agreement::Dpa, now));
        let dpa = legal::in_force("dpa", now).unwrap();
        accepted.acceptances.push(acceptance(Agreement::Dpa, dpa, member, now));
        assert!(settled(&accepted, Agreement::Dpa, now));
    }

    #[test]
    fn only_what_is_public_can_be_accepted() {
        let names = |now: &str| {
            offered("terms", now.parse().unwrap()).map(|version| version.version.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(names("2026-11-22T12:00:00Z"), ["1.0"]);
        assert_eq!(names("2026-12-02T12:00:00Z"), ["1.0", "2.0"]);
        assert_eq!(names("2027-01-01T12:00:00Z"), ["2.0"]);
    }
}
