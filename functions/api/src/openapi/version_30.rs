//! The document in version 3.0 of OpenAPI, for programs that generate clients and do not support version 3.1.
//!
//! It describes the same API, less exactly: rules that version 3.0 or these programs cannot express are left out.

use serde_json::{Map, Value, json};

use super::flatten;
use super::schemas::members;

/// Members of a schema that version 3.0 does not have, and a rule that programs do not support.
const LEFT_OUT: [&str; 4] = ["contentEncoding", "contentMediaType", "not", "propertyNames"];

/// Rewrites a document of version 3.1.
pub(super) fn of(document: &Value) -> Value {
    let mut document = document.clone();
    document["openapi"] = "3.0.3".into();
    // Webhooks are new in version 3.1, and only they use the parameters.
    members(&mut document).remove("webhooks");
    members(&mut document["components"]).remove("parameters");
    document["info"]["license"].as_object_mut().and_then(|license| license.remove("identifier"));
    flatten::flatten_forms(members(&mut document["components"]["schemas"]));
    convert(&mut document);
    for operation in members(&mut document["paths"]).values_mut().flat_map(|path| members(path).values_mut()) {
        keep_one_body(members(&mut operation["responses"]));
    }
    document
}

/// Leaves one schema for all successful responses of an operation. A response without a body is left out if there is another.
fn keep_one_body(responses: &mut Map<String, Value>) {
    let schema = |response: &Value| response.pointer("/content/application~1json/schema").cloned();
    let is_success = |status: &str| status.starts_with('2');
    let mut schemas: Vec<Value> = responses
        .iter()
        .filter(|(status, _)| is_success(status))
        .filter_map(|(_, response)| schema(response))
        .collect();
    schemas.dedup();
    if schemas.is_empty() {
        return;
    }
    responses.retain(|status, response| !is_success(status) || schema(response).is_some());
    if schemas.len() > 1 {
        let either = json!({ "oneOf": schemas });
        for (_, response) in responses.iter_mut().filter(|(status, _)| is_success(status)) {
            response["content"]["application/json"]["schema"] = either.clone();
        }
    }
}

/// Converts all schemas below `value`.
fn convert(value: &mut Value) {
    match value {
        Value::Object(object) => {
            name_forms(object);
            for (name, part) in object.iter_mut() {
                match name.as_str() {
                    // The names of properties are not keywords.
                    "properties" => members(part).values_mut().for_each(convert),
                    "default" | "enum" | "example" | "examples" => {}
                    _ => convert(part),
                }
            }
            convert_schema(object);
        }
        Value::Array(items) => items.iter_mut().for_each(convert),
        _ => {}
    }
}

/// Leaves of each form or part that has a name only the name, so that clients use the type of this name.
fn name_forms(schema: &mut Map<String, Value>) {
    let lists = schema.iter_mut().filter(|(name, _)| matches!(name.as_str(), "allOf" | "oneOf"));
    let forms = lists.filter_map(|(_, forms)| forms.as_array_mut()).flatten();
    for form in forms.filter_map(Value::as_object_mut).filter(|form| form.contains_key("$ref")) {
        form.retain(|name, _| name == "$ref");
    }
}

fn convert_schema(schema: &mut Map<String, Value>) {
    schema.retain(|name, _| !LEFT_OUT.contains(&name.as_str()));
    if let Some(only) = schema.remove("const") {
        schema.insert("enum".to_owned(), json!([only]));
    }
    if let Some(Value::Array(examples)) = schema.get("examples") {
        let first = examples.first().cloned().unwrap_or_default();
        schema.remove("examples");
        schema.insert("example".to_owned(), first);
    }
    if let Some(Value::Array(types)) = schema.get("type").cloned() {
        let [first, ..] = &types[..] else { return };
        schema.insert("type".to_owned(), first.clone());
        schema.insert("nullable".to_owned(), true.into());
    }
    if let Some(Value::Array(mut choices)) = schema.remove("oneOf") {
        let count = choices.len();
        choices.retain(|choice| choice["type"] != "null");
        if choices.len() < count {
            schema.insert("nullable".to_owned(), true.into());
        }
        match &choices[..] {
            [Value::Object(only)] if !only.contains_key("$ref") => *schema = merged(only, schema),
            [_] => drop(schema.insert("allOf".to_owned(), choices.into())),
            _ => drop(schema.insert("oneOf".to_owned(), choices.into())),
        }
    }
    // In this version, members beside a reference are ignored.
    if schema.len() > 1
        && let Some(reference) = schema.remove("$ref")
    {
        schema.insert("allOf".to_owned(), json!([{ "$ref": reference }]));
    }
}

/// The members of both; for members that both have, those of `over`.
fn merged(under: &Map<String, Value>, over: &Map<String, Value>) -> Map<String, Value> {
    under.clone().into_iter().chain(over.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn converted(schema: &Value) -> Value {
        let document = json!({
            "openapi": "3.1.0", "webhooks": {}, "info": {"license": {"name": "MIT", "identifier": "MIT"}},
            "paths": {}, "components": {"schemas": {"Tested": schema}},
        });
        let document = of(&document);
        assert_eq!((&document["openapi"], &document["webhooks"]), (&json!("3.0.3"), &Value::Null));
        assert_eq!(document["info"]["license"], json!({"name": "MIT"}));
        document["components"]["schemas"]["Tested"].clone()
    }

    #[test]
    fn null_and_constants_are_written_as_in_version_3_0() {
        let reference = json!({"$ref": "#/components/schemas/Other"});
        for (schema, expected) in [
            (
                json!({"type": ["string", "null"], "enum": ["a", null]}),
                json!({"type": "string", "nullable": true, "enum": ["a", null]}),
            ),
            (json!({"oneOf": [{"type": "null"}, reference]}), json!({"nullable": true, "allOf": [reference]})),
            (
                json!({"oneOf": [{"type": "null"}, {"type": "string", "description": "b"}], "description": "a"}),
                json!({"type": "string", "description": "a", "nullable": true}),
            ),
            (json!({"const": 1, "examples": [1, 2]}), json!({"enum": [1], "example": 1})),
            (json!({"type": "object", "not": {}, "propertyNames": {}}), json!({"type": "object"})),
        ] {
            let tested = converted(&json!({"type": "object", "properties": {"not": schema}}));
            assert_eq!(tested["properties"]["not"], expected);
        }
    }

    #[test]
    fn a_description_beside_a_reference_is_kept_except_in_a_form() {
        let reference = json!({"$ref": "#/components/schemas/Other", "description": "a"});
        let form = json!({"$ref": "#/components/schemas/Other"});
        let tested = converted(&json!({"type": "object", "properties": {"one": reference}}));
        assert_eq!(tested["properties"]["one"], json!({"description": "a", "allOf": [form]}));
        assert_eq!(converted(&json!({"oneOf": [reference, reference]})), json!({"oneOf": [form, form]}));
    }

    #[test]
    fn successful_responses_share_one_schema() {
        let body = |name: &str| json!({"content": {"application/json": {"schema": {"title": name}}}});
        let responses = |responses: Value| {
            let mut responses = responses.as_object().unwrap().clone();
            keep_one_body(&mut responses);
            Value::Object(responses)
        };
        assert_eq!(responses(json!({"204": {}})), json!({"204": {}}));
        assert_eq!(responses(json!({"200": body("a"), "204": {}, "404": {}})), json!({"200": body("a"), "404": {}}));
        let either = json!({"content": {"application/json": {"schema": {"oneOf": [{"title": "a"}, {"title": "b"}]}}}});
        assert_eq!(responses(json!({"200": body("a"), "202": body("b")})), json!({"200": either, "202": either}));
    }
}
