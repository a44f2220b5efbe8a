//! The API on an empty store, with an operator who fills it.

use std::sync::Arc;

use api::{Addresses, App, HostNames, router};
use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpRequestContext;
use lambda_http::request::RequestContext;
use serde_json::{Value, json};
use shared::api_key::ApiKey;
use shared::aws::Aws;
use shared::aws::queue::testing::FakeQueue;
use shared::aws::secrets::KeyRingSecret;
use shared::aws::store::testing::Database;
use shared::clock::SystemClock;
use shared::random::SystemRandom;

use crate::site::{self, Answer, config, operator_key, ring};

/// The API on an empty store and an empty queue. Mail is not there: calls to it fail.
pub(crate) struct Scene {
    pub(crate) api: Router,
    pub(crate) operator_key: ApiKey,
    pub(crate) store: Database,
    pub(crate) queue: FakeQueue,
}

/// No host resolves: tests ask no name server.
struct NoHostNames;

impl HostNames for NoHostNames {
    fn addresses<'a>(&'a self, _: &'a str) -> Addresses<'a> {
        Box::pin(async { Vec::new() })
    }
}

impl Scene {
    pub(crate) async fn new() -> Self {
        Self::start("1000", true).await
    }

    /// The same, but calls to the queue fail.
    pub(crate) async fn without_queue() -> Self {
        Self::start("1000", false).await
    }

    pub(crate) async fn with_rate_limit(limit: &str) -> Self {
        Self::start(limit, true).await
    }

    async fn start(limit: &str, has_queue: bool) -> Self {
        let (store, operator_key) = (Database::start().await, operator_key());
        let queue = FakeQueue::in_front_of(&store).await;
        let api = api(limit, &operator_key, if has_queue { queue.aws() } else { store.aws() });
        Self { api, operator_key, store, queue }
    }

    /// The same, and calls to the queue succeed.
    pub(crate) fn with_queue(self) -> Self {
        Self { api: api("1000", &self.operator_key, self.queue.aws()), ..self }
    }

    pub(crate) async fn call(&self, method: &str, path: &str, key: &str, body: &str) -> Answer {
        site::send(&self.api, method, path, key, body).await
    }

    /// Calls as the operator; without a body if that is `null`.
    pub(crate) async fn operator(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.operator_with(method, path, &[], body).await
    }

    pub(crate) async fn project(&self) -> String {
        let created = self.operator("POST", "/v1/projects", &json!({"name": "Acme"})).await;
        assert_eq!(created.status, StatusCode::CREATED);
        created.body["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn key_of(&self, project: &str, wishes: Value) -> String {
        let created = self.operator("POST", &format!("/v1/projects/{project}/api-keys"), &wishes).await;
        assert_eq!(created.status, StatusCode::CREATED, "{}", created.body);
        created.body["key"].as_str().unwrap().to_owned()
    }

    /// Creates an endpoint, and gives its id.
    pub(crate) async fn endpoint(&self, project: &str, wishes: Value) -> String {
        let created = self.operator("POST", &format!("/v1/projects/{project}/endpoints"), &wishes).await;
        assert_eq!(created.status, StatusCode::CREATED, "{}", created.body);
        created.body["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn publish(&self, project: &str, idempotency_key: &str, body: &str) -> Answer {
        let request = Request::post(format!("/v1/projects/{project}/events"))
            .header("x-api-key", self.operator_key.expose())
            .header("idempotency-key", idempotency_key);
        site::send_request(&self.api, request.body(Body::from(body.to_owned())).unwrap()).await
    }

    /// Calls as the operator, from the address 203.0.113.9, with more headers.
    pub(crate) async fn operator_with(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Answer {
        self.call_with(method, path, self.operator_key.expose(), headers, body).await
    }

    /// Calls with a key, from the address 203.0.113.9, with more headers.
    pub(crate) async fn call_with(
        &self,
        method: &str,
        path: &str,
        key: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Answer {
        let mut context = ApiGatewayV2httpRequestContext::default();
        context.http.source_ip = Some("203.0.113.9".to_owned());
        let request = Request::builder().method(method).uri(path).header("x-api-key", key);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let request = request.extension(RequestContext::ApiGatewayV2(context));
        let body = if body.is_null() { String::new() } else { body.to_string() };
        site::send_request(&self.api, request.body(Body::from(body)).unwrap()).await
    }
}

fn api(limit: &str, operator_key: &ApiKey, aws: &Aws) -> Router {
    let more = [("RATE_LIMIT", limit), ("EGRESS_IPS", "198.51.100.1, 198.51.100.2")];
    let (config, key_ring) = (config(operator_key, &more), KeyRingSecret::known(ring()));
    let app = App::new(config, aws, key_ring, Arc::new(SystemClock), Arc::new(SystemRandom));
    router(app.with_host_names(Arc::new(NoHostNames)))
}
