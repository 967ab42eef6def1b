//! Signing statements. Whoever may read the root secret can sign, and nobody else; what the key is for is
//! only this, so that it opens no session.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{
    Timestamp,
    statement::{KeySet, PublicKey, Signed},
};
use ed25519_dalek::SigningKey;
use serde_json::Value;

use crate::{App, Failure, signing::Key};

/// Signs statements.
pub(crate) struct Signer {
    kid: String,
    key: SigningKey,
    /// In base64url.
    public: String,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signer({})", self.kid)
    }
}

impl App {
    /// A statement with its signature. The public half of the key is published before each, so that it
    /// outlives the statement.
    pub async fn sign_statement(&self, statement: Value, now: Timestamp) -> Result<Signed, Failure> {
        let signer = self
            .statement_signer
            .get_or_try_init(async || {
                let Key { kid, seed, public } =
                    Key::derive(&self.secret(&self.config.statement_secret).await?, "statement")?;
                let public = URL_SAFE_NO_PAD.encode(public);
                Ok::<_, Failure>(Signer { kid, key: SigningKey::from_bytes(&seed), public })
            })
            .await?;
        self.db.publish_statement_key(&signer.kid, &signer.public, now).await?;
        Signed::new(statement, &signer.kid, &signer.key).map_err(|error| Failure::internal(error.to_string()))
    }

    /// Every key that statements were ever signed with.
    pub async fn statement_keys(&self) -> Result<KeySet, Failure> {
        let keys = self.db.statement_keys().await?;
        Ok(KeySet { keys: keys.iter().map(|(kid, key)| PublicKey::new(kid, &key.x)).collect() })
    }
}
