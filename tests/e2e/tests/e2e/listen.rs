//! The commands of receivers' developers against the stack.

use std::process::Stdio;
use std::time::Duration;

use e2e::{Customer, WAIT_TIMEOUT, run, stack};
use serde_json::{Value, json};
use stack::Stack;
use stack::receiver::Received;
use tokio::io::{AsyncBufReadExt as _, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Child;
use tokio::task::JoinSet;

use crate::program::{Ended, Printed, printed, signpost, wait_for_line};

trials! {
    a_forwarded_webhook_has_the_bytes_and_headers_of_an_endpoint,
    events_published_while_the_network_is_cut_are_forwarded_once,
    a_simulated_verification_reaches_the_endpoint_in_order,
    a_delivery_is_replayed_from_the_command_line,
    failed_deliveries_are_replayed_with_progress,
    a_captured_webhook_of_the_sender_verifies,
}

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8G";

/// Starts to listen, and returns once events are awaited.
async fn listen(stack: &Stack, customer: &Customer, api: &str, path: &str) -> (Child, Printed) {
    stack.receiver.expect(path, SECRET);
    let forward = stack.receiver.url(path);
    let arguments = ["listen", "--forward", &forward, "--secret", SECRET, "--project", customer.project()];
    let mut command = signpost(stack, customer.key(), &arguments);
    command.env("SIGNPOST_API", api).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut listen = command.spawn().unwrap();
    let mut lines = printed(&mut listen);
    wait_for_line(&mut lines, "Waiting for events").await;
    (listen, lines)
}

async fn one_webhook(stack: &Stack, path: &str) -> Received {
    let received = stack.receiver.wait_for(path, WAIT_TIMEOUT, |received| !received.is_empty()).await.unwrap();
    let [webhook] = &received[..] else { panic!("{received:?}") };
    assert!(webhook.verified, "{webhook:?}");
    webhook.clone()
}

fn a_forwarded_webhook_has_the_bytes_and_headers_of_an_endpoint() {
    run(async {
        let stack = stack().await;
        let customer = Customer::new(stack, "/listen/endpoint").await;
        let (mut listen, mut lines) = listen(stack, &customer, &stack.api_url, "/listen/laptop").await;
        let event =
            json!({ "type": "approved", "submissionId": "sub_1", "data": { "b": 1.5, "a": [1, { "c": "é" }] } });
        customer.publish(&event).await;
        let sent = one_webhook(stack, "/listen/endpoint").await;
        let forwarded = one_webhook(stack, "/listen/laptop").await;
        assert_eq!(forwarded.body, sent.body);
        // Both are signed with their own secret at their own time.
        let own = ["webhook-timestamp", "webhook-signature", "host"];
        let others = |received: &Received| {
            let headers = received.headers.iter().map(|(name, value)| (name.to_string(), value.clone()));
            let mut headers: Vec<_> = headers.filter(|(name, _)| !own.contains(&&**name)).collect();
            headers.sort_by(|one, other| one.0.cmp(&other.0));
            headers
        };
        assert_eq!(others(&forwarded), others(&sent));
        assert!(forwarded.headers.contains_key("webhook-sequence"), "{forwarded:?}");
        wait_for_line(&mut lines, "  200  ").await;
        listen.kill().await.unwrap();
    });
}

/// Passes connections on to the API, until it is dropped.
async fn network(port: u16, stack: &Stack) -> (JoinSet<()>, u16) {
    let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let api = stack.api_url.trim_start_matches("http://").to_owned();
    let mut network = JoinSet::new();
    network.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((mut near, _)) = listener.accept().await {
            let api = api.clone();
            connections.spawn(async move {
                let mut far = TcpStream::connect(api).await.unwrap();
                let _ = copy_bidirectional(&mut near, &mut far).await;
            });
        }
    });
    (network, port)
}

fn events_published_while_the_network_is_cut_are_forwarded_once() {
    run(async {
        let stack = stack().await;
        let customer = Customer::new(stack, "/listen/uncut").await;
        let (mut up, port) = network(0, stack).await;
        let api = format!("http://127.0.0.1:{port}");
        let (mut listen, mut lines) = listen(stack, &customer, &api, "/listen/cut").await;
        let mut published = vec![customer.publish(&json!({ "type": "submit", "data": {} })).await];
        wait_for_line(&mut lines, "  200  ").await;
        up.shutdown().await;
        let mut errors = BufReader::new(listen.stderr.take().unwrap()).lines();
        wait_for_line(&mut errors, "connection lost").await;
        published.push(customer.publish(&json!({ "type": "aml", "data": {} })).await);
        let _up = network(port, stack).await;
        wait_for_line(&mut lines, "  200  ").await;
        // After another event, a second copy of the first ones would have arrived too.
        published.push(customer.publish(&json!({ "type": "approved", "data": {} })).await);
        wait_for_line(&mut lines, "  200  ").await;
        let received = stack.receiver.received("/listen/cut");
        assert!(received.iter().all(|one| one.verified), "{received:?}");
        assert_eq!(received.into_iter().map(|one| one.id).collect::<Vec<_>>(), published);
        listen.kill().await.unwrap();
    });
}

/// A test project with an endpoint at `path`. Returns the project's id and a key.
pub(crate) async fn test_project(stack: &Stack, path: &str) -> (String, String) {
    let api = stack.api();
    let text = |value: &Value, name: &str| value[name].as_str().unwrap().to_owned();
    let project = api.post("/v1/projects", &json!({ "name": path, "mode": "test" })).await.unwrap();
    let project = text(&project, "id");
    let endpoint = json!({ "url": stack.receiver.url(path) });
    let endpoint = api.post(&format!("/v1/projects/{project}/endpoints"), &endpoint).await.unwrap();
    stack.receiver.expect(path, &text(&endpoint, "signingSecret"));
    let key = api.post(&format!("/v1/projects/{project}/api-keys"), &json!({ "name": "cli" })).await.unwrap();
    (project, text(&key, "key"))
}

fn a_simulated_verification_reaches_the_endpoint_in_order() {
    run(async {
        let stack = stack().await;
        let (project, key) = test_project(stack, "/listen/simulate").await;
        let arguments = ["simulate", "review", "--delay", "0", "--project", &project];
        let simulated = Ended::of(signpost(stack, &key, &arguments)).await;
        assert_eq!(simulated.code, Some(0), "{simulated:?}");
        assert_eq!(simulated.stdout.matches("attempt 1 was accepted with status 200").count(), 4, "{simulated:?}");
        let received = stack.receiver.received("/listen/simulate");
        let types: Vec<&str> = received.iter().map(|one| one.event_type.as_str()).collect();
        assert_eq!(types, ["submit", "pending", "approved", "aml"]);
        let sequences: Vec<&str> =
            received.iter().map(|one| one.headers["webhook-sequence"].to_str().unwrap()).collect();
        assert_eq!(sequences, ["1", "2", "3", "4"]);

        stack.receiver.answer("/listen/simulate", [500]);
        let arguments = ["simulate", "rejected", "--delay", "0", "--project", &project];
        let simulated = Ended::of(signpost(stack, &key, &arguments)).await;
        assert_eq!(simulated.code, Some(1), "{simulated:?}");
        assert!(simulated.stdout.contains("attempt 1 failed with status 500"), "{simulated:?}");
    });
}

fn a_delivery_is_replayed_from_the_command_line() {
    run(async {
        let stack = stack().await;
        let customer = Customer::new(stack, "/listen/replay").await;
        let event = customer.publish(&json!({ "type": "aml", "data": {} })).await;
        let delivery = customer.wait_for_state(&event, "delivered").await;
        let id = delivery["id"].as_str().unwrap();
        let replay = Ended::of(signpost(stack, customer.key(), &["replay", id, "--project", customer.project()])).await;
        assert_eq!(replay.code, Some(0), "{replay:?}");
        assert!(replay.stdout.starts_with("attempt 2 was accepted with status 200"), "{replay:?}");
        let received = customer.received();
        assert_eq!(received.last().unwrap().headers["webhook-replay"], "true");

        customer.act_on_endpoint("pause").await;
        let replay = Ended::of(signpost(stack, customer.key(), &["replay", id, "--project", customer.project()])).await;
        assert_eq!((replay.code, replay.stdout.as_str()), (Some(1), ""), "{replay:?}");
        assert!(replay.stderr.contains("409"), "{replay:?}");
    });
}

fn failed_deliveries_are_replayed_with_progress() {
    run(async {
        let stack = stack().await;
        let customer = Customer::new(stack, "/listen/failed").await;
        customer.receiver().answer(customer.path(), [500; 10]);
        let event = customer.publish(&json!({ "type": "aml", "data": {} })).await;
        customer.sweep_until(|deliveries| deliveries.iter().all(|delivery| delivery["state"] == "failed")).await;
        let arguments = ["deliveries", "--failed", "--json", "--project", customer.project()];
        let listed = Ended::of(signpost(stack, customer.key(), &arguments)).await;
        assert_eq!((&listed.json()["eventId"], listed.stdout.lines().count()), (&json!(event), 1), "{listed:?}");
        let arguments = ["replay", "--failed", "--since", "1h", "--yes", "--json", "--project", customer.project()];
        let mut replay = signpost(stack, customer.key(), &arguments);
        let replay = replay.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // The sweep sends the deliveries of a replay. In the stack, somebody must start it.
        let mut replay = tokio::spawn(replay.wait_with_output());
        let replay = loop {
            tokio::select! {
                ended = &mut replay => break Ended::from(ended.unwrap().unwrap()),
                () = tokio::time::sleep(Duration::from_millis(500)) => customer.sweep().await,
            }
        };
        let progress = &replay.json()["progress"];
        assert_eq!(progress, &json!({ "queued": 1, "delivered": 1, "failed": 0, "skipped": 0 }));
        assert_eq!((replay.code, replay.stderr.as_str()), (Some(0), ""));
        customer.wait_for_state(&event, "delivered").await;
    });
}

fn a_captured_webhook_of_the_sender_verifies() {
    run(async {
        let stack = stack().await;
        let customer = Customer::new(stack, "/listen/captured").await;
        let rotated = format!("/endpoints/{}/signing-secret/rotate", customer.endpoint());
        let secret = customer.post(&rotated, &json!({})).await["signingSecret"].as_str().unwrap().to_owned();
        customer.receiver().expect(customer.path(), &secret);
        customer.publish(&json!({ "type": "aml", "data": { "n": 1.50 } })).await;
        let webhook = one_webhook(stack, "/listen/captured").await;
        let headers = webhook.headers.iter().map(|(name, value)| format!("{name}: {}\n", value.to_str().unwrap()));
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        std::fs::write(path("headers"), headers.collect::<String>()).unwrap();
        std::fs::write(path("body"), &webhook.body).unwrap();
        let (headers, body) = (path("headers"), path("body"));
        let mut verify = signpost(stack, "", &["verify", "--headers", &headers, "--body", &body, "--json"]);
        verify.env_remove("SIGNPOST_KEY").env_remove("SIGNPOST_API").env("SIGNPOST_SIGNING_SECRET", &secret);
        let verify = Ended::of(verify).await;
        assert_eq!((verify.code, &verify.json()["verifies"]), (Some(0), &json!(true)), "{verify:?}");
        assert!(!verify.stdout.contains(&secret));
    });
}
