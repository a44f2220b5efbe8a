//! Everything fails in turn, under load.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use e2e::{Customer, PATIENCE, run};
use serde_json::Value;
use stack::Stack;
use stack::faults::{Fault, Service};
use stack::progress::Progress;
use stack::receiver::Received;
use tokio::time::timeout;

use crate::load::Load;
use crate::{stack, turn};

const EVENTS: usize = 2000;
const CALLERS: usize = 8;

/// How long a service refuses everything.
const OUTAGE: Duration = Duration::from_secs(20);

/// How long a sender is kept waiting for the receiver, so that it can be killed meanwhile.
const IN_MID_BATCH: Duration = Duration::from_millis(500);

/// Which share of all events may come twice. Only killed senders and lost answers make any, so it is far less.
const MOST_DUPLICATES: usize = EVENTS / 10;

#[test]
fn every_accepted_event_is_delivered_while_everything_fails_in_turn() {
    run(async {
        let _turn = turn().await;
        let stack = stack().await;
        let begun = Instant::now();
        let mut load = Load::begin(Customer::new(stack, "/faults/storm").await, EVENTS, CALLERS);
        let faults = storm(stack, &load).await;
        let accepted = load.finish().await;
        let accepted_after = begun.elapsed();

        let customer = load.customer();
        let ids: BTreeSet<&str> = accepted.values().map(String::as_str).collect();
        let have_come = |received: &[Received]| received.len() >= EVENTS && ids_of(received).is_superset(&ids);
        let came = customer.receiver().wait_for(customer.path(), PATIENCE, have_come).await;
        if came.is_err() {
            let received = customer.received();
            let missing: Vec<_> = ids.difference(&ids_of(&received)).copied().collect();
            panic!("{} events were lost: {missing:?}\n{}", missing.len(), stack.log_tail().await);
        }
        let are_final = |deliveries: &[Value]| deliveries.len() >= EVENTS && deliveries.iter().all(is_final);
        let deliveries = customer.wait_for_deliveries(are_final).await;
        let received = customer.received();

        assert_eq!((accepted.len(), ids.len()), (EVENTS, EVENTS), "no two events share an id");
        assert_eq!(ids_of(&received), ids, "nothing comes but what was accepted, each event under one id");
        assert!(received.iter().all(|one| one.verified && ids.contains(one.id.as_str())));
        assert!(received.iter().all(|one| accepted[&number_of(one)] == one.id), "an id stands for one event");
        let listed: Vec<&str> = deliveries.iter().map(|delivery| delivery["eventId"].as_str().unwrap()).collect();
        assert_eq!((listed.len(), listed.into_iter().collect()), (EVENTS, ids));
        let undelivered: Vec<_> = deliveries.iter().filter(|delivery| delivery["state"] != "delivered").collect();
        assert_eq!(undelivered, Vec::<&Value>::new());
        let duplicates = received.len() - EVENTS;
        assert!(duplicates < MOST_DUPLICATES, "{duplicates} webhooks came again");

        let attempts: usize = deliveries.iter().map(|delivery| delivery["attempts"].as_array().unwrap().len()).sum();
        Progress::shown().tell(format_args!(
            "storm: {EVENTS} events accepted after {} s, all delivered after {} s; {} webhooks, {duplicates} of them again; \
             {} attempts recorded after the first; not accepted and repeated: {:?}; {}",
            accepted_after.as_secs(),
            begun.elapsed().as_secs(),
            received.len(),
            attempts - EVENTS,
            load.refusals(),
            faults.join(", "),
        ));
    });
}

/// One fault after another while events are accepted; tells what was done.
async fn storm(stack: &Stack, load: &Load) -> Vec<String> {
    let mut done = Vec::new();
    load.reach(100).await;
    done.push(format!("{} senders killed in mid-batch", kill_senders(stack, load).await));
    load.reach(250).await;
    done.push(format!("{} API processes killed between two writes", kill_api(stack).await));
    load.reach(400).await;
    done.push(format!("{} senders killed in mid-batch", kill_senders(stack, load).await));
    load.reach(550).await;
    done.push(format!("{} DynamoDB calls refused", outage(stack, Service::DynamoDb).await));
    load.reach(800).await;
    done.push(format!("{} SQS calls refused", outage(stack, Service::Sqs).await));
    load.reach(1050).await;
    done.push(format!("{} calls throttled", weather(stack, load, 5, Fault::Throttle, 1250).await));
    load.reach(1350).await;
    done.push(format!("{} answers lost", weather(stack, load, 10, Fault::LoseAnswer, 1550).await));
    done
}

/// Kills the senders while webhooks are on their way; answers how many there were.
async fn kill_senders(stack: &Stack, load: &Load) -> usize {
    let path = load.customer().path();
    stack.receiver.delay(path, IN_MID_BATCH);
    let before = stack.receiver.count(path);
    stack.receiver.wait_for(path, PATIENCE, |received| received.len() > before).await.unwrap();
    let killed = stack.kill_function("webhook-sender");
    stack.receiver.delay(path, Duration::ZERO);
    assert!(killed > 0);
    killed
}

/// Kills the API when it has stored an event and not yet sent its messages; answers how many processes it had.
async fn kill_api(stack: &Stack) -> usize {
    let held = timeout(PATIENCE, stack.faults().hold(Service::Sqs, "SendMessageBatch").arrived()).await.unwrap();
    let killed = stack.kill_function("api");
    drop(held);
    assert!(killed > 0);
    killed
}

/// Lets a service refuse everything for a while; answers how many calls that hit.
async fn outage(stack: &Stack, service: Service) -> u64 {
    let outage = stack.faults().inject(service, Fault::Refuse);
    tokio::time::sleep(OUTAGE).await;
    let hit = outage.end();
    assert!(hit > 0);
    hit
}

/// Does this to every `nth` call of each service until so many events are accepted; tells how many calls that hit.
async fn weather(stack: &Stack, load: &Load, nth: u64, fault: Fault, until: usize) -> String {
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
