//! Ids are UUIDs of version 7, so the creation time and day of a resource follow from its id.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use uuid::{Builder, Uuid, Variant};

use crate::foundation::random::{self, Random};
use crate::foundation::time::{Timestamp, UtcDay};

/// A string that is not an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be a UUIDv7 in lower case with hyphens")]
pub struct BadId;

fn new_uuid(now: Timestamp, random: &dyn Random) -> Uuid {
    let millis = u64::try_from(now.as_millis()).unwrap_or(0);
    Builder::from_unix_timestamp_millis(millis, &random::bytes(random)).into_uuid()
}

fn parse_uuid(text: &str) -> Result<Uuid, BadId> {
    let uuid = check_uuid(Uuid::try_parse(text).map_err(|_| BadId)?)?;
    if uuid.to_string() == text { Ok(uuid) } else { Err(BadId) }
}

fn check_uuid(uuid: Uuid) -> Result<Uuid, BadId> {
    let is_version_7 = uuid.get_version_num() == 7 && uuid.get_variant() == Variant::RFC4122;
    if is_version_7 { Ok(uuid) } else { Err(BadId) }
}

fn uuid_time(uuid: Uuid) -> Timestamp {
    let millis = uuid.as_u64_pair().0 >> 16;
    let time = i64::try_from(millis).ok().and_then(Timestamp::from_millis);
    time.unwrap_or(Timestamp::MAX)
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(
            value_type = String, format = "uuid", example = "019ab5e0-0000-7000-8000-000000000001",
            pattern = "^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$",
        ))]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Uuid);

        impl $name {
            /// Creates an id with the creation time `now`.
            pub fn new(now: Timestamp, random: &dyn Random) -> Self {
                Self(new_uuid(now, random))
            }

            /// The creation time in the id.
            pub fn created_at(self) -> Timestamp {
                uuid_time(self.0)
            }

            /// The UTC day of the creation time.
            pub fn day(self) -> UtcDay {
                self.created_at().day()
            }

            /// The lowest id with the creation time `at`, with which the range of the ids from `at` on begins. No resource has it.
            pub fn first_at(at: Timestamp) -> Self {
                let millis = u64::try_from(at.as_millis()).unwrap_or(0);
                Self(Builder::from_unix_timestamp_millis(millis, &[0; 10]).into_uuid())
            }

            /// The 16 bytes of the UUID.
            pub fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }

            /// Returns the id with these bytes, or an error if it is not a `UUIDv7`.
            pub fn from_bytes(bytes: [u8; 16]) -> Result<Self, BadId> {
                check_uuid(Uuid::from_bytes(bytes)).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = BadId;

            fn from_str(text: &str) -> Result<Self, BadId> {
                parse_uuid(text).map(Self)
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadId;

            fn try_from(text: String) -> Result<Self, BadId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }
    };
}

id! {
    /// Id of a project.
    ProjectId
}
id! {
    /// Id of an API key. It is not the key itself.
    ApiKeyId
}
id! {
    /// Id of an endpoint.
    EndpointId
}
id! {
    /// Id of an event. Every attempt to deliver the event sends it as `webhook-id`.
    EventId
}
id! {
    /// Id of a notification user.
    NotificationUserId
}
id! {
    /// Id of one of a project's `secretKey`s. It is not the key itself.
    SecretKeyId
}

id! {
    /// Id of a return link that works once.
    ReturnLinkId
}

id! {
    /// Id of one of a project's key pairs: the `kid` of its public key.
    KeyPairId
}

id! {
    /// Id of a replay of one or more deliveries.
    ReplayId
}

id! {
    /// Id of a console session. The console link that opens the session has it from the start.
    ConsoleSessionId
}

id! {
    /// Id of an entry of the lane `late` of the feed. It points to an event, and contains the time at which the event was accepted.
    LateEntryId
}

impl EventId {
    /// The lowest id above this one.
    #[must_use]
    pub fn following(self) -> Self {
        const VARIANT: u64 = 1 << 63;
        let (high, low) = self.0.as_u64_pair();
        let next = match (high & 0xfff, low & !VARIANT & !(VARIANT >> 1)) {
            (_, random) if random < (VARIANT >> 1) - 1 => (high, low + 1),
            // The counter skips the bits of the variant and of the version.
            (0xfff, _) => ((high & !0xfff).wrapping_add(1 << 16), VARIANT),
            _ => (high + 1, VARIANT),
        };
        Self(Uuid::from_u64_pair(next.0, next.1))
    }

    /// Returns the id of the event `index` places after this one in a batch. The result is always the same, so repeating a
    /// batch creates the same events.
    #[must_use]
    pub fn in_batch(self, index: u8) -> Self {
        // Only random bits are counted up, so the time, the version and the variant stay as they are.
        const COUNTED: u64 = (1 << 48) - 1;
        let (high, low) = self.0.as_u64_pair();
        let counted = (low & COUNTED).wrapping_add(index.into()) & COUNTED;
        Self(Uuid::from_u64_pair(high, (low & !COUNTED) | counted))
    }
}

/// Id of a delivery, which is one event to one endpoint: `<event id>_<endpoint id>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DeliveryId {
    /// Id of the event.
    pub event: EventId,
    /// Id of the endpoint.
    pub endpoint: EndpointId,
}

impl fmt::Display for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", self.event, self.endpoint)
    }
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for DeliveryId {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        const UUID: &str = "[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}";
        let schema = utoipa::openapi::ObjectBuilder::new().schema_type(utoipa::openapi::Type::String);
        let example = "019ab5e0-0000-7000-8000-000000000004_019ab5e0-0000-7000-8000-000000000003";
        schema
            .description(Some("Id of a delivery, which is one event to one endpoint: `<event id>_<endpoint id>`."))
            .pattern(Some(format!("^{UUID}_{UUID}$")))
            .examples([example])
            .into()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for DeliveryId {}

/// A string that is not the id of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be two UUIDv7 joined by an underscore")]
pub struct BadDeliveryId;

impl FromStr for DeliveryId {
    type Err = BadDeliveryId;

    fn from_str(text: &str) -> Result<Self, BadDeliveryId> {
        let (event, endpoint) = text.split_once('_').ok_or(BadDeliveryId)?;
        Ok(Self {
            event: event.parse().map_err(|_| BadDeliveryId)?,
            endpoint: endpoint.parse().map_err(|_| BadDeliveryId)?,
        })
    }
}

impl TryFrom<String> for DeliveryId {
    type Error = BadDeliveryId;

    fn try_from(text: String) -> Result<Self, BadDeliveryId> {
        text.parse()
    }
}

impl From<DeliveryId> for String {
    fn from(id: DeliveryId) -> Self {
        id.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::foundation::random::SystemRandom;

    proptest! {
        #[test]
        fn an_id_contains_its_creation_time(millis in 0_i64..253_402_300_799_999) {
            let created_at = Timestamp::from_millis(millis).unwrap();
            let id = EventId::new(created_at, &SystemRandom);
            prop_assert_eq!(id.created_at(), created_at);
            prop_assert_eq!(id.to_string().parse::<EventId>(), Ok(id));
        }

        #[test]
        fn the_id_parsers_never_panic(text in "\\PC{0,80}") {
            let _ = text.parse::<EventId>();
            let _ = text.parse::<DeliveryId>();
        }
    }

    #[test]
    fn the_events_from_a_moment_on_begin_with_the_lowest_id_of_that_moment() {
        let [before, at] = [1_763_999_999_999, 1_764_000_000_000].map(|millis| Timestamp::from_millis(millis).unwrap());
        let first = EventId::first_at(at);
        assert_eq!((first.created_at(), first.to_string().parse()), (at, Ok(first)));
        assert!(EventId::new(before, &SystemRandom) < first && first <= EventId::new(at, &SystemRandom));
        assert!(EventId::new(before, &SystemRandom).to_string() < first.to_string());
    }

    #[test]
    fn the_id_that_follows_differs_in_the_last_random_bit_or_carries_over_version_and_variant() {
        for (id, following) in [
            ("019ab5e0-0000-7000-8000-000000000000", "019ab5e0-0000-7000-8000-000000000001"),
            ("019ab5e0-0000-7000-8fff-ffffffffffff", "019ab5e0-0000-7000-9000-000000000000"),
            ("019ab5e0-0000-7000-bfff-ffffffffffff", "019ab5e0-0000-7001-8000-000000000000"),
            ("019ab5e0-0000-7fff-bfff-ffffffffffff", "019ab5e0-0001-7000-8000-000000000000"),
            ("019ab5e0-ffff-7fff-bfff-ffffffffffff", "019ab5e1-0000-7000-8000-000000000000"),
        ] {
            assert_eq!(id.parse::<EventId>().map(EventId::following), following.parse(), "{id}");
        }
    }

    #[test]
    fn the_events_of_a_batch_have_distinct_ids_with_the_same_time() {
        let now = Timestamp::from_millis(1_764_000_000_000).unwrap();
        for first in [EventId::new(now, &SystemRandom), "019ab5e0-0000-7000-bfff-ffffffffffff".parse().unwrap()] {
            let ids: Vec<EventId> = (0..100).map(|index| first.in_batch(index)).collect();
            let distinct: std::collections::BTreeSet<EventId> = ids.iter().copied().collect();
            assert_eq!((ids[0], distinct.len()), (first, 100));
            assert!(ids.iter().all(|id| id.created_at() == first.created_at() && id.to_string().parse() == Ok(*id)));
        }
    }

    #[test]
    fn only_the_canonical_form_is_an_id() {
        for other in [
            "019AB5E0-0000-7000-8000-000000000000",
            "019ab5e0000070008000000000000000",
            "{019ab5e0-0000-7000-8000-000000000000}",
            "019ab5e0-0000-4000-8000-000000000000",
            "",
        ] {
            assert_eq!(other.parse::<EventId>(), Err(BadId), "{other}");
        }
    }

    #[test]
    fn a_delivery_id_is_read_as_it_was_written() {
        let now = Timestamp::from_millis(1_764_000_000_000).unwrap();
        let id = DeliveryId { event: EventId::new(now, &SystemRandom), endpoint: EndpointId::new(now, &SystemRandom) };
        assert_eq!(id.to_string().parse(), Ok(id));
    }
}
