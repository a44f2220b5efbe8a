//! Calls of the public API. Calls without an answer are repeated, which is safe for every call.

use std::time::Duration;

use domain::foundation::draft::BadField;
use domain::foundation::header_names;
use domain::foundation::random::{self, SystemRandom};
use domain::projects::api_key::ApiKey;
use http::{HeaderMap, Method, StatusCode};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, ClientBuilder, RequestBuilder, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;
use thiserror::Error;

use crate::config::{BaseUrl, Config};
use crate::output::printable;

/// Time-out of one request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Requests that a call makes until it fails.
const MAX_REQUESTS: usize = 3;

/// Longest pause before a call is repeated, whatever the API asks for.
const MAX_PAUSE: Duration = Duration::from_secs(10);

/// A client of the API with one API key.
#[derive(Debug, Clone)]
pub(crate) struct ApiClient {
    http: Client,
    api: BaseUrl,
    key: ApiKey,
}

/// The answer to a call.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The JSON body, byte for byte; null if the response has none.
    body: Box<RawValue>,
    /// The headers.
    pub(crate) headers: HeaderMap,
}

/// Why a call failed. No variant contains a key.
#[derive(Debug, Error)]
pub(crate) enum ApiError {
    /// No response arrived.
    #[error("the API cannot be reached")]
    Unreachable(#[source] reqwest::Error),
    /// The API rejected the call.
    #[error("the API answered {status}: {}", .problem.sentence())]
    Refused {
        /// The status of the response.
        status: StatusCode,
        /// What is wrong.
        problem: Problem,
    },
    /// The response is not what this version of the API returns.
    #[error("the API sent an unexpected response: {0}")]
    Unexpected(String),
}

/// A problem document (RFC 9457). All members are empty if the response is something else, such as the page of a proxy.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Problem {
    /// What is wrong with the request.
    pub(crate) detail: String,
    /// Id of the request, which is in the logs of the deployment.
    pub(crate) request_id: String,
    /// The invalid fields.
    pub(crate) errors: Vec<BadField>,
}

impl Problem {
    fn sentence(&self) -> String {
        let fields: Vec<String> =
            self.errors.iter().map(|field| format!("{} {}", field.pointer, field.detail)).collect();
        let text = match (fields.is_empty(), self.detail.is_empty()) {
            (false, _) => fields.join("; "),
            (true, false) => self.detail.clone(),
            (true, true) => "the response is not a problem document of Signpost".to_owned(),
        };
        printable(&text)
    }
}

impl Answer {
    /// Reads the body as `T`.
    pub(crate) fn read<T: DeserializeOwned>(self) -> Result<T, ApiError> {
        parse(&self.body)
    }

    /// The body as a JSON value.
    pub(crate) fn value(&self) -> Result<Value, ApiError> {
        parse(&self.body)
    }

    /// The member `name` of the body, a string.
    pub(crate) fn text(&self, name: &str) -> Result<String, ApiError> {
        let text = self.value()?[name].as_str().map(ToOwned::to_owned);
        text.ok_or_else(|| ApiError::Unexpected(format!("it has no {name}")))
    }
}

/// Reads JSON of the API as `T`.
pub(crate) fn parse<T: DeserializeOwned>(json: &RawValue) -> Result<T, ApiError> {
    serde_json::from_str(json.get()).map_err(|error| ApiError::Unexpected(error.to_string()))
}

impl ApiError {
    /// Whether the same call may succeed later.
    pub(crate) fn is_temporary(&self) -> bool {
        match self {
            Self::Unreachable(_) => true,
            Self::Refused { status, .. } => *status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error(),
            Self::Unexpected(_) => false,
        }
    }
}

impl ApiClient {
    /// A client with the key of the configuration.
    ///
    /// # Panics
    ///
    /// If the built-in root certificates cannot be read.
    pub(crate) fn new(config: &Config) -> Self {
        Self { http: http_client(&config.api), api: config.api.clone(), key: config.key.clone() }
    }

    /// The same client with another key.
    pub(crate) fn with_key(&self, key: ApiKey) -> Self {
        Self { key, ..self.clone() }
    }

    /// Opens a URL of the deployment without the API key. Redirects are returned, not followed.
    pub(crate) async fn open(&self, url: &str) -> reqwest::Result<Response> {
        send(self.http.get(url)).await
    }

    /// Makes a `GET`.
    pub(crate) async fn get(&self, path: &str) -> Result<Answer, ApiError> {
        self.call(Method::GET, path, None).await
    }

    /// Makes a `GET` that is not repeated after a temporary failure.
    pub(crate) async fn get_once(&self, path: &str) -> Result<Answer, ApiError> {
        read(self.request(Method::GET, path).send().await).await
    }

    /// Makes a `POST`. Its `Idempotency-Key` is new, so two calls with the same body are two requests.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Answer, ApiError> {
        self.call(Method::POST, path, Some(body)).await
    }

    /// Makes a `PUT`.
    pub(crate) async fn put(&self, path: &str, body: &Value) -> Result<Answer, ApiError> {
        self.call(Method::PUT, path, Some(body)).await
    }

    /// Deletes a resource. A resource that does not exist counts as deleted, because an earlier answer may have been lost.
    pub(crate) async fn delete(&self, path: &str) -> Result<(), ApiError> {
        match self.call(Method::DELETE, path, None).await {
            Ok(_) | Err(ApiError::Refused { status: StatusCode::NOT_FOUND, .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Answer, ApiError> {
        let is_post = method == Method::POST;
        let mut request = self.request(method, path);
        if let Some(body) = body {
            request = request.json(body);
        }
        if is_post {
            request = request.header(header_names::IDEMPOTENCY_KEY, random::letters_and_digits(32, &SystemRandom));
        }
        read(send(request).await).await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, self.api.join(path)).header(header_names::API_KEY, self.key.expose())
    }
}

/// Sends a request, and repeats it after temporary failures.
async fn send(request: RequestBuilder) -> reqwest::Result<Response> {
    let mut requests = 1;
    loop {
        let response = request.try_clone().expect("bodies are in memory").send().await;
        let Some(pause) = pause(&response).filter(|_| requests < MAX_REQUESTS) else { return response };
        tokio::time::sleep(pause).await;
        requests += 1;
    }
}

/// The pause before the request is repeated. `None` if the answer is final.
fn pause(response: &Result<Response, reqwest::Error>) -> Option<Duration> {
    match response {
        Ok(response) => pause_after(response.status(), response.headers()),
        // A connection that was refused or a certificate that was rejected stays so. A lost response may come the next time.
        Err(error) => (!error.is_connect()).then_some(Duration::from_secs(1)),
    }
}

fn pause_after(status: StatusCode, headers: &HeaderMap) -> Option<Duration> {
    let is_temporary = matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT
    );
    let seconds = headers.get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok()).unwrap_or(1);
    is_temporary.then(|| Duration::from_secs(seconds).min(MAX_PAUSE))
}

async fn read(response: Result<Response, reqwest::Error>) -> Result<Answer, ApiError> {
    // The URL is left out of errors: paths of some calls are secrets.
    let response = response.map_err(|error| ApiError::Unreachable(error.without_url()))?;
    let (status, headers) = (response.status(), response.headers().clone());
    let body = response.bytes().await.map_err(|error| ApiError::Unreachable(error.without_url()))?;
    if !status.is_success() {
        return Err(ApiError::Refused { status, problem: serde_json::from_slice(&body).unwrap_or_default() });
    }
    if body.is_empty() {
        return Ok(Answer { body: RawValue::NULL.to_owned(), headers });
    }
    let body = serde_json::from_slice(&body).map_err(|_| ApiError::Unexpected("it is not JSON".to_owned()))?;
    Ok(Answer { body, headers })
}

fn http_client(api: &BaseUrl) -> Client {
    let builder = client_builder(api.is_local());
    let builder = builder.timeout(REQUEST_TIMEOUT).user_agent(concat!("signpost-cli/", env!("CARGO_PKG_VERSION")));
    builder.build().expect("the client has no settings that can fail")
}

/// A client that follows no redirects, and trusts the authorities of the operating system and those of Mozilla. The first allow an
/// authority of one's own, the others make it work in a container without any. `is_local` is whether its server is on this machine.
///
/// # Panics
///
/// If the built-in root certificates cannot be read.
pub(crate) fn client_builder(is_local: bool) -> ClientBuilder {
    // This fails if a provider is installed already, which then is the same one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().map(|root| Certificate::from_der(root));
    let roots = roots.collect::<Result<Vec<_>, _>>().expect("the built-in certificates can be read");
    let builder = Client::builder().redirect(Policy::none()).tls_certs_merge(roots);
    // A proxy could not reach this machine by its loopback address.
    if is_local { builder.no_proxy() } else { builder }
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse as _;
    use domain::projects::api_key::ApiKeyKind;
    use http::HeaderValue;

    use super::*;
    use crate::testing::FakeServer;

    #[test]
    fn a_problem_names_all_bad_fields() {
        let problem: Problem = serde_json::from_str(
            r#"{"type":"/problems/bad-fields","title":"x","status":422,"detail":"d","requestId":"r",
                "errors":[{"pointer":"/url","detail":"must be https"},{"pointer":"/a","detail":"is\nunknown"}]}"#,
        )
        .unwrap();
        assert_eq!(problem.sentence(), "/url must be https; /a is unknown");
        assert_eq!(Problem { errors: Vec::new(), ..problem }.sentence(), "d");
    }

    #[test]
    fn the_page_of_a_proxy_is_not_shown_as_a_problem() {
        let problem: Problem = serde_json::from_slice(b"<html>").unwrap_or_default();
        assert_eq!(problem.sentence(), "the response is not a problem document of Signpost");
    }

    #[test]
    fn calls_are_repeated_after_temporary_failures_only() {
        let mut headers = HeaderMap::new();
        assert_eq!(pause_after(StatusCode::SERVICE_UNAVAILABLE, &headers), Some(Duration::from_secs(1)));
        for status in [StatusCode::OK, StatusCode::UNPROCESSABLE_ENTITY, StatusCode::INTERNAL_SERVER_ERROR] {
            assert_eq!(pause_after(status, &headers), None, "{status}");
        }
        headers.insert("retry-after", HeaderValue::from_static("3"));
        assert_eq!(pause_after(StatusCode::TOO_MANY_REQUESTS, &headers), Some(Duration::from_secs(3)));
        headers.insert("retry-after", HeaderValue::from_static("86400"));
        assert_eq!(pause_after(StatusCode::TOO_MANY_REQUESTS, &headers), Some(MAX_PAUSE));
    }

    /// An API that answers its requests with these statuses, one after the other, and a client of it.
    async fn serve(statuses: &'static [u16]) -> (ApiClient, FakeServer) {
        let server = FakeServer::start(move |index, _| {
            let headers = [("retry-after", "0"), ("location", "/elsewhere")];
            (StatusCode::from_u16(statuses[index]).unwrap(), headers, r#"{"id":"x"}"#).into_response()
        });
        let server = server.await;
        let key = ApiKey::generate(ApiKeyKind::Operator, &SystemRandom);
        (ApiClient::new(&Config { api: server.url("").parse().unwrap(), key, project: None }), server)
    }

    #[tokio::test]
    async fn a_repeated_call_has_the_same_idempotency_key() {
        let (client, server) = serve(&[503, 429, 201, 201]).await;
        assert_eq!(client.post("/", &Value::Null).await.unwrap().text("id").unwrap(), "x");
        client.post("/", &Value::Null).await.unwrap();
        let keys: Vec<_> = server.calls().into_iter().map(|call| call.header("idempotency-key")).collect();
        assert!(keys[0].len() == 32 && keys[1] == keys[0] && keys[2] == keys[0] && keys[3] != keys[0], "{keys:?}");
    }

    #[tokio::test]
    async fn a_call_fails_after_three_temporary_failures() {
        let (client, server) = serve(&[503, 503, 503, 200]).await;
        assert!(matches!(
            client.get("/").await,
            Err(ApiError::Refused { status: StatusCode::SERVICE_UNAVAILABLE, .. })
        ));
        assert_eq!(server.calls().len(), 3);
    }

    #[tokio::test]
    async fn the_key_does_not_follow_a_redirect() {
        let (client, server) = serve(&[307, 200]).await;
        assert!(matches!(client.get("/").await, Err(ApiError::Refused { status: StatusCode::TEMPORARY_REDIRECT, .. })));
        assert_eq!(server.calls().len(), 1);
    }

    #[tokio::test]
    async fn a_resource_that_is_gone_counts_as_deleted() {
        let (client, _server) = serve(&[404, 403]).await;
        assert!(client.delete("/").await.is_ok());
        assert!(client.delete("/").await.is_err());
    }

    #[test]
    fn debug_output_of_a_client_hides_the_key() {
        let key = ApiKey::generate(ApiKeyKind::Operator, &SystemRandom);
        let client =
            ApiClient::new(&Config { api: "https://a.example".parse().unwrap(), key: key.clone(), project: None });
        assert!(!format!("{client:?}").contains(key.expose()));
    }
}
