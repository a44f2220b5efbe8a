//! Slots: how an endpoint's [pace](crate::webhooks::endpoint::Pace) is kept, whichever sender makes an attempt.
//!
//! Each attempt and each replay takes the next free slot of its endpoint. Slots lie one [interval](Pace::interval) apart. An attempt
//! whose slot is [open](SlotState::Open) starts at once. One whose slot lies [ahead](SlotState::Ahead) waits for it: its delivery
//! is stored with the slot, and a message arrives at that time. If no slot is free within [`MAX_SLOT_DELAY`], none is taken, and
//! the delivery is held. Test sends do not take a slot.
//!
//! A slot [lapses](SlotState::Lapsed) if its message arrives more than a minute late, and the attempt takes a second one. Otherwise
//! all webhooks that were planned during an outage of ours would arrive at once after it. The second slot does not lapse by a delay:
//! if all messages of an endpoint arrive late, each webhook takes two slots and is then sent. A slot also lapses when the pace
//! changes, so that a lower pace applies to planned webhooks too. The next slot is then a first one again.
//!
//! In any period, the attempts that start are therefore at most those that the pace allows in that period and 61 seconds, and one more.
//! If messages arrive later than a minute for second slots, their longest delay and a second replace the 61 seconds.
//! `docs/decisions/pace.md` lists the requests that are not counted.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::foundation::time::Timestamp;
use crate::webhooks::endpoint::Pace;

/// How far ahead a slot may lie.
pub const MAX_SLOT_DELAY: Duration = Duration::from_mins(15);

/// How long before its slot an attempt may start. The queue delays messages by whole seconds only.
const MAX_EARLY: Duration = Duration::from_secs(1);

/// How long after its first slot an attempt may start.
const MAX_LATE: Duration = Duration::from_mins(1);

/// Maximum difference of the clocks of two senders.
const MAX_CLOCK_DIFFERENCE: Duration = Duration::from_secs(5);

/// The time at which one attempt or replay may start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// When the attempt may start.
    pub at: Timestamp,
    /// The endpoint's pace when the slot was taken.
    pub pace: Pace,
    /// Whether it was taken because the message for another slot arrived too late.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_second: bool,
}

/// What a slot permits at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotState {
    /// The attempt has to wait for the slot.
    Ahead,
    /// The attempt may start.
    Open,
    /// The attempt needs another slot: this one is too long ago, or the pace has changed.
    Lapsed,
}

impl Slot {
    /// The slot, taken in place of `lapsed`.
    #[must_use]
    pub fn in_place_of(self, lapsed: Option<Self>) -> Self {
        Self { is_second: lapsed.is_some_and(|lapsed| lapsed.pace == self.pace), ..self }
    }

    /// Whether it lies so soon after `now` that it may be over already by the clock of the sender that took it.
    pub fn is_near(self, now: Timestamp) -> bool {
        self.at.since(now) <= MAX_CLOCK_DIFFERENCE
    }

    /// What the slot permits at `now` if the endpoint has this pace.
    pub fn state(self, pace: Pace, now: Timestamp) -> SlotState {
        let is_late = !self.is_second && now > self.at.plus(MAX_LATE);
        if self.pace != pace || is_late {
            SlotState::Lapsed
        } else if self.at > now.plus(MAX_EARLY) {
            SlotState::Ahead
        } else {
            SlotState::Open
        }
    }
}

/// Takes slots of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotClaim {
    /// The endpoint's pace.
    pub pace: Pace,
    /// Maximum number of slots to take, at least 1.
    pub count: u32,
    /// The current time: no slot lies before it.
    pub now: Timestamp,
}

/// Slots of an endpoint, one interval apart. Times are in microseconds since 1970, because an interval may be shorter than a few
/// milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slots {
    /// The pace.
    pub pace: Pace,
    /// Time of the first slot.
    pub first: i64,
    /// Number of slots.
    pub count: u32,
}

impl SlotClaim {
    /// The slots that the claim takes if all slots before `next_free` are taken; `None` if no slot was ever taken. There are fewer
    /// than [`count`](Self::count) if only fewer are free within [`MAX_SLOT_DELAY`].
    pub fn slots(self, next_free: Option<i64>) -> Slots {
        let (pace, now) = (self.pace, self.now_micros());
        let first = next_free.map_or(now, |next_free| next_free.max(now));
        let free = (self.latest() - first).div_euclid(interval(pace)) + 1;
        Slots { pace, first, count: u32::try_from(free.max(0)).unwrap_or(u32::MAX).min(self.count) }
    }

    /// The current time in microseconds since 1970.
    pub fn now_micros(self) -> i64 {
        micros(self.now)
    }

    /// The latest time that a slot may have.
    fn latest(self) -> i64 {
        micros(self.now.plus(MAX_SLOT_DELAY))
    }

    /// The latest time of the first slot at which all of `count` slots may be taken.
    pub fn latest_first(self, count: u32) -> i64 {
        self.latest() - interval(self.pace) * (i64::from(count) - 1)
    }
}

impl Slots {
    /// The same number of slots, from another one on.
    #[must_use]
    pub fn from(self, first: i64) -> Self {
        Self { first, ..self }
    }

    /// Time from the first slot to the next free one.
    pub fn length(self) -> i64 {
        interval(self.pace) * i64::from(self.count)
    }

    /// The next free slot after these have been taken.
    pub fn next_free(self) -> i64 {
        self.first + self.length()
    }

    /// Each slot. Its time is rounded down to a millisecond.
    pub fn each(self) -> impl Iterator<Item = Slot> {
        (0..i64::from(self.count)).filter_map(move |index| {
            let at = Timestamp::from_millis((self.first + interval(self.pace) * index) / 1000)?;
            Some(Slot { at, pace: self.pace, is_second: false })
        })
    }
}

fn micros(time: Timestamp) -> i64 {
    time.as_millis() * 1000
}

fn interval(pace: Pace) -> i64 {
    i64::try_from(pace.interval().as_micros()).expect("an interval is at most a minute")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-22T08:30:00Z".parse().unwrap()
    }

    fn pace(per_minute: u32) -> Pace {
        Pace::try_from(per_minute).unwrap()
    }

    fn claim(per_minute: u32, count: u32) -> SlotClaim {
        SlotClaim { pace: pace(per_minute), count, now: now() }
    }

    /// A first slot at a pace of 60, this many milliseconds after [`now`].
    fn slot(millis: u64) -> Slot {
        Slot { at: now().plus(Duration::from_millis(millis)), pace: pace(60), is_second: false }
    }

    #[test]
    fn an_attempt_starts_from_a_second_before_its_slot_until_a_minute_after_it() {
        let slot = slot(0);
        let millis = Duration::from_millis;
        for (at, expected) in [
            (now().minus(millis(1001)), SlotState::Ahead),
            (now().minus(millis(1000)), SlotState::Open),
            (now().plus(millis(60_000)), SlotState::Open),
            (now().plus(millis(60_001)), SlotState::Lapsed),
        ] {
            assert_eq!(slot.state(pace(60), at), expected, "{at}");
        }
        assert_eq!(slot.state(pace(30), now().minus(millis(5000))), SlotState::Lapsed, "the pace has changed");
    }

    #[test]
    fn a_second_slot_does_not_lapse_by_a_delay_but_by_a_change_of_the_pace() {
        let (hour_later, second) = (now().plus(Duration::from_hours(1)), slot(120_000).in_place_of(Some(slot(0))));
        assert_eq!(second.state(pace(60), hour_later), SlotState::Open);
        assert_eq!(second.state(pace(60), now()), SlotState::Ahead);
        assert_eq!(second.state(pace(30), hour_later), SlotState::Lapsed);
        let at_other_pace = Slot { pace: pace(30), ..slot(0) };
        for first in [slot(120_000).in_place_of(None), slot(120_000).in_place_of(Some(at_other_pace))] {
            assert_eq!(first.state(pace(60), hour_later), SlotState::Lapsed);
        }
    }

    #[test]
    fn slots_of_earlier_versions_are_first_ones() {
        let stored = serde_json::to_value(slot(0)).unwrap();
        assert_eq!(stored, serde_json::json!({"at": now(), "pace": 60}));
        assert_eq!(serde_json::from_value::<Slot>(stored).unwrap(), slot(0));
    }

    #[test]
    fn slots_start_now_or_behind_those_that_are_taken() {
        let micros = micros(now());
        for next_free in [None, Some(micros - 5), Some(micros)] {
            assert_eq!(claim(120, 2).slots(next_free).first, micros);
        }
        let slots = claim(120, 2).slots(Some(micros + 250_000));
        let after = |millis| Slot { pace: pace(120), ..slot(millis) };
        assert_eq!(slots.each().collect::<Vec<_>>(), [after(250), after(750)]);
        assert_eq!(slots.next_free(), micros + 1_250_000);
    }

    #[test]
    fn no_slot_lies_more_than_15_minutes_ahead() {
        assert_eq!(claim(1, 99).slots(None).count, 16);
        let last = claim(1, 99).slots(None).each().last().unwrap();
        assert_eq!(last.at, now().plus(MAX_SLOT_DELAY));
        let full = claim(60_000, 1).slots(None).first + 900_000_001;
        assert_eq!(claim(60_000, 1).slots(Some(full)).count, 0);
        assert_eq!(claim(60_000, 9).slots(Some(full - 1)).count, 1);
        for (count, next_free) in [(1, full - 1), (9, full - 8_001)] {
            assert_eq!(claim(60_000, count).latest_first(count), next_free, "{count}");
        }
    }
}
