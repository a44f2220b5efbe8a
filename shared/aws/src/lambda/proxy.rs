//! A proxy in front of an HTTP API, such as `CloudFront` with a web application firewall.
//!
//! API Gateway reports the proxy's address as the source of a request, and the proxy passes the caller's address in a header.
//! Anyone can send that header to API Gateway directly, so the proxy also adds a secret to each request. Requests without the
//! secret bypassed the proxy and are rejected.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use domain::projects::api_key::KeyHash;
use lambda_http::request::RequestContext;
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::lambda::config::{self, ConfigError};

/// The header with the proxy's secret.
pub const SECRET_HEADER: HeaderName = HeaderName::from_static("x-origin-verify");

/// The header in which `CloudFront` passes the caller's address. The value always ends with the port, and an IPv6 address has no
/// brackets.
const VIEWER_ADDRESS: HeaderName = HeaderName::from_static("cloudfront-viewer-address");

/// The proxy in front of an HTTP API, or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedProxy {
    /// Hashes of the secrets that the proxy may send: two during a rotation; empty without a proxy.
    secrets: Vec<KeyHash>,
    address_header: HeaderName,
    /// Number of proxies that add an address to the header. Each adds its caller's address at the end.
    hops: usize,
}

/// A request that did not come through the proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("request did not come through the proxy")]
pub struct NotThroughProxy;

/// A number of proxies that is not from 1 to 10.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be a number from 1 to 10")]
struct BadHops;

impl TrustedProxy {
    /// Reads `PROXY_SECRET_HASHES`, `PROXY_ADDRESS_HEADER` and `PROXY_HOPS`. Without hashes there is no proxy.
    pub fn read(var: &impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let secrets = config::list(var, "PROXY_SECRET_HASHES")?;
        let with_default = |default: &'static str| {
            move |name: &str| Some(config::optional(var, name).unwrap_or_else(|| default.to_owned()))
        };
        let address_header = config::parsed(&with_default("x-forwarded-for"), "PROXY_ADDRESS_HEADER")?;
        let Hops(hops) = config::parsed(&with_default("1"), "PROXY_HOPS")?;
        Ok(Self { secrets, address_header, hops })
    }

    /// Returns the caller's address, if it is known. Fails if there is a proxy and the request did not come through it.
    pub fn caller_address(&self, request: &Request) -> Result<Option<IpAddr>, NotThroughProxy> {
        let peer = gateway_peer(request);
        if self.secrets.is_empty() {
            return Ok(peer);
        }
        let secret = request.headers().get(SECRET_HEADER).ok_or(NotThroughProxy)?;
        let hash = KeyHash::from_digest(Sha256::digest(secret));
        // `filter` compares every hash, so the duration does not depend on which one matches.
        match self.secrets.iter().filter(|known| **known == hash).count() {
            0 => Err(NotThroughProxy),
            _ => Ok(self.forwarded_address(request.headers(), peer)),
        }
    }

    /// The address that the outermost trusted proxy added. The caller controls the entries to its left and may forge them.
    fn forwarded_address(&self, headers: &HeaderMap, peer: Option<IpAddr>) -> Option<IpAddr> {
        let lines = headers.get_all(&self.address_header).iter().map(|line| line.to_str().unwrap_or_default());
        let mut entries: Vec<&str> = lines.flat_map(|line| line.split(',')).map(str::trim).collect();
        let is_viewer_address = self.address_header == VIEWER_ADDRESS;
        let address = |entry: &str| address(if is_viewer_address { entry.rsplit_once(':')?.0 } else { entry });
        // API Gateway adds the address of its own caller, which is the last proxy.
        if peer.is_some() && entries.last().is_some_and(|last| address(last) == peer) {
            entries.pop();
        }
        address(entries.get(entries.len().checked_sub(self.hops)?)?)
    }
}

/// Refuses requests that did not come through the proxy with 403.
pub async fn require_proxy(State(proxy): State<TrustedProxy>, request: Request, next: Next) -> Response {
    match proxy.caller_address(&request) {
        Ok(_) => next.run(request).await,
        Err(NotThroughProxy) => StatusCode::FORBIDDEN.into_response(),
    }
}

/// The address that API Gateway received the request from.
fn gateway_peer(request: &Request) -> Option<IpAddr> {
    match request.extensions().get::<RequestContext>()? {
        RequestContext::ApiGatewayV2(context) => address(context.http.source_ip.as_deref()?),
        _ => None,
    }
}

/// Parses an address as proxies write it: with or without a port, an IPv6 address with or without brackets.
fn address(entry: &str) -> Option<IpAddr> {
    let in_brackets = || entry.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let with_port = || entry.parse().ok().map(|address: SocketAddr| address.ip());
    let address: IpAddr = entry.parse().ok().or_else(with_port).or_else(in_brackets)?;
    // The networks of a key are compared with the IPv4 address inside an IPv4-mapped one.
    Some(address.to_canonical())
}

struct Hops(usize);

impl std::str::FromStr for Hops {
    type Err = BadHops;

    fn from_str(text: &str) -> Result<Self, BadHops> {
        text.parse().ok().filter(|hops| (1..=10).contains(hops)).map(Self).ok_or(BadHops)
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::HeaderValue;
    use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpRequestContext;
    use proptest::prelude::*;

    use super::*;

    const SECRET: &str = "a-secret-that-only-the-proxy-knows";

    fn proxy(secrets: &[&str], header: &str, hops: &str) -> Result<TrustedProxy, ConfigError> {
        let hashes: Vec<String> =
            secrets.iter().map(|secret| KeyHash::from_digest(Sha256::digest(secret)).to_string()).collect();
        TrustedProxy::read(&|name| match name {
            "PROXY_SECRET_HASHES" => Some(hashes.join(",")),
            "PROXY_ADDRESS_HEADER" => Some(header.to_owned()),
            "PROXY_HOPS" => Some(hops.to_owned()),
            _ => None,
        })
    }

    /// A request that API Gateway received from 192.0.2.1.
    fn request(headers: &[(&'static str, &str)]) -> Request {
        let mut context = ApiGatewayV2httpRequestContext::default();
        context.http.source_ip = Some("192.0.2.1".to_owned());
        let mut request = Request::new(Body::empty());
        request.extensions_mut().insert(RequestContext::ApiGatewayV2(context));
        for (name, value) in headers {
            let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
            request.headers_mut().append(HeaderName::from_static(name), value);
        }
        request
    }

    fn caller(proxy: &TrustedProxy, header: &'static str, value: &str) -> Option<String> {
        let request = request(&[("x-origin-verify", SECRET), (header, value)]);
        proxy.caller_address(&request).unwrap().map(|address| address.to_string())
    }

    #[test]
    fn without_a_proxy_the_header_is_ignored() {
        let none = TrustedProxy::read(&|_| None).unwrap();
        let request = request(&[("x-forwarded-for", "203.0.113.9"), ("x-origin-verify", "guess")]);
        assert_eq!(none.caller_address(&request), Ok(Some("192.0.2.1".parse().unwrap())));
        assert_eq!(none.caller_address(&Request::new(Body::empty())), Ok(None));
    }

    #[test]
    fn a_request_without_a_secret_of_the_proxy_is_refused() {
        let proxy = proxy(&["old", SECRET], "", "").unwrap();
        for secret in ["old", SECRET] {
            assert!(proxy.caller_address(&request(&[("x-origin-verify", secret)])).is_ok());
        }
        for headers in
            [&[][..], &[("x-origin-verify", "")], &[("x-origin-verify", "guess"), ("x-forwarded-for", "::1")]]
        {
            assert_eq!(proxy.caller_address(&request(headers)), Err(NotThroughProxy));
        }
    }

    #[test]
    fn the_caller_is_the_address_that_the_outermost_trusted_proxy_added() {
        let (one, two) = (proxy(&[SECRET], "", "1").unwrap(), proxy(&[SECRET], "", "2").unwrap());
        for (list, behind_one, behind_two) in [
            ("203.0.113.9", Some("203.0.113.9"), None),
            ("203.0.113.9, 192.0.2.1", Some("203.0.113.9"), None),
            ("203.0.113.9,198.51.100.7", Some("198.51.100.7"), Some("203.0.113.9")),
            ("203.0.113.9 , 198.51.100.7 , 192.0.2.1", Some("198.51.100.7"), Some("203.0.113.9")),
            ("forged, 10.0.0.1, 203.0.113.9, 198.51.100.7", Some("198.51.100.7"), Some("203.0.113.9")),
            ("203.0.113.9:51234", Some("203.0.113.9"), None),
            ("2001:db8::9", Some("2001:db8::9"), None),
            ("[2001:db8::9]", Some("2001:db8::9"), None),
            ("[2001:db8::9]:51234", Some("2001:db8::9"), None),
            ("::ffff:203.0.113.9", Some("203.0.113.9"), None),
            ("10.0.0.1, unknown", None, Some("10.0.0.1")),
            ("10.0.0.1, ", None, Some("10.0.0.1")),
            ("203.0.113.9, 192.0.2.1, 192.0.2.1", Some("192.0.2.1"), Some("203.0.113.9")),
            ("192.0.2.1", None, None),
            ("203.0.113.999", None, None),
            ("203.0.113.9/32", None, None),
            ("fe80::1%eth0", None, None),
            ("", None, None),
            (",,,", None, None),
            ("한국", None, None),
        ] {
            assert_eq!(caller(&one, "x-forwarded-for", list).as_deref(), behind_one, "{list}");
            assert_eq!(caller(&two, "x-forwarded-for", list).as_deref(), behind_two, "{list}");
        }
    }

    #[test]
    fn a_header_that_is_sent_twice_counts_as_one_list() {
        let proxy = proxy(&[SECRET], "", "1").unwrap();
        let request = request(&[
            ("x-origin-verify", SECRET),
            ("x-forwarded-for", "10.0.0.1"),
            ("x-forwarded-for", "203.0.113.9, 192.0.2.1"),
        ]);
        assert_eq!(proxy.caller_address(&request), Ok(Some("203.0.113.9".parse().unwrap())));
    }

    #[test]
    fn the_header_of_cloudfront_always_ends_with_a_port() {
        let proxy = proxy(&[SECRET], "CloudFront-Viewer-Address", "1").unwrap();
        for (value, expected) in [
            ("203.0.113.9:46532", Some("203.0.113.9")),
            ("2001:db8::9:46532", Some("2001:db8::9")),
            ("203.0.113.9", None),
        ] {
            assert_eq!(caller(&proxy, "cloudfront-viewer-address", value).as_deref(), expected, "{value}");
        }
        assert_eq!(caller(&proxy, "x-forwarded-for", "203.0.113.9"), None);
    }

    #[test]
    fn a_bad_variable_is_named() {
        for (secrets, header, hops, expected) in [
            ("x", "x-forwarded-for", "1", "PROXY_SECRET_HASHES"),
            ("", "two words", "1", "PROXY_ADDRESS_HEADER"),
            ("", "x-forwarded-for", "0", "PROXY_HOPS"),
            ("", "x-forwarded-for", "11", "PROXY_HOPS"),
        ] {
            let var = |name: &str| match name {
                "PROXY_SECRET_HASHES" => Some(secrets.to_owned()),
                "PROXY_ADDRESS_HEADER" => Some(header.to_owned()),
                _ => Some(hops.to_owned()),
            };
            assert_eq!(
                TrustedProxy::read(&var).unwrap_err().to_string(),
                format!("variable {expected} cannot be used")
            );
        }
    }

    proptest! {
        #[test]
        fn a_caller_cannot_change_the_address_that_the_proxy_added(
            forged in "[ -~]{0,40}", address: std::net::IpAddr,
        ) {
            let proxy = proxy(&[SECRET], "", "1").unwrap();
            prop_assume!(address.to_canonical() != "192.0.2.1".parse::<IpAddr>().unwrap());
            for list in [format!("{forged},{address}"), format!("{forged}, {address}, 192.0.2.1")] {
                prop_assert_eq!(caller(&proxy, "x-forwarded-for", &list), Some(address.to_canonical().to_string()));
            }
        }

        #[test]
        fn no_header_value_panics(value: Vec<u8>, hops in 1..=10_usize, is_cloudfront: bool) {
            let header = if is_cloudfront { "cloudfront-viewer-address" } else { "x-forwarded-for" };
            let proxy = proxy(&[SECRET], header, &hops.to_string()).unwrap();
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                let mut request = request(&[("x-origin-verify", SECRET)]);
                request.headers_mut().insert(HeaderName::from_static(header), value);
                let _ = proxy.caller_address(&request);
            }
        }
    }
}
