//! Generates example values from schemas.

use serde_json::{Map, Value, json};

/// Follows a reference (`#/components/…`) in `schema`.
pub(super) fn resolve<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    let Some(reference) = schema["$ref"].as_str() else { return schema };
    document.pointer(reference.trim_start_matches('#')).unwrap_or_else(|| panic!("{reference} does not exist"))
}

/// Returns a value that `schema` allows: its example, or one composed of the examples of its parts.
pub(super) fn example(document: &Value, schema: &Value) -> Value {
    if let Some(example) = schema.get("example").or_else(|| schema["examples"].get(0)) {
        return example.clone();
    }
    if schema["$ref"].is_string() {
        return example_of_reference(document, schema);
    }
    if let Some(first) = schema["enum"].get(0).or_else(|| schema.get("const")).or_else(|| schema.get("default")) {
        return first.clone();
    }
    if let Some(parts) = schema["allOf"].as_array() {
        let parts = parts.iter().filter_map(|part| example(document, part).as_object().cloned());
        return parts.flatten().collect::<Map<_, _>>().into();
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let choice = choices.iter().find(|choice| choice["type"] != "null");
        return choice.map_or(Value::Null, |choice| example(document, choice));
    }
    match type_of(schema) {
        "object" => properties(schema).map(|(name, property)| (name.clone(), example(document, property))).collect(),
        "array" => json!([example(document, &schema["items"])]),
        "integer" | "number" => schema.get("minimum").cloned().unwrap_or(json!(1)),
        "boolean" => json!(false),
        _ => json!("…"),
    }
}

fn example_of_reference(document: &Value, schema: &Value) -> Value {
    example(document, resolve(document, schema))
}

/// The properties of an object.
pub(super) fn properties(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    schema["properties"].as_object().into_iter().flatten()
}

/// The type that the schema allows besides `null`.
pub(super) fn type_of(schema: &Value) -> &str {
    let types = schema["type"].as_array().into_iter().flatten().chain([&schema["type"]]);
    types.filter_map(Value::as_str).find(|name| *name != "null").unwrap_or("")
}
