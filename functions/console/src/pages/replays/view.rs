//! What the api returns about a replay.

use domain::foundation::id::{EndpointId, ReplayId};
use domain::foundation::time::Timestamp;
use domain::public_names;
use domain::webhooks::event::EventType;
use domain::webhooks::replay::{Progress, ReplayScope, ReplayState, ReplayableState};
use serde::Deserialize;

use crate::http::pairs::Pairs;
use crate::pages::replays::path_of;

/// A replay.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Replay {
    pub(super) id: ReplayId,
    pub(super) state: ReplayState,
    pub(super) filter: Filter,
    pub(super) rate_per_minute: u32,
    pub(super) progress: Progress,
    pub(super) created_at: Timestamp,
}

public_names! {
    /// Which deliveries a replay sends, as the form names them.
    pub(super) enum Which {
        /// Those whose attempts all failed.
        Failed = "failed",
        /// Those that could not be delivered in time.
        Expired = "expired",
        /// Those that were delivered.
        Delivered = "delivered",
        /// Those of events that an endpoint has no delivery of.
        Missing = "missing",
    }
}

/// Which deliveries a replay sends.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Filter {
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
    #[serde(default)]
    pub(super) endpoint_id: Option<EndpointId>,
    #[serde(default, rename = "type")]
    pub(super) event_type: Option<EventType>,
    scope: ReplayScope,
    #[serde(default)]
    state: Option<ReplayableState>,
}

impl Filter {
    /// Which deliveries are sent.
    pub(super) fn which(&self) -> Which {
        Which::of(self.scope, self.state.unwrap_or_default())
    }
}

impl Which {
    /// The deliveries of this scope and state. `state` does not matter if they are missing.
    pub(super) const fn of(scope: ReplayScope, state: ReplayableState) -> Self {
        match (scope, state) {
            (ReplayScope::Missing, _) => Self::Missing,
            (ReplayScope::Ended, ReplayableState::Failed) => Self::Failed,
            (ReplayScope::Ended, ReplayableState::Expired) => Self::Expired,
            (ReplayScope::Ended, ReplayableState::Delivered) => Self::Delivered,
        }
    }
}

/// What a dry run counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum DryRun {
    /// Exactly this many.
    Matching(u64),
    /// This many, and more that were not counted.
    AtLeast(u64),
}

impl Replay {
    /// The path of the replay's page.
    pub(super) fn path(&self) -> String {
        path_of(self.id)
    }

    /// The tone of the state's chip.
    pub(super) const fn tone(&self) -> &'static str {
        match self.state {
            ReplayState::Running => "warn",
            ReplayState::Cancelled => "idle",
            ReplayState::Done => "ok",
        }
    }

    /// Whether webhooks are still sent.
    pub(super) fn is_running(&self) -> bool {
        self.state == ReplayState::Running
    }

    /// Whether sending was stopped and can continue.
    pub(super) fn is_cancelled(&self) -> bool {
        self.state == ReplayState::Cancelled
    }

    /// Whether it has ended for good.
    pub(super) fn is_done(&self) -> bool {
        self.state == ReplayState::Done
    }

    /// Webhooks that are queued and have no result yet.
    pub(super) fn waiting(&self) -> u64 {
        self.progress.queued.saturating_sub(self.progress.settled())
    }

    /// A list with the deliveries of the replay that are not delivered, or that it created. Deliveries that were delivered before
    /// cannot be listed, because they stay delivered.
    pub(super) fn deliveries_path(&self) -> Option<String> {
        let progress = &self.progress;
        let state = match self.filter.which() {
            which @ (Which::Failed | Which::Expired) if progress.failed + progress.skipped > 0 => Some(which),
            Which::Missing if progress.queued > 0 => None,
            Which::Failed | Which::Expired | Which::Delivered | Which::Missing => return None,
        };
        let Filter { from, to, endpoint_id, event_type, .. } = &self.filter;
        let list = state.iter().fold(Pairs::default(), |list, state| list.and("state", state));
        let list = list.and("from", from.day()).and("to", to.day());
        let list = endpoint_id.iter().fold(list, |list, id| list.and("endpoint", id));
        Some(event_type.iter().fold(list, |list, event_type| list.and("type", event_type)).href("/deliveries"))
    }

    /// Whether it sends events that an endpoint has no delivery of.
    pub(super) fn sends_missing(&self) -> bool {
        self.filter.which() == Which::Missing
    }
}
