//! Which endpoints of a project receive which events, cached so that publishing need not read them every time.
//!
//! An event that is published after the response to a change must be sent to the changed endpoints. Other instances of this
//! function may have cached the endpoints before the change. The response to a change of subscriptions therefore waits until
//! these copies have expired ([`Subscriptions::wait_until_known`]).

use std::sync::Arc;
use std::time::Duration;

use aws::store::{ProjectStore, StoreError};
use domain::foundation::cache::Cache;
use domain::foundation::clock::Clock;
use domain::foundation::id::{EndpointId, ProjectId};
use domain::projects::audit::{Action, AuditChange, Resource};
use domain::webhooks::endpoint::{Endpoint, EndpointField};
use domain::webhooks::event::EventType;
use tokio::time::sleep;

/// How long subscriptions are cached.
pub(crate) const MAX_AGE: Duration = Duration::from_secs(1);

/// Added to [`MAX_AGE`], because the timer of one instance and the clock of another differ by a little.
const MARGIN: Duration = Duration::from_millis(250);

/// Maximum number of projects in the cache.
const MAX_PROJECTS: usize = 1000;

/// The endpoints of each project.
pub(crate) struct Subscriptions {
    store: ProjectStore,
    clock: Arc<dyn Clock>,
    max_age: Duration,
    cache: Cache<ProjectId, Arc<Vec<Endpoint>>>,
}

impl Subscriptions {
    /// With a `max_age` of zero, nothing is cached.
    pub(crate) fn new(store: ProjectStore, clock: Arc<dyn Clock>, max_age: Duration) -> Self {
        Self { store, clock, max_age, cache: Cache::new(max_age, MAX_PROJECTS) }
    }

    /// Returns the endpoints of a project as they were at most [`MAX_AGE`] ago; `None` if there is no such project.
    pub(crate) async fn of(&self, project: ProjectId) -> Result<Option<Arc<Vec<Endpoint>>>, StoreError> {
        // The age counts from before the read: a change during the read may be missing in it.
        let read_at = self.clock.now();
        if let Some(endpoints) = self.cache.get(&project, read_at) {
            return Ok(Some(endpoints));
        }
        let Some((_, endpoints)) = self.store.with_endpoints(project).await? else { return Ok(None) };
        let endpoints = Arc::new(endpoints);
        self.cache.insert(project, Arc::clone(&endpoints), read_at);
        Ok(Some(endpoints))
    }

    /// Waits until no instance uses subscriptions from before a change that has been written.
    pub(crate) async fn wait_until_known(&self) {
        if !self.max_age.is_zero() {
            sleep(self.max_age + MARGIN).await;
        }
    }
}

/// Returns the endpoints that receive events of a type.
pub(crate) fn receivers(endpoints: &[Endpoint], event_type: EventType) -> Vec<EndpointId> {
    endpoints.iter().filter(|endpoint| endpoint.wants(event_type)).map(|endpoint| endpoint.id).collect()
}

/// Whether other endpoints receive events after the change than before it.
pub(crate) fn are_changed_by(change: &AuditChange) -> bool {
    match (&change.resource, change.action) {
        (Resource::Endpoint { .. }, Action::Created | Action::Deleted) | (Resource::Project, Action::Deleted) => true,
        (Resource::Endpoint { .. }, Action::Changed) => {
            change.changes.iter().any(|change| change.field == EndpointField::EventTypes.audit_name())
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use domain::projects::audit::Fields;
    use serde_json::json;

    use super::*;

    fn fields(value: serde_json::Value) -> Fields {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn only_changes_of_who_receives_events_are_waited_for() {
        let id = "019ab5e0-0000-7000-8000-000000000003".parse().unwrap();
        let (endpoint, none) = (Resource::Endpoint { id }, Fields::new());
        let all = fields(json!({"url": "https://a.example/", "eventTypes": ["aml"], "state": "active"}));
        let changed = |name: &str, value| {
            let mut after = all.clone();
            after.insert(name.to_owned(), value);
            AuditChange::changed(endpoint, &all, &after)
        };
        for (change, is_waited_for) in [
            (AuditChange::created(endpoint, &all), true),
            (AuditChange::deleted(endpoint, &all), true),
            (changed("eventTypes", json!(["aml", "submit"])), true),
            (changed("eventTypes", json!(null)), true),
            (changed("url", json!("https://b.example/")), false),
            // A paused endpoint still gets deliveries, which are held.
            (changed("state", json!("paused")), false),
            (changed("heldDeliveries", json!(7)), false),
            (AuditChange::deleted(Resource::Project, &none), true),
            (AuditChange::changed(Resource::Project, &none, &fields(json!({"name": "Acme"}))), false),
            (AuditChange::created(Resource::ReturnUrl, &all), false),
        ] {
            assert_eq!(are_changed_by(&change), is_waited_for, "{change:?}");
        }
    }
}
