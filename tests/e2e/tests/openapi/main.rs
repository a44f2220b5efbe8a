//! The API driven by its own document: `schemathesis` makes thousands of requests out of it, good ones and bad ones, one by one and
//! in chains, and holds every answer against it.
//!
//! A test process of its own, so that the load is nobody else's.

#![expect(clippy::unwrap_used, reason = "all of this is tests")]

use std::fmt::Write as _;
use std::path::Path;
use std::process::Stdio;

use e2e::{Customer, run, stack};
use serde_json::{Value, json};
use stack::tools;
use tokio::process::Command;

/// How many requests are made for each operation in each phase that makes them up. The run takes about a minute and a half.
const MOST_EXAMPLES: &str = "5";

#[test]
fn schemathesis_finds_nothing() {
    run(async {
        let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemathesis");
        let python = tools::python_with("schemathesis", &home.join("requirements.txt")).await;
        let python = python.unwrap_or_else(|error| panic!("{error}"));
        let stack = stack().await;
        let dir = tempfile::tempdir().unwrap();
        let document = document_with_ids(&Ids::of(&Customer::new(stack, "/openapi").await).await).await;
        let (document_path, config_path) = (dir.path().join("openapi.json"), dir.path().join("schemathesis.toml"));
        tokio::fs::write(&document_path, document.to_string()).await.unwrap();
        tokio::fs::write(&config_path, config(&home, &stack.operator_key)).await.unwrap();

        let mut command = Command::new(python.with_file_name("schemathesis"));
        command.arg("--config-file").arg(&config_path).arg("run").arg(&document_path).args(["--url", &stack.api_url]);
        command.args(["--checks", "all", "--max-examples", MOST_EXAMPLES, "--no-color"]);
        command.current_dir(dir.path()).stdin(Stdio::null()).kill_on_drop(true);
        let output = command.output().await.unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        println!("{}", said.split("SUMMARY").last().unwrap_or_default());
        assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    });
}

/// What there is in the stack, to be asked for: nobody guesses an id.
struct Ids(Value);

impl Ids {
    async fn of(customer: &Customer) -> Self {
        let at = |path: &str| format!("{path}?limit=1");
        let event = customer.publish(&json!({"type": "approved", "submissionId": "sub_1", "data": {"a": 1}})).await;
        let delivery = customer.wait_for_state(&event, "delivered").await;
        let test = format!("/endpoints/{}/test", customer.endpoint());
        let test = customer.post(&test, &json!({"type": "approved"})).await;
        let key = customer.post("/return-url/keys", &json!({})).await;
        customer.post("/return-url/keys", &json!({"overlapDays": 7})).await;
        let range = json!({"from": delivery["attempts"][0]["at"], "to": test["attempt"]["at"], "state": "delivered"});
        let replay = customer.post("/replays", &range).await;
        let api_keys = customer.get(&at("/api-keys")).await;
        let other = Customer::new(e2e::stack().await, "/openapi-deleted").await;
        Self(json!({
            "/projects/": customer.project(),
            "deleteProject": other.project(),
            "/endpoints/": customer.endpoint(),
            "/tests/": test["id"],
            "/events/": event,
            "/deliveries/": delivery["id"],
            "/replays/": replay["id"],
            "/api-keys/": api_keys["items"][0]["id"],
            "/return-url/keys/": key["id"],
            "/audit/": 2,
        }))
    }

    /// The id to ask for in an operation, in the place of the parameter `name` of its path.
    fn for_parameter(&self, operation: &Value, path: &str, name: &str) -> Option<&Value> {
        let before = path.split(&format!("{{{name}}}")).next()?;
        let of_operation = operation["operationId"].as_str().filter(|_| name == "pid").and_then(|id| self.0.get(id));
        of_operation
            .or_else(|| self.0.as_object()?.iter().find(|(place, _)| before.ends_with(*place)).map(|(_, id)| id))
    }
}

/// The committed document, in which the ids of paths are those that there are.
async fn document_with_ids(ids: &Ids) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../functions/api/openapi.json");
    let mut document: Value = serde_json::from_slice(&tokio::fs::read(path).await.unwrap()).unwrap();
    for (path, item) in document["paths"].as_object_mut().unwrap() {
        for operation in item.as_object_mut().unwrap().values_mut() {
            let read = operation.clone();
            for parameter in operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten() {
                let name = parameter["name"].as_str().unwrap().to_owned();
                if let Some(id) = ids.for_parameter(&read, path, &name).filter(|_| parameter["in"] == "path") {
                    parameter["schema"] = json!({"enum": [id]});
                }
            }
        }
    }
    document
}

/// What the document cannot say.
fn config(home: &Path, key: &str) -> String {
    let mut config = format!("hooks = {:?}\n[auth.openapi.x-api-key]\napi_key = {key:?}\n", home.join("hooks.py"));
    // Whether settings are still what `If-Match` says, the document does not know, nor how many there are: `hooks.py` looks at
    // those refusals.
    let known = json!(["2xx", "3xx", "401", "403", "404", "409", "410", "412", "422", "429", "503"]);
    write!(config, "[checks.positive_data_acceptance]\nexpected-statuses = {known}\n").unwrap();
    let refused = json!(["400", "401", "403", "404", "405", "406", "409", "412", "413", "414", "415", "422", "429"]);
    write!(config, "[checks.negative_data_rejection]\nexpected-statuses = {refused}\n").unwrap();
    config
}
