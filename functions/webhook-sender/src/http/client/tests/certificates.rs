//! Receivers whose certificates are rejected, each for its own reason.

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair,
    date_time_ymd,
};
use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::PrivateKeyDer;
use tokio_rustls::TlsAcceptor;

use super::*;

/// A certificate for `host`, before it is signed.
pub(super) fn params(host: &str) -> CertificateParams {
    let mut params = CertificateParams::new(vec![host.to_owned()]).unwrap();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, host);
    params
}

/// A certificate authority of this name.
pub(super) fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = params(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

pub(super) fn signed(
    params: &CertificateParams,
    by: &CertifiedIssuer<'static, KeyPair>,
) -> (Vec<Certificate>, KeyPair) {
    let key = KeyPair::generate().unwrap();
    (vec![params.signed_by(&key, by).unwrap()], key)
}

fn self_signed(params: &CertificateParams) -> (Vec<Certificate>, KeyPair) {
    let key = KeyPair::generate().unwrap();
    (vec![params.self_signed(&key).unwrap()], key)
}

/// Posts to a receiver on this machine that shows this chain. The client trusts only `root`.
async fn reason_for(
    root: &CertifiedIssuer<'static, KeyPair>,
    (chain, key): (Vec<Certificate>, KeyPair),
) -> Option<FailureReason> {
    let chain = chain.iter().map(|certificate| certificate.der().clone()).collect();
    let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()));
    let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let acceptor = TlsAcceptor::from(Arc::new(builder.with_single_cert(chain, key).unwrap()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("https://a.example:{}/", listener.local_addr().unwrap().port())).unwrap();
    tokio::spawn(async move {
        let (connection, _) = listener.accept().await.unwrap();
        // The client ends the handshake if it rejects the certificate.
        let Ok(mut connection) = acceptor.accept(connection).await else { return };
        let mut request = Vec::new();
        while !request.ends_with(BODY) {
            connection.read_buf(&mut request).await.unwrap();
        }
        connection.write_all(OK.as_bytes()).await.unwrap();
    });
    let mut roots = RootCertStore::empty();
    roots.add(root.der().clone()).unwrap();
    let canary = canary(unused_port().await, FakeLookup::returning([]));
    let client = WebhookClient::with(guard(), roots, on_this_machine(1), canary, limits(LONG, LONG)).unwrap();
    reason(&client, &url).await
}

#[tokio::test]
async fn each_failure_of_a_certificate_has_its_own_reason() {
    let (trusted, other) = (authority("Trusted authority"), authority("Other authority"));
    let with_times = |from: i32, until: i32| {
        let mut params = params("a.example");
        (params.not_before, params.not_after) = (date_time_ymd(from, 1, 1), date_time_ymd(until, 1, 1));
        params
    };
    let mut own_authority = params("a.example");
    own_authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let impostor = authority("Trusted authority");
    for (name, chain, expected) in [
        ("valid", signed(&params("a.example"), &trusted), None),
        ("expired", signed(&with_times(2001, 2002), &trusted), Some(FailureReason::CertificateExpired)),
        ("not yet valid", signed(&with_times(2200, 2201), &trusted), Some(FailureReason::CertificateNotYetValid)),
        ("other host", signed(&params("b.example"), &trusted), Some(FailureReason::CertificateWrongHost)),
        ("other level", signed(&params("*.a.example"), &trusted), Some(FailureReason::CertificateWrongHost)),
        ("other authority", signed(&params("a.example"), &other), Some(FailureReason::CertificateUnknownIssuer)),
        ("impostor", signed(&params("a.example"), &impostor), Some(FailureReason::CertificateUnknownIssuer)),
        ("self-signed", self_signed(&params("a.example")), Some(FailureReason::CertificateSelfSigned)),
        ("self-signed authority", self_signed(&own_authority), Some(FailureReason::CertificateSelfSigned)),
        ("expired and self-signed", self_signed(&with_times(2001, 2002)), Some(FailureReason::CertificateExpired)),
    ] {
        assert_eq!(reason_for(&trusted, chain).await, expected, "{name}");
    }
}
