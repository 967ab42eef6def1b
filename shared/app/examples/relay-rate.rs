//! How fast messages are written and handed to a relay, without the store: `cargo floor` runs it.
//!
//! One campaign's text for so many invented people, over the connections that `send` uses, on one thread as there.
//! Prints one line of JSON.

use std::{
    error::Error,
    io::Write as _,
    net::SocketAddr,
    time::{Duration, Instant},
};

use app::{
    Deadline,
    letter::{Letters, Manner},
    mailer::{
        Handed, Outgoing,
        smtp::{CONNECTIONS, Login, Relay},
    },
};
use content::campaign::CampaignTemplate;
use domain::{
    Timestamp,
    campaign::Content,
    chunk::Claim,
    clicks::Recorded,
    email::EmailAddress,
    id::{CampaignId, WorkspaceId},
    policy::{
        Rules, may_send,
        may_send::{OptOutsAfterClaim, StopsAfterClaim},
        screen,
    },
    prospect::{Details, LawfulBasis, Prospect, ProspectState, Source, SourceKind},
    sender::{RelaySecurity, SenderIdentity},
    sequence::FIRST,
    subject::Pepper,
};
use futures::{StreamExt as _, stream};
use jiff::tz::TimeZone;

/// How long one message may take.
const A_MESSAGE: Duration = Duration::from_secs(60);

/// What is to be measured.
#[derive(serde::Deserialize)]
struct Asked {
    host: String,
    address: SocketAddr,
    security: RelaySecurity,
    username: String,
    password: String,
    /// Certificates to trust beside the usual ones, PEM.
    roots: String,
    /// The envelope's and the message's sender.
    from: String,
    messages: usize,
    /// The text of the campaign.
    text: String,
    now: Timestamp,
}

/// What was measured.
#[derive(serde::Serialize)]
struct Rate {
    accepted: usize,
    bytes: usize,
    seconds: f64,
}

/// The Sender, its campaign, and the secret that links are signed with: all invented.
struct Company {
    sender: SenderIdentity,
    content: Content,
    templates: CampaignTemplate,
    pepper: Pepper,
    workspace: WorkspaceId,
    now: Timestamp,
}

impl Company {
    fn new(asked: &Asked) -> Result<Self, Box<dyn Error>> {
        let sender = serde_json::from_value(serde_json::json!({
            "company": "Atelier Exemple", "registration_number": "123 456 789", "country": "FR",
            "address": "12 rue de l'Exemple, 69001 Lyon", "contact_email": "contact@example.com",
            "from_name": "Camille Exemple", "from_email": asked.from,
        }))?;
        let step = serde_json::json!({
            "subject": "Une visite pour {{ company | default: \"vous\" }} ?", "text": asked.text,
        });
        let content: Content = serde_json::from_value(serde_json::json!({
            "name": "Measured", "purpose": "Measure", "steps": [step],
            "legitimate_interest_assessment": { "interest": "a", "necessity": "b", "balancing": "c" },
        }))?;
        let templates =
            CampaignTemplate::stored("Une visite pour {{ company | default: \"vous\" }} ?", &asked.text, None)
                .map_err(|wrong| format!("{wrong:?}"))?;
        let pepper = Pepper::from_json(&format!("{{\"v1\": \"{}\"}}", "measured".repeat(8)))?;
        let workspace = WorkspaceId::from_bytes([7; 10]);
        Ok(Self { sender, content, templates, pepper, workspace, now: asked.now })
    }

    fn person(&self, number: usize) -> Result<Prospect, Box<dyn Error>> {
        let email = EmailAddress::parse(&format!("person{number}@example.org")).map_err(|_| "an address")?;
        let details = Details {
            first_name: Some("Dominique".to_owned()),
            company: Some(format!("Exemple {number}")),
            ..Details::default()
        };
        Ok(Prospect {
            subject: self.pepper.subject(self.workspace, &email),
            email,
            details,
            source: Source {
                kind: SourceKind::Directory,
                detail: "Annuaire".to_owned(),
                collected_on: self.now.to_zoned(TimeZone::UTC).date(),
            },
            lawful_basis: LawfulBasis::LegitimateInterest,
            state: ProspectState::Active,
            restricted_by: None,
            edited: Default::default(),
            import: None,
            created_at: self.now,
            updated_at: self.now,
            last_contact_at: None,
            away_until: None,
            last_click_at: None,
            click_consent: None,
        })
    }

    /// Writes to one of them, as `send` does once it holds the claim; how long the message was, if it was taken.
    async fn write_to(&self, relay: &Relay, number: usize) -> Result<Option<usize>, Box<dyn Error>> {
        let person = self.person(number)?;
        let refused = |refusal| format!("{refusal:?}");
        let cleared = screen(Some(&person), Rules { retention_months: 36 }, self.now).map_err(refused)?;
        let nobody = (OptOutsAfterClaim::read(Vec::new()), StopsAfterClaim::read(Vec::new()));
        let permit = may_send(cleared, &Claim::won(person.subject), &nobody.0, &nobody.1).map_err(refused)?;
        let letters = Letters {
            objections: false,
            workspace: self.workspace,
            campaign: CampaignId::from_bytes([7; 10]),
            content: &self.content,
            step: FIRST,
            templates: &self.templates,
            sender: &self.sender,
            retention_months: 36,
            public_url: "https://prospectra.example.com",
            inbound_domain: "",
            records: Recorded::default(),
            pepper: &self.pepper,
        };
        let manner =
            Manner { thread: &[], date: self.now, informed: false, test: false, preview: false, smtputf8: false };
        let rendered = letters.render(&person).map_err(refused)?;
        let bytes = letters.compose(&person, &rendered, manner).map_err(refused)?.bytes;
        let length = bytes.len();
        let message = Outgoing { from: &self.sender.from_email, to: &person.email, bytes, about: None };
        Ok(matches!(relay.hand_over(permit, &message, Deadline::after(A_MESSAGE)).await, Handed::Accepted(_))
            .then_some(length))
    }
}

async fn measure(asked: Asked) -> Result<Rate, Box<dyn Error>> {
    let company = Company::new(&asked)?;
    let Asked { host, address, security, username, password, roots, messages, .. } = &asked;
    let login = Login::Password { username: username.clone(), password: password.as_str().into() };
    let relay = Relay::new(host, *address, *security, &login, roots).map_err(|failure| failure.detail)?;
    // Connections are made before the clock runs: they outlive an invocation.
    let warm = stream::iter(0..CONNECTIONS).map(|number| company.write_to(&relay, number));
    let warm: Vec<_> = warm.buffer_unordered(CONNECTIONS).collect().await;
    if let Some(Err(error)) = warm.into_iter().find(Result::is_err) {
        return Err(error);
    }
    let began = Instant::now();
    let lengths: Vec<_> = stream::iter(0..*messages)
        .map(|number| company.write_to(&relay, number))
        .buffer_unordered(CONNECTIONS)
        .collect()
        .await;
    let seconds = began.elapsed().max(Duration::from_nanos(1)).as_secs_f64();
    let taken = lengths.into_iter().collect::<Result<Vec<_>, _>>()?;
    let taken: Vec<usize> = taken.into_iter().flatten().collect();
    Ok(Rate { accepted: taken.len(), bytes: taken.iter().sum(), seconds })
}

fn main() -> Result<(), Box<dyn Error>> {
    let asked: Asked = serde_json::from_reader(std::io::stdin())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let rate = runtime.block_on(measure(asked))?;
    writeln!(std::io::stdout(), "{}", serde_json::to_string(&rate)?)?;
    Ok(())
}
