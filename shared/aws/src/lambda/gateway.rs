//! Runs a router behind an HTTP API of API Gateway (payload format 2.0).
//!
//! `lambda_http` could do this too, but it ends the process if `Host` or `X-Forwarded-Proto` do not form a URL, and callers control
//! both. This module builds the URL from any path and query, without headers, and drops headers that HTTP does not allow.

use std::collections::HashMap;
use std::convert::Infallible;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use lambda_http::aws_lambda_events::apigw::{ApiGatewayV2httpRequestContext, ApiGatewayV2httpResponse};
use lambda_http::aws_lambda_events::encodings;
use lambda_http::request::RequestContext;
use lambda_http::tower::ServiceExt;
use lambda_http::{LambdaEvent, RequestExt, lambda_runtime, service_fn};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde::Deserialize;

/// Characters of a path that must be encoded. API Gateway decodes the path, except for `%25`, so `?` and `#` are part of the path
/// and each `%` begins an escape.
const PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// Characters of a query that must be encoded. API Gateway does not decode the query.
const QUERY: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>');

/// Maximum length of path and query. `http` rejects 64 KiB, and no route accepts half of this. The route rejects a longer URL,
/// which is cut here, as too long or as an unknown path.
const MAX_URL_BYTES: usize = 32 * 1024;

/// A request as API Gateway passes it to a function.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GatewayEvent {
    #[serde(default)]
    raw_path: String,
    #[serde(default)]
    raw_query_string: String,
    #[serde(default)]
    headers: HashMap<String, String>,
    #[serde(default)]
    cookies: Vec<String>,
    request_context: ApiGatewayV2httpRequestContext,
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

/// Runs the function until Lambda ends it.
pub async fn run(router: Router) -> Result<(), lambda_http::Error> {
    let handle = |event: LambdaEvent<GatewayEvent>| {
        let router = router.clone();
        async move { Ok::<_, Infallible>(respond(router, event).await) }
    };
    lambda_runtime::run(service_fn(handle)).await
}

/// Passes a request to the router and returns the response as API Gateway expects it.
async fn respond(router: Router, event: LambdaEvent<GatewayEvent>) -> ApiGatewayV2httpResponse {
    let request = event.payload.into_request().with_lambda_context(event.context);
    let response = router.oneshot(request).await.unwrap_or_else(|never: Infallible| match never {});
    let (parts, body) = response.into_parts();
    match to_bytes(body, usize::MAX).await {
        Ok(body) => gateway_response(Response::from_parts(parts, body)),
        // Never happens, because all bodies are in memory.
        Err(_) => gateway_response(StatusCode::INTERNAL_SERVER_ERROR.into_response().map(|_| Bytes::new())),
    }
}

fn gateway_response(response: Response<Bytes>) -> ApiGatewayV2httpResponse {
    let (mut parts, body) = response.into_parts();
    let cookies = parts.headers.get_all(SET_COOKIE).iter().filter_map(|cookie| cookie.to_str().ok());
    let cookies = cookies.map(str::to_owned).collect();
    parts.headers.remove(SET_COOKIE);
    let mut gateway = ApiGatewayV2httpResponse::default();
    gateway.status_code = parts.status.as_u16().into();
    gateway.headers = parts.headers;
    gateway.cookies = cookies;
    match String::from_utf8(body.into()) {
        Ok(text) if text.is_empty() => {}
        Ok(text) => gateway.body = Some(encodings::Body::Text(text)),
        Err(error) => {
            gateway.body = Some(encodings::Body::Binary(error.into_bytes()));
            gateway.is_base64_encoded = true;
        }
    }
    gateway
}

impl GatewayEvent {
    /// Builds the request. Never fails, whatever the event contains.
    fn into_request(self) -> Request {
        let body = match self.body {
            // API Gateway sends only valid base64. Anything else counts as an empty body. Routes that need a body reject it.
            Some(body) if self.is_base64_encoded => BASE64_STANDARD.decode(body).unwrap_or_default(),
            Some(body) => body.into_bytes(),
            None => Vec::new(),
        };
        let mut request = Request::new(Body::from(body));
        *request.method_mut() = self.request_context.http.method.clone();
        *request.uri_mut() = uri(&self.raw_path, &self.raw_query_string);
        *request.headers_mut() = headers(&self.headers, &self.cookies);
        request.extensions_mut().insert(RequestContext::ApiGatewayV2(self.request_context));
        request
    }
}

fn uri(path: &str, query: &str) -> Uri {
    let slash = if path.starts_with('/') { "" } else { "/" };
    let mut uri = format!("{slash}{}", utf8_percent_encode(path, PATH));
    if !query.is_empty() {
        uri.push('?');
        uri.extend(utf8_percent_encode(query, QUERY));
    }
    uri.truncate(MAX_URL_BYTES);
    // `Uri::from_str` would read the second part of `//host/path` as a host.
    let path_and_query: PathAndQuery = uri.parse().expect("path and query are encoded and short");
    Uri::from(path_and_query)
}

fn headers(headers: &HashMap<String, String>, cookies: &[String]) -> HeaderMap {
    let valid = headers.iter().filter_map(|(name, value)| header(name, value));
    valid.chain(header(COOKIE.as_str(), &cookies.join("; ")).filter(|_| !cookies.is_empty())).collect()
}

/// A header, if HTTP allows its name and value.
fn header(name: &str, value: &str) -> Option<(HeaderName, HeaderValue)> {
    Some((HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_bytes(value.as_bytes()).ok()?))
}

#[cfg(test)]
mod tests {
    use axum::routing::any;
    use lambda_http::Context;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    /// Builds the request of an event.
    fn request(event: Value) -> Request {
        serde_json::from_value::<GatewayEvent>(event).unwrap().into_request()
    }

    fn event(path: &str, query: &str, headers: &Value) -> Value {
        json!({
            "version": "2.0",
            "rawPath": path,
            "rawQueryString": query,
            "headers": headers,
            "requestContext": {"http": {"method": "GET", "sourceIp": "203.0.113.9"}, "stage": "$default"},
            "isBase64Encoded": false,
        })
    }

    #[test]
    fn path_query_and_headers_arrive_as_they_were_sent() {
        let headers = json!({"Host": "api.example.com", "X-Api-Key": "key", "accept-language": "ko, en;q=0.5"});
        let mut event = event("/v1/projects/a b%25", "q=%20+%22&q=", &headers);
        event["cookies"] = json!(["a=1", "b=2"]);
        let request = request(event);
        assert_eq!(request.uri(), "/v1/projects/a%20b%25?q=%20+%22&q=");
        for (name, expected) in [
            ("host", "api.example.com"),
            ("x-api-key", "key"),
            ("accept-language", "ko, en;q=0.5"),
            ("cookie", "a=1; b=2"),
        ] {
            assert_eq!(request.headers()[name], expected);
        }
        let context = request.extensions().get::<RequestContext>();
        assert!(matches!(context, Some(RequestContext::ApiGatewayV2(context)) if context.http.source_ip.is_some()));
    }

    #[test]
    fn headers_do_not_change_the_url_of_a_request() {
        for (name, value) in [
            ("x-forwarded-proto", "bad scheme"),
            ("x-forwarded-proto", ""),
            ("x-forwarded-proto", "file"),
            ("x-forwarded-proto", "://"),
            ("host", "bad host:99999999"),
            ("host", "[::"),
            ("host", ""),
            ("x-forwarded-host", "evil.example"),
            ("x-forwarded-port", "x"),
            ("x-original-url", "/v1/key-ring/reseal"),
        ] {
            let request = request(event("/docs", "", &json!({name: value})));
            assert_eq!(
                (request.uri().to_string(), &request.headers()[name]),
                ("/docs".to_owned(), &HeaderValue::from_str(value).unwrap())
            );
        }
    }

    #[test]
    fn a_path_is_never_read_as_a_host_or_query() {
        for (path, expected) in [
            ("", "/"),
            ("docs", "/docs"),
            ("/a?b#c", "/a%3Fb%23c"),
            ("//evil.example/x", "//evil.example/x"),
            ("/a/../b", "/a/../b"),
            ("/a\\..\\b", "/a%5C..%5Cb"),
            ("/한국", "/%ED%95%9C%EA%B5%AD"),
            ("/a%252Fb", "/a%252Fb"),
            ("http://evil.example/x", "/http://evil.example/x"),
            ("*", "/*"),
        ] {
            let request = request(event(path, "", &json!({})));
            assert_eq!(request.uri().path(), expected);
            assert_eq!((request.uri().authority(), request.uri().query()), (None, None), "{path}");
        }
    }

    #[test]
    fn an_invalid_header_is_left_out() {
        let headers =
            json!({"x-api-key": "line\nbreak", "two words": "x", "": "x", "accept": "a\u{0}b", "via": "1.1 x"});
        let request = request(event("/", "", &headers));
        assert_eq!(request.headers().keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["via"]);
    }

    #[tokio::test]
    async fn a_body_may_be_text_or_base64() {
        for (body, is_base64_encoded, expected) in [
            (json!("{\"name\":\"아고스\"}"), false, "{\"name\":\"아고스\"}"),
            (json!("e30="), true, "{}"),
            (json!("not base64"), true, ""),
            (Value::Null, false, ""),
        ] {
            let mut event = event("/", "", &json!({}));
            (event["body"], event["isBase64Encoded"]) = (body, is_base64_encoded.into());
            let body = to_bytes(request(event).into_body(), usize::MAX).await.unwrap();
            assert_eq!(body, expected);
        }
    }

    #[tokio::test]
    async fn a_response_keeps_its_status_headers_cookies_and_body() {
        let echo =
            |body: Bytes| async move { (StatusCode::CREATED, [("x-one", "1"), ("set-cookie", "a=1; Secure")], body) };
        for (sent, expected) in [
            (json!("{}"), json!({"body": "{}", "isBase64Encoded": false})),
            (json!("/w=="), json!({"body": "/w==", "isBase64Encoded": true})),
            (Value::Null, json!({"isBase64Encoded": false})),
        ] {
            let mut event = event("/", "", &json!({}));
            (event["isBase64Encoded"], event["body"]) = ((sent == "/w==").into(), sent);
            let event = LambdaEvent::new(serde_json::from_value(event).unwrap(), Context::default());
            let response = respond(Router::new().route("/", any(echo)), event).await;
            let response = serde_json::to_value(response).unwrap();
            assert_eq!((&response["statusCode"], &response["headers"]["x-one"]), (&json!(201), &json!("1")));
            assert_eq!(
                (&response["cookies"], &response["headers"]["set-cookie"]),
                (&json!(["a=1; Secure"]), &Value::Null)
            );
            assert_eq!(
                (response.get("body"), &response["isBase64Encoded"]),
                (expected.get("body"), &expected["isBase64Encoded"])
            );
        }
    }

    #[test]
    fn a_url_above_the_maximum_length_is_cut() {
        for (path, query) in [("/".repeat(100_000), String::new()), ("/".to_owned(), "é".repeat(100_000))] {
            let request = request(event(&path, &query, &json!({})));
            assert_eq!(request.uri().to_string().len(), MAX_URL_BYTES);
        }
    }

    proptest! {
        #[test]
        fn no_event_makes_the_function_panic(
            path: String, query: String, name in "host|x-forwarded-(proto|host|for|port)|forwarded|\\PC{0,9}", value: String,
            cookies: Vec<String>, body: Option<String>, is_base64_encoded: bool, domain_name: Option<String>, stage: Option<String>,
        ) {
            let mut event = event(&path, &query, &json!({name: value}));
            event["cookies"] = cookies.into();
            event["body"] = body.into();
            event["isBase64Encoded"] = is_base64_encoded.into();
            event["requestContext"]["domainName"] = domain_name.into();
            event["requestContext"]["stage"] = stage.into();
            let request = request(event);
            prop_assert!(request.uri().path().starts_with('/') && request.uri().authority().is_none());
        }
    }
}
