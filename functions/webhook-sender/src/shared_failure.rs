//! The failure of a call that several callers wait for.

use std::time::Instant;

/// The last failure of a call. Callers that waited for this call fail too: if each made the call again, the last of them would be too
/// late.
pub(crate) struct SharedFailure<E>(Option<(Instant, E)>);

impl<E: Clone> SharedFailure<E> {
    /// Notes that the call failed now.
    pub(crate) fn note(&mut self, failure: E) {
        self.0 = Some((Instant::now(), failure));
    }

    /// The last failure, if it came after `since`, when the caller began to wait.
    pub(crate) fn since(&self, since: Instant) -> Option<E> {
        let (failed_at, failure) = self.0.as_ref()?;
        (*failed_at >= since).then(|| failure.clone())
    }
}

impl<E> Default for SharedFailure<E> {
    fn default() -> Self {
        Self(None)
    }
}
