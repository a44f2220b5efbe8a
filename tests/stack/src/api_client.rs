//! A thin client of the settings API: JSON in, JSON out.

use http::Method;
use reqwest::{RequestBuilder, Response};
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

/// Why a call failed.
#[derive(Debug, Error)]
pub enum ApiError {
    /// The response did not arrive, or is not JSON.
    #[error("{call} got no usable response")]
    Http {
        /// Method and path.
        call: String,
        /// The cause.
        #[source]
        source: reqwest::Error,
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
        let response = Self::accepted(call.clone(), request).await?;
        response.json().await.map_err(|source| ApiError::Http { call, source })
    }

    async fn accepted(call: String, request: RequestBuilder) -> Result<Response, ApiError> {
        let response = match request.send().await {
            Ok(response) => response,
            Err(source) => return Err(ApiError::Http { call, source }),
        };
        let status = response.status();
        if !status.is_success() {
            let problem = response.text().await.unwrap_or_default();
            return Err(ApiError::Refused { call, status: status.as_u16(), problem });
        }
        Ok(response)
    }
}
