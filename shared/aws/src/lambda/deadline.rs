//! The time at which Lambda ends an invocation.

use domain::foundation::time::Timestamp;

/// Returns the deadline of an invocation. Lambda passes it as `millis` since 1970. A number that is not a time leaves no time: the
/// deadline is `now`.
pub fn deadline(millis: u64, now: Timestamp) -> Timestamp {
    i64::try_from(millis).ok().and_then(Timestamp::from_millis).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_that_is_not_a_time_leaves_no_time() {
        let at = |millis| Timestamp::from_millis(millis).unwrap();
        assert_eq!(deadline(7, at(1)), at(7));
        for millis in [u64::MAX, i64::MAX as u64] {
            assert_eq!(deadline(millis, at(1)), at(1));
        }
    }
}
