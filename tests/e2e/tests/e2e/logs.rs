//! What the logs tell, and what they never tell.

use std::time::{Duration, Instant};

use e2e::{Customer, PATIENCE, run, stack};
use reqwest::{Client, Response};
use serde_json::{Value, json};
use shared::api_key::{ApiKey, ApiKeyKind};
use shared::clock::{Clock as _, SystemClock};
use shared::metric::Metric;
use shared::random::SystemRandom;
use stack::Stack;
use stack::api_client::ApiClient;

/// What people say and who they are, in words that nothing else here uses.
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
/// More runs than one list of log streams tells.
const RUNS: usize = 60;

/// A customer of whom everything that must stay out of the logs is noted, by what it is.
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
        let key = text(&customer.post("/api-keys", &json!({ "name": "server" })).await, "key");
        let api = ApiClient::new(&stack.api_url, &key);
        let browser = Client::builder().user_agent(USER_AGENT).build().unwrap();
        let said = [
            ("name in an event", NAME),
            ("address in an event", EMAIL),
            ("reader's address", READER),
            ("person's id", USER),
            ("endpoint's path", PATH),
            ("other endpoint's path", OTHER_PATH),
            ("endpoint's header", HEADER_VALUE),
            ("query", QUERY),
            ("body that was refused", BAD_BODY),
            ("user agent", USER_AGENT),
            ("operator key", &stack.operator_key),
            ("API key", &key),
        ];
        let secrets = said.map(|(what, value)| (what, value.to_owned())).into();
        Self { stack, customer, api, browser, secrets }
    }

    /// Publishes an event whose first attempt fails, replays it, and tests the endpoint; answers the delivery's id.
    async fn deliver(&mut self) -> String {
        self.customer.receiver().answer(PATH, [500]);
        let endpoint = format!("/endpoints/{}", self.customer.endpoint());
        let rotated = self.customer.post(&format!("{endpoint}/signing-secret/rotate"), &json!({})).await;
        self.secrets.push(("signing secret", text(&rotated, "signingSecret")));
        let other = json!({ "url": self.stack.receiver.url(OTHER_PATH), "headers": { "x-partner": HEADER_VALUE } });
        let secret = text(&self.customer.post("/endpoints", &other).await, "signingSecret");
        self.stack.receiver.expect(OTHER_PATH, &secret);
        self.secrets.push(("other signing secret", secret));

        let data = json!({ "name": NAME, "email": EMAIL });
        let event = self.customer.publish(&json!({ "type": "approved", "data": data })).await;
        self.customer.wait_for_deliveries(|all| all.len() == 2 && all.iter().all(is_delivered)).await;
        let delivery = text(&self.customer.wait_for_state(&event, "delivered").await, "id");
        self.customer.post(&format!("/deliveries/{delivery}/replay"), &json!({})).await;
        self.customer.post(&format!("{endpoint}/test"), &json!({ "type": "approved" })).await;
        delivery
    }

    /// Has a person sent back, once as it should be and once with a link that somebody changed.
    async fn send_back(&mut self) {
        let key = self.customer.post("/return-url/keys", &json!({})).await;
        self.secrets.push(("secretKey", text(&key, "secretKey")));
        let path = format!("/v1/projects/{}/return-url", self.customer.project());
        let settings = json!({ "url": "https://app.example/done", "fields": ["userid", "email"], "signed": true });
        self.api.put(&path, &settings).await.unwrap();
        let person = json!({ "kycStatus": "approved", "userid": USER, "email": EMAIL });
        let link = text(&self.customer.post("/return-links", &person).await, "url");
        let token = link.rsplit('/').next().unwrap();
        self.secrets.push(("return link", token.to_owned()));
        assert_eq!(self.open(&link).await.status(), 200);
        let changed = format!("{}?{QUERY}", link.replace(&token[token.len() - 8..], "AAAAAAAA"));
        assert!(self.open(&changed).await.status().is_client_error());
    }

    async fn open(&self, url: &str) -> Response {
        self.browser.get(url).send().await.unwrap()
    }

    /// Asks for what is refused in several ways; answers the last request's id.
    async fn be_refused(&mut self) -> String {
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
            let answer = request.header("content-type", "application/json").body(body).send().await.unwrap();
            assert!(answer.status().is_client_error(), "{}", answer.status());
            last = Some(answer);
        }
        self.secrets.push(("unknown API key", unknown));
        request_id(&last.unwrap())
    }

    /// The functions' logs, once all of these are in them.
    async fn logs_with(&self, expected: &[&str]) -> Vec<String> {
        let begun = Instant::now();
        loop {
            let lines = self.stack.function_logs().await.unwrap();
            let missing = expected.iter().find(|text| !lines.iter().any(|line| line.contains(**text)));
            let Some(missing) = missing else { return lines };
            assert!(begun.elapsed() <= PATIENCE, "the logs lack {missing}");
            // The emulator may keep a function's last lines until its next run.
            self.open(&format!("{}/v1/egress-ips", self.stack.api_url)).await;
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }
}

#[test]
fn the_logs_tell_ids_and_figures_but_no_secret_no_person_and_no_payload() {
    run(async {
        let mut scene = Scene::at(PATH).await;
        let delivery = scene.deliver().await;
        scene.send_back().await;
        scene.customer.add_reader(READER).await;
        scene.stack.send_reports(&SystemClock.now().day().to_string()).await.unwrap();
        scene.customer.sweep().await;
        let request_id = scene.be_refused().await;

        let told =
            [&delivery, &request_id, Metric::Delivered.name(), Metric::MailsSent.name(), Metric::SweepLag.name()];
        let lines = scene.logs_with(&told).await;
        for (what, value) in &scene.secrets {
            // Only whose line it is, for what it says is what nobody is to read.
            let line = lines.iter().find(|line| line.contains(value)).and_then(|line| line.split(':').next());
            assert_eq!(line, None, "the {what} is in the logs");
        }
    });
}

#[test]
fn each_line_of_the_logs_is_json_and_says_when() {
    run(async {
        let scene = Scene::at("/logs/lines").await;
        let mut asked = Vec::new();
        for _ in 0..RUNS {
            asked.push(request_id(&scene.open(&format!("{}/v1/egress-ips", scene.stack.api_url)).await));
        }
        let asked: Vec<_> = asked.iter().map(String::as_str).collect();
        for line in scene.logs_with(&asked).await {
            let (_, json) = line.split_once(": ").unwrap();
            let json: Value = serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {line}"));
            assert!(json["timestamp"].is_string() || json["_aws"]["Timestamp"].is_number(), "{line}");
        }
    });
}

fn is_delivered(delivery: &Value) -> bool {
    delivery["state"] == "delivered"
}

fn request_id(answer: &Response) -> String {
    answer.headers()["x-request-id"].to_str().unwrap().to_owned()
}

fn text(answer: &Value, name: &str) -> String {
    answer[name].as_str().unwrap_or_else(|| panic!("no {name} in {answer}")).to_owned()
}
