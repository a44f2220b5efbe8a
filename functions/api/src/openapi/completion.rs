//! Adds to the OpenAPI document what all operations share: summaries, parameters, conditions, problems and headers.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::schemas::{self, members, strip_null};
use crate::http::problem_kind::ProblemKind;

/// Completes a document that was generated from the handlers and types.
pub(super) fn complete(document: &mut Value) {
    let mut problem_responses = BTreeMap::new();
    for (path, item) in members(&mut document["paths"]) {
        for (method, operation) in members(item) {
            if path.contains("{pid}") {
                add_project_parameter(operation);
            }
            summarize(operation);
            tidy_parameters(operation);
            require_body(operation);
            if method == "get" {
                add_conditions(operation);
            }
            let kinds = problems(method, operation);
            operation["x-problems"] = kinds.iter().map(|kind| kind.name()).collect();
            add_responses(operation, &kinds, &mut problem_responses);
        }
    }
    for (name, kinds) in problem_responses {
        document["components"]["responses"][name] = problem_response(&kinds);
    }
    document["components"]["headers"] = headers();
    schemas::complete(&mut document["components"]["schemas"]);
    document["x-problem-types"] = problem_types();
    schemas::name_lists(document);
}

fn add_project_parameter(operation: &mut Value) {
    let parameter = json!({
        "name": "pid", "in": "path", "required": true, "description": "Id of the project.",
        "schema": {"$ref": "#/components/schemas/ProjectId"},
    });
    parameters(operation).insert(0, parameter);
}

/// The parameters of an operation.
fn parameters(operation: &mut Value) -> &mut Vec<Value> {
    let parameters = members(operation).entry("parameters").or_insert_with(|| json!([]));
    parameters.as_array_mut().expect("parameters are an array")
}

/// Makes the doc comment of the handler the description, and the operation's id in words the summary.
fn summarize(operation: &mut Value) {
    // `utoipa` splits a doc comment into its first line and the rest.
    let parts = ["summary", "description"].map(|name| operation[name].as_str().unwrap_or_default().trim());
    let description = parts.join("\n");
    assert!(!parts[0].is_empty(), "{} has no doc comment", operation["operationId"]);
    operation["description"] = description.trim().into();
    operation["summary"] = in_words(operation["operationId"].as_str().expect("an operation has an id")).into();
}

/// Returns an id in words: `readApiKey` becomes "Read API key".
fn in_words(id: &str) -> String {
    let mut words = String::new();
    for letter in id.chars() {
        if letter.is_uppercase() {
            words.push(' ');
        }
        words.extend(letter.to_lowercase());
    }
    let words = words.replace(" api ", " API ").replace(" url", " URL").replace(" ips", " IPs");
    words[..1].to_uppercase() + &words[1..]
}

/// Removes `null` from the values of parameters, because a parameter can only be left out.
fn tidy_parameters(operation: &mut Value) {
    let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten();
    for parameter in parameters {
        strip_null(&mut parameter["schema"]);
    }
}

/// Marks bodies that can be left out.
fn require_body(operation: &mut Value) {
    if operation["requestBody"].is_object() && operation["requestBody"]["required"].is_null() {
        operation["requestBody"]["required"] = false.into();
        let schema = &mut operation["requestBody"]["content"]["application/json"]["schema"];
        strip_null(schema);
    }
}

/// Returns the kinds of problems of an operation: those that its handler names, and those that follow from its parameters and body.
fn problems(method: &str, operation: &Value) -> Vec<ProblemKind> {
    let own = operation["x-problems"].as_array().into_iter().flatten();
    let mut names: BTreeSet<&str> = own.filter_map(Value::as_str).collect();
    let parameters: Vec<&Value> = operation["parameters"].as_array().into_iter().flatten().collect();
    let is_in = |place: &str| parameters.iter().any(|parameter| parameter["in"] == place);
    let takes_key = operation["security"].is_array();
    names.extend(["url-too-long", "bad-query"]);
    if takes_key {
        names.extend(["unknown-key", "expired-key", "forbidden", "too-many-calls", "internal", "unavailable"]);
    }
    if is_in("path") {
        // An id with a `/` in it makes the path that of another route, which may not support the method.
        names.extend(["not-found", "method-not-allowed"]);
    }
    if operation["requestBody"].is_object() {
        names.extend(["malformed-body", "too-large", "unsupported-media-type", "bad-fields"]);
    }
    if parameters.iter().any(|parameter| parameter["name"] == "Idempotency-Key") {
        names.extend(["bad-header", "request-running", "idempotency-key-reused", "too-large"]);
    }
    if parameters.iter().any(|parameter| parameter["name"] == "If-Match") {
        names.insert("precondition-failed");
    }
    let is_named = |kind: &&ProblemKind| names.contains(kind.name());
    let kinds: Vec<ProblemKind> = ProblemKind::ALL.iter().filter(is_named).copied().collect();
    assert_eq!(kinds.len(), names.len(), "{method} names a problem that does not exist: {names:?}");
    kinds
}

/// Documents the conditions of a read (RFC 9110, section 13). Reads without an `ETag` fail a condition that names one.
fn add_conditions(operation: &mut Value) {
    let parameter = |name: &str, description: &str| json!({"name": name, "in": "header", "required": false, "description": description, "schema": {"type": "string"}});
    let has_tag = has_tag(&operation["responses"]["200"]);
    let parameters = parameters(operation);
    parameters.push(parameter("If-Match", "Fails with 412 unless this is the current `ETag`, or `*`."));
    if has_tag {
        parameters.push(parameter(
            "If-None-Match",
            "The `ETag` of the copy that you have. If it is current, the response is 304.",
        ));
        operation["responses"]["304"] = json!({
            "description": "Your copy is current.", "headers": {"ETag": {"$ref": "#/components/headers/ETag"}},
        });
    }
}

/// Whether a response has an `ETag`.
fn has_tag(response: &Value) -> bool {
    SETTINGS.iter().any(|name| response["content"]["application/json"]["schema"]["$ref"] == reference(name))
}

/// The schemas of resources and documents that have an `ETag`, and of responses to their writes.
const SETTINGS: [&str; 13] = [
    "ApiKey",
    "EgressIps",
    "Endpoint",
    "EventTypeList",
    "IssuedReturnUrlKey",
    "JwkSet",
    "NewKeyPair",
    "NotificationUser",
    "Project",
    "ReturnUrlKeyList",
    "ReturnUrlSettings",
    "RotatedSecret",
    "SecretKey",
];

fn reference(schema: &str) -> String {
    format!("#/components/schemas/{schema}")
}

/// Adds headers to successful responses, and one shared response for each status of `kinds`, which is collected in
/// `problem_responses`.
fn add_responses(
    operation: &mut Value,
    kinds: &[ProblemKind],
    problem_responses: &mut BTreeMap<String, Vec<ProblemKind>>,
) {
    let takes_key = operation["security"].is_array();
    let is_idempotent =
        operation["parameters"].as_array().into_iter().flatten().any(|one| one["name"] == "Idempotency-Key");
    for (_, response) in members(&mut operation["responses"]) {
        let mut names = vec!["x-request-id"];
        if takes_key {
            names.extend(["RateLimit", "RateLimit-Policy"]);
        }
        if is_idempotent {
            names.push("Idempotent-Replayed");
        }
        if has_tag(response) {
            names.push("ETag");
        }
        for name in names {
            response["headers"][name] = json!({"$ref": format!("#/components/headers/{name}")});
        }
    }
    let mut by_status: BTreeMap<u16, Vec<ProblemKind>> = BTreeMap::new();
    for kind in kinds {
        by_status.entry(kind.status().as_u16()).or_default().push(*kind);
    }
    for (status, kinds) in by_status {
        let name = kinds.iter().map(|kind| format!("{kind:?}")).collect::<Vec<_>>().join("Or");
        operation["responses"][status.to_string()] = json!({"$ref": format!("#/components/responses/{name}")});
        problem_responses.insert(name, kinds);
    }
}

fn problem_response(kinds: &[ProblemKind]) -> Value {
    let description: Vec<String> = kinds.iter().map(|kind| format!("`{}`: {}", kind.name(), meaning(*kind))).collect();
    let examples: Map<String, Value> =
        kinds.iter().map(|kind| (kind.name().to_owned(), json!({"value": problem_example(*kind)}))).collect();
    let mut headers = json!({"x-request-id": {"$ref": "#/components/headers/x-request-id"}});
    if kinds.iter().any(|kind| matches!(kind.status().as_u16(), 429 | 503)) {
        headers["Retry-After"] = json!({"$ref": "#/components/headers/Retry-After"});
    }
    json!({
        "description": description.join("\n\n"),
        "headers": headers,
        "content": {"application/problem+json": {
            "schema": {"$ref": "#/components/schemas/Problem"}, "examples": examples,
        }},
    })
}

fn problem_example(kind: ProblemKind) -> Value {
    let mut problem = json!({
        "type": format!("/problems/{}", kind.name()),
        "title": kind.status().canonical_reason(),
        "status": kind.status().as_u16(),
        "detail": meaning(kind),
        "requestId": "8d7f6a3c-1b1e-4d0b-9c36-0a3c0a5a4b11",
    });
    if kind == ProblemKind::BadFields {
        problem["errors"] = json!([{"pointer": "/name", "detail": "is required"}]);
    }
    problem
}

fn meaning(kind: ProblemKind) -> String {
    kind.meaning().trim().to_owned()
}

/// All kinds of problems, for readers of the document.
pub(super) fn problem_types() -> Value {
    let problem_type = |kind: &ProblemKind| {
        json!({
            "type": format!("/problems/{}", kind.name()), "status": kind.status().as_u16(),
            "title": kind.status().canonical_reason(), "description": meaning(*kind),
        })
    };
    ProblemKind::ALL.iter().map(problem_type).collect()
}

fn headers() -> Value {
    let header = |description: &str, schema: Value| json!({"description": description, "schema": schema});
    json!({
        "x-request-id": header("Id of the request in the operator's logs.", json!({"type": "string"})),
        "ETag": header("Tag of the current settings or document, for `If-Match` and `If-None-Match`.", json!({"type": "string"})),
        "Idempotent-Replayed": header(
            "`true` if this is the stored response of an earlier request with the same `Idempotency-Key`.",
            json!({"type": "string", "const": "true"}),
        ),
        "Retry-After": header("Seconds to wait before a retry.", json!({"type": "integer", "minimum": 1})),
        "RateLimit": header(
            "For project keys: calls left in the window, and seconds until the next window, such as `\"key\";r=990;t=4`.",
            json!({"type": "string"}),
        ),
        "RateLimit-Policy": header(
            "For project keys: calls per window, and the length of the window in seconds, such as `\"key\";q=1000;w=10`.",
            json!({"type": "string"}),
        ),
    })
}
