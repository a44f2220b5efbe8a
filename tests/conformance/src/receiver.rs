//! The receivers of all cases: one server with a path for each, and a server of its own for each case at `https`.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tokio_rustls::TlsAcceptor;

use crate::case::{Answer, Case, Https};
use crate::record::{Arrival, SharedRecord};
use crate::{clock, http};

/// First byte of a TLS connection (RFC 8446, section 5.1).
const TLS_HANDSHAKE: u8 = 22;

/// What redirects append to the URL of a case.
const REDIRECTED: &str = "/redirected";
const CHUNK: [u8; 16 * 1024] = [b' '; 16 * 1024];

/// Why the receivers cannot be started.
#[derive(Debug, Error)]
pub enum ReceiverError {
    /// No port can be opened.
    #[error("cannot listen at {0}")]
    Listen(SocketAddr, #[source] io::Error),
    /// The untrusted certificate cannot be made.
    #[error("cannot make a certificate")]
    Certificate(#[source] rcgen::Error),
    /// The untrusted certificate cannot be used.
    #[error("cannot use the certificate")]
    Tls(#[source] rustls::Error),
}

/// Running receivers. Dropping them ends them.
#[derive(Debug)]
pub struct Receivers {
    by_case: BTreeMap<String, Receiver>,
    servers: Vec<AbortHandle>,
}

/// The receiver of one case.
#[derive(Debug, Clone)]
pub struct Receiver {
    /// Where the sender sends the webhooks of this case.
    pub url: String,
    /// What arrived.
    pub record: Arc<SharedRecord>,
    case: Arc<Case>,
}

impl Receivers {
    /// Starts the receivers. `public_url` is how the sender reaches `listen`, without a slash at its end; left out: by
    /// `http://localhost`. Receivers at `https` always listen on free ports of `localhost`.
    pub async fn start(
        cases: &[Case],
        listen: SocketAddr,
        public_url: Option<&str>,
        secrets: &[String],
    ) -> Result<Self, ReceiverError> {
        let (listener, port) = bind(listen).await?;
        let base = public_url.map_or_else(|| format!("http://localhost:{port}"), ToOwned::to_owned);
        let mut receivers = Self { by_case: BTreeMap::new(), servers: Vec::new() };
        for case in cases {
            let record = Arc::new(SharedRecord::default());
            record.change(|record| record.secrets = secrets.to_vec());
            let mut receiver = Receiver { url: format!("{base}/{}", case.name), record, case: Arc::new(case.clone()) };
            if let Some(https) = case.https {
                let (listener, port) = bind(SocketAddr::new(listen.ip(), 0)).await?;
                receiver.url = format!("https://localhost:{port}/{}", case.name);
                let server = match https {
                    Https::UntrustedCertificate => tokio::spawn(serve_tls(listener, untrusted()?, receiver.clone())),
                    Https::NoTls => tokio::spawn(serve_without_tls(listener, receiver.clone())),
                };
                receivers.servers.push(server.abort_handle());
            }
            receivers.by_case.insert(case.name.clone(), receiver);
        }
        let by_case = Arc::new(receivers.by_case.clone());
        receivers.servers.push(tokio::spawn(serve(listener, by_case)).abort_handle());
        Ok(receivers)
    }

    /// The receiver of a case.
    ///
    /// # Panics
    ///
    /// If the receivers were started without this case.
    pub fn of(&self, case: &Case) -> &Receiver {
        &self.by_case[&case.name]
    }
}

impl Drop for Receivers {
    fn drop(&mut self) {
        self.servers.iter().for_each(AbortHandle::abort);
    }
}

async fn bind(address: SocketAddr) -> Result<(TcpListener, u16), ReceiverError> {
    let failed = |error| ReceiverError::Listen(address, error);
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let port = listener.local_addr().map_err(failed)?.port();
    Ok((listener, port))
}

/// TLS with a self-signed certificate.
fn untrusted() -> Result<TlsAcceptor, ReceiverError> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).map_err(ReceiverError::Certificate)?;
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(ReceiverError::Tls)?.with_no_client_auth();
    let config = builder.with_single_cert(vec![made.cert.der().clone()], key).map_err(ReceiverError::Tls)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

async fn serve(listener: TcpListener, receivers: Arc<BTreeMap<String, Receiver>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let receivers = Arc::clone(&receivers);
        tokio::spawn(async move { take(stream, |path| receivers.get(path)).await });
    }
}

async fn serve_tls(listener: TcpListener, acceptor: TlsAcceptor, receiver: Receiver) {
    while let Ok((stream, _)) = listener.accept().await {
        let (acceptor, receiver) = (acceptor.clone(), receiver.clone());
        tokio::spawn(async move {
            match acceptor.accept(stream).await {
                Ok(stream) => take(stream, |_| Some(&receiver)).await,
                Err(_) => receiver.record.change(|record| record.refused_handshakes += 1),
            }
        });
    }
}

/// Answers the beginning of each handshake in plain HTTP, as a web server does at the wrong port. Takes requests without TLS too,
/// because a sender must not make any.
async fn serve_without_tls(listener: TcpListener, receiver: Receiver) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let receiver = receiver.clone();
        tokio::spawn(async move {
            let mut first = [0];
            match stream.peek(&mut first).await {
                Ok(1..) if first == [TLS_HANDSHAKE] => {
                    receiver.record.change(|record| record.refused_handshakes += 1);
                    let answer = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
                    let _ = stream.write_all(answer).await;
                }
                Ok(1..) => take(stream, |_| Some(&receiver)).await,
                Ok(0) | Err(_) => {}
            }
        });
    }
}

/// Takes one request. Every answer closes the connection, so that each attempt has one of its own.
async fn take<'a>(mut stream: impl Stream, receiver: impl Fn(&str) -> Option<&'a Receiver>) {
    let Ok(Some(request)) = http::read(&mut stream).await else { return };
    let (path, _) = request.path.split_once('?').unwrap_or((&request.path, ""));
    let redirected = path.strip_suffix(REDIRECTED);
    // A proxy in front may add a folder.
    let name = redirected.unwrap_or(path).rsplit('/').next().unwrap_or_default();
    let Some(receiver) = receiver(name) else {
        let _ = stream.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await;
        return;
    };
    if redirected.is_some() {
        receiver.record.change(|record| record.followed_redirects += 1);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await;
        return;
    }
    let arrival = Arrival {
        at: Instant::now(),
        unix_seconds: clock::unix_seconds(),
        method: request.method,
        headers: request.headers,
        body: request.body,
        ended_at: None,
        given_up_after: None,
        body_taken: 0,
    };
    let at = arrival.at;
    let number = receiver.record.change(|record| {
        record.arrivals.push(arrival);
        record.arrivals.len() - 1
    });
    let answer = receiver.case.answers.get(number).cloned().unwrap_or_default();
    let Sent { is_given_up, body_taken } = send(stream, &answer, &receiver.url).await;
    receiver.record.change(|record| {
        let arrival = &mut record.arrivals[number];
        arrival.ended_at = Some(Instant::now());
        arrival.given_up_after = is_given_up.then(|| at.elapsed());
        arrival.body_taken = body_taken;
    });
}

/// A connection to the sender.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {
    /// Makes the connection end with a TCP RST.
    fn reset_when_dropped(&self);
}

impl Stream for TcpStream {
    fn reset_when_dropped(&self) {
        let _ = self.set_zero_linger();
    }
}

impl Stream for tokio_rustls::server::TlsStream<TcpStream> {
    fn reset_when_dropped(&self) {
        self.get_ref().0.reset_when_dropped();
    }
}

/// How an answer ended.
struct Sent {
    /// Whether the sender closed the connection before it had the whole answer.
    is_given_up: bool,
    body_taken: usize,
}

async fn send(mut stream: impl Stream, answer: &Answer, url: &str) -> Sent {
    let given_up = |body_taken| Sent { is_given_up: true, body_taken };
    let complete = Sent { is_given_up: false, body_taken: answer.body_bytes };
    if answer.reset {
        stream.reset_when_dropped();
        return complete;
    }
    if answer.close {
        return complete;
    }
    if is_closed_within(&mut stream, answer.head_delay).await {
        return given_up(0);
    }
    let head = answer.raw.clone().unwrap_or_else(|| head(answer, url));
    if stream.write_all(head.as_bytes()).await.is_err() || stream.flush().await.is_err() {
        return given_up(0);
    }
    if is_closed_within(&mut stream, answer.body_delay).await {
        return given_up(0);
    }
    let mut taken = 0;
    while taken < answer.body_bytes {
        let size = CHUNK.len().min(answer.body_bytes - taken);
        if stream.write_all(&CHUNK[..size]).await.is_err() {
            return given_up(taken);
        }
        taken += size;
    }
    let _ = stream.shutdown().await;
    complete
}

fn head(answer: &Answer, url: &str) -> String {
    let mut lines = vec![format!("HTTP/1.1 {} Answer", answer.status.unwrap_or(200))];
    lines.extend(answer.headers.iter().map(|(name, value)| format!("{name}: {}", filled_in(value, url))));
    // A 204 and a 304 have no body and no length.
    if !matches!(answer.status, Some(204 | 304)) {
        lines.push(format!("content-length: {}", answer.body_bytes));
    }
    lines.push("connection: close\r\n\r\n".to_owned());
    lines.join("\r\n")
}

/// Replaces `{redirect}` and `{date+N}`.
fn filled_in(value: &str, url: &str) -> String {
    let value = value.replace("{redirect}", &format!("{url}{REDIRECTED}"));
    let Some((before, rest)) = value.split_once("{date+") else { return value };
    let (seconds, after) = rest.split_once('}').unwrap_or((rest, ""));
    let date = clock::now() + Duration::from_secs(seconds.parse().unwrap_or_default());
    format!("{before}{}{after}", httpdate::fmt_http_date(date))
}

/// Waits, and returns early if the sender closes the connection.
async fn is_closed_within(stream: &mut impl Stream, seconds: f64) -> bool {
    let mut byte = [0];
    let closed = async { while matches!(stream.read(&mut byte).await, Ok(1..)) {} };
    seconds > 0.0 && tokio::time::timeout(Duration::from_secs_f64(seconds), closed).await.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_values_can_name_the_redirect_and_a_time() {
        assert_eq!(filled_in("{redirect}", "http://localhost:1/a"), "http://localhost:1/a/redirected");
        let date = httpdate::parse_http_date(&filled_in("{date+60}", "")).unwrap();
        let ahead = date.duration_since(clock::now()).unwrap().as_secs();
        assert!((58..=60).contains(&ahead), "{ahead}");
        assert_eq!(filled_in("-5", ""), "-5");
    }
}
