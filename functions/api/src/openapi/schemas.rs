//! Completes the schemas of the document: rules that types cannot express, `null`, and what programs that generate clients need.

use serde_json::{Map, Value};

use super::{flatten, parsers};

/// Completes all schemas.
pub(super) fn complete(schemas: &mut Value) {
    parsers::refine(schemas);
    let is_request = |name: &str| parsers::KNOWN.iter().any(|(known, _)| *known == name);
    for (_, schema) in members(schemas).iter_mut().filter(|(name, _)| !is_request(name)) {
        forbid_null(schema);
    }
    for schema in members(schemas).values_mut() {
        raise_descriptions(schema);
        open_objects(schema);
    }
    flatten::flatten_combined(members(schemas));
}

/// The members of an object.
pub(super) fn members(value: &mut Value) -> &mut Map<String, Value> {
    value.as_object_mut().expect("the value is an object")
}

/// Renames list schemas, such as `List_Delivery` to `DeliveryList`.
pub(super) fn name_lists(document: &mut Value) {
    let schemas = document["components"]["schemas"].as_object().expect("the document has schemas");
    let names: Vec<String> = schemas.keys().filter_map(|name| name.strip_prefix("List_")).map(str::to_owned).collect();
    let mut text = document.to_string();
    for name in names {
        text = text.replace(&format!("List_{name}\""), &format!("{name}List\""));
    }
    *document = serde_json::from_str(&text).expect("replacing names keeps the JSON valid");
}

/// Says of each object without listed members that it may have any. Programs that generate clients take it for an empty one.
fn open_objects(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            let is_bare = ["properties", "additionalProperties", "allOf", "oneOf"]
                .iter()
                .all(|name| !members.contains_key(*name));
            if is_bare && members.get("type").is_some_and(|kind| kind == "object") {
                members.insert("additionalProperties".to_owned(), true.into());
            }
            members.iter_mut().filter(|(name, _)| *name != "example").for_each(|(_, part)| open_objects(part));
        }
        Value::Array(items) => items.iter_mut().for_each(open_objects),
        _ => {}
    }
}

/// Moves the description of a field that may be `null` from one of its alternatives to the field.
fn raise_descriptions(schema: &mut Value) {
    for property in schema.get_mut("properties").into_iter().flat_map(|fields| members(fields).values_mut()) {
        let choices = property.get_mut("oneOf").and_then(Value::as_array_mut).into_iter().flatten();
        let choice = choices.filter_map(Value::as_object_mut).find(|choice| choice.contains_key("$ref"));
        let description = choice.and_then(|choice| choice.remove("description"));
        if let Some(description) = description {
            property["description"] = description;
        }
    }
}

/// Removes `null` from optional fields of responses, because the API leaves such fields out.
fn forbid_null(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            let required = object.get("required").cloned().unwrap_or_default();
            let is_required = |name: &str| required.as_array().is_some_and(|names| names.iter().any(|one| one == name));
            for (name, property) in object.get_mut("properties").into_iter().flat_map(members) {
                if !is_required(name) {
                    strip_null(property);
                }
            }
            object.values_mut().for_each(forbid_null);
        }
        Value::Array(items) => items.iter_mut().for_each(forbid_null),
        _ => {}
    }
}

/// Removes `null` from the values that a schema allows.
pub(super) fn strip_null(schema: &mut Value) {
    let Some(object) = schema.as_object_mut() else { return };
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = &types[..] {
            let only = only.clone();
            object.insert("type".to_owned(), only);
        }
    }
    let Some(Value::Array(choices)) = object.get_mut("oneOf") else { return };
    choices.retain(|choice| choice["type"] != "null");
    if let [only] = &mut choices[..] {
        let only = only.take();
        object.remove("oneOf");
        object.extend(only.as_object().cloned().unwrap_or_default());
    }
}
