//! Opens connections: resolves and checks the host, connects, and makes the TLS handshake.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use url::{Host, Position, Url};

use crate::http::connection::{Connection, Stream};
use crate::http::failure::RequestError;
use crate::http::resolver::GuardedResolver;
use crate::http::trace::Trace;

/// Opens connections to checked addresses.
pub(crate) struct Connector {
    resolver: GuardedResolver,
    tls: TlsConnector,
    /// Timeout for a connection, including DNS and the TLS handshake.
    timeout: Duration,
}

/// The scheme, host and port of a URL. A connection to them can be reused for it.
pub(crate) fn origin(url: &Url) -> &str {
    &url[..Position::BeforePath]
}

impl Connector {
    pub(crate) fn new(resolver: GuardedResolver, tls: ClientConfig, timeout: Duration) -> Self {
        Self { resolver, tls: TlsConnector::from(Arc::new(tls)), timeout }
    }

    /// Opens a connection to the host of `url`, and records in `trace` how far it got.
    pub(crate) async fn connect(
        &self,
        url: &Url,
        socket: OwnedSemaphorePermit,
        trace: &mut Trace,
    ) -> Result<Connection, RequestError> {
        let connected = timeout(self.timeout, self.open(url, trace)).await;
        let stream = connected.unwrap_or(Err(RequestError::TimedOut))?;
        trace.connected();
        Connection::start(origin(url), stream, socket).await.map_err(RequestError::Http)
    }

    async fn open(&self, url: &Url, trace: &mut Trace) -> Result<Box<dyn Stream>, RequestError> {
        let host = url.host().ok_or(RequestError::Url)?;
        let addresses = self.addresses(&host, trace).await?;
        trace.connecting();
        let stream = self.connect_to_any(&addresses, url.port_or_known_default().ok_or(RequestError::Url)?).await?;
        if url.scheme() != "https" {
            return Ok(Box::new(stream));
        }
        let name = match host {
            Host::Domain(name) => ServerName::try_from(name.to_owned()).map_err(|_| RequestError::Url)?,
            Host::Ipv4(address) => IpAddr::from(address).into(),
            Host::Ipv6(address) => IpAddr::from(address).into(),
        };
        Ok(Box::new(self.tls.connect(name, stream).await.map_err(RequestError::Tls)?))
    }

    async fn addresses(&self, host: &Host<&str>, trace: &mut Trace) -> Result<Vec<IpAddr>, RequestError> {
        match host {
            Host::Domain(name) => {
                trace.resolving();
                Ok(self.resolver.addresses(name).await?)
            }
            Host::Ipv4(address) => Ok(vec![(*address).into()]),
            Host::Ipv6(address) => Ok(vec![(*address).into()]),
        }
    }

    /// Connects to the first address that accepts. Each address gets an equal share of the time.
    async fn connect_to_any(&self, addresses: &[IpAddr], port: u16) -> Result<TcpStream, RequestError> {
        let share = self.timeout / u32::try_from(addresses.len()).unwrap_or(u32::MAX).max(1);
        let mut last_error = RequestError::TimedOut;
        for &address in addresses {
            let connected = timeout(share, TcpStream::connect(SocketAddr::new(address, port))).await;
            match connected.unwrap_or_else(|_| Err(ErrorKind::TimedOut.into())).and_then(without_delay) {
                Ok(stream) => return Ok(stream),
                Err(error) => last_error = RequestError::Connect { error, is_v6: address.is_ipv6() },
            }
        }
        Err(last_error)
    }
}

/// Sends small packets at once. A request is written as a whole, so there is nothing to wait for.
fn without_delay(stream: TcpStream) -> io::Result<TcpStream> {
    stream.set_nodelay(true)?;
    Ok(stream)
}
