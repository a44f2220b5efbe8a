//! The health of one endpoint in the memory of this sender: the row as it was last read or written, and the attempts made since.

use std::sync::{Mutex as SyncMutex, MutexGuard as SyncMutexGuard, PoisonError};
use std::time::Duration;

use aws::store::StoredHealth;
use domain::foundation::id::EndpointId;
use domain::foundation::time::Timestamp;
use domain::webhooks::attempt::Attempt;
use domain::webhooks::health::{DueWrite, Health, HealthPolicy, LocalHealth, Unwritten};
use tokio::sync::{Mutex, MutexGuard};

/// The health of one endpoint, shared by all deliveries to it. Reading it never waits for the store.
pub(crate) struct EndpointHealth {
    state: SyncMutex<State>,
    /// Held during a write, so that attempts that end meanwhile are written together by the next one.
    writing: Mutex<()>,
}

struct State {
    row: StoredHealth,
    read_at: Timestamp,
    local: LocalHealth,
}

impl EndpointHealth {
    pub(crate) fn new(row: StoredHealth, now: Timestamp) -> Self {
        let local = LocalHealth::new(row.health.clone());
        Self { state: SyncMutex::new(State { row, read_at: now, local }), writing: Mutex::default() }
    }

    /// The stored health with all attempts of this sender applied.
    pub(crate) fn health(&self) -> Health {
        self.state().local.health().clone()
    }

    pub(crate) fn id(&self) -> EndpointId {
        self.state().row.health.endpoint_id
    }

    /// Whether the endpoint had a row when it was last read or written.
    pub(crate) fn is_stored(&self) -> bool {
        self.state().row.is_stored()
    }

    /// Whether the row was read within `max_age`.
    pub(crate) fn is_fresh(&self, now: Timestamp, max_age: Duration) -> bool {
        now.since(self.state().read_at) < max_age
    }

    pub(crate) fn note(&self, attempt: &Attempt, retry_after: Option<Duration>, policy: &HealthPolicy) {
        self.state().local.note(attempt, retry_after, policy);
    }

    pub(crate) fn note_slow_request(&self, now: Timestamp) {
        self.state().local.note_slow_request(now);
    }

    pub(crate) fn is_changed(&self) -> bool {
        self.state().local.is_changed()
    }

    pub(crate) fn has_decision(&self, now: Timestamp) -> bool {
        self.state().local.has_decision(now)
    }

    pub(crate) fn due_write(&self, now: Timestamp) -> Option<DueWrite> {
        self.state().local.due_write(now)
    }

    /// Waits until no other write is running, and keeps others waiting until the result is dropped.
    pub(crate) async fn lock_writes(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().await
    }

    /// The row to change, and the attempts to write with it.
    pub(crate) fn start_write(&self) -> (StoredHealth, Unwritten) {
        let mut state = self.state();
        let unwritten = state.local.start_write();
        (state.row.clone(), unwritten)
    }

    pub(crate) fn finish_write(&self, row: StoredHealth, now: Timestamp, policy: &HealthPolicy) {
        let state = &mut *self.state();
        state.local.finish_write(row.health.clone(), now, policy);
        state.row = row;
    }

    /// Keeps attempts for the next write, because this one failed.
    pub(crate) fn fail_write(&self, unwritten: Unwritten, now: Timestamp, policy: &HealthPolicy) {
        self.state().local.fail_write(unwritten, now, policy);
    }

    /// Keeps attempts for the next write, because this one was not made. If the row was deleted meanwhile, so was the endpoint,
    /// and its attempts are forgotten.
    pub(crate) fn skip_write(&self, unwritten: Unwritten, row: StoredHealth, now: Timestamp, policy: &HealthPolicy) {
        let state = &mut *self.state();
        if state.row.is_stored() && !row.is_stored() {
            *state = State { local: LocalHealth::new(row.health.clone()), row, read_at: now };
        } else {
            state.local.put_back(unwritten, policy);
            state.set_row(row, now, policy);
        }
    }

    /// Keeps a row that was just read, unless it is older than the known one: reads may lag behind writes.
    pub(crate) fn set_row(&self, row: StoredHealth, now: Timestamp, policy: &HealthPolicy) {
        self.state().set_row(row, now, policy);
    }

    fn state(&self) -> SyncMutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn set_row(&mut self, row: StoredHealth, now: Timestamp, policy: &HealthPolicy) {
        self.read_at = now;
        if !row.is_older_than(&self.row) {
            self.local.set_stored(row.health.clone(), now, policy);
            self.row = row;
        }
    }
}
