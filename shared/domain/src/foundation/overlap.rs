//! How long a replaced secret or key stays valid beside its successor.

use std::time::Duration;

use serde::Deserialize;
use thiserror::Error;

/// How long a replaced secret or key stays valid: 0 to 30 days. The default is 1 day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = u8, minimum = 0, maximum = 30, example = 7))]
#[serde(try_from = "u64")]
pub struct Overlap(Duration);

/// A number of days outside the range of an [`Overlap`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be a number of days from 0 to 30")]
pub struct BadOverlap;

impl Overlap {
    /// No overlap: the replaced secret or key becomes invalid at once.
    pub const NONE: Self = Self(Duration::ZERO);

    /// The overlap as a duration.
    pub const fn duration(self) -> Duration {
        self.0
    }
}

impl TryFrom<u64> for Overlap {
    type Error = BadOverlap;

    fn try_from(days: u64) -> Result<Self, BadOverlap> {
        if days <= 30 { Ok(Self(Duration::from_hours(days * 24))) } else { Err(BadOverlap) }
    }
}

impl Default for Overlap {
    fn default() -> Self {
        Self(Duration::from_hours(24))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overlap_is_0_to_30_days() {
        let read = |text: &str| serde_json::from_str::<Overlap>(text).ok().map(Overlap::duration);
        assert_eq!((read("0"), read("30")), (Some(Duration::ZERO), Some(Duration::from_hours(720))));
        assert_eq!(Overlap::default().duration(), Duration::from_hours(24));
        for bad in ["31", "-1", "1.5", "\"1\""] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
