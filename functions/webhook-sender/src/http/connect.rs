//! Opens connections: resolves and checks the host, connects, and makes the TLS handshake.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;
use url::{Host, Url};

use crate::http::client_auth::{self, ClientAuth, ClientIdentity};
use crate::http::connection::{Connection, ConnectionKey, Stream};
use crate::http::failure::RequestError;
use crate::http::resolver::GuardedResolver;
use crate::http::tls::Tls;
use crate::http::trace::Trace;

/// Opens connections to checked addresses.
pub(crate) struct Connector {
    resolver: GuardedResolver,
    tls: Arc<Tls>,
    /// Timeout for a connection, including DNS and the TLS handshake.
    timeout: Duration,
}

impl Connector {
    pub(crate) fn new(resolver: GuardedResolver, tls: Arc<Tls>, timeout: Duration) -> Self {
        Self { resolver, tls, timeout }
    }

    /// Opens a connection to the host of `url`, with this client certificate or without one, and records in `trace` how far it
    /// got.
    pub(crate) async fn connect(
        &self,
        url: &Url,
        identity: Option<&ClientIdentity>,
        socket: OwnedSemaphorePermit,
        trace: &mut Trace,
    ) -> Result<Connection, RequestError> {
        let connected = timeout(self.timeout, self.open(url, identity, trace)).await;
        let (stream, client_auth) = connected.unwrap_or(Err(RequestError::TimedOut))?;
        trace.connected();
        let key = ConnectionKey::new(url, identity);
        Connection::start(key, stream, client_auth, socket).await.map_err(RequestError::Http)
    }

    async fn open(
        &self,
        url: &Url,
        identity: Option<&ClientIdentity>,
        trace: &mut Trace,
    ) -> Result<(Box<dyn Stream>, ClientAuth), RequestError> {
        let host = url.host().ok_or(RequestError::Url)?;
        let addresses = self.addresses(&host, trace).await?;
        trace.connecting();
        let stream = self.connect_to_any(&addresses, url.port_or_known_default().ok_or(RequestError::Url)?).await?;
        let has_certificate = identity.is_some();
        if url.scheme() != "https" {
            return Ok((Box::new(stream), ClientAuth { was_asked: false, has_certificate }));
        }
        let name = match host {
            Host::Domain(name) => ServerName::try_from(name.to_owned()).map_err(|_| RequestError::Url)?,
            Host::Ipv4(address) => IpAddr::from(address).into(),
            Host::Ipv6(address) => IpAddr::from(address).into(),
        };
        let handshake = self.tls.connector(identity).connect(name, stream);
        let (stream, was_asked) = client_auth::observe(handshake).await;
        let client_auth = ClientAuth { was_asked, has_certificate };
        match stream {
            Ok(stream) => Ok((Box::new(stream), client_auth)),
            Err(error) => Err(RequestError::Tls { error, client_auth }),
        }
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
