//! Checks our own internet access against a host known to be up. After a timeout, this tells whether the receiver is down or
//! our NAT or DNS is.
//!
//! The host is that of the send queue. The sender reaches it as it reaches receivers: through the same name servers and the
//! same NAT.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::timeout;
use url::Url;

use crate::http::resolver::HostLookup;

/// Maximum time to resolve the host and to connect to it. The host is near and takes milliseconds.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// How long a result is reused. Shorter than the timeout of an attempt (15 s), so the result that judges such a timeout is from
/// the time of the attempt.
const MAX_RESULT_AGE: Duration = Duration::from_secs(10);

/// Checks whether one host can be reached.
pub(crate) struct Canary {
    host: String,
    port: u16,
    /// Must not cache: a cached address would hide that the name server is down.
    lookup: Arc<dyn HostLookup>,
    /// When the last check ended, and whether the host was reachable.
    last: Mutex<Option<(Instant, bool)>>,
}

impl Canary {
    /// Creates a canary that checks the host of `url`.
    pub(crate) fn new(url: &Url, lookup: Arc<dyn HostLookup>) -> Self {
        let host = url.host_str().unwrap_or_default().to_owned();
        Self { host, port: url.port_or_known_default().unwrap_or_default(), lookup, last: Mutex::default() }
    }

    /// Whether the host can be reached. Concurrent callers share one check.
    pub(crate) async fn is_reachable(&self) -> bool {
        let mut last = self.last.lock().await;
        if let Some((at, is_reachable)) = *last
            && at.elapsed() < MAX_RESULT_AGE
        {
            return is_reachable;
        }
        let is_reachable = timeout(CONNECT_TIMEOUT, self.connects()).await.unwrap_or(false);
        *last = Some((Instant::now(), is_reachable));
        is_reachable
    }

    async fn connects(&self) -> bool {
        let literal: Result<IpAddr, _> = self.host.parse();
        let addresses = match literal {
            Ok(address) => vec![address],
            Err(_) => self.lookup.addresses(&self.host).await.unwrap_or_default(),
        };
        let targets: Vec<SocketAddr> =
            addresses.into_iter().map(|address| SocketAddr::new(address, self.port)).collect();
        TcpStream::connect(targets.as_slice()).await.is_ok()
    }
}
