//! Gives each HTTP API its own host, as API Gateway does.
//!
//! The emulator serves all APIs under one host, below `/_aws/execute-api/{id}`. With a proxy in front of each, paths, return
//! links and cookies are the same as in production. The proxy changes no byte and follows no redirect.

use std::io;
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use http::{StatusCode, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use crate::server::Server;

/// A running proxy.
pub(crate) struct Proxy {
    pub(crate) server: Server,
    target: Arc<Target>,
}

/// Where requests go. `api_id` is set after the deployment, because the deployment needs the proxy's URL.
struct Target {
    emulator_url: String,
    api_id: OnceLock<String>,
    // reqwest would normalise URLs such as `/a/../b` and `%2e`. This client sends them unchanged.
    client: Client<HttpConnector, Body>,
}

impl Proxy {
    pub(crate) async fn start(emulator_url: &str) -> io::Result<Self> {
        let client = Client::builder(TokioExecutor::new()).build(HttpConnector::new());
        let target = Arc::new(Target { emulator_url: emulator_url.to_owned(), api_id: OnceLock::new(), client });
        let server = Server::start(Router::new().fallback(pass_on).with_state(Arc::clone(&target))).await?;
        Ok(Self { server, target })
    }

    /// Sends requests to this API from now on. Until then they get 503.
    pub(crate) fn serve(&self, api_id: &str) {
        self.target.api_id.set(api_id.to_owned()).expect("an API is deployed once");
    }

    pub(crate) fn url(&self) -> String {
        self.server.url()
    }
}

async fn pass_on(State(target): State<Arc<Target>>, mut request: Request) -> Response {
    let Some(api_id) = target.api_id.get() else {
        return (StatusCode::SERVICE_UNAVAILABLE, "the API is not deployed yet").into_response();
    };
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let uri = format!("{}/_aws/execute-api/{api_id}/$default{path}", target.emulator_url).parse::<Uri>();
    let Ok(uri) = uri else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    *request.uri_mut() = uri;
    match target.client.request(request).await {
        Ok(response) => response.map(Body::new),
        Err(error) => (StatusCode::BAD_GATEWAY, format!("the emulator did not respond: {error}")).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    const ANSWER: &[u8] = b"HTTP/1.1 303 See Other\r\nlocation: https://app.example/?a=%20b\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\n\x1f\x8b\xff";

    /// Reads until the bytes read so far end with `end`.
    async fn read_until(connection: &mut TcpStream, end: &[u8]) -> Vec<u8> {
        let mut read = Vec::new();
        while !read.ends_with(end) {
            read.push(connection.read_u8().await.unwrap());
        }
        read
    }

    #[tokio::test]
    async fn requests_and_responses_pass_unchanged() {
        let emulator = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Proxy::start(&format!("http://{}", emulator.local_addr().unwrap())).await.unwrap();
        proxy.serve("abc");
        let mut browser = TcpStream::connect(proxy.url().trim_start_matches("http://")).await.unwrap();
        let request = "POST /a/../b%2e%2F//c;d?q=%20+%22&q= HTTP/1.1\r\nhost: x.example\r\nx-one: A  b\r\ncontent-length: 4\r\n\r\nbo\ndy";
        browser.write_all(&request.as_bytes()[..request.len() - 1]).await.unwrap();

        let (mut behind, _) = emulator.accept().await.unwrap();
        let arrived = String::from_utf8(read_until(&mut behind, b"\r\n\r\nbo\nd").await).unwrap();
        behind.write_all(ANSWER).await.unwrap();
        let answer = read_until(&mut browser, b"\x1f\x8b\xff").await;

        assert!(
            arrived.starts_with("POST /_aws/execute-api/abc/$default/a/../b%2e%2F//c;d?q=%20+%22&q= HTTP/1.1\r\n"),
            "{arrived}"
        );
        assert!(arrived.contains("host: x.example\r\n") && arrived.contains("x-one: A  b\r\n"), "{arrived}");
        let head = String::from_utf8_lossy(&answer);
        assert!(head.starts_with("HTTP/1.1 303 See Other\r\n"), "{head}");
        assert!(
            head.contains("location: https://app.example/?a=%20b\r\n") && head.contains("content-encoding: gzip\r\n"),
            "{head}"
        );
    }
}
