//! Imports that are cut short, delivered twice and repeated, against the emulated services and under the
//! function's own permissions: the result is always the same.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail as its assertions do")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    time::Duration,
};

use app::{
    App,
    prospects::{Filter, Format},
};
use domain::{
    Timestamp,
    email::EmailAddress,
    id::{ImportId, WorkspaceId},
    import::ImportCounts,
    locale::Locale,
    subject::SHARDS,
    suppression::{Suppression, SuppressionReason},
};
use edge::queue::{Deadline, Record};
use local::{
    backends::{Backends, OPERATOR, State},
    clock::Clock,
    template::{Endpoints, Inputs, Template},
    workspace_root,
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use storage::{
    Db, Expected, WorkspaceScope,
    accounts::{Terms, Workspace},
    imports::ImportRecord,
    keys,
};

const ROWS: u64 = 6_000;

struct Bench {
    backends: Backends,
    template: Template,
    now: Timestamp,
}

impl Bench {
    async fn start() -> Self {
        let root = workspace_root();
        let text = std::fs::read_to_string(root.join("infra/local/parameters.toml")).unwrap();
        let mut parameters = BTreeMap::new();
        for line in text.lines() {
            if let Some((name, value)) = line.split_once('=') {
                let value = value.split('#').next().unwrap_or_default().trim().trim_matches('"');
                parameters.insert(name.trim().trim_matches('"').to_owned(), value.to_owned());
            }
        }
        let filled =
            [("PublicUrl", "http://127.0.0.1"), ("RelayNetworks", "127.0.0.0/8"), ("RelayRootCertificates", "")];
        let filled = filled.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let template = Template::load(&root.join("template.yaml"), &Inputs { parameters, filled }).unwrap();
        let (created, _) = tokio::sync::mpsc::unbounded_channel();
        let backends = Backends::start(&template, State::Memory, Clock::new(), created).await.unwrap();
        Self { backends, template, now: "2026-09-15T16:20:00Z".parse().unwrap() }
    }

    /// The product as one function sees it, with that function's permissions.
    fn app(&self, function: &str) -> App {
        self.app_as(function, function)
    }

    /// What is stored, for who may see and change everything.
    fn db(&self) -> Db {
        self.app_as("prospects", OPERATOR).db
    }

    fn app_as(&self, function: &str, who: &str) -> App {
        let shared = self.backends.env();
        let sqs = shared["AWS_ENDPOINT_URL_SQS"].clone();
        let mut env = self.template.function(function).unwrap().env_at(&Endpoints { sqs, ..Endpoints::default() });
        env.extend(shared);
        env.insert("AWS_ACCESS_KEY_ID".into(), who.into());
        env.insert("AWS_SECRET_ACCESS_KEY".into(), "local".into());
        edge::aws::app_in(move |name| env.get(name).filter(|value| !value.is_empty()).cloned())
    }

    async fn workspace(&self, n: u8) -> WorkspaceScope {
        let scope = WorkspaceScope::internal(WorkspaceId::from_bytes([n; 10]));
        let workspace = Workspace {
            id: scope.workspace(),
            company: "Firm".into(),
            locale: Locale::Fr,
            retention_months: 36,
            created_at: self.now,
            closed_at: None,
            erase: false,
            suspended_at: None,
            soft_bounces: None,
            deliveries: false,
            clicks: false,
            opens: false,
            time_zone: None,
            harms: Default::default(),
            terms: Terms { version: "1".into(), sha256: "a".into(), accepted_at: self.now },
        };
        let db = self.db();
        let key = keys::workspace(scope.workspace());
        db.put(&db.tables.accounts, &key, &workspace, Expected::Anything).await.unwrap();
        let app = self.app("prospects");
        for n in 0..20 {
            let email = EmailAddress::parse(&format!("p{}@firm{}.test", n * 100, n * 100 % 700)).unwrap();
            let subject = app.pepper().await.unwrap().subject(scope.workspace(), &email);
            let gone = Suppression::new(subject, SuppressionReason::OptedOut, self.now);
            db.suppressions(&scope).record(&gone).await.unwrap();
        }
        scope
    }

    /// Announces a file and sends it, as a member would.
    async fn upload(&self, scope: &WorkspaceScope, csv: String) -> ImportId {
        let new = r#"{"filename":"list.csv","lawful_basis":"legitimate_interest",
            "source":{"kind":"trade_fair","detail":"Salon 2026","collected_on":"2026-09-01"}}"#;
        let app = self.app("imports");
        let member = app.reaching(scope.clone(), self.now).await.unwrap();
        let view = app.announce_import(&member, serde_json::from_str(new).unwrap(), self.now).await.unwrap();
        let shown = serde_json::to_value(&view).unwrap();
        let mut put = reqwest::Client::new().put(shown["upload"]["url"].as_str().unwrap()).body(csv);
        for (name, value) in shown["upload"]["headers"].as_object().unwrap() {
            put = put.header(name, value.as_str().unwrap());
        }
        assert_eq!(put.send().await.unwrap().status(), 200);
        view.id()
    }

    fn record(&self, scope: &WorkspaceScope, import: ImportId, id: &str, receives: u32) -> Record {
        let key = storage::objects::upload_key(scope.workspace(), import);
        Record {
            id: id.into(),
            body: format!(r#"{{"Records":[{{"s3":{{"object":{{"key":"{key}"}}}}}}]}}"#),
            now: self.now,
            receives,
            deadline: Deadline::after(Duration::from_secs(300)),
        }
    }

    async fn state(&self, scope: &WorkspaceScope, import: ImportId) -> ImportRecord {
        self.db().imports(scope).get(import).await.unwrap().unwrap()
    }

    /// Subjects and companies of everybody held.
    async fn people(&self, scope: &WorkspaceScope) -> BTreeSet<(String, Option<String>)> {
        let db = self.db();
        let mut people = BTreeSet::new();
        for shard in 0..SHARDS {
            let mut after = None;
            loop {
                let page = db.prospects(scope).page(shard, after, None).await.unwrap();
                people.extend(page.prospects.into_iter().map(|p| (p.email.expose().to_owned(), p.details.company)));
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
        }
        people
    }
}

fn file(company: &str) -> String {
    let mut csv = "Courriel;Prénom;Société\n".to_owned();
    for n in 0..ROWS {
        let person = match n % 50 {
            7 => format!("p{n}@gmail.com"),
            8 => "not an address".to_owned(),
            9 => format!("p{}@firm{}.test", n - 9, (n - 9) % 700),
            _ => format!("p{n}@firm{}.test", n % 700),
        };
        writeln!(csv, "{person};Prénom {n};{company} {}", n % 300).unwrap();
    }
    csv
}

fn expected() -> ImportCounts {
    let of = ROWS / 50;
    ImportCounts { created: ROWS - 3 * of - 20, duplicates: of, rejected: 2 * of, suppressed: 20, ..Default::default() }
}

#[tokio::test]
async fn an_import_counts_every_row_and_costs_one_unit_for_each_new_one() {
    let bench = Bench::start().await;
    let scope = bench.workspace(1).await;
    let app = bench.app("import");
    let import = bench.upload(&scope, file("Firm")).await;
    bench.backends.meter().reset();
    import::handle(&app, bench.record(&scope, import, "m1", 1)).await.unwrap();
    let done = bench.state(&scope, import).await;
    assert_eq!(done.counts, expected(), "{:?}", done.failure);
    assert_eq!(bench.people(&scope).await.len() as u64, expected().created);
    let inserts = bench.backends.meter().snapshot().of("import", "dynamodb:BatchExecuteStatement");
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    let created = expected().created as f64;
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    let calls = inserts.count as f64 * 1_000.0 / created;
    assert!((40.0..=42.0).contains(&calls), "{calls} calls per 1,000 rows: {inserts:?}");
    assert!((inserts.write_units / created - 1.0).abs() < 1e-9, "{inserts:?}");

    // The same message once more, and the same file once more.
    import::handle(&app, bench.record(&scope, import, "m1", 2)).await.unwrap();
    assert!(bench.state(&scope, import).await == done);
    let again = bench.upload(&scope, file("Firm")).await;
    import::handle(&app, bench.record(&scope, again, "m2", 1)).await.unwrap();
    let counts = bench.state(&scope, again).await.counts;
    assert_eq!(counts, ImportCounts { created: 0, unchanged: expected().created, ..expected() });

    // A changed file.
    let changed = bench.upload(&scope, file("Other")).await;
    import::handle(&app, bench.record(&scope, changed, "m3", 1)).await.unwrap();
    let counts = bench.state(&scope, changed).await.counts;
    assert_eq!(counts, ImportCounts { created: 0, updated: expected().created, ..expected() });

    let app = bench.app("imports");
    let member = app.reaching(scope, bench.now).await.unwrap();
    let report = app.import_rejects(&member, import).await.unwrap();
    let app::imports::Rejects::Inline(csv) = report else { panic!("a small report") };
    let csv = String::from_utf8(csv).unwrap();
    assert_eq!(csv.lines().count() as u64, 1 + expected().rejected);
    assert!(csv.starts_with("line,column,reason\r\n9,Courriel,freemail\r\n10,Courriel,invalid_email\r\n"), "{csv:.80}");
}

#[tokio::test]
async fn an_import_cut_short_at_any_point_ends_the_same() {
    let bench = Bench::start().await;
    for seed in 0..3 {
        let scope = bench.workspace(10 + seed).await;
        let import = bench.upload(&scope, file("Firm")).await;
        let mut chance = StdRng::seed_from_u64(seed.into());
        for receives in 1..400 {
            // A new process each time: nothing is left of the last one but what it stored.
            let app = bench.app("import");
            let time = Duration::from_millis(chance.random_range(100..2_500));
            let attempt = import::handle(&app, bench.record(&scope, import, "m", receives.min(4)));
            let mut first = bench.state(&scope, import).await;
            if receives > 3 && first.worker.take().is_some() {
                // Receipts beyond the fourth look like the fourth here: forget who was at it.
                bench.app("import").db.imports(&scope).save(&mut first).await.unwrap();
            }
            if tokio::time::timeout(time, attempt).await.is_ok_and(|ended| ended.is_ok()) {
                break;
            }
        }
        let done = bench.state(&scope, import).await;
        assert_eq!(done.counts, expected(), "seed {seed}: {:?} {:?}", done.status, done.failure);
        assert_eq!(bench.people(&scope).await.len() as u64, expected().created, "seed {seed}");
    }
}

#[tokio::test]
async fn two_workers_at_one_file_make_one_result() {
    let bench = Bench::start().await;
    let scope = bench.workspace(30).await;
    let import = bench.upload(&scope, file("Firm")).await;
    let (one, two) = (bench.app("import"), bench.app("import"));
    // The second receipt of a message takes over at once; the first learns it from its next checkpoint.
    let first = import::handle(&one, bench.record(&scope, import, "m", 1));
    let second = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        import::handle(&two, bench.record(&scope, import, "m", 2)).await
    };
    let other = import::handle(&two, bench.record(&scope, import, "another", 1));
    let (_, second, other) = tokio::join!(first, second, other);
    second.unwrap();
    other.unwrap();
    assert_eq!(bench.state(&scope, import).await.counts, expected());
    assert_eq!(bench.people(&scope).await.len() as u64, expected().created);
}

#[tokio::test]
async fn who_was_erased_meanwhile_is_not_revived() {
    let bench = Bench::start().await;
    let scope = bench.workspace(40).await;
    let import = bench.upload(&scope, file("Firm")).await;
    let app = bench.app("import");
    let (members, db) = (bench.app("prospects"), bench.db());
    let email = EmailAddress::parse("p5998@firm398.test").unwrap();
    let subject = members.pepper().await.unwrap().subject(scope.workspace(), &email);
    let erased = async {
        // Started: the list of suppressions is read, this person's row is not.
        while bench.state(&scope, import).await.rows_done == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let gone = Suppression::new(subject, SuppressionReason::Erased, bench.now);
        db.suppressions(&scope).record(&gone).await.unwrap();
        db.prospects(&scope).delete(subject).await.unwrap();
    };
    let (ended, ()) = tokio::join!(import::handle(&app, bench.record(&scope, import, "m", 1)), erased);
    ended.unwrap();
    assert!(db.prospects(&scope).get(subject, true).await.unwrap().is_none());
}

#[tokio::test]
async fn what_was_imported_is_listed_exported_edited_frozen_and_erased() {
    let bench = Bench::start().await;
    let scope = bench.workspace(50).await;
    let import = bench.upload(&scope, file("Firm")).await;
    import::handle(&bench.app("import"), bench.record(&scope, import, "m", 1)).await.unwrap();
    let (app, now) = (bench.app("prospects"), bench.now);
    let member = app.reaching(scope.clone(), now).await.unwrap();

    let every = Filter::read(|_| None).unwrap();
    let (mut seen, mut cursor) = (0, None);
    loop {
        let (items, next) = app.list_prospects(&member, &every, cursor.as_deref(), 200, now).await.unwrap();
        seen += items.len() as u64;
        cursor = next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, expected().created);
    let csv = app.export_prospects(&member, &every, None, Format::Csv, str::to_owned, now).await.unwrap();
    assert!(csv.next.is_none());
    assert_eq!(csv.body.lines().count() as u64, 1 + expected().created);

    let one = Filter::read(|name| (name == "text").then(|| "p5998@".to_owned())).unwrap();
    let (found, _) = app.list_prospects(&member, &one, None, 50, now).await.unwrap();
    let subject = found[0].id();
    let change = serde_json::from_str(r#"{"company":"Edited","state":"restricted"}"#).unwrap();
    let detail = app.change_prospect(&member, subject, change, now).await.unwrap();
    let detail = serde_json::to_value(&detail).unwrap();
    assert_eq!((&detail["state"], &detail["company"]), (&"restricted".into(), &"Edited".into()));

    // An edit survives the file, an erasure survives it too.
    let again = bench.upload(&scope, file("Firm")).await;
    import::handle(&bench.app("import"), bench.record(&scope, again, "m2", 1)).await.unwrap();
    assert_eq!(bench.state(&scope, again).await.counts.unchanged, expected().created);
    app.delete_prospect(&member, subject, now).await.unwrap();
    app.delete_prospect(&member, subject, now).await.unwrap();
    assert!(app.prospect(&member, subject, now).await.is_err());
    let third = bench.upload(&scope, file("Firm")).await;
    import::handle(&bench.app("import"), bench.record(&scope, third, "m3", 1)).await.unwrap();
    assert_eq!(bench.state(&scope, third).await.counts.suppressed, expected().suppressed + 1);

    let by_hand = |email: &str| {
        let json = format!(
            r#"{{"email":"{email}","source":{{"kind":"form","detail":"Site","collected_on":"2026-09-01"}},"lawful_basis":"consent"}}"#
        );
        serde_json::from_str(&json).unwrap()
    };
    for (email, slug) in [
        ("p5998@firm398.test", Some("suppressed")),
        ("p5997@firm397.test", Some("prospect-exists")),
        ("someone@gmail.com", Some("not-professional")),
        ("new@firm1.test", None),
    ] {
        let added = app.add_prospect(&member, by_hand(email), now).await;
        assert_eq!(added.err().map(|failure| failure.slug), slug, "{email}");
    }
    let imports = bench.app("imports");
    let member = imports.reaching(scope, now).await.unwrap();
    assert_eq!(imports.list_imports(&member, None, 2).await.unwrap().0.len(), 2);
}
