//! What the logs contain, and what they must never contain.

use std::time::{Duration, Instant};

use aws::lambda::metric::Metric;
use domain::foundation::clock::{Clock as _, SystemClock};
use domain::foundation::random::SystemRandom;
use domain::projects::api_key::{ApiKey, ApiKeyKind};
use e2e::{Customer, WAIT_TIMEOUT, run, stack};
use reqwest::{Client, Response};
use serde_json::{Value, json};
use stack::Stack;
use stack::api_client::ApiClient;

trials! {
    logs_contain_ids_and_metrics_and_no_secrets_personal_data_or_payloads,
    every_log_line_is_json_with_a_timestamp,
}

/// Values that must not be logged. Each is unique, so that a search of the logs finds only these.
const NAME: &str = "Zephyrine Quillfeather";
const EMAIL: &str = "zephyrine.quillfeather@people.example";
const READER: &str = "quimby.oxenfree@readers.example";
const USER: &str = "user-plumbago-4711";
const PATH: &str = "/logs/hooks/path-token-marzipan";
const OTHER_PATH: &str = "/logs/hooks/path-token-nougat";
const HEADER_VALUE: &str = "partner-token-halcyon";
const QUERY: &str = "query-word-rigmarole";
const BAD_BODY: &str = "body-word-flibbertigibbet";
const USER_AGENT: &str = "browser-of-bandersnatch/1.0";
/// More runs than fit into one page of log streams.
const RUNS: usize = 60;

/// A customer, and the values that must not be in the logs, each with a description.
struct Scene {
    stack: &'static Stack,
    customer: Customer,
    api: ApiClient,
    browser: Client,
    secrets: Vec<(&'static str, String)>,
}

impl Scene {
    async fn at(path: &str) -> Self {
        let stack = stack().await;
        let customer = Customer::new(stack, path).await;
        let key = member(&customer.post("/api-keys", &json!({ "name": "server" })).await, "key");
        let api = ApiClient::new(&stack.api_url, &key);
        let browser = Client::builder().user_agent(USER_AGENT).build().unwrap();
        let values = [
            ("name in an event", NAME),
            ("address in an event", EMAIL),
            ("reader's address", READER),
            ("person's id", USER),
            ("endpoint's path", PATH),
            ("other endpoint's path", OTHER_PATH),
            ("endpoint's header", HEADER_VALUE),
            ("query", QUERY),
            ("rejected body", BAD_BODY),
            ("user agent", USER_AGENT),
            ("operator key", &stack.operator_key),
            ("API key", &key),
        ];
        let secrets = values.map(|(what, value)| (what, value.to_owned())).into();
        Self { stack, customer, api, browser, secrets }
    }

    /// Publishes an event whose first attempt fails, replays its delivery, and tests the endpoint. Returns the id of the delivery.
    async fn deliver(&mut self) -> String {
        self.customer.receiver().answer(PATH, [500]);
        let endpoint = format!("/endpoints/{}", self.customer.endpoint());
        let rotated = self.customer.post(&format!("{endpoint}/signing-secret/rotate"), &json!({})).await;
        self.secrets.push(("signing secret", member(&rotated, "signingSecret")));
        let other = json!({ "url": self.stack.receiver.url(OTHER_PATH), "headers": { "x-partner": HEADER_VALUE } });
        let secret = member(&self.customer.post("/endpoints", &other).await, "signingSecret");
        self.stack.receiver.expect(OTHER_PATH, &secret);
        self.secrets.push(("other signing secret", secret));

        let data = json!({ "name": NAME, "email": EMAIL });
        let event = self.customer.publish(&json!({ "type": "approved", "data": data })).await;
        self.customer.wait_for_deliveries(|all| all.len() == 2 && all.iter().all(is_delivered)).await;
        let delivery = member(&self.customer.wait_for_state(&event, "delivered").await, "id");
        self.customer.post(&format!("/deliveries/{delivery}/replay"), &json!({})).await;
        self.customer.post(&format!("{endpoint}/test"), &json!({ "type": "approved" })).await;
        delivery
    }

    /// Opens a return link and a modified copy of it.
    async fn open_return_links(&mut self) {
        let key = self.customer.post("/return-url/keys", &json!({})).await;
        self.secrets.push(("secretKey", member(&key, "secretKey")));
        let path = format!("/v1/projects/{}/return-url", self.customer.project());
        let settings = json!({ "url": "https://app.example/done", "fields": ["userid", "email"], "signed": true });
        self.api.put(&path, &settings).await.unwrap();
        let person = json!({ "kycStatus": "approved", "userid": USER, "email": EMAIL });
        let link = member(&self.customer.post("/return-links", &person).await, "url");
        let token = link.rsplit('/').next().unwrap();
        self.secrets.push(("return link", token.to_owned()));
        assert_eq!(self.open(&link).await.status(), 200);
        let changed = format!("{}?{QUERY}", link.replace(&token[token.len() - 8..], "AAAAAAAA"));
        assert!(self.open(&changed).await.status().is_client_error());
    }

    async fn open(&self, url: &str) -> Response {
        self.browser.get(url).send().await.unwrap()
    }

    /// Asks about keys for calls to the product, and reports a leaked one.
    async fn check_keys(&mut self) {
        let leaked = member(&self.customer.post("/api-keys", &json!({ "name": "leaked" })).await, "key");
        let unknown = format!("other-system-{}", ApiKey::generate(ApiKeyKind::Live, &SystemRandom).expose());
        for key in [&leaked, &unknown] {
            self.stack.api().post("/v1/api-keys/verify", &json!({ "key": key })).await.unwrap();
            let (route, source) = ("GET /submissions", "127.0.0.1");
            let call = json!({
                "routeKey": route, "identitySource": [key, source, route], "headers": { "x-api-key": key },
                "requestContext": { "http": { "method": "GET", "sourceIp": source } },
            });
            self.stack.invoke("authorizer", call).await.unwrap();
        }
        self.stack.api().post("/v1/api-keys/revoke", &json!({ "key": leaked })).await.unwrap();
        self.secrets.extend([("leaked key", leaked), ("unknown key", unknown)]);
    }

    /// Makes requests that are rejected for several reasons. Returns the request id of the last one.
    async fn make_rejected_requests(&mut self) -> String {
        let unknown = ApiKey::generate(ApiKeyKind::Live, &SystemRandom).expose().to_owned();
        let key = self.secrets.iter().find(|(what, _)| *what == "API key").unwrap().1.clone();
        let events = format!("{}/v1/projects/{}/events", self.stack.api_url, self.customer.project());
        let mut last = None;
        for (key, body) in [
            (&unknown, "{}".to_owned()),
            (&key, format!("{{\"{BAD_BODY}\"")),
            (&key, json!({ "type": BAD_BODY, "data": { "name": NAME }, BAD_BODY: 1 }).to_string()),
        ] {
            let request = self.browser.post(format!("{events}?{QUERY}={QUERY}")).header("x-api-key", key);
            let response = request.header("content-type", "application/json").body(body).send().await.unwrap();
            assert!(response.status().is_client_error(), "{}", response.status());
            last = Some(response);
        }
        self.secrets.push(("unknown API key", unknown));
        request_id(&last.unwrap())
    }

    /// Waits until the logs of the functions contain all of these strings, and returns the lines.
    async fn logs_with(&self, expected: &[&str]) -> Vec<String> {
        let started_at = Instant::now();
        loop {
            let lines = self.stack.function_logs().await.unwrap();
            let missing = expected.iter().find(|expected| !lines.iter().any(|line| line.contains(**expected)));
            let Some(missing) = missing else { return lines };
            assert!(started_at.elapsed() <= WAIT_TIMEOUT, "{missing} is not in the logs");
            // The emulator may keep the last lines of a function back until its next run.
            self.open(&format!("{}/v1/egress-ips", self.stack.api_url)).await;
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }
}

fn logs_contain_ids_and_metrics_and_no_secrets_personal_data_or_payloads() {
    run(async {
        let mut scene = Scene::at(PATH).await;
        let delivery = scene.deliver().await;
        scene.open_return_links().await;
        scene.check_keys().await;
        scene.customer.add_reader(READER).await;
        scene.stack.send_reports(&SystemClock.now().day().to_string()).await.unwrap();
        scene.customer.sweep().await;
        let request_id = scene.make_rejected_requests().await;

        let expected =
            [&delivery, &request_id, Metric::Delivered.name(), Metric::MailsSent.name(), Metric::SweepLag.name()];
        let lines = scene.logs_with(&expected).await;
        for (what, value) in &scene.secrets {
            // Report only the function that wrote the line, because the line contains the secret.
            let line = lines.iter().find(|line| line.contains(value)).and_then(|line| line.split(':').next());
            assert_eq!(line, None, "the {what} is in the logs");
        }
    });
}

fn every_log_line_is_json_with_a_timestamp() {
    run(async {
        let scene = Scene::at("/logs/lines").await;
        let mut request_ids = Vec::new();
        for _ in 0..RUNS {
            request_ids.push(request_id(&scene.open(&format!("{}/v1/egress-ips", scene.stack.api_url)).await));
        }
        let request_ids: Vec<_> = request_ids.iter().map(String::as_str).collect();
        for line in scene.logs_with(&request_ids).await {
            let (_, json) = line.split_once(": ").unwrap();
            let json: Value = serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {line}"));
            assert!(json["timestamp"].is_string() || json["_aws"]["Timestamp"].is_number(), "{line}");
        }
    });
}

fn is_delivered(delivery: &Value) -> bool {
    delivery["state"] == "delivered"
}

fn request_id(response: &Response) -> String {
    response.headers()["x-request-id"].to_str().unwrap().to_owned()
}

fn member(response: &Value, name: &str) -> String {
    response[name].as_str().unwrap_or_else(|| panic!("no {name} in {response}")).to_owned()
}
