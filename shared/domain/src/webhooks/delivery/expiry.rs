//! When a delivery that has not ended expires.
//!
//! Events are deleted after the retention. A delivery needs its event for each attempt, so it ends before: as
//! [`DeliveryState::Expired`](super::DeliveryState::Expired), which customers see, and which the daily report counts.

use std::time::Duration;

use crate::foundation::id::EventId;
use crate::foundation::time::Timestamp;

/// How long before its event is deleted a delivery expires. Within this time the event can still be read and replayed.
pub const EXPIRY_MARGIN: Duration = Duration::from_hours(24);

/// Events that were accepted at or before this time have no open deliveries any more, if events are kept for `retention`.
pub fn expired_before(now: Timestamp, retention: Duration) -> Timestamp {
    now.minus(retention.saturating_sub(EXPIRY_MARGIN))
}

/// Whether a delivery of `event` that has not ended expires now, if events are kept for `retention`.
pub fn has_expired(event: EventId, now: Timestamp, retention: Duration) -> bool {
    event.created_at() <= expired_before(now, retention)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foundation::random::SystemRandom;

    #[test]
    fn a_delivery_expires_a_day_before_its_event_is_deleted() {
        let accepted_at: Timestamp = "2026-10-23T08:30:00Z".parse().unwrap();
        let event = EventId::new(accepted_at, &SystemRandom);
        let expires = |now: &str| has_expired(event, now.parse().unwrap(), Duration::from_hours(30 * 24));
        assert!(!expires("2026-11-21T08:29:59.999Z"));
        assert!(expires("2026-11-21T08:30:00Z"));
    }
}
