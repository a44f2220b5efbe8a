//! The next free slot of endpoints with a pace. [`domain::webhooks::delivery::slots`] has the rules.
//!
//! There is one row for each endpoint and pace. While senders with cached settings still use the previous pace, each pace has slots of
//! its own, instead of one row that they change back and forth.

use std::time::Duration;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure};

use super::deliveries::{DeliveryStore, UNDER_WAY};
use super::error::StoreError;
use super::keys;
use super::outcome::WriteOutcome;
use super::table::{ABSENT, Item, Table, number, unavailable};
use crate::client::Aws;
use domain::foundation::id::{EndpointId, ProjectId};
use domain::foundation::time::Timestamp;
use domain::webhooks::delivery::Delivery;
use domain::webhooks::delivery::slots::{SlotClaim, Slots};

/// Maximum number of tries for a claim that conflicts with others.
const TRIES: usize = 5;

/// How long a row is kept after its last change. Without a row, the next slot is free at once.
const KEPT_FOR: Duration = Duration::from_hours(48);

const NEXT_FREE: &str = "nextFree";

/// The slots of endpoints with a pace.
#[derive(Debug, Clone)]
pub struct PaceStore {
    table: Table,
}

/// The result of one write.
enum Tried {
    Taken(Slots),
    /// Another claim came first, or the assumed next free slot was wrong. The stored one, if there is a row.
    Conflict(Option<i64>),
}

impl PaceStore {
    /// Opens the store in the table `activity` with this name.
    pub fn new(aws: &Aws, table: impl Into<String>) -> Self {
        Self { table: Table::new(aws, table.into()) }
    }

    /// Takes free slots of an endpoint. `known` is a slot up to which all are taken, from an earlier claim at the same pace. The claim
    /// costs one write if `known` is up to date. If it shows that no slot is free, nothing is written.
    ///
    /// If the response to a write is lost and the SDK repeats it, some slots remain unused, which is harmless.
    pub async fn claim(
        &self,
        project: ProjectId,
        endpoint: EndpointId,
        claim: SlotClaim,
        known: Option<i64>,
    ) -> Result<Slots, StoreError> {
        let mut slots = claim.slots(known);
        for _ in 0..TRIES {
            if slots.count == 0 {
                return Ok(slots);
            }
            match self.take(project, endpoint, claim, slots).await? {
                Tried::Taken(taken) => return Ok(taken),
                Tried::Conflict(next_free) => slots = claim.slots(next_free),
            }
        }
        Err(StoreError::Overloaded)
    }

    /// Takes `slots` if they are the next free ones. If they lie in the future, later ones are taken if others were taken meanwhile.
    async fn take(
        &self,
        project: ProjectId,
        endpoint: EndpointId,
        claim: SlotClaim,
        slots: Slots,
    ) -> Result<Tried, StoreError> {
        let (pk, sk) = keys::pace_row(project, endpoint, claim.pace);
        let now = claim.now_micros();
        let call = self.table.updating(&pk, &sk);
        let call = if slots.first == now {
            call.update_expression(format!("SET {NEXT_FREE} = :next, expiresAt = :expires"))
                .condition_expression(format!("{ABSENT} OR {NEXT_FREE} <= :now"))
                .expression_attribute_values(":next", number(slots.next_free()))
        } else {
            call.update_expression(format!("SET {NEXT_FREE} = {NEXT_FREE} + :length, expiresAt = :expires"))
                .condition_expression(format!("{NEXT_FREE} > :now AND {NEXT_FREE} <= :latest"))
                .expression_attribute_values(":length", number(slots.length()))
                .expression_attribute_values(":latest", number(claim.latest_first(slots.count)))
        };
        let expires_at = claim.now.plus(KEPT_FOR).as_seconds();
        let call = call
            .expression_attribute_values(":now", number(now))
            .expression_attribute_values(":expires", number(expires_at));
        send(call, slots).await
    }
}

impl DeliveryStore {
    /// Records that the next attempt of `delivery` waits for its slot, unless the delivery ended or another attempt was recorded
    /// meanwhile. The sweep checks it at `sweep_at`.
    pub async fn record_waiting_for_slot(
        &self,
        delivery: &Delivery,
        sweep_at: Timestamp,
    ) -> Result<WriteOutcome, StoreError> {
        self.record_under_way(delivery, Some(sweep_at), None, &UNDER_WAY).await
    }
}

async fn send(call: UpdateItemFluentBuilder, slots: Slots) -> Result<Tried, StoreError> {
    let call = call
        .return_values(ReturnValue::UpdatedNew)
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    match call.send().await {
        Ok(written) => {
            let next_free = written.attributes().and_then(next_free).unwrap_or_else(|| slots.next_free());
            Ok(Tried::Taken(slots.from(next_free - slots.length())))
        }
        Err(error) => match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(failure)) => {
                Ok(Tried::Conflict(failure.item().and_then(next_free)))
            }
            _ => Err(unavailable(error)),
        },
    }
}

fn next_free(row: &Item) -> Option<i64> {
    row.get(NEXT_FREE)?.as_n().ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::super::testing::Database;
    use super::super::{Due, DueSelection, SHARDS};
    use super::*;
    use domain::foundation::id::{DeliveryId, EventId};
    use domain::foundation::random::SystemRandom;
    use domain::webhooks::delivery::DeliveryState;
    use domain::webhooks::delivery::slots::{MAX_SLOT_DELAY, Slot};
    use domain::webhooks::endpoint::Pace;
    use domain::webhooks::event::EventType;
    use proptest::prelude::*;

    fn now() -> Timestamp {
        "2026-11-22T08:30:00Z".parse().unwrap()
    }

    fn after(millis: u64) -> Timestamp {
        now().plus(Duration::from_millis(millis))
    }

    fn pace(per_minute: u32) -> Pace {
        Pace::try_from(per_minute).unwrap()
    }

    /// An endpoint in a database.
    struct Site {
        store: Database,
        project: ProjectId,
        endpoint: EndpointId,
    }

    impl Site {
        async fn new() -> Self {
            let (project, endpoint) = (ProjectId::new(now(), &SystemRandom), EndpointId::new(now(), &SystemRandom));
            Self { store: Database::start().await, project, endpoint }
        }

        async fn claim(&self, per_minute: u32, count: u32, now: Timestamp, known: Option<i64>) -> Slots {
            let claim = SlotClaim { pace: pace(per_minute), count, now };
            self.store.pace.claim(self.project, self.endpoint, claim, known).await.unwrap()
        }

        async fn times(&self, per_minute: u32, count: u32, now: Timestamp) -> Vec<Timestamp> {
            self.claim(per_minute, count, now, None).await.each().map(|slot| slot.at).collect()
        }
    }

    #[tokio::test]
    async fn claims_take_one_slot_after_the_other() {
        let site = Site::new().await;
        assert_eq!(site.times(120, 1, now()).await, [now()]);
        assert_eq!(site.times(120, 3, after(100)).await, [after(500), after(1000), after(1500)]);
        assert_eq!(site.times(120, 1, after(5000)).await, [after(5000)], "slots that nobody took have passed");
    }

    #[tokio::test]
    async fn no_slot_is_taken_that_lies_more_than_15_minutes_ahead() {
        let site = Site::new().await;
        assert_eq!(site.times(1, 10, now()).await.len(), 10);
        let last = site.times(1, 10, now()).await;
        assert_eq!((last.len(), last.last()), (6, Some(&now().plus(MAX_SLOT_DELAY))));
        assert_eq!(site.times(1, 1, after(59_999)).await, []);
        assert_eq!(site.times(1, 2, after(60_000)).await, [after(960_000)]);
    }

    #[tokio::test]
    async fn each_pace_and_each_endpoint_has_slots_of_its_own() {
        let site = Site::new().await;
        site.claim(60, 900, now(), None).await;
        assert_eq!(site.times(6000, 2, now()).await, [now(), after(10)]);
        let other = Site { endpoint: EndpointId::new(now(), &SystemRandom), ..site };
        assert_eq!(other.times(60, 1, now()).await, [now()]);
    }

    #[tokio::test]
    async fn concurrent_claims_take_different_slots() {
        let site = Site::new().await;
        let claims = futures::future::join_all((0..40).map(|_| site.claim(600, 1, now(), None))).await;
        let mut first: Vec<i64> = claims.iter().map(|slots| slots.first - claims[0].first).collect();
        first.sort_unstable();
        let expected: Vec<i64> = (0..40).map(|index| index * 100_000).collect();
        assert_eq!(first.iter().map(|at| at - first[0]).collect::<Vec<_>>(), expected);
    }

    /// A waiting delivery as a version reads it that does not know slots.
    #[derive(Debug, PartialEq, serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Earlier {
        state: DeliveryState,
        next_attempt_at: Timestamp,
    }

    #[tokio::test]
    async fn a_delivery_that_waits_for_its_slot_is_due_then_and_earlier_versions_read_it_as_waiting() {
        let site = Site::new().await;
        let id = DeliveryId { event: EventId::new(now(), &SystemRandom), endpoint: site.endpoint };
        let slot = Slot { at: after(5000), pace: pace(60), is_second: false };
        let waiting = Delivery::unattempted(site.project, id, EventType::Aml, None).waiting_for_slot(slot);
        let deliveries = &site.store.deliveries;
        deliveries.record_waiting_for_slot(&waiting, after(9000)).await.unwrap();
        assert_eq!(deliveries.recorded_now(site.project, id).await.unwrap(), Some(waiting.clone()));
        let (pk, sk) = keys::delivery_row(site.project, id);
        let earlier: Option<Earlier> = deliveries.table.get_now(&pk, &sk).await.unwrap();
        assert_eq!(earlier, Some(Earlier { state: DeliveryState::Waiting, next_attempt_at: slot.at }));

        let mut due = Vec::new();
        for shard in 0..SHARDS {
            due.extend(site.store.sweep.due_in_shard(shard, after(9000), None, DueSelection::ALL).await.unwrap().due);
        }
        assert!(matches!(&due[..], [Due::Delivery(due)] if due.next_attempt_at == slot.at), "{due:?}");
        deliveries.record_closed(&waiting.clone().cancelled(now())).await.unwrap();
        assert_eq!(deliveries.record_waiting_for_slot(&waiting, now()).await.unwrap(), WriteOutcome::Conflict);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

        /// Claims of senders with different clocks, some of which know an earlier claim.
        #[test]
        fn the_store_takes_the_slots_that_the_rules_give(
            claims in proptest::collection::vec((1..20_u32, 0..400_000_u64, any::<bool>()), 1..25),
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let site = Site::new().await;
                let (mut next_free, mut earlier) = (None, None);
                for (count, at, knows) in claims {
                    let expected = SlotClaim { pace: pace(7), count, now: after(at) }.slots(next_free);
                    let known = earlier.filter(|_| knows);
                    let taken = site.claim(7, count, after(at), known).await;
                    prop_assert_eq!(taken.each().collect::<Vec<_>>(), expected.each().collect::<Vec<_>>());
                    earlier = next_free;
                    if expected.count > 0 {
                        next_free = Some(expected.next_free());
                    }
                }
                Ok(())
            })?;
        }
    }
}
