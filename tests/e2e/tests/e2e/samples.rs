//! Invokes the functions with the sample events in `events/`.

use std::path::Path;

use e2e::{run, stack};
use serde_json::Value;

trials! {
    every_function_accepts_its_sample_events,
    every_function_has_a_sample_event,
}

/// The functions. The name of a sample event starts with the name of its function.
const FUNCTIONS: [&str; 9] = [
    "api",
    "authorizer",
    "console",
    "daily-digest",
    "feed",
    "mail-feedback",
    "redirect",
    "webhook-retry",
    "webhook-sender",
];

fn every_function_accepts_its_sample_events() {
    run(async {
        let stack = stack().await;
        for (name, event) in samples() {
            let function = function_of(&name);
            let response = stack.invoke(function, event).await.unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(response.get("errorMessage"), None, "{name}");
            assert_eq!(
                response.get("batchItemFailures").unwrap_or(&Value::Array(Vec::new())),
                &Value::Array(Vec::new())
            );
            let status = response.get("statusCode").and_then(Value::as_u64).unwrap_or(200);
            assert!(status < 500, "{name}: {status}");
        }
    });
}

fn every_function_has_a_sample_event() {
    let names: Vec<String> = samples().into_iter().map(|(name, _)| name).collect();
    for function in FUNCTIONS {
        assert!(names.iter().any(|name| function_of(name) == function), "{function}");
    }
}

fn function_of(name: &str) -> &'static str {
    let function = FUNCTIONS.into_iter().find(|function| name.starts_with(function));
    function.unwrap_or_else(|| panic!("{name} does not start with the name of a function"))
}

fn samples() -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events");
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    files
        .map(|path| {
            let event = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
            (path.file_stem().unwrap().to_str().unwrap().to_owned(), event)
        })
        .collect()
}
