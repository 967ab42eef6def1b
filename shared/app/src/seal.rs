//! Sealing what a Sender trusts us with: AES-256-GCM under the workspace's data key, which KMS wraps.
//!
//! The workspace and the name of the field are authenticated with the text, so that a sealed value
//! opens nowhere but in its own place. Destroying the wrapped key destroys every value under it.

use std::{collections::HashMap, sync::Mutex};

use aes_gcm::{
    Aes256Gcm, Key, KeyInit, Nonce,
    aead::{Aead, Payload},
};
use aws_sdk_kms::{error::ProvideErrorMetadata, primitives::Blob, types::DataKeySpec};
use base64::{Engine, engine::general_purpose::STANDARD};
use domain::{Timestamp, id::WorkspaceId, sender::Transport};
use secrecy::{ExposeSecret, SecretBox, SecretString};
use storage::{StoreError, WorkspaceScope};

use crate::{App, Failure, mailer::Grant};

/// The first byte of a sealed value: how it was sealed.
const VERSION: u8 = 1;
/// Bytes of a nonce, drawn anew for each value.
const NONCE: usize = 12;
/// The place of what access tokens for a relay are asked for with.
const RELAY_GRANT: &str = "sender.channel.oauth";
/// The place of a relay's password.
const RELAY_PASSWORD: &str = "sender.channel.password";

/// A data key in clear, wiped when dropped.
type DataKey = SecretBox<[u8; 32]>;

/// Data keys of the workspaces this process has worked for.
#[derive(Default)]
pub(crate) struct DataKeys(Mutex<HashMap<WorkspaceId, [u8; 32]>>);

impl std::fmt::Debug for DataKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DataKeys(***)")
    }
}

/// Seals a text for one field of one workspace.
pub fn seal(key: &[u8; 32], workspace: WorkspaceId, field: &str, text: &str) -> Result<String, Failure> {
    let nonce: [u8; NONCE] = crate::chance();
    let aad = place(workspace, field);
    let payload = Payload { msg: text.as_bytes(), aad: aad.as_bytes() };
    let sealed = cipher(key).encrypt(&Nonce::from(nonce), payload).map_err(|_| Failure::internal("sealing failed"))?;
    Ok(STANDARD.encode([&[VERSION], nonce.as_slice(), &sealed].concat()))
}

/// Opens what [`seal`] made for the same field of the same workspace.
pub fn open(key: &[u8; 32], workspace: WorkspaceId, field: &str, sealed: &str) -> Result<SecretString, Failure> {
    let cannot = || Failure::internal("a sealed value cannot be opened");
    let bytes = STANDARD.decode(sealed).map_err(|_| cannot())?;
    let (&[VERSION], rest) = bytes.split_first_chunk::<1>().ok_or_else(cannot)? else { return Err(cannot()) };
    let (nonce, sealed) = rest.split_first_chunk::<NONCE>().ok_or_else(cannot)?;
    let aad = place(workspace, field);
    let payload = Payload { msg: sealed, aad: aad.as_bytes() };
    let text = cipher(key).decrypt(&Nonce::from(*nonce), payload).map_err(|_| cannot())?;
    Ok(String::from_utf8(text).map_err(|_| cannot())?.into())
}

fn cipher(key: &[u8; 32]) -> Aes256Gcm {
    Aes256Gcm::new(&Key::<Aes256Gcm>::from(*key))
}

fn place(workspace: WorkspaceId, field: &str) -> String {
    format!("{workspace}\0{field}")
}

impl App {
    /// The password of a Sender's relay, in clear: for the moment of the connection, and nothing else.
    pub async fn open_relay_password(
        &self,
        scope: &WorkspaceScope,
        transport: &Transport,
    ) -> Result<SecretString, Failure> {
        let Transport::Smtp { secret, .. } = transport else { return Err(Failure::internal("no relay to open")) };
        self.open_sealed(scope, RELAY_PASSWORD, secret).await
    }

    /// What access tokens for a Sender's relay are asked for with, in clear.
    pub(crate) async fn open_relay_grant(
        &self,
        scope: &WorkspaceScope,
        transport: &Transport,
    ) -> Result<SecretString, Failure> {
        let Transport::Smtp { secret, .. } = transport else { return Err(Failure::internal("no relay to open")) };
        self.open_sealed(scope, RELAY_GRANT, secret).await
    }

    /// Seals it.
    pub(crate) async fn seal_relay_grant(
        &self,
        scope: &WorkspaceScope,
        grant: &Grant,
        now: Timestamp,
    ) -> Result<String, Failure> {
        self.seal_for(scope, RELAY_GRANT, &grant.to_text()?, now).await
    }

    /// Seals the password of a Sender's relay.
    pub async fn seal_relay_password(
        &self,
        scope: &WorkspaceScope,
        password: &SecretString,
        now: Timestamp,
    ) -> Result<String, Failure> {
        self.seal_for(scope, RELAY_PASSWORD, password.expose_secret(), now).await
    }

    /// Opens what [`App::seal_for`] made for the same field of the same workspace. KMS is called once per
    /// workspace for the life of the process.
    pub(crate) async fn open_sealed(
        &self,
        scope: &WorkspaceScope,
        field: &str,
        sealed: &str,
    ) -> Result<SecretString, Failure> {
        let key = self.data_key(scope).await?.ok_or_else(|| Failure::internal("a sealed value without a data key"))?;
        open(key.expose_secret(), scope.workspace(), field, sealed)
    }

    /// Seals a text, under a new data key if the workspace has none yet.
    pub(crate) async fn seal_for(
        &self,
        scope: &WorkspaceScope,
        field: &str,
        text: &str,
        now: Timestamp,
    ) -> Result<String, Failure> {
        let key = match self.data_key(scope).await? {
            Some(key) => key,
            None => self.new_data_key(scope, now).await?,
        };
        seal(key.expose_secret(), scope.workspace(), field, text)
    }

    async fn data_key(&self, scope: &WorkspaceScope) -> Result<Option<DataKey>, Failure> {
        let known = self.data_keys.0.lock().ok().and_then(|keys| keys.get(&scope.workspace()).copied());
        if let Some(key) = known {
            return Ok(Some(DataKey::new(Box::new(key))));
        }
        let Some(wrapped) = self.db.data_key(scope).await? else { return Ok(None) };
        let answer = self
            .kms
            .decrypt()
            .key_id(&self.config.data_key)
            .ciphertext_blob(Blob::new(wrapped))
            .encryption_context("workspace", scope.workspace().to_string())
            .send()
            .await
            .map_err(|error| Failure::unavailable("kms", error.code()))?;
        self.keep_data_key(scope, answer.plaintext).map(Some)
    }

    async fn new_data_key(&self, scope: &WorkspaceScope, now: Timestamp) -> Result<DataKey, Failure> {
        let answer = self
            .kms
            .generate_data_key()
            .key_id(&self.config.data_key)
            .key_spec(DataKeySpec::Aes256)
            .encryption_context("workspace", scope.workspace().to_string())
            .send()
            .await
            .map_err(|error| Failure::unavailable("kms", error.code()))?;
        let wrapped = answer.ciphertext_blob.ok_or_else(|| Failure::internal("a data key without its wrapping"))?;
        match self.db.put_data_key(scope, wrapped.as_ref(), now).await {
            Ok(()) => self.keep_data_key(scope, answer.plaintext),
            // Another request was first: its key is the one that counts.
            Err(StoreError::Conflict) => {
                self.data_key(scope).await?.ok_or_else(|| Failure::internal("a data key vanished"))
            }
            Err(error) => Err(error.into()),
        }
    }

    fn keep_data_key(&self, scope: &WorkspaceScope, plaintext: Option<Blob>) -> Result<DataKey, Failure> {
        let key: [u8; 32] = plaintext
            .and_then(|blob| blob.into_inner().try_into().ok())
            .ok_or_else(|| Failure::internal("a data key is not 32 bytes"))?;
        if let Ok(mut keys) = self.data_keys.0.lock() {
            keys.insert(scope.workspace(), key);
        }
        Ok(DataKey::new(Box::new(key)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 32] = [7; 32];

    #[test]
    fn a77_a_sealed_text_opens_only_in_its_own_place_under_its_own_key() {
        let (here, there) = (WorkspaceId::from_bytes([1; 10]), WorkspaceId::from_bytes([2; 10]));
        let sealed = seal(&KEY, here, "a", "hunter2 hunter2").unwrap();
        assert!(!STANDARD.decode(&sealed).unwrap().windows(7).any(|w| w == b"hunter2"));
        assert_eq!(open(&KEY, here, "a", &sealed).unwrap().expose_secret(), "hunter2 hunter2");
        assert!(open(&KEY, here, "b", &sealed).is_err());
        assert!(open(&KEY, there, "a", &sealed).is_err());
        assert!(open(&[8; 32], here, "a", &sealed).is_err());
        let mut bytes = STANDARD.decode(&sealed).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        assert!(open(&KEY, here, "a", &STANDARD.encode(bytes)).is_err());
        for bad in ["", "AQ==", "not base64"] {
            assert!(open(&KEY, here, "a", bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_same_text_is_never_sealed_twice_the_same() {
        let here = WorkspaceId::from_bytes([1; 10]);
        assert_ne!(seal(&KEY, here, "a", "x").unwrap(), seal(&KEY, here, "a", "x").unwrap());
    }
}
