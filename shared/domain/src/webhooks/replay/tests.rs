use proptest::prelude::*;

use super::*;
use crate::foundation::draft::{BadField, BadFields, Draft};
use crate::foundation::id::EndpointId;
use crate::foundation::key_ring::KeyRing;
use crate::foundation::random::SystemRandom;
use crate::webhooks::address::AddressGuard;
use crate::webhooks::delivery::DeliveryFilter;
use crate::webhooks::endpoint::{Endpoint, NewEndpoint};
use crate::webhooks::event::EventType;
use crate::webhooks::signature::SigningSecret;

const KEY_RING: &str = r#"{"current":"k1","k1":"0123456789abcdef0123456789abcdef"}"#;

fn now() -> Timestamp {
    "2026-11-22T08:30:00Z".parse().unwrap()
}

fn checked(body: &str) -> Result<NewReplay, BadFields> {
    NewReplay::check(Draft::parse(body.as_bytes()).unwrap(), now(), now().minus(Duration::from_hours(720)))
}

fn pointers(body: &str) -> Vec<String> {
    let BadFields(bad) = checked(body).unwrap_err();
    bad.into_iter().map(|BadField { pointer, .. }| pointer).collect()
}

#[test]
fn a_replay_sends_failed_deliveries_at_300_per_minute_by_default() {
    let new = checked(r#"{"from":"2026-11-21T00:00:00Z","to":"2026-11-22T00:00:00Z"}"#).unwrap();
    assert_eq!((new.filter.state, new.rate.per_minute(), new.is_dry_run), (ReplayableState::Failed, 300, false));
    let filter = DeliveryFilter::from(new.filter);
    assert_eq!((filter.from, filter.to), (Some(new.filter.from), Some(new.filter.to)));
    assert_eq!((filter.state, filter.endpoint, filter.event_type), (Some(DeliveryState::Failed), None, None));
}

#[test]
fn every_bad_field_of_a_replay_is_named_at_once() {
    assert_eq!(pointers(r#"{"rate":1}"#), ["/from", "/to", "/rate"]);
    let bad = r#"{"from":"2026-11-23T00:00:00Z","to":"2026-11-22T09:00:00Z","endpointId":"x","type":"y",
        "state":"waiting","ratePerMinute":0,"dryRun":1}"#;
    let expected = ["/endpointId", "/type", "/state", "/ratePerMinute", "/dryRun", "/to", "/to"];
    assert_eq!(pointers(bad), expected);
    assert_eq!(pointers(r#"{"from":"2026-10-01T00:00:00Z","to":"2026-11-22T00:00:00Z"}"#), ["/from"]);
}

const ENDPOINT: &str = "019ab5e0-0000-7000-8000-000000000003";

#[test]
fn missing_deliveries_are_sent_to_one_endpoint_oldest_event_first() {
    let body = format!(
        r#"{{"scope":"missing","endpointId":"{ENDPOINT}","from":"2026-11-21T00:00:00Z","to":"2026-11-22T00:00:00Z"}}"#
    );
    let new = checked(&body).unwrap();
    assert_eq!((new.filter.scope, new.filter.endpoint_id), (ReplayScope::Missing, ENDPOINT.parse().ok()));
    let started = new.start(ReplayId::new(now(), &SystemRandom), ProjectId::new(now(), &SystemRandom));
    let from = EventPosition::From(new.filter.from);
    assert_eq!(started.position, ReplayPosition { next: None, next_event: Some(from) });
    assert!(!started.is_over(now()));
}

#[test]
fn a_replay_of_missing_deliveries_needs_an_endpoint_and_has_no_state() {
    let range = r#""from":"2026-11-21T00:00:00Z","to":"2026-11-22T00:00:00Z""#;
    assert_eq!(pointers(&format!(r#"{{"scope":"missing","state":"failed",{range}}}"#)), ["/state", "/endpointId"]);
    assert_eq!(pointers(&format!(r#"{{"scope":"all",{range}}}"#)), ["/scope"]);
    // A day before their event is deleted, open deliveries expire.
    let oldest = now().minus(Duration::from_hours(720 - 24));
    for (from, bad) in [(oldest, vec![]), (oldest.minus(Duration::from_millis(1)), vec!["/from"])] {
        let body =
            format!(r#"{{"scope":"missing","endpointId":"{ENDPOINT}","from":"{from}","to":"2026-11-22T00:00:00Z"}}"#);
        let found = checked(&body).map_or_else(|BadFields(bad)| bad, |_| Vec::new());
        assert_eq!(found.iter().map(|field| field.pointer.as_str()).collect::<Vec<_>>(), bad);
    }
}

#[test]
fn an_earlier_version_ends_a_replay_of_missing_deliveries_without_sending() {
    let body = format!(
        r#"{{"scope":"missing","endpointId":"{ENDPOINT}","from":"2026-11-21T00:00:00Z","to":"2026-11-22T00:00:00Z"}}"#
    );
    let replay =
        checked(&body).unwrap().start(ReplayId::new(now(), &SystemRandom), ProjectId::new(now(), &SystemRandom));
    let mut stored = serde_json::to_value(&replay).unwrap();
    assert_eq!(serde_json::from_value::<Replay>(stored.clone()).unwrap(), replay);
    // That version ignores fields that it does not know.
    stored["filter"].as_object_mut().unwrap().remove("scope").unwrap();
    stored.as_object_mut().unwrap().remove("nextEvent").unwrap();
    let read: Replay = serde_json::from_value(stored).unwrap();
    assert!(read.is_over(now()));
}

#[test]
fn an_endpoint_misses_only_events_of_types_that_it_receives() {
    let filter = |event_type| ReplayFilter {
        from: now().minus(Duration::from_hours(1)),
        to: now(),
        endpoint_id: None,
        event_type,
        state: ReplayableState::default(),
        scope: ReplayScope::Missing,
    };
    let types = |types: &[EventType]| Some(types.iter().copied().collect());
    for (receives, wanted, missing) in [
        (None, None, None),
        (None, Some(EventType::Aml), types(&[EventType::Aml])),
        (types(&[EventType::Aml, EventType::Submit]), None, types(&[EventType::Aml, EventType::Submit])),
        (types(&[EventType::Aml, EventType::Submit]), Some(EventType::Aml), types(&[EventType::Aml])),
        (types(&[EventType::Submit]), Some(EventType::Aml), types(&[])),
    ] {
        let endpoint = Endpoint { event_types: receives, ..endpoint() };
        assert_eq!(filter(wanted).missing_events(&endpoint).event_types, missing);
    }
}

fn endpoint() -> Endpoint {
    let (project, ring) = (ProjectId::new(now(), &SystemRandom), KeyRing::from_json(KEY_RING).unwrap());
    let draft = Draft::parse(br#"{"url":"https://hooks.example.com/"}"#).unwrap();
    let new = NewEndpoint::check(draft, &AddressGuard::default()).unwrap();
    let secret = SigningSecret::generate(&SystemRandom);
    new.create(EndpointId::new(now(), &SystemRandom), project, &secret, &ring, &SystemRandom)
}

#[test]
fn a_replay_is_over_when_all_results_are_known_or_overdue() {
    let new = checked(r#"{"from":"2026-11-21T00:00:00Z","to":"2026-11-22T00:00:00Z"}"#).unwrap();
    let id = ReplayId::new(now(), &SystemRandom);
    let started = new.start(id, ProjectId::new(now(), &SystemRandom));
    assert!(!started.is_over(now()), "the listing is not complete");
    let waiting = Replay {
        position: ReplayPosition::default(),
        progress: Progress { queued: 2, delivered: 1, ..started.progress },
        ..started
    };
    assert!(!waiting.is_over(now()));
    assert!(waiting.is_over(now().plus(RESULT_TIMEOUT)));
    let settled = Replay { progress: Progress { skipped: 1, ..waiting.progress }, ..waiting };
    assert!(settled.is_over(now()));
}

proptest! {
    #[test]
    fn the_deliveries_of_a_minute_are_spread_evenly_over_it(rate in 1_u32..=1200) {
        let times: Vec<Timestamp> = ReplayRate::try_from(rate).unwrap().send_times(now()).collect();
        prop_assert_eq!((times.len(), times[0]), (rate as usize, now()));
        prop_assert!(times.is_sorted());
        let (minute, last) = (Duration::from_mins(1), times[times.len() - 1].since(now()));
        prop_assert!(last < minute && last + minute / rate + Duration::from_millis(2) >= minute);
    }
}
