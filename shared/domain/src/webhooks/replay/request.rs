//! Requests for replays.

use super::filter::{ReplayFilter, ReplayScope, ReplayableState};
use super::rate::ReplayRate;
use crate::foundation::draft::{BadFields, Draft};
use crate::foundation::id::EndpointId;
use crate::foundation::time::Timestamp;
use crate::webhooks::delivery::EXPIRY_MARGIN;

/// A request for a replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewReplay {
    /// Deliveries to replay.
    pub filter: ReplayFilter,
    /// Number of deliveries per minute.
    pub rate: ReplayRate,
    /// Whether to count the deliveries without sending them.
    pub is_dry_run: bool,
}

impl NewReplay {
    /// Reads a request received at `now`. Events accepted before `oldest_kept` have expired. Fails with every bad field
    /// at once.
    pub fn check(mut draft: Draft, now: Timestamp, oldest_kept: Timestamp) -> Result<Self, BadFields> {
        let from: Option<Timestamp> = draft.required("from");
        let to: Option<Timestamp> = draft.required("to");
        let endpoint_id: Option<EndpointId> = draft.optional("endpointId");
        let event_type = draft.optional("type");
        let scope: ReplayScope = draft.optional("scope").unwrap_or_default();
        let state: Option<ReplayableState> = draft.optional("state");
        let rate = draft.optional("ratePerMinute").unwrap_or_default();
        let is_dry_run = draft.optional("dryRun").unwrap_or_default();
        let oldest = match scope {
            ReplayScope::Ended => oldest_kept,
            // A delivery of an older event would expire at once.
            ReplayScope::Missing => oldest_kept.plus(EXPIRY_MARGIN),
        };
        if from.is_some_and(|from| from < oldest) {
            draft.refuse::<()>("/from", &format!("must not be before {oldest}; older events have expired"));
        }
        if to.is_some_and(|to| to > now) {
            draft.refuse::<()>("/to", "must not be in the future");
        }
        if from.zip(to).is_some_and(|(from, to)| from >= to) {
            draft.refuse::<()>("/to", "must be after from");
        }
        if scope == ReplayScope::Missing && state.is_some() {
            draft.refuse::<()>("/state", "must be left out with the scope missing");
        }
        if scope == ReplayScope::Missing && endpoint_id.is_none() {
            draft.refuse::<()>("/endpointId", "is required with the scope missing");
        }
        draft.check(|| {
            let state = state.unwrap_or_default();
            let filter = ReplayFilter { from: from?, to: to?, endpoint_id, event_type, state, scope };
            Some(Self { filter, rate, is_dry_run })
        })
    }
}
