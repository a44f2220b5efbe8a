//! The key of a project's links in mails, for the functions that send mails.

use domain::foundation::id::ProjectId;
use domain::foundation::key_ring::CannotOpen;
use domain::foundation::random::Random;
use domain::reports::mail_link::{LinkKey, StoredLinkKey};
use thiserror::Error;

use crate::error::ServiceError;
use crate::secrets::{KeyRingSecret, SecretError};
use crate::store::{LinkKeyStore, StoreError};

/// Why a key could not be returned.
#[derive(Debug, Error)]
pub enum LinkKeyError {
    /// A service failed.
    #[error(transparent)]
    Service(ServiceError),
    /// The key ring does not contain the key that sealed the link key.
    #[error("the key of the project's links could not be opened")]
    Sealed(#[from] CannotOpen),
}

crate::from_service_errors!(LinkKeyError: StoreError, SecretError);

/// Returns the key of a project's links. Generates the key for the first mail.
pub async fn link_key(
    store: &LinkKeyStore,
    secret: &KeyRingSecret,
    project: ProjectId,
    random: &dyn Random,
) -> Result<LinkKey, LinkKeyError> {
    let stored = match store.get(project).await? {
        Some(stored) => stored,
        None => store.create(StoredLinkKey::generate(project, &*secret.ring().await?, random)).await?,
    };
    Ok(stored.open(&*secret.ring_to_open([&stored.sealed]).await?)?)
}
