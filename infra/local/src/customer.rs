//! A Sender who uses the product as its customers do: over HTTP, and by reading the mails it gets.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::Stack;
use crate::mailbox::Stored;

/// How long a mail may take to arrive.
const MAIL: Duration = Duration::from_secs(20);
/// Between two looks at something under way.
const LOOK: Duration = Duration::from_millis(400);
/// How long something under way may stand still before it counts as stuck.
const STUCK: Duration = Duration::from_secs(120);

/// One account.
#[derive(Clone)]
pub(crate) struct Customer {
    http: reqwest::Client,
    url: String,
    /// The address it signs in with.
    pub(crate) email: String,
    /// Its password: an invented account's.
    pub(crate) password: &'static str,
    token: String,
}

/// An import as the API shows it.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Import {
    pub(crate) status: String,
    pub(crate) failure: Option<String>,
    pub(crate) bytes: u64,
    pub(crate) rows_read: u64,
    pub(crate) created: u64,
    pub(crate) updated: u64,
    pub(crate) unchanged: u64,
    pub(crate) duplicates: u64,
    pub(crate) rejected: u64,
    pub(crate) suppressed: u64,
    #[serde(default)]
    pub(crate) rejected_by_reason: BTreeMap<String, u64>,
    pub(crate) detected: Option<Detected>,
}

impl Import {
    /// What `rows_read` has to be.
    pub(crate) fn sum(&self) -> u64 {
        self.created + self.updated + self.unchanged + self.duplicates + self.rejected + self.suppressed
    }
}

/// What was found out about a file.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Detected {
    pub(crate) encoding: String,
    pub(crate) delimiter: String,
}

/// An announced import.
#[derive(Debug, Deserialize)]
pub(crate) struct Announced {
    pub(crate) id: String,
    upload: Upload,
}

#[derive(Debug, Deserialize)]
struct Upload {
    method: String,
    url: String,
    headers: BTreeMap<String, String>,
}

/// A campaign as the API shows it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Campaign {
    pub(crate) id: String,
    pub(crate) status: String,
    /// Why the product paused it.
    #[serde(default)]
    pub(crate) paused_because: Option<String>,
    pub(crate) counts: Counts,
    pub(crate) refused_by_reason: BTreeMap<String, u64>,
}

/// Where its recipients are.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Counts {
    pub(crate) audience: u64,
    pub(crate) pending: u64,
    pub(crate) sent: u64,
    pub(crate) refused: u64,
    pub(crate) failed: u64,
    pub(crate) unknown: u64,
}

impl Counts {
    /// Everybody who has an outcome.
    pub(crate) fn settled(&self) -> u64 {
        self.sent + self.refused + self.failed + self.unknown
    }
}

/// One person in one step of a campaign.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Recipient {
    /// `pro_<hash>`; nobody where somebody was erased.
    prospect: Option<String>,
    pub(crate) step: u8,
    pub(crate) status: String,
    /// Of replies, bounces, complaints, refusals and failures.
    pub(crate) reason: Option<String>,
    /// What they got, of a step with variants.
    pub(crate) variant: Option<String>,
    /// The hash alone.
    #[serde(skip)]
    pub(crate) person: String,
}

/// A page of a list.
#[derive(Deserialize)]
struct Page<T> {
    items: Vec<T>,
    next_cursor: Option<String>,
}

/// A prospect, as far as it matters here.
#[derive(Deserialize)]
struct Person {
    id: String,
    email: String,
}

/// The hash in a prospect's id.
fn hash_of(id: &str) -> String {
    id.trim_start_matches("pro_").to_owned()
}

/// What a preview answers.
#[derive(Debug, Deserialize)]
pub(crate) struct Preview {
    pub(crate) samples: Vec<Sample>,
    pub(crate) counts: PreviewCounts,
}

/// The message somebody will get.
#[derive(Debug, Deserialize)]
pub(crate) struct Sample {
    pub(crate) subject: String,
}

/// Who gets it.
#[derive(Debug, Deserialize)]
pub(crate) struct PreviewCounts {
    pub(crate) audience: u64,
    pub(crate) will_receive: u64,
    pub(crate) refused: u64,
}

impl Customer {
    /// Signs up, reads the verification mail, verifies and signs in.
    pub(crate) async fn sign_up(stack: &Stack, email: &str) -> anyhow::Result<Customer> {
        let mut customer = Customer {
            http: reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build()?,
            url: stack.url(),
            email: email.to_owned(),
            password: "correct horse battery staple",
            token: String::new(),
        };
        customer.ask_to_sign_up(email).await?;
        let mail = mail_to(stack, email).await?;
        let code = verification_code(&mail).context("the verification mail holds no code")?;
        let request = customer.request(Method::POST, "/v1/signup/verify").json(&json!({ "token": code }));
        succeeded(request, "verify the address").await?;
        customer.sign_in().await?;
        customer.agree().await?;
        Ok(customer)
    }

    /// Accepts what is to be accepted: the data processing agreement, which an import needs, and new terms.
    pub(crate) async fn agree(&self) -> anyhow::Result<()> {
        let agreements: Value = json_of(self.request(Method::GET, "/v1/agreements"), "read the agreements").await?;
        for agreement in agreements["items"].as_array().into_iter().flatten() {
            if agreement["to_accept"] == true {
                let accepted =
                    json!({ "document": agreement["document"], "version": agreement["in_force"]["version"] });
                succeeded(self.request(Method::POST, "/v1/agreements").json(&accepted), "accept an agreement").await?;
            }
        }
        Ok(())
    }

    /// Asks for an account, as anybody may with any address.
    pub(crate) async fn ask_to_sign_up(&self, email: &str) -> anyhow::Result<()> {
        let body = json!({
            "email": email, "password": self.password, "company": "Atelier du Rhône SAS",
            "display_name": "Camille Exemple", "locale": "fr", "accept_terms": true,
        });
        succeeded(self.request(Method::POST, "/v1/signup").json(&body), "sign up").await?;
        Ok(())
    }

    /// Opens a session; the ones before end by themselves.
    pub(crate) async fn sign_in(&mut self) -> anyhow::Result<()> {
        #[derive(Deserialize)]
        struct Session {
            access_token: String,
        }
        let body = json!({ "email": self.email, "password": self.password });
        let session: Session = json_of(self.request(Method::POST, "/v1/session").json(&body), "sign in").await?;
        self.token = session.access_token;
        Ok(())
    }

    /// Says who sends, and through what: `{"kind": "ses"}` or a relay.
    pub(crate) async fn identify(&self, channel: &Value) -> anyhow::Result<()> {
        let body = json!({
            "identity": {
                "company": "Atelier du Rhône SAS", "registration_number": "123456789",
                "address": "1 rue de l'Exemple, 69000 Lyon", "country": "FR",
                "contact_email": "contact@atelier.test", "from_name": "Camille Exemple", "from_email": "camille@atelier.test",
            },
            "channel": channel,
        });
        succeeded(self.request(Method::PUT, "/v1/sender").json(&body), "set the sender").await?;
        Ok(())
    }

    /// Announces a file.
    pub(crate) async fn announce(&self, filename: &str, collected: Timestamp) -> anyhow::Result<Announced> {
        let body = json!({
            "filename": filename,
            "source": {
                "kind": "trade_fair", "detail": "Salons professionnels, stand B12",
                "collected_on": collected.to_string().get(..10),
            },
            "lawful_basis": "legitimate_interest",
        });
        json_of(self.request(Method::POST, "/v1/imports").json(&body), "announce an import").await
    }

    /// Uploads an announced file to where the API said.
    pub(crate) async fn upload(&self, announced: &Announced, file: Vec<u8>) -> anyhow::Result<()> {
        let upload = &announced.upload;
        let mut request = self.http.request(upload.method.parse()?, &upload.url).body(file);
        for (name, value) in &upload.headers {
            request = request.header(name, value);
        }
        succeeded(request, "upload the file").await?;
        Ok(())
    }

    /// How far an import is.
    pub(crate) async fn import(&self, id: &str) -> anyhow::Result<Import> {
        json_of(self.request(Method::GET, &format!("/v1/imports/{id}")), "read the import").await
    }

    /// Waits for the end of an import; `look` sees it on the way.
    pub(crate) async fn imported(&self, id: &str, look: impl Fn(&Import)) -> anyhow::Result<Import> {
        let mut patience = Patience::new(STUCK);
        loop {
            let import = self.import(id).await?;
            look(&import);
            match import.status.as_str() {
                "done" => return Ok(import),
                "failed" => bail!("the import failed: {}", import.failure.unwrap_or_default()),
                _ => patience.wait(import.rows_read, "the import").await?,
            }
        }
    }

    /// The report of an import's rejected rows.
    pub(crate) async fn rejects(&self, id: &str) -> anyhow::Result<String> {
        let request = self.request(Method::GET, &format!("/v1/imports/{id}/rejects"));
        Ok(succeeded(request, "read the report").await?.text().await?)
    }

    /// Writes a campaign.
    pub(crate) async fn write(&self, campaign: &Value) -> anyhow::Result<Campaign> {
        json_of(self.request(Method::POST, "/v1/campaigns").json(campaign), "write the campaign").await
    }

    /// Who will get a campaign, and a sample of each step.
    pub(crate) async fn preview(&self, id: &str) -> anyhow::Result<Preview> {
        let request = self.request(Method::POST, &format!("/v1/campaigns/{id}/preview")).json(&json!({}));
        json_of(request, "preview the campaign").await
    }

    /// Launches a campaign.
    pub(crate) async fn launch(&self, id: &str) -> anyhow::Result<()> {
        let request = self.request(Method::POST, &format!("/v1/campaigns/{id}/launch")).json(&json!({}));
        succeeded(request, "launch the campaign").await?;
        Ok(())
    }

    /// Pauses, resumes or cancels a campaign; gives whether that could be done in its state.
    pub(crate) async fn command(&self, id: &str, command: &str) -> anyhow::Result<bool> {
        let request = self.request(Method::POST, &format!("/v1/campaigns/{id}/{command}")).json(&json!({}));
        let response = request.send().await.with_context(|| format!("cannot {command} the campaign"))?;
        let status = response.status();
        if !status.is_success() && status != StatusCode::CONFLICT {
            bail!("cannot {command} the campaign: {status} {}", response.text().await.unwrap_or_default());
        }
        Ok(status.is_success())
    }

    /// Adds a channel; gives its id.
    pub(crate) async fn add_channel(&self, transport: &Value) -> anyhow::Result<String> {
        let body = json!({ "name": "Second", "transport": transport, "from_name": "Dominique Exemple", "from_email": "dominique@atelier.test" });
        let channel: Value = json_of(self.request(Method::POST, "/v1/channels").json(&body), "add a channel").await?;
        Ok(channel["id"].as_str().context("a channel without an id")?.to_owned())
    }

    /// Takes a channel away.
    pub(crate) async fn delete_channel(&self, id: &str) -> anyhow::Result<()> {
        succeeded(self.request(Method::DELETE, &format!("/v1/channels/{id}")), "take a channel away").await?;
        Ok(())
    }

    /// A campaign as it is now.
    pub(crate) async fn campaign(&self, id: &str) -> anyhow::Result<Campaign> {
        json_of(self.request(Method::GET, &format!("/v1/campaigns/{id}")), "read the campaign").await
    }

    /// Everybody in every step of a campaign.
    pub(crate) async fn recipients(&self, id: &str) -> anyhow::Result<Vec<Recipient>> {
        let mut all: Vec<Recipient> = self.list(&format!("/v1/campaigns/{id}/recipients?limit=200")).await?;
        for recipient in &mut all {
            recipient.person = recipient.prospect.as_deref().map(hash_of).unwrap_or_default();
        }
        Ok(all)
    }

    /// Everybody's hash and address.
    pub(crate) async fn people(&self) -> anyhow::Result<Vec<(String, String)>> {
        let all: Vec<Person> = self.list("/v1/prospects?limit=200").await?;
        Ok(all.into_iter().map(|person| (hash_of(&person.id), person.email)).collect())
    }

    async fn list<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<Vec<T>> {
        let (mut all, mut url) = (Vec::new(), path.to_owned());
        loop {
            let page: Page<T> = json_of(self.request(Method::GET, &url), "read a list").await?;
            all.extend(page.items);
            let Some(next) = page.next_cursor else { return Ok(all) };
            url = format!("{path}&cursor={next}");
        }
    }

    /// Waits until a campaign is completed; `look` sees it on the way.
    pub(crate) async fn completed(&self, id: &str, look: impl Fn(&Campaign)) -> anyhow::Result<Campaign> {
        let mut patience = Patience::new(STUCK);
        loop {
            let campaign = self.campaign(id).await?;
            look(&campaign);
            if campaign.status == "completed" {
                return Ok(campaign);
            }
            patience.wait(campaign.counts.settled(), "the campaign").await?;
        }
    }

    /// Whether a prospect can be read: the account works.
    pub(crate) async fn has_prospects(&self) -> anyhow::Result<bool> {
        let page: Value = json_of(self.request(Method::GET, "/v1/prospects?limit=1"), "list the prospects").await?;
        Ok(page["items"].as_array().is_some_and(|items| !items.is_empty()))
    }

    /// What a mailbox provider does when somebody presses its unsubscribe button (RFC 8058): no cookie, no
    /// session, no redirect followed.
    pub(crate) async fn one_click(&self, link: &str) -> anyhow::Result<StatusCode> {
        let request = self
            .http
            .post(link)
            .header("content-type", "application/x-www-form-urlencoded")
            .body("List-Unsubscribe=One-Click");
        Ok(request.send().await?.status())
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.url));
        if self.token.is_empty() { request } else { request.bearer_auth(&self.token) }
    }
}

/// Waits between two looks, and gives up on what no longer moves.
struct Patience {
    limit: Duration,
    last: Option<u64>,
    moved: Instant,
}

impl Patience {
    fn new(limit: Duration) -> Patience {
        Patience { limit, last: None, moved: Instant::now() }
    }

    async fn wait(&mut self, position: u64, what: &str) -> anyhow::Result<()> {
        if self.last != Some(position) {
            (self.last, self.moved) = (Some(position), Instant::now());
        }
        if self.moved.elapsed() > self.limit {
            bail!("{what} has stood at {position} for {:?}", self.limit);
        }
        tokio::time::sleep(LOOK).await;
        Ok(())
    }
}

async fn succeeded(request: RequestBuilder, what: &str) -> anyhow::Result<Response> {
    let response = request.send().await.with_context(|| format!("cannot {what}"))?;
    let status = response.status();
    if !status.is_success() {
        bail!("cannot {what}: {status} {}", response.text().await.unwrap_or_default());
    }
    Ok(response)
}

async fn json_of<T: DeserializeOwned>(request: RequestBuilder, what: &str) -> anyhow::Result<T> {
    let response = succeeded(request, what).await?;
    response.json().await.with_context(|| format!("cannot {what}: the answer is not as the contract says"))
}

/// The newest mail to an address, once there is one.
async fn mail_to(stack: &Stack, email: &str) -> anyhow::Result<Stored> {
    let until = Instant::now() + MAIL;
    loop {
        let mails = stack.backends().mailbox().all();
        let found = mails.into_iter().rev().find(|mail| mail.envelope.envelope_to.iter().any(|to| to == email));
        if let Some(mail) = found {
            return Ok(mail);
        }
        if Instant::now() > until {
            bail!("no verification mail came within {MAIL:?}");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The code stands on a line of its own.
fn verification_code(mail: &Stored) -> Option<String> {
    let message = mail_parser::MessageParser::default().parse(&mail.raw[..])?;
    let text = message.body_text(0)?;
    let is_code = |line: &&str| {
        line.len() >= 20 && line.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    text.lines().map(str::trim).find(is_code).map(str::to_owned)
}

/// The value of a header of a message, unfolded.
pub(crate) fn header(raw: &[u8], name: &str) -> Option<String> {
    let mut value: Option<String> = None;
    for line in raw.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match &mut value {
            Some(value) if line.starts_with(b" ") || line.starts_with(b"\t") => {
                value.push_str(&String::from_utf8_lossy(line));
            }
            Some(_) => break,
            None if line.is_empty() => return None,
            None => {
                let (head, rest) = line.split_at(line.len().min(name.len()));
                if head.eq_ignore_ascii_case(name.as_bytes()) {
                    value = rest.strip_prefix(b":").map(|rest| String::from_utf8_lossy(rest).into_owned());
                }
            }
        }
    }
    value.map(|value| value.trim().to_owned())
}

/// The address of the `List-Unsubscribe` header.
pub(crate) fn unsubscribe_link(raw: &[u8]) -> Option<String> {
    let value = header(raw, "List-Unsubscribe")?;
    let (_, rest) = value.split_once('<')?;
    rest.split_once('>').map(|(link, _)| link.replace([' ', '\t'], ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RAW: &[u8] = b"Subject: a\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n\
        List-Unsubscribe:\r\n <https://x.test/u/\r\n abc>\r\n\r\nX-Body: b\r\n";

    #[test]
    fn headers_are_unfolded_and_end_with_the_head() {
        assert_eq!(header(RAW, "subject").as_deref(), Some("a"));
        assert_eq!(header(RAW, "List-Unsubscribe-Post").as_deref(), Some("List-Unsubscribe=One-Click"));
        assert_eq!(header(RAW, "X-Body"), None);
        assert_eq!(unsubscribe_link(RAW).as_deref(), Some("https://x.test/u/abc"));
    }
}
