//! An HTTP server on this machine that keeps the requests it gets.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// A request: its head with header names in lower case, and its body.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Request {
    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

/// The requests that a server got.
pub(crate) type Requests = Arc<Mutex<Vec<Request>>>;

pub(crate) struct HttpServer {
    /// Scheme, host and port.
    pub(crate) origin: String,
    requests: Requests,
}

impl HttpServer {
    /// Starts a server that answers each request with a status and a body.
    pub(crate) async fn start(answer: impl Fn(&Request) -> (u16, String) + Send + Sync + 'static) -> Self {
        Self::with_delay(answer, |_| Duration::ZERO).await
    }

    /// Starts a server that answers its first, second, … request after these delays.
    pub(crate) async fn with_delay(
        answer: impl Fn(&Request) -> (u16, String) + Send + Sync + 'static,
        delay: impl Fn(usize) -> Duration + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://localhost:{}", listener.local_addr().unwrap().port());
        let (requests, answer) = (Requests::default(), Arc::new(answer));
        let kept = Arc::clone(&requests);
        tokio::spawn(async move {
            let mut number = 0;
            while let Ok((connection, _)) = listener.accept().await {
                number += 1;
                let (kept, answer, delay) = (Arc::clone(&kept), Arc::clone(&answer), delay(number));
                tokio::spawn(async move {
                    tokio::time::sleep(delay).await;
                    serve(connection, &kept, &*answer).await;
                });
            }
        });
        Self { origin, requests }
    }

    /// The requests so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

/// Answers one request.
pub(crate) async fn serve(
    mut connection: impl AsyncRead + AsyncWrite + Unpin,
    requests: &Requests,
    answer: impl Fn(&Request) -> (u16, String),
) {
    let mut bytes = Vec::new();
    let request = loop {
        // A client that trusts nothing of this server ends the connection without a request.
        if connection.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return;
        }
        if let Some(request) = parse(&bytes) {
            break request;
        }
    };
    let (status, body) = answer(&request);
    requests.lock().unwrap().push(request);
    let head = format!("HTTP/1.1 {status} Status\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    connection.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    connection.shutdown().await.unwrap();
}

/// Returns the request once it is complete.
fn parse(bytes: &[u8]) -> Option<Request> {
    let (head, body) = std::str::from_utf8(bytes).unwrap().split_once("\r\n\r\n")?;
    let request = Request { head: with_lower_names(head), body: body.to_owned() };
    let length = request.header("content-length").map_or(0, |length| length.parse().unwrap());
    (body.len() == length).then_some(request)
}

fn with_lower_names(head: &str) -> String {
    let lines = head.lines().map(|line| match line.split_once(": ") {
        Some((name, value)) => format!("{}: {value}", name.to_ascii_lowercase()),
        None => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}
