//! An ordered endpoint gets the webhooks of each submission in the order of their numbers.

use std::collections::BTreeMap;

use e2e::{Customer, WAIT_TIMEOUT, run, stack};
use futures::future::join_all;
use serde_json::{Value, json};
use stack::receiver::Received;

trials! {
    webhooks_of_each_submission_arrive_in_order_and_submissions_do_not_wait_for_each_other,
}

const SUBMISSIONS: usize = 6;
const EVENTS_PER_SUBMISSION: usize = 40;
const CLIENTS: usize = 4;

/// The path of the ordered endpoint.
const ORDERED: &str = "/ordered/in-order";

/// The submission whose first webhook is refused at first.
const REFUSED: &str = "sub_0";

fn webhooks_of_each_submission_arrive_in_order_and_submissions_do_not_wait_for_each_other() {
    run(async {
        let customer = Customer::new(stack().await, "/ordered/any-order").await;
        let receiver = customer.receiver();
        let endpoint = json!({ "url": receiver.url(ORDERED), "ordered": true });
        let endpoint = customer.post("/endpoints", &endpoint).await;
        assert_eq!(endpoint["ordered"], true);
        receiver.expect(ORDERED, endpoint["signingSecret"].as_str().unwrap());
        receiver.answer_to(ORDERED, &format!(r#""submissionId":"{REFUSED}","sequence":1,"#), [500; 3]);

        join_all((0..CLIENTS).map(|client| publish(&customer, client))).await;
        let count = SUBMISSIONS * EVENTS_PER_SUBMISSION + 3;
        let arrived = receiver.wait_for(ORDERED, WAIT_TIMEOUT, |arrived| arrived.len() >= count).await;
        let arrived = arrived.unwrap_or_else(|error| panic!("{error}"));

        let mut by_submission: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for webhook in &arrived {
            let (submission, sequence) = place(webhook);
            by_submission.entry(submission).or_default().push(sequence);
        }
        let in_order: Vec<usize> = (1..=EVENTS_PER_SUBMISSION).collect();
        for (submission, sequences) in &by_submission {
            let expected = if submission == REFUSED { [&[1; 3], &in_order[..]].concat() } else { in_order.clone() };
            assert_eq!(sequences, &expected, "{submission}");
        }
        assert_eq!(by_submission.len(), SUBMISSIONS);

        let unblocked_at = arrived.iter().position(|webhook| place(webhook) == (REFUSED.to_owned(), 2)).unwrap();
        let while_blocked = arrived[..unblocked_at].iter().filter(|webhook| place(webhook).0 != REFUSED).count();
        assert!(while_blocked >= SUBMISSIONS - 1, "other submissions waited for {REFUSED}: {while_blocked}");

        let deliveries = customer.wait_for_deliveries(are_all_delivered).await;
        assert_eq!(deliveries.len(), 2 * SUBMISSIONS * EVENTS_PER_SUBMISSION);
    });
}

/// Publishes the events of one client, one of each submission in turn.
async fn publish(customer: &Customer, client: usize) {
    for number in 0..EVENTS_PER_SUBMISSION / CLIENTS {
        for submission in 0..SUBMISSIONS {
            let data = json!({ "client": client, "number": number });
            let event = json!({ "type": "updated", "submissionId": format!("sub_{submission}"), "data": data });
            customer.publish(&event).await;
        }
    }
}

/// The submission of a webhook, and its number there.
fn place(webhook: &Received) -> (String, usize) {
    let body: Value = serde_json::from_slice(&webhook.body).unwrap();
    let sequence: usize = webhook.headers["webhook-sequence"].to_str().unwrap().parse().unwrap();
    assert_eq!(body["sequence"], sequence);
    (body["submissionId"].as_str().unwrap().to_owned(), sequence)
}

fn are_all_delivered(deliveries: &[Value]) -> bool {
    deliveries.iter().all(|delivery| delivery["state"] == "delivered")
}
