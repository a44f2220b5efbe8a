//! Handshakes: `OPTIONS` requests.

use super::*;

/// A receiver that answers the head of one request. Returns its URL and the request.
async fn receiver(response: Option<String>) -> (Url, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://localhost:{}/hook", listener.local_addr().unwrap().port())).unwrap();
    let request = tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            assert!(connection.read_buf(&mut request).await.unwrap() > 0, "the request ended early");
        }
        match response {
            Some(response) => connection.write_all(response.as_bytes()).await.unwrap(),
            None => std::future::pending().await,
        }
        String::from_utf8(request).unwrap()
    });
    (url, request)
}

async fn shake_hands(client: &WebhookClient, url: &Url) -> CompletedAttempt {
    client.send(&request(url, Method::OPTIONS, b""), first_attempt()).await.unwrap()
}

#[tokio::test]
async fn a_handshake_has_no_body_and_returns_what_the_receiver_allows() {
    let answer = "HTTP/1.1 200 OK\r\nWebHook-Allowed-Origin: signpost.example\r\nWebHook-Allowed-Rate: 120\r\n\
                  content-length: 0\r\n\r\n";
    let (url, request) = receiver(Some(answer.to_owned())).await;
    let completed = shake_hands(&patient_client(), &url).await;
    assert_eq!((completed.attempt.status, completed.attempt.reason), (Some(200), None));
    let allowed = [completed.allowed_origin.as_deref(), completed.allowed_rate.as_deref()];
    assert_eq!(allowed, [Some("signpost.example"), Some("120")]);
    let request = request.await.unwrap();
    assert!(request.starts_with("OPTIONS /hook HTTP/1.1\r\n"), "{request}");
    assert!(!request.contains("content-type") && !request.contains("transfer-encoding"), "{request}");
}

#[tokio::test]
async fn a_repeated_header_is_joined_and_a_long_one_is_cut() {
    let long = format!("webhook-allowed-origin: {}", "x".repeat(1025));
    for (header, expected) in [
        (long.as_str(), Some("x".repeat(1024))),
        ("webhook-allowed-origin: a\r\nwebhook-allowed-origin: b", Some("a, b".to_owned())),
        ("webhook-allowed-origin: t\u{e9}", Some("t\u{e9}".to_owned())),
        ("x-other: a", None),
    ] {
        let (url, _) = receiver(Some(format!("HTTP/1.1 200 OK\r\n{header}\r\ncontent-length: 0\r\n\r\n"))).await;
        assert_eq!(shake_hands(&patient_client(), &url).await.allowed_origin, expected, "{header}");
    }
}

#[tokio::test]
async fn a_handshake_has_its_own_shorter_timeout() {
    let client = client(system(), Limits { handshake: 10 * SHORT, ..limits(LONG, LONG) });
    let (url, _request) = receiver(None).await;
    assert_eq!(shake_hands(&client, &url).await.attempt.reason, Some(FailureReason::Timeout));
}
