//! The certificate authority of the bench, and TLS listeners with its certificates.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::server::NoServerSessionStorage;
use rustls::{ServerConfig, crypto};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::error::BenchError;

/// Certificate authorities that Linux trusts. The programs load them as well, so that the time to load them is measured.
const SYSTEM_BUNDLE: &str = "/etc/ssl/certs/ca-certificates.crt";

/// The certificate authority, and the files that make programs trust it.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    /// File with its certificate, in DER.
    pub(crate) root: PathBuf,
    /// File with the certificates of the system and of this authority, in PEM.
    pub(crate) system_bundle: PathBuf,
}

impl Authority {
    /// Creates the authority, and its files in `directory`.
    pub(crate) fn new(directory: &Path) -> Result<Self, BenchError> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        let (root, system_bundle) = (directory.join("root.der"), directory.join("system.pem"));
        std::fs::write(&root, issuer.der())?;
        let system = std::fs::read_to_string(SYSTEM_BUNDLE).unwrap_or_default();
        std::fs::write(&system_bundle, system + "\n" + &issuer.pem())?;
        Ok(Self { issuer, root, system_bundle })
    }

    /// Listens as `localhost` and as all hosts below `hosts.localhost` on a free port. Sessions are not resumed, so each new connection costs as much as a first one.
    pub(crate) async fn listen(&self) -> Result<TlsListener, BenchError> {
        let key = KeyPair::generate()?;
        let names = ["localhost", "*.hosts.localhost"].map(str::to_owned);
        let certificate = CertificateParams::new(names)?.signed_by(&key, &self.issuer)?;
        let builder = ServerConfig::builder_with_provider(crypto::ring::default_provider().into());
        let builder = builder.with_safe_default_protocol_versions()?.with_no_client_auth();
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        let mut config = builder.with_single_cert(vec![certificate.der().clone()], key)?;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        TlsListener::start(TlsAcceptor::from(Arc::new(config))).await
    }
}

/// Accepts connections, with concurrent TLS handshakes.
pub(crate) struct TlsListener {
    address: SocketAddr,
    accepted: mpsc::Receiver<(TlsStream<Counted>, SocketAddr)>,
    /// Number of bytes received and sent, with those of TLS.
    pub(crate) bytes: Arc<AtomicU64>,
}

impl TlsListener {
    async fn start(acceptor: TlsAcceptor) -> Result<Self, BenchError> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (sender, accepted) = mpsc::channel(64);
        let bytes = Arc::<AtomicU64>::default();
        let total = Arc::clone(&bytes);
        tokio::spawn(async move {
            while let Ok((stream, from)) = listener.accept().await {
                let (acceptor, sender) = (acceptor.clone(), sender.clone());
                let counted = Counted { stream, bytes: Arc::clone(&total) };
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(counted).await {
                        // Sending fails only after the bench has ended.
                        let _ = sender.send((stream, from)).await;
                    }
                });
            }
        });
        Ok(Self { address, accepted, bytes })
    }

    /// URL of the listener.
    pub(crate) fn url(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }
}

impl axum::serve::Listener for TlsListener {
    type Io = TlsStream<Counted>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.accepted.recv().await {
            Some(accepted) => accepted,
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

/// A connection that counts the bytes received and sent.
pub(crate) struct Counted {
    stream: TcpStream,
    bytes: Arc<AtomicU64>,
}

impl Counted {
    fn count(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.count(buffer.filled().len() - before);
        polled
    }
}

impl AsyncWrite for Counted {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(context, bytes);
        if let Poll::Ready(Ok(written)) = &polled {
            self.count(*written);
        }
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
