//! Secrets Manager: the secrets of the template, generated at the first start as CloudFormation would.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{Request, StatusCode};
use jiff::Timestamp;
use rand::Rng as _;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::front::{self, Reply, Service};
use crate::clock::Clock;
use crate::iam::{Context, Iam};
use crate::meter::{Meter, Usage};
use crate::template::{self, SecretValue};

/// The emulated Secrets Manager of one stack.
pub(crate) struct Secrets {
    secrets: BTreeMap<String, Secret>,
    /// Where values are remembered.
    file: Option<PathBuf>,
    clock: Clock,
    iam: Iam,
    meter: Meter,
}

struct Secret {
    arn: String,
    /// The current version.
    stored: Mutex<Stored>,
}

impl Secret {
    fn current(&self) -> Stored {
        self.stored.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[derive(Clone, Deserialize, Serialize)]
struct Stored {
    value: String,
    version: String,
    created: Timestamp,
}

impl Secrets {
    /// The secrets of the template; generated values are remembered in `file`.
    pub(crate) fn open(
        file: Option<&Path>,
        secrets: &[template::Secret],
        clock: &Clock,
        iam: Iam,
        meter: Meter,
    ) -> anyhow::Result<Arc<Self>> {
        let mut remembered: BTreeMap<String, Stored> = super::remembered(file)?;
        let mut opened = BTreeMap::new();
        for secret in secrets {
            let stored = match remembered.get(&secret.name) {
                Some(stored) => stored.clone(),
                None => {
                    Stored { value: first_value(&secret.value)?, version: front::request_id(), created: clock.now() }
                }
            };
            remembered.insert(secret.name.clone(), stored.clone());
            let arn = secret.arn.clone();
            opened.insert(secret.name.clone(), Secret { arn, stored: Mutex::new(stored) });
        }
        super::remember(file, &remembered)?;
        Ok(Arc::new(Self { secrets: opened, file: file.map(Path::to_owned), clock: clock.clone(), iam, meter }))
    }

    /// Makes a value the current one, as `PutSecretValue` does unless stages are named. The version is what the
    /// caller's token says; the same token takes the same value only. The earlier value is out of reach here.
    fn put(&self, secret: &Secret, version: &str, value: &str) -> Result<(), Refusal> {
        {
            let mut stored = secret.stored.lock().unwrap_or_else(PoisonError::into_inner);
            if stored.version == version {
                let same = stored.value == value;
                return if same { Ok(()) } else { Err(("ResourceExistsException", "The token was used before.")) };
            }
            *stored = Stored { value: value.to_owned(), version: version.to_owned(), created: self.clock.now() };
        }
        let all: BTreeMap<&String, Stored> = self.secrets.iter().map(|(name, one)| (name, one.current())).collect();
        super::remember(self.file.as_deref(), &all)
            .map_err(|_| ("InternalServiceError", "The value could not be written."))
    }

    /// A secret by name, ARN, or ARN without its six random characters.
    fn secret(&self, id: &str) -> Option<(&String, &Secret)> {
        let partial = |arn: &str| arn.get(..arn.len().saturating_sub(7)).is_some_and(|part| part == id);
        self.secrets.iter().find(|(name, secret)| *name == id || secret.arn == id || partial(&secret.arn))
    }
}

impl Service for Secrets {
    const MAX_BODY: usize = 128 * 1024;

    async fn call(&self, request: Request<Bytes>) -> Reply {
        let Ok(body) = serde_json::from_slice::<Value>(request.body()) else {
            return refuse("SerializationException", "The body is not JSON.");
        };
        let operation = front::target(request.headers()).unwrap_or_default();
        if !matches!(operation, "GetSecretValue" | "DescribeSecret" | "PutSecretValue") {
            return refuse("InvalidRequestException", "This operation is not emulated.");
        }
        let Some(caller) = front::caller(request.headers(), request.uri()) else {
            return refuse("MissingAuthenticationTokenException", "The request is not signed.");
        };
        let Some((name, secret)) = self.secret(body["SecretId"].as_str().unwrap_or_default()) else {
            return refuse("ResourceNotFoundException", "Secrets Manager can't find the specified secret.");
        };
        let action = format!("secretsmanager:{operation}");
        let context = Context::new().with("aws:SecureTransport", "true");
        if let Err(message) = self.iam.authorize(Some(&caller), &action, &secret.arn, &context) {
            return refuse("AccessDeniedException", &message);
        }
        if operation == "PutSecretValue" {
            let (token, value) = (body["ClientRequestToken"].as_str(), body["SecretString"].as_str());
            let (Some(token), Some(value)) = (token.filter(|token| (32..=64).contains(&token.len())), value) else {
                return refuse("InvalidParameterException", "A token of 32 to 64 characters and a text are needed.");
            };
            if let Err((code, message)) = self.put(secret, token, value) {
                return refuse(code, message);
            }
            self.meter.call(&caller, &action, &Usage::one(request.body().len()));
            let answer = json!({"ARN": secret.arn, "Name": name, "VersionId": token, "VersionStages": ["AWSCURRENT"]});
            return front::answer(StatusCode::OK, &answer).into();
        }
        let stored = secret.current();
        let wanted = &body["VersionId"];
        let stage = body["VersionStage"].as_str().unwrap_or("AWSCURRENT");
        if (!wanted.is_null() && *wanted != stored.version) || stage != "AWSCURRENT" {
            return refuse(
                "ResourceNotFoundException",
                "Secrets Manager can't find the specified secret value for the version.",
            );
        }
        self.meter.call(&caller, &action, &Usage::one(request.body().len()));
        let mut answer = json!({
            "ARN": secret.arn,
            "Name": name,
            "CreatedDate": stored.created.as_second(),
        });
        if operation == "GetSecretValue" {
            answer["SecretString"] = stored.value.into();
            answer["VersionId"] = stored.version.into();
            answer["VersionStages"] = json!(["AWSCURRENT"]);
        } else {
            answer["VersionIdsToStages"] = json!({ stored.version: ["AWSCURRENT"] });
        }
        front::answer(StatusCode::OK, &answer).into()
    }
}

/// An error's code, and what it says.
type Refusal = (&'static str, &'static str);

fn refuse(code: &str, message: &str) -> Reply {
    front::error(StatusCode::BAD_REQUEST, code, message).into()
}

/// What CloudFormation puts into a new secret.
fn first_value(value: &SecretValue) -> anyhow::Result<String> {
    match value {
        SecretValue::Literal(text) => Ok(text.clone()),
        SecretValue::Generated { template, key, length, exclude } => {
            let alphabet: Vec<char> = ('!'..='~').filter(|&character| !exclude.contains(character)).collect();
            anyhow::ensure!(!alphabet.is_empty(), "a generated secret excludes every character");
            let mut random = rand::rng();
            let generated: String = (0..*length).map(|_| alphabet[random.random_range(0..alphabet.len())]).collect();
            match (template, key) {
                (Some(template), Some(key)) => {
                    let mut json: Value = serde_json::from_str(template)?;
                    json[key.as_str()] = generated.into();
                    Ok(json.to_string())
                }
                _ => Ok(generated),
            }
        }
    }
}
