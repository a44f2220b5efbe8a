//! Whether the responses of the API are as its OpenAPI document says.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use jsonschema::Validator;
use serde_json::{Value, json};
use stack::api_client::Answer;

/// The committed document.
static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../functions/api/openapi.json");
    let text = std::fs::read(path).expect("the document is committed");
    serde_json::from_slice(&text).expect("the document is JSON")
});

/// Validators by their schema. A test makes the same calls many times.
static VALIDATORS: LazyLock<Mutex<HashMap<String, Arc<Validator>>>> = LazyLock::new(Mutex::default);

/// Checks a response.
///
/// # Panics
///
/// If the document has no such call or status, or the body does not match its schema.
pub fn check(answer: Answer<'_>) {
    // The gateway, not the API, answers when the function fails.
    let is_ours = answer.status < 500 || answer.content_type == "application/problem+json";
    if let (true, Err(difference)) = (is_ours, difference(answer)) {
        panic!("{} was answered with {}: {difference}: {}", answer.call, answer.status, answer.body);
    }
}

fn difference(answer: Answer<'_>) -> Result<(), String> {
    let (method, path) = answer.call.split_once(' ').ok_or("no method")?;
    let path = path.split('?').next().unwrap_or_default();
    let paths = DOCUMENT["paths"].as_object().ok_or("the document has no paths")?;
    let operation = paths
        .iter()
        .filter(|(template, _)| matches(template, path))
        .min_by_key(|(template, _)| template.matches('{').count());
    let operation =
        operation.and_then(|(_, item)| item.get(method.to_lowercase())).ok_or("the call is not documented")?;
    let response = operation["responses"].get(answer.status.to_string()).ok_or("the status is not documented")?;
    let response = resolve(response);
    let Some(content) = response["content"].as_object() else {
        return if answer.body.is_empty() { Ok(()) } else { Err("the body is not documented".to_owned()) };
    };
    let schema = &content.get(answer.content_type).ok_or("the type of the content is not documented")?["schema"];
    let body = serde_json::from_str(answer.body).map_err(|error| error.to_string())?;
    let errors: Vec<String> =
        validator(schema)?.iter_errors(&body).map(|error| format!("{error} at {}", error.instance_path())).collect();
    if errors.is_empty() { Ok(()) } else { Err(errors.join("; ")) }
}

/// Whether a path is one of a template such as `/v1/projects/{pid}`.
fn matches(template: &str, path: &str) -> bool {
    let (mut expected, mut segments) = (template.split('/'), path.split('/'));
    loop {
        match (expected.next(), segments.next()) {
            (None, None) => return true,
            (Some(expected), Some(segment)) if expected.starts_with('{') || expected == segment => {}
            _ => return false,
        }
    }
}

/// Follows a reference to a part of the document.
fn resolve(part: &Value) -> &Value {
    match part["$ref"].as_str().and_then(|path| path.strip_prefix('#')) {
        Some(pointer) => DOCUMENT.pointer(pointer).unwrap_or(part),
        None => part,
    }
}

fn validator(schema: &Value) -> Result<Arc<Validator>, String> {
    let mut validators = VALIDATORS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = validators.get(&schema.to_string()) {
        return Ok(Arc::clone(known));
    }
    let with_components = json!({ "allOf": [schema], "components": DOCUMENT["components"] });
    let validator = Arc::new(jsonschema::draft202012::new(&with_components).map_err(|error| error.to_string())?);
    validators.insert(schema.to_string(), Arc::clone(&validator));
    Ok(validator)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(call: &str, status: u16, content_type: &str, body: &str) -> Result<(), String> {
        difference(Answer { call, status, content_type, body })
    }

    #[test]
    fn a_response_is_compared_with_its_schema() {
        let (call, json) = ("GET /v1/egress-ips?", "application/json");
        let good = r#"{"updatedAt":"2026-11-22T08:30:00.000Z","ips":[]}"#;
        assert_eq!(found(call, 200, json, good), Ok(()));
        assert_eq!(found(call, 304, "", ""), Ok(()));
        for (call, status, content_type, body) in [
            (call, 200, json, r#"{"updatedAt":"2026-11-22T08:30:00.000Z"}"#),
            (call, 200, json, r#"{"updatedAt":"2026-11-22T08:30:00.000Z","ips":[1]}"#),
            (call, 200, "text/plain", good),
            (call, 201, json, good),
            ("GET /v1/other", 200, json, good),
            ("PUT /v1/egress-ips", 200, json, good),
        ] {
            assert!(found(call, status, content_type, body).is_err(), "{call} {status} {content_type} {body}");
        }
    }
}
