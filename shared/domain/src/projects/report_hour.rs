//! The hour at which a project gets its daily report.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// An hour of the UTC day, from 0 to 23.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = u8, minimum = 0, maximum = 23, example = 8))]
#[serde(try_from = "i64", into = "u8")]
pub struct ReportHour(u8);

/// A number that is not an hour of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be a whole number from 0 to 23")]
pub struct BadReportHour;

impl ReportHour {
    /// The last hour of the day.
    pub const LAST: Self = Self(23);

    /// The hour as a number.
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl TryFrom<i64> for ReportHour {
    type Error = BadReportHour;

    fn try_from(number: i64) -> Result<Self, BadReportHour> {
        u8::try_from(number).ok().filter(|hour| *hour <= Self::LAST.0).map(Self).ok_or(BadReportHour)
    }
}

impl From<ReportHour> for u8 {
    fn from(hour: ReportHour) -> Self {
        hour.0
    }
}
