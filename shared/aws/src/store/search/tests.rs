#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::runtime::Runtime;

use super::super::testing::{self, Database};
use super::super::{Count, Store, StoreConfig};
use super::*;
use crate::queue::testing::FakeQueue;
use domain::foundation::clock::FixedClock;
use domain::foundation::id::EndpointId;
use domain::foundation::random::SystemRandom;
use domain::webhooks::attempt::{Attempt, FailureReason, Phases};
use domain::webhooks::event::{Event, EventData, EventType};
use domain::webhooks::health::HoldReason;
use domain::webhooks::replay::{ReplayFilter, ReplayScope, ReplayableState};

fn now() -> Timestamp {
    "2026-11-22T08:30:00Z".parse().unwrap()
}

fn minutes_ago(minutes: u64) -> Timestamp {
    now().minus(Duration::from_mins(minutes))
}

fn attempt(is_accepted: bool) -> Attempt {
    let reason = (!is_accepted).then_some(FailureReason::Status);
    Attempt { number: 1, at: now(), duration_ms: 9, phases: Phases::default(), status: None, reason, response: None }
}

fn event(project_id: ProjectId, event_type: EventType, at: Timestamp) -> Event {
    let (id, data) = (EventId::new(at, &SystemRandom), EventData::try_from("{}".to_owned()).unwrap());
    Event { id, project_id, event_type, submission_id: None, sequence: None, occurred_at: at, data }
}

/// Stores an event and its deliveries in these states.
async fn store_event(
    store: &Store,
    event: &Event,
    endpoints: &[EndpointId],
    states: &[DeliveryState],
) -> Vec<Delivery> {
    let accepted = [(event.clone(), endpoints.to_vec())];
    store.events.accept_all(&accepted, &FixedClock(now()), &SystemRandom).await.unwrap();
    let mut deliveries = Vec::new();
    for (endpoint, state) in endpoints.iter().zip(states) {
        let queued = Delivery::queued(event, *endpoint);
        let stored = match state {
            DeliveryState::Queued => queued,
            DeliveryState::Waiting => queued.after(attempt(false), Some(Duration::from_hours(1))),
            DeliveryState::Delivered => queued.after(attempt(true), None),
            DeliveryState::Failed => queued.after(attempt(false), None),
            DeliveryState::Held => queued.held(HoldReason::Paused),
            DeliveryState::Cancelled => queued.cancelled(now()),
            DeliveryState::Expired => queued.expired(now()),
        };
        match stored.state {
            DeliveryState::Queued => {}
            DeliveryState::Held => drop(store.deliveries.record_held(&stored, now()).await.unwrap()),
            DeliveryState::Cancelled | DeliveryState::Expired => {
                store.deliveries.record_closed(&stored).await.unwrap();
            }
            _ => drop(store.deliveries.record(&stored, None).await.unwrap()),
        }
        deliveries.push(stored);
    }
    deliveries
}

/// A project with several hundred events of four days, one of which has none.
struct Site {
    store: Database,
    project: ProjectId,
    endpoints: Vec<EndpointId>,
    events: Vec<Event>,
    /// All deliveries, newest event first, in the order of their endpoints.
    deliveries: Vec<Delivery>,
}

/// Number of events.
const EVENTS: u64 = 330;

/// When event `number` was accepted: most within two hours of today, the others over days.
fn accepted_at(number: u64) -> Timestamp {
    minutes_ago(if number < 220 { number / 2 } else { 3000 + number * 5 })
}

impl Site {
    async fn start() -> Self {
        let store = Database::start().await;
        let project = ProjectId::new(now(), &SystemRandom);
        let mut endpoints: Vec<EndpointId> = (0..3).map(|_| EndpointId::new(now(), &SystemRandom)).collect();
        endpoints.sort_unstable();
        let (mut events, mut deliveries) = (Vec::new(), Vec::new());
        for number in 0..EVENTS {
            let types = [EventType::Approved, EventType::Aml, EventType::Submit];
            let event = event(project, types[(number % 7 % 3) as usize], accepted_at(number));
            let states: Vec<DeliveryState> =
                (0..number % 4).map(|index| DeliveryState::ALL[((number * 5 + index * 3) % 7) as usize]).collect();
            deliveries.extend(store_event(&store, &event, &endpoints[..states.len()], &states).await);
            events.push(event);
        }
        deliveries.sort_by_key(|delivery| (std::cmp::Reverse(delivery.id.event), delivery.id.endpoint));
        events.sort_by_key(|event| std::cmp::Reverse(event.id));
        Self { store, project, endpoints, events, deliveries }
    }

    /// Returns all pages of a list of deliveries.
    async fn listed(&self, filter: &DeliveryFilter, limit: usize) -> Vec<Delivery> {
        let (mut listed, mut position) = (Vec::new(), Some(Position::first(filter.to, now())));
        while let Some(at) = position {
            let page = self.store.events.find_deliveries(self.project, filter, at, limit, now()).await.unwrap();
            assert!(page.deliveries.len() <= limit);
            // A cursor survives the trip to the caller and back.
            position = page.next.map(|next| serde_json::from_str(&serde_json::to_string(&next).unwrap()).unwrap());
            listed.extend(page.deliveries);
        }
        listed
    }

    /// Returns all pages of a list of events.
    async fn listed_events(&self, filter: &EventFilter, limit: usize) -> Vec<EventId> {
        let (mut listed, mut position) = (Vec::new(), Some(Position::first(filter.to, now())));
        while let Some(at) = position {
            let page = self.store.events.find(self.project, filter, at, limit, now()).await.unwrap();
            listed.extend(page.events.iter().map(|event| event.id));
            position = page.next;
        }
        listed
    }
}

/// A moment at, before or after events, or none.
fn moment() -> impl Strategy<Value = Option<Timestamp>> {
    let at_an_event = (0..EVENTS).prop_map(accepted_at);
    let midnight = (0_u64..6).prop_map(|days| now().day().start().minus(Duration::from_hours(24 * days)));
    let exact = prop_oneof![3 => at_an_event, 1 => midnight];
    let nearby =
        (exact, 0_u64..3).prop_map(|(at, shift)| at.plus(Duration::from_millis(1)).minus(Duration::from_millis(shift)));
    proptest::option::weighted(0.7, nearby)
}

#[test]
fn a_list_has_the_matching_deliveries_and_events_once_and_in_order() {
    let runtime = Runtime::new().unwrap();
    let site = runtime.block_on(Site::start());
    let state = proptest::option::weighted(0.8, proptest::sample::select(DeliveryState::ALL.to_vec()));
    let event_type = proptest::option::of(proptest::sample::select(vec![EventType::Aml, EventType::Token]));
    let filters = (moment(), moment(), state, event_type, proptest::option::of(0_usize..3));
    let mut runner = TestRunner::new(Config { cases: 150, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&(filters, 1_usize..120), |((from, to, state, event_type, endpoint), limit)| {
        let endpoint = endpoint.map(|index| site.endpoints[index]);
        let filter = DeliveryFilter { state, endpoint, event_type, from, to };
        let naive: Vec<Delivery> =
            site.deliveries.iter().filter(|delivery| filter.matches(delivery)).cloned().collect();
        prop_assert_eq!(runtime.block_on(site.listed(&filter, limit)), naive);

        let filter = EventFilter { event_type, from, to };
        let matching = site.events.iter().filter(|event| filter.matches(event.id, event.event_type));
        let naive: Vec<EventId> = matching.map(|event| event.id).collect();
        prop_assert_eq!(runtime.block_on(site.listed_events(&filter, limit)), naive);

        let (Some(from), Some(to)) = (from, to) else { return Ok(()) };
        for state in ReplayableState::ALL {
            let scope = ReplayScope::Ended;
            let filter = ReplayFilter { from, to, endpoint_id: endpoint, event_type, state, scope };
            let filter_of_deliveries = DeliveryFilter::from(filter);
            let naive = site.deliveries.iter().filter(|delivery| filter_of_deliveries.matches(delivery)).count();
            let count = site.store.events.count_deliveries(site.project, &filter, now(), || true);
            prop_assert_eq!(runtime.block_on(count).unwrap(), Count::Exactly(naive as u64));
        }
        Ok(())
    });
    outcome.unwrap();
}

#[tokio::test]
async fn a_count_without_time_says_that_it_is_incomplete() {
    let store = Database::start().await;
    let project = ProjectId::new(now(), &SystemRandom);
    let (endpoint_id, event_type, state) = (None, None, ReplayableState::Failed);
    let scope = ReplayScope::Ended;
    let filter = ReplayFilter { from: minutes_ago(60), to: now(), endpoint_id, event_type, state, scope };
    let count = store.events.count_deliveries(project, &filter, now(), || false).await.unwrap();
    assert_eq!(count, Count::AtLeast(0));
}

/// A busy project whose calls to DynamoDB are counted.
struct CountedSite {
    database: Database,
    queue: FakeQueue,
    store: Store,
    project: ProjectId,
    endpoint: EndpointId,
}

impl CountedSite {
    async fn start() -> Self {
        Self::start_with(testing::config()).await
    }

    async fn start_with(config: StoreConfig) -> Self {
        let database = Database::start().await;
        let queue = FakeQueue::in_front_of(&database).await;
        let store = Store::new(queue.aws(), &config);
        let (project, endpoint) = (ProjectId::new(now(), &SystemRandom), EndpointId::new(now(), &SystemRandom));
        Self { database, queue, store, project, endpoint }
    }

    /// Stores `count` delivered deliveries, one a second, the last at `until`.
    async fn deliver(&self, count: u64, until: Timestamp) {
        for second in 0..count {
            let event = event(self.project, EventType::Aml, until.minus(Duration::from_secs(second)));
            store_event(&self.database, &event, &[self.endpoint], &[DeliveryState::Delivered]).await;
        }
    }

    /// Returns the first page, and the number of calls that it took.
    async fn first_page(&self, filter: &DeliveryFilter) -> (Found, usize) {
        let before = self.queue.database_calls();
        let first = Position::first(filter.to, now());
        let page = self.store.events.find_deliveries(self.project, filter, first, 20, now()).await.unwrap();
        (page, self.queue.database_calls() - before)
    }
}

#[tokio::test]
async fn a_list_with_an_end_begins_there() {
    let site = CountedSite::start().await;
    let end = minutes_ago(60);
    site.deliver(600, now()).await;
    site.deliver(3, end).await;
    for state in [None, Some(DeliveryState::Delivered)] {
        let range = DeliveryFilter { from: Some(minutes_ago(61)), to: Some(end), state, ..DeliveryFilter::default() };
        let (page, calls) = site.first_page(&range).await;
        assert_eq!((page.deliveries.len(), page.next), (3, None));
        // The events and their deliveries, or only the deliveries.
        assert_eq!(calls, if state.is_none() { 2 } else { 1 }, "{state:?}");
    }
}

#[tokio::test]
async fn a_list_with_a_rare_filter_reads_a_busy_day_in_few_pages() {
    let site = CountedSite::start().await;
    site.deliver(2500, now()).await;
    let waiting = event(site.project, EventType::Aml, minutes_ago(60));
    store_event(&site.database, &waiting, &[site.endpoint], &[DeliveryState::Waiting]).await;
    let from = Some(minutes_ago(120));
    let rare = DeliveryFilter { state: Some(DeliveryState::Waiting), from, ..DeliveryFilter::default() };
    let (page, calls) = site.first_page(&rare).await;
    assert_eq!((page.deliveries.len(), page.next), (1, None));
    assert!(calls <= 5, "{calls} calls");
}

#[tokio::test]
async fn a_list_without_a_match_ends_after_a_limited_number_of_pages_with_a_cursor() {
    // No events of the last 90 days: one page for each day.
    let site = CountedSite::start_with(StoreConfig { retention: "90".parse().unwrap(), ..testing::config() }).await;
    for state in DeliveryState::ALL.into_iter().map(Some).chain([None]) {
        let (page, calls) = site.first_page(&DeliveryFilter { state, ..DeliveryFilter::default() }).await;
        assert_eq!((page.deliveries, calls), (Vec::new(), MAX_PAGES));
        assert!(page.next.is_some());
    }
}

#[tokio::test]
async fn lists_of_a_submission_with_many_events_end_after_a_limited_number_of_reads_with_a_cursor() {
    let site = CountedSite::start().await;
    let submission = SubmissionId::try_from("sub-1".to_owned()).unwrap();
    let count = MAX_PAGES as u64 + 5;
    for second in 0..count {
        let event = event(site.project, EventType::Aml, now().minus(Duration::from_secs(second)));
        let event = Event { submission_id: Some(submission.clone()), ..event };
        store_event(&site.database, &event, &[site.endpoint], &[DeliveryState::Delivered]).await;
    }
    let (store, project) = (&site.store.events, site.project);
    let rare = DeliveryFilter { state: Some(DeliveryState::Held), ..DeliveryFilter::default() };
    let before = site.queue.database_calls();
    let page = store.find_deliveries_by_submission(project, &submission, &rare, None, 20).await.unwrap();
    // The row of the submission, and for each event its heading and its deliveries.
    assert_eq!((page.deliveries, site.queue.database_calls() - before), (Vec::new(), 1 + 2 * MAX_PAGES));
    let rest = store.find_deliveries_by_submission(project, &submission, &rare, page.next, 20).await.unwrap();
    assert!(page.next.is_some() && rest.next.is_none());

    let rare = EventFilter { event_type: Some(EventType::Token), ..EventFilter::default() };
    let before = site.queue.database_calls();
    let page = store.find_by_submission(project, &submission, &rare, None, 20).await.unwrap();
    assert_eq!((page.events, site.queue.database_calls() - before), (Vec::new(), 1 + MAX_PAGES));
    let last = page.next.and_then(Position::before);
    let rest = store.find_by_submission(project, &submission, &rare, last, 20).await.unwrap();
    assert!(last.is_some() && rest.next.is_none());

    let (all, mut listed, mut position) = (DeliveryFilter::default(), Vec::new(), None);
    loop {
        let page = store.find_deliveries_by_submission(project, &submission, &all, position, 7).await.unwrap();
        listed.extend(page.deliveries.into_iter().map(|delivery| delivery.id));
        position = page.next;
        if position.is_none() {
            break;
        }
    }
    assert_eq!((listed.len() as u64, listed.is_sorted_by(|one, other| one > other)), (count, true));
}
