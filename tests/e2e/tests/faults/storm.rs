//! Every kind of fault, one after the other, under load.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use e2e::{Customer, WAIT_TIMEOUT, run};
use serde_json::Value;
use stack::Stack;
use stack::faults::{Fault, Service};
use stack::progress::Progress;
use stack::receiver::Received;
use tokio::time::timeout;

use crate::feed_reader::FeedReader;
use crate::load::Load;
use crate::{stack, turn};

const EVENTS: usize = 2000;
const CALLERS: usize = 8;

/// Time for which a service refuses all calls.
const OUTAGE: Duration = Duration::from_secs(20);

/// Response time of the receiver while senders are killed, so that they have unfinished attempts.
const SLOW_RESPONSE_TIME: Duration = Duration::from_millis(500);

/// Maximum number of webhooks received twice: 1 %. A webhook is received twice if its sender is killed between the POST and the
/// record of the attempt.
const MAX_DUPLICATES: usize = EVENTS / 100;

/// A fault: its description, and when it started.
type Phase = (Instant, String);

#[test]
fn every_accepted_event_is_delivered_despite_faults_in_every_service() {
    run(async {
        let _turn = turn().await;
        let stack = stack().await;
        let started_at = Instant::now();
        let mut load = Load::start(Customer::new(stack, "/faults/storm").await, EVENTS, CALLERS);
        let feed = FeedReader::start(stack, load.customer());
        let faults = storm(stack, &load).await;
        let accepted = load.finish().await;
        let accepted_after = started_at.elapsed();

        let customer = load.customer();
        let ids: BTreeSet<&str> = accepted.values().map(String::as_str).collect();
        let have_arrived = |received: &[Received]| received.len() >= EVENTS && ids_of(received).is_superset(&ids);
        let arrived = customer.receiver().wait_for(customer.path(), WAIT_TIMEOUT, have_arrived).await;
        if arrived.is_err() {
            let received = customer.received();
            let missing: Vec<_> = ids.difference(&ids_of(&received)).copied().collect();
            panic!("{} events were lost: {missing:?}\n{}", missing.len(), stack.log_tail().await);
        }
        let are_final = |deliveries: &[Value]| deliveries.len() >= EVENTS && deliveries.iter().all(is_final);
        let deliveries = customer.wait_for_deliveries(are_final).await;
        let received = customer.received();

        assert_eq!((accepted.len(), ids.len()), (EVENTS, EVENTS), "no two events share an id");
        assert_eq!(ids_of(&received), ids, "the receiver gets every accepted event and no others, each under one id");
        assert!(received.iter().all(|one| one.verified && ids.contains(one.id.as_str())));
        assert!(received.iter().all(|one| accepted[&number_of(one)] == one.id), "an id belongs to one event");
        let listed: Vec<&str> = deliveries.iter().map(|delivery| delivery["eventId"].as_str().unwrap()).collect();
        assert_eq!((listed.len(), listed.into_iter().collect()), (EVENTS, ids.clone()));
        let undelivered: Vec<_> = deliveries.iter().filter(|delivery| delivery["state"] != "delivered").collect();
        assert_eq!(undelivered, Vec::<&Value>::new());
        let duplicates = received.len() - EVENTS;
        let by_fault = duplicates_by_fault(&received, &faults);
        assert!(
            duplicates <= MAX_DUPLICATES,
            "{duplicates} duplicate webhooks; by the fault before the first: {by_fault:?}"
        );

        let (pages, events) = feed.finish(&ids).await;
        check_numbers(&events, &received);

        let attempts: usize = deliveries.iter().map(|delivery| delivery["attempts"].as_array().unwrap().len()).sum();
        Progress::shown().tell(format_args!(
            "storm: {EVENTS} events accepted after {} s and delivered after {} s; {} webhooks, {duplicates} of them duplicates; \
             {} retries recorded; {pages} pages of the feed; rejected requests: {:?}; duplicates by fault: {by_fault:?}",
            accepted_after.as_secs(),
            started_at.elapsed().as_secs(),
            received.len(),
            attempts - EVENTS,
            load.rejections(),
        ));
    });
}

/// Checks that the numbers of each submission have no gap, and that each webhook has the number of its event.
fn check_numbers(feed: &[Value], received: &[Received]) {
    let mut by_submission: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    let mut by_event: BTreeMap<&str, Option<u64>> = BTreeMap::new();
    for event in feed {
        let (id, sequence) = (event["id"].as_str().unwrap(), event["sequence"].as_u64());
        by_event.insert(id, sequence);
        assert_eq!(event["submissionId"].is_null(), sequence.is_none(), "{event}");
        let Some(submission) = event["submissionId"].as_str() else { continue };
        by_submission.entry(submission).or_default().extend(sequence);
    }
    assert!(!by_submission.is_empty());
    for (submission, mut numbers) in by_submission {
        numbers.sort_unstable();
        assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>(), "{submission}");
    }
    for webhook in received {
        let body: Value = serde_json::from_slice(&webhook.body).unwrap();
        assert_eq!(body["sequence"].as_u64(), by_event[webhook.id.as_str()], "{}", webhook.id);
    }
}

/// Causes one fault after the other while events are accepted.
async fn storm(stack: &Stack, load: &Load) -> Vec<Phase> {
    let mut faults = Vec::new();
    load.reach(100).await;
    let at = Instant::now();
    faults.push((at, format!("{} senders killed during a batch", kill_senders(stack, load).await)));
    load.reach(250).await;
    let at = Instant::now();
    faults.push((at, format!("{} API processes killed between two writes", kill_api(stack).await)));
    load.reach(320).await;
    let at = Instant::now();
    faults.push((at, format!("{} processes killed between an event and its number", kill_numbering(stack).await)));
    load.reach(400).await;
    let at = Instant::now();
    faults.push((at, format!("{} senders killed during another batch", kill_senders(stack, load).await)));
    load.reach(550).await;
    let at = Instant::now();
    faults.push((at, format!("{} DynamoDB calls refused", outage(stack, Service::DynamoDb).await)));
    load.reach(800).await;
    let at = Instant::now();
    faults.push((at, format!("{} SQS calls refused", outage(stack, Service::Sqs).await)));
    load.reach(1050).await;
    let at = Instant::now();
    faults.push((at, format!("{} calls throttled", disturb(stack, load, 5, Fault::Throttle, 1250).await)));
    load.reach(1350).await;
    let at = Instant::now();
    faults.push((at, format!("{} responses lost", disturb(stack, load, 10, Fault::LoseAnswer, 1550).await)));
    faults
}

/// The number of duplicates after each fault. A duplicate belongs to the latest fault that had started when its webhook was first
/// received.
fn duplicates_by_fault(received: &[Received], faults: &[Phase]) -> BTreeMap<String, usize> {
    let mut first_received = BTreeMap::new();
    let mut duplicates: BTreeMap<String, usize> =
        faults.iter().enumerate().map(|(number, (_, fault))| (format!("{number} {fault}"), 0)).collect();
    for webhook in received {
        let Some(first_at) = first_received.get(&webhook.id) else {
            first_received.insert(&webhook.id, webhook.at);
            continue;
        };
        let fault = faults.iter().enumerate().rfind(|(_, (started_at, _))| started_at <= first_at);
        let name = fault.map_or_else(|| "before".to_owned(), |(number, (_, fault))| format!("{number} {fault}"));
        *duplicates.entry(name).or_default() += 1;
    }
    duplicates
}

/// Kills the senders while they have unfinished attempts, and returns their number.
async fn kill_senders(stack: &Stack, load: &Load) -> usize {
    let path = load.customer().path();
    stack.receiver.delay(path, SLOW_RESPONSE_TIME);
    let before = stack.receiver.count(path);
    stack.receiver.wait_for(path, WAIT_TIMEOUT, |received| received.len() > before).await.unwrap();
    let killed = stack.kill_function("webhook-sender");
    stack.receiver.delay(path, Duration::ZERO);
    assert!(killed > 0);
    killed
}

/// Kills the API after it has stored an event and before it has sent the messages. Returns the number of its processes.
async fn kill_api(stack: &Stack) -> usize {
    let held = timeout(WAIT_TIMEOUT, stack.faults().hold(Service::Sqs, "SendMessageBatch").arrived()).await.unwrap();
    let killed = stack.kill_function("api");
    drop(held);
    assert!(killed > 0);
    killed
}

/// Kills the API five times before it numbers an event that it has stored, and the feed with it. Returns the number of their processes.
async fn kill_numbering(stack: &Stack) -> usize {
    let mut killed = 0;
    for _ in 0..5 {
        let held = timeout(WAIT_TIMEOUT, stack.faults().hold(Service::DynamoDb, "UpdateItem").arrived()).await.unwrap();
        killed += stack.kill_function("api") + stack.kill_function("feed");
        drop(held);
    }
    assert!(killed > 0);
    killed
}

/// Lets a service refuse all calls for [`OUTAGE`], and returns the number of calls refused.
async fn outage(stack: &Stack, service: Service) -> u64 {
    let outage = stack.faults().inject(service, Fault::Refuse);
    tokio::time::sleep(OUTAGE).await;
    let refused = outage.end();
    assert!(refused > 0);
    refused
}

/// Injects the fault into every `nth` call of each service until `until` events were accepted. Returns the numbers of calls.
async fn disturb(stack: &Stack, load: &Load, nth: u64, fault: Fault, until: usize) -> String {
    let [store, queue] =
        [Service::DynamoDb, Service::Sqs].map(|service| stack.faults().inject_every(nth, service, fault));
    load.reach(until).await;
    let (store, queue) = (store.end(), queue.end());
    assert!(store > 0 && queue > 0, "{store} {queue}");
    format!("{store} DynamoDB and {queue} SQS")
}

fn is_final(delivery: &Value) -> bool {
    ["delivered", "failed", "cancelled"].iter().any(|state| delivery["state"] == *state)
}

fn ids_of(received: &[Received]) -> BTreeSet<&str> {
    received.iter().map(|one| one.id.as_str()).collect()
}

fn number_of(webhook: &Received) -> usize {
    let body: Value = serde_json::from_slice(&webhook.body).unwrap();
    usize::try_from(body["data"]["number"].as_u64().unwrap()).unwrap()
}
