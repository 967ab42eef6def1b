//! KMS: symmetric keys, encryption contexts and data keys, with KMS's limits.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Request, StatusCode};
use serde_json::{Value, json};

use super::front::{self, Reply, Service};
use crate::iam::{Context, Iam};
use crate::meter::{Meter, Usage};
use crate::template;

/// The largest plaintext that Encrypt takes.
const MAX_PLAINTEXT: usize = 4096;
/// What a ciphertext starts with.
const MAGIC: &[u8] = b"local-kms-1\0";
const NONCE: usize = 12;

/// The emulated KMS of one stack.
pub(crate) struct Kms {
    keys: Vec<Key>,
    iam: Iam,
    meter: Meter,
}

struct Key {
    id: String,
    arn: String,
    aliases: Vec<String>,
    material: [u8; 32],
}

/// An error of KMS: its code and message.
struct Refusal(&'static str, String);

fn refuse<T>(code: &'static str, message: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal(code, message.into()))
}

impl Kms {
    /// The keys of the template; their material is random, and remembered in `file`.
    pub(crate) fn open(
        file: Option<&Path>,
        keys: &[template::Key],
        iam: Iam,
        meter: Meter,
    ) -> anyhow::Result<Arc<Self>> {
        let mut materials: BTreeMap<String, String> = super::remembered(file)?;
        let mut opened = Vec::new();
        for key in keys {
            let fresh = || hex::encode(rand::random::<[u8; 32]>());
            let material = materials.entry(key.id.clone()).or_insert_with(fresh);
            let bytes = hex::decode(material)?;
            opened.push(Key {
                id: key.id.clone(),
                arn: key.arn.clone(),
                aliases: key.aliases.clone(),
                material: bytes.try_into().map_err(|_| anyhow::anyhow!("a key is not 32 bytes long"))?,
            });
        }
        super::remember(file, &materials)?;
        Ok(Arc::new(Self { keys: opened, iam, meter }))
    }

    /// A key by id, ARN, alias or alias ARN.
    fn key(&self, name: &str) -> Option<&Key> {
        let alias = name.rfind("alias/").map(|at| &name[at..]);
        let id = name.rsplit('/').next().unwrap_or(name);
        self.keys.iter().find(|key| match alias {
            Some(alias) => key.aliases.iter().any(|known| known == alias),
            None => key.id == id,
        })
    }

    fn run(&self, operation: &str, caller: &str, body: &Value) -> Result<Value, Refusal> {
        let blob = decode(&body["CiphertextBlob"])?;
        let key = match body["KeyId"].as_str() {
            Some(name) => self.key(name),
            // A ciphertext knows its key.
            None => header(&blob).and_then(|(id, _)| self.key(id)),
        };
        if operation == "GenerateRandom" {
            self.allow(caller, "kms:GenerateRandom", "*", body)?;
            let bytes = random(body["NumberOfBytes"].as_u64())?;
            return Ok(json!({ "Plaintext": STANDARD.encode(bytes) }));
        }
        let Some(key) = key else {
            return match operation {
                "Decrypt" => refuse("InvalidCiphertextException", ""),
                _ => refuse("NotFoundException", "The key does not exist."),
            };
        };
        self.allow(caller, &format!("kms:{operation}"), &key.arn, body)?;
        let aad = context_bytes(&body["EncryptionContext"]);
        match operation {
            "Encrypt" => {
                let plaintext = decode(&body["Plaintext"])?;
                if plaintext.is_empty() || plaintext.len() > MAX_PLAINTEXT {
                    return refuse(
                        "ValidationException",
                        format!("Member must have length between 1 and {MAX_PLAINTEXT}"),
                    );
                }
                let blob = key.seal(&plaintext, &aad)?;
                Ok(json!({
                    "CiphertextBlob": STANDARD.encode(blob), "KeyId": key.arn,
                    "EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
                }))
            }
            "Decrypt" => {
                let plaintext = key.open(&blob, &aad)?;
                Ok(json!({
                    "Plaintext": STANDARD.encode(plaintext), "KeyId": key.arn,
                    "EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
                }))
            }
            "GenerateDataKey" | "GenerateDataKeyWithoutPlaintext" => {
                let length = match (body["KeySpec"].as_str(), body["NumberOfBytes"].as_u64()) {
                    (Some("AES_256"), None) => Some(32),
                    (Some("AES_128"), None) => Some(16),
                    (None, given) => given,
                    _ => None,
                };
                let data_key = random(length)?;
                let blob = key.seal(&data_key, &aad)?;
                let mut answer = json!({ "CiphertextBlob": STANDARD.encode(blob), "KeyId": key.arn });
                if operation == "GenerateDataKey" {
                    answer["Plaintext"] = STANDARD.encode(data_key).into();
                }
                Ok(answer)
            }
            "DescribeKey" => Ok(json!({ "KeyMetadata": {
                "KeyId": key.id, "Arn": key.arn, "AWSAccountId": template::ACCOUNT, "Enabled": true,
                "KeyState": "Enabled", "KeyUsage": "ENCRYPT_DECRYPT", "KeySpec": "SYMMETRIC_DEFAULT",
                "KeyManager": "CUSTOMER", "Origin": "AWS_KMS", "MultiRegion": false,
            }})),
            _ => refuse("UnknownOperationException", "This operation is not emulated."),
        }
    }

    fn allow(&self, caller: &str, action: &str, arn: &str, body: &Value) -> Result<(), Refusal> {
        let mut context = Context::new().with("aws:SecureTransport", "true");
        let mut keys = Vec::new();
        for (name, value) in body["EncryptionContext"].as_object().into_iter().flatten() {
            keys.push(name.as_str());
            context = context.with(&format!("kms:EncryptionContext:{name}"), value.as_str().unwrap_or_default());
        }
        let context = context.with_many("kms:EncryptionContextKeys", keys);
        let allowed = self.iam.authorize(Some(caller), action, arn, &context);
        allowed.map_err(|message| Refusal("AccessDeniedException", message))
    }
}

impl Service for Kms {
    const MAX_BODY: usize = 64 * 1024;

    async fn call(&self, request: Request<Bytes>) -> Reply {
        let refusal = |code, message: &str| front::error(StatusCode::BAD_REQUEST, code, message).into();
        let Some(operation) = front::target(request.headers()) else {
            return refusal("UnknownOperationException", "X-Amz-Target is missing.");
        };
        let Ok(body) = serde_json::from_slice::<Value>(request.body()) else {
            return refusal("SerializationException", "The body is not JSON.");
        };
        let Some(caller) = front::caller(request.headers(), request.uri()) else {
            return refusal("MissingAuthenticationTokenException", "The request is not signed.");
        };
        match self.run(operation, &caller, &body) {
            Ok(answer) => {
                let usage = Usage::one(request.body().len());
                self.meter.call(&caller, &format!("kms:{operation}"), &usage);
                front::answer(StatusCode::OK, &answer).into()
            }
            Err(Refusal(code, message)) => refusal(code, &message),
        }
    }
}

impl Key {
    /// Magic, length of the key id, key id, nonce, sealed bytes.
    fn seal(&self, plaintext: &[u8], aad: &[u8]) -> Result<Vec<u8>, Refusal> {
        let nonce: [u8; NONCE] = rand::random();
        let payload = Payload { msg: plaintext, aad };
        let sealed = Aes256Gcm::new(&self.material.into())
            .encrypt(&Nonce::from(nonce), payload)
            .map_err(|_| Refusal("KMSInternalException", "The plaintext could not be sealed.".to_owned()))?;
        let mut blob = MAGIC.to_vec();
        blob.push(u8::try_from(self.id.len()).unwrap_or(u8::MAX));
        blob.extend_from_slice(self.id.as_bytes());
        blob.extend_from_slice(&nonce);
        blob.extend_from_slice(&sealed);
        Ok(blob)
    }

    fn open(&self, blob: &[u8], aad: &[u8]) -> Result<Vec<u8>, Refusal> {
        let invalid = || Refusal("InvalidCiphertextException", String::new());
        let (id, rest) = header(blob).ok_or_else(invalid)?;
        if id != self.id {
            return refuse(
                "IncorrectKeyException",
                "The key ID in the request does not identify a CMK that can perform this operation.",
            );
        }
        let (nonce, sealed) = rest.split_first_chunk::<NONCE>().ok_or_else(invalid)?;
        let payload = Payload { msg: sealed, aad };
        let opened = Aes256Gcm::new(&self.material.into()).decrypt(&Nonce::from(*nonce), payload);
        opened.map_err(|_| invalid())
    }
}

fn header(blob: &[u8]) -> Option<(&str, &[u8])> {
    let rest = blob.strip_prefix(MAGIC)?;
    let (&length, rest) = rest.split_first()?;
    let (id, rest) = rest.split_at_checked(usize::from(length))?;
    Some((std::str::from_utf8(id).ok()?, rest))
}

/// The encryption context in one order, whatever order it came in.
fn context_bytes(context: &Value) -> Vec<u8> {
    let pairs: BTreeMap<&str, &str> = context
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.as_str(), value.as_str().unwrap_or_default()))
        .collect();
    serde_json::to_vec(&pairs).unwrap_or_default()
}

fn decode(value: &Value) -> Result<Vec<u8>, Refusal> {
    let decoded = STANDARD.decode(value.as_str().unwrap_or_default());
    decoded.map_err(|_| Refusal("SerializationException", "A blob is not base64.".to_owned()))
}

fn random(length: Option<u64>) -> Result<Vec<u8>, Refusal> {
    use rand::RngCore as _;
    match length {
        Some(length @ 1..=1024) => {
            let mut bytes = vec![0; usize::try_from(length).unwrap_or(1)];
            rand::rng().fill_bytes(&mut bytes);
            Ok(bytes)
        }
        _ => refuse("ValidationException", "Specify KeySpec, or NumberOfBytes between 1 and 1024."),
    }
}
