//! Failures of the services that a function depends on.

#[cfg(feature = "queue")]
use crate::queue::QueueError;
#[cfg(feature = "secrets")]
use crate::secrets::SecretError;
#[cfg(feature = "ses")]
use crate::ses::MailError;
#[cfg(feature = "store")]
use crate::store::StoreError;

/// A call to an AWS service failed.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// DynamoDB failed.
    #[cfg(feature = "store")]
    #[error(transparent)]
    Store(#[from] StoreError),
    /// SQS failed.
    #[cfg(feature = "queue")]
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// Secrets Manager failed, or the key ring is invalid.
    #[cfg(feature = "secrets")]
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// SES failed.
    #[cfg(feature = "ses")]
    #[error(transparent)]
    Mail(#[from] MailError),
}

/// Lets `?` convert the listed errors of services into the variant `Service(ServiceError)` of an error type.
#[macro_export]
macro_rules! from_service_errors {
    ($target:ty: $($error:ty),+ $(,)?) => {
        $(impl From<$error> for $target {
            fn from(error: $error) -> Self {
                Self::Service(error.into())
            }
        })+
    };
}
