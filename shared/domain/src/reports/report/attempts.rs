//! Attempts: how many were made and accepted, and how fast webhooks arrived.

use std::time::Duration;

use serde::{Deserialize, Serialize, Serializer};
use sketches_ddsketch::DDSketch;

use crate::foundation::time::UtcDay;
use crate::webhooks::attempt::Attempt;
use crate::webhooks::delivery::{Delivery, DeliveryState, day_of};

/// Attempts and their success rate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub struct AttemptCounts {
    /// Number of attempts.
    pub made: u64,
    /// Number of attempts that the receiver accepted.
    pub succeeded: u64,
}

impl AttemptCounts {
    /// Returns the success rate in thousandths; `None` without attempts. It is rounded down, so that it is 1,000 only if all
    /// attempts succeeded.
    pub fn per_mille(self) -> Option<u64> {
        (self.succeeded * 1000).checked_div(self.made)
    }

    fn count(&mut self, attempt: &Attempt) {
        self.made += 1;
        self.succeeded += u64::from(attempt.succeeded());
    }

    fn merge(&mut self, other: Self) {
        self.made += other.made;
        self.succeeded += other.succeeded;
    }
}

/// Attempts and their success rate.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = AttemptCounts))]
#[serde(rename_all = "camelCase")]
pub(super) struct ShownAttemptCounts {
    /// Number of attempts.
    made: u64,
    /// Number of attempts that the receiver accepted.
    succeeded: u64,
    /// Success rate from 0 to 1 with three decimals, rounded down; `null` if no attempt was made.
    #[cfg_attr(feature = "openapi", schema(required = true, minimum = 0, maximum = 1))]
    success_rate: Option<f64>,
}

impl Serialize for AttemptCounts {
    /// Adds the success rate.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let per_mille = self.per_mille().and_then(|per_mille| u16::try_from(per_mille).ok());
        let success_rate = per_mille.map(|per_mille| f64::from(per_mille) / 1000.0);
        ShownAttemptCounts { made: self.made, succeeded: self.succeeded, success_rate }.serialize(serializer)
    }
}

/// Time from the acceptance of an event to the end of the successful attempt or replay, including waiting time and failed
/// attempts. Accurate to one percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Latency {
    /// Median in milliseconds.
    #[serde(rename = "p50")]
    pub p50_ms: u64,
    /// 95th percentile in milliseconds.
    #[serde(rename = "p95")]
    pub p95_ms: u64,
}

/// The attempts of a day, the first attempts of its deliveries, and their latencies.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AttemptTotals {
    pub(super) on_day: AttemptCounts,
    pub(super) first: AttemptCounts,
    /// `None` until the first latency: an empty sketch contains infinite numbers, which JSON cannot represent.
    latencies: Option<DDSketch>,
}

impl AttemptTotals {
    /// Counts the attempts that `delivery` made on `day`.
    pub(super) fn count_on(&mut self, day: UtcDay, delivery: &Delivery) {
        let on_day = delivery.attempts.iter().filter(|attempt| day_of(delivery.id, attempt.ended_at()) == day);
        on_day.for_each(|attempt| self.on_day.count(attempt));
    }

    /// Counts the first attempt and the latency of a delivery of the day.
    pub(super) fn count_delivery(&mut self, delivery: &Delivery) {
        if let Some(first) = delivery.attempts.first() {
            self.first.count(first);
        }
        let delivered_at = delivery.ended_at().filter(|_| delivery.state == DeliveryState::Delivered);
        if let Some(delivered_at) = delivered_at {
            let latency = delivered_at.since(delivery.id.event.created_at());
            self.latencies.get_or_insert_default().add(latency.as_secs_f64());
        }
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.on_day.merge(other.on_day);
        self.first.merge(other.first);
        match (&mut self.latencies, other.latencies) {
            (Some(ours), Some(theirs)) => ours.merge(&theirs).expect("all sketches have the same configuration"),
            (ours, theirs) => *ours = ours.take().or(theirs),
        }
    }

    pub(super) fn latency(&self) -> Option<Latency> {
        Some(Latency { p50_ms: self.percentile(0.5)?, p95_ms: self.percentile(0.95)? })
    }

    fn percentile(&self, quantile: f64) -> Option<u64> {
        let seconds = self.latencies.as_ref()?.quantile(quantile).expect("quantiles are between 0 and 1")?;
        let latency = Duration::try_from_secs_f64(seconds).expect("latencies are never negative");
        u64::try_from(latency.as_millis()).ok()
    }
}
