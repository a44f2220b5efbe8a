//! How an endpoint is doing: its state and its health as one value.

use domain::foundation::time::Timestamp;
use domain::webhooks::health::{DisableReason, HoldReason};

use crate::layout::endpoint_names::State;
use crate::pages::endpoints::view::{Endpoint, Health};

/// How an endpoint is doing, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Condition {
    /// The receiver answered 410. Nothing is sent.
    Gone,
    /// The receiver failed for days. Nothing is sent.
    GivenUp,
    /// Several attempts in a row failed. Deliveries are held, and one at a time probes the receiver.
    Failing,
    /// The receiver has not granted webhooks in a handshake. Deliveries are held.
    Unverified,
    /// The receiver asked for a pause.
    Busy,
    /// The last attempts failed. Webhooks are still sent.
    Unsteady,
    /// Somebody paused the endpoint.
    Paused,
    /// The receiver works again, and held deliveries are sent little by little.
    CatchingUp,
    /// All is well.
    Active,
}

impl Condition {
    /// The tone of the chip.
    pub(crate) const fn tone(self) -> &'static str {
        match self {
            Self::Gone | Self::GivenUp | Self::Failing => "bad",
            Self::Unverified | Self::Busy | Self::Unsteady => "warn",
            Self::Paused => "idle",
            Self::CatchingUp => "held",
            Self::Active => "ok",
        }
    }
}

impl Endpoint {
    /// How the endpoint is doing.
    pub(crate) fn condition(&self) -> Condition {
        match (self.state, self.health.left_alone_until, self.health.left_alone_because) {
            (State::Paused, _, _) => Condition::Paused,
            (State::Unverified, _, _) => Condition::Unverified,
            (State::Disabled, _, _) => match self.health.disabled_because {
                Some(DisableReason::Gone) => Condition::Gone,
                Some(DisableReason::Failing) | None => Condition::GivenUp,
            },
            (State::Active, Some(_), Some(HoldReason::Busy)) => Condition::Busy,
            (State::Active, Some(_), _) => Condition::Failing,
            (State::Active, None, _) if self.health.failures > 0 => Condition::Unsteady,
            (State::Active, None, _) if self.held_deliveries > 0 => Condition::CatchingUp,
            (State::Active, None, _) => Condition::Active,
        }
    }

    /// The tone of the state's chip.
    pub(crate) fn tone(&self) -> &'static str {
        self.condition().tone()
    }

    /// When the condition began, if that is known.
    pub(crate) fn since(&self) -> Option<Timestamp> {
        match self.condition() {
            Condition::Gone | Condition::GivenUp => self.health.disabled_at,
            Condition::Failing | Condition::Busy | Condition::Unsteady => self.health.failing_since,
            Condition::Unverified | Condition::Paused | Condition::CatchingUp | Condition::Active => None,
        }
    }

    /// Whether there is more to say than the state.
    pub(crate) fn has_details(&self) -> bool {
        let Health { failures, disabled_at, left_alone_until, .. } = self.health;
        failures > 0 || disabled_at.is_some() || left_alone_until.is_some() || self.held_deliveries > 0
    }

    /// Whether the endpoint can be paused.
    pub(crate) fn can_pause(&self) -> bool {
        self.state == State::Active
    }

    /// Whether sending can begin again at once.
    pub(crate) fn can_resume(&self) -> bool {
        match self.condition() {
            Condition::Gone | Condition::GivenUp | Condition::Failing | Condition::Busy | Condition::Paused => true,
            Condition::Unverified | Condition::Unsteady | Condition::CatchingUp | Condition::Active => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::pages::endpoints::view::testing::endpoint;

    #[test]
    fn state_and_health_are_one_condition() {
        let (at, later) = ("2026-11-22T08:30:00.000Z", "2026-11-22T08:45:00.000Z");
        let failing =
            |reason| json!({"failures": 12, "failingSince": at, "leftAloneUntil": later, "leftAloneBecause": reason});
        let disabled = |reason| json!({"failures": 1, "disabledAt": at, "disabledBecause": reason});
        for (state, held, health, condition, since) in [
            ("active", 0, json!({"failures": 0}), Condition::Active, None),
            ("active", 2, json!({"failures": 0}), Condition::CatchingUp, None),
            ("active", 2, json!({"failures": 1, "failingSince": at}), Condition::Unsteady, Some(at)),
            ("active", 2, failing("failing"), Condition::Failing, Some(at)),
            ("active", 0, failing("busy"), Condition::Busy, Some(at)),
            ("disabled", 2, disabled("gone"), Condition::Gone, Some(at)),
            ("disabled", 2, disabled("failing"), Condition::GivenUp, Some(at)),
            ("paused", 2, failing("failing"), Condition::Paused, None),
            ("unverified", 2, failing("failing"), Condition::Unverified, None),
        ] {
            let endpoint = endpoint(&json!({"state": state, "heldDeliveries": held, "health": health}));
            assert_eq!(endpoint.condition(), condition);
            assert_eq!(endpoint.since().map(String::from).as_deref(), since, "{condition:?}");
        }
    }

    #[test]
    fn an_endpoint_is_named_by_its_description_or_url() {
        let mut endpoint = endpoint(&json!({"heldDeliveries": 100}));
        assert_eq!((endpoint.name(), endpoint.held().as_str()), ("a.example/", "100+"));
        endpoint.description = Some("CRM".to_owned());
        assert_eq!((endpoint.name(), endpoint.types()), ("CRM", None));
    }
}
