//! The operator's own commercial mail (A14): news of the product to the members of open workspaces, once, and to nobody
//! who objects.
//!
//! An order names the news by what it says, so that repeating it is no other. A run goes through the accounts table as
//! the announcements of legal texts do; one that is out of time writes down its place, and the next goes on from
//! there. Whom a pass did not reach the next one tries, for three days: then it is no news any more.

use content::{legal, system::Notification};
use domain::{
    SignedDuration, Timestamp,
    news::{News, Words},
    policy::retention::is_due,
    unsubscribe::NewsClaim,
};
use serde::{Deserialize, Serialize};
use storage::{
    StoreError, WorkspaceScope,
    accounts::{Member, Workspace},
    news::{Addressee, NewsRun, Taken},
};

use crate::{App, Deadline, Failure, fields::Fields};

/// How long news is new.
const LIFETIME: SignedDuration = SignedDuration::from_hours(72);

/// The first version of the users' privacy policy that says that there is news, and how to object.
const SAID_IN: (&str, &str) = ("privacy", "2.0");

/// An order of the operator's.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    #[serde(default)]
    fr: Option<Said>,
    #[serde(default)]
    en: Option<Said>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    subject: String,
    text: String,
}

/// What became of it so far.
#[derive(Debug, Serialize)]
pub struct NewsReport {
    /// The hash of what it says.
    pub news: String,
    /// When it was ordered.
    pub ordered_at: Timestamp,
    /// Members it was sent to, in all runs.
    pub told: u64,
    /// Members who could not be reached; the next run tries again.
    pub unreached: u64,
    /// Nobody is sent it any more.
    pub ended: bool,
}

impl App {
    /// Sends news to whoever has not had it and does not object, as far as the time goes; the hourly run goes on.
    ///
    /// # Errors
    /// When it is not said in both languages, before the policy for users says that there is any, and after a restore
    /// until it is replayed.
    pub async fn send_news(&self, order: Order, now: Timestamp, deadline: Deadline) -> Result<NewsReport, Failure> {
        let says = read(order)?;
        may_be_sent(now)?;
        if self.is_muted().await? {
            let detail = "A restore waits for its replay, and nothing is sent before. Give the order again afterwards.";
            return Err(Failure::conflict("muted", detail));
        }
        let run = match self.db.news(&says.id()).await? {
            Some(known) => known,
            None => {
                let run = NewsRun::begin(says, now);
                match self.db.begin_news(&run).await {
                    // Somebody gave the same order at the same moment.
                    Ok(()) | Err(StoreError::Conflict) => run,
                    Err(error) => return Err(error.into()),
                }
            }
        };
        self.go_on_with(run, now, deadline).await
    }

    /// Goes on with all news that is not sent to everybody yet. The caller has seen that something may be sent.
    pub(crate) async fn go_on_with_news(&self, now: Timestamp, deadline: Deadline) -> Result<Vec<NewsReport>, Failure> {
        let mut reports = Vec::new();
        for run in self.db.news_under_way().await? {
            reports.push(self.go_on_with(run, now, deadline).await?);
        }
        Ok(reports)
    }

    async fn go_on_with(&self, mut run: NewsRun, now: Timestamp, deadline: Deadline) -> Result<NewsReport, Failure> {
        if run.ended_at.is_none() {
            if is_due(run.at + LIFETIME, now) {
                run.ended_at = Some(now);
            } else {
                self.pass(&mut run, now, deadline).await?;
            }
            self.db.record_news(&run).await?;
        }
        let NewsRun { at, says, told, unreached, ended_at, .. } = run;
        Ok(NewsReport { news: says.id(), ordered_at: at, told, unreached, ended: ended_at.is_some() })
    }

    /// Goes through the workspaces from where it stopped. It ends with the first pass that reached everybody.
    async fn pass(&self, run: &mut NewsRun, now: Timestamp, deadline: Deadline) -> Result<(), Failure> {
        let place = run.place.take();
        if place.is_none() {
            run.unreached = 0;
        }
        run.place = self
            .each_workspace(place, deadline, async |workspace| {
                if workspace.is_closed() {
                    return Ok(());
                }
                let scope = WorkspaceScope::internal(workspace.id);
                for member in self.db.accounts(&scope).members().await? {
                    self.tell(run, &workspace, &member, now).await?;
                }
                Ok(())
            })
            .await?;
        if run.place.is_none() && run.unreached == 0 {
            run.ended_at = Some(now);
        }
        Ok(())
    }

    /// Sends it to one member, if they may have it. A run that dies between the right to send and the mail leaves one
    /// member without news, and nobody with it twice.
    async fn tell(
        &self,
        run: &mut NewsRun,
        workspace: &Workspace,
        member: &Member,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let (pepper, locale) = (self.pepper().await?, member.language(workspace.locale));
        let (reader, pseudonym) = (pepper.reader(&member.email), pepper.correspondent(&member.email));
        let to = Addressee { reader, pseudonym: &pseudonym };
        let stop = format!("{}/u/{}", self.config.public_url, NewsClaim { reader, locale }.sign(pepper));
        let mail = Notification::News { says: run.says.words(locale), stop: &stop };
        let letter = self.letter(&member.email, locale, mail, now)?;
        match self.db.take_news(run, to, letter.evidence.clone(), now).await? {
            Taken::Before => return Ok(()),
            Taken::Objected => return Ok(self.db.renew_news_objection(reader, now).await?),
            Taken::Yes => {}
        }
        let Err(failure) = self.hand_over(&member.email, letter).await else {
            run.told += 1;
            return Ok(());
        };
        tracing::warn!(slug = failure.slug, cause = failure.cause.as_deref(), "news did not reach a member");
        if failure.certainly_not_sent() {
            run.unreached += 1;
            self.db.return_news(run, to).await?;
        }
        Ok(())
    }
}

/// News as it is sent. What is missing or too long is named.
fn read(order: Order) -> Result<News, Failure> {
    let mut fields = Fields::default();
    let mut said = |language: &str, said: Option<Said>| {
        let Some(Said { subject, text }) = said else {
            fields.wrong(&format!("news.{language}"), "subject and text are missing: members read French or English");
            return None;
        };
        Some(Words {
            subject: fields.line(&format!("news.{language}.subject"), &subject, 150),
            text: fields.lines(&format!("news.{language}.text"), &text, 5_000),
        })
    };
    let both = said("fr", order.fr).zip(said("en", order.en));
    fields.require(both.map(|(fr, en)| News { fr, en }))
}

/// Whether the policy for users says that there is news, and how to object. It was announced before.
fn may_be_sent(now: Timestamp) -> Result<(), Failure> {
    let (page, version) = SAID_IN;
    let said = legal::version(page, version, now).filter(|version| version.has_begun(now));
    let detail = "Until version 2.0 of the privacy policy for users applies, it says that there is no such mail. Give the \
                  order from that day on.";
    said.map(drop).ok_or_else(|| Failure::conflict("not-announced", detail))
}
