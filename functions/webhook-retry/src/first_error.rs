//! The first error among steps that do not stop each other.

use aws::ServiceError;

/// The first error of several steps, if one failed.
#[derive(Debug, Default)]
pub(crate) struct FirstError(Option<ServiceError>);

impl FirstError {
    /// Returns the value of `result`. After an error returns the default, and keeps the error if it is the first.
    pub(crate) fn or_default<T: Default>(&mut self, result: Result<T, ServiceError>) -> T {
        result.unwrap_or_else(|error| {
            self.0.get_or_insert(error);
            T::default()
        })
    }

    /// Keeps the error of other steps, unless an earlier one is kept.
    pub(crate) fn add(&mut self, other: Self) {
        self.0 = self.0.take().or(other.0);
    }

    /// Returns `value` if no step failed.
    pub(crate) fn or<T>(self, value: T) -> Result<T, ServiceError> {
        self.0.map_or(Ok(value), Err)
    }
}

impl From<ServiceError> for FirstError {
    fn from(error: ServiceError) -> Self {
        Self(Some(error))
    }
}
