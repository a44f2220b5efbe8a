//! What API Gateway asks, in the two forms that it uses.

use std::collections::HashMap;
use std::net::IpAddr;

use serde::Deserialize;
use thiserror::Error;

/// A request of API Gateway. It has no `Debug`, because it contains the caller's key.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GatewayRequest {
    #[serde(default)]
    headers: Option<HashMap<String, String>>,
    /// The values by which API Gateway caches the response. Only HTTP APIs send them.
    #[serde(default)]
    identity_source: Option<Vec<String>>,
    /// The route of an HTTP API, such as `GET /submissions/{id}`.
    route_key: Option<String>,
    /// The method of the call at a REST API, as an ARN.
    method_arn: Option<String>,
    /// The route of a REST API, such as `/submissions/{id}`.
    resource: Option<String>,
    #[serde(default)]
    request_context: Context,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Context {
    /// HTTP APIs.
    http: Option<HttpContext>,
    /// REST APIs.
    identity: Option<Identity>,
    /// REST APIs.
    http_method: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HttpContext {
    source_ip: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Identity {
    source_ip: Option<String>,
}

/// A call to the product, as both forms describe it.
pub(crate) struct ProductCall {
    /// The method of the route: `ANY` if the route of an HTTP API has all methods, and empty for `$default`. At a REST API, the
    /// method of the call.
    pub(crate) method: String,
    /// The path of the route, such as `/submissions/{id}`.
    pub(crate) path: String,
    /// The address of the caller.
    pub(crate) source: Option<IpAddr>,
    /// The key that the caller sent; empty, if none.
    pub(crate) key: String,
    /// The ARN for the policy. `None`: an HTTP API, which expects a simple response.
    pub(crate) method_arn: Option<String>,
}

/// Why the authorizer cannot be used as it is set up at API Gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BadSetup {
    /// The authorizer has another type or payload format.
    #[error("request has neither payload format 2.0 of an HTTP API nor the type REQUEST of a REST API")]
    Form,
    /// API Gateway would apply the response for one route or caller to others.
    #[error(
        "identity sources must contain the header with the key, $context.identity.sourceIp and $context.routeKey, because \
         responses depend on all three"
    )]
    IdentitySources,
}

impl GatewayRequest {
    /// Reads the call. `key_header` is the name of the header with the key, in lower case.
    pub(crate) fn call(mut self, key_header: &str) -> Result<ProductCall, BadSetup> {
        let header = self.header(key_header).map(str::to_owned);
        let key = key_of(header.as_deref().unwrap_or_default());
        let address = |text: &str| text.parse().ok();
        match (self.route_key.take(), self.request_context.http.take(), self.method_arn.take()) {
            (Some(route), Some(http), None) => {
                self.check_identity_sources([header.as_deref(), Some(&http.source_ip), Some(&route)])?;
                // API Gateway repeats the response for all calls of the route, so the method of this call decides nothing. A route
                // such as `$default` has no path, so no entry in the list of routes opens it.
                let (method, path) = route.split_once(' ').unwrap_or(("", &route));
                let (method, path, source) = (method.to_owned(), path.to_owned(), address(&http.source_ip));
                Ok(ProductCall { method, path, source, key, method_arn: None })
            }
            (_, None, Some(arn)) => {
                let (Some(method), Some(path)) = (self.request_context.http_method, self.resource) else {
                    return Err(BadSetup::Form);
                };
                let source = self.request_context.identity.and_then(|identity| address(&identity.source_ip?));
                Ok(ProductCall { method, path, source, key, method_arn: Some(arn) })
            }
            _ => Err(BadSetup::Form),
        }
    }

    /// The value of a header. REST APIs pass header names as the caller wrote them.
    fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter().flatten();
        headers.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// A simple response holds for all requests with the same values. Without identity sources API Gateway caches nothing.
    fn check_identity_sources(&self, needed: [Option<&str>; 3]) -> Result<(), BadSetup> {
        let sources = self.identity_source.as_deref().unwrap_or_default();
        let has = |value: Option<&str>| sources.iter().any(|known| Some(known.as_str()) == value);
        if sources.is_empty() || needed.into_iter().all(has) { Ok(()) } else { Err(BadSetup::IdentitySources) }
    }
}

/// The key in the value of its header, without `Bearer`.
fn key_of(header: &str) -> String {
    let value = header.trim();
    match value.split_once(' ') {
        Some((scheme, key)) if scheme.eq_ignore_ascii_case("bearer") => key.trim_start().to_owned(),
        _ => value.to_owned(),
    }
}

impl ProductCall {
    /// Whether the ARN of the call has characters with a meaning in a policy. A caller who writes `*` into the path would get a
    /// policy for all paths that match.
    pub(crate) fn has_path_with_wildcard(&self) -> bool {
        self.method_arn.as_ref().is_some_and(|arn| arn.contains(['*', '?']) || arn.contains("${"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn call(event: Value, header: &str) -> Result<ProductCall, BadSetup> {
        serde_json::from_value::<GatewayRequest>(event).unwrap().call(header)
    }

    fn http(sources: &Value) -> Value {
        json!({
            "version": "2.0", "type": "REQUEST", "routeKey": "ANY /submissions/{id}", "identitySource": sources,
            "headers": {"x-api-key": "k-1", "authorization": "bearer  k-2"},
            "requestContext": {"http": {"method": "GET", "path": "/submissions/7", "sourceIp": "203.0.113.9"}},
        })
    }

    fn rest() -> Value {
        json!({
            "type": "REQUEST", "methodArn": "arn:aws:execute-api:eu-west-1:1:a/v1/GET/submissions/7",
            "resource": "/submissions/{id}", "path": "/submissions/7", "httpMethod": "GET",
            "headers": {"X-API-Key": "k-1"},
            "requestContext": {"httpMethod": "GET", "identity": {"sourceIp": "2001:db8::1"}},
        })
    }

    #[test]
    fn both_forms_name_the_route_the_address_and_the_key() {
        let sources = json!(["k-1", "bearer  k-2", "203.0.113.9", "ANY /submissions/{id}"]);
        let simple = call(http(&sources), "x-api-key").ok().unwrap();
        assert_eq!((&*simple.method, &*simple.path, &*simple.key), ("ANY", "/submissions/{id}", "k-1"));
        assert_eq!((simple.source, simple.method_arn), ("203.0.113.9".parse().ok(), None));
        assert_eq!(call(http(&sources), "authorization").ok().unwrap().key, "k-2");

        let policy = call(rest(), "x-api-key").ok().unwrap();
        assert_eq!((&*policy.method, &*policy.path, &*policy.key), ("GET", "/submissions/{id}", "k-1"));
        assert_eq!(policy.source, "2001:db8::1".parse().ok());
        assert!(policy.method_arn.unwrap().ends_with("/GET/submissions/7"));
    }

    #[test]
    fn a_simple_response_is_never_cached_for_other_routes_addresses_or_keys() {
        let setup = |sources: Value| call(http(&sources), "x-api-key").err();
        let (key, source, route) = ("k-1", "203.0.113.9", "ANY /submissions/{id}");
        assert_eq!(setup(json!([key, source, route])), None);
        for sources in [json!([key]), json!([key, source]), json!([key, route]), json!([source, route])] {
            assert_eq!(setup(sources), Some(BadSetup::IdentitySources));
        }
        // The value of the header counts as the caller sent it.
        let bearer = |sources: Value| call(http(&sources), "authorization").err();
        assert_eq!(bearer(json!(["bearer  k-2", source, route])), None);
        assert_eq!(bearer(json!(["k-2", source, route])), Some(BadSetup::IdentitySources));
        let mut without_key = http(&json!([source, route]));
        without_key["headers"] = json!({});
        assert_eq!(call(without_key, "x-api-key").err(), Some(BadSetup::IdentitySources));
        // Without identity sources, nothing is cached.
        assert_eq!((setup(json!(null)), setup(json!([]))), (None, None));
    }

    #[test]
    fn a_path_with_the_wildcards_of_a_policy_is_recognized() {
        let has_wildcard = |path: &str| {
            let mut event = rest();
            event["methodArn"] = json!(format!("arn:aws:execute-api:eu-west-1:1:a/v1/GET{path}"));
            call(event, "x-api-key").ok().unwrap().has_path_with_wildcard()
        };
        for path in ["/submissions/*", "/submissions/?", "/*/7", "/submissions/${*}", "/submissions/7*"] {
            assert!(has_wildcard(path), "{path}");
        }
        for path in ["/submissions/7", "/submissions/%2A", "/$metadata", "/"] {
            assert!(!has_wildcard(path), "{path}");
        }
    }

    #[test]
    fn other_forms_are_refused() {
        let mut without_resource = rest();
        without_resource.as_object_mut().unwrap().remove("resource");
        let token = json!({"type": "TOKEN", "methodArn": "arn", "authorizationToken": "k-1"});
        for event in [without_resource, token, json!({}), json!({"headers": null})] {
            assert_eq!(call(event, "x-api-key").err(), Some(BadSetup::Form));
        }
    }
}
