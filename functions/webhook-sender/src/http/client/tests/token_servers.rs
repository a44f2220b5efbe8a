//! Token servers that are slow, broken or hostile.

use domain::webhooks::endpoint::{ClientSecret, OpenedOauth2};
use serde_json::json;
use tokio::time::timeout;

use super::*;
use crate::http::token_request::{IssuedToken, NoToken, TokenFailure};

/// A token server that does this after a request has arrived, and returns the request.
async fn server(step: Step) -> (Url, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://localhost:{}/token", listener.local_addr().unwrap().port())).unwrap();
    let request = tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"grant_type=client_credentials") {
            assert!(connection.read_buf(&mut request).await.unwrap() > 0, "the request ended early");
        }
        match step {
            Step::Respond(response) => keep_open(connection, response),
            Step::Hang => keep_open(connection, String::new()),
            Step::Close | Step::Reset => {}
        }
        String::from_utf8(request).unwrap()
    });
    (url, request)
}

/// Sends a response, and keeps the connection open after it.
fn keep_open(mut connection: TcpStream, response: String) {
    tokio::spawn(async move {
        // The client may close the connection before it has read all.
        drop(connection.write_all(response.as_bytes()).await);
        std::future::pending::<()>().await;
    });
}

fn oauth2(token_url: &Url) -> OpenedOauth2 {
    let stored = json!({"tokenUrl": token_url, "clientId": "signpost", "clientSecret": "sealed"});
    let client_secret = ClientSecret::try_from("partner-secret".to_owned()).unwrap();
    OpenedOauth2 { stored: serde_json::from_value(stored).unwrap(), client_secret }
}

async fn request_token(client: &WebhookClient, token_url: &Url) -> Result<IssuedToken, NoToken> {
    client.request_token(&oauth2(token_url), now()).await
}

/// A client that waits for a token server for half a second.
fn impatient_client() -> WebhookClient {
    client(system(), Limits { token: 10 * SHORT, ..LIMITS })
}

/// The failure after a request of a token: its reason, the status and the response.
async fn failure(client: &WebhookClient, token_url: &Url) -> (FailureReason, Option<u16>, Option<String>) {
    match request_token(client, token_url).await {
        Err(NoToken::Failed(TokenFailure { reason, status, response, .. })) => (reason, status, response),
        other => panic!("{other:?}"),
    }
}

fn unreachable(reason: FailureReason) -> (FailureReason, Option<u16>, Option<String>) {
    (FailureReason::TokenUnreachable, None, Some(reason.as_str().to_owned()))
}

fn json_response(status: u16, body: &str) -> Step {
    let length = body.len();
    Step::Respond(format!("HTTP/1.1 {status} Status\r\nretry-after: 30\r\ncontent-length: {length}\r\n\r\n{body}"))
}

#[tokio::test]
async fn a_token_request_is_a_form_that_asks_for_json() {
    let (url, request) = server(json_response(200, r#"{"access_token":"t-1","token_type":"Bearer"}"#)).await;
    let token = request_token(&patient_client(), &url).await.unwrap();
    assert_eq!(token.authorization.to_str().unwrap(), "Bearer t-1");
    let request = request.await.unwrap();
    assert!(request.starts_with("POST /token HTTP/1.1\r\n"), "{request}");
    for header in [
        "accept: application/json",
        "content-type: application/x-www-form-urlencoded",
        "authorization: Basic c2lnbnBvc3Q6cGFydG5lci1zZWNyZXQ=",
        "content-length: 29",
    ] {
        assert!(request.contains(&format!("\r\n{header}\r\n")), "{request}");
    }
}

#[tokio::test]
async fn a_token_server_that_cannot_be_reached_fails_with_its_reason() {
    let client = impatient_client();
    let closed = Url::parse(&format!("http://localhost:{}/", unused_port().await)).unwrap();
    assert_eq!(failure(&client, &closed).await, unreachable(FailureReason::Refused));
    for (step, reason) in [(Step::Hang, FailureReason::Timeout), (Step::Close, FailureReason::ConnectionLost)] {
        assert_eq!(failure(&client, &server(step).await.0).await, unreachable(reason));
    }
}

#[tokio::test]
async fn a_token_server_at_a_blocked_address_gets_no_request() {
    for url in ["https://10.0.0.1/token", "http://login.example/token", "https://login.example/token"] {
        let client = client(FakeLookup::returning([Ok("169.254.169.254")]), LIMITS);
        let url = Url::parse(url).unwrap();
        assert_eq!(failure(&client, &url).await, unreachable(FailureReason::BlockedAddress), "{url}");
    }
}

#[tokio::test]
async fn a_token_server_without_an_answer_is_our_own_fault_if_the_canary_cannot_be_reached() {
    let canary = canary(unused_port().await, FakeLookup::returning([]));
    let client = client_with(system(), canary, Limits { token: 10 * SHORT, ..LIMITS });
    let no_token = request_token(&client, &server(Step::Hang).await.0).await.unwrap_err();
    assert!(matches!(no_token, NoToken::OwnFault(OwnFault::Egress)), "{no_token:?}");
}

#[tokio::test]
async fn a_redirect_of_a_token_server_is_not_followed() {
    let other = Receiver::responding(OK).await;
    let location = other.url("http://localhost");
    let (url, _) =
        server(Step::Respond(format!("HTTP/1.1 307 Moved\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n"))).await;
    assert_eq!(failure(&patient_client(), &url).await, (FailureReason::TokenRefused, Some(307), None));
    assert_eq!(other.requests(), 0);
}

#[tokio::test]
async fn a_body_that_never_ends_gives_no_token() {
    let token = r#"{"access_token":"t-1","token_type":"Bearer""#;
    let huge = format!("HTTP/1.1 200 OK\r\ncontent-length: 90000000\r\n\r\n{token},\"x\":\"{}", "x".repeat(1_000_000));
    let half = format!("HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n{token}");
    for response in [huge, half] {
        let (url, _) = server(Step::Respond(response)).await;
        let failed = timeout(LIMITS.token, failure(&impatient_client(), &url)).await.unwrap();
        assert_eq!(failed, (FailureReason::TokenInvalid, Some(200), None));
    }
}

#[tokio::test]
async fn the_wait_that_a_token_server_asks_for_is_kept_only_with_429_and_503() {
    let wait = Some(Duration::from_secs(30));
    for (status, expected) in [(429, wait), (503, wait), (401, None), (500, None), (200, None), (307, None)] {
        let (url, _) = server(json_response(status, r#"{"error":"temporarily_unavailable"}"#)).await;
        let Err(NoToken::Failed(failure)) = request_token(&patient_client(), &url).await else {
            panic!("there is a token")
        };
        assert_eq!((failure.status, failure.retry_after), (Some(status), expected));
    }
}
