//! Calls to the API, and what it returns.

use std::fmt::Debug;
use std::ops::Deref;
use std::str::FromStr;

use api::SessionCaller;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request};
use domain::projects::console::ConsoleSession;
use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpRequestContext;
use lambda_http::request::RequestContext;
use serde_json::{Value, json};
use tower::ServiceExt;

/// The address that clients call from.
pub(crate) const SOURCE_IP: &str = "203.0.113.9";

/// A caller of the API. All of its calls go to paths below one path and send the same headers.
#[derive(Clone)]
pub(crate) struct Client {
    router: Router,
    pub(crate) path: String,
    key: Option<String>,
    session: Option<SessionCaller>,
    source_ip: Option<String>,
    headers: Vec<(&'static str, String)>,
}

impl Client {
    pub(crate) fn new(router: Router, key: &str) -> Self {
        let (key, source_ip) = (Some(key.to_owned()), Some(SOURCE_IP.to_owned()));
        Self { router, path: String::new(), key, session: None, source_ip, headers: Vec::new() }
    }

    /// The same caller, below `path`.
    pub(crate) fn at(&self, path: &str) -> Self {
        Self { path: format!("{}{path}", self.path), ..self.clone() }
    }

    pub(crate) fn key(&self) -> &str {
        self.key.as_deref().unwrap()
    }

    pub(crate) fn with_key(&self, key: &str) -> Self {
        Self { key: Some(key.to_owned()), ..self.clone() }
    }

    pub(crate) fn without_key(&self) -> Self {
        Self { key: None, ..self.clone() }
    }

    /// The user of a console session, whose calls the console makes.
    pub(crate) fn in_session(&self, session: &ConsoleSession) -> Self {
        let session = SessionCaller::new(session.clone(), SOURCE_IP.parse().ok());
        Self { session: Some(session), source_ip: None, ..self.without_key() }
    }

    /// Whether the client calls as the user of a console session.
    pub(crate) fn is_session(&self) -> bool {
        self.session.is_some()
    }

    pub(crate) fn with_header(&self, name: &'static str, value: &str) -> Self {
        let mut client = self.clone();
        client.headers.push((name, value.to_owned()));
        client
    }

    pub(crate) fn with_idempotency_key(&self, key: &str) -> Self {
        self.with_header("idempotency-key", key)
    }

    /// The same caller, as if API Gateway did not report its address.
    pub(crate) fn without_source_ip(&self) -> Self {
        Self { source_ip: None, ..self.clone() }
    }

    /// The same caller, from another address.
    pub(crate) fn with_source_ip(&self, address: &str) -> Self {
        Self { source_ip: Some(address.to_owned()), ..self.clone() }
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.send("GET", path, "").await
    }

    pub(crate) async fn post(&self, path: &str, body: impl ToString) -> Response {
        self.send("POST", path, body).await
    }

    pub(crate) async fn put(&self, path: &str, body: impl ToString) -> Response {
        self.send("PUT", path, body).await
    }

    pub(crate) async fn patch(&self, path: &str, body: impl ToString) -> Response {
        self.send("PATCH", path, body).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Response {
        self.send("DELETE", path, "").await
    }

    pub(crate) async fn send(&self, method: &str, path: &str, body: impl ToString) -> Response {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.path));
        let key = self.key.iter().map(|key| ("x-api-key", key));
        for (name, value) in key.chain(self.headers.iter().map(|(name, value)| (*name, value))) {
            request = request.header(name, value);
        }
        let mut context = ApiGatewayV2httpRequestContext::default();
        context.http.source_ip.clone_from(&self.source_ip);
        let request = request.extension(RequestContext::ApiGatewayV2(context)).body(Body::from(body.to_string()));
        let mut request = request.unwrap();
        if let Some(session) = &self.session {
            request.extensions_mut().insert(session.clone());
        }
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let text = String::from_utf8(to_bytes(body, usize::MAX).await.unwrap().to_vec()).unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Response { status: parts.status.as_u16(), headers: parts.headers, text, body }
    }

    /// Creates a resource in the list at `path`.
    pub(crate) async fn create(&self, path: &str, body: impl ToString) -> Resource {
        let created = self.post(path, body).await.expect(201);
        let client = self.at(&format!("{path}/{}", created["id"].as_str().unwrap()));
        Resource { client, created }
    }

    pub(crate) async fn create_project(&self) -> Resource {
        self.create("/v1/projects", json!({"name": "Acme"})).await
    }

    /// Creates an endpoint of this project.
    pub(crate) async fn create_endpoint(&self) -> Resource {
        self.create("/endpoints", json!({"url": "https://hooks.example.com/"})).await
    }

    /// Creates an API key of this project. Returns a client of the project that uses the key.
    pub(crate) async fn with_new_key(&self, settings: Value) -> Self {
        self.with_key(self.create("/api-keys", settings).await.string("key"))
    }

    /// Creates an API key with these scopes. Returns a client of the project that uses the key.
    pub(crate) async fn with_scopes(&self, scopes: &[&str]) -> Self {
        self.with_new_key(json!({"name": "limited", "scopes": scopes})).await
    }

    /// Returns the first page of a list.
    pub(crate) async fn list(&self, path: &str) -> Vec<Value> {
        self.get(path).await.expect(200)["items"].as_array().unwrap().clone()
    }

    /// Returns all pages of a list. The path must have a query.
    pub(crate) async fn list_all(&self, path: &str) -> Vec<Value> {
        let (mut items, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = self.get(&format!("{path}{cursor}")).await.expect(200);
            items.extend(page["items"].as_array().unwrap().iter().cloned());
            let Some(next) = page["cursor"].as_str() else { return items };
            cursor = format!("&cursor={next}");
        }
    }
}

/// A resource that a test created, and the client for the paths below it.
pub(crate) struct Resource {
    client: Client,
    /// The response to its creation.
    pub(crate) created: Value,
}

impl Resource {
    pub(crate) fn id<T: FromStr<Err: Debug>>(&self) -> T {
        self.string("id").parse().unwrap()
    }

    /// A string in the response to its creation.
    pub(crate) fn string(&self, name: &str) -> &str {
        self.created[name].as_str().unwrap_or_else(|| panic!("no string {name} in {}", self.created))
    }
}

impl Deref for Resource {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    /// The parsed `text`, or `null` if it is not JSON.
    pub(crate) body: Value,
}

impl Response {
    /// Checks the status and returns the body.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        self.body
    }

    /// The status, and the problem type without the prefix `/problems/`. The type of other responses is empty.
    pub(crate) fn problem(&self) -> (u16, &str) {
        let problem_type = self.body["type"].as_str().and_then(|path| path.strip_prefix("/problems/"));
        (self.status, problem_type.unwrap_or_default())
    }

    /// Checks that the status is 422. Returns the JSON pointers of the fields that the problem names.
    #[track_caller]
    pub(crate) fn bad_fields(&self) -> Vec<&str> {
        assert_eq!(self.status, 422, "{}", self.text);
        let errors = self.body["errors"].as_array().unwrap();
        errors.iter().map(|error| error["pointer"].as_str().unwrap()).collect()
    }

    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }
}
