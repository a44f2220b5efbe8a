//! `signpost listen`.

use axum::response::IntoResponse as _;
use domain::foundation::clock::{Clock as _, SystemClock};
use domain::foundation::id::EventId;
use domain::foundation::random::SystemRandom;
use http::StatusCode;
use serde_json::{Value, json};
use standardwebhooks::Webhook;

use crate::program::{Ended, PROJECT, interrupt, read_rest, read_until, signpost};
use crate::testing::FakeServer;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8G";

/// An event as the feed has it: the body of its webhook.
fn event(data: &str) -> (String, String) {
    let id = EventId::new(SystemClock.now(), &SystemRandom).to_string();
    let body = format!(
        r#"{{"type":"approved","timestamp":"2026-11-22T08:30:00.000Z","id":"{id}","projectId":"{PROJECT}","submissionId":"sub_1","sequence":2,"data":{data}}}"#
    );
    (id, body)
}

/// A deployment that has these events once somebody listens.
async fn deployment(events: &[&str]) -> FakeServer {
    let events = events.join(",");
    FakeServer::start(move |_, call| {
        let (items, cursor) = match call.path.rsplit_once("after=").unwrap().1 {
            "latest" => ("", "start"),
            "start" => (&*events, "end"),
            _ => ("", "end"),
        };
        format!(r#"{{"items":[{items}],"cursor":"{cursor}"}}"#).into_response()
    })
    .await
}

async fn receiver(status: u16) -> FakeServer {
    FakeServer::start(move |_, _| StatusCode::from_u16(status).unwrap().into_response()).await
}

fn lines(ended: &Ended) -> Vec<Value> {
    ended.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn a_public_library_verifies_the_forwarded_webhook() {
    let (id, body) = event(r#"{"b":1.0, "a":12345678901234567890123}"#);
    let (api, receiver) = (deployment(&[&body]).await, receiver(204).await);
    let forward = receiver.url("/hook");
    let ended = Ended::of(signpost(&api, &["listen", "--forward", &forward, "--count", "1", "--json"])).await;

    let [start, webhook] = &lines(&ended)[..] else { panic!("{ended:?}") };
    assert_eq!((ended.code, webhook["status"].as_u64(), webhook["id"].as_str()), (Some(0), Some(204), Some(&*id)));
    let [call] = &receiver.calls()[..] else { panic!("{:?}", receiver.calls()) };
    assert_eq!((call.path.as_str(), &call.body[..]), ("/hook", body.as_bytes()));
    let verifier = Webhook::new(start["signingSecret"].as_str().unwrap()).unwrap();
    verifier.verify(&call.body, &call.headers).unwrap();
    let headers = ["webhook-id", "webhook-attempt", "webhook-sequence", "content-type"].map(|name| call.header(name));
    assert_eq!(headers, [&*id, "1", "2", "application/json"]);
}

#[tokio::test]
async fn a_chosen_secret_signs_and_is_not_printed() {
    let (_, body) = event("{}");
    let (api, receiver) = (deployment(&[&body]).await, receiver(200).await);
    let forward = receiver.url("/");
    let arguments = ["listen", "--forward", &forward, "--count", "1", "--secret", SECRET];
    let ended = Ended::of(signpost(&api, &arguments)).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let call = &receiver.calls()[0];
    Webhook::new(SECRET).unwrap().verify(&call.body, &call.headers).unwrap();
    assert!(!ended.stdout.contains("whsec_"), "{ended:?}");

    let ended = Ended::of(signpost(&api, &["listen", "--forward", &forward, "--secret", "whsec_short"])).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""));
    assert!(ended.stderr.contains("signing secret") && !ended.stderr.contains("short"), "{ended:?}");
}

#[tokio::test]
async fn the_body_has_the_layout_of_an_endpoint_with_the_same_settings() {
    let (id, body) = event(r#"{"a":1}"#);
    let layouts: [(&[&str], &str, Value); 3] = [
        (&["--payload", "thin"], "application/json", Value::Null),
        (&["--format", "argos"], "application/json", json!("approved")),
        (&["--format", "cloudevents"], "application/cloudevents+json; charset=utf-8", Value::Null),
    ];
    for (options, content_type, trigger) in layouts {
        let (api, receiver) = (deployment(&[&body]).await, receiver(200).await);
        let forward = receiver.url("/");
        let arguments = [&["listen", "--forward", &forward, "--count", "1", "--secret", SECRET], options].concat();
        let ended = Ended::of(signpost(&api, &arguments)).await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let call = &receiver.calls()[0];
        Webhook::new(SECRET).unwrap().verify(&call.body, &call.headers).unwrap();
        assert_eq!((call.header("content-type").as_str(), call.header("webhook-id")), (content_type, id.clone()));
        let sent: Value = serde_json::from_slice(&call.body).unwrap();
        assert_eq!((&sent["webhook_trigger"], sent["data"].is_null()), (&trigger, content_type == "application/json"));
    }
    let api = deployment(&[&body]).await;
    let thin_argos = ["listen", "--forward", "http://localhost:1/", "--format", "argos", "--payload", "thin"];
    let ended = Ended::of(signpost(&api, &thin_argos)).await;
    assert_eq!((ended.code, api.calls().len()), (Some(2), 0), "{ended:?}");
    assert!(ended.stderr.contains("the format argos and the payload thin cannot be combined"), "{ended:?}");
}

#[tokio::test]
async fn a_webhook_that_fails_is_shown_once_and_the_next_one_is_sent() {
    let (first, second) = (event("{}").1, event("{}").1);
    let api = deployment(&[&first, &second]).await;
    // Nothing listens here once the receiver has ended.
    let down = receiver(200).await.url("/");
    let ended = Ended::of(signpost(&api, &["listen", "--forward", &down, "--count", "2"])).await;
    let failed = ended.stdout.lines().filter(|line| line.contains("is your server running?")).count();
    assert_eq!((ended.code, failed), (Some(1), 2), "{ended:?}");

    let receiver = receiver(401).await;
    let forward = receiver.url("/");
    let ended = Ended::of(signpost(&api, &["listen", "--forward", &forward, "--count", "1"])).await;
    assert!(ended.stdout.contains("  401  ") && ended.stdout.contains("the secret of this run?"), "{ended:?}");
    assert_eq!((ended.code, receiver.calls().len()), (Some(1), 1));
}

#[tokio::test]
async fn only_the_chosen_types_are_forwarded() {
    let (rejected, approved) = (event("{}").1.replace("approved", "rejected"), event("{}").1);
    let (api, receiver) = (deployment(&[&rejected, &approved]).await, receiver(200).await);
    let forward = receiver.url("/");
    let arguments = ["listen", "--forward", &forward, "--count", "1", "--type", "approved", "--type", "aml"];
    let ended = Ended::of(signpost(&api, &arguments)).await;
    assert_eq!((ended.code, receiver.calls().len()), (Some(0), 1), "{ended:?}");
    assert_eq!(receiver.calls()[0].body, approved.as_bytes());
}

#[tokio::test]
async fn events_arrive_after_the_network_was_cut() {
    let (_, body) = event("{}");
    let (api, receiver) = (deployment(&[]).await, receiver(200).await);
    let (forward, port) = (receiver.url("/"), api.url("").rsplit_once(':').unwrap().1.parse().unwrap());
    let mut listen = signpost(&api, &["listen", "--forward", &forward, "--count", "1"]).spawn().unwrap();
    let (mut stdout, mut stderr) = (listen.stdout.take().unwrap(), listen.stderr.take().unwrap());
    read_until(&mut stdout, "Waiting for events").await;
    api.stop().await;
    let mut errors = read_until(&mut stderr, "connection lost").await;
    let api = FakeServer::start_at(port, move |index, _| {
        let items = if index == 0 { &*body } else { "" };
        format!(r#"{{"items":[{items}],"cursor":"again"}}"#).into_response()
    });
    let _api = api.await;
    errors.push_str(&read_rest(stderr).await);
    assert_eq!(listen.wait().await.unwrap().code(), Some(0), "{errors}");
    assert_eq!((errors.matches("connection lost").count(), errors.matches("connected again").count()), (1, 1));
    assert_eq!(receiver.calls().len(), 1);
}

#[tokio::test]
async fn ctrl_c_ends_it_with_a_summary() {
    let (_, body) = event("{}");
    let (api, receiver) = (deployment(&[&body]).await, receiver(500).await);
    let forward = receiver.url("/");
    let mut listen = signpost(&api, &["listen", "--forward", &forward]).spawn().unwrap();
    let mut stdout = listen.stdout.take().unwrap();
    let start = read_until(&mut stdout, "  500  ").await;
    assert!(start.contains("Signing secret  whsec_"), "{start}");
    interrupt(&listen).await;
    let rest = read_rest(stdout).await;
    assert_eq!(
        (listen.wait().await.unwrap().code(), rest.as_str()),
        (Some(0), "\nWebhooks sent: 1, not accepted: 1.\n")
    );
}

#[tokio::test]
async fn a_refused_call_ends_it_and_says_what_to_do() {
    let api = FakeServer::start(|_, _| StatusCode::FORBIDDEN.into_response()).await;
    let ended = Ended::of(signpost(&api, &["listen", "--forward", "http://localhost:1/"])).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""));
    assert!(ended.stderr.contains("403 Forbidden") && ended.stderr.contains("→ The key "), "{ended:?}");
}

#[tokio::test]
async fn personal_data_is_not_forwarded_over_an_open_network() {
    let api = deployment(&[]).await;
    let ended = Ended::of(signpost(&api, &["listen", "--forward", "http://app.example/hook"])).await;
    assert_eq!((ended.code, api.calls().len()), (Some(2), 0));
    assert!(ended.stderr.contains("must be https, or http for localhost"), "{ended:?}");
}
