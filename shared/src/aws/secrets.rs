//! Secrets Manager: where the key ring is kept.

use aws_sdk_secretsmanager::Client;
use thiserror::Error;
use tokio::sync::OnceCell;

use super::{Aws, Cause};
use crate::key_ring::{BadKeyRing, KeyRing};

/// Why the key ring could not be had.
#[derive(Debug, Error)]
pub enum SecretError {
    /// Secrets Manager did not give it.
    #[error("secret of the key ring cannot be read")]
    Unavailable(#[source] Cause),
    /// It holds no text.
    #[error("secret of the key ring holds no text")]
    NoText,
    /// Its text is no key ring.
    #[error("secret of the key ring cannot be used")]
    Bad(#[source] BadKeyRing),
}

/// The secret that holds the key ring. It is read when it is first needed, and then kept.
#[derive(Debug)]
pub struct KeyRingSecret {
    client: Client,
    name: String,
    ring: OnceCell<KeyRing>,
}

impl KeyRingSecret {
    /// The secret called `name` (name or ARN).
    pub fn new(aws: &Aws, name: impl Into<String>) -> Self {
        Self { client: Client::new(aws.sdk()), name: name.into(), ring: OnceCell::new() }
    }

    /// A secret that was read already, for tests.
    #[cfg(any(test, feature = "testing"))]
    pub fn known(ring: KeyRing) -> Self {
        let aws = Aws::local("http://127.0.0.1:1".to_owned());
        Self { client: Client::new(aws.sdk()), name: String::new(), ring: OnceCell::new_with(Some(ring)) }
    }

    /// The key ring.
    pub async fn ring(&self) -> Result<&KeyRing, SecretError> {
        self.ring.get_or_try_init(|| self.read()).await
    }

    async fn read(&self) -> Result<KeyRing, SecretError> {
        let answer = self.client.get_secret_value().secret_id(&self.name).send().await;
        let secret = answer.map_err(|error| SecretError::Unavailable(error.into()))?;
        KeyRing::from_json(secret.secret_string().ok_or(SecretError::NoText)?).map_err(SecretError::Bad)
    }
}
