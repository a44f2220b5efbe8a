//! A thin client of the settings API: JSON in, JSON out.

use std::sync::OnceLock;

use http::header::CONTENT_TYPE;
use http::{Method, StatusCode};
use reqwest::RequestBuilder;
use serde_json::Value;
use thiserror::Error;

use crate::server;

/// A client with one API key.
#[derive(Debug, Clone)]
pub struct ApiClient {
    base_url: String,
    key: String,
    client: reqwest::Client,
}

/// A response of the API.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// Method and path of the call, such as `GET /v1/projects?limit=1`.
    pub call: &'a str,
    /// The status code.
    pub status: u16,
    /// The header `content-type`; empty without a body.
    pub content_type: &'a str,
    /// The body.
    pub body: &'a str,
}

static CHECK: OnceLock<fn(Answer<'_>)> = OnceLock::new();

/// Calls `check` with each response that a client of this process gets from now on. Only the first `check` counts.
pub fn check_answers_with(check: fn(Answer<'_>)) {
    let _ = CHECK.set(check);
}

/// Why a call failed.
#[derive(Debug, Error)]
pub enum ApiError {
    /// The response did not arrive.
    #[error("{call} got no response")]
    Http {
        /// Method and path.
        call: String,
        /// The cause.
        #[source]
        source: reqwest::Error,
    },
    /// The response is not JSON.
    #[error("{call} got a response that is not JSON")]
    Malformed {
        /// Method and path.
        call: String,
        /// The cause.
        #[source]
        source: serde_json::Error,
    },
    /// The status of the response is not 2xx.
    #[error("{call} was answered with {status}: {problem}")]
    Refused {
        /// Method and path.
        call: String,
        /// The status code, for callers that retry some of them.
        status: u16,
        /// The response body: a problem document.
        problem: String,
    },
}

impl ApiClient {
    /// Creates a client that sends `key` with each call.
    pub fn new(base_url: &str, key: &str) -> Self {
        Self { base_url: base_url.to_owned(), key: key.to_owned(), client: server::client() }
    }

    /// The API key.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Sends a `GET` and returns the response body.
    pub async fn get(&self, path: &str) -> Result<Value, ApiError> {
        self.call(Method::GET, path, None).await
    }

    /// Sends a `POST` and returns the response body.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, ApiError> {
        self.call(Method::POST, path, Some(body)).await
    }

    /// Sends a `POST` with an `Idempotency-Key`, so that a caller may repeat it.
    pub async fn post_as(&self, idempotency_key: &str, path: &str, body: &Value) -> Result<Value, ApiError> {
        let request = self.request(Method::POST, path).header("idempotency-key", idempotency_key);
        Self::answer(format!("POST {path}"), request.json(body)).await
    }

    /// Sends a `PUT` and returns the response body.
    pub async fn put(&self, path: &str, body: &Value) -> Result<Value, ApiError> {
        self.call(Method::PUT, path, Some(body)).await
    }

    /// Sends a `PATCH` and returns the response body.
    pub async fn patch(&self, path: &str, body: &Value) -> Result<Value, ApiError> {
        self.call(Method::PATCH, path, Some(body)).await
    }

    /// Sends a `DELETE`. The response has no body.
    pub async fn delete(&self, path: &str) -> Result<(), ApiError> {
        Self::accepted(format!("DELETE {path}"), self.request(Method::DELETE, path)).await.map(drop)
    }

    async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, ApiError> {
        let call = format!("{method} {path}");
        let mut request = self.request(method, path);
        if let Some(body) = body {
            request = request.json(body);
        }
        Self::answer(call, request).await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base_url)).header("x-api-key", &self.key)
    }

    async fn answer(call: String, request: RequestBuilder) -> Result<Value, ApiError> {
        let body = Self::accepted(call.clone(), request).await?;
        serde_json::from_str(&body).map_err(|source| ApiError::Malformed { call, source })
    }

    /// Returns the body of a successful response.
    async fn accepted(call: String, request: RequestBuilder) -> Result<String, ApiError> {
        let (status, content_type, body) = match Self::send(request).await {
            Ok(response) => response,
            Err(source) => return Err(ApiError::Http { call, source }),
        };
        if let Some(check) = CHECK.get() {
            check(Answer { call: &call, status: status.as_u16(), content_type: &content_type, body: &body });
        }
        if status.is_success() {
            return Ok(body);
        }
        Err(ApiError::Refused { call, status: status.as_u16(), problem: body })
    }

    async fn send(request: RequestBuilder) -> Result<(StatusCode, String, String), reqwest::Error> {
        let response = request.send().await?;
        let content_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let content_type = content_type.unwrap_or_default().to_owned();
        Ok((response.status(), content_type, response.text().await?))
    }
}
