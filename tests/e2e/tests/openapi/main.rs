//! The API against its OpenAPI document: `schemathesis` generates thousands of valid and invalid requests from the document, single
//! ones and sequences, and checks each response against it.
//!
//! This test runs in its own process, so that its load does not slow down other tests.

#![expect(clippy::unwrap_used, reason = "this crate contains only tests")]

mod clients;
mod rust_client;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use e2e::{Customer, run, stack};
use futures::future::join_all;
use serde_json::{Value, json};
use stack::{Stack, tools};
use tokio::process::Command;

/// Number of random requests per operation, in addition to those derived from the document.
const MAX_EXAMPLES: &str = "5";

/// Random seed. It is constant, so that a change does not fail because of an older bug.
const SEED: &str = "1";

/// Tags of the operations that each process tests. The emulator is slow, so four processes run concurrently, each with its own
/// project. Threads do not work because of <https://github.com/python/cpython/issues/106905>.
const PARTS: [&[&str]; 4] = [
    &["Endpoints", "Public keys"],
    &["Projects", "API keys", "Audit"],
    &["Events", "Deliveries", "Replays", "Erasures", "Reports"],
    &["Return URL", "Return links", "Notification users", "Console", "Egress IPs", "Key ring"],
];

#[test]
fn schemathesis_finds_no_difference_between_the_api_and_its_document() {
    run(async {
        let python = tools::python_with("schemathesis", &home().join("requirements.txt")).await;
        let python = python.unwrap_or_else(|error| panic!("{error}"));
        let stack = stack().await;
        let document = document().await;
        let tags: BTreeSet<&str> =
            document["tags"].as_array().unwrap().iter().filter_map(|tag| tag["name"].as_str()).collect();
        assert_eq!(tags, PARTS.iter().copied().flatten().copied().collect());
        let test = async |tags: &&[&str]| {
            let customer = Customer::new(stack, format!("/{}", tags[0].replace(' ', "-"))).await;
            test_operations(stack, &customer, &python.with_file_name("schemathesis"), &document, tags).await
        };
        let failures = join_all(PARTS.iter().map(test)).await;
        assert!(failures.iter().all(Option::is_none), "{}", failures.into_iter().flatten().collect::<String>());
    });
}

/// Tests the operations with these tags. Returns the output if a check failed.
async fn test_operations(
    stack: &'static Stack,
    customer: &Customer,
    program: &Path,
    document: &Value,
    tags: &[&str],
) -> Option<String> {
    let document = with_ids(document.clone(), &Ids::of(stack, customer).await);
    let dir = tempfile::tempdir().unwrap();
    let (document_path, config_path) = (dir.path().join("openapi.json"), dir.path().join("schemathesis.toml"));
    tokio::fs::write(&document_path, document.to_string()).await.unwrap();
    tokio::fs::write(&config_path, config(&stack.operator_key)).await.unwrap();

    let mut command = Command::new(program);
    command.arg("--config-file").arg(&config_path).arg("run").arg(&document_path).args(["--url", &stack.api_url]);
    command.args(["--checks", "all", "--max-examples", MAX_EXAMPLES, "--seed", SEED, "--no-color"]);
    command.args(tags.iter().flat_map(|tag| ["--include-tag", tag]));
    command.current_dir(dir.path()).stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output().await.unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    println!("{tags:?} {}", stdout.split("SUMMARY").last().unwrap_or_default());
    (!output.status.success()).then(|| format!("{stdout}{}", String::from_utf8_lossy(&output.stderr)))
}

fn home() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("schemathesis")
}

/// Ids of existing resources, by the path segment before them or by operation. Generated ids would not exist.
struct Ids(Value);

impl Ids {
    async fn of(stack: &'static Stack, customer: &Customer) -> Self {
        let event = customer.publish(&json!({"type": "approved", "submissionId": "sub_1", "data": {"a": 1}})).await;
        let delivery = customer.wait_for_state(&event, "delivered").await;
        let test = format!("/endpoints/{}/test", customer.endpoint());
        let test = customer.post(&test, &json!({"type": "approved"})).await;
        let key = customer.post("/return-url/keys", &json!({})).await;
        customer.post("/return-url/keys", &json!({"overlapDays": 7})).await;
        let range = json!({"from": delivery["attempts"][0]["at"], "to": test["attempt"]["at"], "state": "delivered"});
        let replay = customer.post("/replays", &range).await;
        let api_keys = customer.get("/api-keys").await;
        let user = json!({"name": "Ada", "email": "ada@customer.example"});
        let user = customer.post("/notification-users", &user).await;
        let other = Customer::new(stack, format!("{}-to-be-deleted", customer.path())).await;
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
            "/notification-users/": user["id"],
            "/audit/": 2,
        }))
    }

    /// The id for the path parameter `name` of an operation.
    fn for_parameter(&self, operation: &Value, path: &str, name: &str) -> Option<&Value> {
        let before = path.split(&format!("{{{name}}}")).next()?;
        let of_operation = operation["operationId"].as_str().filter(|_| name == "pid").and_then(|id| self.0.get(id));
        of_operation
            .or_else(|| self.0.as_object()?.iter().find(|(segment, _)| before.ends_with(*segment)).map(|(_, id)| id))
    }
}

/// The committed OpenAPI document.
async fn document() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../functions/api/openapi.json");
    serde_json::from_slice(&tokio::fs::read(path).await.unwrap()).unwrap()
}

/// The document with the path parameters restricted to existing ids.
fn with_ids(mut document: Value, ids: &Ids) -> Value {
    for (path, item) in document["paths"].as_object_mut().unwrap() {
        for operation in item.as_object_mut().unwrap().values_mut() {
            let original = operation.clone();
            for parameter in operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten() {
                let name = parameter["name"].as_str().unwrap().to_owned();
                if let Some(id) = ids.for_parameter(&original, path, &name).filter(|_| parameter["in"] == "path") {
                    parameter["schema"] = json!({"enum": [id]});
                }
            }
        }
    }
    document
}

/// Configuration of schemathesis.
fn config(key: &str) -> String {
    let hooks = home().join("hooks.py");
    let hooks = hooks.to_str().unwrap();
    let mut config = format!("hooks = {hooks:?}\n[auth.openapi.x-api-key]\napi_key = {key:?}\n");
    // The document cannot express whether `If-Match` is current or a limit is reached. `hooks.py` checks the problems of these
    // responses.
    let accepted = json!(["2xx", "3xx", "401", "403", "404", "409", "410", "412", "422", "429", "503"]);
    write!(config, "[checks.positive_data_acceptance]\nexpected-statuses = {accepted}\n").unwrap();
    let rejected = json!(["400", "401", "403", "404", "405", "406", "409", "412", "413", "414", "415", "422", "429"]);
    write!(config, "[checks.negative_data_rejection]\nexpected-statuses = {rejected}\n").unwrap();
    // Issuing or rotating a key without an overlap invalidates other keys, so these operations may not find a key that was created.
    let unavailable =
        json!(["activateReturnUrlKey", "deleteReturnUrlKey", "readApiKey", "rotateApiKey", "revokeApiKey"]);
    write!(config, "[[operations]]\ninclude-operation-id = {unavailable}\n").unwrap();
    config + "checks.ensure_resource_availability.enabled = false\n"
}
