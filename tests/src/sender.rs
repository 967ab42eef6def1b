//! A company that uses the product: its session, its files, its campaigns.

use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, tz::TimeZone};
use local::backends::Plan;
use reqwest::Method;
use serde_json::{Value, json};

use crate::http::Asked;
use crate::{Answer, Client, TestStack, files};

static NUMBER: AtomicUsize = AtomicUsize::new(1);

/// How long something may take that should take a second.
const PATIENCE: Duration = Duration::from_secs(90);

/// A company with a session.
pub struct Sender<'a> {
    /// The product it uses.
    pub stack: &'a TestStack,
    /// Its member's address.
    pub email: String,
    /// Its member's password.
    pub password: String,
    /// Its workspace's id.
    pub workspace: String,
    client: Client,
    token: Mutex<String>,
    /// Whether it accepts whatever it is asked to accept.
    agrees: AtomicBool,
    /// Recovery codes of a second factor that are left: each signs in once, at any time.
    codes: Mutex<Vec<String>>,
}

/// Asks again and again until there is an answer; fails with `what` when there is none in time.
pub async fn wait_for<T, F: Future<Output = Option<T>>>(what: &str, mut ask: impl FnMut() -> F) -> T {
    let began = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(began.elapsed() < PATIENCE, "still waiting for {what} after {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
}

impl<'a> Sender<'a> {
    /// Signs a new company up and makes it ready to send through SES.
    pub async fn sign_up(stack: &'a TestStack) -> Sender<'a> {
        let sender = Sender::without_identity(stack).await;
        sender.put("/v1/sender", sender.identity(json!({"kind": "ses"}))).await.expect(200);
        sender
    }

    /// Signs a new company up that has not said yet who it is.
    pub async fn without_identity(stack: &'a TestStack) -> Sender<'a> {
        let sender = Sender::without_agreement(stack).await;
        sender.agree().await;
        sender
    }

    /// Signs a new company up that has accepted the terms and nothing else, and accepts nothing by itself.
    pub async fn without_agreement(stack: &'a TestStack) -> Sender<'a> {
        let number = NUMBER.fetch_add(1, Ordering::SeqCst);
        let (email, password) = (format!("ada{number}@sender{number}.test"), format!("correct horse {number} battery"));
        let client = stack.client();
        stack.keep_secret(&password);
        client.post("/v1/signup", signup(&email, &password)).await.expect(202);
        let token = stack.only_mail_to(&email).token();
        stack.keep_secret(&token);
        let verified = client.post("/v1/signup/verify", json!({"token": token})).await.expect(201).json();
        let workspace = verified["workspace_id"].as_str().expect("an id").to_owned();
        let (token, agrees, codes) = (Mutex::default(), AtomicBool::new(false), Mutex::default());
        let sender = Sender { stack, email, password, workspace, client, token, agrees, codes };
        sender.log_in().await;
        sender
    }

    /// A colleague: invited with this role, joined, and logged in.
    pub async fn join(&self, role: &str) -> Sender<'a> {
        let number = NUMBER.fetch_add(1, Ordering::SeqCst);
        let domain = self.email.split('@').nth(1).unwrap_or_default();
        let (email, password) = (format!("bob{number}@{domain}"), format!("wrong staple {number} battery"));
        self.stack.keep_secret(&password);
        self.post("/v1/invitations", json!({"email": email, "role": role})).await.expect(201);
        let token = self.stack.only_mail_to(&email).token();
        self.stack.keep_secret(&token);
        self.client.post("/v1/invitations/accept", accept(&token, &password)).await.expect(201);
        let (stack, workspace, client) = (self.stack, self.workspace.clone(), self.client.clone());
        let colleague = Sender {
            stack,
            email,
            password,
            workspace,
            client,
            token: Mutex::default(),
            agrees: AtomicBool::new(false),
            codes: Mutex::default(),
        };
        colleague.log_in().await;
        colleague
    }

    /// Accepts every agreement in force, now and whenever one changes.
    pub async fn agree(&self) {
        self.agrees.store(true, Ordering::SeqCst);
        let agreements = self.get("/v1/agreements").await.expect(200).json();
        for agreement in agreements["items"].as_array().expect("items") {
            if agreement["to_accept"] == true {
                let accepted = json!({"document": agreement["document"], "version": agreement["in_force"]["version"]});
                Box::pin(self.post("/v1/agreements", accepted)).await.expect(200);
            }
        }
    }

    /// Accepts nothing any more by itself.
    pub fn hesitate(&self) {
        self.agrees.store(false, Ordering::SeqCst);
    }

    /// A company that signed up before, at another stack that has its data.
    pub async fn back<'b>(stack: &'b TestStack, email: &str, password: &str, workspace: &str) -> Sender<'b> {
        let [email, password, workspace] = [email, password, workspace].map(str::to_owned);
        stack.keep_secret(&password);
        let (client, token, agrees) = (stack.client(), Mutex::default(), AtomicBool::new(true));
        let codes = Mutex::default();
        let sender = Sender { stack, email, password, workspace, client, token, agrees, codes };
        sender.log_in().await;
        sender
    }

    /// Starts a new session.
    pub async fn log_in(&self) -> Value {
        let mut who = json!({"email": self.email, "password": self.password});
        if let Some(code) = self.codes.lock().unwrap_or_else(PoisonError::into_inner).pop() {
            who["code"] = json!(code);
        }
        let tokens = self.client.post("/v1/session", who).await.expect(200).json();
        for name in ["access_token", "refresh_token"] {
            self.stack.keep_secret(tokens[name].as_str().expect("a token"));
        }
        self.use_token(tokens["access_token"].as_str().expect("a token"));
        tokens
    }

    /// Turns a second factor on. From here on [`Sender::log_in`] uses up its recovery codes.
    pub async fn turn_on_second_factor(&self) {
        let secret = self.post("/v1/second-factor", json!({"password": self.password})).await.expect(200).json();
        let secret = secret["secret"].as_str().expect("a secret");
        self.stack.keep_secret(secret);
        let step = u64::try_from(self.stack.now().as_second()).unwrap_or_default() / 30;
        let code = json!({"code": domain::totp::code(&files::from_base32(secret), step)});
        let codes = self.post("/v1/second-factor/confirm", code).await.expect(200).json()["recovery_codes"].clone();
        let codes: Vec<String> = serde_json::from_value(codes).expect("recovery codes");
        codes.iter().for_each(|code| self.stack.keep_secret(code));
        *self.codes.lock().unwrap_or_else(PoisonError::into_inner) = codes;
    }

    /// Goes on with another access token.
    pub fn use_token(&self, token: &str) {
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = token.to_owned();
    }

    /// The access token.
    pub fn token(&self) -> String {
        self.token.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The same product without a session.
    pub fn stranger(&self) -> &Client {
        &self.client
    }

    /// A request with the session.
    pub fn request(&self, method: Method, path: &str) -> Asked {
        self.client.request(method, path).bearer(&self.token())
    }

    /// Sends; once more with a new session when the moved clock ended the old one, and once more having
    /// accepted what has to be accepted since.
    async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        let send = || {
            let asked = self.request(method.clone(), path);
            body.map_or_else(|| self.request(method.clone(), path), |body| asked.json(body)).send()
        };
        let mut answer = send().await;
        if answer.status == 401 {
            self.log_in().await;
            answer = send().await;
        }
        let asked_to_agree = answer.status == 403 && answer.text().contains("/problems/terms-not-accepted");
        if asked_to_agree && self.agrees.load(Ordering::SeqCst) {
            Box::pin(self.agree()).await;
            answer = send().await;
        }
        answer
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, None).await
    }

    /// POST.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.ask(Method::POST, path, Some(&body)).await
    }

    /// PUT.
    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.ask(Method::PUT, path, Some(&body)).await
    }

    /// PATCH.
    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.ask(Method::PATCH, path, Some(&body)).await
    }

    /// DELETE.
    pub async fn delete(&self, path: &str) -> Answer {
        self.ask(Method::DELETE, path, None).await
    }

    /// Closes the workspace for good.
    pub async fn give_up(&self) -> Answer {
        let confirmed = json!({"erase": "now", "company": "Atelier Érable"});
        self.request(Method::DELETE, "/v1/workspace").json(&confirmed).send().await
    }

    // ---- the Sender ------------------------------------------------------------------------------

    /// The body of `PUT /v1/sender`.
    pub fn identity(&self, channel: Value) -> Value {
        let domain = self.email.split('@').nth(1).unwrap_or_default();
        json!({
            "identity": {
                "company": "Atelier Érable", "legal_form": "SAS", "registration_number": "123 456 789",
                "address": "12 rue de l'Exemple\n69001 Lyon", "country": "FR",
                "contact_email": format!("contact@{domain}"), "phone": "+33 4 99 00 00 00",
                "website": "https://example.com",
                "from_name": "Zoé d’Érable", "from_email": format!("zoe@{domain}"),
                "reply_to": format!("reponses@{domain}"),
            },
            "channel": channel,
        })
    }

    /// Adds a channel, through SES unless `changes` say otherwise; gives its id.
    pub async fn add_channel(&self, changes: Value) -> String {
        let mut channel = json!({"name": "Autre", "transport": {"kind": "ses"}});
        for (name, value) in changes.as_object().into_iter().flatten() {
            channel[name] = value.clone();
        }
        let channel = self.post("/v1/channels", channel).await.expect(200).json();
        channel["id"].as_str().expect("an id").to_owned()
    }

    /// The id of the first channel.
    pub async fn first_channel(&self) -> String {
        self.all("/v1/channels").await[0]["id"].as_str().expect("an id").to_owned()
    }

    /// Sets the limits of the first channel.
    pub async fn limit(&self, limits: Value) {
        let path = format!("/v1/channels/{}", self.first_channel().await);
        self.patch(&path, json!({"limits": limits})).await.expect(200);
    }

    // ---- imports ---------------------------------------------------------------------------------

    /// Today, where the product's calendar is.
    pub fn today(&self) -> String {
        let zone = TimeZone::get("Europe/Paris").expect("bundled");
        self.stack.now().to_zoned(zone).date().to_string()
    }

    /// The body of `POST /v1/imports`.
    pub fn announcement(&self) -> Value {
        json!({
            "filename": "salon.csv",
            "source": {"kind": "trade_fair", "detail": "Salon des Exemples, liste des exposants", "collected_on": self.today()},
            "lawful_basis": "legitimate_interest",
        })
    }

    /// Imports a file and waits for the end.
    pub async fn import(&self, file: &[u8]) -> Value {
        self.import_as(self.announcement(), file).await
    }

    /// Imports a file that is announced so, and waits for the end.
    pub async fn import_as(&self, announcement: Value, file: &[u8]) -> Value {
        let id = self.upload(announcement, file).await;
        self.wait_imported(&id).await
    }

    /// Announces and uploads a file; gives the import's id.
    pub async fn upload(&self, announcement: Value, file: &[u8]) -> String {
        let import = self.post("/v1/imports", announcement).await.expect(201).json();
        self.put_file(&import, file).await;
        import["id"].as_str().expect("an id").to_owned()
    }

    /// Sends a file as an announced import says.
    pub async fn put_file(&self, import: &Value, file: &[u8]) {
        let upload = &import["upload"];
        let method = upload["method"].as_str().and_then(|m| m.parse().ok()).expect("a method");
        let mut put = self.client.request(method, upload["url"].as_str().expect("an address"));
        for (name, value) in upload["headers"].as_object().expect("headers") {
            put = put.header(name, value.as_str().expect("text"));
        }
        put.bytes(file).send().await.expect(200);
    }

    /// Waits until an import has ended.
    pub async fn wait_imported(&self, id: &str) -> Value {
        let path = format!("/v1/imports/{id}");
        let ended = wait_for("the import", || async {
            let import = self.get(&path).await.expect(200).json();
            assert_adds_up(&import);
            matches!(import["status"].as_str(), Some("done" | "failed")).then_some(import)
        });
        ended.await
    }

    // ---- prospects -------------------------------------------------------------------------------

    /// Every prospect, page by page, by address.
    pub async fn prospects(&self) -> Vec<Value> {
        let mut all = self.all("/v1/prospects?limit=200").await;
        all.sort_by_key(|prospect| prospect["email"].as_str().unwrap_or_default().to_owned());
        all
    }

    /// The one prospect with this address.
    #[track_caller]
    pub fn prospect(&self, email: &str) -> impl Future<Output = Value> + '_ {
        let email = email.to_owned();
        async move {
            let found = self.all(&format!("/v1/prospects?text={email}")).await;
            let exact = found.into_iter().find(|prospect| prospect["email"] == email.as_str());
            exact.unwrap_or_else(|| panic!("no prospect {email}"))
        }
    }

    /// Every item of a list.
    pub async fn all(&self, path: &str) -> Vec<Value> {
        let (mut items, mut url) = (Vec::new(), path.to_owned());
        loop {
            let page = self.get(&url).await.expect(200).json();
            items.extend(page["items"].as_array().cloned().expect("items"));
            let Some(next) = page["next_cursor"].as_str() else { return items };
            let join = if path.contains('?') { '&' } else { '?' };
            url = format!("{path}{join}cursor={next}");
        }
    }

    // ---- campaigns -------------------------------------------------------------------------------

    /// Everything a campaign of one step needs; `changes` wins. A subject, a text and HTML are those of the step.
    pub fn content(&self, changes: &Value) -> Value {
        let mut content = json!({
            "name": "Printemps", "purpose": "Présenter nos tables aux acheteurs", "audience": {"all": true},
            "steps": [{
                "subject": "Une question pour {{ company | default: \"votre équipe\" }}",
                "text": "Bonjour {{ first_name | default: \"à vous\" }},\n\nAvez-vous cinq minutes ?",
            }],
            "information_notice": "Nous gardons seulement votre adresse professionnelle.",
            "legitimate_interest_assessment": {
                "interest": "faire connaître nos tables", "necessity": "un seul message", "balancing": "opposition simple",
            },
        });
        for (name, value) in changes.as_object().into_iter().flatten() {
            let part = ["subject", "text", "html"].contains(&name.as_str());
            let whole = if part { &mut content["steps"][0] } else { &mut content };
            whole[name] = value.clone();
        }
        content
    }

    /// Drafts a campaign; gives its id.
    pub async fn draft(&self, changes: Value) -> String {
        let campaign = self.post("/v1/campaigns", self.content(&changes)).await.expect(201).json();
        campaign["id"].as_str().expect("an id").to_owned()
    }

    /// Drafts, launches and waits for the end.
    pub async fn campaign(&self, changes: Value) -> Value {
        let id = self.draft(changes).await;
        self.command(&id, "launch").await.expect(202);
        self.wait_ended(&id).await
    }

    /// `POST /v1/campaigns/{id}/{command}`.
    pub async fn command(&self, id: &str, command: &str) -> Answer {
        self.post(&format!("/v1/campaigns/{id}/{command}"), json!({})).await
    }

    /// A campaign as it is now; its counts must add up, in each step and over all of them.
    pub async fn look(&self, id: &str) -> Value {
        let campaign = self.get(&format!("/v1/campaigns/{id}")).await.expect(200).json();
        let count = |of: &Value, name: &str| of["counts"][name].as_u64().expect("a count");
        let steps = campaign["steps"].as_array().expect("steps");
        for of in steps.iter().chain([&campaign]) {
            let parts = ["pending", "sent", "refused", "failed", "unknown"].map(|name| count(of, name));
            assert_eq!(count(of, "audience"), parts.iter().sum::<u64>(), "{}", of["counts"]);
        }
        for name in ["audience", "pending", "sent", "refused", "failed", "unknown"] {
            let sum: u64 = steps.iter().map(|step| count(step, name)).sum();
            assert_eq!(count(&campaign, name), sum, "{name}: {campaign}");
        }
        campaign
    }

    /// Waits until a campaign is completed, or cancelled with nobody pending.
    pub async fn wait_ended(&self, id: &str) -> Value {
        let ended = wait_for("the campaign", || async {
            let campaign = self.look(id).await;
            let over = match campaign["status"].as_str() {
                Some("completed") => true,
                Some("cancelled") => campaign["counts"]["pending"] == 0,
                _ => false,
            };
            over.then_some(campaign)
        });
        ended.await
    }

    /// Launches a campaign to so many invented people, slowly, and waits until it paused itself; `bad` says what
    /// becomes of a message (`bounce`, `complaint`). Time moves while it sends, so that what comes back is heard of
    /// before the end. Wants a stack with a short visibility timeout.
    pub async fn campaign_that_harms(&self, people: usize, bad: impl Fn(usize) -> Option<&'static str>) -> Value {
        let row = |n: usize| match bad(n) {
            Some(kind) => format!("{kind}+{n}@simulator.amazonses.com\n"),
            None => format!("person{n}@healthy.test\n"),
        };
        let rows: String = (0..people).map(row).collect();
        self.import(format!("email\n{rows}").as_bytes()).await;
        let id = self.draft(json!({"name": "Automne"})).await;
        self.stack.break_things(serde_json::from_value(json!({"ses": {"latency_ms": 40}})).expect("a plan"));
        self.command(&id, "launch").await.expect(202);
        let campaign = wait_for("the campaign to pause itself", || async {
            tokio::time::sleep(Duration::from_millis(500)).await;
            self.stack.wait(SignedDuration::from_secs(11));
            let campaign = self.look(&id).await;
            assert_ne!(campaign["status"], "completed", "it went on to the end: {campaign}");
            (campaign["status"] == "paused").then_some(campaign)
        });
        let campaign = campaign.await;
        self.stack.break_things(Plan::default());
        self.stack.settle().await;
        campaign
    }

    /// Every recipient of a campaign.
    pub async fn recipients(&self, id: &str) -> Vec<Value> {
        self.all(&format!("/v1/campaigns/{id}/recipients?limit=200")).await
    }
}

/// The body of `POST /v1/invitations/accept`.
pub fn accept(token: &str, password: &str) -> Value {
    json!({"token": token, "password": password, "accept_terms": true})
}

/// The body of `POST /v1/signup`.
pub fn signup(email: &str, password: &str) -> Value {
    json!({"email": email, "password": password, "company": "Atelier Érable", "locale": "fr", "accept_terms": true})
}

/// `rows_read` is the sum of what became of the rows, at any time.
#[track_caller]
fn assert_adds_up(import: &Value) {
    let count = |name: &str| import[name].as_u64().unwrap_or_else(|| panic!("no {name}: {import}"));
    let parts = ["created", "updated", "unchanged", "duplicates", "rejected", "suppressed"].map(count);
    assert_eq!(count("rows_read"), parts.iter().sum::<u64>(), "{import}");
}
