//! An error and its causes as one line.

use std::error::Error;

/// Joins an error and its causes in one line.
pub fn chain(error: &dyn Error) -> String {
    causes(error).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// An error, its cause, the cause of that cause, and so on.
pub fn causes<'a>(error: &'a (dyn Error + 'a)) -> impl Iterator<Item = &'a (dyn Error + 'a)> {
    std::iter::successors(Some(error), |&error| error.source().map(|cause| cause as _))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot write")]
    struct CannotWrite(#[source] std::fmt::Error);

    #[test]
    fn an_error_is_followed_by_its_cause() {
        let cause = std::fmt::Error;
        assert_eq!(chain(&CannotWrite(cause)), format!("cannot write: {cause}"));
        assert_eq!(chain(&cause), cause.to_string());
    }
}
