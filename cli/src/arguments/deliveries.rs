//! Options of the commands that list and replay deliveries.

use clap::{ArgGroup, Args};
use domain::foundation::id::{DeliveryId, EndpointId, ReplayId};
use domain::webhooks::event::EventType;
use domain::webhooks::replay::{ReplayRate, ReplayableState};

use super::duration::Since;
use super::values::{ProjectOption, one_of};

/// Options of `signpost deliveries`.
#[derive(Debug, Args)]
pub struct DeliveriesOptions {
    /// The project.
    #[command(flatten)]
    pub project: ProjectOption,
    /// Only failed deliveries
    #[arg(long)]
    pub failed: bool,
    /// Most deliveries to list
    #[arg(long, value_name = "NUMBER", default_value = "20", value_parser = clap::value_parser!(u16).range(1..=100))]
    pub limit: u16,
    /// Keep running, and write a line whenever a delivery changes
    #[arg(long)]
    pub follow: bool,
}

/// Options of `signpost replay`.
#[derive(Debug, Args)]
#[group(skip)]
#[command(group = ArgGroup::new("what").args(["delivery", "failed", "expired", "cancel"]).required(true))]
#[command(group = ArgGroup::new("states").args(["failed", "expired"]).requires("since"))]
pub struct ReplayOptions {
    /// Replay this delivery
    #[arg(value_name = "DELIVERY")]
    pub delivery: Option<DeliveryId>,
    /// The project.
    #[command(flatten)]
    pub project: ProjectOption,
    /// Replay the deliveries that failed
    #[arg(long)]
    pub failed: bool,
    /// Replay the deliveries that expired
    #[arg(long)]
    pub expired: bool,
    /// Only events accepted since then: 30m, 2h, 3d, or a time such as 2026-11-22T08:30:00Z
    #[arg(long, value_name = "SINCE", requires = "states")]
    pub since: Option<Since>,
    /// Only events accepted until then [default: now]
    #[arg(long, value_name = "UNTIL", requires = "states")]
    pub until: Option<Since>,
    /// Only deliveries to this endpoint
    #[arg(long, value_name = "ID", requires = "states")]
    pub endpoint: Option<EndpointId>,
    /// Only events of this type
    #[arg(long = "type", value_name = "TYPE", requires = "states", value_parser = one_of::<EventType>(EventType::ALL.map(EventType::as_str)))]
    pub event_type: Option<EventType>,
    /// Webhooks a minute, 1 to 1200 [default: 300]
    #[arg(long, value_name = "NUMBER", requires = "states", value_parser = rate)]
    pub rate: Option<ReplayRate>,
    /// Do not ask for confirmation
    #[arg(long, requires = "states")]
    pub yes: bool,
    /// Cancel this replay
    #[arg(long, value_name = "REPLAY")]
    pub cancel: Option<ReplayId>,
}

impl ReplayOptions {
    /// The state of the deliveries to replay. `None` if the options ask for something else.
    pub(crate) fn state(&self) -> Option<ReplayableState> {
        match (self.failed, self.expired) {
            (true, _) => Some(ReplayableState::Failed),
            (false, true) => Some(ReplayableState::Expired),
            (false, false) => None,
        }
    }
}

fn rate(text: &str) -> Result<ReplayRate, String> {
    let rate = text.parse::<u32>().ok().and_then(|number| ReplayRate::try_from(number).ok());
    rate.ok_or_else(|| "must be a number from 1 to 1200".to_owned())
}
