//! The files in `events/`, which people invoke by hand, given to the real functions.

use std::path::Path;

use e2e::{run, stack};
use serde_json::Value;

/// The functions, by the beginning of their samples' names.
const FUNCTIONS: [&str; 6] = ["api", "daily-digest", "mail-feedback", "redirect", "webhook-retry", "webhook-sender"];

#[test]
fn every_sample_event_is_taken_by_its_function() {
    run(async {
        let stack = stack().await;
        for (name, event) in samples() {
            let function = function_of(&name);
            let answer = stack.invoke(function, event).await.unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(answer.get("errorMessage"), None, "{name}");
            assert_eq!(answer.get("batchItemFailures").unwrap_or(&Value::Array(Vec::new())), &Value::Array(Vec::new()));
            let status = answer.get("statusCode").and_then(Value::as_u64).unwrap_or(200);
            assert!(status < 500, "{name} was answered with {status}");
        }
    });
}

#[test]
fn every_function_has_a_sample_event() {
    let names: Vec<String> = samples().into_iter().map(|(name, _)| name).collect();
    for function in FUNCTIONS {
        assert!(names.iter().any(|name| function_of(name) == function), "{function}");
    }
}

fn function_of(name: &str) -> &'static str {
    let function = FUNCTIONS.into_iter().find(|function| name.starts_with(function));
    function.unwrap_or_else(|| panic!("{name} does not begin with a function's name"))
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
