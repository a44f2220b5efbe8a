//! Whether our own way out to the internet works, asked of a host that is known to be up: when nobody answers in time, that
//! tells a receiver that is away from a NAT or a name server that is.
//!
//! The host is that of the send queue. The sender reaches it the way it reaches receivers: its name is asked of the same
//! name servers, and the way to it leads through the NAT.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::timeout;
use url::Url;

use crate::resolver::HostLookup;

/// How long the host has to be found and to take a connection. It is near and does so within milliseconds.
const PATIENCE: Duration = Duration::from_secs(2);

/// For how long what was found is taken to be still so. The longest attempt begins before and ends after this.
const KEPT: Duration = Duration::from_secs(10);

/// The host that is asked, and what came of it last.
pub(crate) struct Canary {
    host: String,
    port: u16,
    /// It must not remember what it found: a name server that is away would not be noticed.
    lookup: Arc<dyn HostLookup>,
    last: Mutex<Option<(Instant, bool)>>,
}

impl Canary {
    /// A canary that asks the host of `url`.
    pub(crate) fn new(url: &Url, lookup: Arc<dyn HostLookup>) -> Self {
        let host = url.host_str().unwrap_or_default().to_owned();
        Self { host, port: url.port_or_known_default().unwrap_or_default(), lookup, last: Mutex::default() }
    }

    /// Whether the way out works. However many ask at once, the host is asked once.
    pub(crate) async fn is_well(&self) -> bool {
        let mut last = self.last.lock().await;
        if let Some((at, is_well)) = *last
            && at.elapsed() < KEPT
        {
            return is_well;
        }
        let is_well = timeout(PATIENCE, self.connects()).await.unwrap_or(false);
        *last = Some((Instant::now(), is_well));
        is_well
    }

    async fn connects(&self) -> bool {
        let literal: Result<IpAddr, _> = self.host.parse();
        let addresses = match literal {
            Ok(address) => vec![address],
            Err(_) => self.lookup.addresses(&self.host).await.unwrap_or_default(),
        };
        let to: Vec<SocketAddr> = addresses.into_iter().map(|address| SocketAddr::new(address, self.port)).collect();
        TcpStream::connect(to.as_slice()).await.is_ok()
    }
}
