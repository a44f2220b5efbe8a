//! A client of the settings API, as thin as can be: JSON in, JSON out.

use http::Method;
use reqwest::{RequestBuilder, Response};
use serde_json::Value;
use thiserror::Error;

use crate::server;

/// Calls the API with one key.
#[derive(Debug, Clone)]
pub struct ApiClient {
    base_url: String,
    key: String,
    client: reqwest::Client,
}

/// A call that did not give what was asked for.
#[derive(Debug, Error)]
pub enum ApiError {
    /// No answer, or none in JSON.
    #[error("{call} got no usable answer")]
    Http {
        /// Method and path.
        call: String,
        /// What went wrong.
        #[source]
        source: reqwest::Error,
    },
    /// An answer other than 2xx.
    #[error("{call} was answered with {status}: {problem}")]
    Refused {
        /// Method and path.
        call: String,
        /// The status.
        status: u16,
        /// The body.
        problem: String,
    },
}

impl ApiClient {
    /// A client that shows `key`.
    pub fn new(base_url: &str, key: &str) -> Self {
        Self { base_url: base_url.to_owned(), key: key.to_owned(), client: server::client() }
    }

    /// `GET`s what is at `path`.
    pub async fn get(&self, path: &str) -> Result<Value, ApiError> {
        self.call(Method::GET, path, None).await
    }

    /// `POST`s `body` to `path`.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, ApiError> {
        self.call(Method::POST, path, Some(body)).await
    }

    /// `POST`s `body` to `path` with an `Idempotency-Key`.
    pub async fn post_as(&self, idempotency_key: &str, path: &str, body: &Value) -> Result<Value, ApiError> {
        let request = self.request(Method::POST, path).header("idempotency-key", idempotency_key);
        Self::answer(format!("POST {path}"), request.json(body)).await
    }

    /// `PUT`s `body` to `path`.
    pub async fn put(&self, path: &str, body: &Value) -> Result<Value, ApiError> {
        self.call(Method::PUT, path, Some(body)).await
    }

    /// `DELETE`s what is at `path`.
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
