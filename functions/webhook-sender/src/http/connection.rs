//! One HTTP/1.1 connection to a receiver. It carries one request at a time.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::OwnedSemaphorePermit;
use url::{Position, Url};

use crate::http::client_auth::{ClientAuth, ClientIdentity};
use crate::http::failure::{RequestError, tls_error};

/// Maximum size of a response head in bytes, and of the buffer of a connection.
const MAX_HEAD: usize = 64 * 1024;

/// Maximum number of response headers.
const MAX_HEADERS: usize = 1000;

/// A connected socket, with or without TLS.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// What a connection can be used for. It never serves another client certificate, because a receiver may authorize the requests
/// of a connection by the certificate that it was opened with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConnectionKey {
    /// Scheme, host and port.
    origin: String,
    /// SHA-256 of the client certificate; `None` without one.
    certificate: Option<String>,
}

impl ConnectionKey {
    /// The key of a connection for requests to `url` with this client certificate.
    pub(crate) fn new(url: &Url, identity: Option<&ClientIdentity>) -> Self {
        let certificate = identity.map(|identity| identity.sha256().to_owned());
        Self { origin: url[..Position::BeforePath].to_owned(), certificate }
    }
}

/// An open connection. Dropping it closes its socket at once.
pub(crate) struct Connection {
    key: ConnectionKey,
    client_auth: ClientAuth,
    requests: http1::SendRequest<Full<Bytes>>,
    driver: Driver,
    _socket: OwnedSemaphorePermit,
}

type HttpConnection = http1::Connection<TokioIo<Box<dyn Stream>>, Full<Bytes>>;

/// Reads from and writes to the socket. It runs only while a request needs it, instead of in a task of its own, so that a
/// connection never outlives its owner, and a Lambda function that was frozen finds closed connections before it uses them.
struct Driver {
    /// Boxed because it is large, and moves into the pool and out of it.
    connection: Pin<Box<HttpConnection>>,
    has_ended: bool,
    /// Why the connection ended before a request was sent over it.
    error: Option<hyper::Error>,
}

impl Connection {
    /// Starts HTTP on a connected stream. `socket` is its share of the sockets that may be open.
    pub(crate) async fn start(
        key: ConnectionKey,
        stream: Box<dyn Stream>,
        client_auth: ClientAuth,
        socket: OwnedSemaphorePermit,
    ) -> hyper::Result<Self> {
        let mut builder = http1::Builder::new();
        // Receivers run on servers of every age. A response that older servers may send is read, so that a success is not taken for
        // a failure and sent again.
        builder
            .max_buf_size(MAX_HEAD)
            .max_headers(MAX_HEADERS)
            .allow_obsolete_multiline_headers_in_responses(true)
            .allow_spaces_after_header_name_in_responses(true)
            .ignore_invalid_headers_in_responses(true);
        let (requests, connection) = builder.handshake(TokioIo::new(stream)).await?;
        let driver = Driver { connection: Box::pin(connection), has_ended: false, error: None };
        Ok(Self { key, client_auth, requests, driver, _socket: socket })
    }

    /// What it can be used for.
    pub(crate) fn key(&self) -> &ConnectionKey {
        &self.key
    }

    /// Sends a request and waits for the head of the response.
    pub(crate) async fn send(&mut self, request: Request<Full<Bytes>>) -> hyper::Result<Response<Incoming>> {
        self.driver.run(self.requests.send_request(request)).await
    }

    /// Returns why a request over this connection failed with `error`. If the receiver sent something before the request, the
    /// connection has ended with its own error, and the request was only canceled.
    pub(crate) fn cause_of(self, error: hyper::Error) -> RequestError {
        let error = self.driver.error.filter(|_| error.is_canceled() || error.is_closed()).unwrap_or(error);
        // With TLS 1.3, a client certificate is rejected after the handshake.
        match tls_error(&error).and_then(|error| self.client_auth.reason(error)) {
            Some(reason) => RequestError::ClientCertificate(reason),
            None => RequestError::Http(error),
        }
    }

    /// Waits for the next part of a response body. Returns `None` at its end, and if the connection fails.
    pub(crate) async fn chunk(&mut self, body: &mut Incoming) -> Option<Bytes> {
        loop {
            let frame = self.driver.run(body.frame()).await?.ok()?;
            // The only other kind of frame has trailers.
            if let Ok(data) = frame.into_data() {
                return Some(data);
            }
        }
    }

    /// Whether another request can be sent: the last response was read to its end, and neither side has closed the connection.
    pub(crate) async fn is_reusable(&mut self) -> bool {
        poll_fn(|context| {
            self.driver.poll(context);
            Poll::Ready(!self.driver.has_ended && self.requests.is_ready())
        })
        .await
    }
}

impl Driver {
    /// Runs the connection until `work`, which waits for it, is done.
    async fn run<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        poll_fn(|context| {
            self.poll(context);
            work.as_mut().poll(context)
        })
        .await
    }

    fn poll(&mut self, context: &mut Context<'_>) {
        if self.has_ended {
            return;
        }
        // An error also ends the work that waits for the connection, which usually returns it.
        if let Poll::Ready(result) = self.connection.as_mut().poll(context) {
            self.has_ended = true;
            self.error = result.err();
        }
    }
}
