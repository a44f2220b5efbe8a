//! A server for tests: the API of a deployment, or a receiver of webhooks.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::response::{IntoResponse as _, Response};
use http::header::CONNECTION;
use http::{HeaderMap, HeaderValue, Method, Uri};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A request that the server got.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// The method.
    pub(crate) method: Method,
    /// Path and query.
    pub(crate) path: String,
    /// The headers.
    pub(crate) headers: HeaderMap,
    /// The body.
    pub(crate) body: Bytes,
}

impl Call {
    /// The value of a header; empty if it is absent.
    pub(crate) fn header(&self, name: &str) -> String {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap()).to_owned()
    }
}

/// A running server. Dropping it ends it. It closes each connection after the answer, so clients notice the end.
#[derive(Debug)]
pub(crate) struct FakeServer {
    port: u16,
    calls: Arc<Mutex<Vec<Call>>>,
    server: JoinHandle<()>,
}

impl FakeServer {
    /// Starts a server on a free port. `answer` gets the number of earlier requests, and the request.
    pub(crate) async fn start(answer: impl Fn(usize, &Call) -> Response + Send + Sync + 'static) -> Self {
        Self::start_at(0, answer).await
    }

    /// Starts a server on this port.
    pub(crate) async fn start_at(port: u16, answer: impl Fn(usize, &Call) -> Response + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let (port, calls) = (listener.local_addr().unwrap().port(), Arc::new(Mutex::new(Vec::new())));
        let (kept, answer) = (Arc::clone(&calls), Arc::new(answer));
        let take = async move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| {
            let call = Call { method, path: uri.to_string(), headers, body };
            let index = {
                let mut calls = kept.lock().unwrap();
                calls.push(call.clone());
                calls.len() - 1
            };
            let mut response = answer(index, &call).into_response();
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            response
        };
        let server = tokio::spawn(async { axum::serve(listener, Router::new().fallback(take)).await.unwrap() });
        Self { port, calls, server }
    }

    /// The URL of a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Ends the server, and waits until its port is free.
    pub(crate) async fn stop(mut self) {
        self.server.abort();
        let _ = (&mut self.server).await;
    }

    /// The requests so far.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }
}

impl Drop for FakeServer {
    fn drop(&mut self) {
        self.server.abort();
    }
}
