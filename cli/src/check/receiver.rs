//! A small receiver of webhooks for the time of a check.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, State};
use domain::foundation::id::{EndpointId, EventId};
use domain::foundation::time::Timestamp;
use domain::webhooks::egress::EgressIps;
use domain::webhooks::request::WEBHOOK_ID;
use domain::webhooks::signature::SigningSecret;
use domain::webhooks::verification::{CapturedWebhook, Finding as SignatureFinding, Known, KnownSecret, SecretOwner};
use http::{HeaderMap, StatusCode};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use url::Url;

use super::egress;
use super::step::Finding;

/// Requests that are kept. Behind a public tunnel, others may send requests too.
const MAX_KEPT: usize = 20;

/// A running receiver. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Receiver {
    url: Url,
    /// Whether a tunnel is in front of the receiver.
    is_behind_tunnel: bool,
    inbox: Arc<Mutex<VecDeque<Webhook>>>,
    server: JoinHandle<()>,
}

/// A request that arrived.
#[derive(Debug, Clone)]
pub(crate) struct Webhook {
    peer: IpAddr,
    headers: HeaderMap,
    body: Bytes,
}

impl Receiver {
    /// Listens on an address. `public_url` is the URL of a tunnel to it.
    pub(crate) async fn start(address: SocketAddr, public_url: Option<&Url>) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let local = local_url(listener.local_addr()?);
        let url = public_url.cloned().unwrap_or(local);
        let inbox = Arc::new(Mutex::default());
        let router = Router::new().fallback(receive).with_state(Arc::clone(&inbox));
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let server = tokio::spawn(async move {
            // The server runs until it is aborted, so it has no result.
            let _ = axum::serve(listener, service).await;
        });
        Ok(Self { url, is_behind_tunnel: public_url.is_some(), inbox, server })
    }

    /// The URL of the receiver for the deployment.
    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// The webhook of an event, if it arrived. After several attempts, the last one.
    pub(crate) fn webhook(&self, event: EventId) -> Option<Webhook> {
        let inbox = self.inbox.lock().unwrap_or_else(PoisonError::into_inner);
        inbox.iter().rev().find(|webhook| webhook.header(WEBHOOK_ID.as_str()) == Some(&event.to_string())).cloned()
    }

    /// What the source address of a webhook says.
    pub(crate) fn judge_source(&self, webhook: &Webhook, list: &EgressIps, now: Timestamp) -> Finding {
        if !self.is_behind_tunnel {
            return egress::judge_source(list, webhook.peer, "as the receiver saw it", now);
        }
        // The deployment sends no such header, so the first entry is the address that the outermost proxy saw.
        let forwarded =
            webhook.header("x-forwarded-for").and_then(|value| value.split(',').next()?.trim().parse().ok());
        match forwarded {
            Some(source) => egress::judge_source(list, source, "as the tunnel reported it", now),
            None => Finding::warning(
                "the tunnel does not report the source address",
                "Use a tunnel that adds X-Forwarded-For, or run the command on a public machine with --receiver, and read the \
                 address in the receiver's log.",
            ),
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Webhook {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// What the signature of the webhook says.
    pub(crate) fn judge_signature(&self, endpoint_id: EndpointId, secret: SigningSecret, now: Timestamp) -> Finding {
        let headers = self.headers.iter().filter_map(|(name, value)| Some(format!("{name}: {}", value.to_str().ok()?)));
        let captured = CapturedWebhook {
            headers: headers.collect::<Vec<_>>().join("\n"),
            body: String::from_utf8_lossy(&self.body).into_owned(),
            computed_signature: None,
        };
        let secrets = vec![KnownSecret { secret, owner: SecretOwner::Current }];
        let known = Known { endpoint_id, secrets, public_keys: Vec::new(), originals: Vec::new() };
        let check = captured.check(&known, now);
        if !check.verifies {
            return Finding::failed(
                "the signature does not match the endpoint's signing secret",
                "Something between the deployment and the receiver changes requests, such as a proxy. Signatures need the body \
                 unchanged.",
            );
        }
        let distance = check.findings.iter().find_map(|finding| match finding {
            SignatureFinding::TimestampOld { seconds } | SignatureFinding::TimestampAhead { seconds } => Some(*seconds),
            _ => None,
        });
        match distance {
            None => Finding::works("the signature of the webhook is valid"),
            Some(seconds) => Finding::warning(
                format!("the signature is valid, but its time differs from the clock of this machine by {seconds} s"),
                "Set the clock of this machine. Receivers reject webhooks that are more than five minutes off.",
            ),
        }
    }
}

/// The URL of an address on this machine.
fn local_url(address: SocketAddr) -> Url {
    let host = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    let url = format!("http://{}/", SocketAddr::new(host, address.port()));
    url.parse().expect("a scheme and an address are a URL")
}

async fn receive(
    State(inbox): State<Arc<Mutex<VecDeque<Webhook>>>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let mut inbox = inbox.lock().unwrap_or_else(PoisonError::into_inner);
    if inbox.len() == MAX_KEPT {
        inbox.pop_front();
    }
    inbox.push_back(Webhook { peer: peer.ip(), headers, body });
    StatusCode::NO_CONTENT
}

#[cfg(test)]
mod tests {
    use domain::foundation::clock::{Clock as _, SystemClock};
    use domain::foundation::random::SystemRandom;
    use domain::webhooks::egress::EgressIp;

    use super::*;
    use crate::check::step::StepState;

    fn now() -> Timestamp {
        SystemClock.now()
    }

    async fn start(public_url: Option<&str>) -> (Receiver, Url) {
        // A free port is known before the receiver starts, because the URL of a tunnel hides it.
        let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        let address = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port);
        let public_url = public_url.map(|url| url.parse().unwrap());
        (Receiver::start(address, public_url.as_ref()).await.unwrap(), local_url(address))
    }

    async fn send(url: &Url, headers: &[(&str, &str)], body: &str) {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let request =
            headers.iter().fold(client.post(url.clone()), |request, (name, value)| request.header(*name, *value));
        assert_eq!(request.body(body.to_owned()).send().await.unwrap().status(), 204);
    }

    /// Sends a signed webhook. Returns the signature's finding for the body that the receiver got.
    async fn signed(body: &str, arrived: &str) -> Finding {
        let (receiver, url) = start(None).await;
        let (event, secret) = (EventId::new(now(), &SystemRandom), SigningSecret::generate(&SystemRandom));
        let (id, seconds) = (event.to_string(), now().as_seconds().to_string());
        let signature = secret.sign(event, now(), body.as_bytes());
        let headers = [("webhook-id", id.as_str()), ("webhook-timestamp", &seconds), ("webhook-signature", &signature)];
        send(&url, &headers, arrived).await;
        let webhook = receiver.webhook(event).unwrap();
        webhook.judge_signature(EndpointId::new(now(), &SystemRandom), secret, now())
    }

    #[tokio::test]
    async fn a_signature_is_valid_only_for_the_body_that_was_sent() {
        assert_eq!(signed(r#"{"a":1}"#, r#"{"a":1}"#).await.state, StepState::Works);
        assert_eq!(signed(r#"{"a":1}"#, r#"{"a":2}"#).await.state, StepState::Failed);
    }

    #[tokio::test]
    async fn behind_a_tunnel_the_source_is_what_the_tunnel_reports() {
        let (receiver, url) = start(Some("https://abc.tunnel.example/hook")).await;
        assert_eq!(receiver.url().as_str(), "https://abc.tunnel.example/hook");
        let network = EgressIp { cidr: "198.51.100.1/32".parse().unwrap(), valid_from: now(), valid_until: None };
        let list = EgressIps { updated_at: now(), ips: vec![network] };
        let event = EventId::new(now(), &SystemRandom);
        let id = event.to_string();
        for (forwarded, expected) in [
            (Some("198.51.100.1, 10.0.0.1"), StepState::Works),
            (Some("203.0.113.9"), StepState::Failed),
            (None, StepState::Warning),
        ] {
            let mut headers = vec![("webhook-id", id.as_str())];
            headers.extend(forwarded.map(|value| ("x-forwarded-for", value)));
            send(&url, &headers, "{}").await;
            let webhook = receiver.webhook(event).unwrap();
            assert_eq!(receiver.judge_source(&webhook, &list, now()).state, expected, "{forwarded:?}");
        }
    }

    #[tokio::test]
    async fn requests_of_others_neither_count_nor_fill_the_memory() {
        let (receiver, url) = start(None).await;
        for _ in 0..=MAX_KEPT {
            send(&url, &[], "{}").await;
        }
        assert_eq!(receiver.inbox.lock().unwrap().len(), MAX_KEPT);
        assert!(receiver.webhook(EventId::new(now(), &SystemRandom)).is_none());
    }

    #[test]
    fn a_receiver_on_all_addresses_has_a_local_url() {
        assert_eq!(local_url("0.0.0.0:8080".parse().unwrap()).as_str(), "http://127.0.0.1:8080/");
        assert_eq!(local_url("[::]:8080".parse().unwrap()).as_str(), "http://[::1]:8080/");
        assert_eq!(local_url("192.0.2.1:80".parse().unwrap()).as_str(), "http://192.0.2.1/");
    }
}
